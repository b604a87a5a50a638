"""How the statements of one account belong together: twice, overlapping, in pages, with gaps; and what came back."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from bank_cases import IBAN, own
from hypothesis import given
from hypothesis import strategies as st

from connector.adapters import bank_statement_book as books
from connector.adapters.bank_statement_book import Book
from connector.adapters.bank_statement_mapping import OwnAccount
from connector.adapters.bank_statement_values import Entry, Format, Statement
from connector.money import Money

ACCOUNT = OwnAccount.model_validate(own())
DAY = date(2026, 11, 2)


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def line(minor: int, reference: str = "", on: date = DAY, text: str = "", **more: object) -> Entry:
    return replace(
        Entry(eur(minor), on, on, reference=reference, references=(reference,) if reference else (), raw=text),
        **more,  # type: ignore[arg-type]
    )


def sheet(
    start: int | None, entries: Sequence[Entry], on: date = DAY, *, number: str = "", file: str = "", **more: object
) -> Statement:
    """A statement that opens with `start`; its closing balance follows, unless `more` says otherwise."""
    end = None if start is None else eur(start + sum(one.amount.minor for one in entries if one.is_booked))
    opening = None if start is None else eur(start)
    name = file or f"{on}.xml"
    made = Statement(Format.CAMT, IBAN, "EUR", number or f"{on:%j}", on, tuple(entries), opening, end, file=name)
    return replace(made, **more)  # type: ignore[arg-type]


def read(*statements: Statement, account: OwnAccount = ACCOUNT) -> Book:
    return books.read(account, statements)


def came(book: Book) -> list[int]:
    return sorted(found.entry.amount.minor for found in book.lines)


# ---- the same again ----


def test_the_same_statement_under_another_name_counts_once() -> None:
    one = sheet(100, [line(50, "R1"), line(50)])

    assert [50, 50] == came(read(one, replace(one, file="again.xml")))
    assert read(one).lines == read(one, replace(one, file="again.xml")).lines


def test_equal_payments_of_one_day_are_two() -> None:
    book = read(sheet(100, [line(50, text="INV-1"), line(50, text="INV-1")]))

    assert [50, 50] == came(book)
    assert 2 == len({found.id for found in book.lines})


def test_equal_payments_that_two_statements_of_one_day_show_are_two() -> None:
    """Their balances follow from one another, so the second can't be the first once more."""
    book = read(sheet(100, [line(50)], number="1"), sheet(150, [line(50)], number="2"))

    assert ([50, 50], ()) == (came(book), book.held)


def test_a_reference_that_the_bank_uses_twice_does_not_make_two_payments_one() -> None:
    same_day = read(sheet(100, [line(50, "51168", text="Acme"), line(50, "51168", text="Beta")]))
    next_day = read(
        sheet(100, [line(50, "51168")]), sheet(150, [line(50, "51168", value_on=DAY)], DAY + timedelta(days=1))
    )

    assert [50, 50] == came(same_day) == came(next_day)


@pytest.mark.parametrize("reference", ["R", ""], ids=["with reference", "without"])
def test_overlapping_statements_show_each_entry_once(reference: str) -> None:
    """Of Monday to Wednesday, and of Tuesday to Thursday."""
    days = [DAY + timedelta(days=more) for more in range(4)]
    entries = [line(10 + at, f"{reference}{at}" if reference else "", day) for at, day in enumerate(days)]
    first = sheet(100, entries[:3], days[2], number="a", file="a")
    second = sheet(110, entries[1:], days[3], number="b", file="b")

    for order in ((first, second), (second, first)):
        book = read(*order)
        assert ([10, 11, 12, 13], (), days[3]) == (came(book), book.held, book.closing_on)


