"""Which ERP writes follow?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from decision_cases import PAID_ON, decide, invoice, payment, usd

from connector.decisions import posting
from connector.decisions.posting import PostingError
from connector.receivables import Cancellation, CloseIntent, Payment, PaymentApplication

AT = datetime(2026, 10, 5, 9, 30, tzinfo=UTC)
FIVE = invoice("INV-1", "400.00")
HELD = invoice("INV-2", "100.00", hold_reason="usage is being counted")
PAID = payment("500.00", numbers=["INV-1", "INV-2"], id="ch_3Abc")
NUMBERS = {"1": "INV-1", "2": "INV-2"}


def intent(paid: Payment = PAID, cancelled: dict[str, tuple[str, ...]] | None = None, **more: object) -> CloseIntent:
    match = decide(paid, FIVE, HELD)
    values = {"installation": "k7", "generation": 1, "act_id": "a1", "at": AT, "invoice_numbers": NUMBERS}
    return posting.decide(paid, match, cancelled or {}, **(values | more))


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
