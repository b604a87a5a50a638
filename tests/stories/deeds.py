"""What happens in a story: customers, invoices, payments, what people do in the ERP, faults, and time going by."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from sandbox.faults import Rule
from sandbox.plan import Part
from sandbox.world import Served
from tests.harness import Desk, change_mapping, erp_mapping, mappings, settlement
from tests.stories.notation import choices as chosen
from tests.stories.notation import items, pairs
from tests.stories.services import Services, sentences

# The word of a story for what is said of a customer -> the word of the ERP's deed.
_SAID = {"contract": "contract_type", "billing": "billing_model", "zone": "time_zone"}
MORNING = time(9, tzinfo=UTC)
BEFORE_WORK = time(6, tzinfo=UTC)


class Deeds(Services):
    """One world and one connector, living through a story. Ticks are each morning at nine, and when told."""

    def __init__(self, served: Served, folder: Path) -> None:
        super().__init__(served)
        self._folder = folder
        self._policy: dict[str, str] = {}
        self._mapping: dict[str, Any] = {}  # top keys of the ERP's mapping
        self._cutover_on = ""
        self.roles: dict[str, str] = {}  # ledger account -> what it is for
        self._desk: Desk | None = None
        self._mails_customers = False
        self._memos: dict[str, str] = {}  # CM-1 -> ERP id
        self._drafts: dict[str, str] = {}  # INV-1 -> a person's draft payment for it
        self.troubles: tuple[str, ...] = ()  # of the last tick
        self.unexplained: list[str] = []  # troubles of ticks while no fault was in force

    @property
    def desk(self) -> Desk:
        if self._desk is None:
            self._desk = Desk(self._served, self._folder, self._policy, crm=self._has_crm, chat=self._has_chat)
            if self._mapping:
                change_mapping(erp_mapping(self._served, self._folder), self._mapping)
            if self._cutover_on:
                self._desk.environ["CONNECTOR_STRIPE_CUTOVER_ON"] = self._cutover_on
            if self._has_mailbox:
                self._desk.connect_mailbox()
            if self._has_sms:
                self._desk.connect_sms()
            if self._mails_customers:
                # A sandbox account demands a redirect, rightly; behind this mail server there are no people.
                channel: Any = self._desk.service.parts().channel
                channel._settings = replace(channel._settings, redirect_all_to="")
        return self._desk

    def close(self) -> None:
        if self._desk is not None:
            self._desk.close()
            self._desk = None

    # ---- the book ----

    @sentences("policy <choices>")
    def policy(self, choices: str) -> None:
        """Whole lines of policy.yaml by their key; in the middle of a story the connector starts again with them."""
        self.close()
        self._policy |= chosen(choices)
        mappings(self._folder, self._policy)

    @sentences("cutover <day>")
    def cutover(self, day: str) -> None:
        """Money received and payouts made before this day are looked at and never posted."""
        self._cutover_on = day

    @sentences("mapping <choices>")
    def mapping(self, choices: str) -> None:
        """The same for the ERP's own mapping."""
        self.close()
        self._mapping |= {key: YAML().load(text) for key, text in chosen(choices).items()}

    @sentences("settlement <currency> through <word>")
    def settles_through(self, currency: str, word: str) -> None:
        """Payouts of this currency are posted; one that isn't the books' own has a bank and a clearing account of its
        own."""
        self.close()
        entry = settlement(self._served, currency, word)
        if currency != "USD":
            for role in ("bank", "clearing"):
                made = self.world.erp.add_account("", f"{currency} {role}", "Bank", currency=currency)
                entry["accounts"][role] = made
        self.roles |= {id: role for role, id in entry["accounts"].items()}
        self._mapping["settlement"] = [*self._mapping.get("settlement", []), entry]

    @sentences("customer <customer>, net <days>[, <currency>][, child of <parent>][, <said>]")
    def customer(self, customer: str, days: str, currency: str, parent: str, said: str) -> None:
        self._customer(customer, days, f"payables@{_slug(customer)}.example", currency, parent)
        self.describes(customer, said)

    @sentences("person describes <customer> as <said>")
    def describes(self, customer: str, said: str) -> None:
        """`tier enterprise, contract annual, billing usage, relationship partner, arr 120000.00 USD, country US, zone
        America/New_York, cc cfo@northfield.example, sms +14155550123 since 2026-09-01, mails to parent`"""
        given: dict[str, object] = {}
        for word, value in pairs(said):
            first, _, rest = value.partition(" ")
            if word == "arr":
                given |= {"arr": first, "arr_currency": rest}
            elif word == "sms":
                since = rest.removeprefix("since ")
                given |= {"sms": first, "sms_consent_on": date.fromisoformat(since) if since else None}
            elif word == "mails":
                given["mails_parent"] = True
            elif word == "cc":
                given["cc"] = ", ".join(filter(None, (str(given.get("cc", "")), value)))
            else:
                given[_SAID.get(word, word)] = value
        if given:
            self.world.erp.describe_customer(self.world.customer(customer).id, **given)

    @sentences("customer <customer>, net <days>, no e-mail")
    def customer_without_address(self, customer: str, days: str) -> None:
        self._customer(customer, days, "", "", "")

    @sentences("customer <customer>, net <days>, not in Stripe")
    def customer_outside_stripe(self, customer: str, days: str) -> None:
        address = f"payables@{_slug(customer)}.example"
        self.world.add_customer(customer, address, int(days), in_stripe=False)

    def _customer(self, name: str, days: str, email: str, currency: str, parent: str) -> None:
        self.world.add_customer(name, email, int(days), currency=currency or "USD", parent=parent or None)

    @sentences("person moves <customer> to the subsidiary <text>")
    def moves(self, customer: str, text: str) -> None:
        """Later invoices of this customer are that subsidiary's."""
        subsidiary = self.world.erp.add_subsidiary(text, "USD")
        self.world.erp.edit_customer(self.world.customer(customer).id, subsidiary=subsidiary)

    @sentences(
        "invoice <invoice> <customer> <amount> <currency> due <due> issued <issued>[ lines <lines>][ <evidence>]"
    )
    def invoice(
        self, invoice: str, customer: str, amount: str, currency: str, due: str, issued: str, lines: str, evidence: str
    ) -> None:
        """It was mailed on the day of issue; `undelivered`: not yet, as far as the ERP knows."""
        made = [{"description": kind, "amount": part, "kind": kind} for part, kind in pairs(lines)]
        due_on = None if due == "never" else date.fromisoformat(due)
        self.world.add_invoice(
            customer,
            invoice,
            date.fromisoformat(issued),
            due_on,
            made or [{"description": "subscription", "amount": amount, "kind": "subscription"}],
            currency=currency,
            **({"delivered_on": None} if evidence else {}),
        )

    @sentences(
        "invoices <invoice> to <last> <customer> from <amount> <currency> rising <rise> due <due> issued <issued>"
    )
    def invoices(
        self, invoice: str, last: str, customer: str, amount: str, currency: str, rise: str, due: str, issued: str
    ) -> None:
        """Many, each `rise` more than the one before it, so that no two are the same."""
        for place, number in enumerate(_from_to(invoice, last)):
            each = str(Decimal(amount) + place * Decimal(rise))
            self.invoice(number, customer, each, currency, due, issued, "", "")

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

    @sentences("payments <payment> to <last_payment> <payer> for <invoice> to <last>")
    def payments(self, payment: str, last_payment: str, payer: str, invoice: str, last: str) -> None:
        """Many card payments, each of the whole balance of the invoice that it names."""
        for one, number in zip(_from_to(payment, last_payment), _from_to(invoice, last), strict=True):
            owed = self._invoice(number)
            self.payment(one, payer, owed["balance"], owed["currency"], number, "", f"{number} {owed['balance']}")

    @sentences("bank settles <payment>")
    def settles(self, payment: str) -> None:
        self.world.stripe.ledger.settle(self._intents[payment])

    @sentences("bank returns <payment>")
    def returns(self, payment: str) -> None:
        self.world.stripe.ledger.fail(self._intents[payment])

    # ---- people in the ERP ----

    @sentences("person enters <amount> for <invoice> <text>[ on <day>]")
    def enters(self, amount: str, invoice: str, text: str, day: str) -> None:
        """On a day that is past: how a customer paid before the story begins."""
        self._post_by_hand([(invoice, amount)], text, date.fromisoformat(day) if day else None)

    @sentences("person posts <payment> -> <parts>")
    def posts(self, payment: str, parts: str) -> None:
        """As another integration does it: the charge is named in the memo."""
        self._post_by_hand(pairs(parts), f"Stripe {self.charges[payment]}")

    @sentences("stripe connector posts <payment> -> <invoice>")
    def connector_posts(self, payment: str, invoice: str) -> None:
        """Stripe's own connector for NetSuite: the charge's id is the payment's external id."""
        charge, owed = self.charges[payment], self._invoice(invoice)
        self.world.erp.stripe_connector_posts(
            charge, owed["balance"], owed["customer"], self.today(), self.world.invoice_id(invoice)
        )

    @sentences("person books <payout>")
    def books(self, payout: str) -> None:
        """As it should be: a deposit, or a journal where it debits the bank; the payout's id in the memo."""
        name = self.payouts[payout]
        found = next(one for one in self.world.truth()["payouts"] if one["payout"] == name)
        parts = {"clearing": Decimal(), "adjustments": Decimal(), "fees": Decimal()}
        for member in found["members"]:
            parts["adjustments" if member["type"] == "adjustment" else "clearing"] += Decimal(member["amount"])
            parts["fees"] -= Decimal(member["fee"])
        books, total = self.world.erp, Decimal(found["amount"])
        if total > 0:
            lines = [{"account": role, "amount": str(amount)} for role, amount in parts.items() if amount]
            books.deposit_by_hand(self.today(), lines=lines, payout=name)
            return
        sides = [("bank", -total), *parts.items()]
        entries = [{"account": role, "credit" if amount > 0 else "debit": str(abs(amount))} for role, amount in sides]
        books.journal_by_hand(self.today(), entries, memo=f"Stripe payout {name}")

    @sentences("person voids the deposit of <payout>")
    def voids_deposit(self, payout: str) -> None:
        """Or the journal, where an ERP keeps it as one."""
        truth, name = self.world.truth(), self.payouts[payout]
        made = [one["id"] for one in truth["deposits"] + truth["journals"] if name in one["external_id"]]
        self.world.erp.void_document(made[0])

    @sentences("person posts <payment> unapplied")
    def posts_unapplied(self, payment: str) -> None:
        charge = self.world.stripe.ledger.get(self.charges[payment])
        owner = next(one for one in self.world.customers() if one.stripe_id == charge["customer"])
        amount = str(Decimal(charge["amount"]).scaleb(-2))
        self.world.erp.pay_by_hand(owner.id, amount, self.today(), (), f"Stripe {charge['id']}")

    def _post_by_hand(self, parts: list[tuple[str, str]], memo: str, on: date | None = None) -> None:
        owner = self._invoice(parts[0][0])["customer"]
        total = str(sum(Decimal(amount) for _, amount in parts))
        applications = [(self.world.invoice_id(invoice), amount) for invoice, amount in parts]
        self.world.erp.pay_by_hand(owner, total, on or self.today(), applications, memo)

    @sentences("person enters <amount> of <customer> <text>")
    def enters_unapplied(self, amount: str, customer: str, text: str) -> None:
        self.world.erp.pay_by_hand(self.world.customer(customer).id, amount, self.today(), (), text)

    @sentences("person applies <memo> -> <invoice> <amount>")
    def applies(self, memo: str, invoice: str, amount: str) -> None:
        """Apply an open credit memo; the invoice's own modified date stays as it is, as with a payment."""
        self.world.erp.apply_credit(self._memos[memo], {self.world.invoice_id(invoice): amount})

    @sentences("person applies the rest of <payment> -> <invoice> <amount>")
    def applies_rest(self, payment: str, invoice: str, amount: str) -> None:
        self.world.erp.apply_payment(self._posted(payment), {self.world.invoice_id(invoice): amount})

    @sentences("person voids the payment of <payment>")
    def voids_payment(self, payment: str) -> None:
        self.world.erp.void_payment(self._posted(payment))

    def _posted(self, payment: str) -> str:
        """The ERP payment of this charge, by whomever."""
        charge = self.charges[payment]
        return str(next(p["id"] for p in self.world.truth()["payments"] if charge in p["external_id"] + p["memo"]))

    @sentences("person holds <invoice> <text>")
    def holds(self, invoice: str, text: str) -> None:
        self.world.erp.set_hold(self.world.invoice_id(invoice), text)

    @sentences("person holds <invoice> for <word> <text>[ since <issued>][ until <day>][ owner <owner>]")
    def holds_for(self, invoice: str, word: str, text: str, issued: str, day: str, owner: str) -> None:
        """The kinds are those of the ERP's field: usage, credit_memo, format_change, other."""
        since, until = (date.fromisoformat(one) if one else None for one in (issued, day))
        self.world.erp.set_hold(self.world.invoice_id(invoice), text, word, owner, since, until)

    @sentences("person promises <invoice> <amount> <currency> on <day>[ by <text>][ recorded by <owner>]")
    def promises(self, invoice: str, amount: str, currency: str, day: str, text: str, owner: str) -> None:
        """The amount is in the invoice's own currency: the ERP's field has no other."""
        if currency != self._invoice(invoice)["currency"]:
            raise ValueError(f"{invoice} is not in {currency}")
        on = date.fromisoformat(day)
        self.world.erp.promise(self.world.invoice_id(invoice), on, amount, text, owner)

    @sentences("person takes back the promise of <invoice>")
    def takes_promise_back(self, invoice: str) -> None:
        self.world.erp.forget_promise(self.world.invoice_id(invoice))

    @sentences("person agrees plan of <invoice> <text>[ approved by <word>]")
    def agrees_plan(self, invoice: str, text: str, word: str) -> None:
        """As people write it: "2026-12-01 500.00; 2027-01-01 500.00"."""
        self.world.erp.agree_plan(self.world.invoice_id(invoice), text, word)

    @sentences("person talks about <invoice> until <day>")
    def talks(self, invoice: str, day: str) -> None:
        self.world.erp.converse(self.world.invoice_id(invoice), date.fromisoformat(day))

    @sentences("person touches <invoice>")
    def touches(self, invoice: str) -> None:
        """A person worked on it today, by the ERP's field."""
        self.world.erp.touch(self.world.invoice_id(invoice), self.today())

    @sentences("person releases <invoice>")
    def releases(self, invoice: str) -> None:
        self.world.erp.clear_hold(self.world.invoice_id(invoice))

    @sentences("person disputes line <number> of <invoice> <text>")
    def disputes(self, number: str, invoice: str, text: str) -> None:
        self.world.erp.dispute_line(self.world.invoice_id(invoice), int(number), text)

    @sentences("person gives detail on line <number> of <invoice> <text>")
    def gives_detail(self, number: str, invoice: str, text: str) -> None:
        self.world.erp.give_detail(self.world.invoice_id(invoice), int(number), text)

    @sentences("person gives the dispute of <invoice> to <owner>[ until <day>]")
    def gives_dispute(self, invoice: str, owner: str, day: str) -> None:
        until = date.fromisoformat(day) if day else None
        self.world.erp.own_dispute(self.world.invoice_id(invoice), owner, until)

    @sentences("person settles the dispute about line <number> of <invoice>[ as <word>]")
    def settles_dispute(self, number: str, invoice: str, word: str) -> None:
        """`as rejected`, `accepted` or `written_off`; else nobody says how it ended."""
        self.world.erp.settle_dispute(self.world.invoice_id(invoice), int(number), word)

    @sentences("person voids <invoice>")
    def voids(self, invoice: str) -> None:
        self.world.erp.void(self.world.invoice_id(invoice))

    @sentences("person writes off <amount> of <invoice>[ by <word>]")
    def writes_off(self, amount: str, invoice: str, word: str) -> None:
        """By a credit memo against bad debt, or `by journal`."""
        self.world.erp.write_off(self.world.invoice_id(invoice), self.today(), amount, by=word or "memo")

    @sentences("person makes <invoice> due <day>")
    def makes_due(self, invoice: str, day: str) -> None:
        self.world.erp.edit_invoice(self.world.invoice_id(invoice), due_on=date.fromisoformat(day))

    @sentences("person changes line <number> of <invoice> to <amount>")
    def changes_line(self, number: str, invoice: str, amount: str) -> None:
        self.world.erp.edit_line_amount(self.world.invoice_id(invoice), int(number), amount)

    # ---- what only Sage Intacct has ----

    @sentences("company has the entity <entity>")
    def has_entity(self, entity: str) -> None:
        """What is entered in it is its own; the connector looks after it."""
        self.close()
        self.world.intacct.add_entity(entity)
        self._mapping["entities"] = {**self._mapping.get("entities", {}), entity: {}}

    @sentences("invoice <invoice> <customer> <amount> <currency> due <due> issued <issued> in <entity>")
    def invoice_of_entity(
        self, invoice: str, customer: str, amount: str, currency: str, due: str, issued: str, entity: str
    ) -> None:
        line = {"description": "subscription", "amount": amount, "kind": "subscription"}
        days = (date.fromisoformat(issued), date.fromisoformat(due))
        self.world.add_invoice(customer, invoice, *days, [line], currency=currency, entity=entity)

    @sentences("order invoice <invoice> <customer> <amount> <currency> due <due> issued <issued>")
    def invoice_of_order(self, invoice: str, customer: str, amount: str, currency: str, due: str, issued: str) -> None:
        """Made in Order Entry, and edited there."""
        line = {"description": "subscription", "amount": amount, "kind": "subscription"}
        days = (date.fromisoformat(issued), date.fromisoformat(due))
        self.world.add_invoice(customer, invoice, *days, [line], currency=currency, order_entry=True)

    @sentences("person closes the month <month> of <entity>")
    def closes_month_of(self, month: str, entity: str) -> None:
        self.world.intacct.close_period(month, entity=entity)

    @sentences("person opens the month <month> of <entity>")
    def opens_month_of(self, month: str, entity: str) -> None:
        self.world.intacct.open_period(month, entity=entity)

    @sentences("person drafts a payment of <amount> for <invoice>")
    def drafts(self, amount: str, invoice: str) -> None:
        """Entered and not yet posted: from now on its invoice is Selected."""
        parts = [(self.world.invoice_id(invoice), amount)]
        owner = self._invoice(invoice)["customer"]
        self._drafts[invoice] = self.world.intacct.draft_payment(owner, amount, self.today(), parts)

    @sentences("person posts the draft for <invoice>")
    def posts_draft(self, invoice: str) -> None:
        self.world.intacct.submit_payment(self._drafts[invoice])

    @sentences("person posts our draft of <payment>")
    def posts_our_draft(self, payment: str) -> None:
        charge = self.charges[payment]
        (draft,) = [one for one in self.world.truth()["drafts"] if charge in one["external_id"]]
        self.world.intacct.submit_payment(draft["id"])

    @sentences("person deletes the draft for <invoice>")
    def deletes_draft(self, invoice: str) -> None:
        self.world.intacct.delete_document(self._drafts[invoice])

    @sentences("person edits the order of <invoice> just before we post")
    def edits_order(self, invoice: str) -> None:
        """Order Entry then deletes the invoice and makes it anew, under the same number and new record numbers."""
        of = self.world.invoice_id(invoice)
        self.world.intacct.meanwhile("act", lambda: self.world.intacct.edit_order(of))

    @sentences("person sends <invoice> back for approval")
    def sends_back(self, invoice: str) -> None:
        self.world.erp.edit_invoice(self.world.invoice_id(invoice), approval="pending")

    @sentences("person approves <invoice>")
    def approves(self, invoice: str) -> None:
        self.world.erp.edit_invoice(self.world.invoice_id(invoice), approval="approved")

    @sentences("person mails <invoice>")
    def mails_invoice(self, invoice: str) -> None:
        """The invoice itself, out of the ERP: the evidence that it was delivered."""
        self.world.erp.email_invoice(self.world.invoice_id(invoice), self.today())

    @sentences("person installs the ERP's own dunning")
    def installs_dunning(self) -> None:
        self.world.erp.install_dunning()

    @sentences("person closes the month <month>")
    def closes_month(self, month: str) -> None:
        self.world.erp.close_period(month)

    @sentences("person opens the month <month>")
    def opens_month(self, month: str) -> None:
        self.world.erp.open_period(month)

    @sentences("person takes <permission> from the role")
    def takes_permission(self, permission: str) -> None:
        """In the ERP's own words. Until it is given back, ticks may have trouble."""
        self._has_faults = True
        self.world.erp.revoke(permission)

    @sentences("person gives <permission> to the role")
    def gives_permission(self, permission: str) -> None:
        self._has_faults = False
        self.world.erp.grant(permission)

    @sentences("person gives <customer> the address <address>")
    def gives_address(self, customer: str, address: str) -> None:
        self.world.erp.edit_customer(self.world.customer(customer).id, email=address)

    @sentences("person marks <customer> do-not-contact")
    def marks(self, customer: str) -> None:
        self.world.erp.edit_customer(self.world.customer(customer).id, do_not_contact=True)

    @sentences("person lifts do-not-contact of <customer>")
    def unmarks(self, customer: str) -> None:
        self.world.erp.edit_customer(self.world.customer(customer).id, do_not_contact=False)

    @sentences("person makes <customer> inactive")
    def makes_inactive(self, customer: str) -> None:
        self.world.erp.edit_customer(self.world.customer(customer).id, inactive=True)

    # ---- the operator and the outside ----

    @sentences("operator stops <what> <text>")
    def stops(self, what: str, text: str) -> None:
        self.desk.service.stop(what, lift=False, who="controller", reason=text)

    @sentences("operator lifts <what>")
    def lifts(self, what: str) -> None:
        self.desk.service.stop(what, lift=True, who="controller", reason="")

    @sentences("operator has dealt with <customer> <text>")
    def dealt_with(self, customer: str, text: str) -> None:
        """Somebody has answered what this customer wrote."""
        self.desk.service.answered(customer, "controller", text)

    @sentences("fault <word> <operation>[, <number> times]")
    def fault(self, word: str, operation: str, number: str) -> None:
        """Which service and what befalls it; `erp` is whichever ERP it is."""
        self._has_faults = True
        service = self.world.erp_name if word == "erp" else word
        self.world.install(Rule(service, operation, times=int(number or 1000)))  # type: ignore[arg-type]

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


def _from_to(first: str, last: str) -> list[str]:
    """'INV-1' to 'INV-3' -> all three."""
    prefix, _, number = first.rpartition("-")
    return [f"{prefix}-{one}" for one in range(int(number), int(last.rpartition("-")[2]) + 1)]


def _slug(name: str) -> str:
    return items(name.replace(" ", ", "))[0].lower()


def first_morning(days: list[str]) -> datetime:
    """The world begins before work on the first day that the story names."""
    return datetime.combine(date.fromisoformat(days[0]), BEFORE_WORK)
