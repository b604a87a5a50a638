"""What would have been sent, and handed to people, under a policy? The past played day by day, by the pure decisions.

The same functions decide as in the daemon: segment, cadence, suppression, escalation, business days. Only days on which
something happens to a customer are played: a step or a rule comes due, money arrives, a pause ends. Nothing dated later
is looked at. Pure: values in, values out; two plays of the same past are the same.

A payment counts from its own day on, since the daemon looks for cash last, before it speaks: so nothing paid is chased.
What the past doesn't hold (deliveries, profiles of then, hours) is said where the figures are shown.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property

from connector import paying
from connector.business_days import why_quiet
from connector.decisions import cadence, escalation, suppression
from connector.decisions.segments import Chooser
from connector.decisions.suppression import SuppressionFacts, SuppressionOutcome, SuppressionReason
from connector.money import Money
from connector.policy import Calendar, Policy, Tone
from connector.receivables import (
    Customer,
    InvoiceLine,
    InvoiceStatus,
    OpenInvoice,
    PauseKind,
    Profile,
    Reminder,
    ReminderState,
)
from connector.settlement import ArDocument, DocumentKind

_A_DAY = timedelta(days=1)
_WEEK = timedelta(days=6)
# A calendar that is closed for longer is a mistake; what falls due in it waits for the next day that something happens.
_CLOSED_MAX = 31
_WAITING = (ReminderState.PLANNED, ReminderState.HELD)


@dataclass(frozen=True, slots=True)
class KeptBack:
    """Days on which people kept an invoice back, as we know of it; `last_on` None: to this day.

    `amount` is what was disputed; the rest of the invoice went on. None: all of it was kept back.
    """

    kind: PauseKind
    first_on: date
    last_on: date | None = None
    reason: str = ""
    amount: Money | None = None

    def holds(self, on: date) -> bool:
        return self.first_on <= on and (self.last_on is None or on <= self.last_on)


@dataclass(frozen=True, slots=True)
class PastInvoice:
    """An invoice as it was billed, and what became of it: each part that was settled with the day of its money.

    `was_disputed`: at some time; only `kept_back` says on which days.
    """

    invoice: OpenInvoice
    settled: tuple[tuple[date, Money], ...] = ()
    kept_back: tuple[KeptBack, ...] = ()
    was_disputed: bool = False

    def left(self, on: date) -> Money:
        """What was owed on this day, its own payments taken off."""
        parts = sum(amount.minor for day, amount in self.settled if day <= on)
        return Money(max(self.invoice.amount.minor - parts, 0), self.invoice.amount.currency)

    @property
    def closed_on(self) -> date | None:
        """The day on which nothing was left of it; None: something still is."""
        left = self.invoice.amount.minor
        for day, amount in sorted(self.settled, key=lambda part: part[0]):
            left -= amount.minor
            if left <= 0:
                return day
        return None


@dataclass(frozen=True)
class Past:
    """What was billed and paid, and who the customers are today. `profiles` are by family, their history is not used.

    `documents` are all invoices that a payment history is made of; where there are none, those of `invoices`.
    """

    invoices: tuple[PastInvoice, ...]
    customers: Mapping[str, Customer]
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    documents: tuple[ArDocument, ...] = ()

    @cached_property
    def by_customer(self) -> dict[str, tuple[PastInvoice, ...]]:
        found: dict[str, list[PastInvoice]] = defaultdict(list)
        for one in sorted(self.invoices, key=lambda past: past.invoice.id):
            found[one.invoice.customer_id].append(one)
        return {customer_id: tuple(found[customer_id]) for customer_id in sorted(found)}

    def family(self, customer_id: str) -> str:
        customer = self.customers.get(customer_id)
        return customer.family if customer else customer_id

    def profile(self, family: str, on: date) -> Profile:
        """Who this family is today, with the payment history that was known on this day."""
        return self._families[family].profile(on) if family in self._families else Profile()

    @cached_property
    def _families(self) -> dict[str, _Family]:
        documents: dict[str, list[ArDocument]] = {self.family(one): [] for one in self.by_customer}
        for one in self.documents or tuple(_document(past) for past in self.invoices):
            documents.setdefault(self.family(one.customer_id), []).append(one)
        return {one: _Family(self.profiles.get(one, Profile()), some) for one, some in documents.items()}


class _Family:
    """A family's profile on any day; between two days on which its history moves it is the same."""

    def __init__(self, profile: Profile, documents: Sequence[ArDocument]) -> None:
        self._profile, self._documents = profile, documents
        moves = {on for one in documents for on in _moves(one)}
        self._moves = sorted(moves)
        self._known: dict[int, Profile] = {}

    def profile(self, on: date) -> Profile:
        place = bisect_right(self._moves, on)
        if place not in self._known:
            whole = sum(paying.tallies(self._documents, on).values(), start=paying.Tally())
            self._known[place] = replace(self._profile, history=whole.history())
        return self._known[place]


