"""Which ERP writes follow?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from decision_cases import PAID_ON, decide, invoice, payment, usd

from connector.decisions import posting
from connector.decisions.posting import Ledger, PostingError, PostingHold, PostingHoldReason, Rest
from connector.policy import ClosedPeriod
from connector.receivables import (
    Cancellation,
    CloseIntent,
    CreditUse,
    LineShare,
    Match,
    Payment,
    PaymentApplication,
    Rung,
)
from connector.settlement import Period

AT = datetime(2026, 10, 5, 9, 30, tzinfo=UTC)
FIVE = invoice("INV-1", "400.00")
HELD = invoice("INV-2", "100.00", hold_reason="usage is being counted")
PAID = payment("500.00", numbers=["INV-1", "INV-2"], id="ch_3Abc")
NUMBERS = {"1": "INV-1", "2": "INV-2"}


def intent(paid: Payment = PAID, cancelled: dict[str, tuple[str, ...]] | None = None, **more: object) -> CloseIntent:
    match = decide(paid, FIVE, HELD)
    values: dict[str, Any] = {
        "installation": "k7",
        "generation": 1,
        "act_id": "a1",
        "at": AT,
        "invoice_numbers": NUMBERS,
    }
    made = posting.decide(paid, match, cancelled or {}, **(values | more))
    assert isinstance(made, CloseIntent), made
    return made


def test_one_payment_is_posted_over_all_that_was_available():
    posted = intent().payment

    assert "arc-k7-pay-ch_3Abc-1" == posted.external_id
    assert ("C1", usd("500.00"), PAID_ON) == (posted.customer_id, posted.amount, posted.received_on)
    assert (PaymentApplication("1", usd("400.00")),) == posted.applications
    assert "ch_3Abc" in posted.memo


def test_each_invoice_with_pending_steps_gets_one_cancellation():
    cancellations = intent(cancelled={"2": (), "1": ("+7", "+14")}).cancellations

    assert (
        Cancellation("arc-k7-can-a1-1", "1", ("+7", "+14"), "400.00 USD of payment ch_3Abc was applied", AT),
    ) == cancellations


def test_the_receipt_tells_the_whole_act_to_a_person():
    receipt = intent(cancelled={"1": ("+7", "+14")}).receipt

    assert ("arc-k7-rec-a1", "arc-k7-pay-ch_3Abc-1") == (receipt.external_id, receipt.payment_external_id)
    assert [
        "Payment ch_3Abc of 500.00 USD, received on 2026-10-05",
        "Invoice INV-1: 400.00 USD applied",
        "Invoice INV-2: named, but on hold; its part stays unapplied",
        "Unapplied: 100.00 USD",
        "Matched by metadata: 400.00 + 100.00 = 500.00 USD, of which 100.00 USD stays unapplied for INV-2, on hold",
        "Reminders cancelled for invoice INV-1: +7, +14",
    ] == receipt.text.splitlines()


def test_money_given_back_before_is_not_posted():
    refunded = payment("500.00", numbers=["INV-1"], refunded=usd("100.00"))
    made = intent(refunded)

    assert usd("400.00") == made.payment.amount
    assert "Given back before: 100.00 USD" in made.receipt.text


def test_deciding_twice_gives_the_same_records_and_a_new_generation_gives_new_ids():
    assert intent() == intent()
    assert "arc-k7-pay-ch_3Abc-2" == intent(generation=2).payment.external_id


@pytest.mark.parametrize("odd", ["", "ch 1", "ch/1", "ch_1\n", "ch_\u0661", "../x"])
def test_an_id_with_other_characters_is_refused(odd):
    with pytest.raises(PostingError, match="Nothing was written"):
        intent(replace(PAID, id=odd))
    with pytest.raises(PostingError, match="Nothing was written"):
        intent(act_id=odd)
    with pytest.raises(PostingError, match="Nothing was written"):
        intent(installation=odd)


def test_the_match_of_another_payment_is_refused():
    with pytest.raises(PostingError, match="can't post"):
        posting.decide(
            replace(PAID, id="ch_other"),
            decide(PAID, FIVE, HELD),
            {},
            installation="k7",
            generation=1,
            act_id="a1",
            at=AT,
            invoice_numbers=NUMBERS,
        )


# ---- where and when the ERP takes it ----

OCTOBER = Period("Oct 2026", date(2026, 10, 1), date(2026, 10, 31), is_locked=True)
NOVEMBER = Period("Nov 2026", date(2026, 11, 1), date(2026, 11, 30), is_locked=False)
LOCKED = Ledger(periods=(OCTOBER, NOVEMBER))
MOVED = replace(LOCKED, closed_period=ClosedPeriod.FIRST_OPEN, today=date(2026, 11, 5))
BOTH = payment("500.00", numbers=["INV-1", "INV-2"], id="ch_3Abc")


def verdict(first: dict[str, Any], second: dict[str, Any], ledger: Ledger | None = None) -> CloseIntent | PostingHold:
    """500 over two invoices of 400 and 100, each with these facts."""
    invoices = (invoice("INV-1", "400.00", **first), invoice("INV-2", "100.00", **second))
    return posting.decide(
        BOTH,
        decide(BOTH, *invoices),
        {},
        installation="k7",
        generation=1,
        act_id="a1",
        at=AT,
        invoice_numbers=NUMBERS,
        invoices=invoices,
        ledger=ledger,
    )


@pytest.mark.parametrize(
    ("first", "second", "ledger", "reason"),
    [
        ({"subsidiary": "2"}, {"subsidiary": "2"}, Ledger("2"), None),
        ({"subsidiary": "2"}, {"subsidiary": "3"}, None, "several_subsidiaries"),
        ({"subsidiary": "3"}, {"subsidiary": "3"}, Ledger("2"), "other_subsidiary"),
        # What the ERP doesn't tell is not judged: an account without subsidiaries has none.
        ({}, {}, Ledger("2"), None),
        ({"subsidiary": "3"}, {"subsidiary": "3"}, None, None),
        ({"ar_account": "120"}, {"ar_account": "120"}, None, None),
        ({"ar_account": "120"}, {"ar_account": "121"}, None, "several_ar_accounts"),
        ({"customer_id": "C2"}, {}, None, None),
        ({"customer_id": "C2"}, {}, Ledger(takes_relatives=False), "relatives"),
        # All of one child: the payment is the child's own.
        ({"customer_id": "C2"}, {"customer_id": "C2"}, Ledger(takes_relatives=False), None),
        ({}, {}, LOCKED, "closed_period"),
        ({}, {}, replace(LOCKED, periods=(NOVEMBER,)), "closed_period"),
        ({}, {}, replace(MOVED, today=date(2026, 10, 31)), "closed_period"),
        ({}, {}, MOVED, None),
        # Two at once: the first.
        (
            {"subsidiary": "2", "ar_account": "120"},
            {"subsidiary": "3", "ar_account": "121"},
            LOCKED,
            "several_subsidiaries",
        ),
        (
            {"subsidiary": "2", "ar_account": "120"},
            {"subsidiary": "2", "ar_account": "121"},
            Ledger("3"),
            "other_subsidiary",
        ),
        ({"ar_account": "1", "customer_id": "C2"}, {"ar_account": "2"}, Ledger("", False), "several_ar_accounts"),
        ({"customer_id": "C2"}, {}, replace(LOCKED, takes_relatives=False), "relatives"),
    ],
)
def test_what_no_one_payment_can_pay_is_held(first, second, ledger, reason):
    """RULES 1.4, 1.6."""
    made = verdict(first, second, ledger)

    if reason is None:
        assert isinstance(made, CloseIntent)
    else:
        assert isinstance(made, PostingHold)
        assert PostingHoldReason(reason) is made.reason
        assert made.text.startswith("Payment ch_3Abc ")
        assert made.text.endswith(".")


def test_subsidiary_and_ar_account_are_the_invoices():
    made = verdict({"subsidiary": "2", "ar_account": "120"}, {"subsidiary": "2", "ar_account": "120"}, Ledger("2"))

    assert isinstance(made, CloseIntent)
    assert ("2", "120") == (made.payment.subsidiary, made.payment.ar_account)


def test_without_the_invoices_word_the_subsidiary_is_the_settlements():
    assert "2" == intent(ledger=Ledger("2")).payment.subsidiary


def test_the_processors_rate_goes_to_the_erp():
    """RULES 1.7."""
    assert "1.0842" == intent(replace(PAID, exchange_rate="1.0842")).payment.exchange_rate


def test_the_day_is_the_one_in_the_subsidiarys_zone():
    assert date(2026, 10, 6) == intent(received_on=date(2026, 10, 6)).payment.received_on


def test_what_is_posted_out_of_period_keeps_its_real_day_and_says_so():
    made = intent(ledger=MOVED)

    assert (date(2026, 11, 1), PAID_ON) == (made.payment.received_on, made.payment.really_received_on)
    assert "Payment ch_3Abc of 500.00 USD, received on 2026-10-05" in made.receipt.text
    assert "Posted out of period, on 2026-11-01" in made.receipt.text
    assert None is intent().payment.really_received_on


def test_an_open_period_leaves_the_day_alone():
    opened = replace(MOVED, periods=(replace(OCTOBER, is_locked=False), NOVEMBER))

    assert intent() == intent(ledger=opened)


# ---- credits, rests, discounts, fees, approvals ----

NETTED = Match(
    "ch_3Abc",
    Rung.PRINTED_CREDIT,
    (PaymentApplication("1", usd("400.00"), (LineShare("a", usd("300.00")), LineShare("b", usd("100.00")))),),
    usd("0.00"),
    (),
    "400.00 - 50.00 = 350.00 USD",
    "It names INV-1 and its memo.",
    (("1", usd("400.00")),),
    "C1",
    credits=(CreditUse("77", usd("50.00")),),
)


def posted(match: Match, paid: Payment, **more: Any) -> CloseIntent | PostingHold:
    values: dict[str, Any] = {
        "installation": "k7",
        "generation": 1,
        "act_id": "a1",
        "at": AT,
        "invoice_numbers": {**NUMBERS, "77": "CM-1"},
        "invoices": [FIVE],
    }
    return posting.decide(paid, match, {}, **(values | more))


def test_a_memo_used_beside_the_money_is_no_money():
    made = posted(NETTED, payment("350.00", id="ch_3Abc"))

    assert isinstance(made, CloseIntent)
    assert (usd("350.00"), usd("350.00")) == (made.payment.amount, made.payment.cash_applied)
    assert NETTED.credits == made.payment.credits
    assert "Credit CM-1: 50.00 USD used" in made.receipt.text


def test_the_split_by_line_stands_in_the_receipt_since_the_erp_may_know_only_the_invoice():
    made = posted(NETTED, payment("350.00", id="ch_3Abc"))

    assert isinstance(made, CloseIntent)
    assert "Invoice INV-1: 400.00 USD applied (line a: 300.00 USD, line b: 100.00 USD)" in made.receipt.text


def test_a_discount_settles_the_invoice_and_is_no_money():
    application = PaymentApplication("1", usd("392.00"), discount=usd("8.00"))
    match = replace(NETTED, applications=(application,), credits=())
    made = posted(match, payment("392.00", id="ch_3Abc"))

    assert isinstance(made, CloseIntent)
    assert (usd("392.00"), usd("400.00")) == (made.payment.amount, made.payment.applications[0].settles)
    assert "392.00 USD applied, 8.00 USD discount by its terms" in made.receipt.text


def test_of_a_payment_that_the_erp_has_already_only_applications_are_written():
    there = Rest("9001", "C1", usd("500.00"))
    match = replace(NETTED, credits=(), unapplied=usd("100.00"))
    made = posted(match, payment("500.00", id="ch_3Abc"), rest=there)

    assert isinstance(made, CloseIntent)
    assert ("9001", usd("500.00")) == (made.payment.erp_id, made.payment.unapplied_before)
    assert "Applied from payment 9001, which was in the ERP with 500.00 USD unapplied" in made.receipt.text


def test_the_rest_of_one_customers_payment_is_not_put_onto_anothers_invoice():
    there = Rest("9001", "C9", usd("400.00"))
    held = posted(replace(NETTED, credits=()), payment("400.00", id="ch_3Abc"), rest=there)

    assert isinstance(held, PostingHold)
    assert held.reason is PostingHoldReason.RELATIVES


def test_a_fee_that_nobody_stated_is_a_persons_to_book():
    match = replace(NETTED, credits=(), fee=usd("11.90"), rung=Rung.NET_OF_FEE)
    held = posted(match, payment("388.10", id="ch_3Abc"))

    assert isinstance(held, PostingHold)
    assert (PostingHoldReason.FEE_NOT_STATED, True) == (held.reason, "11.90 USD" in held.text)


def test_a_wire_goes_to_the_bank_account_that_it_reached_and_an_approval_names_its_approver():
    wire = replace(payment("350.00", id="ch_3Abc"), deposit_account="1020")
    made = posted(NETTED, wire, approved_by="ar-desk")

    assert isinstance(made, CloseIntent)
    assert "1020" == made.payment.deposit_account
    assert "Approved by ar-desk" in made.receipt.text
