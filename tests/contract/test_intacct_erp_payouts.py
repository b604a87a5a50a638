"""Payouts in Intacct: journal entries out of clearing, and deposits whose fees are other receipts below zero."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from connector.adapters.intacct import IntacctErp
from connector.adapters.intacct.settings import Facts
from connector.errors import Transient
from connector.ports import Outcome
from connector.settlement import AccountRole, DepositIntent, DepositKind, DepositSeen, SettleThrough
from sandbox.faults import Kind
from tests.contract.erp_site import TODAY, usd
from tests.contract.intacct_site import Site, served, settlement
from tests.contract.test_erp_books import PAYOUT, deposit

CREATED, EXISTS, DIFFERENT = Outcome.CREATED, Outcome.EXISTS, Outcome.EXISTS_DIFFERENT
REFUSED, UNKNOWN = Outcome.REFUSED, Outcome.UNKNOWN
CLEARING, FEES, REFUNDS = AccountRole.CLEARING, AccountRole.FEES, AccountRole.REFUNDS


@pytest.fixture
def site() -> Iterator[Site]:
    with served() as made:
        made.settled()
        yield made


def balances(site: Site) -> dict[str, str]:
    """Balance by role, of the accounts that a payout moves."""
    chart, stand = site.intacct.accounts, site.intacct.balances()
    roles = ("bank", "clearing", "undeposited", "fees", "refunds", "disputes")
    return {role: stand[chart[role]] for role in roles if stand.get(chart[role], "0.00") != "0.00"}


def receipts(site: Site) -> list[str]:
    """Amounts of the other receipts in the books."""
    rows = site.intacct.rows("SELECT total FROM record WHERE recordtype = 'cr' ORDER BY recordno")
    return [f"{row['total'] / 100:.2f}" for row in rows]


def posted(site: Site) -> int:
    truth = site.intacct.truth()
    return len(truth["deposits"]) + len(truth["journals"])


# ---- journal entries ----


def test_a_payout_is_one_journal_entry_whose_bank_line_is_the_net_payout(site: Site) -> None:
    answer = site.erp.write_deposit(PAYOUT)

    assert CREATED == answer.outcome
    assert {"bank": "820.70", "clearing": "-900.00", "fees": "29.30", "disputes": "50.00"} == balances(site)
    (entry,) = site.intacct.rows("SELECT * FROM journal")
    lines = site.intacct.rows("SELECT * FROM posting WHERE batchkey = ?", entry["recordno"])
    assert ("GJ", "po_1", "Stripe payout po_1") == (entry["symbol"], entry["referenceno"], entry["batch_title"])
    assert all(line["description"].startswith("arc-demo-dep-po_1-0 ") for line in lines)


def test_a_payout_of_nothing_moves_only_what_is_in_it(site: Site) -> None:
    intent = deposit((CLEARING, "5.00"), (FEES, "-5.00"))

    assert CREATED == site.erp.write_deposit(intent).outcome

    assert {"clearing": "-5.00", "fees": "5.00"} == balances(site)
    seen = site.erp.read_deposit(intent)
    assert seen is not None
    assert (usd("0"), ((CLEARING, usd("5")), (FEES, usd("-5")))) == (seen.amount, seen.by_role)
    assert EXISTS == site.erp.write_deposit(intent).outcome


def test_one_account_for_two_roles_is_told_as_it_was_meant(site: Site) -> None:
    chart = dict(site.intacct.accounts)
    site.with_mapping(settlement=(settlement({**chart, "refunds": chart["disputes"]}),))
    intent = deposit((CLEARING, "100.00"), (REFUNDS, "-30.00"), (AccountRole.DISPUTES, "-20.00"))

    site.erp.write_deposit(intent)

    seen = site.erp.read_deposit(intent)
    assert seen is not None
    assert {CLEARING: usd("100"), REFUNDS: usd("-30"), AccountRole.DISPUTES: usd("-20")} == dict(seen.by_role)


def test_an_entry_that_a_person_reversed_is_voided_and_not_made_again(site: Site) -> None:
    answer = site.erp.write_deposit(PAYOUT)
    site.intacct.void_document(answer.erp_id)

    seen = site.erp.read_deposit(PAYOUT)

    assert seen is not None and seen.voided
    assert site.erp.find_deposits(["po_1"])["po_1"].voided
    again = site.erp.write_deposit(PAYOUT)
    assert (DIFFERENT, True) == (again.outcome, "voided" in again.message)
    assert CREATED == site.erp.write_deposit(replace(PAYOUT, external_id="arc-demo-dep-po_1-1")).outcome
    assert not site.erp.find_deposits(["po_1"])["po_1"].voided


@pytest.mark.parametrize(
    "kind",
    [
        "drop_after",
        "cut_after",
        "unreadable_after",
        "html_after",
        "server_error_after",
        "late_commit",
    ],
)
def test_an_answer_that_was_not_read_is_unknown_and_nothing_is_booked_twice(site: Site, kind: Kind) -> None:
    site.fault(kind, "act", seconds=0)

    first = site.erp.write_deposit(PAYOUT)
    site.intacct.finish_late()
    seen = site.erp.read_deposit(PAYOUT)

    assert UNKNOWN == first.outcome
    assert seen is not None
    assert (EXISTS, 1) == (site.erp.write_deposit(PAYOUT).outcome, posted(site))


@pytest.mark.parametrize("duplicate_at", ["result", "control"])
def test_a_repeat_whose_record_is_not_shown_is_unknown(site: Site, duplicate_at: str) -> None:
    """The controlid is used up and the entry is gone: nobody may guess which of the two is right."""
    site.intacct.at_the_door.duplicate_at = duplicate_at  # type: ignore[assignment]
    answer = site.erp.write_deposit(PAYOUT)
    site.intacct.delete_document(answer.erp_id)

    again = site.erp.write_deposit(PAYOUT)

    assert (UNKNOWN, 0) == (again.outcome, posted(site))


def test_a_repeat_that_commits_between_look_and_write_is_found(site: Site) -> None:
    """What a 524 left is carried out just before the retry: the gateway refuses that as a repeat."""
    site.fault("late_commit", "act", seconds=600)
    assert UNKNOWN == site.erp.write_deposit(PAYOUT).outcome
    site.intacct.meanwhile("act", site.intacct.finish_late)

    again = site.erp.write_deposit(PAYOUT)

    assert (EXISTS, 1) == (again.outcome, posted(site))


@pytest.mark.parametrize(("are_free", "outcome"), [(False, CREATED), (True, UNKNOWN)])
def test_where_failures_use_up_control_ids_a_payout_is_booked_under_the_next_one(
    site: Site, are_free: bool, outcome: Outcome
) -> None:
    site.intacct.at_the_door.failed_ids_are_free = False
    entry = settlement(site.intacct.accounts)
    erp = site.with_mapping(settlement=(entry,), facts=Facts(failed_control_ids_are_free=are_free))
    site.fault("record_refused", "act", record=0, code="BL01001973")
    assert REFUSED == erp.write_deposit(PAYOUT).outcome

    answer = erp.write_deposit(PAYOUT)

    assert outcome == answer.outcome
    assert are_free == ("set facts.failed_control_ids_are_free: false" in answer.message)
    assert (0 if are_free else 1) == posted(site)


def test_a_missing_right_to_post_journals_is_a_named_refusal(site: Site) -> None:
    site.intacct.revoke("create_journals")

    answer = site.erp.write_deposit(PAYOUT)

    assert (REFUSED, True, 0) == (answer.outcome, "may not post it" in answer.message, posted(site))
    site.intacct.grant("create_journals")
    assert CREATED == site.erp.write_deposit(PAYOUT).outcome


def test_a_payout_of_an_entity_is_booked_within_it_and_held_by_its_own_period(site: Site) -> None:
    entity = site.intacct.add_entity("E1")
    chart = site.intacct.accounts
    site.with_mapping(entities={entity: {}}, settlement=(settlement(chart, entity=entity),))
    intent = replace(PAYOUT, subsidiary=entity)
    site.intacct.close_period("2026-11", entity=entity)

    refused = site.erp.write_deposit(intent)

    assert (REFUSED, True) == (refused.outcome, "closed period" in refused.message)
    site.intacct.open_period("2026-11", entity=entity)
    assert CREATED == site.erp.write_deposit(intent).outcome
    assert [entity] == [row["entity"] for row in site.intacct.rows("SELECT entity FROM journal")]
    assert REFUSED == site.erp.write_deposit(replace(intent, external_id="x", subsidiary="E2")).outcome


# ---- deposits out of undeposited funds ----


@pytest.fixture
def undeposited(site: Site) -> IntacctErp:
    return site.settled(SettleThrough.UNDEPOSITED)


def paid_out(site: Site) -> DepositIntent:
    """A payout of two payments that wait in undeposited funds, one of which pays nothing yet."""
    invoice = site.invoice("60.00")
    first = site.intacct.pay_by_hand(site.customer, "60.00", TODAY, [(invoice, "60.00")], account="undeposited")
    second = site.intacct.pay_by_hand(site.customer, "40.00", TODAY, account="undeposited")
    return deposit((FEES, "-3.20"), (REFUNDS, "-10.00"), payments=((first, "60.00"), (second, "40.00")))


def test_fees_become_receipts_below_zero_so_that_the_bank_gets_the_net_payout(
    site: Site, undeposited: IntacctErp
) -> None:
    intent = paid_out(site)

    answer = undeposited.write_deposit(intent)

    assert (CREATED, ["-3.20", "-10.00"]) == (answer.outcome, receipts(site))
    assert {"bank": "86.80", "fees": "3.20", "refunds": "10.00"} == balances(site)
    assert (
        DepositSeen(
            erp_id=answer.erp_id,
            amount=usd("86.80"),
            payments=tuple(erp_id for erp_id, _ in intent.payments),
            by_role=((FEES, usd("-3.20")), (REFUNDS, usd("-10"))),
            posted_on=TODAY,
        )
        == undeposited.read_deposit(intent)
        == undeposited.find_deposits(["po_1"])["po_1"]
    )
    (row,) = site.intacct.truth()["deposits"]
    assert "86.80" == row["amount"]


def test_a_deposit_that_is_refused_leaves_no_receipts_behind(site: Site, undeposited: IntacctErp) -> None:
    intent = paid_out(site)
    site.intacct.deposit_by_hand(TODAY, [intent.payments[0][0]])
    before = balances(site)

    answer = undeposited.write_deposit(intent)

    assert (REFUSED, True) == (answer.outcome, bool(answer.message))
    assert ([], before, None) == (receipts(site), balances(site), undeposited.read_deposit(intent))


def test_after_a_refusal_the_receipts_are_made_again_although_their_ids_are_used_up(
    site: Site, undeposited: IntacctErp
) -> None:
    intent = paid_out(site)
    site.fault("record_refused", "record_deposit", record=0, code="BL01001973")
    assert REFUSED == undeposited.write_deposit(intent).outcome
    assert [] == receipts(site)

    assert CREATED == undeposited.write_deposit(intent).outcome

    assert ["-3.20", "-10.00"] == receipts(site)


@pytest.mark.parametrize("operation", ["record_otherreceipt", "record_deposit"])
@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "html_after", "late_commit"])
def test_a_lost_answer_to_either_half_is_unknown_and_the_retry_books_once(
    site: Site, undeposited: IntacctErp, operation: str, kind: Kind
) -> None:
    intent = paid_out(site)
    site.fault(kind, operation, seconds=0)

    first = undeposited.write_deposit(intent)
    site.intacct.finish_late()
    second = undeposited.write_deposit(intent)

    assert UNKNOWN == first.outcome
    assert second.outcome in (CREATED, EXISTS)
    assert (["-3.20", "-10.00"], 1) == (receipts(site), len(site.intacct.truth()["deposits"]))
    assert {"bank": "86.80", "fees": "3.20", "refunds": "10.00"} == balances(site)


def test_a_deposit_that_surely_did_not_happen_takes_its_receipts_back(site: Site, undeposited: IntacctErp) -> None:
    intent = paid_out(site)
    site.fault("too_many", "record_deposit")

    with pytest.raises(Transient):
        undeposited.write_deposit(intent)

    assert [] == receipts(site)
    assert CREATED == undeposited.write_deposit(intent).outcome


def test_receipts_that_can_not_be_taken_back_are_named(site: Site, undeposited: IntacctErp) -> None:
    intent = paid_out(site)
    site.fault("record_refused", "record_deposit", record=0, code="BL01001973")
    site.fault("record_refused", "delete_otherreceipt", record=0, code="BL01001973")

    answer = undeposited.write_deposit(intent)

    assert (REFUSED, True) == (answer.outcome, "still in undeposited funds" in answer.message)
    assert CREATED == undeposited.write_deposit(intent).outcome
    assert ["-3.20", "-10.00"] == receipts(site)


def test_where_receipts_can_not_be_negative_a_payout_with_fees_is_refused_before_anything_is_sent(site: Site) -> None:
    entry = settlement(site.intacct.accounts, through=SettleThrough.UNDEPOSITED)
    erp = site.with_mapping(settlement=(entry,), facts=Facts(negative_receipts=False))
    intent = paid_out(site)

    answer = erp.write_deposit(intent)

    assert (REFUSED, "NOT_SENT", []) == (answer.outcome, answer.code, receipts(site))
    assert "through clearing" in answer.message
    plain = deposit(payments=tuple((erp_id, amount.plain()) for erp_id, amount in intent.payments))
    assert CREATED == erp.write_deposit(plain).outcome


def test_a_deposit_can_not_be_negative(site: Site, undeposited: IntacctErp) -> None:
    answer = undeposited.write_deposit(deposit((FEES, "-3.00")))

    assert (REFUSED, "NOT_SENT") == (answer.outcome, answer.code)
    journal = deposit((FEES, "-3.00"), kind=DepositKind.JOURNAL)
    assert CREATED == undeposited.write_deposit(journal).outcome
    assert {"bank": "-3.00", "fees": "3.00"} == balances(site)


def test_a_deposit_that_a_person_deleted_is_not_there_any_more(site: Site, undeposited: IntacctErp) -> None:
    intent = paid_out(site)
    answer = undeposited.write_deposit(intent)
    site.intacct.void_document(answer.erp_id)

    assert undeposited.read_deposit(intent) is None
    assert {} == undeposited.find_deposits(["po_1"])


# ---- periods ----


def test_a_period_that_one_entity_has_closed_is_open_for_the_others(site: Site) -> None:
    first, second = site.intacct.add_entity("E1"), site.intacct.add_entity("E2")
    site.with_mapping(entities={first: {}, second: {}})
    site.intacct.close_period("2026-09", entity=first)

    def locked() -> list[date]:
        return [period.first_on for period in site.erp.read_periods() if period.is_locked]

    assert [] == locked()
    site.intacct.close_period("2026-09", entity=second)
    assert [date(2026, 9, 1)] == locked()
