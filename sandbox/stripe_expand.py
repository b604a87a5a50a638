"""Expanding: the ids that a path names are replaced by their objects, as far as Stripe lets them be.

Source: docs.stripe.com/api/expanding_objects, and the expandable fields of `stripe` 16.1.0.
"""

from __future__ import annotations

from sandbox.stripe_ledger import Ledger
from sandbox.stripe_lists import RESOURCES, Refused
from sandbox.stripe_objects import Json

DEPTH_MAX = 4
_EXPANDABLE = frozenset(
    {
        ("balance_transaction", "source"),
        ("charge", "balance_transaction"),
        ("charge", "customer"),
        ("charge", "failure_balance_transaction"),
        ("charge", "payment_intent"),
        ("customer_cash_balance_transaction", "customer"),
        ("customer_cash_balance_transaction.applied_to_payment", "payment_intent"),
        ("customer_cash_balance_transaction.refunded_from_payment", "refund"),
        ("dispute", "charge"),
        ("dispute", "payment_intent"),
        ("invoice", "customer"),
        ("invoice_payment", "invoice"),
        ("invoice_payment.payment", "payment_intent"),
        ("payment_intent", "customer"),
        ("payment_intent", "latest_charge"),
        ("payout", "balance_transaction"),
        ("payout", "failure_balance_transaction"),
        ("refund", "balance_transaction"),
        ("refund", "charge"),
        ("refund", "customer"),
        ("refund", "failure_balance_transaction"),
        ("refund", "payment_intent"),
    }
)
# Lists inside an object that are only there when asked for: (owner, property) -> resource and its field of the owner.
_INCLUDABLE = {("charge", "refunds"): ("refunds", "charge"), ("invoice", "payments"): ("invoice_payments", "invoice")}


def expand(ledger: Ledger, body: Json, path: str) -> Json:
    """A copy of an object or a list with one path expanded; Refused if it can't be."""
    if path.count(".") >= DEPTH_MAX:
        raise Refused(400, f"You cannot expand more than {DEPTH_MAX} levels of a property: {path}")
    return _expanded(ledger, body, path.split("."), "", strict=True)


def _expanded(ledger: Ledger, value: Json, path: list[str], owner: str, *, strict: bool) -> Json:
    """`owner` names a plain hash by where it is; a `source` is one of many kinds, so behind it nothing is strict."""
    head, rest = path[0], path[1:]
    if value.get("object") == "list":
        if head != "data" or not rest:
            raise Refused(400, f"This property cannot be expanded ({head}); expand lists by data.<property>.")
        return value | {"data": [_expanded(ledger, row, rest, "", strict=strict) for row in value["data"]]}
    owner = owner or value["object"]
    child = value.get(head)
    if isinstance(child, dict):
        inner = "" if "object" in child else f"{owner}.{head}"
        return value | {head: _expanded(ledger, child, rest, inner, strict=strict)} if rest else value
    if (owner, head) in _INCLUDABLE or (owner, head) == ("customer", "cash_balance"):
        found = _included(ledger, value["id"], owner, head)
    elif child is not None and (owner, head) in _EXPANDABLE:
        found = ledger.get(child)
    elif _can_be(owner, head, rest) or not strict:
        return value
    else:
        raise Refused(400, f"This property cannot be expanded ({head}).")
    strict = strict and head != "source"
    return value | {head: _expanded(ledger, found, rest, "", strict=strict) if rest else found}


def _can_be(owner: str, head: str, rest: list[str]) -> bool:
    """May this be expanded in an object that has it, although this one doesn't?"""
    return (owner, head) in _EXPANDABLE or bool(rest and (f"{owner}.{head}", rest[0]) in _EXPANDABLE)


def _included(ledger: Ledger, id: str, owner: str, head: str) -> Json:
    if (owner, head) not in _INCLUDABLE:
        return ledger.cash.shown(id)
    resource, name = _INCLUDABLE[owner, head]
    rows = list(ledger.store.select(RESOURCES[resource].kind, {name: id}))
    return {"object": "list", "url": f"/v1/{resource}?{name}={id}", "has_more": False, "data": rows}
