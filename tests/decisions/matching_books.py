"""Books of one family as they really are, drawn from a seed: what is open, what waits, and what the payers write.

Price-list amounts that recur, a few cents beside thousands, part-paid and disputed invoices, holds, credits, several
currencies and customers; payments that are exact, short, over, net of a fee, by a stranger or for somebody else; texts
that name everything, name it wrongly, name only some of it or nothing. Small enough to try every subset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from decision_cases import PAID_ON
from decision_cases import payment as payment_of

from connector.decisions import matching
from connector.decisions.matching import FamilyBook, Waiting
from connector.money import Money
from connector.policy import MatchingLimits
from connector.receivables import (
    CreditMemo,
    EarlyDiscount,
    InvoiceLine,
    InvoiceStatus,
    Match,
    MatchException,
    OpenInvoice,
    PayerEvidence,
    Payment,
    PaymentState,
)

# Minor units a main unit has: USD 45.00 is 4500, JPY 45 is 45, KWD 45.000 is 45000.
UNITS = {"USD": 100, "EUR": 100, "JPY": 1, "KWD": 1000}
PRICES = (49, 99, 199, 299, 499, 999, 1200, 1500, 2500, 5000)
FAMILY = ("C1", "C2", "C3")
STRANGER = "C9"
LIMITS = MatchingLimits(work_max=200_000)

Verdicts = dict[str, Match | MatchException]


@dataclass(frozen=True)
class World:
    """All that one call of `decide` is given."""

    waiting: tuple[Waiting, ...]
    book: FamilyBook
    meant: frozenset[str] = frozenset()  # the invoices that some payer had in mind, or wrote about

    def decide(self, limits: MatchingLimits = LIMITS) -> Verdicts:
        return matching.decide(self.waiting, self.book, limits)

    def with_book(self, *, invoices: Sequence[OpenInvoice], credits: Sequence[CreditMemo] | None = None) -> World:
        kept = self.book.credits if credits is None else tuple(credits)
        return replace(self, book=replace(self.book, invoices=tuple(invoices), credits=kept))

    def shuffled(self, random: Random) -> World:
        """The same facts in another order: payments, invoices, lines and credits."""

        def mixed(invoice: OpenInvoice) -> OpenInvoice:
            return replace(invoice, lines=tuple(random.sample(invoice.lines, len(invoice.lines))))

        book = replace(
            self.book,
            invoices=tuple(mixed(one) for one in random.sample(self.book.invoices, len(self.book.invoices))),
            credits=tuple(random.sample(self.book.credits, len(self.book.credits))),
        )
        return replace(self, waiting=tuple(random.sample(self.waiting, len(self.waiting))), book=book)

    def after(self, verdicts: Verdicts) -> World:
        """What still waits, on the book as it is when every match has been posted."""
        settled: dict[str, int] = {}
        used: dict[str, int] = {}
        for verdict in verdicts.values():
            if isinstance(verdict, Match):
                for part in verdict.applications:
                    settled[part.invoice_id] = settled.get(part.invoice_id, 0) + part.settles.minor
                for credit in verdict.credits:
                    used[credit.credit_id] = used.get(credit.credit_id, 0) + credit.amount.minor
        invoices = [_settled(one, settled.get(one.id, 0)) for one in self.book.invoices]
        credits = [
            replace(one, open_amount=one.open_amount - Money(used.get(one.id, 0), one.open_amount.currency))
            for one in self.book.credits
        ]
        rests = [_rest(one, verdicts[one.payment.id]) for one in self.waiting]
        book = replace(self.book, invoices=tuple(invoices), credits=tuple(c for c in credits if c.open_amount.minor))
        return replace(self, waiting=tuple(one for one in rests if one), book=book)


def _rest(waiting: Waiting, verdict: Match | MatchException) -> Waiting | None:
    """What of a payment waits after its match: what was not applied of it."""
    if isinstance(verdict, MatchException):
        return waiting
    paid = waiting.paid | {part.invoice_id for part in verdict.applications}
    return replace(waiting, left=verdict.unapplied, grosses=(), paid=paid) if verdict.unapplied.minor else None


def _settled(invoice: OpenInvoice, minor: int) -> OpenInvoice:
    left = invoice.balance - Money(minor, invoice.balance.currency)
    return replace(invoice, balance=left, status=invoice.status if left.minor else InvoiceStatus.PAID)


def world(random: Random, *, payments_max: int = 3, plain: bool = False) -> World:
    """One family's book and what waits for it. `plain`: no text names anything, and the payers are known."""
    currency = random.choice(["USD", "USD", "USD", "EUR", "JPY", "KWD"])
    invoices = [_invoice(random, number, currency) for number in range(random.randrange(1, 9))]
    strangers = [replace(_invoice(random, 90 + n, currency), customer_id=STRANGER) for n in range(random.randrange(3))]
    credits = [_credit(random, number, invoices) for number in range(random.choice([0, 0, 1, 2]))]
    known = plain or random.random() < 0.85
    free, waiting = list(invoices), list[Waiting]()
    all_meant: set[str] = set()
    for number in range(random.randint(1, payments_max) if known else 1):
        one, meant = _waiting(random, number, free or invoices, strangers, credits, plain=plain, known=known)
        waiting.append(one)
        all_meant |= {invoice.id for invoice in meant}
        if random.random() < 0.7:
            free = [invoice for invoice in free if invoice not in meant]
    book = FamilyBook(
        invoices=tuple(random.sample([*invoices, *strangers], len(invoices) + len(strangers))),
        credits=tuple(credits) if known else (),
        family_ids=frozenset(FAMILY) if known else frozenset(),
        parked=random.random() < 0.03,
        parent_id=random.choice(["", "C1"]) if known else "",
    )
    return World(tuple(waiting), book, frozenset(all_meant))


