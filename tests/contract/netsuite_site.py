"""A false NetSuite account behind a real server, with one customer, and our adapter to it: for the contract tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Mount

from connector.adapters.netsuite import NetSuiteErp, NetSuiteMapping, NetSuiteSettings
from connector.adapters.netsuite.settings import SettlementEntry
from connector.money import Money
from connector.ports import Finding, Outcome
from connector.receivables import Cancellation, CloseIntent, PaymentApplication, PaymentToPost, Receipt
from connector.settlement import SettleThrough
from sandbox.clock import Sequence, WorldClock
from sandbox.faults import Faults, Kind, Rule
from sandbox.netsuite import NetSuite
from sandbox.serving import Background

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TODAY = NOW.date()


@dataclass
class Site:
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

    def now(self) -> datetime:
        return self.clock()

    def invoice(self, amount: str = "1000.00", currency: str = "USD", customer: str = "", **changes: object) -> str:
        self.numbers += 1
        given: dict[str, object] = {
            "issued_on": date(2026, 10, 1),
            "due_on": date(2026, 10, 31),
            "lines": [{"description": "Seats", "amount": amount, "kind": "subscription"}],
            "currency": currency,
            "terms_id": self.terms,
        }
        owner = customer or self.customer
        return self.netsuite.add_invoice(owner, f"INV-{self.numbers}", **{**given, **changes})  # type: ignore[arg-type]

    def fault(self, kind: Kind, operation: str = "*", **changes: object) -> None:
        self.faults.install(Rule("netsuite", kind, operation, **changes))  # type: ignore[arg-type]

    def act(self, invoices: dict[str, str], amount: str = "", currency: str = "USD", act_id: str = "a1") -> CloseIntent:
        total = amount or Money.total((Money.of(part, currency) for part in invoices.values()), currency).plain()
        payment = f"arc-demo-pay-ch{act_id}-0"
        return CloseIntent(
            act_id=act_id,
            payment=PaymentToPost(
                payment,
                self.customer,
                Money.of(total, currency),
                TODAY,
                tuple(PaymentApplication(invoice, Money.of(part, currency)) for invoice, part in invoices.items()),
                f"Stripe ch_{act_id}",
            ),
            cancellations=tuple(
                Cancellation(f"arc-demo-can-{act_id}-{invoice}", invoice, ("+1", "+7"), "paid", NOW)
                for invoice in invoices
            ),
            receipt=Receipt(f"arc-demo-rec-{act_id}", payment, "what was paid"),
        )

    def write(self, intent: CloseIntent) -> tuple[Outcome, tuple[Outcome, ...]]:
        (answer,) = self.erp.write_acts([intent])
        return answer.payment.outcome, tuple(record.outcome for record in answer.records)

    def payments(self) -> list[tuple[str, str, list[tuple[str, str]]]]:
        """External id, amount and applications of each payment in the books."""
        return [
            (item["external_id"], item["amount"], [(part["invoice"], part["amount"]) for part in item["applications"]])
            for item in self.netsuite.truth()["payments"]
        ]

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

    def finding(self, area: str) -> Finding:
        """The first finding of this area that is not in order."""
        return next(item for item in self.erp.check() if item.area == area and not item.ok)


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


def usd(text: str) -> Money:
    return Money.of(text, "USD")


def settlement(chart: dict[str, str], **changes: object) -> SettlementEntry:
    """US dollars on the accounts that every sandbox has, by role."""
    roles = ("bank", "clearing", "fees", "refunds", "disputes", "adjustments", "reserves")
    given: dict[str, object] = {
        "currency": "USD",
        "subsidiary": "1",
        "accounts": {role: chart[role] for role in roles},
    }
    return SettlementEntry.model_validate({**given, **changes})
