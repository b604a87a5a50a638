"""A false NetSuite account behind a real server, with one customer, and our adapter to it: for the contract tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Mount

from connector.adapters.netsuite import NetSuiteErp, NetSuiteMapping, NetSuiteSettings
from connector.adapters.netsuite.settings import SettlementEntry
from connector.receivables import CloseIntent
from connector.settlement import SettleThrough
from sandbox.clock import Sequence, WorldClock
from sandbox.faults import Faults, Kind, Rule
from sandbox.netsuite import NetSuite
from sandbox.serving import Background
from tests.contract.erp_site import NOW as NOW
from tests.contract.erp_site import TODAY as TODAY
from tests.contract.erp_site import ErpSite
from tests.contract.erp_site import usd as usd
from tests.fakes.ledger_erp import At, Trouble

# How the suite's troubles come to a NetSuite account, by the operation that meets them.
OPERATIONS = {
    At.READ: "suiteql",
    At.READ_BACK: "getList",
    At.ACT: "addList",
    At.REST: "updateList",
    At.DEPOSIT: "addList",
    At.STATUS: "upsertList",
    At.EXCEPTION: "upsertList",
    At.REVERSAL: "addList",
}
TROUBLES: dict[Trouble, Kind] = {
    Trouble.LOST_BEFORE: "drop_before",
    Trouble.LOST_AFTER: "drop_after",
    Trouble.BUSY: "too_many",
    Trouble.LOGIN: "unauthorized",
}


@dataclass
class Site(ErpSite):
    """A served account with one customer, and our adapter to it; `waits` are the pauses that it made."""

    netsuite: NetSuite
    faults: Faults
    clock: WorldClock
    erp: NetSuiteErp
    settings: NetSuiteSettings
    customer: str
    terms: str
    waits: list[float] = field(default_factory=list)
    numbers: int = 0
    shows_what_was_voided: bool = False
    dates_what_is_taken_off: bool = False

    @property
    def people(self) -> NetSuite:
        return self.netsuite

    def now(self) -> datetime:
        return self.clock()

    def later(self, hours: int) -> None:
        self.clock.move_to(self.now() + timedelta(hours=hours))

    def fault(self, kind: Kind, operation: str = "*", **changes: object) -> None:
        self.faults.install(Rule("netsuite", kind, operation, **changes))  # type: ignore[arg-type]

    def upset(self, at: At, trouble: Trouble, times: int = 1) -> None:
        if at is At.REVERSAL and trouble in (Trouble.LOST_AFTER, Trouble.HALF):
            # A journal, then the payment's update: the answer to the last of them is lost, or to the first.
            self.fault("drop_after", "updateList" if trouble is Trouble.LOST_AFTER else "addList", times=times)
        else:
            self.fault(TROUBLES[trouble], OPERATIONS[at], times=times)

    def refuse(self, intent: CloseIntent, place: int) -> None:
        self.fault("record_refused", "addList", record=place, code="USER_ERROR")

    def unreadable_invoice(self) -> str:
        return self.invoice(due_on=None)

    def paged(self, rows: int) -> NetSuiteErp:
        self.settings = replace(self.settings, page_rows=rows)
        return self.with_mapping()

    def with_mapping(self, **parts: object) -> NetSuiteErp:
        """From here on the adapter has this mapping."""
        self.erp.close()
        self.erp = NetSuiteErp(self.settings, mapping(**parts), self, self.waits.append)
        return self.erp

    def impatient(self) -> NetSuiteErp:
        """From here on no answer is waited for long, so that a fault can outlast the wait."""
        self.settings = replace(self.settings, read_seconds=3, write_seconds=1)
        return self.with_mapping()

    def settled(self, through: SettleThrough = SettleThrough.CLEARING, **changes: object) -> NetSuiteErp:
        """From here on US dollars are settled on the accounts that every sandbox has."""
        return self.with_mapping(settlement=(settlement(self.netsuite.accounts, through=through, **changes),))


@contextmanager
def served(wsdl: Path | None) -> Iterator[Site]:
    """A site on the sandbox's own schema, or on the vendor's in this folder."""
    clock, faults = WorldClock(), Faults()
    clock.start_at(NOW)
    netsuite = NetSuite(clock, Sequence(clock), faults, account="1000001_SB1", wsdl_dir=wsdl)
    with Background(Starlette(routes=[Mount("/netsuite", app=netsuite.app)])) as background:
        profile = netsuite.profile(f"{background.url}/netsuite")
        settings = NetSuiteSettings(
            account=profile["account"],
            consumer_key=SecretStr(profile["consumer_key"]),
            consumer_secret=SecretStr(profile["consumer_secret"]),
            token_id=SecretStr(profile["token_id"]),
            token_secret=SecretStr(profile["token_secret"]),
            base_url=profile["base_url"],
            soap_version=profile["soap_version"],
        )
        terms = netsuite.add_term("Net 30", 30)
        customer = netsuite.add_customer("Northfield Robotics", "ap@northfield.example", terms)
        waits: list[float] = []
        made = Site(netsuite, faults, clock, None, settings, customer, terms, waits)  # type: ignore[arg-type]
        made.erp = NetSuiteErp(settings, mapping(), made, waits.append)
        yield made
        made.erp.close()
    assert [] == netsuite.contract_violations


def mapping(**parts: object) -> NetSuiteMapping:
    return NetSuiteMapping(account_time_zone="UTC").model_copy(update=parts)


def settlement(chart: dict[str, str], **changes: object) -> SettlementEntry:
    """US dollars on the accounts that every sandbox has, by role."""
    roles = ("bank", "clearing", "fees", "refunds", "disputes", "adjustments", "reserves")
    given: dict[str, object] = {
        "currency": "USD",
        "subsidiary": "1",
        "accounts": {role: chart[role] for role in roles},
    }
    return SettlementEntry.model_validate({**given, **changes})
