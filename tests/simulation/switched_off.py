"""The safeguards of the connector, each of which can be switched off in a test's own process.

Nothing of the product knows that: a safeguard is off while its functions are replaced here. What is left is the
connector as it would be without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from datetime import date
from unittest.mock import patch

from sqlalchemy import update

from connector import cash, pull, surroundings
from connector.acts import CloseAct
from connector.decisions import payouts
from connector.engine import reached
from connector.money import Money
from connector.parts import Parts
from connector.ports import ErpRead
from connector.receivables import ActSeen, Match, Payment
from connector.settlement import DepositIntent
from connector.store import Tx, book, closing, gate, settling
from connector.store import tables as t
from connector.store.book import to_json
from connector.store.closing import Act, ActState

# Where the process is killed to show what is lost when the effect comes before its intent.
AFTER_THE_EFFECT = "effect.before_intent"


@contextmanager
def without(names: Iterable[str]) -> Iterator[None]:
    """The connector of this process lacks these safeguards for as long as the context lasts."""
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(SWITCHES[name]())
        yield


@contextmanager
def _without_lease() -> Iterator[None]:
    """The matcher sees no lease, so it waits for no mail that is on its way."""
    with patch.object(gate, "leased", lambda tx, invoice_ids: ()):
        yield


@contextmanager
def _without_read_back() -> Iterator[None]:
    """What was written isn't looked at again: a lost answer is tried anew at once, a given one is believed."""

    def look(self: CloseAct, acts: Sequence[Act]) -> None:
        with self._store.tx() as tx:
            for act in acts:
                closing.move(tx, act.id, ActState.INTENDED, problem="tried again")

    def compare(self: CloseAct, written: Sequence[Act]) -> list[Act]:
        with self._store.tx() as tx:
            for act in written:
                self._confirm(tx, act, ActSeen(act.id, tx.at, None, (), ()))
        return []

    with patch.object(CloseAct, "_look", look), patch.object(CloseAct, "_compare", compare):
        yield


@contextmanager
def _without_external_id() -> Iterator[None]:
    """Each attempt carries ids of its own, put down before it is sent: the ERP can't know that it is the same act."""
    made = CloseAct._attempt

    def attempt(self: CloseAct, acts: Sequence[Act]) -> bool:
        with self._store.tx() as tx:
            for act in acts:
                _redraw(tx, act)
            anew = closing.acts(tx, [ActState.INTENDED], [act.id for act in acts])
        return made(self, anew)

    with patch.object(CloseAct, "_attempt", attempt):
        yield


def _redraw(tx: Tx, act: Act) -> None:
    meant, number = act.intent, 1000 + act.attempts
    drawn = f"{meant.payment.external_id.rpartition('-')[0]}-{number}"
    intent = replace(
        meant,
        payment=replace(meant.payment, external_id=drawn),
        cancellations=tuple(replace(one, external_id=f"{one.external_id}-{number}") for one in meant.cancellations),
        receipt=replace(meant.receipt, external_id=f"{meant.receipt.external_id}-{number}", payment_external_id=drawn),
    )
    text = to_json(intent)
    tx.execute(update(t.act).where(t.act.c.id == act.id).values(intent=text, digest=closing.digest(text)))


@contextmanager
def _without_age() -> Iterator[None]:
    """However long ago a source was read: nothing is too old to be reminded on."""
    with patch.object(surroundings, "_stale_sources", lambda tx, parts, now: ()):
        yield


@contextmanager
def _without_rereading() -> Iterator[None]:
    """Just before the mails nothing is read again: what the pass began with is taken for true."""

    def as_known(parts: Parts, invoice_ids: Iterable[str], today: date) -> tuple[ErpRead, pull.Pulled]:
        with parts.store.read() as tx:
            rows = book.invoices_by_id(tx, sorted(invoice_ids))
        return ErpRead(parts.clock.now(), tuple(book.invoice_of(row) for row in rows.values())), pull.Pulled()

    with patch.object(pull, "reread", as_known):
        yield


@contextmanager
def _without_generation() -> Iterator[None]:
    """Whatever happened to the act before: the next one has its number again."""
    with (
        patch.object(closing, "generation", lambda tx, payment_id: 1),
        patch.object(settling, "generation", lambda tx, payout_id: 1),
    ):
        yield


@contextmanager
def _without_intent() -> Iterator[None]:
    """The ERP is written first, and only then is it put down here what was meant."""
    recorded = cash.record_match

    def effect_first(
        parts: Parts, payment: Payment, left: Money, match: Match, today: date, approved_by: str = ""
    ) -> bool:
        with parts.store.tx() as tx, tx.supposing():
            before = {act.id for act in closing.acts(tx, [ActState.INTENDED])}
            cash.commit_match(tx, parts, payment, left, match, today, approved_by)
            meant = [act.intent for act in closing.acts(tx, [ActState.INTENDED]) if act.id not in before]
        if meant:
            parts.verify_installation()
            parts.erp.write_acts(meant)
        reached(AFTER_THE_EFFECT)
        return recorded(parts, payment, left, match, today, approved_by)

    with patch.object(cash, "record_match", effect_first):
        yield


@contextmanager
def _without_sums() -> Iterator[None]:
    """A payout's members are taken for all of it, whatever they come to."""
    with patch.object(payouts, "_off", lambda payout: None):
        yield


@contextmanager
def _without_stored_sums() -> Iterator[None]:
    """The store takes the deposit for what its parts come to."""
    recorded = settling.put_deposit

    def as_it_adds_up(tx: Tx, intent: DepositIntent) -> None:
        parts = [*(amount for _, amount in intent.payments), *(line.amount for line in intent.lines)]
        recorded(tx, replace(intent, amount=Money.total(parts, intent.amount.currency)))

    with patch.object(settling, "put_deposit", as_it_adds_up):
        yield


SWITCHES: Mapping[str, Callable[[], AbstractContextManager[None]]] = {
    "send lease": _without_lease,
    "read-back": _without_read_back,
    "external id": _without_external_id,
    "freshness: age": _without_age,
    "freshness: read again": _without_rereading,
    "generation": _without_generation,
    "intent-first": _without_intent,
    "sums check": _without_sums,
    "sums check of the store": _without_stored_sums,
}