def _moves(document: ArDocument) -> Iterator[date]:
    """The days on which this invoice changes its customer's history: it comes, is settled, and ages out."""
    yield document.on
    yield document.on + timedelta(days=paying.YEAR_DAYS)
    if document.closed_on:
        for days in (0, paying.QUARTER_DAYS, paying.YEAR_DAYS):
            yield document.closed_on + timedelta(days=days)


def _document(past: PastInvoice) -> ArDocument:
    invoice = past.invoice
    return ArDocument(
        id=invoice.id,
        number=invoice.number,
        kind=DocumentKind.INVOICE,
        customer_id=invoice.customer_id,
        subsidiary=invoice.subsidiary,
        on=invoice.issued_on,
        amount=invoice.amount,
        due_on=invoice.due_on,
        closed_on=past.closed_on,
        was_disputed=past.was_disputed,
    )


# ---- what came of it ----


@dataclass(frozen=True, slots=True)
class Sent:
    """One reminder that would have left; those of one customer, day and channel are one message."""

    on: date
    invoice_id: str
    number: str
    customer_id: str
    step: str
    template: str
    tone: Tone
    channel: str
    segment: str
    asked: Money


@dataclass(frozen=True, slots=True)
class HandedOver:
    """An invoice that a person would have had to look at from this day on, by this rule."""

    on: date
    invoice_id: str
    number: str
    customer_id: str
    rule: str
    to: str
    segment: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Played:
    """All that one policy would have done between two days; `held`: how many steps each reason kept back at first."""

    sent: tuple[Sent, ...]
    handed_over: tuple[HandedOver, ...]
    held: Mapping[str, int]


def play(past: Past, policy: Policy, first_on: date, last_on: date) -> Played:
    """Play every customer's past under this policy, as if it had sent by itself all the time.

    Invoices are played from their issue, so that what had left before the first day is known; only what falls between
    the two days is returned.
    """
    policy = policy.as_if_sending()
    sent: list[Sent] = []
    handed_over: list[HandedOver] = []
    held: Counter[str] = Counter()
    for customer_id, invoices in past.by_customer.items():
        player = _Player(past, policy, customer_id, invoices)
        player.play(last_on)
        sent += [one for one in player.sent if one.on >= first_on]
        handed_over += [one for one in player.handed_over if one.on >= first_on]
        held.update(reason for on, reason in player.held if on >= first_on)
    return Played(
        tuple(sorted(sent, key=lambda one: (one.on, one.customer_id, one.number, one.invoice_id))),
        tuple(sorted(handed_over, key=lambda one: (one.on, one.customer_id, one.number, one.invoice_id))),
        dict(sorted(held.items())),
    )


def first_send_day(calendar: Calendar, day: date) -> date:
    """The first day from this one on that mail may leave on."""
    for ahead in range(_CLOSED_MAX):
        on = day + ahead * _A_DAY
        if not why_quiet(calendar, datetime.combine(on, calendar.send_from)):
            return on
    return day


# ---- one customer ----


@dataclass(slots=True)
class _State:
    """Where one invoice stands in the play."""

    past: PastInvoice
    steps: tuple[Reminder, ...] = ()
    segment: str | None = None
    looked_on: date = date.min
    last_sent_on: date | None = None
    rule: str = ""
    stopped_because: str = ""
    held_for: str = ""


