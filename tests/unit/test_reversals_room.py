"""Money that the bank took back, lived through by the real loop on the ledger in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from answers_cases import POLICY, ZONE, Case, invoice, usd

from connector import loop
from connector.decisions.reversal import ReversalHoldReason
from connector.errors import Transient
from connector.policy import Exceptions, Switch
from connector.ports import Answer, Outcome
from connector.receivables import CameBack, InvoiceStatus, PaymentState, Remittance
from connector.settlement import AccountRole, ReversalIntent, Settlement, SettleThrough
from connector.store import book, closing, reversing, verdicts
from connector.store.restoring import look_up_first
from connector.store.reversing import Reversal
from connector.store.writing import WriteState
from tests.fakes.ledger_erp import At, Trouble

ISSUED_ON, DUE_ON = date(2026, 9, 1), date(2026, 9, 14)
ROLES = frozenset({AccountRole.CLEARING, AccountRole.DISPUTES})


BOTH = pytest.mark.parametrize("case", [False, True], ids=["in steps", "atomic"], indirect=True)


@pytest.fixture
def case(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Case]:
    """INV-1 and INV-2, of 1,000.00 USD together, were paid by P-1 through clearing, and their loop was closed.

    The ledger takes it back in steps, or with BOTH in one transaction too.
    """
    found = Case(tmp_path)
    found.erp.is_atomic = getattr(request, "param", False)
    found.erp.settlements = (Settlement("USD", SettleThrough.CLEARING, "", ROLES),)
    found.bill(invoice("INV-1", "700.00", ISSUED_ON, DUE_ON), invoice("INV-2", "300.00", ISSUED_ON, DUE_ON))
    found.pay("P-1", "1000.00", "INV-1 INV-2")
    found.tick()
    assert [usd("0.00"), usd("0.00")] == balances(found)
    yield found
    found.store.close()


def balances(case: Case) -> list[Any]:
    return [one.balance for one in case.erp.invoices.values()]


def changes(case: Case, **values: Any) -> None:
    case.payments.payments = [replace(one, **values) for one in case.payments.payments]


def comes_back(case: Case, **more: Any) -> None:
    on = case.clock.at.astimezone(ZONE).date()
    changes(case, state=PaymentState.RETURNED, came_back=CameBack(on, usd("1000.00")), **more)


def reversals(case: Case) -> list[Reversal]:
    with case.store.read() as tx:
        return list(reversing.reversals(tx, WriteState))


def exceptions(case: Case) -> dict[str, str]:
    with case.store.read() as tx:
        return {one.kind: one.reason for one in verdicts.open_exceptions(tx) if one.kind != "day_drifts"}


def states(case: Case) -> list[WriteState]:
    return [one.state for one in reversals(case)]


def is_reversed(case: Case) -> bool:
    (paid,) = case.erp.payments.values()
    return bool(paid.reversal) and len(case.erp.reversals) == 1


def voided_by_a_person(case: Case) -> None:
    (paid,) = case.erp.payments.values()
    case.erp.take_off(paid.erp_id)
    case.erp.payments[paid.erp_id] = replace(case.erp.payments[paid.erp_id], voided=True)


@BOTH
def test_all_that_it_paid_is_open_again_and_nobody_has_to_look(case: Case) -> None:
    comes_back(case)
    case.tick(hours=1)

    assert [WriteState.CLOSED] == states(case)
    assert is_reversed(case)
    assert [usd("700.00"), usd("300.00")] == balances(case)

    report = case.tick(hours=1)
    with case.store.read() as tx:
        rows = book.invoices_by_id(tx, ["1", "2"])
        applied = closing.applied_invoices(tx, "P-1")

    assert {InvoiceStatus.OPEN} == {row["status"] for row in rows.values()}
    assert () == applied
    assert {} == exceptions(case)
    assert 0 == report.unfinished


def test_the_customer_is_told_once_it_is_taken_back(case: Case) -> None:
    comes_back(case)
    for _ in range(5):
        case.tick(days=1)

    assert "payment_returned" == case.channel.mails[0].items[0].step
    assert {"INV-1", "INV-2"} == {item.number for item in case.channel.mails[0].items}


@BOTH
@pytest.mark.parametrize("trouble", [Trouble.LOST_BEFORE, Trouble.LOST_AFTER, Trouble.HALF])
def test_a_lost_answer_is_looked_up_and_nothing_is_taken_back_twice(case: Case, trouble: Trouble) -> None:
    case.erp.upset(At.REVERSAL, trouble)
    comes_back(case)
    case.tick(hours=1)
    case.tick(hours=1)

    assert [WriteState.CLOSED] == states(case)
    assert is_reversed(case)
    assert [usd("700.00"), usd("300.00")] == balances(case)


def test_what_may_still_be_on_its_way_is_waited_for(case: Case) -> None:
    case.erp.settles_within = timedelta(hours=3)
    case.erp.upset(At.REVERSAL, Trouble.LOST_BEFORE)
    comes_back(case)
    case.tick(hours=1)

    assert [WriteState.ATTEMPTED] == states(case)
    assert "may still be carried out until" in reversals(case)[0].problem

    case.tick(hours=4)
    assert [WriteState.CLOSED] == states(case)


@pytest.mark.parametrize("trouble", [Trouble.BUSY, Trouble.LOGIN])
def test_an_erp_that_takes_nothing_now_is_asked_again(case: Case, trouble: Trouble) -> None:
    case.erp.upset(At.REVERSAL, trouble)
    comes_back(case)
    case.tick(hours=1)

    assert [WriteState.INTENDED] == states(case)
    assert "payment_came_back" in exceptions(case)

    case.tick(hours=1)
    assert [WriteState.CLOSED] == states(case)


def test_a_refusal_is_told_and_tried_again_tomorrow_under_an_id_of_its_own(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(intent: ReversalIntent) -> Answer:
        return Answer(intent.external_id, Outcome.REFUSED, code="PERM", message="no right to journals")

    with monkeypatch.context() as patched:
        patched.setattr(case.erp, "write_reversal", refuse)
        comes_back(case)
        case.tick(hours=1)
        case.tick(hours=1)
        assert [WriteState.REFUSED] == states(case)
        assert "no right to journals" in exceptions(case)["payment_came_back"]

    case.tick(days=1)
    case.tick(hours=1)

    assert [WriteState.REFUSED, WriteState.CLOSED] == states(case)
    assert ["arc-demo-rev-P-1-1", "arc-demo-rev-P-1-2"] == [one.intent.external_id for one in reversals(case)]
    assert {} == exceptions(case)


def test_what_a_person_changed_in_the_erp_is_left_to_a_person(case: Case) -> None:
    (paid,) = case.erp.payments.values()
    case.erp.take_off(paid.erp_id)  # by hand, and not onto anything
    case.clock.at = case.clock.at.replace(hour=15)
    comes_back(case)
    case.tick(minutes=5)

    assert [] == states(case)
    assert not case.erp.reversals


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"refunded": usd("10.00")}, "was given back before"),
        ({"came_back": CameBack(date(2026, 9, 7), usd("400.00"))}, "only 400.00 USD of it came back"),
    ],
)
def test_a_part_of_it_is_a_persons(case: Case, values: dict[str, Any], said: str) -> None:
    changes(case, **({"state": PaymentState.RETURNED} | values))
    case.tick(hours=1)

    assert [] == states(case)
    assert said in exceptions(case)["payment_came_back"]
    assert "INV-1" not in exceptions(case)["payment_came_back"].partition("It isn't")[2]
    assert [usd("0.00"), usd("0.00")] == balances(case)


def test_what_the_erp_forbids_is_a_persons_and_says_why(tmp_path: Path) -> None:
    case = Case(tmp_path)  # without a settlement the payment waits in Undeposited Funds
    case.bill(invoice("INV-1", "1000.00", ISSUED_ON, DUE_ON))
    case.pay("P-1", "1000.00", "INV-1")
    case.tick()
    comes_back(case)
    case.tick(hours=1)

    assert [] == states(case)
    assert "the payment is on undeposited" in exceptions(case)["payment_came_back"]
    with case.store.read() as tx:
        assert ReversalHoldReason.THE_ERP == verdicts.outcome_of(tx, "payment:P-1", "reversal")
    case.store.close()


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (replace(POLICY, exceptions=Exceptions(returned_is_reversed=False)), "the policy leaves that to a person"),
        (replace(POLICY, post=Switch.SUGGEST), "posting is in suggest"),
    ],
)
def test_where_we_may_not_a_person_is_told_to_the_cent_what_to_do(case: Case, policy: Any, said: str) -> None:
    case.policy = policy
    comes_back(case)
    case.tick(hours=1)
    case.tick(hours=1)
    told = exceptions(case)["payment_came_back"]

    assert [] == states(case)
    assert said in told
    for part in ("INV-1 (700.00 USD)", "INV-2 (300.00 USD)", "1,000.00 USD", "arc-demo-pay-P-1-1", "clearing account"):
        assert part in told


def test_after_a_person_did_it_nothing_is_left_to_do(case: Case) -> None:
    case.policy = replace(POLICY, exceptions=Exceptions(returned_is_reversed=False))
    comes_back(case)
    case.tick(hours=1)
    voided_by_a_person(case)
    case.tick(days=1)
    case.policy = POLICY
    case.tick(days=1)

    assert {} == exceptions(case)
    assert [] == states(case)


@BOTH
def test_what_the_bank_gives_again_is_applied_again_under_the_next_generation(case: Case) -> None:
    comes_back(case)
    case.tick(hours=1)
    case.tick(hours=1)
    changes(case, state=PaymentState.SUCCEEDED, came_back=None)
    case.tick(hours=1)
    case.tick(hours=1)

    assert [usd("0.00"), usd("0.00")] == balances(case)
    assert ["arc-demo-pay-P-1-1", "arc-demo-pay-P-1-2"] == [one.external_id for one in case.erp.payments.values()]

    comes_back(case)
    case.tick(hours=1)
    case.tick(hours=1)

    assert [usd("700.00"), usd("300.00")] == balances(case)
    assert ["arc-demo-rev-P-1-1", "arc-demo-rev-P-1-2"] == sorted(case.erp.reversals)
    assert {} == exceptions(case)


def test_money_that_is_here_after_all_is_not_taken_back(case: Case) -> None:
    case.erp.upset(At.REVERSAL, Trouble.BUSY)
    comes_back(case)
    case.tick(hours=1)
    changes(case, state=PaymentState.SUCCEEDED, came_back=None)
    case.tick(hours=1)

    assert [WriteState.WITHDRAWN] == states(case)
    assert not case.erp.reversals
    assert {} == exceptions(case)


def test_a_restored_store_looks_before_it_writes(case: Case) -> None:
    case.erp.upset(At.REVERSAL, Trouble.BUSY)
    comes_back(case)
    case.tick(hours=1)
    with case.store.tx() as tx:
        look_up_first(tx, "the store was restored", by_another=True)

    assert [WriteState.ATTEMPTED] == states(case)

    case.tick(hours=1)
    assert [WriteState.CLOSED] == states(case)


def test_one_that_cannot_be_looked_up_keeps_no_other_waiting(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    case.bill(invoice("INV-3", "50.00", ISSUED_ON, DUE_ON))
    case.pay("P-0", "50.00", "INV-3")
    case.tick(hours=1)
    find = case.erp.find_payments

    def finds(ids: list[str]) -> Any:
        if "P-0" in ids:
            raise Transient("one record can't be read")
        return find(ids)

    on = case.clock.at.astimezone(ZONE).date()
    case.payments.payments = [
        replace(one, state=PaymentState.RETURNED, came_back=CameBack(on, one.amount)) for one in case.payments.payments
    ]
    with monkeypatch.context() as patched:
        patched.setattr(case.erp, "find_payments", finds)
        with pytest.raises(AssertionError):  # the tick tells of it
            case.tick(hours=1)
    case.tick(hours=1)
    case.tick(hours=1)

    assert {"P-0", "P-1"} == {one.payment_id for one in reversals(case)}
    assert {WriteState.CLOSED} == set(states(case))


# ---- card disputes ----


def test_a_dispute_that_is_won_changes_nothing(case: Case) -> None:
    changes(case, state=PaymentState.DISPUTED)
    case.tick(hours=1)

    assert "disputed by the cardholder" in exceptions(case)["chargeback_hold"]
    assert [usd("0.00"), usd("0.00")] == balances(case)

    changes(case, state=PaymentState.SUCCEEDED)
    case.tick(hours=1)

    assert {} == exceptions(case)
    assert ([], [usd("0.00"), usd("0.00")]) == (states(case), balances(case))


def test_of_a_dispute_that_is_lost_a_person_chooses_and_may_open_the_invoice_again(case: Case) -> None:
    changes(case, state=PaymentState.DISPUTED)
    case.tick(hours=1)
    changes(case, state=PaymentState.CHARGED_BACK)
    case.tick(days=1)
    case.tick(days=1)

    assert "the dispute is lost. Choose" in exceptions(case)["chargeback_hold"]
    assert ([], [usd("0.00"), usd("0.00")]) == (states(case), balances(case))

    voided_by_a_person(case)
    for _ in range(5):
        case.tick(days=1)

    assert "chargeback_hold" not in exceptions(case)
    assert "payment_returned" in {item.step for mail in case.channel.mails for item in mail.items}


@BOTH
def test_a_bank_debit_that_came_back_as_a_dispute_goes_against_disputes(case: Case) -> None:
    on = case.clock.at.astimezone(ZONE).date()
    changes(case, state=PaymentState.RETURNED, came_back=CameBack(on, usd("1000.00"), by_dispute=True))
    case.tick(hours=1)

    if case.erp.is_atomic:  # a reversed receipt would come out of clearing
        assert "the return hit disputes" in exceptions(case)["payment_came_back"]
        assert [] == states(case)
    else:
        assert [AccountRole.DISPUTES] == [one.intent.role for one in reversals(case)]
        assert [WriteState.CLOSED] == states(case)


def test_of_two_payments_of_one_invoice_only_the_one_that_came_back_is_undone(tmp_path: Path) -> None:
    case = two_paid_one(tmp_path)
    changes_of(case, "P-1", state=PaymentState.RETURNED, came_back=CameBack(date(2026, 9, 7), usd("600.00")))
    for _ in range(3):
        case.tick(hours=1)

    assert {} == exceptions(case)
    assert [("P-2",)] == [(payment_id,) for payment_id in ("P-1", "P-2") if applied(case, payment_id)]
    assert usd("600.00") == case.erp.invoices["1"].balance
    case.store.close()


def test_what_a_person_still_has_to_take_back_waits_although_the_other_payment_was_undone(tmp_path: Path) -> None:
    case = two_paid_one(tmp_path)
    changes_of(case, "P-1", state=PaymentState.RETURNED, came_back=CameBack(date(2026, 9, 7), usd("600.00")))
    changes_of(case, "P-2", state=PaymentState.RETURNED, came_back=CameBack(date(2026, 9, 7), usd("300.00")))
    for _ in range(3):
        case.tick(hours=1)

    assert (False, True) == (applied(case, "P-1"), applied(case, "P-2"))
    assert "a reversal of 300.00 USD" in exceptions(case)["payment_came_back"]
    case.store.close()


def two_paid_one(folder: Path) -> Case:
    """INV-1 of 1,000.00 USD was paid by P-1 (600.00) and P-2 (400.00)."""
    case = Case(folder)
    case.erp.settlements = (Settlement("USD", SettleThrough.CLEARING, "", ROLES),)
    case.bill(invoice("INV-1", "1000.00", ISSUED_ON, DUE_ON))
    case.pay("P-1", "600.00", "INV-1")
    case.tick()
    case.pay("P-2", "400.00", "INV-1")
    case.tick(hours=1)
    assert usd("0.00") == case.erp.invoices["1"].balance
    return case


def changes_of(case: Case, payment_id: str, **values: Any) -> None:
    held = case.payments.payments
    case.payments.payments = [replace(one, **values) if one.id == payment_id else one for one in held]


def applied(case: Case, payment_id: str) -> bool:
    with case.store.read() as tx:
        return bool(closing.applied_invoices(tx, payment_id))


def test_what_may_no_longer_be_written_is_given_to_a_person_who_hears_why(case: Case) -> None:
    case.erp.upset(At.REVERSAL, Trouble.BUSY)
    comes_back(case)
    case.tick(hours=1)
    assert [WriteState.INTENDED] == states(case)

    by_a_person = replace(case.policy.exceptions, returned_is_reversed=False)
    case.policy = replace(case.policy, version="policy-2", exceptions=by_a_person)
    case.approve()
    case.tick(hours=1)

    assert [WriteState.WITHDRAWN] == states(case)
    assert "the policy leaves that to a person" in exceptions(case)["payment_came_back"]
    assert not case.erp.reversals


def test_what_was_begun_is_read_back_also_while_nothing_may_be_written(case: Case) -> None:
    case.erp.settles_within = timedelta(hours=2)
    case.erp.upset(At.REVERSAL, Trouble.LOST_AFTER)
    case.erp.upset(At.READ_BACK, Trouble.BUSY)
    comes_back(case)
    case.clock.at += timedelta(hours=1)
    loop.tick(case.parts())
    assert [WriteState.ATTEMPTED] == states(case)

    case.policy = replace(case.policy, version="policy-2", post=Switch.SUGGEST)
    case.approve()
    case.tick(hours=1)

    assert [WriteState.CLOSED] == states(case)


def test_what_waits_for_somebody_in_the_erp_is_told_with_its_words(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    def waits(intent: ReversalIntent) -> Answer:
        return Answer(intent.external_id, Outcome.UNKNOWN, "77", message="journal 77 waits for approval")

    monkeypatch.setattr(case.erp, "write_reversal", waits)
    comes_back(case)
    case.tick(hours=1)

    assert "journal 77 waits for approval" in exceptions(case)["payment_came_back"]
    assert "nothing is to be done" not in exceptions(case)["payment_came_back"]


def test_a_change_of_the_payment_leaves_the_words_while_it_is_being_taken_back(case: Case) -> None:
    case.erp.settles_within = timedelta(hours=6)
    case.erp.upset(At.REVERSAL, Trouble.LOST_BEFORE)
    comes_back(case)
    case.tick(hours=1)
    changes(case, remittance=Remittance(text="INV-1 edited"))
    case.tick(hours=1)

    assert "nothing is to be done" in exceptions(case)["payment_came_back"]
