"""The envelope, functions one by one or all together, control ids, counting, and what keeps requests honest."""

from __future__ import annotations

from typing import Literal

import pytest
from intacct_company import Company, created, payment, query, updated
from lxml import etree

BAD = created("arc_receipt", name="no such field", arc_nothing="x")
ROLLED_BACK = "XL03000009"


def receipt(name: str) -> str:
    return created("arc_receipt", name=name)


def receipts(company: Company) -> list[str]:
    return sorted(row["name"] for row in company.query("arc_receipt", "name"))


# ---- the envelope ----


def test_an_answer_repeats_the_control_and_names_each_function(company: Company) -> None:
    reply = company.ask(
        receipt("a"), query("arc_receipt", "name"), ids=["one", "two"], control={"controlid": "me & you"}
    )

    told = {child.tag: child.text for child in reply.root.find("control")}
    assert {
        "status": "success",
        "senderid": "sandbox-sender",
        "controlid": "me & you",
        "uniqueid": "true",
        "dtdversion": "3.0",
    } == told
    assert [("create", "one"), ("query", "two")] == [(one.function, one.control_id) for one in reply.results]


@pytest.mark.parametrize("whitespace", ["true", "false", None])
def test_whitespace_is_left_out_when_asked(company: Company, whitespace: str | None) -> None:
    reply = company.ask(query("arc_receipt", "name"), control={"includewhitespace": whitespace})

    assert (b"\n  <control>" in reply.content) is (whitespace != "false")


@pytest.mark.parametrize(
    ("body", "http", "errorno"),
    [
        (b"<request><control>", 200, "XL03000003"),
        (b"not xml at all", 200, "XL03000003"),
        (b"", 200, "XL03000003"),
        (b"<!DOCTYPE request [<!ENTITY e 'x'>]><request>&e;</request>", 200, "XL03000003"),
        (b"<request/>", 200, "XL03000003"),
        (b"<other/>", 400, "GW-0011"),
    ],
)
def test_what_can_not_be_read_is_refused_and_remembered(company: Company, body: bytes, http: int, errorno: str) -> None:
    reply = company.post(body)

    assert (http, "failure", errorno) == (reply.http, reply.control, reply.errorno)
    assert 1 == len(company.books.contract_violations)


@pytest.mark.parametrize(
    "control",
    [
        {"controlid": None},
        {"dtdversion": None},
        {"dtdversion": "2.1"},
        {"uniqueid": "yes"},
        {"policyid": "mine"},
        {"colour": "blue"},
    ],
)
def test_a_control_off_its_schema_is_refused(company: Company, control: dict[str, str | None]) -> None:
    reply = company.post(company.request([receipt("a")], control=control))

    assert ("failure", []) == (reply.control, reply.results)
    assert company.books.contract_violations


def test_a_function_needs_a_control_id_where_ids_are_unique(company: Company) -> None:
    asked = company.request([receipt("a")]).replace(b'controlid="function-', b'other="function-')
    bare = company.request([receipt("a")], ids=["x"]).replace(b' controlid="x"', b"")
    loose = company.request([receipt("b")], ids=["x"], unique="false").replace(b' controlid="x"', b"")

    assert ["failure", "failure", "success"] == [company.post(body).control for body in (asked, bare, loose)]
    assert 2 == len(company.books.contract_violations)


def test_another_content_type_is_refused_by_the_gateway(company: Company) -> None:
    reply = company.post(company.request([receipt("a")]), headers={"Content-Type": "text/plain"})

    assert (400, "GW-0011") == (reply.http, reply.errorno)


def test_text_of_every_kind_goes_there_and_back(company: Company) -> None:
    name = "A & B <Söhne> \"quoted\" 'single' 東京 \U0001f427"

    company.do(receipt(name))

    assert [name] == receipts(company)
    assert [] == company.books.contract_violations


def test_a_password_in_a_function_is_noticed(company: Company) -> None:
    company.do(receipt(f"my {company.profile['user_password']}"))

    assert ["create: a password stands in a function"] == company.books.contract_violations


# ---- errors ----


def test_an_error_says_more_when_asked(company: Company) -> None:
    plain = company.ask(BAD).results[0].element.find("errormessage")
    more = company.ask(BAD, control={"showadditionalerrorinfo": "true"}).results[0].element.find("errormessage")

    assert None is plain.find("error/additionalinfo")
    told = more.find("error/additionalinfo")
    assert told.findtext("errorid")
    assert "arc_nothing" == told.find("target").get("field")
    assert "[Support ID: " in more.findtext("error/description2")
    assert "%7E" in more.findtext("error/description2")


