"""Intacct's invoices become our values; what is not understood is parked with its field's name, nothing is derived."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.adapters.intacct import reading
from connector.adapters.intacct.rows import Standing, iso_day, standing_of
from connector.adapters.intacct.settings import Dimensions, Facts, IntacctMapping, NativeDunning
from connector.adapters.ledger_rows.cells import Unreadable
from connector.money import Money
from connector.receivables import (
    CustomerTotal,
    EarlyDiscount,
    InvoiceStatus,
    OpenInvoice,
    Parked,
    PauseKind,
)

MAPPING = IntacctMapping(account_time_zone="UTC")
ROW = {
    "RECORDNO": "104",
    "RECORDID": "INV 1",
    "STATE": "Posted",
    "CUSTOMERID": "C-20100",
    "DOCNUMBER": "PO-7",
    "TERMNAME": "2-10 N30",
    "WHENCREATED": "10/01/2026",
    "WHENDUE": "10/31/2026",
    "WHENDISCOUNT": "10/11/2026",
    "CURRENCY": "USD",
    "TRX_TOTALENTERED": "1650",
    "TRX_TOTALDUE": "1650.00",
    "TRX_TOTALSELECTED": "0",
}
LINES = [
    {"RECORDNO": "501", "LINE_NO": "1", "TRX_AMOUNT": "1000", "ENTRYDESCRIPTION": "Seats", "ARC_LINE_KIND": "seats"},
    {"RECORDNO": "502", "LINE_NO": "2", "TRX_AMOUNT": "500", "ARC_DISPUTE": "true", "ARC_DISPUTE_REASON": "count"},
    {"RECORDNO": "503", "LINE_NO": "3", "TRX_AMOUNT": "150", "PARENTENTRY": "502", "SUBTOTAL": "tax"},
]
TERMS = {"2-10 N30": reading.Term("2", is_percent=True, of_lines=False)}
ID = "INV_201__C-20100"


def usd(text: str) -> Money:
    return Money.of(text, "USD")


def read(
    row: dict[str, str],
    lines: list[dict[str, str]] | None = None,
    mapping: IntacctMapping = MAPPING,
    terms: dict[str, reading.Term] | None = None,
) -> OpenInvoice | Parked | None:
    shown = {name: value for name, value in row.items() if value}
    return reading.invoice(shown, LINES if lines is None else lines, mapping, terms or {})


def taken(row: dict[str, str], lines: list[dict[str, str]] | None = None, **given: object) -> OpenInvoice:
    found = read(row, lines, **given)  # type: ignore[arg-type]
    assert isinstance(found, OpenInvoice), found
    return found


def test_an_open_invoice_is_taken_over_under_an_id_that_lasts() -> None:
    invoice = taken(ROW)

    assert (invoice.id, invoice.number, invoice.customer_id) == (ID, "INV 1", "C-20100")
    assert (invoice.amount, invoice.balance, invoice.status) == (usd("1650"), usd("1650"), InvoiceStatus.OPEN)
    assert (invoice.issued_on, invoice.due_on) == (date(2026, 10, 1), date(2026, 10, 31))
    assert (invoice.terms, invoice.po_number, invoice.subsidiary) == ("2-10 N30", "PO-7", "")
    assert invoice.is_native_dunning_paused is None
    assert [(line.id, line.description, line.kind, line.disputed) for line in invoice.lines] == [
        ("1", "Seats", "seats", False),
        ("2", "", "", True),
    ]


def test_the_tax_below_a_disputed_line_is_disputed_with_it() -> None:
    invoice = taken(ROW)

    assert [usd("1000"), usd("650")] == [line.amount for line in invoice.lines]
    assert usd("1000") == invoice.askable


def test_what_an_order_adds_as_a_whole_is_shared_by_the_lines() -> None:
    lines = [*LINES[:2], {"RECORDNO": "504", "LINE_NO": "3", "TRX_AMOUNT": "-150", "SUBTOTAL": "discount"}]

    invoice = taken({**ROW, "TRX_TOTALENTERED": "1350", "TRX_TOTALDUE": "1350"}, lines)

    assert [usd("900"), usd("450")] == [line.amount for line in invoice.lines]


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=12), st.integers(1, 10**10))
def test_the_lines_always_sum_to_the_invoice(amounts: list[int], total: int) -> None:
    rows = [
        {"RECORDNO": str(500 + n), "LINE_NO": str(n), "TRX_AMOUNT": Money(minor, "USD").plain()}
        for n, minor in enumerate(amounts, 1)
    ]

    lines = reading.invoice_lines(rows, Money(total, "USD"), MAPPING)

    assert total == sum(line.amount.minor for line in lines)
    assert [str(n) for n in range(1, len(amounts) + 1)] == [line.id for line in lines]


def test_what_a_draft_has_selected_is_not_open_and_yet_not_paid() -> None:
    part = taken({**ROW, "STATE": "Selected", "TRX_TOTALSELECTED": "600"})
    whole = taken({**ROW, "STATE": "Selected", "TRX_TOTALSELECTED": "1650.00"})

    assert (usd("1050"), InvoiceStatus.OPEN) == (part.balance, part.status)
    assert (usd("0"), InvoiceStatus.OPEN) == (whole.balance, whole.status)


def test_a_company_whose_due_leaves_the_selected_out_says_so_in_its_mapping() -> None:
    mapping = MAPPING.model_copy(update={"facts": Facts(total_due_counts_selected=False)})
    row = {**ROW, "STATE": "Selected", "TRX_TOTALDUE": "0", "TRX_TOTALSELECTED": "1650"}

    invoice = taken(row, mapping=mapping)

    assert (usd("0"), InvoiceStatus.OPEN) == (invoice.balance, invoice.status)


def test_what_our_own_draft_selected_is_open() -> None:
    shown = reading.without_selected({**ROW, "TRX_TOTALSELECTED": "600"}, usd("500"), MAPPING)

    assert usd("1550") == taken(shown).balance


@pytest.mark.parametrize(
    ("state", "status", "balance"),
    [("Paid", InvoiceStatus.PAID, "0"), ("Reversed", InvoiceStatus.VOIDED, "0")],
)
def test_what_is_over_owes_nothing(state: str, status: InvoiceStatus, balance: str) -> None:
    invoice = taken({**ROW, "STATE": state, "TRX_TOTALDUE": "0"})

    assert (status, usd(balance)) == (invoice.status, invoice.balance)


@pytest.mark.parametrize("state", ["Draft", "Submitted", "Reversal", "draft"])
def test_what_is_not_posted_or_only_undoes_another_is_no_invoice(state: str) -> None:
    assert read({**ROW, "STATE": state}) is None


def test_a_reversed_invoice_of_no_amount_is_not_parked() -> None:
    assert InvoiceStatus.VOIDED is taken({**ROW, "STATE": "Reversed", "TRX_TOTALENTERED": "0"}).status


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"STATE": "Mailed"}, "STATE", "'Mailed' is no state that we know"),
        ({"STATE": ""}, "STATE", "is missing"),
        ({"WHENDUE": ""}, "WHENDUE", "is missing"),
        ({"WHENCREATED": ""}, "WHENCREATED", "is missing"),
        ({"WHENDUE": "09/30/2026"}, "WHENDUE", "2026-09-30 is before the invoice's own day 2026-10-01"),
        ({"WHENDUE": "31.10.2026"}, "WHENDUE", "'31.10.2026' is no day"),
        ({"WHENDUE": "13/01/2026"}, "WHENDUE", "'2026-13-01' is no day"),
        ({"TRX_TOTALENTERED": "-5"}, "TRX_TOTALENTERED", "-5.00 USD is not above zero"),
        ({"TRX_TOTALENTERED": ""}, "TRX_TOTALENTERED", "is missing"),
        ({"TRX_TOTALENTERED": "1650.005"}, "TRX_TOTALENTERED", "1650.005 USD has more than 2 decimals"),
        ({"TRX_TOTALENTERED": "NaN"}, "TRX_TOTALENTERED", "'NaN' is no finite amount"),
        ({"TRX_TOTALENTERED": "1,650.00"}, "TRX_TOTALENTERED", "'1,650.00' is no decimal amount"),
        ({"TRX_TOTALDUE": ""}, "TRX_TOTALDUE", "is missing"),
        ({"TRX_TOTALDUE": "-1"}, "TRX_TOTALDUE", "-1.00 USD is below zero"),
        ({"TRX_TOTALDUE": "1650.01"}, "TRX_TOTALDUE", "1,650.01 USD is more than the invoice's"),
        ({"TRX_TOTALSELECTED": "1650.01"}, "TRX_TOTALDUE", "-0.01 USD is below zero once what drafts selected"),
        ({"CURRENCY": "JPY"}, "CURRENCY", "JPY has 0 decimals, and Intacct keeps amounts with 2"),
        ({"CURRENCY": "KWD"}, "CURRENCY", "KWD has 3 decimals"),
        ({"CURRENCY": "XXL"}, "CURRENCY", "'XXL' is no ISO 4217 currency code"),
        ({"CURRENCY": ""}, "CURRENCY", "is missing"),
        ({"MEGAENTITYID": "E9"}, "MEGAENTITYID", "E9 is not among the entities"),
        ({"ARC_DELIVERED_ON": "1.10.2026"}, "delivered_on", "'1.10.2026' is no day"),
        ({"ARC_HOLD": "true", "ARC_HOLD_KIND": "moon"}, "hold_kind", "'moon' is none of"),
        ({"RECORDID": ""}, "RECORDID", "is missing"),
        ({"CUSTOMERID": ""}, "CUSTOMERID", "is missing"),
    ],
)
def test_what_is_not_understood_is_parked_with_its_field(change: dict[str, str], field: str, reason: str) -> None:
    found = read({**ROW, **change})

    assert isinstance(found, Parked)
    assert ("erp", field) == (found.source, found.field)
    assert found.reason.startswith(reason)
    nameless = {"RECORDID", "CUSTOMERID", "MEGAENTITYID"} & change.keys()
    assert found.record == ("ARINVOICE 104" if nameless else ID)
    assert {**ROW, **change}["CUSTOMERID"] == found.customer_id


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        ([], "ARINVOICEITEM"),
        (LINES[:2], "ARINVOICEITEM"),
        ([{"RECORDNO": "501", "TRX_AMOUNT": "1650"}], "LINE_NO"),
        ([{"RECORDNO": "501", "LINE_NO": "1"}], "line 1 TRX_AMOUNT"),
        (
            [
                {"RECORDNO": "501", "LINE_NO": "1", "TRX_AMOUNT": "650"},
                {"RECORDNO": "502", "LINE_NO": "1", "TRX_AMOUNT": "1000"},
            ],
            "LINE_NO",
        ),
        ([{"RECORDNO": "501", "LINE_NO": "1", "TRX_AMOUNT": "1650", "ARC_DISPUTED_ON": "soon"}], "line 1 disputed_on"),
    ],
)
def test_a_line_that_is_not_understood_parks_its_invoice(lines: list[dict[str, str]], field: str) -> None:
    found = read(ROW, lines)

    assert isinstance(found, Parked)
    assert (ID, field) == (found.record, found.field)


def test_a_company_of_one_currency_tells_it_as_the_base_currency() -> None:
    assert usd("1650") == taken({**ROW, "CURRENCY": "", "BASECURR": "USD"}).amount


def test_an_entity_that_is_ours_is_part_of_the_id() -> None:
    mapping = MAPPING.model_copy(update={"entities": {"E 100": Dimensions()}})

    invoice = taken({**ROW, "MEGAENTITYID": "E 100"}, mapping=mapping)

    assert (f"{ID}__E_20100", "E 100") == (invoice.id, invoice.subsidiary)


def test_what_people_entered_keeps_the_invoice_back() -> None:
    row = {
        **ROW,
        "ARC_HOLD": "true",
        "ARC_HOLD_REASON": "usage is not signed off",
        "ARC_HOLD_KIND": "Usage",
        "ARC_HOLD_UNTIL": "11/30/2026",
        "ARC_PROMISE_ON": "2026-12-01",
        "ARC_PROMISE_AMOUNT": "800",
        "ARC_CONVERSATION_UNTIL": "11/28/2026",
        "ARC_TOUCHED_ON": "11/20/2026",
        "ARC_DELIVERED_ON": "10/02/2026",
    }

    invoice = taken(row)

    kinds = {pause.kind: pause for pause in invoice.pauses}
    assert kinds.keys() == {PauseKind.USAGE, PauseKind.PROMISE, PauseKind.CONVERSATION}
    assert date(2026, 11, 30) == kinds[PauseKind.USAGE].until
    assert (date(2026, 12, 1), usd("800")) == (kinds[PauseKind.PROMISE].until, kinds[PauseKind.PROMISE].amount)
    assert "entered in Sage Intacct" == kinds[PauseKind.CONVERSATION].reason
    assert (date(2026, 11, 20), date(2026, 10, 2)) == (invoice.touched_on, invoice.delivered_on)


@pytest.mark.parametrize("ticked", ["", "false", "False"])
def test_a_box_that_nobody_ticked_holds_nothing_whatever_stands_beside_it(ticked: str) -> None:
    invoice = taken({**ROW, "ARC_HOLD": ticked, "ARC_HOLD_REASON": "old"})

    assert (invoice.pauses, invoice.hold_reason) == ((), "")


def test_on_a_settled_invoice_nothing_is_parked_for_what_people_entered() -> None:
    row = {**ROW, "STATE": "Paid", "TRX_TOTALDUE": "0", "ARC_HOLD": "true", "ARC_HOLD_KIND": "moon"}

    assert InvoiceStatus.PAID is taken(row).status


def test_the_field_that_keeps_an_invoice_out_of_intaccts_dunning_is_read_where_there_is_one() -> None:
    mapping = MAPPING.model_copy(update={"native_dunning": NativeDunning(pause_field="NO_DUNNING")})

    assert taken({**ROW, "NO_DUNNING": "true"}, mapping=mapping).is_native_dunning_paused is True
    assert taken(ROW, mapping=mapping).is_native_dunning_paused is False


# ---- what a term offers ----


@pytest.mark.parametrize(
    ("term", "offered"),
    [
        (reading.Term("2", is_percent=True, of_lines=False), "33.00"),
        (reading.Term("2", is_percent=True, of_lines=True), "30.00"),  # without the tax
        (reading.Term("0.333", is_percent=True, of_lines=False), "5.49"),
        (reading.Term("25", is_percent=False, of_lines=False), "25.00"),
    ],
)
def test_a_term_offers_a_discount_up_to_the_invoices_day(term: reading.Term, offered: str) -> None:
    invoice = taken(ROW, terms={"2-10 N30": term})

    assert EarlyDiscount(usd(offered), date(2026, 10, 11)) == invoice.discount


@pytest.mark.parametrize(
    ("change", "term"),
    [
        ({"WHENDISCOUNT": ""}, TERMS["2-10 N30"]),
        ({"TERMNAME": "other"}, TERMS["2-10 N30"]),
        ({}, reading.NO_TERM),
        ({}, reading.Term("0", is_percent=True, of_lines=False)),
    ],
)
def test_no_offer_without_a_day_or_an_amount(change: dict[str, str], term: reading.Term) -> None:
    assert taken({**ROW, **change}, terms={"2-10 N30": term}).discount is None


@pytest.mark.parametrize(
    ("term", "reason"),
    [
        (reading.Term("-1", is_percent=False, of_lines=False), "-1.00 USD is below zero"),
        (reading.Term("1650", is_percent=False, of_lines=False), "1,650.00 USD is no less than the invoice's"),
        (reading.Term("two", is_percent=True, of_lines=False), "'two' is no decimal amount"),
    ],
)
def test_an_offer_that_can_not_be_parks_the_invoice(term: reading.Term, reason: str) -> None:
    found = read(ROW, terms={"2-10 N30": term})

    assert isinstance(found, Parked)
    assert ("DISCAMOUNT", True) == (found.field, found.reason.startswith(reason))


def test_a_term_is_read_as_recorded_rows_have_it() -> None:
    row = {"NAME": "2-10 N30", "DISCAMOUNT": "2", "DISCPERCAMN": "%", "DISCCALCON": "Line items total"}

    assert reading.Term("2", is_percent=True, of_lines=True) == reading.term(row)
    assert reading.Term("5", is_percent=False, of_lines=False) == reading.term({"DISCAMOUNT": "5", "DISCPERCAMN": "$"})


# ---- lines as a write needs them ----


def test_what_a_line_has_due_is_what_was_billed_less_what_was_settled_or_selected() -> None:
    row = {
        **LINES[1],
        "TRX_TOTALPAID": "120.50",
        "TRX_DISCOUNTAPPLIED": "10",
        "TRX_TOTALSELECTED": "69.50",
        "PARENTENTRY": "77",
    }

    line = reading.line_now(row, "USD", MAPPING)

    assert ("2", "502", usd("300"), True, "77") == (
        line.line_id,
        line.entry_key,
        line.due,
        line.disputed,
        line.parent_key,
    )


# ---- sums ----


def test_totals_are_told_by_customer_and_currency_over_all_states_in_force() -> None:
    rows = [
        {"CUSTOMERID": "B", "CURRENCY": "USD", "STATE": "Posted", "COUNT.RECORDNO": "2", "SUM.TRX_TOTALDUE": "30"},
        {
            "CUSTOMERID": "B",
            "CURRENCY": "USD",
            "STATE": "Selected",
            "COUNT.RECORDNO": "1",
            "SUM.TRX_TOTALDUE": "10.50",
            "SUM.TRX_TOTALSELECTED": "4",
        },
        {"CUSTOMERID": "B", "CURRENCY": "EUR", "STATE": "Posted", "COUNT.RECORDNO": "1", "SUM.TRX_TOTALDUE": "7"},
        {"CUSTOMERID": "A", "BASECURR": "USD", "STATE": "Posted", "COUNT.RECORDNO": "1", "SUM.TRX_TOTALDUE": "1"},
        {"CUSTOMERID": "A", "CURRENCY": "USD", "STATE": "Draft", "COUNT.RECORDNO": "9", "SUM.TRX_TOTALDUE": "9"},
        {"CUSTOMERID": "A", "CURRENCY": "JPY", "STATE": "Posted", "COUNT.RECORDNO": "1", "SUM.TRX_TOTALDUE": "5"},
        {"CUSTOMERID": "A", "CURRENCY": "USD", "STATE": "Mailed", "COUNT.RECORDNO": "1", "SUM.TRX_TOTALDUE": "5"},
    ]

    assert reading.totals(rows, MAPPING) == (
        CustomerTotal("A", "USD", 1, usd("1")),
        CustomerTotal("B", "EUR", 1, Money.of("7", "EUR")),
        CustomerTotal("B", "USD", 3, usd("36.50")),
    )


# ---- cells ----


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("01/05/2026", "2026-01-05"),
        ("1/5/2026", "2026-01-05"),
        ("01/05/2026 23:59:59", "2026-01-05"),
        ("2026-01-05", "2026-01-05"),
        ("2026-01-05T08:00:00Z", "2026-01-05"),
        ("5 January", "5"),
        ("", ""),
    ],
)
def test_days_come_in_two_forms(text: str, day: str) -> None:
    assert day == iso_day(text)


@given(st.dates(date(1990, 1, 1), date(2199, 12, 31)))
def test_a_day_survives_either_form(day: date) -> None:
    assert day.isoformat() == iso_day(day.strftime("%m/%d/%Y")) == iso_day(day.isoformat())


@pytest.mark.parametrize(
    ("label", "standing"),
    [
        ("Partially Paid", Standing.IN_FORCE),
        ("partially  paid", Standing.IN_FORCE),
        ("Complete", Standing.IN_FORCE),
        ("Draft", Standing.DRAFT),
        ("Voided", Standing.REVERSED),
        ("Reversal", Standing.REVERSAL),
    ],
)
def test_states_are_told_by_their_labels(label: str, standing: Standing) -> None:
    assert standing is standing_of({"STATE": label})


def test_a_database_letter_is_no_label() -> None:
    with pytest.raises(Unreadable):
        standing_of({"STATE": "A"})
