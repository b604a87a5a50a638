"""`NetSuiteErp` against the sandbox's NetSuite over real HTTP: every outcome of a write, every way a read can fail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from pydantic import SecretStr

from connector.adapters.netsuite import NetSuiteErp
from connector.errors import Terminal, Transient
from connector.money import Money
from connector.ports import Mark, Outcome
from connector.receivables import ArStatus, RecordState
from sandbox.faults import Kind
from tests.contract.netsuite_site import NOW, TODAY, Site, mapping, served, usd


@pytest.fixture
def site(wsdl_dir: Path | None) -> Iterator[Site]:
    with served(wsdl_dir) as made:
        yield made


# ---- Reading the ledger ----


def test_open_invoices_come_with_lines_holds_disputes_and_their_customers(site: Site) -> None:
    lines = [{"description": "Seats", "amount": "60.00"}, {"description": "Use", "amount": "40.00", "kind": "usage"}]
    held = site.invoice(lines=lines, tax=["10.00"], po="PO-7", pay_url="https://pay.example/1")
    site.netsuite.set_hold(held, "legal")
    site.netsuite.dispute_line(held, 2, "wrong count")
    paid = site.invoice("5.00")
    site.netsuite.pay_by_hand(site.customer, "5.00", TODAY, [(paid, "5.00")])

    read = site.erp.read_open()

    (invoice,) = read.invoices
    assert (held, usd("110"), usd("66"), "legal") == (invoice.id, invoice.balance, invoice.askable, invoice.hold_reason)
    assert ("PO-7", "https://pay.example/1") == (invoice.po_number, invoice.pay_url)
    assert [site.customer] == [customer.id for customer in read.customers]
    assert NOW == read.requested_at


def test_a_currency_that_is_new_in_the_account_is_seen_without_a_restart(site: Site) -> None:
    site.invoice()
    site.erp.read_open()
    invoice = site.invoice("5.00", "EUR")

    assert [Money.of("5.00", "EUR")] == [item.balance for item in site.erp.read_invoices([invoice]).invoices]


def test_an_invoice_waiting_for_approval_is_not_read(site: Site) -> None:
    site.invoice(approval="pending")

    assert () == site.erp.read_open().invoices


def test_credits_by_id_come_with_what_they_have_left_even_if_that_is_nothing(site: Site) -> None:
    invoice = site.invoice("5.00")
    memo = site.netsuite.add_credit_memo(site.customer, "CM-1", TODAY, "30.00")
    used, voided = (site.netsuite.pay_by_hand(site.customer, "5.00", TODAY, paid) for paid in ([(invoice, "5.00")], []))
    site.netsuite.void_payment(voided)

    read = site.erp.read_credits([memo, used, voided, invoice, "999999", "not-an-id"])

    assert {memo: usd("30"), used: usd("0"), voided: usd("0")} == {one.id: one.open_amount for one in read.credits}
    assert ((), ()) == (read.invoices, read.parked)


def test_a_credit_that_the_role_may_not_see_is_not_returned_by_its_id_either(site: Site) -> None:
    """A lost permission looks like fewer rows, so an id that is not returned proves nothing."""
    memo = site.netsuite.add_credit_memo(site.customer, "CM-1", TODAY, "30.00")
    site.netsuite.revoke("TRAN_CUSTCRED")

    assert ((), ()) == (site.erp.read_open().credits, site.erp.read_credits([memo]).credits)


def test_an_invoice_that_is_not_understood_is_parked_and_the_rest_goes_on(site: Site) -> None:
    bad = site.invoice(due_on=None)
    good = site.invoice()

    read = site.erp.read_open()

    assert [good] == [invoice.id for invoice in read.invoices]
    assert [(bad, "duedate", site.customer)] == [(item.record, item.field, item.customer_id) for item in read.parked]


@pytest.mark.parametrize(("currency", "amount"), [("JPY", "120000"), ("KWD", "12.345")])
def test_amounts_in_other_exponents_go_there_and_back(site: Site, currency: str, amount: str) -> None:
    invoice = site.invoice(amount, currency)

    assert [Money.of(amount, currency)] == [item.balance for item in site.erp.read_open().invoices]

    assert Outcome.CREATED == site.write(site.act({invoice: amount}, currency=currency))[0]
    assert () == site.erp.read_open().invoices


# ---- Reads that fail ----


@pytest.mark.parametrize("kind", ["too_many", "server_error", "maintenance", "drop_before", "unreadable_after"])
def test_a_read_is_tried_again_after_a_wait(site: Site, kind: Kind) -> None:
    invoice = site.invoice()
    site.fault(kind, "suiteql", times=2)

    assert [invoice] == [item.id for item in site.erp.read_invoices([invoice]).invoices]
    gives_way = kind == "too_many"  # so does the request after it
    assert 2 + gives_way == len(site.waits)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("too_many", "CONCURRENCY_LIMIT_EXCEEDED"),
        ("server_error", "HTTP 500 UNEXPECTED_ERROR"),
        ("maintenance", "HTTP 503"),
        ("drop_before", "the connection failed"),
        ("cut_after", "the connection failed"),
        ("unreadable_after", "is no SuiteQL answer"),
        ("timeout_after", "no answer in time"),
    ],
)
def test_a_read_that_keeps_failing_is_transient_and_bounded(site: Site, kind: Kind, told: str) -> None:
    site.erp.read_totals()
    erp = NetSuiteErp(replace(site.settings, read_seconds=0.3), mapping(), site, site.waits.append)
    site.fault(kind, "suiteql", times=100, seconds=2)

    with pytest.raises(Transient, match=told):
        erp.read_totals()
    erp.close()

    assert 2 == len(site.waits)


@pytest.mark.parametrize("kind", ["duplicate_page", "late_page"])
def test_a_page_that_came_twice_or_late_is_no_answer(site: Site, kind: Kind) -> None:
    erp = NetSuiteErp(replace(site.settings, page_rows=4), mapping(), site, site.waits.append)
    ids = [site.invoice() for _ in range(11)]
    erp.read_totals()
    site.fault(kind, "suiteql", nth=2)

    read = erp.read_invoices(ids)
    erp.close()

    assert ids == [invoice.id for invoice in read.invoices]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"consumer_secret": SecretStr("wrong")}, "HTTP 401, the login was refused"),
        ({"account": "1000002_SB1"}, "HTTP 401, the login was refused"),
    ],
)
def test_a_wrong_login_is_terminal_and_not_tried_again(site: Site, change: dict[str, object], told: str) -> None:
    erp = NetSuiteErp(replace(site.settings, **change), mapping(), site, site.waits.append)  # type: ignore[arg-type]

    with pytest.raises(Terminal, match=told) as caught:
        erp.read_totals()
    erp.close()

    assert [] == site.waits
    assert "wrong" not in str(caught.value).replace("wrong;", "")


def test_a_field_that_is_not_there_is_terminal_and_named(site: Site) -> None:
    site.netsuite.remove_field("custbody_arc_hold")

    with pytest.raises(Terminal, match="custbody_arc_hold"):
        site.erp.read_open()


def test_a_service_that_is_not_there_is_transient(site: Site) -> None:
    erp = NetSuiteErp(replace(site.settings, base_url="http://127.0.0.1:9"), mapping(), site, site.waits.append)

    with pytest.raises(Transient, match="the connection failed"):
        erp.read_totals()
    erp.close()


# ---- Writing acts ----

CREATED, EXISTS, DIFFERENT = Outcome.CREATED, Outcome.EXISTS, Outcome.EXISTS_DIFFERENT
REFUSED, UNKNOWN = Outcome.REFUSED, Outcome.UNKNOWN


def test_an_act_is_one_request_and_closes_its_invoices(site: Site) -> None:
    first, second = site.invoice("600.00"), site.invoice("400.00")
    intent = site.act({first: "600.00", second: "300.00"}, amount="1000.00")
    site.erp.read_totals()
    before = site.netsuite.counts().get("addList", 0)

    assert (CREATED, (CREATED, CREATED, CREATED)) == site.write(intent)

    assert 1 == site.netsuite.counts()["addList"] - before
    assert [(intent.payment.external_id, "1000.00", [(first, "600.00"), (second, "300.00")])] == site.payments()
    (seen,) = site.erp.read_acts([intent])
    assert seen.payment is not None
    assert (usd("1000"), ((first, usd("600")), (second, usd("300")))) == (
        seen.payment.amount,
        seen.payment.applications,
    )
    assert [(first, usd("0")), (second, usd("100"))] == [(item.id, item.balance) for item in seen.invoices]
    assert {RecordState.INTENDED} == {state for _, state in seen.records}
    assert (3, NOW) == (len(seen.records), seen.requested_at)


def test_the_payment_is_dated_the_day_it_was_received_whatever_the_zone(site: Site) -> None:
    erp = NetSuiteErp(site.settings, mapping(account_time_zone="America/New_York"), site)
    invoice = site.invoice()

    erp.write_acts([site.act({invoice: "1000.00"})])
    erp.close()

    assert [TODAY.isoformat()] == [item["on"] for item in site.netsuite.truth()["payments"]]


def test_a_read_back_gives_the_same_invoice_as_suiteql(site: Site) -> None:
    lines = [{"description": "Seats", "amount": "60.00"}, {"description": "Use", "amount": "40.00", "kind": "usage"}]
    terms = site.netsuite.add_term("Net 60", 60)
    invoice = site.invoice(lines=lines, tax=["10.00"], terms_id=terms, po="PO-7", pay_url="https://pay.example/1")
    site.netsuite.set_hold(invoice, "legal")
    site.netsuite.dispute_line(invoice, 2, "wrong count")

    by_query = site.erp.read_invoices([invoice]).invoices
    (by_list,) = site.erp.read_acts([site.act({invoice: "1.00"})])

    # The sandbox's SOAP invoices leave out the account of what is owed.
    (expected,), (found,) = by_query, by_list.invoices
    assert expected == replace(found, ar_account=expected.ar_account)
    assert (None, ()) == (by_list.payment, by_list.records)


def test_many_acts_go_in_few_requests_and_are_answered_each(site: Site) -> None:
    intents = [site.act({site.invoice(): "1000.00"}, act_id=f"m{number}") for number in range(30)]
    paid = intents[3].payment.applications[0].invoice_id
    site.netsuite.pay_by_hand(site.customer, "1000.00", TODAY, [(paid, "1000.00")])

    answers = site.erp.write_acts(intents)

    assert 2 == site.netsuite.counts()["addList"]  # 25 acts a request
    assert [intent.act_id for intent in intents] == [answer.act_id for answer in answers]
    assert [REFUSED if number == 3 else CREATED for number in range(30)] == [item.payment.outcome for item in answers]
    assert 30 == len(site.payments())  # 29 of ours and the one by hand


def test_an_act_of_many_invoices_is_refused_only_beyond_one_requests_length(site: Site) -> None:
    intent = site.act({site.invoice("1.00"): "1.00" for _ in range(205)})

    (answer,) = site.erp.write_acts([intent])
    written = {record.external_id for record in answer.records if record.outcome is CREATED}
    (again,) = site.erp.write_records([intent])

    assert (CREATED, 199) == (answer.payment.outcome, len(written))
    assert {record.code for record in answer.records if record.outcome is REFUSED} == {"NOT_SENT"}
    assert [EXISTS if item.external_id in written else CREATED for item in again.records] == [
        item.outcome for item in again.records
    ]


def test_a_double_that_cannot_be_looked_at_is_unknown(site: Site) -> None:
    intent = site.act({site.invoice(): "1000.00"})
    site.write(intent)
    site.fault("server_error", "getList", times=3)

    assert (UNKNOWN, (EXISTS, EXISTS)) == site.write(intent)


@pytest.mark.parametrize("kind", ["timeout_after", "cut_after", "unreadable_after", "drop_after"])
def test_an_answer_that_was_not_read_is_unknown_and_the_retry_finds_the_payment(site: Site, kind: Kind) -> None:
    intent = site.act({site.invoice(): "1000.00"})
    site.impatient()
    site.fault(kind, "addList", seconds=3)

    first = site.write(intent)
    (seen,) = site.erp.read_acts([intent])
    second = site.write(intent)

    assert (UNKNOWN, (UNKNOWN, UNKNOWN)) == first
    assert seen.payment is not None
    assert (EXISTS, (EXISTS, EXISTS)) == second
    assert 1 == len(site.payments())
    assert [] == site.waits


@pytest.mark.parametrize("kind", ["timeout_before", "drop_before", "maintenance", "server_error"])
def test_a_write_that_may_not_have_arrived_is_unknown_and_the_read_back_finds_nothing(site: Site, kind: Kind) -> None:
    intent = site.act({site.invoice(): "1000.00"})
    site.impatient()
    site.fault(kind, "addList", seconds=3)

    first = site.write(intent)
    (seen,) = site.erp.read_acts([intent])

    assert (UNKNOWN, (UNKNOWN, UNKNOWN)) == first
    assert (None, ()) == (seen.payment, seen.records)
    assert (CREATED, (CREATED, CREATED)) == site.write(intent)


def test_too_many_requests_is_transient_and_a_write_is_not_tried_again(site: Site) -> None:
    intent = site.act({site.invoice(): "1000.00"})
    site.erp.read_totals()
    site.fault("too_many", "addList")

    with pytest.raises(Transient, match="WS_REQUEST_BLOCKED"):
        site.erp.write_acts([intent])

    assert ([], []) == (site.payments(), site.waits)


def test_a_refused_login_on_a_write_is_terminal(site: Site) -> None:
    intent = site.act({site.invoice(): "1000.00"})
    site.fault("unauthorized", "addList")

    with pytest.raises(Terminal, match="invalidCredentialsFault"):
        site.erp.write_acts([intent])

    assert [] == site.payments()


def test_when_a_later_request_fails_the_answers_of_the_earlier_are_kept(site: Site) -> None:
    intents = [site.act({site.invoice(): "1000.00"}, act_id=f"m{number}") for number in range(30)]
    site.fault("too_many", "addList", nth=2)

    answers = site.erp.write_acts(intents)

    assert [CREATED] * 25 + [UNKNOWN] * 5 == [answer.payment.outcome for answer in answers]


@pytest.mark.parametrize("refused", [0, 1, 2, 3])
def test_each_record_of_the_list_is_answered_by_itself(site: Site, refused: int) -> None:
    first, second = site.invoice("600.00"), site.invoice("400.00")
    intent = site.act({first: "600.00", second: "400.00"})
    site.fault("record_refused", "addList", record=refused, code="USER_ERROR")

    outcomes = site.write(intent)

    assert [REFUSED if place == refused else CREATED for place in range(4)] == [outcomes[0], *outcomes[1]]
    (again,) = site.erp.write_records([intent])
    if refused:
        assert [CREATED if place == refused else EXISTS for place in range(1, 4)] == [
            record.outcome for record in again.records
        ]
        assert 1 == len(site.payments())


@pytest.mark.parametrize("record", [0, 1])
def test_a_script_that_failed_after_the_save_means_created(site: Site, record: int) -> None:
    intent = site.act({site.invoice(): "1000.00"})
    site.fault("after_submit_failed", "addList", record=record)

    (answer,) = site.erp.write_acts([intent])

    assert [CREATED] * 3 == [answer.payment.outcome, *(item.outcome for item in answer.records)]
    assert "UNEXPECTED_ERROR" == (answer.payment, *answer.records)[record].code
    assert 1 == len(site.payments())


def test_a_status_that_does_not_say_whether_it_was_saved_is_unknown(site: Site) -> None:
    intent = site.act({site.invoice(): "1000.00"})
    site.fault("record_refused", "addList", record=0, code="UNEXPECTED_ERROR")

    assert UNKNOWN == site.write(intent)[0]


def test_a_currency_that_netsuite_does_not_have_is_refused_before_anything_is_sent(site: Site) -> None:
    good, bad = site.act({site.invoice(): "1000.00"}, act_id="a1"), site.act({"1": "5.00"}, currency="CHF", act_id="a2")

    answers = site.erp.write_acts([bad, good])

    assert [REFUSED, CREATED] == [answer.payment.outcome for answer in answers]
    assert "CHF is not in NetSuite's currency list" in answers[0].payment.message


def test_an_id_that_cannot_be_netsuites_is_refused_before_anything_is_sent(site: Site) -> None:
    (answer,) = site.erp.write_acts([site.act({"in_1": "5.00"})])

    assert (REFUSED, "NOT_SENT") == (answer.payment.outcome, answer.payment.code)
    assert 0 == site.netsuite.counts().get("addList", 0)


# ---- Reading back ----


def test_a_record_that_may_not_be_seen_is_not_taken_for_a_missing_one(site: Site) -> None:
    intent = site.act({site.invoice(): "1000.00"})
    site.write(intent)
    site.fault("fewer_rows", "getList", times=3)

    with pytest.raises(Transient, match="INSUFFICIENT_PERMISSION"):
        site.erp.read_acts([intent])


def test_fewer_rows_than_the_answer_itself_counts_are_no_answer(site: Site) -> None:
    ids = [site.invoice() for _ in range(9)]
    site.fault("fewer_rows", "suiteql", nth=1)

    assert ids == [invoice.id for invoice in site.erp.read_invoices(ids).invoices]
    assert 1 == len(site.waits)


def test_a_lost_permission_leaves_invoices_out_and_invents_nothing(site: Site) -> None:
    invoice = site.invoice()
    site.netsuite.revoke("TRAN_CUSTINVC")

    read = site.erp.read_invoices([invoice])

    assert ((), (), ()) == (read.invoices, read.parked, site.erp.read_totals())


def test_a_lost_permission_is_not_taken_for_a_missing_payment(site: Site) -> None:
    intent = site.act({site.invoice(): "1000.00"})
    site.write(intent)
    site.netsuite.revoke("TRAN_CUSTPYMT")

    with pytest.raises(Transient, match="INSUFFICIENT_PERMISSION"):
        site.erp.read_acts([intent])


# ---- Marks, statuses, the installation ----


def test_marks_set_states_and_statuses_are_kept_current(site: Site) -> None:
    invoice = site.invoice()
    intent = site.act({invoice: "1000.00"})
    site.write(intent)
    ids = [intent.cancellations[0].external_id, intent.receipt.external_id]
    marks = [Mark(ids[0], RecordState.CLOSED), Mark(ids[1], RecordState.WITHDRAWN, "refused")]
    status = ArStatus(f"arc-demo-st-{invoice}", invoice, "reminding", "", "+7", date(2026, 11, 30))

    first = site.erp.write_marks(marks, [status])
    later = site.erp.write_marks([], [replace(status, state="closed", next_step="", next_on=None)])

    assert [CREATED] * 4 == [answer.outcome for answer in (*first, *later)]
    assert [*ids, status.external_id] == [answer.external_id for answer in first]
    assert {ids[0]: RecordState.CLOSED, ids[1]: RecordState.WITHDRAWN} == dict(site.erp.read_acts([intent])[0].records)
    records = site.netsuite.truth()["records"]
    stored = records["customrecord_arc_status"][status.external_id]
    assert "closed" == stored["custrecord_arc_st_state"]
    assert not stored.get("custrecord_arc_st_next_on")
    assert "refused" == records["customrecord_arc_receipt"][ids[1]]["custrecord_arc_rec_text"]
    assert "a1" == records["customrecord_arc_receipt"][ids[1]]["custrecord_arc_rec_act"]


def test_more_marks_than_one_request_takes_go_in_several(site: Site) -> None:
    invoices = [site.invoice() for _ in range(130)]
    statuses = [ArStatus(f"arc-demo-st-{invoice}", invoice, "reminding", "") for invoice in invoices]

    answers = site.erp.write_marks([], statuses)

    assert [status.external_id for status in statuses] == [answer.external_id for answer in answers]
    assert 2 == site.netsuite.counts()["upsertList"]


def test_a_mark_whose_answer_was_lost_is_unknown_and_can_be_set_again(site: Site) -> None:
    intent = site.act({site.invoice(): "1000.00"})
    site.write(intent)
    site.fault("drop_after", "upsertList")
    mark = Mark(intent.receipt.external_id, RecordState.CLOSED)

    (first,) = site.erp.write_marks([mark], [])
    (second,) = site.erp.write_marks([mark], [])

    assert (UNKNOWN, CREATED) == (first.outcome, second.outcome)


def test_a_mark_on_a_record_that_somebody_saved_just_now_is_refused_with_its_code(site: Site) -> None:
    intent = site.act({site.invoice(): "1000.00"})
    site.write(intent)
    site.fault("record_changed", "upsertList")

    (answer,) = site.erp.write_marks([Mark(intent.receipt.external_id, RecordState.CLOSED)], [])

    assert (REFUSED, "RCRD_HAS_BEEN_CHANGED") == (answer.outcome, answer.code)


def test_no_error_shows_a_secret(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    intent = site.act({site.invoice(): "1000.00"})
    site.write(intent)
    site.fault("unauthorized", "addList")
    with pytest.raises(Terminal) as caught:
        site.erp.write_acts([intent])

    shown = f"{caught.value} {caplog.text}"

    for secret in (site.settings.consumer_secret, site.settings.token_secret):
        assert secret.get_secret_value() not in shown
