"""What happens in a simulated business: a list of deeds, made from a seed alone, so that a seed is a story.

Everything is a value and can be left out: the shortest story that still fails is found by leaving out. A deed names its
customer, invoice or payment by a key; one whose object isn't there, or that the books refuse, doesn't happen.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

CUSTOMERS = (6, 10)
TERMS_DAYS = (14, 30, 45)
FIRST_ON = date(2026, 9, 1)
HOURS = (9, 14)
# How a payer says what the money is for, and how often.
SAYS = {"number": 5, "metadata": 2, "link": 2, "nothing": 2, "garbled": 1}
# Named points at which the connector is killed, once in a story.
KILL_POINTS = (
    "match.pending", "match.committed", "act.attempted", "act.answered", "act.written", "act.read_back",
    "act.confirmed", "act.marked", "act.closed", "reminder.leased", "reminder.body", "reminder.leaving",
    "reminder.dot", "reminder.sent",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Deed:
    """`what` happens on a day (counted from 0), before the connector's pass of this hour."""

    day: int
    hour: int
    what: str
    of: str = ""
    said: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        more = "".join(f" {name} {value}" for name, value in self.said if value not in ("", None, ()))
        return f"{FIRST_ON + timedelta(days=self.day)} {self.hour:02}:00  {self.what} {self.of}{more}"

    def get(self, name: str, default: Any = "") -> Any:
        return dict(self.said).get(name, default)


@dataclass
class _Billed:
    key: str
    customer: str
    amount: int  # minor units
    entered: int
    due: int


@dataclass
class _Making:
    """A plan in the making; all luck comes from `luck`."""

    luck: random.Random
    days: int
    deeds: list[Deed] = field(default_factory=list)
    numbers: int = 0
    payments: int = 0

    def put(self, day: int, what: str, of: str = "", **said: Any) -> None:
        if 0 <= day < self.days:
            self.deeds.append(Deed(day, self.luck.choice(HOURS), what, of, tuple(said.items())))

    def chance(self, one_in: int) -> bool:
        return self.luck.randrange(one_in) == 0


def make(seed: int, days: int) -> tuple[Deed, ...]:
    """The story of this seed, in the order in which it happens."""
    making = _Making(random.Random(f"business/{seed}"), days)
    customers = [f"C{number}" for number in range(1, making.luck.randint(*CUSTOMERS) + 1)]
    for customer in customers:
        making.deeds.append(Deed(0, HOURS[0], "customer", customer, (("terms", making.luck.choice(TERMS_DAYS)),)))
    for invoice in _billed(making, customers):
        _live(making, invoice)
    _pay_in_one(making, customers)
    for customer in customers:
        _about(making, customer)
    _surroundings(making)
    order = {"customer": 0, "invoice": 1}
    return tuple(sorted(making.deeds, key=lambda one: (one.day, one.hour, order.get(one.what, 2))))


def _billed(making: _Making, customers: list[str]) -> Iterator[_Billed]:
    """A few invoices a week for each customer's own terms; some amounts recur, as subscriptions do."""
    terms = {one.of: int(one.get("terms")) for one in making.deeds}
    fees = {customer: making.luck.randrange(5_000, 900_000) for customer in customers}
    for customer in customers:
        for day in range(making.luck.randrange(7), making.days, making.luck.choice((2, 4, 7))):
            making.numbers += 1
            amount = fees[customer] if making.chance(2) else making.luck.randrange(1_000, 2_000_000)
            issued = day - making.luck.choice((0, 0, terms[customer], terms[customer] + 8))
            billed = _Billed(f"INV-{1000 + making.numbers}", customer, amount, day, issued + terms[customer])
            lines = making.luck.choice((1, 1, 2, 3))
            said = {"customer": customer, "amount": amount, "lines": lines, "issued": issued, "due": billed.due}
            making.put(day, "invoice", billed.key, **said)
            yield billed


