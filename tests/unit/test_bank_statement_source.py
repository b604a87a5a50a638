"""The source over a folder: what is read, what is left alone, how fresh it is, and that reading has no memory."""

from __future__ import annotations

import json
import os
import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from bank_cases import (
    IBAN,
    NOW,
    Row,
    amounts,
    bai2,
    camt,
    csv_mapping,
    entry,
    mapping,
    mt940,
    own,
    put,
    read,
    source,
)

from connector.adapters import bank_statement_folder
from connector.errors import Transient
from connector.money import Money
from connector.receivables import PaymentState

DAY_ONE: list[Row] = [("50.00", "R1", "INV-1"), ("-20.00", "R2", "rent")]


def two_days(folder: Path) -> None:
    put(folder, "1.sta", mt940("261102", "100.00", DAY_ONE))
    put(folder, "2.sta", mt940("261103", "130.00", [("7.00", "R3", "INV-2")]))


# ---- payments ----


def test_a_credit_is_a_payment_received_on_its_value_day(tmp_path: Path) -> None:
    put(tmp_path, "1.sta", mt940("261102", "100.00", DAY_ONE, value="261030"))
    [payment] = read(tmp_path).payments

    assert (Money(5000, "EUR"), PaymentState.SUCCEEDED, date(2026, 10, 30), "INV-1", "221", "bank", False) == (
        payment.amount,
        payment.state,
        payment.received_on,
        payment.remittance.text,
        payment.deposit_account,
        payment.source,
        payment.livemode,
    )
    assert datetime(2026, 10, 29, 23, tzinfo=UTC) == payment.received_at  # midnight in the ledger's zone
    assert payment.id.startswith("bank-")
    assert set(payment.id) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert "" == payment.customer_id


def test_nothing_of_an_account_number_is_kept(tmp_path: Path) -> None:
    payer = "DE02120300000000202051"
    put(tmp_path, "1.sta", mt940("261102", "1.00", [("5.00", "", f"166?00X?20INV-1?31{payer}?32ACME")]))
    shown = read(tmp_path)

    assert payer not in repr(shown)
    assert IBAN not in repr(shown)
    assert 16 == len(shown.payments[0].payer_bank)


def test_the_same_folder_gives_the_same_payments_under_any_names_and_in_any_order(tmp_path: Path) -> None:
    two_days(tmp_path)
    expected = read(tmp_path).payments
    for name, new in (("1.sta", "zz.txt"), ("2.sta", "a")):
        (tmp_path / name).rename(tmp_path / new)
    put(tmp_path, "again.sta", (tmp_path / "zz.txt").read_bytes())

    assert {one.id: one for one in expected} == {one.id: one for one in read(tmp_path).payments}


def test_a_csv_exported_again_with_other_lines_above_counts_once(tmp_path: Path) -> None:
    heading = "Ref,Booked,Value,Amount,Balance,Name,Purpose"
    rows = [f",2026-11-0{day},,{10 + day}.00,,Acme,INV-{day}" for day in (2, 3, 3, 4)]
    put(tmp_path, "a.csv", "\n".join([heading, *rows]))
    first = read(tmp_path, csv_mapping(balance=None))
    put(tmp_path, "b.csv", "\n".join([heading, *random.Random(3).sample(rows, 4)]))
    put(tmp_path, "c.csv", "\n".join([heading, *rows[1:], ",2026-11-05,,99.00,,Beta,INV-9"]))
    both = read(tmp_path, csv_mapping(balance=None))

    assert ["12.00 EUR", "13.00 EUR", "13.00 EUR", "14.00 EUR"] == amounts(first.payments)
    assert {one.id for one in first.payments} < {one.id for one in both.payments}
    assert 5 == len(both.payments)


def test_what_is_booked_for_a_day_to_come_is_on_its_way(tmp_path: Path) -> None:
    put(tmp_path, "1.sta", mt940("261105", "1.00", [("5.00", "R", "x")], value="261109"))
    asked = source(tmp_path)
    [before] = asked.read_changed("", NOW).payments
    [after] = asked.read_changed("", NOW + timedelta(days=3)).payments

    assert (PaymentState.PROCESSING, PaymentState.SUCCEEDED) == (before.state, after.state)
    assert before == replace(after, state=PaymentState.PROCESSING)


