"""Stripe's own invoices, where they get in the way of ours: those that it collects itself, and those that it mails."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from connector.adapters.stripe_api import Misread, StripeApi
from connector.adapters.stripe_mapping import StripeMapping
from connector.adapters.stripe_wire import Wire, id_of, instant, understood, values
from connector.errors import Terminal
from connector.ports import OtherSender
from connector.settlement import Autopay


class _Invoice(Wire):
    id: str
    livemode: bool
    number: str | None = None
    customer: Any = None
    metadata: dict[str, str] | None = None
    attempted: bool
    attempt_count: int
    next_payment_attempt: int | None = None


class InvoiceReader:
    def __init__(self, api: StripeApi, mapping: StripeMapping, zone: ZoneInfo, livemode: bool) -> None:
        self._api, self._mapping, self._zone, self._livemode = api, mapping, zone, livemode

    def autopay(self) -> tuple[Autopay, ...]:
        """Open invoices that Stripe collects by itself; one request for each hundred, none where it is switched off.

        `has_failed`: an attempt was made and the invoice is still open. A debit on its way is such an attempt too;
        until it succeeds or fails its own payment, which is processing, shields. Raises Terminal if an invoice isn't
        understood: without it its customer might be chased.
        """
        if not self._mapping.read_autopay:
            return ()
        params = {"status": "open", "collection_method": "charge_automatically"}
        return tuple(self._autopay(raw) for raw in self._api.pages("Invoices", self._api.v1.invoices.list, params))

    def _autopay(self, raw: dict[str, Any]) -> Autopay:
        try:
            invoice = understood(_Invoice, raw)
            if invoice.livemode != self._livemode:
                raise Misread("livemode", f"{invoice.livemode} does not agree with this installation")
            printed = values([invoice.metadata or {}], self._mapping.invoice_number_keys)
            number = printed[0] if printed else invoice.number
            if not number:
                raise Misread("number", "missing")
            attempt = invoice.next_payment_attempt
            return Autopay(
                invoice_number=number,
                payer=id_of(invoice.customer),
                next_attempt_on=None
                if attempt is None
                else instant(attempt, "next_payment_attempt").astimezone(self._zone).date(),
                has_failed=invoice.attempted and invoice.attempt_count > 0,
            )
        except Misread as misread:
            raise Terminal(
                f"Could not read the invoices that Stripe collects by itself: {misread.field} of {raw['id']} is not "
                f"understood ({misread.reason}). None of them was taken; look at that invoice in Stripe, or set "
                "`read_autopay: false` in mappings/stripe.yaml if Stripe collects nothing for you."
            ) from None

    def other_senders(self) -> tuple[OtherSender, ...]:
        """Does Stripe mail invoices of its own? One request; what its dashboard is set to can't be seen by any key."""
        params = {"status": "open", "collection_method": "send_invoice", "limit": 1}
        page = self._api.page("Invoices", self._api.v1.invoices.list, params)
        if not page.rows:
            return ()
        number = page.rows[0].get("number") or page.rows[0]["id"]
        what = (
            f"Stripe mails invoices to customers itself: invoice {number} is open and was sent by it. Whether it "
            "reminds of them too is set in Stripe's dashboard and can't be seen from here"
        )
        return (OtherSender("stripe_invoices", what),)
