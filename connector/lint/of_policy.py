"""What can be seen in the policy alone, whatever the book holds.

What surely makes no sense (a rule that is never reached, steps out of order, a cadence or channel that isn't there) is
refused when the file is read, with its line, and never comes here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connector.lint.findings import Check, LintFinding, Where, red, yellow
from connector.policy import DEFAULT, EMAIL, Addressee, Cadence, EscalationRule, Policy, Switch

# Top-level domains that nobody can own (RFC 2606), and so nobody answers at.
_NOBODYS = ("example", "invalid", "test", "localhost")


def findings(policy: Policy, channels: Sequence[str], is_redirected: bool) -> Iterator[LintFinding]:
    """`channels`: by which messages can really leave; `is_redirected`: none reaches a customer anyway."""
    yield from _cadences(policy)
    yield from _addressees(policy)
    yield from _channels(policy, channels)
    yield from _senders(policy, is_redirected)
    if not policy.calendar.holidays:
        yield yellow(
            Check.NO_HOLIDAYS,
            ("calendar", "holidays"),
            "no calendar of holidays is named: reminders leave on public holidays, and they count as business days",
            "Name the countries' or exchanges' calendars, such as holidays: [US, ECB].",
        )


def autos(policy: Policy) -> tuple[str, ...]:
    """Which switches are on `auto`: 'post', 'send', 'send of enterprise'."""
    of_all = [name for name in ("post", "send") if getattr(policy, name) is Switch.AUTO]
    of_some = [
        f"{name} of {segment.name}"
        for segment in policy.segments
        for name in ("post", "send")
        if getattr(segment, name) is Switch.AUTO
    ]
    return (*of_all, *of_some)


def is_nobodys(host: str) -> bool:
    """Is this a name that nobody can own, as in examples?"""
    return host.rpartition(".")[2].casefold() in _NOBODYS


# ---- cadences ----


def cadences(policy: Policy) -> tuple[tuple[Where, Cadence], ...]:
    """Every cadence with its place in the file, the default one first."""
    return (
        (("steps",), Cadence(DEFAULT, policy.steps)),
        *((("cadences", one.name), one) for one in policy.cadences),
    )


def _cadences(policy: Policy) -> Iterator[LintFinding]:
    used = {DEFAULT, *(segment.cadence for segment in policy.segments)}
    for place, cadence in cadences(policy):
        if cadence.steps[0].days > 0:
            yield yellow(
                Check.STARTS_LATE,
                (*place, 0),
                f"cadence {cadence.name} begins {cadence.steps[0].days} days after the due date: nobody hears of the "
                "invoice before it is late",
                "Put a step before the due date in front, such as days: -7.",
            )
        if cadence.name not in used:
            yield yellow(
                Check.CADENCE_UNUSED,
                place,
                f"no segment uses the cadence {cadence.name}",
                "Give it to a segment, or take it away.",
            )


# ---- escalation ----


def escalations(policy: Policy) -> tuple[tuple[Where, str, tuple[EscalationRule, ...]], ...]:
    """Every list of rules with its place and whose it is: that of all, and those of segments with their own."""
    return (
        (("escalation",), "", policy.escalation),
        *(
            (("segments", index, "escalation"), segment.name, segment.escalation)
            for index, segment in enumerate(policy.segments)
            if segment.escalation is not None
        ),
    )


def _addressees(policy: Policy) -> Iterator[LintFinding]:
    people = dict(policy.hand_off.people)
    wanted: dict[Addressee, str] = {}
    for _, _, rules in escalations(policy):
        for rule in rules:
            if rule.to is not Addressee.ACCOUNT_MANAGER:
                wanted.setdefault(rule.to, rule.name)
    for addressee, rule_name in wanted.items():
        if not people.get(addressee):
            yield yellow(
                Check.NO_ADDRESSEE,
                ("hand_off", "people", addressee.value),
                f"escalation rule {rule_name!r} goes to {addressee.value}, and nobody's address is named for it",
                "Name who that is under hand_off.people.",
            )


# ---- channels and senders ----


def _channels(policy: Policy, channels: Sequence[str]) -> Iterator[LintFinding]:
    for place, cadence in cadences(policy):
        for index, step in enumerate(cadence.steps):
            if step.channel != EMAIL and step.channel not in channels:
                yield yellow(
                    Check.CHANNEL_ABSENT,
                    (*place, index, "channel"),
                    f"cadence {cadence.name}, step {step.name}: the channel {step.channel} isn't connected",
                    f"Connect it in the settings, or let the step go by {EMAIL}.",
                )


def _senders(policy: Policy, is_redirected: bool) -> Iterator[LintFinding]:
    used = {policy.courtesy.sender, *(step.sender for _, one in cadences(policy) for step in one.steps)}
    for name, address in policy.senders:
        host = address.rpartition("@")[2]
        if name in used and is_nobodys(host):
            # While every message is redirected nobody could answer anyway.
            tell = yellow if is_redirected else red
            yield tell(
                Check.PLACEHOLDER,
                ("senders", name),
                f"the sender {name} is at {host}, which can't be anybody's: no answer would arrive",
                "Put your own address there.",
            )
