"""The query function: the schema's rules, conditions, order, pages, privacy; and the legacy ways to read."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intacct_company import Company, created, equal, ordered, query, updated
from lxml import etree

from sandbox.intacct.legacy_query import read_condition
from sandbox.intacct.query import AGGREGATES, OPERATORS, Condition, Group, objection
from sandbox.intacct.refusal import Refusal

CONTRACTS = Path(__file__).resolve().parents[2] / ".." / "shared" / "contracts" / "intacct"
SCHEMA = CONTRACTS / "query-function.xsd"
FIELD_LISTS = CONTRACTS / "query-object-fields.json"


# ---- the rules that are written out, held against the schema itself ----

NUMBERS = st.sampled_from(["", "1", " 7 ", "+5", "2000", "2001", "0", "-1", "1.0", "x"])
FLAGS = st.sampled_from(["", "true", "false", " 1 ", "0", "TRUE", "yes"])
RARELY = st.integers(0, 24).map(lambda draw: draw == 0)


def element(tag: str, inside: list[Any] | str, wrong: bool = False) -> Any:
    """`wrong` puts something into it that no rule allows there."""
    made = etree.Element(tag)
    if isinstance(inside, str):
        made.text = inside
    else:
        made.extend(inside)
    if wrong:
        made.set("because", "x") if isinstance(inside, str) else made.append(etree.Element("other"))
    return made


def made_of(tag: str, inside: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(element, st.just(tag), inside, RARELY)


FIELD = made_of("field", st.just("RECORDNO"))


def condition(name: str, field: Any, count: int, off_by: int) -> Any:
    values = [element("value", str(place)) for place in range(max(0, count + off_by))]
    return element(name, [field, *values])


CONDITIONS = st.sampled_from(sorted(OPERATORS)).flatmap(
    lambda name: st.builds(
        condition,
        st.just(name),
        FIELD,
        st.integers(OPERATORS[name][0], min(3, OPERATORS[name][1])),
        st.sampled_from([0] * 12 + [1, -1]),
    )
)
FILTERS = st.recursive(
    CONDITIONS,
    lambda inner: st.sampled_from(["and", "or"]).flatmap(
        lambda name: made_of(name, st.lists(inner, min_size=1, max_size=4))
    ),
    max_leaves=6,
)
WAYS = st.sampled_from(["ascending", "descending", "other"]).map(etree.Element)
ORDERS = made_of("order", st.builds(lambda field, ways: [field, *ways], FIELD, st.lists(WAYS, max_size=2)))
OPTIONS = st.sampled_from(
    [
        (),
        ("caseinsensitive",),
        ("showprivate",),
        ("caseinsensitive", "showprivate"),
        ("caseinsensitive", "showprivate", "returnformat"),
        ("showprivate", "caseinsensitive"),
        ("showprivate", "showprivate"),
    ]
).flatmap(lambda names: st.tuples(*(made_of(name, FLAGS) for name in names)).map(list))
PARTS = {
    "docparid": st.just("Sales Order"),
    "pagesize": NUMBERS,
    "offset": NUMBERS,
    "orderby": st.lists(ORDERS, min_size=1, max_size=2),
    "options": OPTIONS,
    "filter": st.lists(FILTERS, min_size=1, max_size=1),
}
SELECT = made_of(
    "select",
    st.lists(
        st.sampled_from(["field", *AGGREGATES]).map(lambda name: element(name, "RECORDNO")), min_size=1, max_size=3
    ),
)
QUERIES = (
    st.lists(st.sampled_from(sorted(PARTS)), max_size=3, unique=True)
    .flatmap(lambda names: st.tuples(made_of("object", st.just("A")), SELECT, *(made_of(n, PARTS[n]) for n in names)))
    .flatmap(st.permutations)
    .flatmap(lambda parts: made_of("query", st.just(parts)))
)


@pytest.mark.skipif(not SCHEMA.is_file(), reason="the vendor's schema of the query function is not on this machine")
@settings(max_examples=400, deadline=None)
@given(QUERIES)
def test_the_rules_say_of_every_query_what_the_schema_says(asked: Any) -> None:
    schema = etree.XMLSchema(etree.parse(SCHEMA))
    sent = etree.fromstring(etree.tostring(asked))

    assert schema.validate(sent) == (objection(sent) == ""), (etree.tostring(sent), schema.error_log)


@pytest.mark.parametrize("count", [1000, 1001])
def test_in_takes_a_thousand_values(count: int) -> None:
    values = [element("value", str(place)) for place in range(count)]
    wanted = element("filter", [element("in", [element("field", "RECORDNO"), *values])])

    problem = objection(element("query", [element("object", "A"), element("select", [element("field", "B")]), wanted]))

    assert (problem == "") is (count == 1000)


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ("<pagesize>2001</pagesize>", ""),
        ("<offset>-1</offset>", ""),
        ("<limit>5</limit>", ""),
        ("", equal("RECORDNO", "1") + equal("RECORDNO", "2")),
        ("", f"<and>{equal('RECORDNO', '1')}</and>"),
        ("", "<between><field>RECORDNO</field><value>1</value></between>"),
    ],
)
def test_what_the_schema_forbids_is_refused_over_http(company: Company, more: str, where: str) -> None:
    result = company.ask(query("ARINVOICE", "RECORDNO", where=where, more=more)).results[0]

    assert ("failure", "DL02000001") == (result.status, result.errors[0][0])


# ---- what is asked for ----


@pytest.mark.parametrize(
    ("asked", "errorno", "text"),
    [
        (query("VENDOR9", "RECORDNO"), "Query Failed", "Object definition VENDOR9 not found"),
        (query("ARINVOICE", "NOSUCH"), "DL02000001", "Field NOSUCH is not found in object ARINVOICE."),
        (query("ARINVOICE", "*"), "DL02000001", "Field * is not found in object ARINVOICE."),
        (query("ARINVOICE", "RECORDNO", where=equal("STATE", "A")), "DL02000001", "'A' is not a value for STATE."),
        (
            query("ARINVOICE", "RECORDNO", where=equal("WHENDUE", "2026-11-23")),
            "DL02000001",
            "is not a value for WHENDUE",
        ),
    ],
)
def test_what_is_not_there_is_refused(company: Company, asked: str, errorno: str, text: str) -> None:
    result = company.ask(asked).results[0]

    assert "failure" == result.status
    assert errorno == result.errors[0][0]
    assert text in result.errors[0][1]


@pytest.fixture
def records(company: Company) -> Company:
    """Twelve custom records; the tenth has no text, the eleventh an empty one, the twelfth other letters."""
    for place in range(1, 10):
        company.do(created("arc_receipt", name=f"r_{place}", arc_text=f"text {place}", arc_state="closed"))
    company.do(created("arc_receipt", name="no text"))
    company.do(created("arc_receipt", name="empty", arc_text=""))
    company.do(created("arc_receipt", name="Große & <Söhne> 東京", arc_text="TEXT 1"))
    return company


def names(company: Company, where: str = "", more: str = "") -> list[str]:
    return sorted(row["name"] for row in company.query("arc_receipt", "name", where=where, more=more))


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (equal("name", "r_3"), ["r_3"]),
        (equal("name", "R_3"), []),
        (equal("name", "Große & <Söhne> 東京"), ["Große & <Söhne> 東京"]),
        ("<isnull><field>arc_text</field></isnull>", ["empty", "no text"]),
        (equal("arc_text", ""), []),
        (equal("name", "r__", "like"), ["r_1", "r_2", "r_3", "r_4", "r_5", "r_6", "r_7", "r_8", "r_9"]),
        (equal("name", "no%", "like"), ["no text"]),
        (equal("arc_text", "text%", "notlike"), ["Große & <Söhne> 東京"]),
        (equal("arc_text", "text 1", "notequalto"), [f"r_{n}" for n in range(2, 10)] + ["Große & <Söhne> 東京"]),
        ("<in><field>name</field><value>r_1</value><value>r_2</value><value>r_77</value></in>", ["r_1", "r_2"]),
        ("<between><field>name</field><value>r_2</value><value>r_4</value></between>", ["r_2", "r_3", "r_4"]),
        (f"<and>{equal('name', 'r_7', 'greaterthan')}{equal('arc_state', 'closed')}</and>", ["r_8", "r_9"]),
        (f"<or>{equal('name', 'r_7')}<isnull><field>arc_state</field></isnull></or>",
         ["Große & <Söhne> 東京", "empty", "no text", "r_7"]),
    ],
)  # fmt: skip
def test_conditions_mean_what_they_mean_in_the_vendors_database(records: Company, where: str, found: list[str]) -> None:
    """NULL is neither equal to anything nor different from it, an empty text is NULL, and like's _ is any character."""
    assert sorted(found) == names(records, where)


