"""Step 2's other half: why do people keep an invoice back, until when, and what came of it? (M41-M53, RULES 5.3-5.6)

What people entered in the ERP is held against what the store knows of it. A pause never changes due date, DPD or ageing
(RULES 5.1); it only keeps reminders back. Whether one may leave after all of this is `suppression`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from connector.business_days import business_days_later
from connector.money import Money
from connector.policy import Exceptions, Policy
from connector.receivables import Instalment, InvoiceLine, InvoiceStatus, OpenInvoice, Pause, PauseKind

# Where a pause was entered; others are named by whoever starts them.
ERP = "erp"
# How often an owner hears of a pause that is past its end.
TELL_EVERY = timedelta(days=7)
# These end by themselves, so what the ERP still shows of them afterwards begins nothing.
_END_BY_THEMSELVES = (PauseKind.PROMISE, PauseKind.PLAN, PauseKind.CONVERSATION)
# These say what the customer will pay and when.
_AGREED = (PauseKind.PROMISE, PauseKind.PLAN)


class PauseState(StrEnum):
    """What one pause does on one day, in order of precedence: the first that holds."""

    ENDED = "ended"  # with an outcome; nothing is held by it any more
    WITHOUT_EFFECT = "without_effect"  # a promise too many, a plan that nobody approved: shown, holds nothing
    RESUMING = "resuming"  # the dispute was rejected: nothing leaves yet, so that the customer can take it in
    AWAITING_CREDIT = "awaiting_credit"  # the dispute was accepted: until the books show it
    BROKEN = "broken"  # an instalment of a plan did not come: held until its owner decides
    PAST_END = "past_end"  # people entered it, so it still holds; its owner is told
    STANDING = "standing"


class PauseOutcome(StrEnum):
    """What came of a pause. Of a dispute the first three are entered by people; the rest is found out."""

    REJECTED = "rejected"  # also where the tick was taken off and nobody said why
    ACCEPTED = "accepted"
    WRITTEN_OFF = "written_off"
    CLEARED = "cleared"  # a person took it off
    KEPT = "kept"
    PARTLY_KEPT = "partly_kept"
    BROKEN = "broken"
    REPLACED = "replaced"  # by another promise or plan
    OVER = "over"  # its last day has passed
    CLOSED = "closed"  # the invoice was settled or voided


class PauseProblem(StrEnum):
    """What about a pause is shown to a person: each is an exception of this kind, and holds nothing by itself."""

    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_WITHOUT_REASON = "dispute_without_reason"
    CREDIT_AWAITED = "credit_awaited"
    PAUSE_OVERDUE = "pause_overdue"
    PROMISE_BROKEN = "promise_broken"
    PROMISE_TOO_MANY = "promise_too_many"
    PLAN_NOT_APPROVED = "plan_not_approved"
    PLAN_BROKEN = "plan_broken"


@dataclass(frozen=True, slots=True)
class Entry:
    """What one source says of one pause now. Empty owner and end: the policy's.

    `amount` is what is disputed or promised. Of a dispute, `detail` is what the customer said and `outcome` what people
    decided; `is_on` False is a line whose tick is off and whose outcome still stands there.
    """

    kind: PauseKind
    reason: str = ""
    owner: str = ""
    since: date | None = None
    until: date | None = None
    amount: Money | None = None
    line_id: str = ""
    detail: str = ""
    outcome: str = ""
    is_on: bool = True
    instalments: tuple[Instalment, ...] = ()
    approved_by: str = ""
    source: str = ERP

    @property
    def sense(self) -> tuple[object, ...]:
        """What makes it the same promise, plan or conversation."""
        return self.kind, self.line_id, self.until, self.amount, self.instalments


@dataclass(frozen=True, slots=True)
class Known:
    """A pause as the store keeps it; `id` 0 is a new one.

    `balance` is what was owed when it began, None where it is of all of a customer's invoices. `number` counts the
    promises of an invoice. `outcome` is set as soon as it is known, `ended_on` once nothing is held any more.
    """

    entry: Entry
    since: date
    balance: Money | None = None
    number: int = 1
    outcome: str = ""
    outcome_on: date | None = None
    asked_on: date | None = None  # the customer, for detail
    told_on: date | None = None  # its owner, that it is past its end
    ended_on: date | None = None
    id: int = 0

    def at_stake(self, balance: Money) -> Money:
        """What of this balance isn't asked for because of it: of a dispute its line, else all."""
        amount = self.entry.amount
        if self.entry.kind is not PauseKind.DISPUTE or amount is None or amount.currency != balance.currency:
            return balance
        return min(amount, balance)


