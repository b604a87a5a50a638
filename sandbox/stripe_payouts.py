"""Payouts: which rows of the balance go to the bank together, and what becomes of the transfer.

An automatic payout takes every available row of its currency, so that without its own row its members' net adds up to
its amount: always, unless a test skews what the list of members shows. Stripe doesn't know the members of a manual
payout. Nothing moves on by itself except a payout that was asked to, and the daily schedule if it is on.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from sandbox import stripe_money_objects as shapes
from sandbox.stripe_balance import Balance
from sandbox.stripe_objects import Json
from sandbox.stripe_store import NotPossible, Store

BANK_DAYS = 2  # calendar days from a payout to its arrival
DAILY_AT = timedelta(hours=2)  # of a UTC day
SENT_AFTER, RECONCILED_AFTER = timedelta(hours=6), timedelta(hours=12)
ARRIVES_AT = timedelta(hours=9)  # of its arrival day
INSTANT_AFTER = timedelta(minutes=30)
_OPEN = ("pending", "in_transit")


class NotItemized(ValueError):
    """Nobody knows what is in this payout, because it was made by hand."""


@dataclass(slots=True)
class _Skew:
    """What the list of members shows otherwise than it is."""

    hidden: set[str] = field(default_factory=set)
    added: list[str] = field(default_factory=list)


class Payouts:
    """Deeds return the payout's id or nothing, and raise NotPossible in a state that doesn't allow them."""

    def __init__(self, store: Store, balance: Balance) -> None:
        self._store = store
        self._balance = balance
        self._members: dict[str, list[str]] = {}  # rows of an automatic payout, its own last
        self._skews: dict[str, _Skew] = {}
        self._agenda: list[tuple[datetime, int, str]] = []  # heap: at, a tie-breaker, step and payout
        self._planned = 0
        self.daily = False

    # -- reading -------------------------------------------------------------------------------------------------------

    def members(self, payout: str) -> list[Json]:
        """The rows that an automatic payout really consists of, its own row among them; of a manual one none."""
        self._store.get(payout, "payout")
        return [self._store.get(id) for id in self._members.get(payout, ())]

    def listed(self, payout: str) -> list[str]:
        """The rows that Stripe shows for a payout, in order of creation.

        While reconciliation is in progress that is only a part: the older half, our own guess at what "not completed"
        looks like. Raises NotItemized for a payout that isn't automatic.
        """
        found = self._store.get(payout, "payout")
        if not found["automatic"]:
            raise NotItemized(payout)
        ids = self._members[payout]
        if found["reconciliation_status"] != "completed":
            return ids[: len(ids) // 2]
        skew = self._skews.get(payout, _Skew())
        return [*(id for id in skew.added if id not in ids), *(id for id in ids if id not in skew.hidden)]

    # -- deeds ---------------------------------------------------------------------------------------------------------

    def create(
        self,
        currency: str,
        amount: int | None = None,
        *,
        automatic: bool = True,
        instant: bool = False,
        arrives_on: date | None = None,
        by_itself: bool = False,
    ) -> str:
        """Everything available, or by hand a part of it; less than nothing is a debit of the bank.

        A manual payout of everything is gone with its rows. One of a part stands as a row of its own in the next
        automatic payout, since the balance is smaller by it (not confirmed). `by_itself`: it is sent, reconciled and
        arrives as the world's clock advances.
        """
        with self._store.lock:
            rows = self._balance.unpaid(currency)
            whole = sum(row["net"] for row in rows)
            taken = whole if amount is None else amount
            if automatic and (amount is not None or instant):
                raise NotPossible("an automatic payout takes everything and is never instant; ask for a manual one")
            if taken == 0 or (not automatic and not 0 < taken <= whole):
                raise NotPossible(f"{taken} {currency} can't be paid out; {whole} are available")
            id, created = self._store.new_id("payout"), self._store.now()
            arrival = arrives_on or self._store.clock().date() + timedelta(days=0 if instant else BANK_DAYS)
            made = shapes.payout(
                id, created, taken, currency, _midnight(arrival), automatic=automatic,
                method="instant" if instant else "standard",
            )  # fmt: skip
            own = self._balance.book(
                id, -taken, currency, "payout", "payout",
                available_on=made["arrival_date"], description="STRIPE PAYOUT", at_once=True,
            )  # fmt: skip
            if automatic or taken == whole:
                gone = [*(row["id"] for row in rows), own["id"]]
                self._balance.pay_out(currency, gone)
                if automatic:
                    self._members[id] = gone
            self._store.commit("payout.created", self._store.keep(made | {"balance_transaction": own["id"]}))
            if by_itself:
                self._plan_life(id, automatic, instant, arrival)
            return id

    def send(self, payout: str) -> None:
        """The transfer is with the bank."""
        with self._store.lock:
            self._only(payout, "pending")
            self._store.commit("payout.updated", self._change(payout, status="in_transit"))

    def reconcile(self, payout: str) -> None:
        """From now on the members can be listed."""
        with self._store.lock:
            found = self._store.get(payout, "payout")
            if found["reconciliation_status"] != "in_progress":
                raise NotPossible(f"the reconciliation of {payout} is {found['reconciliation_status']}")
            found = self._change(payout, reconciliation_status="completed")
            self._store.event("payout.updated", found)
            self._store.commit("payout.reconciliation_completed", found)

    def arrive(self, payout: str) -> None:
        """The money is in the bank, today whatever was expected. Not final: it may still fail."""
        with self._store.lock:
            found = self._only(payout, *_OPEN)
            if found["status"] == "pending":
                self._store.event("payout.updated", self._change(payout, status="in_transit"))
            trace = {"status": "supported", "value": f"SANDBOX{payout[-10:].upper()}"}
            today = _midnight(self._store.clock().date())
            self._store.commit("payout.paid", self._change(payout, status="paid", arrival_date=today, trace_id=trace))

    def fail(self, payout: str, code: str = "could_not_process") -> None:
        """The bank sent it back, also after it was paid: a row puts the money back into the balance."""
        with self._store.lock:
            self._only(payout, *_OPEN, "paid")
            self._put_back(payout, "payout_failure", {"status": "failed", "failure_code": code}, "payout.failed")

    def cancel(self, payout: str) -> None:
        """Only a manual payout that is not with the bank yet can be cancelled."""
        with self._store.lock:
            found = self._only(payout, "pending")
            if found["automatic"]:
                raise NotPossible(f"{payout} is automatic; only manual payouts can be cancelled")
            self._put_back(payout, "payout_cancel", {"status": "canceled"}, "payout.canceled")

    def skew(self, payout: str, *, hide: str = "", add: str = "") -> None:
        """Make the list of members wrong: one left out, or a row of elsewhere shown. Neither: right again."""
        with self._store.lock:
            ids = [row["id"] for row in self.members(payout)]
            if not ids:
                raise NotPossible(f"{payout} was made by hand and has no list of members")
            skew = self._skews.setdefault(payout, _Skew())
            if not hide and not add:
                del self._skews[payout]
            if hide:
                if hide not in ids:
                    raise NotPossible(f"{hide} is no member of {payout}")
                skew.hidden.add(hide)
            if add:
                skew.added.append(self._store.get(add, "balance_transaction")["id"])

    def schedule(self, daily: bool) -> None:
        """Pay out what is available in each currency once a day, by itself, or stop doing so."""
        with self._store.lock:
            if daily and not self.daily:
                now = self._store.clock()
                today = _day(now.date()) + DAILY_AT
                self._plan(today if today > now else today + timedelta(days=1), "pay_out")
            self.daily = daily

    # -- time ----------------------------------------------------------------------------------------------------------

    def next_at(self) -> datetime | None:
        """When the next thing happens by itself."""
        return self._agenda[0][0] if self._agenda else None

    def carry_out(self) -> int:
        """Everything that is due by now; returns how much. What a deed did already is left alone."""
        done = 0
        with self._store.lock:
            while self._agenda and self._agenda[0][0] <= self._store.clock():
                at, _, what = heapq.heappop(self._agenda)
                step, _, payout = what.partition(" ")
                if step == "pay_out":
                    self._pay_out_all(at)
                else:
                    self._step(step, payout)
                done += 1
        return done

    def _pay_out_all(self, at: datetime) -> None:
        if not self.daily:
            return
        for currency, (available, _) in self._balance.sums().items():
            if available:
                self.create(currency, by_itself=True)
        self._plan(at + timedelta(days=1), "pay_out")

    def _step(self, step: str, payout: str) -> None:
        found = self._store.get(payout, "payout")
        steps: dict[str, tuple[bool, Callable[[str], None]]] = {
            "send": (found["status"] == "pending", self.send),
            "reconcile": (found["reconciliation_status"] == "in_progress", self.reconcile),
            "arrive": (found["status"] in _OPEN, self.arrive),
        }
        is_due, do = steps[step]
        if is_due:
            do(payout)

    def _plan_life(self, payout: str, automatic: bool, instant: bool, arrival: date) -> None:
        now = self._store.clock()
        if instant:
            self._plan(now + INSTANT_AFTER, f"arrive {payout}")
            return
        self._plan(now + SENT_AFTER, f"send {payout}")
        if automatic:
            self._plan(now + RECONCILED_AFTER, f"reconcile {payout}")
        self._plan(max(now + SENT_AFTER, _day(arrival) + ARRIVES_AT), f"arrive {payout}")

    def _plan(self, at: datetime, what: str) -> None:
        self._planned += 1
        heapq.heappush(self._agenda, (at, self._planned, what))

    # -- inside --------------------------------------------------------------------------------------------------------

    def _only(self, payout: str, *states: str) -> Json:
        found = self._store.get(payout, "payout")
        if found["status"] not in states:
            raise NotPossible(f"{payout} is {found['status']}; this can happen only while it is {' or '.join(states)}")
        return found

    def _change(self, payout: str, **fields: object) -> Json:
        return self._store.keep(self._store.get(payout, "payout") | fields)

    def _put_back(self, payout: str, type: str, fields: Json, event: str) -> None:
        found = self._store.get(payout, "payout")
        row = self._balance.book(
            payout, found["amount"], found["currency"], type, "payout_reversal",
            description="REFUND FOR PAYOUT (STRIPE PAYOUT)",
        )  # fmt: skip
        fields = fields | {"failure_balance_transaction": row["id"]}
        if "failure_code" in fields:
            fields["failure_message"] = "The bank could not carry out this transfer."
        self._store.commit(event, self._change(payout, **fields))


def _day(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _midnight(day: date) -> int:
    return int(_day(day).timestamp())
