"""Months made up by chance, lived through in an ERP and in the small ledger: both must answer and hold the same.

The same seed makes the same month. Things are named as people name them; each book has its ids.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import ClassVar

from connector.money import Money
from connector.ports import Outcome
from connector.receivables import CloseIntent, CreditUse, InvoiceStatus, PaymentApplication
from connector.settlement import AccountRole, DocumentKind
from tests.contract.erp_site import TODAY, ErpSite, usd, with_payment
from tests.contract.ledger_site import LedgerSite
from tests.fakes.ledger_erp import At, Trouble

ZERO, CENT = usd("0"), usd("0.01")
STEPS = 40
FIRST = TODAY - timedelta(days=100)
Sums = Mapping[str, Money]


@dataclass(frozen=True)
class Plan:
    """An act by the names of what it touches: a new payment, or the rest of one (`rest_of`) that had `before` left."""

    act_id: str
    cash: Money
    parts: Sums
    credits: Sums = field(default_factory=dict)
    rest_of: str = ""
    before: Money = ZERO


@dataclass
class Book:
    """One of the two, with the ids that things have in it by the names that both know."""

    site: ErpSite
    ids: dict[str, str] = field(default_factory=dict)
    voided: set[str] = field(default_factory=set)

    def holds(self) -> dict[str, object]:
        """What can be read of it, by name."""
        read, names = self.site.erp.read_open(), {id: name for name, id in self.ids.items()}
        known = self.site.erp.read_invoices([id for name, id in self.ids.items() if name.startswith("INV")])
        assert ((), ()) == (read.parked, known.parked)
        return {
            "invoices": {one.number: (one.balance, one.status) for one in known.invoices},
            "open": {one.number: one.balance for one in read.invoices},
            "credits": {names.get(one.id, one.id): (one.kind, one.open_amount) for one in read.credits},
            "totals": [(one.count, one.open_amount) for one in self.site.erp.read_totals() if one.count],
        }

    def past(self) -> dict[str, object]:
        """What finance and learning see of it afterwards, by name."""
        erp, names = self.site.erp, {id: name for name, id in self.ids.items()}
        history, documents = erp.read_history(FIRST, TODAY), erp.read_documents(FIRST, TODAY)
        assert () == history.parked
        owed = Money.total((one.amount for one in documents), "USD")
        kept = [one.amount for one in erp.read_balances(TODAY) if one.role is AccountRole.RECEIVABLE]
        assert owed == Money.total(kept, "USD")
        return {
            "billed": {one.number: one.amount for one in history.invoices},
            "paid": {
                names.get(one.erp_id, one.erp_id): (
                    one.amount,
                    {names[invoice]: amount for invoice, amount, _ in one.applied},
                    {names[credit]: amount for credit, amount in one.credits},
                )
                for one in history.payments
            },
            "settled otherwise": sorted((names[id], amount) for id, amount, _ in history.settled_otherwise),
            "owed": owed,
            "settled": {one.number for one in documents if one.kind is DocumentKind.INVOICE and not one.open_amount}
            - self.voided,
        }

    def intent(self, plan: Plan) -> CloseIntent:
        parts = {self.ids[name]: amount.plain() for name, amount in plan.parts.items()}
        if plan.rest_of:
            made = self.site.rest(self.ids[plan.rest_of], plan.before.plain(), parts, plan.act_id)
        else:
            made = self.site.act(parts, plan.cash.plain(), act_id=plan.act_id)
        applied = tuple(PaymentApplication(self.ids[name], amount) for name, amount in plan.parts.items())
        used = tuple(CreditUse(self.ids[name], amount) for name, amount in plan.credits.items())
        made = with_payment(made, applications=applied, credits=used)
        if plan.rest_of.startswith("PAY-a"):  # what we posted ourselves keeps the name that we gave it
            made = with_payment(made, external_id=f"arc-demo-pay-ch{plan.rest_of.removeprefix('PAY-')}-0")
        return made

    def carry_out(self, plan: Plan) -> Outcome:
        answer = self.site.answer(self.intent(plan)).payment
        if answer.outcome is Outcome.CREATED and not plan.rest_of:
            self.ids[f"PAY-{plan.act_id}"] = answer.erp_id
        return answer.outcome


class Chance:
    """What happens in both books; the choices are made by what the ledger knows."""

    of_the_bill: ClassVar[Mapping[str, object]] = {}  # what else is said of an invoice in the ERP

    def __init__(self, site: ErpSite, seed: int) -> None:
        self.dice = random.Random(seed)
        self.ledger = LedgerSite(site.erp.is_atomic)
        self.model, self.real = Book(self.ledger), Book(site)
        self.plans: list[Plan] = []
        self.step = 0

    def run(self) -> None:
        often = {self.bill: 5, self.credit: 2, self.person_pays: 3, self.we_pay: 7, self.we_apply_a_rest: 5}
        seldom = {self.again: 1, self.void_invoice: 1, self.void_payment: 1}
        deeds = [deed for deed, weight in (often | seldom | self.more()).items() for _ in range(weight)]
        for self.step in range(1, STEPS + 1):
            self.disturb()
            deed = self.dice.choice(deeds)
            deed()
            if self.step % 4 == 0:
                assert self.model.holds() == self.real.holds(), f"after step {self.step}: {deed.__name__}"
        assert self.model.past() == self.real.past()
        assert [] == self.real.site.people.truth()["violations"]

    def more(self) -> dict[Callable[[], None], int]:
        """Further deeds and how often they are done."""
        return {}

    def disturb(self) -> None:
        """What changes nothing of what is owed, before each step."""

    # ---- what people do ----

    def bill(self) -> None:
        name, day = f"INV-{self.step}", TODAY - timedelta(days=self.dice.randint(10, 80))
        lines = [{"description": "Seats", "amount": self.amount(40000)} for _ in range(self.dice.randint(1, 3))]
        for book in (self.model, self.real):
            site, due_on = book.site, day + timedelta(days=30)
            given = (site.customer, name, day, due_on, lines)
            more = self.of_the_bill if book is self.real else {}
            book.ids[name] = site.people.add_invoice(*given, terms_id=site.terms, **more)

    def credit(self) -> None:
        name, amount = f"CM-{self.step}", self.amount(15000)
        for book in (self.model, self.real):
            book.ids[name] = book.site.memo(amount, name)

    def person_pays(self) -> None:
        name, cash = f"PAY-{self.step}", usd(self.amount(50000))
        parts = self.spread(cash)
        for book in (self.model, self.real):
            applied = {book.ids[invoice]: part.plain() for invoice, part in parts.items()}
            book.ids[name] = book.site.people.enter_payment(book.site.customer, cash.plain(), TODAY, applied)

    def void_invoice(self) -> None:
        """One of which nothing was settled."""
        whole = [one.number for one in self.ledger.erp.invoices.values() if one.balance == one.amount]
        if whole:
            name = self.dice.choice(whole)
            for book in (self.model, self.real):
                book.site.people.void(book.ids[name])
                book.voided.add(name)

    def void_payment(self) -> None:
        """One whose rest nobody used: what becomes of the others is each ERP's own matter."""
        used = {plan.rest_of for plan in self.plans}
        known = {name: self.ledger.erp.payments[id] for name, id in self.model.ids.items() if name.startswith("PAY")}
        names = [name for name, one in known.items() if not (one.voided or one.reversal) and name not in used]
        if names:
            name = self.dice.choice(names)
            for book in (self.model, self.real):
                book.site.people.void_payment(book.ids[name])

    # ---- what we do ----

    def we_pay(self) -> None:
        cash = usd(self.amount(60000))
        credits = {name: left for name, left in self.memos() if self.dice.random() < 0.4}
        budget = Money.total(credits.values(), "USD") + cash
        parts = self.spread(budget)
        if Money.total(parts.values(), "USD") != budget:
            credits, parts = {}, self.spread(cash)
        self.write(Plan(f"a{self.step}", cash, parts, credits))

    def we_apply_a_rest(self) -> None:
        erp = self.ledger.erp
        rests = {name: erp.left_of(id) for name, id in self.model.ids.items() if name.startswith("PAY")}
        rests = {name: left for name, left in rests.items() if left}
        if not rests:
            return
        name = self.dice.choice(sorted(rests))
        parts = self.spread(self.dice.choice([rests[name], usd(self.amount(rests[name].minor))]))
        if parts:
            self.write(Plan(f"r{self.step}", ZERO, parts, rest_of=name, before=rests[name]))

    def again(self) -> None:
        """An act is there once it was written. Whether it still looks its own when more was applied of its money since
        is each ERP's own matter."""
        money = [plan.rest_of or f"PAY-{plan.act_id}" for plan in self.plans]
        alone = [plan for plan, name in zip(self.plans, money, strict=True) if money.count(name) == 1]
        if alone:
            plan = self.dice.choice(alone)
            assert self.model.carry_out(plan) == self.real.carry_out(plan), plan

    def write(self, plan: Plan) -> None:
        """Often as it should be; now and then no longer fitting, or with an answer that is lost."""
        luck = self.dice.random()
        if luck < 0.15 and plan.parts:
            plan = self.spoilt(plan)
        elif luck < 0.35:
            self.lose(plan)
        outcomes = self.model.carry_out(plan), self.real.carry_out(plan)
        assert outcomes[0] == outcomes[1], plan
        if outcomes[0] in (Outcome.CREATED, Outcome.EXISTS):
            self.plans.append(plan)

    def spoilt(self, plan: Plan) -> Plan:
        """More than its first invoice owes, or decided on another rest."""
        if plan.rest_of and self.dice.random() < 0.5:
            return replace(plan, before=plan.before + CENT)
        first = next(iter(plan.parts))
        balance = self.ledger.erp.invoices[self.model.ids[first]].balance
        return replace(plan, cash=plan.cash + balance + CENT, parts={**plan.parts, first: balance + CENT})

    def lose(self, plan: Plan) -> None:
        """Its first answer is lost, and what is there is looked at."""
        trouble = self.dice.choice([Trouble.LOST_BEFORE, Trouble.LOST_AFTER])
        there = []
        for book in (self.model, self.real):
            book.site.upset(At.REST if plan.rest_of else At.ACT, trouble)
            assert Outcome.UNKNOWN is book.carry_out(plan)
            payment = book.site.seen(book.intent(plan)).payment
            there.append(payment is not None)
            if payment is not None and not plan.rest_of:
                book.ids[f"PAY-{plan.act_id}"] = payment.erp_id
        assert [trouble is Trouble.LOST_AFTER] * 2 == there

    # ---- what is chosen ----

    def amount(self, cents: int) -> str:
        return Money(self.dice.randint(1, cents), "USD").plain()

    def spread(self, money: Money) -> dict[str, Money]:
        """On some open invoices, no more than each owes; the last may get a part."""
        found: dict[str, Money] = {}
        for one in self.open_invoices()[: self.dice.randint(0, 3)]:
            part = min(money, one[1])
            if part:
                found[one[0]], money = part, money - part
        return found

    def open_invoices(self) -> list[tuple[str, Money]]:
        known = [one for one in self.ledger.erp.invoices.values() if one.status is InvoiceStatus.OPEN]
        found = [(one.number, one.balance) for one in known]
        self.dice.shuffle(found)
        return found

    def memos(self) -> list[tuple[str, Money]]:
        return [(one.number, one.open_amount) for one in self.ledger.erp.credits if one.open_amount]
