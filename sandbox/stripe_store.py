"""The objects of one Stripe account: kept in the order of creation, found by their fields, told by events.

Indexes keep a list call quick whatever the account holds: a list starts at its cursor or its days and reads only the
rows of its most selective field.
"""

from __future__ import annotations

import hashlib
import threading
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from heapq import merge

from sandbox import stripe_objects as objects
from sandbox.stripe_objects import Json

_PREFIXES = {
    "customer": "cus_",
    "payment_intent": "pi_",
    "charge": "ch_",
    "payment": "py_",  # the charge of everything that is no card
    "balance_transaction": "txn_",
    "payout": "po_",
    "refund": "re_",
    "payment_refund": "pyr_",  # the refund of everything that is no card
    "dispute": "dp_",
    "customer_cash_balance_transaction": "ccsbtxn_",
    "invoice": "in_",
    "invoice_payment": "inpay_",
    "event": "evt_",
}
# By Stripe's name of an object: the fields that lists are filtered by.
_INDEXED = {
    "payment_intent": ("customer",),
    "charge": ("customer", "payment_intent"),
    "balance_transaction": ("currency", "source", "type"),
    "payout": ("status",),
    "refund": ("charge", "payment_intent"),
    "dispute": ("charge", "payment_intent"),
    "customer_cash_balance_transaction": ("customer",),
    "invoice": ("customer", "status", "collection_method", "number"),
    "invoice_payment": ("invoice", "payment"),
    "event": ("type",),
}


class NoSuchObject(LookupError):
    """The account has no object of that id."""


class NotPossible(ValueError):
    """The object is in a state in which this can't happen."""


def field(row: Json, name: str) -> object:
    """What a row says in a field that lists are filtered by; of an invoice payment's `payment` the PaymentIntent."""
    value = row.get(name)
    return value.get("payment_intent") if name == "payment" and isinstance(value, dict) else value


class Store:
    """A change replaces the object, so that what an event or a reader holds stays as it was.

    `sequence` numbers the commits of the world; each deed is one commit and leaves the events that Stripe would.
    """

    def __init__(self, clock: Callable[[], datetime], sequence: Callable[[str], int], *, seed: int = 0) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self._sequence = sequence
        self._seed = seed
        self._made: Counter[str] = Counter()
        self._objects: dict[str, Json] = {}
        self._order: dict[str, list[str]] = {}
        self._created: dict[str, list[int]] = {}  # beside _order; never falls
        self._place: dict[str, int] = {}
        self._index: dict[tuple[str, str, object], list[int]] = {}  # places in _order, rising

    # -- reading -------------------------------------------------------------------------------------------------------

    def now(self) -> int:
        """The world's clock in whole seconds."""
        return int(self.clock().timestamp())

    def get(self, id: str, kind: str = "") -> Json:
        """The object as it reads now; with `kind` (Stripe's `object` name) only if it is one of those."""
        with self.lock:
            found = self._objects.get(id)
            if found is None or (kind and found["object"] != kind):
                raise NoSuchObject(id)
            return self._current(found)

    def select(
        self,
        kind: str,
        fields: Mapping[str, str | Sequence[str]] | None = None,
        *,
        since: int = 0,
        below: int | None = None,
        after: str = "",
        before: str = "",
        among: Iterable[str] | None = None,
    ) -> Iterator[Json]:
        """Objects with these fields, created from `since` and below `below`, newest first and behind `after`.

        A field with several values is any of them.
        With `before` those newer than it, the oldest of them first. `among`: only these ids. Raises NoSuchObject if a
        cursor is no object of the kind.
        """
        wanted = {name: (value,) if isinstance(value, str) else value for name, value in (fields or {}).items()}
        order, created = self._order.get(kind, []), self._created.get(kind, [])
        low = bisect_left(created, since)
        high = len(order) if below is None else bisect_left(created, below)
        if after:
            high = min(high, self._place_of(kind, after))
        if before:
            low = max(low, self._place_of(kind, before) + 1)
        found = [
            places[bisect_left(places, low) : bisect_left(places, high)] for places in self._places(kind, wanted, among)
        ]
        for place in merge(*found) if before else merge(*map(reversed, found), reverse=True):
            row = self._objects[order[place]]
            if all(field(row, name) in values for name, values in wanted.items()):
                yield self._current(row)

    def _places(
        self, kind: str, wanted: Mapping[str, Sequence[str]], among: Iterable[str] | None
    ) -> list[Sequence[int]]:
        """Rising places that hold every row wanted, and as few others as an index can tell."""
        if among is not None:
            return [sorted(self._place[id] for id in among)]
        fewest: list[Sequence[int]] = [range(len(self._order.get(kind, [])))]
        for name, values in wanted.items():
            if name in _INDEXED.get(kind, ()):
                held = [self._index.get((kind, name, value), []) for value in dict.fromkeys(values)]
                fewest = min(fewest, [*held], key=lambda lists: sum(map(len, lists)))
        return fewest

    # -- writing -------------------------------------------------------------------------------------------------------

    def new_id(self, kind: str) -> str:
        """Ids look like Stripe's, are the same for the same seed and history, and say nothing by their order."""
        self._made[kind] += 1
        digest = hashlib.sha256(f"{self._seed}/{kind}/{self._made[kind]}".encode()).hexdigest()
        return _PREFIXES[kind] + digest[:24]

    def keep(self, made: Json) -> Json:
        id, kind = made["id"], made["object"]
        kept = self._objects.get(id)
        if kept is None:
            order, created = self._order.setdefault(kind, []), self._created.setdefault(kind, [])
            self._place[id] = len(order)
            order.append(id)
            created.append(max(made["created"], created[-1] if created else 0))
        place = self._place[id]
        for name in _INDEXED.get(kind, ()):
            new, old = field(made, name), None if kept is None else field(kept, name)
            if kept is not None and new != old:
                places = self._index[kind, name, old]
                del places[bisect_left(places, place)]
            if kept is None or new != old:
                insort(self._index.setdefault((kind, name, new), []), place)
        self._objects[id] = made
        return made

    def event(self, type: str, snapshot: Json) -> None:
        self.keep(objects.event(self.new_id("event"), self.now(), type, snapshot))

    def commit(self, type: str, snapshot: Json) -> None:
        """The event that ends a deed, and the deed's place in the world's one order."""
        self.event(type, snapshot)
        self.note(type, snapshot)

    def note(self, type: str, snapshot: Json) -> None:
        """The deed's place in the world's one order alone; its events are told already."""
        self._sequence(f"stripe.{type} {snapshot.get('id') or snapshot['customer']}")

    # -- inside --------------------------------------------------------------------------------------------------------

    def _current(self, kept: Json) -> Json:
        """The object as it reads now: only a balance transaction, and a dispute that shows some, changes by time."""
        if kept["object"] == "balance_transaction" and kept["available_on"] <= self.now():
            return kept | {"status": "available"}
        if kept["object"] == "dispute":
            return kept | {"balance_transactions": [self._current(row) for row in kept["balance_transactions"]]}
        return kept

    def _place_of(self, kind: str, id: str) -> int:
        if self._objects.get(id, {}).get("object") != kind:
            raise NoSuchObject(id)
        return self._place[id]
