"""The shapes of Stripe's objects in API version 2026-10-28.endive, as plain JSON values.

Field names and types follow the annotations of the `stripe` package 16.1.0; the values are our own. `charge.invoice`
and `payment_intent.invoice` are not there: they were removed in 2025-03-31.basil, the link is `invoice_payment`.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

API_VERSION = "2026-10-28.endive"
DAY_SECONDS = 86_400
# How a payer pays, and Stripe's word for it. A bank transfer is money of the customer's cash balance.
METHOD_TYPES = {"card": "card", "ach": "us_bank_account", "bank_transfer": "customer_balance"}
METHODS = {type: method for method, type in METHOD_TYPES.items()}


def fee_minor(amount: int, method: str) -> int:
    """Stripe's price list for the US: cards 2.9 % + 0.30, ACH debit 0.8 % and bank transfer 0.5 %, both at most 5.00.

    In integers: the percentage is rounded half up to the minor unit, then the fixed part is added.
    """
    if method == "ach":
        return min(500, (amount * 8 + 500) // 1000)
    if method == "bank_transfer":
        return min(500, (amount * 5 + 500) // 1000)
    return (amount * 29 + 500) // 1000 + 30


def _nothing(names: str) -> Json:
    """Fields that are there and null."""
    return dict.fromkeys(names.split())


def _address() -> Json:
    return {"country": "US"} | _nothing("city line1 line2 postal_code state")


def customer(id: str, created: int, name: str, email: str, metadata: dict[str, str], currency: str) -> Json:
    return _nothing("address default_source description discount phone shipping test_clock") | {
        "id": id,
        "object": "customer",
        "balance": 0,
        "created": created,
        "currency": currency,
        "delinquent": False,
        "email": email,
        "invoice_prefix": id[-8:].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": dict(metadata),
        "name": name,
        "next_invoice_sequence": 1,
        "preferred_locales": [],
        "tax_exempt": "none",
    }


def payment_intent(
    id: str, created: int, customer: str | None, amount: int, currency: str, method: str, description: str | None,
    metadata: dict[str, str],
) -> Json:  # fmt: skip
    return _nothing(
        "application application_fee_amount automatic_payment_methods canceled_at cancellation_reason "
        "customer_account excluded_payment_method_types last_payment_error latest_charge next_action "
        "on_behalf_of payment_method_configuration_details processing receipt_email review setup_future_usage "
        "shipping source statement_descriptor statement_descriptor_suffix transfer_data transfer_group"
    ) | {
        "id": id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "capture_method": "automatic",
        "client_secret": f"{id}_secret_sandbox",
        "confirmation_method": "automatic",
        "created": created,
        "currency": currency,
        "customer": customer,
        "description": description,
        "livemode": False,
        "metadata": dict(metadata),
        "payment_method": f"pm_{id[3:]}",
        "payment_method_options": {},
        "payment_method_types": [METHOD_TYPES[method]],
        "status": "processing",
    }


def _method_details(method: str) -> Json:
    if method == "ach":
        bank = {
            "account_holder_type": "company",
            "account_type": "checking",
            "bank_name": "SANDBOX BANK",
            "expected_debit_date": None,
            "fingerprint": "sandboxbank00001",
            "last4": "6789",
            "mandate": None,
            "payment_reference": None,
            "routing_number": "110000000",
        }
        return {"type": "us_bank_account", "us_bank_account": bank}
    if method == "bank_transfer":
        return {"type": "customer_balance", "customer_balance": {}}
    card = {
        "amount_authorized": None,
        "authorization_code": None,
        "brand": "visa",
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "US",
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": "sandboxcard00001",
        "funding": "credit",
        "installments": None,
        "last4": "4242",
        "mandate": None,
        "network": "visa",
        "network_transaction_id": None,
        "regulated_status": None,
        "three_d_secure": None,
        "wallet": None,
    }
    return {"type": "card", "card": card}


def charge(id: str, created: int, intent: Json, method: str, payer: str | None) -> Json:
    """A charge as it is while pending. Metadata is copied from the PaymentIntent now and not kept alike later.

    `paid` is true on a pending ACH charge too (as in older recordings, unconfirmed for this version): `status` decides.
    """
    return _nothing(
        "application application_fee application_fee_amount balance_transaction failure_balance_transaction "
        "failure_code failure_message on_behalf_of presentment_details receipt_email receipt_number "
        "receipt_url review shipping source source_transfer statement_descriptor statement_descriptor_suffix "
        "transfer_data transfer_group"
    ) | {
        "id": id,
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"],
        "amount_refunded": 0,
        "billing_details": {"address": _address(), "name": payer} | _nothing("email phone tax_id"),
        "calculated_statement_descriptor": "SANDBOX" if method == "card" else None,
        "captured": True,
        "created": created,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "outcome": outcome("authorized"),
        "paid": True,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "payment_method_details": _method_details(method),
        "refunded": False,
        "status": "pending",
    }


def outcome(type: str, message: str = "Payment complete.") -> Json:
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network" if type == "authorized" else "declined_by_network",
        "reason": None,
        "risk_level": "normal",
        "seller_message": message,
        "type": type,
    }


def invoice(id: str, created: int, number: str, customer: str | None, amount: int, currency: str) -> Json:
    """An open invoice in Stripe of one amount; `paid_invoice` closes it."""
    return _nothing(
        "account_tax_ids application automatically_finalizes_at custom_fields customer_account customer_address "
        "customer_email customer_name customer_phone customer_shipping default_payment_method default_source "
        "description footer from_invoice invoice_pdf last_finalization_error latest_revision next_payment_attempt "
        "on_behalf_of parent receipt_number rendering shipping_cost shipping_details statement_descriptor test_clock "
        "webhooks_delivered_at"
    ) | {
        "id": id,
        "object": "invoice",
        "account_country": "US",
        "account_name": "Sandbox",
        **_invoice_amounts(amount),
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": False,
        "automatic_tax": {"enabled": False} | _nothing("disabled_reason liability provider status"),
        "billing_reason": "manual",
        "collection_method": "send_invoice",
        "created": created,
        "currency": currency,
        "customer": customer,
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
        "default_tax_rates": [],
        "discounts": [],
        "due_date": created + 30 * DAY_SECONDS,
        "effective_at": created,
        "hosted_invoice_url": f"https://pay.example/s/{id}",
        "issuer": {"type": "self"},
        "lines": {"object": "list", "data": [], "has_more": False, "url": f"/v1/invoices/{id}/lines"},
        "livemode": False,
        "metadata": {},
        "number": number,
        "payment_settings": _nothing("default_mandate payment_method_options payment_method_types"),
        "period_end": created,
        "period_start": created,
        "status": "open",
        "status_transitions": {"finalized_at": created} | _nothing("marked_uncollectible_at paid_at voided_at"),
        "total_discount_amounts": [],
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
    }


def _invoice_amounts(amount: int) -> Json:
    nothing_yet = (
        "amount_overpaid",
        "amount_paid",
        "amount_shipping",
        "ending_balance",
        "post_payment_credit_notes_amount",
        "pre_payment_credit_notes_amount",
        "starting_balance",
    )
    whole = ("amount_due", "amount_remaining", "subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax")
    return dict.fromkeys(nothing_yet, 0) | dict.fromkeys(whole, amount)


def paid_invoice(invoice: Json, paid: int, at: int) -> Json:
    """The invoice with `paid` of it paid by an instant: paid, or open (again) if that is less than what was due."""
    due = invoice["amount_due"]
    is_paid = paid >= due
    changed: Json = {
        "amount_overpaid": max(0, paid - due),
        "amount_paid": min(paid, due),
        "amount_remaining": max(0, due - paid),
        "status": "paid" if is_paid else "open",
        "status_transitions": invoice["status_transitions"] | {"paid_at": at if is_paid else None},
    }
    return invoice | changed | ({"next_payment_attempt": None} if is_paid else {})


def invoice_payment(id: str, created: int, invoice: str, intent: str, amount: int, currency: str) -> Json:
    return {
        "id": id,
        "object": "invoice_payment",
        "amount_paid": None,
        "amount_requested": amount,
        "created": created,
        "currency": currency,
        "invoice": invoice,
        "is_default": True,
        "livemode": False,
        "payment": {"type": "payment_intent", "payment_intent": intent},
        "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
    }


def event(id: str, created: int, type: str, snapshot: Json) -> Json:
    return {
        "id": id,
        "object": "event",
        "api_version": API_VERSION,
        "created": created,
        "data": {"object": snapshot},
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": None, "idempotency_key": None},
        "type": type,
    }


def account(id: str, created: int) -> Json:
    return {
        "id": id,
        "object": "account",
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active", "us_bank_account_ach_payments": "active"},
        "charges_enabled": True,
        "country": "US",
        "created": created,
        "default_currency": "usd",
        "details_submitted": True,
        "email": None,
        "metadata": {},
        "payouts_enabled": True,
        "settings": {"dashboard": {"display_name": "Sandbox", "timezone": "Etc/UTC"}},
        "type": "standard",
    }
