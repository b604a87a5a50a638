"""Intacct's periods, balances and documents as rows give them: what counts as closed, what moved receivables."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from connector.adapters.intacct.answers import Row
from connector.adapters.intacct.banks import Banks
from connector.adapters.intacct.books import Books
from connector.adapters.intacct.deposits import Deposits
from connector.adapters.intacct.documents import Documents
from connector.adapters.intacct.keys import Keys
from connector.adapters.intacct.payments import Payments
from connector.adapters.intacct.settings import Facts, IntacctMapping, LedgerAccounts, SettlementEntry
from connector.errors import Terminal
from connector.money import Money
from connector.settlement import AccountBalance, AccountRole, ArDocument, DepositSeen, DocumentKind, Period
from tests.unit.intacct_read_cases import Shelf

FIRST, LAST = date(2026, 10, 1), date(2026, 10, 31)
USD = SettlementEntry(currency="USD", accounts=LedgerAccounts(bank="CHK", clearing="STRIPE", fees="6150"))
MAPPING = IntacctMapping(
    account_time_zone="UTC", settlement=(USD,), receivable_accounts=("1100", "2150"), bad_debt_accounts=("6800",)
)


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


@pytest.fixture
def shelf() -> Shelf:
    made = Shelf()
    made.put("CHECKINGACCOUNT", {"RECORDNO": "1", "BANKACCOUNTID": "CHK", "GLACCOUNTNO": "1000"})
    made.put("CHECKINGACCOUNT", {"RECORDNO": "2", "BANKACCOUNTID": "STRIPE", "GLACCOUNTNO": "1010"})
    return made


def books(shelf: Shelf, mapping: IntacctMapping = MAPPING) -> Books:
    return Books(shelf, mapping, Banks(shelf, mapping), Payments(shelf, mapping, Keys(shelf, mapping)))


# ---- periods ----


def month(shelf: Shelf, number: int, *opens: str) -> None:
    """A month of 2026 with AR summaries that are open or closed."""
    name, last = f"Month Ended {number}", {2: 28, 4: 30, 6: 30, 9: 30, 11: 30}.get(number, 31)
    day = f"{number:02d}/{{}}/2026"
    at = str(100 + number)
    shelf.put(
        "REPORTINGPERIOD",
        {"RECORDNO": at, "NAME": name, "START_DATE": day.format("01"), "END_DATE": day.format(last)}
        | {"BUDGETING": "true"},
    )
    for index, is_open in enumerate(opens):
        summary = {"RECORDNO": f"{at}{index}", "CREATED": day.format("15"), "OPEN": is_open, "STATUS": "active"}
        shelf.put("ARINVOICEBATCH", summary)


def test_a_period_is_closed_where_it_has_summaries_and_none_of_them_is_open(shelf: Shelf) -> None:
    month(shelf, 8, "Closed", "Closed")
    month(shelf, 9, "Closed", "Open")
    month(shelf, 10, "Open")
    month(shelf, 11)

    periods = books(shelf).periods(date(2026, 11, 23))

    assert [True, False, False, False] == [period.is_locked for period in periods]
    assert Period("Month Ended 8", date(2026, 8, 1), date(2026, 8, 31), True) == periods[0]


def test_where_nothing_tells_what_is_closed_every_period_counts_as_open(shelf: Shelf) -> None:
    month(shelf, 8, "Closed")
    mapping = MAPPING.model_copy(update={"facts": Facts(periods_closed_by="none")})

    assert [False] == [period.is_locked for period in books(shelf, mapping).periods(date(2026, 11, 23))]
    assert "ARINVOICEBATCH" not in shelf.asked


@pytest.mark.parametrize("broken", [{"START_DATE": "soon"}, {"NAME": ""}])
def test_a_period_that_is_not_understood_is_told_by_its_record(shelf: Shelf, broken: Row) -> None:
    month(shelf, 8)
    shelf.tables["REPORTINGPERIOD"][0].update(broken)

    with pytest.raises(Terminal, match=r"reporting period 108"):
        books(shelf).periods(date(2026, 11, 23))


# ---- balances ----


def posting(shelf: Shelf, account: str, debit: str = "0", credit: str = "0", **more: str) -> None:
    row = {"RECORDNO": str(9000 + len(shelf.tables.get("GLDETAIL", []))), "BOOKID": "ACCRUAL", "ACCOUNTNO": account}
    row |= {"CURRENCY": "USD", "TRX_DEBITAMOUNT": debit, "TRX_CREDITAMOUNT": credit, "BATCH_DATE": "10/05/2026"}
    shelf.put("GLDETAIL", row | {"MODULEKEY": "4.AR"} | more)


def test_balances_are_debits_less_credits_up_to_the_day_in_one_book(shelf: Shelf) -> None:
    posting(shelf, "1100", debit="1000.00")
    posting(shelf, "1100", credit="300.00")
    posting(shelf, "2150", credit="20.00")
    posting(shelf, "1100", debit="77.00", BATCH_DATE="11/01/2026")
    posting(shelf, "1100", debit="88.00", BOOKID="CASH")
    posting(shelf, "1010", debit="300.00")

    assert (
        AccountBalance(AccountRole.CLEARING, "USD", "", usd("300"), LAST),
        AccountBalance(AccountRole.RECEIVABLE, "USD", "", usd("680"), LAST),
    ) == books(shelf).balances(LAST)


def test_a_clearing_account_without_postings_holds_nothing(shelf: Shelf) -> None:
    assert (AccountBalance(AccountRole.CLEARING, "USD", "", usd("0"), LAST),) == books(shelf).balances(LAST)


def test_a_currency_that_two_decimals_do_not_fit_is_left_out(shelf: Shelf) -> None:
    posting(shelf, "1100", debit="7000", CURRENCY="JPY")
    posting(shelf, "1100", debit="5.00")

    assert [usd("0"), usd("5")] == [one.amount for one in books(shelf).balances(LAST)]


def test_a_bank_account_without_a_gl_account_is_told_by_its_id(shelf: Shelf) -> None:
    del shelf.tables["CHECKINGACCOUNT"][1]

    with pytest.raises(Terminal, match="STRIPE"):
        books(shelf).balances(LAST)


def test_what_people_book_of_a_refund_is_found_by_its_id_as_a_whole_word(shelf: Shelf) -> None:
    posting(shelf, "1010", credit="40.00", MODULEKEY="2.GL", BATCH_TITLE="refund re_1 of ch_1")
    posting(shelf, "1010", credit="5.00", MODULEKEY="3.AP", DESCRIPTION="re_1, second part")
    posting(shelf, "1010", credit="7.00", MODULEKEY="2.GL", BATCH_TITLE="refund re_11")
    posting(shelf, "1010", debit="100.00", MODULEKEY="4.AR", DESCRIPTION="re_1")
    posting(shelf, "6150", debit="40.00", MODULEKEY="2.GL", BATCH_TITLE="refund re_1 of ch_1")

    assert {"re_1": usd("-45")} == books(shelf).cleared(["re_1", "re_2"])
    assert {} == books(shelf).cleared([])


# ---- payouts that people booked ----


def deposits(shelf: Shelf) -> Deposits:
    return Deposits(shelf, MAPPING, Banks(shelf, MAPPING))


def test_a_payout_that_somebody_transferred_to_the_bank_is_found_by_its_id_as_a_whole_word(shelf: Shelf) -> None:
    posting(shelf, "1000", debit="820.70", MODULEKEY="11.CM", BATCHKEY="71", DESCRIPTION="Stripe po_1 arrived")
    posting(shelf, "1010", credit="820.70", MODULEKEY="11.CM", BATCHKEY="71", DESCRIPTION="Stripe po_1 arrived")
    posting(shelf, "1000", debit="9.00", MODULEKEY="2.GL", BATCHKEY="72", DESCRIPTION="po_11")
    posting(shelf, "1000", debit="5.00", MODULEKEY="4.AR", BATCHKEY="73", DESCRIPTION="po_1, a payment")

    assert {"po_1": DepositSeen("71", usd("820.70"), payments=(), by_role=())} == deposits(shelf).find(["po_1", "po_2"])


def test_a_transfer_that_was_reversed_counts_as_voided(shelf: Shelf) -> None:
    posting(shelf, "1000", debit="820.70", MODULEKEY="11.CM", BATCHKEY="71", DESCRIPTION="po_1")
    posting(shelf, "1000", credit="820.70", MODULEKEY="11.CM", BATCHKEY="72", DESCRIPTION="Reversed: po_1")

    assert deposits(shelf).find(["po_1"])["po_1"].voided


# ---- documents ----


def invoice(shelf: Shelf, number: str, amount: str, due: str, **more: str) -> None:
    row = {"RECORDNO": str(100 + len(shelf.tables.get("ARINVOICE", []))), "RECORDID": number, "STATE": "Posted"}
    row |= {"CUSTOMERID": "C1", "WHENCREATED": "10/03/2026", "WHENPOSTED": "10/03/2026", "WHENDUE": "11/02/2026"}
    shelf.put("ARINVOICE", row | {"CURRENCY": "USD", "TRX_TOTALENTERED": amount, "TRX_TOTALDUE": due} | more)


def receipt(shelf: Shelf, amount: str, **more: str) -> None:
    row = {"RECORDNO": str(500 + len(shelf.tables.get("ARPYMT", []))), "RECORDTYPE": "rp", "STATE": "Complete"}
    row |= {"CUSTOMERID": "C1", "RECEIPTDATE": "10/09/2026", "CURRENCY": "USD", "TRX_TOTALDUE": "0"}
    shelf.put("ARPYMT", row | {"TRX_TOTALENTERED": amount} | more)


def told(shelf: Shelf, mapping: IntacctMapping = MAPPING, **more: Any) -> dict[str, ArDocument]:
    return {one.id: one for one in Documents(shelf, mapping).between(FIRST, LAST, **more)}


def test_what_is_left_of_an_invoice_still_holds_what_a_draft_selected(shelf: Shelf) -> None:
    invoice(shelf, "A", "100.00", "60.00", TRX_TOTALSELECTED="60.00")
    counted = MAPPING.model_copy(update={"facts": Facts(total_due_counts_selected=False)})

    assert usd("60") == told(shelf)["A__C1"].open_amount
    assert usd("120") == told(shelf, counted)["A__C1"].open_amount


def test_an_older_invoice_is_told_only_while_something_of_it_is_left(shelf: Shelf) -> None:
    invoice(shelf, "OPEN", "70.00", "70.00", WHENPOSTED="08/01/2026")
    invoice(shelf, "PAID", "30.00", "0", WHENPOSTED="08/01/2026", WHENPAID="09/01/2026")
    invoice(shelf, "LATER", "5.00", "5.00", WHENPOSTED="11/01/2026")
    invoice(shelf, "DRAFT", "5.00", "5.00", STATE="Draft")

    assert {"OPEN__C1"} == told(shelf).keys()


def test_a_reversed_invoice_and_its_reversal_come_to_nothing(shelf: Shelf) -> None:
    invoice(shelf, "A", "100.00", "0", STATE="Reversed")
    invoice(shelf, "A", "-100.00", "0", STATE="Reversal", WHENPOSTED="10/20/2026")

    documents = Documents(shelf, MAPPING).between(FIRST, LAST)

    assert [(DocumentKind.INVOICE, usd("100")), (DocumentKind.CREDIT_MEMO, usd("-100"))] == [
        (one.kind, one.amount) for one in documents
    ]
    assert [usd("0"), usd("0")] == [one.open_amount for one in documents]


def test_a_receipt_shows_what_its_overpayment_has_left_however_old_it_is(shelf: Shelf) -> None:
    receipt(shelf, "100.00")
    receipt(shelf, "80.00", RECEIPTDATE="08/01/2026")
    receipt(shelf, "15.00", RECORDTYPE="ro", PARENTPAYMENTKEY="500", TRX_TOTALDUE="15.00")
    over = {"RECORDTYPE": "ro", "PARENTPAYMENTKEY": "501", "RECEIPTDATE": "08/01/2026"}
    receipt(shelf, "9.00", **over, TRX_TOTALDUE="-4.00")
    receipt(shelf, "0.00")
    receipt(shelf, "50.00", STATE="Draft")

    assert {"500": (usd("-100"), usd("15")), "501": (usd("-80"), usd("4"))} == {
        id_: (one.amount, one.open_amount) for id_, one in told(shelf).items()
    }


def test_a_reversed_receipt_and_its_reversal_come_to_nothing(shelf: Shelf) -> None:
    receipt(shelf, "100.00", STATE="Reversed")
    receipt(shelf, "-100.00", STATE="Reversal", RECEIPTDATE="10/20/2026")

    assert [usd("-100"), usd("100")] == [one.amount for one in told(shelf).values()]


def test_memos_debit_memos_and_write_offs_are_told_apart(shelf: Shelf) -> None:
    row = {"STATE": "Posted", "CUSTOMERID": "C1", "CURRENCY": "USD", "WHENPOSTED": "10/05/2026"}
    for key, number, amount in (("1", "CM-1", "-5.00"), ("2", "DM-1", "8.00"), ("3", "WO-1", "-20.00")):
        shelf.put(
            "ARADJUSTMENT",
            row | {"RECORDNO": key, "RECORDID": number, "TRX_TOTALENTERED": amount, "TRX_TOTALDUE": amount},
        )
    line = {"RECORDNO": "31", "RECORDKEY": "3", "ACCOUNTNO": "6800", "ENTRY_DATE": "10/05/2026"}
    shelf.put("ARADJUSTMENTITEM", line)

    assert {
        "cm-CM-1__C1": (DocumentKind.CREDIT_MEMO, usd("-5"), usd("5")),
        "adj-2": (DocumentKind.OTHER, usd("8"), usd("8")),
        "cm-WO-1__C1": (DocumentKind.WRITE_OFF, usd("-20"), usd("20")),
    } == {id_: (one.kind, one.amount, one.open_amount) for id_, one in told(shelf).items()}


def test_a_discount_settles_without_money_on_the_day_its_invoice_was_paid(shelf: Shelf) -> None:
    invoice(shelf, "A", "100.00", "0", STATE="Paid", WHENPAID="10/12/2026")
    for key, amount in (("1", "1.50"), ("2", "0.50"), ("3", "0")):
        line = {"RECORDNO": key, "RECORDKEY": "100", "CURRENCY": "USD", "TRX_DISCOUNTAPPLIED": amount}
        shelf.put("ARINVOICEITEM", line | {"ENTRY_DATE": "10/03/2026"})

    found = told(shelf)["A__C1-discount"]

    assert (DocumentKind.OTHER, usd("-2"), date(2026, 10, 12), usd("0")) == (
        found.kind,
        found.amount,
        found.on,
        found.open_amount,
    )


def test_a_journal_entry_on_receivables_stands_for_ever(shelf: Shelf) -> None:
    entry = {"MODULEKEY": "2.GL", "BATCHKEY": "7", "BATCH_NO": "7", "BATCH_DATE": "08/15/2026"}
    posting(shelf, "1100", debit="30.00", **entry, CUSTOMERID="C1")
    posting(shelf, "1100", credit="12.00", **entry, CUSTOMERID="C2")
    posting(shelf, "4000", credit="18.00", **entry)

    found = Documents(shelf, MAPPING).between(FIRST, LAST)

    assert {("C1", usd("30"), usd("30")), ("C2", usd("-12"), usd("12"))} == {
        (one.customer_id, one.amount, one.open_amount) for one in found
    }
    assert {("gl-7", DocumentKind.OTHER)} == {(one.id, one.kind) for one in found}


def test_a_journal_entry_against_bad_debt_is_a_write_off(shelf: Shelf) -> None:
    posting(shelf, "1100", credit="20.00", MODULEKEY="2.GL", BATCHKEY="7", BATCH_NO="7", CUSTOMERID="C1")
    shelf.put("GLENTRY", {"RECORDNO": "1", "BATCHNO": "7", "ACCOUNTNO": "6800", "ENTRY_DATE": "10/05/2026"})

    assert [DocumentKind.WRITE_OFF] == [one.kind for one in told(shelf).values()]


def test_intercompany_and_disputes_are_marked(shelf: Shelf) -> None:
    invoice(shelf, "A", "100.00", "100.00")
    invoice(shelf, "B", "100.00", "100.00", CUSTOMERID="C2")
    invoice(shelf, "C", "100.00", "100.00")
    shelf.put("CUSTOMER", {"RECORDNO": "1", "CUSTOMERID": "C2", "ARC_EXCLUDE": "Intercompany: our own"})
    posted = {"ENTRY_DATE": "10/03/2026"}
    shelf.put("ARINVOICEITEM", {"RECORDNO": "1", "RECORDKEY": "100", "ARC_DISPUTE": "true"} | posted)
    shelf.put("ARINVOICEITEM", {"RECORDNO": "2", "RECORDKEY": "102", "ARC_DISPUTE_OUTCOME": "rejected"} | posted)

    found = told(shelf)

    assert {"A__C1": True, "B__C2": False, "C__C1": True} == {id_: one.was_disputed for id_, one in found.items()}
    assert {"A__C1": False, "B__C2": True, "C__C1": False} == {id_: one.is_intercompany for id_, one in found.items()}


def test_one_document_that_is_not_understood_stops_the_measures_and_no_history(shelf: Shelf) -> None:
    invoice(shelf, "A", "100.00", "100.00")
    invoice(shelf, "B", "100.00", "100.00", STATE="Simmering")
    receipt(shelf, "many")

    with pytest.raises(Terminal, match=r"invoice 101.*Simmering"):
        told(shelf)
    assert {"A__C1"} == told(shelf, leaves_out=True).keys()


def test_documents_of_other_entities_and_odd_currencies_are_left_out(shelf: Shelf) -> None:
    invoice(shelf, "A", "100.00", "100.00", MEGAENTITYID="E9")
    invoice(shelf, "B", "7000", "7000", CURRENCY="JPY")

    assert {} == told(shelf)
