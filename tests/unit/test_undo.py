"""Money that came back, that we gave back, or that only the ERP forgot: what becomes of the invoice that it paid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from answers_cases import POLICY, Case, invoice, usd

from connector import loop, pull
from connector.errors import Transient
from connector.policy import Switch
from connector.receivables import Customer, InvoiceStatus, PaymentState, ReminderState
from connector.store import book, closing, gate, verdicts

ISSUED_ON, DUE_ON = date(2026, 9, 1), date(2026, 9, 14)


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    """INV-1 of 1,000.00 USD was paid on the 7th, a week before it is due, and its loop was closed."""
    found = Case(tmp_path)
    found.bill(invoice("INV-1", "1000.00", ISSUED_ON, DUE_ON))
    found.pay("P-1", "1000.00", "INV-1")
    found.tick()
    yield found
    found.store.close()


def comes_back(case: Case, **values: object) -> None:
    """The money goes back, and a person un-applies it in the ERP, as RULES 3 asks for."""
    case.payments.payments = [replace(one, **values) for one in case.payments.payments]  # type: ignore[arg-type]
    case.tick(hours=1)
    case.erp.change("INV-1", balance=usd("1000.00"), status=InvoiceStatus.OPEN)
    case.tick(hours=1)


def until(case: Case, day: date) -> None:
    while case.clock.at.date() < day:
        case.tick(days=1)


def mails(case: Case) -> list[str]:
    """Day and step of every mail."""
    return [f"{mail.on:%m-%d} {mail.items[0].step}" for mail in case.channel.mails]


def exceptions(case: Case) -> list[str]:
    with case.store.read() as tx:
        return [one.kind for one in verdicts.open_exceptions(tx)]


@pytest.mark.parametrize(
    ("back_on", "sent"),
    [
        # Three days of grace, then its own word, then whatever is next: nothing in between, nothing made up for.
        (date(2026, 9, 8), ["09-11 payment_returned", "09-14 0", "09-15 +1", "09-21 +7"]),
        (date(2026, 9, 11), ["09-14 payment_returned", "09-15 +1", "09-21 +7"]),  # the due day gives way to it
        (date(2026, 9, 12), ["09-15 payment_returned", "09-21 +7"]),
        (date(2026, 9, 20), ["09-23 payment_returned"]),
    ],
)
def test_the_customer_is_told_after_the_grace_and_then_comes_the_right_next_step(
    case: Case, back_on: date, sent: list[str]
) -> None:
    until(case, back_on)
    comes_back(case, state=PaymentState.RETURNED)
    until(case, date(2026, 9, 24))

    assert sent == mails(case)
    assert [DUE_ON] == list({item.due_on for mail in case.channel.mails for item in mail.items})
    assert [] == exceptions(case)


def test_nothing_leaves_within_the_grace_and_what_is_paid_meanwhile_needs_no_word(case: Case) -> None:
    until(case, date(2026, 9, 14))
    comes_back(case, state=PaymentState.RETURNED)
    until(case, date(2026, 9, 16))

    assert [] == mails(case)

    case.pay("P-2", "1000.00", "INV-1")
    until(case, date(2026, 9, 20))
    with case.store.read() as tx:
        states = {one.step: one.state for one in gate.reminders(tx, ["1"])["1"]}

    assert [] == mails(case)
    assert ReminderState.CANCELLED is states["payment_returned"]


def test_of_a_part_that_comes_back_the_customer_is_told_before_the_cadence_goes_on(tmp_path: Path) -> None:
    """Half was paid, so no step was cancelled: those of the days of grace give way all the same."""
    case = Case(tmp_path)
    case.bill(invoice("INV-1", "2000.00", ISSUED_ON, DUE_ON))
    case.pay("P-1", "1000.00", "INV-1")
    case.tick()
    until(case, date(2026, 9, 13))
    case.payments.payments = [replace(one, state=PaymentState.RETURNED) for one in case.payments.payments]
    case.tick(hours=1)
    case.erp.change("INV-1", balance=usd("2000.00"))
    case.tick(hours=1)
    until(case, date(2026, 9, 22))

    assert ["09-16 payment_returned", "09-21 +7"] == mails(case)[-2:]
    assert not {"09-14 0", "09-15 +1"}.intersection(mails(case))
    case.store.close()


def test_a_refund_that_we_gave_reopens_nothing(case: Case) -> None:
    until(case, date(2026, 9, 10))
    comes_back(case, refunded=usd("1000.00"))
    until(case, date(2026, 9, 25))

    assert [] == mails(case)
    assert {"refund_after_application", "refund_without_credit"} == set(exceptions(case))

    case.erp.change("INV-1", balance=usd("0.00"))  # billing raised the memo
    case.tick(days=1)

    assert "refund_without_credit" not in exceptions(case)


def test_money_that_is_still_here_while_its_application_is_gone_is_a_difference(case: Case) -> None:
    until(case, date(2026, 9, 10))
    comes_back(case)
    until(case, date(2026, 9, 25))

    assert [] == mails(case)
    assert ["difference"] == exceptions(case)
    assert 1 == case.tick(minutes=5).differences  # so `once` ends with 1 until a person has put it right


# ---- customers that were merged ----


def moved(case: Case, *numbers: str) -> None:
    for number in numbers:
        case.erp.change(number, customer_id="C2")


def test_a_merged_customers_history_goes_on_under_the_other_id_and_nobody_is_mailed_that_day(tmp_path: Path) -> None:
    case = Case(tmp_path)
    for id in ("C1", "C2"):
        case.erp.customers[id] = Customer(id, f"Customer {id}", f"ap@{id.lower()}.example")
    case.bill(
        invoice("INV-1", "1000.00", ISSUED_ON, DUE_ON),
        invoice("INV-2", "500.00", ISSUED_ON, DUE_ON),
        invoice("INV-3", "70.00", ISSUED_ON, DUE_ON, customer_id="C2"),
    )
    case.pay("P-1", "1000.00", "INV-1")
    case.tick()
    until(case, date(2026, 9, 14))
    case.channel.mails.clear()
    until(case, date(2026, 9, 20))
    before = mails(case)
    moved(case, "INV-1", "INV-2")
    del case.erp.customers["C1"]
    until(case, date(2026, 9, 21))  # a step is due on that day

    assert before == mails(case)
    assert "customer_merged" in exceptions(case)

    case.pay("P-2", "500.00", "INV-2")  # its source still names the old customer
    until(case, date(2026, 9, 22))

    assert usd("0.00") == case.erp.invoices["2"].balance
    assert "customer_merged" not in exceptions(case)
    assert {"INV-3"} == {item.number for mail in case.channel.mails[len(before) :] for item in mail.items}
    case.store.close()


def test_an_invoice_that_was_given_to_another_customer_merges_nobody(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.bill(invoice("INV-1", "1000.00", ISSUED_ON, DUE_ON), invoice("INV-2", "500.00", ISSUED_ON, DUE_ON))
    case.pay("P-1", "1000.00", "INV-1")
    case.tick()
    moved(case, "INV-2")
    case.tick(hours=1)

    assert [] == exceptions(case)
    with case.store.read() as tx:
        assert {"1": "C1", "2": "C2"} == {
            id: row["customer_id"] for id, row in book.invoices_by_id(tx, ["1", "2"]).items()
        }
    case.store.close()


def drawn(tmp_path: Path) -> Case:
    """INV-1 was paid by a charge that was drawn from a wire in the processor's cash balance."""
    case = Case(tmp_path)
    case.bill(invoice("INV-1", "1000.00", ISSUED_ON, DUE_ON))
    case.pay("wire_1", "1000.00", state=PaymentState.FUNDED)
    case.pay("py_1", "1000.00", "INV-1", root_id="wire_1")
    case.tick()
    return case