def _amount(random: Random, currency: str) -> int:
    """A price-list amount for some seats, with tax or some usage now and then; sometimes any amount."""
    unit = UNITS[currency]
    if random.random() < 0.2:
        return random.randrange(unit, 9_000 * unit)
    amount = random.choice(PRICES) * random.choice([1, 1, 1, 2, 3]) * unit
    if random.random() < 0.25:
        amount += random.randrange(1, 90 * unit)
    return amount + amount * random.choice([0, 0, 0, 725, 2000]) // 10_000


def _invoice(random: Random, number: int, currency: str) -> OpenInvoice:
    if random.random() < 0.06:
        currency = random.choice([other for other in UNITS if other != currency])
    amount = _amount(random, currency)
    balance = amount if random.random() < 0.9 else random.randrange(1, amount + 1)
    issued = PAID_ON - timedelta(days=random.choices([75, 45, 40, 20, 15, 1, -3], [4, 4, 4, 4, 4, 4, 1])[0])
    made = OpenInvoice(
        id=f"{7000 + number}",
        number=random.choice([f"INV-{2025040 + number}", f"98412{34500 + 7 * number}", f"SO{41300 + number}"]),
        customer_id=random.choices(FAMILY, [6, 2, 1])[0],
        amount=Money(amount, currency),
        balance=Money(balance, currency),
        issued_on=issued,
        due_on=issued + timedelta(days=30),
        status=random.choices([InvoiceStatus.OPEN, InvoiceStatus.PAID, InvoiceStatus.VOIDED], [30, 1, 1])[0],
        hold_reason="with counsel" if random.random() < 0.06 else "",
        po_number=random.choice(["", "", f"PO-45{random.randrange(10_000)}"]),
        lines=_lines(random, amount, currency) if random.random() < 0.4 else (),
        ar_account=random.choice(["", "1200"]) if random.random() < 0.1 else "",
        discount=_discount(random, amount, currency, issued) if random.random() < 0.1 else None,
    )
    return made if made.status is InvoiceStatus.OPEN else replace(made, balance=Money(0, currency))


def _lines(random: Random, amount: int, currency: str) -> tuple[InvoiceLine, ...]:
    cuts = sorted(random.randrange(1, amount) for _ in range(random.randrange(3))) if amount > 1 else []
    parts = [after - before for before, after in zip([0, *cuts], [*cuts, amount], strict=True)]
    return tuple(
        InvoiceLine(f"{n}", "seats", Money(part, currency), disputed=random.random() < 0.15)
        for n, part in enumerate(parts, 1)
        if part
    )


def _discount(random: Random, amount: int, currency: str, issued: date) -> EarlyDiscount | None:
    kept = amount * random.choice([1, 2, 3]) // 100
    return EarlyDiscount(Money(kept, currency), issued + timedelta(days=random.choice([10, 30]))) if kept else None


