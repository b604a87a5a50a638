"""What people enter on NetSuite's invoice to keep it back: read as it was meant, or parked by its field."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.adapters.ledger_rows.pauses import instalments
from connector.adapters.netsuite import reading
from connector.money import Money
from connector.receivables import Instalment, InvoiceLine, OpenInvoice, Parked, Pause, PauseKind

CURRENCIES = {"1": "USD", "2": "JPY"}
ROW = {
    "id": "104",
    "tranid": "INV-1",
    "entity": "4",
    "currency": "1",
    "foreigntotal": "1000.00",
    "foreignamountunpaid": "1000.00",
    "issued_on": "2026-10-01",
    "due_on": "2026-10-31",
}
LINE = {"id": "1", "foreignamount": "1000.00", "taxline": "F"}
DAY, LATER = date(2026, 12, 1), date(2027, 1, 1)


def usd(text: str) -> Money:
    return Money.of(text, "USD")


def read(*lines: dict[str, str], **cells: str) -> OpenInvoice | Parked:
    return reading.invoice({**ROW, **cells}, [{**LINE, **line} for line in lines or ({},)], CURRENCIES)


def taken(*lines: dict[str, str], **cells: str) -> OpenInvoice:
    found = read(*lines, **cells)
    assert isinstance(found, OpenInvoice), found
    return found


def line_of(**cells: str) -> InvoiceLine:
    (line,) = taken(cells).lines
    return line


# ---- holds ----


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("", PauseKind.HOLD),
        ("other", PauseKind.HOLD),
        ("Hold", PauseKind.HOLD),
        ("usage", PauseKind.USAGE),
        (" USAGE ", PauseKind.USAGE),
        ("credit memo", PauseKind.CREDIT_MEMO),
        ("Credit-Memo", PauseKind.CREDIT_MEMO),
        ("format_change", PauseKind.FORMAT_CHANGE),
        ("Format  change", PauseKind.FORMAT_CHANGE),
    ],
)
def test_a_hold_is_of_the_kind_that_people_named(said: str, kind: PauseKind) -> None:
    invoice = taken(hold="T", hold_reason="the metric isn't signed off", hold_kind=said)

    assert (Pause(kind, "the metric isn't signed off"),) == invoice.pauses


@pytest.mark.parametrize(("kind", "reason"), [("", "legal"), ("other", "legal"), ("usage", ""), ("credit memo", "")])
def test_only_a_hold_for_a_persons_own_reason_keeps_money_from_being_applied(kind: str, reason: str) -> None:
    """`hold_reason` is what matching looks at: an invoice that waits for a credit memo may be paid."""
    assert reason == taken(hold="T", hold_reason="legal", hold_kind=kind).hold_reason


@pytest.mark.parametrize(("kind", "reason"), [("", "hold"), ("usage", "usage"), ("format change", "format change")])
def test_a_hold_without_a_reason_is_a_hold_all_the_same(kind: str, reason: str) -> None:
    (pause,) = taken(hold="T", hold_kind=kind, hold_reason="  ").pauses

    assert reason == pause.reason


def test_a_hold_has_an_owner_a_first_day_and_an_end() -> None:
    invoice = taken(
        hold="T", hold_reason="legal", hold_owner=" revops ", hold_since="2026-10-05", hold_until="2026-10-20"
    )

    expected = Pause(PauseKind.HOLD, "legal", "revops", date(2026, 10, 5), date(2026, 10, 20))
    assert (expected,) == invoice.pauses


def test_without_its_tick_nothing_of_a_hold_is_read() -> None:
    invoice = taken(hold="F", hold_reason="legal", hold_kind="nonsense", hold_until="soon")

    assert ((), "") == (invoice.pauses, invoice.hold_reason)


# ---- promises, plans, conversations, touches ----


def test_a_promise_has_a_day_an_amount_a_promiser_and_a_recorder() -> None:
    invoice = taken(
        promise_on="2026-12-01", promise_amount="400", promise_by="R. Osei", promise_recorded_by="ar@us.example"
    )

    promise = Pause(PauseKind.PROMISE, "promised by R. Osei", "ar@us.example", until=DAY, amount=usd("400"))
    assert (promise,) == invoice.pauses


def test_a_promise_without_an_amount_is_of_all_of_it() -> None:
    assert (Pause(PauseKind.PROMISE, "promised", until=DAY),) == taken(promise_on="2026-12-01").pauses


@pytest.mark.parametrize(
    "text",
    [
        "2026-12-01 500.00; 2027-01-01 500.00",
        "2026-12-01 500.00;2027-01-01 500.00;",
        "2026-12-01   500 USD\n2027-01-01 500 usd\r\n",
        "2026-12-01\t500.00;\n2027-01-01 500.00",
    ],
)
@pytest.mark.parametrize("approved_by", ["", "controller"])
def test_a_plan_is_its_instalments_and_who_approved_them(text: str, approved_by: str) -> None:
    parts = (Instalment(DAY, usd("500")), Instalment(LATER, usd("500")))

    plan = Pause(
        PauseKind.PLAN, "payment plan of 2 instalments", until=LATER, instalments=parts, approved_by=approved_by
    )
    assert (plan,) == taken(plan=text, plan_approved_by=approved_by).pauses


def test_a_plan_may_leave_out_what_was_paid_before_and_is_in_the_invoices_currency() -> None:
    yen = Money.of("300", "JPY")

    assert (Instalment(DAY, yen),) == instalments("2026-12-01 300", Money.of("1000", "JPY"))


@pytest.mark.parametrize("text", ["", "  ", ";", "\n;\n"])
def test_an_empty_plan_is_none(text: str) -> None:
    assert () == taken(plan=text, plan_approved_by="controller").pauses


def test_a_conversation_is_its_last_day() -> None:
    talking = Pause(PauseKind.CONVERSATION, "entered in NetSuite", until=DAY)

    assert (talking,) == taken(conversation_until="2026-12-01").pauses


@pytest.mark.parametrize(("cell", "touched_on"), [("", None), ("2026-12-01", DAY)])
def test_the_last_touch_of_a_person_is_told(cell: str, touched_on: date | None) -> None:
    assert touched_on == taken(touched_on=cell).touched_on


def test_several_pauses_come_in_one_order() -> None:
    invoice = taken(
        {"dispute": "T"},
        conversation_until="2026-12-01",
        plan="2026-12-01 5",
        promise_on="2026-12-01",
        hold="T",
        dispute_owner="ar",
    )

    kinds = [PauseKind.DISPUTE, PauseKind.HOLD, PauseKind.PROMISE, PauseKind.PLAN, PauseKind.CONVERSATION]
    assert kinds == [pause.kind for pause in invoice.pauses]


# ---- disputes ----


def test_a_disputed_line_says_since_when_why_and_what_the_customer_said() -> None:
    line = line_of(dispute="T", dispute_reason="count", disputed_on="2026-10-05", dispute_detail="40 seats,\n not 50")

    assert (True, "count", date(2026, 10, 5)) == (line.disputed, line.dispute_reason, line.disputed_on)
    assert ("40 seats, not 50", "") == (line.dispute_detail, line.dispute_outcome)


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ("rejected", "rejected"),
        ("Accepted", "accepted"),
        ("written off", "written_off"),
        ("WRITTEN-OFF", "written_off"),
        ("", ""),
    ],
)
def test_how_a_dispute_ended_is_told_once_the_tick_is_gone(said: str, outcome: str) -> None:
    line = line_of(dispute="F", dispute_reason="count", dispute_detail="40 seats", dispute_outcome=said)

    assert (False, outcome, "", "") == (line.disputed, line.dispute_outcome, line.dispute_reason, line.dispute_detail)


@pytest.mark.parametrize("said", ["rejected", "nobody knows"])
def test_the_tick_goes_before_an_outcome_that_is_left_there(said: str) -> None:
    line = line_of(dispute="T", dispute_outcome=said)

    assert (True, "") == (line.disputed, line.dispute_outcome)


def test_the_owner_and_the_deadline_of_a_dispute_are_the_invoices() -> None:
    disputed = ({"dispute": "T", "dispute_reason": "count", "disputed_on": "2026-10-07"}, {"dispute": "F"})
    more = {"dispute": "T", "dispute_reason": "price", "disputed_on": "2026-10-05"}

    invoice = taken(*disputed, more, dispute_owner="billing", dispute_until="2026-12-01", foreigntotal="3000.00")

    dispute = Pause(PauseKind.DISPUTE, "count; price", "billing", date(2026, 10, 5), DAY)
    assert (dispute,) == invoice.pauses


@pytest.mark.parametrize(
    ("line", "cells"),
    [({"dispute": "F"}, {"dispute_owner": "billing"}), ({"dispute": "T"}, {}), ({}, {"dispute_until": "2026-12-01"})],
)
def test_an_owner_without_a_dispute_is_none_and_a_dispute_without_one_is_its_lines(
    line: dict[str, str], cells: dict[str, str]
) -> None:
    assert () == taken(line, **cells).pauses


# ---- what is not understood ----

NOT_UNDERSTOOD = [
    ({"hold": "T", "hold_kind": "usge"}, "hold_kind", "'usge' is none of hold, other, usage, credit_memo"),
    ({"hold": "T", "hold_since": "5.10.2026"}, "hold_since", "'5.10.2026' is no day"),
    ({"hold": "T", "hold_until": "2026-02-30"}, "hold_until", "'2026-02-30' is no day"),
    (
        {"hold": "T", "hold_since": "2026-10-20", "hold_until": "2026-10-19"},
        "hold_until",
        "2026-10-19 is before the hold's own first day 2026-10-20",
    ),
    ({"promise_on": "tomorrow"}, "promise_on", "'tomorrow' is no day"),
    ({"promise_amount": "400"}, "promise_on", "is missing, though an amount was promised"),
    ({"promise_on": "2026-12-01", "promise_amount": "0"}, "promise_amount", "0.00 USD is not above zero"),
    ({"promise_on": "2026-12-01", "promise_amount": "-4"}, "promise_amount", "-4.00 USD is not above zero"),
    ({"promise_on": "2026-12-01", "promise_amount": "1000.01"}, "promise_amount", "1,000.01 USD is more than the"),
    ({"promise_on": "2026-12-01", "promise_amount": "4.005"}, "promise_amount", "4.005 USD has more than 2 decimals"),
    ({"plan": "half now, half later"}, "plan", "'half now, half later' is no day with an amount"),
    ({"plan": "2026-12-01"}, "plan", "'2026-12-01' is no day with an amount"),
    ({"plan": "2026-12-01 1,000.00"}, "plan", "'2026-12-01 1,000.00' is no day with an amount"),
    ({"plan": "2026-12-01 -5"}, "plan", "'2026-12-01 -5' is no day with an amount"),
    ({"plan": "2026-13-01 5"}, "plan", "'2026-13-01' is no day"),
    ({"plan": "2026-12-01 0.00"}, "plan", "0.00 USD is not above zero"),
    ({"plan": "2026-12-01 5 EUR"}, "plan", "'2026-12-01 5 EUR' is not in the invoice's currency USD"),
    ({"plan": "2026-12-01 500; 2026-12-01 500"}, "plan", "2026-12-01 is not after 2026-12-01"),
    ({"plan": "2027-01-01 500; 2026-12-01 500"}, "plan", "2026-12-01 is not after 2027-01-01"),
    ({"plan": "2026-12-01 500; 2027-01-01 500.01"}, "plan", "its instalments are 1,000.01 USD, more than"),
    ({"plan": "2026-12-01 5.0.0"}, "plan", "'5.0.0' is no decimal amount"),
    ({"plan": "\u0662\u0660\u0662\u0666-12-01 5"}, "plan", "'\u0662\u0660\u0662\u0666-12-01 5' is no day"),
    ({"conversation_until": "next week"}, "conversation_until", "'next week' is no day"),
    ({"dispute_until": "next week"}, "dispute_until", "'next week' is no day"),
    ({"touched_on": "today"}, "touched_on", "'today' is no day"),
]


@pytest.mark.parametrize(("cells", "field", "reason"), NOT_UNDERSTOOD)
def test_what_is_not_understood_parks_the_invoice_and_names_the_field(
    cells: dict[str, str], field: str, reason: str
) -> None:
    found = read(**cells)

    assert isinstance(found, Parked)
    assert ("erp", "104", field, "4") == (found.source, found.record, found.field, found.customer_id)
    assert found.reason.startswith(reason)


@pytest.mark.parametrize(
    ("cells", "field"),
    [
        ({"dispute": "F", "dispute_outcome": "settled"}, "line 1 dispute_outcome"),
        ({"dispute": "T", "disputed_on": "long ago"}, "line 1 disputed_on"),
    ],
)
def test_what_is_not_understood_of_a_line_names_the_line(cells: dict[str, str], field: str) -> None:
    found = read(cells)

    assert isinstance(found, Parked)
    assert field == found.field


@pytest.mark.parametrize("over", [{"foreignamountunpaid": "0"}, {"voided": "T", "foreigntotal": "0"}])
def test_an_invoice_that_is_over_is_not_parked_for_what_once_held_it(over: dict[str, str]) -> None:
    assert () == taken(plan="half now, half later", **over).pauses


def test_a_settled_invoice_still_shows_the_promise_that_was_kept() -> None:
    (promise,) = taken(promise_on="2026-12-01", promise_amount="1000.00", foreignamountunpaid="0").pauses

    assert usd("1000") == promise.amount


TEXTS = st.dictionaries(
    st.sampled_from(
        ["hold_kind", "hold_owner", "hold_until", "promise_on", "promise_amount", "promise_by", "plan", "dispute_until"]
    ),
    st.one_of(st.text(), st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9.]{1,6}([;\n].*)?", fullmatch=True)),
)


@given(TEXTS)
def test_any_text_is_read_or_parks_the_invoice_by_a_field_that_holds_it(cells: dict[str, str]) -> None:
    found = read(hold="T", **cells)

    if isinstance(found, Parked):
        assert found.field in {*cells, "promise_on"}
    else:
        assert all(pause.reason and "\n" not in pause.reason + pause.owner for pause in found.pauses)


@given(st.lists(st.tuples(st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.integers(1, 10**9)), min_size=1))
def test_a_plan_as_we_would_write_it_is_read_back(parts: list[tuple[date, int]]) -> None:
    plan = [Instalment(day, Money(minor, "USD")) for day, minor in sorted(dict(parts).items())]
    text = "; ".join(f"{one.due_on} {one.amount.plain()}" for one in plan)
    total = Money.total((one.amount for one in plan), "USD")

    assert tuple(plan) == instalments(text, total)
