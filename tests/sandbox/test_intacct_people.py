"""What people do in the false Intacct: the same hands as in NetSuite, and those that only Intacct knows."""

from __future__ import annotations

from datetime import date

import pytest
from intacct_books import DAY, Desk, legacy_day, opened

from sandbox.intacct.refusal import Refusal
from sandbox.netsuite.people import People as NetSuitePeople


@pytest.fixture
def desk() -> Desk:
    return opened()


@pytest.fixture
def customer(desk: Desk) -> str:
    return desk.customer()


def test_every_hand_of_netsuites_people_is_here_too(desk: Desk) -> None:
    theirs = {name for name, deed in vars_of(NetSuitePeople).items() if callable(deed) and not name.startswith("_")}
    plumbing = {"allows", "customer_row", "deposit_of", "insert_transaction", "link", "next_id", "retotal", "settle"}
    plumbing |= {"symbol", "transaction", "currency", "account_balance", "receivable_debit", "owed"}

    assert set() == {name for name in theirs - plumbing if not hasattr(desk.books, name)}


def vars_of(kind: type) -> dict[str, object]:
    return {name: deed for one in reversed(kind.__mro__[:-1]) for name, deed in vars(one).items()}


# ---- what keeps an invoice back ----


def test_holds_promises_plans_and_the_rest_are_written_as_people_say_them(desk: Desk, customer: str) -> None:
    invoice, books = desk.invoice(customer, "INV-1", "100.00", "50.00"), desk.books

    books.set_hold(invoice, "usage", "usage", "Ann", DAY, date(2026, 12, 1))
    books.promise(invoice, date(2026, 12, 5), "60.00", "Bob", "Ann")
    books.agree_plan(invoice, "2026-12-01 50.00", "Ann")
    books.converse(invoice, date(2026, 12, 2))
    books.touch(invoice, DAY)
    books.own_dispute(invoice, "Ann", date(2026, 12, 9))
    books.email_invoice(invoice, DAY)

    row = books.invoice(invoice)
    assert (1, "usage", "2026-11-20", "2026-12-01") == tuple(
        row[f"ARC_HOLD{end}"] for end in ("", "_KIND", "_SINCE", "_UNTIL")
    )
    assert ("2026-12-05", 6000, "Bob") == tuple(row[f"ARC_PROMISE_{end}"] for end in ("ON", "AMOUNT", "BY"))
    assert ("2026-12-02", "2026-11-20", "2026-12-09") == tuple(
        row[f"ARC_{name}"] for name in ("CONVERSATION_UNTIL", "TOUCHED_ON", "DISPUTE_UNTIL")
    )
    books.clear_hold(invoice)
    books.forget_promise(invoice)
    row = books.invoice(invoice)
    assert (0, None, None) == (row["ARC_HOLD"], row["ARC_HOLD_REASON"], row["ARC_PROMISE_ON"])


def test_a_box_that_nobody_ever_ticked_is_null(desk: Desk, customer: str) -> None:
    invoice = desk.invoice(customer, "INV-1", "100.00")

    assert (None, None) == (desk.books.invoice(invoice)["ARC_HOLD"], desk.lines(desk.key(invoice))[0]["ARC_DISPUTE"])


def test_a_line_is_disputed_explained_and_settled(desk: Desk, customer: str) -> None:
    invoice = desk.invoice(customer, "INV-1", "100.00", "50.00")

    desk.books.dispute_line(invoice, 2, "not ordered")
    desk.books.give_detail(invoice, 2, "since May")
    assert [False, True] == [line["disputed"] for line in desk.shown(invoice)["lines"]]
    desk.books.settle_dispute(invoice, 2, "rejected")

    line = desk.lines(desk.key(invoice))[1]
    assert (0, "not ordered", "since May", "rejected", "2026-11-23") == tuple(
        line[f"ARC_{name}"]
        for name in ("DISPUTE", "DISPUTE_REASON", "DISPUTE_DETAIL", "DISPUTE_OUTCOME", "DISPUTED_ON")
    )
    with pytest.raises(KeyError, match="no line 3"):
        desk.books.dispute_line(invoice, 3, "what")


