"""What would leave on a day to come: the list, and each message just as the customer would see it.

Decided on a copy of the store, on what was just read. The days before are lived through on it: what is due on them
counts as sent. Shadow and a missing approval are looked past, since the question is what would leave. What is taken for
granted is said with the answer.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from connector import business_days, escalate, loop, pauses, plans, remind
from connector.errors import ConfigError
from connector.log import redact
from connector.parts import Parts
from connector.policy import EMAIL, Switch
from connector.ports import Letter, ReminderMail, SendOutcome
from connector.receivables import Profile
from connector.remind import Decided
from connector.reports_policy import PreviewHeld, PreviewItem, PreviewMessage, PreviewReport, PreviewSent
from connector.store import Tx, gate, policies, profiles, rehearsal, restoring
from connector.store.gate import Claim

# So far ahead, and so many messages to oneself.
DAYS_MAX = 31
MAILED_MAX = 50
_A_DAY = timedelta(days=1)
_ONE_A_DAY = "A mail to this customer left on that day; at most one leaves a day."
_ANOTHER_FIRST = "Another message to this customer goes before it; at most one leaves a day."
_ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;]+")


_Held = tuple[Decided, str, str]


@dataclass(frozen=True, slots=True)
class Moment:
    """A clock that stands still."""

    at: datetime

    def now(self) -> datetime:
        return self.at


@dataclass(frozen=True, slots=True)
class Shown:
    """One message with all that it rests on."""

    mail: ReminderMail
    due: tuple[Decided, ...]
    letter: Letter


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A day as it would go; `counted` messages left on the days before it."""

    on: date
    at: datetime
    shown: tuple[Shown, ...]
    held: tuple[_Held, ...]  # with verdict and reason
    counted: int
    breaker: str


def preview(parts: Parts, on: date | None = None, send_to: str = "", at_most: int = 0) -> PreviewReport:
    """What would leave on this day (None: the next one on which mail may), on `parts` that work on a copy.

    With `send_to` up to `at_most` of its messages are mailed there, marked as previews; never to a customer.
    """
    now = parts.clock.now()
    today = parts.today(now)
    day = on or next_day(parts, today)
    if not today <= day <= today + DAYS_MAX * _A_DAY:
        raise ConfigError(
            f"A preview shows a day from {today} on, at most {DAYS_MAX} days ahead; {day} is none of them."
        )
    loop.read_and_match(parts, now, today, loop.Strict(), is_first_of_day=True)
    with parts.store.read() as tx:
        blocked = policies.blocked(tx, parts.policy)
        if send_to:
            _check_address(tx, send_to)
    found = _live_until(parts, day, now)
    with parts.store.read() as tx:
        report = PreviewReport(
            as_of=now,
            on=day,
            at=found.at,
            policy_version=parts.policy.version,
            send=parts.policy.send.value,
            messages=tuple(_message(tx, one) for one in found.shown),
            held=tuple(_held(tx, *one) for one in found.held),
            assumed=tuple(_assumed(parts, found, now, blocked)),
        )
    if not send_to:
        return report
    return replace(report, mailed=tuple(_mail(parts, found, send_to, at_most, now)))


def next_day(parts: Parts, today: date) -> date:
    """The next day after this one on which mail may leave."""
    calendar = parts.policy.calendar
    start = datetime.combine(today + _A_DAY, time(0), parts.zone)
    opens = business_days.next_send_at(start, calendar, parts.zone)
    return opens.astimezone(parts.zone).date() if opens else today + _A_DAY


def _check_address(tx: Tx, address: str) -> None:
    if not _ADDRESS.fullmatch(address):
        raise ConfigError("--send-to needs one mail address, such as you@your-company.example. Nothing was sent.")
    if customer := rehearsal.customer_reached_by(tx, address):
        raise ConfigError(f"--send-to names an address of customer {customer}: a preview never goes to a customer.")


# ---- the days until then ----


def _live_until(parts: Parts, day: date, now: datetime) -> Rehearsed:
    """Let every day before it pass on the copy, and decide that day."""
    today, counted = parts.today(now), 0
    on, at = today, now
    while True:
        then = replace(parts, clock=Moment(at), remembered={})
        parts.store.clock = then.clock
        shown, held, breaker = _decide(then, on, at)
        if on == day:
            return Rehearsed(on, at, shown, held, counted, breaker)
        counted += _count_as_sent(then, shown, at)
        on += _A_DAY
        opens = datetime.combine(on, parts.policy.calendar.send_from, parts.zone).astimezone(UTC)
        with parts.store.tx() as tx:
            rehearsal.pass_time(tx, opens - at, on)
        at = opens


