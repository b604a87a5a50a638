"""Rungs of named invoices: what the payer, the merchant or Stripe itself says the money is for.

A claim becomes a match only by arithmetic: what is named adds up to the money, or one invoice is paid in part, or all
are paid in full and the rest stays on the customer. Numbers that are one slip away from ours are read only inside the
payer's family, and only where the sum proves one reading and no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

from connector.decisions.matching import sums
from connector.decisions.matching.bars import is_barred, listed, shown
from connector.decisions.matching.case import EXPLANATIONS_MAX, Case, Part, Split, Verdict, limit_of, value
from connector.decisions.matching.noisy import Slip
from connector.decisions.matching.references import Item, Reading, Token, number_of, order
from connector.decisions.matching.references import shown as printable
from connector.decisions.matching.subsets import Pool
from connector.receivables import (
    CreditMemo,
    ExceptionKind,
    Match,
    OpenInvoice,
    PayerEvidence,
    ResidualReason,
    Rung,
)

# A noisy number names an invoice that is not paid exactly only if the money is this near to it: one part in so many.
_NEAR_ONE_IN = 8
# Ways to read several noisy numbers at once: more are not tried.
_READINGS_MAX = 4096


@dataclass(frozen=True, slots=True)
class Rungs:
    """The evidence classes of one channel, by how its claim is proved."""

    full: Rung
    lines: Rung
    amounts: Rung
    credit: Rung
    part: Rung
    over: Rung
    completed: Rung
    is_text: bool = True

    def of(self, way: str) -> Rung:
        return {sums.LINES: self.lines, sums.AMOUNTS: self.amounts, sums.CREDIT: self.credit}.get(way, self.full)


def _only(rung: Rung) -> Rungs:
    return Rungs(rung, rung, rung, rung, rung, rung, rung, is_text=False)


_LINK, _METADATA = _only(Rung.STRIPE_LINK), _only(Rung.METADATA)
_PRINTED = Rungs(
    Rung.PRINTED_REFERENCE,
    Rung.PRINTED_LINES,
    Rung.PRINTED_AMOUNTS,
    Rung.PRINTED_CREDIT,
    Rung.PRINTED_PART,
    Rung.PRINTED_OVER,
    Rung.PRINTED_COMPLETED,
)
_NOISY = Rungs(
    Rung.NOISY_REFERENCE,
    Rung.NOISY_REFERENCE,
    Rung.NOISY_AMOUNTS,
    Rung.NOISY_CREDIT,
    Rung.NOISY_PART,
    Rung.NOISY_OVER,
    Rung.NOISY_COMPLETED,
)


@dataclass(frozen=True, slots=True)
class Claim:
    """What one channel says is paid, all of it open and the family's."""

    items: tuple[Item, ...]
    rungs: Rungs
    reading: Reading
    unknown: tuple[str, ...] = ()  # what the text holds beside

    @property
    def invoices(self) -> tuple[OpenInvoice, ...]:
        return tuple(item for item in self.items if isinstance(item, OpenInvoice))

    @property
    def total(self) -> int:
        return sum(map(value, self.items))

    @property
    def words(self) -> str:
        verb = "It nearly names" if self.rungs is _NOISY else "It names"
        return f"{verb} {listed([number_of(item) for item in self.items])}"


def stripe_link(case: Case) -> Verdict | None:
    return _prove(case, Claim(case.link.named, _LINK, case.link)) if case.link.named else None


def metadata(case: Case) -> Verdict | None:
    return _prove(case, Claim(case.metadata.named, _METADATA, case.metadata)) if case.metadata.named else None


def unidentified(case: Case) -> Verdict | None:
    """Cash of an unknown customer: only what names one customer's invoices, to the cent, says whose it is."""
    if case.payer_id:
        return None
    verdict = None
    if case.link.named or (case.metadata.named and case.payment.remittance.invoice_ids):
        channel = _LINK if case.link.named else _METADATA
        verdict = _prove(case, Claim(case.leading.named, channel, case.leading))
    elif not case.metadata.named:
        verdict = _payer_by_reference(case)
    if isinstance(verdict, Match) and not verdict.unapplied and not verdict.residuals:
        return verdict
    reason = "The customer is not known: the payer has no ERP customer id."
    return case.exception(ExceptionKind.UNIDENTIFIED, reason, shown(case))


