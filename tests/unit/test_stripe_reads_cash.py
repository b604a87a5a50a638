"""A customer's cash balance as wires and their charges: what still shields, what a charge came from, what is parked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from connector.adapters.stripe import EVENT_TYPES, StripeMapping
from connector.adapters.stripe_cash import CashRow, Purse
from connector.errors import Terminal
from connector.money import Money
from connector.ports import PaymentRead
from connector.receivables import Payment, PaymentState
from tests.unit.stripe_cases import (
    BASE,
    NOW,
    Json,
    answering,
    cash_row,
    charge,
    customer,
    event,
    intent,
    page,
    paths,
    position,
    query,
    seconds,
    source,
)

ROWS = "/v1/customers/cus_1/cash_balance_transactions"
CREATED = "customer_cash_balance_transaction.created"
MAPPING = StripeMapping(read_invoice_links=False, read_cash_balance=True)


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[responses.RequestsMock]:
    yield from answering(monkeypatch)


def row(number: int, type: str, net: int, **changes: object) -> Json:
    """The row with this number, that many minutes after the first."""
    created = seconds(NOW - timedelta(hours=3) + timedelta(minutes=number))
    return cash_row(type, net, id=f"ccsbtxn_{number}", **({"created": created} | changes))


def wire(number: int, net: int, reference: str = "", **changes: object) -> Json:
    bank: Json = {"type": "us_bank_transfer", "reference": reference}
    return row(number, "funded", net, funded={"bank_transfer": bank}, **changes)


def applied(number: int, net: int, to: str = "pi_1", status: str = "succeeded") -> Json:
    paid = intent(to, status=status, latest_charge=f"py_{to[3:]}")
    return row(number, "applied_to_payment", -net, applied_to_payment={"payment_intent": paid})


def refunded(number: int, net: int, of: str = "pi_1") -> Json:
    refund = {"id": "pyr_1", "object": "refund", "payment_intent": of}
    return row(number, "refunded_from_payment", net, refunded_from_payment={"refund": refund})


def ledger(web: responses.RequestsMock, *rows: Json) -> None:
    """These rows, given oldest first, as Stripe lists them: newest first, each with the balance after it."""
    total, made = 0, []
    for one in rows:
        total += one["net_amount"]
        made.append({**one, "ending_balance": total})
    web.upsert(responses.GET, f"{BASE}{ROWS}", json=page(*reversed(made)))


def touched(web: responses.RequestsMock, *numbers: int) -> PaymentRead:
    """What a poll brings that finds these rows of the cash balance made."""
    happened = [
        event(CREATED, {"id": f"ccsbtxn_{number}", "object": "x", "customer": "cus_1"}, id=f"evt_{number}")
        for number in numbers
    ]
    web.get(f"{BASE}/v1/events", json=page(*happened))
    return source(MAPPING).read_changed(position(), NOW)


def available(payments: tuple[Payment, ...]) -> dict[str, int]:
    return {payment.id: payment.available.minor for payment in payments if payment.id.startswith("ccsbtxn_")}


def drawn(web: responses.RequestsMock, name: str, **changes: object) -> None:
    """The charge of a PaymentIntent that was paid from the cash balance."""
    details = {"type": "customer_balance", "customer_balance": {}}
    made = charge(
        id=f"py_{name}", payment_intent=intent(f"pi_{name}"), payment_method_details=details, amount=100, **changes
    )
    web.get(f"{BASE}/v1/charges/py_{name}", json=made)


# ---- Wires ----


def test_a_wire_that_waits_in_the_cash_balance_is_a_payment_of_its_own(web: responses.RequestsMock) -> None:
    ledger(web, cash_row("funded", 18000000))

    (payment,) = touched(web, 1).payments

    assert (payment.id, payment.state, payment.amount) == ("ccsbtxn_1", PaymentState.FUNDED, Money(18000000, "USD"))
    assert (payment.refunded, payment.available) == (None, Money(18000000, "USD"))
    assert (payment.customer_id, payment.payer) == ("77", "cus_1")
    assert payment.remittance.text == "INV-1 INV-2; Northfield Robotics"
    assert (payment.received_at, payment.received_on) == (NOW - timedelta(hours=3), date(2026, 10, 20))


@pytest.mark.parametrize(
    ("bank", "text"),
    [
        ({"type": "eu_bank_transfer", "reference": "R", "eu_bank_transfer": {"sender_name": "A GmbH"}}, "R; A GmbH"),
        ({"type": "gb_bank_transfer", "reference": None, "gb_bank_transfer": {"sender_name": "A Ltd"}}, "A Ltd"),
        ({"type": "jp_bank_transfer", "reference": " R ", "jp_bank_transfer": {"sender_name": None}}, "R"),
        ({"type": "mx_bank_transfer"}, ""),
    ],
)
def test_what_a_wire_says(web: responses.RequestsMock, bank: Json, text: str) -> None:
    ledger(web, cash_row("funded", 100, funded={"bank_transfer": bank}))

    assert [payment.remittance.text for payment in touched(web, 1).payments] == [text]


def test_one_request_reads_a_whole_cash_balance_however_many_rows_were_made(web: responses.RequestsMock) -> None:
    ledger(web, wire(1, 100), wire(2, 200))

    read = touched(web, 1, 2)

    assert available(read.payments) == {"ccsbtxn_1": 100, "ccsbtxn_2": 200}
    assert paths(web) == ["/v1/events", ROWS]
    asked = query(web.calls[1])
    assert [asked[f"expand[{number}]"] for number in range(3)] == [
        "data.customer",
        "data.applied_to_payment.payment_intent",
        "data.refunded_from_payment.refund",
    ]


# One line a movement; what each wire still shields afterwards.
@pytest.mark.parametrize(
    ("rows", "left"),
    [
        ([wire(1, 100), applied(2, 30)], {1: 70}),
        ([wire(1, 100), applied(2, 100)], {1: 0}),
        ([wire(1, 100), wire(2, 50), applied(3, 120)], {1: 0, 2: 30}),  # the oldest is spent first
        ([wire(1, 100), applied(2, 100), row(3, "unapplied_from_payment", 100)], {1: 100}),
        ([wire(1, 100), wire(2, 50), applied(3, 120), refunded(4, 40)], {1: 20, 2: 50}),  # the last comes back first
        ([wire(1, 9), wire(2, 5), applied(3, 9, "pi_1"), applied(4, 5, "pi_2"), refunded(5, 9)], {1: 9, 2: 0}),
        ([wire(1, 100), row(2, "return_initiated", -100)], {1: 0}),
        ([wire(1, 100), row(2, "return_initiated", -100), row(3, "return_canceled", 100)], {1: 100}),
        ([wire(1, 100), row(2, "transferred_to_balance", -40)], {1: 60}),
        ([wire(1, 100), applied(2, 60, status="requires_action")], {1: 100}),  # no charge yet: it still shields
        ([wire(1, 100), row(2, "funding_reversed", -100)], {1: 0}),
        ([wire(1, 100), wire(2, 50), row(3, "funding_reversed", -50)], {1: 100, 2: 0}),
        ([wire(1, 50), wire(2, 50), row(3, "funding_reversed", -50)], {1: 50, 2: 0}),  # the newest of that amount
        (
            [
                wire(1, 100),
                applied(2, 70),
                row(3, "funding_reversed", -100),
                row(4, "adjusted_for_overdraft", 70),
            ],
            {1: 0},
        ),
        # What comes back of a wire that is gone only fills the hole, and shields nothing.
        ([wire(1, 100), applied(2, 70), row(3, "funding_reversed", -100), refunded(4, 70)], {1: 0}),
    ],
)
def test_what_is_left_of_each_wire(web: responses.RequestsMock, rows: list[Json], left: dict[int, int]) -> None:
    ledger(web, *rows)
    for name in ("1", "2"):
        drawn(web, name)

    read = touched(web, len(rows))

    assert read.parked == ()
    assert available(read.payments) == {f"ccsbtxn_{number}": units for number, units in left.items()}


def test_a_wire_that_the_bank_took_back_is_returned_so_that_a_person_sees_its_charges(
    web: responses.RequestsMock,
) -> None:
    ledger(web, wire(1, 100), wire(2, 50), applied(3, 100), row(4, "funding_reversed", -100))

    states = {payment.id: payment.state for payment in touched(web, 4).payments}

    assert states == {"ccsbtxn_1": PaymentState.RETURNED, "ccsbtxn_2": PaymentState.FUNDED}


def test_currencies_do_not_mix(web: responses.RequestsMock) -> None:
    euros = {"currency": "eur", "ending_balance": 40}
    rows = [wire(1, 100), wire(2, 40) | euros]
    made = [rows[0] | {"ending_balance": 100}, rows[1]]
    web.get(f"{BASE}{ROWS}", json=page(*reversed(made)))

    payments = touched(web, 2).payments

    assert [payment.available for payment in payments] == [Money(100, "USD"), Money(40, "EUR")]


def test_a_payment_applied_in_the_second_of_the_wire_comes_after_it_however_stripe_lists_them(
    web: responses.RequestsMock,
) -> None:
    at = seconds(NOW)
    made = [
        wire(1, 100) | {"created": at, "ending_balance": 100},
        applied(2, 100) | {"created": at, "ending_balance": 0},
    ]
    web.get(f"{BASE}{ROWS}", json=page(*made))
    drawn(web, "1")

    assert available(touched(web, 2).payments) == {"ccsbtxn_1": 0}


def test_wires_used_up_long_before_the_cutover_are_left_out(web: responses.RequestsMock) -> None:
    long_ago = {"created": seconds(NOW - timedelta(days=400))}
    ledger(web, wire(1, 100) | long_ago, applied(2, 100) | long_ago, wire(3, 50) | long_ago, wire(4, 30))

    # The third is as old and still there.
    assert available(touched(web, 4).payments) == {"ccsbtxn_3": 50, "ccsbtxn_4": 30}


# ---- Their children ----


def test_a_charge_says_which_wire_it_was_drawn_from_and_what_that_wire_said(web: responses.RequestsMock) -> None:
    ledger(web, wire(1, 60, "INV-1"), wire(2, 90, "INV-2"), applied(3, 100, "pi_1"), applied(4, 20, "pi_2"))
    drawn(web, "1", description="annual plan")
    drawn(web, "2")

    payments = {payment.id: payment for payment in touched(web, 3, 4).payments}

    # The first wire, where there are several; the words of all of them.
    assert (payments["py_1"].root_id, payments["py_1"].remittance.text) == ("ccsbtxn_1", "annual plan; INV-1; INV-2")
    assert (payments["py_2"].root_id, payments["py_2"].remittance.text) == ("ccsbtxn_2", "INV-2")
    assert available(tuple(payments.values())) == {"ccsbtxn_1": 0, "ccsbtxn_2": 30}
    assert paths(web) == ["/v1/events", ROWS, "/v1/charges/py_1", "/v1/charges/py_2"]


def test_a_charge_from_the_cash_balance_has_it_read_even_without_an_event_of_it(web: responses.RequestsMock) -> None:
    ledger(web, wire(1, 100, "INV-1"), applied(2, 100))
    drawn(web, "1")
    web.get(f"{BASE}/v1/events", json=page(event("charge.succeeded", {"id": "py_1", "object": "charge"})))

    payments = source(MAPPING).read_changed(position(), NOW).payments

    assert [(payment.id, payment.root_id) for payment in payments] == [("py_1", "ccsbtxn_1"), ("ccsbtxn_1", "")]


def test_a_refund_into_the_cash_balance_keeps_the_childs_root(web: responses.RequestsMock) -> None:
    ledger(web, wire(1, 100, "INV-1"), applied(2, 100), refunded(3, 100))
    drawn(web, "1", amount_refunded=100)

    payments = {payment.id: payment for payment in touched(web, 2, 3).payments}

    assert (payments["py_1"].root_id, payments["py_1"].available.minor) == ("ccsbtxn_1", 0)
    assert payments["ccsbtxn_1"].available.minor == 100


def test_a_card_charge_asks_for_no_cash_balance(web: responses.RequestsMock) -> None:
    web.get(f"{BASE}/v1/events", json=page(event("charge.succeeded", charge())))
    web.get(f"{BASE}/v1/charges/ch_1", json=charge())

    source(MAPPING).read_changed(position(), NOW)

    assert paths(web) == ["/v1/events", "/v1/charges/ch_1"]


# ---- First reads, and where it is switched off ----


def test_the_first_read_looks_at_every_customer_with_money_in_the_cash_balance(web: responses.RequestsMock) -> None:
    def holding(id: str, available: object) -> Json:
        made = {"object": "cash_balance", "customer": id, "livemode": False, "settings": {}, "available": available}
        return customer(id, cash_balance=made)

    web.get(f"{BASE}/v1/charges", json=page())
    web.get(
        f"{BASE}/v1/customers",
        json=page(
            holding("cus_0", None),
            holding("cus_1", {"eur": 0, "usd": 100}),
            holding("cus_2", {"usd": 0}),
            customer("cus_3", cash_balance=None),
            holding("cus_4", "much"),
        ),
    )
    ledger(web, wire(1, 100))
    web.get(f"{BASE}{ROWS.replace('cus_1', 'cus_4')}", json=page())

    read = source(MAPPING).read_changed("", NOW)

    assert available(read.payments) == {"ccsbtxn_1": 100}
    asked = ["/v1/charges", "/v1/customers", ROWS, ROWS.replace("cus_1", "cus_4")]
    assert paths(web) == asked
    assert query(web.calls[1])["expand[0]"] == "data.cash_balance"


def test_where_it_is_switched_off_no_cash_balance_is_asked_for(web: responses.RequestsMock) -> None:
    drawn(web, "1")
    web.get(f"{BASE}/v1/events", json=page(event("charge.succeeded", {"id": "py_1", "object": "charge"})))

    (payment,) = source().read_changed(position(), NOW).payments

    assert (payment.id, payment.root_id) == ("py_1", "")
    wanted = [query(web.calls[0])[f"types[{number}]"] for number in range(len(EVENT_TYPES) - 1)]
    assert wanted == [name for name in EVENT_TYPES if name != CREATED]


# ---- What is parked ----


@pytest.mark.parametrize(
    ("rows", "field"),
    [
        ([wire(1, 100), row(2, "applied_by_magic", -10)], "ccsbtxn_2.type"),
        ([wire(1, 100), row(2, "given_by_magic", 10)], "ccsbtxn_2.type"),
        ([wire(1, 100), row(2, "applied_to_payment", -10)], "ccsbtxn_2.applied_to_payment"),
        ([wire(1, 100), applied(2, 101)], "ccsbtxn_2.net_amount"),  # more than was there
        ([wire(1, 100), row(2, "unapplied_from_payment", 10)], "ccsbtxn_2.net_amount"),  # nothing was taken out
        ([wire(1, 100), row(2, "funding_reversed", -99)], "ccsbtxn_2.net_amount"),
        ([wire(1, 100), row(2, "adjusted_for_overdraft", 5)], "ccsbtxn_2.net_amount"),
        ([wire(1, -100)], "ccsbtxn_1.net_amount"),
        ([row(1, "funded", 100, funded=None)], "ccsbtxn_1.funded"),
        ([wire(1, 100, livemode=True)], "ccsbtxn_1.livemode"),
        ([wire(1, 100, net_amount=1.5)], "ccsbtxn_1.net_amount"),
        ([wire(1, 100), applied(2, 50) | {"applied_to_payment": {"payment_intent": "pi_1"}}], None),
        ([wire(1, 100, currency="xxq")], "net_amount"),
        ([wire(1, 100, created=10**30)], "created"),
    ],
)
def test_a_cash_balance_that_is_not_understood_is_parked_as_a_whole_under_its_first_wire(
    web: responses.RequestsMock, rows: list[Json], field: str | None
) -> None:
    ledger(web, *rows)

    read = touched(web, len(rows))

    assert read.payments == ()
    (parked,) = read.parked
    assert (parked.source, parked.record, parked.customer_id) == ("stripe", "ccsbtxn_1", "77")
    assert parked.field == (field or "ccsbtxn_2.applied_to_payment.payment_intent")


def test_a_history_with_a_hole_is_parked(web: responses.RequestsMock) -> None:
    web.get(f"{BASE}{ROWS}", json=page(wire(1, 100) | {"ending_balance": 250}))

    assert [item.field for item in touched(web, 1).parked] == ["ending_balance"]


def test_a_parked_cash_balance_is_read_again_until_it_is_understood(web: responses.RequestsMock) -> None:
    web.get(f"{BASE}{ROWS}", json=page(wire(1, 100) | {"ending_balance": 250}))
    first = touched(web, 1)
    ledger(web, wire(1, 100))

    second = source(MAPPING).read_changed(first.cursor, NOW + timedelta(minutes=1))
    third = source(MAPPING).read_changed(second.cursor, NOW + timedelta(minutes=2))

    assert (available(second.payments), second.parked) == ({"ccsbtxn_1": 100}, ())
    assert third.payments == ()


@pytest.mark.parametrize(
    ("thing", "record", "field"),
    [
        ({"id": "ccsbtxn_1", "customer": None}, "evt_1", "data.object.customer"),
        ({"id": "ccsbtxn_1", "customer": "../charges"}, "evt_1", "data.object.customer"),
        ({"id": "ch_1", "customer": "cus_1"}, "evt_1", "data.object.id"),
        ({"id": "ccsbtxn_1", "customer": "cus_9"}, "cus_9", "customer"),  # Stripe has no such customer
    ],
)
def test_an_event_of_a_cash_balance_that_leads_nowhere_is_parked(
    web: responses.RequestsMock, thing: Json, record: str, field: str
) -> None:
    error = {"error": {"code": "resource_missing", "param": "customer", "message": "No such customer"}}
    web.get(f"{BASE}{ROWS.replace('cus_1', 'cus_9')}", json=error, status=404)
    web.get(f"{BASE}/v1/events", json=page(event(CREATED, thing)))

    read = source(MAPPING).read_changed(position(), NOW)

    assert [(item.record, item.field) for item in read.parked] == [(record, field)]


def test_a_missing_right_ends_the_read(web: responses.RequestsMock) -> None:
    web.get(f"{BASE}{ROWS}", json={"error": {"message": "no"}}, status=403)

    with pytest.raises(Terminal, match="customers' cash balances"):
        touched(web, 1)


# ---- Whatever happens ----


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, int, str]]:
    """Movements that can follow each other: type, amount, PaymentIntent."""
    made: list[tuple[str, int, str]] = []
    held, out = 0, {"pi_1": 0, "pi_2": 0}
    for _ in range(draw(st.integers(1, 12))):
        able = ["funded"] + (["applied_to_payment", "return_initiated"] if held else [])
        able += ["refunded_from_payment"] if any(out.values()) else []
        type = draw(st.sampled_from(able))
        about = ""
        if type == "funded":
            units = draw(st.integers(1, 500))
        elif type == "refunded_from_payment":
            about = draw(st.sampled_from([name for name, units in out.items() if units]))
            units = draw(st.integers(1, out[about]))
            out[about] -= units
        else:
            units = -draw(st.integers(1, held))
            if type == "applied_to_payment":
                about = draw(st.sampled_from(list(out)))
                out[about] -= units
        held += units
        made.append((type, units, about))
    return made


def understood(number: int, type: str, net: int, about: str, total: int) -> CashRow:
    said: Json = {}
    if type == "applied_to_payment":
        said = {type: {"payment_intent": about}}
    if type == "refunded_from_payment":
        said = {type: {"refund": {"payment_intent": about}}}
    return CashRow.model_validate(row(number, type, net) | said | {"ending_balance": total})


@given(history=histories())
def test_what_is_left_of_all_wires_is_what_is_in_the_cash_balance(history: list[tuple[str, int, str]]) -> None:
    purse, total = Purse(), 0
    for number, (type, net, about) in enumerate(history):
        total += net
        purse.put(understood(number, type, net, about, total))
        assert sum(root.left for root in purse.roots) == total
    purse.close(paid=["pi_1", "pi_2"])

    assert all(0 <= root.available <= root.row.net_amount for root in purse.roots)
    # What was drawn for each PaymentIntent and did not come back is what its rows add up to.
    for name in ("pi_1", "pi_2"):
        left = -sum(net for _, net, about in history if about == name)
        assert sum(each.units for each in purse.draws if each.intent == name) == left


@given(history=histories())
def test_money_for_a_payment_that_is_not_made_yet_still_counts_with_its_wire(
    history: list[tuple[str, int, str]],
) -> None:
    done, undone = Purse(), Purse()
    total = 0
    for number, (type, net, about) in enumerate(history):
        total += net
        for purse in (done, undone):
            purse.put(understood(number, type, net, about, total))
    done.close(paid=["pi_1", "pi_2"])
    undone.close(paid=[])

    taken = -sum(net for _, net, about in history if about)
    assert sum(root.available for root in undone.roots) == sum(root.available for root in done.roots) + taken
