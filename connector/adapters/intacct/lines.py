"""How much of a payment, and of the credits beside it, goes to which line of which invoice. Pure.

A payment that names no lines is spread by Intacct from the first line down (Sage's XML reference, AR payments), and so
would pay a disputed first line. Hence every line is named, with the amount that it still has due in a read of just now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from connector.money import Money
from connector.receivables import CreditKind, CreditUse, OpenInvoice, PaymentApplication, PaymentToPost


class Unpayable(ValueError):
    """What was decided no longer fits what is due; nothing of it was sent."""


@dataclass(frozen=True, slots=True)
class LineNow:
    """A line of an invoice as it stands now. `line_id` is the one in our facts, `entry_key` is Intacct's own for now.

    Tax is a line of its own, below that of `parent_key`.
    """

    line_id: str
    entry_key: str
    due: Money
    disputed: bool = False
    parent_key: str = ""


@dataclass(frozen=True, slots=True)
class InvoiceNow:
    """An invoice with the record numbers that it has now: those of an Order Entry invoice change with each edit."""

    invoice: OpenInvoice
    record_no: str
    entity: str
    lines: tuple[LineNow, ...]

    @property
    def due(self) -> Money:
        return Money.total((line.due for line in self.lines), self.invoice.balance.currency)


@dataclass(frozen=True, slots=True)
class CreditNow:
    """A credit with what it has left now. Of an unapplied payment `record_no` is that of its overpayment."""

    id: str
    customer_id: str
    kind: CreditKind
    record_no: str
    entity: str
    open: Money


@dataclass(frozen=True, slots=True)
class Detail:
    """One detail of a payment: what one line (`entry_key`; '' is the invoice as a whole) gets, from cash or a credit.

    A discount stands only beside cash for an invoice as a whole.
    """

    record_key: str
    entry_key: str
    amount: Money
    credit: CreditNow | None = None
    discount: Money | None = None


@dataclass(frozen=True, slots=True)
class _Part:
    """What one line of one invoice is to get, from whatever."""

    customer_id: str
    record_key: str
    entry_key: str
    amount: Money
    discount: Money | None = None


def details(
    post: PaymentToPost,
    invoices: Mapping[str, InvoiceNow],
    credits: Mapping[str, CreditNow],
    rest: CreditNow | None = None,
) -> tuple[Detail, ...]:
    """All details of this payment; they sum to its applications, and of each credit to what is used of it.

    `rest` is what pays instead of cash: the overpayment or advance that is used. Raises Unpayable.
    """
    parts: list[_Part] = []
    for application in post.applications:
        if application.invoice_id not in invoices:
            raise Unpayable(f"Intacct has no open invoice {application.invoice_id}, or has it twice")
        parts += _parts_of(application, invoices[application.invoice_id])
    found: list[Detail] = []
    # A discount needs cash beside it, so such an invoice is the last to be covered by credits.
    parts.sort(key=lambda part: part.discount is not None)
    for use in post.credits:
        parts = _used(use, credits, parts, found)
    for part in parts:
        if not part.amount and part.discount:
            raise Unpayable("credits alone settle an invoice that a discount is taken of; a person applies them")
        found.append(Detail(part.record_key, part.entry_key, part.amount, rest, part.discount))
    return tuple(found)


def _used(use: CreditUse, credits: Mapping[str, CreditNow], parts: Sequence[_Part], found: list[Detail]) -> list[_Part]:
    """Use one credit on the parts of its own customer's invoices, adding to `found`; what is left of the parts."""
    credit = credits.get(use.credit_id)
    if credit is None:
        raise Unpayable(f"Intacct has no open credit {use.credit_id}, or has it twice")
    if credit.open.currency != use.amount.currency:
        raise Unpayable(f"credit {use.credit_id} is in {credit.open.currency}")
    if credit.open < use.amount:
        raise Unpayable(f"credit {use.credit_id} has {credit.open} left, and {use.amount} was to be used of it")
    left, rest = use.amount, []
    for part in parts:
        taken = min(left, part.amount) if part.customer_id == credit.customer_id else Money.zero(left.currency)
        if taken:
            found.append(Detail(part.record_key, part.entry_key, taken, credit))
            left -= taken
        if part.amount - taken or part.discount:
            rest.append(replace(part, amount=part.amount - taken))
    if left:
        raise Unpayable(f"credit {use.credit_id} is of customer {credit.customer_id}, whose invoices take less of it")
    return rest


