"""Stripe's payouts with their members: which are read again, which members are known, what parks a payout."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import responses

from connector.adapters.stripe import StripeMapping
from connector.errors import Terminal, Transient
from connector.money import Money
from connector.settlement import Category, PayoutState
from tests.unit.stripe_cases import BASE, NOW, Json, answering, movement, page, paths, payout, query, seconds, source

LISTED, MEMBERS = "/v1/payouts", "/v1/balance_transactions"


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[responses.RequestsMock]:
    yield from answering(monkeypatch)


def listed(web: responses.RequestsMock, *rows: Json) -> None:
    web.upsert(responses.GET, f"{BASE}{LISTED}", json=page(*rows))


def members(web: responses.RequestsMock, *rows: Json) -> None:
    web.upsert(responses.GET, f"{BASE}{MEMBERS}", json=page(*rows))


# ---- What is in a payout ----


def test_a_reconciled_payout_comes_with_its_members_and_without_its_own_row(web: responses.RequestsMock) -> None:
    listed(web, payout())
    refund = {"id": "re_1", "object": "refund", "charge": "ch_0"}
    members(
        web,
        movement(id="txn_9", amount=-9680, fee=0, type="payout", reporting_category="payout", source={"id": "po_1"}),
        movement(id="txn_2", amount=-500, fee=0, type="refund", reporting_category="refund", source=refund),
        movement(id="txn_1", amount=10500, source={"id": "ch_1", "object": "charge"}),
    )

    (read,) = source().read_payouts("", NOW).payouts

    assert (read.id, read.amount, read.state) == ("po_1", Money(9680, "USD"), PayoutState.PAID)
    assert (read.is_automatic, read.is_reconciled) == (True, True)
    assert [(m.id, m.category, m.amount, m.fee, m.net, m.payment_id, m.source_id) for m in read.members] == [
        ("txn_2", Category.REFUND, Money(-500, "USD"), Money(0, "USD"), Money(-500, "USD"), "ch_0", "re_1"),
        ("txn_1", Category.CHARGE, Money(10500, "USD"), Money(320, "USD"), Money(10180, "USD"), "ch_1", "ch_1"),
    ]
    asked = query(web.calls[1])
    assert (asked["payout"], asked["expand[0]"]) == ("po_1", "data.source")


@pytest.mark.parametrize(
    "changes",
    [
        {"reconciliation_status": "in_progress"},
        {"reconciliation_status": "not_applicable"},
        {"automatic": False, "reconciliation_status": "not_applicable"},
        {"automatic": False, "reconciliation_status": "not_applicable", "method": "instant"},
        {"automatic": False},  # if Stripe says completed of a manual one, its members are refused all the same
        {"reconciliation_status": "in_the_works"},
    ],
)
def test_members_are_asked_for_only_where_stripe_knows_them(web: responses.RequestsMock, changes: Json) -> None:
    listed(web, payout(**changes))

    (read,) = source().read_payouts("", NOW).payouts

    assert read.members == ()
    assert paths(web) == [LISTED]


def test_another_payouts_row_stays_among_the_members(web: responses.RequestsMock) -> None:
    listed(web, payout())
    returned = {"type": "payout_failure", "reporting_category": "payout_reversal", "source": {"id": "po_0"}}
    by_hand = {"type": "payout", "reporting_category": "payout", "source": "po_7"}
    members(web, movement(id="txn_2", **returned), movement(id="txn_3", amount=-100, **by_hand))

    (read,) = source().read_payouts("", NOW).payouts

    assert [member.category for member in read.members] == [Category.PAYOUT_REVERSAL, Category.PAYOUT]


def test_the_day_of_arrival_is_utcs_and_the_day_of_a_member_is_the_ledgers(
    web: responses.RequestsMock,
) -> None:
    listed(web, payout(arrival_date=seconds(datetime(2026, 10, 19, tzinfo=UTC))))
    members(web, movement(created=seconds(datetime(2026, 10, 18, 3, 30, tzinfo=UTC))))

    (read,) = source().read_payouts("", NOW).payouts

    assert read.arrives_on == date(2026, 10, 19)
    assert read.members[0].created_on == date(2026, 10, 17)  # still the evening before in New York


@pytest.mark.parametrize(
    ("currency", "units", "amount"),
    [("jpy", 98000, Money(98000, "JPY")), ("kwd", 12340, Money(12340, "KWD")), ("isk", 500000, Money(5000, "ISK"))],
)
def test_amounts_are_in_the_currencys_own_units(
    web: responses.RequestsMock, currency: str, units: int, amount: Money
) -> None:
    listed(web, payout(amount=units, currency=currency))
    members(web, movement(amount=units, fee=0, currency=currency))

    (read,) = source().read_payouts("", NOW).payouts

    assert (read.amount, read.members[0].net) == (amount, amount)


def test_a_payout_that_debits_our_bank_is_negative(web: responses.RequestsMock) -> None:
    listed(web, payout(amount=-500))
    members(web)

    assert [read.amount for read in source().read_payouts("", NOW).payouts] == [Money(-500, "USD")]


@pytest.mark.parametrize("state", list(PayoutState))
def test_every_state_of_a_payout(web: responses.RequestsMock, state: PayoutState) -> None:
    listed(web, payout(status=state.value))
    members(web)

    assert [read.state for read in source().read_payouts("", NOW).payouts] == [state]


# ---- Which are read again ----


def test_the_first_read_reaches_back_for_what_was_on_its_way_at_the_cutover(
    web: responses.RequestsMock,
) -> None:
    listed(web)

    source(StripeMapping(payout_overlap_days=5)).read_payouts("", NOW)

    assert query(web.calls[0])["created[gte]"] == str(seconds(datetime(2026, 9, 26, 4, 0, tzinfo=UTC)))


def test_a_quiet_read_is_one_request_and_looks_back_the_overlap(web: responses.RequestsMock) -> None:
    listed(web, payout())
    members(web)
    ours = source()
    first = ours.read_payouts("", NOW)
    web.calls.reset()

    second = ours.read_payouts(first.cursor, NOW + timedelta(minutes=1))

    assert (len(first.payouts), second.payouts) == (1, ())
    assert paths(web) == [LISTED]
    assert query(web.calls[0])["created[gte]"] == str(seconds(NOW - timedelta(days=14)))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"status": "pending"}, {"status": "in_transit"}),
        ({"status": "in_transit"}, {"status": "paid"}),
        ({"reconciliation_status": "in_progress"}, {"reconciliation_status": "completed"}),
        ({"status": "paid"}, {"status": "failed"}),
        ({"arrival_date": seconds(NOW)}, {"arrival_date": seconds(NOW + timedelta(days=1))}),
    ],
)
def test_a_payout_that_changed_is_read_again_with_its_members(
    web: responses.RequestsMock, before: Json, after: Json
) -> None:
    listed(web, payout(**before))
    members(web, movement())
    ours = source()
    cursor = ours.read_payouts("", NOW).cursor
    listed(web, payout(**(before | after)))

    again = ours.read_payouts(cursor, NOW + timedelta(minutes=1))
    quiet = ours.read_payouts(again.cursor, NOW + timedelta(minutes=2))

    assert [(read.id, len(read.members)) for read in again.payouts] == [("po_1", 1)]
    assert quiet.payouts == ()


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("changes", "is_open"),
    [
        ({"status": "pending"}, True),
        ({"status": "in_transit"}, True),
        ({"status": "paid", "reconciliation_status": "in_progress"}, True),
        ({"status": "paid", "arrival_date": seconds(NOW - 7 * DAY) + 1}, True),
        ({"status": "paid", "arrival_date": seconds(NOW - 7 * DAY)}, False),
        ({"status": "paid", "arrival_date": seconds(NOW - 7 * DAY), "automatic": False}, False),
        ({"status": "failed", "arrival_date": seconds(NOW)}, False),
        ({"status": "canceled", "arrival_date": seconds(NOW)}, False),
    ],
)
def test_what_is_still_open_beyond_the_overlap_is_fetched_by_id(
    web: responses.RequestsMock, changes: Json, is_open: bool
) -> None:
    old = {"arrival_date": seconds(NOW - 20 * DAY), "created": seconds(NOW - 13 * DAY)}
    listed(web, payout(**(old | changes)))
    members(web)
    ours = source()
    cursor = ours.read_payouts("", NOW).cursor
    listed(web)
    web.get(f"{BASE}{LISTED}/po_1", json=payout(**(old | changes | {"status": "failed"})))
    web.calls.reset()

    later = ours.read_payouts(cursor, NOW + 5 * DAY)

    assert paths(web)[:2] == ([LISTED, f"{LISTED}/po_1"] if is_open else [LISTED])
    assert [read.state for read in later.payouts] == ([PayoutState.FAILED] if is_open else [])


@pytest.mark.parametrize(
    "cursor", ["not json", "{}", "[]", "7", '{"at": "yesterday", "known": {}, "open": []}', '{"at": 7}']
)
def test_a_cursor_that_cannot_be_read_is_dropped(web: responses.RequestsMock, cursor: str) -> None:
    listed(web, payout())
    members(web)

    assert [read.id for read in source().read_payouts(cursor, NOW).payouts] == ["po_1"]


def test_the_cursor_of_the_payments_is_not_taken_for_one_of_the_payouts(web: responses.RequestsMock) -> None:
    listed(web, payout())
    members(web)

    foreign = json.dumps({"at": NOW.isoformat(), "seen": []})

    assert len(source().read_payouts(foreign, NOW).payouts) == 1


# ---- What is parked ----


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": "9680"}, "amount"),
        ({"amount": 12.5}, "amount"),
        ({"currency": "xxq"}, "amount"),
        ({"currency": "USD"}, "currency"),
        ({"status": "wished"}, "status"),
        ({"automatic": None}, "automatic"),
        ({"reconciliation_status": None}, "reconciliation_status"),
        ({"arrival_date": 10**30}, "arrival_date"),
        ({"created": None}, "created"),
        ({"livemode": True}, "livemode"),
        ({"id": "tr_1"}, "id"),
    ],
)
def test_a_payout_that_is_not_understood_is_parked_with_its_field_and_tried_again(
    web: responses.RequestsMock, changes: Json, field: str
) -> None:
    bad = payout(id="po_bad") | changes
    listed(web, bad, payout())
    members(web)
    ours = source()

    read = ours.read_payouts("", NOW)
    again = ours.read_payouts(read.cursor, NOW + timedelta(minutes=1))

    assert [payout.id for payout in read.payouts] == ["po_1"]
    assert [(item.source, item.record, item.field) for item in read.parked] == [("stripe_payouts", bad["id"], field)]
    assert again.parked == read.parked


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": None}, "txn_1.amount"),
        ({"net": 9681}, "txn_1.net"),  # not the amount less the fee
        ({"fee": "320"}, "txn_1.fee"),
        ({"currency": "eur"}, "txn_1.currency"),  # a payout has one currency
        ({"currency": "xxq"}, "txn_1.amount"),
        ({"type": None}, "txn_1.type"),
        ({"reporting_category": 7}, "txn_1.reporting_category"),
        ({"created": 10**30}, "txn_1.created"),
    ],
)
def test_a_payout_with_a_member_that_is_not_understood_is_parked_as_a_whole(
    web: responses.RequestsMock, changes: Json, field: str
) -> None:
    listed(web, payout())
    members(web, movement() | changes, movement(id="txn_2"))

    read = source().read_payouts("", NOW)

    assert read.payouts == ()
    assert [(item.record, item.field) for item in read.parked] == [("po_1", field)]


def test_a_parked_payout_is_understood_later(web: responses.RequestsMock) -> None:
    listed(web, payout())
    members(web, movement(net=1))
    ours = source()
    parked = ours.read_payouts("", NOW)
    members(web, movement())

    read = ours.read_payouts(parked.cursor, NOW + timedelta(minutes=1))

    assert ([read.id for read in read.payouts], read.parked) == (["po_1"], ())


def test_a_payout_that_stripe_no_longer_has_is_parked(web: responses.RequestsMock) -> None:
    listed(web)
    web.get(
        f"{BASE}{LISTED}/po_1", json={"error": {"code": "resource_missing", "message": "No such payout"}}, status=404
    )
    cursor = json.dumps({"at": NOW.isoformat(), "known": {}, "open": ["po_1"]})

    assert [(item.record, item.field) for item in source().read_payouts(cursor, NOW).parked] == [("po_1", "id")]


def test_an_error_among_the_members_ends_the_read(web: responses.RequestsMock) -> None:
    listed(web, payout())
    web.get(f"{BASE}{MEMBERS}", json={"error": {"type": "api_error"}}, status=500)

    with pytest.raises(Transient, match="Balance transactions"):
        source().read_payouts("", NOW)


def test_a_key_of_the_other_mode_is_refused_before_anything_is_asked(web: responses.RequestsMock) -> None:
    ours = source(key="sk_live_1")

    for read in (
        lambda: ours.read_payouts("", NOW),
        lambda: ours.read_balance(NOW),
        ours.read_autopay,
        ours.other_senders,
    ):
        with pytest.raises(Terminal, match="mode"):
            read()
    assert len(web.calls) == 0