@dataclass(frozen=True, slots=True)
class Owed:
    """The money behind a pause. `credited`: by how much the balance fell since it began, beside cash that we matched.

    `coming` is money of the family that was seen and is not matched yet.
    """

    number: str
    is_open: bool
    balance: Money
    credited: Money
    coming: Money


@dataclass(frozen=True, slots=True)
class Pair:
    """A pause that the store knows (or that begins) and what its source says now; None: it says nothing any more."""

    known: Known
    now: Entry | None
    is_replaced: bool = False


@dataclass(frozen=True, slots=True)
class PauseVerdict:
    """What one pause does now. `known` is the pause as it is to be kept; `until` its end, None where it has ended.

    `holds`: no reminder of the invoice leaves, for this `reason`. A dispute that stands holds its lines only. `asks`:
    the customer is to be asked for detail now.
    """

    state: PauseState
    reason: str
    known: Known
    holds: bool = False
    until: date | None = None
    problems: tuple[tuple[PauseProblem, str], ...] = ()
    asks: bool = False


# ---- what the ERP says, beside what is known ----


def entries(invoice: OpenInvoice) -> tuple[Entry, ...]:
    """What people entered on this invoice, of disputes one a line: their owner and end stand on the invoice.

    A dispute without a disputed line is of the whole invoice.
    """
    stated = [_entry(one) for one in invoice.pauses if one.kind is not PauseKind.DISPUTE]
    if invoice.hold_reason and not _HOLDS.intersection(one.kind for one in stated):
        stated.append(Entry(PauseKind.HOLD, invoice.hold_reason))
    about = next((_entry(one) for one in invoice.pauses if one.kind is PauseKind.DISPUTE), Entry(PauseKind.DISPUTE))
    lines = [_disputed_line(line, about) for line in invoice.lines if line.disputed or line.dispute_outcome]
    if any(one.kind is PauseKind.DISPUTE for one in invoice.pauses) and not any(one.is_on for one in lines):
        stated.append(about)
    return (*stated, *lines)


# What one tick in the ERP may stand for: a hold of any of these is that tick.
_HOLDS = frozenset({PauseKind.HOLD, PauseKind.USAGE, PauseKind.CREDIT_MEMO, PauseKind.FORMAT_CHANGE})


def _entry(one: Pause) -> Entry:
    return Entry(
        kind=one.kind,
        reason=one.reason,
        owner=one.owner,
        since=one.since,
        until=one.until,
        amount=one.amount,
        instalments=one.instalments,
        approved_by=one.approved_by,
    )


def _disputed_line(line: InvoiceLine, about: Entry) -> Entry:
    return Entry(
        kind=PauseKind.DISPUTE,
        reason=line.dispute_reason,
        owner=about.owner,
        since=line.disputed_on,
        until=about.until,
        amount=line.amount,
        line_id=line.id,
        detail=line.dispute_detail,
        outcome=line.dispute_outcome,
        is_on=line.disputed,
    )


