"""What the Stripe account holds, and what payers do: pay by card, start an ACH debit, see it succeed or come back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from sandbox import stripe_objects as objects
from sandbox.amounts import plain
from sandbox.stripe_balance import Balance
from sandbox.stripe_cash import CashBalances
from sandbox.stripe_charges import Charges
from sandbox.stripe_invoices import Invoices, Links
from sandbox.stripe_objects import Json
from sandbox.stripe_payouts import Payouts
from sandbox.stripe_reversals import Disputes, Refunds, adjust
from sandbox.stripe_store import NoSuchObject as NoSuchObject
from sandbox.stripe_store import NotPossible as NotPossible
from sandbox.stripe_store import Store


class Ledger:
    """All of one account in test mode. Amounts are minor units. Each deed is one commit of the world and leaves the
    events that Stripe would; what isn't about a single payment is with `payouts`, `refunds`, `disputes`, `cash`,
    `invoices` and `balance`.
    """

    def __init__(self, clock: Callable[[], datetime], sequence: Callable[[str], int], *, seed: int = 0) -> None:
        self.store = Store(clock, sequence, seed=seed)
        self.lock = self.store.lock
        self.balance = Balance(self.store)
        self._links = Links(self.store)
        self._charges = Charges(self.store, self.balance, self._links)
        self.payouts = Payouts(self.store, self.balance)
        self.cash = CashBalances(self.store, self._charges, self._links)
        self.refunds = Refunds(self.store, self.balance, self._charges, self.cash)
        self.disputes = Disputes(self.store, self.balance, self._charges)
        self.invoices = Invoices(self.store, self._links, self._charges)

    def get(self, id: str) -> Json:
        return self.store.get(id)

    # -- deeds ---------------------------------------------------------------------------------------------------------

    def add_customer(
        self, name: str, email: str, *, metadata: dict[str, str] | None = None, currency: str = "USD"
    ) -> str:
        with self.lock:
            id = self.store.new_id("customer")
            made = objects.customer(id, self.store.now(), name, email, metadata or {}, currency.lower())
            self.store.commit("customer.created", self.store.keep(made))
            return id

    def pay(
        self,
        customer: str | None,
        amount: int,
        currency: str,
        *,
        method: str = "card",
        processing: bool = False,
        description: str | None = None,
        metadata: dict[str, str] | None = None,
        invoices: Sequence[tuple[str, int]] = (),
    ) -> str:
        """A payer pays; returns the PaymentIntent. Cards succeed at once, ACH debits too unless `processing`.

        `invoices`: (number, amount) pairs that exist as invoices in Stripe and are linked by invoice payments.
        """
        if method not in ("card", "ach"):
            raise NotPossible(f"{method!r} is no payment method of the sandbox; known: card, ach")
        if processing and method == "card":
            raise NotPossible("a card payment succeeds or fails at once; only ach stays in processing")
        if amount <= 0:
            raise NotPossible("a payment is above zero")
        with self.lock:
            id = self._charges.begin(customer, amount, currency, method, description, metadata)
            for number, part in invoices:
                self._links.add(self.get(id), number, part)
            if processing:
                self.store.note("payment_intent.processing", self.get(id))
            else:
                self.settle(id)
            return id

    def settle(self, intent_id: str) -> None:
        """The money of a processing payment arrived: charge and PaymentIntent succeed, the balance grows."""
        with self.lock:
            self._charges.succeed(intent_id)

    def fail(self, intent_id: str, code: str = "insufficient_funds") -> None:
        """The bank returned an ACH debit, while it was pending or within the days after it had succeeded.

        In the second case the balance shrinks again by a `payment_failure_refund`; Stripe keeps its fee.
        """
        with self.lock:
            self._charges.send_back(intent_id, code)

    def adjust(
        self, amount: int, currency: str, category: str, *, type: str = "", description: str | None = None
    ) -> str:
        """A row that is about no payment; see `stripe_reversals.adjust`."""
        return adjust(self.store, self.balance, amount, currency, category, type=type, description=description)

    # -- the truth -----------------------------------------------------------------------------------------------------

    def truth(self) -> Json:
        """Balance and money on its way by currency, every payout with its real members, and the cash balances.

        Amounts are decimal strings.
        """
        with self.lock:
            payouts = list(self.store.select("payout"))
            travelling: Counter[str] = Counter()
            for payout in payouts:
                if payout["status"] in ("pending", "in_transit"):
                    travelling[payout["currency"]] += payout["amount"]
            balances = {
                currency.upper(): {
                    "available": plain(available, currency),
                    "pending": plain(pending, currency),
                    "in_transit": plain(travelling[currency], currency),
                }
                for currency, (available, pending) in self.balance.sums().items()
            }
            return {
                "stripe_balances": balances,
                "payouts": [self.payout(payout["id"]) for payout in reversed(payouts)],
                "cash_balances": [
                    {"stripe_id": customer, "currency": currency.upper(), "available": plain(held, currency)}
                    for customer, sums in self.cash.held().items()
                    for currency, held in sums.items()
                ],
            }

    def payout(self, id: str) -> Json:
        """A payout with its real members, none of them its own row. Amounts are decimal strings."""
        payout = self.store.get(id, "payout")
        currency = payout["currency"]
        members = [row for row in self.payouts.members(payout["id"]) if row["source"] != payout["id"]]
        return {
            "payout": payout["id"],
            "currency": currency.upper(),
            "amount": plain(payout["amount"], currency),
            "state": payout["status"],
            "reconciliation": payout["reconciliation_status"],
            "automatic": payout["automatic"],
            "arrives_on": datetime.fromtimestamp(payout["arrival_date"], UTC).date().isoformat(),
            "members": [self._member(row) for row in members],
        }

    def _member(self, row: Json) -> Json:
        plain_amounts = {name: plain(row[name], row["currency"]) for name in ("amount", "fee", "net")}
        return {
            "id": row["id"],
            "type": row["type"],
            "category": row["reporting_category"],
            "source": row["source"],
        } | plain_amounts
