"""What the NetSuite tests have in common: settings, a mapping, an act, and a clock that stands still."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from pydantic import SecretStr

from connector.adapters.netsuite import NetSuiteMapping, NetSuiteSettings
from connector.adapters.netsuite.settings import LedgerAccounts, SettlementEntry
from connector.money import Money
from connector.ports import PaymentSeen
from connector.receivables import Cancellation, CloseIntent, CreditUse, PaymentApplication, PaymentToPost, Receipt

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TYPE_IDS = {
    "customrecord_arc_cancellation": "121",
    "customrecord_arc_receipt": "122",
    "customrecord_arc_status": "123",
    "customrecord_arc_installation": "124",
    "customrecord_arc_exception": "125",
    "customrecord_arc_proof": "126",
}
CLEARING = SettlementEntry(
    currency="USD",
    subsidiary="1",
    accounts=LedgerAccounts(bank="221", clearing="222", fees="315", disputes="224", adjustments="224"),
    journal_negative=True,
)

# What NetSuite shows of the payment of act().
SEEN = PaymentSeen("9", "4", Money.of("250.00", "USD"), (("104", Money.of("200.00", "USD")),), False)


@dataclass(frozen=True)
class StandingClock:
    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


def settings(base_url: str = "http://127.0.0.1:1", **changes: object) -> NetSuiteSettings:
    given = NetSuiteSettings(
        account="1000001_SB1",
        consumer_key=SecretStr("consumer-key"),
        consumer_secret=SecretStr("consumer-secret"),
        token_id=SecretStr("token-id"),
        token_secret=SecretStr("token-secret"),
        base_url=base_url,
        read_seconds=5,
        write_seconds=5,
    )
    return replace(given, **changes)  # type: ignore[arg-type]


def mapping(zone: str = "UTC", **parts: object) -> NetSuiteMapping:
    given = NetSuiteMapping(account_time_zone=zone, record_type_ids=TYPE_IDS)
    return given.model_copy(update=parts)


def act(
    act_id: str = "a1",
    *,
    customer: str = "4",
    amount: str = "250.00",
    currency: str = "USD",
    applied: tuple[tuple[str, str], ...] = (("104", "200.00"),),
    received_on: date = date(2026, 11, 20),
) -> CloseIntent:
    """An act that pays these invoices and cancels their reminders."""
    return CloseIntent(
        act_id=act_id,
        payment=PaymentToPost(
            external_id=f"arc-demo-pay-ch{act_id}-0",
            customer_id=customer,
            amount=Money.of(amount, currency),
            received_on=received_on,
            applications=tuple(PaymentApplication(invoice, Money.of(part, currency)) for invoice, part in applied),
            memo=f"Stripe ch_{act_id}",
        ),
        cancellations=tuple(
            Cancellation(f"arc-demo-can-{act_id}-{invoice}", invoice, ("+1", "+7"), "paid", NOW)
            for invoice, _ in applied
        ),
        receipt=Receipt(f"arc-demo-rec-{act_id}", f"arc-demo-pay-ch{act_id}-0", "INV-1: 200.00 USD applied"),
    )


def with_credits(amount: str = "150.00", **changes: object) -> CloseIntent:
    """150.00 by wire and 30.00 of memo 71 pay 180.00 of invoice 104, which 3.60 of discount closes."""
    application = PaymentApplication("104", Money.of("180.00", "USD"), discount=Money.of("3.60", "USD"))
    intent = act(amount=amount, applied=(("104", "180.00"),))
    payment = replace(
        intent.payment,
        applications=(application,),
        credits=(CreditUse("71", Money.of("30.00", "USD")),),
        deposit_account="221",
    )
    return replace(intent, payment=replace(payment, **changes))  # type: ignore[arg-type]
