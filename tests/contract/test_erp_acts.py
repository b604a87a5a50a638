"""The port `Erp`, whichever ERP it is: a closing act is written once, whatever is lost, refused or done meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from connector.errors import Terminal, Transient
from connector.ports import Installation, Mark, Outcome
from connector.receivables import (
    ArStatus,
    ExceptionRecord,
    InvoiceStatus,
    LineShare,
    PaymentApplication,
    RecordState,
)
from tests.contract.erp_site import NOW, TODAY, ErpSite, usd, with_payment
from tests.fakes.ledger_erp import At, Trouble

CREATED, EXISTS, DIFFERENT = Outcome.CREATED, Outcome.EXISTS, Outcome.EXISTS_DIFFERENT
REFUSED, UNKNOWN = Outcome.REFUSED, Outcome.UNKNOWN
NOTHING: dict[str, list[str]] = {"cancellation": [], "receipt": []}

# ---- written once ----


def test_an_act_closes_its_invoices_and_is_read_back(site: ErpSite) -> None:
    first, second = site.invoice("600.00"), site.invoice("400.00")
    intent = site.act({first: "600.00", second: "300.00"}, amount="1000.00")

    assert (CREATED, (CREATED, CREATED, CREATED)) == site.write(intent)

    assert {first: "0.00", second: "100.00"} == site.balances()
    seen = site.seen(intent)
    assert seen.payment is not None
    applied = ((first, usd("600")), (second, usd("300")))
    assert (site.customer, usd("1000")) == (seen.payment.customer_id, seen.payment.amount)
    assert (applied, False) == (tuple(sorted(seen.payment.applications)), seen.payment.voided)
    status = {item.id: (item.balance, item.status) for item in seen.invoices}
    assert {first: (usd("0"), InvoiceStatus.PAID), second: (usd("100"), InvoiceStatus.OPEN)} == status
    ids = [one.external_id for one in (*intent.cancellations, intent.receipt)]
    assert dict.fromkeys(ids, site.born) == dict(seen.records)
    assert NOW == seen.requested_at


def test_the_records_of_an_act_say_what_was_cancelled_and_why(site: ErpSite) -> None:
    invoice = site.invoice()
    intent = site.act({invoice: "1000.00"})

    site.write(intent)

    (cancelled,), (receipt,) = site.people.kept("cancellation"), site.people.kept("receipt")
    assert (intent.cancellations[0].external_id, "a1", invoice) == (
        cancelled["external_id"],
        cancelled["act"],
        cancelled["invoice"],
    )
    assert (intent.receipt.external_id, "a1", "what was paid") == (
        receipt["external_id"],
        receipt["act"],
        receipt["text"],
    )
    assert {site.born} == {RecordState(one["state"]) for one in (cancelled, receipt)}


def test_the_same_act_again_exists(site: ErpSite) -> None:
    intent = site.act({site.invoice(): "1000.00"})
    (first,) = site.erp.write_acts([intent])

    (again,) = site.erp.write_acts([intent])

    assert (EXISTS, first.payment.erp_id) == (again.payment.outcome, again.payment.erp_id)
    assert [EXISTS, EXISTS] == [record.outcome for record in again.records]
    assert 1 == len(site.payments())


def test_what_is_not_applied_is_left_as_a_credit_of_that_payment(site: ErpSite) -> None:
    invoice = site.invoice("600.00")

    (answer,) = site.erp.write_acts([site.act({invoice: "600.00"}, amount="1000.00")])

    (credit,) = site.erp.read_open().credits
    assert (answer.payment.erp_id, usd("400"), site.customer) == (credit.id, credit.open_amount, credit.customer_id)
    assert EXISTS == site.write(site.act({invoice: "600.00"}, amount="1000.00"))[0]


def test_money_that_pays_nothing_yet_is_on_account(site: ErpSite) -> None:
    intent = site.act({}, amount="1000.00")

    (answer,) = site.erp.write_acts([intent])

    assert CREATED == answer.payment.outcome
    assert [(answer.payment.erp_id, usd("1000"))] == [(one.id, one.open_amount) for one in site.erp.read_open().credits]
    seen = site.seen(intent)
    assert seen.payment is not None
    assert (usd("1000"), ()) == (seen.payment.amount, seen.payment.applications)
    assert EXISTS == site.write(intent)[0]


def test_the_payment_is_dated_the_day_it_was_received_and_tells_its_source(site: ErpSite) -> None:
    on = date(2026, 11, 3)
    intent = with_payment(site.act({site.invoice(): "1000.00"}), received_on=on)

    assert CREATED == site.write(intent)[0]

    (payment,) = site.people.truth()["payments"]
    assert (on.isoformat(), intent.payment.external_id) == (payment["on"], payment["external_id"])
    assert "Stripe ch_a1" in payment["memo"]
    assert "ch_a1" in site.erp.find_payments(["ch_a1"])
    assert EXISTS == site.write(intent)[0]


def test_amounts_in_another_currency_go_there_and_back(site: ErpSite) -> None:
    invoice = site.invoice("120.50", "EUR")

    assert CREATED == site.write(site.act({invoice: "120.50"}, currency="EUR"))[0]
    assert () == site.erp.read_open().invoices


def test_many_acts_are_answered_each_in_their_order(site: ErpSite) -> None:
    intents = [site.act({site.invoice("10.00"): "10.00"}, act_id=f"m{number}") for number in range(20)]
    paid = intents[3].payment.applications[0].invoice_id
    site.people.pay_by_hand(site.customer, "10.00", TODAY, [(paid, "10.00")])

    answers = site.erp.write_acts(intents)

    assert [intent.act_id for intent in intents] == [answer.act_id for answer in answers]
    assert [REFUSED if number == 3 else CREATED for number in range(20)] == [item.payment.outcome for item in answers]
    assert 20 == len(site.payments())  # 19 of ours and the one by hand
    assert {"0.00"} == set(site.balances().values())


def test_nothing_to_write_or_read_asks_nothing(site: ErpSite) -> None:
    assert () == site.erp.read_acts([])
    assert () == site.erp.write_acts([])
    assert () == site.erp.write_records([])
    assert () == site.erp.write_marks([], [])
    assert () == site.erp.write_exceptions([])


# ---- disputed lines ----


@pytest.mark.parametrize("shared", [True, False])
def test_the_undisputed_lines_are_paid_and_the_disputed_one_stays_open(site: ErpSite, shared: bool) -> None:
    """M41: whether or not the payer's cash was said line by line."""
    amounts = ("500.00", "300.00", "200.00")
    invoice = site.invoice(lines=[{"description": f"Line {amount}", "amount": amount} for amount in amounts])
    site.people.dispute_line(invoice, 2, "wrong count")
    shares = (LineShare("1", usd("500")), LineShare("3", usd("200"))) if shared else ()
    intent = with_payment(
        site.act({invoice: "700.00"}), applications=(PaymentApplication(invoice, usd("700"), shares),)
    )

    assert CREATED == site.write(intent)[0]

    found = site.read(invoice)
    assert (usd("300"), usd("300"), usd("0")) == (found.balance, found.disputed, found.askable)
    assert [False, True, False] == [line.disputed for line in found.lines]
    assert EXISTS == site.write(intent)[0]


