"""camt.053 (ISO 20022) -> statements; camt.052 as reports of an unfinished day, camt.054 only as a notice.

Versions differ in small things that are all accepted (their schemas, compared on 2026-11-23): a BIC is called BICFI
from .03 on; from .07 on the status of an entry lies in an element of its own, and a party's name one level deeper. So
the namespace is left aside and the element names decide.

A file from outside may be hostile: no DTD, no entities, no network, and lxml's own bounds on depth and size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

from lxml import etree

from connector.adapters.bank_statement_values import (
    Broken,
    Contents,
    Entry,
    Format,
    Statement,
    Unfinished,
    Unreadable,
    amount,
    fingerprint,
    is_reference,
    lines,
    unwrapped,
)
from connector.money import Money

Element = etree._Element

STATEMENT, REPORT, NOTICE = "BkToCstmrStmt/Stmt", "BkToCstmrAcctRpt/Rpt", "BkToCstmrDbtCdtNtfctn"
TEXT_WIDTH = 140  # of one Ustrd; a longer text goes on in the next one
BOOKED, PENDING, INFORMATION = "BOOK", frozenset({"PDNG", "FUTR"}), "INFO"
# Domain/family/sub-family of the bank transaction code, the longest that fits first (external code sets of ISO 20022).
METHODS = (
    ("PMNT/RCDT/ESCT", "ach"),  # a SEPA transfer arrives in full: no bank on the way keeps a fee
    ("PMNT/RCDT/ACDT", "ach"),
    ("PMNT/RCDT/ATXN", "ach"),
    ("PMNT/RCDT", "wire"),
    ("PMNT/RRCT", "ach"),  # real-time transfers go through clearing as well
    ("PMNT/IDDT", "ach"),
    ("PMNT/RDDT", "ach"),
    ("PMNT/RCHQ", "check"),
    ("PMNT/LBOX", "check"),
)
# A credit that came back: sub-families for returned transfers, unpaid debits and cheques.
RETURNS = frozenset({"RRTN", "ARET", "UPDD", "PRDD", "UPCQ", "RPCR"})


def read(raw: bytes) -> Contents:
    """Unreadable if it is no camt message, or one that may not be trusted."""
    root = _parsed(raw)
    if root.find(NOTICE) is not None:
        return Contents(notice="camt.054")
    statements, broken = [], []
    for element, is_final in [(one, True) for one in root.iterfind(STATEMENT)] + [
        (one, False) for one in root.iterfind(REPORT)
    ]:
        account = _text(element, "Acct/Id/IBAN") or _text(element, "Acct/Id/Othr/Id")
        number = _text(element, "ElctrncSeqNb") or _text(element, "LglSeqNb") or _text(element, "Id")
        try:
            statements.append(_statement(element, root, account, number, is_final))
        except Unreadable as error:
            broken.append(Broken(account, number, str(error)))
    if not statements and not broken:
        raise Unreadable("it is XML, but no camt.052 or camt.053 with a statement in it")
    return Contents(tuple(statements), tuple(broken))


def _parsed(raw: bytes) -> Element:
    # Without comments, or one inside of an element would end its text.
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as error:
        raise Unfinished(f"it is not well-formed XML ({error.msg})") from None
    except ValueError:
        raise Unreadable("it is not XML that can be read") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise Unreadable("it has a DTD, which no statement of a bank has")
    for element in root.iter(etree.Element):
        element.tag = etree.QName(element).localname
    return root


def _statement(element: Element, root: Element, account: str, number: str, is_final: bool) -> Statement:
    balances = [_balance(one) for one in element.iterfind("Bal")]
    currency = _text(element, "Acct/Ccy") or next((money.currency for _, money, _ in balances), "")
    made_at = _instant(_text(element, "CreDtTm") or _text(root, "*/GrpHdr/CreDtTm"))
    if not account:
        raise Unreadable("it names no account")
    if not currency:
        raise Unreadable("it names no currency")
    opening, closing, closing_on = _ends(balances)
    closing_on = closing_on or _day(_text(element, "FrToDt/ToDtTm") or _text(element, "FrToDt/ToDt"))
    closing_on = closing_on or (made_at.date() if made_at else None)
    if closing_on is None:
        raise Unreadable("it does not say of which day it is")
    entries = tuple(_entries(element, currency, closing_on, is_final))
    page = _text(element, "StmtPgntn/PgNb") or _text(root, "*/GrpHdr/MsgPgntn/PgNb") or "1"
    last = _text(element, "StmtPgntn/LastPgInd") or _text(root, "*/GrpHdr/MsgPgntn/LastPgInd") or "true"
    if not page.isdecimal():
        raise Unreadable(f"{page[:20]!r} is no number of a page")
    return Statement(
        Format.CAMT, account, currency, number, closing_on, entries, opening, closing, is_final, made_at,
        pages=(int(page), last in ("true", "1")),
    )  # fmt: skip


Balance = tuple[str, Money, date | None]


def _balance(element: Element) -> Balance:
    kind = _text(element, "Tp/CdOrPrtry/Cd") or _text(element, "Tp/CdOrPrtry/Prtry")
    return kind, _signed(element), _dated(element, "Dt")


def _ends(balances: list[Balance]) -> tuple[Money | None, Money | None, date | None]:
    """Opening and closing booked balance. Pages in the middle have interim ones: the first opens, the last closes."""
    interim = [one for one in balances if one[0] == "ITBD"]
    opening = next((one for kind in ("OPBD", "PRCD") for one in balances if one[0] == kind), None)
    closing = next((one for one in balances if one[0] == "CLBD"), None)
    if opening is None and (len(interim) == 2 or closing is not None):
        opening = next(iter(interim), None)
    if closing is None and interim and interim[-1] is not opening:
        closing = interim[-1]
    return opening and opening[1], closing and closing[1], closing[2] if closing else None


def _entries(statement: Element, currency: str, closing_on: date, is_final: bool) -> Iterator[Entry]:
    for element in statement.iterfind("Ntry"):
        status = _text(element, "Sts/Cd") or _text(element, "Sts")
        if status == INFORMATION:
            continue
        if status != BOOKED and status not in PENDING:
            raise Unreadable(f"an entry has the status {status[:20]!r}, which is not known")
        yield _entry(element, currency, closing_on, is_booked=is_final and status == BOOKED)


def _entry(element: Element, currency: str, closing_on: date, is_booked: bool) -> Entry:
    money = _signed(element)
    if money.currency != currency:
        raise Unreadable(f"an entry is in {money.currency}, the account in {currency}")
    told_on = _dated(element, "BookgDt")
    booked_on = told_on or closing_on
    value_on = _dated(element, "ValDt") or booked_on
    details = element.findall("NtryDtls/TxDtls")
    reverses = _is_true(element, "RvslInd")
    frame = Entry(money, booked_on, value_on, is_booked, told_on is not None, code=_code(element), reverses=reverses)
    own = _own_reference(element)
    if len(details) <= 1:
        detail = details[0] if details else None
        return _told(frame, element, detail, own or _own_reference(detail), _text(element, "AddtlNtryInf"))
    parts = tuple(_part(frame, element, detail, own) for detail in details)
    if any(part is None for part in parts):
        return _held(frame, own, f"it is made of {len(details)} payments, and not each of them has an amount")
    known = tuple(part for part in parts if part is not None)
    total = Money.total((part.amount for part in known), currency)
    if total != money:
        return _held(frame, own, f"the {len(details)} payments that it is made of add up to {total}, not to {money}")
    return replace(frame, reference=own, parts=known)


def _held(frame: Entry, reference: str, problem: str) -> Entry:
    return replace(frame, reference=reference, problem=problem)


def _part(frame: Entry, element: Element, detail: Element, own: str) -> Entry | None:
    """One payment of several; None if its amount isn't told in the currency of the account."""
    given = detail.find("Amt")
    given = detail.find("AmtDtls/TxAmt/Amt") if given is None else given
    if given is None or given.get("Ccy") != frame.amount.currency:
        return None
    money = _money(given)
    side = _text(detail, "CdtDbtInd")
    is_debit = side == "DBIT" if side else frame.amount.minor < 0
    told = _text(detail, "Refs/TxId") or _text(detail, "Refs/InstrId")
    reference = _own_reference(detail) or (f"{own}/{told}" if own and told else "")
    part = replace(frame, amount=-money if is_debit else money, code=_code(detail) or frame.code)
    return _told(part, element, detail, reference, "")