def test_a_customer_is_described_in_either_systems_words(desk: Desk, customer: str) -> None:
    desk.books.describe_customer(customer, tier="enterprise", arr="120000.00", country="DE", mails_parent=True)
    desk.books.edit_customer(customer, email="new@heron.example", custentity_arc_do_not_contact=True, inactive=True)

    row = desk.books.customer(customer)
    assert ("enterprise", 12000000, "DE", 1, 1, "inactive") == tuple(
        row[name] for name in ("ARC_TIER", "ARC_ARR", "country", "ARC_MAILS_PARENT", "ARC_DO_NOT_CONTACT", "status")
    )
    assert "new@heron.example" == desk.books.email_of(customer)
    with pytest.raises(KeyError, match="nobody says that of a customer"):
        desk.books.describe_customer(customer, shoe_size="44")


# ---- names ----


def test_names_escape_what_is_no_letter_digit_or_dash(desk: Desk) -> None:
    customer = desk.customer()
    invoice = desk.invoice(customer, "Rg. 7/ä_1", "10.00")

    assert "Rg_2E_207_2F_C3_A4_5F1__C-00101" == invoice
    assert "Rg. 7/ä_1" == desk.books.invoice(invoice)["recordid"]


def test_a_memo_and_an_invoice_of_one_number_are_told_apart(desk: Desk, customer: str) -> None:
    invoice = desk.invoice(customer, "cm-7", "10.00")
    memo = desk.books.add_credit_memo(customer, "7", DAY, "5.00")

    assert ("cm-7__C-00101", "cm-7__C-00101") == (invoice, memo)
    assert (desk.books.credit_id("7"), "10.00") == (memo, desk.books.truth()["invoices"][0]["balance"])


# ---- Order Entry ----


def test_an_order_that_is_edited_comes_back_under_new_numbers(desk: Desk, customer: str) -> None:
    invoice = desk.invoice(customer, "INV-1", "100.00", "50.00", tax=["10.00"], order_entry=True)
    desk.books.set_hold(invoice, "wait")
    desk.books.dispute_line(invoice, 2, "not ordered")
    before, lines = desk.key(invoice), [line["recordno"] for line in desk.lines(desk.key(invoice))]

    after = int(desk.books.edit_order(invoice, 1, "80.00"))

    assert (after, invoice) == (desk.key(invoice), desk.books.truth()["invoices"][0]["id"])
    assert before != after
    assert set() == set(lines) & {line["recordno"] for line in desk.lines(after)}
    assert (["80.00", "50.00", "10.00"], "140.00") == (desk.dues(invoice), desk.books.balances()["1100"])
    assert ("wait", True, desk.entry(invoice, 1)) == (
        desk.books.invoice(invoice)["ARC_HOLD_REASON"],
        desk.shown(invoice)["lines"][1]["disputed"],
        desk.lines(after)[2]["parententry"],
    )
    with pytest.raises(Refusal, match=f"invoice {before} does not exist"):
        desk.pay(customer, {"RECORDKEY": before, "TRX_PAYMENTAMOUNT": "1.00"})
    assert [] == desk.books.truth()["violations"]


def test_what_is_paid_or_was_not_made_there_is_not_edited_in_order_entry(desk: Desk, customer: str) -> None:
    order = desk.invoice(customer, "INV-1", "100.00", order_entry=True)
    plain = desk.invoice(customer, "INV-2", "100.00")
    desk.books.pay_by_hand(customer, "10.00", DAY, [(order, "10.00")])

    with pytest.raises(Refusal, match="has payments"):
        desk.books.edit_order(order, 1, "90.00")
    with pytest.raises(LookupError, match="not made in Order Entry"):
        desk.books.edit_order(plain)
    with pytest.raises(Refusal, match="made in Order Entry: change it there"):
        desk.legacy("reverse_invoice", {"datereversed": legacy_day()}, desk.key(unpaid_order(desk, customer)))


