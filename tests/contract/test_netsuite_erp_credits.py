"""Credits beside a payment, discounts, money on our own bank account, and what a payment had left, in the sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from connector.adapters.netsuite.settings import EarlyDiscount
from connector.errors import Transient
from connector.ports import Outcome
from connector.receivables import CloseIntent, CreditKind, CreditUse, PaymentApplication, RecordState
from sandbox.faults import Kind
from tests.contract.netsuite_site import NOW, TODAY, Site, served, usd

CREATED, EXISTS, DIFFERENT = Outcome.CREATED, Outcome.EXISTS, Outcome.EXISTS_DIFFERENT
REFUSED, UNKNOWN = Outcome.REFUSED, Outcome.UNKNOWN
ISSUED = date(2026, 11, 16)


@pytest.fixture
def site(wsdl_dir: Path | None) -> Iterator[Site]:
    with served(wsdl_dir) as made:
        yield made


def with_payment(intent: CloseIntent, **changes: object) -> CloseIntent:
    return replace(intent, payment=replace(intent.payment, **changes))  # type: ignore[arg-type]


def netted(site: Site, parts: dict[str, str], credits: dict[str, str], cash: str, act_id: str = "a1") -> CloseIntent:
    """An act that pays these invoices with this much cash and these parts of credit memos."""
    used = tuple(CreditUse(credit_id, usd(amount)) for credit_id, amount in credits.items())
    return with_payment(site.act(parts, amount=cash, act_id=act_id), credits=used)


def balances(site: Site) -> dict[str, str]:
    """What each invoice owes and each memo has left, by id."""
    truth = site.netsuite.truth()
    assert [] == truth["violations"]
    return {one["id"]: one["balance"] for one in truth["invoices"]} | {
        one["id"]: one["unapplied"] for one in truth["credits"]
    }


# ---- Payments with credits ----


def test_a_payment_that_exists_without_our_credits_is_different(site: Site) -> None:
    invoice, memo = site.invoice("1000.00"), site.netsuite.add_credit_memo(site.customer, "CM-1", TODAY, "200.00")
    site.write(site.act({invoice: "800.00"}))

    (answer,) = site.erp.write_acts([netted(site, {invoice: "1000.00"}, {memo: "200.00"}, "800.00")])

    assert DIFFERENT == answer.payment.outcome
    wanted = f"1,000.00 USD to {invoice}, 200.00 USD used of credit {memo}"
    assert f"applied as 800.00 USD to {invoice} instead of {wanted}" == answer.payment.message


def test_a_credit_id_that_cannot_be_netsuites_is_refused_before_anything_is_sent(site: Site) -> None:
    (answer,) = site.erp.write_acts([netted(site, {site.invoice(): "1000.00"}, {"cn_1": "200.00"}, "800.00")])

    assert (REFUSED, "NOT_SENT") == (answer.payment.outcome, answer.payment.code)
    assert "'cn_1' is no internal id of NetSuite" in answer.payment.message


# ---- Our own bank account ----


def test_a_wire_to_an_account_of_another_subsidiary_is_netsuites_to_refuse(site: Site) -> None:
    """Where the processor's money is settled says nothing about a wire."""
    second = site.netsuite.add_subsidiary("Second", "EUR")
    theirs = site.netsuite.add_account("1031", "Second Checking", "Bank", "USD", second)
    erp, intent = site.settled(subsidiary=second), site.act({site.invoice(): "1000.00"})
    here = with_payment(intent, deposit_account=site.netsuite.accounts["bank"], subsidiary="1")

    (answer,) = erp.write_acts([with_payment(here, deposit_account=theirs)])

    assert (REFUSED, "INVALID_KEY_OR_REF") == (answer.payment.outcome, answer.payment.code)
    assert CREATED == erp.write_acts([here])[0].payment.outcome


# ---- Early discounts ----


def discounted(site: Site, amount: str = "1000.00") -> str:
    terms = site.netsuite.add_term("2% 10, Net 30", 30, "2", 10)
    return site.invoice(amount, issued_on=ISSUED, due_on=ISSUED + timedelta(days=30), terms_id=terms)


