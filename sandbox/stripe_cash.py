"""Cash balances: bank transfers that reached a customer's virtual account and wait there until they are applied.

A transfer (`funded`) moves no balance of ours. Applied to payments it becomes one charge of each PaymentIntent, and
only these come into the balance. Nothing is applied by itself. Amounts are minor units.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from sandbox import stripe_money_objects as shapes
from sandbox.stripe_charges import Charges
from sandbox.stripe_invoices import Links
from sandbox.stripe_objects import Json
from sandbox.stripe_store import NotPossible, Store


@dataclass(frozen=True, slots=True)
class Drawn:
    """A payment that is to be made from a cash balance. `invoices`: (number, amount) pairs linked in Stripe."""

    amount: int
    description: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    invoices: Sequence[tuple[str, int]] = ()


class CashBalances:
    def __init__(self, store: Store, charges: Charges, links: Links) -> None:
        self._store = store
        self._charges = charges
        self._links = links
        self._held: dict[str, dict[str, int]] = defaultdict(dict)  # customer -> currency -> what is there

    def held(self) -> dict[str, dict[str, int]]:
        """What each customer has there, by currency; nothing is left out where nothing is."""
        found = {customer: {c: n for c, n in sums.items() if n} for customer, sums in self._held.items()}
        return {customer: sums for customer, sums in found.items() if sums}

    def shown(self, customer: str) -> Json:
        """The cash balance object of a customer."""
        self._store.get(customer, "customer")
        return shapes.cash_balance(customer, self.held().get(customer, {}))

    # -- deeds ---------------------------------------------------------------------------------------------------------

    def fund(
        self,
        customer: str,
        amount: int,
        currency: str,
        *,
        reference: str | None = None,
        network: str = "domestic_wire_us",
        sender: str | None = None,
    ) -> str:
        """A bank transfer arrived; returns the movement. `reference` is what the payer wrote."""
        with self._store.lock:
            if currency not in shapes.TRANSFER_TYPES or amount <= 0:
                raise NotPossible(f"no bank transfer of {amount} {currency} can arrive")
            payer = sender or self._store.get(customer, "customer")["name"]
            made = self._move(customer, amount, currency, "funded", shapes.funded(currency, reference, network, payer))
            self._store.event("cash_balance.funds_available", self.shown(customer))
            self._store.note("customer_cash_balance_transaction.funded", made)
            return str(made["id"])

    def apply(self, customer: str, currency: str, drawn: Sequence[Drawn]) -> list[str]:
        """Pay from the cash balance: one PaymentIntent with one charge for each; returns the PaymentIntents."""
        with self._store.lock:
            self._need(customer, currency, sum(part.amount for part in drawn))
            if any(part.amount <= 0 for part in drawn):
                raise NotPossible("each payment is above zero")
            return [self._pay(customer, currency, part) for part in drawn]

    def send_back(self, customer: str, currency: str, amount: int | None = None) -> str:
        """Stripe returns money to the payer's bank, all of it unless told; returns the movement."""
        with self._store.lock:
            amount = self._held[customer].get(currency, 0) if amount is None else amount
            self._need(customer, currency, amount)
            made = self._move(customer, -amount, currency, "return_initiated", None)
            self._store.note("customer_cash_balance_transaction.return_initiated", made)
            return str(made["id"])

    def put_back(self, customer: str, amount: int, currency: str, refund: str) -> None:
        """A refund of a payment that was made from here."""
        self._move(customer, amount, currency, "refunded_from_payment", {"refund": refund})

    # -- inside --------------------------------------------------------------------------------------------------------

    def _need(self, customer: str, currency: str, amount: int) -> None:
        held = self._held[self._store.get(customer, "customer")["id"]].get(currency, 0)
        if not 0 < amount <= held:
            raise NotPossible(f"{customer} has {held} {currency} in its cash balance; {amount} can't leave it")

    def _pay(self, customer: str, currency: str, part: Drawn) -> str:
        intent = self._charges.begin(customer, part.amount, currency, "bank_transfer", part.description, part.metadata)
        for number, amount in part.invoices:
            self._links.add(self._store.get(intent), number, amount)
        self._move(customer, -part.amount, currency, "applied_to_payment", {"payment_intent": intent})
        self._charges.succeed(intent)
        return intent

    def _move(self, customer: str, net: int, currency: str, type: str, said: Json | None) -> Json:
        held = self._held[customer]
        held[currency] = held.get(currency, 0) + net
        made = shapes.cash_movement(
            self._store.new_id("customer_cash_balance_transaction"), self._store.now(), customer, currency, net,
            held[currency], type, said,
        )  # fmt: skip
        self._store.event("customer_cash_balance_transaction.created", self._store.keep(made))
        return made
