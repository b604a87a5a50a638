"""Which days are proved when, what the ERP is shown of them, and what isn't understood: over fakes, in this process.

What ties and what drifts over real HTTP is in tests/acceptance/test_daily_proof.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest

from connector import daily_proof
from connector.decisions.clearing import ClearingProof
from connector.decisions.three_way import DayVerdict, Drift, DriftKind, ProofOutcome, Side
from connector.errors import Transient
from connector.money import Money
from connector.ports import Answer, Outcome
from connector.receivables import ProofRecord
from connector.store import proving, settling, verdicts
from connector.store.book import to_json
from sandbox.plan import Part
from tests.fakes.ledger_desk import LedgerDesk, ledger_desk
from tests.harness import AT_ANY_HOUR, AUTOMATIC

FIRST = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)
DAY = FIRST.date()
POLICY = {"post": "auto", "send": "auto", "posting_owner": "us", **AT_ANY_HOUR, **AUTOMATIC}


@pytest.fixture
def at(tmp_path: Path) -> Iterator[LedgerDesk]:
    with ledger_desk(tmp_path, "netsuite", FIRST, POLICY) as made:
        yield made


def pass_on(at: LedgerDesk, days: int, hours: int = 0) -> None:
    """The next pass, so long after the last one."""
    at.world.advance_to(at.world.clock() + timedelta(days=days, hours=hours))
    at.tick()


def made(at: LedgerDesk) -> dict[int, str]:
    """Day of the month -> what its proof came to."""
    with at.service.store.read() as tx:
        return {on.day: outcome.value for on, (outcome, _) in proving.standings(tx, DAY).items()}


def shown(at: LedgerDesk) -> list[tuple[str, str]]:
    return [(one["day"], one["outcome"]) for one in at.world.erp.kept("proof")]


def paid(at: LedgerDesk, number: str, amount: str) -> str:
    """An invoice is billed and paid by card; the charge."""
    who = at.world.add_customer(f"Payer of {number}", "ap@payer.example", 30).id
    today = at.world.clock().date()
    line = {"description": "Seats", "amount": amount, "kind": "subscription"}
    at.world.add_invoice(who, number, today, today + timedelta(days=30), [line])
    intent = at.world.pay(who, amount, pays=[Part(number, amount)], description=f"Invoice {number}")
    return str(at.world.stripe.ledger.get(intent)["latest_charge"])


def test_a_day_is_proved_on_the_next_one_and_not_before(at: LedgerDesk) -> None:
    at.tick()
    pass_on(at, 0, hours=8)
    assert {} == made(at)

    pass_on(at, 1)
    pass_on(at, 0, hours=1)

    assert {7: "ties"} == made(at)
    assert [("2026-09-07", "ties")] == shown(at)


def test_days_without_a_pass_are_proved_later_a_few_at_a_time(at: LedgerDesk) -> None:
    at.tick()

    pass_on(at, 10)
    assert [7, 8, 9, 10, 11, 12, 13] == sorted(made(at))
    pass_on(at, 0, hours=1)

    assert list(range(7, 17)) == sorted(made(at))
    assert {"ties"} == set(made(at).values())


def test_a_book_that_is_away_is_asked_again_each_hour_and_told_once(at: LedgerDesk) -> None:
    at.tick()
    paid(at, "INV-1", "100.00")
    at.tick()
    parts = at.service.parts()
    with patch.object(type(parts.erp), "find_payments", side_effect=Transient("the ledger is away")) as asked:
        # Matching asks too, so only the proof itself is held against it.
        verdict = daily_proof.prove(parts, DAY, DAY, FIRST + timedelta(days=1))

    assert asked.called
    assert ProofOutcome.UNPROVED is verdict.outcome
    assert ["the ledger is away"] == [
        why for name, _, why in (one.partition(": ") for one in verdict.missing) if name == parts.erp.name
    ]

    now = FIRST + timedelta(days=1)
    with at.service.store.tx() as tx:
        tx.set("proved_on", now.date().isoformat())  # the clearing account's own proof is there
        daily_proof._keep(tx, verdict)
    with at.service.store.read() as tx:
        at_once = daily_proof._due(tx, parts, tx.at + timedelta(minutes=59), now.date())
        later = daily_proof._due(tx, parts, tx.at + timedelta(minutes=61), now.date())

    assert ((), (DAY,)) == (at_once, later)


def test_what_others_posted_without_our_id_is_found_by_its_customer(at: LedgerDesk) -> None:
    at.tick()
    charge = paid(at, "INV-1", "100.00")
    at.tick()
    parts = at.service.parts()
    seen = parts.erp.find_payments([charge])[charge]

    with (
        patch.object(type(parts.erp), "find_payments", return_value={}),
        patch.object(type(parts.erp), "find_similar", return_value=(seen,)) as similar,
    ):
        verdict = daily_proof.prove(parts, DAY, DAY, FIRST)

    assert similar.called
    assert [] == [one.kind for one in verdict.drifts]


def drifting(day: date, text: str = "it was voided there") -> DayVerdict:
    drift = Drift(DriftKind.NOT_IN_ERP, Side.PROCESSOR, "USD", "1", "ch_1", Money.of("-5.00", "USD"), text)
    return DayVerdict(day, ProofOutcome.DRIFTS, (), (), (), (drift,), (), ())


def test_a_drift_waits_for_a_person_until_the_day_ties(at: LedgerDesk) -> None:
    at.tick()
    with at.service.store.tx() as tx:
        daily_proof._keep(tx, drifting(DAY))
        (waiting,) = [one for one in verdicts.open_exceptions(tx) if one.kind == "day_drifts"]
        assert ("day_drifts:2026-09-07", Money.of("-5.00", "USD")) == (waiting.id, waiting.amount)
        assert "ch_1: it was voided there" in waiting.reason

        ties = DayVerdict(DAY, ProofOutcome.TIES, (), (), (), (), (), ())
        daily_proof._keep(tx, ties)

        assert [] == [one for one in verdicts.open_exceptions(tx) if one.kind == "day_drifts"]


def test_the_same_proof_is_told_and_written_once(at: LedgerDesk) -> None:
    at.tick()
    parts = at.service.parts()
    for _ in range(2):
        with at.service.store.tx() as tx:
            daily_proof._keep(tx, drifting(DAY))
        daily_proof._write(parts)

    with at.service.store.read() as tx:
        assert () == proving.to_write(tx, 5)
    assert [("2026-09-07", "drifts")] == shown(at)


def test_a_refused_record_is_shown_and_not_tried_before_it_changes(at: LedgerDesk) -> None:
    at.tick()
    parts = at.service.parts()
    refused = Answer("x", Outcome.REFUSED, message="no such record type")
    with patch.object(type(parts.erp), "write_proofs", return_value=(refused,)) as written:
        with at.service.store.tx() as tx:
            daily_proof._keep(tx, drifting(DAY))
        daily_proof._write(parts)
        daily_proof._write(parts)
    assert 1 == written.call_count
    with at.service.store.read() as tx:
        assert verdicts.is_open(tx, "flag_refused:proof 2026-09-07")

    with at.service.store.tx() as tx:
        daily_proof._keep(tx, drifting(DAY, "another reason"))
    daily_proof._write(parts)

    assert [("2026-09-07", "drifts")] == shown(at)
    with at.service.store.read() as tx:
        assert not verdicts.is_open(tx, "flag_refused:proof 2026-09-07")


def test_in_shadow_nothing_is_written_into_the_erp(tmp_path: Path) -> None:
    with ledger_desk(tmp_path, "intacct", FIRST, {**POLICY, "post": "shadow", "send": "shadow"}) as at:
        at.tick()
        pass_on(at, 1)

        assert ({7: "ties"}, []) == (made(at), shown(at))


def test_the_words_fit_the_field_and_end_with_a_whole_line() -> None:
    many = DayVerdict(DAY, ProofOutcome.DRIFTS, (), (), (), drifting(DAY, "for a reason").drifts * 300, (), ())

    text = daily_proof.in_words(many)

    assert len(text) <= daily_proof.TEXT_MAX
    assert text.endswith("for a reason\n…")
    assert "no money came or went on this day" == daily_proof.in_words(
        DayVerdict(DAY, ProofOutcome.TIES, (), (), (), (), (), ())
    )
    record = daily_proof._record("demo", many, FIRST)
    assert ProofRecord("arc-demo-proof-2026-09-07", DAY, "drifts", 300, 0, text, FIRST) == record


def test_a_drift_waits_on_while_a_book_is_away(at: LedgerDesk) -> None:
    at.tick()
    with at.service.store.tx() as tx:
        daily_proof._keep(tx, drifting(DAY))
        daily_proof._keep(tx, DayVerdict(DAY, ProofOutcome.UNPROVED, (), (), (), (), (), ("NetSuite: away",)))

        assert ["day_drifts:2026-09-07"] == list(verdicts.open_of_kind(tx, "day_drifts"))


def test_what_drifts_is_looked_at_until_it_ties_however_long_that_takes(at: LedgerDesk) -> None:
    at.tick()
    late = FIRST + timedelta(days=60)
    with at.service.store.tx() as tx:
        daily_proof._keep(tx, drifting(DAY))
    with at.service.store.read() as tx:
        noon = late.replace(hour=20)
        assert DAY == (daily_proof._due(tx, at.service.parts(), noon, noon.date()) or (None,))[0]


def test_a_period_drifts_by_what_arose_on_clearing_on_any_day_of_it(at: LedgerDesk) -> None:
    at.tick()
    zero, off = Money.zero("USD"), Money.of("50.00", "USD")
    for number, unexplained in enumerate((zero, zero, zero, off, off, off)):
        proof = ClearingProof(unexplained, zero, (), zero, unexplained)
        with at.service.store.tx() as tx:
            settling.put_proof(tx, DAY + timedelta(days=number), "USD", unexplained, to_json(proof))
    with at.service.store.read() as tx:
        arose = [
            proving.clearing_since(tx, first, last)["USD"].arose
            for first, last in (
                (DAY + timedelta(days=1), DAY + timedelta(days=1)),
                (DAY + timedelta(days=2), DAY + timedelta(days=2)),
                (DAY + timedelta(days=3), DAY + timedelta(days=3)),
                (DAY + timedelta(days=1), DAY + timedelta(days=4)),
            )
        ]
    assert [zero, off, zero, off] == arose
