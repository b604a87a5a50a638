"""Stripe's own invoices: which it collects by itself, since when that fails, and whether it mails any."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
import responses

from connector.adapters.stripe import StripeMapping
from connector.errors import Terminal
from connector.settlement import Autopay
from tests.unit.stripe_cases import BASE, Json, answering, invoice, page, query, source


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[responses.RequestsMock]:
    yield from answering(monkeypatch)


def listed(web: responses.RequestsMock, *rows: Json) -> None:
    web.get(f"{BASE}/v1/invoices", json=page(*rows))


def test_an_invoice_that_stripe_collects_is_known_by_number_payer_and_next_attempt(web: responses.RequestsMock) -> None:
    listed(web, invoice())

    # 03:00 UTC on the 22nd is still the 21st in New York.
    assert source().read_autopay() == (Autopay("INV-1", "cus_1", date(2026, 10, 21), False),)
    assert len(web.calls) == 1
    asked = query(web.calls[0])
    assert (asked["status"], asked["collection_method"]) == ("open", "charge_automatically")


@pytest.mark.parametrize(
    ("attempted", "count", "has_failed"), [(False, 0, False), (True, 0, False), (False, 1, False), (True, 1, True)]
)
def test_an_attempt_that_left_it_open_has_failed(
    web: responses.RequestsMock, attempted: bool, count: int, has_failed: bool
) -> None:
    listed(web, invoice(attempted=attempted, attempt_count=count, next_payment_attempt=None))

    assert [(one.has_failed, one.next_attempt_on) for one in source().read_autopay()] == [(has_failed, None)]


def test_the_erps_number_in_the_metadata_wins_over_stripes_own(web: responses.RequestsMock) -> None:
    listed(web, invoice(metadata={"invoice_number": "INV-77"}, number="A1B2-0001", customer={"id": "cus_2"}))

    assert [(one.invoice_number, one.payer) for one in source().read_autopay()] == [("INV-77", "cus_2")]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"number": None}, "number"),
        ({"next_payment_attempt": "soon"}, "next_payment_attempt"),
        ({"next_payment_attempt": 10**30}, "next_payment_attempt"),
        ({"attempted": None}, "attempted"),
        ({"livemode": True}, "livemode"),
    ],
)
def test_an_invoice_that_is_not_understood_ends_the_read_since_its_customer_might_be_chased(
    web: responses.RequestsMock, changes: Json, field: str
) -> None:
    listed(web, invoice(id="in_9", **changes))

    with pytest.raises(Terminal, match=f"{field} of in_9 is not understood"):
        source().read_autopay()


def test_nothing_is_asked_where_stripe_collects_nothing(web: responses.RequestsMock) -> None:
    assert source(StripeMapping(read_autopay=False)).read_autopay() == ()
    assert len(web.calls) == 0


def test_invoices_that_stripe_mails_are_another_sender(web: responses.RequestsMock) -> None:
    listed(web, invoice(collection_method="send_invoice", number="INV-9"))

    (sender,) = source().other_senders()

    assert sender.name == "stripe_invoices"
    assert "INV-9" in sender.what and "can't be seen" in sender.what
    asked = query(web.calls[0])
    assert (asked["status"], asked["collection_method"], asked["limit"]) == ("open", "send_invoice", "1")


def test_without_such_invoices_there_is_no_other_sender(web: responses.RequestsMock) -> None:
    listed(web)

    assert source().other_senders() == ()