def _payer_by_reference(case: Case) -> Verdict | None:
    """Numbers of one customer, as printed or only spelled otherwise, all known, whose balances are the money."""
    slips, unknown = case.owed.names.slips(case.text.tokens, only_spelled_otherwise=True)
    items = tuple(dict.fromkeys((*case.text.items, *(slip.meant[0] for slip in slips))))
    invoices = [item for item in items if isinstance(item, OpenInvoice)]
    if any(len(slip.meant) > 1 for slip in slips) or any(not token.is_other for token in unknown):
        return None
    if not invoices or len({item.customer_id for item in items}) > 1 or any(map(is_barred, invoices)):
        return None
    fit = sums.exact(case, items, {}, ResidualReason.SHORT_PAY)
    if not fit or fit.way != sums.FULL:
        return None
    reason = f"It names {listed([number_of(i) for i in invoices])}, all of one customer; the balances are the payment."
    return replace(case.match(Rung.PAYER_BY_REFERENCE, fit.split, reason), payer_by=PayerEvidence.REFERENCE)


def misprinted(case: Case) -> Verdict | None:
    """A number that is another's or already paid, and one slip away from one of ours that is exactly the money.

    Only if the invoice with that number is not what the money is for: neither its balance nor its amount fits.
    """
    reading = case.text
    others = [*reading.foreign, *reading.closed]
    if (
        not others
        or not case.payer_id
        or any((r.named, r.closed, r.foreign) != ((), (), ()) for r in case.readings[:2])
    ):
        return None
    stated = {minor for invoice in others for minor in (invoice.balance.minor, invoice.amount.minor)}
    together = sum(value(item) for item in (*reading.items, *others))
    wanted = {*case.targets, case.money.minor}
    if not wanted.isdisjoint({*stated, together}) or reading.twins or not _is_in_currency(case, reading.items):
        return None
    wrong = {invoice.number.upper() for invoice in others}
    changed = [token for token in reading.misprints if token.text in wrong]
    found = _readings_that_fit(case, changed)
    if len(found) != 1:
        return None
    case.note(f"{listed(sorted(wrong))} is no open invoice of the customer, and is not what the money is for.")
    return _noisy_match(case, found[0])


def text(case: Case) -> Verdict | None:
    """Numbers in the text: as printed, then as they may have been meant, then what does not add up exactly."""
    reading = case.text
    if not reading.items and not reading.tokens:
        return None
    claim = _printed(case)
    if claim.invoices and (verdict := _exactly(case, claim)):
        return verdict
    if claim.invoices:
        case.note(f"{claim.words}: {case.amount(claim.total)}, which is not the payment of {case.money}.")
    if case.payer_id and (verdict := _as_meant(case)):
        return verdict
    return _nearly(case, claim) if claim.invoices else None


def _printed(case: Case) -> Claim:
    reading = case.text
    # A purchase order's number is no invoice's: it says nothing against those that are named beside it.
    unknown = tuple(printable(token.text) for token in reading.unexplained if not token.is_other)
    return Claim(reading.items, _PRINTED, reading, unknown)


def _prove(case: Case, claim: Claim) -> Verdict | None:
    return _exactly(case, claim) or _nearly(case, claim)


def _exactly(case: Case, claim: Claim) -> Verdict | None:
    """In full, by stated amounts, less a discount, undisputed lines, less memos."""
    if any(map(is_barred, claim.invoices)):
        return _without_held(case, claim)
    fit = sums.exact(case, claim.items, claim.reading.stated, _why_less(claim.reading))
    # That the stated amounts are the payment proves little beside something that is not understood.
    if fit and not (fit.way == sums.AMOUNTS and claim.unknown):
        if refused := _memos_refused(case, fit.split):
            return refused
        return case.match(claim.rungs.of(fit.way), fit.split, f"{claim.words}, and {sums.REASONS[fit.way]}.")
    splits = sums.with_memos(case, claim.items)
    if splits is None:
        reason = f"{claim.words}; so many credit memos are open that the search for those that fit was given up."
        return case.exception(ExceptionKind.WORK_SPENT, reason, [case.in_full(claim.items)])
    if len(splits) > 1:
        reason = f"{claim.words}, and several sets of credit memos make up the difference."
        return case.exception(ExceptionKind.AMBIGUOUS, reason, map(case.explained, splits))
    if splits:
        memos = listed([number_of(memo) for memo in splits[0].memos])
        reason = f"{claim.words}; less the credit {memos}, the only one that fits, they are the payment."
        return case.match(claim.rungs.credit, splits[0], reason, rests_on=case.owed.memos)
    return None


