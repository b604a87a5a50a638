"""What one tick works with, handed in by wiring: no room of the loop makes its own clock, store or connection."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from connector import business_days
from connector.decisions import limits
from connector.errors import ConnectorError, Terminal
from connector.policy import DEFAULT, Policy, Switch, freest, strictest
from connector.ports import (
    Answer,
    Channel,
    Chat,
    Clock,
    Crm,
    Erp,
    Installation,
    Mailbox,
    Outcome,
    PaymentSource,
    Processor,
)
from connector.receivables import Traits
from connector.settlement import Period, Settlement
from connector.store import Store, Tx, activity, book, instant, orders, parse_instant, policies, restoring

# How long a seen installation record is good for, and how far a clock may step back before it counts as wrong.
INSTALLATION_GOOD_FOR = timedelta(seconds=120)
CLOCK_SLACK = timedelta(seconds=5)
# An ordinary day is the median of so many.
BREAKER_LOOKS_BACK = timedelta(days=30)

_PERIODS = TypeAdapter(tuple[Period, ...])


@dataclass(frozen=True, slots=True)
class Parts:
    store: Store
    erp: Erp
    payments: Processor
    channel: Channel
    clock: Clock
    policy: Policy
    zone: ZoneInfo
    cutover_on: date  # money received before it is never posted
    installation: str
    reply_to: str
    owner: str  # this process's own name; leases carry it
    run: Callable[[str, str], None]  # the engine: job, key
    verify_installation: Callable[[], None]  # before anything is posted or sent: is it still us?
    crm: Crm | None = None
    statements: PaymentSource | None = None  # of our bank
    chat: Chat | None = None  # where our own people are told
    mailbox: Mailbox | None = None  # where customers' answers arrive
    other_channels: Mapping[str, Channel] = field(default_factory=dict)  # beside `channel`, which is e-mail
    zones: Mapping[str, ZoneInfo] = field(
        default_factory=dict
    )  # subsidiary -> its own zone, where it isn't the ledger's
    # Invoice -> the surroundings under which its reminder was held: a quiet tick decides nothing twice. Only a cache,
    # empty at every start; what leaves is always decided anew.
    remembered: dict[str, tuple[object, ...]] = field(default_factory=dict)
    # Messages whose sender is at work in this process just now, in whichever thread: kept by RemindAct. Their leases
    # are its own to end, also where the engine that started it has given up waiting.
    sending: set[str] = field(default_factory=set)

    def today(self, now: datetime, subsidiary: str = "") -> date:
        """The day in the subsidiary's zone, else the ledger's."""
        return now.astimezone(self.zones.get(subsidiary, self.zone)).date()

    @property
    def channels(self) -> dict[str, Channel]:
        """Every way to reach a customer that is connected, by name."""
        return {self.channel.name: self.channel, **self.other_channels}

    @property
    def sources(self) -> tuple[PaymentSource, ...]:
        """Wherever money is seen."""
        return (self.payments, self.statements) if self.statements else (self.payments,)

    def settlement(self, currency: str) -> Settlement | None:
        """How money in this currency is settled; None: payments to Undeposited Funds, payouts only shown."""
        return next((one for one in self.erp.settlements if one.currency == currency), None)

    def periods(self, tx: Tx) -> tuple[Period, ...]:
        """The ERP's accounting periods as last read; none where it has none or was never asked."""
        return _PERIODS.validate_json(tx.get("periods", "[]"))

    def keep_periods(self, tx: Tx, periods: tuple[Period, ...], now: datetime) -> None:
        tx.set("periods", _PERIODS.dump_json(periods).decode())
        tx.set("periods_at", instant(now))

    def flags_forbidden(self, tx: Tx) -> str:
        """Why the AR status may not be written into the ERP; '' if it may: in suggest it is."""
        if all(policy.post is Switch.SHADOW for policy in self.policy.everywhere):
            return "posting is in shadow"
        return orders.stopped(tx, "post") or tx.get("alarm")

    @property
    def sends(self) -> bool:
        """Do reminders of any segment leave by themselves?"""
        return any(policy.send is Switch.AUTO for policy in self.policy.everywhere)

    def quiet(self, now: datetime, traits: Traits) -> str:
        """Why no message may leave to a customer of these traits at this hour or on this day; '' if it may."""
        calendar, zone = self.policy.calendar, self.zone
        if calendar.customers_zone:
            zone = business_days.zone_of(traits, zone)
        return business_days.why_quiet(calendar, now.astimezone(zone))

    def paused(self, tx: Tx, what: str, words: str, coming: int = 0) -> str:
        """Is this more than an ordinary day sends or posts? Then it is stopped until a person looked (RULES 4.7)."""
        today = tx.at.date()
        if orders.stopped(tx, what) or orders.looked_on(tx, what) == today.isoformat():
            return ""
        counts = activity.by_day(tx, what, today - BREAKER_LOOKS_BACK)
        now = counts.pop(today.isoformat(), 0) + coming
        reason = limits.why_too_many(words, now, counts.values(), self.policy)
        if reason:
            orders.stop(tx, what, "connector", reason)
        return reason

    def blocked(self, tx: Tx) -> str:
        """Why this policy may not run by itself; '' if it may."""
        return policies.blocked(tx, self.policy)

    def clamped(self, tx: Tx) -> str:
        """Why what is auto runs as suggest now; '' if it may run, or nothing is auto."""
        is_auto = any(Switch.AUTO in (each.post, each.send) for each in self.policy.everywhere)
        return self.blocked(tx) if is_auto else ""

    def posting_forbidden(self, tx: Tx, approved: bool = False, invoice_ids: Sequence[str] = ()) -> str:
        """Why no payment of these invoices may be written into the ERP now; '' if it may.

        The strictest of their segments decides; without invoices the freest of all, since a payout mixes everybody's
        money: its deposit follows as soon as payments of any segment are posted. In suggest what a person approved may;
        a policy that nobody approved, or in which something is red, posts no more than suggest.
        """
        segments = book.segments_of(tx, invoice_ids)
        posts = [self.policy.of(segment).post for segment in segments]
        post = strictest(posts) if posts else freest(each.post for each in self.policy.everywhere)
        blocked = self.blocked(tx) if post is Switch.AUTO and not approved else ""
        if blocked:
            return f"the policy may not post by itself: {blocked}"
        if post is Switch.SHADOW or (post is Switch.SUGGEST and not approved):
            own = ", ".join(sorted(segments - {"", DEFAULT}))
            return f"posting is in {post.value}" + (f" for {own}" if own else "")
        if frozen := limits.why_frozen(self.policy.calendar, self.today(tx.at)):
            return frozen
        return orders.stopped(tx, "post") or tx.get("alarm")


