"""Money that leaves the balance again: refunds that we give, disputes that a payer opens, and Stripe's own corrections.

Amounts are minor units of the charge's currency; the rows are in the currency that it is settled in.
"""

from __future__ import annotations

from sandbox import stripe_money_objects as shapes
from sandbox.stripe_balance import Balance
from sandbox.stripe_cash import CashBalances
from sandbox.stripe_charges import Charges
from sandbox.stripe_objects import DAY_SECONDS, Json
from sandbox.stripe_store import NotPossible, Store

DISPUTE_FEE = 1500  # 15.00 of a currency with two decimals
_EVIDENCE_DAYS = 9
# The reporting categories that Stripe is known to use for a row of each type; any other category is an `adjustment`.
_ADJUSTMENT_TYPES = {"fee": "stripe_fee", "risk_reserved_funds": "reserved_funds", "tax": "tax_fee", "topup": "topup"}


class Refunds:
    """Money given back to a payer: pending or succeeded, and perhaps failed later."""

    def __init__(self, store: Store, balance: Balance, charges: Charges, cash: CashBalances) -> None:
        self._store = store
        self._balance = balance
        self._charges = charges
        self._cash = cash

    def create(
        self, payment: str, amount: int | None = None, *, pending: bool = False, reason: str | None = None
    ) -> str:
        """Give back a part, or what is left, of a payment; Stripe keeps its fee. Returns the refund.

        What was paid from a cash balance goes back there.
        """
        with self._store.lock:
            intent, charge, method = self._charges.find(payment)
            left = charge["amount"] - charge["amount_refunded"]
            amount = left if amount is None else amount
            if charge["status"] != "succeeded" or not 0 < amount <= left:
                raise NotPossible(f"{charge['id']} is {charge['status']} and has {left} left; {amount} can't go back")
            disputes = self._store.select("dispute", {"charge": charge["id"]})
            if any(dispute["status"] not in ("won", "warning_closed") for dispute in disputes):
                raise NotPossible(f"{charge['id']} is disputed; its money can't be refunded")
            id = self._store.new_id("refund" if method == "card" else "payment_refund")
            status = "pending" if pending else "succeeded"
            made = shapes.refund(id, self._store.now(), charge, amount, method, status, reason)
            row = self._balance.book_back(
                id, charge, -amount, "refund" if method == "card" else "payment_refund", "refund",
                description=f"REFUND FOR {'CHARGE' if method == 'card' else 'PAYMENT'}",
            )  # fmt: skip
            made = self._store.keep(made | {"balance_transaction": row["id"]})
            charge = self._refunded(charge["id"], amount)
            if method == "bank_transfer":
                self._cash.put_back(intent["customer"], amount, charge["currency"], id)
            self._store.event("refund.created", made)
            self._store.commit("charge.refunded", charge)
            return id

    def settle(self, refund: str) -> None:
        """A pending refund reached the payer."""
        with self._store.lock:
            made = self._only(refund, "pending")
            self._store.commit("refund.updated", self._store.keep(made | {"status": "succeeded"}))

    def fail(self, refund: str, reason: str = "expired_or_canceled_card") -> None:
        """The payer's bank didn't take it, perhaps long after it succeeded: the money is in the balance again."""
        with self._store.lock:
            made = self._only(refund, "pending", "succeeded")
            if "customer_cash_balance" in made["destination_details"]:
                raise NotPossible(f"{refund} went into a cash balance; that can't fail")
            charge = self._refunded(made["charge"], -made["amount"])
            row = self._balance.book_back(
                refund, charge, made["amount"], "refund_failure", "refund_failure", description="REFUND FAILURE"
            )
            failed = {"status": "failed", "failure_reason": reason, "failure_balance_transaction": row["id"]}
            made = self._store.keep(made | failed)
            self._store.event("refund.updated", made)
            self._store.commit("refund.failed", made)

    def _only(self, refund: str, *states: str) -> Json:
        found = self._store.get(refund, "refund")
        if found["status"] not in states:
            raise NotPossible(f"{refund} is {found['status']}")
        return found

    def _refunded(self, charge_id: str, amount: int) -> Json:
        charge = self._store.get(charge_id)
        refunded = charge["amount_refunded"] + amount
        return self._store.keep(charge | {"amount_refunded": refunded, "refunded": refunded == charge["amount"]})