def _told(frame: Entry, element: Element, detail: Element | None, reference: str, otherwise: str) -> Entry:
    """The entry with what the details say of payer and purpose; `otherwise` stands in where they say nothing."""
    code = frame.code or _code(detail)
    is_return = code.rpartition("/")[2] in RETURNS or (detail is not None and detail.find("RtrInf") is not None)
    is_credit = frame.amount.minor >= 0
    instructed = _instructed(element, detail, frame.amount)
    name, bank = _party(detail, "Dbtr" if is_credit else "Cdtr")
    return replace(
        frame,
        reference=reference,
        references=_references(element, detail),
        reverses=frame.reverses or is_return,
        instructed=instructed,
        code=code,
        method=next((method for start, method in METHODS if code.startswith(start)), ""),
        payer_name=name,
        payer_bank=bank,
        text=_purpose(detail, instructed) or lines(_text(detail, "AddtlTxInf") or otherwise),
        raw="".join((*(detail.itertext() if detail is not None else ()), otherwise)),
    )


def _purpose(detail: Element | None, instructed: Money | None) -> str:
    """What the payer says: free text, documents with the amounts meant for them, creditor reference, end-to-end id."""
    if detail is None:
        return ""
    structured = []
    for one in detail.iterfind("RmtInf/Strd"):
        for document in one.iterfind("RfrdDocInf"):
            paid = one.find("RfrdDocAmt/RmtdAmt")
            structured.append(f"{_text(document, 'Nb')} {paid.text or '' if paid is not None else ''}".strip())
        structured += [_text(one, "CdtrRefInf/Ref"), _text(one, "AddtlRmtInf")]
    end_to_end = _text(detail, "Refs/EndToEndId")
    return lines(
        unwrapped((one.text or "" for one in detail.iterfind("RmtInf/Ustrd")), TEXT_WIDTH),
        *structured,
        end_to_end if is_reference(end_to_end) else "",
        f"instructed amount {instructed}" if instructed else "",
    )


