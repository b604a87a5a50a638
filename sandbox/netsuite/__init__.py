"""A false NetSuite account: SuiteTalk SOAP and SuiteQL over HTTP, on books that keep the vendor's rules.

    NetSuite(clock, sequence, faults, account="1000001_SB1")  ->  .app to mount at /netsuite, .profile(base_url)

The books' own methods (people.py) are what persons do in the account and what tests ask for as the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox.faults import Faults
from sandbox.netsuite.answers import Guesses
from sandbox.netsuite.auth import Credentials, Guard
from sandbox.netsuite.contract import Contract
from sandbox.netsuite.door import Door, Gate
from sandbox.netsuite.people import People
from sandbox.netsuite.rest import SUITEQL, SuiteQl
from sandbox.netsuite.soap import Soap

__all__ = ["Guesses", "NetSuite"]


class NetSuite(People):
    """One account with its two doors."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        sequence: Callable[[str], int],
        faults: Faults,
        *,
        account: str,
        version: str = "2025_2",
        wsdl_dir: Path | None = None,
        concurrency: int = 5,
        guesses: Guesses | None = None,
    ) -> None:
        super().__init__(clock, sequence, guesses or Guesses())
        self.account = account
        self.contract = Contract(version, wsdl_dir)
        self._credentials = Credentials(account)
        guard = Guard(self._credentials)
        self._soap = Soap(self, self.contract, guard)
        self._gate = Gate(faults, concurrency)
        self.app = Starlette(
            routes=[
                Route(self.contract.endpoint, endpoint=Door(self._gate, self._soap), methods=["POST"]),
                Route(SUITEQL, endpoint=Door(self._gate, SuiteQl(self, guard)), methods=["POST"]),
                Route(f"/wsdl/v{self.contract.version}_0/{{name:path}}", endpoint=self._contract_file),
            ]
        )

    @property
    def contract_violations(self) -> list[str]:
        """Answers of ours that the schema in force objected to; tests hold this empty."""
        return self._soap.violations

    def counts(self) -> dict[str, int]:
        """Requests so far, by operation."""
        return dict(self._gate.counts)

    def meanwhile(self, operation: str, act: Callable[[], object], nth: int = 1) -> None:
        """Somebody acts between what a client read and what it writes: just before the `nth` request of this operation
        ("updateList", "suiteql") from now on is carried out."""
        self._gate.meanwhile(operation, nth, act)

    def profile(self, base_url: str) -> dict[str, Any]:
        """What a connector needs to know; `base_url` is where `.app` is mounted."""
        ours = self._credentials
        return {
            "account": ours.account,
            "consumer_key": ours.consumer_key,
            "consumer_secret": ours.consumer_secret,
            "token_id": ours.token_id,
            "token_secret": ours.token_secret,
            "base_url": base_url,
            "soap_version": self.contract.version,
            "soap_url": f"{base_url}{self.contract.endpoint}",
            "wsdl_url": f"{base_url}{self.contract.wsdl}",
            "suiteql_url": f"{base_url}{SUITEQL}",
            "accounts": self.accounts,
        }

    def _contract_file(self, request: Request) -> Response:
        mounted = str(request.base_url).rstrip("/")
        content = self.contract.file(request.path_params["name"], f"{mounted}{self.contract.endpoint}")
        return PlainTextResponse("not found", 404) if content is None else Response(content, media_type="text/xml")
