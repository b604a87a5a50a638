"""A closing act of two invoices as Intacct is to get it, for the tests of its building and of its answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from connector.adapters.intacct.acts import Ground
from connector.adapters.intacct.answers import Error, Result, Results, Status, Why
from connector.adapters.intacct.functions import Function
from connector.adapters.intacct.lines import CreditNow, InvoiceNow, LineNow
from connector.adapters.intacct.settings import IntacctMapping, LedgerAccounts, SettlementEntry
from connector.adapters.intacct.xmltext import Node
from connector.money import Money
from connector.receivables import (
    ArStatus,
    Cancellation,
    CloseIntent,
    CreditKind,
    OpenInvoice,
    PaymentApplication,
    PaymentToPost,
    Receipt,
)

AT = datetime(2026, 9, 20, 12, tzinfo=UTC)
FIRST, SECOND = "INV-7__C1", "INV-8__C1"
CLEARING = SettlementEntry(currency="USD", accounts=LedgerAccounts(bank="BOA", clearing="STRIPE", fees="6010"))
MAPPING = IntacctMapping(account_time_zone="UTC", settlement=(CLEARING,), advance_account="2400")
ROLLED_BACK = Error(Why.ROLLED_BACK, "XL03000009", "", "The entire transaction was rolled back")


def usd(text: str) -> Money:
    return Money.of(text, "USD")


def mapping(**changed: object) -> IntacctMapping:
    """The mapping with some keys changed; `facts` is a dict of some facts."""
    return IntacctMapping.model_validate(MAPPING.model_dump() | changed)


def payment(act: str = "ch_1-1", applied: tuple[str, ...] = (FIRST, SECOND), **changed: object) -> PaymentToPost:
    """100.00 on each invoice, all of the money."""
    post = PaymentToPost(
        external_id=f"arc-x-pay-{act}",
        customer_id="C1",
        amount=usd(f"{100 * len(applied)}"),
        received_on=date(2026, 9, 20),
        applications=tuple(PaymentApplication(one, usd("100")) for one in applied),
        memo="stripe ch_1",
    )
    return replace(post, **changed)  # type: ignore[arg-type]


def intent(act: str = "ch_1-1", applied: tuple[str, ...] = (FIRST, SECOND), **changed: object) -> CloseIntent:
    """Reminders of the first invoice were cancelled."""
    cancelled = Cancellation(f"arc-x-can-{act}-{FIRST}", FIRST, ("+7", "+14"), "100.00 USD was applied", AT)
    post = payment(act, applied, **changed)
    return CloseIntent(
        act, post, (cancelled,) if FIRST in applied else (), Receipt(f"arc-x-rec-{act}", post.external_id, "Paid")
    )


def status(invoice_id: str = FIRST, state: str = "closed") -> ArStatus:
    return ArStatus(f"arc-x-st-{invoice_id}", invoice_id, state, "paid", segment="default", card="Nothing is next.")


def now(invoice_id: str, record_no: str, due: str = "100", entity: str = "") -> InvoiceNow:
    number, customer = invoice_id.split("__")[:2]
    facts = OpenInvoice(invoice_id, number, customer, usd(due), usd(due), date(2026, 9, 1), date(2026, 10, 1))
    return InvoiceNow(facts, record_no, entity, (LineNow("1", f"{record_no}1", usd(due)),))


def ground(*invoices: InvoiceNow, credits: tuple[CreditNow, ...] = ()) -> Ground:
    found = invoices or (now(FIRST, "70"), now(SECOND, "80"))
    return Ground({one.invoice.id: one for one in found}, {one.id: one for one in credits})


def rest(known_id: str = "88", left: str = "100", customer: str = "C1") -> CreditNow:
    return CreditNow(known_id, customer, CreditKind.UNAPPLIED_PAYMENT, "89", "", usd(left))


def committed(functions: tuple[Function, ...]) -> Results:
    """Every function carried out; keys count up from 500."""
    return Results(
        tuple(
            Result(function.control_id, function.name, Status.SUCCESS, (str(500 + number),))
            for number, function in enumerate(functions)
        )
    )


def rolled_back(functions: tuple[Function, ...], offender: int | None, why: Why, *, all_aborted: bool) -> Results:
    """Both shapes that are told of live gateways: only bystanders are aborted, or all are."""
    found = []
    for number, function in enumerate(functions):
        is_offender = number == offender
        status = Status.FAILURE if is_offender and not all_aborted else Status.ABORTED
        cause = (Error(why, "BL01001973", "AR-0001", "Intacct's own words"),) if is_offender else ()
        found.append(Result(function.control_id, function.name, status, errors=(*cause, ROLLED_BACK)))
    return Results(tuple(found))


def fields(body: Node) -> dict[str, str]:
    """The plain fields of an element that is sent."""
    return {one.name: one.value for one in body.value if isinstance(one, Node) and isinstance(one.value, str)}


def inside(body: Node, *path: str) -> Node:
    """The element at the end of this path."""
    for name in path:
        body = next(one for one in body.value if isinstance(one, Node) and one.name == name)
    return body
