"""What the Stripe account holds, and what payers do: pay by card, start an ACH debit, see it succeed or come back."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from sandbox import stripe_objects as objects
from sandbox.stripe_objects import Json

_PREFIXES = {
    "customer": "cus_",
    "payment_intent": "pi_",
    "charge": "ch_",
    "payment": "py_",  # the charge of everything that is no card
    "balance_transaction": "txn_",
    "invoice": "in_",
    "invoice_payment": "inpay_",
    "event": "evt_",
}


class NoSuchObject(LookupError):
    """The account has no object of that id."""


class NotPossible(ValueError):
    """The object is in a state in which this can't happen."""


class Ledger:
    """All objects of one account in test mode, each kind in the order of creation. Amounts are minor units.

    A change replaces the object, so that what an event or a reader holds stays as it was. Each deed is one commit of
    the world (`sequence`) and leaves the events that Stripe would.
    """

    def __init__(self, clock: Callable[[], datetime], sequence: Callable[[str], int], *, seed: int = 0) -> None:
        self.lock = threading.RLock()
        self._clock = clock
        self._sequence = sequence
        self._seed = seed
        self._made: Counter[str] = Counter()
        self._objects: dict[str, Json] = {}
        self._order: dict[str, list[str]] = {}
        self._place: dict[str, int] = {}
        self._links: dict[str, list[str]] = {}  # PaymentIntent -> its invoice payments

    # -- reading -------------------------------------------------------------------------------------------------------

    def get(self, id: str) -> Json:
        with self.lock:
            if id not in self._objects:
                raise NoSuchObject(id)
            return self._current(self._objects[id])

    def newest_first(self, kind: str, after: str | None = None) -> Iterator[Json]:
        """Objects of one kind (Stripe's `object` name), newest first, starting behind `after`."""
        ids = self._order.get(kind, [])
        start = len(ids) if after is None else self._place_of(kind, after)
        for index in range(start - 1, -1, -1):
            yield self._current(self._objects[ids[index]])

    def oldest_first(self, kind: str, after: str) -> Iterator[Json]:
        """Objects of one kind that are newer than `after`, the oldest of them first."""
        ids = self._order.get(kind, [])
        for index in range(self._place_of(kind, after) + 1, len(ids)):
            yield self._current(self._objects[ids[index]])

    def now_seconds(self) -> int:
        return int(self._clock().timestamp())

    # -- deeds ---------------------------------------------------------------------------------------------------------

    def add_customer(
        self, name: str, email: str, *, metadata: dict[str, str] | None = None, currency: str = "USD"
    ) -> str:
        with self.lock:
            id = self._new_id("customer")
            made = objects.customer(id, self.now_seconds(), name, email, metadata or {}, currency.lower())
            self._keep(made)
            self._commit("customer.created", made)
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
        if method not in objects.METHOD_TYPES:
            raise NotPossible(f"{method!r} is no payment method of the sandbox; known: card, ach")
        if processing and method == "card":
            raise NotPossible("a card payment succeeds or fails at once; only ach stays in processing")
        if amount <= 0:
            raise NotPossible("a payment is above zero")
        with self.lock:
            id, created = self._new_id("payment_intent"), self.now_seconds()
            payer = self.get(customer)["name"] if customer else None
            made = objects.payment_intent(
                id, created, customer, amount, currency.lower(), method, description, metadata or {}
            )
            charge_id = self._new_id("charge" if method == "card" else "payment")
            charge = objects.charge(charge_id, created, made, method, payer)
            self._keep(charge)
            self._keep(made | {"latest_charge": charge_id})
            for number, part in invoices:
                self._link(made, number, part)
            self._event("payment_intent.created", made | {"status": "requires_payment_method"})
            if method == "ach":
                self._event("payment_intent.processing", self._objects[id])
                self._event("charge.pending", charge)
            if processing:
                self._sequence(f"stripe.payment_intent.processing {id}")
            else:
                self.settle(id)
            return id

    def settle(self, intent_id: str) -> None:
        """The money of a processing payment arrived: charge and PaymentIntent succeed, the balance grows."""
        with self.lock:
            intent, charge, method = self._payment(intent_id)
            if intent["status"] != "processing":
                raise NotPossible(f"{intent_id} is {intent['status']}; only a processing payment can settle")
            fee = objects.fee_minor(charge["amount"], method)
            balance = self._balance(
                charge, charge["amount"], "charge" if method == "card" else "payment", "charge", fee
            )
            charge = self._keep(charge | {"status": "succeeded", "balance_transaction": balance})
            intent = self._keep(intent | {"status": "succeeded", "amount_received": intent["amount"]})
            self._mark_invoices(intent_id, self.now_seconds())
            self._event("charge.succeeded", charge)
            self._commit("payment_intent.succeeded", intent)

    def fail(self, intent_id: str, code: str = "insufficient_funds") -> None:
        """The bank returned an ACH debit, while it was pending or within the days after it had succeeded.

        In the second case the balance shrinks again by a `payment_failure_refund`; Stripe keeps its fee.
        """
        with self.lock:
            intent, charge, method = self._payment(intent_id)
            if method == "card" or intent["status"] not in ("processing", "succeeded"):
                raise NotPossible(f"{intent_id} is a {method} payment and {intent['status']}: no bank can return it")
            changed = {
                "status": "failed",
                "paid": False,
                "failure_code": code,
                "failure_message": "The customer's bank returned the debit.",
                "outcome": objects.outcome("issuer_declined"),
            }
            if intent["status"] == "succeeded":
                changed["failure_balance_transaction"] = self._balance(
                    charge, -charge["amount"], "payment_failure_refund", "charge_failure", 0
                )
            charge = self._keep(charge | changed)
            error = {
                "type": "invalid_request_error",
                "code": "payment_intent_payment_attempt_failed",
                "charge": charge["id"],
                "message": changed["failure_message"],
                "payment_method_type": "us_bank_account",
            }
            intent = self._keep(
                intent
                | {
                    "status": "requires_payment_method",
                    "amount_received": 0,
                    "last_payment_error": error,
                    "payment_method": None,
                }
            )
            self._mark_invoices(intent_id, None)
            self._event("charge.failed", charge)
            self._commit("payment_intent.payment_failed", intent)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _payment(self, intent_id: str) -> tuple[Json, Json, str]:
        intent = self.get(intent_id)
        if intent["object"] != "payment_intent":
            raise NoSuchObject(intent_id)
        method = "ach" if "us_bank_account" in intent["payment_method_types"] else "card"
        return intent, self.get(intent["latest_charge"]), method

    def _balance(self, charge: Json, amount: int, type: str, category: str, fee: int) -> str:
        method = "card" if charge["id"].startswith("ch_") else "ach"
        id = self._new_id("balance_transaction")
        made = objects.balance_transaction(
            id, self.now_seconds(), charge["id"], amount, charge["currency"], type, category,
            fee=fee, method=method, description=charge["description"],
        )  # fmt: skip
        self._keep(made)
        return id

    def _link(self, intent: Json, number: str, amount: int) -> None:
        created = self.now_seconds()
        invoice = objects.invoice(
            self._new_id("invoice"), created, number, intent["customer"], amount, intent["currency"]
        )
        self._keep(invoice)
        link = objects.invoice_payment(
            self._new_id("invoice_payment"), created, invoice["id"], intent["id"], amount, intent["currency"]
        )
        self._links.setdefault(intent["id"], []).append(self._keep(link)["id"])
        self._event("invoice.finalized", invoice)

    def _mark_invoices(self, intent_id: str, paid_at: int | None) -> None:
        paid = paid_at is not None
        for link_id in self._links.get(intent_id, ()):
            link = self._objects[link_id]
            link = self._keep(
                link
                | {
                    "status": "paid" if paid else "open",
                    "amount_paid": link["amount_requested"] if paid else None,
                    "status_transitions": {"canceled_at": None, "paid_at": paid_at},
                }
            )
            invoice = self._keep(objects.paid_invoice(self._objects[link["invoice"]], paid_at))
            self._event("invoice_payment.paid" if paid else "invoice.payment_failed", link if paid else invoice)
            if paid:
                self._event("invoice.paid", invoice)

    def _commit(self, type: str, snapshot: Json) -> None:
        self._event(type, snapshot)
        self._sequence(f"stripe.{type} {snapshot['id']}")

    def _event(self, type: str, snapshot: Json) -> None:
        self._keep(objects.event(self._new_id("event"), self.now_seconds(), type, snapshot))

    def _keep(self, made: Json) -> Json:
        id, kind = made["id"], made["object"]
        if id not in self._objects:
            order = self._order.setdefault(kind, [])
            self._place[id] = len(order)
            order.append(id)
        self._objects[id] = made
        return made

    def _current(self, kept: Json) -> Json:
        """The object as it reads now: only a balance transaction changes by time alone."""
        if kept["object"] == "balance_transaction" and kept["available_on"] <= self.now_seconds():
            return kept | {"status": "available"}
        return kept

    def _place_of(self, kind: str, id: str) -> int:
        if self._objects.get(id, {}).get("object") != kind:
            raise NoSuchObject(id)
        return self._place[id]

    def _new_id(self, kind: str) -> str:
        """Ids look like Stripe's, are the same for the same seed and history, and say nothing by their order."""
        self._made[kind] += 1
        digest = hashlib.sha256(f"{self._seed}/{kind}/{self._made[kind]}".encode()).hexdigest()
        return _PREFIXES[kind] + digest[:24]
