"""What moves our balance at Stripe, and what is in it now.

A balance transaction is classified by its `reporting_category` first, which Stripe made for accounting, and by its
`type` only where that says nothing: an `adjustment` may be a dispute, a fee or anything else. Both lists are
open-ended; what is in neither table is UNKNOWN, with Stripe's own words, and the payout that holds it is held.

Sources: the annotations of stripe 16.1.0 (`BalanceTransaction`, `Balance`),
docs.stripe.com/reports/reporting-categories.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field

from connector.adapters.stripe_api import Misread, StripeApi
from connector.adapters.stripe_wire import Wire, id_of, instant, money, understood
from connector.money import Money
from connector.ports import BalanceRead
from connector.receivables import Parked
from connector.settlement import BalanceTransaction, Category

BY_CATEGORY = {
    "charge": Category.CHARGE,
    "charge_failure": Category.CHARGE_FAILURE,
    "refund": Category.REFUND,
    "refund_failure": Category.REFUND_FAILURE,
    "dispute": Category.DISPUTE,
    "dispute_reversal": Category.DISPUTE_REVERSAL,
    "fee": Category.FEE,
    "other_adjustment": Category.ADJUSTMENT,
    "risk_reserved_funds": Category.RESERVE,
    "payout": Category.PAYOUT,
    "payout_reversal": Category.PAYOUT_REVERSAL,
    # Its type is `refund`, and it is none: the charge was captured in part only, which a person looks at anyway.
    "partial_capture_reversal": Category.UNKNOWN,
}
BY_TYPE = {
    "charge": Category.CHARGE,
    "payment": Category.CHARGE,
    "payment_failure_refund": Category.CHARGE_FAILURE,
    "payment_reversal": Category.CHARGE_FAILURE,
    "refund": Category.REFUND,
    "payment_refund": Category.REFUND,
    "refund_failure": Category.REFUND_FAILURE,
    "stripe_fee": Category.FEE,
    "stripe_fx_fee": Category.FEE,
    "tax_fee": Category.FEE,
    "reserve_transaction": Category.RESERVE,
    "reserved_funds": Category.RESERVE,
    "reserve_hold": Category.RESERVE,
    "reserve_release": Category.RESERVE,
    "payout": Category.PAYOUT,
    "payout_cancel": Category.PAYOUT_REVERSAL,
    "payout_failure": Category.PAYOUT_REVERSAL,
}
# What /v1/balance calls available and pending; reserves and the balance for cards that we issue are kept apart.
OUR_BALANCE = "payments"


class _Row(Wire):
    id: str = Field(pattern=r"^txn_\w+$")
    type: str
    reporting_category: str
    balance_type: str = OUR_BALANCE
    amount: int
    fee: int
    net: int
    currency: str = Field(pattern="^[a-z]{3}$")
    created: int
    source: Any = None


class _Amount(Wire):
    amount: int
    currency: str


class _Balance(Wire):
    livemode: bool
    available: list[_Amount]
    pending: list[_Amount]


def category_of(reporting_category: str, type: str) -> Category:
    return BY_CATEGORY.get(reporting_category) or BY_TYPE.get(type, Category.UNKNOWN)


class BalanceReader:
    """Balance transactions of a payout or since an instant, and the balance itself."""

    def __init__(self, api: StripeApi, zone: ZoneInfo, livemode: bool, source: str) -> None:
        self._api, self._zone, self._livemode, self._source = api, zone, livemode, source

    def members(self, payout: str) -> tuple[BalanceTransaction, ...]:
        """What is in this payout, without its own row. Misread, naming the row, if one of them isn't understood."""
        return tuple(
            row
            for raw in self._rows({"payout": payout})
            if not ((row := self._movement(raw)).category is Category.PAYOUT and row.source_id == payout)
        )

    def read(self, since: datetime, requested_at: datetime) -> BalanceRead:
        """What is in the balance, and what moved it since. Two requests, and one for each further hundred movements.

        The movements are read after the balance: one that comes in between is among them and not in it.
        """
        balances, parked = self._balances()
        movements: list[BalanceTransaction] = []
        for raw in self._rows({"created": {"gte": int(since.timestamp())}}):
            if raw.get("balance_type", OUR_BALANCE) != OUR_BALANCE:
                continue
            try:
                movements.append(self._movement(raw))
            except Misread as misread:
                parked.append(Parked(self._source, str(raw["id"]), misread.field.rpartition(".")[2], misread.reason))
        return BalanceRead(requested_at, tuple(balances.values()), tuple(movements), tuple(parked))

    def _rows(self, which: dict[str, Any]) -> Iterator[dict[str, Any]]:
        listing = self._api.v1.balance_transactions.list
        return self._api.pages("Balance transactions", listing, {**which, "expand": ["data.source"]})

    def _balances(self) -> tuple[dict[str, Money], list[Parked]]:
        """Available and pending together; a currency that isn't understood is left out whole, never in part."""
        raw = self._api.one("Balance", self._api.v1.balance.retrieve)
        try:
            balance = understood(_Balance, raw)
            if balance.livemode != self._livemode:
                raise Misread("livemode", f"{balance.livemode} does not agree with this installation")
        except Misread as misread:
            return {}, [Parked(self._source, "balance", misread.field, misread.reason)]
        units: dict[str, int] = defaultdict(int)
        for part in balance.available + balance.pending:
            units[part.currency] += part.amount
        totals: dict[str, Money] = {}
        parked: list[Parked] = []
        for currency, total in units.items():
            try:
                totals[currency] = money("amount", total, currency)
            except Misread as misread:
                parked.append(Parked(self._source, f"balance {currency}", misread.field, misread.reason))
        return totals, parked

    def _movement(self, raw: dict[str, Any]) -> BalanceTransaction:
        try:
            row = understood(_Row, raw)
            amount, fee, net = (
                money(name, units, row.currency)
                for name, units in (("amount", row.amount), ("fee", row.fee), ("net", row.net))
            )
            if amount - fee != net:
                raise Misread("net", f"{net} is not {amount} less the fee of {fee}")
            created_at = instant(row.created)
        except Misread as misread:
            raise Misread(f"{raw['id']}.{misread.field}", misread.reason) from None
        return BalanceTransaction(
            id=row.id,
            category=category_of(row.reporting_category, row.type),
            amount=amount,
            fee=fee,
            net=net,
            created_at=created_at,
            created_on=created_at.astimezone(self._zone).date(),
            source_id=id_of(row.source),
            payment_id=_charge_behind(row.source),
            words=f"{row.reporting_category} ({row.type})",
        )


def _charge_behind(source: object) -> str:
    """The charge that a charge, refund or dispute is about; '' for everything else."""
    if isinstance(source, dict) and source.get("object") in ("refund", "dispute"):
        source = source.get("charge")
    found = id_of(source)
    return found if found.startswith(("ch_", "py_")) else ""
