"""Journals that raise what a customer owes, in the false account: payments are applied to them as to invoices."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from netsuite_account import Account, served

from sandbox.netsuite import Guesses
from sandbox.netsuite.answers import Refusal
from sandbox.netsuite.applying import ApplyLine, Lists, apply_lists

DAY, BACK_ON = date(2026, 11, 20), date(2026, 11, 23)


@pytest.fixture
def account() -> Iterator[Account]:
    with served() as account:
        yield account
        assert [] == account.books.truth()["violations"]


def came_back(account: Account, customer: str, amount: str = "100.00") -> str:
    """The journal of a payment that the bank took back; its first line is that of receivables."""
    lines = [
        {"account": "receivable", "debit": amount, "customer_id": customer},
        {"account": "clearing", "credit": amount},
    ]
    return account.books.journal_by_hand(BACK_ON, lines)


def paid(account: Account, customer: str) -> tuple[str, str]:
    """An invoice of 100.00, and the payment that pays it."""
    invoice = account.invoice(customer, "100.00")
    made = account.books.pay_by_hand(customer, "100.00", DAY, [(invoice, "100.00")], account="clearing")
    return invoice, made


def change(account: Account, payment: str, *lines: ApplyLine) -> None:
    with account.books.saving():
        apply_lists(account.books, int(payment), Lists(lines))


def moved(invoice: str, journal: str, line: str = "0") -> tuple[ApplyLine, ApplyLine]:
    """The invoice off, the journal on."""
    return ApplyLine(int(invoice), None, apply=False), ApplyLine(int(journal), 1_000_000, line=line)


def owed(account: Account, journal: str) -> str:
    (found,) = [one for one in account.books.truth()["journals"] if one["id"] == journal]
    return str(found["lines"][0]["open"])


def test_a_payment_is_taken_off_its_invoice_and_put_onto_the_journal(account: Account) -> None:
    customer = account.customer()
    (invoice, payment), journal = paid(account, customer), came_back(account, customer)
    assert ("0.00", "100.00") == (account.balance(invoice), owed(account, journal))

    change(account, payment, *moved(invoice, journal))

    (told,) = account.payments()
    assert ("100.00", "0.00") == (account.balance(invoice), owed(account, journal))
    assert ("0.00", [], journal) == (told["unapplied"], told["applications"], told["journals"][0]["journal"])
    assert ("100.00", "0.00") == (account.account_balance("receivable"), account.account_balance("clearing"))


def test_an_invoice_and_a_journal_can_not_both_have_the_money(account: Account) -> None:
    customer = account.customer()
    (invoice, payment), journal = paid(account, customer), came_back(account, customer)

    with pytest.raises(Refusal, match="The amounts applied come to"):
        change(account, payment, moved(invoice, journal)[1])

    assert ("0.00", "100.00") == (account.balance(invoice), owed(account, journal))


def test_only_the_customers_own_receivables_line_is_offered(account: Account) -> None:
    customer = account.customer()
    invoice, payment = paid(account, customer)
    other = came_back(account, account.customer("Harbour"))
    own = came_back(account, customer)
    plain = account.books.journal_by_hand(
        BACK_ON, [{"account": "fees", "debit": "100.00"}, {"account": "clearing", "credit": "100.00"}]
    )
    voided = came_back(account, customer)
    account.books.void_document(voided)

    for journal, line in [(other, "0"), (own, "1"), (plain, "0"), (voided, "0")]:
        with pytest.raises(Refusal, match="Unable to find a matching line"):
            change(account, payment, *moved(invoice, journal, line))

    assert "0.00" == account.balance(invoice)


def test_no_more_than_the_journal_owes_can_be_applied_to_it(account: Account) -> None:
    customer = account.customer()
    (invoice, payment), journal = paid(account, customer), came_back(account, customer, "60.00")

    with pytest.raises(Refusal, match=r"100\.00 can't be applied"):
        change(account, payment, *moved(invoice, journal))


def test_a_voided_journal_sets_the_payment_free(account: Account) -> None:
    customer = account.customer()
    (invoice, payment), journal = paid(account, customer), came_back(account, customer)
    change(account, payment, *moved(invoice, journal))

    account.books.void_document(journal)

    (told,) = account.payments()
    assert ("100.00", []) == (told["unapplied"], told["journals"])
    assert ("0.00", "100.00") == (owed(account, journal), account.account_balance("clearing"))


def test_an_account_may_show_journals_that_could_be_paid_too() -> None:
    with served(guesses=Guesses(lists_show_what_is_open=True)) as account:
        customer = account.customer()
        invoice, payment = paid(account, customer)
        journal = came_back(account, customer)
        came_back(account, account.customer("Harbour"))
        soap = account.soap()

        record = soap.get(soap.ref("customerPayment", payment))[0]

        assert [(int(invoice), True, 100.0, 100.0), (int(journal), False, None, 100.0)] == [
            (line.doc, line.apply, line.amount, line.due) for line in record.applyList.apply
        ]
