"""The store takes no write for a while (its disk is full, its server restarts), whichever write it is.

Nothing is lost, nothing is done twice, and the next passes of the same process end what was begun.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from unittest.mock import patch

import pytest
from answers_cases import Case, invoice
from sqlalchemy import event

from connector import loop, remind
from connector.errors import Terminal, Transient
from connector.ports import ReminderMail, SendOutcome, SendResult
from connector.receivables import Customer
from connector.store import Store, Tx, activity, gate

FULL = "Could not write to the store: no space left"


class Disk:
    """Counts commits; those of `full` fail. None of what such a transaction wrote is there."""

    def __init__(self) -> None:
        self.commits = 0
        self.full: range = range(0)

    @contextmanager
    def under(self, store: Store) -> Iterator[None]:
        begin = store.tx

        @contextmanager
        def tx() -> Iterator[Tx]:
            with begin() as one:
                yield one
                self.commits += 1
                if self.commits in self.full:
                    raise Transient(FULL)

        with patch.object(Store, "tx", lambda _: tx()):
            yield


def set_up(folder: Path) -> Case:
    """One charge pays INV-1001 and INV-1002, both due for a reminder; INV-1003 is due for one and not paid."""
    folder.mkdir()
    case = Case(folder)
    case.erp.customers["C2"] = Customer("C2", "Sandbar Analytics", "ap@sandbar.example")
    due, issued = date(2026, 9, 7), date(2026, 8, 8)
    case.bill(
        invoice("INV-1001", "1000.00", issued, due),
        invoice("INV-1002", "234.56", issued, due),
        invoice("INV-1003", "77.70", issued, due, customer_id="C2"),
    )
    case.pay("ch_1", "1234.56", "INV-1001 INV-1002")
    return case


def attempt(case: Case) -> None:
    """One pass that may fail anywhere, as the daemon lives through it."""
    with suppress(Transient):
        loop.tick(case.parts())


def assert_all_is_well(case: Case) -> None:
    assert ["1234.56"] == [str(one.amount.plain()) for one in case.erp.payments.values()]
    left = {id: str(one.balance.plain()) for id, one in case.erp.invoices.items()}
    assert {"1001": "0.00", "1002": "0.00", "1003": "77.70"} == left
    assert ["INV-1003"] == [item.number for mail in case.channel.mails for item in mail.items]
    with case.store.read() as tx:
        assert () == activity.sent_after_match(tx)
        assert 0 == activity.standing(tx).acts_unfinished
        assert ((), set()) == (gate.leased(tx, ["1001", "1002", "1003"]), gate.pending(tx))


@pytest.fixture
def commits(tmp_path: Path) -> int:
    """How many commits a whole pass makes."""
    case, disk = set_up(tmp_path / "whole"), Disk()
    with disk.under(case.store):
        attempt(case)
    assert_all_is_well(case)
    return disk.commits


@pytest.mark.parametrize(
    ("lasting", "every"),
    [(True, 4), pytest.param(True, 1, marks=pytest.mark.long), pytest.param(False, 1, marks=pytest.mark.long)],
    ids=["all from then on, some", "all from then on", "one write"],
)
def test_wherever_a_pass_finds_its_disk_full_the_next_ones_end_what_it_began(
    tmp_path: Path, commits: int, lasting: bool, every: int
) -> None:
    assert commits > 40
    for first in range(1, commits + 1, every):
        case, disk = set_up(tmp_path / str(first)), Disk()
        disk.full = range(first, first + (commits if lasting else 1))
        with disk.under(case.store):
            attempt(case)
        attempt(case)
        attempt(case)

        assert_all_is_well(case)
        case.store.close()


def test_a_lease_outlives_the_pass_while_its_sender_is_still_at_work(tmp_path: Path) -> None:
    """The engine may give up waiting for a sender that is at its final dot: the lease is that sender's to end."""
    case, disk = set_up(tmp_path / "slow"), Disk()
    at_work: list[set[str]] = []

    def slow(mail: ReminderMail, may_leave: Callable[[], bool]) -> SendResult:
        assert may_leave()
        at_work.append(set(case.sending))
        disk.full = range(disk.commits + 1, 10_000)  # nothing can be written down of it
        return SendResult(SendOutcome.SENT)

    with patch.object(case.channel, "send", slow), disk.under(case.store):
        attempt(case)
    [[message_id]] = at_work

    case.sending.add(message_id)
    remind.end_what_broke_off(case.parts())
    with case.store.read() as tx:
        assert ("1003",) == gate.leased(tx, ["1003"])
    case.sending.discard(message_id)
    remind.end_what_broke_off(case.parts())
    with case.store.read() as tx:
        assert () == gate.leased(tx, ["1003"])


def test_a_full_disk_is_told_in_plain_words_and_over_once_there_is_room(tmp_path: Path) -> None:
    case = set_up(tmp_path / "full")
    pages = [10_000]

    @event.listens_for(case.store._engine, "begin")
    def _limit(connection: object) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages[0]}")  # type: ignore[attr-defined]

    def write() -> None:
        with case.store.tx() as tx:
            for number in range(2_000):
                tx.journal("mail_leased", message=f"m{number}", reason="x" * 500)

    pages[0] = 1  # no more than it has
    with pytest.raises(Transient, match=r"the disk of .* is full\. Nothing of it was written") as told:
        write()
    pages[0] = 10_000
    with case.store.tx() as tx:
        tx.set("written", "yes")

    assert "Free some space" in str(told.value)
    with case.store.read() as tx:
        assert ("yes", 0) == (tx.get("written"), activity.count_of(tx, "mail_leased", case.clock.at, case.clock.at))


def test_a_damaged_store_is_told_with_the_way_back(tmp_path: Path) -> None:
    case = set_up(tmp_path / "damaged")
    case.tick()
    case.store.close()
    file = tmp_path / "damaged" / "connector.db"
    whole = sqlite3.connect(file)
    whole.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole.close()
    file.write_bytes(file.read_bytes()[:8192] + b"\0" * (file.stat().st_size - 8192))

    with pytest.raises(Terminal, match=r"is damaged .* `connector restore"):
        Store(file, case.clock)