def test_no_discount_is_read_where_the_mapping_names_none(site: Site) -> None:
    invoice = discounted(site)
    erp = site.with_mapping(early_discount=EarlyDiscount(amount="", until=""))

    (by_query,) = erp.read_open().invoices
    (by_list,) = erp.read_acts([site.act({invoice: "1.00"})])[0].invoices
    assert (None, None) == (by_query.discount, by_list.discount)


def test_a_payment_within_the_terms_closes_the_invoice_with_its_discount(site: Site) -> None:
    invoice = discounted(site)
    application = PaymentApplication(invoice, usd("980"), discount=usd("20"))
    intent = with_payment(site.act({invoice: "980.00"}), applications=(application,))

    assert CREATED == site.write(intent)[0]

    assert {invoice: "0.00"} == balances(site)
    (seen,) = site.erp.read_acts([intent])
    assert seen.payment is not None
    assert (usd("980"), ((invoice, usd("980")),)) == (seen.payment.amount, seen.payment.applications)
    assert ((invoice, usd("20")),) == seen.payment.discounts
    assert EXISTS == site.write(intent)[0]
    (without,) = site.erp.write_acts([site.act({invoice: "980.00"})])
    taken = f"applied as 980.00 USD to {invoice} (20.00 USD discount) instead of 980.00 USD to {invoice}"
    assert (DIFFERENT, taken) == (without.payment.outcome, without.payment.message)


# ---- Credits as they are read ----


def test_a_credit_memo_says_from_which_invoice_it_was_made_and_where_it_stands(site: Site) -> None:
    invoice = site.invoice("1000.00")
    made = site.netsuite.credit_invoice(invoice, date(2026, 11, 2), "150.00", memo="two seats too many")
    alone = site.netsuite.add_credit_memo(site.customer, "CM-9", TODAY, "30.00")

    credits = {one.id: one for one in site.erp.read_open().credits}

    receivable = site.netsuite.accounts["receivable"]
    memo = credits[made]
    assert (invoice, "1", receivable) == (memo.created_from, memo.subsidiary, memo.ar_account)
    assert ("CM-INV-1", "two seats too many", date(2026, 11, 2)) == (memo.number, memo.memo, memo.received_on)
    assert (CreditKind.CREDIT_MEMO, usd("150")) == (memo.kind, memo.open_amount)
    assert ("", "1", receivable) == (credits[alone].created_from, credits[alone].subsidiary, credits[alone].ar_account)
    assert memo == site.erp.read_credits([made]).credits[0]


def test_an_unapplied_payment_tells_all_that_it_can_be_recognised_by(site: Site) -> None:
    payment = site.netsuite.enter_payment(
        site.customer, "500.00", date(2026, 11, 3), memo="ref INV-1", check="1042", number="P-7", external_id="bank-9"
    )

    (credit,) = site.erp.read_open().credits

    assert (payment, "P-7", "1042", "bank-9") == (credit.id, credit.number, credit.reference, credit.external_id)
    assert ("ref INV-1", date(2026, 11, 3)) == (credit.memo, credit.received_on)
    assert (CreditKind.UNAPPLIED_PAYMENT, "1", site.netsuite.accounts["receivable"]) == (
        credit.kind,
        credit.subsidiary,
        credit.ar_account,
    )


def test_a_memo_that_a_payment_used_up_is_a_change_though_nothing_of_itself_was_saved(site: Site) -> None:
    """Using a memo need not touch its own modified date."""
    invoice = site.invoice("1000.00")
    memo, other = (site.netsuite.add_credit_memo(site.customer, f"CM-{n}", TODAY, "200.00") for n in (1, 2))
    site.clock.move_to(NOW + timedelta(hours=5))
    payment = site.netsuite.enter_payment(site.customer, "800.00", TODAY, {invoice: "1000.00"}, {memo: "200.00"})
    site.netsuite.change("transaction", int(memo), {"lastmodifieddate": "2026-11-23 08:00:00"})

    changed = {one.id: one.open_amount for one in site.erp.read_changed(NOW + timedelta(hours=4)).credits}

    assert {memo: usd("0"), payment: usd("0")} == changed
    assert other not in changed


# ---- Applying what a payment had left ----


def rest(site: Site, payment_id: str, left: str, parts: dict[str, str], act_id: str = "r1") -> CloseIntent:
    """An act that applies so much of a payment that is there, of which this was left when it was decided."""
    intent = site.act(parts, amount=left, act_id=act_id)
    return with_payment(intent, erp_id=payment_id, unapplied_before=usd(left))


