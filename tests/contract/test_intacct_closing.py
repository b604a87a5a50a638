"""Closing acts in Sage Intacct as nobody else has them: by line, by entity, whole or not at all, and only once.

What every ERP does stands in test_erp_acts.py and test_erp_rests.py.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Literal

import pytest

from connector.decisions import closing
from connector.decisions.closing import ClosingOutcome
from connector.money import Money
from connector.ports import Outcome
from connector.receivables import ArStatus, CloseIntent, CreditUse, LineShare, PaymentApplication
from tests.contract.erp_site import TODAY, usd, with_payment
from tests.contract.intacct_site import Site, served

THREE_LINES = [
    {"description": "Seats", "amount": "600.00", "kind": "subscription"},
    {"description": "Usage", "amount": "250.00", "kind": "usage"},
    {"description": "Training", "amount": "150.00", "kind": "services"},
]


@pytest.fixture
def site() -> Iterator[Site]:
    with served() as made:
        yield made


def closes(site: Site, intent: CloseIntent, **left: str) -> ClosingOutcome:
    """What the heart makes of the read-back; nothing is left of the invoices unless said otherwise."""
    expected = {one.invoice_id: usd(left.get(one.invoice_id, "0")) for one in intent.payment.applications}
    return closing.decide(intent, site.seen(intent), expected).outcome


def due_by_line(site: Site, invoice_id: str) -> list[str]:
    """What each line of an invoice has due in the books."""
    number = invoice_id.split("__")[0]
    rows = site.people.rows(
        "SELECT e.amount - e.paid - e.discount AS due FROM entry e JOIN record t ON t.recordno = e.recordkey "
        "WHERE t.recordid = ? AND t.recordtype = 'ri' ORDER BY e.line_no",
        number,
    )
    return [f"{row['due'] / 100:.2f}" for row in rows]


def status(invoice_id: str, state: str = "closed") -> ArStatus:
    return ArStatus(f"arc-demo-st-{invoice_id}", invoice_id, state, "paid", segment="default", card="Nothing is next.")


# ---- By line ----


def test_a_payment_of_the_clean_lines_closes_just_these(site: Site) -> None:
    """M41."""
    invoice = site.invoice(lines=THREE_LINES)
    site.people.dispute_line(invoice, 2, "never used")
    shares = (LineShare("1", usd("600")), LineShare("3", usd("150")))
    paid = PaymentApplication(invoice, usd("750"), shares)
    act = with_payment(site.act({invoice: "750.00"}), applications=(paid,))

    assert Outcome.CREATED is site.answer(act).payment.outcome
    assert ["0.00", "250.00", "0.00"] == due_by_line(site, invoice)
    found = site.read(invoice)
    assert (usd("250"), usd("250")) == (found.balance, found.disputed)
    assert ClosingOutcome.CLOSED is closes(site, act, **{invoice: "250"})


def test_a_short_payment_leaves_the_disputed_first_line_open(site: Site) -> None:
    """Left to itself Intacct would pay the first line first."""
    invoice = site.invoice(lines=THREE_LINES)
    site.people.dispute_line(invoice, 1, "wrong price")
    site.answer(site.act({invoice: "400.00"}))
    site.answer(site.act({invoice: "100.00"}, act_id="a2"))

    assert ["500.00", "0.00", "0.00"] == due_by_line(site, invoice)


def test_tax_is_paid_with_its_line(site: Site) -> None:
    invoice = site.invoice(lines=THREE_LINES, tax=["60.00"])
    site.people.dispute_line(invoice, 1, "wrong price")
    site.answer(site.act({invoice: "410.00"}))

    assert ["590.00", "0.00", "0.00", "60.00"] == due_by_line(site, invoice)


# ---- Order Entry ----


def test_an_invoice_that_was_edited_in_order_entry_is_paid_under_its_new_number(site: Site) -> None:
    invoice = site.invoice(order_entry=True)
    act = site.act({invoice: "1000.00"})
    site.people.edit_order(invoice)

    assert Outcome.CREATED is site.answer(act).payment.outcome
    assert ClosingOutcome.CLOSED is closes(site, act)


def test_an_edit_between_the_last_look_and_the_write_is_looked_at_once_more(site: Site) -> None:
    invoice, gone = site.invoice(order_entry=True), site.invoice(order_entry=True)
    act, other = site.act({invoice: "1000.00"}), site.act({gone: "1000.00"}, act_id="a2")
    site.people.meanwhile("act", lambda: site.people.edit_order(invoice))

    assert Outcome.CREATED is site.answer(act).payment.outcome
    assert 2 == site.people.counts()["act"]
    for nth in (1, 2):
        site.people.meanwhile("act", lambda: site.people.edit_order(gone), nth)
    assert "does not exist" in site.answer(other).payment.message
    assert 4 == site.people.counts()["act"]
    assert ClosingOutcome.CLOSED is closes(site, act)


def test_flags_go_after_all_where_the_invoice_was_only_edited_meanwhile(site: Site) -> None:
    invoice = site.invoice(order_entry=True)
    site.people.meanwhile("act", lambda: site.people.edit_order(invoice))
    (answer,) = site.erp.write_acts([site.act({invoice: "1000.00"})], [status(invoice)])

    assert [Outcome.CREATED] == [one.outcome for one in answer.statuses]
    assert ["closed"] == [one["state"] for one in site.people.kept("status")]


def test_what_a_persons_draft_has_selected_is_not_paid_twice(site: Site) -> None:
    invoice = site.invoice()
    site.people.draft_payment(site.customer, "400.00", TODAY, [(invoice, "400.00")])

    assert Outcome.REFUSED is site.answer(site.act({invoice: "1000.00"})).payment.outcome
    assert Outcome.CREATED is site.answer(site.act({invoice: "600.00"}, act_id="a2")).payment.outcome


# ---- Entities and families ----


@pytest.fixture
def two_entities(site: Site) -> Site:
    for name in ("E1", "E2"):
        site.people.add_entity(name)
    site.with_mapping(entities={"E1": {}, "E2": {}})
    return site


def test_an_act_is_written_in_the_entity_of_its_invoices_with_its_overpayment(two_entities: Site) -> None:
    site = two_entities
    invoice = site.invoice(entity="E1")
    act = site.act({invoice: "1000.00"}, amount="1200.00")
    answer = site.answer(act)

    assert invoice.endswith("__E1")
    assert Outcome.CREATED is answer.payment.outcome
    assert ClosingOutcome.CLOSED is closes(site, act)
    (rest,) = site.erp.read_credits([answer.payment.erp_id]).credits
    assert (usd("200"), "E1") == (rest.open_amount, rest.subsidiary)
    other = site.invoice("150.00", entity="E1")
    used = site.rest(answer.payment.erp_id, "200.00", {other: "150.00"})
    assert Outcome.CREATED is site.answer(used).payment.outcome
    assert ClosingOutcome.CLOSED is closes(site, used)


def test_one_payment_never_spans_two_entities(two_entities: Site) -> None:
    site = two_entities
    act = site.act({site.invoice(entity="E1"): "1000.00", site.invoice(entity="E2"): "1000.00"})

    assert "it touches entities E1, E2" in site.answer(act).payment.message
    assert [] == site.payments()


def test_a_period_that_one_entity_has_closed_is_open_for_the_other(two_entities: Site) -> None:
    site = two_entities
    site.people.close_period(f"{TODAY:%Y-%m}", entity="E1")
    closed = site.answer(site.act({site.invoice(entity="E1"): "1000.00"}))
    open_ = site.answer(site.act({site.invoice(entity="E2"): "1000.00"}, act_id="a2"))

    assert (Outcome.REFUSED, Outcome.CREATED) == (closed.payment.outcome, open_.payment.outcome)
    assert "its period is closed for receivables" in closed.payment.message


def test_a_user_who_may_not_post_is_a_named_refusal(site: Site) -> None:
    site.people.revoke("post_payments")
    answer = site.answer(site.act({site.invoice(): "1000.00"}))

    assert Outcome.REFUSED is answer.payment.outcome
    assert "posting payments needs Post besides Add" in answer.payment.message


def test_a_parents_payment_pays_its_children_only_where_the_mapping_allows_it(site: Site) -> None:
    child = site.people.add_customer("Northfield Labs", "ap@labs.example", site.terms, parent=site.customer)
    own, theirs = site.invoice("300.00"), site.invoice("200.00", customer=child)
    act = site.act({own: "300.00", theirs: "200.00"})

    assert "facts.family_payments" in site.answer(act).payment.message
    site.with_mapping(facts={"family_payments": "payer_name"})
    assert Outcome.CREATED is site.answer(act).payment.outcome
    assert ClosingOutcome.CLOSED is closes(site, act)
    assert Outcome.EXISTS is site.answer(act).payment.outcome
    (seen,) = site.erp.find_payments(["cha1"]).values()
    assert (site.customer, usd("500")) == (seen.customer_id, seen.amount)


# ---- What is left of a payment ----


def test_the_rest_of_our_own_payment_is_used_bit_by_bit(site: Site) -> None:
    first, second, third = site.invoice("1000.00"), site.invoice("120.00"), site.invoice("50.00")
    paid = site.answer(site.act({first: "1000.00"}, amount="1200.00")).payment.erp_id
    memo = site.memo("20.00")
    one = site.rest(paid, "200.00", {second: "120.00"})
    two = site.rest(paid, "80.00", {third: "50.00"}, act_id="r2")
    netted = with_payment(one, credits=site.netted({}, {memo: "20.00"}, "0").payment.credits)

    assert Outcome.CREATED is site.answer(netted).payment.outcome
    assert ClosingOutcome.CLOSED is closes(site, netted)
    assert "100.00 USD left, and had 80.00 USD" in site.answer(two).payment.message
    right = site.rest(paid, "100.00", {third: "50.00"}, act_id="r3")
    assert Outcome.CREATED is site.answer(right).payment.outcome
    assert ClosingOutcome.CLOSED is closes(site, netted)
    (left,) = site.erp.read_credits([paid]).credits
    assert usd("50") == left.open_amount
    assert Outcome.EXISTS is site.answer(right).payment.outcome


def test_money_without_an_invoice_is_an_advance_that_pays_one_later(site: Site) -> None:
    answer = site.answer(site.act({}, amount="500.00"))
    invoice = site.invoice("400.00")
    act = site.rest(answer.payment.erp_id, "500.00", {invoice: "400.00"})

    assert answer.payment.erp_id.startswith("adv-")
    assert site.seen(act).payment is None
    assert Outcome.CREATED is site.answer(act).payment.outcome
    assert ClosingOutcome.CLOSED is closes(site, act)
    (left,) = site.erp.read_credits([answer.payment.erp_id]).credits
    assert usd("100") == left.open_amount


# ---- Flags ----


@pytest.mark.parametrize("aborted", ["all", "others"])
def test_an_act_is_written_without_flags_that_are_refused(site: Site, aborted: Literal["all", "others"]) -> None:
    site.people.at_the_door.aborted = aborted
    invoice = site.invoice()
    site.fault("record_refused", "act", record=0, code="BL01001973")
    (answer,) = site.erp.write_acts([site.act({invoice: "1000.00"})], [status(invoice)])

    assert Outcome.CREATED is answer.payment.outcome
    assert [Outcome.REFUSED] == [one.outcome for one in answer.statuses]
    assert [] == site.people.kept("status")


def test_flags_stand_with_the_payment_and_are_set_back_and_forth_later(site: Site) -> None:
    invoice = site.invoice()
    (answer,) = site.erp.write_acts([site.act({invoice: "1000.00"})], [status(invoice)])

    assert [Outcome.CREATED] == [one.outcome for one in answer.statuses]
    for state in ("reminding", "closed", "reminding"):
        assert [Outcome.CREATED] == [one.outcome for one in site.erp.write_marks([], [status(invoice, state)])]
        assert [state] == [one["state"] for one in site.people.kept("status")]


# ---- Many ----


def test_a_backlog_is_written_in_groups_and_only_the_one_at_fault_is_refused(site: Site) -> None:
    acts = [site.act({site.invoice("10.00"): "10.00"}, act_id=f"b{n}") for n in range(15)]
    acts[7] = with_payment(acts[7], deposit_account="NOWHERE")
    answers = site.erp.write_acts(acts)

    assert ["b7"] == [one.act_id for one in answers if one.payment.outcome is Outcome.REFUSED]
    assert 14 == len(site.payments())
    assert 7 == site.people.counts()["act"]
    assert 14 * 3 == site.erp.take_counted().writes == site.people.counted()["writes"]


# ---- Only once ----


@pytest.mark.parametrize("place", ["result", "control"])
def test_what_is_committed_late_is_refused_as_done_and_found(site: Site, place: Literal["result", "control"]) -> None:
    """524: the network gave up, the gateway went on. The second try comes before the first is through."""
    site.people.at_the_door.duplicate_at = place
    act = site.act({site.invoice(): "1000.00"})
    site.fault("late_commit", "act", seconds=3600)
    lost = site.answer(act)
    site.people.meanwhile("act", site.people.finish_late)
    again = site.answer(act)

    assert (Outcome.UNKNOWN, Outcome.EXISTS) == (lost.payment.outcome, again.payment.outcome)
    assert {Outcome.EXISTS} == {one.outcome for one in again.records}
    assert 1 == len(site.payments())


def test_an_act_is_written_once_even_if_control_ids_are_forgotten(site: Site) -> None:
    act = site.act({site.invoice(): "1000.00"})
    site.answer(act)
    site.people.forget_control_ids()

    assert Outcome.EXISTS is site.answer(act).payment.outcome
    assert 1 == len(site.payments())


def test_where_failures_use_up_control_ids_a_refused_act_gives_way_to_another(site: Site) -> None:
    site.people.at_the_door.failed_ids_are_free = False
    site.with_mapping(facts={"failed_control_ids_are_free": False})
    invoice, other = site.invoice(), site.invoice()
    site.fault("record_refused", "act", record=0, code="BL01001973")
    (flagless,) = site.erp.write_acts([site.act({invoice: "1000.00"})], [status(invoice)])
    site.fault("record_refused", "act", record=0, code="BL01001973")
    refused, again = site.act({other: "1000.00"}, act_id="a2"), site.act({other: "1000.00"}, act_id="a3")

    assert Outcome.CREATED is flagless.payment.outcome
    assert [Outcome.REFUSED] * 2 == [site.answer(refused).payment.outcome for _ in range(2)]
    assert Outcome.CREATED is site.answer(again).payment.outcome


@pytest.mark.parametrize("are_free", [True, False])
def test_what_is_committed_hours_late_is_not_doubled(site: Site, are_free: bool) -> None:
    """The hour makes no other ids of an act whose answer was lost."""
    site.people.at_the_door.failed_ids_are_free = are_free
    site.with_mapping(facts={"failed_control_ids_are_free": are_free})
    act = site.act({site.invoice(): "300.00"})
    site.fault("late_commit", "act", seconds=7200)
    lost = site.answer(act)
    site.later(1)
    again = site.answer(act)
    site.people.finish_late()

    assert (Outcome.UNKNOWN, Outcome.CREATED) == (lost.payment.outcome, again.payment.outcome)
    assert 1 == len(site.payments())


def test_a_draft_from_before_drafts_were_switched_off_does_not_stand_in_the_way(site: Site) -> None:
    act = draft(site, **{site.invoice(): "1000.00"})
    site.erp.write_drafts([act.payment])
    site.with_mapping(suggest_as_draft=False)

    assert Outcome.CREATED is site.answer(act).payment.outcome
    assert [] == site.people.truth()["drafts"]


def test_a_record_that_somebody_deleted_is_made_again_though_its_control_id_is_used_up(site: Site) -> None:
    act = site.act({site.invoice(): "1000.00"})
    site.answer(act)
    (key,) = [row["id"] for row in site.people.rows("SELECT id FROM arc_receipt")]
    site.people.delete("arc_receipt", [key], site.people.person())
    (answer,) = site.erp.write_records([act])

    assert [Outcome.EXISTS, Outcome.CREATED] == [one.outcome for one in answer.records]
    assert ClosingOutcome.CLOSED is closes(site, act)


# ---- Drafts of what waits for approval ----


def draft(site: Site, **parts: str) -> CloseIntent:
    site.with_mapping(suggest_as_draft=True)
    return site.act(parts)


def test_a_draft_posts_nothing_and_leaves_its_invoice_open_to_every_read(site: Site) -> None:
    invoice = site.invoice()
    act = draft(site, **{invoice: "1000.00"})
    (answer,) = site.erp.write_drafts([act.payment])

    assert Outcome.CREATED is answer.outcome
    assert [(act.payment.external_id, "1000.00")] == [
        (one["external_id"], one["amount"]) for one in site.people.truth()["drafts"]
    ]
    assert usd("1000") == site.read(invoice).balance
    assert ([], {}, None) == (site.payments(), site.erp.find_payments(["cha1"]), site.seen(act).payment)


def test_an_approved_draft_gives_way_to_its_payment_in_one_operation(site: Site) -> None:
    act = draft(site, **{site.invoice(): "1000.00"})
    site.erp.write_drafts([act.payment])
    acts_before = site.people.counts().get("act", 0)

    assert Outcome.CREATED is site.answer(act).payment.outcome
    assert 1 == site.people.counts()["act"] - acts_before
    assert [] == site.people.truth()["drafts"]
    assert ClosingOutcome.CLOSED is closes(site, act)


def test_a_draft_whose_payment_is_refused_stays_as_it_was(site: Site) -> None:
    act = draft(site, **{site.invoice(): "1000.00"})
    site.erp.write_drafts([act.payment])
    before = site.people.dump()
    site.fault("record_refused", "act", record=3, code="BL01001973")

    assert Outcome.REFUSED is site.answer(act).payment.outcome
    assert before == site.people.dump()


def test_a_draft_follows_what_is_suggested(site: Site) -> None:
    first, second = site.invoice(), site.invoice("200.00")
    act = draft(site, **{first: "1000.00"})
    site.erp.write_drafts([act.payment])
    other = with_payment(site.act({second: "200.00"}), external_id=act.payment.external_id)
    (answer,) = site.erp.write_drafts([other.payment])

    assert Outcome.CREATED is answer.outcome
    assert ["200.00"] == [one["amount"] for one in site.people.truth()["drafts"]]


def test_a_draft_lives_and_dies_in_the_entity_of_its_invoices(two_entities: Site) -> None:
    site = two_entities
    site.with_mapping(entities={"E1": {}, "E2": {}}, suggest_as_draft=True)
    act = site.act({site.invoice(entity="E1"): "1000.00"})

    assert [Outcome.CREATED] == [one.outcome for one in site.erp.write_drafts([act.payment])]
    assert [Outcome.CREATED] == [one.outcome for one in site.erp.delete_drafts([act.payment.external_id])]
    assert [] == site.people.truth()["drafts"]
    site.erp.write_drafts([act.payment])
    assert Outcome.CREATED is site.answer(act).payment.outcome
    assert [] == site.people.truth()["drafts"]


def test_a_draft_is_taken_back_unless_a_person_posted_it(site: Site) -> None:
    act = draft(site, **{site.invoice(): "1000.00"})
    other = site.act({site.invoice(): "1000.00"}, act_id="a2")
    site.erp.write_drafts([act.payment, other.payment])
    posted = next(one["id"] for one in site.people.truth()["drafts"] if one["external_id"] == act.payment.external_id)
    site.people.submit_payment(posted)
    ids = [act.payment.external_id, other.payment.external_id]

    assert [Outcome.EXISTS, Outcome.CREATED] == [one.outcome for one in site.erp.delete_drafts(ids)]
    assert Outcome.EXISTS_DIFFERENT is site.erp.write_drafts([act.payment])[0].outcome
    assert [act.payment.external_id] == [external_id for external_id, _, _ in site.payments()]
    assert "cha1" in site.erp.find_payments(["cha1"])


# ---- What can't be said ----


def test_a_currency_without_two_decimals_is_refused_before_anything_is_sent(site: Site) -> None:
    act = site.act({site.invoice(): "1000.00"})
    yen = Money(1000, "JPY")
    paid = tuple(replace(one, amount=yen) for one in act.payment.applications)
    answer = site.answer(with_payment(act, amount=yen, applications=paid))

    assert "Intacct keeps two decimals, and JPY has 0" in answer.payment.message


def test_names_with_markup_reach_the_books_as_they_are(site: Site) -> None:
    invoice = site.invoice()
    act = site.act({invoice: "1000.00"})
    said = "Müller & Söhne <AP> \"paid\" 'it' ]]> 株式会社"
    act = replace(act, receipt=replace(act.receipt, text=said))
    site.answer(with_payment(act, memo=said))

    assert [said] == [one["text"] for one in site.people.kept("receipt")]


def test_an_early_payment_is_dated_as_it_was_meant(site: Site) -> None:
    day = TODAY - timedelta(days=3)
    act = with_payment(site.act({site.invoice(): "1000.00"}), received_on=day, really_received_on=date(2026, 9, 30))
    site.answer(act)

    assert "2026-09-30" in {one["received_on"] for one in site.people.truth()["payments"]}


# ---- Any act ----


@pytest.mark.parametrize("seed", range(4))
def test_whatever_an_act_pays_closes_to_the_cent(site: Site, seed: int) -> None:
    """Invoices with several lines, taxes and disputes, paid in part, in whole, with memos and with more than is due."""
    chance, money = random.Random(seed), []
    for number in range(8):
        owed = {site.invoice(lines=_lines(chance), tax=_tax(chance)): usd("0") for _ in range(chance.randint(1, 3))}
        for invoice in owed:
            if chance.random() < 0.4:
                site.people.dispute_line(invoice, 1, "wrong")
            owed[invoice] = site.read(invoice).balance
        parts = {one: Money(chance.randint(1, due.minor), "USD") for one, due in owed.items()}
        parts = {one: owed[one] if chance.random() < 0.5 else part for one, part in parts.items()}
        applied, over = sum(part.minor for part in parts.values()), chance.choice([0, 0, 1, 5000])
        memo = chance.randint(1, applied) if chance.random() < 0.5 else 0
        use = [CreditUse(site.memo(Money(memo, "USD").plain(), f"CM-{number}"), Money(memo, "USD"))] if memo else []
        cash = Money(applied - memo + over, "USD").plain()
        act = site.act({one: part.plain() for one, part in parts.items()}, cash, act_id=f"s{number}")
        act = with_payment(act, credits=tuple(use))

        assert Outcome.CREATED is site.answer(act).payment.outcome
        left = {one: (owed[one] - parts[one]).plain() for one in owed}
        assert ClosingOutcome.CLOSED is closes(site, act, **left)
        assert left.items() <= site.balances().items()
        money.append(cash)

    assert sorted(money) == sorted(amount for _, amount, _ in site.payments())


def _lines(chance: random.Random) -> list[dict[str, str]]:
    return [
        {"description": f"Line {n}", "amount": f"{chance.randint(1, 90000) / 100:.2f}", "kind": "usage"}
        for n in range(chance.randint(1, 4))
    ]


def _tax(chance: random.Random) -> list[str]:
    return [f"{chance.randint(1, 5000) / 100:.2f}"] if chance.random() < 0.5 else []


def test_money_in_another_currency_is_posted_at_the_rate_that_came_with_it(site: Site) -> None:
    site.people.set_rate("EUR", "1.05", TODAY)
    invoice = site.invoice("100.00", currency="EUR")
    act = with_payment(site.act({invoice: "100.00"}, amount="130.00", currency="EUR"), exchange_rate="1.1")

    assert Outcome.CREATED is site.answer(act).payment.outcome
    assert [] == site.people.truth()["violations"]
    assert Money.zero("EUR") == site.read(invoice).balance


def test_credits_may_pay_all_while_the_cash_stays_on_account(site: Site) -> None:
    invoice, memo = site.invoice("100.00"), site.memo("100.00")
    act = site.netted({invoice: "100.00"}, {memo: "100.00"}, "40.00")
    answer = site.answer(act)

    assert Outcome.CREATED is answer.payment.outcome
    assert ClosingOutcome.CLOSED is closes(site, act)
    (rest,) = site.erp.read_credits([answer.payment.erp_id]).credits
    assert usd("40") == rest.open_amount
