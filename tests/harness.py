"""A connector on the sandbox, for stories and proofs: real HTTP, real SMTP, the real store and engine.

`Desk` is the connector in this process with the sandbox's clock; `Desk.process` runs the same store as a process of its
own, to be killed. Facts are asserted on the sandbox's truth and mailbox, never on calls.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from ruamel.yaml import YAML

from connector.config import Settings, read_policy, read_settings
from connector.daemon import Service
from connector.engine import SCHEMA
from connector.errors import ConfigError
from connector.policy import Policy
from connector.receivables import Rung
from connector.store import Store, policies
from connector.wiring import open_service
from sandbox.faults import Rule
from sandbox.world import Served, serve
from tests import postgres

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
CONTRACT = SHARED / "contracts" / "netsuite" / "v2023_2_0"
MONDAY = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)


class WorldTime:
    """The connector's clock is the world's."""

    def __init__(self, served: Served) -> None:
        self._served = served

    def now(self) -> datetime:
        return self._served.world.clock().astimezone(UTC)


# Stories tick at any hour, on any day, and mail more in a day than a quiet month's median would let them.
AT_ANY_HOUR = {
    "calendar": '{send_from: "00:00", send_until: "23:59", send_weekdays: [mon, tue, wed, thu, fri, sat, sun]}',
    "breaker": "{at_least: 100000}",
}

# Whatever is matched is posted; stories about what people approve say otherwise.
AUTOMATIC = {"trust": f"{{auto: [{', '.join(rung for rung in Rung if rung is not Rung.BY_PERSON)}], precision_min: 0}}"}


def mappings(folder: Path, changes: Mapping[str, str] | None = None) -> Path:
    """A copy of the shipped mappings, switched to auto; `changes` are top keys of policy.yaml with their YAML."""
    target = folder / "mappings"
    if not target.exists():
        shutil.copytree(ROOT / "mappings", target)
    yaml = YAML()
    policy = yaml.load(target / "policy.yaml")
    switched_on = {"post": "auto", "send": "auto", "posting_owner": "us", **AT_ANY_HOUR, **AUTOMATIC}
    for key, text in {**switched_on, **(changes or {})}.items():
        policy[key] = yaml.load(text)
    yaml.dump(policy, target / "policy.yaml")
    return target


_READ: dict[str, Policy] = {}


def _read_once(file: Path, text: str) -> Policy:
    """Most tests share one policy, and reading it takes long beside a tick."""
    if text not in _READ:
        _READ[text] = read_policy(file)
    return _READ[text]


# What a settlement entry of mappings/netsuite.yaml may name; the sandbox has an account for each.
_SETTLED_BY = ("bank", "clearing", "fees", "refunds", "disputes", "adjustments", "reserves")


def settlement(served: Served, currency: str, through: str = "clearing", **more: object) -> dict[str, Any]:
    """An entry of `settlement:` in the ERP's mapping on the sandbox's own accounts."""
    known = served.world.erp.accounts
    return {"currency": currency, "through": through, "accounts": {role: known[role] for role in _SETTLED_BY}} | more


def erp_mapping(served: Served, folder: Path) -> Path:
    """The mapping of the world's ERP in the copy that `mappings` made; read at the connector's next start."""
    return folder / "mappings" / f"{served.world.erp_name}.yaml"


def _of_the_company(served: Served) -> dict[str, object]:
    """What mappings/intacct.yaml leaves to each company: its own accounts for money that no settlement entry places."""
    if served.world.erp_name != "intacct":
        return {}
    known = served.world.erp.accounts
    return {"undeposited_account": known["undeposited"], "advance_account": known["advances"]}


def change_mapping(file: Path, changes: Mapping[str, object]) -> None:
    """Replace top keys of a mapping."""
    yaml = YAML()
    mapping = yaml.load(file)
    mapping.update(changes)
    yaml.dump(mapping, file)


def _netsuite_environ(profile: Mapping[str, Any]) -> dict[str, str]:
    keys = ("account", "base_url", "soap_version", "consumer_key", "consumer_secret", "token_id", "token_secret")
    return {f"NETSUITE_{key.upper()}": str(profile[key]) for key in keys} | {
        "NETSUITE_READ_TIMEOUT_SECONDS": "5",
        "NETSUITE_WRITE_TIMEOUT_SECONDS": "2",
    }


def _intacct_environ(profile: Mapping[str, Any]) -> dict[str, str]:
    keys = ("sender_id", "sender_password", "company", "user", "user_password", "url", "livemode")
    return (
        {"ERP": "intacct"}
        | {f"INTACCT_{key.upper()}": str(profile[key]) for key in keys}
        | {
            "INTACCT_READ_TIMEOUT_SECONDS": "5",
            "INTACCT_WRITE_TIMEOUT_SECONDS": "2",
        }
    )


_ERP_ENVIRON = {"netsuite": _netsuite_environ, "intacct": _intacct_environ}


@dataclass(frozen=True, slots=True)
class Requests:
    """The ERP's own words for what the connector asks of it, so that a fault fits just one of them."""

    act: str  # a closing act with a new payment
    update: str  # one that applies what is there already
    flags: str  # AR statuses and other records that are no act
    deposit: str
    read_back: str  # of a deposit that was written
    before_update: str  # the last thing asked before a payment that is there already is applied