def unpaid_order(desk: Desk, customer: str) -> str:
    return desk.invoice(customer, "INV-3", "100.00", order_entry=True)


def test_an_invoice_of_order_entry_is_recreated_by_an_edit_of_its_header_too(desk: Desk, customer: str) -> None:
    order, plain = unpaid_order(desk, customer), desk.invoice(customer, "INV-2", "100.00")
    before = desk.key(order), desk.key(plain)

    for invoice in (order, plain):
        desk.books.edit_invoice(invoice, due_on=date(2027, 1, 5), po="PO-9")
        desk.books.edit_invoice(invoice, promise_on=date(2027, 1, 1))

    assert before[0] != desk.key(order)
    assert before[1] == desk.key(plain)
    for invoice in (order, plain):
        row = desk.books.invoice(invoice)
        assert ("2027-01-05", "PO-9", "2027-01-01") == (row["whendue"], row["docnumber"], row["ARC_PROMISE_ON"])


# ---- corrections ----


def test_a_corrected_line_changes_the_total_and_what_was_posted(desk: Desk, customer: str) -> None:
    invoice = desk.invoice(customer, "INV-1", "100.00", "50.00")
    desk.books.pay_by_hand(customer, "120.00", DAY, [(invoice, "120.00")])

    desk.books.edit_line_amount(invoice, 2, "40.00")
    assert (["0.00", "20.00"], "140.00") == (desk.dues(invoice), desk.shown(invoice)["amount"])
    with pytest.raises(Refusal, match="due there"):
        desk.books.edit_line_amount(invoice, 2, "19.99")
    desk.books.edit_line_amount(invoice, 2, "20.00")

    assert (True, "0.00") == (desk.shown(invoice)["closed"], desk.books.balances()["1100"])


def test_what_waits_for_approval_owes_nothing_in_the_ledger(desk: Desk, customer: str) -> None:
    invoice = desk.invoice(customer, "INV-1", "100.00", approval="pending")
    assert ("I", "0.00") == (desk.shown(invoice)["state"], desk.books.balances()["1100"])

    desk.books.edit_invoice(invoice, approval="approved")
    assert ("A", "100.00") == (desk.shown(invoice)["state"], desk.books.balances()["1100"])


def test_voiding_an_invoice_frees_what_paid_it(desk: Desk, customer: str) -> None:
    invoice = desk.invoice(customer, "INV-1", "100.00")
    payment = desk.books.pay_by_hand(customer, "70.00", DAY, [(invoice, "70.00")])
    memo = desk.books.credit_invoice(invoice, DAY, "30.00", apply=True)

    desk.books.void(invoice)

    shown = desk.shown(invoice)
    assert (True, True, "0.00") == (shown["voided"], shown["closed"], shown["balance"])
    assert ("70.00", "30.00", []) == (
        desk.shown(payment)["unapplied"], desk.shown(memo)["unapplied"], desk.shown(payment)["applications"]
    )  # fmt: skip
    states = [
        row["state"] for row in desk.books.rows("SELECT state FROM record WHERE recordid = 'INV-1' ORDER BY recordno")
    ]
    assert ["V", "R"] == states
    assert [] == desk.books.truth()["violations"]


@pytest.mark.parametrize("undo", ["void_payment", "unapply"])
def test_a_payment_is_taken_off_an_invoice(desk: Desk, customer: str, undo: str) -> None:
    invoice = desk.invoice(customer, "INV-1", "100.00")
    memo = desk.books.add_credit_memo(customer, "CM-1", DAY, "30.00")
    payment = desk.books.enter_payment(customer, "70.00", DAY, {invoice: "100.00"}, {memo: "30.00"})
    assert desk.shown(invoice)["closed"]

    desk.books.void_payment(payment) if undo == "void_payment" else desk.books.unapply(payment, invoice)

    assert ("100.00", "30.00") == (desk.shown(invoice)["balance"], desk.shown(memo)["unapplied"])
    assert ("0.00" if undo == "void_payment" else "70.00") == desk.shown(payment)["unapplied"]
    assert [] == desk.books.truth()["violations"]