def applied(site: Site, payment_id: str) -> dict[str, str]:
    (payment,) = [one for one in site.netsuite.truth()["payments"] if one["id"] == payment_id]
    return {one["invoice"]: one["amount"] for one in payment["applications"]}


def test_a_payment_that_a_person_entered_is_applied_where_it_is(site: Site) -> None:
    invoice, other = site.invoice("1000.00"), site.invoice("300.00")
    payment = site.netsuite.enter_payment(site.customer, "1500.00", TODAY, {other: "300.00"}, memo="thanks")
    intent = rest(site, payment, "1200.00", {invoice: "1000.00"})

    assert (CREATED, (CREATED, CREATED)) == site.write(intent)

    assert {other: "300.00", invoice: "1000.00"} == applied(site, payment)
    assert 1 == len(site.payments())
    assert {invoice: "0.00", other: "0.00"} == balances(site)
    (seen,) = site.erp.read_acts([intent])
    assert seen.payment is not None
    assert (payment, usd("1500")) == (seen.payment.erp_id, seen.payment.amount)
    assert {RecordState.INTENDED} == {state for _, state in seen.records}
    receipt = site.netsuite.truth()["records"]["customrecord_arc_receipt"][intent.receipt.external_id]
    assert payment == receipt["custrecord_arc_rec_payment"]
    assert 1 == site.netsuite.counts()["updateList"]
    assert 1 == site.netsuite.counts()["addList"]


def test_applying_again_what_is_applied_exists_and_sends_no_update(site: Site) -> None:
    invoice = site.invoice("1000.00")
    payment = site.netsuite.enter_payment(site.customer, "1000.00", TODAY)
    intent = rest(site, payment, "1000.00", {invoice: "1000.00"})
    site.write(intent)

    assert (EXISTS, (EXISTS, EXISTS)) == site.write(intent)
    assert 1 == site.netsuite.counts()["updateList"]


def test_the_rest_of_our_own_payment_is_applied_later(site: Site) -> None:
    first, second = site.invoice("600.00"), site.invoice("400.00")
    (posted,) = site.erp.write_acts([site.act({first: "600.00"}, amount="1000.00")])
    intent = rest(site, posted.payment.erp_id, "400.00", {second: "400.00"})

    assert (CREATED, (CREATED, CREATED)) == site.write(intent)
    assert [("arc-demo-pay-cha1-0", "1000.00", [(first, "600.00"), (second, "400.00")])] == site.payments()


def test_more_on_an_invoice_that_the_payment_paid_in_part_is_an_absolute_amount(site: Site) -> None:
    invoice = site.invoice("1000.00")
    payment = site.netsuite.enter_payment(site.customer, "500.00", TODAY, {invoice: "200.00"})
    intent = rest(site, payment, "300.00", {invoice: "300.00"})

    assert CREATED == site.write(intent)[0]

    assert {invoice: "500.00"} == applied(site, payment)
    assert {invoice: "500.00"} == balances(site)
    assert EXISTS == site.write(intent)[0]


def test_a_rest_can_take_credits_and_a_discount_with_it(site: Site) -> None:
    invoice, memo = discounted(site), site.netsuite.add_credit_memo(site.customer, "CM-1", TODAY, "100.00")
    payment = site.netsuite.enter_payment(site.customer, "880.00", TODAY)
    intent = rest(site, payment, "880.00", {invoice: "980.00"})
    application = PaymentApplication(invoice, usd("980"), discount=usd("20"))
    intent = with_payment(intent, applications=(application,), credits=(CreditUse(memo, usd("100")),))

    assert CREATED == site.write(intent)[0]
    assert {invoice: "0.00", memo: "0.00"} == balances(site)
    assert EXISTS == site.write(intent)[0]


def void(site: Site, payment: str, other: str) -> None:
    site.netsuite.void_payment(payment)


def use(site: Site, payment: str, other: str) -> None:
    site.netsuite.apply_payment(payment, {other: "50.00"})


def close(site: Site, payment: str, other: str) -> None:
    site.netsuite.close_period("2026-11", allow_non_gl_changes=True)


def lock(site: Site, payment: str, other: str) -> None:
    site.netsuite.lock_ar("2026-11")


