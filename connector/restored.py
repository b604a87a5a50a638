"""A restored store at work: it takes the ERP over first, counts as sent what may have left, looks up what was begun.

What it must not do, and why, is in store/restoring.py; here is when. A store that was never restored passes by.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connector.parts import Parts
from connector.store import Tx, restoring
from connector.store.closing import Act, ActState


def take_over(parts: Parts, now: datetime) -> None:
    """Before anything is read: raise the epoch in the ERP, so that whoever worked before stops. Raises what the ERP
    says; until it is done nothing is posted or sent, and the next pass tries again.
    """
    with parts.store.read() as tx:
        restored = restoring.find(tx)
    if restored is None or restored.until_on is not None:
        return
    # Nobody's record: whoever worked before never posted or sent, and in shadow nothing is written into the ERP.
    if parts.erp.read_installation() is not None:
        parts.verify_installation()
    zones = {"", *parts.zones}
    with parts.store.tx() as tx:
        # Where the day is furthest on: there the most may have been sent.
        restoring.take_over(tx, max(parts.today(now, subsidiary) for subsidiary in zones))


def count_as_sent(parts: Parts, read_everything: bool) -> None:
    """After planning and before sending. `read_everything`: no source lacked in this pass."""
    with parts.store.read() as tx:
        if restoring.find(tx) is None:
            return
    with parts.store.tx() as tx:
        restoring.count_as_sent(tx)
        if read_everything:
            restoring.caught_up(tx)


def may_be_looked_up(tx: Tx, acts: Sequence[Act]) -> list[str]:
    """Of these acts, which may not be written now, those that a restored store reads back all the same."""
    if restoring.find(tx) is None:
        return []
    return [act.id for act in acts if act.state in (ActState.ATTEMPTED, ActState.WRITTEN)]