def _credit(random: Random, number: int, invoices: Sequence[OpenInvoice]) -> CreditMemo:
    of = random.choice(list(invoices))
    amount = max(1, of.amount.minor * random.choice([5, 10, 25, 100]) // 100)
    return CreditMemo(
        id=f"{8000 + number}",
        number=f"CM-{55010 + number}",
        customer_id=of.customer_id,
        open_amount=Money(amount, of.amount.currency),
        received_on=PAID_ON - timedelta(days=5),
        created_from=random.choice(["", of.id]),
        ar_account=of.ar_account,
    )


def _waiting(
    random: Random,
    number: int,
    invoices: Sequence[OpenInvoice],
    strangers: Sequence[OpenInvoice],
    credits: Sequence[CreditMemo],
    *,
    plain: bool,
    known: bool,
) -> tuple[Waiting, list[OpenInvoice]]:
    """Somebody means some of these invoices, mostly its own, pays about that, and writes something about it."""
    first = random.choice(invoices)
    currency, owner = first.balance.currency, "" if random.random() < 0.2 else first.customer_id
    same = [one for one in invoices if one.balance.currency == currency and one.customer_id in (owner or FAMILY)]
    meant = random.sample(same, min(len(same), random.choice([1, 1, 1, 2, 2, 3, 4])))
    owed = sum(one.balance.minor for one in meant)
    memos = [memo for memo in credits if memo.open_amount.currency == currency and random.random() < 0.4]
    memos = memos if sum(memo.open_amount.minor for memo in memos) < owed else []
    owed -= sum(memo.open_amount.minor for memo in memos)
    if not memos and random.random() < 0.3:
        owed -= sum(one.disputed.minor for one in meant)
    elif not memos and random.random() < 0.2:
        owed -= sum(one.discount.amount.minor for one in meant if one.discount)
    money, grosses = _money(random, max(owed, 1), currency)
    if random.random() < 0.06 and strangers:
        meant = [*meant[:-1], strangers[0]]
    short = 0 if grosses else max(0, owed - money.minor)
    largest = max(meant, key=lambda one: one.balance.minor)
    shares = [
        (one.number, Money(one.balance.minor - short, currency) if one is largest else one.balance) for one in meant
    ]
    shares += [(memo.number, memo.open_amount) for memo in memos if random.random() < 0.8]
    payer = (owner or FAMILY[0]) if known else ""
    paid = _payment(random, f"ch_{number}", money, shares, meant, payer, plain=plain)
    by = random.choice([PayerEvidence.ID, PayerEvidence.ID, PayerEvidence.NAME, PayerEvidence.BANK_ACCOUNT])
    return Waiting(paid, paid.available, by if known else PayerEvidence.NONE, grosses), meant


def _money(random: Random, owed: int, currency: str) -> tuple[Money, tuple[Money, ...]]:
    """What comes of what is owed: mostly all of it; short, over, or net of a fee that was not stated."""
    kind = random.choices(["exact", "short", "over", "net"], [70, 10, 8, 12])[0]
    changed = max(1, owed * random.randrange(1, 10) // 100)
    if kind == "short" and owed > changed:
        return Money(owed - changed, currency), ()
    if kind == "over":
        return Money(owed + changed, currency), ()
    if kind == "net" and owed > 200:
        return Money(owed - owed * 29 // 1000 - 30, currency), (Money(owed, currency),)
    return Money(owed, currency), ()


def _payment(
    random: Random,
    payment_id: str,
    money: Money,
    shares: Sequence[tuple[str, Money]],
    meant: Sequence[OpenInvoice],
    payer: str,
    *,
    plain: bool,
) -> Payment:
    channel = "" if plain else random.choices(["", "links", "numbers", "ids"], [80, 6, 6, 8])[0]
    named = [one.id for one in meant] if channel == "ids" else [one.number for one in meant]
    paid = payment_of(
        money.plain(),
        "" if plain else _text(random, shares),
        currency=money.currency,
        id=payment_id,
        customer_id=payer,
        state=PaymentState.PROCESSING if random.random() < 0.02 else PaymentState.SUCCEEDED,
        method=random.choice(["wire", "ach", "check", "card", ""]),
        payer_name="Acme Inc",
        **({channel: named} if channel else {}),
    )
    return replace(paid, refunded=Money(1, money.currency)) if random.random() < 0.02 else paid


def _text(random: Random, shares: Sequence[tuple[str, Money]]) -> str:
    tier = random.choice(["none", "full", "full", "noisy"])
    if tier == "none":
        return random.choice(["", "", "ACH CREDIT", "PAYMENT ON ACCOUNT", "WIRE IN REF 488213", "Thank you"])
    if tier == "noisy":
        numbers = [_noisy(random, number) for number, _ in shares]
        if len(numbers) > 1 and random.random() < 0.2:
            numbers.pop()
        return random.choice(["", "pmt ", "inv "]) + random.choice([", ", " ", "/", " & "]).join(numbers)
    numbers = [number for number, _ in shares]
    return random.choice(
        [
            "PAYMENT FOR INV " + ", ".join(numbers),
            " ".join(f"RMR*IV*{number}**{amount.plain()}~" for number, amount in shares),
            "\n".join(f"{number} {amount.decimal():,f}" for number, amount in shares),
            "Invoices: " + " ".join(numbers) + " thank you",
        ]
    )


def _noisy(random: Random, number: str) -> str:
    at = random.randrange(len(number) - 1)
    return random.choice(
        [
            number[-6:],
            number[:at] + number[at + 1] + number[at] + number[at + 2 :],
            number.replace("0", "O", 1),
            number[:4] + " " + number[4:],
            number[:at] + str(random.randrange(10)) + number[at + 1 :],
            "INV" + number.removeprefix("INV"),
        ]
    )
