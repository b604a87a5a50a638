"""Damaged files: whatever a file holds, it is read, or refused with a reason; nothing else ever happens."""

from __future__ import annotations

from datetime import date

import pytest
from bank_cases import IBAN, bai2, camt, csv_mapping, entry, mt940
from hypothesis import given
from hypothesis import strategies as st

from connector.adapters import bank_statement_book as books
from connector.adapters.bank_statement_folder import parsed
from connector.adapters.bank_statement_mapping import OwnAccount
from connector.adapters.bank_statement_values import Contents, Unreadable

BY = csv_mapping()
[ACCOUNT] = BY.accounts
DETAILS = (
    "<TxDtls><Refs><EndToEndId>E</EndToEndId></Refs><Amt Ccy='EUR'>20.00</Amt><RltdPties><Dbtr><Nm>A</Nm></Dbtr>"
    "</RltdPties><RmtInf><Ustrd>INV-1</Ustrd></RmtInf></TxDtls><TxDtls><Amt Ccy='EUR'>30.00</Amt></TxDtls>"
)
STRUCTURED = "166?00X?20EREF+E?21SVWZ+INV-1?30BIC?31DE1?32ACME"
WHOLE = {
    "a.xml": camt(entry("50.00", DETAILS, reference="R1") + entry("-5.00"), closing="145.00"),
    "b.sta": mt940("261102", "100.00", [("50.00", "R1", STRUCTURED), ("-5.00", "", "/REMI/x/")]),
    "c.bai": bai2("010,10000,,,015,15000,,/", "16,195,5000,V,261102,1200,R1,C1,ORG=ACME;", "88,INV-1/"),
    "d.csv": (
        "Ref,Booked,Value,Amount,Balance,Name,Purpose\nR1,2026-11-02,,50.00,150.00,Acme,INV-1\n"
        "R2,2026-11-02,,-5.00,145.00,,\n"
    ),
}
SIGNS = st.sampled_from([*b"0123456789,.:/?+-<>&;\"'\n\r\t {}ABCDNSRV\0\x80\xff"])


def own(name: str) -> OwnAccount:
    """Whose account the file of that name is about."""
    american = {"currency": "USD", "number": "123456789"}
    return OwnAccount.model_validate(ACCOUNT.model_dump() | (american if name == "c.bai" else {}))


def read(raw: bytes, name: str) -> frozenset[books.Line]:
    """What counts of it, read as the source does; nothing if it is refused."""
    try:
        contents = parsed(raw, name, BY)
    except Unreadable:
        return frozenset()
    return frozenset(books.read(own(name), contents.statements).lines)


@pytest.mark.parametrize("name", WHOLE)
def test_each_whole_file_is_read(name: str) -> None:
    contents: Contents = parsed(WHOLE[name].encode(), name, BY)

    assert ((), 1) == (contents.broken, len(contents.statements))
    assert date(2026, 11, 2) == contents.statements[0].closing_on
    assert contents.statements[0].account in (IBAN, "123456789")


@pytest.mark.parametrize("name", WHOLE)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(name: str, data: st.DataObject) -> None:
    raw = bytearray(WHOLE[name].encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        match data.draw(st.sampled_from(["set", "insert", "delete", "cut", "twice"])):
            case "set":
                raw[at] = data.draw(SIGNS)
            case "insert":
                raw[at:at] = bytes(data.draw(st.lists(SIGNS, max_size=6)))
            case "delete":
                del raw[at : at + data.draw(st.integers(1, 40))]
            case "cut":
                raw = raw[: at + 1]
            case "twice":
                raw += raw[at : at + data.draw(st.integers(1, 400))]
        if not raw:
            break
    read(bytes(raw), name)


@pytest.mark.parametrize("start", [b"<", b"01,", b":20:", b"{1:", b""], ids=["xml", "bai2", "mt940", "swift", "csv"])
@given(rest=st.binary(max_size=400))
def test_what_only_begins_like_a_statement_is_refused_or_empty(start: bytes, rest: bytes) -> None:
    assert frozenset() == read(start + rest, "x.csv")


@pytest.mark.parametrize("name", ["a.xml", "b.sta", "c.bai"])
def test_a_file_cut_anywhere_counts_for_nothing_or_as_a_whole(name: str) -> None:
    """A CSV has no end: only the next file's opening balance shows that its last lines were cut off."""
    raw = WHOLE[name].encode()
    whole = read(raw, name)

    assert 2 <= len(whole) or name == "c.bai"
    assert {frozenset(), whole} == {read(raw[:end], name) for end in range(1, len(raw) + 1)}
