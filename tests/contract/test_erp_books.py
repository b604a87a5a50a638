"""The port `Erp`, whichever ERP it is: where money waits, payouts, periods, balances, documents and the past."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest

from connector.errors import Terminal, Transient
from connector.money import Money
from connector.ports import Outcome
from connector.settlement import (
    AccountRole,
    DepositIntent,
    DepositKind,
    DepositLine,
    DepositSeen,
    DocumentKind,
    SettleThrough,
    first_open_on,
)
from tests.contract.erp_site import TODAY, ErpSite, usd, with_payment
from tests.fakes.ledger_erp import At, Trouble

CREATED, EXISTS, DIFFERENT = Outcome.CREATED, Outcome.EXISTS, Outcome.EXISTS_DIFFERENT
REFUSED, UNKNOWN = Outcome.REFUSED, Outcome.UNKNOWN
CLEARING, FEES, DISPUTES = AccountRole.CLEARING, AccountRole.FEES, AccountRole.DISPUTES

# ---- where a payment waits ----


@pytest.mark.parametrize("through", [SettleThrough.CLEARING, SettleThrough.UNDEPOSITED])
def test_a_payment_waits_where_its_currency_is_settled(site: ErpSite, through: SettleThrough) -> None:
    erp = site.settled(through)
    intent = site.act({site.invoice(): "1000.00"})

    assert CREATED == erp.write_acts([intent])[0].payment.outcome

    assert [("USD", through)] == [(one.currency, one.through) for one in erp.settlements]
    place = site.people.accounts["clearing" if through is SettleThrough.CLEARING else "undeposited"]
    assert [place] == [payment["account"] for payment in site.people.truth()["payments"]]
    assert EXISTS == erp.write_acts([intent])[0].payment.outcome


def test_a_wire_is_on_our_bank_account_whatever_the_settlement_says(site: ErpSite) -> None:
    erp, bank = site.settled(), site.people.accounts["bank"]
    intent = with_payment(site.act({site.invoice(): "1000.00"}), deposit_account=bank)

    assert CREATED == erp.write_acts([intent])[0].payment.outcome

    assert [bank] == [payment["account"] for payment in site.people.truth()["payments"]]
    assert EXISTS == erp.write_acts([intent])[0].payment.outcome


# ---- payouts ----


def deposit(
    *lines: tuple[AccountRole, str],
    payments: tuple[tuple[str, str], ...] = (),
    kind: DepositKind = DepositKind.DEPOSIT,
    currency: str = "USD",
) -> DepositIntent:
    """The deposit of payout po_1 with these lines."""
    parts = [Money.of(amount, currency) for _, amount in (*lines, *payments)]
    return DepositIntent(
        act_id="po_1-0",
        external_id="arc-demo-dep-po_1-0",
        payout_id="po_1",
        kind=kind,
        amount=Money.total(parts, currency),
        posted_on=TODAY,
        payments=tuple((erp_id, Money.of(amount, currency)) for erp_id, amount in payments),
        lines=tuple(DepositLine(role, Money.of(amount, currency), f"{role} of po_1") for role, amount in lines),
        memo="Stripe payout po_1",
    )


def of(site: ErpSite, intent: DepositIntent) -> DepositIntent:
    """It belongs to the subsidiary that its currency is settled for."""
    (known,) = site.erp.settlements
    return replace(intent, subsidiary=known.subsidiary)


PAYOUT = deposit((CLEARING, "1000.00"), (FEES, "-29.30"), (CLEARING, "-100.00"), (DISPUTES, "-50.00"))


def posted(site: ErpSite) -> int:
    """How many deposits and journals the books hold."""
    truth = site.people.truth()
    return len(truth["deposits"]) + len(truth["journals"])


def test_a_payout_is_posted_once_and_read_back_to_the_cent(site: ErpSite) -> None:
    site.settled()
    payout = of(site, PAYOUT)

    answer, seen = site.erp.write_deposit(payout), site.erp.read_deposit(payout)

    assert (CREATED, "arc-demo-dep-po_1-0") == (answer.outcome, answer.external_id)
    expected = DepositSeen(
        erp_id=answer.erp_id,
        amount=usd("820.70"),
        payments=(),
        by_role=((CLEARING, usd("900")), (DISPUTES, usd("-50")), (FEES, usd("-29.30"))),
        posted_on=TODAY,
    )
    assert expected == seen
    again = site.erp.write_deposit(payout)
    assert (EXISTS, answer.erp_id, 1) == (again.outcome, again.erp_id, posted(site))


@pytest.mark.parametrize(
    "changed",
    [
        deposit((CLEARING, "1000.00"), (FEES, "-29.31")),
        deposit((CLEARING, "900.00"), (FEES, "-79.30")),
        replace(PAYOUT, posted_on=date(2026, 11, 22)),
    ],
    ids=["another total", "other lines", "another day"],
)
def test_another_payout_under_our_id_exists_different(site: ErpSite, changed: DepositIntent) -> None:
    site.settled()
    site.erp.write_deposit(of(site, PAYOUT))

    answer = site.erp.write_deposit(of(site, changed))

    assert (DIFFERENT, True, 1) == (answer.outcome, bool(answer.message), posted(site))


@pytest.mark.parametrize(
    "intent",
    [
        deposit((CLEARING, "5"), currency="CHF"),
        deposit((AccountRole.RECEIVABLE, "5.00")),
        deposit((FEES, "5.00"), payments=(("ch_1", "5.00"),)),
        replace(PAYOUT, amount=usd("1.00")),
        deposit((FEES, "-15.00"), payments=(("7", "5.00"),), kind=DepositKind.JOURNAL),
    ],
    ids=["currency", "role", "payment", "sum", "journal of payments"],
)
def test_what_can_not_be_said_is_refused(site: ErpSite, intent: DepositIntent) -> None:
    site.settled()

    answer = site.erp.write_deposit(of(site, intent))

    assert (REFUSED, True, 0) == (answer.outcome, bool(answer.code and answer.message), posted(site))


def test_a_closed_period_refuses_the_payout(site: ErpSite) -> None:
    site.settled()
    site.people.close_period("2026-11")
    payout = of(site, PAYOUT)

    answer = site.erp.write_deposit(payout)

    assert (REFUSED, True) == (answer.outcome, bool(answer.message))
    assert site.erp.read_deposit(payout) is None


def test_a_lost_answer_is_unknown_and_the_retry_finds_the_payout(site: ErpSite) -> None:
    site.settled()
    payout = of(site, PAYOUT)
    site.upset(At.DEPOSIT, Trouble.LOST_AFTER)

    first, seen = site.erp.write_deposit(payout), site.erp.read_deposit(payout)

    assert UNKNOWN == first.outcome
    assert seen is not None
    assert (EXISTS, 1) == (site.erp.write_deposit(payout).outcome, posted(site))


def test_a_payout_that_may_not_have_arrived_is_unknown_and_not_found(site: ErpSite) -> None:
    site.settled()
    payout = of(site, PAYOUT)
    site.upset(At.DEPOSIT, Trouble.LOST_BEFORE)

    assert UNKNOWN == site.erp.write_deposit(payout).outcome
    assert site.erp.read_deposit(payout) is None
    assert (CREATED, 1) == (site.erp.write_deposit(payout).outcome, posted(site))


@pytest.mark.parametrize(("trouble", "raised"), [(Trouble.BUSY, Transient), (Trouble.LOGIN, Terminal)])
def test_a_payout_that_was_surely_not_posted_is_raised(
    site: ErpSite, trouble: Trouble, raised: type[Exception]
) -> None:
    site.settled()
    site.erp.read_totals()
    site.upset(At.DEPOSIT, trouble)

    with pytest.raises(raised):
        site.erp.write_deposit(of(site, PAYOUT))

    assert 0 == posted(site)


def test_a_payout_that_debits_the_bank_is_a_journal(site: ErpSite) -> None:
    site.settled(journal_negative=True)
    intent = of(site, deposit((CLEARING, "10.00"), (DISPUTES, "-50.00"), (FEES, "-15.00"), kind=DepositKind.JOURNAL))

    answer, seen = site.erp.write_deposit(intent), site.erp.read_deposit(intent)

    assert CREATED == answer.outcome
    assert seen is not None
    assert usd("-55") == seen.amount
    assert {CLEARING: usd("10"), DISPUTES: usd("-50"), FEES: usd("-15")} == dict(seen.by_role)
    assert {"po_1": seen} == site.erp.find_deposits(["po_1"])


def test_a_deposit_takes_its_payments_out_of_undeposited_funds(site: ErpSite) -> None:
    erp = site.settled(SettleThrough.UNDEPOSITED)
    payments = [
        site.people.pay_by_hand(site.customer, amount, TODAY, account="undeposited") for amount in ("60.00", "40.00")
    ]
    intent = of(site, deposit((FEES, "-3.20"), payments=((payments[0], "60.00"), (payments[1], "40.00"))))

    answer, seen = erp.write_deposit(intent), erp.read_deposit(intent)

    assert CREATED == answer.outcome
    assert seen is not None
    assert (usd("96.80"), sorted(payments)) == (seen.amount, sorted(seen.payments))
    assert ((FEES, usd("-3.20")),) == seen.by_role
    assert EXISTS == erp.write_deposit(intent).outcome
    again = replace(intent, external_id="arc-demo-dep-po_1-1")
    assert REFUSED == erp.write_deposit(again).outcome


def test_payouts_of_others_are_found_by_their_id_as_a_whole_word(site: ErpSite) -> None:
    site.settled()
    lines = [{"account": "clearing", "amount": "100.00"}, {"account": "fees", "amount": "-3.00"}]
    theirs = site.people.deposit_by_hand(TODAY, lines=lines, payout="po_2")
    site.people.deposit_by_hand(TODAY, lines=lines, payout="po_22")
    site.erp.write_deposit(of(site, PAYOUT))

    found = site.erp.find_deposits(["po_1", "po_2", "po_3", ""])

    assert {"po_1", "po_2"} == found.keys()
    assert (theirs, usd("97")) == (found["po_2"].erp_id, found["po_2"].amount)
    assert {CLEARING: usd("100"), FEES: usd("-3")} == dict(found["po_2"].by_role)
    assert {} == site.erp.find_deposits([])


def test_what_journals_put_onto_clearing_is_found_by_its_source(site: ErpSite) -> None:
    site.settled()
    site.people.journal_by_hand(
        TODAY,
        [{"account": "refunds", "debit": "40.00"}, {"account": "clearing", "credit": "40.00"}],
        memo="refund re_1 of ch_1",
    )

    assert {"re_1": usd("-40")} == site.erp.find_cleared(["re_1", "re_2", "re_11"])


# ---- periods, balances, documents ----


def test_periods_are_months_from_two_years_back_with_their_locks(site: ErpSite) -> None:
    site.people.close_period("2026-09")

    periods = site.erp.read_periods()

    assert date(2024, 11, 1) == periods[0].first_on
    known = {(period.first_on, period.last_on): period.is_locked for period in periods}
    assert known[date(2026, 11, 1), date(2026, 11, 30)] is False
    assert [date(2026, 9, 1)] == [period.first_on for period in periods if period.is_locked]
    assert all(later.first_on == earlier.last_on + timedelta(days=1) for earlier, later in pairwise(periods))
    assert date(2026, 10, 1) == first_open_on(periods, date(2026, 9, 15))
    site.people.open_period("2026-09")
    assert not any(period.is_locked for period in site.erp.read_periods())


def test_balances_are_of_the_clearing_account_and_of_receivables_on_a_day(site: ErpSite) -> None:
    erp = site.settled()
    invoice = site.invoice("1000.00")
    site.memo("50.00", on=date(2026, 10, 5))
    clearing = site.people.accounts["clearing"]
    site.people.pay_by_hand(site.customer, "300.00", date(2026, 10, 10), [(invoice, "300.00")], account=clearing)
    lines = [{"account": "clearing", "amount": "120.00"}, {"account": "fees", "amount": "-3.50"}]
    site.people.deposit_by_hand(date(2026, 10, 20), lines=lines)

    def on(day: date) -> dict[AccountRole, Money]:
        return {balance.role: balance.amount for balance in erp.read_balances(day)}

    assert {CLEARING: usd("0"), AccountRole.RECEIVABLE: usd("1000")} == on(date(2026, 10, 1))
    assert {CLEARING: usd("300"), AccountRole.RECEIVABLE: usd("650")} == on(date(2026, 10, 19))
    assert {CLEARING: usd("180"), AccountRole.RECEIVABLE: usd("650")} == on(date(2026, 10, 20))


def test_documents_are_what_moved_receivables_in_the_period_and_what_is_still_open(site: ErpSite) -> None:
    old_open = site.invoice("70.00", issued_on=date(2026, 8, 1), due_on=date(2026, 8, 31))
    old_paid = site.invoice("30.00", issued_on=date(2026, 8, 1), due_on=date(2026, 8, 31))
    paid_before = site.people.pay_by_hand(site.customer, "30.00", date(2026, 9, 1), [(old_paid, "30.00")])
    new = site.invoice("100.00")
    site.people.dispute_line(new, 1, "count")
    paid = site.people.pay_by_hand(site.customer, "60.00", date(2026, 10, 9), [(new, "40.00")])
    memo = site.memo("5.00", on=date(2026, 10, 5))
    later = site.invoice("1.00", issued_on=date(2026, 11, 1))

    found = {one.id: one for one in site.erp.read_documents(date(2026, 10, 1), date(2026, 10, 31))}

    assert {old_open, new, paid, memo} == found.keys()
    assert {old_paid, paid_before, later}.isdisjoint(found)
    assert (usd("70"), usd("70"), None) == (
        found[old_open].amount,
        found[old_open].open_amount,
        found[old_open].closed_on,
    )
    assert (usd("100"), usd("60"), True) == (found[new].amount, found[new].open_amount, found[new].was_disputed)
    assert (DocumentKind.PAYMENT, usd("-60"), usd("20")) == (
        found[paid].kind,
        found[paid].amount,
        found[paid].open_amount,
    )
    assert (DocumentKind.CREDIT_MEMO, usd("-5")) == (found[memo].kind, found[memo].amount)
    assert (site.customer, date(2026, 10, 31)) == (found[new].customer_id, found[new].due_on)


def test_documents_tie_to_the_receivables_accounts(site: ErpSite) -> None:
    other = site.other_customer()
    first, second = site.invoice("100.00"), site.invoice("40.00", customer=other)
    site.people.pay_by_hand(site.customer, "70.00", date(2026, 10, 9), [(first, "60.00")])
    memo = site.memo("5.00", on=date(2026, 10, 12), customer=other)
    site.people.apply_credit(memo, {second: "5.00"})
    site.people.void(site.invoice("9.00"))

    documents = site.erp.read_documents(date(2020, 1, 1), TODAY)
    (balance,) = [one for one in site.erp.read_balances(TODAY) if one.role is AccountRole.RECEIVABLE]

    assert usd("65") == balance.amount == Money.total((one.amount for one in documents), "USD")


def test_a_settled_invoice_has_its_day_and_a_dispute_that_ended_still_counts(site: ErpSite) -> None:
    plain, disputed, still_open = site.invoice(), site.invoice(), site.invoice()
    site.people.dispute_line(disputed, 1, "", date(2026, 10, 10))
    site.people.settle_dispute(disputed, 1, "rejected")
    paid_on = date(2026, 11, 12)
    for invoice in (plain, disputed):
        site.people.pay_by_hand(site.customer, "1000.00", paid_on, [(invoice, "1000.00")])

    documents = {one.id: one for one in site.erp.read_past_documents(date(2025, 11, 1), TODAY)}

    assert [(paid_on, False), (paid_on, True), (None, False)] == [
        (documents[id].closed_on, documents[id].was_disputed) for id in (plain, disputed, still_open)
    ]


# ---- how people applied payments ----

FIRST, LAST = date(2026, 10, 1), date(2026, 10, 31)


def old(site: ErpSite, amount: str, issued_on: date = date(2026, 9, 20)) -> str:
    return site.invoice(amount, issued_on=issued_on, due_on=issued_on + timedelta(days=30))


def test_history_holds_payments_with_their_applications_and_what_was_open(site: ErpSite) -> None:
    paid, part, opened, before = (old(site, amount) for amount in ("100.00", "200.00", "300.00", "400.00"))
    after = old(site, "500.00", date(2026, 11, 2))
    site.people.past_payment(site.customer, "400.00", date(2026, 9, 28), {before: "400.00"})
    made = site.people.past_payment(
        site.customer, "170.00", date(2026, 10, 8), {paid: "100.00", part: "50.00"}, memo="INV-1 INV-2", check="1042"
    )
    site.people.past_payment(site.customer, "150.00", date(2026, 11, 3), {part: "150.00"})

    history = site.erp.read_history(FIRST, LAST)

    (payment,) = history.payments
    on = date(2026, 10, 8)
    assert (made, site.customer, usd("170"), on) == (
        payment.erp_id,
        payment.customer_id,
        payment.amount,
        payment.received_on,
    )
    assert "INV-1 INV-2" in payment.text and "1042" in payment.text
    assert {(paid, usd("100"), on), (part, usd("50"), on)} == set(payment.applied)
    assert {paid, part, opened} == {invoice.id for invoice in history.invoices}
    assert {before, after}.isdisjoint(invoice.id for invoice in history.invoices)
    assert all(invoice.balance == invoice.amount for invoice in history.invoices)
    assert ((), ()) == (history.settled_otherwise, history.parked)
    assert [site.customer] == [customer.id for customer in history.customers]


def test_history_tells_what_settled_an_invoice_beside_the_payments(site: ErpSite) -> None:
    earlier, credited = (old(site, amount) for amount in ("100.00", "200.00"))
    site.people.past_payment(site.customer, "40.00", date(2026, 9, 25), {earlier: "40.00"})
    memo = site.memo("200.00", on=date(2026, 10, 5))
    site.people.apply_credit(memo, {credited: "200.00"})

    history = site.erp.read_history(FIRST, LAST)

    assert {(earlier, usd("40"), date(2026, 9, 25)), (credited, usd("200"), date(2026, 10, 5))} == set(
        history.settled_otherwise
    )
    assert ((), ()) == (history.payments, history.credits)


def test_history_tells_which_credits_came_with_a_payment(site: ErpSite) -> None:
    netted = old(site, "500.00")
    memo, free = site.memo("80.00", on=FIRST), site.memo("5.00", "CM-2", FIRST)
    made = site.people.past_payment(site.customer, "420.00", date(2026, 10, 6), {netted: "500.00"}, {memo: "80.00"})

    history = site.erp.read_history(FIRST, LAST)

    (payment,) = history.payments
    assert (made, ((netted, usd("500"), date(2026, 10, 6)),)) == (payment.erp_id, payment.applied)
    assert ((memo, usd("80")),) == payment.credits
    assert {memo: usd("80"), free: usd("5")} == {one.id: one.open_amount for one in history.credits}


def test_holds_and_disputes_of_today_say_nothing_about_then(site: ErpSite) -> None:
    invoice = old(site, "100.00")
    site.people.set_hold(invoice, "legal")
    site.people.promise(invoice, date(2026, 12, 20))
    site.people.dispute_line(invoice, 1, "count")

    (billed,) = site.erp.read_history(FIRST, LAST).invoices

    assert ("", (), [False]) == (billed.hold_reason, billed.pauses, [line.disputed for line in billed.lines])


def test_voided_payments_are_no_history(site: ErpSite) -> None:
    invoice = old(site, "10.00")
    payment = site.people.past_payment(site.customer, "10.00", date(2026, 10, 6), {invoice: "10.00"})
    site.people.void_payment(payment)

    history = site.erp.read_history(FIRST, LAST)

    assert ((), [invoice], ()) == (history.payments, [one.id for one in history.invoices], history.settled_otherwise)
