"""What the tests of bank statements share: an account, small statements in each format, and a source on a folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from connector.adapters.bank_statement import BankStatementMapping, BankStatements, BankStatementSettings
from connector.ports import PaymentRead
from connector.receivables import Payment

IBAN = "DE89370400440532013000"
NOW = datetime(2026, 11, 6, 9, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Berlin")

CSV_COLUMNS = {
    "id": ["Ref"],
    "booked_on": "Booked",
    "value_on": "Value",
    "amount": "Amount",
    "balance": "Balance",
    "payer_name": "Name",
    "text": ["Purpose"],
}


def own(**more: Any) -> dict[str, Any]:
    return {"number": IBAN, "currency": "EUR", "ledger_account": "221", "cutover_on": "2026-10-01"} | more


def mapping(*accounts: dict[str, Any], **more: Any) -> BankStatementMapping:
    return BankStatementMapping.model_validate({"accounts": accounts or (own(),)} | more)


def csv_mapping(**columns: Any) -> BankStatementMapping:
    """An account whose CSV has the columns above."""
    profile = {"name": "plain", "columns": {k: v for k, v in (CSV_COLUMNS | columns).items() if v}}
    return mapping(own(csv_profile="plain", csv_files="*.csv"), csv_profiles=[profile])


class Fixed:
    """A clock that stands still."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def source(folder: Path, by: BankStatementMapping | None = None, **settings: Any) -> BankStatements:
    given = BankStatementSettings(folder, is_test=True, **settings)
    return BankStatements(given, by or mapping(), ZONE, Fixed())


def put(folder: Path, name: str, content: str | bytes, at: datetime = datetime(2026, 11, 5, tzinfo=UTC)) -> Path:
    """A file that was there long before NOW."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


def read(folder: Path, by: BankStatementMapping | None = None, cursor: str = "") -> PaymentRead:
    return source(folder, by).read_changed(cursor, NOW)


def amounts(payments: Sequence[Payment]) -> list[str]:
    """What came, smallest first."""
    return [str(one.amount) for one in sorted(payments, key=lambda one: (one.amount.minor, one.id))]


# ---- small statements ----

Row = tuple[str, str, str]  # signed amount, bank reference, text


def mt940(
    day: str,
    opening: str,
    rows: Sequence[Row],
    *,
    closing: str = "",
    number: str = "1",
    account: str = IBAN,
    value: str = "",
) -> str:
    """A plain MT940 of one day (YYMMDD) in EUR; the closing balance follows from the rows unless it is given."""
    end = closing or str(Decimal(opening) + sum(Decimal(amount) for amount, _, _ in rows))
    lines = [":20:S", f":25:{account}", f":28C:{number}", f":60F:{_balance(day, opening)}"]
    for amount, reference, text in rows:
        bank = f"//{reference}" if reference else ""
        side = "D" if amount.startswith("-") else "C"
        lines.append(f":61:{value or day}{day[2:]}{side}{_comma(amount)}NTRFNONREF{bank}")
        lines.append(f":86:{text}")
    return "\n".join([*lines, f":62F:{_balance(day, end)}", "-", ""])


def _balance(day: str, amount: str) -> str:
    return f"{'D' if amount.startswith('-') else 'C'}{day}EUR{_comma(amount)}"


def _comma(amount: str) -> str:
    return amount.lstrip("-").replace(".", ",") + ("" if "." in amount else ",")


def camt(
    entries: str, *, opening: str = "100.00", closing: str = "", currency: str = "EUR", version: str = "08",
    on: str = "2026-11-02", root: str = "BkToCstmrStmt/Stmt", balances: str | None = None, number: str = "7",
) -> str:  # fmt: skip
    """A camt message around these entries."""
    outer, inner = root.split("/")
    if balances is None:
        balances = _camt_balance("OPBD", opening, currency, on)
        balances += _camt_balance("CLBD", closing or opening, currency, on)
    namespace = f"urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="{namespace}">'
        f"<{outer}><GrpHdr><MsgId>M</MsgId><CreDtTm>{on}T18:00:00</CreDtTm></GrpHdr><{inner}><Id>S{number}</Id>"
        f"<ElctrncSeqNb>{number}</ElctrncSeqNb><CreDtTm>{on}T18:00:00</CreDtTm>"
        f"<Acct><Id><IBAN>{IBAN}</IBAN></Id><Ccy>{currency}</Ccy></Acct>{balances}{entries}</{inner}></{outer}></Document>"
    )


def _camt_balance(kind: str, amount: str, currency: str, on: str) -> str:
    side = "DBIT" if amount.startswith("-") else "CRDT"
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">{amount.lstrip("-")}</Amt>'
        f"<CdtDbtInd>{side}</CdtDbtInd><Dt><Dt>{on}</Dt></Dt></Bal>"
    )


def entry(
    amount: str, details: str = "", *, currency: str = "EUR", status: str = "<Sts><Cd>BOOK</Cd></Sts>", more: str = "",
    on: str = "2026-11-02", value_on: str = "", reference: str = "",
) -> str:  # fmt: skip
    """One Ntry; `more` stands between the dates and the details."""
    side = "DBIT" if amount.startswith("-") else "CRDT"
    own = f"<AcctSvcrRef>{reference}</AcctSvcrRef>" if reference else ""
    return (
        f'<Ntry><Amt Ccy="{currency}">{amount.lstrip("-")}</Amt><CdtDbtInd>{side}</CdtDbtInd>{status}'
        f"<BookgDt><Dt>{on}</Dt></BookgDt><ValDt><Dt>{value_on or on}</Dt></ValDt>{own}{more}"
        f"<NtryDtls>{details}</NtryDtls></Ntry>"
    )


def bai2(
    *records: str, day: str = "261102", currency: str = "USD", modifier: str = "2", account: str = "123456789"
) -> str:
    """A file of one account around its 03 (after the account's number and currency), 16 and 88 records.

    The trailers are right by their own rule: sum of all amounts of 03 and 16, count of records.
    """
    head, *rest = records
    inner = [f"03,{account},{currency},{head}", *rest]
    total = sum(_bai_amounts(inner))
    inner.append(f"49,{total},{len(inner) + 1}/")
    group = [f"02,RCV,BANK,1,{day},2359,{currency},{modifier}/", *inner]
    group.append(f"98,{total},1,{len(group) + 1}/")
    file = [f"01,BANK,RCV,{day},2359,1,80,,2/", *group]
    file.append(f"99,{total},1,{len(file) + 1}/")
    return "\n".join(file) + "\n"


def _bai_amounts(records: Sequence[str]) -> list[int]:
    """The amounts of the account's record, four fields each without funds details, and those of 16 records."""
    head = records[0].rstrip("/")
    for record in records[1:]:
        if not record.startswith("88,"):
            break
        head += "," + record.removeprefix("88,").rstrip("/")
    fields = head.split(",")[3:]
    found = [int(fields[at + 1] or 0) for at in range(0, len(fields) - 1, 4)]
    return found + [int(record.split(",")[2].rstrip("/") or 0) for record in records if record.startswith("16,")]