def _without_held(case: Case, claim: Claim) -> Verdict:
    """If the whole adds up, the others are paid and the held part stays unapplied (M60); else a person decides."""
    held = [invoice for invoice in claim.invoices if is_barred(invoice)]
    others = [item for item in claim.items if item not in held]
    numbers = listed([number_of(invoice) for invoice in held])
    is_net = bool(case.waiting.grosses)
    if sum(map(value, others)) > 0 and claim.total == case.money.minor and not is_net:
        reason = (
            f"It names {len(claim.items)} invoices that add up to the payment; {numbers} waits, on hold or disputed."
        )
        return case.match(claim.rungs.full, case.full(others), reason, held=held)
    reason = f"It names {numbers}, on hold or disputed, and the rest is not proved by the sum."
    return case.exception(ExceptionKind.HELD_INVOICE_NAMED, reason, shown(case))


def _memos_refused(case: Case, split: Split) -> Verdict | None:
    invoices = [part.invoice for part in split.parts]
    foreign = [memo for memo in split.memos if not sums.belongs(memo, invoices)]
    if split.memos and (foreign or not case.limits.apply_credits):
        why = "is of another subsidiary or ledger account" if foreign else "may not be used without a person"
        reason = (
            f"It fits with credit memo {listed([number_of(memo) for memo in foreign or split.memos])}, which {why}."
        )
        return case.exception(ExceptionKind.INELIGIBLE_ONLY, reason, [case.explained(split)])
    return None


# ---- Numbers that are one slip away ----


def _as_meant(case: Case) -> Verdict | None:
    """What the text nearly names, if exactly one way to read it is the money."""
    reading = case.text
    if not reading.tokens and not reading.misprints:
        return None
    for changed in ([], list(reading.misprints)):
        found = _readings_that_fit(case, changed)
        if len(found) == 1 and not changed:
            found += _older_twins(case, found[0])
        if len(found) > 1:
            reason = "Its numbers are unclear, and they can be read in several ways that add up to the payment."
            return case.exception(ExceptionKind.AMBIGUOUS, reason, map(case.explained, (fit.split for fit in found)))
        if found:
            return _noisy_match(case, found[0])
    case.note("No number that is one slip away from what it names makes up the payment.")
    slips, unknown = case.owed.names.slips(reading.tokens)
    meant = [slip.meant[0] for slip in slips if len(slip.meant) == 1]
    if not slips or len(meant) < len(slips) or not _is_in_currency(case, reading.items):
        return None
    items = tuple(dict.fromkeys((*reading.items, *meant)))
    if len(items) < len(reading.items) + len(meant):
        return None  # two numbers that are written differently can't both be this one
    unexplained = tuple(printable(token.text) for token in unknown if not token.is_other)
    claim = Claim(items, _NOISY, replace(reading, stated=_stated(reading, slips)), unexplained)
    if not claim.invoices:
        return None
    return _exactly(case, claim) or _nearly(case, claim)


def _noisy_match(case: Case, fit: sums.Fit) -> Verdict:
    split = fit.split
    invoices = [part.invoice for part in split.parts]
    numbers = listed([*map(number_of, invoices), *map(number_of, split.memos)])
    if barred := [number_of(invoice) for invoice in invoices if is_barred(invoice)]:
        reason = f"It nearly names {numbers}, of which {listed(barred)} is on hold or disputed."
        return case.exception(ExceptionKind.HELD_INVOICE_NAMED, reason, [case.explained(split)])
    if refused := _memos_refused(case, split):
        return refused
    reason = f"Its numbers are one slip away from {numbers}; read so, and in no other way, {sums.REASONS[fit.way]}."
    return case.match(_NOISY.of(fit.way), split, reason)