def _party(detail: Element | None, side: str) -> tuple[str, str]:
    """Name and fingerprint of the account of the other side."""
    name = _text(detail, f"RltdPties/{side}/Nm") or _text(detail, f"RltdPties/{side}/Pty/Nm")
    number = _text(detail, f"RltdPties/{side}Acct/Id/IBAN") or _text(detail, f"RltdPties/{side}Acct/Id/Othr/Id")
    agent = f"RltdAgts/{side}Agt/FinInstnId/"
    bank = next((text for part in ("BICFI", "BIC", "ClrSysMmbId/MmbId") if (text := _text(detail, agent + part))), "")
    return lines(name).replace("\n", " "), fingerprint(number, bank)


def _instructed(element: Element, detail: Element | None, money: Money) -> Money | None:
    """What the payer sent, if it is in our currency and not what arrived; never taken for what arrived."""
    for place in (detail, element):
        given = place.find("AmtDtls/InstdAmt/Amt") if place is not None else None
        if given is not None and given.get("Ccy") == money.currency:
            sent = _money(given)
            return sent if sent.minor != abs(money.minor) else None
    return None


def _own_reference(element: Element | None) -> str:
    """The bank's own reference of an entry or of one payment in it."""
    found = _text(element, "AcctSvcrRef") or _text(element, "Refs/AcctSvcrRef")
    return found if is_reference(found) else ""


def _references(element: Element, detail: Element | None) -> tuple[str, ...]:
    found = [_text(element, "NtryRef"), _text(element, "AcctSvcrRef")]
    for name in ("AcctSvcrRef", "EndToEndId", "TxId", "InstrId", "ClrSysRef", "UETR", "ChqNb"):
        found.append(_text(detail, f"Refs/{name}"))
    return tuple(dict.fromkeys(one for one in found if is_reference(one)))


def _code(element: Element | None) -> str:
    domain = [_text(element, f"BkTxCd/Domn/{part}") for part in ("Cd", "Fmly/Cd", "Fmly/SubFmlyCd")]
    return "/".join(part for part in domain if part) or _text(element, "BkTxCd/Prtry/Cd")


def _signed(element: Element) -> Money:
    """Amt with its currency, below zero for a debit."""
    given, side = element.find("Amt"), _text(element, "CdtDbtInd")
    if given is None or side not in ("CRDT", "DBIT"):
        raise Unreadable("a balance or an entry has no amount, or does not say whether it is a credit")
    money = _money(given)
    return -money if side == "DBIT" else money


def _money(element: Element) -> Money:
    return amount(element.text or "", element.get("Ccy") or "")


def _is_true(element: Element, path: str) -> bool:
    return _text(element, path) in ("true", "1")


def _dated(element: Element, path: str) -> date | None:
    return _day(_text(element, f"{path}/Dt") or _text(element, f"{path}/DtTm"))


def _day(text: str) -> date | None:
    """The day as the bank wrote it, in its own zone; None for none. A day may carry an offset of its own (xs:date)."""
    if not text:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise Unreadable(f"{text[:40]!r} is no day") from None


def _instant(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _text(element: Element | None, path: str) -> str:
    """The text at this path, '' if there is none."""
    return (element.findtext(path) or "").strip() if element is not None else ""
