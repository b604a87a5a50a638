"""What leaves for Intacct's gateway, and what its answers mean: pages, functions, and every way one can fail."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
import requests
import responses
from hypothesis import given
from hypothesis import strategies as st
from intacct_wire_cases import (
    NODE,
    ROLLED_BACK,
    SENDER_PASSWORD,
    SESSION,
    URL,
    USER_PASSWORD,
    answer,
    answers,
    body_of,
    error,
    failed,
    gateway,
    made,
    mapping,
    only_our_answers,
    page,
    refused_login,
    refused_request,
    result,
    sent,
    settings,
    signs_in,
)
from lxml import etree

from connector.adapters.intacct import filters, functions, values, xmltext
from connector.adapters.intacct.answers import Status, Why
from connector.adapters.intacct.envelope import Envelopes
from connector.adapters.intacct.functions import control_id, create, delete, legacy, update
from connector.adapters.intacct.gateway import FieldSeen, Gateway
from connector.adapters.intacct.xmltext import Node, Unreadable, node, parsed, record, serialized
from connector.errors import InvariantBroken, OutcomeUnknown, Terminal, Transient
from connector.money import Money
from connector.ports import Counted

SCHEMA = Path(__file__).resolve().parents[3] / "shared" / "contracts" / "intacct" / "query-function.xsd"
PAYMENT = create("act-1-p", record("ARPYMT", {"CUSTOMERID": "C1"}))
FLAG = update("act-1-f", record("ARINVOICE", {"RECORDNO": "7", "ARC_STATE": "paid"}))
WHOLE = answer(made("update", "act-1-f", "7"), made("create", "act-1-p", "901"))
OTHERS_ABORTED = answer(
    failed("update", "act-1-f", error(ROLLED_BACK, "The entire transaction was rolled back"), status="aborted"),
    failed(
        "create",
        "act-1-p",
        error("BL01001973", "Could not create ARPYMT record"),
        error("BL03000018", "This date is in a period that has been closed", "AR-0123"),
        error(ROLLED_BACK, "The entire transaction was rolled back"),
    ),
)
ALL_ABORTED = OTHERS_ABORTED.replace("<status>failure</status>", "<status>aborted</status>")


@pytest.fixture(autouse=True)
def _only_our_answers() -> Iterator[None]:
    yield from only_our_answers()


# ---- what is sent ----

TEXTS = st.text(max_size=60)
NAMES = st.sampled_from(["NAME", "ARC_HOLD_REASON", "arc_text", "DESCRIPTION"])


@given(TEXTS)
def test_any_text_leaves_escaped_and_comes_back_as_it_was_meant(text: str) -> None:
    read = etree.fromstring(serialized(node("create", record("CUSTOMER", {"NAME": text}))))

    # A carriage return is escaped too, else a parser would make a line feed of it (XML 1.0, 2.11).
    assert (read.findtext("CUSTOMER/NAME") or "") == xmltext.sayable(text)


@pytest.mark.parametrize(
    "name", ["Müller & Söhne <KG>", 'Said "yes"', "it's", "]]>", "株式会社", "&amp;", "a\x00b\x0bc", "\ud800", "<!--"]
)
def test_names_of_customers_never_become_markup(name: str) -> None:
    read = etree.fromstring(serialized(record("CUSTOMER", {"NAME": name})))

    assert not len(read[0])
    assert read.findtext("NAME") == xmltext.sayable(name)


def test_a_write_says_who_asks_what_belongs_together_and_that_nothing_may_run_twice() -> None:
    signs_in()
    answers(WHOLE)

    gateway().run((FLAG, PAYMENT), atomic=True)

    request = sent(-1)
    control = {part.tag: part.text for part in request.find("control")}
    assert control == {
        "senderid": "acme-sender",
        "password": SENDER_PASSWORD,
        "controlid": "arc-2",
        "uniqueid": "true",
        "dtdversion": "3.0",
        "includewhitespace": "false",
        "showadditionalerrorinfo": "true",
    }
    operation = request.find("operation")
    assert operation.get("transaction") == "true"
    assert operation.findtext("authentication/sessionid") == SESSION
    assert [each.get("controlid") for each in operation.iterfind("content/function")] == ["act-1-f", "act-1-p"]
    assert etree.tostring(operation.find("content/function[2]")) == (
        b'<function controlid="act-1-p"><create><ARPYMT><CUSTOMERID>C1</CUSTOMERID></ARPYMT></create></function>'
    )
    assert USER_PASSWORD.encode() not in body_of(-1)


def test_what_may_be_said_again_says_so() -> None:
    signs_in()
    answers(answer(made("update", "act-1-f", "7")))

    gateway().run([FLAG], atomic=False, unique=False)

    assert sent(-1).findtext("control/uniqueid") == "false"
    assert sent(-1).find("operation").get("transaction") == "false"


def test_amounts_and_days_leave_in_the_shapes_that_intacct_takes() -> None:
    on = date(2026, 2, 3)

    assert ["1234.50", "-0.05"] == [values.amount(Money(minor, "USD")) for minor in (123450, -5)]
    assert ("02/03/2026", "2026-02-03") == (values.day(on), values.iso_day(on))
    day = record("datereversed", {"year": "2026", "month": "2", "day": "3"})
    assert day == values.legacy_day("datereversed", on)
    for other in ("JPY", "KWD"):
        with pytest.raises(ValueError, match="two decimals"):
            values.amount(Money(100, other))


VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12)
CONDITIONS = st.recursive(
    st.builds(filters.equal, NAMES, VALUES)
    | st.builds(filters.like, NAMES, VALUES)
    | st.builds(filters.between, NAMES, VALUES, VALUES)
    | st.builds(filters.within, NAMES, st.lists(VALUES, min_size=1, max_size=4))
    | st.builds(filters.is_null, NAMES),
    lambda inner: (
        st.builds(lambda parts: filters.both(*parts), st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda parts: filters.either(*parts), st.lists(inner, min_size=1, max_size=3))
    ),
    max_leaves=6,
)


@given(CONDITIONS)
def test_every_query_is_valid_by_sages_own_schema(condition: Node) -> None:
    if not SCHEMA.exists():
        pytest.skip("the stored contract of the query function is not here")
    schema = etree.XMLSchema(etree.parse(str(SCHEMA)))
    asking = gateway()
    query = asking._query("ARINVOICE", [node("field", "RECORDNO")], [condition], ["RECORDNO"], "")

    assert schema.validate(etree.fromstring(serialized(query))), schema.error_log


def test_a_filter_takes_no_more_values_than_the_gateway_does() -> None:
    with pytest.raises(ValueError, match="1 to 1000"):
        filters.within("RECORDNO", [str(number) for number in range(1001)])
    with pytest.raises(ValueError, match="no condition"):
        filters.both()


# ---- what comes in ----


@given(st.binary(max_size=200))
def test_the_parser_takes_xml_or_says_that_it_is_none(content: bytes) -> None:
    try:
        parsed(content)
    except Unreadable:
        return


@pytest.mark.parametrize(
    "content",
    [
        b'<!DOCTYPE response [<!ENTITY a "aaaa">]><response>&a;</response>',
        b'<!DOCTYPE response SYSTEM "http://127.0.0.1/never.dtd"><response/>',
        b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>',
        b"<response>",
        b"<html><body>Sign in</body>",
        b"",
        b"<response/>" + b" " * (xmltext.ANSWER_BYTES_MAX + 1),
        b"<?xml version='1.0' encoding='made-up'?><response/>",
    ],
)
def test_an_answer_that_asks_the_parser_to_do_more_is_not_read(content: bytes) -> None:
    with pytest.raises(Unreadable):
        parsed(content)


MARKUP = st.sampled_from(["response", "control", "status", "operation", "authentication", "result", "data", "error"])
TREES = st.recursive(
    st.tuples(MARKUP, st.sampled_from(["success", "failure", "aborted", "", "0", "x"])),
    lambda inner: st.tuples(MARKUP, st.lists(inner, max_size=4)),
    max_leaves=12,
)


def tree(drawn: tuple[str, object]) -> Node:
    name, value = drawn
    return node(name, value) if isinstance(value, str) else node(name, *(tree(part) for part in value))  # type: ignore[attr-defined]


@given(TREES)
def test_whatever_well_formed_answer_comes_is_read_or_called_unreadable(drawn: tuple[str, object]) -> None:
    envelopes = Envelopes(settings(), ())
    try:
        envelopes.opened(serialized(tree(drawn)), "arc-1")
    except Unreadable:
        return


@given(st.integers(0, len(WHOLE) - 1))
def test_an_answer_cut_anywhere_is_no_answer(end: int) -> None:
    with pytest.raises(Unreadable):
        Envelopes(settings(), ()).opened(WHOLE[:end].encode(), "arc-1")


@pytest.mark.parametrize("case", [str.upper, str.lower])
def test_the_case_of_tags_does_not_matter(case: Callable[[str], str]) -> None:
    signs_in()
    body = page("arinvoice", ["<recordno>1</recordno><Customerid>C1</Customerid>"])
    for tag in ("response", "control", "operation", "authentication", "result"):
        body = body.replace(f"<{tag}>", f"<{case(tag)}>").replace(f"</{tag}>", f"</{case(tag)}>")
    answers(body)

    assert [{"RECORDNO": "1", "CUSTOMERID": "C1"}] == gateway().rows("ARINVOICE", ["RECORDNO", "CUSTOMERID"])


# ---- a write, and how it can end ----


def test_committed_only_if_every_result_is_a_success() -> None:
    signs_in()
    answers(WHOLE)

    results = gateway().run((FLAG, PAYMENT), atomic=True)

    assert results.is_committed and not results.is_repeat and results.cause is None
    assert [("7",), ("901",)] == [each.keys for each in results.results]


@pytest.mark.parametrize("body", [OTHERS_ABORTED, ALL_ABORTED], ids=["others aborted", "all aborted"])
def test_both_shapes_of_a_rollback_name_the_same_offender(body: str) -> None:
    signs_in()
    answers(body)
    asking = gateway()

    results = asking.run((FLAG, PAYMENT), atomic=True)

    assert not results.is_committed
    assert results.offender is not None and "act-1-p" == results.offender.control_id
    assert results.cause is not None
    assert (Why.CLOSED_PERIOD, "AR-0123") == (results.cause.why, results.cause.code)
    assert results.results[0].cause is None
    assert Counted() == asking.take_counted()


def test_a_real_error_beside_the_word_of_the_rollback_is_the_cause() -> None:
    signs_in()
    told = failed("create", "act-1-p", error(ROLLED_BACK, "All undone"), error("X1", "Because"), status="aborted")
    answers(answer(failed("update", "act-1-f", error(ROLLED_BACK, "All undone"), status="aborted"), told))

    results = gateway().run((FLAG, PAYMENT), atomic=True)

    assert results.cause is not None and "X1" == results.cause.number


def test_of_a_transaction_that_failed_the_functions_without_an_answer_did_not_run() -> None:
    signs_in()
    answers(answer(failed("create", "act-1-p", error("X1", "Because"))))

    results = gateway().run((FLAG, PAYMENT), atomic=True)

    assert [Status.ABORTED, Status.FAILURE] == [each.status for each in results.results]


def test_without_a_transaction_each_function_is_answered_by_itself() -> None:
    signs_in()
    answers(answer(made("update", "act-1-f", "7"), failed("create", "act-1-p", error("X1", "Because"))))
    asking = gateway()

    results = asking.run((FLAG, PAYMENT), atomic=False)

    assert [True, False] == [each.is_success for each in results.results]
    assert Counted(writes=1) == asking.take_counted()


@pytest.mark.parametrize(
    "body",
    [
        failed("create", "act-1-p", error("BL01001973", "The control ID act-1-p was previously executed")),
        "",
    ],
    ids=["under the result", "under the operation"],
)
def test_a_repeat_is_told_as_such_wherever_it_stands(body: str) -> None:
    said = "" if body else error("XL03000010", "Duplicate controlid act-1-p: it was already executed and completed")
    signs_in()
    answers(answer(body, said=said) if body else answer(said=said))

    results = gateway().run([PAYMENT], atomic=True)

    assert results.is_repeat and not results.is_committed
    assert results.cause is not None and results.cause.why is Why.DUPLICATE_CONTROL_ID


def test_a_repeat_is_told_as_such_under_the_request_too() -> None:
    signs_in()
    answers(refused_request(error("XL03000010", "The function's controlid is not unique")))

    assert gateway().run([PAYMENT], atomic=True).is_repeat


def test_a_refusal_of_the_operation_is_an_answer() -> None:
    signs_in()
    answers(answer(said=error("XL03000006", "You do not have permission for the API operation create")))

    results = gateway().run((FLAG, PAYMENT), atomic=True)

    assert not results.is_committed and results.offender is None
    assert results.cause is not None and Why.PERMISSION is results.cause.why


CUT = {f"cut at {share} %": WHOLE[: len(WHOLE) * share // 100] for share in (1, 10, 50, 90, 99)}
UNKNOWN: dict[str, object] = {
    **CUT,
    "524": (524, "error code: 524"),
    "500": (500, WHOLE),
    "502": (502, "<html/>"),
    "503": (503, ""),
    "408": (408, ""),
    "empty": "",
    "html": "<!DOCTYPE html><html><body>Sign in to Intacct</body></html>",
    "html well formed": "<html><body>Maintenance</body></html>",
    "off-line": "The Service is Temporarily Off-line",
    "time-out": requests.ReadTimeout("late"),
    "reset": requests.ConnectionError(ConnectionResetError(104, "reset")),
    "broken body": requests.exceptions.ChunkedEncodingError("short"),
    "too few results": answer(made("update", "act-1-f", "7")),
    "no results": answer(),
    "results and a refusal of all": answer(
        made("update", "act-1-f", "7"), made("create", "act-1-p", "901"), said=error("X", "No")
    ),
    "other functions": answer(made("update", "somebody-else", "7"), made("create", "act-1-p", "901")),
    "a function twice": answer(made("create", "act-1-p", "901"), made("create", "act-1-p", "902")),
    "a status of no kind": WHOLE.replace("success</status><function>create", "done</status><function>create"),
    "to another request": WHOLE.replace("<controlid></controlid>", "<controlid>arc-99</controlid>"),
}


@pytest.mark.parametrize("came", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_a_write_without_a_whole_answer_is_of_unknown_outcome_and_never_sent_again(came: object) -> None:
    signs_in()
    answers(came)  # type: ignore[arg-type]
    asking = gateway()

    with pytest.raises(OutcomeUnknown) as caught:
        asking.run((FLAG, PAYMENT), atomic=True)

    assert 2 == len(responses.calls)
    assert "read back before anything else" in str(caught.value)
    assert Counted(writes=2) == asking.take_counted()


NOT_RUN: dict[str, tuple[object, type[Exception]]] = {
    "429": ((429, ""), Transient),
    "429 in XML": ((429, refused_request(error("GW-0010", "Too many requests"))), Transient),
    "GW-0010": (refused_request(error("GW-0010", "Limit")), Transient),
    "GW-0010 under the login": (refused_login(error("GW-0010", "Limit")), Transient),
    "GW-0010 under a result": (answer(failed("create", "act-1-p", error("GW-0010", "Limit"))), Transient),
    "GW-0010 under the operation": (answer(said=error("GW-0010", "Limit")), Transient),
    "rate limit as text": ("API rate limit exceeded", Transient),
    "rate limit as JSON": ('{"message":"API rate limit exceeded"}', Transient),
    "control": (refused_request(error("XL03000006", "Incorrect Intacct XML Partner ID or password")), Terminal),
    "parser": (refused_request(error("XL03000003", "XML could not be parsed")), Terminal),
    "gateway": ((400, refused_request(error("GW-0011", "Invalid request"))), Terminal),
    "front": ((403, "<html/>"), Terminal),
    "elsewhere": ((302, ""), Terminal),
}


@pytest.mark.parametrize(("came", "family"), NOT_RUN.values(), ids=NOT_RUN.keys())
def test_a_write_that_surely_did_not_run_says_so(came: object, family: type[Exception]) -> None:
    signs_in()
    answers(came)  # type: ignore[arg-type]
    asking = gateway()

    with pytest.raises(family) as caught:
        asking.run([PAYMENT], atomic=True)

    assert "Nothing was done" in str(caught.value)
    assert 2 == len(responses.calls)
    assert Counted() == asking.take_counted()


def test_no_connection_means_that_nothing_was_sent() -> None:
    asking = gateway(url="http://127.0.0.1:1/ia/xml/xmlgw.phtml")
    responses.mock.add_passthru("http://127.0.0.1:1")

    with pytest.raises(Transient, match="nothing was sent"):
        asking.run([PAYMENT], atomic=True)


def test_no_more_requests_run_at_once_than_the_company_may_have_and_one_signs_in_for_all() -> None:
    running, most, turn = 0, 0, threading.Lock()

    def slowly(_: object) -> tuple[int, dict[str, str], str]:
        nonlocal running, most
        with turn:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with turn:
            running -= 1
        return 200, {}, page("ARINVOICE", [])

    signs_in()
    responses.add_callback(responses.POST, NODE, slowly)
    asking = gateway(requests_at_once_max=2)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: asking.rows("ARINVOICE", ["STATE"]), range(8)))

    assert 2 == most
    assert [URL, *[NODE] * 8] == [call.request.url for call in responses.calls]
    assert Counted(reads=8) == asking.take_counted()


def test_two_functions_of_one_id_are_a_fault_of_ours() -> None:
    with pytest.raises(InvariantBroken, match="same controlid"):
        gateway().run([PAYMENT, PAYMENT], atomic=True)
    assert not responses.calls


def test_nothing_to_do_asks_nobody() -> None:
    assert gateway().run([], atomic=True).is_committed
    assert not responses.calls


def test_writes_are_counted_by_the_record() -> None:
    signs_in()
    sent_off = (
        create("c", record("arc_receipt", {"name": "a"}), record("arc_receipt", {"name": "b"})),
        delete("d", "ARPYMT", ["1", "2", "3"]),
        legacy("r", node("reverse_arpayment", key="7")),
    )
    answers(
        answer(
            result("success", "create", "c", f"<data>{''.join(f'<arc><id>{key}</id></arc>' for key in (1, 2))}</data>"),
            result("success", "delete", "d"),
            result("success", "reverse_arpayment", "r", "<key>7</key>"),
        )
    )
    asking = gateway()

    results = asking.run(sent_off, atomic=True)

    assert [("1", "2"), (), ("7",)] == [each.keys for each in results.results]
    assert Counted(writes=6) == asking.take_counted()
    assert Counted() == asking.take_counted()


# ---- reads ----


def test_pages_go_on_after_the_last_key_and_not_by_offset() -> None:
    signs_in()
    answers(
        page("ARINVOICE", ["<RECORDNO>3</RECORDNO>", "<RECORDNO>7</RECORDNO>"], total=3),
        page("ARINVOICE", ["<RECORDNO>12</RECORDNO>"]),
    )
    asking = gateway(page_rows=2)

    rows = asking.rows("ARINVOICE", ["CUSTOMERID"], filters.equal("STATE", "Posted"))

    assert ["3", "7", "12"] == [row["RECORDNO"] for row in rows]
    assert Counted(reads=2) == asking.take_counted()
    first, second = (sent(index).find("operation/content/function/query") for index in (1, 2))
    assert first.findtext("filter/equalto/value") == "Posted"
    assert second.findtext("filter/and/greaterthan/field") == "RECORDNO"
    assert second.findtext("filter/and/greaterthan/value") == "7"
    for query in (first, second):
        assert query.find("offset") is None
        assert query.findtext("orderby/order/field") == "RECORDNO"
        assert query.findtext("options/showprivate") == "true"
        assert query.findtext("pagesize") == "2"
    assert sent(1).findtext("control/uniqueid") == "false"


def test_within_an_entity_a_query_asks_in_its_own_session() -> None:
    signs_in(entity="E100")
    answers(page("arc_receipt", ["<id>1</id>"]))

    rows = gateway().rows("arc_receipt", ["name"], key="id", entity="E100")

    assert [{"ID": "1"}] == rows
    assert sent(0).findtext("operation/authentication/login/locationid") == "E100"
    assert sent(1).find("operation/content/function/query/options") is None


SHORT: dict[str, list[str]] = {
    "counts more than came": [page("ARINVOICE", ["<RECORDNO>1</RECORDNO>"]).replace('count="1" num', 'count="2" num')],
    "an empty page before the end": [page("ARINVOICE", [], total=5)],
    "a total that is none": [page("ARINVOICE", ["<RECORDNO>1</RECORDNO>"]).replace('totalcount="1"', 'totalcount="9"')],
    "no count at all": [page("ARINVOICE", ["<RECORDNO>1</RECORDNO>"]).replace(' numremaining="0"', "")],
    "out of order": [page("ARINVOICE", ["<RECORDNO>2</RECORDNO>", "<RECORDNO>1</RECORDNO>"])],
    "a row twice": [page("ARINVOICE", ["<RECORDNO>2</RECORDNO>", "<RECORDNO>2</RECORDNO>"])],
    "without its key": [page("ARINVOICE", ["<STATE>Posted</STATE>"])],
    "no data": [answer(result("success", "query", "query"))],
}


@pytest.mark.parametrize("bodies", SHORT.values(), ids=SHORT.keys())
def test_a_page_that_is_not_whole_is_asked_for_again_and_never_taken(bodies: list[str]) -> None:
    signs_in()
    answers(*bodies)

    with pytest.raises(Transient):
        gateway().rows("ARINVOICE", ["STATE"])

    assert 1 + settings().read_attempts_max == len(responses.calls)


def test_the_same_page_again_does_not_go_on_for_ever() -> None:
    signs_in()
    answers(page("ARINVOICE", ["<RECORDNO>1</RECORDNO>"], total=2))

    with pytest.raises(Transient, match="came twice or out of order"):
        gateway().rows("ARINVOICE", ["STATE"])


@pytest.mark.parametrize("came", [(429, ""), (500, ""), (524, ""), "cut <", requests.ReadTimeout("late")])
def test_a_read_is_tried_again(came: object) -> None:
    signs_in()
    answers(came, page("ARINVOICE", []))  # type: ignore[arg-type]

    assert [] == gateway().rows("ARINVOICE", ["STATE"])


def test_a_wait_that_is_asked_for_is_kept_within_bounds() -> None:
    waits: list[float] = []
    signs_in()
    for asked in ("3", "4000"):
        responses.add(responses.POST, NODE, status=429, headers={"Retry-After": asked})
    answers(page("ARINVOICE", []))

    Gateway(settings(), mapping(), sleep=waits.append, monotonic=lambda: 0.0).rows("ARINVOICE", ["STATE"])

    assert [3.0, 60.0] == waits


def test_a_read_that_is_refused_is_not_tried_again() -> None:
    signs_in()
    answers(answer(failed("query", "query", error("XL03000006", "Field ARC_HOLD can't be queried"))))

    with pytest.raises(Terminal, match="ARC_HOLD can't be queried"):
        gateway().rows("ARINVOICE", ["ARC_HOLD"])

    assert 2 == len(responses.calls)


@pytest.mark.parametrize("tag", ["SUM.TRX_TOTALDUE", "TRX_TOTALDUE", "sum.trx_totaldue"])
def test_totals_come_under_one_name_however_they_are_tagged(tag: str) -> None:
    signs_in()
    answers(page("ARINVOICE", [f"<CUSTOMERID>C1</CUSTOMERID><{tag}>5.00</{tag}><COUNT.RECORDNO>2</COUNT.RECORDNO>"]))

    rows = gateway().sums("ARINVOICE", ["CUSTOMERID"], ["TRX_TOTALDUE"], counted="RECORDNO")

    assert [{"CUSTOMERID": "C1", "SUM.TRX_TOTALDUE": "5.00", "COUNT.RECORDNO": "2"}] == rows
    select = sent(-1).find("operation/content/function/query/select")
    assert [("field", "CUSTOMERID"), ("sum", "TRX_TOTALDUE"), ("count", "RECORDNO")] == [
        (each.tag, each.text) for each in select
    ]


def test_totals_of_which_one_is_missing_are_none() -> None:
    signs_in()
    one = "<CUSTOMERID>C1</CUSTOMERID><SUM.TRX_TOTALDUE>5</SUM.TRX_TOTALDUE>"
    answers(page("ARINVOICE", [one, one]))

    with pytest.raises(Transient, match="a combination came twice"):
        gateway().sums("ARINVOICE", ["CUSTOMERID"], ["TRX_TOTALDUE"])


DETAIL = "<ARPYMTDETAIL><RECORDKEY>{0}</RECORDKEY><TRX_PAYMENTAMOUNT>5.00</TRX_PAYMENTAMOUNT></ARPYMTDETAIL>"
READ = (
    "<data><ARPYMT><RECORDNO>9</RECORDNO><DOCNUMBER/><CONTACT><EMAIL1>a@x.example</EMAIL1>"
    "<MAILADDRESS><CITY>Ulm</CITY></MAILADDRESS></CONTACT>"
    "<ARPYMTDETAILS>{0}</ARPYMTDETAILS></ARPYMT></data>"
)


@pytest.mark.parametrize("count", [1, 2])
def test_a_record_is_read_with_its_lines_one_or_many(count: int) -> None:
    signs_in()
    details = "".join(DETAIL.format(number) for number in range(count))
    answers(answer(result("success", "read", "read", READ.format(details))))

    (found,) = gateway().read("ARPYMT", ["9", "9"])

    assert {"RECORDNO": "9", "CONTACT.EMAIL1": "a@x.example", "CONTACT.MAILADDRESS.CITY": "Ulm"} == found.fields
    assert [str(number) for number in range(count)] == [
        line.fields["RECORDKEY"] for line in found.owned("arpymtdetails")
    ]
    assert sent(-1).findtext("operation/content/function/read/keys") == "9"
    assert () == found.owned("OTHERS")


def test_many_keys_are_read_a_hundred_at_a_time() -> None:
    signs_in()
    answers(answer(result("success", "read", "read", "<data/>")))
    asking = gateway()

    assert [] == asking.read("ARPYMT", [str(number) for number in range(250)])
    assert Counted(reads=3) == asking.take_counted()


def test_a_key_that_is_gone_hides_no_other() -> None:
    signs_in()
    gone = answer(failed("read", "read", error("DL02000001", "There is no ARPYMT with key 2: it does not exist")))
    there = answer(result("success", "read", "read", "<data><ARPYMT><RECORDNO>1</RECORDNO></ARPYMT></data>"))
    answers(gone, there, gone)

    assert ["1"] == [found.fields["RECORDNO"] for found in gateway().read("ARPYMT", ["1", "2"])]


def test_an_object_that_is_not_there_is_no_key_that_is_gone() -> None:
    signs_in()
    answers(answer(failed("read", "read", error("DL02000001", "Object definition ARPYMT not found"))))

    with pytest.raises(Terminal, match="ARPYMT not found"):
        gateway().read("ARPYMT", ["1", "2"])


def test_a_lookup_tells_of_each_field_what_it_is() -> None:
    signs_in()
    field = "<Field><ID>{0}</ID><LABEL>x</LABEL><READONLY>{1}</READONLY><DATATYPE>{2}</DATATYPE>{3}</Field>"
    choices = "<VALIDVALUES><VALIDVALUE>a</VALIDVALUE><VALIDVALUE>b</VALIDVALUE></VALIDVALUES>"
    fields = field.format("ARC_HOLD", "false", "Boolean", "") + field.format("State", "true", "ENUM", choices)
    answers(
        answer(result("success", "lookup", "lookup", f'<data><Type Name="X"><Fields>{fields}</Fields></Type></data>')),
        answer(failed("lookup", "lookup", error("DL02000001", "Object definition arc_x not found"))),
        answer(result("success", "lookup", "lookup", "<data><Type><Fields/></Type></data>")),
    )
    asking = gateway()

    assert {"ARC_HOLD": FieldSeen("BOOLEAN", False), "STATE": FieldSeen("ENUM", True)} == asking.lookup("ARINVOICE")
    assert asking.lookup("arc_x") is None
    with pytest.raises(Transient, match="lists no field"):
        asking.lookup("ARINVOICE")


# ---- secrets ----


def test_no_secret_is_logged_or_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    signs_in()
    echo = f"Wrong password {SENDER_PASSWORD} or {USER_PASSWORD} in session {SESSION}"
    answers(refused_request(error("XL03000006", echo)))
    asking = gateway()

    with pytest.raises(Terminal) as caught:
        asking.run([PAYMENT], atomic=True)

    told = caplog.text + str(caught.value) + repr(asking._settings) + repr(asking._sessions.of(""))
    assert "Wrong password *** or *** in session ***" in str(caught.value)
    assert not [secret for secret in (SENDER_PASSWORD, USER_PASSWORD, SESSION) if secret in told]


# ---- control ids ----


@given(st.text(min_size=1, max_size=300), st.text(min_size=1, max_size=300))
def test_control_ids_fit_and_tell_records_apart(one: str, other: str) -> None:
    first, second = control_id(xmltext.sayable(one)), control_id(xmltext.sayable(other))

    assert max(len(first), len(second)) <= functions.CONTROL_ID_MAX
    assert (first == second) == (xmltext.sayable(one) == xmltext.sayable(other))


def test_a_control_id_is_the_records_own_and_an_updates_tells_what_it_says() -> None:
    paid, open_ = (update("x", record("ARINVOICE", {"ARC_STATE": state})).body for state in ("paid", "open"))

    assert "arc-act-1-pay" == control_id("arc-act-1-pay")
    assert control_id("arc-1", body=paid) == control_id("arc-1", body=paid)
    assert len({control_id("arc-1", body=paid), control_id("arc-1", body=open_), control_id("arc-1", again="2")}) == 3


def test_the_addresses_are_the_configured_one_and_the_sessions() -> None:
    signs_in()
    answers(WHOLE)
    gateway().run((FLAG, PAYMENT), atomic=True)

    assert [URL, NODE] == [call.request.url for call in responses.calls]
