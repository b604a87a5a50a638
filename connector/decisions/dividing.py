"""May a payment be divided as a person says? People may know more than any record; arithmetic and the book still hold.

Who may say so is `approval`; what the connector itself finds is `matching`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from connector.money import Money
from connector.receivables import (
    CreditMemo,
    CreditUse,
    InvoiceStatus,
    Match,
    OpenInvoice,
    PayerEvidence,
    Payment,
    PaymentApplication,
    Residual,
    ResidualReason,
    Rung,
)


@dataclass(frozen=True, slots=True)
class Split:
    """How a payment is divided. Two people mean the same split whatever its order is."""

    applications: tuple[PaymentApplication, ...] = ()
    credits: tuple[CreditUse, ...] = ()
    unapplied: Money | None = None  # what stays on account; None: nothing

    def same(self, other: Split) -> bool:
        return self._plain() == other._plain()

    def _plain(self) -> tuple[object, ...]:
        parts = sorted((one.invoice_id, one.amount.minor, one.settles.minor) for one in self.applications)
        used = sorted((one.credit_id, one.amount.minor) for one in self.credits)
        return parts, used, self.unapplied.minor if self.unapplied else 0


class DividingRefusalReason(StrEnum):
    """Why not; the first that holds, in this order."""

    NOTHING = "nothing"  # no invoice is paid
    TWICE = "twice"  # an invoice or a credit memo is named twice
    UNKNOWN = "unknown"  # an invoice or a credit memo that isn't there, or of which nothing is left
    CURRENCY = "currency"
    NOT_POSITIVE = "not_positive"
    NOT_OPEN = "not_open"  # voided, or paid already
    TOO_MUCH = "too_much"  # more than what is owed on the invoice, or left of the memo
    SEVERAL_FAMILIES = "several_families"  # customers that have nothing to do with each other
    OTHER_CUSTOMER = "other_customer"  # not the payer's family, and nobody confirmed that
    OTHER_CREDIT = "other_credit"  # a memo of another family, subsidiary or AR account than the invoices
    HELD = "held"  # an invoice on hold, and nobody confirmed that
    DISPUTED = "disputed"  # more than the undisputed part, and nobody confirmed that
    SUM = "sum"  # the parts don't add up to the payment


@dataclass(frozen=True, slots=True)
class DividingRefusal:
    reason: DividingRefusalReason
    text: str


@dataclass(frozen=True, slots=True)
class Ground:
    """The facts that a split is held against. `families`: customer id -> family, of all the customers in them."""

    invoices: Mapping[str, OpenInvoice]
    credits: Mapping[str, CreditMemo] = field(default_factory=dict)
    families: Mapping[str, str] = field(default_factory=dict)

    def family(self, customer_id: str) -> str:
        return self.families.get(customer_id, customer_id)


def decide(
    payment: Payment, left: Money, split: Split, ground: Ground, by: str, *, other_customer: bool, held: bool
) -> Match | DividingRefusal:
    """The match that a person's own split is, or why it can't be.

    applied - credits + unapplied = left of the payment, to the minor unit: nothing is left over silently. `by` names
    the person; `other_customer` and `held` are what that person confirmed.
    """
    return next(_refusals(payment, left, split, ground, other_customer, held), None) or _match(
        payment, split, ground, by, Money.zero(left.currency)
    )


def _refusals(
    payment: Payment, left: Money, split: Split, ground: Ground, other_customer: bool, held: bool
) -> Iterator[DividingRefusal]:
    """In the order of their reasons. Each relies on those before it."""
    why = DividingRefusalReason
    if not split.applications:
        yield DividingRefusal(why.NOTHING, "it names no invoice")
    for name in _twice([one.invoice_id for one in split.applications], [one.credit_id for one in split.credits]):
        yield DividingRefusal(why.TWICE, f"{_number(ground, name)} is named twice")
    named = {one.invoice_id for one in split.applications}, {one.credit_id for one in split.credits}
    for name in sorted(named[0] - ground.invoices.keys()) + sorted(named[1] - ground.credits.keys()):
        yield DividingRefusal(why.UNKNOWN, f"{name} is not there any more, or nothing is left of it")
    yield from _amount_refusals(left, split, ground)
    yield from _customer_refusals(payment, split, ground, other_customer)
    if not held:
        yield from _hold_refusals(split, ground)
    applied = Money.total((one.amount for one in split.applications), left.currency)
    used = Money.total((one.amount for one in split.credits), left.currency)
    rest = split.unapplied or Money.zero(left.currency)
    if applied <= used:
        yield DividingRefusal(why.SUM, f"the credits ({used}) pay all of it ({applied}), and the payment nothing")
    if applied - used + rest != left:
        text = f"{equation(split, ground)}, and {left} of the payment is to be divided"
        yield DividingRefusal(why.SUM, text)


def _twice(*lists: list[str]) -> Iterator[str]:
    for names in lists:
        yield from sorted({name for name in names if names.count(name) > 1})


def _amount_refusals(left: Money, split: Split, ground: Ground) -> Iterator[DividingRefusal]:
    why = DividingRefusalReason
    parts = [(ground.invoices[one.invoice_id], one.amount, one.settles) for one in split.applications]
    memos = [(ground.credits[one.credit_id], one.amount) for one in split.credits]
    amounts = [*((i.number, i.balance, amount) for i, amount, _ in parts)]
    amounts += [*((memo.number or memo.id, memo.open_amount, amount) for memo, amount in memos)]
    for number, there, amount in amounts:
        if len({left.currency, there.currency, amount.currency}) > 1:
            yield DividingRefusal(why.CURRENCY, f"{number} is in {there.currency}, {left.currency} was paid")
    if split.unapplied and split.unapplied.currency != left.currency:
        yield DividingRefusal(why.CURRENCY, f"{split.unapplied} can't stay unapplied of {left}")
    if any(amount.minor <= 0 for *_, amount in amounts) or (split.unapplied and split.unapplied.minor < 0):
        yield DividingRefusal(why.NOT_POSITIVE, "every amount must be above zero")
    for invoice, _, settles in parts:
        if invoice.status is not InvoiceStatus.OPEN or invoice.balance.minor <= 0:
            state = "paid" if invoice.status is InvoiceStatus.OPEN else invoice.status.value
            yield DividingRefusal(why.NOT_OPEN, f"invoice {invoice.number} is {state}")
        elif settles > invoice.balance:
            yield DividingRefusal(why.TOO_MUCH, f"only {invoice.balance} is owed on invoice {invoice.number}")
    for memo, amount in memos:
        if amount > memo.open_amount:
            text = f"only {memo.open_amount} is left of credit memo {memo.number or memo.id}"
            yield DividingRefusal(why.TOO_MUCH, text)


def _customer_refusals(
    payment: Payment, split: Split, ground: Ground, other_customer: bool
) -> Iterator[DividingRefusal]:
    why = DividingRefusalReason
    paid = [ground.invoices[one.invoice_id] for one in split.applications]
    families = {ground.family(invoice.customer_id) for invoice in paid}
    if len(families) > 1:
        numbers = ", ".join(invoice.number for invoice in paid)
        yield DividingRefusal(why.SEVERAL_FAMILIES, f"{numbers} are of customers that don't belong together")
    if payment.customer_id and ground.family(payment.customer_id) not in families and not other_customer:
        text = f"invoice {paid[0].number} is another customer's than the payer ({payment.customer_id})"
        yield DividingRefusal(why.OTHER_CUSTOMER, f"{text}; say --other-customer if that is right")
    for use in split.credits:
        memo = ground.credits[use.credit_id]
        unlike = [
            ground.family(memo.customer_id) not in families,
            memo.subsidiary and {memo.subsidiary} != {one.subsidiary for one in paid if one.subsidiary},
            memo.ar_account and {memo.ar_account} != {one.ar_account for one in paid if one.ar_account},
        ]
        if any(unlike):
            text = f"credit memo {memo.number or memo.id} is of another customer, subsidiary or AR account"
            yield DividingRefusal(why.OTHER_CREDIT, f"{text} than the invoices")


def _hold_refusals(split: Split, ground: Ground) -> Iterator[DividingRefusal]:
    parts = [(ground.invoices[one.invoice_id], one.settles) for one in split.applications]
    for invoice, _ in parts:
        if invoice.withheld_because:
            why = f"invoice {invoice.number} is on hold ({invoice.withheld_because})"
            yield DividingRefusal(DividingRefusalReason.HELD, f"{why}; say --held if it is paid all the same")
    for invoice, settles in parts:
        if settles > invoice.askable:
            text = (
                f"{invoice.disputed} of invoice {invoice.number} is disputed; say --held if that is paid all the same"
            )
            yield DividingRefusal(DividingRefusalReason.DISPUTED, text)


def _match(payment: Payment, split: Split, ground: Ground, by: str, nothing: Money) -> Match:
    paid = [(ground.invoices[one.invoice_id], one.settles) for one in split.applications]
    used = [ground.credits[use.credit_id] for use in split.credits]
    return Match(
        payment_id=payment.id,
        rung=Rung.BY_PERSON,
        applications=split.applications,
        unapplied=split.unapplied or nothing,
        withheld=(),
        equation=equation(split, ground),
        reason=f"{by} says that it pays this",
        decided_on=tuple(sorted((invoice.id, invoice.balance) for invoice, _ in paid)),
        customer_id=_payer(payment, [invoice for invoice, _ in paid], ground),
        credits=split.credits,
        credits_decided_on=tuple(sorted((memo.id, memo.open_amount) for memo in used)),
        residuals=tuple(
            Residual(invoice.id, invoice.balance - settles, ResidualReason.SHORT_PAY)
            for invoice, settles in paid
            if settles < invoice.balance
        ),
        payer_by=PayerEvidence.ID if payment.customer_id else PayerEvidence.REFERENCE,
    )


def _payer(payment: Payment, paid: Sequence[OpenInvoice], ground: Ground) -> str:
    """Whose payment it is in the ERP: the customer whose invoices it pays; of several the payer, else the family's."""
    customers = {invoice.customer_id for invoice in paid}
    if len(customers) == 1:
        return customers.pop()
    family = ground.family(min(customers))
    return payment.customer_id if payment.customer_id and ground.family(payment.customer_id) == family else family


def equation(split: Split, ground: Ground) -> str:
    """'600.00 INV-1 + 500.00 INV-2 - 100.00 CM-3 + 20.00 unapplied = 1,020.00 USD'"""
    terms = [("+", one.amount, _number(ground, one.invoice_id)) for one in split.applications]
    terms += [("-", one.amount, _number(ground, one.credit_id)) for one in split.credits]
    if split.unapplied:
        terms.append(("+", split.unapplied, "unapplied"))
    text = " ".join(f"{sign} {amount.decimal():,f} {name}" for sign, amount, name in terms).removeprefix("+ ")
    signed = [amount if sign == "+" else -amount for sign, amount, _ in terms]
    return f"{text} = {Money.total(signed, signed[0].currency)}" if signed else ""


def _number(ground: Ground, record_id: str) -> str:
    if record_id in ground.invoices:
        return ground.invoices[record_id].number
    return ground.credits[record_id].number if record_id in ground.credits else record_id