# ---- there already, and different ----


def test_a_payment_of_another_amount_under_our_id_exists_different(site: ErpSite) -> None:
    first = site.act({site.invoice(): "1000.00"})
    site.write(first)

    answer = site.answer(with_payment(first, amount=usd("1500.00")))

    assert DIFFERENT == answer.payment.outcome
    assert "amount 1,000.00 USD instead of 1,500.00 USD" in answer.payment.message
    assert 1 == len(site.payments())


def test_a_payment_of_another_day_exists_different(site: ErpSite) -> None:
    first = site.act({site.invoice(): "1000.00"})
    site.write(first)

    answer = site.answer(with_payment(first, received_on=TODAY - timedelta(days=1)))

    assert DIFFERENT == answer.payment.outcome
    assert "dated 2026-11-23 instead of 2026-11-22" in answer.payment.message


def test_a_voided_payment_under_our_id_exists_different(site: ErpSite) -> None:
    intent = site.act({site.invoice(): "1000.00"})
    site.people.void_payment(site.answer(intent).payment.erp_id)

    again = site.answer(intent)

    assert DIFFERENT == again.payment.outcome
    assert "void" in again.payment.message or "revers" in again.payment.message.lower()
    seen = site.seen(intent)
    assert seen.payment is not None and seen.payment.voided


