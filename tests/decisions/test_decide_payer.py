"""Whose money is this? Exact evidence or nobody; what is merely alike is only shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.decisions import payer
from connector.decisions.payer import Alias, AliasKind, Directory
from connector.money import Money
from connector.receivables import Customer, PayerEvidence, Payment, PaymentState

NOTHING = Payment(
    "p1",
    Money(100_00, "USD"),
    PaymentState.SUCCEEDED,
    datetime(2026, 11, 2, 12, tzinfo=UTC),
    date(2026, 11, 2),
)
CUSTOMERS = (
    Customer("1", "Northfield Robotics, Inc.", "ap@northfield.example"),
    Customer("2", "Müller Maschinenbau GmbH", "rechnung@mueller.example"),
    Customer("3", "Acme", "ap@acme.example"),
    Customer("4", "Acme Holdings"),
    Customer("41", "Acme East", parent_id="4"),
    Customer("42", "Acme West", parent_id="4"),
    Customer("5", "Twin Peaks LLC"),
    Customer("6", "Twin Peaks LLC"),
    Customer("7", "O'Neil & Sons S.A."),
    Customer("8", "Globex Ltd", "pay@globex.example"),
    Customer("9", "Globex GmbH"),
    Customer("10", "Limited"),
    Customer("11", "株式会社日立"),
    Customer("12", "Сбер"),
)
BANK, EMAIL, NAME = AliasKind


def taught(*aliases: tuple[AliasKind, str, str] | tuple[AliasKind, str, str, bool]) -> Directory:
    return Directory(CUSTOMERS, tuple(Alias(kind, payer.key_of(kind, key), *more) for kind, key, *more in aliases))


def named(text: str) -> Payment:
    return replace(NOTHING, payer_name=text)


@pytest.mark.parametrize(
    ("name", "customer_id"),
    [
        ("Northfield Robotics, Inc.", "1"),
        ("NORTHFIELD ROBOTICS INC", "1"),
        ("northfield   robotics", "1"),
        ("Northfield-Robotics Incorporated", "1"),
        ("Northfield Robotics Ltd", ""),  # another company by law
        ("Northfield Robotic", ""),
        ("Northfield", ""),
        ("NorthfieldRobotics Inc", ""),
        ("Incnorthfield Robotics", ""),
        ("Müller Maschinenbau GmbH", "2"),
        ("MULLER MASCHINENBAU G.m.b.H.", "2"),
        ("Mu\N{COMBINING DIAERESIS}ller Maschinenbau", "2"),
        ("Mueller Maschinenbau GmbH", ""),  # a spelling, not an accent
        ("ACME", "3"),
        ("Acme Corp", "3"),  # the customer states no form
        ("Acme Holdings, Inc.", "4"),
        ("Acme East", "41"),
        ("Twin Peaks LLC", ""),  # two customers of the name
        ("ONeil + Sons SA", "7"),
        ("O’Neil & Sons", "7"),
        ("Globex", ""),  # two customers, apart by their form only
        ("Globex Limited", "8"),
        ("Globex GMBH", "9"),
        ("Globex Inc", ""),
        ("Limited", "10"),
        ("株式会社日立", "11"),
        ("Сбер", "12"),
        ("", ""),
        (" .,- ", ""),
        ("x" * 201, ""),
    ],
)
def test_a_name_is_exactly_one_customers_or_nobodys(name, customer_id):
    found = payer.decide(named(name), Directory(CUSTOMERS))

    assert (customer_id, PayerEvidence.NAME if customer_id else PayerEvidence.NONE) == (found.customer_id, found.by)


@pytest.mark.parametrize(
    "name",
    [
        "\N{CYRILLIC CAPITAL LETTER A}cme",
        "Acm\N{CYRILLIC SMALL LETTER IE}",
        "A\N{GREEK LUNATE SIGMA SYMBOL}me",
        "Ac\N{ZERO WIDTH SPACE}me",
        "Ac\N{SOFT HYPHEN}me",
        "\N{RIGHT-TO-LEFT OVERRIDE}emcA",
        "Ａｃｍｅ",
        "𝐀cme",
        "Acme\0",
        "C\N{LATIN SMALL LETTER O}\N{COMBINING ACUTE ACCENT}ep",
        "Cбep",
        "Сбе\N{COMBINING BREVE}р",
    ],
)
def test_what_only_looks_like_a_name_is_none(name):
    assert PayerEvidence.NONE is payer.decide(named(name), Directory(CUSTOMERS)).by


KNOWS = (
    (BANK, "fp-globex", "8"),
    (BANK, "fp-new", "3", False),  # nobody has confirmed it yet
    (EMAIL, "cfo@globex.example", "8"),
    (EMAIL, "cfo@acme.example", "3"),
    (NAME, "GBX Treasury Ltd", "8"),
    (NAME, "Acme", "4"),  # corrects what the name alone would say
    (EMAIL, "shared@acme.example", "41"),
    (EMAIL, "shared@acme.example", "42"),
    (EMAIL, "broker@pay.example", "3"),
    (EMAIL, "broker@pay.example", "8"),
    (BANK, "fp-doubt", "3"),
    (BANK, "fp-doubt", "8", False),  # what waits may be right: until then neither counts
    (EMAIL, "gone@acme.example", "999"),
)


@pytest.mark.parametrize(
    ("facts", "customer_id", "by"),
    [
        ({}, "", "none"),
        # Each evidence alone.
        ({"customer_id": "8"}, "8", "id"),
        ({"customer_id": "777"}, "777", "id"),  # the source's own word, also of a customer that we haven't read yet
        ({"payer_bank": "fp-globex"}, "8", "bank_account"),
        ({"payer_bank": "FP-GLOBEX"}, "", "none"),
        ({"payer_bank": "fp-new"}, "", "none"),
        ({"payer_bank": "fp-doubt"}, "", "none"),
        ({"payer_email": " CFO@Globex.example"}, "8", "email"),
        ({"payer_email": "pay@globex.example"}, "", "none"),  # billed there, but not learned
        ({"payer_email": "gone@acme.example"}, "", "none"),
        ({"payer_email": "\N{KELVIN SIGN}@globex.example"}, "", "none"),
        ({"payer_name": "gbx treasury limited"}, "8", "name"),
        ({"payer_name": "GBX Treasury"}, "", "none"),  # a learned name keeps its legal form
        ({"payer_name": "Acme"}, "4", "name"),
        # The strictest of several of one family names the way.
        ({"customer_id": "8", "payer_bank": "fp-globex"}, "8", "id"),
        ({"payer_bank": "fp-globex", "payer_email": "pay@x.example", "payer_name": "Globex Ltd"}, "8", "bank_account"),
        ({"payer_email": "cfo@globex.example", "payer_name": "Nobody at all"}, "8", "email"),
        ({"customer_id": "41", "payer_name": "Acme"}, "41", "id"),
        # Relatives learned for one key are their head.
        ({"payer_email": "shared@acme.example"}, "4", "email"),
        # Different families: nobody, however strict one of the two is.
        ({"customer_id": "3", "payer_bank": "fp-globex"}, "", "none"),
        ({"payer_bank": "fp-globex", "payer_email": "cfo@acme.example"}, "", "none"),
        ({"payer_email": "cfo@globex.example", "payer_name": "Northfield Robotics"}, "", "none"),
        # What was learned twice and contradicts itself counts for nothing; other evidence still does.
        ({"payer_email": "broker@pay.example"}, "", "none"),
        ({"payer_email": "broker@pay.example", "payer_name": "Northfield Robotics"}, "1", "name"),
    ],
)  # fmt: skip
def test_whose_money_it_is(facts, customer_id, by):
    found = payer.decide(replace(NOTHING, **facts), taught(*KNOWS))

    assert (customer_id, by) == (found.customer_id, found.by)
    assert found.customer_id == "" or found.candidates == ()


@pytest.mark.parametrize(
    ("facts", "reason", "candidates"),
    [
        (
            {"customer_id": "3", "payer_bank": "fp-globex"},
            "The customer id and bank account name customers of different families.",
            [("3", "by the customer id"), ("8", "by the bank account")],
        ),
        (
            {"payer_name": "Twin Peaks"},
            "2 customers have the payer's name.",
            [("5", "has this name"), ("6", "has this name")],
        ),
        (
            {"payer_bank": "fp-new"},
            "What was learned about the payer is contradictory, or waits for a second person.",
            [("3", "learned by bank account, not confirmed by a second person")],
        ),
        (
            {"payer_email": "pay@globex.example"},
            "No customer is known by what the source says of the payer.",
            [("8", "is billed at this e-mail address")],
        ),
        (
            {"payer_name": "NORTHFIELD ROBOTIX"},
            "No customer is known by what the source says of the payer.",
            [("1", "has a name like it, 86 %")],
        ),
        ({"payer_name": "Quite another one"}, "No customer is known by what the source says of the payer.", []),
    ],
)
def test_what_is_shown_to_a_person(facts, reason, candidates):
    found = payer.decide(replace(NOTHING, **facts), taught(*KNOWS))

    assert (reason, candidates) == (found.reason, [(one.customer_id, one.why) for one in found.candidates])


def test_the_likest_names_come_first_and_five_are_enough():
    book = Directory(tuple(Customer(str(n), "Northfield Robotics" + " and more" * n) for n in range(1, 9)))
    found = payer.decide(named("Northfield Robotic"), book)

    assert ["1", "2", "3"] == [one.customer_id for one in found.candidates][:3]
    assert len(found.candidates) <= payer.CANDIDATES_MAX


@given(st.text(max_size=60))
def test_no_text_is_too_odd_for_a_name(text):
    found = payer.decide(replace(named(text), payer_email=text, payer_bank=text), taught(*KNOWS))

    assert (found.customer_id == "") == (found.by is PayerEvidence.NONE)
    assert found.reason


@given(st.text(alphabet="AaBb .,-éÉ&'", min_size=1, max_size=12), st.permutations(CUSTOMERS))
def test_the_order_of_the_customers_changes_nothing(text, customers):
    book = tuple(replace(one, name=f"{text}{number % 3}") for number, one in enumerate(CUSTOMERS))
    shuffled = tuple(next(other for other in book if other.id == one.id) for one in customers)

    assert payer.decide(named(text + "0"), Directory(book)) == payer.decide(named(text + "0"), Directory(shuffled))


@given(st.sampled_from(CUSTOMERS), st.sampled_from(CUSTOMERS))
def test_one_more_customer_of_a_name_only_ever_takes_it_away(one, other):
    """A name that decided may stop to decide; it never moves to another customer."""
    before = payer.decide(named(one.name), Directory(CUSTOMERS))
    after = payer.decide(named(one.name), Directory((*CUSTOMERS, replace(other, id="new"))))

    assert after.customer_id in (before.customer_id, "")


@given(st.sampled_from([fact for fact in KNOWS if len(fact) == 3]))
def test_what_is_learned_says_nothing_about_other_payers(fact):
    stranger = replace(NOTHING, payer_bank="fp-other", payer_email="a@other.example", payer_name="Somebody Else")

    assert PayerEvidence.NONE is payer.decide(stranger, taught(fact)).by
