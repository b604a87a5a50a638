"""The demo: a false NetSuite, Stripe and mail server as a process of its own, and the real connector on them.

Without a book it tells six stories over two months and checks each. With `--book DIR` it plays a ledger day by day. It
talks to the sandbox by HTTP only, as the vendors' own clients do, and counts on the sandbox's truth.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests

from connector import log, standing
from connector.config import read_settings
from connector.daemon import Service
from connector.store import activity
from connector.wiring import open_service

ROOT = Path(__file__).resolve().parent.parent
START = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
TICK_HOUR = 9


class Sandbox:
    """The false world, over HTTP."""

    def __init__(self, process: subprocess.Popen[str], ready: dict[str, Any]) -> None:
        self._process = process
        self._session = requests.Session()
        self.profile = ready
        self.world = ready["world"]
        self.now = datetime.fromisoformat(ready["now"])

    def get(self, path: str, **query: Any) -> Any:
        return self._answer(self._session.get(f"{self.world}/{path}", params=query, timeout=60))

    def post(self, path: str, **body: Any) -> Any:
        return self._answer(self._session.post(f"{self.world}/{path}", json=body, timeout=120))

    def advance(self, instant: datetime) -> None:
        self.post("clock", now=instant.isoformat())
        self.now = instant

    @staticmethod
    def _answer(response: requests.Response) -> Any:
        if response.status_code >= 400:
            raise SystemExit(f"The sandbox refused {response.request.method} {response.url}: {response.text}")
        return response.json()


class WorldTime:
    """The connector's clock in the demo: the day that is being told."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def now(self) -> datetime:
        return self._sandbox.now


@contextlib.contextmanager
def running_sandbox(arguments: list[str]) -> Iterator[Sandbox]:
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--quiet", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise SystemExit("The sandbox did not start; its own words are above.")
        yield Sandbox(process, json.loads(line))
    finally:
        process.terminate()
        process.wait(timeout=20)


@contextlib.contextmanager
def running_connector(sandbox: Sandbox, folder: Path) -> Iterator[Service]:
    """The shipped policy and field maps, switched to auto; every mail is redirected, as a test account demands."""
    maps = folder / "mappings"
    shutil.copytree(ROOT / "mappings", maps)
    policy = (maps / "policy.yaml").read_text()
    switched = policy.replace("post: shadow", "post: auto").replace("send: shadow", "send: auto")
    (maps / "policy.yaml").write_text(switched.replace("# posting_owner: us", "posting_owner: us"))
    service = open_service(read_settings(environ=_environ(sandbox, folder, maps)), WorldTime(sandbox))
    try:
        service.start()
        yield service
    finally:
        service.close()


def _environ(sandbox: Sandbox, folder: Path, maps: Path) -> dict[str, str]:
    netsuite, stripe, smtp = (sandbox.profile[name] for name in ("netsuite", "stripe", "smtp"))
    values = {
        "INSTALLATION": "demo",
        "LEDGER_ZONE": "UTC",
        "STORE": str(folder / "connector.db"),
        "MAPPINGS": str(maps),
        "NETSUITE_WRITE_TIMEOUT_SECONDS": "2",
        "STRIPE_API_KEY": stripe["api_key"],
        "STRIPE_BASE_URL": stripe["base_url"],
        "STRIPE_LIVEMODE": "false",
        "STRIPE_CUTOVER_ON": "2000-01-01",
        "MAIL_HOST": smtp["host"],
        "MAIL_PORT": str(smtp["port"]),
        "MAIL_STARTTLS": "false",
        "MAIL_REDIRECT_ALL_TO": "ar-demo@sandbox.example",
        "MAIL_PAY_DOMAINS": "pay.example",
    }
    keys = ("account", "base_url", "soap_version", "consumer_key", "consumer_secret", "token_id", "token_secret")
    values |= {f"NETSUITE_{key.upper()}": netsuite[key] for key in keys}
    return {f"CONNECTOR_{name}": value for name, value in values.items()}


