"""How the false bank writes its statements: camt.053 and .052, MT940 and MT942, BAI2, CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from xml.sax.saxutils import escape

from sandbox.amounts import plain


@dataclass(frozen=True, slots=True)
class Booking:
    """One line of an account in minor units, above zero for money that came; `parts` for a batch."""

    key: str
    reference: str
    on: date
    value_on: date
    amount: int
    kind: str
    payer: str = ""
    payer_account: str = ""
    payer_bank: str = ""
    text: str = ""
    end_to_end: str = ""
    returns: str = ""  # the reference of what is given back
    parts: tuple[Booking, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """One statement as the bank knows it before it chooses a format."""

    account: str
    bank: str
    currency: str
    number: int
    on: date
    opening: int
    closing: int
    bookings: tuple[Booking, ...]
    announced: tuple[Booking, ...]
    interim: bool
    made_at: datetime
    version: str = "08"

    def money(self, units: int) -> str:
        return plain(abs(units), self.currency)


def file_name(sheet: Sheet, format: str) -> str:
    kind = "interim" if sheet.interim else "statement"
    stamp = f"-{sheet.made_at:%H%M}" if sheet.interim else ""
    return f"{kind}-{sheet.account[-4:]}-{sheet.on}-{sheet.number}{stamp}.{_ENDINGS[format]}"


# -- camt --------------------------------------------------------------------------------------------------------------

_CAMT_CODES = {
    "wire": ("RCDT", "XBCT"),
    "ach": ("RCDT", "ESCT"),
    "check": ("RCHQ", "CCHQ"),
    "payout": ("RCDT", "ESCT"),
    "interest": ("MCOP", "INTR"),
    "transfer": ("RCDT", "BOOK"),
    "fee": ("MDOP", "CHRG"),
    "return": ("RCDT", "RRTN"),
}


def camt(sheet: Sheet) -> bytes:
    message, body = ("052", "BkToCstmrAcctRpt/Rpt") if sheet.interim else ("053", "BkToCstmrStmt/Stmt")
    outer, inner = body.split("/")
    made = sheet.made_at.isoformat(timespec="seconds")
    iban = sheet.account[:2].isalpha()
    number = f"<IBAN>{sheet.account}</IBAN>" if iban else f"<Othr><Id>{sheet.account}</Id></Othr>"
    balances = "" if sheet.interim else _balance(sheet, "OPBD", sheet.opening) + _balance(sheet, "CLBD", sheet.closing)
    entries = [_entry(sheet, one, "BOOK") for one in sheet.bookings]
    entries += [_entry(sheet, one, "PDNG") for one in sheet.announced]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{message}.001.{sheet.version}"><{outer}>'
        f"<GrpHdr><MsgId>M{sheet.number}</MsgId><CreDtTm>{made}</CreDtTm></GrpHdr>\n"
        f"<{inner}><Id>S{sheet.number}</Id><ElctrncSeqNb>{sheet.number}</ElctrncSeqNb><CreDtTm>{made}</CreDtTm>"
        f"<FrToDt><FrDtTm>{sheet.on}T00:00:00</FrDtTm><ToDtTm>{sheet.on}T23:59:59</ToDtTm></FrToDt>"
        f"<Acct><Id>{number}</Id><Ccy>{sheet.currency}</Ccy></Acct>\n"
        f"{balances}{''.join(entries)}</{inner}></{outer}></Document>\n"
    ).encode()


def _side(units: int) -> str:
    return f"<CdtDbtInd>{'CRDT' if units >= 0 else 'DBIT'}</CdtDbtInd>"


def _balance(sheet: Sheet, kind: str, units: int) -> str:
    amount = f'<Amt Ccy="{sheet.currency}">{sheet.money(units)}</Amt>{_side(units)}'
    return f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>{amount}<Dt><Dt>{sheet.on}</Dt></Dt></Bal>\n"


def _entry(sheet: Sheet, booking: Booking, state: str) -> str:
    family, sub_family = _CAMT_CODES[booking.kind]
    code = f"<Cd>PMNT</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>{sub_family}</SubFmlyCd></Fmly>"
    status = f"<Cd>{state}</Cd>" if sheet.version >= "07" else state
    own = f"<AcctSvcrRef>{booking.reference}</AcctSvcrRef>" if booking.reference else ""
    details = "".join(_details(sheet, one, booking) for one in booking.parts or (booking,))
    batch = f"<Btch><NbOfTxs>{len(booking.parts)}</NbOfTxs></Btch>" if booking.parts else ""
    return (
        f"<Ntry>{_amount(sheet, booking)}<Sts>{status}</Sts>"
        f"<BookgDt><Dt>{booking.on}</Dt></BookgDt><ValDt><Dt>{booking.value_on}</Dt></ValDt>{own}"
        f"<BkTxCd><Domn>{code}</Domn></BkTxCd><NtryDtls>{batch}{details}</NtryDtls></Ntry>\n"
    )


def _amount(sheet: Sheet, one: Booking) -> str:
    return f'<Amt Ccy="{sheet.currency}">{sheet.money(one.amount)}</Amt>{_side(one.amount)}'


def _details(sheet: Sheet, one: Booking, entry: Booking) -> str:
    """One TxDtls: its own amount stands there in a batch, from .03 to .06 always, and in .02 in another place."""
    is_part = one is not entry
    own = f"<AcctSvcrRef>{one.reference}</AcctSvcrRef>" if is_part and one.reference else ""
    original = f"<TxId>{one.returns}</TxId>" if one.returns else ""
    amount = ""
    if sheet.version == "02" and is_part:
        amount = f'<AmtDtls><TxAmt><Amt Ccy="{sheet.currency}">{sheet.money(one.amount)}</Amt></TxAmt></AmtDtls>'
    elif sheet.version > "02" and (is_part or sheet.version < "07"):
        amount = _amount(sheet, one)
    texts = "".join(f"<Ustrd>{escape(one.text[at : at + 140])}</Ustrd>" for at in range(0, len(one.text), 140))
    said = f"<RmtInf>{texts}</RmtInf>" if texts else ""
    returned = "<RtrInf><Rsn><Cd>MS03</Cd></Rsn></RtrInf>" if one.kind == "return" else ""
    return (
        f"<TxDtls><Refs>{own}<EndToEndId>{escape(one.end_to_end or 'NOTPROVIDED')}</EndToEndId>{original}</Refs>"
        f"{amount}{_parties(sheet, one)}{said}{returned}</TxDtls>"
    )


def _parties(sheet: Sheet, one: Booking) -> str:
    """The other side; its name lies one level deeper from .07 on, its bank's code is called BICFI from .03 on."""
    side = "Dbtr" if one.amount >= 0 else "Cdtr"
    name = f"<Nm>{escape(one.payer)}</Nm>"
    name = f"<Pty>{name}</Pty>" if sheet.version >= "07" else name
    people = f"<{side}>{name}</{side}>" if one.payer else ""
    people += f"<{side}Acct><Id><IBAN>{one.payer_account}</IBAN></Id></{side}Acct>" if one.payer_account else ""
    code = "BIC" if sheet.version < "03" else "BICFI"
    bank = f"<FinInstnId><{code}>{one.payer_bank}</{code}></FinInstnId>"
    agents = f"<RltdAgts><{side}Agt>{bank}</{side}Agt></RltdAgts>" if one.payer_bank else ""
    return (f"<RltdPties>{people}</RltdPties>" if people else "") + agents


