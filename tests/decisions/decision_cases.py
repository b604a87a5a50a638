"""Short builders for the decision tests: one invoice, one payment, one policy, with plain defaults."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from connector.decisions import matching
from connector.decisions.matching import FamilyBook, Waiting
from connector.money import Money
from connector.policy import MatchingLimits, Policy, Step
from connector.receivables import (
    InvoiceLine,
    InvoiceStatus,
    Match,
    MatchException,
    OpenInvoice,
    PayerEvidence,
    Payment,
    PaymentState,
    Remittance,
)

ISSUED_ON = date(2026, 9, 1)
DUE_ON = date(2026, 10, 1)
PAID_ON = date(2026, 10, 5)

STEPS = (
    Step("-7", -7, "upcoming", "billing"),
    Step("0", 0, "due_today", "billing"),
    Step("+1", 1, "past_due", "billing"),
    Step("+7", 7, "firmer", "billing"),
    Step("+14", 14, "urgent", "billing"),
    Step("+30", 30, "final", "owner"),
)
POLICY = Policy(
    version="test-1",
    steps=STEPS,
    senders=(("billing", "billing@ours.example"), ("owner", "owner@ours.example")),
    min_reminder_balance=(Money(500, "USD"),),
)


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def line(amount: str, *, disputed: bool = False, currency: str = "USD") -> InvoiceLine:
    return InvoiceLine("1", "a line", Money.of(amount, currency), disputed=disputed)


def invoice(number: str, balance: str, *, currency: str = "USD", **more: Any) -> OpenInvoice:
    """`number` INV-1001 has the id 1001; the amount billed is the balance unless said."""
    amount = Money.of(more.pop("amount", balance), currency)
    values: dict[str, Any] = {
        "id": number.rpartition("-")[2],
        "number": number,
        "customer_id": "C1",
        "amount": amount,
        "balance": Money.of(balance, currency),
        "issued_on": ISSUED_ON,
        "due_on": DUE_ON,
        "status": InvoiceStatus.OPEN,
    }
    return OpenInvoice(**(values | more))


def payment(amount: str, text: str = "", *, currency: str = "USD", **more: Any) -> Payment:
    """`links`, `ids` and `numbers` go into the remittance beside the text."""
    remittance = Remittance(
        invoice_ids=tuple(more.pop("ids", ())),
        invoice_numbers=tuple(more.pop("numbers", ())),
        linked_numbers=tuple(more.pop("links", ())),
        text=text,
    )
    values: dict[str, Any] = {
        "id": "ch_1",
        "amount": Money.of(amount, currency),
        "state": PaymentState.SUCCEEDED,
        "received_at": datetime(2026, 10, 5, 9, 0, tzinfo=UTC),
        "received_on": PAID_ON,
        "customer_id": "C1",
        "remittance": remittance,
    }
    return Payment(**(values | more))


def waiting(paid: Payment, **more: Any) -> Waiting:
    values: dict[str, Any] = {"left": paid.available}
    if not paid.customer_id:
        values["payer_by"] = PayerEvidence.NONE
    return Waiting(paid, **(values | more))


def decide(paid: Payment, *invoices: OpenInvoice, **more: Any) -> Match | MatchException:
    """The verdict on one payment; `rivals` are other amounts of the same customer that wait beside it."""
    limits = more.pop("limits", MatchingLimits())
    rivals = more.pop("rivals", ())
    fields = {name: more.pop(name) for name in ("left", "payer_by", "grosses") if name in more}
    family = frozenset({"C1", "C2"}) if paid.customer_id else frozenset[str]()
    book = FamilyBook(invoices, **({"family_ids": family} | more))
    others = [
        waiting(replace(paid, id=f"rival_{n}", amount=rival, remittance=Remittance())) for n, rival in enumerate(rivals)
    ]
    return matching.decide([waiting(paid, **fields), *others], book, limits)[paid.id]


def applied(verdict: Match | MatchException) -> dict[str, str]:
    """Invoice id -> amount of a match; an exception fails the test with its reason."""
    assert isinstance(verdict, Match), verdict
    return {part.invoice_id: part.amount.plain() for part in verdict.applications}