def test_what_is_booked_for_a_day_to_come_does_not_fail_when_its_file_is_moved_away(tmp_path: Path) -> None:
    path = put(tmp_path, "1.sta", mt940("261105", "1.00", [("5.00", "R", "x")], value="261109"))
    asked = source(tmp_path)
    cursor = asked.read_changed("", NOW).cursor
    path.unlink()
    put(tmp_path, "2.sta", mt940("261110", "6.00", []))

    assert () == asked.read_changed(cursor, NOW + timedelta(days=6)).payments


def test_what_was_received_before_the_cutover_is_named_and_much_older_money_is_left_out(tmp_path: Path) -> None:
    by = mapping(own(cutover_on="2026-11-03"))
    two_days(tmp_path)
    put(tmp_path, "0.sta", mt940("260901", "90.00", [("10.00", "R0", "old")]))
    seen = read(tmp_path, by)

    assert ["7.00 EUR", "50.00 EUR"] == amounts(seen.payments)
    assert ["50.00 EUR"] == amounts([one for one in seen.payments if one.id in seen.before_cutover])


# credit by its payer, text or code -> is it a customer's?
RULES = [
    ({"kind": "payout", "payer_name": "stripe payments*"}, "166?00X?20STRIPE PAYOUT?32Stripe Payments Europe", False),
    ({"kind": "payout", "payer_name": "stripe payments*"}, "166?00X?20INV-1?32Striped Shirts Ltd", True),
    ({"kind": "payout", "payer_name": "stripe*", "text": "*payout*"}, "166?00X?20INV-1?32Stripe Payments", True),
    ({"kind": "interest", "code": "NTRF 814"}, "814?00X?20interest", False),
    ({"kind": "other", "text": "*[paid]*"}, "refund [PAID] by the tax office", False),
    ({"kind": "other", "text": "*[paid]*"}, "refund p by the tax office", True),
]


@pytest.mark.parametrize(("rule", "details", "counts"), RULES)
def test_lines_that_are_no_customers_money_are_left_out(
    tmp_path: Path, rule: dict[str, str], details: str, counts: bool
) -> None:
    put(tmp_path, "1.sta", mt940("261102", "1.00", [("5.00", "R", details)]))
    by = mapping(not_receipts=[rule])

    assert counts == bool(read(tmp_path, by).payments)
    assert counts != any(rule["kind"] in one.what for one in source(tmp_path, by).check())


def test_a_transfer_between_our_accounts_is_no_receipt(tmp_path: Path) -> None:
    put(tmp_path, "1.sta", mt940("261102", "1.00", [("5.00", "R", "166?00X?20liquidity?31DE02120300000000202051")]))
    by = mapping(own(), own(number="DE02 1203 0000 0000 2020 51", ledger_account="222"))

    assert () == read(tmp_path, by).payments


def test_a_batch_that_does_not_add_up_is_parked_with_its_figures(tmp_path: Path) -> None:
    parts = "".join(f"<TxDtls><Amt Ccy='EUR'>{amount}</Amt></TxDtls>" for amount in ("20.00", "31.00"))
    put(tmp_path, "1.xml", camt(entry("50.00", parts), closing="150.00"))
    seen = read(tmp_path)

    assert () == seen.payments
    [parked] = seen.parked
    assert "50.00 EUR came on 2026-11-02 to account …3000" in parked.reason
    assert "add up to 51.00 EUR" in parked.reason


def test_what_a_person_has_posted_by_hand_is_shown_no_longer(tmp_path: Path) -> None:
    put(tmp_path, "1.sta", mt940("261102", "100.00", [("-50.00", "R2", "109?00RETOURE?20EREF+E1")]))
    [parked] = read(tmp_path).parked

    assert "no receipt of that amount" in parked.reason
    assert () == read(tmp_path, mapping(done_by_hand=[parked.record])).parked


def test_money_that_came_back_is_returned(tmp_path: Path) -> None:
    put(tmp_path, "1.sta", mt940("261102", "100.00", [("50.00", "R1", "166?00X?20EREF+E1")]))
    asked = source(tmp_path)
    first = asked.read_changed("", NOW)
    put(tmp_path, "2.sta", mt940("261103", "150.00", [("-50.00", "R2", "109?00RETOURE?20EREF+E1")]))
    second = asked.read_changed(first.cursor, NOW)

    assert [PaymentState.SUCCEEDED] == [one.state for one in first.payments]
    assert [(first.payments[0].id, PaymentState.RETURNED)] == [(one.id, one.state) for one in second.payments]


# ---- what changed ----


