"""Undeposited funds, other receipts, deposits and journal entries in the books of the false Intacct."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from intacct_books import DAY, US_DAY, Desk, legacy_day, opened

from sandbox.intacct.books import Guesses
from sandbox.intacct.refusal import Refusal


@pytest.fixture
def desk() -> Desk:
    return opened()


def received(desk: Desk, number: str, amount: str, account: str = "undeposited") -> int:
    """A payment of one invoice that waits among undeposited funds."""
    customer = desk.customer()
    invoice = desk.invoice(customer, number, amount)
    return int(desk.books.pay_by_hand(customer, amount, DAY, [(invoice, amount)], account=account))


def deposit(desk: Desk, *receipts: int, bank: str = "CHK-1000", number: str = "po_1", on: date = DAY) -> int:
    return desk.legacy(
        "record_deposit",
        {
            "bankaccountid": bank,
            "depositdate": legacy_day(on),
            "depositid": number,
            "receiptkeys": [("receiptkey", key) for key in receipts],
            "description": "Stripe payout",
        },
    )


def receipt(desk: Desk, account: str, amount: str, **more: object) -> int:
    return desk.legacy(
        "record_otherreceipt",
        {
            "paymentdate": legacy_day(),
            "payee": "Stripe",
            "receiveddate": legacy_day(),
            "paymentmethod": "EFT",
            **({} if "bankaccountid" in more else {"undepglaccountno": "1090"}),
            **more,
            "receiptitems": [("lineitem", {"glaccountno": account, "amount": amount, "memo": "fees"})],
        },
    )


def journal(desk: Desk, *lines: tuple[str, str, str], **more: object) -> int:
    """Lines of account, 1 or -1, amount."""
    entries = [
        ("GLENTRY", {"ACCOUNTNO": account, "CURRENCY": "USD", "TRX_AMOUNT": amount, "TR_TYPE": side})
        for account, side, amount in lines
    ]
    head = {"JOURNAL": "GJ", "BATCH_DATE": US_DAY, "BATCH_TITLE": "Payout po_1", "REFERENCENO": "arc-dep-1"}
    return desk.create("GLBATCH", {**head, "ENTRIES": entries, **more})


def test_a_payout_with_its_fee_is_one_bank_line_of_the_net_amount(desk: Desk) -> None:
    payments = [received(desk, "INV-1", "100.00"), received(desk, "INV-2", "50.00")]
    fee = receipt(desk, "6100", "-4.65")

    made = deposit(desk, *payments, fee)

    balances = desk.books.balances()
    assert ("145.35", "0.00", "4.65") == (balances["CHK-1000"], balances["1090"], balances["6100"])
    told = desk.books.truth()["deposits"][0]
    assert (str(made), "145.35", "CHK-1000", [str(one) for one in payments]) == (
        told["id"], told["amount"], told["account"], told["payments"]
    )  # fmt: skip
    assert [{"account": "6100", "amount": "-4.65", "memo": "fees"}] == told["lines"]
    assert str(made) == desk.shown(str(payments[0]))["deposit"]
    assert [] == desk.books.truth()["violations"]


def test_a_receipt_is_deposited_once_and_only_out_of_undeposited_funds(desk: Desk) -> None:
    waiting, banked = received(desk, "INV-1", "100.00"), received(desk, "INV-2", "50.00", account="bank")
    deposit(desk, waiting)
    before = desk.books.dump()

    for key in (waiting, banked, 99):
        with pytest.raises(Refusal, match="not among the undeposited funds"):
            deposit(desk, key)

    assert before == desk.books.dump()


def test_a_reversed_or_drafted_payment_is_not_deposited(desk: Desk) -> None:
    customer = desk.customer()
    invoice = desk.invoice(customer, "INV-1", "100.00")
    draft = desk.books.draft_payment(customer, "10.00", DAY, [(invoice, "10.00")], account="undeposited")
    gone = received(desk, "INV-2", "50.00")
    desk.books.void_payment(str(gone))

    for key in (int(draft), gone):
        with pytest.raises(Refusal, match="not among the undeposited funds"):
            deposit(desk, key)


def test_what_lies_in_a_deposit_is_not_reversed_until_the_deposit_is_gone(desk: Desk) -> None:
    payment = received(desk, "INV-1", "100.00")
    made = deposit(desk, payment)

    with pytest.raises(Refusal, match=f"lies in deposit {made}"):
        desk.legacy("reverse_arpayment", {"datereversed": legacy_day()}, payment)
    desk.books.void_document(str(made))
    desk.legacy("reverse_arpayment", {"datereversed": legacy_day()}, payment)

    assert ("0.00", []) == (desk.books.balances()["CHK-1000"], desk.books.truth()["deposits"])
    assert [] == desk.books.truth()["violations"]


@pytest.mark.parametrize(
    "bank, amounts, why",
    [
        ("CHK-9", ["1.00"], "no checking account"),
        ("CHK-1000", ["1.00", "-1.00"], "above zero"),
        ("CHK-1000", [], "required"),
    ],
)
def test_a_deposit_that_can_not_be_is_refused(desk: Desk, bank: str, amounts: list[str], why: str) -> None:
    keys = [receipt(desk, "6900", amount) for amount in amounts]

    with pytest.raises(Refusal, match=why):
        deposit(desk, *keys, bank=bank)


def test_a_deposit_of_two_currencies_or_into_a_closed_month_is_refused(desk: Desk) -> None:
    dollars = received(desk, "INV-1", "100.00")
    customer = desk.customer("Euro", "EUR")
    invoice = desk.invoice(customer, "INV-2", "5.00")
    euros = int(desk.books.pay_by_hand(customer, "5.00", DAY, [(invoice, "5.00")], account="undeposited"))

    with pytest.raises(Refusal, match="in EUR, the bank account in USD"):
        deposit(desk, dollars, euros)
    desk.books.close_period("2026-11")
    with pytest.raises(Refusal, match="been closed"):
        deposit(desk, dollars)
    assert "100.00" == fetched(desk, deposit(desk, dollars, on=date(2026, 12, 1)))


def fetched(desk: Desk, key: int) -> str:
    return str(next(one["amount"] for one in desk.books.truth()["deposits"] if one["id"] == str(key)))


def test_receipts_below_zero_may_be_refused() -> None:
    strict = opened(Guesses(negative_receipts=False))

    with pytest.raises(Refusal, match="above zero, not -1"):
        receipt(strict, "6100", "-1.00")


def test_an_other_receipt_is_deleted_while_it_waits(desk: Desk) -> None:
    kept, gone = receipt(desk, "6900", "3.00"), receipt(desk, "6900", "2.00")
    deposit(desk, kept)

    desk.legacy("delete_otherreceipt", {}, gone)
    with pytest.raises(Refusal, match="lies in deposit"):
        desk.legacy("delete_otherreceipt", {}, kept)

    assert "-3.00" == desk.books.balances()["6900"]


def test_an_other_receipt_goes_straight_into_a_bank(desk: Desk) -> None:
    receipt(desk, "6900", "3.00", bankaccountid="CHK-1000", depositdate=legacy_day(), refid="R-1")

    assert ("3.00", "-3.00") == (desk.books.balances()["CHK-1000"], desk.books.balances()["6900"])


# ---- journals ----


def test_a_payout_through_clearing_is_a_journal_also_below_zero(desk: Desk) -> None:
    journal(desk, ("1000", "1", "95.35"), ("6100", "1", "4.65"), ("1010", "-1", "100.00"))
    key = journal(desk, ("1010", "1", "20.00"), ("1000", "-1", "20.00"))

    assert ("75.35", "-80.00") == (desk.books.balances()["CHK-1000"], desk.books.balances()["CHK-STRIPE"])
    told = desk.books.truth()["journals"][1]
    assert (str(key), "Payout po_1", "20.00", False) == (told["id"], told["memo"], told["amount"], told["voided"])
    assert [("CHK-STRIPE", "20.00"), ("CHK-1000", "-20.00")] == [
        (one["account"], one["amount"]) for one in told["lines"]
    ]


@pytest.mark.parametrize(
    "lines, more, why",
    [
        ([("1000", "1", "5.00"), ("6100", "-1", "4.99")], {}, r"Debits come to 5\.00, credits to 4\.99"),
        ([("1000", "1", "5.00")], {}, "at least two lines"),
        ([("1000", "1", "-5.00"), ("6100", "-1", "-5.00")], {}, "above zero"),
        ([("1000", "2", "5.00"), ("6100", "-1", "5.00")], {}, "TR_TYPE"),
        ([("9999", "1", "5.00"), ("6100", "-1", "5.00")], {}, "no GL account"),
        ([("1000", "1", "5.00"), ("6100", "-1", "5.00")], {"JOURNAL": "NONE"}, "JOURNAL"),
        ([("1000", "1", "5.00"), ("6100", "-1", "5.00")], {"BATCH_DATE": "10/31/2026"}, "been closed"),
    ],
)
def test_a_journal_that_can_not_be_is_refused(
    desk: Desk, lines: list[tuple[str, str, str]], more: dict[str, object], why: str
) -> None:
    desk.books.close_period("2026-10")
    before = desk.books.dump()

    with pytest.raises(Refusal, match=why):
        journal(desk, *lines, **more)

    assert before == desk.books.dump()


def test_a_journal_is_reversed_by_people_and_deleted_by_clients_too(desk: Desk) -> None:
    lines = (("1000", "1", "5.00"), ("6100", "-1", "5.00"))
    first, second = journal(desk, *lines), journal(desk, *lines)

    desk.books.void_document(str(first))
    desk.delete("GLBATCH", second)
    with pytest.raises(Refusal, match="reversed already"):
        desk.books.void_document(str(first))

    assert [(str(first), True)] == [(one["id"], one["voided"]) for one in desk.books.truth()["journals"]]
    assert ("5.00", "0.00") == tuple(desk.books.balances(date(2026, 11, day))["CHK-1000"] for day in (22, 23))


def test_in_a_company_of_entities_a_journal_balances_in_each(desk: Desk) -> None:
    for entity in ("E1", "E2"):
        desk.books.add_entity(entity)

    def entry(account: str, side: str, location: str) -> tuple[str, dict[str, str]]:
        line = {"ACCOUNTNO": account, "CURRENCY": "USD", "TRX_AMOUNT": "5.00", "TR_TYPE": side}
        return "GLENTRY", line | ({"LOCATION": location} if location else {})

    for locations, why in ((("E1", "E2"), "in entity E1"), (("E1", ""), "LOCATIONID is required")):
        entries = [entry("1000", "1", locations[0]), entry("6100", "-1", locations[1])]
        with pytest.raises(Refusal, match=why):
            journal(desk, ENTRIES=entries)
    inside = replace(desk, entity="E1")
    inside.create(
        "GLBATCH",
        {
            "JOURNAL": "GJ",
            "BATCH_DATE": US_DAY,
            "BATCH_TITLE": "in E1",
            "ENTRIES": [entry("1000", "1", ""), entry("6100", "-1", "")],
        },
    )

    assert ["E1"] == [one["entity"] for one in desk.books.truth()["journals"]]


# ---- rights ----


@pytest.mark.parametrize("right", ["create_deposits", "create_other_receipts", "create_journals", "reverse_payments"])
def test_without_the_right_nothing_is_written(desk: Desk, right: str) -> None:
    payment = received(desk, "INV-1", "100.00")
    desk.books.revoke(right)
    deeds = {
        "create_deposits": lambda: deposit(desk, payment),
        "create_other_receipts": lambda: receipt(desk, "6100", "1.00"),
        "create_journals": lambda: journal(desk, ("1000", "1", "5.00"), ("6100", "-1", "5.00")),
        "reverse_payments": lambda: desk.legacy("reverse_arpayment", {"datereversed": legacy_day()}, payment),
    }

    with pytest.raises(Refusal, match=right.replace("_", " ")):
        deeds[right]()
    desk.books.grant(right)
    deeds[right]()