def test_a_week_beside_its_days_counts_once() -> None:
    days = [DAY + timedelta(days=more) for more in range(5)]
    daily, balance, entries = [], 1000, []
    for at, day in enumerate(days):
        new = [line(100 + at, on=day), line(-30, on=day)]
        daily.append(sheet(balance, new, day))
        balance += 70 + at
        entries += new
    weekly = sheet(1000, entries, days[-1], number="W45", file="week")
    after = sheet(balance, [line(7, on=DAY + timedelta(days=7))], DAY + timedelta(days=7))

    book = read(*daily, weekly, after)

    assert (sorted([*(100 + at for at in range(5)), *[-30] * 5, 7]), ()) == (came(book), book.held)


def test_a_week_beside_its_days_counts_once_where_entries_do_not_tell_their_day() -> None:
    """MT940 without booking days: all that is known of an entry is its value day and its statement's."""
    monday, tuesday = DAY, DAY + timedelta(days=1)
    first, second = line(50, on=monday), line(60, on=monday)
    daily = [
        sheet(100, [replace(first, has_day=False)]),
        sheet(150, [replace(second, booked_on=tuesday, has_day=False)], tuesday),
    ]
    both = [replace(one, booked_on=tuesday, has_day=False) for one in (first, second)]
    week = sheet(100, both, tuesday, number="W", file="week")
    before = sheet(90, [line(10, on=DAY - timedelta(days=1))], DAY - timedelta(days=1))

    book = read(before, *daily, week)

    assert ([10, 50, 60], (), tuesday) == (came(book), book.held, book.closing_on)


def test_a_statement_of_half_a_day_and_the_whole_day_agree() -> None:
    noon = sheet(100, [line(50, "R1")], number="1", file="noon")
    night = sheet(100, [line(50, "R1"), line(60, "R2")], number="2", file="night")

    assert ([50, 60], ()) == (came(read(noon, night)), read(noon, night).held)


def test_the_same_day_in_two_formats_counts_once_where_references_agree() -> None:
    one = sheet(100, [line(50, "R1", text="INV-1 from camt"), line(60, "R2")])
    other = replace(one, format=Format.MT940, number="", entries=(line(50, "R1", text="INV-1"), line(60, "R2")))

    assert ([50, 60], ()) == (came(read(one, other)), read(one, other).held)


def test_two_pictures_of_a_day_that_differ_are_both_held() -> None:
    one = sheet(100, [line(50, text="INV-1 in camt")], file="one")
    other = replace(one, format=Format.MT940, number="", entries=(line(50, text="INV-1"),), file="other")
    book = read(one, other, sheet(40, [line(60, on=DAY - timedelta(days=1))], DAY - timedelta(days=1)))

    assert [60] == came(book)
    assert ["overlap", "overlap"] == [held.field for held in book.held]
    assert {"it and one both show 2026-11-02", "it and other both show 2026-11-02"} == {
        held.reason.partition(",")[0] for held in book.held
    }
    assert "`format`" in book.held[0].reason
    assert DAY - timedelta(days=1) == book.closing_on


# ---- sums, pages ----


def test_a_statement_that_does_not_add_up_counts_for_nothing() -> None:
    book = read(sheet(100, [line(50)], closing=eur(160)))

    assert ([], None) == (came(book), book.closing_on)
    assert "opens with 1.00 EUR, its entries add up to 0.50 EUR, and it closes with 1.60 EUR" in book.held[0].reason


def test_what_is_announced_is_no_part_of_the_sum() -> None:
    assert [50] == came(read(sheet(100, [line(50), line(70, is_booked=False)])))


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        ({"opening": None, "closing": None}, False),
        ({"opening": None}, False),
        ({"opening": None, "is_proved": True}, True),
        ({"opening": None, "closing": None, "is_proved": True}, True),
        ({"opening": None, "closing": None, "format": Format.CSV}, True),
    ],
)
def test_a_statement_must_be_proved(change: dict[str, Any], counts: bool) -> None:
    book = read(replace(sheet(100, [line(50)]), **change))

    assert counts == bool(book.lines)
    assert counts != bool(book.held)