def test_what_was_used_later_is_taken_off_again(desk: Desk, customer: str) -> None:
    invoice = desk.invoice(customer, "INV-1", "100.00")
    advance = desk.books.pay_by_hand(customer, "60.00", DAY)
    memo = desk.books.add_credit_memo(customer, "CM-1", DAY, "30.00")
    desk.books.apply_payment(advance, {invoice: "60.00"})
    desk.books.apply_credit(memo, fifo=True)
    assert "10.00" == desk.shown(invoice)["balance"]

    desk.books.unapply(advance, invoice)
    desk.books.unapply(memo, invoice)

    assert ("100.00", "60.00", "30.00") == (
        desk.shown(invoice)["balance"], desk.shown(advance)["unapplied"], desk.shown(memo)["unapplied"]
    )  # fmt: skip


def test_money_without_an_invoice_is_an_advance_and_the_oldest_are_paid_first(desk: Desk, customer: str) -> None:
    old, new = (
        desk.books.add_invoice(customer, number, date(2026, 10, day), None, [{"amount": "100.00"}])
        for number, day in (("INV-1", 1), ("INV-2", 9))
    )

    advance = desk.books.enter_payment(customer, "20.00", date(2026, 9, 1), fifo=True)
    payment = desk.books.enter_payment(customer, "150.00", DAY, fifo=True, check="4711", memo="wire")

    assert (True, "50.00") == (desk.shown(old)["closed"], desk.shown(new)["balance"])
    assert ("adv-5003", "20.00") == (advance, desk.shown(advance)["unapplied"])
    assert ("4711", "wire", "person") == tuple(desk.shown(payment)[name] for name in ("check", "memo", "made_by"))


def test_a_past_payment_looks_as_if_nobody_touched_it_since(desk: Desk, customer: str) -> None:
    invoice = desk.invoice(customer, "INV-1", "100.00")
    made = desk.books.past_payment(customer, "110.00", DAY, {invoice: "100.00"})

    stamps = desk.books.rows("SELECT whenmodified FROM record WHERE ? IN (recordno, parentpaymentkey)", int(made))
    assert ["2026-11-20 17:00:00"] * 2 == [row["whenmodified"] for row in stamps]
    with pytest.raises(ValueError, match="not past"):
        desk.books.past_payment(customer, "1.00", date(2026, 11, 24))


def test_others_post_what_the_processor_received(desk: Desk, customer: str) -> None:
    invoice = desk.invoice(customer, "INV-1", "100.00")

    first = desk.books.stripe_connector_posts("ch_1", "60.00", customer, DAY, invoice)
    second = desk.books.billing_platform_posts("BP-1", "60.00", customer, DAY, invoice, "ch_2")

    assert [("stripe connector", "ch_1", "1090"), ("billing platform", "BP-1", "1090")] == [
        tuple(desk.shown(one)[name] for name in ("made_by", "external_id", "account")) for one in (first, second)
    ]
    assert ("40.00", "20.00") == (desk.shown(second)["applications"][0]["amount"], desk.shown(second)["unapplied"])


def test_a_parent_pays_for_its_child_in_its_own_name(desk: Desk, customer: str) -> None:
    child = desk.customer("Child", parent=customer)
    invoice = desk.invoice(child, "INV-1", "100.00")

    payment = desk.books.pay_by_hand(customer, "120.00", DAY, [(invoice, "100.00")])

    assert (customer, "20.00") == (desk.shown(payment)["customer"], desk.shown(payment)["unapplied"])
    assert desk.shown(invoice)["closed"]


# ---- write-offs, refunds, payouts ----


