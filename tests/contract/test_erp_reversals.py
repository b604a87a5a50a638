"""The port `Erp`, whichever ERP it is: money that came back. The payment stands, and pays its invoices no longer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from connector.errors import Transient
from connector.money import Money
from connector.ports import Outcome
from connector.receivables import CloseIntent
from connector.settlement import AccountRole, ReversalIntent, ReversalSeen, SettleThrough
from tests.contract.erp_chance import Book, Chance, Plan
from tests.contract.erp_site import TODAY, ErpSite, usd, with_payment
from tests.fakes.ledger_erp import At, Trouble

CREATED, EXISTS, DIFFERENT = Outcome.CREATED, Outcome.EXISTS, Outcome.EXISTS_DIFFERENT
REFUSED, UNKNOWN = Outcome.REFUSED, Outcome.UNKNOWN
CLEARING, BANK = AccountRole.CLEARING, AccountRole.BANK
BACK_ON = TODAY + timedelta(days=3)


@pytest.fixture
def site(site: ErpSite) -> ErpSite:
    """Payments go onto clearing."""
    site.settled()
    return site


def came_back(
    site: ErpSite, erp_id: str, applied: Mapping[str, str], amount: str = "", **changes: Any
) -> ReversalIntent:
    """What takes back the payment of act a1, which pays these invoices; all of its amount unless said otherwise."""
    total = usd(amount) if amount else Money.total((usd(part) for part in applied.values()), "USD")
    intent = ReversalIntent(
        act_id="v1",
        external_id="arc-demo-rev-cha1-0",
        payment_id="cha1",
        payment_external_id="arc-demo-pay-cha1-0",
        payment_erp_id=erp_id,
        customer_id=site.customer,
        amount=total,
        applied=tuple((invoice, usd(part)) for invoice, part in applied.items()),
        role=CLEARING,
        returned_on=BACK_ON,
        posted_on=BACK_ON,
        memo="Stripe cha1 came back",
    )
    return replace(intent, **changes)


def posted(site: ErpSite, parts: Mapping[str, str], amount: str = "", **payment: Any) -> ReversalIntent:
    """Pay these invoices, and what takes that back on the day that it is by then."""
    intent = with_payment(site.act(parts, amount), memo="Stripe cha1", **payment)
    erp_id = site.answer(intent).payment.erp_id
    site.later(72)
    return came_back(site, erp_id, parts, amount)


def paid(site: ErpSite, **changes: Any) -> ReversalIntent:
    return replace(posted(site, {site.invoice(): "1000.00"}), **changes)


def next_generation(site: ErpSite, parts: Mapping[str, str]) -> CloseIntent:
    """The same money, applied once more after it was taken back."""
    return with_payment(site.act(parts, act_id="a2"), external_id="arc-demo-pay-cha1-1", memo="Stripe cha1")


def on_account(site: ErpSite, role: AccountRole, on: date) -> Money:
    found = [one.amount for one in site.erp.read_balances(on) if one.role is role]
    return Money.total(found, "USD")


def payments_found(site: ErpSite) -> list[str]:
    """Ids of the payments that stand and carry the source's id."""
    return [one.erp_id for one in site.erp.find_payments(["cha1"]).values() if not one.voided]


# ---- taken back ----


def test_what_the_payment_paid_is_open_again_and_the_money_has_left_clearing_on_the_day_of_the_return(
    site: ErpSite,
) -> None:
    first, second = site.invoice("600.00"), site.invoice("400.00")
    intent = posted(site, {first: "600.00", second: "150.00"})
    assert ("", None) == (site.erp.why_irreversible(intent), site.erp.read_reversal(intent))

    answer = site.erp.write_reversal(intent)

    assert (CREATED, "") == (answer.outcome, answer.message)
    assert {first: "600.00", second: "400.00"} == site.balances()
    assert ReversalSeen(answer.erp_id, usd("750"), BACK_ON) == site.erp.read_reversal(intent)
    assert [usd("750"), usd("0")] == [on_account(site, CLEARING, on) for on in (TODAY, BACK_ON)]
    again = site.erp.write_reversal(intent)
    assert (EXISTS, answer.erp_id) == (again.outcome, again.erp_id)
    assert usd("0") == on_account(site, CLEARING, BACK_ON)


