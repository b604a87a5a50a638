"""What the policy makes of the real book: one walk over its open invoices, in bounded memory.

Segments, terms, contacts and rules are counted as they pass. Some invoices are looked at with all their facts; of
every kind that the texts may treat otherwise one is kept, for `of_letters`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from connector.decisions.segments import Chooser
from connector.lint.findings import Check, LintFinding, Listed, Sums, counted, yellow
from connector.lint.of_policy import escalations
from connector.money import Money
from connector.policy import DEFAULT, EMAIL, EscalationRule, Policy, Step
from connector.receivables import Customer, OpenInvoice, Pause, PauseKind, Profile

# Kinds of invoices of which one each is put into every text.
KINDS_MAX = 120
# Invoices that are looked at with all their facts: segments that overlap, links.
LOOKED_AT_MAX = 2000
# Invoices of one customer that are put into one message of many.
MANY = 3
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 -_/.,&'()#")


class Owed(NamedTuple):
    """An open invoice as far as its columns tell: with 100,000 of them the rest of its facts is too much to read."""

    id: str
    number: str
    customer_id: str
    family: str
    currency: str
    balance: int  # minor units, less what our own acts are about to pay
    askable: int
    issued_on: date
    due_on: date
    segment: str  # '' is the default one

    @classmethod
    def of(cls, invoice: OpenInvoice, family: str, segment: str = "") -> Owed:
        code, balance, askable = invoice.balance.currency, invoice.balance.minor, invoice.askable.minor
        days = invoice.issued_on, invoice.due_on
        return cls(invoice.id, invoice.number, invoice.customer_id, family, code, balance, askable, *days, segment)


@dataclass(frozen=True, slots=True)
class Book:
    """What is open on one day. `owed` walks over all of it, family by family; `whole` gives these invoices with all
    their facts; `paused` are those that people keep back.
    """

    on: date
    owed: Callable[[], Iterable[Owed]]
    whole: Callable[[Sequence[str]], Iterable[OpenInvoice]]
    customers: Mapping[str, Customer] = field(default_factory=dict)
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    paused: tuple[OpenInvoice, ...] = ()

    def profile(self, family: str) -> Profile:
        return self.profiles.get(family, _NOTHING_KNOWN)

    def family(self, customer_id: str) -> str:
        customer = self.customers.get(customer_id)
        return customer.family if customer else customer_id

    def name(self, customer_id: str) -> str:
        customer = self.customers.get(customer_id)
        return customer.name if customer else ""


@dataclass(slots=True)
class SegmentSums:
    """One segment as the book has it now."""

    name: str
    inside: Sums = field(default_factory=Sums)
    # Of the invoices that were looked at whole: those that would fit here as well, and who decides of them.
    elsewhere: Sums = field(default_factory=Sums)
    deciders: dict[str, int] = field(default_factory=dict)


class Survey:
    """The book under one policy: one walk over all of it, and a closer look at some."""

    def __init__(self, policy: Policy, book: Book) -> None:
        self.policy, self.book = policy, book
        self.segments = {name: SegmentSums(name) for name in (*(one.name for one in policy.segments), DEFAULT)}
        self.kinds: dict[tuple[object, ...], OpenInvoice] = {}
        self.many: list[OpenInvoice] = []  # of the one customer who has the most, the first few
        self.sites: dict[str, Sums] = {}  # where pay links lead, up to the first slash
        self.count = 0
        self._early: dict[tuple[str, int], Sums] = {}
        self._unreached: dict[tuple[str, str], tuple[str, ...]] = {}
        self._unreachable: dict[tuple[str, str], Sums] = {}
        self._reached: set[int] = set()
        self._unseen: dict[str, tuple[Sums, int]] = {}
        self._without_link = Sums()
        self._floors = {amount.currency for amount in policy.hand_off.unseen_amount}
        self._seen_by = {name: policy.of(name) for name in self.segments}
        self._firsts = {name: one.steps[0].days if one.steps else 0 for name, one in self._seen_by.items()}
        some, most = self._walk()
        self.many = list(book.whole(most))
        looked_at = sorted(book.whole(some), key=lambda one: (book.family(one.customer_id), one.id))
        self.looked_at = len(looked_at)
        self._look_closer(looked_at)

    def findings(self) -> Iterator[LintFinding]:
        yield from self._segments()
        yield from self._terms()
        yield from self._contacts()
        yield from self._rules()
        yield from self._never_seen()
        yield from self._paused()
        if self._without_link.count:
            yield yellow(
                Check.PAY_LINK,
                (),
                f"{counted(self._without_link.count, 'invoice')} ({self._without_link.owed}) without a pay link"
                f"{self._of_some}, {self._without_link.examples}",
                "Fill the ERP's field that mappings/ calls invoice_pay_url; without it the message has no link.",
            )

    @property
    def _of_some(self) -> str:
        return f" of {self.looked_at:,} looked at" if self.looked_at < self.count else ""

    # ---- the walk ----

    def _walk(self) -> tuple[list[str], list[str]]:
        """Count everything that columns tell. Returns some invoices spread over the book with one of each kind, and the
        first few of the customer who has the most.
        """
        spread, kinds, most = _Spread(), dict[tuple[object, ...], str](), list[str]()
        for family, rows in groupby(self.book.owed(), key=attrgetter("family")):
            by_customer: dict[str, list[str]] = {}
            rules: dict[str, list[_Rule]] = {}
            for row in rows:
                segment = row.segment if row.segment in self.segments else DEFAULT
                if segment not in rules:
                    rules[segment] = self._rules_for(segment, self.book.profile(family))
                self._count(row, segment, rules[segment])
                spread.add(row.id)
                if len(kinds) < KINDS_MAX:
                    kinds.setdefault(_rough_kind(row), row.id)
                ids = by_customer.setdefault(row.customer_id, [])
                if len(ids) < MANY:
                    ids.append(row.id)
            most = max((most, *by_customer.values()), key=len)
        return sorted({*spread.kept, *kinds.values()}), most

    def _count(self, row: Owed, segment: str, rules: Sequence[_Rule]) -> None:
        self.count += 1
        self.segments[segment].inside.add_minor(row.balance, row.currency, row.number)
        first = self._firsts[segment]
        days = (row.due_on - row.issued_on).days
        if -first > days:
            self._early.setdefault((segment, days), Sums()).add_minor(row.balance, row.currency, row.number)
        for channel in self._unreached_by(segment, row.customer_id):
            key = (channel, row.customer_id)
            self._unreachable.setdefault(key, Sums()).add_minor(row.balance, row.currency, row.number)
        reaching = [rule.id for rule in rules if rule.is_met(row)]
        self._reached.update(reaching)
        if not reaching and row.currency not in self._floors:
            sums, largest = self._unseen.get(row.currency, (Sums(), 0))
            sums.add_minor(row.askable, row.currency, row.number)
            self._unseen[row.currency] = sums, max(largest, row.askable)

    def _look_closer(self, invoices: Iterable[OpenInvoice]) -> None:
        for family, of_family in groupby(invoices, key=lambda one: self.book.family(one.customer_id)):
            fitting = Fitting(self.book.profile(family), self.policy, self.book.on)
            for invoice in of_family:
                decider, *others = fitting.of(invoice) or (DEFAULT,)
                for other in others:
                    sums = self.segments[other]
                    sums.elsewhere.add(invoice.balance, invoice.number)
                    sums.deciders[decider] = sums.deciders.get(decider, 0) + 1
                if invoice.pay_url:
                    self.sites.setdefault(site_of(invoice.pay_url), Sums()).add(invoice.balance, invoice.number)
                else:
                    self._without_link.add(invoice.balance, invoice.number)
                if len(self.kinds) < KINDS_MAX:
                    self.kinds.setdefault(self._kind(invoice), invoice)

    def _kind(self, invoice: OpenInvoice) -> tuple[object, ...]:
        """Whatever a text may treat otherwise."""
        words = (invoice.number, invoice.po_number, self.book.name(invoice.customer_id))
        return (
            invoice.balance.currency,
            len(str(invoice.askable.minor)),
            bool(invoice.po_number),
            bool(invoice.disputed),
            site_of(invoice.pay_url),
            *(_PLAIN.issuperset(word) for word in words),
        )

    # ---- segments ----

    def _segments(self) -> Iterator[LintFinding]:
        for index, segment in enumerate(self.policy.segments):
            sums = self.segments[segment.name]
            deciders = ", ".join(f"{name} of {count:,}" for name, count in sums.deciders.items())
            others = f"{counted(sums.elsewhere.count, 'open invoice')} ({sums.elsewhere.owed}){self._of_some} would fit"
            if not sums.inside.count:
                taken = f"{others} it, and segments before it decide: {deciders}"
                yield yellow(
                    Check.SEGMENT_EMPTY,
                    ("segments", index),
                    f"segment {segment.name} is empty: {taken if deciders else 'no open invoice fits it'}",
                    "Is that meant? `connector policy show` counts all segments. Words must stand here as the ERP and "
                    "the CRM have them.",
                )
            elif sums.elsewhere.count:
                yield yellow(
                    Check.SEGMENT_OVERLAP,
                    ("segments", index),
                    f"{others} segment {segment.name} as well, and segments before it decide: {deciders}, "
                    f"{sums.elsewhere.examples}",
                    "The first segment that fits decides. If that isn't meant, change their order.",
                )

    # ---- terms ----

    def _terms(self) -> Iterator[LintFinding]:
        for (segment, days), sums in sorted(self._early.items()):
            early = [step.name for step in self._seen_by[segment].steps if -step.days > days]
            yield yellow(
                Check.STEP_BEFORE_ISSUE,
                _cadence_of(self.policy, segment),
                f"terms of {counted(days, 'day')}, segment {segment}: step {' and '.join(early)} comes before the day "
                f"of issue of {counted(sums.count, 'invoice')} ({sums.owed}), {sums.examples}",
                "The first message would leave on the day of issue. Give such terms a segment of their own (when: "
                f"invoice.terms_days <= {days}) with a cadence that begins later.",
                (Listed("", "", amount=amount, detail=f"terms of {days} days") for amount in sums.amounts),
            )

    # ---- contacts ----

    def _unreached_by(self, segment: str, customer_id: str) -> tuple[str, ...]:
        """The channels of this segment by which this customer can't be reached."""
        key = (segment, customer_id)
        if key not in self._unreached:
            customer = self.book.customers.get(customer_id)
            used = {step.channel for step in self._seen_by[segment].steps}
            is_left_out = customer is not None and customer.is_excluded
            found = () if is_left_out else tuple(sorted(one for one in used if not self._reaches(customer, one)))
            self._unreached[key] = found
        return self._unreached[key]

    def _reaches(self, customer: Customer | None, channel: str) -> bool:
        if customer is None:
            return False
        if channel == EMAIL:
            parent = self.book.customers.get(customer.parent_id) if customer.mails_parent else None
            return bool(customer.email or (parent and parent.email))
        return any(one.channel == channel and one.address and one.consent_on for one in customer.contacts)

    def _contacts(self) -> Iterator[LintFinding]:
        for channel in sorted({channel for channel, _ in self._unreachable}):
            missing = {id: sums for (one, id), sums in sorted(self._unreachable.items()) if one == channel}
            total, listed = Sums(), []
            for id, sums in missing.items():
                customer = self.book.customers.get(id)
                name = customer.name if customer else ""
                for amount in sums.amounts:
                    total.add(amount, name or id)
                    listed.append(Listed(id, name, amount=amount, detail=counted(sums.count, "open invoice")))
            wanted = "billing contact with an address" if channel == EMAIL else f"{channel} contact with consent"
            yield yellow(
                Check.NO_CONTACT,
                (),
                f"{counted(len(missing), 'customer')} who owe {total.owed} have no {wanted}, {total.examples}",
                "Fill it in the ERP; nobody else can be told. `--csv` lists them.",
                listed,
            )

    # ---- escalation ----

    def _rules_for(self, segment: str, profile: Profile) -> list[_Rule]:
        """The rules that customers with this profile may come to."""
        return [_Rule.of(rule) for rule in self._seen_by[segment].escalation if could_fit(rule, profile)]

    def _rules(self) -> Iterator[LintFinding]:
        for place, segment, rules in escalations(self.policy):
            unreached = [rule.name for rule in rules if id(rule) not in self._reached]
            if self.count and unreached:
                of = f" of segment {segment}" if segment else ""
                yield yellow(
                    Check.RULE_UNREACHED,
                    place,
                    f"no open invoice could ever come to these escalation rules{of}: {', '.join(unreached)}",
                    "Is that meant? Amounts are by currency; tiers and renewals are as the ERP and the CRM have them.",
                )

    def _never_seen(self) -> Iterator[LintFinding]:
        for currency, (sums, minor) in sorted(self._unseen.items()):
            largest = Money(minor, currency)
            yield yellow(
                Check.NEVER_SEEN,
                ("hand_off", "unseen_amount"),
                f"{counted(sums.count, 'invoice')} in {currency} ({sums.owed}, the largest {largest}) come to no "
                f"escalation rule however late they get, and no floor is named for {currency}, {sums.examples}",
                f"Name an amount in {currency} under hand_off.unseen_amount, so that a large one can't stay unseen.",
            )

    # ---- what people keep back ----

    def _paused(self) -> Iterator[LintFinding]:
        total, listed = Sums(), []
        for invoice in self.book.paused:
            for pause in _entered(invoice):
                has_end = pause.until is not None or bool(pause.instalments)
                lacking = [word for word, there in (("owner", pause.owner), ("end", has_end)) if not there]
                if lacking:
                    total.add(invoice.balance, invoice.number)
                    name, why = self.book.name(invoice.customer_id), f"{pause.kind}: no {' and no '.join(lacking)}"
                    listed.append(Listed(invoice.customer_id, name, invoice.number, invoice.balance, why))
        if listed:
            yield yellow(
                Check.HOLD_OPEN_ENDED,
                ("exceptions", "pauses"),
                f"{counted(total.count, 'pause')} ({total.owed}) without an owner or an end in the ERP, "
                f"{total.examples}",
                "Fill them in there; until then the owner and the days of exceptions.pauses count.",
                listed,
            )


