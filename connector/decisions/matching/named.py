"""Bars and rungs of named invoices: what the payer, the merchant or Stripe itself says the money is for.

A claim becomes a match only by arithmetic: the named balances add up to the money, or one invoice is paid in part, or
all are paid in full and the rest stays on the customer.
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.decisions.matching.case import Case, Verdict
from connector.decisions.matching.references import Reading, is_open
from connector.money import Money
from connector.receivables import ExceptionKind, Explanation, Match, OpenInvoice, PaymentState, Rung

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
    foreign = sorted({invoice.number for reading in case.readings for invoice in reading.foreign})
    payers = {invoice.customer_id for reading in case.readings for invoice in reading.named}
    if foreign:
        reason = f"It names {_listed(foreign)} of another customer; who paid is in doubt."
    elif not case.payment.customer_id and len(payers) > 1:
        reason = "The customer is not known, and it names invoices of several customers."
    else:
        return None
    return case.exception(ExceptionKind.PAYER_IN_DOUBT, reason, _shown(case))


def bar_not_open(case: Case) -> Verdict | None:
    """A named invoice that is not open: perhaps a duplicate payment.

    Stripe's own invoices may carry numbers that the ERP does not know, so a link of which nothing is known gives way
    to the other readings, and stands in the way of the amount alone.
    """
    closed = [number for reading in case.readings for number in reading.closed]
    lost = list(case.metadata.unknown)
    if case.link.named or not case.leading.named:
        lost += case.link.unknown
    if not closed and not lost:
        return None
    what = f"It names {_listed(sorted({*closed, *lost}))}, not among the open invoices"
    reason = f"{what}: {'perhaps paid twice.' if closed else 'already paid, or not in the ERP.'}"
    return case.exception(ExceptionKind.REFERENCE_NOT_OPEN, reason, _shown(case))


def bar_currency(case: Case) -> Verdict | None:
    others = [i for reading in case.readings for i in reading.named if i.balance.currency != case.money.currency]
    if not others:
        return None
    reason = (
        f"It is in {case.money.currency}, and the named invoice {others[0].number} is in {others[0].balance.currency}."
    )
    return case.exception(ExceptionKind.CURRENCY, reason, _shown(case))


def bar_twins(case: Case) -> Verdict | None:
    """Two open invoices of the family carry one number, and it is named: which one is meant?"""
    twins = [invoice for reading in case.readings for invoice in reading.twins]
    if not twins:
        return None
    reason = f"The number {twins[0].number} belongs to several open invoices."
    return case.exception(ExceptionKind.AMBIGUOUS, reason, (case.in_full([invoice]) for invoice in twins))


def bar_readings_disagree(case: Case) -> Verdict | None:
    """A weaker reading may name fewer invoices than the strictest, never others."""
    strictest = {invoice.id for invoice in case.leading.named}
    if all(invoice.id in strictest for reading in case.readings for invoice in reading.named):
        return None
    reason = "Link, metadata and text name different invoices."
    return case.exception(ExceptionKind.AMBIGUOUS, reason, _shown(case))


def unidentified(case: Case) -> Verdict | None:
    """Cash of an unknown customer: only Stripe's own link or ERP ids, and only with the exact sum, say whose it is."""
    if case.payment.customer_id:
        return None
    if case.link.named or (case.metadata.named and case.payment.remittance.invoice_ids):
        rung = Rung.STRIPE_LINK if case.link.named else Rung.METADATA
        verdict = _prove(case, rung, case.leading)
        if isinstance(verdict, Match) and not verdict.unapplied and _leaves_nothing(case, verdict):
            return verdict
    reason = "The customer is not known: the payer has no ERP customer id."
    return case.exception(ExceptionKind.UNIDENTIFIED, reason, _shown(case))


def stripe_link(case: Case) -> Verdict | None:
    return _prove(case, Rung.STRIPE_LINK, case.link)


def metadata(case: Case) -> Verdict | None:
    return _prove(case, Rung.METADATA, case.metadata)


def printed_reference(case: Case) -> Verdict | None:
    return _prove(case, Rung.PRINTED_REFERENCE, case.text)


def _prove(case: Case, rung: Rung, reading: Reading) -> Verdict | None:
    """Does the money fit what is named? The first that holds: in full, undisputed parts, over, one in part."""
    invoices, money = reading.named, case.money
    if not invoices:
        return None
    named = f"It names {_listed([invoice.number for invoice in invoices])}"
    total = Money.total((invoice.balance for invoice in invoices), money.currency)
    if any(_is_barred(invoice) for invoice in invoices):
        return _prove_without_held(case, rung, invoices, total)
    full = [(invoice, invoice.balance) for invoice in invoices]
    if total == money:
        return case.match(rung, full, f"{named}, and the balances add up to the payment.")
    undisputed = [(invoice, invoice.askable) for invoice in invoices]
    if Money.total((amount for _, amount in undisputed), money.currency) == money:
        return case.match(rung, undisputed, f"{named}, and what is not disputed of them adds up to the payment.")
    if rung is Rung.PRINTED_REFERENCE and reading.unknown:
        reason = f"{named}, which does not add up, and holds {_listed(reading.unknown)}, which is not known."
        return case.exception(ExceptionKind.UNEXPLAINED_REFERENCE, reason, _shown(case))
    others = [invoice for invoice in case.pool if invoice.balance == money and invoice not in invoices]
    if rung is Rung.PRINTED_REFERENCE and others:
        # A mistyped number that happens to be another invoice's looks exactly like this.
        reason = f"{named}, which does not add up, while {others[0].number} alone is exactly the payment."
        shown = [*_shown(case), *(case.in_full([invoice]) for invoice in others)]
        return case.exception(ExceptionKind.AMBIGUOUS, reason, shown)
    if total < money:
        return case.match(rung, full, f"{named}; all are paid in full, {money - total} is over.")
    if len(invoices) == 1:
        return case.match(rung, [(invoices[0], money)], f"{named}; it is paid in part, the residual stays open.")
    reason = f"{named}, {total - money} more than the payment, and does not say how to split it."
    return case.exception(ExceptionKind.SHORT_OVER_SEVERAL, reason, _shown(case))


def _prove_without_held(case: Case, rung: Rung, invoices: Sequence[OpenInvoice], total: Money) -> Verdict:
    """If the whole adds up, the others are paid and the held part stays unapplied (M60); else a person decides."""
    held = [invoice for invoice in invoices if _is_barred(invoice)]
    others = [(invoice, invoice.balance) for invoice in invoices if not _is_barred(invoice)]
    numbers = _listed([invoice.number for invoice in held])
    if others and total == case.money:
        reason = f"It names {len(invoices)} invoices that add up to the payment; {numbers} waits, on hold or disputed."
        return case.match(rung, others, reason, held=held)
    reason = f"It names {numbers}, on hold or disputed, and the rest is not proved by the sum."
    return case.exception(ExceptionKind.HELD_INVOICE_NAMED, reason, _shown(case))


def _is_barred(invoice: OpenInvoice) -> bool:
    """On hold by a person, or nothing of it is undisputed."""
    return bool(invoice.hold_reason) or not invoice.askable


def _leaves_nothing(case: Case, match: Match) -> bool:
    balances = dict(match.decided_on)
    return all(application.amount == balances[application.invoice_id] for application in match.applications)


def _shown(case: Case) -> list[Explanation]:
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


def _listed(numbers: Sequence[str]) -> str:
    """A few numbers by name, many by count."""
    few = ", ".join(numbers[:_LISTED_MAX])
    return few if len(numbers) <= _LISTED_MAX else f"{few} and {len(numbers) - _LISTED_MAX} more"