# ---- refused ----


@pytest.mark.parametrize(
    "why", ["closed period", "paid", "voided", "other currency", "too much", "other customer", "not there"]
)
def test_a_refused_payment_leaves_the_books_as_they_were(site: ErpSite, why: str) -> None:
    invoice = site.invoice()
    intent = site.act({invoice: "1000.00"})
    if why == "closed period":
        site.people.close_period("2026-11")
    elif why == "paid":
        site.people.pay_by_hand(site.customer, "1000.00", TODAY, [(invoice, "1000.00")])
    elif why == "voided":
        site.people.void(invoice)
    elif why == "other currency":
        intent = site.act({site.invoice("1000.00", "EUR"): "1000.00"})
    elif why == "too much":
        intent = site.act({invoice: "1000.01"})
    elif why == "other customer":
        intent = site.act({site.invoice(customer=site.other_customer()): "1000.00"})
    else:
        intent = site.act({"in_1": "1000.00"})
    before = site.balances(), site.payments()

    answer = site.answer(intent)

    assert REFUSED == answer.payment.outcome
    assert answer.payment.code and answer.payment.message
    assert before == (site.balances(), site.payments())
    if site.erp.is_atomic:
        assert [REFUSED, REFUSED] == [record.outcome for record in answer.records]
        assert NOTHING == site.kept()
    seen = site.seen(intent)
    assert seen.payment is None


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_record_that_is_refused(site: ErpSite, place: int) -> None:
    """Whole or not at all where the ERP can do that; else each record is answered by itself, and written again."""
    intent = site.act({site.invoice(): "1000.00"})
    site.refuse(intent, place)

    answer = site.answer(intent)

    outcomes = [answer.payment.outcome, *(one.outcome for one in answer.records)]
    if site.erp.is_atomic or place == 0:
        assert REFUSED == outcomes[0]
        assert ([], {"1000.00"}) == (site.payments(), set(site.balances().values()))
    if site.erp.is_atomic:
        assert ([REFUSED] * 3, NOTHING) == (outcomes, site.kept())
        assert (CREATED, (CREATED, CREATED)) == site.write(intent)
    elif place:
        assert [REFUSED if at == place else CREATED for at in range(3)] == outcomes
        (again,) = site.erp.write_records([intent])
        assert [CREATED if at == place else EXISTS for at in (1, 2)] == [one.outcome for one in again.records]
        assert 1 == len(site.payments())


def test_records_that_are_all_there_exist(site: ErpSite) -> None:
    intent = site.act({site.invoice(): "1000.00"})
    site.write(intent)

    (again,) = site.erp.write_records([intent])

    assert [EXISTS, EXISTS] == [one.outcome for one in again.records]
    assert 1 == len(site.payments())


# ---- lost, busy, locked out ----


def test_an_answer_that_was_not_read_is_unknown_and_the_retry_finds_the_payment(site: ErpSite) -> None:
    intent = site.act({site.invoice(): "1000.00"})
    site.upset(At.ACT, Trouble.LOST_AFTER)

    first, seen, second = site.write(intent), site.seen(intent), site.write(intent)

    assert (UNKNOWN, (UNKNOWN, UNKNOWN)) == first
    assert seen.payment is not None and len(seen.records) == 2
    assert (EXISTS, (EXISTS, EXISTS)) == second
    assert 1 == len(site.payments())


