"""Payouts, the balance, cash balances and Stripe's own invoices against the sandbox: the real SDK, real HTTP."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest

from connector.adapters.stripe import StripeMapping, StripePayments
from connector.errors import Terminal, Transient
from connector.money import Money
from connector.receivables import Payment, PaymentState
from connector.settlement import Autopay, Category, Payout, PayoutState
from sandbox.faults import Kind, Rule
from sandbox.stripe_cash import Drawn
from tests.contract.stripe_world import START, World, serving

DAY = timedelta(days=1)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    yield from serving(monkeypatch)


def paid_out(world: World, currency: str = "usd") -> str:
    """Everything available goes to the bank, arrives and is reconciled, days after it came."""
    world.at += 5 * DAY
    id = world.stripe.ledger.payouts.create(currency)
    world.stripe.ledger.payouts.reconcile(id)
    world.at += 2 * DAY
    world.stripe.ledger.payouts.arrive(id)
    return id


def only(payouts: tuple[Payout, ...]) -> Payout:
    (payout,) = payouts
    return payout


# ---- Payouts ----


def test_a_payout_of_forty_payments_a_refund_a_dispute_and_fees_adds_up(world: World) -> None:
    ledger, payer = world.stripe.ledger, world.customer()
    intents = [ledger.pay(payer, 10000 + number, "USD") for number in range(40)]
    refund = ledger.refunds.create(intents[3], 2500)
    dispute = ledger.disputes.open(intents[5])
    ledger.adjust(-1200, "usd", "fee", description="Billing - usage fee")
    ledger.adjust(-5000, "usd", "risk_reserved_funds")
    id = paid_out(world)

    payout = only(world.source().read_payouts("", world.at).payouts)

    assert (payout.id, payout.state, payout.is_automatic, payout.is_reconciled) == (id, PayoutState.PAID, True, True)
    assert payout.arrives_on == date(2026, 10, 27)
    assert Money.total((member.net for member in payout.members), "USD") == payout.amount
    found = defaultdict(list)
    for member in payout.members:
        found[member.category].append(member)
    assert {category: len(rows) for category, rows in found.items()} == {
        Category.CHARGE: 40,
        Category.REFUND: 1,
        Category.DISPUTE: 1,
        Category.FEE: 1,
        Category.RESERVE: 1,
    }
    charges = {intent: ledger.get(intent)["latest_charge"] for intent in intents}
    assert {member.payment_id for member in found[Category.CHARGE]} == set(charges.values())
    (given_back,), (disputed,) = found[Category.REFUND], found[Category.DISPUTE]
    assert (given_back.source_id, given_back.payment_id) == (refund, charges[intents[3]])
    assert (disputed.source_id, disputed.payment_id, disputed.fee) == (dispute, charges[intents[5]], Money(1500, "USD"))


def test_a_debit_that_came_back_is_in_the_next_payout_as_a_failed_charge(world: World) -> None:
    ledger, payer = world.stripe.ledger, world.customer()
    intent = ledger.pay(payer, 50000, "USD", method="ach")
    first = paid_out(world)
    ledger.pay(payer, 90000, "USD")
    ledger.fail(intent)
    second = paid_out(world)

    payouts = {payout.id: payout for payout in world.source().read_payouts("", world.at).payouts}

    charge = ledger.get(intent)["latest_charge"]
    assert [member.payment_id for member in payouts[first].members] == [charge]
    assert (Category.CHARGE_FAILURE, charge) in [(m.category, m.payment_id) for m in payouts[second].members]


def test_a_payouts_life_is_told_step_by_step_and_each_quiet_read_is_one_request(world: World) -> None:
    ledger, ours = world.stripe.ledger, world.source()
    ledger.pay(world.customer(), 45000, "USD")
    world.at += 5 * DAY
    cursor = ours.read_payouts("", world.at).cursor
    id = ledger.payouts.create("usd")
    told = []
    for step in (None, ledger.payouts.send, ledger.payouts.reconcile, ledger.payouts.arrive, ledger.payouts.fail):
        if step:
            step(id)
        world.at += timedelta(hours=1)
        read = ours.read_payouts(cursor, world.at)
        before = world.requests()
        quiet = ours.read_payouts(read.cursor, world.at)
        assert (quiet.payouts, world.requests() - before) == ((), 1)
        cursor = quiet.cursor
        told += [(payout.state, payout.is_reconciled, len(payout.members)) for payout in read.payouts]

    assert told == [
        (PayoutState.PENDING, False, 0),
        (PayoutState.IN_TRANSIT, False, 0),
        (PayoutState.IN_TRANSIT, True, 1),
        (PayoutState.PAID, True, 1),
        (PayoutState.FAILED, True, 1),
    ]


@pytest.mark.parametrize("instant", [False, True])
def test_a_payout_by_hand_has_no_members(world: World, instant: bool) -> None:
    world.stripe.ledger.pay(world.customer(), 45000, "USD")
    world.at += 5 * DAY
    world.stripe.ledger.payouts.create("usd", 10000, automatic=False, instant=instant)

    payout = only(world.source().read_payouts("", world.at).payouts)

    assert (payout.amount, payout.is_automatic, payout.members) == (Money(10000, "USD"), False, ())


def test_a_payout_by_hand_stands_in_the_next_automatic_one(world: World) -> None:
    world.stripe.ledger.pay(world.customer(), 45000, "USD")
    world.at += 5 * DAY
    by_hand = world.stripe.ledger.payouts.create("usd", 10000, automatic=False)
    id = paid_out(world)

    payouts = {payout.id: payout for payout in world.source().read_payouts("", world.at).payouts}

    assert [(m.category, m.source_id) for m in payouts[id].members if m.category is not Category.CHARGE] == [
        (Category.PAYOUT, by_hand)
    ]
    assert Money.total((member.net for member in payouts[id].members), "USD") == payouts[id].amount


def test_a_payout_with_a_member_of_a_kind_that_nobody_knows_keeps_stripes_words(world: World) -> None:
    world.stripe.ledger.pay(world.customer(), 45000, "USD")
    world.stripe.ledger.adjust(-700, "usd", "moon_tax", type="moon_tax_fee")
    paid_out(world)

    payout = only(world.source().read_payouts("", world.at).payouts)

    assert [m.words for m in payout.members if m.category is Category.UNKNOWN] == ["moon_tax (moon_tax_fee)"]


def test_a_list_of_members_that_does_not_add_up_is_given_as_it_is(world: World) -> None:
    ledger, payer = world.stripe.ledger, world.customer()
    for _ in range(3):
        ledger.pay(payer, 45000, "USD")
    id = paid_out(world)
    ledger.payouts.skew(id, hide=ledger.payouts.members(id)[0]["id"])

    payout = only(world.source().read_payouts("", world.at).payouts)

    assert len(payout.members) == 2
    assert Money.total((member.net for member in payout.members), "USD") != payout.amount


def test_two_hundred_and_fifty_members_come_in_three_pages(world: World) -> None:
    ledger, payer = world.stripe.ledger, world.customer()
    for _ in range(250):
        ledger.pay(payer, 10000, "USD")
    paid_out(world)
    before = world.requests()

    payout = only(world.source().read_payouts("", world.at).payouts)

    assert (len(payout.members), world.requests() - before) == (250, 1 + 3)


@pytest.mark.parametrize(
    "kind", ["too_many", "server_error", "timeout_before", "cut_after", "drop_after", "duplicate_page"]
)
@pytest.mark.parametrize("operation", ["payouts.list", "balance_transactions.list"])
def test_one_fault_is_got_over_or_told_and_the_next_read_is_whole(world: World, kind: Kind, operation: str) -> None:
    ledger, payer = world.stripe.ledger, world.customer()
    for _ in range(120):
        ledger.pay(payer, 10000, "USD")
    paid_out(world)
    world.faults.install(Rule("stripe", kind, operation, seconds=1.5))
    ours = world.source()

    try:
        read = ours.read_payouts("", world.at)
    except Transient:
        read = ours.read_payouts("", world.at)

    assert Money.total((member.net for member in only(read.payouts).members), "USD") == only(read.payouts).amount


@pytest.mark.parametrize(
    "right", ["payouts", "balance", "disputes", "refunds", "invoices", "cash_balance_transactions"]
)
def test_a_right_that_is_missing_is_named_before_it_is_missed(world: World, right: str) -> None:
    world.customer()
    world.stripe.revoke(right)

    bad = [finding for finding in world.source().check() if not finding.ok and finding.blocking]

    assert len(bad) == 1
    assert bad[0].remedy.startswith("Give the key the right to read ")


def test_a_key_that_may_not_read_payouts_is_told_what_to_do(world: World) -> None:
    world.stripe.revoke("payouts")

    with pytest.raises(Terminal, match="read access to Payouts"):
        world.source().read_payouts("", world.at)


# ---- The balance ----


def test_balance_and_movements_agree_on_every_day_of_a_month(world: World) -> None:
    """Whatever was paid, refunded, disputed and paid out: what is in the balance is what moved it."""
    ledger, ours, random = world.stripe.ledger, world.source(), Random(11)
    payers = [world.customer(str(number)) for number in range(3)]
    begin, open_intents = world.at, []
    ledger.payouts.schedule(True)
    for _ in range(30):
        for _ in range(random.randint(0, 4)):
            currency, method = random.choice([("USD", "card"), ("USD", "ach"), ("JPY", "card"), ("KWD", "card")])
            open_intents.append(
                ledger.pay(random.choice(payers), random.randint(2, 90) * 1000, currency, method=method)
            )
        if open_intents and random.random() < 0.3:
            ledger.refunds.create(open_intents.pop(random.randrange(len(open_intents))), 1000)
        if open_intents and random.random() < 0.2:
            ledger.disputes.open(open_intents.pop(random.randrange(len(open_intents))))
        world.at += DAY
        ledger.payouts.carry_out()

        read = ours.read_balance(begin)

        moved: dict[str, Money] = {}
        for movement in read.movements:
            currency = movement.net.currency
            moved[currency] = moved.get(currency, Money.zero(currency)) + movement.net
        assert {money.currency: money for money in read.balances if money} == {
            currency: money for currency, money in moved.items() if money
        }
    payouts = [payout for payout in ours.read_payouts("", world.at).payouts if payout.is_reconciled]
    assert len(payouts) > 15
    for payout in payouts:
        assert Money.total((member.net for member in payout.members), payout.amount.currency) == payout.amount


def test_a_quiet_look_at_the_balance_is_two_requests(world: World) -> None:
    ours, before = world.source(), world.requests()

    read = ours.read_balance(world.at - DAY)

    assert (read.balances, read.movements, world.requests() - before) == ((Money(0, "USD"),), (), 2)


def test_a_converted_payment_keeps_its_currency_and_has_stripes_rate(world: World) -> None:
    world.stripe.ledger.balance.convert("jpy", "usd", Decimal("0.0065"))
    world.stripe.ledger.pay(world.customer(), 98000, "JPY")

    (payment,) = world.source().read_changed("", world.at).payments

    assert (payment.amount, payment.exchange_rate) == (Money(98000, "JPY"), "0.0065")


# ---- Cash balances ----


def follow(ours: StripePayments, world: World, cursor: str) -> tuple[dict[str, Payment], str]:
    world.at += timedelta(minutes=1)
    read = ours.read_changed(cursor, world.at)
    assert read.parked == ()
    return {payment.id: payment for payment in read.payments}, read.cursor


def test_a_wire_for_three_invoices_is_a_root_with_three_children(world: World) -> None:
    ledger, ours, payer = world.stripe.ledger, world.source(), world.customer()
    _, cursor = follow(ours, world, "")
    root = ledger.cash.fund(payer, 18000000, "usd", reference="INV-1 INV-2 INV-3", sender="Northfield Robotics")
    waiting, cursor = follow(ours, world, cursor)
    applied = ledger.cash.apply(payer, "usd", [Drawn(5000000), Drawn(6000000), Drawn(6500000)])
    spent, cursor = follow(ours, world, cursor)
    ledger.cash.send_back(payer, "usd")
    returned, cursor = follow(ours, world, cursor)
    before = world.requests()
    nothing, _ = follow(ours, world, cursor)

    assert (waiting[root].state, waiting[root].available) == (PaymentState.FUNDED, Money(18000000, "USD"))
    assert (waiting[root].customer_id, waiting[root].remittance.text) == (
        "77",
        "INV-1 INV-2 INV-3; Northfield Robotics",
    )
    children = [spent[ledger.get(intent)["latest_charge"]] for intent in applied]
    assert [child.amount.minor for child in children] == [5000000, 6000000, 6500000]
    assert {child.root_id for child in children} == {root}
    assert all("INV-1 INV-2 INV-3" in child.remittance.text for child in children)
    # Not one moment in which the money is neither with its root nor with its children.
    assert spent[root].available == Money(500000, "USD")
    assert returned[root].available == Money(0, "USD")
    assert (nothing, world.requests() - before) == ({}, 1)


def test_what_waited_before_the_first_read_is_found(world: World) -> None:
    ledger, payers = world.stripe.ledger, [world.customer(str(number)) for number in range(4)]
    first = ledger.cash.fund(payers[1], 100000, "usd", reference="INV-1")
    second = ledger.cash.fund(payers[1], 200000, "usd", reference="INV-2")
    spent = ledger.cash.fund(payers[2], 50000, "usd", reference="INV-3")
    ledger.cash.apply(payers[1], "usd", [Drawn(120000)])
    (intent,) = ledger.cash.apply(payers[2], "usd", [Drawn(50000)])
    world.at += 60 * DAY
    before = world.requests()

    read = world.source().read_changed("", world.at)

    found = {payment.id: payment for payment in read.payments}
    assert {id: payment.available.minor for id, payment in found.items() if id.startswith("ccsbtxn_")} == {
        first: 0,
        second: 180000,
        spent: 0,  # found by its charge, which says what it was drawn from
    }
    assert found[ledger.get(intent)["latest_charge"]].root_id == spent
    # Charges, customers, a cash balance of each of two, and Stripe's invoices of each of two charges.
    assert world.requests() - before == 1 + 1 + 2 + 2


def test_a_refund_into_the_cash_balance_shields_again(world: World) -> None:
    ledger, ours, payer = world.stripe.ledger, world.source(), world.customer()
    root = ledger.cash.fund(payer, 100000, "usd")
    (intent,) = ledger.cash.apply(payer, "usd", [Drawn(100000)])
    _, cursor = follow(ours, world, "")
    ledger.refunds.create(intent, 40000)

    found, _ = follow(ours, world, cursor)

    charge = found[ledger.get(intent)["latest_charge"]]
    assert (found[root].available, charge.available) == (Money(40000, "USD"), Money(60000, "USD"))
    assert charge.root_id == root


def test_without_the_right_to_cash_balances_they_can_be_left_out(world: World) -> None:
    ledger, payer = world.stripe.ledger, world.customer()
    ledger.cash.fund(payer, 100000, "usd")
    ledger.cash.apply(payer, "usd", [Drawn(60000)])
    world.stripe.revoke("cash_balance_transactions")

    with pytest.raises(Terminal, match="customers' cash balances"):
        world.source().read_changed("", world.at)
    mapping = StripeMapping(read_cash_balance=False)
    (payment,) = world.source(mapping=mapping).read_changed("", world.at).payments
    assert (payment.amount, payment.root_id) == (Money(60000, "USD"), "")


# ---- Stripe's own invoices ----


def test_an_invoice_that_stripe_collects_until_it_is_paid(world: World) -> None:
    ledger, ours, payer = world.stripe.ledger, world.source(), world.customer()
    assert ours.read_autopay() == ()
    begun = int((START + DAY).timestamp())
    ledger.invoices.add_autopay(payer, "INV-1", 120000, "usd", begun)
    planned = ours.read_autopay()
    ledger.invoices.attempt("INV-1", False, begun + 3 * 86400)
    failed = ours.read_autopay()
    ledger.invoices.attempt("INV-1", True)
    paid = ours.read_autopay()

    assert planned == (Autopay("INV-1", payer, date(2026, 10, 21), False),)
    assert failed == (Autopay("INV-1", payer, date(2026, 10, 24), True),)
    assert paid == ()


def test_a_quiet_look_at_autopay_is_one_request(world: World) -> None:
    ours, before = world.source(), world.requests()

    assert (ours.read_autopay(), world.requests() - before) == ((), 1)


def test_stripe_is_another_sender_while_it_mails_an_open_invoice(world: World) -> None:
    ledger, ours, payer = world.stripe.ledger, world.source(), world.customer()
    ledger.invoices.add_autopay(payer, "INV-1", 120000, "usd", None)
    collected = ours.other_senders()
    ledger.invoices.add_sent(payer, "INV-2", 120000, "usd")
    mailed = ours.other_senders()
    ledger.invoices.void("INV-2")

    assert (collected, [sender.name for sender in mailed], ours.other_senders()) == ((), ["stripe_invoices"], ())
