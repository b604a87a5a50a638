"""Receivables read whole, by customer, by id and by what changed: page by page, under ids that last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.adapters.intacct.settings import Dimensions, Facts
from connector.money import Money
from connector.ports import ErpRead
from connector.receivables import CreditKind, CustomerTotal, EarlyDiscount, InvoiceStatus
from tests.unit.intacct_read_cases import (
    MAPPING,
    NOW,
    Rooms,
    advance,
    customer,
    invoice,
    memo,
    overpayment,
    payment,
    rooms,
)


def usd(text: str) -> Money:
    return Money.of(text, "USD")


@pytest.fixture
def site() -> Rooms:
    made = rooms(page_rows=2)
    made.shelf.put("CUSTOMER", customer("C1"), customer("C2"), customer("C3", STATUS="inactive"))
    return made


def numbers(read: ErpRead) -> list[str]:
    return [one.id for one in read.invoices]


def parked(read: ErpRead) -> list[tuple[str, str]]:
    return [(one.record, one.field) for one in read.parked]


def line(record_no: int, of: int, line_no: int, amount: str, **fields: str) -> dict[str, str]:
    told = {"RECORDNO": record_no, "RECORDKEY": of, "LINE_NO": line_no}
    return {**{name: str(value) for name, value in told.items()}, "TRX_AMOUNT": amount, **fields}


# ---- whole ----


def test_a_whole_ledger_comes_in_parts_each_with_the_customers_of_its_invoices_before_them(site: Rooms) -> None:
    site.shelf.put("ARINVOICE", *(invoice(100 + n, f"INV-{n}", "C1" if n % 2 else "C2") for n in range(5)))
    site.shelf.put("ARADJUSTMENT", memo(301, "CM-1", CUSTOMERID="C3"))

    parts = list(site.ledger.open_by_part())

    assert [[], ["INV-0__C2", "INV-1__C1"], ["INV-2__C2", "INV-3__C1"], ["INV-4__C2"], []] == [
        numbers(part) for part in parts
    ]
    met: set[str] = set()
    for part in parts:
        met |= {one.id for one in part.customers}
        assert {one.customer_id for one in (*part.invoices, *part.credits)} <= met
    assert ["C1", "C2", "C3"] == sorted(one.id for part in parts for one in part.customers)


def test_only_what_is_posted_and_owes_something_is_open(site: Rooms) -> None:
    site.shelf.put(
        "ARINVOICE",
        invoice(101, "INV-1"),
        invoice(102, "INV-2", due="0", STATE="Paid"),
        invoice(103, "INV-3", STATE="Draft"),
        invoice(104, "INV-4", STATE="Selected", TRX_TOTALSELECTED="100"),
        invoice(105, "INV-5", STATE="Reversal", TRX_TOTALENTERED="-100", due="-100"),
    )

    read = site.ledger.open_of(["C1"])

    assert ["INV-1__C1", "INV-4__C1"] == numbers(read)
    assert [usd("100"), usd("0")] == [one.balance for one in read.invoices]
    assert () == read.parked


def test_the_sums_are_those_of_what_is_read_as_open(site: Rooms) -> None:
    site.shelf.put(
        "ARINVOICE",
        invoice(101, "INV-1", due="60"),
        invoice(104, "INV-4", STATE="Selected", TRX_TOTALSELECTED="30"),
        invoice(105, "INV-5", STATE="Draft"),
        invoice(106, "INV-6", "C2", CURRENCY="EUR"),
    )

    totals = site.ledger.totals()

    assert (
        CustomerTotal("C1", "USD", 2, usd("130")),
        CustomerTotal("C2", "EUR", 1, Money.of("100", "EUR")),
    ) == totals
    read = site.ledger.open_of(["C1"])
    assert (2, usd("130")) == (len(read.invoices), Money.total((one.balance for one in read.invoices), "USD"))


def test_two_open_invoices_under_one_id_are_both_parked_also_on_two_pages(site: Rooms) -> None:
    site.shelf.put("ARINVOICE", invoice(101, "INV-1"), invoice(102, "INV-2"), invoice(109, "INV-1"))

    whole = list(site.ledger.open_by_part())
    asked = site.ledger.invoices(["INV-1__C1", "INV-2__C1"])

    assert [("INV-1__C1", "RECORDNO")] == [one for part in whole for one in parked(part)]
    assert (["INV-2__C1"], [("INV-1__C1", "RECORDNO")]) == (numbers(asked), parked(asked))
    assert "records 101 and 109 are both open" in asked.parked[0].reason
    assert {"INV-2__C1"} == site.ledger.now_of(["INV-1__C1", "INV-2__C1"]).keys()


def test_the_same_number_of_another_customer_or_entity_is_another_invoice(site: Rooms) -> None:
    mapping = MAPPING.model_copy(update={"entities": {"E1": Dimensions(), "E2": Dimensions()}})
    site = rooms(mapping)
    site.shelf.put(
        "ARINVOICE",
        invoice(101, "INV-1"),
        invoice(102, "INV-1", "C2"),
        invoice(103, "INV-1", MEGAENTITYID="E1"),
        invoice(104, "INV-1", MEGAENTITYID="E9"),
    )

    assert ["INV-1__C1", "INV-1__C2", "INV-1__C1__E1"] == numbers(site.ledger.open_of(["C1", "C2"]))
    assert ["INV-1__C1__E1"] == numbers(site.ledger.invoices(["INV-1__C1__E1"]))
    assert 3 == sum(total.count for total in site.ledger.totals())


def test_an_entity_that_nobody_named_is_parked_in_a_company_that_was_said_to_have_one(site: Rooms) -> None:
    site.shelf.put("ARINVOICE", invoice(101, "INV-1", MEGAENTITYID="E9"))

    assert [("ARINVOICE 101", "MEGAENTITYID")] == parked(site.ledger.open_of(["C1"]))


# ---- by id ----


def test_an_invoice_is_found_under_its_id_whatever_became_of_it(site: Rooms) -> None:
    site.shelf.put(
        "ARINVOICE",
        invoice(101, "INV-1", due="0", STATE="Paid"),
        invoice(102, "INV-2", due="0", STATE="Reversed"),
        invoice(103, "INV-3", STATE="Draft"),
    )

    read = site.ledger.invoices(["INV-1__C1", "INV-2__C1", "INV-3__C1", "INV-4__C1", "no id", ""])

    assert {"INV-1__C1": InvoiceStatus.PAID, "INV-2__C1": InvoiceStatus.VOIDED} == {
        one.id: one.status for one in read.invoices
    }


def test_an_order_that_was_edited_is_the_same_invoice_under_another_record_number(site: Rooms) -> None:
    site.shelf.put("ARINVOICE", invoice(101, "INV-1"))
    site.shelf.put("ARINVOICEITEM", line(501, 101, 1, "100"))
    before = site.ledger.now_of(["INV-1__C1"])["INV-1__C1"]
    site.shelf.tables["ARINVOICE"] = [invoice(180, "INV-1")]
    site.shelf.tables["ARINVOICEITEM"] = [line(590, 180, 1, "100")]

    after = site.ledger.now_of(["INV-1__C1"])["INV-1__C1"]

    assert ("101", "180") == (before.record_no, after.record_no)
    assert ("590", "1", usd("100")) == (after.lines[0].entry_key, after.lines[0].line_id, after.lines[0].due)
    assert before.invoice == after.invoice


def test_of_a_reversed_invoice_and_the_one_that_took_its_number_the_one_in_force_counts(site: Rooms) -> None:
    site.shelf.put(
        "ARINVOICE",
        invoice(101, "INV-1", due="0", STATE="Reversed"),
        invoice(102, "INV-1", TRX_TOTALENTERED="-100", due="0", STATE="Reversal"),
        invoice(103, "INV-1", due="0", STATE="Paid"),
    )

    assert [InvoiceStatus.PAID] == [one.status for one in site.ledger.invoices(["INV-1__C1"]).invoices]
    assert "103" == site.ledger.now_of(["INV-1__C1"])["INV-1__C1"].record_no


def test_a_write_sees_each_line_with_what_it_has_due(site: Rooms) -> None:
    site.shelf.put("ARINVOICE", invoice(101, "INV-1", due="70"))
    site.shelf.put(
        "ARINVOICEITEM",
        line(501, 101, 1, "50", TRX_TOTALPAID="30"),
        line(502, 101, 2, "40", ARC_DISPUTE="true"),
        line(503, 101, 3, "10", PARENTENTRY="502", SUBTOTAL="tax"),
    )

    now = site.ledger.now_of(["INV-1__C1"])["INV-1__C1"]

    assert [("501", usd("20"), False, ""), ("502", usd("40"), True, ""), ("503", usd("10"), False, "502")] == [
        (one.entry_key, one.due, one.disputed, one.parent_key) for one in now.lines
    ]


# ---- our own drafts ----


def test_what_our_own_drafts_selected_is_open_in_balances_lines_and_sums() -> None:
    site = rooms(MAPPING.model_copy(update={"suggest_as_draft": True}))
    site.shelf.put("ARINVOICE", invoice(101, "INV-1", STATE="Selected", TRX_TOTALSELECTED="90"))
    site.shelf.put("ARINVOICEITEM", line(501, 101, 1, "100", TRX_TOTALSELECTED="90"))
    site.shelf.put(
        "ARPYMT", payment(11, "60", STATE="Draft", ARC_EXTERNAL_ID="arc-1"), payment(12, "30", STATE="Draft")
    )
    site.shelf.details["11"] = [{"RECORDKEY": "101", "ENTRYKEY": "501", "TRX_PAYMENTAMOUNT": "60"}]
    site.shelf.details["12"] = [{"RECORDKEY": "101", "ENTRYKEY": "501", "TRX_PAYMENTAMOUNT": "30"}]

    assert [usd("70")] == [one.balance for one in site.ledger.open_of(["C1"]).invoices]
    assert usd("70") == site.ledger.now_of(["INV-1__C1"])["INV-1__C1"].lines[0].due
    assert (CustomerTotal("C1", "USD", 1, usd("70")),) == site.ledger.totals()
    assert 1 == site.shelf.asked.count("read ARPYMT")  # a draft that reads as before is not read again


def test_drafts_are_asked_for_only_where_something_is_selected(site: Rooms) -> None:
    site.shelf.put("ARINVOICE", invoice(101, "INV-1"), invoice(102, "INV-2", STATE="Selected", TRX_TOTALSELECTED="90"))

    assert [usd("100")] == [one.balance for one in site.ledger.invoices(["INV-1__C1"]).invoices]
    assert "ARPYMT" not in site.shelf.asked
    assert [usd("10")] == [one.balance for one in site.ledger.invoices(["INV-2__C1"]).invoices]
    assert 1 == site.shelf.asked.count("ARPYMT")


# ---- an invoice and its lines are two queries ----


def test_lines_that_do_not_make_up_the_invoice_park_it_and_no_payment_may_touch_it(site: Rooms) -> None:
    site.shelf.put("ARINVOICE", invoice(101, "INV-1"), invoice(102, "INV-2", due="0", STATE="Paid"))
    site.shelf.put("ARINVOICEITEM", line(501, 101, 1, "60", ARC_DISPUTE="true"), line(502, 102, 1, "1"))

    read = site.ledger.invoices(["INV-1__C1", "INV-2__C1"])

    assert (["INV-2__C1"], [("INV-1__C1", "ARINVOICEITEM")]) == (numbers(read), parked(read))
    assert "its lines come to 60.00 USD, and the invoice to 100.00 USD" == read.parked[0].reason
    assert {"INV-2__C1"} == site.ledger.now_of(["INV-1__C1", "INV-2__C1"]).keys()


def test_an_order_that_is_edited_between_the_two_is_asked_for_once_more(site: Rooms) -> None:
    site.shelf.put("ARINVOICE", invoice(101, "INV-1"))
    site.shelf.put("ARINVOICEITEM", line(501, 101, 1, "100", ARC_DISPUTE="true"))

    def edited() -> None:
        site.shelf.tables["ARINVOICE"] = [invoice(180, "INV-1", TRX_TOTALENTERED="120", due="120")]
        site.shelf.tables["ARINVOICEITEM"] = [line(590, 180, 1, "120", ARC_DISPUTE="true")]

    site.shelf.before["ARINVOICEITEM"] = edited

    (read,) = site.ledger.invoices(["INV-1__C1"]).invoices

    assert (usd("120"), usd("0")) == (read.balance, read.askable)
    assert "180" == site.ledger.now_of(["INV-1__C1"])["INV-1__C1"].record_no


# ---- credits ----


def test_memos_advances_and_what_payments_have_over_are_the_open_credits(site: Rooms) -> None:
    site.shelf.put("ARADJUSTMENT", memo(301, "CM-1", DOCNUMBER="INV-7", DESCRIPTION="bonus"))
    site.shelf.put("ARADVANCE", advance(21, "60", DOCNUMBER="CHK 5", DESCRIPTION="first"))
    site.shelf.put(
        "ARPYMT",
        payment(11, "100", ARC_EXTERNAL_ID="arc-1", DESCRIPTION="wire"),
        overpayment(12, 11, "25"),
        payment(13, "50"),
    )

    read = site.ledger.open_of(["C1"])

    assert [
        ("cm-CM-1__C1", CreditKind.CREDIT_MEMO, usd("40"), "CM-1", "INV-7__C1", "bonus"),
        ("adv-21", CreditKind.UNAPPLIED_PAYMENT, usd("60"), "21", "", "first"),
        ("11", CreditKind.UNAPPLIED_PAYMENT, usd("25"), "11", "", "wire"),
    ] == [(one.id, one.kind, one.open_amount, one.number, one.created_from, one.memo) for one in read.credits]
    assert ["", "CHK 5", ""] == [one.reference for one in read.credits]
    assert ["", "", "arc-1"] == [one.external_id for one in read.credits]


def test_credits_are_told_by_id_with_what_they_have_left_perhaps_nothing(site: Rooms) -> None:
    site.shelf.put("ARADJUSTMENT", memo(301, "CM-1", due="0", STATE="Paid"), memo(302, "CM-2", STATE="Reversed"))
    site.shelf.put("ARADVANCE", advance(21, "0"), advance(22, "70", STATE="Reversed"))
    site.shelf.put("ARPYMT", payment(11), payment(13, STATE="Reversed"), overpayment(14, 13, "9"))

    read = site.ledger.credits(["cm-CM-1__C1", "cm-CM-2__C1", "adv-21", "adv-22", "11", "13", "99", "nonsense"])

    assert dict.fromkeys(["cm-CM-1__C1", "cm-CM-2__C1", "adv-21", "adv-22", "11", "13"], usd("0")) == {
        one.id: one.open_amount for one in read.credits
    }


def test_what_is_no_credit_yet_or_none_at_all_is_left_out(site: Rooms) -> None:
    site.shelf.put(
        "ARADJUSTMENT",
        memo(301, "DM-1", due="40", TRX_TOTALENTERED="40"),
        memo(302, "CM-2", STATE="Draft"),
        memo(303, "CM-3", STATE="Reversal"),
    )
    site.shelf.put("ARADVANCE", advance(21, STATE="Draft"))

    read = site.ledger.open_of(["C1"])

    assert ((), ()) == (read.credits, read.parked)


def test_a_credit_that_is_not_understood_is_parked_under_its_id(site: Rooms) -> None:
    site.shelf.put("ARADJUSTMENT", memo(301, "CM-1", WHENCREATED="soon"), memo(302, "CM-2"), memo(303, "CM-2"))
    site.shelf.put("ARADVANCE", advance(21, CURRENCY="JPY"))
    site.shelf.put("ARPYMT", payment(11, STATE="Posting"), overpayment(12, 11, "5"), overpayment(14, 13, "5"))
    site.shelf.tables["ARPYMT"][-1]["PARENTPAYMENTKEY"] = ""

    read = site.ledger.open_of(["C1"])

    assert [
        ("ARPYMT 14", "PARENTPAYMENTKEY"),
        ("11", "STATE"),
        ("adv-21", "CURRENCY"),
        ("cm-CM-1__C1", "WHENCREATED"),
        ("cm-CM-2__C1", "RECORDNO"),
    ] == sorted(parked(read), key=lambda pair: (pair[0] != "ARPYMT 14", pair[0]))
    assert () == read.credits


def test_what_a_receipt_for_several_customers_has_over_is_whose_overpayment_it_is(site: Rooms) -> None:
    shared = {"CUSTOMERID": "", "PAYERNAME": "Group"}
    site.shelf.put("ARPYMT", payment(11, **shared), payment(13, **shared), overpayment(14, 13, "9", CUSTOMERID="C2"))

    read = site.ledger.credits(["11", "13"])

    assert [("13", "C2", usd("9"))] == [(one.id, one.customer_id, one.open_amount) for one in read.credits]
    assert () == read.parked


def test_a_write_names_the_overpayment_and_not_the_payment(site: Rooms) -> None:
    site.shelf.put("ARADJUSTMENT", memo(301, "CM-1"))
    site.shelf.put("ARADVANCE", advance(21, "60", TRX_TOTALSELECTED="10"))
    site.shelf.put("ARPYMT", payment(11), overpayment(12, 11, "5"), overpayment(15, 11, "20"))

    now = site.ledger.credits_now(["cm-CM-1__C1", "adv-21", "11", "gone"])

    assert {"cm-CM-1__C1": ("301", usd("40")), "adv-21": ("21", usd("50")), "11": ("15", usd("20"))} == {
        id_: (one.record_no, one.open) for id_, one in now.items()
    }


# ---- customers ----


def test_a_parent_that_gets_the_mail_comes_with_its_child(site: Rooms) -> None:
    site.shelf.put("CUSTOMER", customer("C5", PARENTID="C6", ARC_MAILS_PARENT="true"), customer("C6"))
    site.shelf.put("ARINVOICE", invoice(101, "INV-1", "C5"))

    read = site.ledger.invoices(["INV-1__C5"])

    assert {"C5": True, "C6": False} == {one.id: one.mails_parent for one in read.customers}


# ---- what changed ----

SINCE = NOW - timedelta(hours=1)
LATELY = "11/23/2026 11:30:00"


def test_a_quiet_hour_costs_one_request_for_each_of_five_objects(site: Rooms) -> None:
    site.shelf.put("ARINVOICE", invoice(101, "INV-1"))

    read = site.ledger.changed(SINCE)

    assert ((), (), ()) == (read.invoices, read.customers, read.credits)
    assert ["CUSTOMER", "ARINVOICE", "ARADJUSTMENT", "ARADVANCE", "ARPYMT"] == site.shelf.asked


def test_what_changed_is_read_whole(site: Rooms) -> None:
    site.shelf.put("ARINVOICE", invoice(101, "INV-1", WHENMODIFIED=LATELY), invoice(102, "INV-2"))
    site.shelf.put("CUSTOMER", customer("C7", WHENMODIFIED=LATELY))
    site.shelf.put("ARADVANCE", advance(21, WHENMODIFIED=LATELY))
    site.shelf.put("ARADJUSTMENT", memo(301, "CM-1", WHENMODIFIED=LATELY))

    read = site.ledger.changed(SINCE)

    assert ["INV-1__C1"] == numbers(read)
    assert ["C7", "C1"] == [one.id for one in read.customers]
    assert ["cm-CM-1__C1", "adv-21"] == [one.id for one in read.credits]


def test_a_payment_brings_the_invoices_and_credits_that_it_touched_whose_own_date_did_not_move(site: Rooms) -> None:
    site.shelf.put(
        "ARINVOICE", invoice(101, "INV-1", due="0", STATE="Paid"), invoice(102, "INV-2"), invoice(103, "INV-3")
    )
    site.shelf.put("ARADJUSTMENT", memo(301, "CM-1", due="-10"))
    site.shelf.put("ARPYMT", payment(9), overpayment(10, 9, "5"), payment(11, WHENMODIFIED=LATELY))
    site.shelf.details["11"] = [
        {"RECORDKEY": "101", "TRX_PAYMENTAMOUNT": "100"},
        {"RECORDKEY": "102", "ADJUSTMENTKEY": "301", "TRX_ADJUSTMENTAMOUNT": "30"},
        {"RECORDKEY": "102", "OVERPAYMENTKEY": "10", "TRX_POSTEDOVERPAYMENTAMOUNT": "1"},
    ]

    read = site.ledger.changed(SINCE)

    assert ["INV-1__C1", "INV-2__C1"] == numbers(read)
    assert {"cm-CM-1__C1": usd("10"), "11": usd("0"), "9": usd("5")} == {
        one.id: one.open_amount for one in read.credits
    }


def test_a_changed_invoice_brings_its_twin_so_that_both_are_parked(site: Rooms) -> None:
    site.shelf.put("ARINVOICE", invoice(101, "INV-1"), invoice(109, "INV-1", WHENMODIFIED=LATELY))

    assert [("INV-1__C1", "RECORDNO")] == parked(site.ledger.changed(SINCE))


@pytest.mark.parametrize("shown", ["11/23/2026 11:30:00", "11/23/2026 03:30:00"])  # UTC, or the vendor's own zone
def test_no_zone_that_a_date_may_mean_hides_a_change(site: Rooms, shown: str) -> None:
    site.shelf.put("ARINVOICE", invoice(101, "INV-1", WHENMODIFIED=shown))

    assert ["INV-1__C1"] == numbers(site.ledger.changed(SINCE))


def test_what_was_taken_over_once_is_not_read_again_until_it_moves(site: Rooms) -> None:
    site.shelf.put(
        "ARINVOICE",
        invoice(101, "INV-1", WHENMODIFIED="11/23/2026 11:10:00"),
        invoice(102, "INV-2", WHENMODIFIED="11/23/2026 11:40:00"),
    )

    first = site.ledger.changed(SINCE)
    failed = site.ledger.changed(SINCE)  # nobody took the first over: the same instant is asked for
    second = site.ledger.changed(SINCE + timedelta(minutes=30))
    site.shelf.tables["ARINVOICE"][0]["WHENMODIFIED"] = "11/23/2026 11:50:00"
    third = site.ledger.changed(SINCE + timedelta(minutes=45))
    fourth = site.ledger.changed(SINCE + timedelta(minutes=50))

    assert ["INV-1__C1", "INV-2__C1"] == numbers(first) == numbers(failed)
    assert ["INV-2__C1"] == numbers(second)  # as new as any: a second change within its second would look the same
    assert ["INV-1__C1", "INV-2__C1"] == numbers(third)
    assert ["INV-1__C1"] == numbers(fourth)


# ---- payment terms ----


def test_terms_are_read_once_and_again_for_one_that_is_new(site: Rooms) -> None:
    offered = {"TERMNAME": "2-10", "WHENDISCOUNT": "10/11/2026"}
    site.shelf.put("ARTERM", {"RECORDNO": "1", "NAME": "2-10", "DISCAMOUNT": "2", "DISCPERCAMN": "%"})
    site.shelf.put("ARINVOICE", invoice(101, "INV-1", **offered), invoice(102, "INV-2", TERMNAME="N30"))

    found = site.ledger.open_of(["C1"]).invoices
    site.ledger.invoices(["INV-1__C1"])

    assert [EarlyDiscount(usd("2"), datetime(2026, 10, 11, tzinfo=UTC).date()), None] == [one.discount for one in found]
    assert 1 == site.shelf.asked.count("ARTERM")
    site.shelf.put("ARINVOICE", invoice(103, "INV-3", **{**offered, "TERMNAME": "gone"}))
    site.ledger.open_of(["C1"])
    site.ledger.open_of(["C1"])
    assert 2 == site.shelf.asked.count("ARTERM")


def test_a_company_whose_due_leaves_out_what_drafts_selected_still_lists_it_as_open() -> None:
    site = rooms(MAPPING.model_copy(update={"facts": Facts(total_due_counts_selected=False)}))
    site.shelf.put("ARINVOICE", invoice(101, "INV-1", due="0", STATE="Selected", TRX_TOTALSELECTED="100"))

    read = site.ledger.open_of(["C1"])

    assert [(usd("0"), InvoiceStatus.OPEN)] == [(one.balance, one.status) for one in read.invoices]
    assert (CustomerTotal("C1", "USD", 1, usd("0")),) == site.ledger.totals()
    assert () == read.parked
