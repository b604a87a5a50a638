"""The port `Erp` on the daily proof: its record is there once a day, as it was written last, on every ERP."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from connector.ports import Outcome
from connector.receivables import ProofRecord
from tests.contract.erp_site import NOW, ErpSite
from tests.fakes.ledger_erp import At, Trouble

PROOF = ProofRecord(
    "arc-demo-proof-2026-11-22", date(2026, 11, 22), "drifts", 2, 1, "not in erp: ch_1, -100.00 USD: voided", NOW
)


def shown(site: ErpSite) -> list[tuple[str, ...]]:
    words = ("external_id", "day", "outcome", "drifts", "unfinished", "text")
    return [tuple(str(one[word])[:60] for word in words) for one in site.people.kept("proof")]


def test_a_days_proof_is_shown_and_made_anew_in_its_place(site: ErpSite) -> None:
    first = site.erp.write_proofs([PROOF])
    before = shown(site)
    second = site.erp.write_proofs([replace(PROOF, outcome="ties", drifts=0, unfinished=0, text="all tells the same")])

    assert [Outcome.CREATED, Outcome.CREATED] == [answer.outcome for answer in (*first, *second)]
    assert [("arc-demo-proof-2026-11-22", "2026-11-22", "drifts", "2", "1", PROOF.text)] == before
    assert [("arc-demo-proof-2026-11-22", "2026-11-22", "ties", "0", "0", "all tells the same")] == shown(site)


def test_many_days_are_written_at_once_each_with_its_answer(site: ErpSite) -> None:
    days = [date(2026, 11, number) for number in (20, 21, 22)]
    records = [replace(PROOF, day=day, external_id=f"arc-demo-proof-{day}") for day in days]

    answers = site.erp.write_proofs(records)

    assert [one.external_id for one in records] == [answer.external_id for answer in answers]
    assert [day.isoformat() for day in days] == sorted(one[1] for one in shown(site))
    assert () == site.erp.write_proofs([])


@pytest.mark.parametrize("trouble", [Trouble.LOST_BEFORE, Trouble.LOST_AFTER])
def test_a_proof_whose_answer_was_lost_is_unknown_and_there_once(site: ErpSite, trouble: Trouble) -> None:
    site.upset(At.EXCEPTION, trouble)

    (first,), (second,) = site.erp.write_proofs([PROOF]), site.erp.write_proofs([PROOF])

    assert Outcome.UNKNOWN == first.outcome
    assert second.outcome in (Outcome.CREATED, Outcome.EXISTS)
    assert ["arc-demo-proof-2026-11-22"] == [one[0] for one in shown(site)]


def test_a_text_longer_than_the_field_is_cut_and_shows_it(site: ErpSite) -> None:
    (answer,) = site.erp.write_proofs([replace(PROOF, text="a drift of the day. " * 400)])

    assert Outcome.CREATED == answer.outcome
    (kept,) = site.people.kept("proof")
    assert kept["text"].startswith("a drift of the day. a drift")
