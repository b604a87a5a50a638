"""The balance of one Stripe account: every row that moves it, and the sums that always equal the rows.

A row (balance transaction) is pending until its day and available from then on. Amounts are minor units, signed: what
comes to the account is positive.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from sandbox import stripe_money_objects as shapes
from sandbox.amounts import decimals
from sandbox.stripe_objects import DAY_SECONDS, Json, fee_minor
from sandbox.stripe_store import NotPossible, Store

# When money of a payment becomes available, in calendar days: our own round figures for a US account.
AVAILABLE_AFTER_DAYS = {"card": 2, "ach": 4, "bank_transfer": 1}
# A conversion costs one percent of the settled amount (docs.stripe.com/currencies/conversions, US accounts).
_CONVERSION_FEE = Decimal("0.01")


class Balance:
    """Rows, what is available and pending of each currency, and which rows no payout has taken yet."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._available: dict[str, int] = {"usd": 0}  # the account's own currency is shown even with nothing in it
        self._pending: dict[str, int] = defaultdict(int)
        self._coming: list[tuple[int, str, str, int]] = []  # heap: available on, row, currency, net
        self._unpaid: dict[str, dict[str, None]] = defaultdict(dict)  # by currency, rows in order of creation
        self._converted: dict[str, tuple[str, Decimal]] = {}

    # -- reading -------------------------------------------------------------------------------------------------------

    def sums(self) -> dict[str, tuple[int, int]]:
        """By currency (as Stripe writes it) what is available and what is pending now."""
        self._ripen()
        currencies = dict.fromkeys([*self._available, *self._pending])
        return {currency: (self._available.get(currency, 0), self._pending[currency]) for currency in currencies}

    def available(self, currency: str) -> int:
        return self.sums().get(currency, (0, 0))[0]

    def unpaid(self, currency: str) -> list[Json]:
        """Available rows that are in no payout yet, in order of creation."""
        rows = [self._store.get(id) for id in self._unpaid[currency]]
        return [row for row in rows if row["status"] == "available"]

    def shown(self) -> Json:
        return shapes.balance(self.sums())

    # -- booking -------------------------------------------------------------------------------------------------------

    def book(
        self,
        source: str | None,
        amount: int,
        currency: str,
        type: str,
        category: str,
        *,
        fees: Sequence[tuple[str, int]] = (),
        available_on: int | None = None,
        description: str | None = None,
        rate: Decimal | None = None,
        at_once: bool = False,
    ) -> Json:
        """Add a row in a currency of the balance, available now unless a later day is given.

        `at_once`: the money moves now although the row names a later day, as a payout's own row does.
        """
        now = self._store.now()
        available_on = now if available_on is None else max(now, available_on)
        ripe = at_once or available_on <= now
        made = self._store.keep(
            shapes.balance_transaction(
                self._store.new_id("balance_transaction"), now, available_on, source, amount, currency, type, category,
                fees=fees, description=description, rate=rate, status="available" if ripe else "pending",
            )
        )  # fmt: skip
        self._unpaid[currency][made["id"]] = None
        if ripe:
            self._available[currency] = self._available.get(currency, 0) + made["net"]
        else:
            self._pending[currency] += made["net"]
            heapq.heappush(self._coming, (available_on, made["id"], currency, made["net"]))
        return made

    def book_payment(self, charge: Json, method: str) -> Json:
        """The row of a charge that succeeded, less Stripe's fees, in the currency that it is settled in."""
        amount, currency, rate = self.settled(charge["amount"], charge["currency"])
        fees = [("Stripe processing fees", fee_minor(amount, method))]
        if rate is not None:
            conversion = int((amount * _CONVERSION_FEE).quantize(Decimal(1), ROUND_HALF_UP))
            fees.append(("Stripe currency conversion fee", conversion))
        return self.book(
            charge["id"], amount, currency, "charge" if method == "card" else "payment", "charge",
            fees=fees, available_on=self._store.now() + AVAILABLE_AFTER_DAYS[method] * DAY_SECONDS,
            description=charge["description"], rate=rate,
        )  # fmt: skip

    def book_back(
        self, source: str, charge: Json, amount: int, type: str, category: str, *, fee: int = 0, description: str = ""
    ) -> Json:
        """The row of money that goes back to the payer of a charge (negative) or comes from there again.

        Settled at today's rate. Recorded rows of this kind are available on the day that they are made; here not
        before the charge itself is, so that giving back the money of yesterday's payment needs no other money.
        """
        settled, currency, rate = self.settled(amount, charge["currency"])
        first = self._store.get(charge["balance_transaction"])["available_on"]
        return self.book(
            source, settled, currency, type, category,
            fees=[("Dispute fee", fee)] if fee else (), available_on=first, description=description or None, rate=rate,
        )  # fmt: skip

    def pay_out(self, currency: str, ids: Sequence[str]) -> None:
        """These rows are in a payout now and in no later one."""
        for id in ids:
            del self._unpaid[currency][id]

    # -- conversion ----------------------------------------------------------------------------------------------------

    def convert(self, currency: str, into: str, rate: Decimal | None) -> None:
        """From now on charges in `currency` are settled in `into`; without a rate in their own currency again."""
        if rate is None:
            self._converted.pop(currency, None)
        elif currency == into or not rate.is_finite() or rate <= 0:
            raise NotPossible(f"{currency} can't be converted into {into} at {rate}")
        else:
            self._converted[currency] = (into, rate)

    def settled(self, amount: int, currency: str) -> tuple[int, str, Decimal | None]:
        """Amount and currency as the balance has them, and the rate if another currency was converted.

        The rate is between whole units of both currencies; the product is rounded half up to the minor unit.
        """
        if currency not in self._converted:
            return amount, currency, None
        into, rate = self._converted[currency]
        exact = (amount * rate).scaleb(decimals(into) - decimals(currency))
        return int(exact.quantize(Decimal(1), ROUND_HALF_UP)), into, rate

    # -- inside --------------------------------------------------------------------------------------------------------

    def _ripen(self) -> None:
        now = self._store.now()
        while self._coming and self._coming[0][0] <= now:
            _, _, currency, net = heapq.heappop(self._coming)
            self._pending[currency] -= net
            self._available[currency] = self._available.get(currency, 0) + net