def _entered(invoice: OpenInvoice) -> tuple[Pause, ...]:
    """What people entered in the ERP; a hold by its reason alone is one, too."""
    if invoice.hold_reason and not any(one.kind is PauseKind.HOLD for one in invoice.pauses):
        return (*invoice.pauses, Pause(PauseKind.HOLD, invoice.hold_reason))
    return invoice.pauses


_NOTHING_KNOWN = Profile()


def site_of(url: str) -> str:
    """'https://pay.shop.example' of a link; '' without one."""
    return "/".join(url.split("/", 3)[:3])


class Fitting:
    """Of one family: which segments fit an invoice, whoever decides?"""

    def __init__(self, profile: Profile, policy: Policy, on: date) -> None:
        self._alone = tuple(
            (one.name, Chooser(profile, replace(policy, segments=(one,)), on)) for one in policy.segments
        )

    def of(self, invoice: OpenInvoice) -> tuple[str, ...]:
        """The names of the segments that fit, in the policy's order; none: it is in the default one."""
        return tuple(name for name, chooser in self._alone if chooser.decide(invoice).segment == name)


def could_fit(rule: EscalationRule, profile: Profile) -> bool:
    """Would this rule fit an invoice of such a customer if it only got late enough, as far as is known today?"""
    tiers = {tier.casefold() for tier in rule.tiers}
    return (
        (not rule.only_strategic or profile.is_strategic)
        and (rule.renewal_within_days is None or profile.renews_on is not None)
        and (not tiers or profile.traits.tier.casefold() in tiers)
        and (not rule.disputed_before or profile.history.disputes_last_year > 0)
    )


