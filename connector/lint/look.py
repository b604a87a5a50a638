"""The linter on the store: the daemon's daily look, and a person's `connector policy check`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter

from connector import profiles, segmentation
from connector.decisions.segments import Chooser
from connector.lint import Book, LintFinding, Owed, in_short, lint
from connector.parts import Parts
from connector.policy import Policy
from connector.ports import Channel
from connector.receivables import Profile
from connector.store import Tx, book, policies

# Under which day, policy and process the book was last looked at.
LINTED = "policy_linted"


def lint_book(parts: Parts, now: datetime) -> None:
    """At start and once a day: is the policy red on this book? Keeps why for `policies.blocked`."""
    today = parts.today(now)
    under = f"{today} {parts.policy.version} {parts.owner}"
    with parts.store.read() as tx:
        if tx.get(LINTED) == under:
            return
        found = look(tx, parts.policy, parts.channels, today)
    with parts.store.tx() as tx:
        tx.set(LINTED, under)
        policies.put_red(tx, parts.policy.version, in_short(found))


def look(tx: Tx, policy: Policy, channels: Mapping[str, Channel], today: date) -> tuple[LintFinding, ...]:
    """All findings about this policy on the book as it was last read."""
    return lint(
        policy,
        book_now(tx, policy, today),
        {name: channel.preview for name, channel in channels.items()},
        channels=tuple(channels),
        is_redirected=all(channel.redirect_all_to for channel in channels.values()),
    )


def book_now(tx: Tx, policy: Policy, today: date) -> Book:
    """The open book of the store under this policy; good while its transaction is.

    The segments are those that were stored today under this policy; under another one each invoice is decided here.
    """
    known = profiles.profiles(tx, today)
    is_sorted = not policy.segments or segmentation.is_sorted(tx, policy, today)
    return Book(
        on=today,
        owed=lambda: _as_stored(tx) if is_sorted else _decided(tx, policy, known, today),
        whole=lambda ids: (book.invoice_of(row) for row in book.invoices_by_id(tx, ids).values()),
        customers=book.customers_who_owe(tx),
        profiles=known,
        paused=book.kept_back(tx),
    )


def _as_stored(tx: Tx) -> Iterator[Owed]:
    for id, number, customer, family, code, balance, askable, issued_on, due_on, segment in book.walk_owed(tx):
        days = date.fromisoformat(issued_on), date.fromisoformat(due_on)
        yield Owed(id, number, customer, family, code, balance, askable, *days, segment)


def _decided(tx: Tx, policy: Policy, known: Mapping[str, Profile], today: date) -> Iterator[Owed]:
    for family, invoices in groupby(book.walk_open(tx), key=itemgetter(1)):
        chooser = Chooser(known.get(family, Profile()), policy, today)
        for invoice, _ in invoices:
            yield Owed.of(invoice, family, chooser.decide(invoice).segment)
