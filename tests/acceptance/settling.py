"""For tests of settling: the accounts of each currency, what Stripe pays out, and what then stands in the ERP.

Amounts are decimal strings, as in the sandbox's truth.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

from ruamel.yaml import YAML

from sandbox.plan import Part
from sandbox.stripe_deeds import STRIPE_DEEDS
from tests.harness import Desk, banked, change_mapping, erp_mapping, settlement

# Whose line of a deposit a member's amount belongs to, as RULES has it; told here once more, apart from the connector.
ROLE_OF = {
    "charge": "clearing",
    "charge_failure": "clearing",
    "refund": "clearing",
    "refund_failure": "clearing",
    "dispute": "disputes",
    "dispute_reversal": "disputes",
    "fee": "fees",
    "other_adjustment": "adjustments",
    "risk_reserved_funds": "reserves",
}


def settle(
    at: Desk, currency: str = "USD", *, through: str = "clearing", journal_negative: bool = False
) -> dict[str, str]:
    """From the next start on this currency is settled; its accounts, by role. Others than dollars get their own bank
    and clearing account."""
    erp = at.world.erp
    entry = settlement(at.served, currency, through, journal_negative=journal_negative)
    accounts: dict[str, str] = entry["accounts"]
    if currency != "USD":
        for role, number in (("bank", "1020"), ("clearing", "1030")):
            accounts[role] = erp.add_account(f"{number}-{currency}", f"{role} {currency}", "Bank", currency)
    if at.world.erp_name == "netsuite":
        entry["subsidiary"] = at.world.netsuite.first_subsidiary
    file = erp_mapping(at.served, at.folder)
    change_mapping(file, {"settlement": [*(YAML().load(file).get("settlement") or ()), entry]})
    return accounts


def stripe(at: Desk, deed: str, **arguments: Any) -> Any:
    """What happens in Stripe, as the control API has it."""
    with at.world.lock:
        return STRIPE_DEEDS[deed](at.world, **arguments)


def bill(at: Desk, customer: str, amount: str, currency: str = "USD") -> str:
    """An invoice due in a month, so that nobody is reminded of it here; its number."""
    today = at.world.clock().date()
    number = at.world.free_number()
    lines = [{"description": "Subscription", "amount": amount, "kind": "subscription"}]
    at.world.add_invoice(customer, number, today, today + timedelta(days=30), lines, currency=currency)
    return number


def pay(at: Desk, customer: str, number: str, amount: str, **more: Any) -> str:
    """One invoice is paid by a payment that names it; the PaymentIntent."""
    return at.world.pay(customer, amount, pays=[Part(number, amount)], description=f"Invoice {number}", **more)


def pay_out(at: Desk, **more: Any) -> dict[str, Any]:
    """Everything available leaves, is reconciled and arrives at once; the payout as in the truth."""
    payout = stripe(at, "payout", **more)["payout"]
    stripe(at, "send_payout", payout=payout)
    if not more.get("manual"):
        stripe(at, "reconcile_payout", payout=payout)
    return dict(stripe(at, "arrive_payout", payout=payout))


# ---- what must hold ----


def meant(payout: dict[str, Any], accounts: dict[str, str]) -> dict[str, Decimal]:
    """What comes out of each ledger account into the bank with this payout; of one made by hand a bare transfer."""
    if not payout["automatic"]:
        return {accounts["clearing"]: Decimal(payout["amount"])}
    sums: Counter[str] = Counter()
    for member in payout["members"]:
        sums[accounts[ROLE_OF[member["category"]]]] += Decimal(member["amount"])  # type: ignore[assignment]
        sums[accounts["fees"]] -= Decimal(member["fee"])  # type: ignore[assignment]
    return {account: Decimal(amount) for account, amount in sums.items() if amount}


def booked(truth: dict[str, Any], payout: dict[str, Any], bank: str) -> list[dict[str, Decimal]]:
    """The deposits and journals in force that name this payout: what each took out of each account into the bank."""
    found = []
    for record in banked(truth, bank):
        if record["voided"] or payout["payout"] not in f"{record['external_id']} {record['memo']}":
            continue
        sums: Counter[str] = Counter()
        for line in record["lines"]:
            sums[line["account"]] += Decimal(line["amount"])  # type: ignore[assignment]
        assert Decimal(record["amount"]) == sum(sums.values())
        found.append({account: Decimal(amount) for account, amount in sums.items() if amount})
    return found


def assert_ties(at: Desk, accounts: dict[str, str], currency: str = "USD") -> None:
    """Each payout that arrived is one deposit, each line of it what Stripe says, and the bank account holds just the
    payouts, to the minor unit: charges less fees, refunds and disputes = payout = bank line."""
    truth = at.truth()
    arrived = [one for one in truth["payouts"] if (one["currency"], one["state"]) == (currency, "paid")]
    for payout in arrived:
        assert [meant(payout, accounts)] == booked(truth, payout, accounts["bank"]), payout
        assert Decimal(payout["amount"]) == sum(meant(payout, accounts).values())
    assert sum(Decimal(one["amount"]) for one in arrived) == Decimal(truth["balances"][accounts["bank"]])
