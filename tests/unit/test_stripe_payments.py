"""Stripe's objects as payments, over made-up answers: what is believed, what is parked, what is said of errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import responses
from pydantic import SecretStr, ValidationError

from connector.adapters.stripe import EVENT_TYPES, StripeMapping, StripePayments
from connector.adapters.stripe_api import PAGE_ATTEMPTS_MAX, RATE_LIMIT_ATTEMPTS_MAX, StripeSettings
from connector.errors import ConnectorError, Terminal, Transient
from connector.mapping import load
from connector.money import Money
from connector.receivables import CameBack, PaymentState, Remittance
from tests.unit.stripe_cases import (
    BASE,
    NOW,
    Json,
    StoppedClock,
    answering,
    charge,
    event,
    movement,
    page,
    position,
    query,
    seconds,
    source,
)


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[responses.RequestsMock]:
    yield from answering(monkeypatch)


def polled(web: responses.RequestsMock, *rows: Json) -> None:
    web.get(f"{BASE}/v1/events", json=page(*rows))


def listed(web: responses.RequestsMock, *rows: Json) -> None:
    web.get(f"{BASE}/v1/charges", json=page(*rows))


# ---- What is read ----


def test_a_quiet_read_is_one_request(web: responses.RequestsMock) -> None:
    polled(web)

    read = source().read_changed(position(), NOW)

    assert (read.payments, read.parked, read.fresh_as_of, read.requested_at) == ((), (), NOW, NOW)
    assert len(web.calls) == 1
    assert query(web.calls[0])["created[gte]"] == str(seconds(NOW - timedelta(minutes=65)))
    assert len(EVENT_TYPES) <= 20


def test_an_event_only_names_the_charge_and_the_charge_is_fetched_again(web: responses.RequestsMock) -> None:
    polled(web, event("charge.succeeded", charge(amount=1)))
    web.get(f"{BASE}/v1/charges/ch_1", json=charge())

    (payment,) = source().read_changed(position(), NOW).payments

    assert payment.amount == Money(4500000, "USD")
    assert (payment.id, payment.customer_id, payment.payer) == ("ch_1", "77", "cus_1")


def test_many_events_of_one_payment_fetch_it_once(web: responses.RequestsMock) -> None:
    intent = {"id": "pi_1", "object": "payment_intent", "latest_charge": "ch_1"}
    refund = {"id": "re_1", "object": "refund", "charge": "ch_1"}
    dispute = {"id": "dp_1", "object": "dispute", "charge": "ch_1"}
    polled(
        web,
        event("charge.succeeded", charge(), id="evt_1"),
        event("payment_intent.succeeded", intent, id="evt_2"),
        event("refund.created", refund, id="evt_3"),
        event("charge.dispute.created", dispute, id="evt_4"),
    )
    web.get(f"{BASE}/v1/charges/ch_1", json=charge())

    read = source().read_changed(position(), NOW)

    assert [payment.id for payment in read.payments] == ["ch_1"]
    assert len(web.calls) == 2


def test_an_event_of_the_overlap_is_not_read_twice_and_a_new_one_is(web: responses.RequestsMock) -> None:
    polled(web, event("charge.succeeded", charge(), id="evt_1"))
    web.get(f"{BASE}/v1/charges/ch_1", json=charge())
    ours = source()
    cursor = ours.read_changed(position(), NOW).cursor

    again = ours.read_changed(cursor, NOW + timedelta(minutes=1))

    assert again.payments == ()
    assert [call.request.path_url.split("?")[0] for call in web.calls][-1] == "/v1/events"  # type: ignore[union-attr]
    web.replace(responses.GET, f"{BASE}/v1/events", json=page(event("charge.refunded", charge(), id="evt_2")))
    assert len(ours.read_changed(again.cursor, NOW + timedelta(minutes=2)).payments) == 1


def test_a_parked_charge_is_tried_again_within_the_overlap(web: responses.RequestsMock) -> None:
    polled(web, event("charge.succeeded", charge()))
    web.get(f"{BASE}/v1/charges/ch_1", json=charge(currency="xxq"))
    first = source().read_changed(position(), NOW)
    web.replace(responses.GET, f"{BASE}/v1/charges/ch_1", json=charge())

    second = source().read_changed(first.cursor, NOW + timedelta(minutes=1))

    assert [item.field for item in first.parked] == ["amount"]
    assert [payment.id for payment in second.payments] == ["ch_1"]


def test_an_intent_without_a_charge_yet_is_looked_up_and_is_no_payment(web: responses.RequestsMock) -> None:
    intent: Json = {"id": "pi_9", "object": "payment_intent", "latest_charge": None, "metadata": {}}
    polled(web, event("payment_intent.canceled", intent))
    web.get(f"{BASE}/v1/payment_intents/pi_9", json=intent)

    read = source().read_changed(position(), NOW)

    assert (read.payments, read.parked) == ((), ())


def test_without_a_cursor_charges_are_listed_from_the_cutover_day_less_a_margin(web: responses.RequestsMock) -> None:
    old = seconds(datetime(2026, 9, 28, tzinfo=UTC))
    before = charge(id="ch_old", created=old, balance_transaction={"id": "txn_0", "created": old})
    pending = charge(id="py_old", created=old, status="pending", balance_transaction=None)
    listed(web, charge(), before, pending)

    read = source().read_changed("", NOW)

    # Received before the cutover: read all the same, since it shields; whoever posts it is not us.
    assert [payment.id for payment in read.payments] == ["ch_1", "ch_old", "py_old"]
    assert query(web.calls[0])["created[gte]"] == str(seconds(datetime(2026, 9, 17, 4, 0, tzinfo=UTC)))
    assert len(web.calls) == 1


@pytest.mark.parametrize(
    "cursor",
    ["not json", "{}", '{"at": "yesterday", "seen": []}', '{"at": "2026-10-20T00:00:00", "seen": []}', "[]", "7"],
)
def test_a_cursor_that_cannot_be_read_is_dropped(web: responses.RequestsMock, cursor: str) -> None:
    listed(web, charge())

    assert [payment.id for payment in source().read_changed(cursor, NOW).payments] == ["ch_1"]


def test_after_an_outage_longer_than_events_are_kept_charges_are_listed(web: responses.RequestsMock) -> None:
    last = NOW - timedelta(days=29, minutes=1)
    listed(web, charge())
    settings = StripeSettings(SecretStr("rk_test_1"), date(2026, 1, 1), base_url=BASE)
    mapping = StripeMapping(read_invoice_links=False, read_cash_balance=False)
    ours = StripePayments(settings, mapping, ZoneInfo("UTC"), StoppedClock())

    read = ours.read_changed(position(last), NOW)

    assert query(web.calls[0])["created[gte]"] == str(seconds(last - timedelta(days=14)))
    assert len(read.payments) == 1


def test_pages_are_followed_to_the_end(web: responses.RequestsMock) -> None:
    first = [charge(id=f"ch_{number}") for number in range(3)]
    web.get(f"{BASE}/v1/charges", json=page(*first, more=True))
    web.get(f"{BASE}/v1/charges", json=page(charge(id="ch_9")))

    read = source().read_changed("", NOW)

    assert [payment.id for payment in read.payments] == ["ch_0", "ch_1", "ch_2", "ch_9"]
    assert query(web.calls[1])["starting_after"] == "ch_2"


def test_a_page_that_comes_twice_is_asked_for_again(web: responses.RequestsMock) -> None:
    first = page(charge(id="ch_0"), charge(id="ch_1"), more=True)
    for body in (first, first, page(charge(id="ch_2"))):
        web.get(f"{BASE}/v1/charges", json=body)

    read = source().read_changed("", NOW)

    assert [payment.id for payment in read.payments] == ["ch_0", "ch_1", "ch_2"]


def test_a_page_that_comes_again_and_again_ends_the_read(web: responses.RequestsMock) -> None:
    web.get(f"{BASE}/v1/charges", json=page(charge(id="ch_0"), more=True))

    with pytest.raises(Transient, match="same page"):
        source().read_changed("", NOW)
    assert len(web.calls) == 1 + PAGE_ATTEMPTS_MAX


# ---- What a charge means ----


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"status": "succeeded"}, PaymentState.SUCCEEDED),
        ({"status": "pending", "balance_transaction": None}, PaymentState.PROCESSING),
        ({"status": "failed"}, PaymentState.FAILED),
        ({"status": "failed", "failure_balance_transaction": "txn_2"}, PaymentState.RETURNED),
        ({"status": "succeeded", "amount_refunded": 4500000}, PaymentState.SUCCEEDED),
    ],
)
def test_the_state_of_a_payment(web: responses.RequestsMock, changes: Json, state: PaymentState) -> None:
    listed(web, charge(**changes))

    assert [payment.state for payment in source().read_changed("", NOW).payments] == [state]


DAY_BEFORE = date(2026, 10, 19)
BANK_DEBIT = {"payment_method_details": {"type": "us_bank_account"}}
CARD = {"payment_method_details": {"type": "card"}}


@pytest.mark.parametrize(
    ("details", "disputes", "state", "came_back"),
    [
        # `disputed` stays true for ever; only the disputes say how it stands.
        (CARD, ["needs_response"], PaymentState.DISPUTED, None),
        (CARD, ["warning_under_review"], PaymentState.DISPUTED, None),
        (CARD, [], PaymentState.DISPUTED, None),  # not to be found yet: not known
        (CARD, ["won"], PaymentState.SUCCEEDED, None),
        (CARD, ["warning_closed", "won"], PaymentState.SUCCEEDED, None),
        (CARD, ["won", "under_review"], PaymentState.DISPUTED, None),
        (CARD, ["won", "lost"], PaymentState.CHARGED_BACK, None),
        # A bank debit's late return comes as a dispute that is lost from the start.
        (
            BANK_DEBIT,
            ["lost"],
            PaymentState.RETURNED,
            CameBack(DAY_BEFORE, Money(4500000, "USD"), by_dispute=True),
        ),
    ],
)
def test_what_a_dispute_makes_of_a_payment(
    web: responses.RequestsMock, details: Json, disputes: list[str], state: PaymentState, came_back: CameBack | None
) -> None:
    listed(web, charge(status="succeeded", disputed=True, **details))
    rows = [
        {"id": f"dp_{n}", "object": "dispute", "amount": 4500000, "currency": "usd", "status": status}
        | {"created": seconds(NOW - timedelta(days=1))}
        for n, status in enumerate(disputes)
    ]
    web.get(f"{BASE}/v1/disputes", json=page(*rows))

    read = source().read_changed("", NOW)

    assert [(state, came_back)] == [(payment.state, payment.came_back) for payment in read.payments]
    assert query(web.calls[-1])["charge"] == "ch_1"


def test_a_dispute_of_a_kind_that_nobody_knows_is_parked(web: responses.RequestsMock) -> None:
    listed(web, charge(disputed=True, **CARD))
    row = {"id": "dp_1", "object": "dispute", "amount": 1, "currency": "usd", "status": "mulled_over", "created": 1}
    web.get(f"{BASE}/v1/disputes", json=page(row))

    read = source().read_changed("", NOW)

    assert [("ch_1", "dispute.status")] == [(one.record, one.field) for one in read.parked]
    assert () == read.payments


def test_a_debit_that_failed_after_it_was_credited_came_back_on_the_day_of_its_balance_transaction(
    web: responses.RequestsMock,
) -> None:
    left = movement(id="txn_2", created=seconds(NOW - timedelta(days=1)), amount=-4500000, net=-4500000)
    listed(web, charge(status="failed", failure_balance_transaction=left))

    (payment,) = source().read_changed("", NOW).payments

    assert (PaymentState.RETURNED, CameBack(DAY_BEFORE, Money(4500000, "USD"))) == (payment.state, payment.came_back)


def test_an_authorisation_that_was_not_captured_is_no_money(web: responses.RequestsMock) -> None:
    listed(web, charge(captured=False, amount_captured=0))

    read = source().read_changed("", NOW)

    assert (read.payments, read.parked) == ((), ())


@pytest.mark.parametrize(
    ("currency", "units", "amount"),
    [
        ("usd", 4500000, Money(4500000, "USD")),
        ("jpy", 98000, Money(98000, "JPY")),
        ("kwd", 12340, Money(12340, "KWD")),
        ("isk", 500000, Money(5000, "ISK")),  # two decimals at Stripe, none in ISO 4217
    ],
)
def test_amounts_are_in_the_currencys_own_minor_units(
    web: responses.RequestsMock, currency: str, units: int, amount: Money
) -> None:
    listed(web, charge(currency=currency, amount=units, amount_captured=units))

    assert [payment.amount for payment in source().read_changed("", NOW).payments] == [amount]


@pytest.mark.parametrize(
    ("currency", "units", "settled", "rate", "told"),
    [
        ("eur", 10000, 10873, "1.0873", "1.0873"),
        ("eur", 10000, 10873, "1.08730000000000000001", "1.08730000000000000001"),  # no float in between
        ("eur", 10000, 10000, "1", "1"),
        ("eur", 1, 1, "1.4999", "1.4999"),  # one cent, rounded
        ("jpy", 98000, 63700, "0.0065", "0.0065"),  # between whole yen and whole dollars
        ("jpy", 98000, 63700, "6.5e-3", "0.0065"),
        ("usd", 10000, 10000, "null", ""),
    ],
)
def test_a_converted_charge_keeps_its_own_amount_and_gives_stripes_rate_in_its_own_digits(
    web: responses.RequestsMock, currency: str, units: int, settled: int, rate: str, told: str
) -> None:
    made = charge(currency=currency, amount=units, balance_transaction=movement(amount=settled))
    body = json.dumps(page(made)).replace('"fee": 320', f'"exchange_rate": {rate}, "fee": 320')
    web.get(f"{BASE}/v1/charges", body=body)

    read = source().read_changed("", NOW)

    amount = Money(units, currency.upper())
    assert [(payment.amount, payment.exchange_rate) for payment in read.payments] == [(amount, told)]


@pytest.mark.parametrize(
    "changes",
    [
        {"exchange_rate": None},
        {"exchange_rate": 0.65},  # between yen and cents, or a slipped point: not believed
        {"exchange_rate": -0.0065},
        {"exchange_rate": "0.0065"},
        {"exchange_rate": 0.0065, "amount": None},
    ],
)
def test_a_rate_that_does_not_lead_to_the_converted_amount_parks_the_payment(
    web: responses.RequestsMock, changes: Json
) -> None:
    converted = movement(amount=63700) | changes
    listed(web, charge(currency="jpy", amount=98000, balance_transaction=converted))

    assert [item.field for item in source().read_changed("", NOW).parked] == ["balance_transaction.exchange_rate"]


def test_what_was_refunded_cannot_be_applied(web: responses.RequestsMock) -> None:
    listed(web, charge(amount_refunded=500000))

    (payment,) = source().read_changed("", NOW).payments

    assert (payment.refunded, payment.available) == (Money(500000, "USD"), Money(4000000, "USD"))


def test_a_debit_counts_as_received_when_it_succeeded_not_when_it_began(web: responses.RequestsMock) -> None:
    began, succeeded = datetime(2026, 10, 14, 12, 0, tzinfo=UTC), datetime(2026, 10, 20, 3, 30, tzinfo=UTC)
    debit = charge(id="py_1", created=seconds(began), balance_transaction={"id": "txn_1", "created": seconds(NOW)})
    polled(web, event("charge.succeeded", debit, at=succeeded))
    web.get(f"{BASE}/v1/charges/py_1", json=debit)

    (payment,) = source().read_changed(position(), NOW).payments

    # 03:30 UTC is still the evening of the 19th in New York.
    assert (payment.received_at, payment.received_on) == (succeeded, date(2026, 10, 19))


def test_without_its_event_a_debit_counts_from_its_balance_transaction(web: responses.RequestsMock) -> None:
    booked = datetime(2026, 10, 19, 15, 0, tzinfo=UTC)
    listed(web, charge(id="py_1", balance_transaction={"id": "txn_1", "created": seconds(booked)}))

    (payment,) = source().read_changed("", NOW).payments

    assert payment.received_at == booked


@pytest.mark.parametrize(
    ("customer", "on_charge", "on_intent", "found"),
    [
        ({"netsuite_customer_id": "1"}, {"netsuite_customer_id": "2"}, {"netsuite_customer_id": "3"}, "1"),
        ({}, {"netsuite_customer_id": " 2 "}, {"netsuite_customer_id": "3"}, "2"),
        ({"netsuite_customer_id": " "}, {}, {"netsuite_customer_id": "3"}, "3"),
        ({}, {}, {}, ""),
    ],
)
def test_whose_money_it_is(
    web: responses.RequestsMock, customer: Json, on_charge: Json, on_intent: Json, found: str
) -> None:
    intent = {"id": "pi_1", "metadata": on_intent}
    listed(web, charge(customer={"id": "cus_1", "metadata": customer}, metadata=on_charge, payment_intent=intent))

    assert [payment.customer_id for payment in source().read_changed("", NOW).payments] == [found]


def test_a_payment_without_a_customer_or_with_a_deleted_one_is_unidentified(web: responses.RequestsMock) -> None:
    gone = {"id": "cus_2", "object": "customer", "deleted": True}
    listed(web, charge(customer=None), charge(id="ch_2", customer=gone))

    payments = source().read_changed("", NOW).payments

    assert [(payment.customer_id, payment.payer) for payment in payments] == [("", ""), ("", "cus_2")]


def test_the_remittance_joins_metadata_stripes_invoice_link_and_free_text(web: responses.RequestsMock) -> None:
    intent = {
        "id": "pi_1",
        "metadata": {"invoice_number": "INV-3", "netsuite_invoice_id": "12"},
        "description": "for October",
    }
    listed(
        web,
        charge(
            metadata={"netsuite_invoice_id": "11, 12,", "invoice_number": "INV-1,INV-2"},
            description="for October",
            statement_descriptor_suffix="INV-1",
            payment_intent=intent,
        ),
    )
    paid = {"id": "in_1", "object": "invoice", "number": "S-0001", "metadata": {"netsuite_invoice_id": "14"}}
    dropped = {"id": "in_2", "object": "invoice", "number": "S-0002", "metadata": {}}
    links = page(
        {"id": "inpay_1", "status": "paid", "invoice": paid},
        {"id": "inpay_2", "status": "canceled", "invoice": dropped},
    )
    web.get(f"{BASE}/v1/invoice_payments", json=links)

    (payment,) = source(StripeMapping(read_cash_balance=False)).read_changed("", NOW).payments

    assert payment.remittance == Remittance(
        invoice_ids=("11", "12", "14"),
        invoice_numbers=("INV-1", "INV-2", "INV-3"),
        linked_numbers=("S-0001",),
        text="for October; INV-1",
    )
    assert query(web.calls[1])["payment[payment_intent]"] == "pi_1"


def test_metadata_keys_are_the_mappings(web: responses.RequestsMock) -> None:
    mapping = StripeMapping(invoice_number_keys=("po", "bill"), read_invoice_links=False, read_cash_balance=False)
    listed(web, charge(metadata={"bill": "B-1", "invoice_number": "INV-1", "po": "P-1"}))

    (payment,) = source(mapping).read_changed("", NOW).payments

    assert payment.remittance.invoice_numbers == ("P-1", "B-1")


# ---- What is parked ----


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": "4500000"}, "amount"),
        ({"amount": 0}, "amount"),
        ({"amount": -5}, "amount"),
        ({"amount": True}, "amount"),
        ({"amount": 12.5}, "amount"),
        ({"currency": "xxq"}, "amount"),
        ({"currency": "USD"}, "currency"),
        ({"status": "wished"}, "status"),
        ({"created": None}, "created"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"livemode": True}, "livemode"),
        ({"amount_captured": 100}, "amount_captured"),
        ({"amount_refunded": 4500001}, "amount_refunded"),
        ({"id": "tr_1"}, "id"),
        ({"customer": {"id": "cus_1", "metadata": []}}, "customer.metadata"),
        ({"payment_intent": "pi_1"}, "payment_intent"),
        ({"balance_transaction": {"id": "txn_1"}}, "balance_transaction.created"),
    ],
)
def test_a_charge_that_is_not_understood_is_parked_with_its_field_and_the_rest_goes_on(
    web: responses.RequestsMock, changes: Json, field: str
) -> None:
    bad = charge(id="ch_bad") | changes
    listed(web, bad, charge())

    read = source().read_changed("", NOW)

    assert [payment.id for payment in read.payments] == ["ch_1"]
    assert [(item.source, item.record, item.field) for item in read.parked] == [("stripe", bad["id"], field)]
    assert read.fresh_as_of == NOW


def test_a_missing_field_is_parked(web: responses.RequestsMock) -> None:
    bad = charge(id="ch_bad")
    del bad["amount_refunded"]
    listed(web, bad)

    assert [item.field for item in source().read_changed("", NOW).parked] == ["amount_refunded"]


@pytest.mark.parametrize(
    ("thing", "field"),
    [
        ({"id": "wh_1", "object": "whale"}, "data.object.object"),
        ({"id": "dp_1", "object": "dispute", "charge": None}, "data.object.charge"),
        ({"object": "payment_intent", "latest_charge": None}, "data.object.id"),
    ],
)
def test_an_event_that_is_not_understood_is_parked(web: responses.RequestsMock, thing: Json, field: str) -> None:
    polled(web, event("charge.updated", thing))

    assert [(item.record, item.field) for item in source().read_changed(position(), NOW).parked] == [("evt_1", field)]


def test_an_event_about_a_charge_that_stripe_does_not_have_is_parked(web: responses.RequestsMock) -> None:
    polled(web, event("charge.updated", charge()))
    body = {"error": {"type": "invalid_request_error", "code": "resource_missing", "message": "No such charge"}}
    web.get(f"{BASE}/v1/charges/ch_1", json=body, status=404)

    assert [(item.record, item.field) for item in source().read_changed(position(), NOW).parked] == [("ch_1", "id")]


# ---- What goes wrong as a whole ----


def refuse(web: responses.RequestsMock, status: int, message: str = "said by stripe", **error: str) -> None:
    body = {"error": {"type": "api_error", "message": message, **error}}
    web.get(f"{BASE}/v1/events", json=body, status=status, headers={"request-id": "req_7"})


@pytest.mark.parametrize(
    ("status", "family", "attempts", "words"),
    [
        (401, Terminal, 1, "key was refused"),
        (403, Terminal, 1, "read access to events"),
        (400, Terminal, 1, "needs a person"),
        (500, Transient, 3, "next tick"),
        (503, Transient, 3, "next tick"),
        (429, Transient, RATE_LIMIT_ATTEMPTS_MAX, "too many requests"),
    ],
)
def test_an_error_says_what_was_done_what_came_back_and_what_is_next(
    web: responses.RequestsMock, status: int, family: type[ConnectorError], attempts: int, words: str
) -> None:
    refuse(web, status, message="about ap@customer.example")

    with pytest.raises(family) as raised:
        source().read_changed(position(), NOW)
    assert len(web.calls) == attempts
    assert words in str(raised.value)
    assert "read events from Stripe" in str(raised.value)
    assert f"HTTP {status}" in str(raised.value)
    assert "req_7" in str(raised.value)
    assert "customer.example" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_rate_limit_is_waited_out_with_growing_bounded_pauses(web: responses.RequestsMock) -> None:
    for _ in range(3):
        refuse(web, 429)
    polled(web)
    naps: list[float] = []

    read = source(naps=naps).read_changed(position(), NOW)

    assert read.payments == ()
    assert len(naps) == 3
    assert all(0 <= nap <= 20 for nap in naps)


@pytest.mark.parametrize(
    "body",
    [
        "<html>maintenance</html>",
        '{"object": "list", "data": [{',
        "[]",
        "null",
        '"text"',
        "{}",
        '{"object":"list","data":{}}',
        '{"object":"list","data":[1],"has_more":false}',
    ],
)
def test_an_answer_that_cannot_be_read_is_transient(web: responses.RequestsMock, body: str) -> None:
    web.get(f"{BASE}/v1/events", body=body, content_type="application/json")

    with pytest.raises(Transient):
        source().read_changed(position(), NOW)


def test_a_broken_line_is_transient(web: responses.RequestsMock) -> None:
    with pytest.raises(Transient, match="no answer"):
        source().read_changed(position(), NOW)


def test_an_error_in_the_middle_of_a_read_leaves_nothing_half_read(web: responses.RequestsMock) -> None:
    polled(web, event("charge.succeeded", charge()))
    web.get(f"{BASE}/v1/charges/ch_1", json={"error": {"type": "api_error"}}, status=500)

    with pytest.raises(Transient):
        source().read_changed(position(), NOW)


@pytest.mark.parametrize(("key", "livemode"), [("sk_live_1", False), ("rk_test_1", True)])
def test_a_key_of_the_other_mode_is_refused_before_anything_is_asked(
    web: responses.RequestsMock, key: str, livemode: bool
) -> None:
    ours = source(key=key, livemode=livemode)

    (finding,) = ours.check()
    with pytest.raises(Terminal, match="mode") as raised:
        ours.read_changed("", NOW)

    assert (finding.ok, finding.blocking) == (False, True)
    assert key not in f"{finding}{raised.value}{ours.__dict__}"
    assert len(web.calls) == 0


# ---- check ----

LISTS = [
    "events",
    "charges",
    "refunds",
    "disputes",
    "payment_intents",
    "customers",
    "payouts",
    "balance_transactions",
    "invoices",
    "invoice_payments",
]


def everything(web: responses.RequestsMock, *, clock: str = "Tue, 20 Oct 2026 15:00:10 GMT", **rows: Json) -> None:
    """Every list with one row at most, and a balance; what is registered before wins."""
    for name in LISTS:
        web.get(f"{BASE}/v1/{name}", json=page(*[rows[name]] if name in rows else []), headers={"Date": clock})
    web.get(f"{BASE}/v1/balance", json={"object": "balance", "livemode": False, "available": [], "pending": []})


def test_check_names_the_right_that_is_missing(web: responses.RequestsMock) -> None:
    said = "The provided key does not have the required permissions. Having 'rak_customer_read' would help."
    web.get(f"{BASE}/v1/customers", json={"error": {"type": "x", "message": said}}, status=403)
    everything(web)

    findings = source(StripeMapping()).check()

    bad = [finding for finding in findings if not finding.ok and finding.blocking]
    assert [finding.remedy for finding in bad] == ["Give the key the right to read Customers."]
    assert "rak_customer_read" in bad[0].what
    # Each list, the balance, the clock, the kind of key, and the mails that Stripe sends by its own settings.
    assert len(findings) == len(LISTS) + 4


@pytest.mark.parametrize("right", [*LISTS, "balance"])
def test_each_right_that_is_missing_is_a_finding_of_its_own(web: responses.RequestsMock, right: str) -> None:
    web.get(f"{BASE}/v1/{right}", json={"error": {"type": "x", "message": "no"}}, status=403)
    everything(web)

    bad = [finding for finding in source(StripeMapping()).check() if not finding.ok and finding.blocking]

    assert len(bad) == 1
    assert bad[0].remedy.startswith("Give the key the right to read ")


def test_check_looks_at_the_cash_balance_of_one_customer(web: responses.RequestsMock) -> None:
    rows = f"{BASE}/v1/customers/cus_1/cash_balance_transactions"
    web.get(rows, json={"error": {"type": "x", "message": "no"}}, status=403)
    everything(web, customers={"id": "cus_1", "object": "customer"})

    with_it = [finding for finding in source(StripeMapping(read_cash_balance=True)).check() if not finding.ok]
    without = [finding for finding in source(StripeMapping(read_cash_balance=False)).check() if not finding.ok]

    assert [finding.blocking for finding in with_it] == [True, False]
    assert "read_cash_balance: false" in with_it[0].remedy
    assert [finding.blocking for finding in without] == [False]


def test_check_advises_against_a_key_that_may_do_everything(web: responses.RequestsMock) -> None:
    everything(web)

    advice = [finding for finding in source(key="sk_test_1").check() if not finding.ok]

    assert [(finding.blocking, finding.what.partition(":")[0]) for finding in advice] == [
        (False, "the key is an unrestricted secret key"),
        (False, "which mails Stripe itself sends (reminders, receipts, failed payments) can't be read by any key"),
    ]


def test_check_sees_a_wrong_clock_and_objects_of_the_other_mode(web: responses.RequestsMock) -> None:
    other = {"id": "ch_1", "object": "charge", "livemode": True}
    everything(web, clock="Tue, 20 Oct 2026 16:00:00 GMT", charges=other)

    bad = [finding for finding in source().check() if not finding.ok]

    assert [(finding.blocking, finding.what.split(":")[0]) for finding in bad][:2] == [
        (False, "clocks differ by 3600 seconds from Stripe's"),
        (True, "Charges and Refunds"),
    ]


def test_the_mapping_that_is_shipped_says_what_the_defaults_are() -> None:
    shipped = Path(__file__).resolve().parents[2] / "mappings" / "stripe.yaml"

    assert load(shipped, StripeMapping) == StripeMapping()


def test_an_unknown_key_of_the_mapping_is_refused() -> None:
    with pytest.raises(ValidationError, match="extra"):
        StripeMapping.model_validate({"custmer_id_keys": ["a"]})
