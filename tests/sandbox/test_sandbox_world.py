"""The world as a whole: its clock, its control API, its one order of commits, and its truth."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe

from sandbox.world import Served, build_world, serve

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


class Control:
    """The control API as a test sees it: `control.get("truth")`, `control.post("payments", ...)`."""

    def __init__(self, served: Served, session: requests.Session) -> None:
        self.world = served.world
        self._url = f"{served.url}/world"
        self._session = session

    def get(self, path: str, **query: object) -> Any:
        return self._answer(self._session.get(f"{self._url}/{path}", params=query))

    def post(self, path: str, **body: object) -> Any:
        return self._answer(self._session.post(f"{self._url}/{path}", json=body))

    def refused(self, path: str, **body: object) -> tuple[int, str]:
        response = self._session.post(f"{self._url}/{path}", json=body)
        return response.status_code, response.json()["error"]

    def delete(self, path: str) -> Any:
        return self._answer(self._session.delete(f"{self._url}/{path}"))

    def invoice(self, number: str) -> Any:
        return next(row for row in self.get("truth")["invoices"] if row["number"] == number)

    @staticmethod
    def _answer(response: requests.Response) -> Any:
        assert response.ok, response.text
        return response.json()


@pytest.fixture
def control() -> Iterator[Control]:
    with serve(customers=0, now=NOW) as served, requests.Session() as session:
        yield Control(served, session)


@pytest.fixture
def acme(control: Control) -> Control:
    """One customer "acme" on net 60 with one open invoice INV-1 of 50,000.00."""
    control.post("customers", name="Acme Freight", email="ap@acme.example", terms_days=60, key="acme")
    control.post("invoices", customer="acme", number="INV-1", amount="50000.00")
    return control


def test_an_empty_world_has_nothing_and_says_where_it_is(control: Control) -> None:
    profile = control.get("profile")

    assert [] == control.get("truth")["invoices"] == control.get("customers") == control.get("mail")
    assert {
        "account",
        "consumer_key",
        "consumer_secret",
        "token_id",
        "token_secret",
        "base_url",
        "soap_version",
    } <= set(profile["netsuite"])
    assert {"api_key", "base_url", "livemode"} <= set(profile["stripe"])
    assert profile["netsuite"]["base_url"].endswith("/netsuite")
    assert profile["stripe"]["base_url"].endswith("/stripe")
    assert {"host", "port"} == set(profile["smtp"])


def test_a_customer_is_in_both_systems_and_stripe_knows_the_erps_id(acme: Control) -> None:
    (customer,) = acme.get("customers")
    in_stripe = acme.world.stripe.ledger.get(customer["stripe_id"])

    assert {"netsuite_customer_id": customer["id"]} == in_stripe["metadata"]
    assert ("acme", 60, "USD") == (customer["key"], customer["terms_days"], customer["currency"])


def test_an_invoice_is_due_by_its_terms_or_as_told_or_never(acme: Control) -> None:
    by_terms = acme.post("invoices", customer="acme", amount="1.00")
    as_told = acme.post("invoices", customer="acme", amount="1.00", issued_on="2026-10-01", due_on="2026-10-02")
    never = acme.post("invoices", customer="acme", amount="1.00", due_on=None)

    assert ["2027-01-01", "2026-10-02", None] == [row["due_on"] for row in (by_terms, as_told, never)]
    assert 3 == len({row["number"] for row in (by_terms, as_told, never)})


def test_the_truth_says_what_a_stripe_payment_really_pays_whatever_it_says_itself(acme: Control) -> None:
    paid = acme.post(
        "payments",
        customer="acme",
        amount="45000.00",
        description="INV-999",
        metadata={"po": "1"},
        pays=[{"invoice": "INV-1", "amount": "45000.00"}],
    )

    invoice = acme.invoice("INV-1")
    (payment,) = acme.get("truth")["stripe_payments"]
    assert [{**paid, "amount": "45000.00", "state": "succeeded"}] == [
        {**row, "status": row["state"]} for row in invoice["paid_by"]
    ]
    assert ("50000.00", "50000.00", False) == (invoice["amount"], invoice["balance"], invoice["closed"])
    assert [{"invoice": invoice["id"], "number": "INV-1", "amount": "45000.00"}] == payment["pays"]
    assert ("45000.00", "USD") == (payment["amount"], payment["currency"])
    charge = acme.world.stripe.ledger.get(paid["charge"])
    assert (4_500_000, "INV-999", {"po": "1"}) == (charge["amount"], charge["description"], charge["metadata"])


def test_an_ach_payment_is_processing_until_it_settles_and_may_come_back(acme: Control) -> None:
    intent = acme.post("payments", customer="acme", amount="10.00", method="ach", processing=True)["payment_intent"]

    def state() -> str:
        return str(acme.get("truth")["stripe_payments"][0]["state"])

    states = [state()]
    acme.post(f"payments/{intent}/settle")
    states.append(state())
    acme.post(f"payments/{intent}/fail", code="account_closed")
    states.append(state())

    assert ["processing", "succeeded", "failed"] == states
    assert 409 == acme.refused(f"payments/{intent}/settle")[0]


def test_stripe_invoices_link_the_payment_by_number(acme: Control) -> None:
    acme.post(
        "payments",
        customer="acme",
        amount="50000.00",
        pays=[{"invoice": "INV-1", "amount": "50000.00"}],
        stripe_invoices=True,
    )
    profile = acme.get("profile")["stripe"]
    with requests.Session() as session:
        client = stripe.StripeClient(
            profile["api_key"],
            base_addresses={"api": profile["base_url"]},
            http_client=stripe.RequestsClient(session=session),
        )
        (link,) = client.v1.invoice_payments.list({"expand": ["data.invoice"]}).data

    assert "INV-1" == link.invoice.number


def test_people_in_the_erp_do_what_the_control_api_tells_them(acme: Control) -> None:
    payment = acme.post(
        "netsuite/pay_by_hand",
        customer="acme",
        amount="100.00",
        applications=[{"invoice": "INV-1", "amount": "100.00"}],
        memo="check 17",
    )
    after_payment = acme.invoice("INV-1")["balance"]
    acme.post("netsuite/void_payment", payment=payment["id"])
    acme.post("netsuite/set_hold", invoice="INV-1", reason="legal")
    acme.post("netsuite/dispute_line", invoice="INV-1", line_no=1, reason="wrong price")
    acme.post("netsuite/add_credit_memo", customer="acme", number="CM-1", amount="5.00", created_from="INV-1")
    acme.post("netsuite/close_period", month="2026-09")
    acme.post("netsuite/void", invoice="INV-1")

    assert ("49900.00", True) == (after_payment, acme.invoice("INV-1")["voided"])


@pytest.mark.parametrize(
    ("path", "body", "code", "words"),
    [
        ("payments", {"customer": "acme", "amount": "1.00", "memo": "x"}, 400, "not known here: memo"),
        ("payments", {"amount": "1.00"}, 400, "customer is missing"),
        ("payments", {"customer": "acme", "amount": 1.5}, 400, "is a float"),
        ("payments", {"customer": "acme", "amount": "1.005"}, 400, "more than the 2 decimals"),
        ("payments", {"customer": "acme", "amount": "-1.00"}, 409, "above zero"),
        ("payments", {"customer": "acme", "amount": "1.00", "processing": True}, 409, "only ach"),
        ("payments", {"customer": "nobody", "amount": "1.00"}, 404, "no customer 'nobody'"),
        (
            "payments",
            {"customer": "acme", "amount": "1.00", "pays": [{"invoice": "INV-1", "amount": "2.00"}]},
            400,
            "can't pay more",
        ),
        ("invoices", {"customer": "acme", "number": "INV-1", "amount": "1.00"}, 400, "there is an invoice INV-1"),
        ("invoices", {"customer": "acme"}, 400, "either lines or an amount"),
        ("netsuite/burn", {}, 404, "nobody does 'burn'"),
        ("netsuite/void", {"invoice": "INV-9"}, 404, "no invoice 'INV-9'"),
        (
            "netsuite/pay_by_hand",
            {"customer": "acme", "amount": "1.00", "applications": [{}]},
            400,
            "invoice is missing",
        ),
        ("stripe/revoke", {"right": "everything"}, 400, "no right"),
        ("faults", {"service": "stripe", "kind": "period_closed"}, 400, "stripe has no fault"),
        ("faults", {"service": "stripe", "kind": "nonsense"}, 400, "no kind of fault"),
        ("clock", {"advance_to": "2026-11-01"}, 400, "can't go back"),
        ("clock", {"forward": 3}, 400, "not known here: forward"),
    ],
)
def test_what_the_control_api_does_not_understand_it_refuses(
    acme: Control, path: str, body: dict[str, object], code: int, words: str
) -> None:
    before = acme.get("log")

    answer = acme.refused(path, **body)

    assert code == answer[0]
    assert words in answer[1]
    assert before == acme.get("log")


def test_a_frozen_clock_moves_only_when_told_and_a_running_one_by_itself(control: Control) -> None:
    assert {"now": NOW.isoformat(), "frozen": True, "planned": 0} == control.get("clock")

    moved = control.post("clock", advance_days=2)
    control.post("clock", run=True)
    running = control.get("clock")
    frozen = control.post("clock", now="2026-12-24T12:00:00+00:00")

    assert (NOW + timedelta(days=2)).isoformat() == moved["now"]
    assert not running["frozen"] and running["now"] > moved["now"]
    assert ("2026-12-24T12:00:00+00:00", True) == (frozen["now"], frozen["frozen"])


def test_one_order_of_commits_runs_through_all_services(acme: Control) -> None:
    acme.post("payments", customer="acme", amount="1.00")
    smtp = acme.get("profile")["smtp"]
    with smtplib.SMTP(smtp["host"], smtp["port"], timeout=2) as client:
        client.sendmail("ar@seller.example", ["ap@acme.example"], "Subject: INV-1\r\n\r\nPlease pay.\r\n")
    acme.post("netsuite/set_hold", invoice="INV-1", reason="legal")

    log = acme.get("log")
    (mail,) = acme.get("mail")
    assert list(range(1, len(log) + 1)) == [row["sequence"] for row in log]
    services = [row["what"].split(".")[0] for row in log]
    assert ["netsuite", "stripe", "netsuite", "stripe", "smtp", "netsuite"] == services
    assert (5, "INV-1", ["ap@acme.example"]) == (mail["sequence"], mail["headers"]["Subject"], mail["rcpt_to"])
    assert log[4:] == acme.get("log", after=4)


def test_requests_are_counted_by_service_and_operation(acme: Control) -> None:
    profile = acme.get("profile")["stripe"]
    url = f"{profile['base_url']}/v1/charges"
    requests.get(url, headers={"Authorization": f"Bearer {profile['api_key']}"}, timeout=5).close()

    counted = acme.get("requests")

    assert ({"charges.list": 1}, {}, 0, 0) == (
        counted["stripe"],
        counted["netsuite"],
        counted["erp_reads"],
        counted["erp_writes"],
    )


def test_a_fault_is_installed_fires_and_is_cleared(acme: Control) -> None:
    acme.post("faults", service="stripe", kind="server_error", match={"operation": "charges.list"}, times=9)
    profile = acme.get("profile")["stripe"]

    def asked() -> int:
        url = f"{profile['base_url']}/v1/charges"
        with requests.get(url, headers={"Authorization": f"Bearer {profile['api_key']}"}, timeout=5) as response:
            return response.status_code

    struck = asked()
    acme.delete("faults")

    assert (500, 200) == (struck, asked())
    assert ["charges.list"] == [fired["operation"] for fired in acme.get("faults")]


def test_mail_to_a_refused_address_bounces_until_it_is_accepted(acme: Control) -> None:
    smtp = acme.get("profile")["smtp"]

    def sent() -> bool:
        with smtplib.SMTP(smtp["host"], smtp["port"], timeout=2) as client:
            try:
                client.sendmail("ar@seller.example", ["ap@acme.example"], "Subject: x\r\n\r\nx\r\n")
            except smtplib.SMTPRecipientsRefused:
                return False
            return True

    acme.post("mail/refuse", address="ap@acme.example", reply="550 5.1.1 gone")
    refused = sent()
    acme.post("mail/accept", address="ap@acme.example")

    assert (False, True) == (refused, sent())


# -- worlds with a plan ----------------------------------------------------------------------


def test_the_same_seed_gives_the_same_world_to_the_last_commit() -> None:
    one, other = (build_world(seed=7, customers=12, now=NOW) for _ in range(2))

    assert one.truth() == other.truth()
    assert one.sequence.commits() == other.sequence.commits()


def test_a_seeded_world_has_a_past_posted_by_people_and_a_future_to_come() -> None:
    world = build_world(seed=7, customers=20, now=NOW)
    truth = world.truth()
    posted = {payment["memo"].removeprefix("Stripe ") for payment in truth["payments"]}
    old = (NOW - timedelta(days=8)).timestamp()
    charges = [world.stripe.ledger.get(payment["charge"]) for payment in truth["stripe_payments"]]

    assert {charge["id"] for charge in charges if charge["created"] < old and charge["status"] == "succeeded"} <= posted
    assert any(invoice["closed"] for invoice in truth["invoices"])
    assert any(not invoice["closed"] for invoice in truth["invoices"])
    before = len(charges)
    assert 0 < world.planned()
    world.advance_to(NOW + timedelta(days=200))
    assert (0, True) == (world.planned(), before < len(world.truth()["stripe_payments"]))


LINES = (
    "invoice_number,customer_id,currency,amount,issued_on,due_on,settled_on",
    "0001,C-1,USD,10.00,2026-01-02,2026-02-01,2026-01-20",
    "0002,C-1,USD,20.00,2026-01-03,2026-02-02,2026-01-03",
    "0003,C-2,USD,30.00,2026-01-20,2026-02-19,",
)


def test_a_book_comes_to_pass_as_the_clock_advances(tmp_path: Path) -> None:
    (tmp_path / "invoices.csv").write_text("\n".join(LINES))
    world = build_world(book=tmp_path)

    def seen() -> tuple[str, list[str], list[str]]:
        truth = world.truth()
        paid = [part["number"] for payment in truth["stripe_payments"] for part in payment["pays"]]
        return f"{world.clock():%m-%d}", [row["number"] for row in truth["invoices"]], paid

    history = [seen()]
    for day in (2, 3, 19, 20, 21):
        world.advance_to(datetime(2026, 1, day, 23, 0, tzinfo=UTC))
        history.append(seen())

    assert [
        ("01-01", [], []),
        ("01-02", ["0001"], []),
        ("01-03", ["0001", "0002"], ["0002"]),
        ("01-19", ["0001", "0002"], ["0002"]),
        ("01-20", ["0001", "0002", "0003"], ["0002", "0001"]),
        ("01-21", ["0001", "0002", "0003"], ["0002", "0001"]),
    ] == history
    (first, second) = (world.stripe.ledger.get(row["charge"]) for row in world.truth()["stripe_payments"])
    assert ("Invoice 0002", 2000) == (first["description"], first["amount"])
    assert datetime(2026, 1, 20, 15, 0, tzinfo=UTC).timestamp() == second["created"]


def test_the_clock_at_each_deed_is_the_deeds_own() -> None:
    world = build_world(seed=7, customers=5, now=NOW)

    instants = [commit.at for commit in world.sequence.commits()]

    assert sorted(instants) == instants
    assert all(at <= NOW for at in instants)
    assert NOW - timedelta(days=130) > instants[10]


def test_every_stripe_response_of_a_seeded_world_keeps_to_stripes_own_types(stripe_problems: Any) -> None:
    sent: list[dict[str, Any]] = []
    with serve(seed=7, customers=8, now=NOW) as served, requests.Session() as session:
        served.world.stripe.on_response = sent.append
        profile = served.world.profile()["stripe"]
        client = stripe.StripeClient(
            profile["api_key"],
            base_addresses={"api": profile["base_url"]},
            http_client=stripe.RequestsClient(session=session),
        )
        expand = {"limit": 50, "expand": ["data.balance_transaction", "data.payment_intent"]}
        charges = list(client.v1.charges.list(expand).auto_paging_iter())
        client.v1.events.list({"limit": 100})

    assert charges
    assert [] == [problem for body in sent for problem in stripe_problems(body)]