# -- MT940 -------------------------------------------------------------------------------------------------------------

_MT_CODES = {
    "wire": ("S103", "202"),
    "ach": ("NTRF", "166"),
    "check": ("NCHK", "070"),
    "payout": ("NTRF", "166"),
    "interest": ("NINT", "814"),
    "transfer": ("NTRF", "820"),
    "fee": ("NCHG", "808"),
    "return": ("NRTI", "159"),
}


def mt940(sheet: Sheet) -> bytes:
    """German structured :86:, lines of 65 characters, in one frame of a SWIFT message; MT942 for an interim report."""
    day = f"{sheet.on:%y%m%d}"
    lines = [
        f"{{1:F01{sheet.bank}AXXX0000000000}}{{2:O9400000{day}}}{{4:",
        f":20:{day}{sheet.number:06d}"[:20],
        f":25:{sheet.account}",
        f":28C:{sheet.number:05d}/001",
    ]
    if sheet.interim:
        lines += [f":34F:{sheet.currency}0,", f":13D:{sheet.made_at:%y%m%d%H%M}+0000"]
    else:
        lines.append(f":60F:{_mt_balance(sheet, sheet.opening, day)}")
    for booking in sheet.bookings:
        lines += _mt_entry(sheet, booking, "")
    for booking in sheet.announced if sheet.interim else ():
        lines += _mt_entry(sheet, booking, "E")
    if sheet.interim:
        lines += [f":90D:0{sheet.currency}0,", f":90C:{len(sheet.bookings)}{sheet.currency}0,"]
    else:
        lines.append(f":62F:{_mt_balance(sheet, sheet.closing, day)}")
        lines.append(":86:THANK YOU FOR BANKING WITH US")
    return ("\r\n".join([*lines, "-}"]) + "\r\n").encode()


def _mt_amount(sheet: Sheet, units: int) -> str:
    text = sheet.money(units).replace(".", ",")
    return text if "," in text else f"{text},"


def _mt_balance(sheet: Sheet, units: int, day: str) -> str:
    return f"{'C' if units >= 0 else 'D'}{day}{sheet.currency}{_mt_amount(sheet, units)}"


