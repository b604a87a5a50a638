"""Payment details and journal lines as a client sent them, as the books' own words."""

from __future__ import annotations

from sandbox.intacct.details import Credit, NewDetail
from sandbox.intacct.journals import JournalLine
from sandbox.intacct.refusal import refused
from sandbox.intacct.schema import Type
from sandbox.intacct.sent import Sent

_CREDITS = {
    "ADJUSTMENT": (Type.ADJUSTMENT, "TRX_ADJUSTMENTAMOUNT"),
    "ADVANCE": (Type.ADVANCE, "TRX_POSTEDADVANCEAMOUNT"),
    "OVERPAYMENT": (Type.OVERPAYMENT, "TRX_POSTEDOVERPAYMENTAMOUNT"),
}
_NOT_PLAYED = ("INLINE", "NEGATIVEINVOICE")
_DETAIL = (
    "RECORDKEY ENTRYKEY POSADJKEY POSADJENTRYKEY TRX_PAYMENTAMOUNT TRX_TOTALDISCOUNTTOAPPLY DISCOUNTDATE"
    " TRX_INLINEAMOUNT TRX_NEGATIVEINVOICEAMOUNT"
)
_OF_CREDITS = (
    *(f"{kind}{key}" for kind in (*_CREDITS, *_NOT_PLAYED) for key in ("KEY", "ENTRYKEY")),
    *(amount for _, amount in _CREDITS.values()),
)
_GL_LINE = (
    "DOCUMENT ACCOUNTNO CURRENCY TRX_AMOUNT AMOUNT TR_TYPE EXCH_RATE_DATE EXCH_RATE_TYPE_ID EXCHANGE_RATE DESCRIPTION"
    " DEPARTMENT LOCATION PROJECTID CUSTOMERID ITEMID CLASSID"
)


def sent_detail(line: Sent) -> NewDetail:
    """A payment detail as it was sent: one target, cash and at most one kind of credit, at most one discount."""
    line.require_known(_DETAIL, *_OF_CREDITS)
    for kind in _NOT_PLAYED:
        if line.has(f"{kind}KEY"):
            raise refused("not_played", what=f"{kind}KEY in a payment detail")
    invoice, memo = line.key("RECORDKEY"), line.key("POSADJKEY")
    if (invoice is None) == (memo is None):
        raise refused("wants_value", field="RECORDKEY")
    credits = [kind for kind in _CREDITS if line.has(f"{kind}KEY")]
    if len(credits) > 1:
        raise refused("one_credit", field=f"{credits[1]}KEY")
    if line.has("TRX_TOTALDISCOUNTTOAPPLY") and line.has("DISCOUNTDATE"):
        raise refused("discount", discount="A discount", key=invoice or memo, why="give an amount or a date, not both")
    return NewDetail(
        target=int(str(memo if invoice is None else invoice)),
        entry=line.key("POSADJENTRYKEY" if invoice is None else "ENTRYKEY"),
        is_debit_memo=invoice is None,
        cash=line.money("TRX_PAYMENTAMOUNT") or 0,
        credit=_credit(line, credits[0]) if credits else None,
        discount=line.money("TRX_TOTALDISCOUNTTOAPPLY") or 0,
        discount_on=line.day("DISCOUNTDATE") or "",
    )


def _credit(line: Sent, kind: str) -> Credit:
    type_, amount_field = _CREDITS[kind]
    amount = line.money(amount_field)
    if amount is None:
        raise refused("wants_value", field=amount_field)
    return Credit(type_, int(line.needed(f"{kind}KEY")), amount, line.key(f"{kind}ENTRYKEY"))


def sent_journal_line(line: Sent, number: int) -> JournalLine:
    line.require_known(_GL_LINE)
    amount = line.money("TRX_AMOUNT") if line.has("TRX_AMOUNT") else line.money("AMOUNT")
    side = line.text("TR_TYPE")
    if amount is None or amount <= 0:
        raise refused("journal_line", line=number, why="TRX_AMOUNT must be above zero", field="TRX_AMOUNT")
    if side not in ("1", "-1"):
        raise refused("journal_line", line=number, why="TR_TYPE is 1 for debit or -1 for credit", field="TR_TYPE")
    return JournalLine(
        line.needed("ACCOUNTNO"),
        amount * int(side),
        line.text("DESCRIPTION") or "",
        line.text("CUSTOMERID"),
        line.text("LOCATION"),
        line.text("DEPARTMENT"),
    )
