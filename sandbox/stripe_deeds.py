"""What payers, banks, people and Stripe itself do in the account, in the words of the world's control API.

Each deed is a function of the world and its named arguments: customers and invoices by any of their names, a payment by
its PaymentIntent or its charge, amounts as decimal strings, days and instants in ISO form. Each answers with the ids of
what it made and the state that this is in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from sandbox.amounts import minor
from sandbox.stripe_cash import Drawn
from sandbox.stripe_objects import Json
from sandbox.stripe_store import NotPossible

if TYPE_CHECKING:
    from sandbox.world import Known, World

# -- payouts -----------------------------------------------------------------------------------------------------------


def payout(
    world: World,
    currency: str = "USD",
    amount: str | None = None,
    manual: bool = False,
    instant: bool = False,
    arrives_on: str | None = None,
    by_itself: bool = False,
) -> Json:
    """Automatic unless `manual` or `instant`: everything available of a currency, or by hand a part of it."""
    id = world.stripe.ledger.payouts.create(
        currency.lower(),
        None if amount is None else minor(amount, currency),
        automatic=not (manual or instant),
        instant=instant,
        arrives_on=None if arrives_on is None else date.fromisoformat(arrives_on),
        by_itself=by_itself,
    )
    return _payout(world, id)


def send_payout(world: World, payout: str) -> Json:
    world.stripe.ledger.payouts.send(payout)
    return _payout(world, payout)


def reconcile_payout(world: World, payout: str) -> Json:
    world.stripe.ledger.payouts.reconcile(payout)
    return _payout(world, payout)


def arrive_payout(world: World, payout: str) -> Json:
    world.stripe.ledger.payouts.arrive(payout)
    return _payout(world, payout)


def fail_payout(world: World, payout: str, code: str = "could_not_process") -> Json:
    world.stripe.ledger.payouts.fail(payout, code)
    return _payout(world, payout)


def cancel_payout(world: World, payout: str) -> Json:
    world.stripe.ledger.payouts.cancel(payout)
    return _payout(world, payout)


def skew_payout(world: World, payout: str, hide: str = "", add: str = "") -> Json:
    """The list of members leaves one out, or shows a row of elsewhere; with neither it is right again."""
    world.stripe.ledger.payouts.skew(payout, hide=hide, add=add)
    return _payout(world, payout)


def schedule_payouts(world: World, daily: bool) -> Json:
    """Pay out every currency once a day by the world's clock, or stop doing so."""
    world.stripe.ledger.payouts.schedule(daily)
    return {"daily": daily}


def _payout(world: World, id: str) -> Json:
    return world.stripe.ledger.payout(id)


# -- refunds, disputes, corrections ------------------------------------------------------------------------------------


def refund(
    world: World, payment: str, amount: str | None = None, pending: bool = False, reason: str | None = None
) -> Json:
    """Give back what is left of a payment, or a part of it."""
    units = _part(world, payment, amount)
    return _refund(world, world.stripe.ledger.refunds.create(payment, units, pending=pending, reason=reason))


def settle_refund(world: World, refund: str) -> Json:
    world.stripe.ledger.refunds.settle(refund)
    return _refund(world, refund)


def fail_refund(world: World, refund: str, reason: str = "expired_or_canceled_card") -> Json:
    world.stripe.ledger.refunds.fail(refund, reason)
    return _refund(world, refund)


def dispute(
    world: World, payment: str, amount: str | None = None, reason: str = "general", inquiry: bool = False
) -> Json:
    """A payer disputes a payment; of an ACH debit that is lost at once, an inquiry moves no money."""
    units = _part(world, payment, amount)
    return _dispute(world, world.stripe.ledger.disputes.open(payment, units, reason=reason, inquiry=inquiry))


def close_dispute(world: World, dispute: str, outcome: str) -> Json:
    """`won`, `lost`, or of an inquiry `warning_closed`."""
    world.stripe.ledger.disputes.close(dispute, outcome)
    return _dispute(world, dispute)


