"""May a payment be divided as a person says?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from decision_cases import invoice, line, payment, usd
from hypothesis import given
from hypothesis import strategies as st

from connector.decisions import dividing
from connector.decisions.dividing import DividingRefusal, DividingRefusalReason, Ground, Split
from connector.money import Money
from connector.receivables import (
    CreditMemo,
    CreditUse,
    InvoiceStatus,
    Match,
    PayerEvidence,
    PaymentApplication,
    Residual,
    ResidualReason,
    Rung,
)

# C1 and C2 are one family, headed by C1; X9 is a stranger.
INVOICES = [
    invoice("INV-1", "600.00"),
    invoice("INV-2", "400.00", customer_id="C2"),
    invoice("INV-3", "250.00", hold_reason="contract in dispute"),
    invoice("INV-4", "300.00", lines=(line("100.00", disputed=True), line("200.00"))),
    invoice("INV-5", "0.00", amount="500.00", status=InvoiceStatus.PAID),
    invoice("INV-6", "500.00", status=InvoiceStatus.VOIDED),
    invoice("INV-7", "700.00", customer_id="X9"),
    invoice("INV-8", "700.00", currency="EUR"),
]
MEMOS = [
    CreditMemo("m1", "CM-1", "C2", usd("100.00")),
    CreditMemo("m2", "CM-2", "X9", usd("100.00")),
    CreditMemo("m3", "CM-3", "C1", Money.of("100.00", "EUR")),
]
GROUND = Ground({one.id: one for one in INVOICES}, {one.id: one for one in MEMOS}, {"C1": "C1", "C2": "C1", "X9": "X9"})


def split(parts: str, credits: str = "", unapplied: str = "") -> Split:
    """'1 600.00, 2 400.00': invoice ids with amounts; 'm1 100.00': memos."""
    return Split(
        tuple(PaymentApplication(id, Money.of(amount, _currency(id))) for id, amount in _pairs(parts)),
        tuple(CreditUse(id, Money.of(amount, "EUR" if id == "m3" else "USD")) for id, amount in _pairs(credits)),
        usd(unapplied) if unapplied else None,
    )


def _currency(invoice_id: str) -> str:
    return "EUR" if invoice_id == "8" else "USD"


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(part.split()[0], part.split()[1]) for part in text.split(",") if part.strip()]


def decide(
    amount: str, wanted: Split, *, payer: str = "C1", other_customer: bool = False, held: bool = False, **more: Any
) -> Match | DividingRefusal:
    paid = payment(amount, customer_id=payer, **more)
    return dividing.decide(
        paid, paid.available, wanted, GROUND, "ana (analyst)", other_customer=other_customer, held=held
    )


@pytest.mark.parametrize(
    ("amount", "parts", "credits", "unapplied", "refusal"),
    [
        ("1000.00", "1 600.00, 2 400.00", "", "", ""),
        ("900.00", "1 600.00, 2 400.00", "m1 100.00", "", ""),
        ("700.00", "1 600.00", "", "100.00", ""),
        ("500.00", "1 500.00", "", "", ""),
        ("200.00", "4 200.00", "", "", ""),
        ("1000.00", "", "", "1000.00", "nothing"),
        ("600.00", "1 300.00, 1 300.00", "", "", "twice"),
        ("500.00", "1 600.00", "m1 50.00, m1 50.00", "", "twice"),
        ("600.00", "99 600.00", "", "", "unknown"),
        ("500.00", "1 600.00", "m9 100.00", "", "unknown"),
        ("700.00", "8 700.00", "", "", "currency"),
        ("500.00", "1 600.00", "m3 100.00", "", "currency"),
        ("600.00", "1 600.00, 2 0.00", "", "", "not_positive"),
        ("600.00", "1 700.00, 2 -100.00", "", "", "not_positive"),
        ("500.00", "5 500.00", "", "", "not_open"),
        ("500.00", "6 500.00", "", "", "not_open"),
        ("601.00", "1 600.01", "", "0.99", "too_much"),
        ("499.00", "1 600.00", "m1 101.00", "", "too_much"),
        ("1300.00", "1 600.00, 7 700.00", "", "", "several_families"),
        ("700.00", "7 700.00", "", "", "other_customer"),
        ("500.00", "1 600.00", "m2 100.00", "", "other_credit"),
        ("250.00", "3 250.00", "", "", "held"),
        ("200.01", "4 200.01", "", "", "disputed"),
        ("1000.01", "1 600.00, 2 400.00", "", "", "sum"),
        ("999.99", "1 600.00, 2 400.00", "", "", "sum"),
        ("100.00", "1 100.00", "m1 100.00", "100.00", "sum"),
        # Two at once: the first of the list of reasons.
        ("900.00", "5 500.00, 7 700.00", "", "", "not_open"),
        ("950.00", "3 250.00, 7 700.00", "", "", "several_families"),
        ("1.00", "3 250.00", "", "", "held"),
    ],
)
def test_arithmetic_and_the_book_hold_whoever_says_otherwise(
    amount: str, parts: str, credits: str, unapplied: str, refusal: str
) -> None:
    verdict = decide(amount, split(parts, credits, unapplied))

    assert (refusal or "a match") == (verdict.reason if isinstance(verdict, DividingRefusal) else "a match")


def test_an_invoice_on_hold_is_paid_only_where_a_person_says_so() -> None:
    assert isinstance(decide("250.00", split("3 250.00"), held=True), Match)
    assert isinstance(decide("300.00", split("4 300.00"), held=True), Match)


def test_another_customers_invoice_is_paid_only_where_a_person_says_so() -> None:
    verdict = decide("700.00", split("7 700.00"), other_customer=True)

    assert isinstance(verdict, Match)
    assert "X9" == verdict.customer_id


def test_customers_that_do_not_belong_together_are_never_paid_by_one_payment() -> None:
    verdict = decide("1300.00", split("1 600.00, 7 700.00"), other_customer=True, held=True)

    assert isinstance(verdict, DividingRefusal)
    assert DividingRefusalReason.SEVERAL_FAMILIES is verdict.reason


@pytest.mark.parametrize(
    ("payer", "parts", "amount", "customer"),
    [
        ("C1", "2 400.00", "400.00", "C2"),  # the customer whose invoice it is
        ("C2", "1 600.00, 2 400.00", "1000.00", "C2"),  # of several the payer
        ("", "1 600.00, 2 400.00", "1000.00", "C1"),  # the payer isn't known: the head of the family
        ("", "2 400.00", "400.00", "C2"),
    ],
)
def test_the_payment_is_the_customers_whose_invoices_it_pays(
    payer: str, parts: str, amount: str, customer: str
) -> None:
    verdict = decide(amount, split(parts), payer=payer)

    assert isinstance(verdict, Match)
    assert customer == verdict.customer_id
    assert (PayerEvidence.ID if payer else PayerEvidence.REFERENCE) is verdict.payer_by


def test_the_match_says_who_divided_it_what_stays_open_and_what_it_rests_on() -> None:
    verdict = decide("520.00", split("1 500.00, 2 100.00", "m1 100.00", "20.00"))

    assert isinstance(verdict, Match)
    assert Rung.BY_PERSON is verdict.rung
    assert "500.00 INV-1 + 100.00 INV-2 - 100.00 CM-1 + 20.00 unapplied = 520.00 USD" == verdict.equation
    assert "ana (analyst) says that it pays this" == verdict.reason
    assert (("1", usd("600.00")), ("2", usd("400.00"))) == verdict.decided_on
    assert (("m1", usd("100.00")),) == verdict.credits_decided_on
    assert (
        Residual("1", usd("100.00"), ResidualReason.SHORT_PAY),
        Residual("2", usd("300.00"), ResidualReason.SHORT_PAY),
    ) == verdict.residuals


def test_a_discount_settles_and_is_no_money() -> None:
    wanted = Split((PaymentApplication("1", usd("588.00"), discount=usd("12.00")),))
    verdict = decide("588.00", wanted)

    assert isinstance(verdict, Match)
    assert () == verdict.residuals
    assert isinstance(decide("588.01", replace(wanted, unapplied=None)), DividingRefusal)


amounts = st.integers(-5_00, 900_00).map(lambda minor: Money(minor, "USD"))


@given(
    st.lists(st.tuples(st.sampled_from([one.id for one in INVOICES]), amounts), max_size=4),
    st.lists(st.tuples(st.sampled_from([one.id for one in MEMOS]), amounts), max_size=2),
    amounts,
    st.integers(1, 2_000_00),
    st.booleans(),
)
def test_whatever_a_person_types_cents_conserve_and_no_invoice_falls_below_zero(
    parts: list[tuple[str, Money]], used: list[tuple[str, Money]], rest: Money, minor: int, confirmed: bool
) -> None:
    wanted = Split(tuple(PaymentApplication(*one) for one in parts), tuple(CreditUse(*one) for one in used), rest)
    paid = payment(Money(minor, "USD").plain())
    verdict = dividing.decide(paid, paid.amount, wanted, GROUND, "x", other_customer=confirmed, held=confirmed)
    if isinstance(verdict, DividingRefusal):
        return

    assert paid.amount == verdict.cash + verdict.unapplied
    assert verdict.unapplied.minor >= 0
    for one in verdict.applications:
        assert 0 < one.settles.minor <= GROUND.invoices[one.invoice_id].balance.minor
    for use in verdict.credits:
        assert 0 < use.amount.minor <= GROUND.credits[use.credit_id].open_amount.minor


@given(st.permutations([("1", "600.00"), ("2", "400.00"), ("4", "200.00")]))
def test_a_split_is_the_same_in_any_order(parts: list[tuple[str, str]]) -> None:
    shuffled = split(", ".join(f"{id} {amount}" for id, amount in parts))
    whole = split("1 600.00, 2 400.00, 4 200.00")

    assert whole.same(shuffled)
    assert not whole.same(split("1 600.00, 2 400.00, 4 199.99"))
    assert not whole.same(replace(whole, unapplied=usd("0.01")))
