"""The shapes of what moves or holds money in Stripe, in API version 2026-10-28.endive, as plain JSON values.

Balance and balance transactions, payouts, refunds, disputes, cash balances. As in `stripe_objects`, names and types
follow the annotations of the `stripe` package 16.1.0 and the values are our own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from sandbox.stripe_objects import Json

# docs.stripe.com/payments/bank-transfers: the currencies that have virtual bank accounts, and each one's own kind.
TRANSFER_TYPES = {
    "usd": "us_bank_transfer",
    "eur": "eu_bank_transfer",
    "gbp": "gb_bank_transfer",
    "jpy": "jp_bank_transfer",
    "mxn": "mx_bank_transfer",
}
_EVIDENCE = (
    "access_activity_log billing_address cancellation_policy cancellation_policy_disclosure cancellation_rebuttal "
    "customer_communication customer_email_address customer_name customer_purchase_ip customer_signature "
    "duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id product_description receipt "
    "refund_policy refund_policy_disclosure refund_refusal_explanation service_date service_documentation "
    "shipping_address shipping_carrier shipping_date shipping_documentation shipping_tracking_number "
    "uncategorized_file uncategorized_text"
)


def balance(sums: Mapping[str, tuple[int, int]]) -> Json:
    """By currency what is available and what is pending."""
    return {"object": "balance", "livemode": False} | {
        name: [
            {"amount": both[place], "currency": currency, "source_types": {"card": both[place]}}
            for currency, both in sums.items()
        ]
        for place, name in enumerate(("available", "pending"))
    }


def balance_transaction(
    id: str,
    created: int,
    available_on: int,
    source: str | None,
    amount: int,
    currency: str,
    type: str,
    category: str,
    *,
    fees: Sequence[tuple[str, int]] = (),
    description: str | None = None,
    rate: Decimal | None = None,
    status: str = "pending",
) -> Json:
    """`fees` are described parts, which make the fee together; `rate` only where another currency was converted."""
    fee = sum(part for _, part in fees)
    return {
        "id": id,
        "object": "balance_transaction",
        "amount": amount,
        "available_on": available_on,
        "balance_type": "payments",
        "created": created,
        "currency": currency,
        "description": description,
        "exchange_rate": None if rate is None else float(rate),  # Stripe sends a JSON number; no amount is made of it
        "fee": fee,
        "fee_details": [
            {"amount": part, "application": None, "currency": currency, "description": what, "type": "stripe_fee"}
            for what, part in fees
            if part
        ],
        "net": amount - fee,
        "reporting_category": category,
        "source": source,
        "status": status,
        "type": type,
    }


def payout(id: str, created: int, amount: int, currency: str, arrival: int, *, automatic: bool, method: str) -> Json:
    """A payout as it is created: pending, and if automatic with its members not yet told."""
    nothing = (
        "application_fee application_fee_amount failure_balance_transaction failure_code failure_message "
        "original_payout payout_method reversed_by statement_descriptor"
    )
    return dict.fromkeys(nothing.split()) | {
        "id": id,
        "object": "payout",
        "amount": amount,
        "arrival_date": arrival,
        "automatic": automatic,
        "balance_transaction": None,
        "created": created,
        "currency": currency,
        "description": "STRIPE PAYOUT",
        "destination": f"ba_sandbox{currency}",
        "livemode": False,
        "metadata": {},
        "method": method,
        "reconciliation_status": "in_progress" if automatic else "not_applicable",
        "source_type": "card",
        "status": "pending",
        "trace_id": {"status": "pending", "value": None},
        "type": "bank_account",
    }


def refund(id: str, created: int, charge: Json, amount: int, method: str, status: str, reason: str | None) -> Json:
    """Money given back. The fields of a failure are not there until it fails."""
    if method == "card":
        back = {
            "reference": None,
            "reference_status": "pending",
            "reference_type": "acquirer_reference_number",
            "type": "refund",
        }
        details: Json = {"type": "card", "card": back}
    elif method == "bank_transfer":
        details = {"type": "customer_cash_balance", "customer_cash_balance": {}}
    else:
        details = {"type": "us_bank_transfer", "us_bank_transfer": {"reference": None, "reference_status": None}}
    nothing = "balance_transaction receipt_number source_transfer_reversal transfer_reversal"
    return dict.fromkeys(nothing.split()) | {
        "id": id,
        "object": "refund",
        "amount": amount,
        "charge": charge["id"],
        "created": created,
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "destination_details": details,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": reason,
        "status": status,
    }


def dispute(id: str, created: int, charge: Json, amount: int, reason: str, status: str, due_by: int | None) -> Json:
    made = {
        "id": id,
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": created,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": dict.fromkeys(_EVIDENCE.split()) | {"enhanced_evidence": {}},
        "evidence_details": {
            "due_by": due_by,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": status.startswith("warning"),
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "status": status,
    }
    if charge["payment_method_details"]["type"] == "card":
        case = "inquiry" if status.startswith("warning") else "chargeback"
        card = {"brand": "visa", "case_type": case, "network": "visa", "network_reason_code": "13.1"}
        made["payment_method_details"] = {"type": "card", "card": card}
    return made


def cash_balance(customer: str, available: Mapping[str, int]) -> Json:
    """`available` is null where nothing is; the sandbox applies nothing by itself, so the mode is manual."""
    return {
        "object": "cash_balance",
        "available": dict(available) or None,
        "customer": customer,
        "customer_account": None,
        "livemode": False,
        "settings": {"reconciliation_mode": "manual", "using_merchant_default": True},
    }


def cash_movement(
    id: str, created: int, customer: str, currency: str, net: int, ending: int, type: str, said: Json | None
) -> Json:
    """A customer cash balance transaction; what its type tells (`said`) is in a field of the type's own name."""
    return {
        "id": id,
        "object": "customer_cash_balance_transaction",
        "created": created,
        "currency": currency,
        "customer": customer,
        "customer_account": None,
        "ending_balance": ending,
        "livemode": False,
        "net_amount": net,
        "type": type,
    } | ({} if said is None else {type: said})


def funded(currency: str, reference: str | None, network: str, sender: str | None) -> Json:
    """What Stripe tells of a bank transfer: the payer's own words, and the bank's data of that country."""
    kind = TRANSFER_TYPES[currency]
    bank: Json = {
        "us_bank_transfer": {"network": network, "sender_name": sender},
        "eu_bank_transfer": {"bic": "SANDDEFFXXX", "iban_last4": "7089", "sender_name": sender},
        "gb_bank_transfer": {"account_number_last4": "6789", "sender_name": sender, "sort_code": "000000"},
        "jp_bank_transfer": {"sender_bank": "SANDBOX BANK", "sender_branch": "MAIN", "sender_name": sender},
    }
    return {"bank_transfer": {"type": kind, "reference": reference} | ({kind: bank[kind]} if kind in bank else {})}
