"""A connector on the small ledger, all of it in this process: the real loop, store, policy and acts, and no wire.

Only what wiring would choose is replaced: the outside by fakes of the ports, and the durable engine by one that keeps
nothing. A kill is an exception that nothing catches, after which no more of the connector's code gets anywhere.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import stripe

from connector import wiring
from connector.daemon import Service
from connector.ports import Channel, Crm, Erp
from sandbox.stripe import API_KEY
from sandbox.world import ErpName, Served
from tests.fakes.at_hand import CrmAtHand, EngineAtHand, PostAtHand, StripeTransport
from tests.fakes.ledger_world import Killed, LedgerWorld, WorldNow
from tests.harness import Desk, mappings


@cache
def prepared(changes: tuple[tuple[str, str], ...]) -> Path:
    """The mappings with these changes of the policy; read, and never written, by every desk of this process."""
    return mappings(Path(tempfile.mkdtemp(prefix="mappings-")), dict(changes))


class _Outside(wiring.Outside):
    """The outside at hand; Stripe's adapter is the real one."""

    def __init__(self, world: LedgerWorld, *given: Any) -> None:
        super().__init__(*given)
        post = PostAtHand(world.mailbox)
        made: dict[str, object] = {"erp": cast(Erp, world.ledger), "channel": cast(Channel, post)}
        made["crm"] = cast(Crm, CrmAtHand(world.salesforce, world.meet_crm))
        self.__dict__ |= made  # where cached properties keep what they made


class LedgerDesk(Desk):
    """As Desk; `killed` runs a pass up to a named point."""

    def __init__(self, world: LedgerWorld, folder: Path, policy: Mapping[str, str]) -> None:
        self.world, self.folder, self.approves = world, folder, True
        self.served = cast(Served, self)  # it has a world; nothing is served
        self.store_at = str(folder / "connector.db")
        self.environ = _environ(self.store_at, world.erp_name)
        self.clock = WorldNow(world)
        self._service: Service | None = None
        self._approved = ""
        self.change_policy(policy)

    def change_policy(self, policy: Mapping[str, str]) -> None:
        """From the next start on; it is approved."""
        self.close()
        self.environ["CONNECTOR_MAPPINGS"] = str(prepared(tuple(sorted(policy.items()))))
        self.approve_policy()

    @property
    def service(self) -> Service:
        if self._service is None:
            self._service = wiring.open_service(self.settings, self.clock)
            self.approve_policy()
            self._service.start()
        return self._service

    def killed(self, point: str) -> bool:
        """One pass that ends for good at this point; False if it never came by there."""
        with patch.dict(os.environ, {"CONNECTOR_KILL_AT": point}), patch.object(os, "kill", self._kill):
            try:
                self.tick()
            except Killed:
                self._bury()
                return True
        return False

    def _kill(self, *_: int) -> None:
        self.clock.dead = True
        raise Killed

    def _bury(self) -> None:
        """The kernel gives the dead process's locks back."""
        dead, self._service = self._service, None
        self.clock = WorldNow(self.world, self.clock.behind)
        if dead is not None:
            with contextlib.suppress(Killed):
                dead.store.close()


def _environ(store: str, erp: str) -> dict[str, str]:
    """What the settings demand; of the vendors only Stripe's key is ever used."""
    names = {
        "netsuite": ("CONSUMER_KEY", "CONSUMER_SECRET", "TOKEN_ID", "TOKEN_SECRET"),
        "intacct": ("SENDER_ID", "SENDER_PASSWORD", "COMPANY", "USER", "USER_PASSWORD"),
    }[erp]
    told = {"netsuite": {"ACCOUNT": "1000001_SB1"}, "intacct": {"LIVEMODE": "false"}}[erp]
    vendor = told | {name: f"never-used-{name.lower()}" for name in names}
    values = {
        "INSTALLATION": "t1",
        "LEDGER_ZONE": "UTC",
        "STORE": store,
        "ERP": erp,
        **{f"{erp.upper()}_{name}": value for name, value in vendor.items()},
        "STRIPE_API_KEY": API_KEY,
        "STRIPE_LIVEMODE": "false",
        "STRIPE_CUTOVER_ON": "2012-01-01",
        "MAIL_HOST": "localhost",
        "MAIL_REDIRECT_ALL_TO": PostAtHand.redirect_all_to,
        "TIMINGS_TICK_SECONDS": "1",
    }
    return {f"CONNECTOR_{name}": value for name, value in values.items()}


@contextmanager
def ledger_desk(folder: Path, erp: ErpName, now: datetime, policy: Mapping[str, str]) -> Iterator[LedgerDesk]:
    """A world at hand and a connector on it; of both nothing is left at the end."""
    world = LedgerWorld(erp, now)
    with ExitStack() as replaced:
        for place, name, made in (
            (wiring, "Outside", lambda *given: _Outside(world, *given)),
            (wiring, "Engine", lambda _, jobs: EngineAtHand(jobs)),
            (stripe, "RequestsClient", lambda *_, **__: StripeTransport(world.stripe)),
            (stripe.HTTPClient, "INITIAL_DELAY", 0),
            (stripe.HTTPClient, "MAX_DELAY", 0),
        ):
            replaced.enter_context(patch.object(place, name, made))
        at = LedgerDesk(world, folder, policy)
        try:
            yield at
        finally:
            at.close()