def _parts_of(application: PaymentApplication, now: InvoiceNow) -> list[_Part]:
    invoice, currency = now.invoice, application.amount.currency
    if invoice.balance.currency != currency:
        raise Unpayable(f"invoice {invoice.number} is in {invoice.balance.currency}, and the payment in {currency}")
    if any(line.due < Money.zero(line.due.currency) for line in now.lines):
        raise Unpayable(f"invoice {invoice.number} has lines below zero; a person applies its inline credit")
    if application.discount is None:
        return [
            _Part(invoice.customer_id, now.record_no, line.entry_key, amount)
            for line, amount in divided(application, now)
        ]
    if application.settles != now.due:
        why = f"{application.amount} and {application.discount} discount don't settle the {now.due} that are due"
        raise Unpayable(f"invoice {invoice.number}: {why}")
    return [_Part(invoice.customer_id, now.record_no, "", application.amount, application.discount)]


def divided(application: PaymentApplication, now: InvoiceNow) -> list[tuple[LineNow, Money]]:
    """What each line of the invoice gets, in the invoice's order; no line gets more than it has due. Raises Unpayable.

    The shares that were decided come first, and what their lines can't take goes to other lines that nobody disputes.
    Without shares the undisputed lines are paid from the first down, then the disputed ones.
    """
    ordered = _ordered(now.lines)
    undisputed = [line for line in ordered if not line.disputed]
    left, paid = application.amount, {line.entry_key: Money.zero(application.amount.currency) for line in ordered}
    for share in application.lines:
        own = [line for line in ordered if line.line_id == share.line_id]
        keys = {line.entry_key for line in own}
        own += [line for line in ordered if line.parent_key in keys]
        left -= _pay(min(share.amount, left), own, paid)
    left -= _pay(left, undisputed, paid)
    if not application.lines:
        left -= _pay(left, [line for line in ordered if line.disputed], paid)
    if left:
        fits = application.amount - left
        what = "its undisputed lines" if application.lines else "its lines"
        raise Unpayable(f"invoice {now.invoice.number}: {application.amount} was meant for it, {what} take {fits}")
    return [(line, paid[line.entry_key]) for line in ordered if paid[line.entry_key]]


def _pay(amount: Money, lines: Iterable[LineNow], paid: dict[str, Money]) -> Money:
    """Pay up to `amount` on these lines, adding to `paid`; how much of it they took."""
    left = amount
    for line in lines:
        taken = min(left, line.due - paid[line.entry_key])
        paid[line.entry_key] += taken
        left -= taken
    return amount - left


def _ordered(lines: Sequence[LineNow]) -> list[LineNow]:
    """The lines in their own order, each followed by its tax, which is as disputed as the line is."""
    below: dict[str, list[LineNow]] = {}
    keys = {line.entry_key for line in lines}
    for line in lines:
        if line.parent_key in keys:
            below.setdefault(line.parent_key, []).append(line)
    found: list[LineNow] = []
    for line in sorted((one for one in lines if one.parent_key not in keys), key=_number):
        found.append(line)
        found += [replace(tax, disputed=tax.disputed or line.disputed) for tax in below.get(line.entry_key, ())]
    return found


def _number(line: LineNow) -> tuple[int, str]:
    return (int(line.line_id) if line.line_id.isdecimal() else 0, line.entry_key)