def _live(making: _Making, invoice: _Billed) -> None:
    """What becomes of one invoice."""
    luck, due, key = making.luck, max(invoice.due, invoice.entered + 1), invoice.key
    if making.chance(12):
        making.put(due + luck.randint(-5, 3), "hold", key, reason="waiting for the renewal")
        making.put(due + luck.randint(4, 12), "release", key)
    if making.chance(12):
        day = due + luck.randint(-5, 10)
        making.put(day, "dispute", key, line=1)
        making.put(day + luck.randint(2, 20), "settle_dispute", key, line=1, outcome=luck.choice(("rejected", "")))
    if making.chance(15):
        making.put(due - luck.randint(0, 6), "due", key, due=due + luck.randint(-2, 14))
    if making.chance(20):
        making.put(due + luck.randint(-8, 8), "amount", key, line=1, amount=luck.randrange(1_000, 900_000))
    if making.chance(20):
        making.put(due + luck.randint(-8, 15), "void", key)
    if making.chance(15):
        making.put(due - 1, "promise", key, due=due + luck.randint(2, 9))
    if making.chance(15):
        day = due + luck.randint(-8, 12)
        making.put(day, "credit", key, amount=luck.randrange(500, max(invoice.amount // 2, 501)))
        if making.chance(2):
            making.put(day + luck.randint(0, 9), "use_credit", key)
    if making.chance(6):
        return  # never paid
    _pay(making, [invoice])


def _pay(making: _Making, invoices: list[_Billed]) -> None:
    """The customer pays, early, on the day or late; and what may become of that money."""
    luck = making.luck
    making.payments += 1
    key, due = f"P{making.payments}", max(one.due for one in invoices)
    day = max(due + luck.choice((-6, -2, -1, 0, 1, 1, 3, 5, 8, 16, 25)), *(one.entered + 1 for one in invoices))
    whole = sum(one.amount for one in invoices)
    over = luck.randrange(100, 50_000) if making.chance(12) else 0
    short = luck.randrange(1, max(whole // 4, 2)) if len(invoices) == 1 and making.chance(12) else 0
    parts = tuple((one.key, one.amount - (short if one is invoices[-1] else 0)) for one in invoices)
    says = luck.choices(list(SAYS), list(SAYS.values()))[0]
    method = "ach" if making.chance(3) else "card"
    said = {"customer": invoices[0].customer, "amount": whole - short + over, "pays": parts}
    making.put(day, "pay", key, **said, says=says, method=method)
    if method == "ach":
        fails = making.chance(6)
        making.put(day + luck.randint(2, 4), "bank_returns" if fails else "bank_settles", key)
    if making.chance(10):
        making.put(day + luck.randint(0, 2), "enter", key, says=luck.choice(("charge", "nothing")))
    if making.chance(25):
        making.put(day + luck.randint(1, 20), "refund", key, amount=luck.choice((0, whole // 3, whole // 7)))
    if making.chance(30):
        disputed = day + luck.randint(2, 15)
        making.put(disputed, "chargeback", key)
        making.put(disputed + luck.randint(3, 12), "chargeback_ends", key, outcome=luck.choice(("won", "lost")))
    if method == "ach" and making.chance(8):
        making.put(day + luck.randint(5, 12), "comes_back", key)
    if making.chance(8):
        making.put(day + luck.randint(1, 6), "apply_rest", key)
    if making.chance(25):
        making.put(day + luck.randint(1, 10), "void_payment", key)
    if making.chance(25):
        _pay(making, invoices)  # by mistake, once more


def _pay_in_one(making: _Making, customers: list[str]) -> None:
    """Now and then a customer pays several invoices of its own at once."""
    open_ones: dict[str, list[_Billed]] = {customer: [] for customer in customers}
    for deed in making.deeds:
        if deed.what == "invoice":
            billed = _Billed(deed.of, deed.get("customer"), deed.get("amount"), deed.day, deed.get("due"))
            open_ones[billed.customer].append(billed)
    for some in open_ones.values():
        if len(some) >= 3 and making.chance(2):
            _pay(making, sorted(making.luck.sample(some, 2), key=lambda one: one.key))


def _about(making: _Making, customer: str) -> None:
    """What is said of a customer as such."""
    luck = making.luck
    if making.chance(4):
        day = luck.randrange(making.days)
        making.put(day, "do_not_contact", customer, on=True)
        making.put(day + luck.randint(3, 20), "do_not_contact", customer, on=False)
    if making.chance(6):
        making.put(luck.randrange(making.days), "address", customer)
    if making.chance(2):
        making.put(0, "account", customer)
        if making.chance(2):
            day = luck.randrange(1, max(making.days, 2))
            making.put(day, "crm_silence", customer, on=True)
            making.put(day + luck.randint(2, 15), "crm_silence", customer, on=False)
        if making.chance(4):
            making.put(luck.randrange(making.days), "crm_tier", customer, tier=luck.choice(("Strategic", "Standard")))


def _surroundings(making: _Making) -> None:
    """Months are closed, feeds are down for days, the connector itself is away, the policy changes, and one kill; money
    is paid out, people answer what waits for them and stop everything for a while, and a clock is set wrong."""
    luck, days = making.luck, making.days
    for day in range(luck.randrange(4), days, luck.choice((2, 3, 5))):
        making.put(day, "payout", f"PO{day}")
        making.put(day + luck.randint(1, 3), "payout_fails" if making.chance(15) else "payout_arrives", f"PO{day}")
    for day in range(luck.randrange(3), days, 3):
        making.put(day, "answer", turn=luck.randrange(5))
    for what in ("send", "post"):
        if making.chance(4):
            day = luck.randrange(days)
            making.put(day, "stop", what)
            making.put(day + luck.randint(1, 5), "lift", what)
    if making.chance(3):
        day = luck.randrange(days)
        making.put(day, "clock", hours=luck.choice((-50, -20, -2, 2, 26)))
        making.put(day + luck.randint(0, 2), "clock", hours=0)
    for month_day in range(34, days, 30):
        making.put(month_day, "close_month")
    for service in ("erp", "stripe", "mail", "crm"):
        if making.chance(2):
            day = luck.randrange(days)
            making.put(day, "down", service)
            making.put(day + luck.randint(1, 4), "up", service)
    if making.chance(2):
        making.put(luck.randrange(days), "away", days=luck.randint(2, 6))
    if making.chance(3):
        making.put(luck.randrange(days), "policy", grace=luck.randint(1, 5))
    making.put(luck.randrange(days), "kill", at=luck.choice(KILL_POINTS))
