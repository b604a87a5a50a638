"""CSV: the profile says how to read it, and the balances prove it whatever the order of the lines."""

from __future__ import annotations

import random
from datetime import date
from typing import Any

import pytest
from bank_cases import CSV_COLUMNS, IBAN, own

from connector.adapters.bank_statement_csv import read
from connector.adapters.bank_statement_mapping import BankStatementMapping, CsvProfile, OwnAccount
from connector.adapters.bank_statement_values import Entry, Statement, Unreadable, fingerprint
from connector.money import Money

HEADING = "Ref,Booked,Value,Amount,Balance,Name,Purpose"
ROWS = [
    "R1,2026-11-02,2026-11-02,50.00,150.00,Acme,INV-1",
    "R2,2026-11-02,2026-11-03,-20.00,130.00,Landlord,rent",
    "R3,2026-11-03,2026-11-03,7.50,137.50,Beta,INV-2",
]


def profile(columns: dict[str, Any] | None = None, **more: Any) -> CsvProfile:
    wanted = {key: value for key, value in (CSV_COLUMNS | (columns or {})).items() if value}
    return CsvProfile.model_validate({"name": "plain", "columns": wanted} | more)


def account(**more: Any) -> OwnAccount:
    return OwnAccount.model_validate(own(csv_profile="plain", csv_files="*.csv") | more)


def parsed(text: str | bytes, by: CsvProfile | None = None, *accounts: OwnAccount) -> Statement:
    raw = text.encode() if isinstance(text, str) else text
    contents = read(raw, by or profile(), accounts or (account(),))

    assert () == contents.broken
    [found] = contents.statements
    return found


def only(row: str, by: CsvProfile | None = None, heading: str = HEADING) -> Entry:
    [found] = parsed(f"{heading}\n{row}\n", by).entries
    return found


def test_an_export_is_a_statement() -> None:
    found = parsed("\n".join([HEADING, *ROWS]))

    assert (IBAN, "EUR", date(2026, 11, 3), Money(10000, "EUR"), Money(13750, "EUR"), True) == (
        found.account,
        found.currency,
        found.closing_on,
        found.opening,
        found.closing,
        found.is_proved,
    )
    first = found.entries[0]
    assert ("R1", date(2026, 11, 2), "Acme", "INV-1") == (first.reference, first.value_on, first.payer_name, first.text)


@pytest.mark.parametrize("seed", range(6))
def test_the_order_of_the_lines_does_not_matter(seed: int) -> None:
    rows = random.Random(seed).sample(ROWS, len(ROWS))
    found = parsed("\n".join([HEADING, *rows]))

    assert (Money(10000, "EUR"), Money(13750, "EUR")) == (found.opening, found.closing)


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_missing_line_is_seen_unless_it_is_the_first_or_the_last(missing: int) -> None:
    rows = [row for at, row in enumerate(ROWS) if at != missing]
    contents = read("\n".join([HEADING, *rows]).encode(), profile(), [account()])

    assert (missing == 1) == bool(contents.broken)
    assert missing != 1 or "a line is missing" in contents.broken[0].reason


def test_without_balances_nothing_proves_it() -> None:
    text = "\n".join([HEADING, *ROWS])
    found = parsed(text, profile({"balance": None}))

    assert (False, None) == (found.is_proved, found.closing)


def test_lines_that_lead_back_to_where_they_began_hold_without_saying_from_where() -> None:
    found = parsed("\n".join([HEADING, "R1,2026-11-02,,5.00,105.00,a,b", "R2,2026-11-02,,-5.00,100.00,a,b"]))

    assert (None, True) == (found.closing, found.is_proved)


# ---- amounts, days, texts ----

NUMBERS = [
    ("1234.56", {}, 123456),
    ("1,234.56", {"thousands": ","}, 123456),
    ("1.234,56", {"decimal": ",", "thousands": "."}, 123456),
    ("1.234.567,8", {"decimal": ",", "thousands": "."}, 123456780),
    ("-1.234,56", {"decimal": ",", "thousands": "."}, -123456),
    ("1.234,56-", {"decimal": ",", "thousands": "."}, -123456),
    ("(1,234.56)", {"thousands": ","}, -123456),
    ("+12.00", {}, 1200),
    ("\N{MINUS SIGN}12.00", {}, -1200),
    ("1'234.56", {"thousands": "'"}, 123456),
    ("1 234,56", {"decimal": ",", "thousands": " "}, 123456),
    ("1\N{NO-BREAK SPACE}234,56", {"decimal": ",", "thousands": " "}, 123456),
    ("12", {}, 1200),
]