@pytest.mark.parametrize(
    ("happens", "told"),
    [
        (void, "payment {} is voided"),
        (use, "payment {} has 950.00 USD unapplied, and had 1,000.00 USD when this was decided"),
        (close, "payment {} lies in period Nov 2026, which is closed or locked"),
        (lock, "payment {} lies in period Nov 2026, which is closed or locked"),
    ],
)
def test_a_payment_that_is_not_as_it_was_is_left_alone(
    site: Site, happens: Callable[[Site, str, str], None], told: str
) -> None:
    invoice, other = site.invoice("1000.00"), site.invoice("50.00")
    payment = site.netsuite.enter_payment(site.customer, "1000.00", TODAY)
    happens(site, payment, other)
    before = applied(site, payment)

    (answer,) = site.erp.write_acts([rest(site, payment, "1000.00", {invoice: "1000.00"})])

    assert (REFUSED, "NOT_SENT") == (answer.payment.outcome, answer.payment.code)
    assert f"{told.format(payment)}. Nothing of this act was sent." == answer.payment.message
    assert {"NOT_SENT"} == {record.code for record in answer.records}
    assert before == applied(site, payment)
    assert {} == {name: kept for name, kept in site.netsuite.truth()["records"].items() if kept}
    assert not site.netsuite.counts().keys() & {"updateList", "addList"}


def test_a_payment_of_another_customer_or_currency_is_left_alone(site: Site) -> None:
    invoice = site.invoice("1000.00")
    theirs = site.netsuite.add_customer("Harrow Optics", "ap@harrow.example", None)
    payment = site.netsuite.enter_payment(theirs, "1000.00", TODAY)
    euros = site.netsuite.enter_payment(site.customer, "1000.00", TODAY, currency="EUR")

    of_theirs, of_euros = site.erp.write_acts(
        [rest(site, id_, "1000.00", {invoice: "1000.00"}, act_id) for id_, act_id in ((payment, "r1"), (euros, "r2"))]
    )

    told = f"payment {payment} belongs to customer {theirs}, not {site.customer}. Nothing of this act was sent."
    assert (REFUSED, told) == (of_theirs.payment.outcome, of_theirs.payment.message)
    told = f"payment {euros} is in EUR. Nothing of this act was sent."
    assert (REFUSED, told) == (of_euros.payment.outcome, of_euros.payment.message)


def test_what_is_no_customer_payment_is_not_applied(site: Site) -> None:
    invoice = site.invoice("1000.00")

    (answer,) = site.erp.write_acts([rest(site, "999999", "1000.00", {invoice: "1000.00"})])

    assert REFUSED == answer.payment.outcome
    assert "NetSuite has no customer payment 999999" in answer.payment.message


def test_a_payment_that_is_not_understood_does_not_keep_others_from_being_applied(site: Site) -> None:
    paid, first, second = site.invoice("1.00"), site.invoice("10.00"), site.invoice("20.00")
    odd = site.netsuite.enter_payment(site.customer, "11.00", TODAY, {paid: "1.00"})
    good = site.netsuite.enter_payment(site.customer, "20.00", TODAY)
    site.netsuite.db.execute("UPDATE nexttransactionlinelink SET foreignamount = 10001 WHERE nextdoc = ?", (odd,))

    answers = site.erp.write_acts(
        [rest(site, odd, "10.00", {first: "10.00"}, "r1"), rest(site, good, "20.00", {second: "20.00"}, "r2")]
    )

    assert [REFUSED, CREATED] == [answer.payment.outcome for answer in answers]
    told = f"payment {odd} is not understood (amount: 1.0001 USD has more than 2 decimals)"
    assert f"{told}. Nothing of this act was sent." == answers[0].payment.message


def test_an_act_that_does_not_say_what_was_left_is_not_sent(site: Site) -> None:
    intent = with_payment(rest(site, "7", "1.00", {site.invoice(): "1.00"}), unapplied_before=None)

    (answer,) = site.erp.write_acts([intent])

    assert (REFUSED, "NOT_SENT") == (answer.payment.outcome, answer.payment.code)
    assert "nothing says what payment 7 had left" in answer.payment.message


