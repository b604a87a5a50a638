"""What Stripe and the CRM do in a story by themselves: wires, refunds, autopay, payouts; accounts and their flags."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, date
from typing import Any

from sandbox.imap_answers import answer_deed
from sandbox.stripe_deeds import STRIPE_DEEDS
from sandbox.world import Served
from tests.stories.notation import Sentences, items, pairs

sentences = Sentences()

# The word for a trait -> the field of an account that holds it.
_TRAITS = {
    "tier": "Tier__c",
    "arr": "ARR__c",
    "contract": "Contract_Type__c",
    "billing": "Billing_Model__c",
    "country": "BillingCountryCode",
    "zone": "Time_Zone__c",
}


class Services(ABC):
    """The services of one world, beside the ERP."""

    def __init__(self, served: Served) -> None:
        self.world = served.world
        self._served = served
        self._has_crm = False
        self._has_chat = False
        self._has_mailbox = False
        self._has_sms = False
        self._has_faults = False
        self.charges: dict[str, str] = {}  # P-1 -> charge, or what arrived in the cash balance
        self._intents: dict[str, str] = {}  # P-1 -> PaymentIntent
        self.payouts: dict[str, str] = {}  # PO-1 -> payout
        self._disputes: dict[str, str] = {}  # P-1 -> the dispute about it
        self._collected: dict[str, str] = {}  # INV-1 -> the invoice in Stripe

    @abstractmethod
    def close(self) -> None:
        """The connector stops; it is started again when it is needed."""

    def today(self) -> date:
        return self.world.clock().astimezone(UTC).date()

    def _invoice(self, number: str) -> dict[str, Any]:
        return next(one for one in self.world.truth()["invoices"] if one["number"] == number)

    # ---- money that comes and goes ----

    @sentences("wire <payment> <payer> <amount> <currency> <text>")
    def wire(self, payment: str, payer: str, amount: str, currency: str, text: str) -> None:
        """A bank transfer into the payer's cash balance at Stripe; the words are the payer's reference."""
        made = self._stripe("fund", customer=payer, amount=amount, currency=currency, reference=text)
        self.charges[payment] = made["cash_balance_transaction"]

    @sentences("stripe applies <amount> of <payer> to <invoice> as <payment>")
    def applies_cash(self, amount: str, payer: str, invoice: str, payment: str) -> None:
        """Money of the cash balance pays; nothing but the wire's own reference says what for."""
        made = self._stripe("apply_cash", customer=payer, pays=[{"amount": amount, "invoice": invoice}])[0]
        self._intents[payment], self.charges[payment] = made["payment_intent"], made["charge"]

    @sentences("stripe refunds <amount> of <payment>")
    def refunds(self, amount: str, payment: str) -> None:
        self._stripe("refund", payment=self.charges[payment], amount=amount)

    @sentences("cardholder disputes <payment>")
    def disputes_payment(self, payment: str) -> None:
        self._disputes[payment] = self._stripe("dispute", payment=self.charges[payment])["dispute"]

    @sentences("dispute of <payment> is <word>")
    def ends_dispute(self, payment: str, word: str) -> None:
        self._stripe("close_dispute", dispute=self._disputes[payment], outcome=word)

    @sentences("stripe takes <amount> <currency>")
    def takes(self, amount: str, currency: str) -> None:
        """An adjustment of the balance that is about no payment."""
        self._stripe("adjust", amount=f"-{amount}", currency=currency)

    @sentences("stripe collects <invoice> on <day>")
    def collects(self, invoice: str, day: str) -> None:
        """Stripe collects it by itself, from a stored payment method."""
        owed = self._invoice(invoice)
        made = self._stripe(
            "autopay_invoice",
            customer=owed["customer"],
            number=invoice,
            amount=owed["balance"],
            next_attempt_at=f"{day}T12:00:00+00:00",
        )
        self._collected[invoice] = made["stripe_invoice"]

    @sentences("stripe tries <invoice>: declined[, again on <day>]")
    def declined(self, invoice: str, day: str) -> None:
        again = {"next_attempt_at": f"{day}T12:00:00+00:00"} if day else {}
        self._stripe("attempt_autopay", invoice=self._collected[invoice], succeeds=False, **again)

    @sentences("stripe mails <invoice> itself")
    def mails_itself(self, invoice: str) -> None:
        owed = self._invoice(invoice)
        self._stripe("send_invoice", customer=owed["customer"], number=invoice, amount=owed["balance"])

    # ---- payouts ----

    @sentences("payout <payout> <currency>[ by hand <amount>]")
    def payout(self, payout: str, currency: str, amount: str) -> None:
        """Everything that is available; by hand so much of it."""
        by_hand = {"manual": True, "amount": amount} if amount else {}
        self.payouts[payout] = self._stripe("payout", currency=currency, **by_hand)["payout"]

    @sentences("stripe lists <payout>")
    def lists(self, payout: str) -> None:
        """Reconciled: from now on its members can be read."""
        self._stripe("reconcile_payout", payout=self.payouts[payout])

    @sentences("stripe leaves a member out of <payout>")
    def leaves_out(self, payout: str) -> None:
        ledger = self.world.stripe.ledger
        member = ledger.payouts.members(self.payouts[payout])[0]["id"]
        self._stripe("skew_payout", payout=self.payouts[payout], hide=member)

    @sentences("stripe lists <payout> rightly again")
    def lists_rightly(self, payout: str) -> None:
        """Nothing tells of that; the connector must look again by itself."""
        self._stripe("skew_payout", payout=self.payouts[payout])

    @sentences("bank gets <payout>")
    def gets(self, payout: str) -> None:
        self._stripe("arrive_payout", payout=self.payouts[payout])

    @sentences("bank sends back <payout>")
    def sends_payout_back(self, payout: str) -> None:
        self._stripe("fail_payout", payout=self.payouts[payout])

    def _stripe(self, deed: str, **arguments: Any) -> Any:
        return STRIPE_DEEDS[deed](self.world, **arguments)

    # ---- what customers answer ----

    @sentences("customer <customer> answers <text> to the last mail")
    def answers(self, customer: str, text: str) -> None:
        """A person writes, with our mail quoted below; with any of these sentences there is a reply-to mailbox."""
        self._answer("answer", customer=customer, text=text)

    @sentences("customer <customer> is out of office")
    def out_of_office(self, customer: str) -> None:
        """The last mail is answered by itself."""
        self._answer("out_of_office", customer=customer)

    @sentences("mail to <customer> bounces with <code>")
    def bounces(self, customer: str, code: str) -> None:
        """The customer's mail server took the last mail and reports later that it could not deliver it."""
        self._answer("bounce", customer=customer, status=code)

    @sentences("somebody writes <text>")
    def writes(self, text: str) -> None:
        """Into the same mailbox, to nobody's message."""
        self._answer("write", sender="news@elsewhere.example", subject="Offers", text=text)

    def _answer(self, deed: str, **more: Any) -> None:
        if not self._has_mailbox:
            self.close()  # started again with one
        self._has_mailbox = True
        answer_deed(self.world, deed, more)

    @sentences("texts leave by the gateway")
    def has_sms(self) -> None:
        self.close()
        self._has_sms = True

    # ---- the account team, in the CRM ----

    @sentences("crm account <customer>[, renews <renews>][, <flags>][, <traits>]")
    def crm_account(self, customer: str, renews: str, flags: str, traits: str) -> None:
        """An account that carries the customer's ERP id; with this sentence there is a CRM. What the policy goes by:
        `tier Enterprise, arr 500000.00 USD, contract annual, billing usage, country DE, zone Europe/Berlin`."""
        if not self._has_crm:
            self.close()  # started again with one
        self._has_crm = True
        org, known = self.world.salesforce.org, self.world.customer(customer)
        fields = {"Tier__c": "Strategic" if "strategic" in items(flags) else None, **_fields(traits)}
        org.add_account(known.name, known.id, Do_Not_Contact__c="do-not-contact" in items(flags), **fields)
        if renews:
            org.add_contract(known.name, renews)

    @sentences("crm changes <customer> to <traits>")
    def crm_changes(self, customer: str, traits: str) -> None:
        for field, value in _fields(traits).items():
            self.world.salesforce.org.set_field(customer, field, value)

    @sentences("crm hears <customer> on <day>")
    def crm_hears(self, customer: str, day: str) -> None:
        """A mail from the customer reaches its account that morning."""
        self.world.salesforce.org.add_email(customer, "About your invoices", f"{day}T08:00:00Z")

    @sentences("crm task about <invoice> is done")
    def crm_task_done(self, invoice: str) -> None:
        """Somebody of the account team ticks off what they were asked."""
        self.world.salesforce.org.finish_tasks(invoice)

    @sentences("crm owner of <customer> is <text>[ at <address>][ reporting to <owner>]")
    def crm_owner(self, customer: str, text: str, address: str, owner: str) -> None:
        org = self.world.salesforce.org
        if owner:
            org.add_user(owner)
        org.set_field(customer, "OwnerId", org.add_user(text, address, manager=owner or None))

    @sentences("crm marks <customer> do-not-contact")
    def crm_marks(self, customer: str) -> None:
        self.world.salesforce.org.set_field(customer, "Do_Not_Contact__c", True)

    @sentences("crm lifts do-not-contact of <customer>")
    def crm_lifts(self, customer: str) -> None:
        self.world.salesforce.org.set_field(customer, "Do_Not_Contact__c", False)

    @sentences("our people have a chat")
    def has_chat(self) -> None:
        """Slack's incoming webhook, over apprise."""
        if not self._has_chat:
            self.close()  # started again with one
        self._has_chat = True

    @sentences("crm has no requests left today")
    def crm_spent(self) -> None:
        self._has_faults = True
        self.world.salesforce.spend_quota()


def _fields(traits: str) -> dict[str, Any]:
    """'tier Enterprise, arr 500000.00 USD' as the fields of an account."""
    fields: dict[str, Any] = {_TRAITS[name]: value for name, value in pairs(traits)}
    if "ARR__c" in fields:
        number, fields["CurrencyIsoCode"] = fields["ARR__c"].split()
        fields["ARR__c"] = float(number)  # as Salesforce sends it
    return fields