def _mt_entry(sheet: Sheet, booking: Booking, expected: str) -> Iterator[str]:
    """One :61: for each payment: MT940 has no batches."""
    for one in booking.parts or (booking,):
        swift, business = _MT_CODES[one.kind]
        mark = "RC" if one.kind == "return" else expected + ("C" if one.amount >= 0 else "D")
        bank = f"//{one.reference}" if one.reference else ""
        own = (one.returns or "NONREF")[:16]
        yield f":61:{one.value_on:%y%m%d}{booking.on:%m%d}{mark}{_mt_amount(sheet, one.amount)}{swift}{own}{bank}"
        purpose = [f"EREF+{one.end_to_end}"] if one.end_to_end else []
        purpose += [f"SVWZ+{one.text}"]
        pieces = [part[at : at + 27] for part in purpose for at in range(0, len(part), 27)]
        keys = [*range(20, 30), *range(60, 64)]
        told = f"{business}?00{one.kind.upper()}" + "".join(
            f"?{key}{piece}" for key, piece in zip(keys, pieces, strict=False)
        )
        told += f"?30{one.payer_bank}?31{one.payer_account}?32{one.payer[:27]}?33{one.payer[27:54]}"
        cut = [told[at : at + 65] for at in range(0, len(told), 65)]
        yield f":86:{cut[0]}"
        yield from cut[1:]


# -- BAI2 --------------------------------------------------------------------------------------------------------------

_BAI_CODES = {
    "wire": "195",
    "ach": "142",
    "check": "175",
    "payout": "142",
    "interest": "354",
    "transfer": "206",
    "fee": "398",
    "return": "257",
}
_BAI_CODES_OUT = {
    "wire": "495",
    "ach": "451",
    "check": "475",
    "payout": "451",
    "interest": "654",
    "transfer": "506",
    "fee": "698",
    "return": "557",
}


def bai2(sheet: Sheet) -> bytes:
    """Each text goes on in an 88 record; value days as funds type V."""
    modifier = "3" if sheet.interim else "2"
    single = [one for booking in sheet.bookings for one in booking.parts or (booking,)]
    came = sum(one.amount for one in single if one.amount > 0)
    went = -sum(one.amount for one in single if one.amount < 0)
    sums = [sheet.opening, sheet.closing, came, went]
    account = [
        f"03,{sheet.account},{sheet.currency},010,{sheet.opening},,,015,{sheet.closing},,/",
        f"88,100,{came},{sum(one.amount > 0 for one in single)},,400,{went},{sum(one.amount < 0 for one in single)},/",
    ]
    for one in single:
        account += _bai_entry(one)
    account_total = sum(sums) + sum(abs(one.amount) for one in single)
    account.append(f"49,{account_total},{len(account) + 1}/")
    day, time = f"{sheet.on:%y%m%d}", f"{sheet.made_at:%H%M}"
    group = [f"02,US,{sheet.bank},1,{day},{time},{sheet.currency},{modifier}/", *account]
    group.append(f"98,{account_total},1,{len(group) + 1}/")
    file = [f"01,{sheet.bank},US,{day},{time},{sheet.number},,,2/", *group]
    file.append(f"99,{account_total},1,{len(file) + 1}/")
    return ("\n".join(file) + "\n").encode()


def _bai_entry(one: Booking) -> Iterator[str]:
    code = (_BAI_CODES_OUT if one.amount < 0 else _BAI_CODES)[one.kind]
    customer = one.returns or one.end_to_end
    yield f"16,{code},{abs(one.amount)},V,{one.value_on:%y%m%d},,{one.reference},{customer},ORIG CO NAME:{one.payer}"
    if one.text:
        yield f"88,{one.text}"


# -- CSV ---------------------------------------------------------------------------------------------------------------


def csv(sheet: Sheet) -> bytes:
    """As German online banking exports it: a BOM, semicolons, decimal commas, newest first, a few lines above."""
    rows, balance = [], sheet.opening
    for booking in sheet.bookings:
        for one in booking.parts or (booking,):
            balance += one.amount
            rows.append([*_csv_row(sheet, one, booking.on), _csv_amount(sheet, balance), "gebucht"])
    rows += [[*_csv_row(sheet, one, one.on), "", "vorgemerkt"] for one in sheet.announced]
    heading = ["Ref", "Buchung", "Wert", "Betrag", "Name", "IBAN", "BIC", "Zweck", "E2E", "Art", "Saldo", "Status"]
    table = [heading, *reversed(rows)]
    text = f"Konto {sheet.account};{sheet.currency}\r\n\r\n"
    text += "".join(";".join(f'"{cell}"' if ";" in cell else cell for cell in row) + "\r\n" for row in table)
    return text.encode("utf-8-sig")


def _csv_amount(sheet: Sheet, units: int) -> str:
    whole, point, decimals = sheet.money(units).partition(".")
    grouped = f"{int(whole):,}".replace(",", ".")
    return ("-" if units < 0 else "") + grouped + ("," + decimals if point else "")


def _csv_row(sheet: Sheet, one: Booking, on: date) -> list[str]:
    return [
        one.reference, f"{on:%d.%m.%Y}", f"{one.value_on:%d.%m.%Y}", _csv_amount(sheet, one.amount), one.payer,
        one.payer_account, one.payer_bank, one.text, one.returns or one.end_to_end, one.kind,
    ]  # fmt: skip


FORMATS: dict[str, Callable[[Sheet], bytes]] = {"camt": camt, "mt940": mt940, "bai2": bai2, "csv": csv}
_ENDINGS = {"camt": "xml", "mt940": "sta", "bai2": "bai", "csv": "csv"}