def pairs(invoice: OpenInvoice, known: Sequence[Known], policy: Policy, on: date) -> tuple[Pair, ...]:
    """Every pause that stands or begins on this invoice. `known` are all that it ever had.

    One of another source than the ERP's fields says what it said. What ends by itself begins once: the ERP may show an
    old promise for ever. A promise that was entered with its days past is history.
    """
    stated = _one_of_each(invoice, known, policy, on)
    standing = [one for one in known if one.ended_on is None]
    found = [Pair(one, one.entry) for one in standing if one.entry.source != ERP]
    ours = [one for one in standing if one.entry.source == ERP]
    by_key: dict[tuple[PauseKind, str], Entry] = {(one.kind, one.line_id): one for one in stated}
    found += [_pair(one, by_key.get((one.entry.kind, one.entry.line_id)), policy.exceptions, on) for one in ours]
    taken = {(one.entry.kind, one.entry.line_id) for one in ours if one.entry.kind not in _AGREED}
    ended = [one for one in known if one.outcome != PauseOutcome.CLEARED]
    before = {one.entry.sense for one in ended if one.entry.kind in _END_BY_THEMSELVES}
    before |= {pair.now.sense for pair in found if pair.now is not None}
    for entry in stated:
        if not entry.is_on or entry.outcome or (entry.kind, entry.line_id) in taken:
            continue
        begins = _begins(entry, invoice, known, policy, on)
        if entry.kind not in _END_BY_THEMSELVES or (
            entry.sense not in before and begins.since <= _last_day(begins, policy)
        ):
            found.append(Pair(begins, entry))
    return tuple(found)


def _one_of_each(invoice: OpenInvoice, known: Sequence[Known], policy: Policy, on: date) -> list[Entry]:
    """Where a kind is entered twice, the one that holds longer counts; a plan first of all by being approved."""
    found: dict[tuple[PauseKind, str], Entry] = {}

    def reach(entry: Entry) -> tuple[bool, date, int]:
        is_approved = entry.kind is PauseKind.PLAN and bool(entry.approved_by.strip())
        amount = entry.amount.minor if entry.amount else invoice.balance.minor
        return is_approved, _last_day(_begins(entry, invoice, known, policy, on), policy), amount

    for one in entries(invoice):
        key = one.kind, one.line_id
        if key not in found or reach(one) > reach(found[key]):
            found[key] = one
    return list(found.values())


def _begins(entry: Entry, invoice: OpenInvoice, known: Sequence[Known], policy: Policy, on: date) -> Known:
    """A day of its beginning that lies ahead of us is a slip of the pen: it begins today."""
    number = 1 + sum(one.entry.kind is entry.kind for one in known)
    since = entry.since if entry.since and entry.since <= on else on
    if entry.kind in _AGREED:
        since = on  # what counts is the money from now on
    return Known(entry, since, invoice.balance, number)


def _pair(known: Known, now: Entry | None, rules: Exceptions, on: date) -> Pair:
    """Other days or amounts are another promise or plan, unless it is put right on the day on which it was entered.

    A promise that may not be made any more doesn't take the place of the one before, which holds to its end.
    """
    is_same = now is None or known.entry.kind not in _AGREED or now.sense == known.entry.sense
    if is_same or known.since == on:
        return Pair(known, now)
    if known.entry.kind is PauseKind.PROMISE and known.number == rules.promises_max:
        return Pair(known, known.entry)
    return Pair(known, None, is_replaced=True)


def _last_day(known: Known, policy: Policy) -> date:
    """The last day on which it holds by itself."""
    rules, entry, since = policy.exceptions, known.entry, known.since
    if entry.kind is PauseKind.CONVERSATION:
        days = rules.conversation_business_days
        return entry.until or business_days_later(since, days, policy.calendar)
    last = entry.until or since + timedelta(days=rules.rule(entry.kind).days_max)
    if entry.kind is PauseKind.PLAN:
        last = max((one.due_on for one in entry.instalments), default=last)
    if entry.kind in (PauseKind.PLAN, PauseKind.PROMISE):
        return business_days_later(last, rules.promise_grace_business_days, policy.calendar)
    return last


# ---- one pause on one day ----


def decide(
    known: Known, now: Entry | None, owed: Owed | None, policy: Policy, on: date, *, is_replaced: bool = False
) -> PauseVerdict:
    """What does this pause do today, and what of it needs a person?

    `owed` is None for a pause of all of a customer's invoices. What people entered holds until they end it, past its
    end as well; only a promise, a plan and a conversation end by themselves. Deciding twice changes nothing.
    """
    if owed is not None and not owed.is_open:
        return _closed(known, now, owed, policy, on)
    if is_replaced:
        return _ended(known, PauseOutcome.REPLACED, f"Another {_WORDS[known.entry.kind]} took its place.", on)
    if now is None and known.entry.kind is not PauseKind.DISPUTE:
        return _ended(known, PauseOutcome.CLEARED, "A person took it off.", on)
    kept = replace(known, entry=now) if now is not None else known
    return _BY_KIND.get(kept.entry.kind, _until_released)(kept, now, owed, policy, on)


