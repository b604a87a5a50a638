"""MT940 and MT942: what banks really write, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from bank_cases import IBAN, mt940

from connector.adapters.bank_statement_mt940 import read
from connector.adapters.bank_statement_values import Entry, Statement, Unfinished, Unreadable, fingerprint
from connector.money import Money

HEAD = f":20:S\n:25:{IBAN}\n:28C:00011/001\n:60F:C261101EUR100,00\n"


def statement(text: str) -> Statement:
    contents = read(text)

    assert () == contents.broken
    [found] = contents.statements
    return found


def entry(line: str, details: str = "", currency: str = "EUR") -> Entry:
    """The one entry of a statement with this :61: and :86:."""
    text = HEAD.replace("EUR", currency) + f":61:{line}\n" + (f":86:{details}\n" if details else "")
    [found] = statement(text + f":62F:C261102{currency}0,00\n-").entries
    return found


def test_a_statement_says_whose_it_is_and_what_lies_between_its_balances() -> None:
    found = statement(mt940("261102", "100.00", [("50.00", "REF1", "INV-1"), ("-20.00", "", "rent")], number="11/1"))

    assert (IBAN, "EUR", "11/1", date(2026, 11, 2)) == (
        found.account,
        found.currency,
        found.number,
        found.closing_on,
    )
    assert (Money(10000, "EUR"), Money(13000, "EUR"), Money(3000, "EUR")) == (
        found.opening,
        found.closing,
        found.booked,
    )


# :61: -> amount, value day, booking day, the bank's reference, is it taken back
LINES = [
    ("2611021102C50,00NTRFNONREF//REF1", 5000, "2026-11-02", "2026-11-02", "REF1", False),
    ("261102C50,NTRFNONREF", 5000, "2026-11-02", "2026-11-02", "", False),  # no booking day, no decimals
    ("2611031102CR50,5NTRFNONREF", 5050, "2026-11-03", "2026-11-02", "", False),  # R: third letter of EUR
    ("2611021102D50,00NTRFNONREF", -5000, "2026-11-02", "2026-11-02", "", False),
    ("2611021102RC50,00NTRFNONREF//X", -5000, "2026-11-02", "2026-11-02", "X", True),  # a credit taken back
    ("2611021102RD50,00NTRFNONREF", 5000, "2026-11-02", "2026-11-02", "", True),  # a debit taken back
    ("2611021102RCR50,00NTRFNONREF", -5000, "2026-11-02", "2026-11-02", "", True),
    ("2611021102D50,00NRTINONREF", -5000, "2026-11-02", "2026-11-02", "", True),  # RTI: returned item
    ("2612310102C1,00NTRFNONREF", 100, "2026-12-31", "2027-01-02", "", False),  # the January nearest to the statement
    ("260230C1,00NTRFNONREF", 100, "2026-02-28", "2026-11-02", "", False),  # 30 February of interest months
    ("2611021102C50,00NTRFNONREF//NONREF", 5000, "2026-11-02", "2026-11-02", "", False),
    ("2611021102C50,00NTRFBIPI-dvT1FzfMqvzF5HaU4oetlH7S//2022070616391534", 5000, "2026-11-02", "2026-11-02",
     "2022070616391534", False),
]  # fmt: skip


@pytest.mark.parametrize(("line", "minor", "value_on", "booked_on", "reference", "reverses"), LINES)
def test_a_line_is_read_to_the_cent(
    line: str, minor: int, value_on: str, booked_on: str, reference: str, reverses: bool
) -> None:
    found = entry(line)

    assert (Money(minor, "EUR"), date.fromisoformat(value_on), date.fromisoformat(booked_on), reference, reverses) == (
        found.amount,
        found.value_on,
        found.booked_on,
        found.reference,
        found.reverses,
    )


@pytest.mark.parametrize(
    ("line", "currency", "expected"),
    [
        ("261102C5000,NTRFNONREF", "JPY", Money(5000, "JPY")),
        ("261102C5,123NTRFNONREF", "BHD", Money(5123, "BHD")),
        ("261102C5,1NTRFNONREF", "KWD", Money(5100, "KWD")),
    ],
)
def test_currencies_without_decimals_and_with_three(line: str, currency: str, expected: Money) -> None:
    assert expected == entry(line, currency=currency).amount


# :86: -> text, payer's name, whose account it came from
DETAILS = [
    (
        "166?00GUTSCHRIFT?109310?20EREF+E2E-4711?21KREF+K1?22SVWZ+Rechnungen INV-1000 un?23d INV-1001?30BYLADEM1001"
        "?31DE02120300000000202051?32ACME MASCHINENBAU GMBH?33 & CO KG?34000",
        "Rechnungen INV-1000 und INV-1001\nE2E-4711",
        "ACME MASCHINENBAU GMBH & CO KG",
        "DE02120300000000202051",
    ),
    # A full subfield goes on in the next; a shorter one ends the line, so two numbers are not glued together.
    ("166?00X?20SVWZ+RE 4711?21RE 4712?32ACME", "RE 4711\nRE 4712", "ACME", ""),
    (
        "051?00UEBERWEISUNG?20RE 4711 VOM 01.10.2026 KDNR?21 12345?32ACME",
        "RE 4711 VOM 01.10.2026 KDNR 12345",
        "ACME",
        "",
    ),
    ("166>00X>20SVWZ+WHAT? INV-1>32ACME", "WHAT? INV-1", "ACME", ""),  # another separator; ? is text
    ("166?00X?20EREF+NOTPROVIDED?21SVWZ+INV-1?32ACME", "INV-1", "ACME", ""),
    ("166?00X?20SVWZ+A+B INV-1?32ACME", "A+B INV-1", "ACME", ""),  # a plus sign is text
    # A keyword inside of the purpose, after a blank, begins a new part; the creditor's mandate is no purpose.
    ("171?00X?20EREF+E1 MREF+M-1 SVWZ+INV-9?32ACME", "INV-9\nE1", "ACME", ""),
    (
        "/TRTP/SEPA OVERBOEKING/IBAN/NL91ABNA0417164300/BIC/ABNANL2A/NAME/Acme B.V./REMI/INV-1 INV-2/EREF/E2E-1",
        "INV-1 INV-2\nE2E-1",
        "Acme B.V.",
        "NL91ABNA0417164300",
    ),
    (
        "/EREF/E2E-2//CNTP/NL91ABNA0417164300/ABNANL2A/Acme B.V.///REMI/USTD//INV-1/",
        "INV-1\nE2E-2",
        "Acme B.V.",
        "NL91ABNA0417164300",
    ),
    ("INVOICE 1000 ACME", "INVOICE 1000 ACME", "", ""),
]


@pytest.mark.parametrize(("details", "text", "name", "number"), DETAILS)
def test_each_form_of_a_description_is_understood(details: str, text: str, name: str, number: str) -> None:
    found = entry("2611021102C50,00NTRFNONREF", details)

    assert (text, name, fingerprint(number)) == (found.text, found.payer_name, found.payer_bank)


def test_a_description_of_several_lines_is_one_text() -> None:
    """Subfields are cut by the bank at any place; a free text only where its lines are full."""
    cut = "166?00GUTSCHRIFT?20SVWZ+Rechnung INV-10\n00?32ACME MASCHI\nNENBAU"
    free = "A" * 60 + "INV-1" + "\n" + "000 thank you\nsecond line"

    assert ("Rechnung INV-1000", "ACME MASCHINENBAU") == (
        (found := entry("261102C5,NTRFNONREF", cut)).text,
        found.payer_name,
    )
    assert "A" * 60 + "INV-1000 thank you\nsecond line" == entry("261102C5,NTRFNONREF", free).text


def test_what_the_bank_says_of_the_statement_is_no_payers_word() -> None:
    found = statement(
        HEAD + ":61:261102C50,00NTRFNONREF\n:86:INV-1\n:62F:C261102EUR150,00\n:64:C261102EUR150,00\n"
        ":86:YOUR CREDIT LINE INV-999\n-"
    )

    assert ["INV-1"] == [one.text for one in found.entries]


def test_the_supplementary_details_stand_in_for_a_missing_description() -> None:
    assert "INV-77 ACME" == entry("2611021102C50,00NTRFNONREF//REF1\nINV-77 ACME").text


# type, description -> method
METHODS = [
    ("S103", "x", "wire"),
    ("NTRF", "x", "wire"),
    ("NTRF", "166?00X?20INV-1", "ach"),
    ("NCHK", "x", "check"),
    ("NTRF", "070?00X?20INV-1", "check"),
    ("NMSC", "x", ""),
]


@pytest.mark.parametrize(("code", "details", "method"), METHODS)
def test_the_codes_tell_how_the_money_came(code: str, details: str, method: str) -> None:
    assert method == entry(f"261102C5,{code}NONREF", details).method


@pytest.mark.parametrize(
    "details", ["109?00RETOURE?20EREF+E1", "/RTRN/MS03/REMI/USTD//back/EREF/E1/"], ids=["germany", "slashes"]
)
def test_a_debit_may_say_that_it_is_a_return(details: str) -> None:
    found = entry("2611021102D50,00NTRFNONREF", details)

    assert found.reverses
    assert "E1" in found.references


def test_line_ends_and_the_frame_of_swift_do_not_matter() -> None:
    plain = mt940("261102", "100.00", [("50.00", "R", "INV-1")])
    framed = "{1:F01BANKDEFFAXXX0000000000}{2:O9400000}{4:\n" + plain.removesuffix("-\n") + "-}{5:{CHK:123}}\n"

    assert statement(plain) == statement(plain.replace("\n", "\r\n"))
    assert statement(plain).entries == statement(framed).entries


def test_an_account_may_come_with_its_bank() -> None:
    assert IBAN == statement(mt940("261102", "1.00", []).replace(f":25:{IBAN}", f":25P:{IBAN}\nBANKDEFF")).account


def test_several_statements_in_one_file_are_several() -> None:
    first, second = (mt940(day, "100.00", [("5.00", day, "x")]) for day in ("261102", "261103"))

    assert [date(2026, 11, 2), date(2026, 11, 3)] == [one.closing_on for one in read(first + second).statements]


def test_pages_open_and_close_with_interim_balances() -> None:
    found = statement(HEAD.replace("60F", "60M") + ":61:261102C1,NTRFNONREF\n:62M:C261102EUR101,00\n-")

    assert (Money(10000, "EUR"), Money(10100, "EUR")) == (found.opening, found.closing)


def test_an_interim_report_closes_nothing() -> None:
    found = statement(
        f":20:S\n:25:{IBAN}\n:28C:1/1\n:34F:EUR0,\n:13D:2611021130+0100\n:61:261102C50,00NTRFNONREF//R\n:86:INV-1\n"
        ":61:261103EC7,00NTRFNONREF\n:90D:0EUR0,\n:90C:1EUR50,\n-"
    )

    assert (False, date(2026, 11, 2), datetime(2026, 11, 2, 10, 30, tzinfo=UTC), None) == (
        found.is_final,
        found.closing_on,
        found.made_at,
        found.closing,
    )
    assert [(Money(5000, "EUR"), False), (Money(700, "EUR"), False)] == [
        (one.amount, one.is_booked) for one in found.entries
    ]


# what is wrong -> why the statement counts for nothing
BROKEN = [
    (HEAD.replace("C261101EUR100,00", "C261101EUR") + ":62F:C261102EUR0,00\n", "is no balance"),
    (HEAD.replace("C261101", "C261301") + ":62F:C261102EUR0,00\n", "is no day"),
    (HEAD + ":61:2611021102C50,00\n:62F:C261102EUR150,00\n", "can't be read"),
    (HEAD + ":61:2611021102C1.050,00NTRFNONREF\n:62F:C261102EUR150,00\n", "can't be read"),
    (HEAD + ":61:2611021102C50,001NTRFNONREF\n:62F:C261102EUR150,00\n", "more than 2 decimals"),
    (HEAD + ":62F:C261102USD100,00\n", "opens in EUR and closes in USD"),
    (HEAD + ":60F:C261101EUR100,00\n:62F:C261102EUR100,00\n", ":60F: twice"),
    (HEAD.replace(f":25:{IBAN}\n", "") + ":62F:C261102EUR100,00\n", "names no account"),
    (HEAD.replace(":60F:C261101EUR100,00\n", "") + ":62F:C261102EUR100,00\n", "neither an opening balance"),
    (HEAD.replace("EUR100,00", "EUR999999999999999999,00") + ":62F:C261102EUR100,00\n", "is no balance"),
]


@pytest.mark.parametrize(("text", "reason"), BROKEN, ids=[reason for _, reason in BROKEN])
def test_a_statement_that_does_not_hold_costs_only_itself(text: str, reason: str) -> None:
    if "neither an opening" in reason:
        reason = "no opening balance"
    contents = read(text + "-\n" + mt940("261103", "7.00", []))

    assert 1 == len(contents.statements)
    [broken] = contents.broken
    assert reason in broken.reason


def test_a_file_that_ends_too_soon_is_unfinished() -> None:
    with pytest.raises(Unfinished):
        read(mt940("261101", "1.00", []) + HEAD + ":61:261102C1,NTRFNONREF\n:86:INV")


@pytest.mark.parametrize("text", ["", "hello", ":61:261102C1,NTRFNONREF\n", ":86:x\n:20:S\n"])
def test_what_is_no_mt940_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        read(text)
