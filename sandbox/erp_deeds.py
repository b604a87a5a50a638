"""What people and other programs do in the ERP, as the control API names it: the methods of whichever ERP it is.

Arguments have the methods' own names without the ending `_id`; customers and invoices are named as everywhere in the
control API, ledger accounts by their role in the sandbox (`bank`, `clearing`, ...) or by internal id.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.world import World

Json = dict[str, Any]
# Those that happen on a day: `on`, today if left out.
DATED = frozenset(
    {
        "add_credit_memo",
        "billing_platform_posts",
        "credit_invoice",
        "deposit_by_hand",
        "dispute_line",
        "email_invoice",
        "enter_payment",
        "journal_by_hand",
        "pay_by_hand",
        "refund_by_hand",
        "set_rate",
        "stripe_connector_posts",
        "touch",
        "write_off",
    }
)
ERP_DEEDS = DATED | {
    "add_account",
    "add_subsidiary",
    "add_term",
    "agree_plan",
    "apply_credit",
    "apply_payment",
    "clear_hold",
    "close_account",
    "close_period",
    "converse",
    "delete_document",
    "describe_customer",
    "edit_customer",
    "edit_invoice",
    "edit_line_amount",
    "forget_promise",
    "give_detail",
    "grant",
    "install_dunning",
    "leave_one_world",
    "lock_ar",
    "meanwhile",
    "move_line",
    "open_period",
    "own_dispute",
    "past_payment",
    "promise",
    "remove_field",
    "reopen_account",
    "restore_field",
    "revoke",
    "set_hold",
    "settle_dispute",
    "unapply",
    "void",
    "void_document",
    "void_payment",
}
_DAYS = (
    "chat_consent_on",
    "conversation_until",
    "delivered_on",
    "due_on",
    "issued_on",
    "on",
    "promise_on",
    "since",
    "sms_consent_on",
    "touched_on",
    "until",
)


def erp_deed(world: World, deed: str, body: Json) -> Any:
    """Do it; LookupError for a deed or a name that nobody knows."""
    if deed not in ERP_DEEDS:
        raise LookupError(f"nobody does {deed!r} in the ERP; known: {', '.join(sorted(ERP_DEEDS))}")
    if deed == "meanwhile":
        return _meanwhile(world, **body)
    arguments = _named(world, body)
    if deed in DATED:
        arguments.setdefault("on", world.clock().date())
    done = getattr(world.erp, deed, None)
    if done is None:
        raise LookupError(f"nobody does {deed!r} in {world.erp_name}")
    return done(**arguments)


def _meanwhile(world: World, operation: str, deed: str, arguments: Json, nth: int = 1) -> None:
    """A deed of somebody else just before the `nth` request of this operation from now on is carried out."""
    if deed not in ERP_DEEDS - {"meanwhile"}:
        raise LookupError(f"nobody does {deed!r} in the ERP while somebody else writes")
    world.erp.meanwhile(operation, lambda: erp_deed(world, deed, arguments), nth)


def _named(world: World, body: Json) -> Json:
    """The body with the world's names as the ERP's ids, and days as dates."""
    arguments = dict(body)
    if arguments.get("invoice"):
        arguments["invoice_id"] = world.invoice_id(str(arguments.pop("invoice")))
    if "payment" in arguments:
        arguments["payment_id"] = str(arguments.pop("payment"))
    if "customer" in arguments:
        arguments["customer_id"] = world.customer(str(arguments.pop("customer"))).id
    if arguments.get("created_from"):
        arguments["created_from"] = world.invoice_id(arguments["created_from"])
    if "applications" in arguments:
        parts = arguments["applications"]
        arguments["applications"] = [
            (world.invoice_id(str(_need(one, "invoice"))), _need(one, "amount")) for one in parts
        ]
    if "applied" in arguments:
        applied = arguments["applied"].items()
        arguments["applied"] = {world.invoice_id(str(invoice)): part for invoice, part in applied}
    if "credits" in arguments:
        credits = arguments["credits"].items()
        arguments["credits"] = {world.erp.credit_id(str(credit)): part for credit, part in credits}
    if "credit" in arguments:
        arguments["credit"] = world.erp.credit_id(str(arguments["credit"]))
    if "lines" in arguments:
        arguments["lines"] = [_line(world, line) for line in arguments["lines"]]
    for name in _DAYS:
        if arguments.get(name) is not None:
            arguments[name] = date.fromisoformat(arguments[name])
    return arguments


def _line(world: World, line: Json) -> Json:
    known = dict(line)
    if "customer" in known:
        known["customer_id"] = world.customer(str(known.pop("customer"))).id
    return known


def _need(body: Json, name: str) -> Any:
    if name not in body:
        raise ValueError(f"{name} is missing")
    return body[name]