def test_a_quiet_read_returns_nothing_and_a_new_day_only_itself(tmp_path: Path) -> None:
    put(tmp_path, "1.sta", mt940("261102", "100.00", DAY_ONE))
    asked = source(tmp_path)
    first = asked.read_changed("", NOW)
    quiet = asked.read_changed(first.cursor, NOW + timedelta(minutes=1))
    put(tmp_path, "2.sta", mt940("261103", "130.00", [("7.00", "R3", "INV-2")]))
    third = asked.read_changed(quiet.cursor, NOW + timedelta(minutes=2))

    assert (["50.00 EUR"], [], ["7.00 EUR"]) == tuple(amounts(one.payments) for one in (first, quiet, third))
    assert quiet.cursor == first.cursor
    assert all(one.is_whole for one in (first, quiet, third))


@pytest.mark.parametrize("cursor", ["", "x", "[]", "{}", '{"digest": 1, "days": [], "pending": {}}', "null"])
def test_a_cursor_that_can_not_be_read_is_dropped(tmp_path: Path, cursor: str) -> None:
    two_days(tmp_path)

    assert 2 == len(read(tmp_path, cursor=cursor).payments)


def test_another_process_reads_on_from_the_same_cursor(tmp_path: Path) -> None:
    two_days(tmp_path)

    assert () == read(tmp_path, cursor=read(tmp_path).cursor).payments


def test_a_file_is_read_again_only_when_its_size_or_time_has_changed(tmp_path: Path) -> None:
    path = put(tmp_path, "1.sta", mt940("261102", "100.00", [("50.00", "R1", "INV-1")]))
    asked = source(tmp_path)
    asked.read_changed("", NOW)
    other = mt940("261102", "100.00", [("70.00", "R1", "INV-1")])
    put(tmp_path, "1.sta", other)  # as long and as old as before
    unseen = asked.read_changed("", NOW)
    put(tmp_path, "1.sta", other, at=datetime(2026, 11, 5, 1, tzinfo=UTC))

    assert path.stat().st_size == len(other)
    assert (["50.00 EUR"], ["70.00 EUR"]) == (amounts(unseen.payments), amounts(asked.read_changed("", NOW).payments))


def test_another_mapping_is_another_reading(tmp_path: Path) -> None:
    two_days(tmp_path)
    cursor = read(tmp_path).cursor

    assert {"222"} == {
        one.deposit_account for one in read(tmp_path, mapping(own(ledger_account="222")), cursor).payments
    }


def test_what_was_announced_and_never_came_fails_even_when_its_file_is_gone(tmp_path: Path) -> None:
    report = camt(entry("50.00", reference="R1"), root="BkToCstmrAcctRpt/Rpt", balances="")
    path = put(tmp_path, "report.xml", report)
    asked = source(tmp_path)
    announced = asked.read_changed("", NOW)
    path.unlink()
    put(tmp_path, "0.sta", mt940("261101", "100.00", []))
    early = asked.read_changed(announced.cursor, NOW)
    put(tmp_path, "1.sta", mt940("261102", "100.00", []))
    gone = asked.read_changed(early.cursor, NOW)

    assert () == early.payments

    assert [PaymentState.PROCESSING] == [one.state for one in announced.payments]
    assert [(announced.payments[0].id, PaymentState.FAILED, Money(5000, "EUR"))] == [
        (one.id, one.state, one.amount) for one in gone.payments
    ]
    assert () == asked.read_changed(gone.cursor, NOW).payments


def test_what_was_announced_is_booked_under_the_same_id(tmp_path: Path) -> None:
    report = camt(entry("50.00", reference="R1"), root="BkToCstmrAcctRpt/Rpt", balances="")
    put(tmp_path, "report.xml", report)
    asked = source(tmp_path)
    announced = asked.read_changed("", NOW)
    put(tmp_path, "1.xml", camt(entry("50.00", reference="R1"), closing="150.00"))
    booked = asked.read_changed(announced.cursor, NOW)

    assert [(announced.payments[0].id, PaymentState.SUCCEEDED)] == [(one.id, one.state) for one in booked.payments]
    assert {} == json.loads(booked.cursor)["pending"]


# ---- freshness ----

BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)


def test_the_source_vouches_up_to_the_end_of_its_closing_day(tmp_path: Path) -> None:
    two_days(tmp_path)

    assert datetime(2026, 11, 3, 23, tzinfo=UTC) == read(tmp_path).fresh_as_of


