"""Payments as Intacct's heads and details show them, found by whatever they carry; drafts and rests are none."""

from __future__ import annotations

from datetime import date

import pytest

from connector.adapters.intacct.settings import Facts
from connector.errors import Terminal, Transient
from connector.money import Money
from connector.ports import PaymentSeen
from tests.unit.intacct_read_cases import MAPPING, Rooms, advance, invoice, memo, overpayment, payment, rooms

SOURCE = "pi_3QabcdefghijklmnopqrstuvW"  # 28 characters, as Stripe has them
TAIL = SOURCE[-21:]


def usd(text: str) -> Money:
    return Money.of(text, "USD")


@pytest.fixture
def site() -> Rooms:
    made = rooms()
    made.shelf.put("ARINVOICE", invoice(101, "INV-1"), invoice(102, "INV-2"), invoice(201, "INV-1", "C2"))
    return made


def held(site: Rooms, payment_id: str) -> PaymentSeen:
    return site.payments.by_ids([payment_id])[payment_id].seen


def test_what_a_payment_applies_is_told_by_invoice_with_credits_and_discounts_beside(site: Rooms) -> None:
    site.shelf.put("ARADJUSTMENT", memo(301, "CM 1"))
    site.shelf.put("ARPYMT", payment(11, "90"), overpayment(12, 11, "5"), overpayment(13, 10, "0"))
    site.shelf.details["11"] = [
        {"RECORDKEY": "101", "ENTRYKEY": "1", "TRX_PAYMENTAMOUNT": "60", "TRX_TOTALDISCOUNTAPPLIED": "2"},
        {"RECORDKEY": "101", "ENTRYKEY": "2", "TRX_PAYMENTAMOUNT": "15"},
        {"RECORDKEY": "102", "ADJUSTMENTKEY": "301", "TRX_ADJUSTMENTAMOUNT": "20"},
        {"RECORDKEY": "102", "ADVANCEKEY": "21", "TRX_POSTEDADVANCEAMOUNT": "7"},
        {"RECORDKEY": "102", "OVERPAYMENTKEY": "13", "TRX_POSTEDOVERPAYMENTAMOUNT": "3"},
        {"RECORDKEY": "102", "INLINEKEY": "102", "TRX_INLINEAMOUNT": "1"},
        {"POSADJKEY": "333", "TRX_PAYMENTAMOUNT": "10"},
    ]

    found = site.payments.by_ids(["11"])["11"]

    assert found.seen == PaymentSeen(
        erp_id="11",
        customer_id="C1",
        amount=usd("90"),
        applications=(("INV-1__C1", usd("75")), ("INV-2__C1", usd("31"))),
        voided=False,
        credits=(("10", usd("3")), ("adv-21", usd("7")), ("cm-CM_201__C1", usd("20"))),
        discounts=(("INV-1__C1", usd("2")),),
    )
    assert usd("5") == found.unapplied


def test_an_invoice_that_is_gone_keeps_its_number_so_that_a_difference_shows(site: Rooms) -> None:
    site.shelf.put("ARPYMT", payment(11))
    site.shelf.details["11"] = [{"RECORDKEY": "999", "TRX_PAYMENTAMOUNT": "100"}]

    assert (("ARINVOICE 999", usd("100")),) == held(site, "11").applications


def test_a_reversed_payment_applies_nothing_and_has_nothing_over(site: Rooms) -> None:
    site.shelf.put("ARPYMT", payment(11, STATE="Reversed"), overpayment(12, 11, "40"))
    site.shelf.details["11"] = [{"RECORDKEY": "101", "TRX_PAYMENTAMOUNT": "60"}]

    found = site.payments.by_ids(["11"])["11"]

    assert (True, (), usd("0")) == (found.seen.voided, found.seen.applications, found.unapplied)


def test_an_advance_is_a_payment_that_applies_nothing(site: Rooms) -> None:
    site.shelf.put("ARADVANCE", advance(21, "60"))

    found = site.payments.by_ids(["adv-21", "adv-22", "nonsense"])

    assert found.keys() == {"adv-21"}
    assert ((), usd("100"), usd("60")) == (
        found["adv-21"].seen.applications,
        found["adv-21"].seen.amount,
        found["adv-21"].unapplied,
    )