@pytest.mark.parametrize("kind", ["timeout_after", "cut_after", "unreadable_after", "drop_after"])
def test_an_update_whose_answer_was_not_read_is_found_by_the_read_back(site: Site, kind: Kind) -> None:
    invoice = site.invoice("1000.00")
    payment = site.netsuite.enter_payment(site.customer, "1000.00", TODAY)
    intent = rest(site, payment, "1000.00", {invoice: "1000.00"})
    site.impatient()
    site.fault(kind, "updateList", seconds=3)

    first = site.write(intent)
    (seen,) = site.erp.read_acts([intent])

    assert (UNKNOWN, (REFUSED, REFUSED)) == first  # the records go when the payment is known
    assert seen.payment is not None
    assert ((), ((invoice, usd("1000")),)) == (seen.records, seen.payment.applications)
    assert (EXISTS, (CREATED, CREATED)) == site.write(intent)
    assert 1 == site.netsuite.counts()["updateList"]


@pytest.mark.parametrize("kind", ["timeout_before", "drop_before", "maintenance", "server_error"])
def test_an_update_that_may_not_have_arrived_is_not_found_and_tried_again(site: Site, kind: Kind) -> None:
    invoice = site.invoice("1000.00")
    payment = site.netsuite.enter_payment(site.customer, "1000.00", TODAY)
    intent = rest(site, payment, "1000.00", {invoice: "1000.00"})
    site.impatient()
    site.fault(kind, "updateList", seconds=3)

    assert UNKNOWN == site.write(intent)[0]
    assert site.erp.read_acts([intent])[0].payment is None
    assert (CREATED, (CREATED, CREATED)) == site.write(intent)


def test_a_payment_that_was_voided_after_it_was_applied_is_told(site: Site) -> None:
    invoice = site.invoice("1000.00")
    payment = site.netsuite.enter_payment(site.customer, "1000.00", TODAY)
    intent = rest(site, payment, "1000.00", {invoice: "1000.00"})
    site.write(intent)
    site.netsuite.void_payment(payment)

    (seen,) = site.erp.read_acts([intent])

    assert seen.payment is not None
    assert seen.payment.voided


@pytest.mark.parametrize(("ours", "outcome"), [("1000.00", REFUSED), ("900.00", CREATED)])
def test_somebody_who_saves_between_our_look_and_our_update_is_not_overwritten(
    site: Site, ours: str, outcome: Outcome
) -> None:
    """Together they may be more than the payment has: then NetSuite refuses ours."""
    invoice, other = site.invoice("1000.00"), site.invoice("50.00")
    payment = site.netsuite.enter_payment(site.customer, "1000.00", TODAY)
    site.netsuite.meanwhile("updateList", lambda: use(site, payment, other))

    (answer,) = site.erp.write_acts([rest(site, payment, "1000.00", {invoice: ours})])

    theirs, mine = {other: "50.00"}, {invoice: ours} if outcome is CREATED else {}
    assert (outcome, theirs | mine) == (answer.payment.outcome, applied(site, payment))


def test_two_acts_on_one_payment_are_not_carried_out_in_one_request(site: Site) -> None:
    first, second = site.invoice("10.00"), site.invoice("20.00")
    payment = site.netsuite.enter_payment(site.customer, "30.00", TODAY)
    intents = [rest(site, payment, "30.00", {first: "10.00"}), rest(site, payment, "30.00", {second: "20.00"}, "r2")]

    answers = site.erp.write_acts(intents)

    assert [CREATED, REFUSED] == [answer.payment.outcome for answer in answers]
    assert "is applied by another act of the same request" in answers[1].payment.message
    assert {first: "10.00"} == applied(site, payment)


def test_a_look_that_fails_before_anything_is_sent_raises(site: Site) -> None:
    invoice = site.invoice("1000.00")
    payment = site.netsuite.enter_payment(site.customer, "1000.00", TODAY)
    site.fault("server_error", "getList", times=3)

    with pytest.raises(Transient):
        site.erp.write_acts([rest(site, payment, "1000.00", {invoice: "1000.00"})])

    assert {} == applied(site, payment)


