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
        ("X9", "1 600.00, 2 400.00", "1000.00", "C1"),  # a stranger pays: the family's, not the stranger's
    ],
)
def test_the_payment_is_the_customers_whose_invoices_it_pays(
    payer: str, parts: str, amount: str, customer: str
) -> None:
    verdict = decide(amount, split(parts), payer=payer, other_customer=True)

    assert isinstance(verdict, Match)
    assert customer == verdict.customer_id
    assert (PayerEvidence.ID if payer else PayerEvidence.REFERENCE) is verdict.payer_by


def test_the_match_says_who_divided_it_what_stays_open_and_what_it_rests_on() -> None:
    wanted = split("1 500.00, 2 100.00", "m1 100.00", "20.00")
    verdict = decide("520.00", wanted)

    assert isinstance(verdict, Match)
    assert "ch_1" == verdict.payment_id
    assert wanted.applications == verdict.applications
    assert (wanted.credits, usd("20.00"), ()) == (verdict.credits, verdict.unapplied, verdict.withheld)
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


@pytest.mark.parametrize("unapplied", [None, usd("0.00")])
def test_where_nothing_stays_on_account_the_match_says_nothing_in_the_payments_currency(
    unapplied: Money | None,
) -> None:
    verdict = decide("600.00", replace(split("1 600.00"), unapplied=unapplied))

    assert isinstance(verdict, Match)
    assert usd("0.00") == verdict.unapplied
    assert "" == dividing.equation(Split(), GROUND)


def against(ground: Ground, amount: str, wanted: Split) -> str:
    """The refusal's sentence, "" for a match."""
    paid = payment(amount)
    verdict = dividing.decide(paid, paid.available, wanted, ground, "ana", other_customer=False, held=False)
    return verdict.text if isinstance(verdict, DividingRefusal) else ""


@pytest.mark.parametrize(
    ("amount", "parts", "credits", "unapplied", "told"),
    [
        ("9.00", "", "", "9.00", "it names no invoice"),
        ("600.00", "1 300.00, 1 300.00", "", "", "INV-1 is named twice"),
        ("600.00", "1 600.00", "m1 1.00, m1 1.00", "", "CM-1 is named twice"),
        ("600.00", "99 300.00, 99 300.00", "", "", "99 is named twice"),
        ("600.00", "99 600.00", "", "", "99 is not there any more, or nothing is left of it"),
        ("700.00", "8 700.00", "", "", "INV-8 is in EUR, USD was paid"),
        ("500.00", "1 600.00", "m3 100.00", "", "CM-3 is in EUR, USD was paid"),
        ("600.00", "1 600.00, 2 0.00", "", "", "every amount must be above zero"),
        ("600.00", "1 600.00", "", "-0.01", "every amount must be above zero"),
        ("500.00", "5 500.00", "", "", "invoice INV-5 is paid"),
        ("500.00", "6 500.00", "", "", "invoice INV-6 is voided"),
        ("601.00", "1 600.01", "", "0.99", "only 600.00 USD is owed on invoice INV-1"),
        ("499.00", "1 600.00", "m1 101.00", "", "only 100.00 USD is left of credit memo CM-1"),
        ("1300.00", "1 600.00, 7 700.00", "", "", "INV-1, INV-7 are of customers that don't belong together"),
        (
            *("700.00", "7 700.00", "", ""),
            "invoice INV-7 is another customer's than the payer (C1); say --other-customer if that is right",
        ),
        (
            *("500.00", "1 600.00", "m2 100.00", ""),
            "credit memo CM-2 is of another customer, subsidiary or AR account than the invoices",
        ),
        (
            *("250.00", "3 250.00", "", ""),
            "invoice INV-3 is on hold (contract in dispute); say --held if it is paid all the same",
        ),
        (
            *("200.01", "4 200.01", "", ""),
            "100.00 USD of invoice INV-4 is disputed; say --held if that is paid all the same",
        ),
        (
            *("100.00", "1 100.00", "m1 100.00", "100.00"),
            "the credits (100.00 USD) pay all of it (100.00 USD), and the payment nothing",
        ),
        (
            *("700.00", "1 600.00", "", "50.00"),
            "600.00 INV-1 + 50.00 unapplied = 650.00 USD, and 700.00 USD of the payment is to be divided",
        ),
    ],
)
def test_a_refusal_says_what_is_wrong_and_how_to_go_on(
    amount: str, parts: str, credits: str, unapplied: str, told: str
) -> None:
    assert told == against(GROUND, amount, split(parts, credits, unapplied))


def test_what_stays_on_account_is_in_the_payments_currency() -> None:
    verdict = decide("600.00", replace(split("1 500.00"), unapplied=Money.of("100.00", "EUR")))

    assert isinstance(verdict, DividingRefusal)
    assert DividingRefusalReason.CURRENCY is verdict.reason
    assert "100.00 EUR can't stay unapplied of 600.00 USD" == verdict.text


@pytest.mark.parametrize(("balance", "told"), [("0.00", "invoice INV-9 is paid"), ("0.01", ""), ("0.02", "")])
def test_one_cent_is_an_amount_and_an_open_invoice_without_a_balance_is_paid(balance: str, told: str) -> None:
    ground = Ground({"9": invoice("INV-9", balance)})

    assert told == against(ground, "0.01", split("9 0.01"))


def test_customers_of_whom_no_family_is_known_are_each_their_own() -> None:
    ground = replace(GROUND, families={})

    assert "INV-1, INV-2 are of customers that don't belong together" == against(
        ground, "1000.00", split("1 600.00, 2 400.00")
    )


@pytest.mark.parametrize(
    ("of_memo", "fits"),
    [
        ({}, True),
        ({"subsidiary": "s1", "ar_account": "a1"}, True),
        ({"subsidiary": "s2"}, False),
        ({"ar_account": "a2"}, False),
    ],
)
def test_a_memo_of_another_subsidiary_or_ar_account_pays_nothing_here(of_memo: dict[str, str], fits: bool) -> None:
    """A memo without a number is named by its id."""
    memo = CreditMemo("m4", "", "C1", usd("100.00"), **of_memo)  # type: ignore[arg-type]
    ground = Ground({"9": invoice("INV-9", "600.00", subsidiary="s1", ar_account="a1")}, {"m4": memo})
    told = "" if fits else "credit memo m4 is of another customer, subsidiary or AR account than the invoices"

    assert told == against(ground, "500.00", split("9 600.00", "m4 100.00"))


def test_of_a_memo_without_a_number_the_refusals_name_the_id() -> None:
    dollars, euros = (CreditMemo("m4", "", "C1", Money.of("100.00", currency)) for currency in ("USD", "EUR"))
    wanted = split("1 600.00", "m4 101.00")

    assert "only 100.00 USD is left of credit memo m4" == against(
        replace(GROUND, credits={"m4": dollars}), "499.00", wanted
    )
    assert "m4 is in EUR, USD was paid" == against(replace(GROUND, credits={"m4": euros}), "499.00", wanted)


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
    assert not whole.same(split("1 600.00, 2 400.00, 4 200.00", "m1 1.00"))