def test_a_closing_day_that_is_not_over_vouches_only_up_to_now(tmp_path: Path) -> None:
    put(tmp_path, "1.sta", mt940("261106", "1.00", []))

    assert NOW == read(tmp_path).fresh_as_of


def test_an_empty_folder_is_not_fresh(tmp_path: Path) -> None:
    assert BEFORE_ALL == read(tmp_path).fresh_as_of
    assert BEFORE_ALL == read(tmp_path, mapping(accounts=[])).fresh_as_of


def test_the_account_that_is_furthest_behind_decides(tmp_path: Path) -> None:
    two_days(tmp_path)
    by = mapping(own(), own(number="4711 0815", ledger_account="222"))
    put(tmp_path, "other.sta", mt940("261102", "1.00", [], account="47110815"))
    some = read(tmp_path, by)
    (tmp_path / "other.sta").unlink()

    assert (datetime(2026, 11, 2, 23, tzinfo=UTC), BEFORE_ALL) == (some.fresh_as_of, read(tmp_path, by).fresh_as_of)


@pytest.mark.parametrize(
    "text",
    [
        mt940("261103", "130.00", [("7.00", "R", "x")], closing="138.00"),
        mt940("261103", "131.00", [("7.00", "R", "x")]),
        mt940("261103", "130.00", [("7.00", "R", "x")])[:-40],
        camt(entry("50.00"), root="BkToCstmrAcctRpt/Rpt", balances="", on="2026-11-03"),
    ],
    ids=["wrong sum", "gap", "cut off", "interim"],
)
def test_what_can_not_be_trusted_makes_nothing_fresher(tmp_path: Path, text: str) -> None:
    put(tmp_path, "1.sta", mt940("261102", "100.00", DAY_ONE))
    put(tmp_path, "2.sta", text)

    assert datetime(2026, 11, 2, 23, tzinfo=UTC) == read(tmp_path).fresh_as_of


# ---- files ----


def test_a_file_that_may_still_grow_is_left_for_the_next_time(tmp_path: Path) -> None:
    put(tmp_path, "1.sta", mt940("261102", "100.00", DAY_ONE), at=NOW - timedelta(seconds=9))
    asked = source(tmp_path)
    now, later = asked.read_changed("", NOW), asked.read_changed("", NOW + timedelta(seconds=2))

    assert ([], (), ["50.00 EUR"]) == (amounts(now.payments), now.parked, amounts(later.payments))


def test_a_file_without_an_end_is_waited_for_and_then_named(tmp_path: Path) -> None:
    whole = mt940("261102", "100.00", DAY_ONE)
    put(tmp_path, "1.sta", whole[:80], at=NOW)
    asked = source(tmp_path)
    soon, late = (asked.read_changed("", NOW + timedelta(minutes=minutes)) for minutes in (5, 11))
    put(tmp_path, "1.sta", whole, at=NOW + timedelta(minutes=12))
    whole_now = asked.read_changed(late.cursor, NOW + timedelta(minutes=13))

    assert () == soon.parked
    assert ["1.sta"] == [one.record for one in late.parked]
    assert "not whole" in late.parked[0].reason
    assert (["50.00 EUR"], ()) == (amounts(whole_now.payments), whole_now.parked)


def test_files_are_only_read(tmp_path: Path) -> None:
    two_days(tmp_path)
    put(tmp_path, "bad.xml", "<nothing/>")
    before = [(path.name, path.read_bytes(), path.stat().st_mtime_ns) for path in sorted(tmp_path.iterdir())]
    tmp_path.chmod(0o500)
    try:
        read(tmp_path)
    finally:
        tmp_path.chmod(0o700)

    assert before == [(path.name, path.read_bytes(), path.stat().st_mtime_ns) for path in sorted(tmp_path.iterdir())]


def test_a_name_that_is_no_text_is_shown_as_well_as_may_be(tmp_path: Path) -> None:
    for name in (b"\xff.sta", b"\xfe.sta"):
        (tmp_path / os.fsdecode(name)).write_text(mt940("261102", "100.00", DAY_ONE)[:90])
    seen = read(tmp_path)

    assert ["\\udcfe.sta", "\\udcff.sta"] == [one.record for one in seen.parked]
    assert () == read(tmp_path, cursor=seen.cursor).payments


