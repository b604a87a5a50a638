"""Conditions that finance writes: what they ask, how a wrong one is refused, and that none can do harm."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.conditions import (
    DEPTH_MAX,
    TEXT_MAX,
    VARIABLES,
    Condition,
    ConditionError,
    Kind,
    Values,
    compile_condition,
    customer_values,
    invoice_values,
)
from connector.money import Money
from connector.receivables import InvoiceLine, OpenInvoice, PaymentHistory, Profile, Traits, Trend

ON = date(2026, 11, 23)
NOBODY = Profile()
ACME = Profile(
    Traits(" Enterprise ", "Annual", "Usage", "Direct", Money.of("250000.00", "USD"), "US"),
    PaymentHistory(12, Decimal("6.5"), 2, 3, Trend.WORSE, 1, ON - timedelta(days=730)),
    is_strategic=True,
    renews_on=ON + timedelta(days=30),
)


def invoice(amount: str = "25000.00", currency: str = "USD", disputed: str = "", days_late: int = 7) -> OpenInvoice:
    due_on = ON - timedelta(days=days_late)
    lines = [InvoiceLine("1", "seats", Money.of(amount, currency), "Subscription")]
    if disputed:
        lines.append(InvoiceLine("2", "calls", Money.of(disputed, currency), "usage", disputed=True))
    owed = Money.of(amount, currency)
    return OpenInvoice(
        *("1001", "INV-1001", "C1", owed, owed, due_on - timedelta(days=60), due_on), terms="Net 60", lines=tuple(lines)
    )


def values(profile: Profile = ACME, of: OpenInvoice | None = None) -> Values:
    return customer_values(profile, ON) | invoice_values(of or invoice(), ON)


HOLDS = [
    'customer.tier == "enterprise"',
    "customer.tier == 'ENTERPRISE'",
    'customer.tier in ["smb", "Enterprise"]',
    'customer.contract_type.startsWith("ann") && customer.contract_type.endsWith("AL")',
    'customer.billing_model == "usage" && customer.relationship != "partner" && customer.country == "us"',
    "customer.arr.USD >= 250000 && !(customer.arr.USD > 250000)",
    "customer.is_strategic",
    "customer.days_to_renewal == 30 && customer.days_as_customer == 730",
    "customer.settled_invoices == 12 && customer.disputes_last_year == 1",
    "customer.average_days_late > 6 && customer.average_days_late < 6.6",
    "customer.late_last_quarter >= 2 && customer.late_last_year >= 3",
    'customer.trend == "worse"',
    "invoice.amount.USD >= 25000 && invoice.amount.USD < 25000.01 && invoice.amount.USD > 24999.99",
    "invoice.balance.USD * 2 == invoice.amount.USD + 25000",
    "-invoice.days_past_due <= -7",
    'invoice.currency == "USD"',
    "invoice.days_past_due == 7 && invoice.terms_days == 60",
    'invoice.terms.contains("60")',
    '"subscription" in invoice.line_kinds && !("services" in invoice.line_kinds)',
    "!invoice.is_disputed",
    "known.customer.tier && known.customer.arr && known.invoice.terms && !known.invoice.subsidiary",
    "false || true",
    "customer.is_strategic ||\n  invoice.amount.EUR > 1",
]


@pytest.mark.parametrize("text", HOLDS)
def test_what_a_condition_asks(text: str) -> None:
    assert compile_condition(text).holds(values())


@pytest.mark.parametrize("text", HOLDS)
def test_its_opposite_does_not_hold(text: str) -> None:
    assert not compile_condition(f"!({text})").holds(values())


UNKNOWN = [
    *("customer.tier", "customer.contract_type", "customer.billing_model", "customer.relationship"),
    *("customer.country", "customer.trend"),
]


@pytest.mark.parametrize(("name", "operator"), list(product(UNKNOWN, ("==", "!="))))
def test_what_is_not_known_is_neither_equal_nor_unequal_to_anything(name: str, operator: str) -> None:
    condition = compile_condition(f'{name} {operator} "smb"')

    assert not condition.holds(values(NOBODY))
    assert not compile_condition(f"!({condition.text})").holds(values(NOBODY))
    assert compile_condition(f"!known.{name} || {condition.text}").holds(values(NOBODY))


@pytest.mark.parametrize(
    "name", ["customer.average_days_late", "customer.days_to_renewal", "customer.days_as_customer", "customer.arr.USD"]
)
@pytest.mark.parametrize("operator", ["<", "<=", "==", "!=", ">=", ">"])
def test_no_figure_that_is_not_known_is_within_any_bound(name: str, operator: str) -> None:
    assert not compile_condition(f"{name} {operator} 0").holds(values(NOBODY))


def test_something_unknown_does_not_spoil_an_or() -> None:
    either = 'customer.tier == "smb" || invoice.days_past_due == 7'

    assert compile_condition(either).holds(values(NOBODY))
    assert not compile_condition(either).holds(values(NOBODY, invoice(days_late=8)))


def test_counts_are_known_of_everybody_and_begin_at_nothing() -> None:
    text = "customer.settled_invoices == 0 && customer.late_last_quarter == 0 && customer.disputes_last_year == 0"

    assert compile_condition(text).holds(values(NOBODY))


def test_an_amount_in_another_currency_is_no_amount() -> None:
    euros = values(of=invoice(currency="EUR"))

    assert not compile_condition("invoice.amount.USD >= 0").holds(euros)
    assert not compile_condition("invoice.amount.USD < 1000000000").holds(euros)
    assert compile_condition("invoice.amount.EUR == 25000").holds(euros)


@pytest.mark.parametrize(
    ("amount", "currency", "at_least", "holds"),
    [
        ("24999.99", "USD", "25000", False),
        ("25000.00", "USD", "25000", True),
        ("0.10", "USD", "0.1", True),
        ("0.29", "USD", "0.29", True),
        ("1.005", "KWD", "1.005", True),
        ("1.004", "KWD", "1.005", False),
        ("4999999", "JPY", "5000000", False),
        ("5000000", "JPY", "5000000", True),
        ("9999999999999.99", "USD", "9999999999999.99", True),
        ("9999999999999.98", "USD", "9999999999999.99", False),
    ],
)
def test_amounts_are_compared_to_the_cent(amount: str, currency: str, at_least: str, holds: bool) -> None:
    condition = compile_condition(f"invoice.amount.{currency} >= {at_least}")

    assert holds is condition.holds(values(of=invoice(amount, currency)))


@given(st.integers(0, 10**14), st.integers(0, 10**14))
def test_amounts_of_up_to_fifteen_digits_keep_their_order(one: int, other: int) -> None:
    amount, bound = Money(one, "USD"), Money(other, "USD")
    asked = values(of=invoice(amount.plain()))

    assert (amount >= bound) is compile_condition(f"invoice.amount.USD >= {bound.plain()}").holds(asked)
    assert (amount == bound) is compile_condition(f"invoice.amount.USD == {bound.plain()}").holds(asked)


def test_what_is_disputed_is_not_askable() -> None:
    part = invoice("100.00", disputed="40.00")

    assert compile_condition("invoice.askable.USD == 60 && invoice.is_disputed").holds(values(of=part))


def test_a_division_by_nothing_holds_for_nobody_or_for_all_and_fails_for_none() -> None:
    assert not compile_condition("customer.late_last_year / customer.settled_invoices > 0.5").holds(values(NOBODY))
    assert compile_condition("customer.late_last_year / customer.settled_invoices > 0.2").holds(values())


def test_a_condition_is_a_value() -> None:
    first, second = compile_condition("customer.is_strategic"), Condition("customer.is_strategic")

    assert first == second
    assert hash(first) == hash(second)
    assert first.understood is second.understood


def test_a_wrong_text_never_decides() -> None:
    with pytest.raises(ConditionError):
        Condition("customer.teir == 1").holds(values())


def test_what_asks_for_the_customer_alone_is_told_apart() -> None:
    condition = compile_condition('customer.tier == "x" && invoice.amount.USD > 5 && customer.is_strategic')
    joined = compile_condition('customer.tier == "x" || invoice.amount.USD > 5').understood

    assert ['customer.tier == "x"', "invoice.amount.USD > 5", "customer.is_strategic"] == [
        part.text for part in condition.understood.parts
    ]
    assert condition.understood.about_customer and condition.understood.about_invoice
    assert {"customer.tier", "customer.is_strategic"} == condition.understood.about_customer.names
    assert {"invoice.amount"} == condition.understood.about_invoice.names
    assert {"customer.tier", "customer.is_strategic", "invoice.amount"} == condition.names
    assert joined.about_customer is None
    assert joined.about_invoice and 1 == len(joined.parts)


def test_the_halves_of_a_condition_say_together_what_it_says() -> None:
    text = 'known.customer.tier && (customer.tier == "enterprise" || invoice.is_disputed) && invoice.days_past_due > 6'
    understood = compile_condition(text).understood
    halves = [half for half in (understood.about_customer, understood.about_invoice) if half]
    for profile, late, disputed in product((NOBODY, ACME), (6, 7), ("", "5.00")):
        facts = values(profile, invoice(days_late=late, disputed=disputed))

        assert Condition(text).holds(facts) is all(half.holds(facts) for half in halves)


def test_a_condition_is_told_with_its_figures() -> None:
    part = compile_condition('customer.trend ==\n  "worse" || invoice.amount.USD > 5').understood.parts[0]

    assert (
        'customer.trend == "worse" || invoice.amount.USD > 5 '
        "(customer.trend is worse, invoice.amount.USD is 25,000)" == part.told(values())
    )
    assert "customer.trend is not known" in part.told(values(NOBODY))


def test_every_variable_has_a_value_where_its_fact_is_known() -> None:
    known = values(of=replace(invoice(), subsidiary="3")).facts

    assert [] == [name for name in VARIABLES if not any(key == name or key.startswith(f"{name}.") for key in known)]


@pytest.mark.parametrize("name", [name for name, one in VARIABLES.items() if one.kind is not Kind.AMOUNT])
def test_every_variable_can_be_asked_for(name: str) -> None:
    asked = {
        Kind.NUMBER: f"{name} > 0",
        Kind.WORD: f'{name} == "x"',
        Kind.YES_NO: name,
        Kind.WORDS: f'"x" in {name}',
    }[VARIABLES[name].kind]

    assert {name} == compile_condition(asked).names


# the text with ^ before the place that is meant -> what is said of it
WRONG = [
    ('^customer.teir == "smb"', "there is no 'customer.teir'; did you mean 'customer.tier'?"),
    ('^tier == "smb"', "there is no 'tier'; did you mean 'customer.tier'?"),
    ("^customer.days_past_due > 3", "did you mean 'invoice.days_past_due'?"),
    ("^known.customer.late_last_year", "'customer.late_last_year' is always known"),
    ("customer.tier == ^smb", "words stand in quotes"),
    ('customer.tier ^= "smb"', "compare with '=='"),
    ('customer.tier ^<> "smb"', "'not equal' is '!='"),
    ("customer.is_strategic ^and invoice.is_disputed", "write '&&' for 'and'"),
    ("customer.is_strategic ^& invoice.is_disputed", "'and' is '&&'"),
    ("customer.is_strategic ^| invoice.is_disputed", "'or' is '||'"),
    ("^NOT customer.is_strategic", "write '!' for 'NOT'"),
    ("customer.tier == ^“smb”", "straight quotes"),
    ('customer.tier == ^"smb', 'close it with "'),
    ('customer.tier == "^\\d"', "no backslash"),
    ("customer.tier ^== 5", "between a word and a number; words stand in quotes, numbers don't"),
    ('customer.arr.USD ^> "5"', "between a number and a word"),
    ("customer.tier != ^null", "whether something is known is asked by its name"),
    ("^has(customer.tier)", "whether something is known is asked by its name"),
    ("^invoice.amount > 5", "needs its currency, as in invoice.amount.USD"),
    ("^invoice.amount.DOLLAR > 5", "'DOLLAR' is no ISO 4217 currency code"),
    ("^invoice.amount.usd > 5", "did you mean invoice.amount.USD?"),
    ("invoice.amount.USD > 25^,000", "write numbers without commas"),
    ("invoice.amount.USD > ^25k", "'25k' is no number"),
    ("invoice.amount.USD > ^25_000", "'25_000' is no number"),
    ("invoice.amount.USD > ^0x10", "'0x10' is no number"),
    ("invoice.amount.USD > ^$5", "leave currency signs out"),
    ("invoice.amount.USD ^≥ 5", "write '>='"),
    ('invoice.terms.^contans("60")', "did you mean 'contains'?"),
    ('invoice.terms.^matches("60")', "there are startsWith, endsWith, contains"),
    ('^contains("60")', "stands behind a name"),
    ("invoice.terms.contains^()", "a word in brackets must follow"),
    ("invoice.terms.contains^(5)", "'contains' can't be used with a word and a number"),
    ("customer.tier ^? true : false", "make two segments of it"),
    ('invoice.line_kinds ^== "usage"', '"usage" in invoice.line_kinds'),
    ('customer.tier ^in "smb"', "asks whether a word is in a list"),
    ("^customer.trend", "this is a word, not yes or no"),
    ("^invoice.amount.USD + 5", "this is a number, not yes or no"),
    ('^["a"]', "this is a list of words, not yes or no"),
    ("customer.is_strategic ^&& 5", "joins two things that are yes or no"),
    ("^!customer.tier", "'!' can't be used with a word"),
    ("invoice.days_past_due > 3 ^> 2", "between yes or no and a number"),
    ("true &&^", "something is missing after '&&'"),
    ("^&& true", "'&&' is not expected here"),
    ("true ^false", "'false' is not expected here"),
    ("customer.is_strategic && ^(true", "this bracket is never closed"),
    ("true^)", "nothing is open that ')' could close"),
    ("(true^]", "nothing is open that ']' could close"),
    ("^", "it is empty"),
    (" \n ^", "it is empty"),
    ('customer.tier == "smb" &&\n  ^customer.teir == 1', "did you mean 'customer.tier'?"),
    ("[1, 2].^exists(x, x > 1)", ""),
    ("customer.tier == 'a'^; true", "has no meaning here"),
    ("^foo.bar > 1", "names begin with customer. or invoice."),
    ("^customer.shoe_size > 1", "customer. has tier, contract_type"),
]


@pytest.mark.parametrize(("marked", "expected"), WRONG, ids=[marked[:40] for marked, _ in WRONG])
def test_a_wrong_condition_is_refused_at_its_place(marked: str, expected: str) -> None:
    text = marked.replace("^", "", 1)
    with pytest.raises(ConditionError) as raised:
        compile_condition(text)

    assert expected in raised.value.message
    if text.strip() and expected:
        assert marked.index("^") == raised.value.position


@pytest.mark.parametrize(
    "text",
    [
        " || ".join(["customer.is_strategic"] * 1000),
        "(" * (DEPTH_MAX + 1) + "true" + ")" * (DEPTH_MAX + 1),
        "[" * 200 + "]" * 200,
        '"' + "a" * TEXT_MAX + '" == "a"',
        "1" * (TEXT_MAX + 1) + " > 0",
    ],
)
def test_a_text_that_is_too_long_or_too_deep_is_refused(text: str) -> None:
    with pytest.raises(ConditionError, match=r"longer than|brackets inside one another"):
        compile_condition(text)


@pytest.mark.parametrize(
    "text",
    [
        "!" * 990 + "true",
        "-" * 900 + "1 > 0",
        "1+" * 400 + "1 > 0",
        " && ".join(["true"] * 140),
        "true == " * 120 + "true",
        f"customer.tier in [{','.join(['1'] * 400)}]",
        '"' + "a" * 900 + '".contains("' + "a" * 80 + '")',
    ],
)
def test_the_worst_that_is_accepted_is_soon_done(text: str) -> None:
    began = time.process_time()
    problem = refused(text)
    if not problem:
        Condition(text).holds(values())

    assert time.process_time() - began < 2


def refused(text: str) -> str:
    """What is said of this text if it can't be used; the place is always within it."""
    try:
        compile_condition(text)
    except ConditionError as error:
        place, said = error.position, error.message
    else:
        return ""
    assert said and 0 <= place <= len(text)
    return said


ALPHABET = st.sampled_from(
    [
        *("customer.tier", "customer.arr.USD", "customer.is_strategic", "invoice.amount.USD", "invoice.line_kinds"),
        *("known.customer.tier", "customer.average_days_late", "invoice.terms.contains", "x", "true", "in", "and"),
        *(
            '"smb"',
            "'",
            '"',
            "5",
            "0.5",
            "5.",
            "(",
            ")",
            "[",
            "]",
            ",",
            "==",
            "!=",
            ">",
            ">=",
            "&&",
            "||",
            "!",
            "-",
            "/",
        ),
        *("=", "?", ":", "{", "}", ".", "\\", "\n", "é", "💥", "\x00", "%", "#", "//", "b'x'", 'r"x"', "1u", "0x1"),
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.lists(ALPHABET, max_size=12).map(" ".join), st.lists(ALPHABET, max_size=8).map("".join), st.text()))
def test_any_text_is_understood_or_refused_and_never_crashes(text: str) -> None:
    if refused(text):
        return
    condition = Condition(text)

    for profile in (NOBODY, ACME):
        assert condition.holds(values(profile)) in (True, False)
        assert condition.holds(values(profile)) is condition.holds(values(profile))