def test_a_receipt_for_several_customers_is_the_customers_whose_invoices_it_pays_where_that_is_one(
    site: Rooms,
) -> None:
    shared = {"CUSTOMERID": "", "PAYERNAME": "Group"}
    site.shelf.put(
        "ARPYMT", payment(11, **shared), payment(12, **shared), payment(13, ARC_EXTERNAL_ID="arc-1", **shared)
    )
    site.shelf.details["11"] = [{"RECORDKEY": "201", "TRX_PAYMENTAMOUNT": "100"}]
    site.shelf.details["12"] = [
        {"RECORDKEY": "101", "TRX_PAYMENTAMOUNT": "50"},
        {"RECORDKEY": "201", "TRX_PAYMENTAMOUNT": "50"},
    ]
    site.shelf.details["13"] = [{"RECORDKEY": "201", "TRX_PAYMENTAMOUNT": "100"}]

    assert ["C2", "Group", "Group"] == [held(site, no).customer_id for no in ("11", "12", "13")]


@pytest.mark.parametrize(
    "fields",
    [
        {"DOCNUMBER": TAIL},
        {"DOCNUMBER": SOURCE},
        {"DESCRIPTION": f"card {SOURCE}, by phone"},
        {"ARC_EXTERNAL_ID": f"arc-7-pay-{SOURCE}"},
    ],
)
def test_a_payment_is_found_by_the_source_id_wherever_it_stands(site: Rooms, fields: dict[str, str]) -> None:
    site.shelf.put("ARPYMT", payment(11, **fields), payment(12, DESCRIPTION=f"{SOURCE}9"))

    assert {SOURCE: held(site, "11")} == site.payments.with_source_ids([SOURCE, "pi_other", ""])


def test_an_advance_is_found_by_it_as_well(site: Rooms) -> None:
    site.shelf.put("ARADVANCE", advance(21, DOCNUMBER=TAIL))

    assert "adv-21" == site.payments.with_source_ids([SOURCE])[SOURCE].erp_id


def test_a_payment_in_force_is_told_before_a_reversed_one(site: Rooms) -> None:
    site.shelf.put("ARPYMT", payment(11, STATE="Reversed", DOCNUMBER=TAIL), payment(12, DOCNUMBER=TAIL))

    assert "12" == site.payments.with_source_ids([SOURCE])[SOURCE].erp_id


@pytest.mark.parametrize(
    "other",
    [
        payment(11, STATE="Draft", DOCNUMBER=TAIL),
        payment(11, STATE="Reversal", DOCNUMBER=TAIL),
        payment(11, "0.00", DOCNUMBER=TAIL),  # uses the rest of an earlier payment
        overpayment(11, 9, "10", DOCNUMBER=TAIL),
        payment(11, RECORDTYPE="rr", DOCNUMBER=TAIL),  # an advance shows in ARPYMT too
    ],
)
def test_drafts_reversals_rests_and_what_only_uses_them_are_not_that_money(site: Rooms, other: dict[str, str]) -> None:
    site.shelf.put("ARPYMT", other)

    assert {} == site.payments.with_source_ids([SOURCE])
    assert () == site.payments.like(["C1"], usd(other["TRX_TOTALENTERED"]), date(2026, 11, 1), date(2026, 11, 30))


def test_an_act_on_a_rest_is_found_by_its_own_external_id(site: Rooms) -> None:
    site.shelf.put("ARPYMT", overpayment(12, 11, "0"), payment(14, "0", ARC_EXTERNAL_ID="arc-1-rest"))
    site.shelf.details["14"] = [
        {"RECORDKEY": "101", "OVERPAYMENTKEY": "12", "TRX_POSTEDOVERPAYMENTAMOUNT": "30"},
    ]

    found = site.payments.with_external_ids(["arc-1-rest", "arc-2"], ["C1"])["arc-1-rest"].seen

    assert (usd("0"), (("INV-1__C1", usd("30")),), (("11", usd("30")),)) == (
        found.amount,
        found.applications,
        found.credits,
    )