def _readings_that_fit(case: Case, changed: Sequence[Token]) -> list[sums.Fit]:
    """The different sets that the text may mean and that are exactly the money.

    `changed` are known numbers that are read as a slip of the pen, too: one of them at least is another number then.
    """
    reading = case.text
    slips, unknown = case.owed.names.slips(reading.tokens)
    is_understood = all(token.is_other for token in unknown)
    wrong = [Slip(token, case.owed.names.edited(token.text)) for token in changed]
    if not (any(slip.meant for slip in wrong) if changed else slips):
        return []
    fixed = {item.number.upper(): item for item in reading.items}
    choices: list[tuple[Item, ...]] = [slip.meant for slip in slips]
    for slip in wrong:
        as_printed = [fixed.pop(slip.token.text)] if slip.token.text in fixed else []
        if not as_printed and not slip.meant:
            return []
        choices.append((*as_printed, *slip.meant))
    stated = _stated(reading, [*slips, *wrong])
    found: dict[frozenset[str], sums.Fit] = {}
    for tried, chosen in enumerate(product(*choices)):
        if tried >= _READINGS_MAX:
            case.note(f"Its numbers can be read in more than {_READINGS_MAX} ways.")
            return []
        items = tuple(dict.fromkeys((*fixed.values(), *chosen)))
        fit = sums.exact(case, items, stated, _why_less(reading)) if _is_in_currency(case, items) else None
        agree = all(map(_agrees, (slip.token for slip in (*slips, *wrong)), chosen))
        if fit and (is_understood if fit.way == sums.AMOUNTS else agree):
            found.setdefault(fit.split.ids, fit)
    return list(found.values())


def _agrees(token: Token, item: Item) -> bool:
    """Is the amount beside a number what the item is about? A slip and another amount are too much to explain."""
    about = {abs(value(item)), item.amount.minor if isinstance(item, OpenInvoice) else 0}
    return token.stated is None or token.stated in about


def _older_twins(case: Case, fit: sums.Fit) -> list[sums.Fit]:
    """Where one number has a slip, one that is printed is doubted, too, if it leaves an older one open."""
    others = [other for other in _readings_that_fit(case, case.text.misprints) if other.split.ids != fit.split.ids]
    older = []
    for other in others:
        instead = [order(part.invoice) for part in other.split.parts if part.invoice.id not in fit.split.ids]
        left = [order(part.invoice) for part in fit.split.parts if part.invoice.id not in other.split.ids]
        if instead and left and min(instead) < min(left):
            older.append(other)
    return older


def _stated(reading: Reading, slips: Sequence[Slip]) -> dict[str, int]:
    stated = dict(reading.stated)
    for slip in slips:
        for item in slip.meant:
            if slip.token.stated is not None:
                stated.setdefault(item.id, slip.token.stated)
    return stated


def _is_in_currency(case: Case, items: Sequence[Item]) -> bool:
    return all(
        (item.balance if isinstance(item, OpenInvoice) else item.open_amount).currency == case.money.currency
        for item in items
    )


# ---- What does not add up exactly ----


def _nearly(case: Case, claim: Claim) -> Verdict | None:
    """One that was left out, all in full and a rest, one in part; else a person."""
    if case.waiting.grosses:
        return _at_no_gross(case, claim)
    if claim.rungs.is_text and (refused := _unclear(case, claim)):
        return refused
    over = case.money.minor - claim.total
    if over > 0:
        return _over(case, claim, over)
    return _short(case, claim, -over)


def _at_no_gross(case: Case, claim: Claim) -> Verdict:
    found = _completions(case, claim, [target - claim.total for target in case.targets])
    is_sure = claim.rungs is _PRINTED or (claim.rungs is _NOISY and len(claim.items) > 1)
    if len(found) == 1 and is_sure and not claim.unknown and (match := _completed(case, claim, found[0])):
        return match
    reason = f"{claim.words}, which is not the payment before any fee that the processor may have kept."
    return case.exception(ExceptionKind.FEE_NOT_STATED, reason, [case.in_full(claim.items)])


def _unclear(case: Case, claim: Claim) -> Verdict | None:
    """What forbids to believe a text that does not add up."""
    stray = [amount for amount in claim.reading.amounts if not _is_explained(case, claim, amount)]
    unknown = [*claim.unknown, *(case.amount(amount).plain() for amount in stray)]
    if unknown:
        reason = f"{claim.words}, which does not add up, and holds {listed(unknown)}, which is not known."
        return case.exception(ExceptionKind.UNEXPLAINED_REFERENCE, reason, [case.in_full(claim.items)])
    others = [i for i in case.owed.invoices if i.balance == case.money and i not in claim.items]
    others += [i for i in _neighbours(case, claim) if i not in others]
    if others:
        # A mistyped number that happens to be another invoice's looks exactly like this.
        reason = (
            f"{claim.words}, which does not add up, while {number_of(others[0])} alone would be the payment, or nearly."
        )
        sets = [case.in_full(claim.items), *(case.in_full([invoice]) for invoice in others)]
        return case.exception(ExceptionKind.AMBIGUOUS, reason, sets)
    return None