def test_case_is_ignored_only_when_asked(records: Company) -> None:
    ignoring = "<options><caseinsensitive>true</caseinsensitive></options>"

    assert [] == names(records, equal("name", "R\u005f3"))
    assert ["r_3"] == names(records, equal("name", "R_3"), ignoring)
    assert ["Große & <Söhne> 東京", "r_1"] == names(records, equal("arc_text", "Text 1"), ignoring)


# ---- order and pages ----


def test_without_orderby_the_order_differs_from_call_to_call(records: Company) -> None:
    asked = [tuple(row["name"] for row in records.query("arc_receipt", "name")) for _ in range(4)]

    assert len(set(asked)) > 1
    assert 1 == len({tuple(sorted(order)) for order in asked})


def test_a_page_says_how_many_there_are_and_how_many_remain(records: Company) -> None:
    page = records.do(query("arc_receipt", "id", more=ordered("id") + "<pagesize>5</pagesize><offset>5</offset>")).data

    assert {"listtype": "arc_receipt", "totalcount": "12", "offset": "5", "count": "5", "numremaining": "2"} == dict(
        page.attrib
    )


def test_offsets_miss_rows_when_data_changes_between_pages_and_keyset_paging_does_not(records: Company) -> None:
    more = ordered("id") + "<pagesize>6</pagesize>"
    first = [row["id"] for row in records.query("arc_receipt", "id", more=more)]
    records.do(f"<delete><object>arc_receipt</object><keys>{first[0]}</keys></delete>")

    by_offset = [row["id"] for row in records.query("arc_receipt", "id", more=more + "<offset>6</offset>")]
    by_key = [row["id"] for row in records.query("arc_receipt", "id", where=equal("id", first[-1], "greaterthan"))]

    assert 12 - 6 - 1 == len(by_offset)
    assert 12 - 6 == len(by_key)


