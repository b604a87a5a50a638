"""What people enter in the false account to keep an invoice back, and what they say of customers, by names and days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from netsuite_account import Account, Control

from sandbox.world import Served, serve

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
TODAY = "2026-11-02 00:00:00"
BODY = ("hold", "hold_reason", "hold_kind", "hold_owner", "hold_since", "hold_until")
LINE = ("dispute", "dispute_reason", "disputed_on", "dispute_detail", "dispute_outcome")


class Books(Control):
    """The control API, and the account that it works on."""

    def __init__(self, served: Served) -> None:
        super().__init__(served)
        self.account = Account(served.world.netsuite, served.world.faults, f"{served.url}/netsuite")
        self.invoice = served.world.invoice_id


@pytest.fixture
def control() -> Iterator[Books]:
    with serve(customers=0, now=NOW) as served:
        made = Books(served)
        made.post("customers", name="Northfield Robotics", key="northfield")
        made.post("invoices", customer="northfield", number="INV-1", amount="100.00")
        yield made


def fields(control: Books, *names: str) -> list[Any]:
    row = control.account.books.transaction(int(control.invoice("INV-1")))
    return [row[f"custbody_arc_{name}"] for name in names]


def line(control: Books) -> list[Any]:
    sql = "SELECT * FROM transactionline WHERE \"transaction\" = ? AND mainline = 'F'"
    row = control.account.books.rows(sql, int(control.invoice("INV-1")))[0]
    return [row[f"custcol_arc_{name}"] for name in LINE]


def test_a_hold_comes_with_all_that_is_said_of_it_and_goes_with_it(control: Books) -> None:
    said = {"kind": "usage", "owner": "revops", "since": "2026-11-01", "until": "2026-12-01"}
    control.post("netsuite/set_hold", invoice="INV-1", reason="metric", **said)
    held = fields(control, *BODY)
    control.post("netsuite/clear_hold", invoice="INV-1")

    assert ["T", "metric", "usage", "revops", "2026-11-01 00:00:00", "2026-12-01 00:00:00"] == held
    assert ["F", None, None, None, None, None] == fields(control, *BODY)


def test_promises_plans_conversations_and_touches_are_fields_of_the_invoice(control: Books) -> None:
    control.post("netsuite/promise", invoice="INV-1", on="2026-12-01", amount="40.00", by="R. Osei", recorded_by="ar")
    promised = fields(control, "promise_on", "promise_amount", "promise_by", "promise_recorded_by")
    control.post("netsuite/forget_promise", invoice="INV-1")
    control.post("netsuite/agree_plan", invoice="INV-1", plan="half now", approved_by="controller")
    control.post("netsuite/converse", invoice="INV-1", until="2026-12-01")
    control.post("netsuite/touch", invoice="INV-1")

    assert ["2026-12-01 00:00:00", 400_000, "R. Osei", "ar"] == promised
    assert [None, None, None] == fields(control, "promise_on", "promise_amount", "promise_by")
    assert ["half now", "controller"] == fields(control, "plan", "plan_approved_by")
    assert ["2026-12-01 00:00:00", TODAY] == fields(control, "conversation_until", "touched_on")


def test_a_dispute_begins_today_and_leaves_its_story_behind(control: Books) -> None:
    control.post("netsuite/dispute_line", invoice="INV-1", line_no=1, reason="count")
    control.post("netsuite/own_dispute", invoice="INV-1", owner="billing", until="2026-12-01")
    flagged = line(control)
    control.post("netsuite/give_detail", invoice="INV-1", line_no=1, detail="40 seats")
    control.post("netsuite/settle_dispute", invoice="INV-1", line_no=1, outcome="rejected")
    settled = line(control)
    control.post("netsuite/dispute_line", invoice="INV-1", line_no=1, reason="price", on="2026-10-30")

    assert ["T", "count", TODAY, None, None] == flagged
    assert ["F", "count", TODAY, "40 seats", "rejected"] == settled
    assert ["T", "price", "2026-10-30 00:00:00", None, None] == line(control)
    assert ["billing", "2026-12-01 00:00:00"] == fields(control, "dispute_owner", "dispute_until")


def test_what_is_said_of_a_customer_is_seen_by_a_query(control: Books) -> None:
    said = {"tier": "enterprise", "arr": "120000.00", "mails_parent": True, "sms_consent_on": "2026-10-01"}
    control.post("netsuite/describe_customer", customer="northfield", country="DE", **said)
    control.post("netsuite/describe_customer", customer="northfield", country="AT", cc="a@x.example")

    (row,) = control.account.rows(
        """SELECT c.custentity_arc_tier AS tier, c.custentity_arc_arr AS arr, c.custentity_arc_mails_parent AS parents,
               c.custentity_arc_cc AS cc, TO_CHAR(c.custentity_arc_sms_consent_on, 'YYYY-MM-DD') AS consent
           FROM customer c ORDER BY c.id"""
    )
    addresses = control.account.rows(
        """SELECT b.defaultbilling AS is_default, e.country
           FROM customeraddressbook b, customeraddressbookentityaddress e
           WHERE e.nkey = b.addressbookaddress ORDER BY b.internalid"""
    )

    assert {"tier": "enterprise", "arr": "120000", "parents": "T", "cc": "a@x.example", "consent": "2026-10-01"} == row
    assert [("F", "DE"), ("T", "AT")] == [(one["is_default"], one["country"]) for one in addresses]


@pytest.mark.parametrize(
    ("deed", "body", "status", "said"),
    [
        (
            "describe_customer",
            {"customer": "northfield", "shoe_size": "43"},
            404,
            "nobody says shoe_size of a customer",
        ),
        ("describe_customer", {"customer": "northfield", "arr": "a lot"}, 400, "a lot"),
        ("give_detail", {"invoice": "INV-1", "line_no": 7, "detail": "x"}, 404, "has no line 7"),
        ("promise", {"invoice": "INV-1", "on": "tomorrow"}, 400, "tomorrow"),
        ("touch", {"invoice": "INV-9"}, 404, "INV-9"),
    ],
)
def test_what_cannot_be_entered_is_said(
    control: Books, deed: str, body: dict[str, Any], status: int, said: str
) -> None:
    code, error = control.refused(f"netsuite/{deed}", **body)

    assert (status, True) == (code, said in error)
