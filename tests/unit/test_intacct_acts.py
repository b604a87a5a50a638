"""A closing act as the functions of one operation, and what the answers to them mean."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from intacct_acts_cases import (
    AT,
    FIRST,
    MAPPING,
    SECOND,
    committed,
    fields,
    ground,
    inside,
    intent,
    mapping,
    now,
    payment,
    rest,
    rolled_back,
    status,
    usd,
)

from connector.adapters.intacct import acts
from connector.adapters.intacct.acts import Ground, Verdict
from connector.adapters.intacct.answers import Row, Why
from connector.adapters.intacct.lines import CreditNow, Unpayable
from connector.adapters.intacct.records import LONG_TEXT_MAX, Records, fit, source_id
from connector.adapters.intacct.settings import Dimensions
from connector.adapters.intacct.xmltext import Node
from connector.errors import Terminal
from connector.money import Money
from connector.ports import Installation, Outcome
from connector.receivables import (
    CloseIntent,
    CreditKind,
    CreditUse,
    ExceptionRecord,
    PaymentApplication,
    PaymentSeen,
    RecordState,
)


def built(act: CloseIntent, on: Ground | None = None, **kept: object) -> acts.Act:
    return acts.built(mapping(**kept) if kept else MAPPING, act, on or ground())


def sent_payment(act: acts.Act) -> Node:
    return inside(act.payment.body, "ARPYMT" if act.intent.payment.applications else "ARADVANCE")


# ---- What is sent ----


def test_an_act_is_flags_cancellations_receipt_and_payment_in_this_order() -> None:
    act = acts.built(MAPPING, intent(), ground(), [status(FIRST), status(SECOND)])

    assert [
        ("update", "arc-x-pay-ch_1-1-flags-0"),
        ("create", f"arc-x-can-ch_1-1-{FIRST}"),
        ("create", "arc-x-rec-ch_1-1"),
        ("create", "arc-x-pay-ch_1-1"),
    ] == [(one.name, one.control_id) for one in act.functions]


def test_an_act_says_the_same_each_time_and_another_act_of_the_same_payment_something_else() -> None:
    assert built(intent()) == built(intent())
    other = {one.control_id for one in built(intent("ch_1-2")).functions}
    assert not {one.control_id for one in built(intent()).functions} & other


def test_a_payment_waits_on_the_clearing_account_and_pays_lines() -> None:
    sent = sent_payment(built(intent()))

    assert {
        "CUSTOMERID": "C1",
        "PAYMENTMETHOD": "EFT",
        "RECEIPTDATE": "09/20/2026",
        "PAYMENTDATE": "09/20/2026",
        "CURRENCY": "USD",
        "DOCNUMBER": "ch_1",
        "DESCRIPTION": "arc-x-pay-ch_1-1 stripe ch_1",
        "FINANCIALENTITY": "STRIPE",
        "ARC_EXTERNAL_ID": "arc-x-pay-ch_1-1",
        "ARC_ACT": "ch_1-1",
    } == fields(sent)
    details = inside(sent, "ARPYMTDETAILS").value
    assert [
        {"RECORDKEY": "70", "ENTRYKEY": "701", "TRX_PAYMENTAMOUNT": "100.00"},
        {"RECORDKEY": "80", "ENTRYKEY": "801", "TRX_PAYMENTAMOUNT": "100.00"},
    ] == [fields(one) for one in details if isinstance(one, Node)]


def test_what_is_left_over_is_an_overpayment_of_the_same_receipt() -> None:
    act = intent(amount=usd("230"), exchange_rate="1.1", really_received_on=date(2026, 8, 31))
    sent = fields(sent_payment(built(act)))

    assert ("30.00", "1.1", "08/31/2026") == (sent["OVERPAYMENTAMOUNT"], sent["EXCHANGE_RATE"], sent["ARC_RECEIVED_ON"])
    assert "OVERPAYMENTLOCATIONID" not in sent


def test_money_that_pays_nothing_is_an_advance_in_undeposited_funds_where_the_currency_has_no_settlement() -> None:
    act = replace(intent(applied=()), payment=payment(applied=(), amount=usd("50")))
    sent = sent_payment(built(act, settlement=(), undeposited_account="1099"))

    assert ("ARADVANCE", "1099", "C1") == (sent.name, fields(sent)["UNDEPOSITEDACCOUNTNO"], fields(sent)["CUSTOMERID"])
    line = inside(sent, "ARADVANCEITEMS", "ARADVANCEITEM")
    assert {"ACCOUNTNO": "2400", "TRX_AMOUNT": "50.00"} == fields(line)


def test_our_own_bank_account_goes_before_the_settlement() -> None:
    assert "BOA" == fields(sent_payment(built(intent(deposit_account="BOA"))))["FINANCIALENTITY"]


def test_a_credit_memo_and_a_discount_are_details_with_keys_of_their_own() -> None:
    memo = CreditNow("cm-CM-1__C1", "C1", CreditKind.CREDIT_MEMO, "501", "", usd("30"))
    post = payment(
        amount=usd("168"),
        applications=(PaymentApplication(FIRST, usd("98"), discount=usd("2")), PaymentApplication(SECOND, usd("100"))),
        credits=(CreditUse(memo.id, usd("30")),),
    )
    details = inside(sent_payment(built(replace(intent(), payment=post), ground_with(memo))), "ARPYMTDETAILS").value

    assert [
        {"RECORDKEY": "80", "ENTRYKEY": "801", "ADJUSTMENTKEY": "501", "TRX_ADJUSTMENTAMOUNT": "30.00"},
        {"RECORDKEY": "80", "ENTRYKEY": "801", "TRX_PAYMENTAMOUNT": "70.00"},
        {"RECORDKEY": "70", "TRX_PAYMENTAMOUNT": "98.00", "TRX_TOTALDISCOUNTTOAPPLY": "2.00"},
    ] == [fields(one) for one in details if isinstance(one, Node)]


def ground_with(*credits: CreditNow) -> Ground:
    return ground(now(FIRST, "70"), now(SECOND, "80"), credits=credits)


@pytest.mark.parametrize(
    ("known_id", "key", "of"),
    [
        ("88", "OVERPAYMENTKEY", "TRX_POSTEDOVERPAYMENTAMOUNT"),
        ("adv-88", "ADVANCEKEY", "TRX_POSTEDADVANCEAMOUNT"),
    ],
)
def test_what_was_left_of_a_payment_pays_without_cash(known_id: str, key: str, of: str) -> None:
    act = intent(applied=(FIRST,), erp_id=known_id, amount=usd("100"), unapplied_before=usd("100"))
    made = built(act, ground_with(rest(known_id)))
    sent = sent_payment(made)
    detail = inside(sent, "ARPYMTDETAILS", "ARPYMTDETAIL")

    assert {"RECORDKEY": "70", "ENTRYKEY": "701", key: "89", of: "100.00"} == fields(detail)
    assert "OVERPAYMENTAMOUNT" not in fields(sent)
    assert "DOCNUMBER" not in fields(sent)
    assert "arc-x-pay-ch_1-1-use-ch_1-1" == fields(sent)["ARC_EXTERNAL_ID"]
    assert known_id == made.committed(committed(made.functions).results).payment.erp_id
    receipt = next(one for one in made.records if one.control_id == "arc-x-rec-ch_1-1")
    assert known_id == fields(inside(receipt.body, "arc_receipt"))["arc_payment"]


@pytest.mark.parametrize(
    ("held", "why"),
    [
        (None, "no payment 88 with anything left"),
        (rest(left="99"), r"has 99\.00 USD left, and had 100\.00 USD"),
        (rest(customer="C2"), "belongs to customer C2, not C1"),
    ],
)
def test_a_rest_that_is_no_more_what_it_was_is_left_alone(held: CreditNow | None, why: str) -> None:
    act = intent(applied=(FIRST,), erp_id="88", amount=usd("100"), unapplied_before=usd("100"))

    with pytest.raises(Unpayable, match=why):
        built(act, ground_with(held) if held else ground())


def test_records_are_born_closed_and_name_what_they_are_about() -> None:
    cancellation, receipt = built(intent()).records

    assert {
        "name": f"arc-x-can-ch_1-1-{FIRST}",
        "arc_act": "ch_1-1",
        "arc_invoice": FIRST,
        "arc_invoice_number": "INV-7",
        "arc_customer": "C1",
        "arc_steps": "+7 +14",
        "arc_reason": "100.00 USD was applied",
        "arc_cancelled_at": AT.isoformat(),
        "arc_state": "closed",
    } == fields(inside(cancellation.body, "arc_cancellation"))
    assert {
        "name": "arc-x-rec-ch_1-1",
        "arc_act": "ch_1-1",
        "arc_payment": "arc-x-pay-ch_1-1",
        "arc_text": "Paid",
        "arc_state": "closed",
    } == fields(inside(receipt.body, "arc_receipt"))


def test_a_flag_goes_onto_the_invoice_by_its_number_of_now_and_clears_what_is_empty() -> None:
    act = acts.built(MAPPING, intent(), ground(), [status(), status("INV-99__C9")])

    (flag,) = act.flags
    assert {
        "RECORDNO": "70",
        "ARC_STATE": "closed",
        "ARC_REASON": "paid",
        "ARC_NEXT_STEP": "",
        "ARC_NEXT_ON": "",
        "ARC_OWNER": "",
        "ARC_SEGMENT": "default",
        "ARC_CARD": "Nothing is next.",
    } == fields(inside(flag.body, "ARINVOICE"))
    assert (status(),) == act.statuses


def test_our_draft_goes_in_the_operation_that_posts_its_payment() -> None:
    on = replace(ground(), drafts={"arc-x-pay-ch_1-1": ["61", "62"]})
    first, *_ = built(intent(), on).functions

    assert ("delete", {"object": "ARPYMT", "keys": "61,62"}) == (first.name, fields(first.body))


def test_an_act_belongs_to_the_entity_of_its_invoices_and_to_no_two() -> None:
    entities = {"entities": {"E1": Dimensions(), "E2": Dimensions(location="W")}}
    one = ground(now(FIRST, "70", entity="E1"), now(SECOND, "80"))
    over = built(intent(amount=usd("230")), one, **entities)

    assert ("E1", "E1") == (over.entity, fields(sent_payment(over))["OVERPAYMENTLOCATIONID"])
    with pytest.raises(Unpayable, match="it touches entities E1, E2"):
        built(intent(), ground(now(FIRST, "70", entity="E1"), now(SECOND, "80", entity="E2")), **entities)
    advance = replace(intent(applied=()), payment=payment(applied=(), amount=usd("5"), subsidiary="E2"))
    assert "E2" == built(advance, one, **entities).entity


# ---- What can't be said ----


@pytest.mark.parametrize(
    ("act", "kept", "why"),
    [
        (intent(applied=("104",)), {}, "'104' is no id of Sage Intacct's"),
        (intent(credits=(CreditUse("CM-1", usd("1")),)), {}, "'CM-1' is no id"),
        (intent(erp_id="88"), {}, "nothing says what payment 88 had left"),
        (intent(applied=(), erp_id="88", unapplied_before=usd("1")), {}, "nothing is to be paid from it"),
        (intent(), {"settlement": ()}, "doesn't say where money in USD is"),
        (intent(applied=()), {"advance_account": None}, "needs advance_account or advance_label"),
        (
            intent(applications=(PaymentApplication(FIRST, usd("98"), discount=usd("2")),)),
            {"facts": {"custom_discounts": False}},
            "no discount goes with a payment",
        ),
        (intent(applied=(FIRST, "INV-8__C2")), {}, "allows no such payment"),
        (
            intent(applied=(FIRST, "INV-8__C2"), amount=usd("201")),
            {"facts": {"family_payments": "payer_name"}},
            r"nothing says whose the 1\.00 USD left over are",
        ),
        (
            intent(applied=("INV-8__C2",), erp_id="88", unapplied_before=usd("100")),
            {"facts": {"family_payments": "payer_name"}},
            "can pay only invoices of customer C1",
        ),
        (
            intent(subsidiary="E2"),
            {
                "entities": {"E1": {}, "E2": {}},
                "settlement": [{"currency": "USD", "entity": "E1", "accounts": {"clearing": "S"}}],
            },
            "settled by entity E1, and this payment belongs to entity E2",
        ),
    ],
)
def test_what_cannot_be_said_to_intacct_is_said_to_a_person(
    act: CloseIntent, kept: dict[str, object], why: str
) -> None:
    found = acts.unsayable(mapping(**kept), act)

    assert why.replace("\\", "") in found
    answer = acts.act_refused(act, found)
    assert {Outcome.REFUSED} == {answer.payment.outcome, *(one.outcome for one in answer.records)}


def test_amounts_of_other_than_two_decimals_are_refused() -> None:
    yen = payment(amount=Money(500, "JPY"), applications=(PaymentApplication(FIRST, Money(500, "JPY")),))

    assert "Intacct keeps two decimals, and JPY has 0" == acts.unpayable(mapping(undeposited_account="1099"), yen)


def test_everything_usual_can_be_said() -> None:
    assert "" == acts.unsayable(MAPPING, intent())
    assert "" == acts.unsayable(MAPPING, intent(erp_id="adv-88", unapplied_before=usd("200")))
    family = intent(applied=(FIRST, "INV-8__C2"))
    payer = mapping(facts={"family_payments": "payer_name"})
    assert "" == acts.unsayable(payer, family)
    both = ground(now(FIRST, "70"), now("INV-8__C2", "80"))
    sent = fields(sent_payment(acts.built(payer, family, both)))
    assert ("C1", None) == (sent["PAYERNAME"], sent.get("CUSTOMERID"))


# ---- What the answers mean ----


def test_a_committed_act_is_created_with_all_that_went_with_it() -> None:
    act = acts.built(MAPPING, intent(), ground(), [status()])
    answer = act.committed(committed(act.functions).results)

    assert (Outcome.CREATED, "503") == (answer.payment.outcome, answer.payment.erp_id)
    assert [("501", Outcome.CREATED), ("502", Outcome.CREATED)] == [(one.erp_id, one.outcome) for one in answer.records]
    assert [(status().external_id, Outcome.CREATED)] == [(one.external_id, one.outcome) for one in answer.statuses]


def test_an_advance_has_an_id_that_tells_it_from_a_payment() -> None:
    act = built(replace(intent(applied=()), payment=payment(applied=(), amount=usd("5"))))

    assert "adv-501" == act.committed(committed(act.functions).results).payment.erp_id


@pytest.mark.parametrize("all_aborted", [True, False])
@pytest.mark.parametrize(
    ("offender", "why", "verdict"),
    [
        (0, Why.OTHER, Verdict.FLAGS_REFUSED),
        (1, Why.OTHER, Verdict.REFUSED),
        (3, Why.CLOSED_PERIOD, Verdict.REFUSED),
        (3, Why.DUPLICATE_CONTROL_ID, Verdict.REPEATED),
        (2, Why.DUPLICATE, Verdict.REPEATED),
        (None, Why.OTHER, Verdict.FLAGS_REFUSED),
    ],
)
def test_an_operation_is_judged_alike_in_both_shapes(
    offender: int | None, why: Why, verdict: Verdict, all_aborted: bool
) -> None:
    act = acts.built(MAPPING, intent(), ground(), [status()])

    assert verdict is acts.judged([act], rolled_back(act.functions, offender, why, all_aborted=all_aborted))


def test_an_act_without_flags_that_was_undone_without_a_reason_is_refused() -> None:
    act = built(intent())
    results = rolled_back(act.functions, None, Why.OTHER, all_aborted=True)

    assert Verdict.REFUSED is acts.judged([act], results)
    assert "gave no reason" in acts.refusal(act, results).payment.message


@pytest.mark.parametrize(
    ("offender", "why", "said"),
    [
        (2, Why.CLOSED_PERIOD, "Intacct's own words (its period is closed for receivables"),
        (2, Why.PERMISSION, "posting payments needs Post besides Add"),
        (0, Why.OTHER, f"arc-x-can-ch_1-1-{FIRST}: Intacct's own words. Nothing of this act was written."),
    ],
)
def test_a_refusal_tells_which_record_it_was_and_what_to_do(offender: int, why: Why, said: str) -> None:
    act = built(intent())
    answer = acts.refusal(act, rolled_back(act.functions, offender, why, all_aborted=True))

    assert said in answer.payment.message
    assert ("AR-0001", Outcome.REFUSED) == (answer.payment.code, answer.records[0].outcome)


# ---- Many acts ----


def test_acts_that_touch_one_invoice_or_credit_are_never_in_one_wave() -> None:
    a, b, c = intent("a", (FIRST,)), intent("b", (SECOND,)), intent("c", (FIRST,))
    d = intent("d", ("INV-9__C1",), erp_id="88", unapplied_before=usd("100"))
    e = intent("e", ("INV-10__C1",), erp_id="88", unapplied_before=usd("100"))

    assert [["a", "b"], ["c", "d"], ["e"]] == [[one.act_id for one in wave] for wave in acts.waves([a, b, c, d, e])]


def test_a_batch_is_of_one_entity() -> None:
    made = [replace(built(intent(str(n))), entity=entity) for n, entity in enumerate(["", "E1", "", "", "E1"])]

    assert [["0", "2"], ["3"], ["1", "4"]] == [[one.intent.act_id for one in batch] for batch in acts.batches(made, 2)]


# ---- What stands there already ----


SEEN = PaymentSeen("90", "C1", usd("200"), ((FIRST, usd("100")), (SECOND, usd("100"))), voided=False)
ROW: Row = {"RECEIPTDATE": "09/20/2026", "FINANCIALENTITY": "STRIPE--Stripe clearing"}


def test_the_payment_that_we_meant_does_not_differ() -> None:
    assert [] == acts.differences(MAPPING, intent(), SEEN, ROW)
    moved = {"RECEIPTDATE": "09/20/2026", "UNDEPOSITEDACCOUNTNO": "1099"}
    assert [] == acts.differences(MAPPING, intent(), SEEN, moved)


@pytest.mark.parametrize(
    ("seen", "row", "difference"),
    [
        (replace(SEEN, customer_id="C2"), ROW, "customer C2 instead of C1"),
        (replace(SEEN, amount=usd("199")), ROW, "amount 199.00 USD instead of 200.00 USD"),
        (replace(SEEN, applications=SEEN.applications[:1]), ROW, "applied as 100.00 USD of INV-7__C1 instead of"),
        (replace(SEEN, credits=(("cm-1__C1", usd("5")),)), ROW, "with credits 5.00 USD of cm-1__C1 instead of nothing"),
        (replace(SEEN, discounts=((FIRST, usd("2")),)), ROW, "with discounts 2.00 USD of INV-7__C1 instead of nothing"),
        (replace(SEEN, voided=True), ROW, "it is voided"),
        (SEEN, ROW | {"RECEIPTDATE": "09/21/2026"}, "dated 2026-09-21 instead of 2026-09-20"),
        (SEEN, ROW | {"FINANCIALENTITY": "BOA"}, "on BOA instead of STRIPE"),
    ],
)
def test_each_difference_is_told(seen: PaymentSeen, row: Row, difference: str) -> None:
    (told,) = acts.differences(MAPPING, intent(), seen, row)

    assert told.startswith(difference)


def test_a_payment_that_was_there_before_is_seen_as_what_the_act_made_of_it() -> None:
    """20.00 are left of it now; a memo of 10.00 was used beside it."""
    post = payment(applied=(FIRST,), erp_id="88", unapplied_before=usd("110"))
    applied = replace(
        SEEN,
        amount=usd("0"),
        applications=((FIRST, usd("100")),),
        credits=(("88", usd("90")), ("cm-1__C1", usd("10"))),
    )

    seen = acts.own_view(post, applied, usd("20"))

    assert ("88", usd("110"), (("cm-1__C1", usd("10")),)) == (seen.erp_id, seen.amount, seen.credits)
    assert [] == acts.differences(MAPPING, replace(intent(), payment=post), applied, ROW)


# ---- Our own objects ----


def test_an_exception_says_everything_and_clears_what_is_empty() -> None:
    seen = ExceptionRecord(
        "arc-x-exc-1", "ambiguous", "why", usd("12.50"), "finance", date(2026, 9, 20), invoice_id=FIRST
    )
    told = fields(Records(MAPPING).exception(seen))

    assert {
        "name": "arc-x-exc-1",
        "arc_kind": "ambiguous",
        "arc_reason": "why",
        "arc_amount": "12.50 USD",
        "arc_owner": "finance",
        "arc_opened_on": "2026-09-20",
        "arc_closed_on": "",
        "arc_payment": "",
        "arc_invoice": FIRST,
        "arc_invoice_number": "INV-7",
        "arc_deadline": "",
        "arc_outcome": "",
    } == told


def test_the_installation_is_read_as_it_was_written() -> None:
    records, value = Records(MAPPING), Installation("demo", 7, AT)
    row = {name.upper(): text for name, text in fields(records.installation(value)).items()}

    assert value == records.installation_of(row)
    with pytest.raises(Terminal, match="arc_installation_id or arc_epoch is not filled in"):
        records.installation_of(row | {"ARC_EPOCH": "x"})


def test_the_state_of_a_record_is_read_and_a_strange_one_is_set_again() -> None:
    records = Records(MAPPING)

    assert RecordState.WITHDRAWN is records.state_of({"ARC_STATE": "withdrawn"}, "arc-x-rec-1")
    assert RecordState.INTENDED is records.state_of({"ARC_STATE": "?"}, f"arc-x-can-1-{FIRST}")
    with pytest.raises(Terminal, match="report this as a defect"):
        records.state_of({}, "arc-x-pay-1")


def test_a_cut_is_shown_and_made_between_words() -> None:
    text = "paid 1,234.50 USD " * 300

    assert fit("short") == "short"
    cut = fit(text, LONG_TEXT_MAX)
    assert len(cut) <= LONG_TEXT_MAX
    assert cut.endswith("…")
    assert text.startswith(cut[:-1])
    assert text[len(cut) - 1] == " "


@pytest.mark.parametrize(
    ("external_id", "source"),
    [("arc-x-pay-pi_3Abc-1", "pi_3Abc"), ("arc-x-pay-bank-2026-7-2", "bank-2026-7"), ("somebody's", "somebody's")],
)
def test_the_sources_own_id_is_found_in_ours(external_id: str, source: str) -> None:
    assert source == source_id(external_id)