def test_pages_by_offset_without_orderby_repeat_and_miss_rows(records: Company) -> None:
    pages = [
        records.query("arc_receipt", "id", more=f"<pagesize>4</pagesize><offset>{offset}</offset>")
        for offset in (0, 4, 8)
    ]

    seen = [row["id"] for page in pages for row in page]
    assert 12 == len(seen)
    assert 12 > len(set(seen))


def test_orderby_goes_both_ways_and_over_several_fields(records: Company) -> None:
    down = [
        row["name"] for row in records.query("arc_receipt", "name", more=ordered("arc_state", "name", way="descending"))
    ]

    assert ["no text", "empty", "Große & <Söhne> 東京", "r_9", "r_8"] == down[:5]


def test_sums_and_counts_are_grouped_by_the_plain_fields(company: Company) -> None:
    heron, lark = company.customer(), company.customer("Lark & Co")
    for number, customer, amount in (("I1", heron, "100.00"), ("I2", heron, "22.50"), ("I3", lark, "7.10")):
        company.invoice(customer, number, amount)

    rows = company.query("ARINVOICE", "CUSTOMERID", "<sum>TRX_TOTALDUE</sum>", "<count>RECORDNO</count>")

    assert sorted([(heron, "122.5", "2"), (lark, "7.1", "1")]) == sorted(tuple(row.values()) for row in rows)
    assert ["CUSTOMERID", "SUM.TRX_TOTALDUE", "COUNT.RECORDNO"] == list(rows[0])


# ---- kinds of fields ----


def test_fields_are_shown_as_the_vendor_shows_them(company: Company) -> None:
    record = company.invoice(company.customer(), "INV-1", "100.00", "22.50")

    row = company.query(
        "ARINVOICE", "RECORDID", "STATE", "WHENDUE", "TRX_TOTALDUE", "ARC_HOLD", "WHENMODIFIED", "AUWHENCREATED"
    )[0]

    assert {
        "RECORDID": "INV-1",
        "STATE": "Posted",
        "WHENDUE": "12/23/2026",
        "TRX_TOTALDUE": "122.5",
        "ARC_HOLD": "",
        "WHENMODIFIED": "11/23/2026 09:30:00",
        "AUWHENCREATED": "11/23/2026 02:30:00",
    } == row
    assert [] == company.query("ARINVOICE", "RECORDNO", where=equal("ARC_HOLD", "false"))
    assert 1 == len(company.query("ARINVOICE", "RECORDNO", where="<isnull><field>ARC_HOLD</field></isnull>"))
    read = company.do(f"<read><object>ARINVOICE</object><keys>{record}</keys><fields>ARC_HOLD</fields></read>")
    assert [{"ARC_HOLD": "false"}] == read.rows


