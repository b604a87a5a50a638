"""The port `Erp`, whichever ERP it is: credits and discounts beside a payment, and what a payment had left."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connector.errors import Transient
from connector.ports import Outcome
from connector.receivables import CreditUse, PaymentApplication
from tests.contract.erp_site import TODAY, ErpSite, usd, with_payment
from tests.fakes.ledger_erp import At, Trouble

CREATED, EXISTS, DIFFERENT = Outcome.CREATED, Outcome.EXISTS, Outcome.EXISTS_DIFFERENT
REFUSED, UNKNOWN = Outcome.REFUSED, Outcome.UNKNOWN
ISSUED = date(2026, 11, 16)

# ---- credits and discounts beside a payment ----


def test_a_payment_and_a_credit_memo_close_an_invoice_together(site: ErpSite) -> None:
    invoice, memo = site.invoice("1000.00"), site.memo("200.00")
    intent = site.netted({invoice: "1000.00"}, {memo: "200.00"}, "800.00")

    assert (CREATED, (CREATED, CREATED)) == site.write(intent)

    assert {invoice: "0.00", memo: "0.00"} == site.balances()
    (payment,) = site.people.truth()["payments"]
    assert "800.00" == payment["amount"]  # the payment stays what was received
    seen = site.seen(intent)
    assert seen.payment is not None
    assert (usd("800"), ((invoice, usd("1000")),)) == (seen.payment.amount, seen.payment.applications)
    assert ((memo, usd("200")),) == seen.payment.credits
    assert (EXISTS, (EXISTS, EXISTS)) == site.write(intent)


def test_part_of_several_memos_is_used_over_several_invoices(site: ErpSite) -> None:
    first, second = site.invoice("600.00"), site.invoice("400.00")
    memos = [site.memo("150.00", f"CM-{number}") for number in (1, 2)]
    parts, credits = {first: "600.00", second: "250.00"}, {memos[0]: "150.00", memos[1]: "50.00"}
    intent = site.netted(parts, credits, "700.00")

    assert CREATED == site.write(intent)[0]

    assert {first: "0.00", second: "150.00", memos[0]: "0.00", memos[1]: "100.00"} == site.balances()
    seen = site.seen(intent)
    assert seen.payment is not None
    # 850 applied less 200 of credits: 650 of 700 in cash.
    assert usd("650") == intent.payment.cash_applied
    assert parts == {id_: amount.plain() for id_, amount in seen.payment.applications}
    assert credits == {id_: amount.plain() for id_, amount in seen.payment.credits}
    assert EXISTS == site.write(intent)[0]


def test_credits_alone_close_an_invoice(site: ErpSite) -> None:
    invoice, memo = site.invoice("200.00"), site.memo("200.00")
    payment = site.people.enter_payment(site.customer, "50.00", TODAY)
    intent = with_payment(site.rest(payment, "50.00", {invoice: "200.00"}), credits=(CreditUse(memo, usd("200")),))

    assert CREATED == site.write(intent)[0]
    assert {invoice: "0.00", memo: "0.00"} == site.balances()
    assert [usd("50")] == [one.open_amount for one in site.erp.read_open().credits]


def test_a_payment_that_exists_without_our_credits_is_different(site: ErpSite) -> None:
    invoice, memo = site.invoice("1000.00"), site.memo("200.00")
    site.write(site.act({invoice: "800.00"}))

    answer = site.answer(site.netted({invoice: "1000.00"}, {memo: "200.00"}, "800.00"))

    assert DIFFERENT == answer.payment.outcome
    assert "800.00 USD" in answer.payment.message


@pytest.mark.parametrize("why", ["other customer", "other currency", "used up", "more than it has left", "not there"])
def test_a_credit_that_can_not_be_used_refuses_the_whole_payment(site: ErpSite, why: str) -> None:
    invoice, customer, amount = site.invoice("1000.00"), site.customer, "200.00"
    more: dict[str, Any] = {}
    if why == "other customer":
        customer = site.other_customer()
    elif why == "other currency":
        more = {"currency": "EUR"}
    elif why == "more than it has left":
        amount = "199.99"
    memo = "cn_1" if why == "not there" else site.memo(amount, customer=customer, **more)
    if why == "used up":
        site.people.apply_credit(memo, {site.invoice("200.00"): "200.00"})

    answer = site.answer(site.netted({invoice: "1000.00"}, {memo: "200.00"}, "800.00"))

    assert (REFUSED, True) == (answer.payment.outcome, bool(answer.payment.message))
    assert ([], "1000.00") == (site.payments(), site.balances()[invoice])


def discounted(site: ErpSite, amount: str = "1000.00") -> str:
    terms = site.people.add_term("2% 10, Net 30", 30, "2", 10)
    return site.invoice(amount, issued_on=ISSUED, due_on=ISSUED + timedelta(days=30), terms_id=terms)


def test_a_payment_within_the_terms_closes_the_invoice_with_its_discount(site: ErpSite) -> None:
    invoice = discounted(site)
    application = PaymentApplication(invoice, usd("980"), discount=usd("20"))
    intent = with_payment(site.act({invoice: "980.00"}), applications=(application,))

    assert CREATED == site.write(intent)[0]

    assert {invoice: "0.00"} == site.balances()
    seen = site.seen(intent)
    assert seen.payment is not None
    assert (usd("980"), ((invoice, usd("980")),)) == (seen.payment.amount, seen.payment.applications)
    assert ((invoice, usd("20")),) == seen.payment.discounts
    assert EXISTS == site.write(intent)[0]
    assert DIFFERENT == site.write(site.act({invoice: "980.00"}))[0]


def test_credit_cash_and_discount_settle_one_invoice(site: ErpSite) -> None:
    invoice, memo = discounted(site), site.memo("100.00")
    application = PaymentApplication(invoice, usd("980"), discount=usd("20"))
    intent = with_payment(site.netted({invoice: "980.00"}, {memo: "100.00"}, "880.00"), applications=(application,))

    assert CREATED == site.write(intent)[0]
    assert {invoice: "0.00", memo: "0.00"} == site.balances()
    assert EXISTS == site.write(intent)[0]


# ---- what a payment had left ----


def applied(site: ErpSite, invoice: str) -> str:
    return site.balances()[invoice]


def test_a_payment_that_a_person_entered_is_applied(site: ErpSite) -> None:
    invoice, other = site.invoice("1000.00"), site.invoice("300.00")
    payment = site.people.enter_payment(site.customer, "1500.00", TODAY, {other: "300.00"}, memo="thanks")
    intent = site.rest(payment, "1200.00", {invoice: "1000.00"})

    assert (CREATED, (CREATED, CREATED)) == site.write(intent)

    assert {invoice: "0.00", other: "0.00"} == site.balances()
    seen = site.seen(intent)
    assert seen.payment is not None
    assert (site.customer, usd("1000")) == (seen.payment.customer_id, dict(seen.payment.applications)[invoice])
    assert [(payment, usd("200"))] == [(one.id, one.open_amount) for one in site.erp.read_open().credits]


def test_money_on_account_is_applied(site: ErpSite) -> None:
    """Nothing of it was applied yet."""
    invoice = site.invoice("1000.00")
    posted = site.answer(site.act({}, amount="1000.00"))
    intent = site.rest(posted.payment.erp_id, "1000.00", {invoice: "1000.00"})

    assert CREATED == site.write(intent)[0]
    assert {invoice: "0.00"} == site.balances()
    assert () == site.erp.read_open().credits
    assert EXISTS == site.write(intent)[0]


def test_the_rest_of_our_own_payment_is_applied_later(site: ErpSite) -> None:
    first, second, third = site.invoice("600.00"), site.invoice("300.00"), site.invoice("100.00")
    posted = site.answer(site.act({first: "600.00"}, amount="1000.00")).payment.erp_id

    assert (CREATED, (CREATED, CREATED)) == site.write(site.rest(posted, "400.00", {second: "300.00"}))
    assert [(posted, usd("100"))] == [(one.id, one.open_amount) for one in site.erp.read_open().credits]
    assert CREATED == site.write(site.rest(posted, "100.00", {third: "100.00"}, "r2"))[0]

    assert {"0.00"} == set(site.balances().values())
    assert () == site.erp.read_open().credits
    assert Decimal(1000) == sum(Decimal(one["amount"]) for one in site.people.truth()["payments"])


def test_the_rest_of_our_own_payment_is_applied_under_that_payments_own_name(site: ErpSite) -> None:
    """The heart knows a payment by one external id, however often something of it is applied."""
    first, second, third = (site.invoice(amount) for amount in ("600.00", "300.00", "100.00"))
    intent = site.act({first: "600.00"}, amount="1000.00")
    posted = site.answer(intent).payment.erp_id
    same = intent.payment.external_id
    rests = [
        with_payment(site.rest(posted, "400.00", {second: "300.00"}, "r1"), external_id=same),
        with_payment(site.rest(posted, "100.00", {third: "100.00"}, "r2"), external_id=same),
    ]

    outcomes = [(site.seen(rest).payment, site.write(rest)[0], site.write(rest)[0]) for rest in rests]

    assert [(None, CREATED, EXISTS)] * 2 == outcomes
    assert {"0.00"} == set(site.balances().values())
    found = site.erp.find_payments(["ch_a1"])["ch_a1"]
    assert (posted, usd("1000")) == (found.erp_id, found.amount)


def test_applying_again_what_is_applied_exists(site: ErpSite) -> None:
    invoice = site.invoice("1000.00")
    payment = site.people.enter_payment(site.customer, "1000.00", TODAY)
    intent = site.rest(payment, "1000.00", {invoice: "1000.00"})
    site.write(intent)
    before = site.payments()

    assert (EXISTS, (EXISTS, EXISTS)) == site.write(intent)
    assert before == site.payments()


def test_more_goes_to_an_invoice_that_the_payment_paid_in_part(site: ErpSite) -> None:
    invoice = site.invoice("1000.00")
    payment = site.people.enter_payment(site.customer, "500.00", TODAY, {invoice: "200.00"})
    intent = site.rest(payment, "300.00", {invoice: "300.00"})

    assert CREATED == site.write(intent)[0]
    assert {invoice: "500.00"} == site.balances()
    assert EXISTS == site.write(intent)[0]


def test_a_rest_can_take_credits_with_it(site: ErpSite) -> None:
    invoice, memo = site.invoice("980.00"), site.memo("100.00")
    payment = site.people.enter_payment(site.customer, "880.00", TODAY)
    intent = with_payment(site.rest(payment, "880.00", {invoice: "980.00"}), credits=(CreditUse(memo, usd("100")),))

    assert CREATED == site.write(intent)[0]
    assert {invoice: "0.00", memo: "0.00"} == site.balances()
    assert EXISTS == site.write(intent)[0]


def void(site: ErpSite, payment: str, other: str) -> None:
    site.people.void_payment(payment)


def use(site: ErpSite, payment: str, other: str) -> None:
    site.people.apply_payment(payment, {other: "50.00"})


@pytest.mark.parametrize("happens", [void, use])
def test_a_payment_that_is_not_as_it_was_is_left_alone(
    site: ErpSite, happens: Callable[[ErpSite, str, str], None]
) -> None:
    invoice, other = site.invoice("1000.00"), site.invoice("50.00")
    payment = site.people.enter_payment(site.customer, "1000.00", TODAY)
    happens(site, payment, other)
    before = site.balances(), site.payments()

    answer = site.answer(site.rest(payment, "1000.00", {invoice: "1000.00"}))

    assert (REFUSED, True) == (answer.payment.outcome, bool(answer.payment.message))
    assert {REFUSED} == {record.outcome for record in answer.records}
    assert before == (site.balances(), site.payments())
    assert {"cancellation": [], "receipt": []} == site.kept()


def test_a_payment_of_another_customer_or_of_nobody_is_left_alone(site: ErpSite) -> None:
    invoice = site.invoice("1000.00")
    theirs = site.people.enter_payment(site.other_customer(), "1000.00", TODAY)

    answers = site.erp.write_acts(
        [
            site.rest(theirs, "1000.00", {invoice: "1000.00"}, "r1"),
            site.rest("999999", "1000.00", {invoice: "1000.00"}, "r2"),
            with_payment(site.rest(theirs, "1000.00", {invoice: "1000.00"}, "r3"), unapplied_before=None),
        ]
    )

    assert [REFUSED] * 3 == [answer.payment.outcome for answer in answers]
    assert all(answer.payment.message for answer in answers)
    assert "1000.00" == site.balances()[invoice]


def test_an_application_whose_answer_was_not_read_is_found_by_the_read_back(site: ErpSite) -> None:
    invoice = site.invoice("1000.00")
    payment = site.people.enter_payment(site.customer, "1000.00", TODAY)
    intent = site.rest(payment, "1000.00", {invoice: "1000.00"})
    site.upset(At.REST, Trouble.LOST_AFTER)

    first, seen = site.write(intent), site.seen(intent)

    assert UNKNOWN == first[0]
    assert seen.payment is not None
    assert usd("1000") == dict(seen.payment.applications)[invoice]
    again = site.write(intent)
    assert (EXISTS, {CREATED, EXISTS}) == (again[0], {CREATED, EXISTS} | set(again[1]))
    assert {invoice: "0.00"} == site.balances()


def test_an_application_that_may_not_have_arrived_is_tried_again(site: ErpSite) -> None:
    invoice = site.invoice("1000.00")
    payment = site.people.enter_payment(site.customer, "1000.00", TODAY)
    intent = site.rest(payment, "1000.00", {invoice: "1000.00"})
    site.upset(At.REST, Trouble.LOST_BEFORE)

    assert UNKNOWN == site.write(intent)[0]
    assert site.seen(intent).payment is None
    assert (CREATED, (CREATED, CREATED)) == site.write(intent)


def test_a_payment_that_was_used_for_something_else_meanwhile_is_not_the_acts_own(site: ErpSite) -> None:
    invoice, other = site.invoice("1000.00"), site.invoice("50.00")
    payment = site.people.enter_payment(site.customer, "1000.00", TODAY)
    intent = site.rest(payment, "1000.00", {invoice: "1000.00"})
    use(site, payment, other)

    assert site.seen(intent).payment is None


def test_two_acts_on_one_payment_never_apply_more_than_it_has(site: ErpSite) -> None:
    first, second = site.invoice("10.00"), site.invoice("20.00")
    payment = site.people.enter_payment(site.customer, "30.00", TODAY)
    intents = [
        site.rest(payment, "30.00", {first: "10.00"}),
        site.rest(payment, "30.00", {second: "20.00"}, "r2"),
    ]

    answers = site.erp.write_acts(intents)

    assert [CREATED, REFUSED] == [answer.payment.outcome for answer in answers]
    assert {first: "0.00", second: "20.00"} == site.balances()


def test_creations_and_applications_go_together_and_each_is_answered(site: ErpSite) -> None:
    new, later, stale = site.invoice("10.00"), site.invoice("20.00"), site.invoice("30.00")
    good, used = (site.people.enter_payment(site.customer, amount, TODAY) for amount in ("20.00", "30.00"))
    intents = [
        site.rest(used, "29.00", {stale: "29.00"}, "r1"),
        site.act({new: "10.00"}, act_id="a1"),
        site.rest(good, "20.00", {later: "20.00"}, "r2"),
    ]

    answers = site.erp.write_acts(intents)

    assert ["r1", "a1", "r2"] == [answer.act_id for answer in answers]
    assert [REFUSED, CREATED, CREATED] == [answer.payment.outcome for answer in answers]
    assert [{REFUSED}, {CREATED}, {CREATED}] == [{one.outcome for one in answer.records} for answer in answers]
    assert {new: "0.00", later: "0.00", stale: "30.00"} == site.balances()


def test_a_rest_that_meets_a_busy_erp_is_raised_and_nothing_is_applied(site: ErpSite) -> None:
    invoice = site.invoice("1000.00")
    payment = site.people.enter_payment(site.customer, "1000.00", TODAY)
    site.upset(At.REST, Trouble.BUSY)

    with pytest.raises(Transient):
        site.erp.write_acts([site.rest(payment, "1000.00", {invoice: "1000.00"})])

    assert {invoice: "1000.00"} == site.balances()
