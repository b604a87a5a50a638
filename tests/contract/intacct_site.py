"""A false Intacct company behind a real server, with one customer, and our adapter to it: for the contract tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Mount

from connector.adapters.intacct import IntacctErp, IntacctMapping, IntacctSettings
from connector.adapters.intacct.settings import SettlementEntry
from connector.receivables import CloseIntent
from connector.settlement import SettleThrough
from sandbox.clock import Sequence, WorldClock
from sandbox.faults import Faults, Kind, Rule
from sandbox.intacct import Intacct
from sandbox.serving import Background
from tests.contract.erp_site import NOW, ErpSite
from tests.fakes.ledger_erp import At, Trouble

# How the suite's troubles come to an Intacct company, by the operation that meets them.
OPERATIONS = {
    At.READ: "query",
    At.READ_BACK: "query",
    At.ACT: "act",
    At.REST: "act",
    At.DEPOSIT: "create",
    At.REVERSAL: "reverse_arpayment",
    At.STATUS: "update",
    At.EXCEPTION: "create",
}
TROUBLES: dict[Trouble, Kind] = {
    Trouble.LOST_BEFORE: "drop_before",
    Trouble.LOST_AFTER: "drop_after",
    Trouble.HALF: "drop_after",  # there is no half of a transaction
    Trouble.BUSY: "too_many",
    Trouble.LOGIN: "unauthorized",
}
ROLES = ("bank", "clearing", "fees", "refunds", "disputes", "adjustments", "reserves")


@dataclass
class Site(ErpSite):
    """A served company with one customer, and our adapter to it; `waits` are the pauses that it made."""

    intacct: Intacct
    faults: Faults
    clock: WorldClock
    erp: IntacctErp
    settings: IntacctSettings
    customer: str
    terms: str
    waits: list[float] = field(default_factory=list)
    numbers: int = 0

    @property
    def people(self) -> Intacct:
        return self.intacct

    def now(self) -> datetime:
        return self.clock()

    def later(self, hours: int) -> None:
        self.clock.move_to(self.now() + timedelta(hours=hours))

    def fault(self, kind: Kind, operation: str = "*", **changes: object) -> None:
        self.faults.install(Rule("intacct", kind, operation, **changes))  # type: ignore[arg-type]

    def upset(self, at: At, trouble: Trouble, times: int = 1) -> None:
        """A login that is refused once is tried with a new session, so it is refused twice."""
        twice = 2 if trouble is Trouble.LOGIN else 1
        self.fault(TROUBLES[trouble], OPERATIONS[at], times=times * twice)

    def refuse(self, intent: CloseIntent, place: int) -> None:
        """The payment is the last function of an act, which begins with the cancellations."""
        self.fault("record_refused", "act", record=place - 1, code="BL01001973")

    def unreadable_invoice(self) -> str:
        return self.invoice(due_on=None)

    def with_mapping(self, **parts: Any) -> IntacctErp:
        """From here on the adapter has this mapping, on the accounts that every sandbox has."""
        self.erp.close()
        self.erp = IntacctErp(self.settings, mapping(self.intacct.accounts, **parts), self, self.waits.append)
        return self.erp

    def with_settings(self, **changes: Any) -> IntacctErp:
        self.settings = replace(self.settings, **changes)
        return self.with_mapping()

    def paged(self, rows: int) -> IntacctErp:
        return self.with_settings(page_rows=rows)

    def impatient(self) -> IntacctErp:
        """From here on no answer is waited for long, so that a fault can outlast the wait."""
        return self.with_settings(read_seconds=3, write_seconds=1)

    def settled(self, through: SettleThrough = SettleThrough.CLEARING, **changes: Any) -> IntacctErp:
        return self.with_mapping(settlement=(settlement(self.intacct.accounts, through=through, **changes),))


@contextmanager
def served(**options: Any) -> Iterator[Site]:
    clock, faults = WorldClock(), Faults()
    clock.start_at(NOW)
    intacct = Intacct(clock, Sequence(clock), faults, **options)
    with Background(Starlette(routes=[Mount("/intacct", app=intacct.app)])) as background:
        profile = intacct.profile(f"{background.url}/intacct")
        settings = IntacctSettings(
            sender_id=profile["sender_id"],
            sender_password=SecretStr(profile["sender_password"]),
            company=profile["company"],
            user=profile["user"],
            user_password=SecretStr(profile["user_password"]),
            livemode=False,
            url=profile["url"],
        )
        terms = intacct.add_term("Net 30", 30)
        customer = intacct.add_customer("Northfield Robotics", "ap@northfield.example", terms)
        waits: list[float] = []
        made = Site(intacct, faults, clock, None, settings, customer, terms, waits)  # type: ignore[arg-type]
        made.erp = IntacctErp(settings, mapping(intacct.accounts), made, waits.append)
        yield made
        made.erp.close()
    assert [] == intacct.contract_violations


def mapping(chart: dict[str, str], **parts: object) -> IntacctMapping:
    """What mappings/intacct.yaml leaves to each company, on the sandbox's accounts."""
    given: dict[str, object] = {
        "account_time_zone": "UTC",
        "undeposited_account": chart["undeposited"],
        "advance_account": chart["advances"],
        "receivable_accounts": (chart["receivable"], chart["advances"]),  # money on account is what customers owe less
        "bad_debt_accounts": (chart["bad_debt"],),
    }
    return IntacctMapping.model_validate({**given, **parts})


def settlement(chart: dict[str, str], **changes: object) -> SettlementEntry:
    """US dollars on the accounts that every sandbox has, by role."""
    given: dict[str, object] = {"currency": "USD", "accounts": {role: chart[role] for role in ROLES}}
    return SettlementEntry.model_validate({**given, **changes})