@pytest.mark.parametrize(("text", "signs", "minor"), NUMBERS)
def test_amounts_are_read_by_the_profiles_signs(text: str, signs: dict[str, str], minor: int) -> None:
    by = profile({"balance": None}, delimiter=";", **signs)
    heading = HEADING.replace(",", ";")

    assert minor == only(f"R1;2026-11-02;;{text};;Acme;INV-1", by, heading).amount.minor


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("1,234", {"decimal": ".", "thousands": ""}),
        ("1.234", {"decimal": ",", "thousands": ""}),
        ("1,23,4.00", {"thousands": ","}),
        ("12.345", {}),  # more decimals than the currency has
        ("1e3", {}),
        ("", {}),
        ("EUR 5", {}),
        ("5.00.1", {}),
        ("9" * 40, {}),
    ],
)
def test_an_amount_that_may_mean_two_things_is_refused(text: str, signs: dict[str, str]) -> None:
    by = profile({"balance": None}, delimiter=";", **signs)
    contents = read(f"{HEADING.replace(',', ';')}\nR1;2026-11-02;;{text};;A;B".encode(), by, [account()])

    assert () == contents.statements
    assert "line 2" in contents.broken[0].reason


def test_both_sides_may_have_a_column() -> None:
    by = profile({"amount": None, "credit": "In", "debit": "Out", "balance": None})
    heading = "Ref,Booked,Value,In,Out,Name,Purpose"

    assert [500, -300, -300] == [
        only(f"R,2026-11-02,,{sides},a,b", by, heading).amount.minor for sides in ("5.00,", ",3.00", ",-3.00")
    ]
    for sides in ("5.00,3.00", ","):
        assert read(f"{heading}\nR,2026-11-02,,{sides},a,b".encode(), by, [account()]).broken


def test_a_column_may_say_the_side() -> None:
    by = profile({"direction": "Side", "balance": None}, credit_words=["Haben"], debit_words=["Soll"])
    heading = "Ref,Booked,Value,Amount,Side,Name,Purpose"

    assert [500, -500] == [
        only(f"R,2026-11-02,,5.00,{word},a,b", by, heading).amount.minor for word in ("haben", "SOLL")
    ]
    assert read(f"{heading}\nR,2026-11-02,,5.00,?,a,b".encode(), by, [account()]).broken


@pytest.mark.parametrize(
    ("form", "text"), [("%d.%m.%Y", "03.11.2026"), ("%m/%d/%Y", "11/03/2026"), ("%d-%b-%y", "03-Nov-26")]
)
def test_days_are_read_by_the_profiles_form(form: str, text: str) -> None:
    found = only(f"R1,{text},,5.00,,A,B", profile({"balance": None}, date_format=form))

    assert (date(2026, 11, 3), date(2026, 11, 3)) == (found.booked_on, found.value_on)


def test_the_payer_the_texts_and_the_codes() -> None:
    columns = {
        "payer_account": "Acct",
        "text": ["Purpose", "Note"],
        "end_to_end": "E2E",
        "code": "Type",
        "state": "State",
        "balance": None,
    }
    by = profile(columns, return_codes=["*return*"], methods={"*wire*": "wire"}, pending_words=["Pending"])
    heading = "Ref,Booked,Value,Amount,Acct,Name,Purpose,Note,E2E,Type,State"
    wire = only("R1,2026-11-02,,5.00,DE02 1203 0000 0000 2020 51,Acme,INV-1,x,E1,Foreign Wire,done", by, heading)
    back = only("R1,2026-11-02,,-5.00,,Acme,,,E1,Return of ACH,pending", by, heading)

    assert ("INV-1\nx\nE1", fingerprint("DE02120300000000202051"), "wire", True, False) == (
        wire.text,
        wire.payer_bank,
        wire.method,
        wire.is_booked,
        wire.reverses,
    )
    assert (True, False, ("R1", "E1")) == (back.reverses, back.is_booked, back.references)


# ---- the file around the table ----


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "windows-1252", "utf-16"])
def test_encodings_and_marks(encoding: str) -> None:
    text = f"{HEADING}\r\nR1,2026-11-02,,5.00,,Müller,INV-1\r\n"
    by = profile({"balance": None}, encoding=encoding)
    found = parsed(text.encode("cp1252" if encoding == "windows-1252" else encoding), by)

    assert "Müller" == found.entries[0].payer_name
    assert encoding != "utf-8" or "Müller" == parsed(text.encode("utf-8-sig"), by).entries[0].payer_name