def test_a_boolean_that_was_set_is_no_longer_null(company: Company) -> None:
    record = company.invoice(company.customer(), "INV-1", "100.00")
    company.do(updated("ARINVOICE", RECORDNO=record, ARC_HOLD="false"))

    assert ["false"] == [row["ARC_HOLD"] for row in company.query("ARINVOICE", "ARC_HOLD")]
    assert 1 == len(company.query("ARINVOICE", "RECORDNO", where=equal("ARC_HOLD", "false")))


def test_changes_are_found_by_when_they_were_made(company: Company) -> None:
    record = company.invoice(company.customer(), "INV-1", "100.00")
    company.invoice(company.customer("Lark"), "INV-2", "5.00")
    company.clock.move_to(company.clock() + timedelta(minutes=10))
    company.do(updated("ARINVOICE", RECORDNO=record, ARC_STATE="open"))

    since = equal("WHENMODIFIED", "11/23/2026 09:40:00", "greaterthanorequalto")

    assert [{"RECORDID": "INV-1"}] == company.query("ARINVOICE", "RECORDID", where=since)
    assert 2 == len(company.query("ARINVOICE", "RECORDID", where=equal("WHENMODIFIED", "11/23/2026", "greaterthan")))


def test_amounts_are_compared_as_amounts(company: Company) -> None:
    customer = company.customer()
    for number, amount in (("I1", "9.00"), ("I2", "100.00"), ("I3", "20.00")):
        company.invoice(customer, number, amount)

    above = company.query("ARINVOICE", "RECORDID", where=equal("TRX_TOTALDUE", "9.5", "greaterthan"))

    assert {"I2", "I3"} == {row["RECORDID"] for row in above}


# ---- by key, and the legacy ways ----


def test_read_gives_the_lines_that_a_record_owns(company: Company) -> None:
    record = company.invoice(company.customer(), "INV-1", "100.00", "22.50")

    found = company.do(f"<read><object>ARINVOICE</object><keys>{record},999999</keys><fields>*</fields></read>").data

    assert ("arinvoice", "1", ["arinvoice"]) == (found.get("listtype"), found.get("count"), [one.tag for one in found])
    lines = found[0].find("ARINVOICEITEMS")
    assert ["1", "2"] == [line.findtext("LINE_NO") for line in lines]


@pytest.mark.parametrize("count", [0, 101])
def test_read_takes_up_to_a_hundred_keys(company: Company, count: int) -> None:
    keys = ",".join(str(key) for key in range(1, count + 1))

    result = company.ask(f"<read><object>ARINVOICE</object><keys>{keys}</keys></read>").results[0]

    assert [("DL02000001", f"keys holds 1 to 100 keys, not {count}.")] == result.errors[:1]


def test_read_by_name_finds_a_custom_record(records: Company) -> None:
    found = records.do("<readByName><object>arc_receipt</object><keys>r_4</keys><fields>name</fields></readByName>")

    assert [{"name": "r_4"}] == found.rows


def test_read_by_query_pages_on_with_read_more_in_lower_case(company: Company) -> None:
    customer = company.customer()
    for number in range(5):
        company.invoice(customer, f"INV-{number}", "10.00")
    first = company.do(
        "<readByQuery><object>ARINVOICE</object><fields>RECORDID,STATE</fields><query>STATE = 'A'</query>"
        "<pagesize>2</pagesize></readByQuery>"
    ).data

    rest = company.do(f"<readMore><resultId>{first.get('resultId')}</resultId></readMore>").data
    last = company.do("<readMore><object>ARINVOICE</object></readMore>").data

    assert ["arinvoice", "2", "5", "3"] == [
        first.get(name) for name in ("listtype", "count", "totalcount", "numremaining")
    ]
    assert ["1", ""] == [rest.get("numremaining"), last.get("resultId")]
    assert 5 == len({one.findtext("RECORDID") for page in (first, rest, last) for one in page})
    assert {"A"} == {one.findtext("STATE") for page in (first, rest, last) for one in page}
    over = company.ask("<readMore><object>ARINVOICE</object></readMore>").results[0]
    assert "failure" == over.status


def test_a_legacy_condition_is_taken_apart() -> None:
    found = read_condition(r"NAME = 'Jane\'s Deli' AND (id in (1, 2) OR NOT STATUS IS NOT NULL) and X not like '%a'")

    assert (
        Group(
            "and",
            (
                Condition("equalto", "NAME", ("Jane's Deli",)),
                Group("or", (Condition("in", "id", ("1", "2")), Group("not", (Condition("isnotnull", "STATUS"),)))),
                Condition("notlike", "X", ("%a",)),
            ),
        )
        == found
    )