def _decide(parts: Parts, on: date, at: datetime) -> tuple[tuple[Shown, ...], tuple[_Held, ...], str]:
    """What would leave on this day, the largest first, and what would not, each as the daemon decides it."""
    pauses.keep_pauses(parts, on)
    plans.plan_reminders(parts, on)
    sending = replace(parts, policy=parts.policy.as_if_sending())
    with parts.store.tx() as tx:
        escalate.decide(tx, parts, on)
        _approve(tx, parts)
        decided = remind.decide_reminders(tx, sending, at, on)
        remind.record_decisions(tx, sending, decided, on)
        ready, held = _sort_out(decided, gate.mailed_on(tx, on), _Hours(tx, parts, on, at, decided))
        breaker = parts.paused(tx, "send", "reminders", len(ready)) if ready else ""
        shown = []
        for customer_id in sorted(ready, key=lambda id: (-max(remind.weight(one) for one in ready[id]), id)):
            due = remind.together(ready[customer_id])
            held += [(one, "waits", _ANOTHER_FIRST) for one in ready[customer_id] if one not in due]
            mail = remind.compose(sending, customer_id, due, on, remind.blind_copy_to(tx, sending, due, on))
            shown.append(Shown(mail, tuple(due), _letter(parts, mail)))
    return tuple(shown), tuple(held), breaker


def _sort_out(
    decided: Sequence[Decided], mailed: Collection[str], hours: _Hours
) -> tuple[dict[str, list[Decided]], list[_Held]]:
    """What would leave, by customer, and what would not and why."""
    ready: dict[str, list[Decided]] = {}
    held: list[_Held] = []
    for one in decided:
        if one.suppression is None or one.cadence.reminder is None:
            continue
        if not one.may_leave:
            held.append((one, one.suppression.outcome.value, one.suppression.text))
        elif one.invoice.customer_id in mailed:
            held.append((one, "waits", _ONE_A_DAY))
        elif why := hours.why_not(one):
            held.append((one, "waits", why))
        else:
            ready.setdefault(one.invoice.customer_id, []).append(one)
    return ready, held


def _approve(tx: Tx, parts: Parts) -> None:
    """On the copy the policy counts as approved, and a restored store as looked over: whether it is is told beside."""
    restoring.lift(tx)
    tx.set(policies.APPROVED, parts.policy.version)
    tx.set(policies.RED, "")


def _letter(parts: Parts, mail: ReminderMail) -> Letter:
    channel = parts.channels.get(mail.channel)
    return channel.preview(mail) if channel else Letter(trouble=f"the channel {mail.channel} is not connected")


def _count_as_sent(parts: Parts, shown: Sequence[Shown], at: datetime) -> int:
    with parts.store.tx() as tx:
        refused = [
            rehearsal.count_as_sent(tx, one.mail, one.due[0].invoice.customer_id, _claims(one.due), at) for one in shown
        ]
    return refused.count("")


def _claims(due: Sequence[Decided]) -> list[Claim]:
    return [Claim(one.invoice.id, one.version, one.cadence.reminder.step) for one in due if one.cadence.reminder]


class _Hours:
    """May a message leave to a customer within this day, in its own zone? A day begins at `at`."""

    def __init__(self, tx: Tx, parts: Parts, on: date, at: datetime, decided: Sequence[Decided]) -> None:
        self._parts, self._on, self._at = parts, on, at
        families = {one.customer.family for one in decided if one.customer and one.may_leave}
        self._known: Mapping[str, Profile] = profiles.profiles(tx, on, families)

    def why_not(self, one: Decided) -> str:
        calendar, zone = self._parts.policy.calendar, self._parts.zone
        family = one.customer.family if one.customer else one.invoice.customer_id
        if calendar.customers_zone:
            zone = business_days.zone_of(self._known.get(family, Profile()).traits, zone)
        opens = business_days.next_send_at(self._at, calendar, zone)
        if opens and self._parts.today(opens) == self._on:
            return ""
        return f"Not on that day: {business_days.why_quiet(calendar, self._at.astimezone(zone))}."


