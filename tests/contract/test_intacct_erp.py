"""Intacct's own way with closing acts: all or nothing, lines by their keys, flags, groups, drafts, entities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Literal

import pytest

from connector.ports import ActAnswer, Outcome
from connector.receivables import ArStatus, CloseIntent, CreditUse, LineShare, PaymentApplication
from tests.contract.erp_site import TODAY, usd, with_payment
from tests.contract.intacct_site import Site, served

CREATED, EXISTS, DIFFERENT = Outcome.CREATED, Outcome.EXISTS, Outcome.EXISTS_DIFFERENT
REFUSED, UNKNOWN = Outcome.REFUSED, Outcome.UNKNOWN
Aborted = Literal["all", "others"]


@pytest.fixture
def site() -> Iterator[Site]:
    with served() as made:
        yield made


def large_act(site: Site) -> tuple[CloseIntent, list[ArStatus]]:
    """One of five functions: the flags of two invoices, two cancellations, the receipt, and a payment with a credit."""
    first, second, memo = site.invoice("600.00"), site.invoice("400.00"), site.memo("100.00")
    intent = site.act({first: "600.00", second: "400.00"}, "900.00")
    intent = with_payment(intent, credits=(CreditUse(memo, usd("100")),))
    return intent, [status(one) for one in (first, second)]


def status(invoice: str) -> ArStatus:
    return ArStatus(f"arc-demo-st-{invoice}", invoice, "closed", "paid by ch_a1")


def write(site: Site, intent: CloseIntent, statuses: list[ArStatus]) -> ActAnswer:
    (answer,) = site.erp.write_acts([intent], statuses)
    return answer


# ---- all or nothing ----


@pytest.mark.parametrize("aborted", ["all", "others"])
@pytest.mark.parametrize("place", range(5))
def test_whichever_function_fails_the_book_is_byte_for_byte_the_book_before(
    site: Site, place: int, aborted: Aborted
) -> None:
    """Flags that are refused are left out at once, so there the act without them fails as well."""
    site.intacct.at_the_door.aborted = aborted
    intent, statuses = large_act(site)
    before = site.intacct.dump()
    site.fault("record_refused", "act", record=place, code="BL01001973", times=2 if place == 0 else 1)

    answer = write(site, intent, statuses)

    assert before == site.intacct.dump()
    assert [REFUSED] * 4 == [answer.payment.outcome, *(one.outcome for one in answer.records)]
    assert answer.payment.code and answer.payment.message
    assert ((), None) == (site.seen(intent).records, site.seen(intent).payment)

    again = write(site, intent, statuses)
    assert [CREATED] * 6 == [one.outcome for one in (again.payment, *again.records, *again.statuses)]
    assert {"0.00"} == set(site.balances().values())


@pytest.mark.parametrize("aborted", ["all", "others"])
def test_a_refusal_by_intacct_itself_undoes_flags_and_records_too(site: Site, aborted: Aborted) -> None:
    site.intacct.at_the_door.aborted = aborted
    intent, statuses = large_act(site)
    site.intacct.close_period("2026-11")
    before = site.intacct.dump()

    answer = write(site, intent, statuses)

    assert before == site.intacct.dump()
    assert (REFUSED, ()) == (answer.payment.outcome, answer.statuses)
    assert "period" in answer.payment.message and "closed" in answer.payment.message


def test_an_act_is_one_operation_of_few_counted_writes(site: Site) -> None:
    invoice = site.invoice()
    site.erp.read_totals()
    operations, counted = site.intacct.counts().get("act", 0), site.intacct.counted()["writes"]

    write(site, site.act({invoice: "1000.00"}), [status(invoice)])

    assert 1 == site.intacct.counts()["act"] - operations
    assert 4 == site.intacct.counted()["writes"] - counted  # flags, cancellation, receipt, payment


def test_what_the_adapter_counts_is_what_the_vendor_counts(site: Site) -> None:
    intent, statuses = large_act(site)
    site.erp.read_open()
    write(site, intent, statuses)
    site.erp.read_acts([intent])
    site.erp.write_marks([], statuses)

    counted = site.erp.take_counted()

    assert {"reads": counted.reads, "writes": counted.writes} == site.intacct.counted()


@pytest.mark.parametrize("place", ["result", "control"])
def test_a_payment_that_was_committed_after_we_looked_is_not_made_twice(
    site: Site, place: Literal["result", "control"]
) -> None:
    """524, nothing there when looked, and it comes to stand just before the second try: the control ids stop that."""
    site.intacct.at_the_door.duplicate_at = place
    intent, statuses = large_act(site)
    site.fault("late_commit", "act", seconds=3600)

    first = write(site, intent, statuses)
    nothing = site.seen(intent)
    site.intacct.meanwhile("act", site.intacct.finish_late)
    second = write(site, intent, statuses)

    assert (UNKNOWN, None, ()) == (first.payment.outcome, nothing.payment, nothing.records)
    assert EXISTS == second.payment.outcome
    assert (1, {"0.00"}) == (len(site.payments()), set(site.balances().values()))


@pytest.mark.parametrize("is_free", [True, False])
def test_a_payment_that_would_be_committed_after_our_second_try_is_refused_then(site: Site, is_free: bool) -> None:
    """The gateway goes on for a quarter of an hour after the network gave up. A part payment would fit twice."""
    site.intacct.at_the_door.failed_ids_are_free = is_free
    site.with_mapping(facts={"failed_control_ids_are_free": is_free})
    invoice = site.invoice("1000.00")
    intent = site.act({invoice: "300.00"})
    site.fault("late_commit", "act", seconds=36000)

    assert UNKNOWN == site.write(intent)[0]
    site.later(1)
    assert site.seen(intent).payment is None
    second = site.write(intent)[0]
    site.intacct.finish_late()

    assert second in (CREATED, UNKNOWN)
    assert (1, {invoice: "700.00"}) == (len(site.payments()), site.balances())
    assert EXISTS == site.write(intent)[0]


def test_control_ids_that_are_forgotten_make_no_second_payment_either(site: Site) -> None:
    """For how long they are remembered is not documented, so nothing rests on them alone."""
    intent, statuses = large_act(site)
    site.fault("drop_after", "act")
    assert UNKNOWN == write(site, intent, statuses).payment.outcome
    site.intacct.forget_control_ids()

    assert EXISTS == write(site, intent, statuses).payment.outcome
    assert 1 == len(site.payments())


def test_where_failed_functions_use_up_their_ids_a_refused_act_comes_back_as_another(site: Site) -> None:
    site.intacct.at_the_door.failed_ids_are_free = False
    site.with_mapping(facts={"failed_control_ids_are_free": False})
    intent, statuses = large_act(site)
    site.fault("record_refused", "act", record=4, code="BL01001973")
    parts = {one.invoice_id: one.amount.plain() for one in intent.payment.applications}
    another = with_payment(site.act(parts, "900.00", act_id="a2"), credits=intent.payment.credits)

    first, again, other = (write(site, one, statuses) for one in (intent, intent, another))

    assert [REFUSED, REFUSED, CREATED] == [one.payment.outcome for one in (first, again, other)]
    assert (1, {"0.00"}) == (len(site.payments()), set(site.balances().values()))


# ---- flags ----


def test_flags_that_are_refused_do_not_keep_an_act_from_closing(site: Site) -> None:
    intent, statuses = large_act(site)
    site.intacct.revoke("edit_invoices")

    answer = write(site, intent, statuses)

    assert [CREATED] * 4 == [answer.payment.outcome, *(one.outcome for one in answer.records)]
    assert [REFUSED, REFUSED] == [one.outcome for one in answer.statuses]
    assert all(one.message for one in answer.statuses)
    assert {"0.00"} == set(site.balances().values())
    assert [] == [one for one in site.intacct.kept("status") if one["state"]]


def test_a_status_of_an_invoice_goes_with_the_last_act_that_touches_it(site: Site) -> None:
    invoice = site.invoice("1000.00")
    acts = [site.act({invoice: amount}, act_id=id) for id, amount in (("a1", "400.00"), ("a2", "600.00"))]

    first, second = site.erp.write_acts(acts, [status(invoice)])

    assert ([CREATED, CREATED], ()) == ([first.payment.outcome, second.payment.outcome], first.statuses)
    assert [CREATED] == [one.outcome for one in second.statuses]
    assert {invoice: "0.00"} == site.balances()


def test_a_user_who_may_draft_and_not_post_is_told_which_permission_is_lacking(site: Site) -> None:
    intent, statuses = large_act(site)
    site.intacct.revoke("post_payments")
    before = site.intacct.dump()

    answer = write(site, intent, statuses)

    assert (REFUSED, before) == (answer.payment.outcome, site.intacct.dump())
    assert "permission" in answer.payment.message and "Post" in answer.payment.message


# ---- lines ----


def lines_due(site: Site, invoice: str) -> list[str]:
    (found,) = [one for one in site.intacct.truth()["invoices"] if one["id"] == invoice]
    return [line["due"] for line in found["lines"]]


@pytest.mark.parametrize("disputed", [1, 2, 3])
@pytest.mark.parametrize("shared", [True, False])
def test_cash_for_the_clean_lines_closes_exactly_these(site: Site, disputed: int, shared: bool) -> None:
    """M41. A payment without line keys would fall on the first line, disputed or not (Sage's XML reference)."""
    amounts = {1: "500.00", 2: "300.00", 3: "200.00"}
    invoice = site.invoice(lines=[{"description": f"Line {n}", "amount": amount} for n, amount in amounts.items()])
    site.intacct.dispute_line(invoice, disputed, "wrong count")
    clean = {n: usd(amount) for n, amount in amounts.items() if n != disputed}
    cash = sum((amount for amount in clean.values()), usd("0"))
    shares = tuple(LineShare(str(n), amount) for n, amount in clean.items()) if shared else ()
    intent = with_payment(site.act({invoice: cash.plain()}), applications=(PaymentApplication(invoice, cash, shares),))

    assert CREATED == site.write(intent)[0]

    assert [amounts[n] if n == disputed else "0.00" for n in amounts] == lines_due(site, invoice)
    found = site.read(invoice)
    assert (usd(amounts[disputed]), usd("0")) == (found.disputed, found.askable)
    assert [n == disputed for n in amounts] == [line.disputed for line in found.lines]


def test_a_part_payment_goes_down_the_undisputed_lines(site: Site) -> None:
    amounts = ("500.00", "300.00", "200.00")
    invoice = site.invoice(lines=[{"description": "Line", "amount": amount} for amount in amounts], tax=["50.00"])
    site.intacct.dispute_line(invoice, 2, "wrong count")

    assert CREATED == site.write(site.act({invoice: "600.00"}))[0]

    due = lines_due(site, invoice)
    assert "300.00" == due[1]
    assert {invoice: "450.00"} == site.balances()
    assert EXISTS == site.write(site.act({invoice: "600.00"}))[0]


# ---- Order Entry: record numbers that change ----


def test_an_invoice_that_was_edited_in_order_entry_is_the_same_invoice(site: Site) -> None:
    lines = [{"description": "Seats", "amount": "600.00"}, {"description": "Use", "amount": "400.00"}]
    invoice = site.invoice(lines=lines, order_entry=True)
    before = site.read(invoice)
    site.intacct.edit_order(invoice)

    assert replace(site.read(invoice)) == before
    assert CREATED == site.write(site.act({invoice: "1000.00"}))[0]
    assert {invoice: "0.00"} == site.balances()


def test_an_edit_between_our_look_and_our_write_is_looked_at_once_more(site: Site) -> None:
    invoice = site.invoice(order_entry=True)
    intent = site.act({invoice: "1000.00"})
    site.intacct.meanwhile("act", lambda: site.intacct.edit_order(invoice))

    answer = write(site, intent, [status(invoice)])

    assert [CREATED] * 4 == [one.outcome for one in (answer.payment, *answer.records, *answer.statuses)]
    assert {invoice: "0.00"} == site.balances()
    assert ["closed"] == [one["state"] for one in site.intacct.kept("status")]


def test_an_order_that_is_edited_all_the_time_leaves_the_act_to_the_next_tick(site: Site) -> None:
    invoice = site.invoice(order_entry=True)
    intent, books = site.act({invoice: "1000.00"}), [b""]

    def edit() -> None:
        site.intacct.edit_order(invoice)
        books.append(site.intacct.dump())

    for nth in range(1, 5):
        site.intacct.meanwhile("act", edit, nth)
    answer = write(site, intent, [])
    after = site.intacct.dump()

    assert (REFUSED, True) == (answer.payment.outcome, books[-1] == after)


def test_a_smaller_amount_after_an_edit_is_not_overpaid(site: Site) -> None:
    invoice = site.invoice("1000.00", order_entry=True)
    intent = site.act({invoice: "1000.00"})
    site.intacct.edit_order(invoice, 1, "800.00")
    before = site.intacct.dump()

    assert (REFUSED, before) == (site.write(intent)[0], site.intacct.dump())


# ---- many acts at once ----


def backlog(site: Site, count: int) -> list[CloseIntent]:
    return [site.act({site.invoice("10.00"): "10.00"}, act_id=f"m{number}") for number in range(count)]


def test_few_acts_go_one_by_one(site: Site) -> None:
    site.erp.write_acts(backlog(site, 14))

    assert (14, 14) == (site.intacct.counts()["act"], len(site.payments()))


def test_many_acts_share_operations_and_a_refused_one_is_found_by_halves(site: Site) -> None:
    acts = backlog(site, 17)
    site.intacct.close_period("2026-09")
    acts[7] = with_payment(acts[7], received_on=date(2026, 9, 15))

    answers = site.erp.write_acts(acts)

    assert [one.act_id for one in acts] == [one.act_id for one in answers]
    assert [REFUSED if n == 7 else CREATED for n in range(17)] == [one.payment.outcome for one in answers]
    assert "closed" in answers[7].payment.message
    # Of four operations the second fails; its halves are 5-6 and 7-9, and those of the latter 7 and 8-9.
    assert (8, 16) == (site.intacct.counts()["act"], len(site.payments()))


def test_acts_that_share_an_invoice_are_not_told_on_the_same_ground(site: Site) -> None:
    invoice = site.invoice("1000.00")
    acts = [site.act({invoice: "250.00"}, act_id=f"m{number}") for number in range(4)]
    too_much = site.act({invoice: "0.01"}, act_id="m4")

    answers = site.erp.write_acts([*acts, too_much])

    assert [CREATED] * 4 + [REFUSED] == [one.payment.outcome for one in answers]
    assert {invoice: "0.00"} == site.balances()


def test_when_a_later_operation_meets_a_busy_gateway_the_answers_of_the_earlier_are_kept(site: Site) -> None:
    acts = backlog(site, 6)
    site.fault("too_many", "act", nth=4)

    answers = site.erp.write_acts(acts)

    assert [CREATED] * 3 + [UNKNOWN] * 3 == [one.payment.outcome for one in answers]
    assert [CREATED] * 3 == [one.payment.outcome for one in site.erp.write_acts(acts[3:])]


# ---- drafts ----


def test_a_draft_of_ours_shows_what_waits_and_gives_way_to_the_payment(site: Site) -> None:
    site.with_mapping(suggest_as_draft=True)
    invoice = site.invoice()
    intent = site.act({invoice: "1000.00"})

    assert site.erp.takes_drafts
    assert [CREATED] == [one.outcome for one in site.erp.write_drafts([intent.payment])]
    assert ([invoice], []) == ([draft["selects"][0]["invoice"] for draft in drafts(site)], site.payments())
    assert (usd("1000"), None) == (site.read(invoice).balance, site.seen(intent).payment)
    assert {} == site.erp.find_payments(["ch_a1"])

    assert CREATED == write(site, intent, [status(invoice)]).payment.outcome
    assert ([], {invoice: "0.00"}) == (drafts(site), site.balances())


def drafts(site: Site) -> list[dict[str, list[dict[str, str]]]]:
    found: list[dict[str, list[dict[str, str]]]] = site.intacct.truth()["drafts"]
    return found


def test_a_draft_follows_its_suggestion_and_is_taken_back(site: Site) -> None:
    site.with_mapping(suggest_as_draft=True)
    first, second = site.invoice("600.00"), site.invoice("400.00")
    one, other = site.act({first: "600.00"}).payment, site.act({second: "400.00"}).payment
    site.erp.write_drafts([one])

    site.erp.write_drafts([other])

    assert [[second]] == [[part["invoice"] for part in draft["selects"]] for draft in drafts(site)]
    assert [CREATED] == [answer.outcome for answer in site.erp.delete_drafts([other.external_id])]
    assert [] == drafts(site)
    assert [EXISTS] == [answer.outcome for answer in site.erp.delete_drafts([other.external_id])]


def test_a_draft_that_a_person_posts_is_the_payment(site: Site) -> None:
    site.with_mapping(suggest_as_draft=True)
    invoice = site.invoice()
    intent = site.act({invoice: "1000.00"})
    (answer,) = site.erp.write_drafts([intent.payment])
    site.intacct.submit_payment(answer.erp_id)

    assert EXISTS == site.write(intent)[0]
    assert [DIFFERENT] == [one.outcome for one in site.erp.write_drafts([intent.payment])]
    assert (1, {invoice: "0.00"}) == (len(site.payments()), site.balances())


def test_what_a_person_has_selected_in_a_draft_is_not_open_to_us(site: Site) -> None:
    invoice = site.invoice("1000.00")
    site.intacct.draft_payment(site.customer, "400.00", TODAY, [(invoice, "400.00")])

    assert usd("600") == site.read(invoice).balance
    assert REFUSED == site.write(site.act({invoice: "1000.00"}))[0]
    assert CREATED == site.write(site.act({invoice: "600.00"}, act_id="a2"))[0]


# ---- entities ----


@pytest.fixture
def two(site: Site) -> Site:
    for entity in ("E1", "E2"):
        site.intacct.add_entity(entity)
    site.with_mapping(entities={"E1": {}, "E2": {}})
    return site


def test_each_entity_is_written_in_a_session_of_its_own(two: Site) -> None:
    first, second = two.invoice("600.00", entity="E1"), two.invoice("400.00", entity="E2")

    answers = two.erp.write_acts([two.act({first: "600.00"}), two.act({second: "400.00"}, act_id="a2")])

    assert [CREATED, CREATED] == [one.payment.outcome for one in answers]
    assert [True, True] == [first.endswith("__E1"), second.endswith("__E2")]
    assert {"E1", "E2"} == {payment["entity"] for payment in two.intacct.truth()["payments"]}
    assert {first: "0.00", second: "0.00"} == two.balances()
    assert [EXISTS, EXISTS] == [
        one.payment.outcome
        for one in two.erp.write_acts([two.act({first: "600.00"}), two.act({second: "400.00"}, act_id="a2")])
    ]


def test_what_is_private_to_an_entity_is_read_with_its_owner(two: Site) -> None:
    ids = {two.invoice("600.00", entity="E1"): "E1", two.invoice("400.00", entity="E2"): "E2", two.invoice("1.00"): ""}

    read = two.erp.read_open()

    assert ids == {one.id: one.subsidiary for one in read.invoices}
    assert usd("1001") == two.erp.read_totals()[0].open_amount


def test_a_payment_over_two_entities_is_a_persons(two: Site) -> None:
    first, second = two.invoice("600.00", entity="E1"), two.invoice("400.00", entity="E2")
    before = two.intacct.dump()

    answer = two.answer(two.act({first: "600.00", second: "400.00"}))

    assert (REFUSED, before) == (answer.payment.outcome, two.intacct.dump())
    assert "E1, E2" in answer.payment.message


def test_a_period_that_one_entity_has_closed_is_open_for_the_other(two: Site) -> None:
    first, second = two.invoice("600.00", entity="E1"), two.invoice("400.00", entity="E2")
    two.intacct.close_period("2026-11", entity="E1")

    answers = two.erp.write_acts([two.act({first: "600.00"}), two.act({second: "400.00"}, act_id="a2")])

    assert [REFUSED, CREATED] == [one.payment.outcome for one in answers]
    assert {first: "600.00", second: "0.00"} == two.balances()
