"""A sandbox world whose books are the small ledger and whose services are at hand: nothing listens on a socket."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from connector.errors import Transient
from connector.settlement import Settlement, SettleThrough
from sandbox.faults import Faults, Kind
from sandbox.world import ErpName, World
from tests.fakes.ledger_books import ROLES
from tests.fakes.ledger_erp import At, LedgerErp, Trouble
from tests.fakes.ledger_people import LedgerPeople

# The sandbox's faults as troubles of the ledger. Of a record that is refused `_REFUSED` says which it is, in turn.
_TROUBLES: dict[Kind, Trouble] = {
    "too_many": Trouble.BUSY,
    "server_error": Trouble.BUSY,
    "maintenance": Trouble.BUSY,
    "drop_before": Trouble.LOST_BEFORE,
    "drop_after": Trouble.LOST_AFTER,
    "cut_after": Trouble.LOST_AFTER,
    "unreadable_after": Trouble.LOST_AFTER,
}
_REFUSALS: dict[Kind, Trouble] = {"record_refused": Trouble.REFUSED}
_REFUSED = (0, 1, 2)
# A read is tried so often, as the real adapters try theirs.
READ_ATTEMPTS = 3


@dataclass
class WeatheredLedger(LedgerErp):
    """The ledger under the world's faults."""

    faults: Faults = field(default_factory=Faults)
    service: ErpName = "netsuite"
    refusals: int = 0

    def _met(self, at: At) -> object:  # type: ignore[override]
        kinds = _TROUBLES | (_REFUSALS if at is At.ACT else {})
        for attempt in range(READ_ATTEMPTS if at in (At.READ, At.READ_BACK) else 1):
            rule = self.faults.take(self.service, at.value, tuple(kinds))
            if rule is None:
                break
            if attempt == READ_ATTEMPTS - 1 or at not in (At.READ, At.READ_BACK):
                self.refusals += rule.kind in _REFUSALS
                self.upset(at, kinds[rule.kind], _REFUSED[self.refusals % len(_REFUSED)])
        return super()._met(at)


class LedgerWorld(World):
    """`ledger` is the port, `erp` are the people. An atomic ledger stands for Intacct, one in steps for NetSuite."""

    def __init__(self, erp: ErpName, now: datetime, seed: int = 7) -> None:
        super().__init__(erp=erp, seed=seed, now=now)
        is_atomic = erp == "intacct"
        self.ledger = WeatheredLedger(
            WorldNow(self),
            customers={},
            is_atomic=is_atomic,
            name="Sage Intacct" if is_atomic else "NetSuite",
            mapping=f"mappings/{erp}.yaml",
            settles_within=timedelta(minutes=15) if is_atomic else timedelta(),
            settlements=(Settlement("USD", SettleThrough.CLEARING, roles=ROLES),),
            commits=self.sequence,
            faults=self.faults,
            service=erp,
        )
        self.erp = LedgerPeople(self.ledger)  # type: ignore[assignment]

    def meet_crm(self, operation: str) -> None:
        """What goes wrong with a request to Salesforce."""
        if self.faults.take("salesforce", operation, ("too_many", "server_error", "maintenance", "drop_before")):
            raise Transient("Salesforce could not answer just now")


class Killed(BaseException):
    """The connector was killed; what isn't committed never was."""


@dataclass
class WorldNow:
    """The connector's clock: the world's, put back by `behind` while somebody has set the machine's clock wrong. Once
    the connector is `dead` nobody who asks for the time gets on: no cleaning up that a killed process wouldn't do."""

    world: World
    behind: timedelta = timedelta()
    dead: bool = False

    def now(self) -> datetime:
        if self.dead:
            raise Killed
        return self.world.clock().astimezone(UTC) - self.behind