def test_a_write_off_is_a_memo_on_bad_debt(desk: Desk, customer: str) -> None:
    invoice = desk.invoice(customer, "INV-1", "100.00")
    memo = desk.books.write_off(invoice, DAY, "30.00")

    assert ("70.00", "30.00", "0.00") == (
        desk.shown(invoice)["balance"], desk.books.balances()["6200"], desk.shown(memo)["unapplied"]
    )  # fmt: skip
    with pytest.raises(LookupError, match="no journal entry"):
        desk.books.write_off(invoice, DAY, by="journal")
    with pytest.raises(Refusal, match=r"70\.00 is due"):
        desk.books.write_off(invoice, DAY, "70.01")


@pytest.mark.parametrize("source", ["overpayment", "advance", "memo"])
def test_a_refund_takes_what_is_left_and_moves_the_bank(desk: Desk, customer: str, source: str) -> None:
    invoice = desk.invoice(customer, "INV-1", "10.00")
    made = {
        "overpayment": lambda: desk.books.pay_by_hand(customer, "60.00", DAY, [(invoice, "10.00")]),
        "advance": lambda: desk.books.pay_by_hand(customer, "50.00", DAY),
        "memo": lambda: desk.books.add_credit_memo(customer, "CM-1", DAY, "50.00"),
    }[source]()

    refund = desk.books.refund_by_hand(made, "20.00", DAY, external_id="re_1")

    assert ("30.00", "-20.00", "0.00") == (
        desk.shown(made)["unapplied"], desk.books.balances()["CHK-STRIPE"], desk.books.balances()["4900"]
    )  # fmt: skip
    told = desk.books.truth()["refunds"][0]
    assert (refund, "re_1", "20.00", [made], "CHK-STRIPE", False) == tuple(
        told[name] for name in ("id", "external_id", "amount", "of", "account", "voided")
    )
    assert [] == desk.books.truth()["journals"]
    with pytest.raises(Refusal, match=r"30\.00 is left"):
        desk.books.refund_by_hand(made, "30.01", DAY)
    desk.books.void_document(refund)
    assert ("50.00", "0.00") == (desk.shown(made)["unapplied"], desk.books.balances()["CHK-STRIPE"])
    assert [] == desk.books.truth()["violations"]


def test_a_payout_by_hand_is_a_deposit_or_through_clearing_a_journal(desk: Desk, customer: str) -> None:
    payment = desk.books.pay_by_hand(customer, "100.00", DAY, account="undeposited")
    fees = {"account": "fees", "amount": "-3.20"}

    deposit = desk.books.deposit_by_hand(DAY, [payment], [fees], payout="po_1", external_id="d-1")
    journal = desk.books.deposit_by_hand(DAY, (), [{"account": "clearing", "amount": "50.00"}, fees], payout="po_2")

    told = desk.books.truth()
    assert ("96.80", [payment], "Stripe payout po_1", "d-1") == tuple(
        told["deposits"][0][name] for name in ("amount", "payments", "memo", "external_id")
    )
    assert (journal, "50.00", "Stripe payout po_2") == tuple(
        told["journals"][0][name] for name in ("id", "amount", "memo")
    )
    desk.books.move_line(deposit, "fees", "adjustments", "-3.20")
    desk.books.move_line(journal, "fees", "disputes")
    balances = desk.books.balances()
    assert ("0.00", "3.20", "3.20", "143.60") == tuple(balances[one] for one in ("6100", "6900", "1180", "CHK-1000"))
    with pytest.raises(KeyError, match="no such line"):
        desk.books.move_line(journal, "fees", "disputes")
    desk.books.delete_document(deposit)
    desk.books.delete_document(journal)
    assert ([], []) == (desk.books.truth()["deposits"], desk.books.truth()["journals"])
    assert [] == desk.books.truth()["violations"]


def test_intacct_deletes_nothing_that_was_posted(desk: Desk, customer: str) -> None:
    invoice = desk.invoice(customer, "INV-1", "100.00")
    draft = desk.books.draft_payment(customer, "10.00", DAY, [(invoice, "10.00")])
    posted = desk.books.pay_by_hand(customer, "10.00", DAY, [(invoice, "10.00")])

    assert ([draft], [posted]) == tuple(
        [one["id"] for one in desk.books.truth()[kind]] for kind in ("drafts", "payments")
    )
    desk.books.delete_document(draft)
    for document in (posted, invoice):
        with pytest.raises(LookupError, match="reverse it"):
            desk.books.delete_document(document)
    assert [] == desk.books.truth()["drafts"]


