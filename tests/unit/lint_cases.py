"""Small books and policies for the tests of the linter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from connector.decisions.segments import Chooser
from connector.lint import Book, Check, LintFinding, Owed, Preview, Severity, lint
from connector.money import Money
from connector.policy import Addressee, Calendar, EscalationRule, HandOff, Policy, Step, Tone
from connector.ports import Letter, ReminderMail
from connector.receivables import Customer, OpenInvoice, Profile

TODAY = date(2026, 11, 2)
# A name that somebody could own, unlike those of all other tests.
HOST = "northfield.com"
STEPS = (
    Step("-7", -7, "pre_due", "billing"),
    Step("+1", 1, "firm", "billing"),
    Step("+14", 14, "urgent", "billing", tone=Tone.URGENT),
)


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def policy(**changes: Any) -> Policy:
    """One in which nothing is to be found."""
    values: dict[str, Any] = {
        "version": "v1",
        "steps": STEPS,
        "senders": (("billing", f"billing@{HOST}"),),
        "calendar": Calendar(holidays=("US",)),
        "escalation": (EscalationRule("long overdue", 30),),
        "hand_off": HandOff(people=tuple((one, "someone") for one in Addressee)),
    }
    return Policy(**(values | changes))


def invoice(number: str = "INV-1", amount: str = "1000.00", currency: str = "USD", **more: Any) -> OpenInvoice:
    values: dict[str, Any] = {
        "id": number,
        "number": number,
        "customer_id": "C1",
        "amount": Money.of(amount, currency),
        "balance": Money.of(amount, currency),
        "issued_on": TODAY - timedelta(days=10),
        "due_on": TODAY + timedelta(days=20),
        "pay_url": f"https://pay.{HOST}/{number}",
    }
    return OpenInvoice(**(values | more))


def customer(id: str = "C1", **more: Any) -> Customer:
    return Customer(id, more.pop("name", f"Customer {id}"), more.pop("email", f"ap@{HOST}"), **more)


def book(
    of: Policy,
    invoices: Sequence[OpenInvoice] = (),
    customers: Iterable[Customer] = (customer(),),
    profiles: dict[str, Profile] | None = None,
) -> Book:
    """As the store gives it: segments decided, by family."""
    known, everybody = profiles or {}, {one.id: one for one in customers}
    rows = []
    for one in invoices:
        family = everybody[one.customer_id].family if one.customer_id in everybody else one.customer_id
        segment = Chooser(known.get(family, Profile()), of, TODAY).decide(one).segment
        rows.append(Owed.of(one, family, segment))
    by_id = {one.id: one for one in invoices}
    return Book(
        on=TODAY,
        owed=lambda: sorted(rows, key=lambda row: (row.family, row.id)),
        whole=lambda ids: [by_id[id] for id in ids],
        customers=everybody,
        profiles=known,
        paused=tuple(one for one in invoices if one.pauses or one.hold_reason),
    )


def good_letter(mail: ReminderMail) -> Letter:
    """Everything that a message should say."""
    lines = [f"{item.number} {item.askable} {item.pay_url}" for item in mail.items]
    links = [f'<a href="{item.pay_url}">{item.askable}</a>' for item in mail.items if item.pay_url]
    plain = [str(item.askable) for item in mail.items if not item.pay_url]
    return Letter(mail.template, "\n".join(lines), "\n".join([*links, *plain]))


def found(
    of: Policy,
    check: Check,
    invoices: Sequence[OpenInvoice] = (),
    preview: Preview = good_letter,
    *,
    channels: Sequence[str] = ("email",),
    is_redirected: bool = False,
    **more: Any,
) -> list[LintFinding]:
    """What this check finds."""
    everything = lint(
        of,
        book(of, invoices, **more),
        {name: preview for name in channels},
        channels=channels,
        is_redirected=is_redirected,
    )
    return [one for one in everything if one.check is check]


def one(findings: list[LintFinding], severity: Severity, *words: str) -> LintFinding:
    """The only finding; it says all of this."""
    assert 1 == len(findings), [each.what for each in findings]
    assert severity is findings[0].severity
    assert [] == [word for word in words if word not in findings[0].what], findings[0].what
    assert findings[0].remedy
    return findings[0]
