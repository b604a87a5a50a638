"""A customer's cash balance at Stripe -> the wires that filled it, and which of them each charge was paid from.

A bank transfer lands in the customer's cash balance: its root is the `funded` row, and the charges drawn from it are
its children (RULES 1.3). A root is a payment of its own that shields and is never posted; what was drawn or sent back
of it counts as `refunded`, so it shields by what is left.

Stripe does not say which wire a charge was drawn from. Here the oldest is spent first, within one customer and currency
and in the order of Stripe's own list. Money that comes back (a cancelled PaymentIntent, a refund into the cash balance,
a return that was called off) goes back to the wire it was taken from, the last one first.

Facts: the annotations of stripe 16.1.0 (`CustomerCashBalanceTransaction`), docs.stripe.com/payments/customer-balance.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field

from connector.adapters.stripe_api import Misread, StripeApi, known
from connector.adapters.stripe_mapping import StripeMapping
from connector.adapters.stripe_wire import (
    Named,
    Wire,
    customer_id,
    id_of,
    instant,
    money,
    named,
    payer_of,
    understood,
)
from connector.receivables import Parked, Payment, PaymentState, Remittance

EVENT_TYPE = "customer_cash_balance_transaction.created"
EXPANDED = ["data.customer", "data.applied_to_payment.payment_intent", "data.refunded_from_payment.refund"]


# ---- Stripe's rows, as far as we read them ----


class _BankTransfer(Wire):
    type: str
    reference: str | None = None
    us_bank_transfer: dict[str, Any] | None = None
    eu_bank_transfer: dict[str, Any] | None = None
    gb_bank_transfer: dict[str, Any] | None = None
    jp_bank_transfer: dict[str, Any] | None = None

    def words(self) -> str:
        """What the payer wrote and the name that the sending bank gave."""
        ways = (self.us_bank_transfer, self.eu_bank_transfer, self.gb_bank_transfer, self.jp_bank_transfer)
        sender = next((way["sender_name"] for way in ways if way and way.get("sender_name")), "")
        return "; ".join(text.strip() for text in (self.reference, sender) if isinstance(text, str) and text.strip())


class _Funded(Wire):
    bank_transfer: _BankTransfer


class _ForIntent(Wire):
    payment_intent: Any


class _OfRefund(Wire):
    refund: Any


class CashRow(Wire):
    """One movement of the cash balance: positive into it."""

    id: str = Field(pattern=r"^ccsbtxn_\w+$")
    type: str
    created: int
    currency: str = Field(pattern="^[a-z]{3}$")
    net_amount: int
    ending_balance: int
    livemode: bool
    customer: Any = None
    funded: _Funded | None = None
    applied_to_payment: _ForIntent | None = None
    unapplied_from_payment: _ForIntent | None = None
    refunded_from_payment: _OfRefund | None = None

    @property
    def intent(self) -> str:
        """The PaymentIntent that this row is about; '' if it is about none, or Stripe doesn't say."""
        for about in (self.applied_to_payment, self.unapplied_from_payment):
            if about:
                return id_of(about.payment_intent)
        refund = self.refunded_from_payment.refund if self.refunded_from_payment else None
        return id_of(refund.get("payment_intent")) if isinstance(refund, dict) else ""


# ---- Which wire was it? ----


class _For(Enum):
    """What money was taken out of the cash balance for."""

    PAYMENT = auto()
    RETURN = auto()  # sent back to the customer's bank
    OURS = auto()  # taken over into our own balance


@dataclass(slots=True)
class Root:
    """One wire, in units of its currency: `left` is still in the cash balance, `waiting` taken for no charge yet."""

    row: CashRow
    left: int
    moved_at: int
    waiting: int = 0
    is_reversed: bool = False  # the customer's bank took it back

    @property
    def available(self) -> int:
        return self.left + self.waiting


@dataclass(slots=True)
class _Draw:
    root: Root
    units: int
    purpose: _For
    intent: str