def test_what_a_payment_had_over_goes_with_it(site: ErpSite) -> None:
    invoice = site.invoice("60.00")
    intent = posted(site, {invoice: "60.00"}, "100.00")

    assert CREATED == site.erp.write_reversal(intent).outcome

    assert {invoice: "60.00"} == site.balances()
    assert [] == [one for one in site.erp.read_open([site.customer]).credits if one.open_amount]
    assert usd("0") == on_account(site, CLEARING, BACK_ON)


def test_a_wire_that_came_back_leaves_the_bank_account_that_it_came_to(site: ErpSite) -> None:
    invoice = site.invoice("80.00")
    intent = replace(posted(site, {invoice: "80.00"}, deposit_account=site.people.accounts["bank"]), role=BANK)

    assert CREATED == site.erp.write_reversal(intent).outcome

    assert ({invoice: "80.00"}, usd("0")) == (site.balances(), on_account(site, CLEARING, BACK_ON))
    assert site.erp.read_reversal(intent) is not None


def test_on_each_day_receivables_are_what_the_documents_say(site: ErpSite) -> None:
    intent = posted(site, {site.invoice("1000.00"): "600.00"})
    assert CREATED == site.erp.write_reversal(intent).outcome

    def owed(on: date) -> tuple[Money, Money]:
        documents = site.erp.read_documents(date(2026, 10, 1), on)
        return on_account(site, AccountRole.RECEIVABLE, on), Money.total((one.amount for one in documents), "USD")

    assert (usd("1000"), usd("1000")) == owed(TODAY - timedelta(days=1))
    assert (usd("400"), usd("400")) == owed(TODAY)
    assert (usd("1000"), usd("1000")) == owed(BACK_ON)
    left = [one.open_amount for one in site.erp.read_documents(TODAY, BACK_ON) if abs(one.amount.minor) == 60000]
    assert [usd("0"), usd("0")] == left


# ---- what is found afterwards ----


def test_it_is_no_payment_to_whoever_looks_for_one(site: ErpSite) -> None:
    intent = paid(site)
    since = site.erp.read_open().requested_at - timedelta(minutes=1)
    site.erp.write_reversal(intent)

    assert [] == payments_found(site)
    similar = site.erp.find_similar([site.customer], intent.amount, TODAY, BACK_ON)
    assert [] == [one for one in similar if not one.voided]
    history = site.erp.read_history(date(2026, 10, 1), BACK_ON)
    assert ((), (), ()) == (history.payments, history.settled_otherwise, history.parked)
    changed = [one.balance for one in site.erp.read_changed(since).invoices]
    assert changed == ([usd("1000")] if site.dates_what_is_taken_off else [])
    assert [(1, usd("1000"))] == [(one.count, one.open_amount) for one in site.erp.read_totals()]


@pytest.mark.parametrize("by", ["us", "person"])
def test_what_left_clearing_with_it_is_found_by_its_source(site: ErpSite, by: str) -> None:
    intent = paid(site)
    assert {} == site.erp.find_cleared(["cha1", "cha11"])

    if by == "us":
        site.erp.write_reversal(intent)
    else:
        site.people.void_payment(intent.payment_erp_id)

    is_told = by == "us" or site.shows_what_was_voided
    assert ({"cha1": usd("-1000")} if is_told else {}) == site.erp.find_cleared(["cha1", "cha11"])


