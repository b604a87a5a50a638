"""What happens in the Stripe account, told through the control API in names and decimal amounts; and its truth."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.stripe_deeds import STRIPE_DEEDS
from sandbox.world import build_world, serve

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
README = Path(__file__).resolve().parents[2] / "sandbox" / "README.md"


class Control:
    """The control API: `do("refund", ...)` for a deed in Stripe, `get` and `post` for the rest."""

    def __init__(self, url: str, session: requests.Session) -> None:
        self._url = f"{url}/world"
        self._session = session

    def post(self, path: str, **body: object) -> Any:
        response = self._session.post(f"{self._url}/{path}", json=body)
        assert response.ok, response.text
        return response.json()

    def do(self, deed: str, **body: object) -> Any:
        return self.post(f"stripe/{deed}", **body)

    def refused(self, deed: str, **body: object) -> tuple[int, str]:
        response = self._session.post(f"{self._url}/stripe/{deed}", json=body)
        return response.status_code, response.json()["error"]

    def truth(self) -> Any:
        return self._session.get(f"{self._url}/truth").json()

    def paid(self, amount: str = "100.00", days: int = 2, **more: object) -> Any:
        """A card payment whose money is available."""
        payment = self.post("payments", customer="acme", amount=amount, **more)
        self.post("clock", advance_days=days)
        return payment

    def payout(self, id: str) -> Any:
        return next(row for row in self.truth()["payouts"] if row["payout"] == id)


@pytest.fixture
def control() -> Iterator[Control]:
    with serve(customers=0, now=NOW) as served, requests.Session() as session:
        made = Control(served.url, session)
        made.post("customers", name="Acme Freight", email="ap@acme.example", key="acme")
        yield made


def test_a_payout_tells_its_members_to_the_cent(control: Control) -> None:
    payment = control.paid("1000.00")
    refund = control.do("refund", payment=payment["charge"], amount="100.00")
    dispute = control.do("dispute", payment=control.paid("50.00")["payment_intent"], reason="general")
    control.do("adjust", amount="-25.00", category="risk_reserved_funds")

    made = control.do("payout")

    nets = {row["source"]: (row["category"], row["amount"], row["fee"], row["net"]) for row in made["members"]}
    assert ("charge", "1000.00", "29.30", "970.70") == nets[payment["charge"]]
    assert ("refund", "-100.00", "0.00", "-100.00") == nets[refund["refund"]]
    assert ("dispute", "-50.00", "15.00", "-65.00") == nets[dispute["dispute"]]
    assert ("risk_reserved_funds", "-25.00", "0.00", "-25.00") == nets[None]
    assert sum(Decimal(row["net"]) for row in made["members"]) == Decimal(made["amount"]) == Decimal("828.95")
    assert ("pending", "in_progress", True, "2026-11-08") == (
        made["state"],
        made["reconciliation"],
        made["automatic"],
        made["arrives_on"],
    )


def test_the_truth_knows_the_balance_and_what_is_on_its_way(control: Control) -> None:
    control.paid("1000.00")
    control.post("payments", customer="acme", amount="100.00")
    first = control.truth()["stripe_balances"]["USD"]
    payout = control.do("payout")["payout"]
    second = control.truth()["stripe_balances"]["USD"]
    control.do("send_payout", payout=payout)
    control.do("arrive_payout", payout=payout)
    third = control.truth()["stripe_balances"]["USD"]
    control.do("fail_payout", payout=payout, code="account_closed")
    fourth = control.truth()["stripe_balances"]["USD"]

    assert [
        {"available": "970.70", "pending": "96.80", "in_transit": "0.00"},
        {"available": "0.00", "pending": "96.80", "in_transit": "970.70"},
        {"available": "0.00", "pending": "96.80", "in_transit": "0.00"},
        {"available": "970.70", "pending": "96.80", "in_transit": "0.00"},
    ] == [first, second, third, fourth]


def test_a_skewed_payout_is_true_to_the_truth_all_the_same(control: Control) -> None:
    control.paid()
    payout = control.do("payout")
    control.do("reconcile_payout", payout=payout["payout"])

    skewed = control.do("skew_payout", payout=payout["payout"], hide=payout["members"][0]["id"])

    assert payout["members"] == skewed["members"]
    assert 409 == control.refused("skew_payout", payout=payout["payout"], hide="txn_none")[0]
    assert 404 == control.refused("skew_payout", payout=payout["payout"], add="txn_none")[0]


def test_manual_payouts_are_made_sent_and_cancelled_by_hand(control: Control) -> None:
    control.paid()
    manual = control.do("payout", manual=True, amount="40.00", arrives_on="2026-11-20")
    instant = control.do("payout", instant=True, amount="1.00")

    assert (False, "not_applicable", [], "2026-11-20") == (
        manual["automatic"],
        manual["reconciliation"],
        manual["members"],
        manual["arrives_on"],
    )
    assert "2026-11-04" == instant["arrives_on"]
    assert "canceled" == control.do("cancel_payout", payout=manual["payout"])["state"]


def test_payouts_go_by_the_worlds_clock_where_they_were_asked_to(control: Control) -> None:
    control.do("schedule_payouts", daily=True)
    control.paid(days=3)
    control.post("clock", advance_days=5)

    (payout,) = control.truth()["payouts"]
    assert ("96.80", "paid", "completed", "2026-11-07") == (
        payout["amount"],
        payout["state"],
        payout["reconciliation"],
        payout["arrives_on"],
    )


def test_a_seeded_world_may_have_daily_payouts_from_its_first_day() -> None:
    world = build_world(seed=7, customers=5, now=NOW, daily_payouts=True)
    truth = world.truth()

    paid = [row for row in truth["payouts"] if row["state"] == "paid"]
    assert len(paid) > 5
    assert all(
        sum(Decimal(member["net"]) for member in row["members"]) == Decimal(row["amount"]) for row in truth["payouts"]
    )
    assert [] == build_world(seed=7, customers=5, now=NOW).truth()["payouts"]


def test_a_wire_is_funded_applied_and_returned_and_the_truth_knows_what_it_pays(control: Control) -> None:
    invoice = control.post("invoices", customer="acme", number="INV-1", amount="100.00")
    control.do("fund", customer="acme", amount="180.00", reference="INV-1 and more", network="ach")
    funded = control.truth()["cash_balances"]
    first, second = control.do(
        "apply_cash", customer="acme", pays=[{"amount": "100.00", "invoice": "INV-1"}, {"amount": "50.00"}]
    )
    applied = control.truth()
    control.do("return_cash", customer="acme")

    assert ["180.00", "30.00"] == [row["available"] for row in (*funded, *applied["cash_balances"])]
    assert [
        (first["charge"], "succeeded", [{"invoice": invoice["id"], "number": "INV-1", "amount": "100.00"}]),
        (second["charge"], "succeeded", []),
    ] == [(row["charge"], row["state"], row["pays"]) for row in applied["stripe_payments"]]
    assert [] == control.truth()["cash_balances"]


def test_an_autopay_attempt_pays_the_erps_invoice_of_that_number(control: Control) -> None:
    control.post("invoices", customer="acme", number="INV-1", amount="100.00")
    made = control.do(
        "autopay_invoice", customer="acme", number="INV-1", amount="100.00", next_attempt_at="2026-11-05T10:00:00+00:00"
    )
    failed = control.do("attempt_autopay", invoice="INV-1", succeeds=False, next_attempt_at="2026-11-08T10:00:00+00:00")
    before = [row["state"] for row in control.truth()["stripe_payments"]]
    paid = control.do("attempt_autopay", invoice=made["stripe_invoice"], succeeds=True)

    (payment,) = control.truth()["stripe_payments"]
    assert [
        ("open", "2026-11-05T10:00:00+00:00"),
        ("open", "2026-11-08T10:00:00+00:00"),
        ("paid", None),
    ] == [(row["state"], row["next_attempt_at"]) for row in (made, failed, paid)]
    assert ["failed"] == before
    assert ("succeeded", "INV-1") == (payment["state"], payment["pays"][0]["number"])


def test_stripe_mails_an_invoice_of_its_own_until_it_is_void(control: Control) -> None:
    made = control.do("send_invoice", customer="acme", number="INV-5", amount="10.00", due_on="2026-12-01")

    assert ("open", "INV-5", None) == (made["state"], made["number"], made["next_attempt_at"])
    assert "void" == control.do("void_invoice", invoice="INV-5")["state"]


def test_refunds_and_disputes_end_as_they_are_told(control: Control) -> None:
    payment = control.paid()["payment_intent"]
    pending = control.do("refund", payment=payment, amount="1.00", pending=True)["refund"]
    failing = control.do("refund", payment=payment, amount="2.00")["refund"]
    dispute = control.do("dispute", payment=control.paid()["charge"], amount="60.00")["dispute"]

    assert "succeeded" == control.do("settle_refund", refund=pending)["status"]
    assert "failed" == control.do("fail_refund", refund=failing)["status"]
    assert "won" == control.do("close_dispute", dispute=dispute, outcome="won")["status"]


def test_a_currency_is_settled_in_another_until_it_has_its_own_again(control: Control) -> None:
    control.do("convert", currency="EUR", into="USD", rate="1.10")
    control.paid("100.00", currency="EUR")
    control.do("convert", currency="EUR")
    control.paid("100.00", currency="EUR")

    balances = control.truth()["stripe_balances"]
    # 110.00 USD less 3.49 and 1.10; 100.00 EUR less 3.20
    assert ("105.41", "96.80") == (balances["USD"]["available"], balances["EUR"]["available"])


def test_the_key_loses_and_regains_a_right(control: Control) -> None:
    assert [{}, {}] == [control.do(deed, right="payouts") for deed in ("revoke", "grant")]


@pytest.mark.parametrize(
    ("deed", "body", "code", "told"),
    [
        ("burn", {}, 404, "nobody does 'burn' in Stripe"),
        ("payout", {"currency": "USD"}, 409, "0 are available"),
        ("payout", {"amount": "1.00"}, 409, "ask for a manual one"),
        ("payout", {"arrives_on": "soon"}, 400, "soon"),
        ("payout", {"everything": True}, 400, "everything"),
        ("arrive_payout", {}, 400, "payout"),
        ("arrive_payout", {"payout": "po_none"}, 404, "po_none"),
        ("refund", {"payment": "pi_none"}, 404, "pi_none"),
        ("adjust", {"amount": "1.001"}, 400, "more than the 2 decimals"),
        ("adjust", {"amount": 1.5}, 400, "is a float"),
        ("convert", {"currency": "EUR", "rate": "much"}, 400, "is no rate"),
        ("convert", {"currency": "EUR", "rate": "0"}, 409, "can't be converted"),
        ("fund", {"customer": "nobody", "amount": "1.00"}, 404, "no customer 'nobody'"),
        ("apply_cash", {"customer": "acme", "pays": [{"amount": "1.00"}]}, 409, "has 0 usd"),
        ("apply_cash", {"customer": "acme", "pays": [{"sum": "1.00"}]}, 400, "sum"),
        ("attempt_autopay", {"invoice": "INV-1", "succeeds": True}, 404, "INV-1"),
        ("revoke", {"right": "everything"}, 400, "no right"),
    ],
)
def test_what_can_not_be_done_is_refused(control: Control, deed: str, body: Any, code: int, told: str) -> None:
    refused = control.refused(deed, **body)

    assert code == refused[0]
    assert told in refused[1]


def test_who_is_not_in_stripe_sends_nothing_there(control: Control) -> None:
    control.post("customers", name="Alder Foods", key="alder", in_stripe=False)

    assert (409, "Alder Foods is not in Stripe") == control.refused("fund", customer="alder", amount="1.00")


def test_every_deed_is_in_the_readme() -> None:
    told = README.read_text()

    assert [] == [deed for deed in STRIPE_DEEDS if f"`{deed}" not in told]