class Purse:
    """One currency of one customer's cash balance; rows are put in oldest first, then it is closed.

    What is left of all wires - what is overdrawn = what Stripe says is in it. Misread where that breaks.
    """

    def __init__(self) -> None:
        self.roots: list[Root] = []
        self.draws: list[_Draw] = []
        self._overdrawn = 0
        self._total = 0
        self._last: tuple[int, set[int]] = (0, set())  # the last second, and the balances that its rows ended with

    def put(self, row: CashRow) -> None:
        match row.type:
            case "funded":
                self._fund(row)
            case "applied_to_payment":
                self._draw(row, _For.PAYMENT)
            case "unapplied_from_payment" | "refunded_from_payment":
                self._give_back(row, _For.PAYMENT)
            case "return_initiated":
                self._draw(row, _For.RETURN)
            case "return_canceled":
                self._give_back(row, _For.RETURN)
            case "transferred_to_balance":
                self._draw(row, _For.OURS)
            case "funding_reversed":
                self._reverse(row)
            case "adjusted_for_overdraft":
                self._cover(row)
            case unknown:
                raise Misread("type", f"{unknown!r} is not known")
        if (row.net_amount > 0) is not (row.type in _INTO):
            raise Misread("net_amount", f"{row.net_amount} is no amount of {row.type}")
        self._total += row.net_amount
        second, ends = self._last
        self._last = (row.created, {row.ending_balance} | (ends if row.created == second else set()))

    def close(self, paid: Iterable[str]) -> None:
        """All rows are in; `paid` are the PaymentIntents that became a charge.

        Money taken for one that isn't paid in full yet still counts with its wire.
        """
        if self._total not in self._last[1]:
            raise Misread("ending_balance", f"the rows add up to {self._total}, Stripe says otherwise")
        done = set(paid)
        for draw in self.draws:
            if draw.purpose is _For.PAYMENT and draw.intent not in done and not draw.root.is_reversed:
                draw.root.waiting += draw.units

    def _fund(self, row: CashRow) -> None:
        if row.funded is None:
            raise Misread("funded", "missing")
        self.roots.append(Root(row, row.net_amount, row.created))

    def _draw(self, row: CashRow, purpose: _For) -> None:
        if purpose is _For.PAYMENT and not row.intent:
            raise Misread("applied_to_payment", "missing")
        wanted = -row.net_amount
        for root in self.roots:
            part = min(root.left, wanted)
            if part:
                root.left, root.moved_at, wanted = root.left - part, row.created, wanted - part
                self.draws.append(_Draw(root, part, purpose, row.intent))
        if wanted:
            raise Misread("net_amount", "more was taken out than was there")

    def _give_back(self, row: CashRow, purpose: _For) -> None:
        coming = row.net_amount
        for draw in reversed(self.draws):
            if draw.purpose is purpose and row.intent in ("", draw.intent):
                part = min(draw.units, coming)
                draw.units, coming = draw.units - part, coming - part
                # What comes back of a wire that the bank took back first fills the hole which that left.
                filled = min(part, self._overdrawn) if draw.root.is_reversed else 0
                self._overdrawn -= filled
                draw.root.left += part - filled
                draw.root.moved_at = row.created if part else draw.root.moved_at
        if coming:
            raise Misread("net_amount", "more came back than was taken out")

    def _reverse(self, row: CashRow) -> None:
        """The bank took a wire back: the newest of just that amount. What of it was spent is overdrawn now."""
        for root in reversed(self.roots):
            if root.row.net_amount == -row.net_amount and not root.is_reversed:
                self._overdrawn += root.row.net_amount - root.left
                root.left, root.moved_at, root.is_reversed = 0, row.created, True
                return
        raise Misread("net_amount", "no wire of this amount is known")

    def _cover(self, row: CashRow) -> None:
        """Stripe took the shortfall out of our own balance."""
        if row.net_amount > self._overdrawn:
            raise Misread("net_amount", "more was covered than was overdrawn")
        self._overdrawn -= row.net_amount


_INTO = {"funded", "unapplied_from_payment", "refunded_from_payment", "return_canceled", "adjusted_for_overdraft"}


# ---- Reading ----


@dataclass(frozen=True, slots=True)
class Cash:
    """One customer's cash balance as just read.

    `drawn`: PaymentIntent -> the wire it was paid from (the first, if there were several) and the words of all of them.
    `charges`: row -> the charge that the row made.
    """

    roots: tuple[Payment, ...] = ()
    drawn: dict[str, tuple[str, str]] = field(default_factory=dict)
    charges: dict[str, str] = field(default_factory=dict)