def test_a_look_that_fails_after_payments_were_created_keeps_their_answers(site: Site) -> None:
    new, invoice = site.invoice("10.00"), site.invoice("1000.00")
    payment = site.netsuite.enter_payment(site.customer, "1000.00", TODAY)
    site.fault("server_error", "getList", times=3)

    made, looked = site.erp.write_acts(
        [site.act({new: "10.00"}), rest(site, payment, "1000.00", {invoice: "1000.00"}, "r1")]
    )

    assert (CREATED, UNKNOWN) == (made.payment.outcome, looked.payment.outcome)
    assert site.erp.read_acts([rest(site, payment, "1000.00", {invoice: "1000.00"}, "r1")])[0].payment is None


def test_a_role_that_may_not_edit_payments_is_told_which_permission_it_lacks(site: Site) -> None:
    invoice = site.invoice("1000.00")
    payment = site.netsuite.enter_payment(site.customer, "1000.00", TODAY)
    site.netsuite.grant("TRAN_CUSTPYMT", "create")

    (answer,) = site.erp.write_acts([rest(site, payment, "1000.00", {invoice: "1000.00"})])

    assert (REFUSED, "INSUFFICIENT_PERMISSION") == (answer.payment.outcome, answer.payment.code)


def test_the_records_of_an_application_can_be_written_again_alone(site: Site) -> None:
    invoice = site.invoice("1000.00")
    payment = site.netsuite.enter_payment(site.customer, "1000.00", TODAY)
    intent = rest(site, payment, "1000.00", {invoice: "1000.00"})
    site.fault("record_refused", "addList", record=1, code="USER_ERROR")

    assert (CREATED, (CREATED, REFUSED)) == site.write(intent)
    (again,) = site.erp.write_records([intent])
    assert [EXISTS, CREATED] == [record.outcome for record in again.records]


# ---- How people applied payments ----

FIRST, LAST = date(2026, 10, 1), date(2026, 10, 31)


def old(site: Site, amount: str, issued_on: date = date(2026, 9, 20), terms: str = "") -> str:
    due_on = issued_on + timedelta(days=30)
    return site.invoice(amount, issued_on=issued_on, due_on=due_on, terms_id=terms or site.terms)


def test_history_tells_what_settled_an_invoice_beside_the_payments(site: Site) -> None:
    earlier, credited, written = (old(site, amount) for amount in ("100.00", "200.00", "300.00"))
    site.netsuite.past_payment(site.customer, "40.00", date(2026, 9, 25), {earlier: "40.00"})
    site.netsuite.credit_invoice(credited, date(2026, 10, 5), "200.00", apply=True)
    site.netsuite.write_off(written, date(2026, 10, 7), "300.00", by="journal")

    history = site.erp.read_history(FIRST, LAST)

    assert [
        (earlier, usd("40"), date(2026, 9, 25)),
        (credited, usd("200"), date(2026, 10, 5)),
        (written, usd("300"), date(2026, 10, 7)),
    ] == list(history.settled_otherwise)
    assert ((), ()) == (history.payments, history.credits)


def test_history_tells_which_credits_and_discounts_came_with_a_payment(site: Site) -> None:
    terms = site.netsuite.add_term("2% 10, Net 30", 30, "2", 10)
    netted_one = old(site, "500.00")
    discounted_one = old(site, "1000.00", date(2026, 10, 2), terms)
    memo = site.netsuite.add_credit_memo(site.customer, "CM-1", date(2026, 10, 1), "80.00")
    free = site.netsuite.add_credit_memo(site.customer, "CM-2", date(2026, 10, 1), "5.00")
    with_credit = site.netsuite.past_payment(
        site.customer, "420.00", date(2026, 10, 6), {netted_one: "500.00"}, {memo: "80.00"}
    )
    with_discount = site.netsuite.past_payment(
        site.customer, "980.00", date(2026, 10, 9), {discounted_one: {"amount": "980.00", "discount": "20.00"}}
    )

    history = site.erp.read_history(FIRST, LAST)

    payments = {one.erp_id: one for one in history.payments}
    assert ((netted_one, usd("500"), date(2026, 10, 6)),) == payments[with_credit].applied
    assert ((memo, usd("80")),) == payments[with_credit].credits
    assert ((discounted_one, usd("980"), date(2026, 10, 9)),) == payments[with_discount].applied
    assert ((discounted_one, usd("20"), date(2026, 10, 9)),) == history.settled_otherwise
    assert {memo: usd("80"), free: usd("5")} == {one.id: one.open_amount for one in history.credits}