def test_an_opening_balance_follows_where_the_sums_are_proved() -> None:
    """So a missing statement is seen all the same."""
    later = DAY + timedelta(days=2)
    book = read(sheet(100, [line(50)]), sheet(900, [line(5, on=later)], later, opening=None, is_proved=True))

    assert ["gap"] == [held.field for held in book.held]


def test_pages_are_put_together() -> None:
    first = sheet(100, [line(50)], closing=None, pages=(1, False), file="1")
    second = sheet(None, [line(50)], closing=eur(200), pages=(2, True), file="2")

    for order in ((first, second), (second, first)):
        assert ([50, 50], ()) == (came(read(*order)), read(*order).held)
    assert ["pages"] == [held.field for held in read(second).held]


def test_pages_may_repeat_the_balances_of_the_whole_or_have_their_own() -> None:
    repeated = [sheet(100, [line(50)], closing=eur(200), pages=(n, n == 2), number="7", file=f"{n}") for n in (1, 2)]
    own_ones = [
        sheet(100, [line(50)], pages=(1, False), number="7", file="1"),
        sheet(150, [line(50)], pages=(2, True), number="7", file="2"),
    ]

    for pages in (repeated, own_ones):
        assert ([50, 50], ()) == (came(read(*pages)), read(*pages).held)


# ---- gaps ----


def days(*balances: tuple[int, int]) -> list[Statement]:
    """One statement a day: opening balance and what came."""
    return [
        sheet(opening, [line(more, f"R{at}", DAY + timedelta(days=at))] if more else [], DAY + timedelta(days=at))
        for at, (opening, more) in enumerate(balances)
    ]


def test_days_that_follow_from_one_another_vouch_up_to_the_last() -> None:
    statements = days((100, 10), (110, 0), (110, 20), (130, 0))
    random.Random(1).shuffle(statements)

    assert (DAY + timedelta(days=3), ()) == ((book := read(*statements)).closing_on, book.held)


def test_after_a_gap_nothing_is_vouched_for_and_what_came_still_counts() -> None:
    statements = days((100, 10), (110, 5), (115, 20), (135, 1))
    book = read(statements[0], *statements[2:])

    assert ([1, 10, 20], DAY, DAY + timedelta(days=3)) == (came(book), book.closing_on, book.newest_on)
    [held] = book.held
    assert "between the statements of 2026-11-02 and 2026-11-04" in held.reason
    assert "ends with 1.10 EUR, the other begins with 1.15 EUR" in held.reason


def test_a_gap_that_a_person_has_accepted_is_none() -> None:
    statements = days((100, 10), (110, 5), (115, 20))
    account = OwnAccount.model_validate(own(gaps_accepted_on=["2026-11-04"]))
    book = read(statements[0], statements[2], account=account)

    assert (DAY + timedelta(days=2), ()) == (book.closing_on, book.held)


def test_a_gap_before_the_cutover_is_none_of_ours() -> None:
    account = OwnAccount.model_validate(own(cutover_on="2026-11-04"))
    statements = days((100, 10), (110, 5), (115, 20))

    assert () == read(statements[0], statements[2], account=account).held


def test_an_entry_booked_late_makes_no_gap_and_no_conflict() -> None:
    """The statement of the 3rd shows one more entry of the 2nd."""
    statements = days((100, 10), (110, 20))
    late = sheet(110, [line(20, "R1", DAY + timedelta(days=1)), line(3, "late", DAY)], DAY + timedelta(days=1))
    after = sheet(133, [], DAY + timedelta(days=2))
    book = read(statements[0], late, after)

    assert ([3, 10, 20], (), DAY + timedelta(days=2)) == (came(book), book.held, book.closing_on)


def test_without_any_statement_nothing_is_vouched_for() -> None:
    assert (None, None) == ((book := read()).closing_on, book.newest_on)


