"""Payouts as deposits and journals in the sandbox: written once, read back, and found when others made them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from connector.errors import Terminal, Transient
from connector.money import Money
from connector.ports import Outcome
from connector.settlement import (
    AccountRole,
    DepositIntent,
    DepositKind,
    DepositLine,
    DepositSeen,
    SettleThrough,
)
from sandbox.faults import Kind
from tests.contract.netsuite_site import TODAY, Site, mapping, served, settlement, usd

CREATED, EXISTS, DIFFERENT = Outcome.CREATED, Outcome.EXISTS, Outcome.EXISTS_DIFFERENT
REFUSED, UNKNOWN = Outcome.REFUSED, Outcome.UNKNOWN
BANK, CLEARING, FEES, DISPUTES = AccountRole.BANK, AccountRole.CLEARING, AccountRole.FEES, AccountRole.DISPUTES


@pytest.fixture
def site(wsdl_dir: Path | None) -> Iterator[Site]:
    with served(wsdl_dir) as made:
        made.settled()
        yield made


def deposit(
    *lines: tuple[AccountRole, str],
    payments: tuple[tuple[str, str], ...] = (),
    kind: DepositKind = DepositKind.DEPOSIT,
    currency: str = "USD",
) -> DepositIntent:
    """The deposit of payout po_1 with these lines."""
    parts = [Money.of(amount, currency) for _, amount in (*lines, *payments)]
    return DepositIntent(
        act_id="po_1-0",
        external_id="arc-demo-dep-po_1-0",
        payout_id="po_1",
        kind=kind,
        amount=Money.total(parts, currency),
        posted_on=TODAY,
        payments=tuple((erp_id, Money.of(amount, currency)) for erp_id, amount in payments),
        lines=tuple(DepositLine(role, Money.of(amount, currency), f"{role} of po_1") for role, amount in lines),
        memo="Stripe payout po_1",
        subsidiary="1",
    )


PAYOUT = deposit((CLEARING, "1000.00"), (FEES, "-29.30"), (CLEARING, "-100.00"), (DISPUTES, "-50.00"))


def deposits(site: Site) -> list[tuple[str, list[tuple[str, str]]]]:
    """Amount and lines of each deposit in the books."""
    truth = site.netsuite.truth()["deposits"]
    return [(one["amount"], [(line["account"], line["amount"]) for line in one["lines"]]) for one in truth]


def test_a_deposit_is_written_once_and_read_back_to_the_cent(site: Site) -> None:
    account = site.netsuite.accounts

    answer = site.erp.write_deposit(PAYOUT)
    seen = site.erp.read_deposit(PAYOUT)

    assert (CREATED, "arc-demo-dep-po_1-0") == (answer.outcome, answer.external_id)
    assert (
        DepositSeen(
            erp_id=answer.erp_id,
            amount=usd("820.70"),
            payments=(),
            by_role=((CLEARING, usd("900")), (DISPUTES, usd("-50")), (FEES, usd("-29.30"))),
            posted_on=TODAY,
        )
        == seen
    )
    assert [("820.70", sorted(lines)) for _, lines in deposits(site)] == [
        (
            "820.70",
            sorted(
                [
                    (account["clearing"], "1000.00"),
                    (account["clearing"], "-100.00"),
                    (account["fees"], "-29.30"),
                    (account["disputes"], "-50.00"),
                ]
            ),
        )
    ]


def test_a_deposit_takes_its_payments_out_of_undeposited_funds(site: Site) -> None:
    erp = site.settled(SettleThrough.UNDEPOSITED)
    payments = [
        site.netsuite.pay_by_hand(site.customer, amount, TODAY, account="undeposited") for amount in ("60.00", "40.00")
    ]
    intent = deposit((FEES, "-3.20"), payments=((payments[0], "60.00"), (payments[1], "40.00")))

    answer = erp.write_deposit(intent)
    seen = erp.read_deposit(intent)

    assert CREATED == answer.outcome
    assert seen is not None
    assert (usd("96.80"), sorted(payments)) == (seen.amount, sorted(seen.payments))
    assert ((FEES, usd("-3.20")),) == seen.by_role
    assert {answer.erp_id} == {payment["deposit"] for payment in site.netsuite.truth()["payments"]}


def test_a_payment_that_is_in_a_deposit_already_is_refused_with_its_id(site: Site) -> None:
    erp = site.settled(SettleThrough.UNDEPOSITED)
    payment = site.netsuite.pay_by_hand(site.customer, "60.00", TODAY, account="undeposited")
    site.netsuite.deposit_by_hand(TODAY, [payment])

    answer = erp.write_deposit(deposit((FEES, "-1.00"), payments=((payment, "60.00"),)))

    assert REFUSED == answer.outcome
    assert payment in answer.message


def test_a_payout_that_debits_the_bank_is_a_journal(site: Site) -> None:
    account = site.netsuite.accounts
    intent = deposit((CLEARING, "10.00"), (DISPUTES, "-50.00"), (FEES, "-15.00"), kind=DepositKind.JOURNAL)

    answer = site.erp.write_deposit(intent)
    seen = site.erp.read_deposit(intent)

    assert CREATED == answer.outcome
    assert seen is not None
    assert (usd("-55"), ((CLEARING, usd("10")), (DISPUTES, usd("-50")), (FEES, usd("-15")))) == (
        seen.amount,
        seen.by_role,
    )
    (journal,) = site.netsuite.truth()["journals"]
    assert {
        account["bank"]: "-55.00",
        account["clearing"]: "-10.00",
        account["disputes"]: "50.00",
        account["fees"]: "15.00",
    } == {line["account"]: line["amount"] for line in journal["lines"]}
    assert {"po_1": seen} == site.erp.find_deposits(["po_1"])


@pytest.mark.parametrize(("currency", "amount"), [("JPY", "120000"), ("KWD", "12.345")])
def test_deposits_keep_the_decimals_of_their_currency(site: Site, currency: str, amount: str) -> None:
    site.netsuite.currency(currency)
    accounts = {
        "bank": site.netsuite.add_account("1020", f"Checking {currency}", "Bank", currency),
        "clearing": site.netsuite.add_account("1021", f"Clearing {currency}", "Bank", currency),
    }
    erp = site.settled(currency=currency, accounts=accounts)
    intent = deposit((CLEARING, amount), currency=currency)

    assert CREATED == erp.write_deposit(intent).outcome

    seen = erp.read_deposit(intent)
    assert seen is not None
    assert Money.of(amount, currency) == seen.amount
    assert {"po_1": seen} == erp.find_deposits(["po_1"])


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (deposit((CLEARING, "1000.00"), (FEES, "-29.31")), "total 820.70 USD instead of 970.69 USD"),
        (
            deposit((CLEARING, "900.00"), (FEES, "-79.30")),
            "lines 900.00 USD on",
        ),
        (replace(PAYOUT, posted_on=date(2026, 11, 22)), "dated 2026-11-23 instead of 2026-11-22"),
    ],
)
def test_another_deposit_under_our_id_exists_different(site: Site, changed: DepositIntent, told: str) -> None:
    site.erp.write_deposit(PAYOUT)

    answer = site.erp.write_deposit(changed)

    assert DIFFERENT == answer.outcome
    assert told in answer.message


@pytest.mark.parametrize(
    ("intent", "told"),
    [
        (deposit((CLEARING, "5"), currency="CHF"), "has no settlement for CHF"),
        (deposit((AccountRole.RECEIVABLE, "5.00")), "names no account for receivable"),
        (deposit((FEES, "5.00"), payments=(("ch_1", "5.00"),)), "'ch_1' is no internal id"),
        (deposit((FEES, "-5.00")), "a deposit can't be negative"),
        (replace(PAYOUT, amount=usd("1.00")), "its parts come to 820.70 USD, the payout is 1.00 USD"),
        (replace(PAYOUT, subsidiary="2"), "the bank account belongs to subsidiary 1, the payout to 2"),
        (
            deposit((FEES, "-15.00"), payments=(("7", "5.00"),), kind=DepositKind.JOURNAL),
            "a journal can't take payments",
        ),
    ],
)
def test_what_cannot_be_said_is_refused_before_anything_is_sent(site: Site, intent: DepositIntent, told: str) -> None:
    answer = site.erp.write_deposit(intent)

    assert (REFUSED, "NOT_SENT") == (answer.outcome, answer.code)
    assert told in answer.message
    assert 0 == site.netsuite.counts().get("addList", 0)


def test_a_closed_period_refuses_the_deposit(site: Site) -> None:
    site.netsuite.close_period("2026-11")

    answer = site.erp.write_deposit(PAYOUT)

    assert REFUSED == answer.outcome
    assert "Nov 2026" in answer.message
    assert site.erp.read_deposit(PAYOUT) is None


@pytest.mark.parametrize("kind", ["timeout_after", "cut_after", "unreadable_after", "drop_after"])
def test_an_answer_that_was_not_read_is_unknown_and_the_retry_finds_the_deposit(site: Site, kind: Kind) -> None:
    site.impatient()
    site.settled()
    site.fault(kind, "addList", seconds=3)

    first = site.erp.write_deposit(PAYOUT)
    seen = site.erp.read_deposit(PAYOUT)

    assert UNKNOWN == first.outcome
    assert seen is not None
    assert EXISTS == site.erp.write_deposit(PAYOUT).outcome
    assert 1 == len(deposits(site))


def test_a_double_that_cannot_be_looked_at_is_unknown(site: Site) -> None:
    site.erp.write_deposit(PAYOUT)
    site.fault("server_error", "getList", times=3)

    assert UNKNOWN == site.erp.write_deposit(PAYOUT).outcome


def test_what_was_surely_not_carried_out_is_raised(site: Site) -> None:
    site.erp.read_totals()
    site.fault("too_many", "addList")
    with pytest.raises(Transient):
        site.erp.write_deposit(PAYOUT)

    site.fault("unauthorized", "addList")
    with pytest.raises(Terminal):
        site.erp.write_deposit(PAYOUT)

    assert [] == deposits(site)


def test_a_lost_permission_is_not_taken_for_a_missing_deposit(site: Site) -> None:
    site.erp.write_deposit(PAYOUT)
    site.netsuite.revoke("TRAN_DEPOSIT")

    with pytest.raises(Transient, match="INSUFFICIENT_PERMISSION"):
        site.erp.read_deposit(PAYOUT)


def test_deposits_of_others_are_found_by_the_payouts_id_as_a_whole_word(site: Site) -> None:
    lines = [
        {"account": "clearing", "amount": "100.00"},
        {"account": "fees", "amount": "-3.00"},
        {"account": "sales", "amount": "1.00"},
    ]
    theirs = site.netsuite.deposit_by_hand(TODAY, lines=lines, payout="po_2")
    site.netsuite.deposit_by_hand(TODAY, lines=lines, payout="po_22")
    site.erp.write_deposit(PAYOUT)

    found = site.erp.find_deposits(["po_1", "po_2", "po_3", ""])

    assert {"po_1", "po_2"} == found.keys()
    assert (theirs, usd("98")) == (found["po_2"].erp_id, found["po_2"].amount)
    assert (("", usd("1")), (CLEARING, usd("100")), (FEES, usd("-3"))) == found["po_2"].by_role
    assert {} == site.erp.find_deposits([])


def test_a_currency_without_settlement_shows_lines_without_roles(site: Site) -> None:
    site.netsuite.deposit_by_hand(TODAY, lines=[{"account": "clearing", "amount": "100.00"}], payout="po_2")
    erp = site.with_mapping()

    found = erp.find_deposits(["po_2"])["po_2"]

    assert (usd("100"), (("", usd("100")),)) == (found.amount, found.by_role)


def test_an_account_that_serves_two_roles_is_told_as_it_was_meant(site: Site) -> None:
    accounts = site.netsuite.accounts
    shared = {"bank": accounts["bank"], "clearing": accounts["clearing"], "fees": accounts["fees"]}
    erp = site.settled(accounts=shared | {"disputes": accounts["fees"]})
    intent = deposit((CLEARING, "100.00"), (FEES, "-3.00"), (DISPUTES, "-15.00"))
    erp.write_deposit(intent)

    seen = erp.read_deposit(intent)

    assert seen is not None
    assert ((CLEARING, usd("100")), (DISPUTES, usd("-15")), (FEES, usd("-3"))) == seen.by_role
    assert ((CLEARING, usd("100")), (FEES, usd("-18"))) == erp.find_deposits(["po_1"])["po_1"].by_role


def test_a_late_deposit_names_the_day_on_which_the_money_came(site: Site) -> None:
    site.erp.write_deposit(replace(PAYOUT, arrived_on=date(2026, 10, 30)))

    (made,) = site.netsuite.truth()["deposits"]
    assert "Stripe payout po_1 (arrived on 2026-10-30)" == made["memo"]


def test_without_one_world_no_subsidiary_is_said(site: Site) -> None:
    site.netsuite.leave_one_world()
    facts = mapping().facts.model_copy(update={"has_subsidiaries": False})
    entry = settlement(site.netsuite.accounts, subsidiary=None, journal_negative=True)
    erp = site.with_mapping(facts=facts, settlement=(entry,))
    intent = replace(deposit((FEES, "-15.00"), kind=DepositKind.JOURNAL), subsidiary="")

    assert CREATED == erp.write_deposit(intent).outcome
    assert CREATED == erp.write_deposit(replace(PAYOUT, subsidiary="", external_id="arc-demo-dep-po_1-1")).outcome