@dataclass
class Outcome:
    """What the whole run came to; `--json` prints just this."""

    invoices: int = 0
    payments: int = 0
    loops_closed: int = 0
    open_with_reason: int = 0
    reminders_sent: int = 0
    reminders_cancelled: int = 0
    sent_after_match: int = 0
    applied_equals_truth: bool = False
    acts_unfinished: int = 0
    erp_reads: int = 0
    erp_writes: int = 0
    seconds: float = 0.0

    @property
    def held(self) -> bool:
        return not self.sent_after_match and self.applied_equals_truth and not self.acts_unfinished


def outcome(sandbox: Sandbox, service: Service, started: float) -> Outcome:
    """Count on both sides: the sandbox's truth and mailbox, and the connector's own store."""
    truth, requests_served = sandbox.get("truth"), sandbox.get("requests")
    with service.store.read() as tx:
        book = activity.standing(tx)
        late_by_store = activity.sent_after_match(tx)
    return Outcome(
        invoices=len(truth["invoices"]),
        payments=len(truth["stripe_payments"]),
        loops_closed=book.loops_closed,
        open_with_reason=book.open_with_reason,
        reminders_sent=len(sandbox.get("mail")),
        reminders_cancelled=book.reminders_cancelled,
        sent_after_match=len(late_by_store),
        applied_equals_truth=applied_equals_truth(truth),
        acts_unfinished=book.acts_unfinished,
        erp_reads=requests_served["erp_reads"],
        erp_writes=requests_served["erp_writes"],
        seconds=round(time.monotonic() - started, 1),
    )


def applied_equals_truth(truth: dict[str, Any]) -> bool:
    """Does every application that the connector made in the ERP pay just what the payer meant, once and to the cent?"""
    meant = {
        payment["charge"]: sorted((part["invoice"], Decimal(part["amount"])) for part in payment["pays"])
        for payment in truth["stripe_payments"]
    }
    for payment in truth["payments"]:
        if not payment["external_id"].startswith("arc-"):
            continue
        charge = next((one for one in meant if one in payment["external_id"]), "")
        made = sorted((part["invoice"], Decimal(part["amount"])) for part in payment["applications"])
        # What is on hold is meant to be paid by this money and rightly isn't: it may be missing, never different.
        if not charge or not set(made) <= set(meant.pop(charge)):
            return False
    return True


# ---- the six stories ----


