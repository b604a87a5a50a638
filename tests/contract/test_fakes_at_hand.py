"""What simulated stories use in place of a wire promises what the real thing promises: channel, CRM, Stripe by hand.

Each test runs over the real adapter on its sandbox service, and over the fake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
import stripe

from connector.adapters.email import EmailChannel, MailSettings
from connector.errors import Transient
from connector.money import Money
from connector.ports import MailItem, ReminderMail, SendOutcome
from sandbox.clock import Sequence, WorldClock
from sandbox.faults import Faults, Rule
from sandbox.mailbox import Mailbox
from tests.contract.crm_world import crm_world
from tests.contract.stripe_world import World, serving
from tests.fakes.at_hand import CrmAtHand, PostAtHand, StripeTransport
from tests.harness import ROOT

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@dataclass
class Post:
    """A channel and the mailbox that it fills."""

    channel: Any
    mailbox: Mailbox
    faults: Faults

    def send(self, may_leave: Callable[[], bool] = lambda: True) -> SendOutcome:
        outcome = self.channel.send(_mail(), may_leave).outcome
        assert isinstance(outcome, SendOutcome)
        return outcome

    def received(self) -> list[str]:
        return [one.header("X-AR-Reminder") for one in self.mailbox.messages()]


def _mail() -> ReminderMail:
    item = MailItem("INV-1001", date(2026, 11, 1), 1, Money.of("10.00", "USD"), Money.of("10.00", "USD"), "+1")
    ours = "billing@ours.example"
    return ReminderMail(
        "<m1@ours.example>", "Northfield", "ap@northfield.example", ours, "", "courtesy", NOW.date(), (item,)
    )


@contextmanager
def _over_smtp(mailbox: Mailbox, clock: Any) -> Iterator[EmailChannel]:
    mailbox.start()
    try:
        settings = MailSettings(mailbox.host, mailbox.port, redirect_all_to=PostAtHand.redirect_all_to)
        yield EmailChannel(settings, ROOT / "mappings" / "templates", (), clock)
    finally:
        mailbox.stop()


@dataclass
class _Now:
    def now(self) -> datetime:
        return NOW


@pytest.fixture(params=["smtp", "at hand"])
def post(request: pytest.FixtureRequest) -> Iterator[Post]:
    clock, faults = WorldClock(), Faults()
    clock.start_at(NOW)
    mailbox = Mailbox(clock, Sequence(clock), faults)
    if request.param == "at hand":
        yield Post(PostAtHand(mailbox), mailbox, faults)
        return
    with _over_smtp(mailbox, _Now()) as channel:
        yield Post(channel, mailbox, faults)


def test_a_message_that_may_leave_is_received_once_and_names_its_invoices(post: Post) -> None:
    assert (SendOutcome.SENT, ["INV-1001 +1"]) == (post.send(), post.received())


def test_a_message_that_may_not_leave_is_never_received(post: Post) -> None:
    assert (SendOutcome.NOT_SENT, []) == (post.send(lambda: False), post.received())


@pytest.mark.parametrize("kind", ["server_error", "too_many", "drop_before"])
def test_a_refused_message_was_surely_not_received(post: Post, kind: Any) -> None:
    post.faults.install(Rule("smtp", kind, "DATA"))

    outcome = post.send()

    # A connection that breaks at the dot says nothing; the real channel can't know that it broke before.
    assert (outcome is not SendOutcome.SENT, []) == (True, post.received())
    assert SendOutcome.SENT is post.send()


def test_an_answer_that_is_lost_after_the_dot_is_unknown_and_the_message_is_there(post: Post) -> None:
    post.faults.install(Rule("smtp", "drop_after", "DATA"))

    assert (SendOutcome.UNKNOWN, ["INV-1001 +1"]) == (post.send(), post.received())


@pytest.mark.parametrize("is_at_hand", [False, True], ids=["salesforce", "at hand"])
def test_the_crm_tells_who_is_not_to_be_contacted_and_who_is_strategic(is_at_hand: bool) -> None:
    with crm_world() as site:
        account = site.org.add_account("Northfield", "77")
        site.org.add_account("nobody of ours")
        crm: Any = CrmAtHand(site.service, lambda _: None) if is_at_hand else site.crm()
        told = []
        for field, value in (("Name", "Northfield"), ("Do_Not_Contact__c", True), ("Tier__c", "Strategic")):
            site.org.set_field(account, field, value)
            read = crm.read_changed("", site.later(hours=1))
            told += [(one.customer_id, one.do_not_contact, one.is_strategic) for one in read.accounts]

    assert told == [("77", False, False), ("77", True, False), ("77", True, True)]


@pytest.fixture(params=["http", "at hand"])
def site(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = next(served := serving(monkeypatch))
    if request.param == "at hand":
        monkeypatch.setattr(stripe, "RequestsClient", lambda *_, **__: StripeTransport(made.stripe))
    yield made
    next(served, None)


def test_stripe_tells_the_same_payments_over_either_transport(site: World) -> None:
    source = site.source()
    intent = site.stripe.ledger.pay(site.customer(), 1_050, "USD", description="Invoice INV-1001")

    (payment,) = source.read_changed("", site.now()).payments

    assert (payment.id, payment.amount, payment.customer_id, payment.remittance.text) == (
        site.stripe.ledger.get(intent)["latest_charge"], Money.of("10.50", "USD"), "77", "Invoice INV-1001",
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["server_error", "drop_before", "cut_after", "unreadable_after", "maintenance"])
def test_a_stripe_that_stays_away_is_transient_over_either_transport(site: World, kind: Any) -> None:
    site.stripe.ledger.pay(site.customer(), 1_050, "USD")
    source = site.source()
    site.faults.install(Rule("stripe", kind, times=50))

    with pytest.raises(Transient):
        source.read_changed("", site.now())