@pytest.mark.parametrize("text", ["NAME", "NAME =", "NAME = 'a", "NAME = 'a' OR", "(id = 1", "a.b = 1", "id = 1; x"])
def test_a_legacy_condition_that_is_unclear_is_refused(text: str) -> None:
    with pytest.raises(Refusal):
        read_condition(text)


# ---- lookup ----


def test_lookup_tells_fields_labels_and_types(company: Company) -> None:
    found = company.do("<lookup><object>ARINVOICE</object></lookup>").data.find("Type")

    fields = {field.findtext("ID"): field for field in found.iterfind("Fields/Field")}
    assert ("ARINVOICE", "") == (found.get("Name"), found.get("DocumentType"))
    assert ("BOOLEAN", "true") == (fields["ARC_HOLD"].findtext("DATATYPE"), fields["ARC_HOLD"].findtext("ISCUSTOM"))
    assert "Partially Paid" in [value.text for value in fields["STATE"].iter("VALIDVALUE")]


@pytest.mark.skipif(not FIELD_LISTS.is_file(), reason="the saved field lists are not on this machine")
@pytest.mark.parametrize("kind", ["ARINVOICE", "ARINVOICEITEM", "ARPYMT", "CUSTOMER", "CHECKINGACCOUNT"])
def test_lookup_knows_most_of_what_real_companies_were_asked_for(company: Company, kind: str) -> None:
    """The lists are of fields that the query function of real companies took; dimensions and modules that this company
    does not have may be missing."""
    wanted = json.loads(FIELD_LISTS.read_text())[kind]
    found = {field.text for field in company.do(f"<lookup><object>{kind}</object></lookup>").data.iter("ID")}

    known = [name for name in wanted if name in found]
    assert len(known) >= len(wanted) * 0.6, sorted(set(wanted) - found)
    assert {"RECORDNO"} <= set(known)


def test_lookup_follows_what_people_take_away(company: Company) -> None:
    company.books.remove_field("ARC_HOLD")

    found = company.do("<lookup><object>ARINVOICE</object></lookup>").data

    assert "ARC_HOLD" not in [field.text for field in found.iter("ID")]
    assert "failure" == company.ask(query("ARINVOICE", "ARC_HOLD")).statuses[0]
    assert "failure" == company.ask("<lookup><object>arc_nothing</object></lookup>").statuses[0]


# ---- private entities and permissions ----


def test_what_belongs_to_an_entity_is_seen_from_there_or_when_asked_for(company: Company) -> None:
    company.books.add_entity("E100", "Harbour East")
    company.books.add_entity("E200", "Harbour West")
    customer = company.customer()
    for number, entity in (("I0", ""), ("I1", "E100"), ("I2", "E200")):
        lines = [{"amount": "10.00"}]
        company.books.add_invoice(
            customer, number, company.clock().date(), company.clock().date(), lines=lines, entity=entity
        )
    private = "<options><showprivate>true</showprivate></options>"

    def seen(more: str = "", location: str | None = None) -> list[str]:
        return sorted(row["RECORDID"] for row in company.query("ARINVOICE", "RECORDID", more=more, location=location))

    assert ["I0"] == seen()
    assert ["I0", "I1", "I2"] == seen(private)
    assert ["I0", "I1"] == seen(location="E100")
    assert ["I0", "I1"] == seen(private, location="E100")


@pytest.mark.parametrize("shows", [True, False])
def test_a_read_by_key_at_the_top_shows_what_belongs_to_an_entity_or_not(company: Company, shows: bool) -> None:
    company.books.at_the_door.read_shows_private = shows
    company.books.add_entity("E100", "Harbour East")
    today = company.clock().date()
    company.books.add_invoice(
        company.customer(), "I1", today, today, lines=[{"amount": "10.00"}], entity="E100", currency="USD"
    )
    record = company.query("ARINVOICE", "RECORDNO", location="E100")[0]["RECORDNO"]
    body = f"<read><object>ARINVOICE</object><keys>{record}</keys><fields>RECORDID</fields></read>"

    assert ["1" if shows else "0", "1"] == [
        company.do(body, **where).data.get("count") for where in ({}, {"location": "E100"})
    ]


def test_a_permission_that_is_lacking_is_a_refusal(company: Company) -> None:
    company.books.revoke("ARINVOICE")

    refused = company.ask(query("ARINVOICE", "RECORDNO")).results[0]

    assert ("failure", "BL01001973") == (refused.status, refused.errors[0][0])
    assert "permission" in refused.errors[0][1]
