"""Where a scene is played: one connector on one sandbox, people and customers who act, and a look after each pass."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from connector.errors import InvariantBroken
from sandbox.plan import Part
from sandbox.stripe_deeds import STRIPE_DEEDS
from tests.harness import ROOT, Desk, banked
from tests.simulation import invariants

# How the sandbox's payouts are settled, as `tests.harness.desk` takes it.
SETTLED: Mapping[str, str] = {"USD": "clearing"}


class Broken(Exception):
    """A promise was broken; each line begins with its name."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("; ".join(lines))
        self.lines = tuple(lines)


@dataclass(frozen=True)
class Billed:
    number: str
    customer: str  # the ERP's id
    units: int  # minor units


def plain(units: int) -> str:
    return f"{units // 100}.{units % 100:02}"


@dataclass
class Stage:
    """A connector on a sandbox, and what is looked at after each pass. `off`: the safeguards that are switched off."""

    at: Desk
    luck: random.Random
    off: frozenset[str]
    stopped: str = ""  # the connector stopped by itself rather than go on
    happened: list[str] = field(default_factory=list)  # what the scene is about; a scene without it shows nothing
    watched: list[Callable[[], list[str]]] = field(default_factory=list)

    @property
    def world(self) -> Any:
        return self.at.world

    def bill(self, due_in_days: int) -> Billed:
        """An invoice of a customer of its own; a week before it is due its first reminder leaves."""
        today, number = self.world.clock().date(), self.world.free_number()
        customer = self.world.add_customer(f"Customer {number}", f"ap@{number.lower()}.example", 30)
        units = self.luck.randrange(2_000, 900_000) * 2
        issued, due = today - timedelta(days=30 - due_in_days), today + timedelta(days=due_in_days)
        lines = [{"description": "Subscription", "amount": plain(units), "kind": "subscription"}]
        self.world.add_invoice(customer.id, number, issued, due, lines)
        return Billed(number, customer.id, units)

    def pay(self, billed: Billed, units: int = 0) -> str:
        """By card, naming the invoice; the charge."""
        amount = plain(units or billed.units)
        pays = [Part(billed.number, amount)]
        intent = self.world.pay(billed.customer, amount, pays=pays, description=f"Payment for {billed.number}")
        return str(self.world.stripe.ledger.get(intent)["latest_charge"])

    def by_hand(self, billed: Billed, units: int, memo: str) -> None:
        """Somebody records a payment in the ERP."""
        self.happened.append("recorded by hand")
        parts = [(self.world.invoice_id(billed.number), plain(units))]
        self.world.erp.pay_by_hand(billed.customer, plain(units), self.world.clock().date(), parts, memo)

    def part_or_whole(self, billed: Billed) -> int:
        """What is paid of it. The ERP itself refuses to be paid twice for the whole, but not for a part."""
        return billed.units // self.luck.choice((1, 2, 3, 4))

    def later(self, **more: float) -> None:
        self.world.advance_to(self.world.clock() + timedelta(**more))

    def tick(self) -> None:
        """One pass, and whether the promises hold after it."""
        try:
            self.at.tick()
        except InvariantBroken as error:
            self.stopped = str(error)
        self.look()

    def look(self) -> None:
        lines = invariants.broken(self.world, self.at.service.store)
        lines += [line for watch in self.watched for line in watch()]
        if lines:
            raise Broken(lines)

    def is_idle(self) -> bool:
        """Has nothing happened yet against which a safeguard could stand?"""
        return not self.happened and not self.world.faults.fired()

    def at_point(self, module: Any, point: str, deed: Callable[[], None]) -> Any:
        """While this lasts, the deed happens when the pass first comes by this point of the module."""
        passed: list[str] = []
        reached = module.reached

        def come_by(name: str) -> None:
            reached(name)
            if name == point and not passed:
                passed.append(name)
                self.happened.append(f"at {name}")
                deed()

        return patch.object(module, "reached", come_by)

    def stripe(self, deed: str, **said: Any) -> Any:
        """Something happens in Stripe, as the sandbox's control API has it."""
        with self.world.lock:
            return STRIPE_DEEDS[deed](self.world, **said)

    def pay_out(self) -> str:
        """Everything that Stripe has for us is available by now, paid out, listed by it, and in our bank."""
        self.later(days=8)
        payout = str(self.stripe("payout")["payout"])
        for deed in ("send_payout", "reconcile_payout", "arrive_payout"):
            self.stripe(deed, payout=payout)
        return payout

    def deposits(self, payout: str) -> list[dict[str, Any]]:
        """Deposits and journals in force that name this payout."""
        into_bank = banked(self.at.truth(), self.world.erp.accounts["bank"])
        return [one for one in into_bank if not one["voided"] and payout in f"{one['external_id']} {one['memo']}"]

    def kill(self, point: str) -> None:
        """One pass in a process of its own, without the same safeguards, that gets SIGKILL at this point."""
        self.at.close()
        self.at.approve_policy()
        environ = {k: v for k, v in os.environ.items() if not k.startswith("CONNECTOR_")} | self.at.environ
        ended = subprocess.run(
            [sys.executable, "-m", "tests.simulation.pass_without", self.world.clock().isoformat(), *sorted(self.off)],
            env=environ | {"CONNECTOR_KILL_AT": point},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if ended.returncode != -9:
            raise RuntimeError(f"the pass to be killed at {point} ended with {ended.returncode}: {ended.stderr}")
        self.happened.append(f"killed at {point}")
