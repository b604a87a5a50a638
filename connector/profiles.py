"""Steps 1 and 2: who is this customer to collections? Its traits in the ERP and the CRM, and how it has paid.

Once a day the ERP's own past is read for it. A failure leaves what is known, and is told; it is tried again after an
hour, since the read is the largest of the day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from connector import paying
from connector.parts import Parts
from connector.paying import Tally
from connector.policy import Policy
from connector.receivables import Profile
from connector.store import Tx, instant, parse_instant
from connector.store import profiles as stored

# A year, and time for what was settled early in it to have been issued before.
LOOK_BACK = timedelta(days=400)
# Once, at the first read: so many times as far, to know since when each is a customer (M37).
FIRST_LOOK_BACKS = 3
AGAIN_AFTER = timedelta(hours=1)

_READ_ON, _TRIED_AT = "past_read_on", "past_tried_at"


def read_past(parts: Parts, now: datetime) -> None:
    """Once a day: how every customer has paid. Families whose history changed by it are decided again.

    Not read at all while no rule of the policy asks for it. What was issued longer than LOOK_BACK ago is only in it
    while it is open, so that an invoice which took longer than that counts for less than it should.
    """
    today = parts.today(now)
    if not _asks_for_it(parts.policy) or not _is_time(parts, now, today):
        return
    with parts.store.tx() as tx:
        tx.set(_TRIED_AT, instant(now))
        is_first = not is_past_known(tx)
    tallies = paying.tallies(parts.erp.read_past_documents(today - LOOK_BACK, today), today)
    for customer_id, day in _customers_since(parts, today) if is_first else ():
        tallies[customer_id] = tallies.get(customer_id, Tally()) + Tally(first_invoiced_on=day)
    with parts.store.tx() as tx:
        changed = stored.put_tallies(tx, tallies, today)
        stored.look_again(tx, changed)
        tx.set(_READ_ON, today.isoformat())


def _customers_since(parts: Parts, today: date) -> Iterator[tuple[str, date]]:
    """Customers and the day of an invoice from before the last LOOK_BACK. One such span is in memory at a time."""
    for spans in range(1, FIRST_LOOK_BACKS):
        first_on, last_on = today - (spans + 1) * LOOK_BACK, today - spans * LOOK_BACK - timedelta(days=1)
        for customer_id, tally in paying.tallies(parts.erp.read_past_documents(first_on, last_on), today).items():
            if tally.first_invoiced_on:
                yield customer_id, tally.first_invoiced_on


def _asks_for_it(policy: Policy) -> bool:
    """Segments go by history, and so do escalation rules for customers who disputed before (M36)."""
    return bool(policy.segments) or any(rule.disputed_before for rule in policy.escalation)


def _is_time(parts: Parts, now: datetime, today: date) -> bool:
    with parts.store.read() as tx:
        read_on, tried_at = tx.get(_READ_ON), tx.get(_TRIED_AT)
    if read_on == today.isoformat():
        return False
    return not tried_at or not timedelta() <= now - parse_instant(tried_at) < AGAIN_AFTER


def is_past_known(tx: Tx) -> bool:
    """Was the past ever read? Before that everybody looks like somebody who was never late."""
    return bool(tx.get(_READ_ON))


def profiles(tx: Tx, today: date, families: Iterable[str] | None = None) -> dict[str, Profile]:
    """Family -> who it is, of these families or of all of which anything is known."""
    return stored.profiles(tx, today, families)
