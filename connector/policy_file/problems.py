"""What makes no sense in a policy although each of its keys is well formed; told with its place and what is meant."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from connector import business_days, mapping
from connector.conditions import ConditionError, compile_condition
from connector.decisions import segments
from connector.money import Money, MoneyError, exponent
from connector.policy import DEFAULT, EMAIL, BacklogChoice, Criteria, Switch
from connector.policy_file.parts import (
    CHANNELS,
    Amounts,
    ApprovalsPart,
    CalendarPart,
    CourtesyPart,
    EscalationPart,
    PolicyFile,
    SegmentPart,
    StepPart,
    TrustPart,
    step_name,
)
from connector.receivables import ExceptionKind, Rung

# The neutral text for old overdue invoices, if `backlog` is statement.
STATEMENT_TEMPLATE = "statement"

Problem = tuple[mapping.Loc, str]


def problems(file: PolicyFile, templates: Path) -> Iterator[Problem]:
    """All of them; the criteria of segments, which need each condition to be right, are `hidden_segments`."""
    yield from _step_problems(file)
    yield from _name_problems(file, templates)
    yield from _channel_problems(file)
    yield from _owner_problems(file)
    yield from _money_problems(file)
    yield from _trust_problems(file.trust)
    yield from _approval_problems(file.approvals)
    yield from _segment_problems(file)
    for loc, rules in _escalations(file):
        yield from _escalation_problems(loc, rules)
    yield from _calendar_problems(file.calendar)


def hidden_segments(criteria: Mapping[str, Criteria]) -> Iterator[Problem]:
    """Segments that are never reached, since one before them surely fits whenever they do."""
    names = list(criteria)
    for index, name in enumerate(names):
        hider = next((one for one in names[:index] if segments.covers(criteria[one], criteria[name])), None)
        if hider is not None:
            text = f"{name!r} is never reached: {hider!r} before it fits whenever it does; put it before {hider!r}"
            yield ("segments", index), text


def _cadences(file: PolicyFile) -> Iterator[tuple[mapping.Loc, tuple[StepPart, ...]]]:
    yield ("steps",), file.steps
    for name, steps in file.cadences.items():
        yield ("cadences", name), steps


def _escalations(file: PolicyFile) -> Iterator[tuple[mapping.Loc, tuple[EscalationPart, ...]]]:
    yield ("escalation",), file.escalation
    for index, segment in enumerate(file.segments):
        if segment.escalation:
            yield ("segments", index, "escalation"), segment.escalation


def _meant(word: str, known: Iterable[str], otherwise: str) -> str:
    near = mapping.did_you_mean(word, known)
    return f"; did you mean {near!r}?" if near else f"; {otherwise}"


def _step_problems(file: PolicyFile) -> Iterator[Problem]:
    for loc, steps in _cadences(file):
        for index, (before, step) in enumerate(pairwise(steps), start=1):
            if step.days <= before.days:
                text = (
                    f"{step.days} must be later than the step before it ({before.days}); put the steps in order of days"
                )
                yield (*loc, index, "days"), text
        names = [step_name(step) for step in steps]
        for index, name in enumerate(names):
            if name in names[:index]:
                yield (*loc, index, "name"), f"{name!r} is already the name of step {names.index(name) + 1}"
    names = [step_name(step) for step in file.steps]
    if file.first_contact_step_max not in names:
        yield (
            ("first_contact_step_max",),
            f"{file.first_contact_step_max!r} is no step; the steps are {', '.join(names)}",
        )
    if DEFAULT in file.cadences:
        yield ("cadences", DEFAULT), "default is the cadence under `steps`; give this one another name"


def _name_problems(file: PolicyFile, templates: Path) -> Iterator[Problem]:
    known = {item.name.split(".", 1)[0] for item in templates.glob("[!_.]*.*")}
    used: list[tuple[mapping.Loc, StepPart | CourtesyPart]] = [
        *(((*loc, index), step) for loc, steps in _cadences(file) for index, step in enumerate(steps)),
        (("courtesy",), file.courtesy),
    ]
    choices: list[tuple[mapping.Loc, BacklogChoice | None]] = [
        (("backlog",), file.backlog),
        *((("segments", index, "backlog"), one.backlog) for index, one in enumerate(file.segments)),
    ]
    for loc, choice in choices:
        if choice is BacklogChoice.STATEMENT and STATEMENT_TEMPLATE not in known:
            yield loc, f"statement needs a template {STATEMENT_TEMPLATE!r}; put one into {templates}"
    for loc, part in used:
        if part.template not in known:
            text = _meant(part.template, known, f"put one into {templates}")
            yield (*loc, "template"), f"there is no template {part.template!r}{text}"
        if part.sender not in file.senders:
            text = _meant(part.sender, file.senders, "add it under senders")
            yield (*loc, "sender"), f"there is no sender {part.sender!r}{text}"


def _channel_problems(file: PolicyFile) -> Iterator[Problem]:
    is_on = {EMAIL, *(name for name, channel in file.channels.items() if channel.is_on)}
    for name, channel in file.channels.items():
        if name not in CHANNELS:
            yield ("channels", name), f"there is no channel {name!r}{_meant(name, CHANNELS, _one_of(CHANNELS))}"
        elif name == EMAIL and not channel.is_on:
            yield ("channels", name), "e-mail is always on; write is_on: true, or take it out"
        if channel.fallback == name:
            yield ("channels", name, "fallback"), f"{name} can't be its own fallback; leave it out, or name another"
        elif channel.fallback:
            yield from _no_channel(("channels", name, "fallback"), channel.fallback, is_on)
    for loc, steps in _cadences(file):
        for index, step in enumerate(steps):
            yield from _no_channel((*loc, index, "channel"), step.channel, is_on)


def _no_channel(loc: mapping.Loc, name: str, is_on: Collection[str]) -> Iterator[Problem]:
    if name not in CHANNELS:
        yield loc, f"there is no channel {name!r}{_meant(name, CHANNELS, _one_of(CHANNELS))}"
    elif name not in is_on:
        yield loc, f"{name} is off; write `channels: {{ {name}: {{ is_on: true }} }}`, or name another"


def _one_of(known: Iterable[str]) -> str:
    return f"there are {', '.join(known)}"


def _owner_problems(file: PolicyFile) -> Iterator[Problem]:
    owners = file.posting_owner or {}
    places: list[tuple[mapping.Loc, Switch | None]] = [
        (("post",), file.post),
        *((("segments", index, "post"), one.post) for index, one in enumerate(file.segments)),
    ]
    for loc, switch in places:
        if switch is Switch.AUTO and "us" not in owners.values():
            yield (
                loc,
                "auto needs posting_owner: us, so that payments are not posted twice; "
                "if somebody else posts them (Stripe's own connector, a person), leave post at suggest",
            )
    for code in owners.keys() - {"*"}:
        try:
            exponent(code)
        except MoneyError as error:
            yield ("posting_owner", code), str(error)


def _money_problems(file: PolicyFile) -> Iterator[Problem]:
    places: list[tuple[mapping.Loc, Amounts]] = [
        (("min_reminder_balance",), file.min_reminder_balance),
        (("backlog_limits", "amount_max"), file.backlog_limits.amount_max),
        (("matching", "tolerance"), file.matching.tolerance),
        (("matching", "wire_fee_max"), file.matching.wire_fee_max),
        (("hand_off", "unseen_amount"), file.hand_off.unseen_amount),
        (("politeness", "new_address_amount"), file.politeness.new_address_amount),
        *((("approvals", "roles", name, "amount_max"), role.amount_max) for name, role in file.approvals.roles.items()),
        *(
            ((*loc, index, "min_amount"), part.min_amount)
            for loc, rules in _escalations(file)
            for index, part in enumerate(rules)
        ),
        *(
            (("segments", index, key), getattr(part, key))
            for index, part in enumerate(file.segments)
            for key in ("min_arr", "max_arr", "min_amount", "max_amount")
        ),
    ]
    for loc, amounts in places:
        for code, amount in amounts.items():
            try:
                if Money.of(amount, code) < Money.zero(code):
                    yield (*loc, code), "must not be negative"
            except MoneyError as error:
                yield (*loc, code), str(error)


def _segment_problems(file: PolicyFile) -> Iterator[Problem]:
    for index, part in enumerate(file.segments):
        before = [one.name for one in file.segments[:index]]
        if part.name == DEFAULT:
            yield ("segments", index, "name"), "default is the segment of whoever fits no other; choose another name"
        elif part.name in before:
            yield ("segments", index, "name"), f"{part.name!r} is there twice"
        if part.cadence != DEFAULT and part.cadence not in file.cadences:
            text = _meant(part.cadence, [DEFAULT, *file.cadences], "add it under cadences")
            yield ("segments", index, "cadence"), f"there is no cadence {part.cadence!r}{text}"
        for low, high in (("min_arr", "max_arr"), ("min_amount", "max_amount")):
            below: Amounts = getattr(part, high)
            for code, least in getattr(part, low).items():
                if code in below and below[code] <= least:
                    text = f"nothing is at least {least} and below {below[code]} {code}"
                    yield ("segments", index, high, code), text
        yield from _condition_problems(index, part)


def _condition_problems(index: int, part: SegmentPart) -> Iterator[Problem]:
    if part.when is None:
        return
    try:
        compile_condition(part.when)
    except ConditionError as error:
        yield ("segments", index, "when"), f"{error}\n{_pointed(part.when, error.position)}"


def _pointed(text: str, position: int) -> str:
    """The line of the text that is meant, with a caret below the place."""
    start = text.rfind("\n", 0, position) + 1
    line = text[start:].partition("\n")[0]
    # Far into a long line the beginning is left out, so that the caret stays beside what it points at.
    cut = max(position - start - 60, 0)
    return f"    {line[cut : cut + 110]}\n    {' ' * (position - start - cut)}^"


def _trust_problems(part: TrustPart) -> Iterator[Problem]:
    for index, rung in enumerate(part.auto):
        if rung is Rung.BY_PERSON:
            yield ("trust", "auto", index), "what a person decides is always posted; take by_person out of the list"


def _approval_problems(part: ApprovalsPart) -> Iterator[Problem]:
    answerable = [member.value for member in (*Rung, *ExceptionKind)]
    for name, role in part.roles.items():
        for index, word in enumerate(role.only):
            if word not in answerable:
                near = mapping.did_you_mean(word, answerable)
                hint = f"; did you mean {near!r}?" if near else "; README.md lists them"
                text = f"{word!r} is neither a class of evidence nor a kind of exception{hint}"
                yield ("approvals", "roles", name, "only", index), text
    for person, name in part.people.items():
        if name not in part.roles:
            near = mapping.did_you_mean(name, part.roles)
            hint = f"; did you mean {near!r}?" if near else "; add it under roles"
            yield ("approvals", "people", person), f"there is no role {name!r}{hint}"


def _escalation_problems(loc: mapping.Loc, rules: tuple[EscalationPart, ...]) -> Iterator[Problem]:
    for index, part in enumerate(rules):
        before = rules[:index]
        if part.name in [one.name for one in before]:
            yield (*loc, index, "name"), f"{part.name!r} is there twice"
        elif hider := next((one.name for one in before if _hides(one, part)), ""):
            yield (*loc, index), f"{part.name!r} can never decide: {hider!r} before it fits whenever it does"


def _hides(first: EscalationPart, second: EscalationPart) -> bool:
    """Does the first rule surely fit whenever the second one does?"""
    near, nearer = first.renewal_within_days, second.renewal_within_days
    tiers = {one.lower() for one in first.tier_in or ()}
    return (
        first.days_past_due <= second.days_past_due
        and _asks_no_more(first.min_amount, second.min_amount)
        and (not first.only_strategic or second.only_strategic)
        and (not first.disputed_before or second.disputed_before)
        and (not tiers or (second.tier_in is not None and {one.lower() for one in second.tier_in} <= tiers))
        and (near is None or (nearer is not None and nearer <= near))
    )


def _asks_no_more(first: Amounts, second: Amounts) -> bool:
    """Is every amount that reaches the second bound beyond the first as well?"""
    return not first or (bool(second) and all(code in first and first[code] <= least for code, least in second.items()))


def _calendar_problems(part: CalendarPart) -> Iterator[Problem]:
    if part.send_until <= part.send_from:
        yield (
            ("calendar", "send_until"),
            f"{part.send_until:%H:%M} must be later than send_from ({part.send_from:%H:%M})",
        )
    for index, freeze in enumerate(part.no_posting):
        if freeze.last_on < freeze.first_on:
            text = f"{freeze.last_on} must not be before first_on ({freeze.first_on})"
            yield ("calendar", "no_posting", index, "last_on"), text
    for index, name in enumerate(part.holidays):
        if problem := business_days.known_calendar(name):
            yield ("calendar", "holidays", index), problem
    for index, day in enumerate(part.working_days):
        if day in part.no_send_on:
            yield ("calendar", "working_days", index), f"{day} stands in no_send_on, too; take it out of one of them"
