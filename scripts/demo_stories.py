"""The stories of the demo, told day by day in one false world: each has a customer of its own and one event.

What is shown is counted on the world's own truth and mailbox, and asked of the connector only where it is the
connector's word.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector.daemon import Service
from connector.decisions.clearing import ClearingProof
from connector.reports import Asking
from connector.store import settling
from connector.store.book import from_json

if TYPE_CHECKING:
    from demo import Sandbox

START = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
TICK_HOUR = 9
APPROVER = "ar-desk"
FORTY = [f"TIDE-{n}" for n in range(1, 41)]
OLD = [f"{name}-{n}" for name in ("BRACKEN", "OSIER") for n in range(1, 9)]


class Teller:
    """Prints for people, or keeps quiet for `--json`; remembers what did not hold."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self.broken: list[str] = []

    def say(self, text: str = "") -> None:
        if not self._quiet:
            print(text, flush=True)

    def expect(self, fact: str, holds: bool) -> None:
        self.say(f"     {'ok ' if holds else 'NOT'} {fact}")
        if not holds:
            self.broken.append(fact)


class Stories:
    """All in one world, as the days of two months pass."""

    def __init__(self, sandbox: Sandbox, service: Service, teller: Teller) -> None:
        self._sandbox, self._service, self._teller = sandbox, service, teller
        self._erp = sandbox.erp_as_people_say

    def run(self) -> None:
        self._set_up()
        self._first_day_of_auto()
        self._live_until(date(2026, 9, 3))
        self._forty_payments()
        self._live_until(date(2026, 9, 7))
        self._payout()
        self._live_until(date(2026, 9, 9))
        self._terms()
        self._live_until(date(2026, 9, 14))
        self._one_charge_six_invoices()
        self._live_until(date(2026, 9, 15))
        self._posted_already()
        self._live_until(date(2026, 9, 16))
        self._paid_moments_before()
        self._live_until(date(2026, 9, 18))
        self._renewal()
        self._in_credit()
        self._live_until(date(2026, 9, 21))
        self._short_pay()
        self._live_until(date(2026, 9, 24))
        self._closed_by_a_person()
        self._live_until(date(2026, 9, 28))
        self._time_out_after_commit()
        self._live_until(date(2026, 9, 30))
        self._closed_period()
        self._live_until(date(2026, 10, 5))
        self._renewal_saved()
        self._live_until(date(2026, 10, 20))
        self._how_it_ended()

    # -- time --

    def _live_until(self, day: date) -> None:
        """One pass of the loop each morning up to this day; days on which nothing happened are not printed."""
        while self._sandbox.now.date() < day:
            today = self._sandbox.now.date() + timedelta(days=1)
            self._sandbox.advance(datetime(today.year, today.month, today.day, TICK_HOUR, tzinfo=UTC))
            self._tick()

    def _tick(self) -> Any:
        report = self._service.tick()
        for trouble in report.troubles:
            self._teller.say(f"{self._sandbox.now:%a %d %b}  {trouble}")
        done = (
            (report.closed, f"payment applied in {self._erp}", f"payments applied in {self._erp}"),
            (report.cancelled, "pending reminder cancelled", "pending reminders cancelled"),
            (report.sent, "invoice reminded", "invoices reminded"),
        )
        words = [f"{count} {one if count == 1 else many}" for count, one, many in done if count]
        if words:
            self._teller.say(f"{self._sandbox.now:%a %d %b}  {', '.join(words)}")
        return report

    # -- the customers --

    def _set_up(self) -> None:
        self._teller.say(
            f"{START:%a %d %b %Y}  Thirteen customers have open invoices in {self._erp}; the connector starts."
        )
        lines = {
            "MERIDIAN-1": ("24000.00", "subscription"),
            "MERIDIAN-2": ("36000.00", "subscription"),
            "MERIDIAN-3": ("30000.00", "subscription"),
            "MERIDIAN-4": ("27500.00", "usage"),
            "MERIDIAN-5": ("22500.00", "usage"),
            "MERIDIAN-6": ("40000.00", "services"),
        }
        self._customer("Meridian Freight Systems", 30)
        for number, (amount, kind) in lines.items():
            self._invoice("Meridian Freight Systems", number, "2026-08-18", amount, kind)
        self._sandbox.post("erp/set_hold", invoice="MERIDIAN-5", reason="usage is still being reconciled")
        for name, terms, number, issued_on, amount in (
            ("Copperline Energy", 30, "COPPER-1", "2026-08-12", "50000.00"),
            ("Alder Point Clinics", 30, "ALDER-30", "2026-08-17", "8000.00"),
            ("Sable Ridge Metering", 60, "SABLE-60", "2026-08-17", "8000.00"),
            ("Westbrook Tooling", 30, "WEST-1", "2026-08-24", "6400.00"),
            ("Lanternfish Media", 30, "LANTERN-1", "2026-08-18", "1250.00"),
            ("Quarrystone Labs", 30, "QUARRY-1", "2026-08-25", "3900.00"),
            ("Northfield Robotics", 30, "NORTH-1", "2026-08-12", "18000.00"),
            ("Alderbrook Press", 30, "PRESS-1", "2026-08-12", "2000.00"),
            ("Fernhollow Textiles", 30, "FERN-1", "2026-08-20", "2600.00"),
            ("Kelpwood Surveys", 60, "KELP-1", "2026-08-12", "7200.00"),
        ):
            self._customer(name, terms)
            self._invoice(name, number, issued_on, amount, "subscription")
        self._sandbox.post("erp/add_credit_memo", customer="Alderbrook Press", number="CM-1", amount="2500.00")
        self._customer("Tidewater Supply", 45)
        for place, number in enumerate(FORTY):
            self._invoice("Tidewater Supply", number, "2026-09-01", str(100 + place * Decimal("12.34")), "usage")
        for name in ("Brackenmoor Tiles", "Osier Lane Books"):
            self._customer(name, 30)
        for place, number in enumerate(OLD):
            name = "Brackenmoor Tiles" if number.startswith("BRACKEN") else "Osier Lane Books"
            issued_on = date(2026, 4, 20) + timedelta(days=6 * place)
            self._invoice(name, number, issued_on.isoformat(), str(900 + 3700 * place), "subscription")
        self._account_team()
        self._tick()

    def _account_team(self) -> None:
        """Two customers in Salesforce: one whose contract ends in October, a strategic one with an old book."""
        self._sandbox.post("salesforce/add_user", name="Customer Success", email="success@demo.example")
        for customer, more in (("Northfield Robotics", {}), ("Osier Lane Books", {"Tier__c": "Strategic"})):
            self._sandbox.post("salesforce/add_account", customer=customer, owner="Customer Success", **more)
        self._sandbox.post("salesforce/add_contract", account="Northfield Robotics", ends_on="2026-10-08")

    def _customer(self, name: str, terms_days: int) -> None:
        address = f"payables@{name.split()[0].lower()}.example"
        self._sandbox.post("customers", name=name, email=address, terms_days=terms_days)

    def _invoice(self, customer: str, number: str, issued_on: str, amount: str, kind: str) -> None:
        lines = [{"description": kind.capitalize(), "amount": amount, "kind": kind}]
        self._sandbox.post("invoices", customer=customer, number=number, issued_on=issued_on, lines=lines)

    def _pay(self, customer: str, amount: str, description: str, **pays: str) -> str:
        """One card payment; the charge."""
        parts = [{"invoice": number.replace("_", "-"), "amount": part} for number, part in pays.items()]
        paid = self._sandbox.post(
            "payments", customer=customer, amount=amount, currency="USD", description=description, pays=parts
        )
        return str(paid["charge"])

    # -- the stories --

    def _first_day_of_auto(self) -> None:
        self._headline(f"The first day of `auto`: {len(OLD)} invoices of an old book are up to three months overdue")
        truth = self._sandbox.get("truth")
        self._teller.expect("not a single mail left", self._sandbox.get("mail") == [])
        states = {number: one.get("state") for number, one in self._statuses().items()}
        waiting = [number for number in OLD if states[number] == "backlog"]
        self._teller.expect(f"all of them wait for a person's choice, and {self._erp} shows it", waiting == OLD)
        self._teller.expect("the account team was not called about any of them", truth["tasks"] == [])

    def _forty_payments(self) -> None:
        self._headline("Tidewater Supply pays forty invoices by card, one by one; 50.00 USD of it are given back")
        owed = self._balances()
        charges = [
            self._pay("Tidewater Supply", str(owed[number]), number, **{number.replace("-", "_"): str(owed[number])})
            for number in FORTY
        ]
        self._tick()
        left = self._balances()
        self._teller.expect("all forty invoices are closed", not any(left[number] for number in FORTY))
        self._sandbox.post("stripe/refund", payment=charges[2], amount="50.00")

    def _payout(self) -> None:
        self._headline("Stripe pays it out: forty payments, their fees and the refund in one sum")
        payout = self._sandbox.post("stripe/payout")
        self._tick()
        self._teller.expect("nothing is posted before it has arrived and can be itemised", not self._deposits(payout))
        for deed in ("reconcile_payout", "arrive_payout"):
            self._sandbox.post(f"stripe/{deed}", payout=payout["payout"])
        self._tick()
        found, accounts = self._deposits(payout), self._sandbox.accounts
        lines = {one["account"]: one["amount"] for one in found[0]["lines"]} if len(found) == 1 else {}
        gross, fees = (Decimal(lines.get(accounts[role], "0")) for role in ("clearing", "fees"))
        self._teller.say(f"         {gross:,} of clearing {fees:+,} of fees = {Decimal(payout['amount']):,} USD")
        self._teller.expect("one deposit ties to the cent", bool(gross) and gross + fees == Decimal(payout["amount"]))
        bank = self._sandbox.get("truth")["balances"][accounts["bank"]]
        self._teller.expect("it is what the bank got", bank == payout["amount"])
        self._sandbox.post("stripe/schedule_payouts", daily=True)

    def _deposits(self, payout: dict[str, Any]) -> list[dict[str, Any]]:
        return [one for one in self._sandbox.banked() if payout["payout"] in one["external_id"]]

    def _posted_already(self) -> None:
        self._headline("FERN-1 is paid, and another system has posted it before the connector looks")
        charge = self._pay("Fernhollow Textiles", "2600.00", "thank you", FERN_1="2600.00")
        self._sandbox.post(
            "erp/pay_by_hand",
            customer="Fernhollow Textiles",
            amount="2600.00",
            account="clearing",
            external_id=charge,
            memo="posted by another system",
            applications=[{"invoice": "FERN-1", "amount": "2600.00"}],
        )
        self._tick()
        payments = [p for p in self._sandbox.get("truth")["payments"] if self._is_of(p, "Fernhollow")]
        self._teller.expect("it is recognised by its charge, and not posted again", len(payments) == 1)
        self._teller.expect("its reminders are cancelled", self._pending("FERN-1") == 0)

    def _renewal(self) -> None:
        self._headline("NORTH-1 is a week past due, and the customer's contract renews in 20 days")
        tasks = self._sandbox.get("truth")["tasks"]
        self._teller.expect(
            "the account team has one task in Salesforce about it",
            ["NORTH-1" in task["subject"] for task in tasks] == [True],
        )
        self._teller.expect("today's reminder is held: a person is at work", self._mails("NORTH-1") == 3)
        status = self._status("NORTH-1")
        self._teller.expect(f"{self._erp} shows it as escalated", status.get("state") == "escalated")

    def _renewal_saved(self) -> None:
        self._headline("A person has spoken to the customer: NORTH-1 is paid")
        self._pay("Northfield Robotics", "18000.00", "NORTH-1", NORTH_1="18000.00")
        self._tick()
        state = self._status("NORTH-1").get("state")
        self._teller.expect("no machine has written meanwhile", self._mails("NORTH-1") == 3)
        self._teller.expect("its escalation is over", state == "closed" and self._balance("NORTH-1") == 0)

    def _in_credit(self) -> None:
        self._headline("PRESS-1 of 2,000.00 USD is a week past due; its customer has 2,500.00 USD of credits")
        self._teller.expect("the customer was never asked for it", self._mails("PRESS-1") == 0)
        reason = self._status("PRESS-1").get("reason", "")
        self._teller.expect(f"{self._erp} says why: credits are to be applied first", "credits" in reason)

    def _closed_period(self) -> None:
        self._sandbox.advance(datetime(2026, 9, 30, 20, tzinfo=UTC))
        self._headline("KELP-1 is paid in the evening; the controller closes September before the connector looks")
        self._pay("Kelpwood Surveys", "7200.00", "KELP-1", KELP_1="7200.00")
        self._sandbox.post("erp/close_period", month="2026-09")
        self._live_until(date(2026, 10, 1))
        self._teller.expect("nothing was posted, and nothing re-dated", self._balance("KELP-1") == 7200)
        state = self._status("KELP-1").get("state")
        self._teller.expect("it waits as an exception, and nobody is reminded meanwhile", state == "exception")
        self._headline("The controller opens September for it")
        self._sandbox.post("erp/open_period", month="2026-09")
        self._live_until(date(2026, 10, 2))
        payments = [p for p in self._sandbox.get("truth")["payments"] if self._is_of(p, "Kelpwood")]
        self._teller.expect("it is posted on its own day", [p["on"] for p in payments] == ["2026-09-30"])
        self._sandbox.post("erp/close_period", month="2026-09")

    def _terms(self) -> None:
        self._headline("A net-30 and a net-60 invoice of one day don't start together")
        self._teller.expect(
            "the net-30 invoice had its first reminder a week before it falls due", self._mails("ALDER-30") == 1
        )
        self._teller.expect("the net-60 invoice of the same day had none yet", self._mails("SABLE-60") == 0)

    def _one_charge_six_invoices(self) -> None:
        self._headline("One charge of 180,000.00 USD names six invoices; one of them is on hold")
        numbers = [f"MERIDIAN-{n}" for n in range(1, 7)]
        amounts = ("24000.00", "36000.00", "30000.00", "27500.00", "22500.00", "40000.00")
        pays = {number.replace("-", "_"): amount for number, amount in zip(numbers, amounts, strict=True)}
        self._pay("Meridian Freight Systems", "180000.00", "Invoices " + ", ".join(numbers), **pays)
        self._tick()
        closed = [number for number in numbers if self._balance(number) == 0]
        five = [number for number in numbers if number != "MERIDIAN-5"]
        self._teller.expect(f"five invoices are closed in {self._erp} by one payment", closed == five)
        self._teller.expect("the sixth keeps its balance of 22,500.00 USD", self._balance("MERIDIAN-5") == 22500)
        self._teller.expect("its 22,500.00 USD stay unapplied on that payment", self._unapplied("Meridian") == 22500)
        self._teller.expect("reminders of the five are cancelled", all(self._pending(n) == 0 for n in closed))

    def _paid_moments_before(self) -> None:
        self._sandbox.advance(datetime(2026, 9, 17, TICK_HOUR - 1, 59, tzinfo=UTC))
        self._headline("LANTERN-1's reminder leaves at 9:00; its payment succeeds at 8:59")
        before = self._mails("LANTERN-1")
        self._pay("Lanternfish Media", "1250.00", "LANTERN-1", LANTERN_1="1250.00")
        self._sandbox.advance(datetime(2026, 9, 17, TICK_HOUR, tzinfo=UTC))
        report = self._tick()
        self._teller.expect("no reminder about LANTERN-1 left this morning", self._mails("LANTERN-1") == before)
        self._teller.expect(
            "the pending ones were cancelled in the same act", report.cancelled == 5 and self._balance("LANTERN-1") == 0
        )

    def _short_pay(self) -> None:
        self._headline("45,000.00 USD arrive for the 50,000.00 USD of COPPER-1")
        self._pay("Copperline Energy", "45000.00", "Payment for COPPER-1", COPPER_1="45000.00")
        self._tick()
        waits = [row for row in self._service.queue().rows if row.kind == "printed_part"]
        self._teller.expect("a part payment is suggested, and its invoice is not chased meanwhile", len(waits) == 1)
        for row in waits:
            self._service.ask([Asking("approve", row.payment)], APPROVER)
        self._teller.say(f"{self._sandbox.now:%a %d %b}  An analyst approves it in the queue")
        self._tick()
        self._teller.expect("they are applied and 5,000.00 USD stay open", self._balance("COPPER-1") == 5000)
        self._teller.expect("one courtesy message replaces the cadence", self._steps("COPPER-1") == ["courtesy"])

    def _closed_by_a_person(self) -> None:
        self._headline(f"Somebody enters a cheque for QUARRY-1 in {self._erp} by hand")
        before = self._mails("QUARRY-1")
        application = {"invoice": "QUARRY-1", "amount": "3900.00"}
        self._sandbox.post(
            "erp/pay_by_hand",
            customer="Quarrystone Labs",
            amount="3900.00",
            memo="cheque",
            applications=[application],
        )
        self._tick()
        self._teller.expect("its reminders are cancelled", self._pending("QUARRY-1") == 0)
        self._live_until(self._sandbox.now.date() + timedelta(days=3))
        self._teller.expect("nobody was reminded afterwards", self._mails("QUARRY-1") == before)

    def _time_out_after_commit(self) -> None:
        self._headline(f"{self._erp} books the payment of WEST-1 but its answer never arrives")
        self._sandbox.post(
            "faults", service=self._sandbox.erp, kind="timeout_after", match={"operation": self._sandbox.act}, seconds=4
        )
        self._pay("Westbrook Tooling", "6400.00", "WEST-1", WEST_1="6400.00")
        self._tick()
        payments = [p for p in self._sandbox.get("truth")["payments"] if self._is_of(p, "Westbrook Tooling")]
        self._teller.expect("it was looked up instead of sent again: one payment is there", len(payments) == 1)
        self._teller.expect("the invoice is closed", self._balance("WEST-1") == 0)

    def _how_it_ended(self) -> None:
        self._headline("A month later")
        self._teller.expect(
            "COPPER-1 got its one courtesy message, nothing firmer", self._templates("COPPER-1") == ["courtesy"]
        )
        self._teller.expect(
            "the unpaid ALDER-30 went through due day, +1, +7, +14 and +30", self._mails("ALDER-30") == 6
        )
        self._teller.expect("the old book got no mail at all", not any(self._mails(number) for number in OLD))
        with self._service.store.read() as tx:
            proofs = [from_json(ClearingProof, text) for _, _, text in settling.proofs(tx)]
        explained = [str(one.unexplained) for one in proofs] == ["0.00 USD"]
        self._teller.expect("the clearing account agrees with Stripe to the cent, every payout booked", explained)

    # -- what is seen --

    def _headline(self, text: str) -> None:
        self._teller.say(f"{self._sandbox.now:%a %d %b}  {text}")

    def _balance(self, number: str) -> Decimal:
        return self._balances()[number]

    def _balances(self) -> dict[str, Decimal]:
        return {one["number"]: Decimal(one["balance"]) for one in self._sandbox.get("truth")["invoices"]}

    def _unapplied(self, customer: str) -> Decimal:
        return sum(
            (Decimal(p["unapplied"]) for p in self._sandbox.get("truth")["payments"] if self._is_of(p, customer)),
            Decimal(),
        )

    def _is_of(self, payment: dict[str, Any], customer: str) -> bool:
        ids = {c["id"] for c in self._sandbox.get("customers") if c["name"].startswith(customer)}
        return payment["customer"] in ids

    def _mails(self, number: str) -> int:
        return sum(1 for mail in self._sandbox.get("mail") if number in mail["text"])

    def _steps(self, number: str) -> list[str]:
        explanation = self._service.explain(number)
        rows = explanation.reminders if explanation else ()
        return [row.step for row in rows if row.state in ("planned", "held")]

    def _pending(self, number: str) -> int:
        return len(self._steps(number))

    def _status(self, number: str) -> dict[str, str]:
        return self._statuses()[number]

    def _statuses(self) -> dict[str, dict[str, str]]:
        """Each invoice's AR status in the ERP."""
        by_invoice = {str(one["invoice"]): one for one in self._sandbox.get("erp/kept/status")}
        return {one["number"]: by_invoice.get(one["id"], {}) for one in self._sandbox.get("truth")["invoices"]}

    def _templates(self, number: str) -> list[str]:
        """Steps that left after the part payment."""
        explanation = self._service.explain(number)
        rows = explanation.reminders if explanation else ()
        return [row.step for row in rows if row.state == "sent" and row.step not in ("-7", "0", "+1", "+7")]
