"""A false Salesforce organisation behind a real server, and the CRM over it: for the contract tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Mount

from connector import mapping
from connector.adapters.salesforce import SalesforceCrm
from connector.adapters.salesforce_api import SalesforceSettings
from connector.adapters.salesforce_mapping import SalesforceMapping
from connector.settlement import CrmAccount
from sandbox.clock import Sequence, WorldClock
from sandbox.faults import Faults
from sandbox.salesforce import Salesforce
from sandbox.serving import Background

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SHIPPED = mapping.load(Path(__file__).resolve().parents[2] / "mappings" / "salesforce.yaml", SalesforceMapping)


@dataclass
class Site:
    """An organisation on loopback with a clock that stands still, and the CRM over it."""

    service: Salesforce
    clock: WorldClock
    faults: Faults
    url: str

    @property
    def org(self) -> Any:
        return self.service.org

    @property
    def now(self) -> datetime:
        return self.clock()

    def later(self, **step: int) -> datetime:
        self.clock.move_to(self.now + timedelta(**step))
        return self.now

    def crm(self, fields: SalesforceMapping = SHIPPED, **settings: Any) -> SalesforceCrm:
        profile = self.service.profile(f"{self.url}/salesforce")
        given = SalesforceSettings(
            domain=profile["domain"],
            client_id=profile["client_id"],
            client_secret=SecretStr(profile["client_secret"]),
            base_url=profile["base_url"],
            timeout_seconds=1,
        )
        return SalesforceCrm(replace(given, **settings), fields, ZoneInfo("America/New_York"), lambda seconds: None)

    def long_ago(self, crm: SalesforceCrm) -> str:
        """The cursor of a read of what there is, made when it was old enough not to be read again for the overlap."""
        return crm.read_changed("", self.later(hours=1)).cursor

    def queries(self) -> int:
        counts = self.service.counts()
        return sum(counts.get(name, 0) for name in ("query", "queryAll", "query.more"))


@contextmanager
def crm_world() -> Iterator[Site]:
    clock, faults = WorldClock(), Faults()
    clock.start_at(START)
    service = Salesforce(clock, Sequence(clock), faults)
    with Background(Starlette(routes=[Mount("/salesforce", app=service.app)])) as served:
        yield Site(service, clock, faults, served.url)


def changed(**fields: Any) -> SalesforceMapping:
    """The shipped mapping with other keys."""
    return SalesforceMapping.model_validate(SHIPPED.model_dump(exclude_defaults=True) | fields)


def only(crm: SalesforceCrm, site: Site) -> CrmAccount:
    (account,) = crm.read_changed("", site.now).accounts
    return account