class Disputes:
    """A cardholder's dispute, or an ACH return that came too late to be a failed payment."""

    def __init__(self, store: Store, balance: Balance, charges: Charges) -> None:
        self._store = store
        self._balance = balance
        self._charges = charges

    def open(self, payment: str, amount: int | None = None, *, reason: str = "general", inquiry: bool = False) -> str:
        """The disputed amount and a fee are withdrawn at once; an inquiry moves nothing. Returns the dispute.

        A disputed ACH debit is lost at once: the bank's return is final.
        """
        with self._store.lock:
            _, charge, method = self._charges.find(payment)
            amount = charge["amount"] if amount is None else amount
            if charge["status"] != "succeeded" or amount <= 0 or method == "bank_transfer":
                raise NotPossible(f"{charge['id']} is a {method} payment and {charge['status']}; nobody disputes it")
            status = "warning_needs_response" if inquiry else "needs_response" if method == "card" else "lost"
            created = self._store.now()
            due_by = None if status == "lost" else created + _EVIDENCE_DAYS * DAY_SECONDS
            id = self._store.new_id("dispute")
            made = self._store.keep(shapes.dispute(id, created, charge, amount, reason, status, due_by))
            self._store.event("charge.updated", self._store.keep(charge | {"disputed": True}))
            self._store.event("charge.dispute.created", made)
            if not inquiry:
                made = self._move(made, -amount, DISPUTE_FEE, "dispute")
                self._store.event("charge.dispute.funds_withdrawn", made)
            if status == "lost":
                self._store.event("charge.dispute.closed", made)
            self._store.note("charge.dispute.created", made)
            return id

    def close(self, dispute: str, outcome: str) -> None:
        """`won` gives amount and fee back, `lost` nothing; an inquiry ends as `warning_closed`."""
        with self._store.lock:
            found = self._store.get(dispute, "dispute")
            inquiry = found["status"].startswith("warning")
            if found["status"] not in ("needs_response", "under_review", "warning_needs_response"):
                raise NotPossible(f"{dispute} is closed already: {found['status']}")
            if outcome not in (("warning_closed",) if inquiry else ("won", "lost")):
                raise NotPossible(f"{dispute} is {found['status']}; it can't be closed as {outcome!r}")
            made = self._store.keep(found | {"status": outcome})
            if outcome == "won":
                made = self._move(made, found["amount"], -DISPUTE_FEE, "dispute_reversal")
                self._store.event("charge.dispute.funds_reinstated", made)
            self._store.commit("charge.dispute.closed", made)

    def _move(self, dispute: Json, amount: int, fee: int, category: str) -> Json:
        charge = self._store.get(dispute["charge"])
        what = "Chargeback withdrawal" if amount < 0 else "Chargeback reversal"
        row = self._balance.book_back(
            dispute["id"], charge, amount, "adjustment", category, fee=fee, description=f"{what} for {charge['id']}"
        )
        return self._store.keep(dispute | {"balance_transactions": [*dispute["balance_transactions"], row]})


def adjust(
    store: Store,
    balance: Balance,
    amount: int,
    currency: str,
    category: str,
    *,
    type: str = "",
    description: str | None = None,
) -> str:
    """A row that is about no payment: a fee, a reserve held (negative) or released, a correction. Returns the row.

    `category` is Stripe's reporting category, or one that nobody knows yet; `type` follows from it.
    """
    with store.lock:
        if not amount:
            raise NotPossible("an adjustment of nothing is none")
        kind = type or _ADJUSTMENT_TYPES.get(category, "adjustment")
        row = balance.book(None, amount, currency, kind, category, description=description)
        store.note(f"balance_transaction.{kind}", row)
        return str(row["id"])