def adjust(
    world: World, amount: str, currency: str = "USD", category: str = "other_adjustment", type: str = "",
    description: str | None = None,
) -> Json:  # fmt: skip
    """A row about no payment; negative is taken from the account. `type` follows from the category if left out."""
    ledger = world.stripe.ledger
    id = ledger.adjust(minor(amount, currency), currency.lower(), category, type=type, description=description)
    return {"balance_transaction": id, "type": ledger.get(id)["type"]}


def convert(world: World, currency: str, into: str = "USD", rate: str | None = None) -> Json:
    """From now on charges of a currency are settled in another at this rate; without a rate in their own again."""
    try:
        exact = None if rate is None else Decimal(rate)
    except (InvalidOperation, TypeError):
        raise ValueError(f"{rate!r} is no rate; rates are decimal strings such as '1.0837'") from None
    world.stripe.ledger.balance.convert(currency.lower(), into.lower(), exact)
    return {"currency": currency, "into": into if rate is not None else currency, "rate": rate}


def _part(world: World, payment: str, amount: str | None) -> int | None:
    return None if amount is None else minor(amount, world.stripe.ledger.get(payment)["currency"])


def _refund(world: World, id: str) -> Json:
    found = world.stripe.ledger.get(id)
    return {
        "refund": id,
        "charge": found["charge"],
        "status": found["status"],
        "balance_transaction": found["balance_transaction"],
    }


def _dispute(world: World, id: str) -> Json:
    found = world.stripe.ledger.get(id)
    rows = [row["id"] for row in found["balance_transactions"]]
    return {"dispute": id, "charge": found["charge"], "status": found["status"], "balance_transactions": rows}


# -- cash balances -----------------------------------------------------------------------------------------------------


def fund(
    world: World,
    customer: str,
    amount: str,
    reference: str | None = None,
    network: str = "domestic_wire_us",
    currency: str = "",
    sender: str | None = None,
) -> Json:
    """A bank transfer arrives in the customer's cash balance; `reference` is what the payer wrote."""
    known, code = _payer(world, customer, currency)
    units = minor(amount, code)
    id = world.stripe.ledger.cash.fund(
        known.stripe_id, units, code, reference=reference, network=network, sender=sender
    )
    return {"cash_balance_transaction": id}


def apply_cash(
    world: World, customer: str, pays: Sequence[Json], currency: str = "", stripe_invoices: bool = False
) -> list[Json]:
    """One payment for each of `pays`: {amount, invoice?, description?, metadata?}; `invoice` is the truth of it."""
    known, code = _payer(world, customer, currency)
    drawn, truths = [], []
    for part in pays:
        unknown = sorted(set(part) - {"amount", "invoice", "description", "metadata"})
        if unknown or "amount" not in part:
            raise ValueError(f"each of pays has an amount, perhaps invoice, description, metadata; not {unknown}")
        units = minor(part["amount"], code)
        invoice = world.invoice_id(str(part["invoice"])) if part.get("invoice") else None
        truths.append(((invoice, units),) if invoice else ())
        numbers = [(world.number(invoice), units)] if invoice and stripe_invoices else []
        drawn.append(Drawn(units, part.get("description"), part.get("metadata") or {}, numbers))
    intents = world.stripe.ledger.cash.apply(known.stripe_id, code, drawn)
    for intent, payment, truth in zip(intents, drawn, truths, strict=True):
        world.record_payment(intent, known, payment.amount, code.upper(), truth)
    return [_payment(world, intent) for intent in intents]


def return_cash(world: World, customer: str, amount: str | None = None, currency: str = "") -> Json:
    """Stripe sends money of the cash balance back to the payer's bank, all of it unless told."""
    known, code = _payer(world, customer, currency)
    units = None if amount is None else minor(amount, code)
    return {"cash_balance_transaction": world.stripe.ledger.cash.send_back(known.stripe_id, code, units)}


# -- invoices that stand in Stripe -------------------------------------------------------------------------------------