def _ended(known: Known, outcome: PauseOutcome, why: str, on: date) -> PauseVerdict:
    over = replace(known, outcome=outcome.value, outcome_on=known.outcome_on or on, ended_on=on)
    return PauseVerdict(PauseState.ENDED, why, over)


def _closed(known: Known, now: Entry | None, owed: Owed, policy: Policy, on: date) -> PauseVerdict:
    kind, stated = known.entry.kind, (now.outcome if now else "") or known.outcome
    why = f"Invoice {owed.number} is not open any more."
    if kind is PauseKind.DISPUTE and stated in (PauseOutcome.ACCEPTED, PauseOutcome.WRITTEN_OFF):
        return _ended(known, PauseOutcome(stated), why, on)
    is_kept = (
        kind is PauseKind.PROMISE and _came(known, owed) >= _promised(known, owed) and on <= _last_day(known, policy)
    )
    return _ended(known, PauseOutcome.KEPT if is_kept else PauseOutcome.CLOSED, why, on)


_WORDS: Mapping[PauseKind, str] = {
    PauseKind.DISPUTE: "dispute",
    PauseKind.HOLD: "hold",
    PauseKind.USAGE: "usage hold",
    PauseKind.CREDIT_MEMO: "wait for a credit memo",
    PauseKind.FORMAT_CHANGE: "wait for another form of the invoice",
    PauseKind.PROMISE: "promise",
    PauseKind.PLAN: "payment plan",
    PauseKind.CONVERSATION: "conversation",
}
_WHY: Mapping[PauseKind, str] = {
    PauseKind.HOLD: "A person put the invoice on hold",
    PauseKind.USAGE: "What was used is not signed off yet",
    PauseKind.CREDIT_MEMO: "A credit memo is to come",
    PauseKind.FORMAT_CHANGE: "The customer wants the invoice in another form",
}


def owner_of(entry: Entry, policy: Policy) -> str:
    return entry.owner or policy.exceptions.rule(entry.kind).owner


def said(entry: Entry, until: date | None) -> str:
    """Why a pause of this kind holds, in one sentence."""
    if entry.kind is PauseKind.CONVERSATION:
        return _said("Our people are in touch with the customer" + (f" until {until}" if until else ""), entry.reason)
    return _said(_WHY.get(entry.kind, f"There is a {_WORDS[entry.kind]}"), entry.reason)


def _said(what: str, reason: str) -> str:
    return f"{what}: {reason.rstrip('.')}." if reason else f"{what}."


def _until_released(known: Known, now: Entry | None, owed: Owed | None, policy: Policy, on: date) -> PauseVerdict:
    """A hold, a usage hold (M48: not at 7 DPD, not at all), a credit to come, another form of the invoice."""
    reason = said(known.entry, known.entry.until)
    return _past_end_or(PauseState.STANDING, reason, known, owed, policy, on, holds=True)


def _past_end_or(
    state: PauseState,
    reason: str,
    known: Known,
    owed: Owed | None,
    policy: Policy,
    on: date,
    *,
    holds: bool,
    last: date | None = None,
    problems: Iterable[tuple[PauseProblem, str]] = (),
    asks: bool = False,
) -> PauseVerdict:
    """It stands; past its last day its owner is told, once a week, until somebody acts."""
    last = last or _last_day(known, policy)
    told = list(problems)
    if on > last:
        entry, owner = known.entry, owner_of(known.entry, policy)
        about = f"of invoice {owed.number}" if owed else "of all invoices of the customer"
        what = f"The {_WORDS[entry.kind]} {about} since {known.since} was to end by {last}, and still stands"
        told.append((PauseProblem.PAUSE_OVERDUE, f"{_said(what, entry.reason)} Its owner is {owner}."))
        if known.told_on is None or on - known.told_on >= TELL_EVERY:
            known = replace(known, told_on=on)
        state = PauseState.PAST_END if state is PauseState.STANDING else state
    return PauseVerdict(state, reason, known, holds, last, tuple(told), asks)