def test_the_cause_comes_first_and_a_word_that_says_nothing_after_it(company: Company) -> None:
    result = company.ask(BAD).results[0]

    assert ("BL01001973", "Could not create arc_receipt record!") == result.errors[1]
    assert result.errors[0] != result.errors[1]
    assert ("objects", "0") == (result.data.get("listtype"), result.data.get("count"))


# ---- each for itself, or all together ----


def test_without_a_transaction_each_function_stands_for_itself(company: Company) -> None:
    reply = company.ask(receipt("a"), BAD, receipt("b"))

    assert ["success", "failure", "success"] == reply.statuses
    assert ["a", "b"] == receipts(company)


@pytest.mark.parametrize("aborted", ["all", "others"])
@pytest.mark.parametrize("offender", [0, 1, 2])
def test_one_failure_undoes_a_transaction_byte_for_byte(
    company: Company, aborted: Literal["all", "others"], offender: int
) -> None:
    company.books.at_the_door.aborted = aborted
    customer = company.customer()
    record = company.invoice(customer, "INV-1", "100.00")
    bank = company.books.accounts["bank"]
    functions = [
        updated("ARINVOICE", RECORDNO=record, ARC_STATE="paid"),
        receipt("r"),
        payment(customer, bank, {"RECORDKEY": record, "TRX_PAYMENTAMOUNT": "100.00"}),
    ]
    functions[offender] = BAD
    before, commits = company.books.dump(), len(company.order.commits())

    reply = company.act(*functions)

    others = [result for place, result in enumerate(reply.results) if place != offender]
    guilty = reply.results[offender]
    assert before == company.books.dump()
    assert commits == len(company.order.commits())
    assert [("aborted", [ROLLED_BACK])] * 2 == [(one.status, [no for no, _ in one.errors]) for one in others]
    assert ("aborted" if aborted == "all" else "failure") == guilty.status
    assert ROLLED_BACK == guilty.errors[-1][0]
    assert guilty.errors[0][0] != ROLLED_BACK
    assert all(result.data is None for result in reply.results)


def test_a_transaction_without_failure_stands_as_a_whole(company: Company) -> None:
    customer = company.customer()
    record = company.invoice(customer, "INV-1", "100.00")
    bank = company.books.accounts["bank"]

    reply = company.act(
        updated("ARINVOICE", RECORDNO=record, ARC_STATE="paid"),
        receipt("r"),
        payment(customer, bank, {"RECORDKEY": record, "TRX_PAYMENTAMOUNT": "100.00"}, ARC_EXTERNAL_ID="arc-1"),
    )

    assert ["success"] * 3 == reply.statuses
    assert [{"STATE": "Paid", "TRX_TOTALDUE": "0", "ARC_STATE": "paid"}] == company.query(
        "ARINVOICE", "STATE", "TRX_TOTALDUE", "ARC_STATE"
    )
    assert reply.results[2].keys == [row["RECORDNO"] for row in company.query("ARPYMT", "RECORDNO")]


def test_records_of_one_function_are_made_together_or_not_at_all(company: Company) -> None:
    body = "<create><arc_receipt><name>a</name></arc_receipt><arc_exception><name>b</name></arc_exception>{}</create>"
    wrong = body.format("<arc_receipt><name>c</name><arc_nothing>x</arc_nothing></arc_receipt>")

    refused = company.ask(wrong)
    made = company.do(body.format(""))

    assert ["failure"] == refused.statuses
    assert ["arc_receipt", "arc_exception"] == [record.tag for record in made.data]
    assert ["a"] == receipts(company)


@pytest.mark.parametrize("count", [0, 101])
def test_a_function_takes_up_to_a_hundred_records(company: Company, count: int) -> None:
    records = "".join(f"<arc_receipt><name>r{place}</name></arc_receipt>" for place in range(count))

    assert ["failure"] == company.ask(f"<create>{records}</create>").statuses
    assert [] == receipts(company)


def test_an_unknown_function_is_refused(company: Company) -> None:
    assert ["failure", "success"] == company.ask("<create_everything/>", receipt("a")).statuses


# ---- control ids ----


def test_a_function_is_carried_out_once_under_one_control_id(company: Company) -> None:
    first = company.ask(receipt("a"), ids=["arc-1"])
    again = company.ask(receipt("a"), receipt("b"), ids=["arc-1", "arc-2"])

    assert ["success"] == first.statuses
    assert ["failure", "success"] == again.statuses
    assert "XL03000010" == again.results[0].errors[0][0]
    assert ["a", "b"] == receipts(company)


@pytest.mark.parametrize("unique", ["true", ""])
def test_unique_is_what_a_request_is_that_does_not_say(company: Company, unique: str) -> None:
    answers = [company.ask(receipt("a"), ids=["arc-1"], unique=unique).statuses for _ in range(2)]

    assert [["success"], ["failure"]] == answers


