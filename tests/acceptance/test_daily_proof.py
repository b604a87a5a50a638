"""The daily three-way proof over real HTTP and statement files: what ties, what drifts, and what is not known yet.

Sums are held against the sandbox's own books. A month of days that all tie is in test_settled_month.py.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from connector import cli
from connector.decisions.three_way import DriftKind, Fate, ProofOutcome, Side
from connector.errors import ConfigError
from connector.money import Money
from connector.store import verdicts
from sandbox.faults import Rule
from tests.acceptance.settling import bill, pay, pay_out, settle, stripe
from tests.harness import MONDAY, Desk, banked, desk

OUR_ACCOUNT = "DE02120300000000202051"
FIRST = MONDAY.date()


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Desk]:
    """Stripe through clearing, in dollars."""
    with desk(tmp_path) as made:
        settle(made)
        yield made


@pytest.fixture
def with_bank(at: Desk, tmp_path: Path) -> Desk:
    """And a bank account of our own, whose statements come as files."""
    statements = tmp_path / "statements"
    statements.mkdir()
    (tmp_path / "mappings" / "bank_statement.yaml").write_text(
        f'accounts:\n  - {{ number: "{OUR_ACCOUNT}", currency: USD, '
        f'ledger_account: "{at.world.erp.accounts["bank"]}", cutover_on: 2026-01-01 }}\n'
        "not_receipts: []\ndone_by_hand: []\ncsv_profiles: []\n"
    )
    at.environ["CONNECTOR_BANK_STATEMENTS_FOLDER"] = str(statements)
    at.environ["CONNECTOR_BANK_STATEMENTS_IS_TEST"] = "true"
    at.world.bank.deliver_to(str(statements))
    at.world.bank.open_account(OUR_ACCOUNT, "USD", "1000.00")
    return at


def morning(at: Desk, days: int = 1) -> date:
    """So many days later a pass runs; the day that ended before it."""
    at.world.advance_to(at.world.clock().replace(hour=9) + timedelta(days=days))
    at.tick()
    return at.world.clock().date() - timedelta(days=1)


def customer(at: Desk) -> str:
    return str(at.world.add_customer("Meridian Freight", "ap@meridian.example", 30).id)


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def shown(at: Desk) -> dict[str, tuple[str, str]]:
    """Day -> outcome and count of drifts, as people see it in the ERP."""
    return {one["day"][:10]: (one["outcome"], one["drifts"]) for one in at.world.erp.kept("proof")}


def told(at: Desk) -> set[str]:
    with at.service.store.read() as tx:
        return {one.kind for one in verdicts.open_exceptions(tx)}


def charge(at: Desk, intent: str) -> str:
    return str(at.world.stripe.ledger.get(intent)["latest_charge"])


def run(at: Desk, *arguments: str) -> Result:
    service = at.service
    at._service = None  # the command closes what it opened
    return CliRunner().invoke(
        cli.app, list(arguments), obj=cli.Invocation(open_service=lambda _: service), env=at.environ
    )


@pytest.mark.usefixtures("each_erp")
def test_a_day_with_everything_in_it_ties_and_the_erp_shows_it(with_bank: Desk, tmp_path: Path) -> None:
    at = with_bank
    who = customer(at)
    at.tick()
    pay(at, who, bill(at, who, "1000.00"), "1000.00")
    at.world.pay(None, "70.00", description="thank you")
    bill(at, who, "2400.00")
    at.world.bank.book(OUR_ACCOUNT, "2400.00", payer="Meridian Freight", text="Invoice 2")
    at.world.bank.deliver(OUR_ACCOUNT)
    at.tick()

    day = morning(at)

    assert {FIRST.isoformat(): ("ties", "0")} == shown(at)
    report = at.service.proof(day)
    verdict = report.verdict
    assert (ProofOutcome.TIES, (), (), ()) == (
        verdict.outcome,
        verdict.drifts,
        verdict.unfinished,
        verdict.missing,
    ), verdict
    sums = {one.side: one for one in verdict.ties}
    by_processor = sums[Side.PROCESSOR]
    assert (2, usd("1070.00"), usd("1000.00"), usd("70.00"), usd("1000.00")) == (
        by_processor.count,
        by_processor.received,
        by_processor.posted,
        by_processor.held,
        by_processor.in_erp,
    )
    assert usd("2400.00") == sums[Side.BANK].received
    assert [(Side.PROCESSOR, Fate.HELD)] == [(one.side, one.fate) for one in verdict.waiting if one.count == 1][:1]
    assert report.made_at is not None
    assert report.shown_at is not None

    book = tmp_path / "proof.xlsx"
    ended = run(at, "proof", "--day", day.isoformat(), "--export", str(book), "--json")
    assert 0 == ended.exit_code, ended.output
    assert "ties" == json.loads(ended.stdout)["verdict"]["outcome"]
    texts = zipfile.ZipFile(book).read("xl/sharedStrings.xml").decode()
    assert ["processor", "bank", day.isoformat()] == [
        one for one in ("processor", "bank", day.isoformat()) if f">{one}<" in texts
    ]


@pytest.mark.usefixtures("each_erp")
def test_a_payout_is_the_same_to_the_processor_the_erp_and_our_journal(at: Desk) -> None:
    who = customer(at)
    at.tick()
    pay(at, who, bill(at, who, "1000.00"), "1000.00")
    at.tick()
    morning(at, days=3)
    payout = pay_out(at)

    day = morning(at)

    (tie,) = [one for one in at.service.proof(day).verdict.ties if one.side is Side.PAYOUTS]
    amount = usd(str(payout["amount"]))
    assert (1, amount, amount, amount) == (tie.count, tie.received, tie.posted, tie.in_erp)
    assert {("ties", "0")} == set(shown(at).values())

    (deposit,) = banked(at.truth(), at.world.erp.accounts["bank"])
    at.world.erp.void_document(deposit["id"])
    verdict = at.service.proof(day).verdict

    assert [(DriftKind.NOT_IN_ERP, payout["payout"], -amount)] == [
        (one.kind, one.id, one.amount) for one in verdict.drifts
    ]


@pytest.mark.usefixtures("each_erp")
def test_a_payment_that_a_person_voided_drifts_until_the_books_agree_again(at: Desk) -> None:
    who = customer(at)
    at.tick()
    number = bill(at, who, "1000.00")
    intent = pay(at, who, number, "1000.00")
    at.tick()
    (posted,) = at.truth()["payments"]
    at.world.erp.void_payment(posted["id"])

    day = morning(at)

    assert {day.isoformat(): ("drifts", "2")} == {on: one for on, one in shown(at).items() if on == day.isoformat()}
    # The payment itself, and what the clearing account lacks by it.
    found = {one.kind: (one.id, one.amount) for one in at.service.proof(day).verdict.drifts}
    assert {DriftKind.NOT_IN_ERP, DriftKind.CLEARING} == set(found)
    assert (charge(at, intent), usd("-1000.00")) == found[DriftKind.NOT_IN_ERP]
    assert usd("-1000.00") == found[DriftKind.CLEARING][1]
    assert "day_drifts" in told(at)

    account = at.world.erp.accounts["clearing"]
    at.world.erp.pay_by_hand(
        who, "1000.00", day, [(at.world.invoice_id(number), "1000.00")], f"Stripe {charge(at, intent)}", account=account
    )
    morning(at)

    assert ("ties", "0") == shown(at)[day.isoformat()]
    assert "day_drifts" not in told(at)


def test_a_bank_whose_statement_is_not_there_yet_proves_nothing(with_bank: Desk) -> None:
    at = with_bank
    at.tick()
    at.world.bank.deliver(OUR_ACCOUNT)

    day = morning(at, days=2)

    before = at.service.proof(day).verdict
    assert (ProofOutcome.UNPROVED, ("unproved", "0")) == (before.outcome, shown(at)[day.isoformat()])
    assert ["bank"] == [one.partition(":")[0] for one in before.missing]

    at.world.bank.deliver(OUR_ACCOUNT)
    at.world.advance_to(at.world.clock() + timedelta(minutes=30))
    at.tick()
    assert ("unproved", "0") == shown(at)[day.isoformat()]  # asked again once an hour
    at.world.advance_to(at.world.clock() + timedelta(minutes=31))
    at.tick()
    assert ("ties", "0") == shown(at)[day.isoformat()]

    later = morning(at, days=2)
    assert 3 == run(at, "proof", "--day", later.isoformat()).exit_code


@pytest.mark.usefixtures("each_erp")
def test_an_erp_or_processor_that_does_not_answer_is_named_and_nothing_drifts(at: Desk) -> None:
    who = customer(at)
    at.tick()
    pay(at, who, bill(at, who, "1000.00"), "1000.00")
    at.tick()
    day = morning(at)

    with pytest.raises(ConfigError, match="has not come yet"):
        at.service.proof(day + timedelta(days=2))
    for service in (at.world.erp_name, "stripe"):
        at.world.faults.install(Rule(service, "maintenance", times=1_000))
        verdict = at.service.proof(day).verdict
        at.world.faults.clear()

        assert (ProofOutcome.UNPROVED, ()) == (verdict.outcome, verdict.drifts), service
        assert verdict.missing


def test_money_that_only_the_processor_shows_is_found(at: Desk) -> None:
    """A charge whose event was never read: the journal doesn't know it, the balance does."""
    who = customer(at)
    at.tick()
    intent = pay(at, who, bill(at, who, "50.00"), "50.00")

    verdict = at.service.proof(at.world.clock().date()).verdict

    known = (DriftKind.UNKNOWN_TO_US, charge(at, intent), usd("50.00"))
    assert [known] == [(one.kind, one.id, one.amount) for one in verdict.drifts]
    stripe(at, "adjust", amount="-5.00", currency="USD", category="fee")
    morning(at)
    assert ("ties", "0") == shown(at)[FIRST.isoformat()]
    intent = pay(at, who, bill(at, who, "51.00"), "51.00")

    ended = run(at, "proof", "--day", at.world.clock().date().isoformat())

    assert 1 == ended.exit_code
    assert charge(at, intent) in ended.stdout.replace("\n", "")
