"""The whole connector on a sandbox that serves its own subset, and on one that serves NetSuite's real 2023.2 contract.

What is said on the wire is judged after each test (tests/contracts.py); here the outcomes must be the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sandbox.faults import Rule
from sandbox.plan import Part
from tests.harness import Desk, desk


@pytest.fixture
def at(tmp_path: Path, wsdl_dir: Path | None) -> Iterator[Desk]:
    """Two invoices of one customer, both due for their first reminder today."""
    with desk(tmp_path, wsdl_dir=wsdl_dir) as made:
        payer = made.world.add_customer("Northfield Robotics", "ap@northfield.example", 30)
        for number, amount in (("PAID-1", "1000.00"), ("PAID-2", "234.56")):
            lines = [{"description": "Subscription", "amount": amount, "kind": "subscription"}]
            made.world.add_invoice(payer.id, number, date(2026, 8, 15), date(2026, 9, 14), lines)
        yield made
        assert [] == made.world.netsuite.contract_violations


def _pay(at: Desk) -> None:
    parts = [Part("PAID-1", "1000.00"), Part("PAID-2", "234.56")]
    at.world.pay("Northfield Robotics", "1234.56", pays=parts, description="PAID-1, PAID-2")


def _records(at: Desk, kind: str) -> list[dict[str, Any]]:
    return list(at.truth()["records"][f"customrecord_arc_{kind}"].values())


def _assert_closed_once(at: Desk) -> None:
    ours = [payment for payment in at.truth()["payments"] if payment["external_id"].startswith("arc-")]
    assert [("1234.56", "0.00")] == [(payment["amount"], payment["unapplied"]) for payment in ours]
    assert ("0.00", "0.00") == (at.balance("PAID-1"), at.balance("PAID-2"))
    assert ["closed", "closed"] == [row["custrecord_arc_can_state"] for row in _records(at, "cancellation")]
    assert ["closed"] == [row["custrecord_arc_rec_state"] for row in _records(at, "receipt")]
    assert [] == at.mails_about("PAID-")


def test_a_payment_closes_its_invoices_and_their_reminders(at: Desk) -> None:
    _pay(at)

    report = at.tick()

    _assert_closed_once(at)
    assert (1, 0) == (report.closed, report.unfinished)
    assert ["closed", "closed"] == [row["custrecord_arc_st_state"] for row in _records(at, "status")]


@pytest.mark.parametrize("record", [1, 3])
def test_a_refused_record_is_written_again_alone(at: Desk, record: int) -> None:
    at.world.install(Rule("netsuite", "record_refused", "addList", record=record, code="USER_ERROR"))
    _pay(at)

    at.tick()
    at.tick()

    _assert_closed_once(at)


def test_a_refused_payment_withdraws_its_records_and_frees_the_cents(at: Desk) -> None:
    at.world.install(Rule("netsuite", "record_refused", "addList", record=0, code="USER_ERROR"))
    _pay(at)

    at.tick()

    assert ("1000.00", "234.56") == (at.balance("PAID-1"), at.balance("PAID-2"))
    assert {"withdrawn"} == {row["custrecord_arc_can_state"] for row in _records(at, "cancellation")}


@pytest.mark.parametrize("kind", ["cut_after", "drop_before"])
def test_a_write_of_unknown_outcome_is_read_back_and_done_once(at: Desk, kind: str) -> None:
    at.world.install(Rule("netsuite", kind, "addList"))
    _pay(at)

    at.tick()
    at.tick()

    _assert_closed_once(at)


def test_a_login_that_is_refused_once_costs_nothing(at: Desk) -> None:
    at.world.install(Rule("netsuite", "unauthorized", "addList"))
    _pay(at)

    at.tick()
    at.tick()

    _assert_closed_once(at)


def test_a_held_invoice_carries_its_flag(at: Desk) -> None:
    at.world.netsuite.set_hold(at.world.invoice_id("PAID-1"), "legal")

    at.tick()

    states = {str(row["custrecord_arc_st_invoice"]): row["custrecord_arc_st_state"] for row in _records(at, "status")}
    assert {at.world.invoice_id("PAID-1"): "held", at.world.invoice_id("PAID-2"): "reminding"} == states
    assert (0, 1) == (len(at.mails_about("PAID-1")), len(at.mails_about("PAID-2")))


def test_the_installation_claims_the_account_by_its_record(at: Desk) -> None:
    at.tick()

    assert ["t1"] == [row["custrecord_arc_in_id"] for row in _records(at, "installation")]


def test_check_finds_the_account_in_order(at: Desk) -> None:
    assert [] == [finding for finding in at.service.check() if not finding.ok and finding.area.startswith("NetSuite")]
