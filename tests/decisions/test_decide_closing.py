"""Do ERP, cash and reminders agree?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from decision_cases import invoice, usd
from hypothesis import given
from hypothesis import strategies as st

from connector.decisions import closing
from connector.decisions.closing import ClosingOutcome
from connector.money import Money
from connector.receivables import (
    ActSeen,
    Cancellation,
    CloseIntent,
    CreditUse,
    OpenInvoice,
    PaymentApplication,
    PaymentSeen,
    PaymentToPost,
    Receipt,
    RecordState,
)

AT = datetime(2026, 10, 5, 9, 30, tzinfo=UTC)
PARTS = (PaymentApplication("1", usd("60.00")), PaymentApplication("2", usd("40.00")))
INTENT = CloseIntent(
    "a1",
    PaymentToPost("pay-1", "C1", usd("100.00"), date(2026, 10, 5), PARTS, "stripe ch_1"),
    (Cancellation("can-1", "1", ("+7",), "paid", AT),),
    Receipt("rec-1", "pay-1", "text"),
)
SEEN_PAYMENT = PaymentSeen("900", "C1", usd("100.00"), (("2", usd("40.00")), ("1", usd("60.00"))), voided=False)
RECORDS = (("can-1", RecordState.INTENDED), ("rec-1", RecordState.CLOSED))
INVOICES = (invoice("INV-1", "0.00"), invoice("INV-2", "5.00"))
SEEN = ActSeen("a1", AT, SEEN_PAYMENT, RECORDS, INVOICES)
LEFT = {"1": usd("0.00"), "2": usd("5.00")}


def paid(**change: object) -> ActSeen:
    return replace(SEEN, payment=replace(SEEN_PAYMENT, **change))


WITHDRAWN = (("can-1", RecordState.WITHDRAWN), ("rec-1", RecordState.CLOSED))


@pytest.mark.parametrize(
    ("seen", "outcome", "missing", "told"),
    [
        # seen                                            outcome             missing                        told
        (SEEN, "closed", (), ""),
        (replace(SEEN, payment=None), "payment_missing", ("pay-1",), ""),
        (replace(SEEN, payment=None, records=()), "payment_missing", ("pay-1", "can-1", "rec-1"), ""),
        (paid(voided=True), "payment_different", (), "voided"),
        (paid(customer_id="C2"), "payment_different", (), "belongs to customer C2"),
        (paid(amount=usd("99.00")), "payment_different", (), "99.00 USD, not 100.00 USD"),
        (paid(applications=(("1", usd("60.00")),)), "payment_different", (), "invoice 2 got nothing"),
        (paid(applications=(("1", usd("60.00")), ("2", usd("39.00")))), "payment_different", (), "39.00 USD"),
        (paid(applications=(*SEEN_PAYMENT.applications, ("3", usd("1.00")))), "payment_different", (), "invoice 3"),
        # Precedence: a different payment before lost records, these before a balance.
        (replace(paid(voided=True), records=()), "payment_different", ("can-1", "rec-1"), "voided"),
        (replace(SEEN, records=RECORDS[:1], invoices=()), "records_missing", ("rec-1",), "not returned"),
        (replace(SEEN, records=WITHDRAWN), "records_missing", ("can-1",), ""),
        (replace(SEEN, invoices=INVOICES[:1]), "balance_differs", (), "not returned"),
        (replace(SEEN, invoices=(INVOICES[0], invoice("INV-2", "4.00"))), "balance_differs", (), "somebody else"),
        (replace(SEEN, invoices=(INVOICES[0], invoice("INV-2", "45.00"))), "balance_differs", (), "less was applied"),
        (replace(SEEN, invoices=(INVOICES[0], invoice("INV-2", "5.00", currency="EUR"))), "balance_differs", (), "EUR"),
    ],
)
def test_an_act_is_closed_only_if_all_of_it_agrees(seen, outcome, missing, told):
    verdict = closing.decide(INTENT, seen, LEFT)

    assert (outcome, missing) == (verdict.outcome, verdict.missing)
    assert told in " ".join(verdict.differences)
    assert bool(told) == bool(verdict.differences)


def test_every_outcome_has_a_row():
    rows = [SEEN, replace(SEEN, payment=None), paid(voided=True), replace(SEEN, records=()), replace(SEEN, invoices=())]

    assert set(ClosingOutcome) == {closing.decide(INTENT, seen, LEFT).outcome for seen in rows}


@given(st.permutations(RECORDS), st.permutations(INVOICES), st.permutations(SEEN_PAYMENT.applications))
def test_the_order_of_what_the_erp_returns_never_matters(records, invoices, parts):
    seen = replace(paid(applications=tuple(parts)), records=tuple(records), invoices=tuple(invoices))

    assert ClosingOutcome.CLOSED == closing.decide(INTENT, seen, LEFT).outcome


# ---- credits used beside the money, and a rest that was in the ERP before ----


def credit(id: str, amount: str) -> tuple[tuple[str, Money], ...]:
    return ((id, usd(amount)),)


NETTED = replace(INTENT, payment=replace(INTENT.payment, amount=usd("90.00"), credits=(CreditUse("7", usd("10.00")),)))


@pytest.mark.parametrize(
    ("credits", "told"),
    [
        (credit("7", "10.00"), ""),
        ((), "credit 7 gave nothing beside the payment, not 10.00 USD"),
        (credit("7", "9.99"), "credit 7 gave 9.99 USD beside the payment, not 10.00 USD"),
        (credit("8", "10.00"), "credit 8 gave 10.00 USD beside the payment, not nothing"),
    ],
)
def test_credits_used_with_the_payment_are_part_of_what_was_meant(
    credits: tuple[tuple[str, Money], ...], told: str
) -> None:
    verdict = closing.decide(NETTED, paid(amount=usd("90.00"), credits=credits), LEFT)
    assert (verdict.outcome is ClosingOutcome.CLOSED) is not bool(told)
    assert told in "; ".join(verdict.differences)


# A payment of 250.00, of which others applied 100.00 before; now 100.00 of its rest goes onto the two invoices.
REST = replace(
    INTENT, payment=replace(INTENT.payment, amount=usd("150.00"), erp_id="900", unapplied_before=usd("150.00"))
)
OTHERS = ("5", usd("100.00"))
OURS = SEEN_PAYMENT.applications


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        (paid(amount=usd("250.00"), applications=(OTHERS, *OURS)), "closed"),
        (paid(amount=usd("250.00"), applications=(OTHERS,)), "payment_missing"),  # nothing was applied yet
        (paid(amount=usd("250.00"), applications=(OTHERS, ("5", usd("1.00")))), "payment_different"),
        (paid(amount=usd("250.00"), applications=(OTHERS, OURS[0])), "payment_different"),  # half of ours
        (paid(amount=usd("250.00"), applications=(OTHERS, OURS[0], ("1", usd("59.99")))), "payment_different"),
        # Others used a credit beside it before: what they applied came from both, and the rest is untouched.
        (
            paid(amount=usd("250.00"), applications=(("5", usd("110.00")),), credits=credit("8", "10.00")),
            "payment_missing",
        ),
        (paid(amount=usd("250.00"), applications=(OTHERS, *OURS), voided=True), "payment_different"),
        (paid(amount=usd("250.00"), applications=(OTHERS,), voided=True), "payment_different"),
        (paid(amount=usd("250.00"), applications=(OTHERS, *OURS), customer_id="C2"), "payment_different"),
        # Another person applied some of the rest meanwhile: theirs, and no reason to call ours wrong.
        (paid(amount=usd("250.00"), applications=(OTHERS, *OURS, ("6", usd("50.00")))), "closed"),
        (replace(SEEN, payment=None), "payment_missing"),
    ],
)
def test_of_a_payment_that_was_there_before_only_our_lines_are_compared(seen: ActSeen, outcome: str) -> None:
    assert closing.decide(REST, seen, LEFT).outcome == outcome


REST_AND_CREDIT = replace(REST, payment=replace(REST.payment, credits=(CreditUse("7", usd("10.00")),)))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, ""),
        ({"credits": credit("7", "10.01")}, ""),  # others may use more of it
        ({"credits": credit("7", "9.99")}, "credit 7 gave 9.99 USD beside the payment, not 10.00 USD"),
        ({"credits": ()}, "credit 7 gave nothing beside the payment, not 10.00 USD"),
        (
            {"credits": (("7", Money.of("10.00", "EUR")),)},
            "credit 7 gave 10.00 EUR beside the payment, not 10.00 USD",
        ),
        (
            {"applications": (OTHERS, OURS[1], ("2", Money.of("40.00", "EUR")))},
            "invoice 2 got 40.00 EUR of the payment, not 40.00 USD",
        ),
        ({"credits": credit("8", "10.00")}, "credit 7 gave nothing beside the payment, not 10.00 USD"),
        ({"voided": True}, "payment 900 is voided in the ERP"),
        ({"customer_id": "C2"}, "payment 900 belongs to customer C2, not C1"),
        ({"applications": (OTHERS, OURS[1])}, "invoice 2 got nothing of the payment, not 40.00 USD"),
        (
            {"applications": (OTHERS, OURS[1], ("2", usd("39.99")))},
            "invoice 2 got 39.99 USD of the payment, not 40.00 USD",
        ),
    ],
)
def test_of_a_rest_each_line_and_credit_that_is_not_in_force_is_told(change: dict[str, object], told: str) -> None:
    whole = {"amount": usd("250.00"), "applications": (OTHERS, *OURS), "credits": credit("7", "10.00")}
    verdict = closing.decide(REST_AND_CREDIT, paid(**(whole | change)), LEFT)

    assert ((told,) if told else ()) == verdict.differences
    assert (ClosingOutcome.PAYMENT_DIFFERENT if told else ClosingOutcome.CLOSED) is verdict.outcome


@pytest.mark.parametrize(
    ("invoices", "told"),
    [
        ((INVOICES[0],), "invoice 2 was not returned by the ERP; 5.00 USD should be left"),
        (
            (INVOICES[0], invoice("INV-2", "4.99")),
            "invoice INV-2 has 4.99 USD left, not 5.00 USD: somebody else paid or credited it too",
        ),
        (
            (INVOICES[0], invoice("INV-2", "5.01")),
            "invoice INV-2 has 5.01 USD left, not 5.00 USD: less was applied than we meant",
        ),
        ((INVOICES[0], invoice("INV-2", "5.00", currency="EUR")), "invoice INV-2 has 5.00 EUR left, not 5.00 USD"),
    ],
)
def test_a_balance_that_differs_is_told_with_the_number_of_the_invoice(
    invoices: tuple[OpenInvoice, ...], told: str
) -> None:
    assert (told,) == closing.decide(INTENT, replace(SEEN, invoices=invoices), LEFT).differences