def test_of_two_payments_under_one_external_id_the_one_in_force_counts(site: Rooms) -> None:
    site.shelf.put("ARPYMT", payment(11, STATE="Reversed", ARC_EXTERNAL_ID="arc-1"))
    site.shelf.put("ARADVANCE", advance(21, ARC_EXTERNAL_ID="arc-1"))

    assert "adv-21" == site.payments.with_external_ids(["arc-1"])["arc-1"].seen.erp_id


def test_similar_payments_have_just_the_amount_and_a_day_between(site: Rooms) -> None:
    site.shelf.put(
        "ARPYMT",
        payment(11),
        payment(12, "100.01"),
        payment(13, RECEIPTDATE="11/26/2026"),
        payment(14, CUSTOMERID="C2"),
        payment(15, CURRENCY="EUR"),
        payment(16, CUSTOMERID="", PAYERNAME="Group"),
        payment(17, CUSTOMERID="", PAYERNAME="Group"),
    )
    site.shelf.put("ARADVANCE", advance(21))
    site.shelf.details["16"] = [{"RECORDKEY": "101", "TRX_PAYMENTAMOUNT": "100"}]
    site.shelf.details["17"] = [{"RECORDKEY": "201", "TRX_PAYMENTAMOUNT": "100"}]

    found = site.payments.like(["C1"], usd("100"), date(2026, 11, 15), date(2026, 11, 25))

    assert {"11", "16", "adv-21"} == {one.erp_id for one in found}


def test_nobody_may_post_beside_a_payment_that_can_not_be_read(site: Rooms) -> None:
    site.shelf.put("ARPYMT", payment(11, "ten", DOCNUMBER=TAIL))

    with pytest.raises(Terminal, match="Could not understand customer payment 11 in Sage Intacct: TRX_TOTALENTERED"):
        site.payments.with_source_ids([SOURCE])


def test_the_width_of_the_reference_is_the_companys(site: Rooms) -> None:
    mapping = MAPPING.model_copy(update={"facts": Facts(reference_max=12)})
    wide = rooms(mapping)
    wide.shelf.put("ARPYMT", payment(11, DOCNUMBER=SOURCE[-12:]))

    assert "11" == wide.payments.with_source_ids([SOURCE])[SOURCE].erp_id


def test_what_payments_touched_is_told_by_record_number(site: Rooms) -> None:
    site.shelf.put("ARPYMT", payment(11))
    site.shelf.details["11"] = [
        {"RECORDKEY": "101", "ADJUSTMENTKEY": "301"},
        {"RECORDKEY": "102", "POSTEDADVANCEKEY": "21", "OVERPAYMENTKEY": "12"},
        {"POSADJKEY": "305"},
    ]

    touched = site.payments.touched_by([{"RECORDNO": "11"}])

    assert ({"101", "102"}, {"301"}, {"21"}, {"12"}) == (
        touched.invoices,
        touched.memos,
        touched.advances,
        touched.overpayments,
    )


def test_what_belongs_to_an_entity_is_read_in_that_entity(site: Rooms) -> None:
    site.shelf.put("ARPYMT", payment(11, MEGAENTITYID="E1"), payment(12))
    site.shelf.details["11"] = [{"RECORDKEY": "101", "TRX_PAYMENTAMOUNT": "100"}]
    site.shelf.details["12"] = [{"RECORDKEY": "102", "TRX_PAYMENTAMOUNT": "100"}]

    assert (("INV-1__C1", usd("100")),) == held(site, "11").applications
    assert (("INV-2__C1", usd("100")),) == held(site, "12").applications


def test_a_payment_whose_details_do_not_come_is_not_one_that_applies_nothing(site: Rooms) -> None:
    site.shelf.put("ARPYMT", payment(11, DOCNUMBER=TAIL))
    site.shelf.withheld.add("11")

    with pytest.raises(Transient, match=r"payment 11 .*its details didn't come"):
        site.payments.with_source_ids([SOURCE])


def test_a_draft_that_is_taken_back_meanwhile_is_none(site: Rooms) -> None:
    site.shelf.put("ARPYMT", payment(11, STATE="Draft"))
    site.shelf.withheld.add("11")

    assert {} == site.payments.by_ids(["11"])