class CashReader:
    """Reads each customer's cash balance whole, at most once; what it can't read is `parked`.

    Nothing is asked where `read_cash_balance` is off. `since`: wires that were used up before are left out.
    """

    def __init__(
        self, api: StripeApi, mapping: StripeMapping, zone: ZoneInfo, livemode: bool, source: str, since: datetime
    ) -> None:
        self._api, self._mapping, self._zone, self._livemode = api, mapping, zone, livemode
        self._source, self._since = source, since
        self._read: dict[str, Cash] = {}
        self.parked: dict[str, Parked] = {}  # by Stripe's customer id

    @property
    def payments(self) -> tuple[Payment, ...]:
        """The wires of every customer that was asked for."""
        return tuple(root for cash in self._read.values() for root in cash.roots)

    def of(self, customer: str) -> Cash:
        if not self._mapping.read_cash_balance:
            return Cash()
        if customer not in self._read:
            self._read[customer] = self._cash(customer)
        return self._read[customer]

    def holders(self) -> Iterator[str]:
        """Stripe's customers with money in their cash balance now, or with one that can't be read."""
        if not self._mapping.read_cash_balance:
            return
        params = {"expand": ["data.cash_balance"]}
        for raw in self._api.pages("Customers", self._api.v1.customers.list, params):
            balance = raw.get("cash_balance")
            available = balance.get("available") if isinstance(balance, dict) else balance
            if available is not None and (not isinstance(available, dict) or any(available.values())):
                yield str(raw["id"])

    def _cash(self, customer: str) -> Cash:
        rows: list[dict[str, Any]] = []
        try:
            listing = known("customer", self._api.v1.customers.cash_balance_transactions.list, customer)
            rows = list(self._api.pages("customers' cash balances", listing, {"expand": EXPANDED}))[::-1]
            # Oldest first; of one second a wire comes before what was paid from it.
            rows.sort(key=lambda row: (_second(row), row.get("type") != "funded"))
            return self._understood(rows)
        except Misread as misread:
            # Under the id of the oldest wire, which is forgotten when the wire is understood. The payer isn't chased.
            record = rows[0]["id"] if rows else customer
            payer = payer_of([row.get("customer") for row in rows], self._mapping.customer_id_keys)
            where = misread.field if rows else "customer"
            self.parked[customer] = Parked(self._source, record, where, misread.reason, payer)
            return Cash()

    def _understood(self, raw: Sequence[dict[str, Any]]) -> Cash:
        """Raises Misread naming the row and its field: of a history with a hole nothing is believed."""
        purses: dict[str, Purse] = {}
        intents: dict[str, Named] = {}
        charges: dict[str, str] = {}
        for one in raw:
            try:
                row = understood(CashRow, one)
                if row.livemode != self._livemode:
                    raise Misread("livemode", f"{row.livemode} does not agree with this installation")
                purses.setdefault(row.currency, Purse()).put(row)
                if row.applied_to_payment:
                    intent = named("applied_to_payment.payment_intent", row.applied_to_payment.payment_intent)
                    if intent:
                        intents[intent.id] = intent
                        charges[row.id] = id_of(intent.latest_charge)
            except Misread as misread:
                raise Misread(f"{one['id']}.{misread.field}", misread.reason) from None
        paid = {id for id, intent in intents.items() if intent.status == "succeeded"}
        drawn: dict[str, tuple[str, str]] = {}
        for purse in purses.values():
            purse.close(paid)
            for draw in purse.draws:
                if draw.purpose is not _For.PAYMENT:
                    continue
                first, words = drawn.get(draw.intent, (draw.root.row.id, ""))
                drawn[draw.intent] = (first, _joined(words, _words(draw.root)))
        roots = [self._payment(root) for purse in purses.values() for root in purse.roots if self._matters(root)]
        return Cash(tuple(roots), drawn, {row: charge for row, charge in charges.items() if charge})

    def _matters(self, root: Root) -> bool:
        return bool(root.available) or instant(root.moved_at) >= self._since

    def _payment(self, root: Root) -> Payment:
        row = root.row
        customer = named("customer", row.customer)
        spent = row.net_amount - root.available
        received_at = instant(row.created)
        return Payment(
            id=row.id,
            amount=money("net_amount", row.net_amount, row.currency),
            # Charges that were drawn from a wire that came back need a person.
            state=PaymentState.RETURNED if root.is_reversed else PaymentState.FUNDED,
            received_at=received_at,
            received_on=received_at.astimezone(self._zone).date(),
            customer_id=customer_id([customer.metadata] if customer else [], self._mapping.customer_id_keys),
            payer=customer.id if customer else "",
            remittance=Remittance(text=_words(root)),
            refunded=money("net_amount", spent, row.currency) if spent else None,
            livemode=row.livemode,
        )


def _second(row: dict[str, Any]) -> int:
    created = row.get("created")
    return created if isinstance(created, int) else 0


def _words(root: Root) -> str:
    return root.row.funded.bank_transfer.words() if root.row.funded else ""


def _joined(words: str, more: str) -> str:
    return "; ".join(dict.fromkeys(text for text in (words, more) if text))
