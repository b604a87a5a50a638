"""The demo: a false ERP, Stripe and mail server as a process of its own, and the real connector on them.

The ERP is NetSuite, or with `--erp intacct` Sage Intacct; the stories and what they come to are the same. Without a
book it tells its stories over two months and checks each. With `--book DIR` it plays a ledger day by day. It talks to
the sandbox by HTTP only, as the vendors' own clients do, and counts on the sandbox's truth.
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
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests
from demo_stories import APPROVER, START, Stories, Teller
from ruamel.yaml import YAML

from connector import log, standing
from connector.config import read_settings
from connector.daemon import Service
from connector.receivables import Rung
from connector.store import activity
from connector.wiring import open_service

ROOT = Path(__file__).resolve().parent.parent
# More on one day than on a quiet month's days, as the demo has it, would wait for a person.
BREAKER = {"at_least": 100_000}
# Who answers the approval queue in the stories, and who approves the policy that somebody else proposed.
AUTHOR, CONTROLLER = "the author of the policy", "the controller"
APPROVALS = {
    "roles": {"analyst": {}, "controller": {"approves_policy": True}},
    "people": {APPROVER: "analyst", CONTROLLER: "controller"},
}
ALL_TRUSTED = {"auto": [rung.value for rung in Rung if rung is not Rung.BY_PERSON], "precision_min": 0}
# A book has no hours: each of its days is one pass late in the evening, Sundays too.
AT_ANY_HOUR = {
    "send_from": "00:00",
    "send_until": "23:59",
    "send_weekdays": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
}
SETTLED_BY = ("bank", "clearing", "fees", "refunds", "disputes", "adjustments", "reserves")


# Each ERP as people call it, its own word for the request that is a closing act, and its settings.
ERPS = {"netsuite": "NetSuite", "intacct": "Sage Intacct"}
ACT = {"netsuite": "addList", "intacct": "act"}
ERP_SETTINGS = {
    "netsuite": (
        "account",
        "base_url",
        "soap_version",
        "consumer_key",
        "consumer_secret",
        "token_id",
        "token_secret",
    ),
    "intacct": ("sender_id", "sender_password", "company", "user", "user_password", "url", "livemode"),
}


class Sandbox:
    """The false world, over HTTP."""

    def __init__(self, process: subprocess.Popen[str], ready: dict[str, Any]) -> None:
        self.erp = next(name for name in ERPS if name in ready)
        self.erp_as_people_say = ERPS[self.erp]
        self.act = ACT[self.erp]
        self.accounts: dict[str, str] = ready[self.erp]["accounts"]
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

    def banked(self) -> list[dict[str, Any]]:
        """What went into the bank: deposits, and journals where the ERP keeps a payout as one; `lines` are what came
        out of each other account."""
        truth, bank = self.get("truth"), self.accounts["bank"]
        made = [one for one in truth["deposits"] if not one["voided"]]
        for journal in truth["journals"]:
            into = [Decimal(line["amount"]) for line in journal["lines"] if line["account"] == bank]
            others = [line for line in journal["lines"] if line["account"] != bank]
            if into and not journal["voided"]:
                turned = [line | {"amount": str(-Decimal(line["amount"]))} for line in others]
                made.append(journal | {"amount": str(sum(into)), "lines": turned})
        return made

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
def running_connector(sandbox: Sandbox, folder: Path, policy: Mapping[str, object]) -> Iterator[Service]:
    """The shipped policy and field maps, switched to auto; every mail is redirected, as a test account demands."""
    maps = folder / "mappings"
    shutil.copytree(ROOT / "mappings", maps)
    switched_on = {"post": "auto", "send": "auto", "posting_owner": "us", "breaker": BREAKER, "approvals": APPROVALS}
    _change(maps / "policy.yaml", {**switched_on, **policy})
    accounts = {role: sandbox.accounts[role] for role in SETTLED_BY}
    of_the_erp: dict[str, Any] = {"settlement": [{"currency": "USD", "through": "clearing", "accounts": accounts}]}
    if sandbox.erp == "intacct":  # whose mapping leaves these to each company
        of_the_erp["undeposited_account"] = sandbox.accounts["undeposited"]
        of_the_erp["advance_account"] = sandbox.accounts["advances"]
    _change(maps / f"{sandbox.erp}.yaml", of_the_erp)
    service = open_service(read_settings(environ=_environ(sandbox, folder, maps)), WorldTime(sandbox))
    try:
        # Nothing runs auto before a second person approved it.
        proposed = service.policies().propose(AUTHOR)
        service.policies().approve(proposed.version, CONTROLLER)
        service.start()
        yield service
    finally:
        service.close()


def _change(file: Path, values: Mapping[str, object]) -> None:
    yaml = YAML()
    document = yaml.load(file)
    document.update(values)
    yaml.dump(document, file)


def _environ(sandbox: Sandbox, folder: Path, maps: Path) -> dict[str, str]:
    erp, stripe, smtp = (sandbox.profile[name] for name in (sandbox.erp, "stripe", "smtp"))
    values = {
        "INSTALLATION": "demo",
        "LEDGER_ZONE": "UTC",
        "STORE": str(folder / "connector.db"),
        "MAPPINGS": str(maps),
        "ERP": sandbox.erp,
        f"{sandbox.erp.upper()}_WRITE_TIMEOUT_SECONDS": "2",
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
    values |= {f"{sandbox.erp.upper()}_{key.upper()}": erp[key] for key in ERP_SETTINGS[sandbox.erp]}
    values |= {f"SALESFORCE_{key.upper()}": value for key, value in sandbox.profile["salesforce"].items()}
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
    deposits: int = 0
    deposits_equal_payouts: bool = False
    account_team_tasks: int = 0
    erp_reads: int = 0
    erp_writes: int = 0
    seconds: float = 0.0

    @property
    def held(self) -> bool:
        equal = self.applied_equals_truth and self.deposits_equal_payouts
        return equal and not self.sent_after_match and not self.acts_unfinished


def outcome(sandbox: Sandbox, service: Service, started: float) -> Outcome:
    """Count on both sides: the sandbox's truth and mailbox, and the connector's own store."""
    truth, banked, requests_served = sandbox.get("truth"), sandbox.banked(), sandbox.get("requests")
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
        deposits=len([one for one in banked if one["external_id"].startswith("arc-")]),
        deposits_equal_payouts=deposits_equal_payouts(truth, banked),
        account_team_tasks=len(truth["tasks"]),
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


def deposits_equal_payouts(truth: dict[str, Any], posted: list[dict[str, Any]]) -> bool:
    """Is each payout that arrived one deposit, whose parts add up to what the bank got?"""
    for payout in (one for one in truth["payouts"] if one["state"] == "paid"):
        of_it = [one for one in posted if payout["payout"] in one["external_id"]]
        parts = [Decimal(line["amount"]) for one in of_it for line in one["lines"]]
        if len(of_it) != 1 or not of_it[0]["amount"] == payout["amount"] == str(sum(parts)):
            return False
    return True


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
        erp = ERPS[options.erp]
        teller.say(f"Starting a false {erp}, Stripe and mail server on this machine, and the connector on them.")
        sandbox = stack.enter_context(running_sandbox(["--erp", options.erp, *arguments]))
        # A whole book is played as after the weeks in which people judged each class of evidence.
        policy = {"calendar": AT_ANY_HOUR, "trust": ALL_TRUSTED} if options.book else {}
        service = stack.enter_context(running_connector(sandbox, folder, policy))
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
            "The promise held: nobody who had paid was chased, no cent was applied twice, every payout is its deposit, "
            "every act is finished."
        )
        return
    teller.say("The promise did NOT hold:")
    for fact in teller.broken or ["see the figures above"]:
        teller.say(f"  {fact}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/demo", description="The main job, shown on a false world.")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--erp", choices=tuple(ERPS), default="netsuite", help="whose books the story is told in")
    parser.add_argument("--book", type=Path, metavar="DIR", help="play DIR/invoices.csv day by day (sandbox/README.md)")
    options = parser.parse_args()
    if options.book and not (options.book / "invoices.csv").is_file():
        parser.error(f"{options.book} holds no invoices.csv; its format is in sandbox/README.md")
    return options


if __name__ == "__main__":
    sys.exit(main())