# ---- disputes of lines ----


def _dispute(known: Known, now: Entry | None, owed: Owed | None, policy: Policy, on: date) -> PauseVerdict:
    """Holds its line only, which is not asked for anyhow, until people say how it ended (RULES 5.3).

    A tick that is taken off without a word counts as rejected, unless the books show a credit by then.
    """
    stated = now.outcome if now else ""
    if now is not None and now.is_on and not stated:
        again = replace(known, outcome="", outcome_on=None)
        return _disputed(again, owed, policy, on)
    outcome = stated or known.outcome or _unsaid(known, owed)
    known = replace(known, outcome=outcome, outcome_on=on if outcome != known.outcome else known.outcome_on)
    if outcome in (PauseOutcome.ACCEPTED, PauseOutcome.WRITTEN_OFF):
        return _accepted(known, now, owed, policy, on)
    if outcome != PauseOutcome.REJECTED:
        return _ended(known, PauseOutcome.CLEARED, "The dispute is off, and less is owed since.", on)
    days = policy.exceptions.dispute_resume_business_days
    first_on = business_days_later(known.outcome_on or on, days, policy.calendar)
    if on >= first_on:
        return _ended(known, PauseOutcome.REJECTED, f"The dispute was rejected on {known.outcome_on}.", on)
    what = f"The dispute of {_of_what(known.entry)} was rejected on {known.outcome_on}"
    reason = f"{what}; nothing leaves before {first_on}."
    return PauseVerdict(PauseState.RESUMING, reason, known, holds=True, until=first_on - timedelta(days=1))


def _of_what(entry: Entry) -> str:
    return f"line {entry.line_id}" if entry.line_id else "all"


def _unsaid(known: Known, owed: Owed | None) -> str:
    return "" if owed is not None and _is_credited(known, owed) else PauseOutcome.REJECTED.value


def _is_credited(known: Known, owed: Owed) -> bool:
    """Did the books take off just what was disputed? Whatever else came off may be cash, or about something else."""
    return owed.credited == known.at_stake(known.balance or owed.balance)


def _disputed(known: Known, owed: Owed | None, policy: Policy, on: date) -> PauseVerdict:
    entry, rules = known.entry, policy.exceptions
    about = f" of invoice {owed.number}" if owed else ""
    what = f"{_of_what(entry).capitalize()}{about} is disputed since {known.since}"
    ask_on = known.since + timedelta(days=rules.dispute_ping_after_days)
    shown = _said(what, entry.reason) + _answer(known)
    problems = [(PauseProblem.DISPUTE_OPENED, shown)]
    if not entry.reason.strip():
        problems.append((PauseProblem.DISPUTE_WITHOUT_REASON, f"{what}, and nobody entered a reason."))
    asks = not entry.detail.strip() and known.asked_on is None and on >= ask_on
    reason = _said(what, entry.reason)
    return _past_end_or(
        PauseState.STANDING, reason, known, owed, policy, on, holds=not entry.line_id, problems=problems, asks=asks
    )


def _answer(known: Known) -> str:
    """What the customer said of it, or whether it was asked: one question an invoice, then people ask."""
    if known.entry.detail.strip():
        return f" The customer says: {known.entry.detail}."
    if known.asked_on is None:
        return ""
    if known.asked_on < known.since:
        return f" The customer was asked about another dispute on {known.asked_on}, and is not asked again by itself."
    return f" The customer was asked for detail on {known.asked_on} and gave none yet."