def _neighbours(case: Case, claim: Claim) -> list[OpenInvoice]:
    """Invoices one slip away from the only one that is printed, and near the money where that one is far from it."""
    if claim.rungs is not _PRINTED or len(claim.items) != 1 or _is_near(case, claim.total):
        return []
    meant = case.owed.names.edited(claim.items[0].number.upper())
    return [item for item in meant if isinstance(item, OpenInvoice) and _is_near(case, item.balance.minor)]


def _is_near(case: Case, minor: int) -> bool:
    return abs(case.money.minor - minor) * _NEAR_ONE_IN <= minor


def _is_explained(case: Case, claim: Claim, amount: int) -> bool:
    """Is this stated amount the money, or what one of the named is about, or all of them together?"""
    invoices = claim.invoices
    about = {value(item) for item in claim.items} | {invoice.amount.minor for invoice in invoices}
    return amount in {
        case.money.minor,
        case.payment.amount.minor,
        sum(invoice.balance.minor for invoice in invoices),
        claim.total,
        *map(abs, about),
    }


def _over(case: Case, claim: Claim, over: int) -> Verdict | None:
    invoices = claim.invoices
    if claim.rungs.is_text and claim.total not in claim.reading.amounts:
        found = _completions(case, claim, [over])
        # One noisy number and an invoice that it doesn't name are two guesses.
        is_sure = claim.rungs is not _NOISY or len(claim.items) > 1
        if len(found) == 1 and is_sure and (match := _completed(case, claim, found[0])):
            return match
        if found:
            sets = [case.full([*claim.items, *one.added]) for one in found]
            reason = (
                f"{claim.words}; {case.amount(over)} is over, which open invoices that it does not name would explain."
            )
            return case.exception(ExceptionKind.AMBIGUOUS, reason, map(case.explained, sets))
    if far := _far(case, claim, over):
        return far
    if claim.total < 0 or any(isinstance(item, CreditMemo) for item in claim.items):
        reason = f"{claim.words}; the credit memos leave {case.amount(over)} of the payment unexplained."
        return case.exception(ExceptionKind.AMBIGUOUS, reason, [case.in_full(claim.items)])
    if claim.rungs.is_text and over * _NEAR_ONE_IN > claim.total and _may_be_for_others(case, claim, over):
        reason = f"{claim.words}; {case.amount(over)} is over, much of them, and other invoices are open."
        return case.exception(ExceptionKind.AMBIGUOUS, reason, [case.in_full(claim.items)])
    reason = f"{claim.words}; all are paid in full, {case.amount(over)} is over."
    return case.match(claim.rungs.over, case.full(invoices), reason, rests_on=())


def _far(case: Case, claim: Claim, over: int) -> Verdict | None:
    """Noisy numbers that don't add up: is the difference small, and is nothing else open that it may be for?"""
    if claim.rungs is not _NOISY:
        return None
    if _is_near(case, claim.total) and not (len(claim.items) > 1 and _may_be_for_others(case, claim, over)):
        return None
    reason = f"{claim.words}, which is not the payment, and it may be for others, too."
    return case.exception(ExceptionKind.UNEXPLAINED_REFERENCE, reason, [case.in_full(claim.items)])


def _may_be_for_others(case: Case, claim: Claim, over: int) -> bool:
    """Is another invoice open that what is over would pay, or nearly?"""
    nearly = over + case.money.minor // _NEAR_ONE_IN
    customers = {case.payer_id, *(invoice.customer_id for invoice in claim.invoices)}
    others = (i for i in case.owed.invoices if i.customer_id in customers and i not in claim.items)
    return over > 0 and any(invoice.balance.minor <= nearly for invoice in others)


@dataclass(frozen=True, slots=True)
class _Completion:
    """One or two open items that are what is missing, and among which they were looked for."""

    added: tuple[Item, ...]
    missing: int
    among: tuple[Item, ...]


