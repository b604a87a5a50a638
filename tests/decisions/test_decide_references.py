"""Which invoices does a remittance name?"""

from __future__ import annotations

import pytest
from decision_cases import invoice, payment, usd
from hypothesis import given
from hypothesis import strategies as st

from connector.decisions.matching.references import TEXT_CHARACTERS_MAX, Book, mentioned, shown
from connector.receivables import Payment

INVOICES = (
    invoice("INV-1001", "100.00"),
    invoice("0280670965", "50.39"),
    invoice("280670966", "60.00"),
    invoice("INV-10", "70.00"),
    invoice("A/77/2026", "80.00", id="77", po_number="PO-555"),
    invoice("7", "90.00"),
    invoice("2026", "95.00"),
    invoice("RENT", "99.00"),
    invoice("0099990001", "10.00", customer_id="C9"),
)


def read(text: str, amount: str = "100.00") -> tuple[list[str], list[str]]:
    """The numbers that are named, and whatever is not known."""
    book = Book(INVOICES, frozenset({"C1"}))
    reading = book.read_text(payment(amount, text), "USD")
    known = {usd(amount).minor, *(i.balance.minor for i in reading.named)}
    strange = [*(shown(token.text) for token in reading.unexplained), *(shown(token.text) for token in reading.traces)]
    strange += [f"{minor}" for minor in reading.amounts if minor not in known]
    return [i.number for i in reading.named], [*reading.unknown, *strange, *(i.number for i in reading.foreign)]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("INV-1001", ["INV-1001"]),
        ("payment for inv-1001.", ["INV-1001"]),
        ("(INV-1001)", ["INV-1001"]),
        ("#INV-1001;", ["INV-1001"]),
        ("INV-1001/INV-10", ["INV-10", "INV-1001"]),
        ("RMR*IV*INV-1001**100.00~", ["INV-1001"]),
        ("<b>INV-1001</b>", ["INV-1001"]),
        ("0280670965", ["0280670965"]),
        ("A/77/2026", ["A/77/2026"]),
        ("A/77/2026 PO-555", ["A/77/2026"]),
        ("invoice 7", ["7"]),
        ("invoices #7 and 2026", ["2026", "7"]),
        ("INV-1001 of 2026-09-01, 100.00 USD", ["INV-1001"]),
        ("INV-1001 $100.00", ["INV-1001"]),
        ("INV-1001 ch_1", ["INV-1001"]),
    ],
)
def test_a_whole_token_names_its_invoice(text, named):
    assert (named, []) == read(text)


@pytest.mark.parametrize(
    "text",
    [
        "INV-10011",
        "XINV-1001",
        "INV-1001-2",
        "INV-01001",
        "INV--1001",
        "280670965",  # leading zeros count
        "0280670966",
        "00280670965",
        "INV-100\u200b1",  # a blank of no width
        "\u202eINV-1001",  # right to left
        "INV-10\x001",
        "\u0406NV-1001",  # a Cyrillic letter
        "INV-1OO1",
        "INV-lOOl",
        "INV-\u0661\u0660\u0660\u0661",  # Arabic-Indic digits
        "\uff29\uff2e\uff36-\uff11\uff10\uff10\uff11",  # full width
        "0099990001",  # another family's
        "invoice 9",
        "#9",
        "PO-555",
        "CM-12",
        "1,000.00",
        "33.00",
    ],
)
def test_what_only_looks_like_a_number_names_nothing_and_is_told(text):
    named, unknown = read(text)

    assert [] == named
    assert [] != unknown
    assert all(token.isascii() and token.isprintable() for token in unknown)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n\t ",
        "thank you",
        "rent",  # a number without a digit is a word
        "Subscription for September 2025",
        "paid on 05/10/2026",
        "2026-10-05",
        "second reminder, 3 items",
        "Q3 services",
    ],
)
def test_plain_words_and_dates_name_nothing_and_forbid_nothing(text):
    named, unknown = read(text)

    assert ([], []) == (named, unknown)


def test_a_bare_number_of_ours_that_could_be_anything_is_asked_about():
    assert ([], ["7"]) == read("7 licences")
    assert ([], ["2026"]) == read("services in 2026")


def test_a_text_longer_than_the_bound_is_not_read():
    named, unknown = read("INV-1001 " + "x" * TEXT_CHARACTERS_MAX)

    assert ([], 1) == (named, len(unknown))


def test_metadata_and_links_are_read_strictly():
    book = Book(INVOICES, frozenset({"C1"}))
    odd: Payment = payment("1.00", ids=["", " 1001 ", "\x00", "1001' OR 1=1"], numbers=["", "inv-10"], links=["INV-1O"])
    metadata, link = book.read_metadata(odd), book.read_link(odd)

    assert ["INV-10", "INV-1001"] == [i.number for i in metadata.named]
    assert ("1001' OR 1=1", "\\x00") == tuple(sorted(metadata.unknown))
    assert ((), ("INV-1O",)) == (link.named, link.unknown)


noise = st.one_of(
    st.text(max_size=300),
    st.lists(
        st.sampled_from(
            [*"01279-/#.,:;*~ \n\t\x00\x1c\u200f\u202e\u0661", "INV", "INV-", "10", "1001", "invoice ", "0280670965"]
        ),
        max_size=40,
    ).map("".join),
)


@given(noise)
def test_no_text_crashes_or_names_what_does_not_stand_in_it(text):
    named, unknown = read(text)

    assert all(number in text.upper() for number in named)
    assert all(len(token) <= 200 and token.isprintable() for token in unknown)


@given(noise)
def test_whatever_a_text_names_is_looked_up(text):
    book = Book(INVOICES, frozenset({"C1"}))
    paid = payment("100.00", text)
    reading = book.read_text(paid, "USD")

    assert {i.number for i in (*reading.named, *reading.foreign)} <= {n.upper() for n in mentioned(paid.remittance)}


def test_numbers_are_looked_up_as_written_and_plain_words_are_not():
    paid = payment("1.00", "Rent inv-1/INV-2. #A/77/2026, \x00INV-3", numbers=[" Inv 4 ", ""], links=["9F2C-0001"])

    assert {"inv-1", "INV-2", "A/77/2026", "Inv 4", "9F2C-0001"} <= set(mentioned(paid.remittance))
    assert not {"", "Rent", "\x00INV-3"} & set(mentioned(paid.remittance))


@pytest.mark.parametrize("text", ["INV-1001 ", "1001", "\x00", "\u202e", "/", "#", "1,000", "9" * 50])
def test_megabytes_are_refused_and_not_searched(text):
    named, unknown = read(text * 1_000_000)

    assert ([], 1) == (named, len(unknown))


@pytest.mark.parametrize("text", ["1,000", "/", "#", "-", "9", "inv-", "1/", "\x00", "("])
def test_the_longest_text_that_is_read_names_nothing_by_repetition(text):
    assert [] == read(text * (TEXT_CHARACTERS_MAX // len(text)))[0]