def _accepted(known: Known, now: Entry | None, owed: Owed | None, policy: Policy, on: date) -> PauseVerdict:
    """The customer was right: nobody asks for it, ticked or not, until the books show it (RULES 5.3, M57, M58).

    They show it when exactly the disputed amount came off beside the cash that we matched; what people paid in by
    hand, or a credit about something else, is told apart by its amount alone. Once the credit is there, a tick that is
    left on would keep something else from being asked for, so it stands until that is off.
    """
    outcome, how = PauseOutcome(known.outcome), known.outcome.replace("_", " ")
    is_ticked, is_credited = now is not None and now.is_on, owed is None or _is_credited(known, owed)
    if owed is None or (is_credited and not is_ticked):
        return _ended(known, outcome, f"The dispute was {how}, and the books show it.", on)
    reason = f"The dispute of {_of_what(known.entry)} was {how}; {known.at_stake(owed.balance)} is to be credited."
    if is_credited:
        reason = f"The dispute of {_of_what(known.entry)} was {how}, and the books show it; take the tick off."
    problem = (PauseProblem.CREDIT_AWAITED, f"Invoice {owed.number}: {reason}")
    days = timedelta(days=policy.exceptions.rule(PauseKind.CREDIT_MEMO).days_max)
    last = (known.outcome_on or on) + days
    # A line that is ticked is not asked for; one that isn't would be, so the whole invoice waits.
    return _past_end_or(
        PauseState.AWAITING_CREDIT, reason, known, owed, policy, on, holds=not is_ticked, last=last, problems=[problem]
    )


# ---- promises and plans ----


def _came(known: Known, owed: Owed) -> Money:
    """By how much less is owed since it began; somebody else's posting counts like ours."""
    began = known.balance or owed.balance
    return max(began - owed.balance, Money.zero(began.currency))


def _promised(known: Known, owed: Owed) -> Money:
    """All that was open where nobody entered an amount, and in another currency than the invoice's."""
    amount, began = known.entry.amount, known.balance or owed.balance
    return amount if amount is not None and amount.currency == began.currency else began


def _promise(known: Known, now: Entry | None, owed: Owed | None, policy: Policy, on: date) -> PauseVerdict:
    """Kept if at least the amount came by its day and the business days of grace (RULES 5.4)."""
    rules, entry = policy.exceptions, known.entry
    if owed is None:
        return _until_released_by_itself(known, f"The customer promised to pay by {entry.until}.", policy, on)
    amount, came, last = _promised(known, owed), _came(known, owed), _last_day(known, policy)
    if came >= amount:
        return _ended(known, PauseOutcome.KEPT, f"{amount} was promised and came.", on)
    what = f"{amount} of invoice {owed.number} was promised for {entry.until or last}"
    if known.number > rules.promises_max:
        return _too_many(known, what, last, rules, on)
    if on > last and owed.coming < amount - came:
        if came:
            told = f"{what}; {came} came, {amount - came} did not."
            return _broken(known, PauseOutcome.PARTLY_KEPT, told, on)
        return _broken(known, PauseOutcome.BROKEN, f"{what}, and nothing came.", on)
    reason = f"{amount} is promised for {entry.until or last}; reminders wait until {last}."
    if on > last:
        reason = f"{amount} was promised, and {owed.coming} was seen that is not matched yet."
    return PauseVerdict(PauseState.STANDING, reason, known, holds=True, until=last)


def _too_many(known: Known, what: str, last: date, rules: Exceptions, on: date) -> PauseVerdict:
    if on > last:
        return _ended(known, PauseOutcome.OVER, "Its day has passed; it held nothing.", on)
    most = f"At most {rules.promises_max} hold reminders back; this doesn't."
    told = f"{what}: promise {known.number} of this invoice. {most}"
    problem = (PauseProblem.PROMISE_TOO_MANY, told)
    return PauseVerdict(PauseState.WITHOUT_EFFECT, told, known, until=last, problems=(problem,))


def _broken(known: Known, outcome: PauseOutcome, told: str, on: date) -> PauseVerdict:
    ended = _ended(known, outcome, told, on)
    return replace(ended, problems=((PauseProblem.PROMISE_BROKEN, told),))


