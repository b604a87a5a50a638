"""Invoices that stand in Stripe: the links from payments to them, those that Stripe collects, those that it mails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox import stripe_objects as objects
from sandbox.stripe_objects import Json
from sandbox.stripe_store import NoSuchObject, NotPossible, Store

if TYPE_CHECKING:
    from sandbox.stripe_charges import Charges


class Links:
    """Which payment is for which invoices (invoice payments), and what a payment's fate does to them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, intent: Json, number: str, amount: int) -> None:
        """Link a payment to the open invoice of that number; one that isn't there is made, of this amount."""
        invoice = find(self._store, number, intent["customer"])
        if invoice is None:
            invoice = objects.invoice(
                self._store.new_id("invoice"), self._store.now(), number, intent["customer"], amount, intent["currency"]
            )
            self._store.keep(invoice)
            self._store.event("invoice.finalized", invoice)
        self.link(intent, invoice["id"], amount)

    def link(self, intent: Json, invoice: str, amount: int) -> None:
        id, created = self._store.new_id("invoice_payment"), self._store.now()
        self._store.keep(objects.invoice_payment(id, created, invoice, intent["id"], amount, intent["currency"]))

    def intent(self, invoice: str) -> str | None:
        """The PaymentIntent that an invoice is paid with, if it was tried already."""
        found = next(self._store.select("invoice_payment", {"invoice": invoice}), None)
        return None if found is None else str(found["payment"]["payment_intent"])

    def mark(self, intent_id: str, paid_at: int | None) -> None:
        """The payment succeeded at an instant, or failed or came back (None)."""
        for link in reversed(list(self._store.select("invoice_payment", {"payment": intent_id}))):
            done = {"status": "open", "amount_paid": None}
            if paid_at is not None:
                done = {"status": "paid", "amount_paid": link["amount_requested"]}
            link = self._store.keep(link | done | {"status_transitions": {"canceled_at": None, "paid_at": paid_at}})
            invoice = self._paid(link["invoice"])
            if paid_at is None:
                self._store.event("invoice.payment_failed", invoice)
                continue
            self._store.event("invoice_payment.paid", link)
            self._store.event("invoice.paid" if invoice["status"] == "paid" else "invoice.updated", invoice)

    def _paid(self, invoice: str) -> Json:
        """The invoice as its payments that succeeded leave it."""
        paid = sum(link["amount_paid"] or 0 for link in self._store.select("invoice_payment", {"invoice": invoice}))
        return self._store.keep(objects.paid_invoice(self._store.get(invoice), paid, self._store.now()))


def find(store: Store, name: str, customer: str | None = None) -> Json | None:
    """An open invoice by its id or number, of one customer if that is given."""
    try:
        return store.get(name, "invoice")
    except NoSuchObject:
        open_ones = store.select("invoice", {"number": name, "status": "open"})
        return next((row for row in open_ones if customer is None or row["customer"] == customer), None)


class Invoices:
    """Open invoices of Stripe itself: collected from a stored method, or mailed by Stripe."""

    def __init__(self, store: Store, links: Links, charges: Charges) -> None:
        self._store = store
        self._links = links
        self._charges = charges

    def add_autopay(
        self,
        customer: str,
        number: str,
        amount: int,
        currency: str,
        next_attempt: int | None,
        *,
        has_method: bool = True,
    ) -> str:
        """An invoice that Stripe collects by itself, at `next_attempt` (seconds). Without a stored method it can't."""
        with self._store.lock:
            payer = self._store.get(customer, "customer")
            if has_method:
                settings = payer["invoice_settings"] | {"default_payment_method": f"pm_{customer[4:]}"}
                self._store.event("customer.updated", self._store.keep(payer | {"invoice_settings": settings}))
            collected = {
                "auto_advance": True,
                "billing_reason": "subscription_cycle",
                "collection_method": "charge_automatically",
                "due_date": None,
                "next_payment_attempt": next_attempt,
            }
            return self._finalize(customer, number, amount, currency, collected, "invoice.finalized")

    def add_sent(self, customer: str, number: str, amount: int, currency: str, due: int | None = None) -> str:
        """An invoice that Stripe mails to the customer, with its own reminders until it is paid."""
        with self._store.lock:
            mailed: Json = {"auto_advance": True, "billing_reason": "manual", "collection_method": "send_invoice"}
            if due is not None:
                mailed["due_date"] = due
            return self._finalize(customer, number, amount, currency, mailed, "invoice.sent")

    def attempt(
        self,
        name: str,
        succeeds: bool,
        next_attempt: int | None = None,
        *,
        method: str = "card",
        code: str = "card_declined",
    ) -> str:
        """Stripe tries to collect; returns the PaymentIntent, the same one at each try.

        A card succeeds or is declined at once; an ACH debit that `succeeds` begins, and settles or fails like any.
        """
        with self._store.lock:
            invoice = self._open(name)
            if invoice["collection_method"] != "charge_automatically":
                raise NotPossible(f"{invoice['id']} is mailed, not collected")
            if method not in ("card", "ach"):
                raise NotPossible(f"{method!r} is no payment method that Stripe collects from; known: card, ach")
            tried = {
                "attempt_count": invoice["attempt_count"] + 1,
                "attempted": True,
                "next_payment_attempt": None if succeeds else next_attempt,
            }
            invoice = self._store.keep(invoice | tried)
            intent = self._begun(invoice, method)
            if not succeeds:
                self._charges.decline(intent, code)
            elif method == "card":
                self._charges.succeed(intent)
            else:
                self._store.event("invoice.updated", invoice)
                self._store.note("payment_intent.processing", self._store.get(intent))
            return intent

    def void(self, name: str) -> str:
        """The invoice is no longer owed; returns its id."""
        with self._store.lock:
            invoice = self._open(name)
            gone = {
                "status": "void",
                "next_payment_attempt": None,
                "status_transitions": invoice["status_transitions"] | {"voided_at": self._store.now()},
            }
            self._store.commit("invoice.voided", self._store.keep(invoice | gone))
            return str(invoice["id"])

    # -- inside --------------------------------------------------------------------------------------------------------

    def _open(self, name: str) -> Json:
        found = find(self._store, name)
        if found is None:
            raise NoSuchObject(name)
        if found["status"] != "open":
            raise NotPossible(f"{found['id']} is {found['status']}")
        return found

    def _begun(self, invoice: Json, method: str) -> str:
        known = self._links.intent(invoice["id"])
        if known is not None:
            if self._store.get(known)["status"] != "requires_payment_method":
                raise NotPossible(f"{known} is still under way")
            self._charges.attempt(known, method)
            return known
        intent = self._charges.begin(
            invoice["customer"], invoice["amount_due"], invoice["currency"], method, f"Invoice {invoice['number']}"
        )
        self._links.link(self._store.get(intent), invoice["id"], invoice["amount_due"])
        return intent

    def _finalize(self, customer: str, number: str, amount: int, currency: str, fields: Json, event: str) -> str:
        if amount <= 0:
            raise NotPossible("an open invoice is above zero")
        self._store.get(customer, "customer")
        made = objects.invoice(self._store.new_id("invoice"), self._store.now(), number, customer, amount, currency)
        made = self._store.keep(made | fields)
        self._store.event("invoice.created", made | {"status": "draft"})
        if event != "invoice.finalized":
            self._store.event("invoice.finalized", made)
        self._store.commit(event, made)
        return str(made["id"])