def test_ids_that_are_not_unique_may_repeat(company: Company) -> None:
    answers = [company.ask(receipt("a"), ids=["arc-1"], unique="false").statuses for _ in range(2)]

    assert [["success"], ["success"]] == answers


def test_queries_use_their_ids_up_too(company: Company) -> None:
    answers = [company.ask(query("CUSTOMER", "NAME"), ids=["read"]).statuses for _ in range(2)]

    assert [["success"], ["failure"]] == answers


def test_the_refusal_may_stand_beside_the_control_and_then_nothing_runs(company: Company) -> None:
    company.books.at_the_door.duplicate_at = "control"
    company.books.at_the_door.duplicate_errorno = "XL03000777"
    company.ask(receipt("a"), ids=["arc-1"])

    reply = company.ask(receipt("b"), receipt("a"), ids=["arc-2", "arc-1"])

    assert ("failure", "XL03000777", []) == (reply.control, reply.errorno, reply.results)
    assert ["a"] == receipts(company)


def test_a_repeated_id_undoes_the_whole_transaction(company: Company) -> None:
    company.ask(receipt("a"), ids=["arc-1"])

    reply = company.act(receipt("b"), receipt("a"), receipt("c"), ids=["arc-2", "arc-1", "arc-3"])

    assert ["aborted"] * 3 == reply.statuses
    assert ["XL03000010", ROLLED_BACK] == [no for no, _ in reply.results[1].errors]
    assert ["a"] == receipts(company)


def test_the_same_id_twice_in_one_transaction_is_refused(company: Company) -> None:
    reply = company.act(receipt("a"), receipt("b"), ids=["arc-1", "arc-1"])

    assert ["aborted"] * 2 == reply.statuses
    assert [] == receipts(company)


@pytest.mark.parametrize("are_free", [True, False])
def test_ids_of_what_failed_or_was_rolled_back_are_free_again_or_not(company: Company, are_free: bool) -> None:
    company.books.at_the_door.failed_ids_are_free = are_free
    company.act(receipt("a"), BAD, receipt("b"), ids=["arc-1", "arc-2", "arc-3"])
    company.ask(BAD, ids=["arc-4"])

    again = [company.ask(receipt(name), ids=[name]).statuses[0] for name in ("arc-1", "arc-2", "arc-3", "arc-4")]

    assert ["success" if are_free else "failure"] * 4 == again


def test_the_memory_of_ids_may_end(company: Company) -> None:
    company.ask(receipt("a"), ids=["arc-1"])
    company.books.forget_control_ids()

    assert ["success"] == company.ask(receipt("a"), ids=["arc-1"]).statuses


# ---- what the vendor counts ----


def test_every_page_and_every_record_is_counted_and_nothing_that_was_undone(company: Company) -> None:
    start = company.books.counted()
    company.do("<create>" + "".join(f"<arc_receipt><name>{n}</name></arc_receipt>" for n in range(3)) + "</create>")
    keys = [row["id"] for row in company.query("arc_receipt", "id")]
    company.do(updated("arc_receipt", id=keys[0], arc_state="closed"))
    company.do(f"<delete><object>arc_receipt</object><keys>{keys[1]},{keys[2]}</keys></delete>")
    company.do(f"<read><object>arc_receipt</object><keys>{keys[0]}</keys></read>")
    company.do("<lookup><object>ARINVOICE</object></lookup>")
    company.act(receipt("x"), BAD)
    company.ask(BAD)
    company.session()

    counted = {kind: count - start[kind] for kind, count in company.books.counted().items()}

    assert {"reads": 3, "writes": 6} == counted


def test_requests_are_counted_by_operation(company: Company) -> None:
    company.act(receipt("a"), receipt("b"))
    company.ask(query("arc_receipt", "name"), receipt("c"))

    assert {"getAPISession": 1, "act": 1, "query": 1} == company.books.counts()


def test_a_payment_is_counted_once_with_all_its_lines(company: Company) -> None:
    customer = company.customer()
    record = company.invoice(customer, "INV-1", "60.00", "40.00")
    start = company.books.counted()["writes"]

    company.do(payment(customer, company.books.accounts["bank"], {"RECORDKEY": record, "TRX_PAYMENTAMOUNT": "100.00"}))

    assert start + 1 == company.books.counted()["writes"]


def test_answers_are_well_formed_whatever_they_hold(company: Company) -> None:
    company.do(receipt("]]> & <![CDATA["))

    assert ["]]> & <![CDATA["] == receipts(company)
    assert "response" == etree.fromstring(company.ask(query("arc_receipt", "name")).content).tag
