"""Stripe payouts -> values with their members. Nothing is judged here: what a payout becomes is decisions/payouts.py's.

A payout is seen several times: created, on its way, paid, reconciled, and sometimes failed within five business days
after `paid`. So each read lists those of the last days again, fetches older ones that are still open by id, and returns
only what is new or changed since the read before. A balance transaction does not name its payout: members are known by
asking for them, and only of automatic payouts that Stripe has reconciled; a manual or instant payout's are not known to
Stripe.

Sources: the annotations of stripe 16.1.0 (`Payout`), docs.stripe.com/payouts/reconciliation.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pydantic import Field

from connector.adapters.stripe_api import Misread, StripeApi
from connector.adapters.stripe_balance import BalanceReader
from connector.adapters.stripe_wire import Wire, instant, money, understood
from connector.ports import PayoutRead
from connector.receivables import Parked
from connector.settlement import Payout, PayoutState

PAID_FINAL_AFTER = timedelta(days=7)  # `paid` may turn to `failed` within 5 business days
OPEN_MAX = 200  # fetched by id in one read


class _Payout(Wire):
    id: str = Field(pattern=r"^po_\w+$")
    amount: int
    currency: str = Field(pattern="^[a-z]{3}$")
    status: str
    automatic: bool
    reconciliation_status: str
    created: int
    arrival_date: int
    livemode: bool

    @property
    def facts(self) -> str:
        """What may change of a payout; its members don't, once it is reconciled."""
        return f"{self.status} {self.reconciliation_status} {self.arrival_date} {self.amount}"

    @property
    def is_reconciled(self) -> bool:
        return self.reconciliation_status == "completed"

    def arrives_on(self) -> date:
        """A date, written as midnight in UTC: in the ledger's zone it would be the evening before."""
        return instant(self.arrival_date, "arrival_date").date()

    def is_open(self, now: datetime) -> bool:
        if self.status in (PayoutState.FAILED, PayoutState.CANCELED):
            return False
        if self.status != PayoutState.PAID or self.reconciliation_status == "in_progress":
            return True
        return now < instant(self.arrival_date, "arrival_date") + PAID_FINAL_AFTER


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Where reading got to, what was known then of the payouts that will be met again, and which are still open."""

    at: datetime
    known: dict[str, str] = field(default_factory=dict)
    open: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str) -> _Cursor | None:
        """A cursor is a hint: one that can't be read is dropped, and reading starts at the cutover again."""
        try:
            data = json.loads(text)
            at = datetime.fromisoformat(data["at"])
            known = {str(id): str(facts) for id, facts in data["known"].items()}
            return cls(at.astimezone(UTC), known, tuple(map(str, data["open"]))) if at.tzinfo else None
        except (ValueError, TypeError, KeyError, AttributeError):
            return None

    def text(self) -> str:
        return json.dumps({"at": self.at.isoformat(), "known": self.known, "open": list(self.open)})


class PayoutReader:
    """`first_at` is the begin of the cutover day; payouts of the overlap before it may still be on their way."""

    def __init__(
        self,
        api: StripeApi,
        balance: BalanceReader,
        livemode: bool,
        source: str,
        *,
        first_at: datetime,
        overlap: timedelta,
    ) -> None:
        self._api, self._balance, self._livemode, self._source = api, balance, livemode, source
        self._first_at, self._overlap = first_at, overlap

    def read(self, cursor: str, now: datetime) -> PayoutRead:
        """One request where nothing changed; else one more for each hundred members of a payout that did.

        Raises Transient or Terminal when the read is not complete: nothing of it counts then, the cursor stays.
        """
        position = _Cursor.read(cursor)
        before = position or _Cursor(self._first_at)
        payouts: list[Payout] = []
        parked: list[Parked] = []
        known: dict[str, str] = {}
        still_open: list[str] = []
        for id, raw in self._found(before).items():
            try:
                payout = self._seen(raw)
                if payout.is_open(now):
                    still_open.append(id)
                if payout.facts != before.known.get(id):
                    payouts.append(self._payout(payout))
                known[id] = payout.facts
            except Misread as misread:
                still_open.append(id)
                parked.append(Parked(self._source, id, misread.field, misread.reason))
        after = _Cursor(now, known, tuple(dict.fromkeys(still_open))[:OPEN_MAX])
        return PayoutRead(now, after.text(), tuple(payouts), tuple(parked))

    def _found(self, before: _Cursor) -> dict[str, dict[str, Any] | Misread]:
        """Each payout of the last days and each older one that is open, as Stripe has it now."""
        since = {"created": {"gte": int((before.at - self._overlap).timestamp())}}
        listed = self._api.pages("Payouts", self._api.v1.payouts.list, since)
        found: dict[str, dict[str, Any] | Misread] = {str(raw["id"]): raw for raw in listed}
        for id in before.open:
            if id in found:
                continue
            try:
                raw = self._api.retrieve("Payouts", self._api.v1.payouts.retrieve, id)
                found[id] = raw if isinstance(raw, dict) else Misread("object", "no payout")
            except Misread as misread:
                found[id] = misread
        return found

    def _seen(self, raw: dict[str, Any] | Misread) -> _Payout:
        if isinstance(raw, Misread):
            raise raw
        payout = understood(_Payout, raw)
        if payout.livemode != self._livemode:
            raise Misread("livemode", f"{payout.livemode} does not agree with this installation")
        if payout.status not in set(PayoutState):
            raise Misread("status", f"{payout.status!r} is not known")
        return payout

    def _payout(self, payout: _Payout) -> Payout:
        amount = money("amount", payout.amount, payout.currency)
        members = self._balance.members(payout.id) if payout.automatic and payout.is_reconciled else ()
        for member in members:
            if member.net.currency != amount.currency:
                raise Misread(f"{member.id}.currency", f"{member.net.currency} in a payout of {amount.currency}")
        return Payout(
            id=payout.id,
            amount=amount,
            state=PayoutState(payout.status),
            is_automatic=payout.automatic,
            is_reconciled=payout.is_reconciled,
            created_at=instant(payout.created),
            arrives_on=payout.arrives_on(),
            members=members,
        )