def test_a_name_that_fits_two_profiles_is_not_guessed(tmp_path: Path) -> None:
    profiles = [{"name": name, "columns": {"booked_on": "B", "amount": "A"}} for name in ("one", "two")]
    accounts = [own(csv_profile="one", csv_files="*.csv"), own(number="4711 0815", csv_profile="two", csv_files="a*")]
    put(tmp_path, "a.csv", "B,A\n2026-11-02,5.00")
    put(tmp_path, "b.csv", "B,A\n2026-11-02,5.00")
    seen = read(tmp_path, mapping(*accounts, csv_profiles=profiles))

    assert (["a.csv"], ["5.00 EUR"]) == ([one.record for one in seen.parked], amounts(seen.payments))


def test_links_are_not_followed(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    elsewhere.mkdir()
    put(elsewhere, "secret.sta", mt940("261102", "100.00", DAY_ONE))
    (folder / "link.sta").symlink_to(elsewhere / "secret.sta")
    (folder / "gone.sta").symlink_to(elsewhere / "nothing")
    (folder / "folder").symlink_to(elsewhere)
    seen = read(folder)

    assert () == seen.payments
    assert ["folder", "gone.sta", "link.sta"] == sorted(one.record for one in seen.parked)


def test_subfolders_hidden_and_half_written_names_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    put(tmp_path / "archive", "1.sta", mt940("261102", "100.00", DAY_ONE))
    for name in (".1.sta", "1.sta.part", "1.sta.tmp"):
        put(tmp_path, name, mt940("261102", "100.00", DAY_ONE))
    os.mkfifo(tmp_path / "pipe")

    assert ((), ()) == ((seen := read(tmp_path)).payments, seen.parked)


def test_a_file_that_is_too_large_is_named_and_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank_statement_folder, "FILE_BYTES_MAX", 1024 * 1024)
    with (tmp_path / "big.xml").open("wb") as file:
        file.truncate(2 * 1024 * 1024)
    two_days(tmp_path)
    seen = read(tmp_path)

    assert 2 == len(seen.payments)
    assert ["it has 2 MiB, and at most 1 are read"] == [one.reason for one in seen.parked]


# content -> why it is parked
STRANGE = [
    (b"\0\0\0\0", "empty"),
    (b"", "empty"),
    (b":20:S\n\0", "signs that no text has"),
    (b"%PDF-1.7", "neither camt, MT940 nor BAI2"),
    (b"<!DOCTYPE x [<!ENTITY a 'b'>]><x/>", "DTD"),
    (b"Date;Amount\n1;2", "no account's csv_files"),
]