class _Player:
    def __init__(self, past: Past, policy: Policy, customer_id: str, invoices: Sequence[PastInvoice]) -> None:
        self._past, self._policy, self._customer_id = past, policy, customer_id
        self._customer = past.customers.get(customer_id)
        self._family = past.family(customer_id)
        self._states = [_State(_delivered(one)) for one in invoices]
        self._days: list[tuple[date, int]] = []
        self.sent: list[Sent] = []
        self.handed_over: list[HandedOver] = []
        self.held: list[tuple[date, str]] = []
        self._messages: list[date] = []
        self._choosers: dict[date, Chooser] = {}

    def play(self, last_on: date) -> None:
        offsets = {step.days for one in self._policy.everywhere for step in one.steps}
        bounds = {rule.days_past_due_min for one in self._policy.everywhere for rule in one.escalation}
        bounds.add(min(self._policy.hand_off.unseen_days_past_due, escalation.UNSEEN_DAYS_MAX - 1))
        for number, state in enumerate(self._states):
            for day in self._days_of(state.past, offsets, bounds):
                self._look_on(max(day, state.past.invoice.issued_on), number)
        while self._days and self._days[0][0] <= last_on:
            on = self._days[0][0]
            numbers = set()
            while self._days and self._days[0][0] == on:
                numbers.add(heapq.heappop(self._days)[1])
            self._play_day(on, sorted(numbers))

    def _days_of(self, past: PastInvoice, offsets: Iterable[int], bounds: Iterable[int]) -> Iterator[date]:
        """Days on which something may happen to this invoice, whatever segment it is in by then."""
        due_on, renews_on = past.invoice.due_on, self._past.profiles.get(self._family, Profile()).renews_on
        for days in offsets:
            yield first_send_day(self._policy.calendar, due_on + timedelta(days=days))
        for days in bounds:
            yield due_on + timedelta(days=days)
        for on, _ in past.settled:
            yield on
        for kept in past.kept_back:
            yield kept.first_on
            if kept.last_on:
                yield kept.last_on + _A_DAY
        for one in self._policy.everywhere if renews_on else ():
            for rule in one.escalation:
                if renews_on and rule.renewal_within_days is not None:
                    yield renews_on - timedelta(days=rule.renewal_within_days)

    def _look_on(self, on: date, number: int) -> None:
        heapq.heappush(self._days, (on, number))

    def _play_day(self, on: date, numbers: Sequence[int]) -> None:
        profile = self._past.profile(self._family, on)
        ready = []
        for number in numbers:
            state = self._states[number]
            invoice = _as_of(state.past, on)
            if invoice.status is not InvoiceStatus.OPEN:
                continue
            policy = self._policy.of(self._segment(state, on))
            self._settle_plan(state, invoice, policy, on, number)
            self._escalate(state, invoice, policy, profile, on)
            if due := self._due(state, invoice, policy, profile, on, number):
                ready.append((state, invoice, policy, due))
            state.looked_on = on
        if ready:
            self._send(ready, on)

    def _segment(self, state: _State, on: date) -> str:
        if not self._policy.segments:
            return ""
        if on not in self._choosers:
            self._choosers[on] = Chooser(self._past.profile(self._family, on), self._policy, on)
        return self._choosers[on].decide(_as_of(state.past, on)).segment

    def _moved_on(self, state: _State, segment: str, on: date) -> date:
        """The day on which it came into this segment: the daemon decides that daily, here nobody looked since then."""
        while on - _A_DAY > state.looked_on and self._segment(state, on - _A_DAY) == segment:
            on -= _A_DAY
        return on

    def _settle_plan(self, state: _State, invoice: OpenInvoice, policy: Policy, on: date, number: int) -> None:
        """As `plans`: an invoice that comes into another cadence goes on with its next step, and makes up for none."""
        if state.segment is None:
            state.steps, state.segment = cadence.plan(invoice, policy), policy.segment
        elif state.segment != policy.segment:
            moved_on, standing = self._moved_on(state, policy.segment, on), {one.step for one in state.steps}
            wanted = cadence.plan(invoice, policy)
            names = {one.step for one in wanted} | set(cadence.BESIDE_THE_CADENCE)
            kept = [one if one.step in names else _missed(one) for one in state.steps]
            fresh = [_missed(one) if one.due_on <= moved_on else one for one in wanted if one.step not in standing]
            state.steps, state.segment = (*kept, *fresh), policy.segment
        if any(day <= on for day, _ in state.past.settled):
            self._replan(state, invoice, policy, on, number)

    def _replan(self, state: _State, invoice: OpenInvoice, policy: Policy, on: date, number: int) -> None:
        """What is left of an almost paid invoice is asked for once, gently."""
        percent = (invoice.amount - invoice.balance).minor * 100 // invoice.amount.minor
        last_cash_on = max(day for day, _ in state.past.settled if day <= on)
        changed = {one.step: one for one in cadence.replan(invoice, percent, last_cash_on, state.steps, policy)}
        state.steps = tuple(({one.step: one for one in state.steps} | changed).values())
        courtesy = changed.get(cadence.COURTESY_STEP)
        if courtesy and courtesy.state in _WAITING:
            self._look_on(first_send_day(policy.calendar, courtesy.due_on), number)

    def _escalate(self, state: _State, invoice: OpenInvoice, policy: Policy, profile: Profile, on: date) -> None:
        verdict = escalation.decide(invoice, policy, on, profile=profile)
        if verdict and verdict.rule != state.rule:
            self.handed_over.append(
                HandedOver(
                    on,
                    invoice.id,
                    invoice.number,
                    invoice.customer_id,
                    verdict.rule,
                    verdict.to.value,
                    policy.segment,
                    invoice.askable,
                )
            )
        state.rule = verdict.rule if verdict else ""
        state.stopped_because = verdict.reason if verdict and verdict.stops_mail else ""

    def _due(
        self, state: _State, invoice: OpenInvoice, policy: Policy, profile: Profile, on: date, number: int
    ) -> cadence.CadenceVerdict | None:
        """The verdict on the step that is due and may leave; None if there is none. What waits is looked at again."""
        if why_quiet(policy.calendar, datetime.combine(on, policy.calendar.send_from)):
            self._look_on(first_send_day(policy.calendar, on + _A_DAY), number)
            return None
        verdict = cadence.decide(state.steps, policy, on, state.last_sent_on)
        missed = {one.step: one for one in verdict.missed}
        state.steps = tuple(missed.get(one.step, one) for one in state.steps)
        if verdict.reminder is None:
            return None
        found = suppression.decide(self._facts(state, invoice, profile, on, verdict.reminder.step), policy)
        if found.outcome is SuppressionOutcome.MAY_LEAVE:
            state.held_for = ""
            return verdict
        if state.held_for != f"{verdict.reminder.step} {found.reason}":
            self.held.append((on, found.reason.value))
        state.held_for = f"{verdict.reminder.step} {found.reason}"
        if found.reason is SuppressionReason.POLITENESS:
            self._look_on(first_send_day(policy.calendar, on + _A_DAY), number)
        return None

    def _facts(self, state: _State, invoice: OpenInvoice, profile: Profile, on: date, step: str) -> SuppressionFacts:
        zero = Money.zero(invoice.balance.currency)
        kept = next((one for one in state.past.kept_back if one.holds(on) and one.amount is None), None)
        return SuppressionFacts(
            invoice=invoice,
            customer=self._customer,
            on=on,
            inflight=zero,
            overdue_askable=zero,
            credits=zero,
            is_strategic=profile.is_strategic,
            escalation=state.stopped_because,
            step=step,
            pause=(kept.kind, kept.reason or kept.kind.value) if kept else None,
            heard=sum(on - _WEEK <= day for day in self._messages),
        )

    def _send(self, ready: Sequence[tuple[_State, OpenInvoice, Policy, cadence.CadenceVerdict]], on: date) -> None:
        """One message of all that is due for the customer; it speaks in the firmest tone."""
        firmest = max((due.speaks_as for *_, due in ready if due.speaks_as), key=lambda step: _firmness(step.tone))
        self._messages.append(on)
        for state, invoice, policy, due in ready:
            if due.reminder is None:
                continue
            left = replace(due.reminder, state=ReminderState.SENT)
            state.steps = tuple(left if one.step == left.step else one for one in state.steps)
            state.last_sent_on = on
            self.sent.append(
                Sent(
                    on,
                    invoice.id,
                    invoice.number,
                    invoice.customer_id,
                    left.step,
                    firmest.template,
                    firmest.tone,
                    firmest.channel,
                    policy.segment,
                    invoice.askable,
                )
            )


def _firmness(tone: Tone) -> int:
    return list(Tone).index(tone)


def _missed(reminder: Reminder) -> Reminder:
    return replace(reminder, state=ReminderState.MISSED) if reminder.state in _WAITING else reminder


def _delivered(past: PastInvoice) -> PastInvoice:
    """The past holds no deliveries: each invoice counts as delivered when it was issued."""
    invoice = replace(past.invoice, delivered_on=past.invoice.delivered_on or past.invoice.issued_on)
    return replace(past, invoice=invoice)


def _as_of(past: PastInvoice, on: date) -> OpenInvoice:
    """The invoice on this day: what was left of it, and what of that was disputed."""
    left = past.left(on)
    status = InvoiceStatus.OPEN if left else InvoiceStatus.PAID
    disputed = tuple(
        InvoiceLine(f"disputed {number}", "", one.amount, disputed=True)
        for number, one in enumerate(past.kept_back)
        if one.amount is not None and one.holds(on)
    )
    return replace(past.invoice, balance=left, status=status, lines=disputed)