# ---- what came back ----


def test_a_receipt_that_its_return_names_is_returned() -> None:
    receipt = line(50, "R1", references=("R1", "E2E-1"))
    back = line(-50, "R9", reverses=True, references=("R9", "E2E-1"))
    book = read(sheet(100, [receipt, line(50, "R2")]), sheet(200, [back], DAY + timedelta(days=1), number="x"))

    assert {"R1": True, "R2": False} == {
        found.entry.reference: found.returned_on is not None for found in book.lines if found.entry.amount.minor > 0
    }
    assert () == book.held


# the references of two receipts of 0.50, those of the return and its amount -> why nobody knows which came back
DOUBTS = [
    (("A", "B"), ("C",), -50, "no receipt of that amount"),
    (("A", "B"), (), -50, "no receipt of that amount"),
    (("A", "A"), ("A",), -50, "several receipts"),
    (("A", "B"), ("A",), -49, "no receipt of that amount"),
]


@pytest.mark.parametrize(("receipts", "names", "minor", "reason"), DOUBTS)
def test_a_return_that_names_none_or_several_is_held(
    receipts: tuple[str, str], names: tuple[str, ...], minor: int, reason: str
) -> None:
    entries = [line(50, f"R{at}", references=(name,)) for at, name in enumerate(receipts)]
    book = read(sheet(100, [*entries, line(minor, "X", reverses=True, references=names)]))

    assert not any(found.returned_on for found in book.lines)
    assert reason in book.held[0].reason


def test_charges_of_a_return_do_not_hide_which_receipt_it_was() -> None:
    back = line(-53, "X", reverses=True, references=("A",), instructed=eur(50))
    book = read(sheet(100, [line(50, "R1", references=("A",)), back]))

    assert [True] == [found.returned_on is not None for found in book.lines if found.entry.amount.minor > 0]


def test_one_receipt_comes_back_once() -> None:
    backs = [line(-50, f"X{at}", reverses=True, references=("A",)) for at in range(2)]
    book = read(sheet(100, [line(50, "R1", references=("A",)), *backs]))

    assert ["return"] == [held.field for held in book.held]


# ---- what is announced ----


def report(entries: Sequence[Entry], on: date = DAY, file: str = "") -> Statement:
    return sheet(None, [replace(one, is_booked=False) for one in entries], on, file=file, is_final=False)


def test_what_is_announced_becomes_what_is_booked_under_one_id() -> None:
    announced = report([line(50, "R1"), line(60, "R2")])
    before = read(announced)
    after = read(announced, sheet(100, [line(50, "R1")]))

    assert ({50, 60}, ()) == ({one.entry.amount.minor for one in before.pending}, before.vanished)
    assert [one.id for one in before.pending if one.entry.reference == "R1"] == [one.id for one in after.lines]
    assert ((), ["R2"]) == (after.pending, [one.entry.reference for one in after.vanished])


def test_reports_of_a_day_may_repeat_each_other_or_go_on() -> None:
    book = read(report([line(50, "R1")], file="10"), report([line(50, "R1"), line(60, "R2")], file="12"))

    assert {"R1", "R2"} == {one.entry.reference for one in book.pending}


def test_a_statement_may_announce_what_it_does_not_book() -> None:
    statement = sheet(100, [line(50, "R1"), line(60, "R2", is_booked=False)])
    book = read(statement, report([line(60, "R2")]))
    later = read(
        statement, sheet(150, [line(60, "R2", DAY, booked_on=DAY + timedelta(days=1))], DAY + timedelta(days=1))
    )

    assert (["R2"], ()) == ([one.entry.reference for one in book.pending], book.vanished)
    assert ((), (), [50, 60]) == (later.pending, later.vanished, came(later))


def test_a_report_vouches_for_nothing() -> None:
    assert DAY == read(*days((100, 10)), report([line(1, "R9")], DAY + timedelta(days=1))).closing_on


