"""What the contract suite of the port `Erp` needs of an ERP: our adapter to it, people's hands in it, and its troubles.

`people` are the same hands everywhere, with the same names, arguments and meaning; so a test of the suite says what
every ERP does, and never which one it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from connector.money import Money
from connector.ports import ActAnswer, Erp, Finding, Outcome
from connector.receivables import (
    ActSeen,
    Cancellation,
    CloseIntent,
    CreditUse,
    OpenInvoice,
    PaymentApplication,
    PaymentToPost,
    Receipt,
    RecordState,
)
from connector.settlement import SettleThrough
from tests.fakes.ledger_erp import At, Trouble

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TODAY = NOW.date()


class ErpSite(ABC):
    """One company with one customer. `erp` is our adapter as it is set up just now."""

    erp: Any  # an Erp; each site gives its own
    customer: str
    terms: str
    numbers: int = 0
    shows_what_was_voided: bool = True  # does a voided payment still show its amount?
    dates_what_is_taken_off: bool = True  # does an invoice count as changed when a payment is taken off it?

    @property
    @abstractmethod
    def people(self) -> Any:
        """Everybody who works in this ERP, and what its books hold: `truth()`, `kept(kind)`."""

    @abstractmethod
    def upset(self, at: At, trouble: Trouble, times: int = 1) -> None:
        """This goes wrong with the next requests of this kind."""

    @abstractmethod
    def refuse(self, intent: CloseIntent, place: int) -> None:
        """The ERP refuses this record of the act when it is written next: 0 is the payment, the last the receipt."""

    @abstractmethod
    def settled(self, through: SettleThrough = SettleThrough.CLEARING, **changes: Any) -> Erp:
        """From here on US dollars are settled on the accounts that every such ERP has."""

    @abstractmethod
    def paged(self, rows: int) -> Erp:
        """The adapter with pages of so many rows."""

    @abstractmethod
    def unreadable_invoice(self) -> str:
        """An open invoice of the customer that nobody can understand."""

    @abstractmethod
    def later(self, hours: int) -> None:
        """So much time passes."""

    # ---- what people enter ----

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
        return str(self.people.add_invoice(owner, f"INV-{self.numbers}", **{**given, **changes}))

    def memo(self, amount: str, number: str = "CM-1", on: date = TODAY, customer: str = "", **more: Any) -> str:
        return str(self.people.add_credit_memo(customer or self.customer, number, on, amount, **more))

    def other_customer(self) -> str:
        return str(self.people.add_customer("Harrow Optics", "ap@harrow.example", self.terms))

    # ---- what we write ----

    def act(self, parts: Mapping[str, str], amount: str = "", currency: str = "USD", act_id: str = "a1") -> CloseIntent:
        """An act that pays these invoices; the money is their sum unless said otherwise."""
        total = amount or Money.total((Money.of(part, currency) for part in parts.values()), currency).plain()
        payment = f"arc-demo-pay-ch{act_id}-0"
        return CloseIntent(
            act_id=act_id,
            payment=PaymentToPost(
                payment,
                self.customer,
                Money.of(total, currency),
                TODAY,
                tuple(PaymentApplication(invoice, Money.of(part, currency)) for invoice, part in parts.items()),
                f"Stripe ch_{act_id}",
            ),
            cancellations=tuple(
                Cancellation(f"arc-demo-can-{act_id}-{invoice}", invoice, ("+1", "+7"), "paid", NOW)
                for invoice in parts
            ),
            receipt=Receipt(f"arc-demo-rec-{act_id}", payment, "what was paid"),
        )

    def netted(
        self, parts: Mapping[str, str], credits: Mapping[str, str], cash: str, act_id: str = "a1"
    ) -> CloseIntent:
        """An act that pays these invoices with this much cash and these parts of credits."""
        used = tuple(CreditUse(credit_id, usd(amount)) for credit_id, amount in credits.items())
        return with_payment(self.act(parts, cash), credits=used)

    def rest(self, payment_id: str, left: str, parts: Mapping[str, str], act_id: str = "r1") -> CloseIntent:
        """An act that applies so much of a payment that is there, of which this was left when it was decided."""
        return with_payment(self.act(parts, left, act_id=act_id), erp_id=payment_id, unapplied_before=usd(left))

    def answer(self, intent: CloseIntent) -> ActAnswer:
        (answer,) = self.erp.write_acts([intent])
        assert isinstance(answer, ActAnswer)
        return answer

    def write(self, intent: CloseIntent) -> tuple[Outcome, tuple[Outcome, ...]]:
        answer = self.answer(intent)
        return answer.payment.outcome, tuple(record.outcome for record in answer.records)

    def seen(self, intent: CloseIntent) -> ActSeen:
        (seen,) = self.erp.read_acts([intent])
        assert isinstance(seen, ActSeen)
        return seen

    @property
    def born(self) -> RecordState:
        """The state in which the records of an act come into the world."""
        return RecordState.CLOSED if self.erp.is_atomic else RecordState.INTENDED

    # ---- what the books hold ----

    def read(self, invoice: str) -> OpenInvoice:
        (found,) = self.erp.read_invoices([invoice]).invoices
        assert isinstance(found, OpenInvoice)
        return found

    def payments(self) -> list[tuple[str, str, list[tuple[str, str]]]]:
        """External id, amount and applications of each payment in the books."""
        return [
            (item["external_id"], item["amount"], [(part["invoice"], part["amount"]) for part in item["applications"]])
            for item in self.people.truth()["payments"]
        ]

    def balances(self) -> dict[str, str]:
        """What each invoice owes and each memo has left, by id."""
        truth = self.people.truth()
        assert [] == truth["violations"]
        return {one["id"]: one["balance"] for one in truth["invoices"]} | {
            one["id"]: one["unapplied"] for one in truth["credits"]
        }

    def kept(self) -> dict[str, list[str]]:
        """The external ids of what the connector keeps in the ERP, by kind."""
        kinds = ("cancellation", "receipt")
        return {kind: [one["external_id"] for one in self.people.kept(kind)] for kind in kinds}

    def finding(self, area: str) -> Finding:
        """The first finding of this area that is not in order."""
        return next(item for item in self.erp.check() if item.area == area and not item.ok)


def usd(text: str) -> Money:
    return Money.of(text, "USD")


def with_payment(intent: CloseIntent, **changes: object) -> CloseIntent:
    return replace(intent, payment=replace(intent.payment, **changes))  # type: ignore[arg-type]
