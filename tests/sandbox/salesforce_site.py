"""A Salesforce organisation of its own behind a real server, and the real client to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce as Client
from starlette.applications import Starlette
from starlette.routing import Mount

from sandbox.clock import Sequence, WorldClock
from sandbox.faults import Faults
from sandbox.salesforce import CLIENT_ID, CLIENT_SECRET, DOMAIN, Salesforce
from sandbox.serving import Background

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


class ToSandbox(HTTPAdapter):
    """The client knows only https and Salesforce's own hosts: sends all that to one address."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self._base_url = base_url

    def send(self, request: Any, **more: Any) -> requests.Response:  # type: ignore[override]
        parts = urlsplit(request.url)
        request.url = f"{self._base_url}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        return super().send(request, **{**more, "timeout": 5, "proxies": {}})


@dataclass(frozen=True)
class CrmSite:
    """A served organisation, its clock and its faults."""

    salesforce: Salesforce
    clock: WorldClock
    faults: Faults
    url: str

    @property
    def base_url(self) -> str:
        return f"{self.url}/salesforce"

    @contextmanager
    def client(self, client_id: str = CLIENT_ID, client_secret: str = CLIENT_SECRET) -> Iterator[Client]:
        """simple-salesforce, logged in by client credentials."""
        with requests.Session() as session:
            session.mount("https://", ToSandbox(self.base_url))
            yield Client(
                consumer_key=client_id, consumer_secret=client_secret, domain=DOMAIN, session=session, version="66.0"
            )


@contextmanager
def crm_site() -> Iterator[CrmSite]:
    clock, faults = WorldClock(), Faults()
    clock.start_at(START)
    salesforce = Salesforce(clock, Sequence(clock), faults)
    with Background(Starlette(routes=[Mount("/salesforce", app=salesforce.app)])) as served:
        yield CrmSite(salesforce, clock, faults, served.url)
