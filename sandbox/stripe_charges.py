"""Charges: one attempt to take money for a PaymentIntent, from pending to succeeded, failed or sent back by a bank."""

from __future__ import annotations

from sandbox import stripe_objects as objects
from sandbox.stripe_balance import Balance
from sandbox.stripe_invoices import Links
from sandbox.stripe_objects import Json
from sandbox.stripe_store import NoSuchObject, NotPossible, Store


class Charges:
    """What all ways to pay have in common: card, ACH debit, and money of a customer's cash balance."""

    def __init__(self, store: Store, balance: Balance, links: Links) -> None:
        self._store = store
        self._balance = balance
        self._links = links

    def find(self, name: str) -> tuple[Json, Json, str]:
        """A payment by its PaymentIntent or its charge: both of them, and the method."""
        found = self._store.get(name)
        if found["object"] == "charge":
            found = self._store.get(found["payment_intent"])
        if found["object"] != "payment_intent" or not found["latest_charge"]:
            raise NoSuchObject(name)
        method = objects.METHODS[found["payment_method_types"][0]]
        return found, self._store.get(found["latest_charge"]), method

    def begin(
        self,
        customer: str | None,
        amount: int,
        currency: str,
        method: str,
        description: str | None = None,
        metadata: dict[str, str] | None = None,
    ) -> str:
        """A PaymentIntent with a pending charge; returns the PaymentIntent."""
        id = self._store.new_id("payment_intent")
        made = objects.payment_intent(
            id, self._store.now(), customer, amount, currency.lower(), method, description, metadata or {}
        )
        self._store.keep(made)
        self._store.event("payment_intent.created", made | {"status": "requires_payment_method"})
        self.attempt(id, method)
        return id

    def attempt(self, intent_id: str, method: str) -> None:
        """One more charge of a PaymentIntent that has none under way."""
        intent = self._store.get(intent_id, "payment_intent")
        payer = self._store.get(intent["customer"])["name"] if intent["customer"] else None
        charge_id = self._store.new_id("charge" if method == "card" else "payment")
        intent = intent | {
            "latest_charge": charge_id,
            "payment_method": f"pm_{charge_id[3:]}",
            "payment_method_types": [objects.METHOD_TYPES[method]],
            "status": "processing",
        }
        charge = self._store.keep(objects.charge(charge_id, self._store.now(), intent, method, payer))
        self._store.keep(intent)
        if method == "ach":
            self._store.event("payment_intent.processing", intent)
            self._store.event("charge.pending", charge)

    def succeed(self, intent_id: str) -> None:
        """The money of a processing payment arrived: charge and PaymentIntent succeed, the balance grows."""
        intent, charge, method = self.find(intent_id)
        if intent["status"] != "processing":
            raise NotPossible(f"{intent_id} is {intent['status']}; only a processing payment can settle")
        row = self._balance.book_payment(charge, method)
        charge = self._store.keep(charge | {"status": "succeeded", "balance_transaction": row["id"]})
        intent = self._store.keep(intent | {"status": "succeeded", "amount_received": intent["amount"]})
        self._links.mark(intent["id"], self._store.now())
        self._store.event("charge.succeeded", charge)
        self._store.commit("payment_intent.succeeded", intent)

    def send_back(self, intent_id: str, code: str) -> None:
        """The bank returned an ACH debit, while it was pending or within the days after it had succeeded.

        In the second case the balance shrinks again by a `payment_failure_refund`; Stripe keeps its fee.
        """
        intent, charge, method = self.find(intent_id)
        if method != "ach" or intent["status"] not in ("processing", "succeeded"):
            raise NotPossible(f"{intent_id} is a {method} payment and {intent['status']}: no bank can return it")
        changed: Json = {}
        if intent["status"] == "succeeded":
            row = self._balance.book_back(
                charge["id"], charge, -charge["amount"], "payment_failure_refund", "charge_failure",
                description=charge["description"],
            )  # fmt: skip
            changed["failure_balance_transaction"] = row["id"]
        self._fail(intent, charge, code, "The customer's bank returned the debit.", changed)

    def decline(self, intent_id: str, code: str) -> None:
        """The attempt that is under way is refused; no money moved."""
        intent, charge, _ = self.find(intent_id)
        self._fail(intent, charge, code, "The payment was declined.", {})

    def _fail(self, intent: Json, charge: Json, code: str, message: str, changed: Json) -> None:
        changed = changed | {
            "status": "failed",
            "paid": False,
            "failure_code": code,
            "failure_message": message,
            "outcome": objects.outcome("issuer_declined", message),
        }
        charge = self._store.keep(charge | changed)
        is_card = charge["id"].startswith("ch_")
        error = {
            "type": "card_error" if is_card else "invalid_request_error",
            "code": code if is_card else "payment_intent_payment_attempt_failed",
            "charge": charge["id"],
            "message": message,
            "payment_method_type": intent["payment_method_types"][0],
        }
        unpaid = {
            "status": "requires_payment_method",
            "amount_received": 0,
            "last_payment_error": error,
            "payment_method": None,
        }
        intent = self._store.keep(intent | unpaid)
        self._links.mark(intent["id"], None)
        self._store.event("charge.failed", charge)
        self._store.commit("payment_intent.payment_failed", intent)