def test_the_same_money_is_applied_again_under_the_next_generation(site: ErpSite) -> None:
    invoice = site.invoice()
    intent = posted(site, {invoice: "1000.00"})
    site.erp.write_reversal(intent)
    again = next_generation(site, {invoice: "1000.00"})

    answer = site.answer(again)

    assert CREATED == answer.payment.outcome
    assert ([answer.payment.erp_id], {invoice: "0.00"}) == (payments_found(site), site.balances())
    assert EXISTS == site.answer(again).payment.outcome
    assert EXISTS == site.erp.write_reversal(intent).outcome
    later = replace(intent, payment_erp_id=answer.payment.erp_id, payment_external_id="arc-demo-pay-cha1-1")
    later = replace(later, act_id="v2", external_id="arc-demo-rev-cha1-1")
    assert CREATED == site.erp.write_reversal(later).outcome
    assert {invoice: "1000.00"} == site.balances()


# ---- what is left to people ----


def test_what_is_not_there_is_refused(site: ErpSite) -> None:
    intent = replace(paid(site), payment_erp_id="99999", payment_external_id="arc-demo-pay-chother-0")

    assert site.erp.why_irreversible(intent)
    assert REFUSED == site.erp.write_reversal(intent).outcome
    assert None is site.erp.read_reversal(intent)


def closed_month(site: ErpSite) -> ReversalIntent:
    intent = paid(site)
    site.people.close_period("2026-11")
    return intent


def undeposited(site: ErpSite) -> ReversalIntent:
    site.settled(SettleThrough.UNDEPOSITED)
    return paid(site)


@pytest.mark.parametrize(
    "made",
    [
        closed_month,
        undeposited,
        lambda site: paid(site, role=BANK),
        lambda site: paid(site, posted_on=TODAY - timedelta(days=1)),
    ],
    ids=["closed month", "undeposited", "another account than the return hit", "before the payment itself"],
)
def test_what_only_a_person_may_take_back_is_said_before_anything_is_written(
    site: ErpSite, made: Callable[[ErpSite], ReversalIntent]
) -> None:
    intent = made(site)
    before = site.payments(), site.balances()

    assert site.erp.why_irreversible(intent)
    answer = site.erp.write_reversal(intent)

    assert (REFUSED, True) == (answer.outcome, bool(answer.message))
    assert None is site.erp.read_reversal(intent)
    assert before == (site.payments(), site.balances())


def test_what_a_person_voided_before_us_is_not_taken_back_again(site: ErpSite) -> None:
    intent = paid(site)
    site.people.void_payment(intent.payment_erp_id)
    before = site.payments(), site.balances()

    answer = site.erp.write_reversal(intent)

    assert (DIFFERENT, True) == (answer.outcome, bool(answer.message))
    assert None is site.erp.read_reversal(intent)
    assert before == (site.payments(), site.balances())


def test_a_payment_that_pays_something_else_by_now_is_not_touched(site: ErpSite) -> None:
    first, later = site.invoice("60.00"), site.invoice("40.00")
    intent = posted(site, {first: "60.00"}, "100.00")
    site.people.apply_payment(intent.payment_erp_id, {later: "40.00"})
    before = site.payments(), site.balances()

    answer = site.erp.write_reversal(intent)

    assert (True, True) == (answer.outcome in (DIFFERENT, REFUSED), "40.00" in answer.message)
    assert before == (site.payments(), site.balances())


def test_what_stands_under_our_id_with_another_day_is_different(site: ErpSite) -> None:
    intent = paid(site)
    site.erp.write_reversal(intent)

    answer = site.erp.write_reversal(replace(intent, posted_on=BACK_ON - timedelta(days=1)))

    assert (DIFFERENT, True) == (answer.outcome, "2026-11-26 instead of 2026-11-25" in answer.message)


# ---- answers that are lost ----


