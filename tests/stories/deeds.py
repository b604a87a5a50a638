"""What happens in a story: customers, invoices, payments, what people do in the ERP, faults, and time going by."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sandbox.faults import Rule
from sandbox.netsuite.amounts import units
from sandbox.netsuite.applying import ApplyLine, apply
from sandbox.plan import Part
from sandbox.world import Served
from tests.harness import Desk, mappings
from tests.stories.notation import Sentences, items, pairs

sentences = Sentences()

MORNING = time(9, tzinfo=UTC)
BEFORE_WORK = time(6, tzinfo=UTC)


class Deeds:
    """One world and one connector, living through a story. Ticks are each morning at nine, and when told."""

    def __init__(self, served: Served, folder: Path) -> None:
        self.world = served.world
        self._served, self._folder = served, folder
        self._policy: dict[str, str] = {}
        self._desk: Desk | None = None
        self._mails_customers = False
        self._has_faults = False
        self.charges: dict[str, str] = {}  # P-1 -> charge
        self._intents: dict[str, str] = {}  # P-1 -> PaymentIntent
        self._memos: dict[str, str] = {}  # CM-1 -> ERP id
        self.troubles: tuple[str, ...] = ()  # of the last tick
        self.unexplained: list[str] = []  # troubles of ticks while no fault was in force

    @property
    def desk(self) -> Desk:
        if self._desk is None:
            self._desk = Desk(self._served, self._folder, self._policy)
            if self._mails_customers:
                # A sandbox account demands a redirect, rightly; behind this mail server there are no people.
                channel: Any = self._desk.service.parts().channel
                channel._settings = replace(channel._settings, redirect_all_to="")
        return self._desk

    def close(self) -> None:
        if self._desk is not None:
            self._desk.close()
            self._desk = None

    def today(self) -> date:
        return self.world.clock().astimezone(UTC).date()

    # ---- the book ----

    @sentences("policy <choices>")
    def policy(self, choices: str) -> None:
        """Whole lines of policy.yaml by their key; in the middle of a story the connector starts again with them."""
        self.close()
        self._policy |= dict(pairs(choices))
        mappings(self._folder, self._policy)

    @sentences("customer <customer>, net <days>[, <currency>][, child of <parent>]")
    def customer(self, customer: str, days: str, currency: str, parent: str) -> None:
        self._customer(customer, days, f"payables@{_slug(customer)}.example", currency, parent)

    @sentences("customer <customer>, net <days>, no e-mail")
    def customer_without_address(self, customer: str, days: str) -> None:
        self._customer(customer, days, "", "", "")

    @sentences("customer <customer>, net <days>, not in Stripe")
    def customer_outside_stripe(self, customer: str, days: str) -> None:
        address = f"payables@{_slug(customer)}.example"
        self.world.add_customer(customer, address, int(days), in_stripe=False)

    def _customer(self, name: str, days: str, email: str, currency: str, parent: str) -> None:
        self.world.add_customer(name, email, int(days), currency=currency or "USD", parent=parent or None)

    @sentences("invoice <invoice> <customer> <amount> <currency> due <due> issued <issued>[ lines <lines>]")
    def invoice(
        self, invoice: str, customer: str, amount: str, currency: str, due: str, issued: str, lines: str
    ) -> None:
        made = [{"description": kind, "amount": part, "kind": kind} for part, kind in pairs(lines)]
        due_on = None if due == "never" else date.fromisoformat(due)
        self.world.add_invoice(
            customer,
            invoice,
            date.fromisoformat(issued),
            due_on,
            made or [{"description": "subscription", "amount": amount, "kind": "subscription"}],
            currency=currency,
        )

    @sentences("credit <memo> <customer> <amount>")
    def credit(self, memo: str, customer: str, amount: str) -> None:
        self._memos[memo] = self.world.add_credit_memo(customer, memo, self.today(), amount)

    # ---- money ----

    @sentences("payment <payment> <payer> <amount> <currency> <text>[ by <word>][ pays <parts>]")
    def payment(self, payment: str, payer: str, amount: str, currency: str, text: str, word: str, parts: str) -> None:
        """Cards succeed at once; `by ach` is a debit that is processing until the bank settles or returns it."""
        self._intents[payment] = intent = self.world.pay(
            None if payer == "somebody" else payer,
            amount,
            currency=currency,
            method="ach" if word == "ach" else "card",
            processing=word == "ach",
            description=text or None,
            pays=[Part(invoice, part) for invoice, part in pairs(parts)],
        )
        self.charges[payment] = str(self.world.stripe.ledger.get(intent)["latest_charge"])

    @sentences("bank settles <payment>")
    def settles(self, payment: str) -> None:
        self.world.stripe.ledger.settle(self._intents[payment])

    @sentences("bank returns <payment>")
    def returns(self, payment: str) -> None:
        self.world.stripe.ledger.fail(self._intents[payment])

    # ---- people in the ERP ----

    @sentences("person enters <amount> for <invoice> <text>")
    def enters(self, amount: str, invoice: str, text: str) -> None:
        self._post_by_hand([(invoice, amount)], text)

    @sentences("person posts <payment> -> <parts>")
    def posts(self, payment: str, parts: str) -> None:
        """As another integration does it: the charge is named in the memo."""
        self._post_by_hand(pairs(parts), f"Stripe {self.charges[payment]}")

    @sentences("person posts <payment> unapplied")
    def posts_unapplied(self, payment: str) -> None:
        charge = self.world.stripe.ledger.get(self.charges[payment])
        owner = next(one for one in self.world.customers() if one.stripe_id == charge["customer"])
        amount = str(Decimal(charge["amount"]).scaleb(-2))
        self.world.netsuite.pay_by_hand(owner.id, amount, self.today(), (), f"Stripe {charge['id']}")

    def _post_by_hand(self, parts: list[tuple[str, str]], memo: str) -> None:
        owner = self._invoice(parts[0][0])["customer"]
        total = str(sum(Decimal(amount) for _, amount in parts))
        applications = [(self.world.invoice_id(invoice), amount) for invoice, amount in parts]
        self.world.netsuite.pay_by_hand(owner, total, self.today(), applications, memo)

    @sentences("person enters <amount> of <customer> <text>")
    def enters_unapplied(self, amount: str, customer: str, text: str) -> None:
        self.world.netsuite.pay_by_hand(self.world.customer(customer).id, amount, self.today(), (), text)

    @sentences("person applies <memo> -> <invoice> <amount>")
    def applies(self, memo: str, invoice: str, amount: str) -> None:
        """Apply an open credit memo; the invoice's own modified date stays as it is, as with a payment."""
        books, memo_id = self.world.netsuite, int(self._memos[memo])
        with books.saving():
            line = ApplyLine(int(self.world.invoice_id(invoice)), units(amount))
            apply(books, memo_id, [line], replace_all=False)
            books.change("transaction", memo_id, {"lastmodifieddate": books.now()})

    @sentences("person applies the rest of <payment> -> <invoice> <amount>")
    def applies_rest(self, payment: str, invoice: str, amount: str) -> None:
        books, payment_id = self.world.netsuite, int(self._posted(payment))
        with books.saving():
            apply(books, payment_id, [ApplyLine(int(self.world.invoice_id(invoice)), units(amount))], replace_all=False)
            books.change("transaction", payment_id, {"lastmodifieddate": books.now()})

    @sentences("person voids the payment of <payment>")
    def voids_payment(self, payment: str) -> None:
        self.world.netsuite.void_payment(self._posted(payment))

    def _posted(self, payment: str) -> str:
        """The ERP payment of this charge, by whomever."""
        charge = self.charges[payment]
        return str(next(p["id"] for p in self.world.truth()["payments"] if charge in p["external_id"] + p["memo"]))

    @sentences("person holds <invoice> <text>")
    def holds(self, invoice: str, text: str) -> None:
        self.world.netsuite.set_hold(self.world.invoice_id(invoice), text)

    @sentences("person releases <invoice>")
    def releases(self, invoice: str) -> None:
        self.world.netsuite.clear_hold(self.world.invoice_id(invoice))

    @sentences("person disputes line <number> of <invoice> <text>")
    def disputes(self, number: str, invoice: str, text: str) -> None:
        self.world.netsuite.dispute_line(self.world.invoice_id(invoice), int(number), text)

    @sentences("person settles the dispute about line <number> of <invoice>")
    def settles_dispute(self, number: str, invoice: str) -> None:
        self.world.netsuite.settle_dispute(self.world.invoice_id(invoice), int(number))

    @sentences("person voids <invoice>")
    def voids(self, invoice: str) -> None:
        self.world.netsuite.void(self.world.invoice_id(invoice))

    @sentences("person makes <invoice> due <day>")
    def makes_due(self, invoice: str, day: str) -> None:
        self.world.netsuite.edit_invoice(self.world.invoice_id(invoice), due_on=date.fromisoformat(day))

    @sentences("person changes line <number> of <invoice> to <amount>")
    def changes_line(self, number: str, invoice: str, amount: str) -> None:
        self.world.netsuite.edit_line_amount(self.world.invoice_id(invoice), int(number), amount)

    @sentences("person sends <invoice> back for approval")
    def sends_back(self, invoice: str) -> None:
        self.world.netsuite.edit_invoice(self.world.invoice_id(invoice), approval="pending")

    @sentences("person approves <invoice>")
    def approves(self, invoice: str) -> None:
        self.world.netsuite.edit_invoice(self.world.invoice_id(invoice), approval="approved")

    @sentences("person closes the month <month>")
    def closes_month(self, month: str) -> None:
        self.world.netsuite.close_period(month)

    @sentences("person opens the month <month>")
    def opens_month(self, month: str) -> None:
        self.world.netsuite.open_period(month)

    @sentences("person takes <permission> from the role")
    def takes_permission(self, permission: str) -> None:
        self.world.netsuite.revoke(permission)

    @sentences("person gives <permission> to the role")
    def gives_permission(self, permission: str) -> None:
        self.world.netsuite.grant(permission)

    @sentences("person gives <customer> the address <address>")
    def gives_address(self, customer: str, address: str) -> None:
        self.world.netsuite.edit_customer(self.world.customer(customer).id, email=address)

    @sentences("person marks <customer> do-not-contact")
    def marks(self, customer: str) -> None:
        self.world.netsuite.edit_customer(self.world.customer(customer).id, custentity_arc_do_not_contact=True)

    @sentences("person lifts do-not-contact of <customer>")
    def unmarks(self, customer: str) -> None:
        self.world.netsuite.edit_customer(self.world.customer(customer).id, custentity_arc_do_not_contact=False)

    @sentences("person makes <customer> inactive")
    def makes_inactive(self, customer: str) -> None:
        self.world.netsuite.edit_customer(self.world.customer(customer).id, isinactive=True)

    def _invoice(self, number: str) -> dict[str, Any]:
        return next(one for one in self.world.truth()["invoices"] if one["number"] == number)

    # ---- the operator and the outside ----

    @sentences("operator stops <what> <text>")
    def stops(self, what: str, text: str) -> None:
        self.desk.service.stop(what, lift=False, who="controller", reason=text)

    @sentences("operator lifts <what>")
    def lifts(self, what: str) -> None:
        self.desk.service.stop(what, lift=True, who="controller", reason="")

    @sentences("fault <word> <operation>[, <number> times]")
    def fault(self, word: str, operation: str, number: str) -> None:
        self._has_faults = True
        self.world.install(Rule(word, operation, times=int(number or 1000)))  # type: ignore[arg-type]

    @sentences("healed")
    def healed(self) -> None:
        self._has_faults = False
        self.world.faults.clear()

    @sentences("mailbox refuses <address>")
    def refuses(self, address: str) -> None:
        self.world.mailbox.refuse(address)

    @sentences("mailbox accepts <address>")
    def accepts(self, address: str) -> None:
        self.world.mailbox.accept(address)

    @sentences("mail goes to the customers themselves")
    def mails_customers(self) -> None:
        self._mails_customers = True

    # ---- time ----

    @sentences("day <day>")
    def day(self, day: str) -> None:
        """Live on until nine o'clock of this day, with one tick every morning."""
        until = datetime.combine(date.fromisoformat(day), MORNING)
        if until <= self.world.clock():
            raise ValueError(f"it is {self.world.clock():%Y-%m-%d %H:%M} already")
        morning = datetime.combine(self.today(), MORNING)
        while morning <= until:
            if morning > self.world.clock():
                self.world.advance_to(morning)
                self.tick()
            morning += timedelta(days=1)

    @sentences("at <time>")
    def at(self, time: str) -> None:
        """Later the same day, with one tick."""
        self.world.advance_to(datetime.fromisoformat(f"{self.today()}T{time}:00+00:00"))
        self.tick()

    @sentences("down until <day>")
    def down(self, day: str) -> None:
        """The connector is off until this day; it is started again that morning."""
        self.close()
        self.world.advance_to(datetime.combine(date.fromisoformat(day), MORNING))
        self.tick()

    @sentences("tick")
    def tick(self) -> None:
        self.troubles = self.desk.tick().troubles
        if not self._has_faults:
            self.unexplained += self.troubles


def _slug(name: str) -> str:
    return items(name.replace(" ", ", "))[0].lower()


def first_morning(days: list[str]) -> datetime:
    """The world begins before work on the first day that the story names."""
    return datetime.combine(date.fromisoformat(days[0]), BEFORE_WORK)
