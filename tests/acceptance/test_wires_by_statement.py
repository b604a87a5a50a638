"""A wire straight to our bank, from the bank's own statement file to the closed invoice (M60, RULES 1.2, 1.11)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from tests.harness import Desk, desk

pytestmark = pytest.mark.usefixtures("each_erp")

OUR_ACCOUNT = "DE02120300000000202051"
ISSUED, DUE = date(2026, 8, 18), date(2026, 9, 17)
AMOUNTS = {
    "W-1": "24000.00",
    "W-2": "36000.00",
    "W-3": "30000.00",
    "W-4": "27500.00",
    "W-5": "22500.00",
    "W-6": "40000.00",
}


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path) as made:
        statements = tmp_path / "statements"
        statements.mkdir()
        bank_account = made.world.erp.accounts["bank"]
        (tmp_path / "mappings" / "bank_statement.yaml").write_text(
            f'accounts:\n  - {{ number: "{OUR_ACCOUNT}", currency: USD, ledger_account: "{bank_account}", '
            "cutover_on: 2026-01-01 }\nnot_receipts: []\ndone_by_hand: []\ncsv_profiles: []\n"
        )
        made.environ["CONNECTOR_BANK_STATEMENTS_FOLDER"] = str(statements)
        made.environ["CONNECTOR_BANK_STATEMENTS_IS_TEST"] = "true"
        made.world.bank.deliver_to(str(statements))
        made.world.bank.open_account(OUR_ACCOUNT, "USD", "1000.00")
        customer = made.world.add_customer("Meridian Freight", "ap@meridian.example", 30).id
        for number, amount in AMOUNTS.items():
            line = {"description": "Services", "amount": amount, "kind": "services"}
            made.world.add_invoice(customer, number, ISSUED, DUE, [line])
        yield made


def left(at: Desk) -> dict[str, str]:
    """What is still open, by number."""
    return {number: at.balance(number) for number in AMOUNTS if at.balance(number) not in ("0.00", "0")}


@pytest.mark.parametrize("file", ["camt", "mt940", "bai2"])
def test_one_statement_line_closes_five_invoices_and_the_held_one_follows(at: Desk, file: str) -> None:
    at.world.erp.set_hold(at.world.invoice_id("W-5"), "usage is being reconciled")
    at.tick()
    text = "INV " + " ".join(AMOUNTS)
    at.world.bank.book(OUR_ACCOUNT, "180000.00", payer="Meridian Freight", text=text)
    at.world.bank.deliver(OUR_ACCOUNT, format=file)

    at.tick()

    assert {"W-5": "22500.00"} == left(at)

    at.world.erp.clear_hold(at.world.invoice_id("W-5"))
    at.tick()

    assert {} == left(at)
    (posted,) = at.truth()["payments"]
    assert posted["external_id"].startswith("arc-t1-pay-bank-")


def test_a_wire_that_a_person_has_entered_already_is_not_posted_a_second_time(at: Desk) -> None:
    """Unapplied in the ERP, so that the invoice it names is still open (RULES 1.9)."""
    day = at.world.clock().date()
    at.world.erp.pay_by_hand(at.world.customer("Meridian Freight").id, "24000.00", day, (), "incoming wire")
    at.world.bank.book(OUR_ACCOUNT, "24000.00", payer="Meridian Freight", text="W-1")
    at.world.bank.deliver(OUR_ACCOUNT)

    at.tick()

    assert ["incoming wire"] == [one["memo"] for one in at.truth()["payments"]]
    (row,) = at.service.queue().rows
    assert "perhaps_posted" == row.kind
    assert "made by somebody else" in row.reason


def test_nothing_is_sent_while_no_statement_vouches_for_the_bank(at: Desk) -> None:
    at.days(date(2026, 9, 11))
    silent = at.tick()
    at.world.bank.deliver(OUR_ACCOUNT)  # of today: nothing came
    heard = at.tick()

    assert (0, len(AMOUNTS)) == (silent.sent, heard.sent)