class Teller:
    """Prints for people, or keeps quiet for `--json`; remembers what did not hold."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self.broken: list[str] = []

    def say(self, text: str = "") -> None:
        if not self._quiet:
            print(text, flush=True)

    def expect(self, fact: str, holds: bool) -> None:
        self.say(f"     {'ok ' if holds else 'NOT'} {fact}")
        if not holds:
            self.broken.append(fact)


class Stories:
    """Six stories in one world, told as the days pass. Each has a customer of its own and one event."""

    def __init__(self, sandbox: Sandbox, service: Service, teller: Teller) -> None:
        self._sandbox, self._service, self._teller = sandbox, service, teller

    def run(self) -> None:
        self._set_up()
        self._live_until(date(2026, 9, 9))
        self._terms()
        self._live_until(date(2026, 9, 14))
        self._one_charge_six_invoices()
        self._live_until(date(2026, 9, 16))
        self._paid_moments_before()
        self._live_until(date(2026, 9, 21))
        self._short_pay()
        self._live_until(date(2026, 9, 24))
        self._closed_by_a_person()
        self._live_until(date(2026, 9, 28))
        self._time_out_after_commit()
        self._live_until(date(2026, 10, 20))
        self._how_it_ended()

    # -- time --

    def _live_until(self, day: date) -> None:
        """One pass of the loop each morning up to this day; days on which nothing happened are not printed."""
        while self._sandbox.now.date() < day:
            today = self._sandbox.now.date() + timedelta(days=1)
            self._sandbox.advance(datetime(today.year, today.month, today.day, TICK_HOUR, tzinfo=UTC))
            self._tick()

    def _tick(self) -> Any:
        report = self._service.tick()
        for trouble in report.troubles:
            self._teller.say(f"{self._sandbox.now:%a %d %b}  {trouble}")
        done = (
            (report.closed, "payment applied in NetSuite", "payments applied in NetSuite"),
            (report.cancelled, "pending reminder cancelled", "pending reminders cancelled"),
            (report.sent, "invoice reminded", "invoices reminded"),
        )
        words = [f"{count} {one if count == 1 else many}" for count, one, many in done if count]
        if words:
            self._teller.say(f"{self._sandbox.now:%a %d %b}  {', '.join(words)}")
        return report

    # -- the customers --

    def _set_up(self) -> None:
        self._teller.say(f"{START:%a %d %b %Y}  Seven customers have open invoices in NetSuite; the connector starts.")
        lines = {
            "MERIDIAN-1": ("24000.00", "subscription"),
            "MERIDIAN-2": ("36000.00", "subscription"),
            "MERIDIAN-3": ("30000.00", "subscription"),
            "MERIDIAN-4": ("27500.00", "usage"),
            "MERIDIAN-5": ("22500.00", "usage"),
            "MERIDIAN-6": ("40000.00", "services"),
        }
        self._customer("Meridian Freight Systems", 30)
        for number, (amount, kind) in lines.items():
            self._invoice("Meridian Freight Systems", number, "2026-08-18", amount, kind)
        self._sandbox.post("netsuite/set_hold", invoice="MERIDIAN-5", reason="usage is still being reconciled")
        singles = (
            ("Copperline Energy", 30, "COPPER-1", "2026-08-12", "50000.00"),
            ("Alder Point Clinics", 30, "ALDER-30", "2026-08-17", "8000.00"),
            ("Sable Ridge Metering", 60, "SABLE-60", "2026-08-17", "8000.00"),
            ("Westbrook Tooling", 30, "WEST-1", "2026-08-24", "6400.00"),
            ("Lanternfish Media", 30, "LANTERN-1", "2026-08-18", "1250.00"),
            ("Quarrystone Labs", 30, "QUARRY-1", "2026-08-25", "3900.00"),
        )
        for name, terms, number, issued_on, amount in singles:
            self._customer(name, terms)
            self._invoice(name, number, issued_on, amount, "subscription")
        self._tick()

    def _customer(self, name: str, terms_days: int) -> None:
        address = f"payables@{name.split()[0].lower()}.example"
        self._sandbox.post("customers", name=name, email=address, terms_days=terms_days)

    def _invoice(self, customer: str, number: str, issued_on: str, amount: str, kind: str) -> None:
        lines = [{"description": kind.capitalize(), "amount": amount, "kind": kind}]
        self._sandbox.post("invoices", customer=customer, number=number, issued_on=issued_on, lines=lines)

    def _pay(self, customer: str, amount: str, description: str, **pays: str) -> None:
        parts = [{"invoice": number.replace("_", "-"), "amount": part} for number, part in pays.items()]
        self._sandbox.post(
            "payments", customer=customer, amount=amount, currency="USD", description=description, pays=parts
        )

    # -- the stories --

    def _terms(self) -> None:
        self._headline("A net-30 and a net-60 invoice of one day don't start together")
        self._teller.expect(
            "the net-30 invoice had its first reminder a week before it falls due", self._mails("ALDER-30") == 1
        )
        self._teller.expect("the net-60 invoice of the same day had none yet", self._mails("SABLE-60") == 0)

    def _one_charge_six_invoices(self) -> None:
        self._headline("One charge of 180,000.00 USD names six invoices; one of them is on hold")
        numbers = [f"MERIDIAN-{n}" for n in range(1, 7)]
        amounts = ("24000.00", "36000.00", "30000.00", "27500.00", "22500.00", "40000.00")
        pays = {number.replace("-", "_"): amount for number, amount in zip(numbers, amounts, strict=True)}
        self._pay("Meridian Freight Systems", "180000.00", "Invoices " + ", ".join(numbers), **pays)
        self._tick()
        closed = [number for number in numbers if self._balance(number) == 0]
        self._teller.expect(
            "five invoices are closed in NetSuite by one payment", closed == [n for n in numbers if n != "MERIDIAN-5"]
        )
        self._teller.expect("the sixth keeps its balance of 22,500.00 USD", self._balance("MERIDIAN-5") == 22500)
        self._teller.expect("its 22,500.00 USD stay unapplied on that payment", self._unapplied("Meridian") == 22500)
        self._teller.expect("reminders of the five are cancelled", all(self._pending(n) == 0 for n in closed))

    def _paid_moments_before(self) -> None:
        self._sandbox.advance(datetime(2026, 9, 17, TICK_HOUR - 1, 59, tzinfo=UTC))
        self._headline("LANTERN-1's reminder leaves at 9:00; its payment succeeds at 8:59")
        before = self._mails("LANTERN-1")
        self._pay("Lanternfish Media", "1250.00", "LANTERN-1", LANTERN_1="1250.00")
        self._sandbox.advance(datetime(2026, 9, 17, TICK_HOUR, tzinfo=UTC))
        report = self._tick()
        self._teller.expect("no reminder about LANTERN-1 left this morning", self._mails("LANTERN-1") == before)
        self._teller.expect(
            "the pending ones were cancelled in the same act", report.cancelled == 5 and self._balance("LANTERN-1") == 0
        )

    def _short_pay(self) -> None:
        self._headline("45,000.00 USD arrive for the 50,000.00 USD of COPPER-1")
        self._pay("Copperline Energy", "45000.00", "Payment for COPPER-1", COPPER_1="45000.00")
        self._tick()
        self._teller.expect("they are applied and 5,000.00 USD stay open", self._balance("COPPER-1") == 5000)
        self._teller.expect("one courtesy message replaces the cadence", self._steps("COPPER-1") == ["courtesy"])

    def _closed_by_a_person(self) -> None:
        self._headline("Somebody enters a cheque for QUARRY-1 in NetSuite by hand")
        before = self._mails("QUARRY-1")
        application = {"invoice": "QUARRY-1", "amount": "3900.00"}
        self._sandbox.post(
            "netsuite/pay_by_hand",
            customer="Quarrystone Labs",
            amount="3900.00",
            memo="cheque",
            applications=[application],
        )
        self._tick()
        self._teller.expect("its reminders are cancelled", self._pending("QUARRY-1") == 0)
        self._live_until(self._sandbox.now.date() + timedelta(days=3))
        self._teller.expect("nobody was reminded afterwards", self._mails("QUARRY-1") == before)

    def _time_out_after_commit(self) -> None:
        self._headline("NetSuite books the payment of WEST-1 but its answer never arrives")
        self._sandbox.post(
            "faults", service="netsuite", kind="timeout_after", match={"operation": "addList"}, seconds=4
        )
        self._pay("Westbrook Tooling", "6400.00", "WEST-1", WEST_1="6400.00")
        self._tick()
        payments = [p for p in self._sandbox.get("truth")["payments"] if self._is_of(p, "Westbrook Tooling")]
        self._teller.expect("it was looked up instead of sent again: one payment is there", len(payments) == 1)
        self._teller.expect("the invoice is closed", self._balance("WEST-1") == 0)

    def _how_it_ended(self) -> None:
        self._headline("A month later")
        self._teller.expect(
            "COPPER-1 got its one courtesy message, nothing firmer", self._templates("COPPER-1") == ["courtesy"]
        )
        self._teller.expect(
            "the unpaid ALDER-30 went through due day, +1, +7, +14 and +30", self._mails("ALDER-30") == 6
        )

    # -- what is seen --

    def _headline(self, text: str) -> None:
        self._teller.say(f"{self._sandbox.now:%a %d %b}  {text}")

    def _balance(self, number: str) -> Decimal:
        return next(Decimal(i["balance"]) for i in self._sandbox.get("truth")["invoices"] if i["number"] == number)

    def _unapplied(self, customer: str) -> Decimal:
        return sum(
            (Decimal(p["unapplied"]) for p in self._sandbox.get("truth")["payments"] if self._is_of(p, customer)),
            Decimal(),
        )

    def _is_of(self, payment: dict[str, Any], customer: str) -> bool:
        ids = {c["id"] for c in self._sandbox.get("customers") if c["name"].startswith(customer)}
        return payment["customer"] in ids

    def _mails(self, number: str) -> int:
        return sum(1 for mail in self._sandbox.get("mail") if number in mail["text"])

    def _steps(self, number: str) -> list[str]:
        explanation = self._service.explain(number)
        rows = explanation.reminders if explanation else ()
        return [row.step for row in rows if row.state in ("planned", "held")]

    def _pending(self, number: str) -> int:
        return len(self._steps(number))

    def _templates(self, number: str) -> list[str]:
        """Steps that left after the part payment."""
        explanation = self._service.explain(number)
        rows = explanation.reminders if explanation else ()
        return [row.step for row in rows if row.state == "sent" and row.step not in ("-7", "0", "+1", "+7")]


# ---- a ledger, day by day ----


def play_book(sandbox: Sandbox, service: Service, teller: Teller) -> None:
    """Each day: what was issued and what was settled arrives, then one pass of the loop, until nothing is to come."""
    teller.say("Playing the book day by day; every settlement arrives as a Stripe charge.")
    shown = time.monotonic()
    while True:
        day = sandbox.now.date() + timedelta(days=1)
        sandbox.advance(datetime(day.year, day.month, day.day, 23, tzinfo=UTC))
        report = service.tick()
        for trouble in report.troubles:
            teller.say(f"{day}  {trouble}")
        if time.monotonic() - shown > 5:
            shown = time.monotonic()
            with service.store.read() as tx:
                teller.say(f"{day}  {activity.standing(tx).loops_closed} loops closed")
        if not sandbox.get("clock")["planned"]:
            return


def paid_when(sandbox: Sandbox, service: Service) -> dict[str, float | None]:
    """Days from issue to settlement, and the share settled after the due date (0 to 1), unrounded; books are in USD."""
    with service.store.read() as tx:
        days, late = standing.paid(tx, "USD", sandbox.now.date(), UTC)
    return {
        "mean_days_to_pay": float(days.value) if days.value is not None else None,
        "share_paid_late": float(late.value / 100) if late.value is not None else None,
    }


def main() -> int:
    options = _options()
    log.configure(as_json=False, level=logging.ERROR)
    started = time.monotonic()
    teller = Teller(options.json)
    arguments = (
        ["--book", str(options.book.resolve())] if options.book else ["--customers", "0", "--now", START.isoformat()]
    )
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="connector-demo-")))
        teller.say("Starting a false NetSuite, Stripe and mail server on this machine, and the connector on them.")
        sandbox = stack.enter_context(running_sandbox(arguments))
        service = stack.enter_context(running_connector(sandbox, folder))
        if options.book:
            play_book(sandbox, service, teller)
        else:
            Stories(sandbox, service, teller).run()
        result = outcome(sandbox, service, started)
        figures: dict[str, Any] = asdict(result)
        if options.book:
            figures |= paid_when(sandbox, service)
    held = result.held and not teller.broken
    if options.json:
        print(json.dumps(figures))
    else:
        _summary(teller, figures, held)
    return 0 if held else 1


def _summary(teller: Teller, figures: dict[str, Any], held: bool) -> None:
    teller.say()
    teller.say("Summary")
    others = figures["invoices"] - figures["loops_closed"] - figures["open_with_reason"]
    for name, value in (figures | {"closed by others": others}).items():
        teller.say(f"  {name.replace('_', ' '):24} {value}")
    teller.say()
    if held:
        teller.say(
            "The promise held: nobody who had paid was chased, no cent was applied twice, every act is finished."
        )
        return
    teller.say("The promise did NOT hold:")
    for fact in teller.broken or ["see the figures above"]:
        teller.say(f"  {fact}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/demo", description="The main job, shown on a false world.")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--book", type=Path, metavar="DIR", help="play DIR/invoices.csv day by day (sandbox/README.md)")
    options = parser.parse_args()
    if options.book and not (options.book / "invoices.csv").is_file():
        parser.error(f"{options.book} holds no invoices.csv; its format is in sandbox/README.md")
    return options


if __name__ == "__main__":
    sys.exit(main())
