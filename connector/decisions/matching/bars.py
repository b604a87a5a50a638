"""What bars any match, before anything is proved: money that isn't here, and claims that can't be true."""

from __future__ import annotations

from collections.abc import Sequence

from connector.decisions.matching.case import Case, Verdict
from connector.decisions.matching.references import is_open, number_of
from connector.receivables import ExceptionKind, Explanation, OpenInvoice, PaymentState

_LISTED_MAX = 5


def bar_not_received(case: Case) -> Verdict | None:
    """Money on its way shields reminders and is never applied; money that came back is undone elsewhere."""
    if case.payment.state is PaymentState.SUCCEEDED:
        return None
    reason = f"The payment is {case.payment.state}, not received."
    return case.exception(ExceptionKind.NOT_RECEIVED, reason)


def bar_nothing_to_apply(case: Case) -> Verdict | None:
    if case.money.minor > 0:
        return None
    return case.exception(ExceptionKind.NOTHING_TO_APPLY, f"{case.money} is left of the payment.")


def bar_other_family(case: Case) -> Verdict | None:
    foreign = sorted({number_of(invoice) for reading in case.readings for invoice in reading.foreign})
    payers = {invoice.customer_id for reading in case.readings for invoice in reading.named}
    if foreign:
        reason = f"It names {listed(foreign)} of another customer; who paid is in doubt."
    elif not case.payer_id and len(payers) > 1:
        reason = "The customer is not known, and it names invoices of several customers."
    else:
        return None
    return case.exception(ExceptionKind.PAYER_IN_DOUBT, reason, shown(case))


def bar_not_open(case: Case) -> Verdict | None:
    """A named invoice that is not open: perhaps a duplicate payment.

    Stripe's own invoices may carry numbers that the ERP does not know, so a link of which nothing is known gives way
    to the other readings, and stands in the way of the amount alone.
    """
    closed = [number_of(invoice) for reading in case.readings for invoice in reading.closed]
    lost = list(case.metadata.unknown)
    if case.link.named or not case.leading.named:
        lost += case.link.unknown
    if not closed and not lost:
        return None
    what = f"It names {listed(sorted({*closed, *lost}))}, not among the open invoices"
    reason = f"{what}: {'perhaps paid twice.' if closed else 'already paid, or not in the ERP.'}"
    return case.exception(ExceptionKind.REFERENCE_NOT_OPEN, reason, shown(case))


def bar_currency(case: Case) -> Verdict | None:
    """The rate of a payment that was converted is shown; nothing is ever computed with it."""
    others = [i for reading in case.readings for i in reading.named if i.balance.currency != case.money.currency]
    if not others:
        return None
    reason = (
        f"It is in {case.money.currency}, and the named invoice {number_of(others[0])} is in"
        f" {others[0].balance.currency}"
    )
    return case.exception(ExceptionKind.CURRENCY, f"{reason}{rate(case)}.", shown(case))


def bar_twins(case: Case) -> Verdict | None:
    """Two open invoices of the family carry one number, and it is named: which one is meant?"""
    twins = [invoice for reading in case.readings for invoice in reading.twins]
    if not twins:
        return None
    reason = f"The number {number_of(twins[0])} belongs to several open invoices."
    return case.exception(ExceptionKind.AMBIGUOUS, reason, (case.in_full([invoice]) for invoice in twins))


def bar_readings_disagree(case: Case) -> Verdict | None:
    """A weaker reading may name fewer invoices than the strictest, never others."""
    strictest = {invoice.id for invoice in case.leading.named}
    if all(invoice.id in strictest for reading in case.readings for invoice in reading.named):
        return None
    reason = "Link, metadata and text name different invoices."
    return case.exception(ExceptionKind.AMBIGUOUS, reason, shown(case))


def is_barred(invoice: OpenInvoice) -> bool:
    """On hold by a person, or nothing of it is undisputed."""
    return bool(invoice.withheld_because) or not invoice.askable


def rate(case: Case) -> str:
    return f"; the rate of the payment is {case.payment.exchange_rate}" if case.payment.exchange_rate else ""


def shown(case: Case) -> list[Explanation]:
    """What each reading says is paid, also of others and in other currencies: nobody is chased for it meanwhile.

    The same set is shown once; currencies can't be added up, so each makes a set of its own.
    """
    sets: list[tuple[OpenInvoice, ...]] = []
    for reading in case.readings:
        named = [*reading.named, *(invoice for invoice in reading.foreign if is_open(invoice))]
        for currency in sorted({invoice.balance.currency for invoice in named}):
            one = tuple(invoice for invoice in named if invoice.balance.currency == currency)
            if one not in sets:
                sets.append(one)
    return [case.in_full(one) for one in sets]


def listed(numbers: Sequence[str]) -> str:
    """A few numbers by name, many by count."""
    few = ", ".join(numbers[:_LISTED_MAX])
    return few if len(numbers) <= _LISTED_MAX else f"{few} and {len(numbers) - _LISTED_MAX} more"
