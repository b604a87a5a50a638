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
from datetime import UTC, date, datetime
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
    """An entry of `settlement:` in mappings/netsuite.yaml on the sandbox's own accounts."""
    known = served.world.profile()["netsuite"]["accounts"]
    return {"currency": currency, "through": through, "accounts": {role: known[role] for role in _SETTLED_BY}} | more


def netsuite_mapping(folder: Path, changes: Mapping[str, object]) -> None:
    """Replace top keys of netsuite.yaml in the copy that `mappings` made; read at the connector's next start."""
    file = folder / "mappings" / "netsuite.yaml"
    yaml = YAML()
    mapping = yaml.load(file)
    mapping.update(changes)
    yaml.dump(mapping, file)


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
        if settled:
            netsuite_mapping(folder, {"settlement": list(settled)})
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
        netsuite, stripe, smtp = profile["netsuite"], profile["stripe"], profile["smtp"]
        values = {
            "INSTALLATION": "t1",
            "LEDGER_ZONE": "UTC",
            "STORE": self.store_at,
            "MAPPINGS": str(mapping_folder),
            "NETSUITE_ACCOUNT": netsuite["account"],
            "NETSUITE_BASE_URL": netsuite["base_url"],
            "NETSUITE_SOAP_VERSION": netsuite["soap_version"],
            "NETSUITE_CONSUMER_KEY": netsuite["consumer_key"],
            "NETSUITE_CONSUMER_SECRET": netsuite["consumer_secret"],
            "NETSUITE_TOKEN_ID": netsuite["token_id"],
            "NETSUITE_TOKEN_SECRET": netsuite["token_secret"],
            "NETSUITE_READ_TIMEOUT_SECONDS": "5",
            "NETSUITE_WRITE_TIMEOUT_SECONDS": "2",
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

    # ---- what the world knows ----

    def truth(self) -> dict[str, Any]:
        return self.world.truth()

    def balance(self, number: str) -> str:
        return next(str(i["balance"]) for i in self.truth()["invoices"] if i["number"] == number)

    def mails(self) -> list[Any]:
        return list(self.world.mailbox.messages())

    def mails_about(self, number: str) -> list[Any]:
        return [mail for mail in self.mails() if number in mail.text]


@contextmanager
def sandbox(now: datetime | None = MONDAY, **options: Any) -> Iterator[Served]:
    """With SANDBOX_NETSUITE_WSDL set it serves the vendor's contract, unless `wsdl_dir` says otherwise."""
    folder = os.environ.get("SANDBOX_NETSUITE_WSDL")
    defaults = {"customers": 0, "wsdl_dir": Path(folder) if folder else None}
    with serve(now=now, **{**defaults, **options}) as served:
        yield served


@contextmanager
def desk(
    folder: Path,
    *,
    now: datetime | None = MONDAY,
    policy: Mapping[str, str] | None = None,
    store: str = "",
    crm: bool = False,
    settle_through: Mapping[str, str] | None = None,
    approves: bool = True,
    **options: Any,
) -> Iterator[Desk]:
    """A sandbox and a connector on it. `now=None` runs with real time, as a killed process needs.

    `store` is `sqlite` or `postgresql`; left out, what ARC_TEST_STORE says, so that any of these tests can run on
    either: `ARC_TEST_STORE=postgresql scripts/test tests/acceptance`. `settle_through`: currency -> clearing or
    undeposited; the others' payouts are only shown.
    """
    kind = store or os.environ.get("ARC_TEST_STORE", "sqlite")
    with postgres.on(kind, folder) as place, sandbox(now, **options) as served:
        settled = [settlement(served, currency, through) for currency, through in (settle_through or {}).items()]
        made = Desk(served, folder, policy, place, crm=crm, settled=settled, approves=approves)
        try:
            yield made
        finally:
            made.close()
