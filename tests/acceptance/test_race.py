"""Matches and sends race, thousands of times, over real SMTP: no message after the match, by the store's own order.

The mail server stamps each message at its final dot with the store's last sequence number. A message is late if the
match of its invoice had a lower number than that. With the lease switched off the same rounds must show late messages,
else this test could not fail.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from connector import cash
from connector.acts import RemindAct
from connector.config import read_policy
from connector.decisions import cadence, matching
from connector.decisions.matching import FamilyBook, Match, Waiting
from connector.money import Money
from connector.parts import Parts
from connector.ports import ErpRead, MailItem, ReminderMail
from connector.receivables import Customer, OpenInvoice, Payment, PaymentState, Remittance
from connector.store import Store, book, gate
from connector.store import tables as t
from connector.store.gate import Claim
from sandbox.faults import Faults
from sandbox.mailbox import Mailbox
from tests.harness import ROOT
from tests.simulation.switched_off import without

NOW = datetime(2026, 9, 14, 9, 0, tzinfo=UTC)
TODAY = NOW.date()
ROUNDS = 2000
ROUNDS_ON_A_SERVER = 500  # where each write takes longer
# Enough to fail: without leases about every tenth message is late.
ROUNDS_WITHOUT_LEASE = 300
AT_ONCE = 8


class StandingClock:
    def now(self) -> datetime:
        return NOW


@pytest.fixture
def store(where: str) -> Iterator[Store]:
    opened = Store(where, StandingClock())
    yield opened
    opened.close()


@pytest.fixture
def mailbox(store: Store) -> Iterator[Mailbox]:
    numbers = itertools.count(1)
    box = Mailbox(lambda: NOW, lambda _what: next(numbers), Faults())
    box.stamp = store.last_seq
    box.start()
    yield box
    box.stop()


class QuietErp:
    """The race asks the ERP nothing but how its money is settled."""

    settlements = ()
    pays_for_family = True


class Race:
    """Many invoices of one book, each with one reminder to send and one payment to match, at the same moment."""

    def __init__(self, store: Store, mailbox: Mailbox) -> None:
        from connector.adapters.email import EmailChannel, MailSettings

        self.store, self.mailbox = store, mailbox
        policy = read_policy(ROOT / "mappings" / "policy.yaml")
        profile = mailbox.profile()
        settings = MailSettings(profile["host"], profile["port"])
        channel = EmailChannel(settings, ROOT / "mappings" / "templates", ("due_today",), StandingClock())
        self.remind = RemindAct(store, {channel.name: channel}, "race")
        self.parts = Parts(
            store=store,
            erp=QuietErp(),  # type: ignore[arg-type]
            payments=None,  # type: ignore[arg-type]
            channel=channel,
            clock=StandingClock(),
            policy=policy,
            zone=ZoneInfo("UTC"),
            cutover_on=date(2026, 1, 1),
            installation="t1",
            reply_to="",
            owner="race",
            run=lambda job, key: None,
            verify_installation=lambda: None,
        )

    def fill(self, rounds: range) -> None:
        read = ErpRead(NOW)
        with self.store.tx() as tx:
            for number in rounds:
                invoice = _invoice(number)
                customer = Customer(invoice.customer_id, "Northfield Robotics", "ap@north.example")
                book.put_customers(tx, [customer], NOW)
                book.put_invoices(tx, [invoice], read.requested_at, TODAY)
                gate.put_plan(tx, cadence.plan(invoice, self.parts.policy))
                book.put_payment(tx, _payment(number), NOW, observed=False)

    def play(self, rounds: range) -> None:
        """Sender and matcher of each invoice start together, in either order; many invoices at once."""
        with ThreadPoolExecutor(AT_ONCE * 2) as pool:
            jobs = []
            for number in rounds:
                pair = [lambda n=number: self.send(n), lambda n=number: self.match(n)]
                random.Random(number).shuffle(pair)
                jobs += [pool.submit(act) for act in pair]
            for job in jobs:
                job.result()

    def send(self, number: int) -> None:
        invoice = _invoice(number)
        mail = ReminderMail(
            f"<race-{number}@north.example>",
            "Northfield Robotics",
            "ap@north.example",
            "billing@us.example",
            "",
            "due_today",
            TODAY,
            (MailItem(invoice.number, invoice.due_on, 0, invoice.askable, invoice.balance, "0"),),
        )
        with self.store.tx() as tx:
            row = book.invoices_by_id(tx, [invoice.id])[invoice.id]
            claims = [Claim(invoice.id, row["version"], "0")]
            refused = gate.take_leases(tx, mail, invoice.customer_id, claims, "race", _later())
        if not refused:
            self.remind.send(f"race#{mail.message_id}#1")

    def match(self, number: int) -> None:
        payment = _payment(number)
        one, family = (
            Waiting(payment, payment.amount),
            FamilyBook((_invoice(number),), (), frozenset({payment.customer_id})),
        )
        verdict = matching.decide([one], family, self.parts.policy.matching)[payment.id]
        assert isinstance(verdict, Match)
        assert cash.record_match(self.parts, payment, payment.amount, verdict, TODAY)

    def late(self) -> tuple[int, int]:
        """(messages received, of them after their invoice's match)"""
        with self.store.read() as tx:
            rows = tx.execute(
                select(t.journal.c.invoice_id, t.journal.c.seq).where(t.journal.c.event == "invoice_matched")
            )
            matched = {invoice_id: seq for invoice_id, seq in rows}
        received = self.mailbox.messages()
        late = 0
        for message in received:
            headers = dict(message.headers)
            number = headers["Message-ID"].removeprefix("<race-").partition("@")[0]
            late += matched[f"i{number}"] <= (message.stamp or 0)
        return len(received), late


def _later() -> datetime:
    return datetime(2026, 9, 14, 9, 1, tzinfo=UTC)


def _invoice(number: int) -> OpenInvoice:
    amount = Money(100_00 + number, "USD")
    return OpenInvoice(f"i{number}", f"INV-{number}", f"c{number}", amount, amount, date(2026, 8, 15), TODAY)


def _payment(number: int) -> Payment:
    return Payment(
        f"ch_{number}",
        Money(100_00 + number, "USD"),
        PaymentState.SUCCEEDED,
        NOW,
        TODAY,
        customer_id=f"c{number}",
        remittance=Remittance(text=f"INV-{number}"),
    )


def test_no_message_reaches_its_final_dot_after_the_match(store: Store, mailbox: Mailbox, where: str) -> None:
    race = Race(store, mailbox)
    rounds = range(ROUNDS_ON_A_SERVER if "://" in where else ROUNDS)
    race.fill(rounds)

    race.play(rounds)

    received, late = race.late()
    assert 0 == late
    # Both orders really happened, or the race was none.
    assert len(rounds) * 0.02 < received < len(rounds)


def test_without_the_lease_the_same_race_lets_messages_out_after_the_match(store: Store, mailbox: Mailbox) -> None:
    race = Race(store, mailbox)
    rounds = range(ROUNDS_WITHOUT_LEASE)
    race.fill(rounds)

    with without(["send lease"]):
        race.play(rounds)

    _, late = race.late()
    assert 0 < late