def test_what_stands_above_and_below_the_table_is_left_out() -> None:
    text = "\n".join(["Account 1", "", HEADING, *ROWS, "", "Total,,,,,,"])

    assert 3 == len(parsed(text, profile(skip_rows=2, footer_rows=1)).entries)


def test_a_field_may_hold_the_delimiter_and_a_line_break() -> None:
    assert (
        "INV-1, INV-2\nand 3" == only('R1,2026-11-02,,5.00,,A,"INV-1, INV-2\nand 3"', profile({"balance": None})).text
    )


def test_one_file_may_hold_several_accounts() -> None:
    by = profile({"account": "Acct", "currency": "Ccy", "balance": None})
    heading = "Acct,Ccy,Ref,Booked,Value,Amount,Name,Purpose"
    text = (
        f"{heading}\n1111,EUR,R1,2026-11-02,,5.00,a,b\n2222,USD,R2,2026-11-02,,x,a,b\n1111,USD,R3,2026-11-02,,6.00,a,b"
    )
    contents = read(text.encode(), by, [account(number="1111"), account(number="2222")])

    assert [("1111", "EUR"), ("1111", "USD")] == [(one.account, one.currency) for one in contents.statements]
    assert ["2222"] == [one.account for one in contents.broken]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (HEADING.replace("Value", "Valuta") + "\n" + ROWS[0], "the columns Value of the profile plain are not in it"),
        (f"{HEADING},Amount\n{ROWS[0]},5.00", "the column Amount is there twice"),
        (f"{HEADING}\n{ROWS[0]},extra", "line 2 has 8 fields, the heading has 7"),
        (f'{HEADING}\nR1,2026-11-02,,5.00,,"A,B', "is no CSV"),
        (f"{HEADING}\n\0", "signs that no text has"),
        ("", "no heading"),
        (f"{HEADING}\nR1,2026-11-02,,5.00,,A,{'x' * 10_001}", "more than 10000 signs"),
    ],
)
def test_a_file_that_is_not_as_the_profile_says_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read(text.encode(), profile(), [account()])


def test_a_file_in_another_encoding_is_refused() -> None:
    with pytest.raises(Unreadable, match="not text in utf-8"):
        read(f"{HEADING}\nMüller".encode("latin-1"), profile(), [account()])


# what is changed in a good mapping -> what is said
MISTAKES = [
    ({"columns": {"booked_on": "B"}}, "needs either amount, or credit and debit"),
    ({"columns": {"booked_on": "B", "amount": "A", "credit": "C", "debit": "D"}}, "needs either amount"),
    ({"columns": {"booked_on": "B", "credit": "C"}}, "needs either amount"),
    ({"columns": {"booked_on": "B", "credit": "C", "debit": "D", "direction": "X"}}, "it needs amount"),
    ({"columns": {"booked_on": "B", "amount": "A"}, "decimal": ",", "thousands": ","}, "not be the same sign"),
    ({"columns": {"booked_on": "B", "amount": "A"}, "pending_words": ["x"]}, "the column state"),
    ({"columns": {"booked_on": "B", "amount": "A"}, "return_codes": ["x"]}, "the column code"),
    ({"columns": {"booked_on": "B", "amount": "A"}, "date_format": "%Y"}, "day, month and year"),
]


@pytest.mark.parametrize(("given", "reason"), MISTAKES)
def test_a_profile_that_can_not_be_right_is_refused(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        CsvProfile.model_validate({"name": "x"} | given)


@pytest.mark.parametrize(
    ("accounts", "reason"),
    [
        ([own(), own()], "is there twice"),
        ([own(), own(number="4711", other_numbers=["DE89 3704 0044 0532 0130 00"])], "is there twice"),
        ([own(csv_profile="x", csv_files="*")], "no CSV profile 'x'"),
        ([own(csv_files="*.csv")], "belong together"),
        ([own(currency="EURO")], "no ISO 4217 currency"),
        ([own(number="12")], "account number"),
    ],
)
def test_accounts_that_can_not_be_right_are_refused(accounts: list[dict[str, Any]], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        BankStatementMapping.model_validate({"accounts": accounts})


def test_one_account_may_have_several_currencies() -> None:
    mapping = BankStatementMapping.model_validate({"accounts": [own(), own(currency="USD", ledger_account="222")]})

    assert ["221", "222", None] == [
        found and found.ledger_account for found in (mapping.own(IBAN, c) for c in ("EUR", "USD", "GBP"))
    ]
    assert mapping.own(f"{IBAN}EUR", "EUR") is not None