def test_what_was_drawn_from_a_wire_that_came_back_is_held_and_then_goes_on(tmp_path: Path) -> None:
    case = drawn(tmp_path)
    wire, charge = case.payments.payments
    case.payments.payments = [replace(wire, state=PaymentState.RETURNED), charge]
    case.tick(hours=1)
    assert ["payment_came_back"] == exceptions(case)

    case.erp.change("INV-1", balance=usd("1000.00"), status=InvoiceStatus.OPEN)
    case.tick(hours=1)
    assert [] == exceptions(case)

    until(case, date(2026, 9, 11))
    assert ["09-10 payment_returned"] == mails(case)
    case.store.close()


def test_a_lost_dispute_waits_until_all_that_it_paid_is_settled(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.bill(invoice("INV-1", "700.00", ISSUED_ON, DUE_ON), invoice("INV-2", "300.00", ISSUED_ON, DUE_ON))
    case.pay("P-1", "1000.00", "INV-1 INV-2")
    case.tick()
    case.payments.payments = [replace(one, state=PaymentState.CHARGED_BACK) for one in case.payments.payments]
    case.tick(hours=1)
    case.erp.change("INV-1", balance=usd("700.00"), status=InvoiceStatus.OPEN)
    case.tick(hours=1)
    assert ["chargeback_hold"] == exceptions(case)

    case.erp.change("INV-2", balance=usd("300.00"), status=InvoiceStatus.OPEN)
    case.tick(hours=1)
    assert [] == exceptions(case)
    case.store.close()


@pytest.mark.parametrize(
    ("state", "shown"), [(PaymentState.DISPUTED, ["chargeback_hold"]), (PaymentState.CHARGED_BACK, [])]
)
def test_a_suggestion_of_money_that_is_disputed_or_gone_waits_for_nobodys_approval(
    tmp_path: Path, state: PaymentState, shown: list[str]
) -> None:
    case = Case(tmp_path, replace(POLICY, post=Switch.SUGGEST))
    case.bill(invoice("INV-1", "1000.00", ISSUED_ON, DUE_ON))
    case.pay("P-1", "1000.00", "INV-1")
    case.tick()
    case.payments.payments = [replace(one, state=state) for one in case.payments.payments]
    case.tick(hours=1)

    assert shown == exceptions(case)
    with case.store.read() as tx:
        assert {} == closing.suggestion(tx, "P-1")
    case.store.close()


@pytest.mark.parametrize("seen_by", ["a pull that broke off", "the re-read before sending"])
def test_a_merger_is_taken_however_it_was_first_seen(tmp_path: Path, seen_by: str) -> None:
    case = Case(tmp_path)
    for id in ("C1", "C2"):
        case.erp.customers[id] = Customer(id, f"Customer {id}", f"ap@{id.lower()}.example")
    case.bill(invoice("INV-1", "1000.00", ISSUED_ON, DUE_ON), invoice("INV-2", "500.00", ISSUED_ON, DUE_ON))
    case.tick()
    moved(case, "INV-1", "INV-2")
    del case.erp.customers["C1"]
    if seen_by == "a pull that broke off":
        case.clock.at += timedelta(hours=1)
        with patch.object(type(case.erp), "read_totals", side_effect=Transient("reset")):
            loop.tick(case.parts())
        case.tick(hours=1)
    else:
        pull.reread(case.parts(), ["1", "2"], date(2026, 9, 7))

    assert ["customer_merged"] == exceptions(case)
    case.store.close()


def test_one_invoice_that_was_billed_to_the_wrong_customer_merges_nobody(tmp_path: Path) -> None:
    case = Case(tmp_path)
    for id in ("C1", "C2"):
        case.erp.customers[id] = Customer(id, f"Customer {id}", f"ap@{id.lower()}.example")
    case.bill(invoice("INV-1", "1000.00", ISSUED_ON, DUE_ON))
    case.tick()
    moved(case, "INV-1")
    case.tick(hours=1)

    assert [] == exceptions(case)
    case.store.close()
