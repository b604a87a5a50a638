"""BAI2: continuations, funds types, and trailers that must agree."""

from __future__ import annotations

from datetime import date

import pytest
from bank_cases import bai2

from connector.adapters.bank_statement_bai2 import read
from connector.adapters.bank_statement_values import Entry, Statement, Unfinished, Unreadable
from connector.money import Money

HEAD = "010,10000,,,015,15000,,/"


def statement(text: str) -> Statement:
    contents = read(text)

    assert () == contents.broken
    [found] = contents.statements
    return found


def entry(*records: str, currency: str = "USD") -> Entry:
    [found] = statement(bai2(HEAD, *records, currency=currency)).entries
    return found


def test_a_statement_says_whose_it_is_and_what_lies_between_its_balances() -> None:
    found = statement(bai2(HEAD, "16,195,5000,,R1,C1,INV-1/"))

    assert ("123456789", "USD", date(2026, 11, 2), True) == (
        found.account,
        found.currency,
        found.closing_on,
        found.is_final,
    )
    assert (Money(10000, "USD"), Money(15000, "USD"), Money(5000, "USD")) == (
        found.opening,
        found.closing,
        found.booked,
    )


# the records of one payment -> value day, reference, text
RECORDS = [
    (("16,195,5000,,R1,,INV-1/",), "2026-11-02", "R1", "INV-1"),
    (("16,195,5000,Z,R1,,INV-1/",), "2026-11-02", "R1", "INV-1"),
    (("16,195,5000,0,R1,,INV-1/",), "2026-11-02", "R1", "INV-1"),
    (("16,195,5000,S,0,4000,1000,R1,,INV-1/",), "2026-11-02", "R1", "INV-1"),  # available: now, in 1 and 2 days
    (("16,195,5000,S,,,,R1,,INV-1/",), "2026-11-02", "R1", "INV-1"),
    (("16,195,5000,V,261104,1200,R1,,INV-1/",), "2026-11-04", "R1", "INV-1"),
    (("16,195,5000,V,261104,,R1,,INV-1/",), "2026-11-04", "R1", "INV-1"),
    (("16,195,5000,D,2,0,4000,1,1000,R1,,INV-1/",), "2026-11-02", "R1", "INV-1"),
    (("16,195,5000,D,2/", "88,0,4000,1,1000/", "88,R1,,INV-1/"), "2026-11-02", "R1", "INV-1"),  # cut between fields
    (("16,195,5000,,R1,,INV-1, INV-2", "88,and INV-3, 4"), "2026-11-02", "R1", "INV-1, INV-2\nand INV-3, 4"),
    (("16,195,5000,,R1,,a/b INV-1/",), "2026-11-02", "R1", "a/b INV-1"),
    (("16,195,5000,,R1,CUST9,INV-1/",), "2026-11-02", "R1", "INV-1\nCUST9"),
    (("16,195,5000,,R1,,", "88,INV-1/"), "2026-11-02", "R1", "INV-1"),
    (("16,195,5000,,,,/",), "2026-11-02", "", ""),
    (("16,195,5000/",), "2026-11-02", "", ""),
    (("16,195,5000,,NONREF,,INV-1/   ",), "2026-11-02", "", "INV-1"),
    (("16,195,000000005000,,R1,,INV-1/",), "2026-11-02", "R1", "INV-1"),
]


@pytest.mark.parametrize(("records", "value_on", "reference", "text"), RECORDS)
def test_a_payment_is_read_wherever_its_record_is_cut(
    records: tuple[str, ...], value_on: str, reference: str, text: str
) -> None:
    found = entry(*records)

    assert (Money(5000, "USD"), date(2026, 11, 2), date.fromisoformat(value_on), reference, text) == (
        found.amount,
        found.booked_on,
        found.value_on,
        found.reference,
        found.text,
    )


def test_a_number_may_be_cut_off_from_its_type() -> None:
    """A continuation between a type and its amount, which a library of the format glues together."""
    found = statement(bai2("010,10000,,,015/", "88,15000,,,100,5000,1,/", "16,195,5000,,R1,,x/"))

    assert Money(15000, "USD") == found.closing


# what banks write before the payer -> his name
PARTIES = [
    ("ORIG CO NAME:ACME CORP   ORIG ID:1234567890 DESC DATE:1102 SEC:CTX", "ACME CORP"),
    ("ORG=ACME CORP;OGB=CITIBANK;OBI=INV-1", "ACME CORP"),
    ("ORIGINATOR: Acme Corp OBI: INV-1", "Acme Corp"),
    ("REMITTER=ACME", "ACME"),
    ("DEPOSIT", ""),
    ("FORGED NAME:X", ""),
]


@pytest.mark.parametrize(("text", "name"), PARTIES)
def test_the_payer_is_read_from_the_text_and_is_no_reference_in_it(text: str, name: str) -> None:
    found = entry(f"16,142,5000,,R1,,{text}", "88,INV-1/")

    assert name == found.payer_name
    assert not name or name not in found.text
    assert "INV-1" in found.text


@pytest.mark.parametrize(
    ("code", "minor", "method", "reverses"),
    [
        ("195", 5000, "wire", False),
        ("142", 5000, "ach", False),
        ("115", 5000, "check", False),
        ("399", 5000, "", False),
        ("475", -5000, "", False),
        ("555", -5000, "", True),  # a deposited check came back
        ("557", -5000, "", True),  # an ACH debit came back
        ("257", 5000, "", True),  # what we had sent came back
        ("930", 5000, "", False),  # the bank's own codes
        ("970", -5000, "", False),
    ],
)
def test_the_type_tells_the_side_and_how_the_money_came(code: str, minor: int, method: str, reverses: bool) -> None:
    found = entry(f"16,{code},5000,,R1,,x/")

    assert (minor, method, reverses, code) == (found.amount.minor, found.method, found.reverses, found.code)