# ---- the company ----


def test_what_netsuite_alone_knows_is_said_so(desk: Desk) -> None:
    for deed in (
        desk.books.leave_one_world,
        lambda: desk.books.lock_ar("2026-11"),
        lambda: desk.books.close_period("2026-11", allow_non_gl_changes=True),
        lambda: desk.books.grant("post_payments", "view"),
    ):
        with pytest.raises(LookupError):
            deed()


def test_an_inactive_account_takes_nothing_new(desk: Desk, customer: str) -> None:
    desk.books.close_account("bank")
    with pytest.raises(Refusal, match="no checking account"):
        desk.books.pay_by_hand(customer, "10.00", DAY)
    desk.books.reopen_account("bank")
    desk.books.pay_by_hand(customer, "10.00", DAY)


def test_summaries_of_a_month_close_with_its_books(desk: Desk) -> None:
    def shown() -> dict[tuple[str, str], str]:
        rows = desk.books.rows("SELECT * FROM summary WHERE created >= '2026-10-01'")
        return {(row["created"], row["entity"]): row["open"] for row in rows}

    desk.books.close_period("2026-10")
    assert {("2026-10-01", ""): "F", ("2026-11-01", ""): "T"} == shown()
    desk.books.open_period("2026-10")
    for entity in ("E1", "E2"):
        desk.books.add_entity(entity)
    desk.books.close_period("2026-10", entity="E2")
    assert {("2026-10-01", "E1"): "T", ("2026-10-01", "E2"): "F"} == {
        key: said for key, said in shown().items() if key[0] == "2026-10-01"
    }


def test_what_a_shared_entity_bills_stands_at_the_top_level(desk: Desk, customer: str) -> None:
    desk.books.add_entity("E1", private=False)
    invoice = desk.invoice(customer, "INV-1", "100.00", entity="E1")

    assert ("INV-1__C-00101", "", "E1") == (
        invoice, desk.shown(invoice)["entity"], desk.lines(desk.key(invoice))[0]["locationid"]
    )  # fmt: skip
    with pytest.raises(KeyError, match="no entity E9"):
        desk.invoice(customer, "INV-2", "100.00", entity="E9")


def test_dunning_levels_are_defined_once(desk: Desk) -> None:
    desk.books.install_dunning()

    assert [1, 31, 61] == [row["mindays"] for row in desk.books.rows("SELECT mindays FROM dunning ORDER BY recordno")]
    with pytest.raises(ValueError, match="already"):
        desk.books.install_dunning()


def test_a_status_is_what_stands_on_the_invoice(desk: Desk, customer: str) -> None:
    invoice = desk.invoice(customer, "INV-1", "100.00")
    assert [] == desk.books.kept("status")

    desk.update("ARINVOICE", {"RECORDNO": desk.key(invoice), "ARC_STATE": "reminding", "ARC_NEXT_ON": "12/01/2026"})

    kept = desk.books.kept("status")[0]
    assert (invoice, "reminding", "2026-12-01", "") == tuple(
        kept[name] for name in ("invoice", "state", "next_on", "owner")
    )
    with pytest.raises(KeyError, match="nothing is kept"):
        desk.books.kept("secret")


def test_every_commit_has_its_place_in_the_worlds_order(desk: Desk, customer: str) -> None:
    invoice = desk.invoice(customer, "INV-1", "100.00")
    payment = desk.books.pay_by_hand(customer, "100.00", DAY, [(invoice, "100.00")], external_id="ch_1")

    shown = desk.shown(payment)
    assert [
        f"intacct.payment_added {payment} ch_1",
        f"intacct.payment_applied {payment} to {desk.key(invoice)} 100.00",
    ] == [desk.commits[place - 1] for place in (shown["sequence"], shown["applications"][0]["sequence"])]
