"""What must hold after every pass, held against the sandbox's truth and what its mailbox really received.

The names are those of the promises in DESIGN: never_chase_paid, apply_once, cents_conserve, one_act, guess_never,
undo_restores. `stays_up`: nothing that the world does is a fault of the program.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import select

from connector.money import Money
from connector.store import Store, activity
from connector.store import tables as t
from sandbox.world import World


def broken(world: World, store: Store) -> list[str]:
    """After any pass; each line begins with the name of the promise."""
    truth = world.truth()
    with store.read() as tx:
        late = activity.sent_after_match(tx)
        fell_over = tx.execute(select(t.exception.c.reason).where(t.exception.c.kind == "program_fault")).scalars()
        faults = list(fell_over)
    found = [f"never_chase_paid: mail {mail} left after a match had paid invoice {invoice}" for mail, invoice in late]
    found += [f"never_chase_paid: {one}" for one in _mailed_when_paid(world, truth)]
    found += [f"apply_once: {one}" for one in (*_posted_twice(truth), *_deposited_twice(world, truth))]
    found += [f"guess_never: {one}" for one in _not_meant(truth)]
    found += [f"cents_conserve: {one}" for one in (*truth["violations"], *_cents_lost(truth))]
    return found + [f"stays_up: {one}" for one in faults]


def unsettled(world: World, store: Store) -> list[str]:
    """At the end, when nothing has gone wrong for days: our book is the ERP's, and nothing is half done."""
    truth = world.truth()
    with store.read() as tx:
        unfinished = activity.standing(tx).acts_unfinished
        ours = {
            row["id"]: (row["number"], Money(row["balance"], row["currency"]))
            for row in tx.execute(select(t.invoice)).mappings()
        }
        told = set(tx.execute(select(t.exception.c.payment_id).where(t.exception.c.closed_at.is_(None))).scalars())
    found = [f"one_act: {unfinished} acts are unfinished"] if unfinished else []
    for invoice in truth["invoices"]:
        number, balance = ours.get(invoice["id"], ("", None))
        theirs = Money.of(invoice["balance"], invoice["currency"])
        if balance is not None and balance != theirs and not invoice["voided"]:
            found.append(f"cents_conserve: {number} has {balance} left in our book and {theirs} in the ERP")
    return found + [f"undo_restores: {one}" for one in _came_back_unseen(truth, told)]


def _came_back_unseen(truth: dict[str, Any], told: set[str]) -> list[str]:
    """Money that failed after we had applied it, still pays, and nobody is told."""
    invoices = {one["id"]: one["number"] for one in truth["invoices"]}
    failed = [one["charge"] for one in truth["stripe_payments"] if one["state"] == "failed"]
    return [
        f"{charge} came back, still pays {invoices[part['invoice']]}, and nobody is told"
        for charge in failed
        if charge not in told
        for payment in _ours(truth)
        if charge in payment["external_id"]
        for part in payment["applications"]
        if part["invoice"] in invoices
    ]


def _mailed_when_paid(world: World, truth: dict[str, Any]) -> list[str]:
    """Reminders of an invoice after the ERP's last application to it, by the world's own order, if payments alone paid
    all of it: of one that a memo closed, or that was made smaller, the order of the commits doesn't tell since when."""
    paid_at: dict[str, int] = {}
    paid: dict[str, Decimal] = {}
    for payment in truth["payments"]:
        for part in () if payment["voided"] else payment["applications"]:
            paid_at[part["invoice"]] = max(part["sequence"], paid_at.get(part["invoice"], 0))
            paid[part["invoice"]] = paid.get(part["invoice"], Decimal()) + Decimal(part["amount"])
    settled = {
        one["number"]: paid_at[one["id"]]
        for one in truth["invoices"]
        if one["closed"] and not one["voided"] and paid.get(one["id"]) == Decimal(one["amount"])
    }
    return [
        f"mail {mail.sequence} asks for {number}, which was paid at {settled[number]}"
        for mail in world.mailbox.messages()
        for number in numbers_of(mail.header("X-AR-Reminder"))
        if mail.sequence > settled.get(number, mail.sequence)
    ]


def numbers_of(header: str) -> list[str]:
    """`INV-1001 +7, INV-1002 0` -> the numbers."""
    return [part.split()[0] for part in header.split(",") if part.strip()]


def _ours(truth: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in truth["payments"] if one["external_id"].startswith("arc-") and not one["voided"]]


def _posted_twice(truth: dict[str, Any]) -> list[str]:
    found = []
    for meant in truth["stripe_payments"]:
        posted = [one for one in _ours(truth) if meant["charge"] in one["external_id"] and Decimal(one["amount"])]
        if len(posted) > 1:
            found.append(f"charge {meant['charge']} has {len(posted)} payments of ours: {[p['id'] for p in posted]}")
    return found


def _deposited_twice(world: World, truth: dict[str, Any]) -> list[str]:
    """Deposits and journals of one payout."""
    names = [f"{one.get('external_id', '')} {one['memo']}" for one in (*truth["deposits"], *truth["journals"])]
    payouts = [one["id"] for one in world.stripe.ledger.store.select("payout", {})]
    counts = {payout: sum(payout in name for name in names) for payout in payouts}
    return [f"payout {payout} is in the books {count} times" for payout, count in counts.items() if count > 1]


def _not_meant(truth: dict[str, Any]) -> list[str]:
    """Money of ours on an invoice that its payer didn't mean, or more of it than was meant. What is applied to no
    invoice (a journal that takes a payment back) is nobody's meaning."""
    found, invoices = [], {one["id"] for one in truth["invoices"]}
    for meant in truth["stripe_payments"]:
        pays = {part["invoice"]: Decimal(part["amount"]) for part in meant["pays"]}
        for payment in _ours(truth):
            if meant["charge"] not in payment["external_id"]:
                continue
            for part in (one for one in payment["applications"] if one["invoice"] in invoices):
                if Decimal(part["amount"]) > pays.get(part["invoice"], Decimal()):
                    found.append(f"{part['amount']} of {meant['charge']} went to {part['invoice']}, meant was {pays}")
    return found


def _cents_lost(truth: dict[str, Any]) -> list[str]:
    """A payment of ours that isn't what was received, or whose parts don't make it up."""
    received = {one["charge"]: Decimal(one["amount"]) for one in truth["stripe_payments"]}
    found = []
    for payment in _ours(truth):
        amount = Decimal(payment["amount"])
        parts = sum((Decimal(part["amount"]) for part in payment["applications"]), Decimal(payment["unapplied"]))
        if amount and parts != amount:
            found.append(f"payment {payment['id']} of {amount} has {parts} applied and unapplied")
        charge = next((one for one in received if one in payment["external_id"]), "")
        if amount > received.get(charge, amount):
            found.append(f"payment {payment['id']} is {amount}, and {received[charge]} was received")
    return found
