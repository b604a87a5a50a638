"""Where Intacct's limits and habits bite: long names, many lines, used control ids, wildcards, two requests at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import pytest

from connector.ports import Outcome
from connector.receivables import ArStatus
from sandbox.intacct.refusal import Refusal
from tests.contract.erp_chance import Chance, Plan
from tests.contract.erp_site import TODAY, usd
from tests.contract.intacct_site import Site, served

CREATED, EXISTS = Outcome.CREATED, Outcome.EXISTS
REFUSED, UNKNOWN = Outcome.REFUSED, Outcome.UNKNOWN


@pytest.fixture
def site() -> Iterator[Site]:
    with served() as made:
        yield made


def test_an_act_of_more_invoices_than_a_function_takes_records_is_still_one_operation(site: Site) -> None:
    ids = [site.invoice("1.00") for _ in range(205)]
    statuses = [ArStatus(f"arc-demo-st-{id}", id, "closed", "paid") for id in ids]
    intent = site.act(dict.fromkeys(ids, "1.00"))

    (answer,) = site.erp.write_acts([intent], statuses)

    assert {CREATED} == {one.outcome for one in (answer.payment, *answer.records, *answer.statuses)}
    assert (1, 206, 205) == (site.intacct.counts()["act"], len(answer.records), len(answer.statuses))
    assert {"0.00"} == set(site.balances().values())
    assert (EXISTS, 206) == (site.write(intent)[0], len(site.seen(intent).records))


def test_names_longer_than_a_record_takes_are_found_again(site: Site) -> None:
    """The id of an invoice with such a number is longer than any name of a custom object."""
    ids = [
        site.intacct.add_invoice(
            site.customer, f"{'日本の請求書' * 5}-{n}", TODAY, TODAY, [{"description": "Seats", "amount": "10.00"}]
        )
        for n in (1, 2)
    ]
    intent = site.act(dict.fromkeys(ids, "10.00"))
    assert all(len(one.external_id) > 255 for one in intent.cancellations)

    assert (CREATED, (CREATED,) * 3) == site.write(intent)

    assert (EXISTS, (EXISTS,) * 3) == site.write(intent)
    wanted = {one.external_id for one in (*intent.cancellations, intent.receipt)}
    assert wanted == {name for name, _ in site.seen(intent).records}
    assert sorted(ids) == sorted(one["invoice"] for one in site.intacct.kept("cancellation"))


def test_a_record_that_a_person_deleted_is_made_again(site: Site) -> None:
    """Its control id is used up, and what it was used for is gone."""
    intent = site.act({site.invoice(): "1000.00"})
    site.write(intent)
    (row,) = site.intacct.rows("SELECT id FROM arc_cancellation")
    site.intacct.delete("arc_cancellation", [row["id"]], site.intacct.person())
    assert {intent.receipt.external_id} == {name for name, _ in site.seen(intent).records}

    (again,) = site.erp.write_records([intent])

    assert [CREATED, EXISTS] == [one.outcome for one in again.records]
    assert 2 == len(site.seen(intent).records)


def test_a_flag_goes_there_and_back_and_there(site: Site) -> None:
    """The same change as an earlier one has the same control id."""
    invoice = site.invoice()
    shown = []
    for state in ("held", "reminding", "held", "reminding"):
        (answer,) = site.erp.write_marks([], [ArStatus("st", invoice, state, "")])
        shown.append((answer.outcome, [one["state"] for one in site.intacct.kept("status") if one["state"]]))

    assert [(CREATED, [state]) for state in ("held", "reminding", "held", "reminding")] == shown


def test_an_operation_of_many_that_comes_late_is_found_act_by_act(site: Site) -> None:
    acts = [site.act({site.invoice("10.00"): "10.00"}, act_id=f"m{number}") for number in range(16)]
    site.fault("late_commit", "act", seconds=3600)

    first = site.erp.write_acts(acts)
    site.intacct.meanwhile("act", site.intacct.finish_late)
    again = site.erp.write_acts(acts[:5])

    assert [UNKNOWN] * 5 + [CREATED] * 11 == [one.payment.outcome for one in first]
    assert [EXISTS] * 5 == [one.payment.outcome for one in again]
    assert (16, {"0.00"}) == (len(site.payments()), set(site.balances().values()))


def test_an_underline_in_a_source_id_is_no_wildcard(site: Site) -> None:
    site.intacct.pay_by_hand(site.customer, "10.00", TODAY, memo="chx444, paid")
    site.intacct.pay_by_hand(site.customer, "10.00", TODAY, memo="100% of ch-444")

    assert {} == site.erp.find_payments(["ch_444", "ch_", "_444", "%"])
    made = site.intacct.pay_by_hand(site.customer, "10.00", TODAY, memo="ch_444")
    assert {"ch_444": made} == {id: seen.erp_id for id, seen in site.erp.find_payments(["ch_444"]).items()}


def test_a_source_id_longer_than_the_reference_is_found_in_full(site: Site) -> None:
    """Intacct's document number is shorter than a PaymentIntent's id, so its tail alone proves nothing."""
    ours, twin = "pi_3OqA00000000000000000001", "pi_9ZzB00000000000000000001"
    site.intacct.pay_by_hand(site.customer, "10.00", TODAY, memo=twin)
    made = site.intacct.pay_by_hand(site.customer, "10.00", TODAY, memo=ours)

    assert {ours: made} == {id: seen.erp_id for id, seen in site.erp.find_payments([ours]).items()}


class InOrderEntry(Chance):
    """Somebody edits an order before each step, and now and then between our look and our write."""

    of_the_bill: ClassVar[Mapping[str, object]] = {"order_entry": True}

    def disturb(self) -> None:
        site = self.real.site
        untouched = [one.number for one in self.ledger.erp.invoices.values() if one.balance == one.amount]
        editable = [self.real.ids[name] for name in untouched if self.ledger.read(self.model.ids[name]).balance]
        if editable:
            invoice = self.dice.choice(editable)
            site.people.edit_order(invoice)
            if self.dice.random() < 0.3:
                site.people.meanwhile("act", lambda: self._edit_if_possible(invoice))

    def lose(self, plan: Plan) -> None:
        """No answer is lost here: one may have been a refusal because of the edit."""

    def _edit_if_possible(self, invoice: str) -> None:
        """One that was paid or voided meanwhile is left alone."""
        try:
            self.real.site.people.edit_order(invoice)
        except (Refusal, KeyError, LookupError):
            return


@pytest.mark.parametrize("seed", range(4))
def test_orders_that_are_edited_all_the_time_change_nothing_of_what_is_paid(site: Site, seed: int) -> None:
    InOrderEntry(site, seed).run()


def test_never_more_than_two_requests_run_at_once(site: Site) -> None:
    ids = [site.invoice() for _ in range(5)]
    site.erp.read_totals()

    with ThreadPoolExecutor(8) as many:
        reads = list(many.map(lambda _: site.erp.read_open(), range(24)))

    assert {tuple(sorted(ids))} == {tuple(sorted(one.id for one in read.invoices)) for read in reads}
    assert [] == site.waits  # nobody was turned away


def test_an_invoice_with_an_inline_credit_is_read_and_left_to_a_person(site: Site) -> None:
    lines = [{"description": "Seats", "amount": "600.00"}, {"description": "Goodwill", "amount": "-100.00"}]
    invoice = site.invoice(lines=lines)
    before = site.intacct.dump()

    assert usd("500") == site.read(invoice).balance
    answer = site.answer(site.act({invoice: "500.00"}))

    assert (REFUSED, before) == (answer.payment.outcome, site.intacct.dump())
    assert "inline credit" in answer.payment.message


def test_nothing_is_paid_in_a_currency_that_intacct_does_not_keep_exactly(site: Site) -> None:
    invoice = site.invoice()
    before = site.intacct.dump()

    answer = site.answer(site.act({invoice: "1000"}, currency="JPY"))

    assert (REFUSED, before) == (answer.payment.outcome, site.intacct.dump())