def autopay_invoice(
    world: World,
    customer: str,
    number: str,
    amount: str,
    next_attempt_at: str | None = None,
    has_method: bool = True,
    currency: str = "",
) -> Json:
    """An open invoice that Stripe collects by itself; `has_method`: the customer has a stored payment method."""
    known, code = _payer(world, customer, currency)
    id = world.stripe.ledger.invoices.add_autopay(
        known.stripe_id, number, minor(amount, code), code, _seconds(next_attempt_at), has_method=has_method
    )
    return _invoice(world, id)


def attempt_autopay(
    world: World,
    invoice: str,
    succeeds: bool,
    next_attempt_at: str | None = None,
    method: str = "card",
    code: str = "card_declined",
) -> Json:
    """Stripe tries to collect; declined, again at `next_attempt_at` or never. ACH begins, and settles later."""
    ledger = world.stripe.ledger
    intent = ledger.invoices.attempt(invoice, succeeds, _seconds(next_attempt_at), method=method, code=code)
    found = ledger.get(intent)
    link = next(ledger.store.select("invoice_payment", {"payment": intent}))
    collected = ledger.get(link["invoice"])
    known = world.customer(found["customer"])
    pays = world.if_known(collected["number"])
    world.record_payment(
        intent, known, found["amount"], found["currency"].upper(), ((pays, found["amount"]),) if pays else ()
    )
    return _invoice(world, collected["id"]) | _payment(world, intent)


def send_invoice(
    world: World, customer: str, number: str, amount: str, due_on: str | None = None, currency: str = ""
) -> Json:
    """An open invoice that Stripe mails and reminds of by itself."""
    known, code = _payer(world, customer, currency)
    due = None if due_on is None else int(datetime.combine(date.fromisoformat(due_on), time(), UTC).timestamp())
    return _invoice(
        world, world.stripe.ledger.invoices.add_sent(known.stripe_id, number, minor(amount, code), code, due)
    )


def void_invoice(world: World, invoice: str) -> Json:
    return _invoice(world, world.stripe.ledger.invoices.void(invoice))


def _invoice(world: World, id: str) -> Json:
    found = world.stripe.ledger.get(id)
    next_attempt = found["next_payment_attempt"]
    return {
        "stripe_invoice": id,
        "number": found["number"],
        "state": found["status"],
        "next_attempt_at": None if next_attempt is None else datetime.fromtimestamp(next_attempt, UTC).isoformat(),
    }


# -- rights ------------------------------------------------------------------------------------------------------------


def revoke(world: World, right: str) -> Json:
    """Take the key's right to read a resource."""
    world.stripe.revoke(right)
    return {}


def grant(world: World, right: str) -> Json:
    world.stripe.grant(right)
    return {}


# -- names and units ---------------------------------------------------------------------------------------------------


def _payer(world: World, customer: str, currency: str) -> tuple[Known, str]:
    """The customer, who must be in Stripe, and the currency (by default its own) as Stripe writes it."""
    known = world.customer(str(customer))
    if not known.stripe_id:
        raise NotPossible(f"{known.name} is not in Stripe")
    return known, (currency or known.currency).lower()


def _payment(world: World, intent: str) -> Json:
    found = world.stripe.ledger.get(intent)
    return {"payment_intent": intent, "charge": found["latest_charge"], "status": found["status"]}


def _seconds(instant: str | None) -> int | None:
    if instant is None:
        return None
    read = datetime.fromisoformat(instant)
    return int((read if read.tzinfo is not None else read.replace(tzinfo=UTC)).timestamp())


_DEEDS: tuple[Callable[..., Any], ...] = (
    adjust, apply_cash, arrive_payout, attempt_autopay, autopay_invoice, cancel_payout, close_dispute, convert, dispute,
    fail_payout, fail_refund, fund, grant, payout, reconcile_payout, refund, return_cash, revoke, schedule_payouts,
    send_invoice, send_payout, settle_refund, skew_payout, void_invoice,
)  # fmt: skip
STRIPE_DEEDS = {deed.__name__: deed for deed in _DEEDS}