def test_a_write_that_may_not_have_arrived_is_unknown_and_the_read_back_finds_nothing(site: ErpSite) -> None:
    intent = site.act({site.invoice(): "1000.00"})
    site.upset(At.ACT, Trouble.LOST_BEFORE)

    first, seen = site.write(intent), site.seen(intent)

    assert (UNKNOWN, (UNKNOWN, UNKNOWN)) == first
    assert (None, ()) == (seen.payment, seen.records)
    assert (CREATED, (CREATED, CREATED)) == site.write(intent)


@pytest.mark.parametrize(("trouble", "raised"), [(Trouble.BUSY, Transient), (Trouble.LOGIN, Terminal)])
def test_what_was_surely_not_carried_out_is_raised_and_not_tried_again(
    site: ErpSite, trouble: Trouble, raised: type[Exception]
) -> None:
    intent = site.act({site.invoice(): "1000.00"})
    site.erp.read_totals()
    site.upset(At.ACT, trouble)

    with pytest.raises(raised):
        site.erp.write_acts([intent])

    assert ([], NOTHING) == (site.payments(), site.kept())
    assert CREATED == site.write(intent)[0]


def test_a_read_back_that_fails_is_raised(site: ErpSite) -> None:
    """A payment that could not be looked at is not taken for a missing one."""
    intent = site.act({site.invoice(): "1000.00"})
    site.write(intent)
    site.upset(At.READ_BACK, Trouble.BUSY, times=20)

    with pytest.raises(Transient):
        site.erp.read_acts([intent])


# ---- what people look at ----


def test_a_status_goes_with_its_act_where_the_act_is_one(site: ErpSite) -> None:
    invoice = site.invoice()
    status = ArStatus(f"arc-demo-st-{invoice}", invoice, "closed", "paid")

    (answer,) = site.erp.write_acts([site.act({invoice: "1000.00"})], [status])

    assert CREATED == answer.payment.outcome
    told, shown = [one.outcome for one in answer.statuses], [one["state"] for one in _shown(site, invoice)]
    assert (([CREATED], ["closed"]) if site.erp.is_atomic else ([], [])) == (told, shown)


def _shown(site: ErpSite, invoice: str) -> list[dict[str, str]]:
    """What people see of an invoice, if anything was ever written about it."""
    return [one for one in site.people.kept("status") if one["invoice"] == invoice and one["state"]]


def test_statuses_are_kept_current(site: ErpSite) -> None:
    invoice, other = site.invoice(), site.invoice()
    status = ArStatus(f"arc-demo-st-{invoice}", invoice, "reminding", "", "+7", date(2026, 11, 30))
    second = ArStatus(f"arc-demo-st-{other}", other, "held", "legal")

    first = site.erp.write_marks([], [status, second])
    before = _shown(site, invoice)
    later = site.erp.write_marks([], [replace(status, state="closed", next_step="", next_on=None)])
    back = site.erp.write_marks([], [status])

    assert [status.external_id, second.external_id] == [answer.external_id for answer in first]
    assert {CREATED} == {answer.outcome for answer in (*first, *later, *back)}
    assert [("reminding", "+7")] == [(one["state"], one["next_step"]) for one in before]
    assert [("reminding", "+7")] == [(one["state"], one["next_step"]) for one in _shown(site, invoice)]
    assert ["held"] == [one["state"] for one in _shown(site, other)]


def test_a_status_with_its_card_changes_nothing_that_is_read(site: ErpSite) -> None:
    invoice = site.invoice()
    before = site.read(invoice)
    card = 'Held: a usage hold of <revops> & "ops" until 2026-12-20.\nNext: +7. ' + "Überfällig 未払い. " * 400

    site.erp.write_marks([], [ArStatus("st", invoice, "held", "hold", "+7", TODAY, "revops", "enterprise", card)])

    assert before == site.read(invoice)


