"""Wrong files and settings start nothing and are named; what a vendor says wrongly is parked and the rest goes on."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from connector.errors import ConfigError
from connector.wiring import open_service
from sandbox.plan import Part
from sandbox.world import Served
from tests.acceptance.commands import bill, run
from tests.harness import Desk, WorldTime, desk, sandbox

NOTHING = {
    **{service: {} for service in ("netsuite", "stripe", "smtp", "salesforce", "chat", "imap", "erp_counted")},
    "sms": {"send": 0},
    "erp_reads": 0,
    "erp_writes": 0,
}


@pytest.fixture(scope="module")
def untouched() -> Iterator[Served]:
    """One sandbox for all connectors that must not start; whoever reaches it breaks the tests after it too."""
    with sandbox(now=None) as served:
        yield served


@pytest.fixture
def at(untouched: Served, tmp_path: Path) -> Desk:
    return Desk(untouched, tmp_path)


def _misspell(at: Desk, file: str, good: str, bad: str) -> tuple[Path, int]:
    """Change one key of a mapping file; returns the file and the line where it now stands wrong."""
    path = at.folder / "mappings" / file
    text = path.read_text()
    assert 1 == text.count(good)
    path.write_text(text.replace(good, bad))
    return path, text[: text.index(good)].count("\n") + 1


# ---- files ----

# file | what it says | what it should not say | what is told
FILES = [
    (
        "policy.yaml",
        "outage_business_days_max:",
        "outage_busines_days_max:",
        "did you mean 'outage_business_days_max'?",
    ),
    ("netsuite.yaml", "invoice_hold: ", "invoice_hodl: ", "did you mean 'invoice_hold'?"),
    ("stripe.yaml", "read_invoice_links:", "read_invoices_links:", "did you mean 'read_invoice_links'?"),
]


@pytest.mark.parametrize(("file", "good", "bad", "meant"), FILES, ids=[row[0] for row in FILES])
def test_a_misspelt_key_is_named_with_its_line_and_nothing_is_started(
    at: Desk, file: str, good: str, bad: str, meant: str
) -> None:
    path, line = _misspell(at, file, good, bad)
    ended = run(at, "run")

    assert (2, "") == (ended.returncode, ended.stdout)
    assert f"{path} line {line}: " in ended.stderr
    assert f"{bad.strip(': ')}: unknown key; {meant}" in ended.stderr
    assert "nothing was started" in ended.stderr
    assert NOTHING == at.world.requests()


def test_a_person_can_stop_sending_while_the_policy_file_is_broken(at: Desk) -> None:
    _misspell(at, "policy.yaml", "backlog:", "backlogg:")
    ended = run(at, "stop", "send", "--reason", "wrong template")

    assert (0, "") == (ended.returncode, ended.stderr)


def test_a_file_that_is_no_store_is_refused_in_plain_words(at: Desk) -> None:
    at.settings.store.write_bytes(b"this was never a store of the connector. " * 100)
    ended = run(at, "report")

    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr
    assert ended.stderr


# ---- settings ----

# what is set (None: not set) | what is told
SETTINGS = [
    ({"NETSUITE_TOKEN_SECRET": None}, "CONNECTOR_NETSUITE_TOKEN_SECRET is not set"),
    (
        {"STRIPE_API_KEY": "rk_live_abcdefgh", "STRIPE_LIVEMODE": "true"},
        "is a test account and the Stripe key is a live",
    ),
    ({"STRIPE_LIVEMODE": "true"}, "STRIPE"),
    ({"MAIL_REDIRECT_ALL_TO": None}, "set CONNECTOR_MAIL_REDIRECT_ALL_TO to a mailbox of your own"),
]


def _set(at: Desk, values: dict[str, str | None]) -> None:
    for name, value in values.items():
        at.environ.pop(f"CONNECTOR_{name}", None)
        if value is not None:
            at.environ[f"CONNECTOR_{name}"] = value


@pytest.mark.parametrize(("values", "said"), SETTINGS, ids=[" ".join(row[0]) for row in SETTINGS])
def test_settings_that_do_not_fit_start_nothing(at: Desk, values: dict[str, str | None], said: str) -> None:
    _set(at, values)
    ended = run(at, "once")

    assert (2, "") == (ended.returncode, ended.stdout)
    assert said in ended.stderr
    assert NOTHING == at.world.requests()


@pytest.mark.parametrize(("values", "said"), SETTINGS[1:], ids=[" ".join(row[0]) for row in SETTINGS[1:]])
def test_even_a_plan_needs_settings_that_fit(at: Desk, values: dict[str, str | None], said: str) -> None:
    _set(at, values)
    service = open_service(at.settings, WorldTime(at.served))
    try:
        with pytest.raises(ConfigError, match=said):
            service.plan()
    finally:
        service.close()


# ---- the ERP's records ----

ISSUED, DUE = date(2026, 8, 15), date(2026, 9, 14)

# how the one invoice is wrong: amount, due on | the field that is named | why
RECORDS = [
    ("10.00", None, "duedate", "is missing"),
    ("10.00", ISSUED - timedelta(days=1), "duedate", "2026-08-14 is before the invoice's own day 2026-08-15"),
    ("10.005", DUE, "foreigntotal", "10.005 USD has more than 2 decimals"),
]


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path) as made:
        made.world.add_customer("Northfield Robotics", "ap@northfield.example", 30)
        made.world.add_customer("Brightwater Freight", "billing@brightwater.example", 30)
        for customer, number, amount in (
            ("Northfield Robotics", "PAID-1", "1000.00"),
            ("Brightwater Freight", "OWED-1", "500.00"),
        ):
            bill(made, customer, number, amount)
        yield made


def _pay(at: Desk) -> None:
    at.world.pay("Northfield Robotics", "1000.00", pays=[Part("PAID-1", "1000.00")], description="PAID-1")


def _parked(at: Desk) -> list[tuple[str, str]]:
    return [(one.record, one.reason) for one in at.service.plan().exceptions if one.kind == "parked"]


def _add(at: Desk, number: str, amount: str, due_on: date | None) -> str:
    lines = [{"description": "Usage", "amount": amount, "kind": "usage"}]
    return at.world.add_invoice("Brightwater Freight", number, ISSUED, due_on, lines)


@pytest.mark.parametrize(("amount", "due_on", "field", "why"), RECORDS)
def test_an_invoice_that_is_not_understood_is_parked_and_the_rest_goes_on(
    book: Desk, amount: str, due_on: date | None, field: str, why: str
) -> None:
    wrong = _add(book, "WRONG-1", amount, due_on)
    _pay(book)
    book.tick()

    assert "0.00" == book.balance("PAID-1")
    assert (1, 0) == (len(book.mails_about("OWED-1")), len(book.mails_about("WRONG-1")))
    [(record, reason)] = _parked(book)
    assert f"erp {wrong}" == record
    assert field in reason and why in reason


@pytest.mark.parametrize("amount", ["0.00", "-10.00"])
def test_an_invoice_of_nothing_or_less_is_asked_of_nobody(book: Desk, amount: str) -> None:
    _add(book, "NOTHING-1", amount, DUE)
    _pay(book)
    for _ in range(2):
        book.tick()

    assert "0.00" == book.balance("PAID-1")
    assert (1, 0) == (len(book.mails_about("OWED-1")), len(book.mails_about("NOTHING-1")))


def test_an_invoice_that_is_no_longer_understood_is_not_reminded_of(book: Desk) -> None:
    book.days(date(2026, 9, 7))
    book.world.erp.edit_invoice(book.world.invoice_id("OWED-1"), due_on=None)
    book.days(date(2026, 9, 30))

    assert 1 == len(book.mails_about("OWED-1"))  # the one that left while it was understood
    assert [("duedate", "is missing")] == [(r.split()[0], r.partition(": ")[2] or r) for _, r in _parked(book)]


def test_an_invoice_that_was_corrected_goes_on(book: Desk) -> None:
    wrong = _add(book, "WRONG-1", "10.00", None)
    book.tick()
    book.world.erp.edit_invoice(wrong, due_on=DUE)
    book.days(date(2026, 9, 8))

    assert [] == _parked(book)
    assert 1 == len(book.mails_about("WRONG-1"))


# ---- Stripe's objects ----

# what Stripe says of the charge
CHARGES = [{"amount": "1000.00"}, {"currency": "dollars"}, {"created": None}, {"livemode": True}]


@pytest.mark.parametrize("wrong", CHARGES, ids=[next(iter(row)) for row in CHARGES])
def test_a_charge_that_is_not_understood_is_parked_and_its_payer_is_not_chased(
    book: Desk, wrong: dict[str, object]
) -> None:
    _pay(book)
    book.world.pay("Brightwater Freight", "500.00", pays=[Part("OWED-1", "500.00")], description="OWED-1")
    charge = next(p["charge"] for p in book.truth()["stripe_payments"] if p["amount"] == "500.00")
    with _tampered(book.environ["CONNECTOR_STRIPE_BASE_URL"], {charge: wrong}) as address:
        book.environ["CONNECTOR_STRIPE_BASE_URL"] = address
        book.tick()
        [(record, reason)] = _parked(book)

    assert f"stripe {charge}" == record
    assert next(iter(wrong)) in reason
    assert ("0.00", "500.00") == (book.balance("PAID-1"), book.balance("OWED-1"))
    assert 0 == len(book.mails_about("OWED-1"))


@contextmanager
def _tampered(target: str, changes: dict[str, dict[str, object]]) -> Iterator[str]:
    """A Stripe that says other things of these objects, wherever they stand in an answer."""

    class Tampering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urllib.request.Request(target + self.path, headers=dict(self.headers.items()))
            with urllib.request.urlopen(asked) as answer:
                body = json.dumps(_changed(json.load(answer), changes)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing: tests are quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Tampering) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _changed(value: Any, changes: dict[str, dict[str, object]]) -> Any:
    if isinstance(value, list):
        return [_changed(item, changes) for item in value]
    if isinstance(value, dict):
        inside = {name: _changed(item, changes) for name, item in value.items()}
        return inside | changes.get(str(inside.get("id")), {})
    return value