@pytest.mark.parametrize(("content", "reason"), STRANGE, ids=[reason for _, reason in STRANGE])
def test_a_file_that_is_no_statement_is_named_and_costs_only_itself(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    two_days(tmp_path)
    put(tmp_path, "strange", content)
    seen = read(tmp_path)

    assert 2 == len(seen.payments)
    assert ["strange"] == [one.record for one in seen.parked]
    assert reason in seen.parked[0].reason


def test_an_account_that_is_not_listed_is_named_with_what_it_holds(tmp_path: Path) -> None:
    put(
        tmp_path,
        "1.sta",
        mt940("261102", "1.00", [("5.00", "", "x"), ("6.00", "", "y"), ("-1.00", "", "z")], account="99887766"),
    )
    seen = read(tmp_path)

    assert () == seen.payments
    [parked] = seen.parked
    assert "1.sta statement 1 of account …7766" == parked.record
    assert "its 2 credits of 2026-11-02, 11.00 EUR together, are left alone" in parked.reason


def test_of_an_account_with_a_format_other_formats_are_not_read(tmp_path: Path) -> None:
    put(tmp_path, "1.sta", mt940("261102", "100.00", [("50.00", "", "INV-1 as MT940 says it")]))
    put(tmp_path, "1.xml", camt(entry("50.00"), closing="150.00"))
    both, one = read(tmp_path), read(tmp_path, mapping(own(format="camt")))

    assert ([], 2) == (amounts(both.payments), len(both.parked))
    assert (["50.00 EUR"], ()) == (amounts(one.payments), one.parked)


def test_a_folder_that_is_away_is_asked_again(tmp_path: Path) -> None:
    with pytest.raises(Transient, match="Could not list the bank statements"):
        read(tmp_path / "nothing")


def test_latin_letters_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    text = mt940("261102", "1.00", [("5.00", "R", "Müller")])
    for encoding in ("utf-8", "utf-8-sig", "latin-1"):
        put(tmp_path, "1.sta", text.replace("\n", "\r\n").encode(encoding))
        assert "Müller" == read(tmp_path).payments[0].remittance.text


# ---- check ----


def said(folder: Path, **more: object) -> list[tuple[bool, str]]:
    return [(one.ok, one.what) for one in source(folder, **more).check()]  # type: ignore[arg-type]


def test_check_says_how_old_each_accounts_newest_statement_is(tmp_path: Path) -> None:
    two_days(tmp_path)
    by = mapping(own(), own(number="47110815", ledger_account="222", subsidiary="3"))
    account = "account …3000 (EUR, ledger account 221)"

    assert [
        (True, f"the folder {tmp_path} can be read"),
        (True, f"{account}: the statements are complete up to 2026-11-03, 3 days ago"),
        (False, f"{account}: the statements begin on 2026-11-02, after the cutover day 2026-10-01"),
        (False, "account …0815 (EUR, ledger account 222, subsidiary 3): there is no statement of it"),
    ] == said(tmp_path, by=by)


def test_check_names_what_is_wrong_and_what_to_do(tmp_path: Path) -> None:
    two_days(tmp_path)
    put(tmp_path, "4.sta", mt940("261105", "140.00", []))
    put(tmp_path, "5.sta", mt940("261105", "1.00", [], closing="2.00", account="99887766"))
    put(tmp_path, "notice.xml", camt("", root="BkToCstmrDbtCdtNtfctn/Ntfctn", balances=""))
    put(tmp_path, "new.sta", "", at=NOW)
    text = "\n".join(what for _, what in said(tmp_path))

    assert "between the statements of 2026-11-03 and 2026-11-05" in text
    assert "5.sta: the account is not in mappings/bank_statement.yaml" in text
    assert "1 files are camt.054" in text
    assert "1 files are still being written" in text


def test_check_says_that_a_csv_without_balances_proves_nothing(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", "Ref,Booked,Value,Amount,Name,Purpose\nR1,2026-11-05,,5.00,A,B")

    assert any(
        not ok and "no column with balances" in what for ok, what in said(tmp_path, by=csv_mapping(balance=None))
    )


def test_check_tells_of_a_folder_that_is_not_there_and_of_a_mapping_without_accounts(tmp_path: Path) -> None:
    [(missing, what)] = said(tmp_path / "nothing")
    (_, empty) = said(tmp_path, by=mapping(accounts=[]))

    assert (False, True) == (missing, "can't be read" in what)
    assert "lists no account" in empty[1]


# ---- ids for ever ----

# The same two entries in each format. One has a reference of the bank's own, and one id everywhere; the other has none,
# and is known by the very words of its format. An id that changes is money seen a second time: never correct these.
BY_REFERENCE = "bank-8d8c9dd6e0536f7a3623"
ENTRIES = [("50.00", "R1", "166?00X?20SVWZ+INV-1?32ACME"), ("60.00", "", "166?00X?20INV-2")]
BALANCES = "010,10000,,,015,21000,,/"
IDS = {
    "a.sta": (mt940("261102", "100.00", ENTRIES), "bank-6f2f2ca9a63a5dab1035"),
    "b.xml": (
        camt(
            entry("50.00", "<TxDtls><RmtInf><Ustrd>INV-1</Ustrd></RmtInf></TxDtls>", reference="R1")
            + entry("60.00", "<TxDtls><RmtInf><Ustrd>INV-2</Ustrd></RmtInf></TxDtls>"),
            closing="210.00",
        ),
        "bank-42d50ca4bde25455e079",
    ),
    "c.bai": (
        bai2(BALANCES, "16,195,5000,,R1,,INV-1/", "16,195,6000,,,,INV-2/", currency="EUR", account=IBAN),
        "bank-e674b41e5afb2402a81f",
    ),
    "d.csv": (
        "Ref,Booked,Value,Amount,Balance,Name,Purpose\n"
        "R1,2026-11-02,2026-11-02,50.00,150.00,A,INV-1\n,2026-11-02,2026-11-02,60.00,210.00,B,INV-2",
        "bank-2ba1e88aa26f09517354",
    ),
}


@pytest.mark.parametrize("name", IDS)
def test_the_id_of_an_entry_never_changes(tmp_path: Path, name: str) -> None:
    content, by_its_words = IDS[name]
    put(tmp_path, name, content)
    payments = sorted(read(tmp_path, csv_mapping()).payments, key=lambda one: one.amount.minor)

    assert [BY_REFERENCE, by_its_words] == [one.id for one in payments]