# ---- any history, cut into any files ----

MOVES = st.lists(
    st.tuples(
        st.integers(0, 4),  # days after the one before
        st.sampled_from([100, 100, 250, -100, -40, 7]),
        st.sampled_from(["", "", "own", "51168"]),
        st.sampled_from(["INV-1", "INV-2", ""]),
    ),
    min_size=1,
    max_size=12,
)


def history(moves: Sequence[tuple[int, int, str, str]]) -> list[tuple[int, Entry]]:
    """The entries in order, each with the balance before it."""
    found, balance, on = [], 1000, DAY
    for at, (more, minor, reference, text) in enumerate(moves):
        on += timedelta(days=more)
        found.append((balance, line(minor, f"R{at}" if reference == "own" else reference, on, text)))
        balance += minor
    return found


def cut(found: Sequence[tuple[int, Entry]], start: int, end: int, file: str) -> Statement:
    """The statement of some of them."""
    part = found[start:end]
    last = part[-1][1].booked_on
    return sheet(part[0][0], [one for _, one in part], last, number=file, file=file)


@given(moves=MOVES, data=st.data())
def test_daily_statements_in_any_order_and_any_number_of_copies_count_once(
    moves: list[tuple[int, int, str, str]], data: st.DataObject
) -> None:
    found = history(moves)
    ends = [
        at + 1
        for at in range(len(found))
        if at + 1 == len(found) or found[at][1].booked_on != found[at + 1][1].booked_on
    ]
    daily = [cut(found, start, end, f"d{start}") for start, end in zip([0, *ends], ends, strict=False)]
    copies = [
        replace(one, file=f"copy of {one.file}") for one in data.draw(st.lists(st.sampled_from(daily), max_size=4))
    ]
    shuffled = data.draw(st.permutations([*daily, *copies]))
    book = read(*shuffled)

    assert (sorted(one.amount.minor for _, one in found), ()) == (came(book), book.held)
    assert {one.id for one in read(*daily).lines} == {one.id for one in book.lines}
    assert found[-1][1].booked_on == book.closing_on


@given(moves=MOVES, data=st.data())
def test_no_way_to_cut_a_history_into_whole_days_counts_an_entry_twice(
    moves: list[tuple[int, int, str, str]], data: st.DataObject
) -> None:
    """Ranges of whole days that overlap as they like: each entry once, or held and named; never twice."""
    found = history(moves)
    borders = [
        0,
        *(at for at in range(1, len(found)) if found[at - 1][1].booked_on != found[at][1].booked_on),
        len(found),
    ]
    ranges = data.draw(
        st.lists(
            st.tuples(st.sampled_from(borders), st.sampled_from(borders)).filter(lambda r: r[0] < r[1]), max_size=5
        )
    )
    parts = [cut(found, start, end, f"p{at}") for at, (start, end) in enumerate([(0, len(found)), *ranges])]
    book = read(*data.draw(st.permutations(parts)))
    there = [one.amount.minor for _, one in found]

    assert all(came(book).count(minor) <= there.count(minor) for minor in came(book))
    assert book.held or sorted(there) == came(book)


@given(moves=MOVES)
def test_a_gap_is_always_seen(moves: list[tuple[int, int, str, str]]) -> None:
    """Any day left out in the middle, unless nothing remained of it."""
    found = history(moves)
    ends = [
        at + 1
        for at in range(len(found))
        if at + 1 == len(found) or found[at][1].booked_on != found[at + 1][1].booked_on
    ]
    daily = [cut(found, start, end, f"d{start}") for start, end in zip([0, *ends], ends, strict=False)]
    if len(daily) < 3:
        return
    book = read(daily[0], *daily[2:])
    is_seen = daily[1].opening != daily[1].closing

    assert is_seen == (daily[0].closing_on == book.closing_on)
    assert is_seen == any(held.field == "gap" for held in book.held)