@pytest.mark.parametrize("currency", ["JPY", "BHD", "USD"])
def test_amounts_are_whole_minor_units(currency: str) -> None:
    assert Money(5000, currency) == entry("16,195,5000,,R1,,x/", currency=currency).amount


@pytest.mark.parametrize(("modifier", "is_final"), [("2", True), ("4", True), ("", True), ("1", False), ("3", False)])
def test_an_interim_report_closes_nothing(modifier: str, is_final: bool) -> None:
    found = statement(bai2(HEAD, "16,195,5000,,R1,,x/", modifier=modifier))

    assert (is_final, is_final) == (found.is_final, found.entries[0].is_booked)


def test_the_sums_of_both_sides_prove_a_statement_without_an_opening_balance() -> None:
    found = statement(bai2("015,15000,,,100,5000,1,,400,0,0,/", "16,195,5000,,R1,,x/"))

    assert (None, True) == (found.opening, found.is_proved)


def test_an_account_may_be_in_the_currency_of_its_group() -> None:
    text = bai2(HEAD, currency="EUR").replace(",123456789,EUR,", ",123456789,,")

    assert "EUR" == statement(text).currency


# what is changed in a good file -> why it counts for nothing
GOOD = bai2(HEAD, "16,195,5000,,R1,,x/")
BROKEN_ACCOUNTS = [
    (
        bai2("015,15000,,,100,6000,1,,400,0,0,/", "16,195,5000,,R1,,x/"),
        "says 60.00 USD of credits, and shows 50.00 USD",
    ),
    (bai2(HEAD, "16,195,5000,Q,R1,,x/"), "funds type 'Q'"),
    (bai2(HEAD, "16,123456,5000,,R1,,x/"), "no type code"),
    (bai2(HEAD, "16,050,5000,,R1,,x/"), "neither a credit nor a debit"),
    (bai2(HEAD, "16,195,-5000,,R1,,x/"), "below zero"),
    (bai2(HEAD, "16,195,5000,V,269999,,R1,,x/"), "is no day"),
    (bai2("010,10000,,,010,10000,,/", "16,195,5000,,R1,,x/"), "is there twice"),
    (GOOD.replace(",1,261102,2359,USD,2/", ",2,261102,2359,USD,2/"), "a deletion"),
    (GOOD.replace(",1,261102,2359,USD,2/", ",4,261102,2359,USD,2/"), "a test"),
    (bai2(HEAD, currency="XXQ"), "no ISO 4217 currency"),
]


@pytest.mark.parametrize(("text", "reason"), BROKEN_ACCOUNTS, ids=[reason for _, reason in BROKEN_ACCOUNTS])
def test_an_account_that_does_not_hold_counts_for_nothing(text: str, reason: str) -> None:
    contents = read(text)

    assert () == contents.statements
    [broken] = contents.broken
    assert reason in broken.reason
    assert "123456789" == broken.account


BROKEN_FILES = [
    (GOOD.replace("16,195,5000", "16,195,5001"), "its trailer"),
    (GOOD.replace("49,30000,3/", "49,30000,4/"), "its trailer"),
    (GOOD.replace("98,30000,1,5/", "98,30000,2,5/"), "trailer of the group"),
    (GOOD.replace("99,30000,1,7/", "99,30001,1,7/"), "trailer of the file"),
    (GOOD.replace("99,30000,1,7/", "99,30000,1,8/"), "trailer of the file"),
    (GOOD.replace("49,30000,3/\n", ""), "trailer of the group"),
    (GOOD.replace("99,30000", "16,195,0,,,,/\n99,30000").replace(",1,7/", ",1,8/"), "out of its place"),
    (GOOD.replace("16,195", "17,195"), "no record of BAI2"),
    ("88,x/\n" + GOOD, "continues nothing"),
    ("03" + GOOD[2:], "does not begin"),
]


@pytest.mark.parametrize(("text", "reason"), BROKEN_FILES, ids=[reason for _, reason in BROKEN_FILES])
def test_what_was_cut_or_edited_does_not_pass(text: str, reason: str) -> None:
    try:
        said = read(text).broken[0].reason
    except Unreadable as error:
        said = str(error)

    assert reason in said


@pytest.mark.parametrize("lines", [1, 3, 6])
def test_a_file_without_its_trailer_is_unfinished(lines: int) -> None:
    with pytest.raises(Unfinished):
        read("\n".join(GOOD.splitlines()[:lines]))


def test_several_groups_and_accounts_in_one_file() -> None:
    one, other = (
        bai2(HEAD, "16,195,5000,,R1,,x/").splitlines(),
        bai2("010,1,,,015,1,,/", account="77778888").splitlines(),
    )
    total = 30000 + 2
    lines = [*one[:-1], *other[1:-1]]
    text = "\n".join([*lines, f"99,{total},2,{len(lines) + 1}/"])

    assert ["123456789", "77778888"] == [found.account for found in read(text).statements]


@pytest.mark.parametrize("text", ["", "\n", "hello", "01,", "99,0,0,1/"])
def test_what_is_no_bai2_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        read(text)