def test_marks_set_the_state_of_records(site: ErpSite) -> None:
    intent = site.act({site.invoice(): "1000.00"})
    site.write(intent)
    ids = [intent.cancellations[0].external_id, intent.receipt.external_id]

    answers = site.erp.write_marks(
        [Mark(ids[0], RecordState.CLOSED), Mark(ids[1], RecordState.WITHDRAWN, "refused")], []
    )

    assert [(id, CREATED) for id in ids] == [(answer.external_id, answer.outcome) for answer in answers]
    assert {ids[0]: RecordState.CLOSED, ids[1]: RecordState.WITHDRAWN} == dict(site.seen(intent).records)


def test_an_exception_comes_with_its_deadline_and_what_came_of_it(site: ErpSite) -> None:
    until = date(2026, 12, 20)
    opened = ExceptionRecord(
        "arc-demo-exc-1", "dispute_opened", "wrong count", usd("400"), "ar", TODAY, None, "", site.invoice(), until
    )

    first = site.erp.write_exceptions([opened])
    (before,) = site.people.kept("exception")
    second = site.erp.write_exceptions([replace(opened, closed_on=TODAY, outcome="rejected by billing")])
    (after,) = site.people.kept("exception")

    assert [CREATED, CREATED] == [answer.outcome for answer in (*first, *second)]
    assert ("arc-demo-exc-1", "dispute_opened", "2026-12-20", "") == (
        before["external_id"],
        before["kind"],
        before["deadline"][:10],
        before["outcome"],
    )
    assert ("2026-12-20", "rejected by billing") == (after["deadline"][:10], after["outcome"])


@pytest.mark.parametrize("trouble", [Trouble.LOST_BEFORE, Trouble.LOST_AFTER])
def test_a_status_whose_answer_was_lost_is_unknown_and_can_be_set_again(site: ErpSite, trouble: Trouble) -> None:
    invoice = site.invoice()
    status = ArStatus(f"arc-demo-st-{invoice}", invoice, "held", "legal")
    site.upset(At.STATUS, trouble)

    (first,), (second,) = site.erp.write_marks([], [status]), site.erp.write_marks([], [status])

    assert (UNKNOWN, CREATED) == (first.outcome, second.outcome)
    assert ["held"] == [one["state"] for one in _shown(site, invoice)]


@pytest.mark.parametrize("trouble", [Trouble.LOST_BEFORE, Trouble.LOST_AFTER])
def test_an_exception_whose_answer_was_lost_is_unknown_and_there_once(site: ErpSite, trouble: Trouble) -> None:
    record = ExceptionRecord("arc-demo-exc-1", "ambiguous", "two invoices fit", usd("400"), "ar", TODAY)
    site.upset(At.EXCEPTION, trouble)

    (first,), (second,) = site.erp.write_exceptions([record]), site.erp.write_exceptions([record])

    assert UNKNOWN == first.outcome
    assert second.outcome in (CREATED, EXISTS)
    assert ["arc-demo-exc-1"] == [one["external_id"] for one in site.people.kept("exception")]


def test_the_installation_record_is_read_as_it_was_written(site: ErpSite) -> None:
    assert site.erp.read_installation() is None

    for epoch in (3, 4, 3):
        answer = site.erp.write_installation(Installation("demo", epoch, NOW))

        assert ("arc-installation", CREATED) == (answer.external_id, answer.outcome)
        assert Installation("demo", epoch, NOW) == site.erp.read_installation()


def test_an_erp_in_order_has_nothing_that_blocks(site: ErpSite) -> None:
    site.settled()

    assert [] == [finding.what for finding in site.erp.check() if finding.blocking and not finding.ok]
    assert () == site.erp.other_senders()


def test_what_is_counted_is_told_once(site: ErpSite) -> None:
    site.write(site.act({site.invoice(): "1000.00"}))

    first, second = site.erp.take_counted(), site.erp.take_counted()

    assert (0, 0) == (second.reads, second.writes)
    assert bool(site.erp.counted_max) == bool(first.reads and first.writes)