def test_a_memo_that_was_applied_by_itself_is_no_part_of_a_payment(site: Site) -> None:
    invoice = old(site, "500.00")
    memo = site.netsuite.add_credit_memo(site.customer, "CM-1", date(2026, 10, 1), "80.00")
    site.netsuite.apply_credit(memo, {invoice: "80.00"})
    site.netsuite.past_payment(site.customer, "420.00", date(2026, 10, 6), {invoice: "420.00"})

    history = site.erp.read_history(FIRST, LAST)

    assert [()] == [one.credits for one in history.payments]
    assert [((invoice, usd("420"), date(2026, 10, 6)),)] == [one.applied for one in history.payments]
    assert ((invoice, usd("80"), date(2026, 10, 1)),) == history.settled_otherwise
    assert () == history.credits


def test_money_that_was_there_before_its_invoice_counts_from_the_invoices_day(site: Site) -> None:
    invoice = old(site, "100.00", date(2026, 10, 20))
    site.netsuite.past_payment(site.customer, "100.00", date(2026, 10, 5), {invoice: "100.00"})

    (payment,) = site.erp.read_history(FIRST, LAST).payments

    assert ((invoice, usd("100"), date(2026, 10, 20)),) == payment.applied


def test_what_is_not_understood_is_parked_with_the_payment_that_paid_it(site: Site) -> None:
    odd, good = (
        old(
            site,
            "100.00",
        ),
        old(site, "200.00"),
    )
    bad = site.netsuite.past_payment(site.customer, "100.00", date(2026, 10, 6), {odd: "100.00"})
    fine = site.netsuite.past_payment(site.customer, "200.00", date(2026, 10, 6), {good: "200.00"})
    site.netsuite.change("transaction", int(odd), {"duedate": None})

    history = site.erp.read_history(FIRST, LAST)

    assert [fine] == [payment.erp_id for payment in history.payments]
    assert {(odd, "duedate"), (bad, "applyList")} == {(one.record, one.field) for one in history.parked}
    assert [good] == [invoice.id for invoice in history.invoices]


def test_a_payment_that_is_not_understood_is_parked_and_what_it_settled_still_counts(site: Site) -> None:
    first, second = old(site, "100.00"), old(site, "200.00")
    nobodys = site.netsuite.past_payment(site.customer, "100.00", date(2026, 10, 6), {first: "100.00"})
    fine = site.netsuite.past_payment(site.customer, "200.00", date(2026, 10, 7), {second: "200.00"})
    site.netsuite.change("transaction", int(nobodys), {"entity": None})

    history = site.erp.read_history(FIRST, LAST)

    assert [fine] == [payment.erp_id for payment in history.payments]
    assert [(nobodys, "entity")] == [(one.record, one.field) for one in history.parked]
    assert ((first, usd("100"), date(2026, 10, 6)),) == history.settled_otherwise


def test_a_past_payment_whose_record_is_not_understood_is_parked(site: Site) -> None:
    """Half a cent of discount: only the record shows it, which is asked for since more was settled than was paid."""
    invoice = old(site, "1000.00")
    site.netsuite.change(
        "transaction", int(invoice), {"discountdate": "2026-10-31 00:00:00", "discountamount": 200_000}
    )
    lines = {invoice: {"amount": "980.00", "discount": "20.00"}}
    odd = site.netsuite.past_payment(site.customer, "980.00", date(2026, 10, 6), lines)
    site.netsuite.db.execute("UPDATE nexttransactionlinelink SET _discount = 200050 WHERE _discount = 200000")

    history = site.erp.read_history(FIRST, LAST)

    assert () == history.payments
    assert [(odd, "amount", site.customer)] == [(one.record, one.field, one.customer_id) for one in history.parked]
    assert ((invoice, usd("1000"), date(2026, 10, 6)),) == history.settled_otherwise


def test_a_long_history_comes_page_by_page(site: Site) -> None:
    invoices = [old(site, "10.00") for _ in range(12)]
    for invoice in invoices:
        site.netsuite.past_payment(site.customer, "10.00", date(2026, 10, 6), {invoice: "10.00"})
    site.settings = replace(site.settings, page_rows=5)

    history = site.with_mapping().read_history(FIRST, LAST)

    assert invoices == [invoice.id for invoice in history.invoices]
    assert sorted(invoices) == sorted(part[0] for payment in history.payments for part in payment.applied)
