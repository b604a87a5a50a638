"""SuiteTalk SOAP over real HTTP: statuses by record, faults, limits, and who may come in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import requests
from netsuite_account import REAL, Account, Soap, Status, fault_code, served
from zeep.exceptions import Fault, TransportError, XMLSyntaxError

GET_ALL = '<msgs:getList><msgs:baseRef xsi:type="core:RecordRef" type="invoice" internalId="1"/></msgs:getList>'


@pytest.fixture(params=["own subset", "vendor's contract"])
def account(request: pytest.FixtureRequest) -> Iterator[Account]:
    wsdl_dir: Path | None = None
    if request.param == "vendor's contract":
        if not REAL.is_dir():
            pytest.skip("the vendor's 2023.2 contract is not on this machine")
        wsdl_dir = REAL
    with served(wsdl_dir=wsdl_dir) as account:
        yield account


@pytest.fixture
def own() -> Iterator[Account]:
    with served() as account:
        yield account


@pytest.fixture
def soap(own: Account) -> Soap:
    return own.soap()


# ---- one mixed list, as a connector sends it ----


def test_a_payment_and_its_records_are_made_by_one_list_and_read_back(account: Account) -> None:
    soap = account.soap()
    customer = account.customer()
    invoice = account.invoice(customer, "1000.00")

    made = soap.add(
        soap.payment(customer, "250.00", [(invoice, "200.00")], externalId="arc-1-pay-ch-1", memo="Stripe ch-1"),
        soap.cancellation("arc-1-can-act-5001", invoice),
    )
    payment, record, billed = soap.get(
        soap.ref("customerPayment", external_id="arc-1-pay-ch-1"),
        soap.core.CustomRecordRef(typeId="121", externalId="arc-1-can-act-5001"),
        soap.ref("invoice", invoice),
    )

    assert [True, True] == [one.ok for one in made]
    assert ["arc-1-pay-ch-1", "arc-1-can-act-5001"] == [one.external_id for one in made]
    assert (250.0, 200.0, 50.0) == (payment.payment, payment.applied, payment.unapplied)
    assert [(int(invoice), 200.0)] == [(line.doc, line.amount) for line in payment.applyList.apply]
    values = {one.scriptId: one.value for one in record.customFieldList.customField}
    assert "intended" == values["custrecord_arc_can_state"]
    assert invoice == values["custrecord_arc_can_invoice"].internalId
    assert (1000.0, 800.0, "Open") == (billed.total, billed.amountRemaining, billed.status)


def test_an_update_may_mix_invoices_and_records(account: Account) -> None:
    soap = account.soap()
    invoice = account.invoice(account.customer())
    soap.add(soap.cancellation("arc-can-1", invoice))
    hold = soap.core.CustomFieldList(
        [
            soap.core.BooleanCustomFieldRef(scriptId="custbody_arc_hold", value=True),
            soap.core.StringCustomFieldRef(scriptId="custbody_arc_hold_reason", value="legal"),
        ]
    )

    statuses = soap.write(
        "updateList",
        soap.sales.Invoice(internalId=invoice, customFieldList=hold),
        soap.cancellation("arc-can-1", state="closed"),
    )

    assert [True, True] == [one.ok for one in statuses]
    assert [{"custbody_arc_hold": "T", "custbody_arc_hold_reason": "legal"}] == account.rows(
        "SELECT custbody_arc_hold, custbody_arc_hold_reason FROM transaction WHERE id = ?", invoice
    )
    kept = account.books.truth()["records"]["customrecord_arc_cancellation"]["arc-can-1"]
    assert ("closed", int(invoice)) == (kept["custrecord_arc_can_state"], kept["custrecord_arc_can_invoice"])


def test_valid_records_commit_though_others_of_the_list_fail(own: Account, soap: Soap) -> None:
    customer = own.customer()

    statuses = soap.add(
        soap.payment(customer, "10.00", externalId="good-1"),
        soap.payment("999999", "10.00", externalId="bad"),
        soap.payment(customer, "20.00", externalId="good-2"),
    )

    assert [(True, ""), (False, "INVALID_KEY_OR_REF"), (True, "")] == [(one.ok, one.code) for one in statuses]
    assert ["good-1", "good-2"] == [one["external_id"] for one in own.payments()]


# ---- external ids ----


def test_adding_twice_with_one_external_id_creates_once(own: Account, soap: Soap) -> None:
    payment = soap.payment(own.customer(), "10.00", externalId="arc-1")

    first, again = soap.add(payment)[0], soap.add(payment)[0]

    assert (True, False, "DUP_RCRD") == (first.ok, again.ok, again.code)
    assert 1 == len(own.payments())


def test_two_records_with_one_external_id_in_a_request_fault_and_nothing_is_made(own: Account, soap: Soap) -> None:
    payment = soap.payment(own.customer(), "10.00", externalId="arc-1")

    with pytest.raises(Fault) as caught:
        soap.add(payment, payment)

    assert ("unexpectedErrorFault", "USER_ERROR") == fault_code(caught.value)
    assert [] == own.payments()


def test_an_external_id_that_is_taken_cannot_be_given_to_another(own: Account, soap: Soap) -> None:
    first, second = soap.add(soap.cancellation("arc-1"), soap.cancellation("arc-2"))
    renamed = soap.cancellation("arc-1", state="closed")
    renamed.internalId = second.internal_id

    status = soap.write("updateList", renamed)[0]

    assert (True, "DUP_RCRD") == (first.ok, status.code)
    kept = own.books.truth()["records"]["customrecord_arc_cancellation"]
    assert ["intended", "intended"] == [kept[key]["custrecord_arc_can_state"] for key in ("arc-1", "arc-2")]


def test_one_external_id_may_serve_two_record_types(own: Account, soap: Soap) -> None:
    statuses = soap.add(soap.payment(own.customer(), "10.00", externalId="same"), soap.cancellation("same"))

    assert [True, True] == [one.ok for one in statuses]


def test_upsert_makes_then_changes_one_record(own: Account, soap: Soap) -> None:
    first = soap.write("upsertList", soap.cancellation("arc-st-1", state="intended"))[0]
    second = soap.write("upsertList", soap.cancellation("arc-st-1", state="withdrawn"))[0]

    assert (first.ok, second.ok, first.internal_id) == (True, True, second.internal_id)
    records = own.books.truth()["records"]["customrecord_arc_cancellation"]
    assert {"arc-st-1": "withdrawn"} == {key: one["custrecord_arc_can_state"] for key, one in records.items()}


@pytest.mark.parametrize(
    "record, message",
    [
        ({"external_id": None}, "This operation requies a value for externalId."),
        ({"external_id": "arc-1", "internalId": "7"}, "You cannot set internalId with upsert."),
    ],
)
def test_upsert_goes_by_external_id_alone(soap: Soap, record: dict[str, str], message: str) -> None:
    internal_id = record.pop("internalId", None)
    sent = soap.cancellation(**record)
    sent.internalId = internal_id

    status = soap.write("upsertList", sent)[0]

    assert Status(False, "USER_ERROR", message) == status


def test_a_record_that_is_not_there_is_named_so(own: Account, soap: Soap) -> None:
    update = soap.write("updateList", soap.sales.Invoice(internalId="999999", memo="x"))[0]
    answer = soap.call("get", baseRef=soap.ref("invoice", "999999"))

    assert "RCRD_DSNT_EXIST" == update.code
    assert "RCRD_DSNT_EXIST" == answer.readResponse.status.statusDetail[0].code


# ---- limits ----


@pytest.mark.parametrize(
    "operation, limit", [("addList", 200), ("updateList", 100), ("upsertList", 100), ("getList", 1000)]
)
def test_a_list_over_its_limit_is_a_fault_and_nothing_of_it_is_done(own: Account, operation: str, limit: int) -> None:
    record = '<msgs:record xsi:type="custom:CustomRecord"><custom:recType internalId="121"/></msgs:record>'
    wanted = '<msgs:baseRef xsi:type="core:RecordRef" type="invoice" internalId="1"/>'
    part = wanted if operation == "getList" else record

    full = own.post(f"<msgs:{operation}>{part * limit}</msgs:{operation}>")
    over = own.post(f"<msgs:{operation}>{part * (limit + 1)}</msgs:{operation}>")

    assert (200, 500) == (full.status_code, over.status_code)
    assert "exceededRecordCountFault" in over.text and "MAX_RCRDS_EXCEEDED" in over.text
    made = limit if operation == "addList" else 0
    assert made == len(own.books.truth()["records"]["customrecord_arc_cancellation"])


# ---- who may come in ----


@pytest.mark.parametrize(
    "wrong",
    [
        {"signature": "bm90IHRoZSBzaWduYXR1cmU="},
        {"timestamp": str(int(time.time()) - 3600)},
        {"timestamp": str(int(time.time()) + 3600)},
        {"nonce": "abc"},
        {"nonce": "with blanks here"},
        {"algorithm": "HMAC-SHA1"},
        {"account": "1000001-sb1"},
        {"consumerKey": "another"},
        {"token": "another"},
    ],
)
def test_a_passport_that_is_wrong_in_one_part_is_refused(own: Account, wrong: dict[str, str]) -> None:
    answer = own.post(GET_ALL, own.passport(**wrong))

    assert 500 == answer.status_code
    assert "invalidCredentialsFault" in answer.text and "INVALID_LOGIN_CREDENTIALS" in answer.text


def test_a_nonce_is_good_for_one_request(own: Account) -> None:
    passport = own.passport()

    first, again = own.post(GET_ALL, passport), own.post(GET_ALL, passport)

    assert (200, 500) == (first.status_code, again.status_code)
    assert "INVALID_LOGIN_CREDENTIALS" in again.text


def test_a_request_without_passport_is_refused(soap: Soap) -> None:
    with pytest.raises(Fault) as caught:
        soap.service.getList(baseRef=[soap.ref("invoice", "1")])

    assert ("invalidCredentialsFault", "WS_LOG_IN_REQD") == fault_code(caught.value)


def test_an_application_id_beside_the_passport_is_ambiguous(own: Account) -> None:
    header = "<msgs:applicationInfo><msgs:applicationId>1</msgs:applicationId></msgs:applicationInfo>"

    assert "unexpectedErrorFault" in own.post(GET_ALL, header=header).text


# ---- the schema ----


@pytest.mark.wrong_on_purpose
@pytest.mark.parametrize(
    "body, named",
    [
        ('<msgs:addList><msgs:record xsi:type="cust:CustomerPayment"><cust:payment>abc</cust:payment></msgs:record>'
         "</msgs:addList>", "'abc' is not a valid value"),
        ('<msgs:addList><msgs:record xsi:type="cust:CustomerPayment"><cust:bogus/></msgs:record></msgs:addList>',
         "bogus"),
        ('<msgs:addList><msgs:record xsi:type="cust:CustomerPayment"><cust:memo>m</cust:memo>'
         "<cust:payment>1</cust:payment></msgs:record></msgs:addList>", "payment"),
        ('<msgs:addList><msgs:record xsi:type="cust:CustomerPayment"><cust:tranDate>2026-11-23</cust:tranDate>'
         "</msgs:record></msgs:addList>", "2026-11-23"),
        ("<msgs:addList/>", "addList"),
        ("<msgs:deleteList/>", "deleteList"),
        ('<msgs:getList><msgs:baseRef xsi:type="core:RecordRef" type="nonsense" internalId="1"/></msgs:getList>',
         "nonsense"),
    ],
)  # fmt: skip
def test_a_request_that_breaks_the_schema_is_a_fault_with_the_violation(
    account: Account, body: str, named: str
) -> None:
    answer = account.post(body)

    assert 500 == answer.status_code
    assert "<faultstring>" in answer.text and named in answer.text


@pytest.mark.wrong_on_purpose
@pytest.mark.parametrize("content", [b"", b"not xml", b"<a/>", b"<!DOCTYPE x [<!ENTITY e 'x'>]><a>&e;</a>"])
def test_bytes_that_are_no_envelope_are_a_fault(own: Account, content: bytes) -> None:
    answer = own.post_bytes(content)

    assert (500, True) == (answer.status_code, "faultstring" in answer.text)


@pytest.mark.wrong_on_purpose
def test_another_version_than_the_endpoints_is_a_version_fault(own: Account) -> None:
    wrong = GET_ALL.replace("msgs:", "old:").replace(
        "<old:getList>", '<old:getList xmlns:old="urn:messages_2019_1.platform.webservices.netsuite.com">'
    )

    assert "invalidVersionFault" in own.post(wrong).text


# ---- search ----


def test_a_search_pages_by_its_id(account: Account) -> None:
    soap = account.soap()
    customer = account.customer()
    invoices = [account.invoice(customer, number=f"INV-{n}") for n in range(12)]
    account.books.pay_by_hand(customer, "5.00", date(2026, 11, 1))
    basic = soap.common.TransactionSearchBasic(type={"operator": "anyOf", "searchValue": ["_invoice"]})
    preferences = soap.client.get_element(f"{soap.messages}searchPreferences")(pageSize=5, bodyFieldsOnly=False)

    pages = [soap.call("search", {"searchPreferences": preferences}, searchRecord=basic).searchResult]
    for number in range(2, pages[0].totalPages + 1):
        pages.append(soap.call("searchMoreWithId", searchId=pages[0].searchId, pageIndex=number).searchResult)

    assert (12, 5, 3) == (pages[0].totalRecords, pages[0].pageSize, pages[0].totalPages)
    found = [record.internalId for page in pages for record in page.recordList.record]
    assert invoices == found
    assert 1000.0 == pages[0].recordList.record[0].amountRemaining


def test_a_search_leaves_out_balances_and_lists_unless_asked(own: Account, soap: Soap) -> None:
    invoice = own.invoice(own.customer())
    wanted = {"operator": "anyOf", "searchValue": [soap.ref("invoice", invoice)]}
    search = soap.sales.TransactionSearch(basic=soap.common.TransactionSearchBasic(internalId=wanted))

    record = soap.call("search", searchRecord=search).searchResult.recordList.record[0]

    assert (invoice, None, None) == (record.internalId, record.amountRemaining, record.itemList)


def test_a_search_by_last_change_finds_what_changed_since(own: Account, soap: Soap) -> None:
    own.invoice(own.customer())

    def found(since: datetime) -> int:
        changed = {"operator": "onOrAfter", "searchValue": since}
        basic = soap.common.TransactionSearchBasic(lastModifiedDate=changed)
        return int(soap.call("search", searchRecord=basic).searchResult.totalRecords)

    assert [1, 0] == [found(datetime(2026, 11, 23, hour, tzinfo=UTC)) for hour in (9, 10)]


def test_a_search_that_is_not_played_says_so(soap: Soap) -> None:
    changed = {"operator": "within", "searchValue": datetime(2026, 11, 1, tzinfo=UTC)}

    basic = soap.common.TransactionSearchBasic(lastModifiedDate=changed)
    status = soap.call("search", searchRecord=basic).searchResult.status

    assert (False, True) == (status.isSuccess, "lastModifiedDate" in status.statusDetail[0].message)


def test_a_page_that_is_not_there_is_a_fault(soap: Soap) -> None:
    with pytest.raises(Fault) as caught:
        soap.call("searchMoreWithId", searchId="unknown", pageIndex=1)

    assert ("unexpectedErrorFault", "INVALID_PAGE_INDEX") == fault_code(caught.value)


# ---- faults at their stages ----


@pytest.mark.parametrize(
    "kind, committed",
    [
        ("timeout_before", False),
        ("timeout_after", True),
        ("drop_before", False),
        ("drop_after", True),
        ("cut_after", True),
        ("unreadable_after", True),
        ("maintenance", False),
        ("server_error", False),
        ("too_many", False),
        ("unauthorized", False),
    ],
)
def test_a_fault_commits_or_not_as_its_name_says(own: Account, soap: Soap, kind: str, committed: bool) -> None:
    payment = soap.payment(own.customer(), "10.00", externalId="arc-1")
    own.fault(kind, "addList", seconds=0.2)  # type: ignore[arg-type]

    # What a client sees differs by kind: a fault, a cut connection, or an answer that is no XML.
    with pytest.raises((Fault, TransportError, requests.RequestException, XMLSyntaxError)):
        soap.add(payment)

    assert committed == bool(own.payments())
    assert [not committed] == [one.ok for one in soap.add(payment)], "the retry creates it only if it was not there"
    assert 1 == len(own.payments())


@pytest.mark.parametrize(
    "kind, element, code",
    [
        ("too_many", "exceededConcurrentRequestLimitFault", "WS_REQUEST_BLOCKED"),
        ("server_error", "unexpectedErrorFault", "UNEXPECTED_ERROR"),
        ("unauthorized", "invalidCredentialsFault", "INVALID_LOGIN_CREDENTIALS"),
    ],
)
def test_a_fault_that_has_words_says_the_vendors(own: Account, soap: Soap, kind: str, element: str, code: str) -> None:
    own.fault(kind)  # type: ignore[arg-type]

    with pytest.raises(Fault) as caught:
        soap.get(soap.ref("invoice", "1"))

    assert (element, code) == fault_code(caught.value)


@pytest.mark.parametrize(
    "kind, more, expected",
    [
        ("record_refused", {"record": 1, "code": "RCRD_LOCKED_BY_WF"}, ["", "RCRD_LOCKED_BY_WF", ""]),
        ("record_changed", {"record": 2}, ["", "", "RCRD_HAS_BEEN_CHANGED"]),
        ("partial_list", {}, ["", "USER_ERROR", "USER_ERROR"]),
        ("period_closed", {}, ["TRAN_PERIOD_CLOSED"] * 3),
        ("after_submit_failed", {"record": 0}, ["UNEXPECTED_ERROR", "", ""]),
    ],
)
def test_a_fault_may_hit_single_records_of_a_list(
    own: Account, soap: Soap, kind: str, more: dict[str, object], expected: list[str]
) -> None:
    customer = own.customer()
    own.fault(kind, "addList", **more)  # type: ignore[arg-type]

    statuses = soap.add(*(soap.payment(customer, "10.00", externalId=f"arc-{number}") for number in range(3)))

    assert expected == [one.code for one in statuses]
    made = {one["external_id"] for one in own.payments()}
    assert made == {one.external_id for one in statuses if one.internal_id}


def test_a_failed_after_submit_script_leaves_the_record_saved(own: Account, soap: Soap) -> None:
    own.fault("after_submit_failed")

    status = soap.add(soap.payment(own.customer(), "10.00", externalId="arc-1"))[0]

    assert (False, True, True) == (status.ok, status.after_submit_failed, bool(status.internal_id))
    assert ["arc-1"] == [one["external_id"] for one in own.payments()]
