"""What Stripe and the CRM do in a story by themselves: wires, refunds, autopay, payouts; accounts and their flags."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, date
from typing import Any

from sandbox.stripe_deeds import STRIPE_DEEDS
from sandbox.world import Served
from tests.stories.notation import Sentences, items

sentences = Sentences()


class Services(ABC):
    """The services of one world, beside the ERP."""

    def __init__(self, served: Served) -> None:
        self.world = served.world
        self._served = served
        self._has_crm = False
        self._has_faults = False
        self.charges: dict[str, str] = {}  # P-1 -> charge, or what arrived in the cash balance
        self._intents: dict[str, str] = {}  # P-1 -> PaymentIntent
        self.payouts: dict[str, str] = {}  # PO-1 -> payout
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

    # ---- the account team, in the CRM ----

    @sentences("crm account <customer>[, renews <renews>][, <flags>]")
    def crm_account(self, customer: str, renews: str, flags: str) -> None:
        """An account that carries the customer's ERP id; with this sentence there is a CRM."""
        if not self._has_crm:
            self.close()  # started again with one
        self._has_crm = True
        org, known = self.world.salesforce.org, self.world.customer(customer)
        fields = {"Tier__c": "Strategic" if "strategic" in items(flags) else None}
        org.add_account(known.name, known.id, Do_Not_Contact__c="do-not-contact" in items(flags), **fields)
        if renews:
            org.add_contract(known.name, renews)

    @sentences("crm marks <customer> do-not-contact")
    def crm_marks(self, customer: str) -> None:
        self.world.salesforce.org.set_field(customer, "Do_Not_Contact__c", True)

    @sentences("crm lifts do-not-contact of <customer>")
    def crm_lifts(self, customer: str) -> None:
        self.world.salesforce.org.set_field(customer, "Do_Not_Contact__c", False)

    @sentences("crm has no requests left today")
    def crm_spent(self) -> None:
        self._has_faults = True
        self.world.salesforce.spend_quota()