@dataclass(frozen=True, slots=True)
class _Rule:
    """What is left to ask of each invoice: from which askable amount on, by currency."""

    id: int
    bounds: Mapping[str, int]

    @classmethod
    def of(cls, rule: EscalationRule) -> _Rule:
        return cls(id(rule), {amount.currency: amount.minor for amount in rule.min_amounts})

    def is_met(self, row: Owed) -> bool:
        if not self.bounds:
            return True
        bound = self.bounds.get(row.currency)
        return bound is not None and row.askable >= bound


class _Spread:
    """Up to LOOKED_AT_MAX of however many, evenly spread over all."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self._seen, self._every = 0, 1

    def add(self, one: str) -> None:
        if self._seen % self._every == 0:
            if len(self.kept) == LOOKED_AT_MAX:
                self.kept, self._every = self.kept[::2], self._every * 2
            if self._seen % self._every == 0:
                self.kept.append(one)
        self._seen += 1


def _rough_kind(row: Owed) -> tuple[object, ...]:
    """What columns tell of how a text may treat an invoice."""
    return row.currency, len(str(row.askable)), row.askable < row.balance, _PLAIN.issuperset(row.number)


def _cadence_of(policy: Policy, segment: str) -> tuple[int | str, ...]:
    name = next((one.cadence for one in policy.segments if one.name == segment), DEFAULT)
    return ("steps",) if name == DEFAULT else ("cadences", name)


def steps_in_use(policy: Policy) -> tuple[tuple[str, Step], ...]:
    """Every step that some invoice may come to, with its segment; equal ones of several segments once."""
    found: dict[Step, str] = {}
    for name in (*(one.name for one in policy.segments), DEFAULT):
        for step in policy.of(name).steps:
            found.setdefault(step, name)
    return tuple((segment, step) for step, segment in found.items())