# ---- the answer ----


def _message(tx: Tx, shown: Shown) -> PreviewMessage:
    mail, letter = shown.mail, shown.letter
    return PreviewMessage(
        customer=_customer(tx, shown.due[0]),
        to_domain=mail.to.rpartition("@")[2] if mail.channel == EMAIL else "",
        channel=mail.channel,
        sender=mail.sender,
        template=mail.template,
        items=tuple(_item(one) for one in sorted(shown.due, key=lambda one: (one.invoice.due_on, one.invoice.number))),
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
        copies=len(mail.cc) + bool(mail.bcc),
        problem=redact(letter.trouble),
    )


def _item(one: Decided) -> PreviewItem:
    return PreviewItem(
        invoice=one.invoice.number,
        step=one.cadence.reminder.step if one.cadence.reminder else "",
        due_on=one.invoice.due_on,
        days_past_due=one.invoice.days_past_due(one.on),
        amount=one.invoice.askable,
        segment=one.policy.segment,
    )


def _held(tx: Tx, one: Decided, verdict: str, reason: str) -> PreviewHeld:
    step = one.cadence.reminder.step if one.cadence.reminder else ""
    return PreviewHeld(
        one.invoice.number, _customer(tx, one), step, one.invoice.askable, verdict, redact(reason), one.policy.segment
    )


def _customer(tx: Tx, one: Decided) -> str:
    id = one.invoice.customer_id
    return redact(f"{one.customer.name} ({id})") if one.customer else id


def _assumed(parts: Parts, found: Rehearsed, now: datetime, blocked: str) -> list[str]:
    policy = parts.policy
    told = [
        f"Everything is as it was read at {now:%Y-%m-%d %H:%M} UTC. What is paid, disputed, held or changed until then "
        "changes this list: the daemon reads it all again before each message.",
    ]
    if found.on != parts.today(now):
        told.append("Each source is taken to be read as freshly then as it is now.")
    if found.counted:
        told.append(f"What is due on the days before counts as sent on its day: {found.counted} messages.")
    if any(one.send is not Switch.AUTO for one in policy.everywhere):
        quiet = ", ".join(one.segment for one in policy.everywhere if one.send is not Switch.AUTO)
        told.append(
            f"Sending is not in auto ({quiet}): there nothing leaves. This is what would leave if it had been in auto "
            "all along; on the day on which it is switched on, what is overdue by then waits in the backlog first."
        )
    if blocked and any(one.send is Switch.AUTO for one in policy.everywhere):
        told.append(f"The policy may not send by itself yet: {blocked}.")
    if found.breaker:
        told.append(f"On that day sending would stop until a person looked: {found.breaker}.")
    return told


# ---- to oneself ----


def _mail(parts: Parts, found: Rehearsed, to: str, at_most: int, now: datetime) -> list[PreviewSent]:
    """Mail these messages to one of our own people, through the channel that customers' mail takes."""
    by_mail = [one for one in found.shown if one.mail.channel == EMAIL and not one.letter.trouble]
    sent = []
    for number, one in enumerate(by_mail[: min(at_most, MAILED_MAX)], start=1):
        result = parts.channel.send(_to_oneself(parts, one, to, found.on, f"{now:%Y%m%dT%H%M%S}-{number}"), _always)
        is_sent = result.outcome is SendOutcome.SENT
        sent.append(PreviewSent(one.due[0].invoice.customer_id, one.letter.subject, is_sent, redact(result.detail)))
    return sent


def _to_oneself(parts: Parts, one: Shown, to: str, on: date, mark: str) -> ReminderMail:
    """Its own Message-ID, so that the real one stays free, and an answer to it is no customer's."""
    mail = one.mail
    copies = len(mail.cc) + bool(mail.bcc)
    more = f", with {copies} {'copy' if copies == 1 else 'copies'}" if copies else ""
    return replace(
        mail,
        message_id=f"<arc-preview-{parts.installation}-{mark}@{mail.sender.rpartition('@')[2]}>",
        to=to,
        cc=(),
        bcc="",
        note=f"Preview of {on}: to {mail.customer_name or 'the customer'} at {mail.to.rpartition('@')[2]}{more}. "
        "Only you got this; the customer got nothing.",
    )


def _always() -> bool:
    """It is for ourselves: there is no gate to ask."""
    return True