def unforeseen(step: str, error: Exception) -> ConnectorError:
    """A fault of ours: told by its kind only, since its text may hold a customer's data; the log has the whole."""
    logging.getLogger("connector").error("unforeseen fault: %s", step, exc_info=error)
    return Terminal(f"A fault of the program ({type(error).__name__}) stopped one step; the log has the details.")


def clock_behind(tx: Tx, now: datetime) -> bool:
    """Is the wall clock behind its own high-water mark? Raises the mark otherwise."""
    mark = tx.get("clock_mark")
    if mark and now < parse_instant(mark) - CLOCK_SLACK:
        return True
    tx.set("clock_mark", instant(now))
    return False


class InstallationGuard:
    """The ERP holds one installation record: a clone, a staging copy or a revived old host neither posts nor sends.

    Every start raises the epoch in the ERP and in the store. A store whose epoch isn't the ERP's is a copy, or an old
    one come back.
    """

    def __init__(self, store: Store, erp: Erp, clock: Clock, name: str) -> None:
        self._store, self._erp, self._clock, self._name = store, erp, clock, name
        self._seen_at: datetime | None = None
        self._claimed = False

    def claim(self) -> None:
        """Once per start, before the first post or send: take the next epoch. Terminal if another one holds the ERP."""
        held = self.compare(self._erp.read_installation())
        following = (held.epoch if held else 0) + 1
        with self._store.tx() as tx:
            # Written first: if the process dies after the ERP's write, the next start knows the number as its own.
            tx.set("epoch_wanted", str(following))
        answer = self._erp.write_installation(Installation(self._name, following, self._clock.now()))
        self._require(answer)
        with self._store.tx() as tx:
            tx.set("epoch", str(following))
            tx.journal("installation_claimed", epoch=following)
        self._seen_at, self._claimed = self._clock.now(), True

    def verify(self) -> None:
        """Before a batch of writes: is it still us? Seen within two minutes is good enough."""
        if not self._claimed:
            self.claim()
            return
        now = self._clock.now()
        if self._seen_at and timedelta() <= now - self._seen_at < INSTALLATION_GOOD_FOR:
            return
        if self.compare(self._erp.read_installation()) is None:
            raise Terminal(
                "The ERP's installation record (arc-installation) is gone. Nothing is posted or sent until the "
                "connector is started again."
            )
        self._seen_at = now

    def compare(self, held: Installation | None) -> Installation | None:
        """What the ERP holds, if it is ours or nobody's; Terminal if it is another's."""
        with self._store.read() as tx:
            ours = {tx.get("epoch"), tx.get("epoch_wanted")} - {""}
            taking_over = restoring.takes_over(tx)
        if held is None or (held.id == self._name and str(held.epoch) in ours):
            return held
        if held.id in taking_over and not self._claimed:
            return held  # a person restored this store to go on in place of the one that the ERP knows
        self._seen_at = None
        raise Terminal(
            f"The ERP is in the hands of installation {held.id!r}, epoch {held.epoch}; this one is {self._name!r}, "
            f"epoch {max(ours, default='none')}. Nothing is posted or sent from here. If this host is the right one, "
            "stop the other. If this store is an older copy, put in place by other means than `connector restore`: "
            "connector restore --here. Else set the ERP's record arc-installation to this name and epoch, or delete "
            "it, and start again."
        )

    def _require(self, answer: Answer) -> None:
        if answer.outcome not in (Outcome.CREATED, Outcome.EXISTS):
            raise Terminal(
                f"Could not write the installation record into the ERP: {answer.code} {answer.message}. "
                "Nothing is posted or sent. Give the integration role create and edit on the record type, "
                "then start again."
            )