REQUESTS = {
    "netsuite": Requests("addList", "updateList", "upsertList", "addList", "getList", "getList"),
    "intacct": Requests("act", "act", "update", "create:GLBATCH", "query:GLENTRY", "act"),
}


def banked(truth: Mapping[str, Any], bank: str) -> list[dict[str, Any]]:
    """The deposits and journals into (or out of) a bank account, alike: `amount` is what the bank's own line says,
    `lines` are what came out of each other account, and `payments` what was deposited itself."""
    made = [dict(one) for one in truth["deposits"] if one["account"] == bank]
    for journal in truth["journals"]:
        lines = [line for line in journal["lines"] if line["account"] == bank]
        if lines:
            others = [line for line in journal["lines"] if line["account"] != bank]
            amount = str(sum(Decimal(line["amount"]) for line in lines))
            turned = [line | {"amount": str(-Decimal(line["amount"]))} for line in others]
            made.append(journal | {"account": bank, "amount": amount, "lines": turned, "payments": []})
    return made


class Desk:
    """One connector installation on one sandbox; its store is a file in its folder, or at the URL in `store`.

    `crm`: the sandbox's Salesforce is connected, `chat`: its webhook. `settled`: entries made by `settlement`, for
    payouts to be posted. `approves`: whatever its policy says is approved before it starts, as if by two people.
    """

    def __init__(
        self,
        served: Served,
        folder: Path,
        policy: Mapping[str, str] | None = None,
        store: str = "",
        *,
        crm: bool = False,
        chat: bool = False,
        settled: Sequence[Mapping[str, object]] = (),
        approves: bool = True,
    ) -> None:
        self.served = served
        self.world = served.world
        self.approves = approves
        self.folder = folder
        self.store_at = store or str(folder / "connector.db")
        self.environ = self._environ(mappings(folder, policy)) | (self._crm_environ() if crm else {})
        if chat:
            url = self.world.profile()["chat"]["url"]
            self.environ |= {"CONNECTOR_CHAT_URL": url, "CONNECTOR_CHAT_TIMEOUT_SECONDS": "2"}
        of_the_erp = _of_the_company(served) | ({"settlement": list(settled)} if settled else {})
        if of_the_erp:
            change_mapping(erp_mapping(served, folder), of_the_erp)
        self._service: Service | None = None
        self._approved = ""  # the version of the policy
        self.approve_policy()

    def _crm_environ(self) -> dict[str, str]:
        profile = self.world.profile()["salesforce"]
        return {f"CONNECTOR_SALESFORCE_{key.upper()}": value for key, value in profile.items()} | {
            "CONNECTOR_SALESFORCE_TIMEOUT_SECONDS": "5"
        }

    def connect_mailbox(self) -> None:
        """From the next start on customers' answers are read."""
        profile = self.world.profile()["imap"]
        self.environ |= {f"CONNECTOR_MAILBOX_{key.upper()}": str(value) for key, value in profile.items()}
        self.environ |= {"CONNECTOR_MAIL_REPLY_TO": str(profile["user"]), "CONNECTOR_MAILBOX_TIMEOUT_SECONDS": "5"}

    def connect_sms(self, redirect_all_to: str = "+15550100") -> None:
        """From the next start on texts leave through the sandbox's gateway."""
        url = str(self.world.profile()["sms"]["url"])
        values = {"URL": url, "REDIRECT_ALL_TO": redirect_all_to, "TIMEOUT_SECONDS": "2"}
        self.environ |= {f"CONNECTOR_SMS_{key}": value for key, value in values.items()}

    def _environ(self, mapping_folder: Path) -> dict[str, str]:
        profile = self.world.profile()
        stripe, smtp = profile["stripe"], profile["smtp"]
        values = {
            "INSTALLATION": "t1",
            "LEDGER_ZONE": "UTC",
            "STORE": self.store_at,
            "MAPPINGS": str(mapping_folder),
            **_ERP_ENVIRON[self.world.erp_name](profile[self.world.erp_name]),
            "STRIPE_API_KEY": stripe["api_key"],
            "STRIPE_BASE_URL": stripe["base_url"],
            "STRIPE_LIVEMODE": "false",
            "STRIPE_CUTOVER_ON": "2012-01-01",
            "STRIPE_TIMEOUT_SECONDS": "5",
            "MAIL_HOST": smtp["host"],
            "MAIL_PORT": str(smtp["port"]),
            "MAIL_STARTTLS": "false",
            "MAIL_REDIRECT_ALL_TO": "everything@test.example",
            "MAIL_PAY_DOMAINS": "pay.example",
            "MAIL_TIMEOUT_SECONDS": "15",
            "TIMINGS_TICK_SECONDS": "1",
        }
        return {f"CONNECTOR_{name}": value for name, value in values.items()}

    @property
    def settings(self) -> Settings:
        return read_settings(environ=self.environ)

    # ---- the connector in this process ----

    @property
    def service(self) -> Service:
        if self._service is None:
            self._service = open_service(self.settings, WorldTime(self.served))
            self.approve_policy()
            self._service.start()
        return self._service

    def approve_policy(self) -> None:
        """What policy.yaml says now may run `auto`; a file that can't be read is left to the connector to refuse."""
        if not self.approves:
            return
        file = Path(self.environ["CONNECTOR_MAPPINGS"]) / "policy.yaml"
        text = file.read_text(encoding="utf-8")
        try:
            policy = _read_once(file, text)
        except ConfigError:
            return
        is_lost = not self.store_at.startswith("postgresql") and not Path(self.store_at).exists()
        if policy.version == self._approved and not is_lost:
            return
        with self.opened_store() as store, store.tx() as tx:
            policies.propose(tx, policy.version, text, "an author")
            policies.put_approved(tx, policy, "an approver")
        self._approved = policy.version

    def tick(self) -> Any:
        return self.service.tick()

    def days(self, until: date, hour: int = 9) -> None:
        """Live on to this day, one tick each morning."""
        from datetime import timedelta

        day = self.world.clock().date()
        while day <= until:
            instant = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
            if instant >= self.world.clock():
                self.world.advance_to(instant)
                self.tick()
            day += timedelta(days=1)

    def close(self) -> None:
        if self._service is not None:
            self._service.close()
            self._service = None

    @contextmanager
    def opened_store(self) -> Iterator[Store]:
        """The store beside whoever works on it."""
        store = Store(self.store_at, WorldTime(self.served))
        try:
            yield store
        finally:
            store.close()

    def lose_engine(self) -> None:
        """All tables of the durable engine are gone, as after a restore of the store alone."""
        if self.store_at.startswith("postgresql"):
            with psycopg.connect(self.store_at, autocommit=True) as connection:
                connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
        for file in self.folder.glob("connector.engine*"):
            file.unlink()

    # ---- the connector as a process of its own ----

    def process(self, *arguments: str, kill_at: str = "", timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """`python -m connector <arguments>` on the same store; with `kill_at` it is killed at that named point."""
        self.close()
        self.approve_policy()
        if self.world.erp_name == "intacct":
            # Its clock is the real one: nobody waits until what might still be carried out late surely isn't any more.
            change_mapping(erp_mapping(self.served, self.folder), {"facts": {"answers_within_minutes": 0}})
        environ = {k: v for k, v in os.environ.items() if not k.startswith("CONNECTOR_")} | self.environ
        if kill_at:
            environ["CONNECTOR_KILL_AT"] = kill_at
        return subprocess.run(
            [sys.executable, "-m", "connector", *arguments],
            env=environ,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    # ---- the ERP ----

    @property
    def requests(self) -> Requests:
        return REQUESTS[self.world.erp_name]

    def break_erp(self, kind: Any, request: str = "*", **more: Any) -> None:
        """A fault of the ERP: `request` is the field of `Requests` whose word it fits, or `*`."""
        operation = request if request == "*" else str(getattr(self.requests, request))
        self.world.install(Rule(self.world.erp_name, kind, operation, **more))

    def kept(self, kind: str) -> list[dict[str, Any]]:
        """What we keep in the ERP beside its books: cancellation, receipt, status, exception, installation."""
        return list(self.world.erp.kept(kind))

    # ---- what the world knows ----

    def truth(self) -> dict[str, Any]:
        return self.world.truth()

    def balance(self, number: str) -> str:
        return next(str(i["balance"]) for i in self.truth()["invoices"] if i["number"] == number)

    def mails(self) -> list[Any]:
        return list(self.world.mailbox.messages())

    def mails_about(self, number: str) -> list[Any]:
        return [mail for mail in self.mails() if number in mail.text]


def erp_of_tests() -> str:
    """The ERP of tests that don't say: ARC_TEST_ERP, so that any of them can run on either."""
    return os.environ.get("ARC_TEST_ERP") or "netsuite"


@contextmanager
def sandbox(now: datetime | None = MONDAY, *, erp: str = "", **options: Any) -> Iterator[Served]:
    """With SANDBOX_NETSUITE_WSDL set it serves the vendor's contract, unless `wsdl_dir` says otherwise."""
    folder = os.environ.get("SANDBOX_NETSUITE_WSDL")
    defaults = {"erp": erp or erp_of_tests(), "customers": 0, "wsdl_dir": Path(folder) if folder else None}
    with serve(now=now, **{**defaults, **options}) as served:
        yield served


@contextmanager
def desk(
    folder: Path,
    *,
    now: datetime | None = MONDAY,
    policy: Mapping[str, str] | None = None,
    store: str = "",
    erp: str = "",
    crm: bool = False,
    settle_through: Mapping[str, str] | None = None,
    approves: bool = True,
    **options: Any,
) -> Iterator[Desk]:
    """A sandbox and a connector on it. `now=None` runs with real time, as a killed process needs.

    `store` is `sqlite` or `postgresql`; left out, what ARC_TEST_STORE says, so that any of these tests can run on
    either: `ARC_TEST_STORE=postgresql scripts/test tests/acceptance`. `erp` is `netsuite` or `intacct`; left out, what
    ARC_TEST_ERP says. `settle_through`: currency -> clearing or undeposited; the others' payouts are only shown.
    """
    kind = store or os.environ.get("ARC_TEST_STORE", "sqlite")
    with postgres.on(kind, folder) as place, sandbox(now, erp=erp, **options) as served:
        settled = [settlement(served, currency, through) for currency, through in (settle_through or {}).items()]
        made = Desk(served, folder, policy, place, crm=crm, settled=settled, approves=approves)
        try:
            yield made
        finally:
            made.close()