def _plan(known: Known, now: Entry | None, owed: Owed | None, policy: Policy, on: date) -> PauseVerdict:
    """Counts once somebody approved it; held instalment by instalment, each with the grace of a promise (RULES 5.4).

    An instalment that did not come breaks it. The invoice stays held all the same: what is asked for then is for its
    owner to say, since a reminder would name the whole balance.
    """
    entry, number = known.entry, f" of invoice {owed.number}" if owed else ""
    last = _last_day(known, policy)
    if not entry.approved_by.strip():
        told = f"The payment plan{number} is approved by nobody; until it is, reminders go on."
        problem = (PauseProblem.PLAN_NOT_APPROVED, told)
        return PauseVerdict(PauseState.WITHOUT_EFFECT, told, known, until=last, problems=(problem,))
    if owed is None or not entry.instalments:
        reason = f"A payment plan is approved by {entry.approved_by}."
        return _past_end_or(PauseState.STANDING, reason, known, owed, policy, on, holds=True)
    came, late = _came(known, owed), _late(entry, policy, on)
    if came < late and owed.coming < late - came:
        told = f"The payment plan{number} is broken: {late} was to be paid by now, {came} came."
        problem = (PauseProblem.PLAN_BROKEN, told)
        return PauseVerdict(PauseState.BROKEN, told, known, holds=True, until=last, problems=(problem,))
    if on > last and came >= late:
        return _ended(known, PauseOutcome.KEPT, "Every instalment of the payment plan came.", on)
    following = min((one for one in entry.instalments if one.due_on >= on), key=lambda one: one.due_on, default=None)
    coming = f"; {following.amount} is due on {following.due_on}" if following else ""
    reason = f"A payment plan is approved by {entry.approved_by}{coming}."
    return PauseVerdict(PauseState.STANDING, reason, known, holds=True, until=last)


def _late(entry: Entry, policy: Policy, on: date) -> Money:
    """What should have come by now: instalments whose day and grace have passed."""
    grace = policy.exceptions.promise_grace_business_days
    due = [one for one in entry.instalments if business_days_later(one.due_on, grace, policy.calendar) < on]
    return Money.total((one.amount for one in due), entry.instalments[0].amount.currency)


# ---- conversations ----


def _conversation(known: Known, now: Entry | None, owed: Owed | None, policy: Policy, on: date) -> PauseVerdict:
    return _until_released_by_itself(known, said(known.entry, _last_day(known, policy)), policy, on)


def _until_released_by_itself(known: Known, reason: str, policy: Policy, on: date) -> PauseVerdict:
    last = _last_day(known, policy)
    if on > last:
        return _ended(known, PauseOutcome.OVER, f"Its last day, {last}, has passed.", on)
    return PauseVerdict(PauseState.STANDING, reason, known, holds=True, until=last)


_BY_KIND: Mapping[PauseKind, Callable[[Known, Entry | None, Owed | None, Policy, date], PauseVerdict]] = {
    PauseKind.DISPUTE: _dispute,
    PauseKind.PROMISE: _promise,
    PauseKind.PLAN: _plan,
    PauseKind.CONVERSATION: _conversation,
}


# ---- an invoice as a whole ----


def held_by(verdicts: Iterable[PauseVerdict]) -> PauseVerdict | None:
    """The pause that holds the invoice, where several do the one that is named first among the kinds."""
    order = list(PauseKind)
    return min((one for one in verdicts if one.holds), key=lambda one: order.index(one.known.entry.kind), default=None)


def decide_invoice(
    invoice: OpenInvoice, known: Sequence[Known], owed: Callable[[Known], Owed], policy: Policy, on: date
) -> Iterator[PauseVerdict]:
    """Every pause of this invoice on this day; those that begin have the id 0."""
    for pair in pairs(invoice, known, policy, on) if invoice.status is InvoiceStatus.OPEN else _left_over(known):
        yield decide(pair.known, pair.now, owed(pair.known), policy, on, is_replaced=pair.is_replaced)


def _left_over(known: Sequence[Known]) -> Iterator[Pair]:
    """Of an invoice that isn't open any more nothing begins, and all that stands ends."""
    yield from (Pair(one, one.entry) for one in known if one.ended_on is None)
