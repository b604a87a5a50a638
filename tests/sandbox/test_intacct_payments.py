"""What a client may pay with an ARPYMT, line by line, and what the books refuse."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from intacct_books import DAY, US_DAY, Desk, legacy_day, opened, payment

from sandbox.intacct.books import Guesses
from sandbox.intacct.refusal import Refusal


@pytest.fixture
def desk() -> Desk:
    return opened()


@pytest.fixture
def customer(desk: Desk) -> str:
    return desk.customer()


def cash(key: int, amount: str, **more: object) -> dict[str, object]:
    return {"RECORDKEY": key, "TRX_PAYMENTAMOUNT": amount, **more}


def sound(desk: Desk) -> None:
    assert [] == desk.books.truth()["violations"]


# ---- lines ----


def test_without_an_entry_a_payment_goes_down_the_lines(desk: Desk, customer: str) -> None:
    invoice = desk.invoice(customer, "INV-1", "100.00", "50.00", "25.00")

    desk.pay(customer, cash(desk.key(invoice), "120.00"))

    assert ["0.00", "30.00", "25.00"] == desk.dues(invoice)
    sound(desk)


def test_two_clean_lines_close_and_the_disputed_third_stays_open(desk: Desk, customer: str) -> None:
    invoice = desk.invoice(customer, "INV-1", "100.00", "50.00", "25.00")
    desk.books.dispute_line(invoice, 3, "not ordered")
    key = desk.key(invoice)

    parts = [cash(key, amount, ENTRYKEY=desk.entry(invoice, line)) for line, amount in ((2, "50.00"), (1, "100.00"))]
    made = desk.pay(customer, *parts)

    assert ["0.00", "0.00", "25.00"] == desk.dues(invoice)
    assert "150.00" == desk.shown(str(made))["applications"][0]["amount"]
    assert ("B", True) == (desk.shown(invoice)["state"], desk.shown(invoice)["lines"][2]["disputed"])


@pytest.mark.parametrize("entry", [False, True])
def test_more_than_is_due_is_refused_and_leaves_nothing(desk: Desk, customer: str, entry: bool) -> None:
    invoice = desk.invoice(customer, "INV-1", "100.00", "50.00")
    desk.pay(customer, cash(desk.key(invoice), "30.00"))
    where = {"ENTRYKEY": desk.entry(invoice, 1)} if entry else {}
    before = desk.books.dump()

    with pytest.raises(Refusal, match=r"70\.00 is due" if entry else r"120\.00 is due"):
        desk.pay(customer, cash(desk.key(invoice), "70.01" if entry else "120.01", **where))

    assert before == desk.books.dump()


def test_what_earlier_details_of_the_same_payment_take_is_not_due_any_more(desk: Desk, customer: str) -> None:
    key = desk.key(desk.invoice(customer, "INV-1", "100.00"))

    with pytest.raises(Refusal, match=r"40\.00 is due"):
        desk.pay(customer, cash(key, "60.00"), cash(key, "50.00"))


def test_amounts_of_more_than_two_decimals_are_rounded(desk: Desk, customer: str) -> None:
    invoice = desk.invoice(customer, "INV-1", "100.00")

    desk.pay(customer, cash(desk.key(invoice), "10.005"))

    assert ["89.99"] == desk.dues(invoice)


# ---- what may be paid ----


def test_only_what_is_of_this_customer_currency_and_standing_is_paid(desk: Desk, customer: str) -> None:
    theirs = desk.key(desk.invoice(desk.customer("Other"), "INV-2", "10.00"))
    euros = desk.key(desk.invoice(customer, "INV-3", "10.00", currency="EUR"))
    pending = desk.key(desk.invoice(customer, "INV-4", "10.00", approval="pending"))
    voided = desk.key(desk.invoice(customer, "INV-5", "10.00"))
    desk.books.void("INV-5__C-00101")

    for key, why in (
        (theirs, "belongs to"),
        (euros, "in EUR"),
        (pending, "not open"),
        (voided, "not open"),
        (9, "exist"),
    ):
        with pytest.raises(Refusal, match=why):
            desk.pay(customer, cash(key, "1.00"))


def test_a_payer_pays_for_several_customers(desk: Desk, customer: str) -> None:
    child = desk.customer("Child", parent=customer)
    own, other = desk.invoice(customer, "INV-1", "10.00"), desk.invoice(child, "INV-2", "20.00")
    details = [cash(desk.key(own), "10.00"), cash(desk.key(other), "20.00")]

    with pytest.raises(Refusal, match="belongs to customer"):
        desk.pay(customer, *details)
    with pytest.raises(Refusal, match="CUSTOMERID or PAYERNAME"):
        desk.pay(customer, *details, PAYERNAME=customer)
    made = desk.pay("", *details, CUSTOMERID=None, PAYERNAME=customer)

    assert (customer, "30.00") == (desk.shown(str(made))["customer"], desk.shown(str(made))["amount"])
    assert (["0.00"], ["0.00"]) == (desk.dues(own), desk.dues(other))


@pytest.mark.parametrize(
    "header, why",
    [
        ({"UNDEPOSITEDACCOUNTNO": "1090"}, "only one of them"),
        ({"FINANCIALENTITY": None}, "only one of them"),
        ({"FINANCIALENTITY": "CHK-9"}, "no checking account"),
        ({"PAYMENTMETHOD": "Barter"}, "not a value"),
        ({"CURRENCY": None}, "CURRENCY is required"),
        ({"RECEIPTDATE": "2026-11-20"}, "not a value"),
        ({"RECEIPTDATE": None}, "RECEIPTDATE is required"),
        ({"PRBATCH": "Mine"}, "automatically"),
        ({"EXCHANGE_RATE": "0"}, "not a value"),
        ({"ACTION": "Post"}, "not a value"),
        ({"ARC_EXTERNALID": "x"}, "no field ARC_EXTERNALID"),
        ({"DOCNUMBER": "x" * 46}, "not a value"),
    ],
)
def test_a_header_that_can_not_be_is_refused(desk: Desk, customer: str, header: dict[str, object], why: str) -> None:
    key = desk.key(desk.invoice(customer, "INV-1", "10.00"))

    with pytest.raises(Refusal, match=why):
        desk.pay(customer, cash(key, "1.00"), **header)


@pytest.mark.parametrize(
    "detail, why",
    [
        ({}, "without an amount"),
        ({"TRX_PAYMENTAMOUNT": "0"}, "without an amount"),
        ({"TRX_PAYMENTAMOUNT": "-1.00"}, "without an amount"),
        ({"TRX_PAYMENTAMOUNT": "one"}, "not a value"),
        ({"ENTRYKEY": "7", "TRX_PAYMENTAMOUNT": "1.00"}, "no line 7"),
        ({"INLINEKEY": "7", "TRX_PAYMENTAMOUNT": "1.00"}, "does not play"),
        ({"POSADJKEY": "7", "TRX_PAYMENTAMOUNT": "1.00"}, "RECORDKEY is required"),
        ({"ADJUSTMENTKEY": "7", "OVERPAYMENTKEY": "8"}, "one kind of credit"),
        ({"ADJUSTMENTKEY": "7"}, "TRX_ADJUSTMENTAMOUNT is required"),
        ({"ADJUSTMENTKEY": "7", "TRX_ADJUSTMENTAMOUNT": "1.00"}, "adjustment 7 does not exist"),
    ],
)
def test_a_detail_that_can_not_be_is_refused(desk: Desk, customer: str, detail: dict[str, object], why: str) -> None:
    key = desk.key(desk.invoice(customer, "INV-1", "10.00"))

    with pytest.raises(Refusal, match=why):
        desk.pay(customer, {"RECORDKEY": key, **detail})


def test_a_payment_without_details_is_refused(desk: Desk, customer: str) -> None:
    with pytest.raises(Refusal, match="at least one payment detail"):
        desk.pay(customer, OVERPAYMENTAMOUNT="5.00")


def test_guesses_about_numbers_and_dates_can_be_turned_round() -> None:
    strict = opened(Guesses(document_numbers_are_unique=True, payments_after_invoices=True, custom_discounts=False))
    customer = strict.customer()
    key = strict.key(strict.invoice(customer, "INV-1", "10.00"))
    strict.pay(customer, cash(key, "1.00"), DOCNUMBER="ch_1")

    with pytest.raises(Refusal, match="Another payment"):
        strict.pay(customer, cash(key, "1.00"), DOCNUMBER="ch_1")
    with pytest.raises(Refusal, match="greater than their invoice dates"):
        strict.pay(customer, cash(key, "1.00"), RECEIPTDATE="10/31/2026")
    with pytest.raises(Refusal, match="not switched on"):
        strict.pay(customer, cash(key, "1.00", TRX_TOTALDISCOUNTTOAPPLY="1.00"))


# ---- credits, discounts, rests ----


def test_a_credit_memo_pays_lines_and_the_rest_is_cash(desk: Desk, customer: str) -> None:
    invoice = desk.invoice(customer, "INV-1", "60.00", "40.00")
    memo = desk.books.add_credit_memo(customer, "CM-1", DAY, "70.00")
    credit = desk.books.row("SELECT recordno FROM record WHERE recordid = 'CM-1'")
    assert credit is not None
    used = {"RECORDKEY": desk.key(invoice), "ADJUSTMENTKEY": credit["recordno"], "TRX_ADJUSTMENTAMOUNT": "70.00"}

    made = desk.pay(customer, used, cash(desk.key(invoice), "30.00"))

    shown = desk.shown(str(made))
    assert [(memo, "70.00")] == [(one["credit"], one["amount"]) for one in shown["credits"]]
    assert ("30.00", "30.00", True) == (
        shown["amount"],
        shown["applications"][0]["amount"],
        desk.shown(invoice)["closed"],
    )
    assert [(str(made), "70.00")] == [(one["payment"], one["amount"]) for one in desk.shown(memo)["applications"]]
    with pytest.raises(Refusal, match=r"0\.00 is left of it"):
        desk.pay(
            customer,
            {**used, "RECORDKEY": desk.key(desk.invoice(customer, "INV-2", "5.00")), "TRX_ADJUSTMENTAMOUNT": "1"},
        )
    sound(desk)


def test_an_overpayment_is_a_record_of_its_own_and_is_used_later(desk: Desk, customer: str) -> None:
    first, second = desk.invoice(customer, "INV-1", "60.00"), desk.invoice(customer, "INV-2", "50.00")
    made = desk.pay(customer, cash(desk.key(first), "60.00"), OVERPAYMENTAMOUNT="40.00", ARC_EXTERNAL_ID="arc-1")
    rest = desk.books.row("SELECT * FROM record WHERE parentpaymentkey = ?", made)
    assert rest is not None
    assert ("ro", 4000, "C", None) == (rest["recordtype"], rest["total"], rest["state"], rest["ARC_EXTERNAL_ID"])
    assert ("100.00", "40.00") == (desk.shown(str(made))["amount"], desk.shown(str(made))["unapplied"])
    use = {"RECORDKEY": desk.key(second), "OVERPAYMENTKEY": rest["recordno"]}

    with pytest.raises(Refusal, match=r"40\.00 is left"):
        desk.pay(customer, {**use, "TRX_POSTEDOVERPAYMENTAMOUNT": "40.01"})
    desk.pay(customer, {**use, "TRX_POSTEDOVERPAYMENTAMOUNT": "40.00"})

    shown = desk.shown(str(made))
    assert [(first, "60.00"), (second, "40.00")] == [(one["invoice"], one["amount"]) for one in shown["applications"]]
    assert ("0.00", ["10.00"], 1) == (shown["unapplied"], desk.dues(second), len(desk.books.truth()["payments"]))
    with pytest.raises(Refusal, match="was used: reverse that first"):
        desk.legacy("reverse_arpayment", {"datereversed": legacy_day()}, made)
    sound(desk)


def test_an_advance_waits_on_its_account_until_it_is_used(desk: Desk, customer: str) -> None:
    advance = desk.create(
        "ARADVANCE",
        {
            "CUSTOMERID": customer,
            "PAYMENTMETHOD": "EFT",
            "PAYMENTDATE": US_DAY,
            "RECEIPTDATE": US_DAY,
            "UNDEPOSITEDACCOUNTNO": "1090",
            "ARC_RECEIVED_ON": "11/19/2026",
            "ARADVANCEITEMS": [("ARADVANCEITEM", {"ACCOUNTNO": "2100", "TRX_AMOUNT": "30.00"})],
        },
    )
    assert ("30.00", "-30.00") == tuple(desk.books.balances()[account] for account in ("1090", "2100"))
    invoice = desk.invoice(customer, "INV-1", "100.00")

    desk.pay(customer, {"RECORDKEY": desk.key(invoice), "ADVANCEKEY": advance, "TRX_POSTEDADVANCEAMOUNT": "30.00"})

    shown = desk.shown(f"adv-{advance}")
    assert ("0.00", "2026-11-19", invoice) == (
        shown["unapplied"], shown["received_on"], shown["applications"][0]["invoice"]
    )  # fmt: skip
    assert ("0.00", ["70.00"]) == (desk.books.balances()["2100"], desk.dues(invoice))
    sound(desk)


def test_a_discount_settles_what_the_cash_leaves(desk: Desk, customer: str) -> None:
    invoice = desk.invoice(customer, "INV-1", "60.00", "40.00")

    made = desk.pay(customer, cash(desk.key(invoice), "98.00", TRX_TOTALDISCOUNTTOAPPLY="2.00"))

    one = desk.shown(str(made))["applications"][0]
    assert ("98.00", "2.00", "2.00") == (one["amount"], one["discount"], desk.books.balances()["4800"])
    assert desk.shown(invoice)["closed"]
    sound(desk)


def test_the_terms_discount_wants_the_whole_due_amount_in_time(desk: Desk, customer: str) -> None:
    desk.books.add_term("2% 10", 30, "2", 10)
    invoice = desk.invoice(customer, "INV-1", "100.00", terms_id="2% 10")
    key = desk.key(invoice)

    for amount, on in (("97.00", "11/05/2026"), ("98.00", "11/12/2026")):
        with pytest.raises(Refusal, match="can't be let off"):
            desk.pay(customer, cash(key, amount, DISCOUNTDATE=on))
    desk.pay(customer, cash(key, "98.00", DISCOUNTDATE="11/11/2026"))

    assert desk.shown(invoice)["closed"]


def test_a_debit_memo_is_paid_with_a_credit_memo(desk: Desk, customer: str) -> None:
    lines = {"aradjustmentitems": [("lineitem", {"glaccountno": "4000", "amount": "25.00"})]}
    head = {"customerid": customer, "datecreated": legacy_day()}
    debit = desk.legacy("create_aradjustment", {**head, "adjustmentno": "DM-1", **lines})
    memo = desk.legacy(
        "create_aradjustment",
        {
            **head,
            "adjustmentno": "CM-1",
            "aradjustmentitems": [("lineitem", {"glaccountno": "4000", "amount": "-25.00"})],
        },
    )

    used = {
        "ADJUSTMENTKEY": memo,
        "ADJUSTMENTENTRYKEY": desk.lines(memo)[0]["recordno"],
        "TRX_ADJUSTMENTAMOUNT": "25.00",
    }
    desk.pay(customer, {"POSADJKEY": debit, "POSADJENTRYKEY": desk.lines(debit)[0]["recordno"], **used})

    assert ["P", "P"] == [desk.books.record(key)["state"] for key in (debit, memo)]
    sound(desk)


# ---- drafts ----


def test_a_draft_selects_and_pays_only_when_it_is_submitted(desk: Desk, customer: str) -> None:
    invoice = desk.invoice(customer, "INV-1", "100.00", "50.00")

    draft = desk.pay(customer, cash(desk.key(invoice), "120.00"), ACTION="Draft")

    shown = desk.shown(invoice)
    assert ("S", "150.00", "120.00") == (shown["state"], shown["balance"], shown["selected"])
    assert "0.00" == desk.books.balances()["CHK-1000"]
    with pytest.raises(Refusal, match=r"30\.00 is due"):
        desk.pay(customer, cash(desk.key(invoice), "30.01"))
    desk.update("ARPYMT", {"RECORDNO": draft, "ACTION": "Submit"})
    assert ("B", ["0.00", "30.00"], "120.00") == (
        desk.shown(invoice)["state"], desk.dues(invoice), desk.books.balances()["CHK-1000"]
    )  # fmt: skip
    sound(desk)


def test_an_update_with_details_replaces_all_of_them_and_one_without_keeps_them(desk: Desk, customer: str) -> None:
    first, second = desk.invoice(customer, "INV-1", "60.00"), desk.invoice(customer, "INV-2", "50.00")
    draft = desk.pay(customer, cash(desk.key(first), "60.00"), ACTION="Draft", OVERPAYMENTAMOUNT="5.00")

    desk.update("ARPYMT", {"RECORDNO": draft, "DESCRIPTION": "later", "UNDEPOSITEDACCOUNTNO": "1090"})
    assert ("60.00", "S") == (desk.shown(first)["selected"], desk.shown(first)["state"])
    desk.update("ARPYMT", {"RECORDNO": draft, "ARPYMTDETAILS": [("ARPYMTDETAIL", cash(desk.key(second), "50.00"))]})

    assert ("A", "S") == (desk.shown(first)["state"], desk.shown(second)["state"])
    row = desk.books.record(draft)
    assert (5500, "later", None, "1090") == (
        row["total"], row["description"], row["financialentity"], row["undepositedaccountno"]
    )  # fmt: skip
    sound(desk)


def test_only_drafts_are_changed_and_deleted(desk: Desk, customer: str) -> None:
    invoice = desk.invoice(customer, "INV-1", "100.00")
    draft = desk.pay(customer, cash(desk.key(invoice), "10.00"), ACTION="Draft", OVERPAYMENTAMOUNT="5.00")
    posted = desk.pay(customer, cash(desk.key(invoice), "20.00"))

    desk.delete("ARPYMT", draft)
    for change in (lambda: desk.delete("ARPYMT", posted), lambda: desk.update("ARPYMT", {"RECORDNO": posted})):
        with pytest.raises(Refusal, match="only a draft"):
            change()

    assert ("0.00", ["80.00"]) == (desk.shown(invoice)["selected"], desk.dues(invoice))
    assert desk.books.row("SELECT 1 FROM record WHERE recordno IN (?, ?)", draft, draft + 1) is None
    sound(desk)


def test_a_draft_that_no_longer_fits_can_not_be_changed_into_what_is_not_due(desk: Desk, customer: str) -> None:
    invoice = desk.invoice(customer, "INV-1", "100.00")
    draft = desk.pay(customer, cash(desk.key(invoice), "100.00"), ACTION="Draft")
    before = desk.books.dump()

    detail = cash(desk.key(invoice), "100.01")
    with pytest.raises(Refusal, match=r"100\.00 is due"):
        desk.update("ARPYMT", {"RECORDNO": draft, "ARPYMTDETAILS": [("ARPYMTDETAIL", detail)]})

    assert before == desk.books.dump()


def test_who_may_not_post_may_draft(desk: Desk, customer: str) -> None:
    invoice = desk.invoice(customer, "INV-1", "100.00")
    desk.books.revoke("post_payments")

    with pytest.raises(Refusal, match="permission to post") as refused:
        desk.pay(customer, cash(desk.key(invoice), "10.00"))
    draft = desk.pay(customer, cash(desk.key(invoice), "10.00"), ACTION="Draft")
    with pytest.raises(Refusal, match="permission to post"):
        desk.update("ARPYMT", {"RECORDNO": draft, "ACTION": "Submit"})
    desk.books.submit_payment(str(draft))
    desk.books.grant("post_payments")

    assert ("AR-0201", ["90.00"]) == (refused.value.errorid, desk.dues(invoice))


# ---- reversal ----


def test_a_reversal_opens_what_was_paid_and_posts_the_opposite_on_its_day(desk: Desk, customer: str) -> None:
    invoice = desk.invoice(customer, "INV-1", "100.00")
    memo = desk.books.add_credit_memo(customer, "CM-1", DAY, "30.00")
    row = desk.books.row("SELECT recordno FROM record WHERE recordid = 'CM-1'")
    assert row is not None
    key = desk.key(invoice)
    used = {"RECORDKEY": key, "ADJUSTMENTKEY": row["recordno"], "TRX_ADJUSTMENTAMOUNT": "30.00"}
    made = desk.pay(customer, used, cash(key, "70.00"), OVERPAYMENTAMOUNT="5.00", ARC_EXTERNAL_ID="arc-1")

    reversal = desk.legacy("reverse_arpayment", {"datereversed": legacy_day(date(2026, 11, 22))}, made)

    assert (["100.00"], "30.00") == (desk.dues(invoice), desk.shown(memo)["unapplied"])
    assert (True, "0.00") == (desk.shown(str(made))["voided"], desk.shown(str(made))["unapplied"])
    assert ("75.00", "0.00") == tuple(desk.books.balances(date(2026, 11, day))["CHK-1000"] for day in (21, 22))
    undone = desk.books.record(reversal)
    assert (-7500, "R", None, made) == (
        undone["total"], undone["state"], undone["ARC_EXTERNAL_ID"], undone["reversalkey"]
    )  # fmt: skip
    for again in (made, reversal):
        with pytest.raises(Refusal, match="reversed already"):
            desk.legacy("reverse_arpayment", {"datereversed": legacy_day()}, again)
    sound(desk)


def test_a_reversal_is_not_dated_before_its_payment_nor_into_a_closed_month(desk: Desk, customer: str) -> None:
    made = desk.pay(customer, cash(desk.key(desk.invoice(customer, "INV-1", "100.00")), "10.00"))
    desk.books.close_period("2026-12")

    with pytest.raises(Refusal, match="before record"):
        desk.legacy("reverse_arpayment", {"datereversed": legacy_day(date(2026, 11, 19))}, made)
    with pytest.raises(Refusal, match="been closed"):
        desk.legacy("reverse_arpayment", {"datereversed": legacy_day(date(2026, 12, 1))}, made)


def test_legacy_functions_want_their_elements_in_the_documented_order(desk: Desk, customer: str) -> None:
    lines = {"invoiceitems": [("lineitem", {"glaccountno": "4000", "amount": "25.00"})]}
    head = {"customerid": customer, "datecreated": legacy_day(), "datedue": legacy_day()}

    with pytest.raises(Refusal, match="order"):
        desk.legacy("create_invoice", {**head, **lines, "currency": "USD"})
    key = desk.legacy("create_invoice", {**head, "invoiceno": "INV-9", "currency": "USD", **lines})

    assert "INV-9__C-00101" == desk.books.truth()["invoices"][0]["id"]
    assert "A" == desk.books.record(key)["state"]


# ---- periods and entities ----


def test_a_closed_month_takes_nothing_and_other_entities_are_not_concerned(desk: Desk, customer: str) -> None:
    for entity in ("E1", "E2"):
        desk.books.add_entity(entity)
    invoices = {entity: desk.invoice(customer, "INV-1", "100.00", entity=entity) for entity in ("E1", "E2")}
    desk.books.close_period("2026-11", entity="E1")

    closed, open_ = (replace(desk, entity=entity) for entity in ("E1", "E2"))
    with pytest.raises(Refusal, match="period that's been closed") as refused:
        closed.pay(customer, cash(desk.key(invoices["E1"]), "10.00"), FINANCIALENTITY=None, UNDEPOSITEDACCOUNTNO="1090")
    open_.pay(customer, cash(desk.key(invoices["E2"]), "10.00"), FINANCIALENTITY=None, UNDEPOSITEDACCOUNTNO="1090")
    draft = closed.pay(
        customer,
        cash(desk.key(invoices["E1"]), "10.00"),
        FINANCIALENTITY=None,
        UNDEPOSITEDACCOUNTNO="1090",
        ACTION="Draft",
    )
    desk.books.open_period("2026-11")
    closed.update("ARPYMT", {"RECORDNO": draft, "ACTION": "Submit"})

    assert "GL-0493" == refused.value.errorid
    assert ("INV-1__C-00101__E1", ["90.00"], ["90.00"]) == (
        invoices["E1"], desk.dues(invoices["E1"]), desk.dues(invoices["E2"])
    )  # fmt: skip
    sound(desk)


def test_what_belongs_to_an_entity_is_changed_only_there(desk: Desk, customer: str) -> None:
    desk.books.add_entity("E1")
    invoice = desk.invoice(customer, "INV-1", "100.00", entity="E1")
    key, inside = desk.key(invoice), replace(desk, entity="E1")

    with pytest.raises(Refusal, match="belongs to entity E1"):
        desk.update("ARINVOICE", {"RECORDNO": key, "ARC_STATE": "open"})
    with pytest.raises(Refusal, match="belongs to entity E1"):
        desk.pay(customer, cash(key, "10.00"))
    inside.update("ARINVOICE", {"RECORDNO": key, "ARC_STATE": "open", "ARC_NEXT_ON": "11/30/2026", "ARC_HOLD": "true"})

    row = desk.books.invoice(invoice)
    assert ("open", "2026-11-30", 1) == (row["ARC_STATE"], row["ARC_NEXT_ON"], row["ARC_HOLD"])


def test_at_the_top_level_lines_name_an_entity(desk: Desk, customer: str) -> None:
    desk.books.add_entity("E1")
    line = {"ACCOUNTNO": "2100", "TRX_AMOUNT": "30.00"}
    head = payment(customer, PAYMENTDATE=US_DAY) | {"ARPYMTDETAILS": None}
    head = {name: value for name, value in head.items() if value is not None}

    with pytest.raises(Refusal, match="LOCATIONID is required"):
        desk.create("ARADVANCE", {**head, "ARADVANCEITEMS": [("ARADVANCEITEM", line)]})
    desk.create("ARADVANCE", {**head, "ARADVANCEITEMS": [("ARADVANCEITEM", {**line, "LOCATIONID": "E1"})]})


# ---- custom fields and objects ----


def test_custom_fields_of_an_invoice_and_nothing_else_of_it_are_written(desk: Desk, customer: str) -> None:
    invoice = desk.invoice(customer, "INV-1", "100.00")
    desk.pay(customer, cash(desk.key(invoice), "100.00"))

    desk.update("ARINVOICE", {"RECORDNO": desk.key(invoice), "ARC_STATE": "closed", "ARC_HOLD_REASON": ""})
    desk.legacy(
        "update_invoice",
        {"customfields": [("customfield", {"customfieldname": "ARC_OWNER", "customfieldvalue": "Ann"})]},
        desk.key(invoice),
    )

    row = desk.books.invoice(invoice)
    assert ("closed", None, "Ann") == (row["ARC_STATE"], row["ARC_HOLD_REASON"], row["ARC_OWNER"])
    for name in ("WHENDUE", "TOTALDUE", "ARC_NOTHING"):
        with pytest.raises(Refusal, match=f"no field {name}"):
            desk.update("ARINVOICE", {"RECORDNO": desk.key(invoice), name: "1"})


def test_a_paid_invoice_may_be_closed_to_custom_fields_too() -> None:
    strict = opened(Guesses(paid_invoices_take_fields=False))
    customer = strict.customer()
    invoice = strict.invoice(customer, "INV-1", "100.00")
    strict.pay(customer, cash(strict.key(invoice), "100.00"))

    with pytest.raises(Refusal, match="not open"):
        strict.update("ARINVOICE", {"RECORDNO": strict.key(invoice), "ARC_STATE": "closed"})


def test_records_of_custom_objects_are_made_changed_and_deleted(desk: Desk) -> None:
    key = desk.create("arc_receipt", {"name": "arc-1-rec", "arc_act": "arc-1", "arc_state": "closed"})
    desk.update("arc_receipt", {"id": key, "arc_state": "void", "arc_text": "a & b <c>"})

    assert [
        {
            "external_id": "arc-1-rec",
            "id": str(key),
            "act": "arc-1",
            "payment": "",
            "text": "a & b <c>",
            "state": "void",
        }
    ] == desk.books.kept("receipt")
    with pytest.raises(Refusal, match="not a value for name"):
        desk.create("arc_receipt", {"name": "x" * 101})
    with pytest.raises(Refusal, match="no field arc_nothing"):
        desk.create("arc_receipt", {"name": "x", "arc_nothing": "1"})
    with pytest.raises(Refusal, match="does not exist"):
        desk.update("arc_receipt", {"id": key + 1, "arc_state": "void"})
    desk.delete("arc_receipt", key)
    assert [] == desk.books.kept("receipt")


def test_a_field_or_object_that_was_taken_away_is_not_written(desk: Desk, customer: str) -> None:
    invoice = desk.invoice(customer, "INV-1", "100.00")
    desk.books.set_hold(invoice, "wait")
    desk.books.remove_field("ARC_HOLD_REASON")
    desk.books.remove_field("arc_receipt")

    with pytest.raises(Refusal, match="no field ARC_HOLD_REASON"):
        desk.update("ARINVOICE", {"RECORDNO": desk.key(invoice), "ARC_HOLD_REASON": "x"})
    with pytest.raises(Refusal, match="no object arc_receipt"):
        desk.create("arc_receipt", {"name": "x"})
    desk.books.restore_field("ARC_HOLD_REASON")
    desk.books.restore_field("arc_receipt")
    desk.create("arc_receipt", {"name": "x"})
    assert "wait" == desk.books.invoice(invoice)["ARC_HOLD_REASON"]


@pytest.mark.parametrize("counts, due", [(True, 10_000), (False, 4_000)])
def test_what_a_draft_selects_may_be_counted_as_due_or_not(counts: bool, due: int) -> None:
    desk = opened(Guesses(total_due_counts_selected=counts))
    customer = desk.customer()
    key = desk.key(desk.invoice(customer, "INV-1", "100.00"))
    desk.pay(customer, cash(key, "60.00"), ACTION="Draft")

    kind = desk.books.catalogue.objects["ARINVOICE"]
    fields = ", ".join(f"({kind.fields[name].sql})" for name in ("TRX_TOTALDUE", "TRX_TOTALSELECTED", "STATE"))
    assert [(due, 6_000, "S")] == [tuple(row) for row in desk.books.rows(f"SELECT {fields} FROM {kind.source_sql}")]


def test_every_field_of_every_object_can_be_asked_for(desk: Desk, customer: str) -> None:
    desk.books.add_entity("E1")
    desk.pay(customer, cash(desk.key(desk.invoice(customer, "INV-1", "100.00")), "60.00"), OVERPAYMENTAMOUNT="5.00")

    for kind in desk.books.catalogue.objects.values():
        fields = ", ".join(f"({field.sql})" for field in kind.fields.values())
        desk.books.rows(f"SELECT {fields} FROM {kind.source_sql} WHERE ({kind.private_sql}) = ''")
