"""The deeds of a plan, done to the sandbox: what customers, our own people and the outside do.

Whatever the books refuse, or whose object isn't there, doesn't happen: people get errors too. `done` counts what did.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sandbox.faults import Kind, Rule
from sandbox.plan import Part
from sandbox.stripe_deeds import arrive_payout, close_dispute, dispute, fail_payout, payout, refund
from sandbox.world import World
from tests.simulation.plan import FIRST_ON, Deed

# What goes wrong with single requests. Silence is left out: it costs real seconds, and is to the connector what a
# connection is that breaks after the request. So is a lost permission, which stops everything until a person looks.
KINDS: tuple[Kind, ...] = (
    "too_many", "server_error", "cut_after", "unreadable_after", "drop_before", "drop_after", "maintenance",
    "record_refused", "record_changed", "duplicate_page", "late_page",
)  # fmt: skip
# A feed that is away answers nothing until it is up again.
_FOR_GOOD = 1_000_000
_DOWN = {"erp": "maintenance", "stripe": "server_error", "mail": "too_many", "crm": "server_error"}


def amount_of(units: int) -> str:
    return f"{units // 100}.{units % 100:02}"


def day_of(number: int) -> date:
    return FIRST_ON + timedelta(days=number)


class Business:
    """`intents`: payment key -> Stripe's PaymentIntent; `charges`: the same -> its charge. `disputes`, `payouts` and
    `memos` likewise: the key of the payment, payout or invoice -> the id that it got."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.intents: dict[str, str] = {}
        self.charges: dict[str, str] = {}
        self.disputes: dict[str, str] = {}
        self.payouts: dict[str, str] = {}
        self.memos: dict[str, str] = {}
        self._weather: tuple[int, float] | None = None

    def weather(self, seed: int, rate: float) -> None:
        """From now on so many requests of every service go wrong, drawn from this seed."""
        self._weather = (seed, rate)
        self.world.faults.draw(seed, rate, KINDS)

    def clear_sky(self) -> None:
        """Nothing goes wrong any more."""
        self._weather = None
        self.world.faults.clear()

    def do(self, deed: Deed) -> None:
        act = getattr(self, f"_{deed.what}")
        try:
            act(deed)
        except (LookupError, StopIteration, ValueError, ArithmeticError) as error:  # no such object any more
            self.refused[f"{deed.what}: {type(error).__name__}"] += 1
        except Exception as error:  # a refusal of the books, whichever ERP keeps them
            if type(error).__name__ not in ("Refusal", "Refused", "NotPossible", "StripeError", "InvalidRequest"):
                raise
            self.refused[deed.what] += 1
        else:
            self.done[deed.what] += 1

    @property
    def erp(self) -> Any:
        return self.world.erp

    @property
    def today(self) -> date:
        return self.world.clock().date()

    # ---- customers and what they are billed ----

    def _customer(self, deed: Deed) -> None:
        name = deed.of
        self.world.add_customer(f"Customer {name}", f"ap@{name.lower()}.example", int(deed.get("terms")), key=name)

    def _invoice(self, deed: Deed) -> None:
        units, count = int(deed.get("amount")), int(deed.get("lines"))
        parts = [units // count] * (count - 1)
        lines = [
            {"description": f"part {number}", "amount": amount_of(part), "kind": "subscription"}
            for number, part in enumerate([*parts, units - sum(parts)], 1)
        ]
        issued, due = day_of(int(deed.get("issued"))), day_of(int(deed.get("due")))
        self.world.add_invoice(deed.get("customer"), deed.of, issued, due, lines)

    def _do_not_contact(self, deed: Deed) -> None:
        self.erp.edit_customer(self.world.customer(deed.of).id, do_not_contact=bool(deed.get("on")))

    def _address(self, deed: Deed) -> None:
        self.erp.edit_customer(self.world.customer(deed.of).id, email=f"payables@{deed.of.lower()}.example")

    # ---- money ----

    def _pay(self, deed: Deed) -> None:
        pays = [Part(number, amount_of(units)) for number, units in deed.get("pays", ())]
        numbers = ", ".join(part.invoice for part in pays)
        says = deed.get("says")
        more: dict[str, Any] = {}
        if says == "number":
            more = {"description": f"Payment for {numbers}"}
        elif says == "garbled":
            more = {"description": f"Payment for {numbers.replace('INV-1', 'INV 1').replace('INV', 'inv')}, thanks"}
        elif says == "metadata":
            more = {"metadata": {"invoice_number": numbers.replace(" ", "")}}
        elif says == "link":
            more = {"stripe_invoices": True}
        is_ach = deed.get("method") == "ach"
        intent = self.world.pay(
            deed.get("customer"),
            amount_of(int(deed.get("amount"))),
            pays=pays,
            method="ach" if is_ach else "card",
            processing=is_ach,
            **more,
        )
        self.intents[deed.of] = intent
        self.charges[deed.of] = str(self.world.stripe.ledger.get(intent)["latest_charge"])

    def _bank_settles(self, deed: Deed) -> None:
        self.world.stripe.ledger.settle(self.intents[deed.of])

    def _bank_returns(self, deed: Deed) -> None:
        self.world.stripe.ledger.fail(self.intents[deed.of])

    def _refund(self, deed: Deed) -> None:
        units = int(deed.get("amount", 0))
        refund(self.world, self.intents[deed.of], amount_of(units) if units else None)

    def _chargeback(self, deed: Deed) -> None:
        self.disputes[deed.of] = dispute(self.world, self.intents[deed.of])["dispute"]

    def _chargeback_ends(self, deed: Deed) -> None:
        close_dispute(self.world, self.disputes[deed.of], deed.get("outcome"))

    def _comes_back(self, deed: Deed) -> None:
        """The payer's bank takes a debit back that had succeeded."""
        if self.world.stripe.ledger.get(self.intents[deed.of])["status"] != "succeeded":
            raise ValueError("it hadn't succeeded")
        self.world.stripe.ledger.fail(self.intents[deed.of])

    def _payout(self, deed: Deed) -> None:
        self.payouts[deed.of] = payout(self.world)["payout"]

    def _payout_arrives(self, deed: Deed) -> None:
        arrive_payout(self.world, self.payouts[deed.of])

    def _payout_fails(self, deed: Deed) -> None:
        fail_payout(self.world, self.payouts[deed.of])

    # ---- our own people in the ERP ----

    def _enter(self, deed: Deed) -> None:
        """Somebody records the payment by hand, as the payer meant it, naming the charge or not."""
        truth = self.world.truth()
        meant = next(one for one in truth["stripe_payments"] if one["payment_intent"] == self.intents[deed.of])
        memo = f"Stripe {meant['charge']}" if deed.get("says") == "charge" else "received"
        if meant["state"] != "succeeded" or not meant["pays"]:
            raise ValueError("not received")
        owed = {one["id"]: one["balance"] for one in truth["invoices"]}
        parts = [(part["invoice"], part["amount"]) for part in meant["pays"]]
        if any(owed[invoice] != part for invoice, part in parts):
            raise ValueError("somebody was there before")
        self.erp.pay_by_hand(meant["customer"], meant["amount"], self.today, parts, memo)

    def _void_payment(self, deed: Deed) -> None:
        self.erp.void_payment(self._posted(deed.of)["id"])

    def _posted(self, key: str) -> dict[str, Any]:
        """The payment in the ERP, in force, that names this charge."""
        charge = self.charges[key]
        found = [one for one in self.world.truth()["payments"] if charge in one["external_id"] + one["memo"]]
        standing: list[dict[str, Any]] = [one for one in found if not one["voided"]]
        return standing[0]

    def _apply_rest(self, deed: Deed) -> None:
        """Somebody applies by hand what is left of a payment, as its payer meant it."""
        truth, posted = self.world.truth(), self._posted(deed.of)
        meant = next(one for one in truth["stripe_payments"] if one["payment_intent"] == self.intents[deed.of])
        owed = {one["id"]: Decimal(one["balance"]) for one in truth["invoices"] if not one["voided"]}
        has = {one["invoice"] for one in posted["applications"]}
        for part in meant["pays"]:
            amount = min(Decimal(part["amount"]), owed.get(part["invoice"], Decimal()), Decimal(posted["unapplied"]))
            if amount > 0 and part["invoice"] not in has:
                self.erp.apply_payment(posted["id"], {part["invoice"]: str(amount)})
                return
        raise LookupError("nothing is left that was meant for an open invoice")

    def _credit(self, deed: Deed) -> None:
        number, units = f"CM-{deed.of}", int(deed.get("amount"))
        owner = next(one["customer"] for one in self.world.truth()["invoices"] if one["number"] == deed.of)
        self.memos[deed.of] = self.world.add_credit_memo(owner, number, self.today, amount_of(units), deed.of)

    def _use_credit(self, deed: Deed) -> None:
        truth = self.world.truth()
        invoice = next(one for one in truth["invoices"] if one["number"] == deed.of)
        left = next(Decimal(one["unapplied"]) for one in truth["credits"] if one["id"] == self.memos[deed.of])
        amount = min(left, Decimal(invoice["balance"]))
        if amount <= 0:
            raise LookupError("nothing is left to apply")
        self.erp.apply_credit(self.memos[deed.of], {invoice["id"]: str(amount)})

    def _hold(self, deed: Deed) -> None:
        self.erp.set_hold(self.world.invoice_id(deed.of), deed.get("reason"))

    def _release(self, deed: Deed) -> None:
        self.erp.clear_hold(self.world.invoice_id(deed.of))

    def _dispute(self, deed: Deed) -> None:
        self.erp.dispute_line(self.world.invoice_id(deed.of), int(deed.get("line")), "not as ordered", self.today)

    def _settle_dispute(self, deed: Deed) -> None:
        self.erp.settle_dispute(self.world.invoice_id(deed.of), int(deed.get("line")), deed.get("outcome"))

    def _promise(self, deed: Deed) -> None:
        self.erp.promise(self.world.invoice_id(deed.of), day_of(int(deed.get("due"))))

    def _due(self, deed: Deed) -> None:
        self.erp.edit_invoice(self.world.invoice_id(deed.of), due_on=day_of(int(deed.get("due"))))

    def _amount(self, deed: Deed) -> None:
        units = int(deed.get("amount"))
        self.erp.edit_line_amount(self.world.invoice_id(deed.of), int(deed.get("line")), amount_of(units))

    def _void(self, deed: Deed) -> None:
        self.erp.void(self.world.invoice_id(deed.of))

    def _close_month(self, deed: Deed) -> None:
        self.erp.close_period((self.today.replace(day=1) - timedelta(days=1)).strftime("%Y-%m"))

    # ---- the outside ----

    def _account(self, deed: Deed) -> None:
        customer = self.world.customer(deed.of)
        self.world.salesforce.org.add_account(customer.name, customer.id)

    def _crm_silence(self, deed: Deed) -> None:
        self._mark(deed, "Do_Not_Contact__c", bool(deed.get("on")))

    def _crm_tier(self, deed: Deed) -> None:
        self._mark(deed, "Tier__c", deed.get("tier"))

    def _mark(self, deed: Deed, field: str, value: object) -> None:
        self.world.salesforce.org.set_field(self.world.customer(deed.of).id, field, value)

    def _down(self, deed: Deed) -> None:
        service = {"erp": self.world.erp_name, "mail": "smtp", "crm": "salesforce"}.get(deed.of, deed.of)
        self.world.install(Rule(service, _DOWN[deed.of], times=_FOR_GOOD))  # type: ignore[arg-type]

    def _up(self, deed: Deed) -> None:
        self.world.faults.clear()
        if self._weather:
            self.weather(*self._weather)
