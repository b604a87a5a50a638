"""The ERP's deeds over the control API: names as everywhere in the world, accounts by what they are for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from netsuite_account import Control

from sandbox.world import serve

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.fixture
def control() -> Iterator[Control]:
    with serve(customers=0, now=NOW) as served:
        control = Control(served)
        control.post("customers", name="Northfield Robotics", key="northfield")
        control.post("invoices", customer="northfield", number="INV-1", amount="100.00")
        yield control


def test_money_is_moved_by_names_and_roles(control: Control) -> None:
    payment = control.post(
        "netsuite/stripe_connector_posts", charge="ch_1", amount="120.00", customer="northfield", invoice="INV-1"
    )["id"]
    control.post("netsuite/refund_by_hand", payment=payment, amount="20.00", account="undeposited")
    control.post(
        "netsuite/deposit_by_hand",
        payments=[payment],
        lines=[{"account": "undeposited", "amount": "-20.00"}, {"account": "fees", "amount": "-3.20"}],
        payout="po_1",
    )
    control.post(
        "netsuite/journal_by_hand",
        lines=[
            {"account": "receivable", "debit": "5.00", "customer": "northfield"},
            {"account": "bank", "credit": "5.00"},
        ],
        memo="returned",
    )

    roles = ("bank", "undeposited", "fees", "receivable")
    assert ["91.80", "0.00", "3.20", "5.00"] == [control.balance(role) for role in roles]
    truth = control.get("truth")
    assert [payment] == truth["deposits"][0]["payments"]
    assert [[payment], ["20.00"]] == [truth["refunds"][0]["of"], [one["amount"] for one in truth["refunds"]]]
    assert "2026-11-02" == truth["journals"][0]["on"]


def test_an_invoice_is_written_off_or_paid_through_a_billing_platform(control: Control) -> None:
    paid = {"reference": "bp-1", "amount": "60", "customer": "northfield", "invoice": "INV-1"}
    control.post("netsuite/billing_platform_posts", **paid)
    control.post("netsuite/write_off", invoice="INV-1", by="journal")

    assert ["0.00", "40.00"] == [control.balance(role) for role in ("receivable", "bad_debt")]
    assert [True] == [one["closed"] for one in control.get("truth")["invoices"]]


def test_an_invoice_may_be_born_undelivered(control: Control) -> None:
    control.post("invoices", customer="northfield", number="INV-2", amount="10", delivered_on=None)
    control.post("netsuite/email_invoice", invoice="INV-2", on="2026-11-04")
    control.post("netsuite/edit_invoice", invoice="INV-2", promise_on="2026-12-01", promise_amount="10.00")

    assert 2 == len([one for one in control.get("log") if "INV-2" in one["what"] or "mailed" in one["what"]])


def test_the_account_is_set_up_by_deeds(control: Control) -> None:
    daughter = control.post("netsuite/add_subsidiary", name="Daughter", currency="EUR")["id"]
    bank = control.post(
        "netsuite/add_account", number="1020", name="Euro bank", type="Bank", currency="EUR", subsidiary=daughter
    )["id"]
    control.post("netsuite/set_rate", currency="EUR", rate="1.10", on="2026-11-01")
    control.post("netsuite/close_period", month="2026-09", allow_non_gl_changes=True)
    control.post("netsuite/lock_ar", month="2026-10")
    control.post("netsuite/install_dunning")
    control.post("netsuite/grant", permission="TRAN_JOURNAL", level="view")

    assert bank in control.get("truth")["balances"]
    assert (400, "an account with several subsidiaries has OneWorld") == control.refused("netsuite/leave_one_world")


@pytest.mark.parametrize(
    "deed, body, status, said",
    [
        ("dance", {}, 404, "nobody does 'dance'"),
        ("deposit_by_hand", {"payments": [], "lines": []}, 409, "total of a deposit"),
        ("deposit_by_hand", {"account": "vault", "payments": []}, 404, "no account 'vault'"),
        ("write_off", {"invoice": "INV-9"}, 404, "INV-9"),
        ("write_off", {"invoice": "INV-1", "amount": "100.01"}, 409, "100.00 is due"),
        ("write_off", {"invoice": "INV-1", "by": "magic"}, 400, "memo or by journal"),
        ("set_rate", {"currency": "EUR", "rate": "many"}, 400, "no decimal"),
        ("add_account", {"number": "1", "name": "X", "type": "Box"}, 400, "account type"),
        ("refund_by_hand", {"payment": "99", "amount": "1.00"}, 404, "no payment or credit memo 99"),
        ("close_period", {"month": "2026-09", "hard": True}, 400, "hard"),
    ],
)
def test_what_cannot_be_done_is_said(control: Control, deed: str, body: dict[str, Any], status: int, said: str) -> None:
    code, error = control.refused(f"netsuite/{deed}", **body)

    assert (status, True) == (code, said in error)