@pytest.mark.parametrize("trouble", [Trouble.LOST_BEFORE, Trouble.LOST_AFTER, Trouble.HALF])
def test_after_an_unread_answer_reading_back_says_how_far_it_came_and_the_next_write_goes_on_there(
    site: ErpSite, trouble: Trouble
) -> None:
    invoice = site.invoice()
    intent = posted(site, {invoice: "1000.00"})
    site.upset(At.REVERSAL, trouble)

    assert UNKNOWN == site.erp.write_reversal(intent).outcome

    seen = site.erp.read_reversal(intent)
    assert (trouble is Trouble.LOST_BEFORE) == (seen is None)
    still_pays = seen is None or bool(seen.applied)
    assert {invoice: "0.00" if still_pays else "1000.00"} == site.balances()
    assert (CREATED if still_pays else EXISTS) == site.erp.write_reversal(intent).outcome
    whole = site.erp.read_reversal(intent)
    assert whole is not None and (usd("1000"), ()) == (whole.amount, whole.applied)
    assert ({invoice: "1000.00"}, usd("0")) == (site.balances(), on_account(site, CLEARING, BACK_ON))
    assert EXISTS == site.erp.write_reversal(intent).outcome


def test_an_erp_that_is_busy_says_that_nothing_was_done(site: ErpSite) -> None:
    intent = paid(site)
    site.upset(At.REVERSAL, Trouble.BUSY)

    with pytest.raises(Transient):
        site.erp.write_reversal(intent)

    assert None is site.erp.read_reversal(intent)
    assert CREATED == site.erp.write_reversal(intent).outcome


# ---- whatever happens ----


class Returning(Chance):
    """Months in which payments of ours come back too."""

    returns = 0

    def more(self) -> dict[Callable[[], None], int]:
        return {self.come_back: 8}

    def come_back(self) -> None:
        """One whose rest nobody used, and that used no credits: what becomes of the others is a person's matter."""
        used = {plan.rest_of for plan in self.plans}
        known = {name: self.ledger.erp.payments[id] for name, id in self.model.ids.items() if name.startswith("PAY-a")}
        plans = {f"PAY-{one.act_id}": one for one in self.plans if one.parts and not (one.credits or one.rest_of)}
        names = [name for name in plans if name not in used and not (known[name].voided or known[name].reversal)]
        if names:
            name = self.dice.choice(names)
            trouble = self.dice.choice([None, Trouble.BUSY, Trouble.LOST_BEFORE, Trouble.LOST_AFTER, Trouble.HALF])
            outcomes = [self.taken_back(book, plans[name], trouble) for book in (self.model, self.real)]
            assert outcomes[0] == outcomes[1], plans[name]
            self.returns += 1

    @staticmethod
    def taken_back(book: Book, plan: Plan, trouble: Trouble | None) -> ReversalSeen | None:
        """Written until it stands, whatever the first answer was, and read back."""
        applied = tuple((book.ids[name], amount) for name, amount in plan.parts.items())
        own = came_back(book.site, book.ids[f"PAY-{plan.act_id}"], {}, plan.cash.plain())
        own = replace(own, applied=applied, external_id=f"arc-demo-rev-{plan.act_id}-0", posted_on=TODAY)
        if trouble:
            book.site.upset(At.REVERSAL, trouble)
        try:
            book.site.erp.write_reversal(own)
        except Transient:
            assert trouble is Trouble.BUSY
        assert book.site.erp.write_reversal(own).outcome in (CREATED, EXISTS)
        assert book.site.erp.write_reversal(own).outcome is EXISTS
        seen = book.site.erp.read_reversal(own)
        return replace(seen, erp_id="") if seen else None


@pytest.mark.parametrize("seed", [1])
def test_whatever_comes_back_the_erp_and_the_ledger_hold_the_same(site: ErpSite, seed: int) -> None:
    """All on one day: what a person voids is gone on its own day in one ERP, and on the day of the deed in another."""
    chance = Returning(site, seed)
    chance.ledger.settled()
    chance.run()
    assert chance.returns