def _completions(case: Case, claim: Claim, missing: Sequence[int]) -> list[_Completion]:
    """What may have been left out: of those customers that pay or are named, else of the whole family."""
    named = {item.id for item in claim.items}
    customers = {case.payer_id, *(item.customer_id for item in claim.items)}
    family = tuple(item for item in case.owed.items if item.id not in named)
    own = tuple(item for item in family if item.customer_id in customers)
    found = [one for gap in missing for one in _that_make(own, gap)]
    return found or [one for gap in missing for one in _that_make(family, gap)]


def _that_make(among: tuple[Item, ...], missing: int) -> list[_Completion]:
    """All single items of this value, and some pairs of this sum."""
    where: dict[int, list[int]] = {}
    for position, item in enumerate(among):
        where.setdefault(value(item), []).append(position)
    found = [_Completion((among[position],), missing, among) for position in where.get(missing, ())]
    for first, item in enumerate(among):
        for second in where.get(missing - value(item), ()):
            if second > first:
                found.append(_Completion((item, among[second]), missing, among))
        if len(found) > EXPLANATIONS_MAX:
            break
    return found


def _completed(case: Case, claim: Claim, completion: _Completion) -> Verdict | None:
    """The named invoices with the only ones that make up the sum; none if chance may have made it."""
    added, missing, rest = completion.added, completion.missing, completion.among
    pool = Pool([value(item) for item in rest])
    if missing <= 0 or pool.count(missing, work=case.limits.work_max) != 1:
        return None
    fit = [position for position, item in enumerate(rest) if item in added]
    if len(added) > 1 and pool.expected_fits(missing, fit) * case.limits.accidental_fit_one_in >= 1:
        return None
    if any(isinstance(item, OpenInvoice) and (is_barred(item) or item.disputed) for item in added):
        return None
    split = case.full([*claim.items, *added], claim.total + missing)
    if _memos_refused(case, split):
        return None
    numbers = listed([number_of(item) for item in added])
    reason = f"{claim.words}; with {numbers}, the only one left that fits, it is the payment."
    return case.match(claim.rungs.completed, split, reason, rests_on=rest)


def _short(case: Case, claim: Claim, short: int) -> Verdict | None:
    """The residual has a reason of its own: a late discount, what a wire or the policy may lose, else a short pay."""
    invoices = claim.invoices
    if far := _far(case, claim, -short):
        return far
    late = sums.discounts(case, invoices, short, in_time=False)
    lost = _may_be_lost(case, short)
    if len(invoices) == len(claim.items) and late:
        parts = [Part(i, i.balance.minor - late.get(i.id, 0), why_less=ResidualReason.LATE_DISCOUNT) for i in invoices]
        reason = f"{claim.words}; less a discount whose day is over they are the payment: that stays open."
        return case.match(claim.rungs.part, Split(tuple(parts)), reason)
    if lost and len(invoices) == len(claim.items) and invoices[-1].balance.minor > short:
        last = Part(invoices[-1], invoices[-1].balance.minor - short, why_less=lost)
        reason = f"{claim.words}; {case.amount(short)} less arrived, within what may be lost on the way."
        return case.match(claim.rungs.part, Split((*case.full(invoices[:-1]).parts, last)), reason)
    if len(claim.items) == 1:
        part = Part(invoices[0], case.money.minor, why_less=_why_less(claim.reading))
        reason = f"{claim.words}; it is paid in part, the residual stays open."
        return case.match(claim.rungs.part, Split((part,)), reason)
    reason = f"{claim.words}, {case.amount(short)} more than the payment, and does not say how to split it."
    return case.exception(ExceptionKind.SHORT_OVER_SEVERAL, reason, [case.in_full(claim.items)])


def _may_be_lost(case: Case, short: int) -> ResidualReason | None:
    currency = case.money.currency
    if short <= limit_of(case.limits.tolerance, currency):
        return ResidualReason.TOLERANCE
    if case.payment.method == "wire" and short <= limit_of(case.limits.wire_fee_max, currency):
        return ResidualReason.BANK_FEE
    return None


def _why_less(reading: Reading) -> ResidualReason:
    return ResidualReason.DEDUCTION if reading.is_deducting else ResidualReason.SHORT_PAY
