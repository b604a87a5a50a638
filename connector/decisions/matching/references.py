"""Which invoices and credit memos does a remittance name? A claim, not proof.

A number is named when it stands in the text as a whole token, digit for digit: leading zeros count, letters may
differ in case (ASCII only, so that no look-alike passes). What looks like a reference and is none that we know is
`unknown`: by itself it names nothing (`noisy` may find what it is one slip away from), and it forbids conclusions
from the amount alone. Amounts in the text are read beside the number that they follow. A bank's own numbers, such
as that of a wire or a check, are no references.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from connector.money import exponent
from connector.receivables import CreditMemo, InvoiceStatus, OpenInvoice, Payment, Remittance

Item = OpenInvoice | CreditMemo

# A remittance of a person or a bank is far below this; a longer text is not read at all.
TEXT_CHARACTERS_MAX = 4000
_TOKEN_CHARACTERS_MAX = 40

_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}
# Control and direction marks are no separators: a token that hides one equals no number.
_SEPARATORS = re.compile(r"""[\s,;:()\[\]{}<>"'|*=&!?+~^`\\°º]+""")
# '1,234.56', "1'234.56", '1.234,56', '1 234,56' and '234,56' as they are written around the world.
_POINTED = re.compile(r"(?<![\w.,/#])(-?)[$€£¥]?(\d{1,3}(?:[,']\d{3})+\.\d{2,3})(?![\w-]|[.,]\d)", re.ASCII)
_COMMAED = re.compile(r"(?<![\w.,/#])(-?)[$€£¥]?((?:\d{1,3}(?:[. ]\d{3})+|\d+),\d{2})(?![\w-]|[.,]\d)", re.ASCII)
_GROUPED = re.compile(r"(?<![\w.,/#])(-?)[$€£¥]?(\d{1,3}(?:[,.']\d{3})+)(?![\w-]|[.,]\d)", re.ASCII)
_AMOUNT = re.compile(r"(?<![\w.,/#])(-?)[$€£¥]?(\d{1,3}(?:,\d{3})+\.\d{2,3})(?![\w-]|[.,]\d)", re.ASCII)
_GROUPED_WHOLE = re.compile(r"(?<![\w.,/#])(-?)[$€£¥]?(\d{1,3}(?:,\d{3})+)(?![\w-]|[.,]\d)", re.ASCII)
_AMOUNT = re.compile(r"-?[$€£]?-?(\d+\.\d{2,3})", re.ASCII)
_WHOLE_AMOUNT = re.compile(r"-?[$€£¥]?([1-9]\d*)", re.ASCII)
_DATE = re.compile(r"\d{4}([-/])\d{1,2}\1\d{1,2}|\d{1,2}([./-])\d{1,2}\2(?:\d{2}|\d{4})", re.ASCII)
_YEAR = re.compile(r"(?:19|20)\d\d", re.ASCII)
_LETTER_O = re.compile(r"(?<=\d)[Oo](?=\d)", re.ASCII)
_WORD = re.compile(r"\A[A-Za-z]+[-.#_]?(?=[A-Za-z]*[-.]?\d{4})", re.ASCII)
_WORD_THEN_DIGIT = re.compile(r"[^\W\d_]{2,}[-_./#]*\d")
# fmt: off
_ANNOUNCING = frozenset({
    "#", "INVOICE", "INVOICES", "INV", "INVS", "BILL", "BILLS", "REF", "REFERENCE", "NO", "NOS", "NR", "NUMBER",
    "RECHNUNG", "FACTURE", "FACTURA", "N",
})
_JOINING = frozenset({"AND", "TO", "UND", "ET", "Y", "THROUGH", "-", "/", "#"})
# Words of a bank, after which it writes a number of its own, and those that may stand between.
_BANKS = frozenset({
    "WIRE", "TRACE", "TRN", "IMAD", "OMAD", "FEDREF", "CHECK", "CHK", "CHEQUE", "LOCKBOX", "BATCH", "TXN", "UETR",
    "BANKREF",
})
_BANKS_JOINING = frozenset({"IN", "OUT", "TRANSFER", "REF", "REFERENCE", "NO", "NR", "NUMBER", "ID", "#", "-"})
# Words of other numbers than ours, and after 'our' every number is the payer's own.
_ELSEWHERE = frozenset({"PO", "P.O", "ORDER", "CUST", "CUSTOMER", "CLIENT", "KD", "KD.-NR", "KUNDE", "KUNDENNR", "OUR"})
_TOTALLING = frozenset({"TOTAL", "SUM", "NET", "GROSS", "TOTALS", "GESAMT", "SUMME", "BETRAG", "MONTANT", "IMPORTE"})
_DEDUCTING = frozenset({"DEDUCTION", "DEDUCTIONS", "DEDUCTED", "LESS", "DAMAGE", "DAMAGED", "SHORTAGE", "RETURNED"})
# fmt: on


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a text, as numbers are compared: ASCII letters in upper case."""

    text: str
    place: int  # the place of its chunk in the text; neighbours were parted by a separator
    is_announced: bool = False  # a word like 'invoice' or a '#' stands before it
    is_other: bool = False  # a purchase order's, a customer's or the payer's own number, says the text
    is_banks: bool = False  # the bank's own number, says the text
    is_total: bool = False  # if it is an amount: that of all
    is_crumb: bool = False  # too short to be a reference, and perhaps part of one with a blank in it
    stated: int | None = None  # the amount that follows it


@dataclass(frozen=True, slots=True)
class Reading:
    """What one channel names: invoices and memos, or numbers and ids as they were written."""

    named: tuple[OpenInvoice, ...] = ()  # open, of the family
    memos: tuple[CreditMemo, ...] = ()
    closed: tuple[OpenInvoice, ...] = ()  # of the family, known, but not open
    foreign: tuple[OpenInvoice, ...] = ()  # of another family, open or not
    twins: tuple[OpenInvoice, ...] = ()  # open invoices of the family that share a number which is named
    unknown: tuple[str, ...] = ()  # links and metadata: what we know nothing of; a text: why it is not read
    tokens: tuple[Token, ...] = ()  # of a text: all with a digit that is nothing we know
    misprints: tuple[Token, ...] = ()  # of a text: the tokens behind closed, foreign and named
    stated: Mapping[str, int] = field(default_factory=dict)  # id -> the amount that follows its number
    amounts: tuple[int, ...] = ()  # all amounts in the text
    traces: tuple[Token, ...] = ()  # the bank's own numbers
    is_deducting: bool = False  # the text speaks of something that was kept back

    @property
    def items(self) -> tuple[Item, ...]:
        return (*self.named, *self.memos)

    @property
    def unexplained(self) -> tuple[Token, ...]:
        """What looks like a reference and is none that we know."""
        return tuple(token for token in self.tokens if not token.is_crumb)


@dataclass(slots=True)
class Book:
    """Invoices and memos at hand, by id and by number. `family_ids` None takes all as one family: unidentified cash."""

    invoices: Sequence[OpenInvoice]
    family_ids: frozenset[str] | None
    credits: Sequence[CreditMemo] = ()
    by_number: dict[str, list[OpenInvoice]] = field(init=False)
    by_memo: dict[str, CreditMemo] = field(init=False)
    _by_id: dict[str, list[OpenInvoice]] = field(init=False)
    _prefixes: frozenset[str] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._by_id, self.by_number = defaultdict(list), defaultdict(list)
        self.invoices = sorted(self.invoices, key=order)
        for invoice in self.invoices:
            self._by_id[invoice.id].append(invoice)
            self.by_number[plain(invoice.number)].append(invoice)
        self.by_memo = {plain(memo.number): memo for memo in sorted(self.credits, key=lambda memo: memo.id)}

    def open_of_family(self) -> tuple[OpenInvoice, ...]:
        return tuple(invoice for invoice in self.invoices if self.is_family(invoice) and is_open(invoice))

    def read_link(self, payment: Payment, paid: frozenset[str] = frozenset()) -> Reading:
        """Invoices that Stripe itself says this payment pays. `paid` are left out: other parts of it pay them."""
        numbers = payment.remittance.linked_numbers
        return self._read(self.by_number, map(plain, numbers), paid) if numbers else _NOTHING

    def read_metadata(self, payment: Payment, paid: frozenset[str] = frozenset()) -> Reading:
        """Invoices that the merchant's own metadata names, by ERP id or by number."""
        remittance = payment.remittance
        if not remittance.invoice_ids and not remittance.invoice_numbers:
            return _NOTHING
        by_id = self._read(self._by_id, (text.strip() for text in remittance.invoice_ids), paid)
        by_number = self._read(self.by_number, map(plain, remittance.invoice_numbers), paid)
        return Reading(
            named=unique(by_id.named + by_number.named),
            closed=unique(by_id.closed + by_number.closed),
            foreign=unique(by_id.foreign + by_number.foreign),
            twins=unique(by_id.twins + by_number.twins),
            unknown=by_id.unknown + by_number.unknown,
        )

    def read_text(self, payment: Payment, currency: str, paid: frozenset[str] = frozenset()) -> Reading:
        """Numbers that stand in the payer's text, and the amounts beside them."""
        text = payment.remittance.text
        if not text:
            return _NOTHING
        if len(text) > TEXT_CHARACTERS_MAX:
            return Reading(unknown=(f"a text of {len(text)} characters, which is not read",))
        exact, unknown, traces = list[Token](), list[Token](), list[Token]()
        memos, stated = dict[str, CreditMemo](), dict[str, int]()
        amounts: list[int] = []
        own = {plain(payment.id), plain(payment.payer)}
        decimals = exponent(currency)
        before: Token | None = None
        for token in _tokens(_ungrouped(text, decimals), self.by_number):
            known = self.by_number.get(token.text)
            if (known or token.text in self.by_memo) and _is_number_like(token):
                exact.append(before := token)
                if token.text in self.by_memo and not known:
                    memos[token.text] = self.by_memo[token.text]
            elif known and any(map(self.is_family, known)) and _has_digit(token.text):
                unknown.append(before := token)
            elif token.text in own or (not token.is_announced and _is_day(token.text)):
                continue
            elif (amount := _amount(token, decimals, before)) is not None:
                amounts.append(amount)
                if before and not token.is_total:
                    self._state(before, amount, stated, unknown)
                before = None
            elif token.is_banks:
                traces.append(token)
            elif self._is_reference_like(token):
                unknown.append(before := token)
            elif _has_digit(token.text):
                unknown.append(replace(token, is_crumb=True))
        found = self._read(self.by_number, (token.text for token in exact if token.text not in memos), paid)
        return replace(
            found,
            memos=tuple(memos.values()),
            tokens=self._not_orders_of(unknown, found.named),
            misprints=tuple(exact),
            stated=stated,
            amounts=tuple(amounts),
            traces=tuple(traces),
            is_deducting=not _DEDUCTING.isdisjoint(_SEPARATORS.split(plain(text))),
        )

    def _state(self, token: Token, amount: int, stated: dict[str, int], unknown: list[Token]) -> None:
        """The amount belongs to the number before it."""
        for item in (
            *self.by_number.get(token.text, ()),
            *([self.by_memo[token.text]] if token.text in self.by_memo else []),
        ):
            stated.setdefault(item.id, amount)
        if unknown and unknown[-1] is token:
            unknown[-1] = replace(token, stated=amount)

    def _read(self, index: dict[str, list[OpenInvoice]], keys: Iterable[str], paid: frozenset[str]) -> Reading:
        """An open invoice of the family comes before a closed one of the same number, that before another family's."""
        named: list[OpenInvoice] = []
        closed: list[OpenInvoice] = []
        foreign: list[OpenInvoice] = []
        twins: list[OpenInvoice] = []
        unknown: list[str] = []
        for key in sorted({key for key in keys if key}):
            found = index.get(key, ())
            if paid and any(invoice.id in paid for invoice in found):
                continue
            ours = [invoice for invoice in found if self.is_family(invoice)]
            still_open = [invoice for invoice in ours if is_open(invoice)]
            if len(still_open) == 1:
                named += still_open
            elif still_open:
                twins += still_open
            elif ours:
                closed += ours
            elif found:
                foreign += found
            else:
                unknown.append(shown(key))
        return Reading(unique(named), (), unique(closed), unique(foreign), unique(twins), tuple(unknown))

    def is_family(self, invoice: OpenInvoice) -> bool:
        return self.family_ids is None or invoice.customer_id in self.family_ids

    def _not_orders_of(self, tokens: list[Token], named: Sequence[OpenInvoice]) -> tuple[Token, ...]:
        """The purchase order of a named invoice explains itself."""
        orders = {plain(invoice.po_number) for invoice in named if invoice.po_number}
        return tuple(token for token in tokens if token.text not in orders)

    def _is_reference_like(self, token: Token) -> bool:
        """Does this look like a number that we ought to know? Rather once too often: it only asks a person."""
        text = token.text
        digits = sum(character.isnumeric() for character in text)
        if digits >= 3 or (digits > 0 and (token.is_announced or bool(_WORD_THEN_DIGIT.match(text)))):
            return True
        if self._prefixes is None:
            prefixes = (re.match(r"[A-Z]{2,}", number) for number in self.by_number)
            self._prefixes = frozenset(prefix.group() for prefix in prefixes if prefix)
        return any(
            text.startswith(prefix + mark)
            for prefix in self._prefixes
            for mark in "-_/#."
            if len(text) > len(prefix) + 1
        )


def mentioned(remittance: Remittance) -> tuple[str, ...]:
    """Every number that this remittance may name, as it is written: what the invoices at hand are looked up by."""
    found = {number.strip() for number in (*remittance.linked_numbers, *remittance.invoice_numbers)}
    if len(remittance.text) <= TEXT_CHARACTERS_MAX:
        before = ""
        for chunk in _SEPARATORS.split(_ungrouped(remittance.text)):
            token = chunk.rstrip(".").lstrip("#")
            if _has_digit(token):
                found |= {part for part in (token, *token.split("/")) if _has_digit(part)}
                if _AMOUNT.fullmatch(token):
                    continue
                found |= {_LETTER_O.sub("0", token), _WORD.sub("", token)}  # an O for a zero; a word before it
                if before:
                    found.add(before + token)  # a number with a blank in it
            before = token if len(before) <= _TOKEN_CHARACTERS_MAX else ""
    return tuple(sorted(number for number in found if number and number.isprintable()))


def order(invoice: OpenInvoice) -> tuple[object, ...]:
    """Oldest due first; the id makes it total, so that the order of the input never matters."""
    return (invoice.due_on, invoice.number, invoice.id)


def is_open(invoice: OpenInvoice) -> bool:
    return invoice.status is InvoiceStatus.OPEN and invoice.balance.minor > 0


def plain(text: str) -> str:
    return text.strip().translate(_UPPER)


def shown(token: str) -> str:
    """A token as a person may see it: short, and nothing in it that a terminal would obey."""
    return ascii(token[:_TOKEN_CHARACTERS_MAX])[1:-1]


def number_of(item: Item) -> str:
    """The number as a person may see it: as it is printed, unless a terminal would obey it."""
    return item.number if item.number.isprintable() else shown(item.number)


def unique(invoices: Iterable[OpenInvoice]) -> tuple[OpenInvoice, ...]:
    found = {invoice.id: invoice for invoice in invoices}
    return tuple(found.values()) if len(found) < 2 else tuple(sorted(found.values(), key=order))


_NOTHING = Reading()


def _tokens(text: str, numbers: Mapping[str, list[OpenInvoice]]) -> Iterator[Token]:
    """The tokens of a text, each with what the words before it say of it."""
    is_announced = is_other = is_banks = is_total = False
    for place, chunk in enumerate(_SEPARATORS.split(text)):
        token = plain(chunk).rstrip(".")
        bare = token.lstrip("#")
        if not bare:
            is_announced = is_announced or bool(token)
            continue
        has_digit = any(character.isnumeric() for character in bare)
        if has_digit:
            parts = [bare] if bare in numbers or "/" not in bare or _DATE.fullmatch(bare) else bare.split("/")
            for part in parts:
                if part:
                    yield Token(part, place, is_announced or bare != token, is_other, is_banks, is_total)
        else:
            yield Token(bare, place, is_announced or bare != token)
        is_announced = bare in _ANNOUNCING or (is_announced and (has_digit or bare in _JOINING))
        is_other = bare in _ELSEWHERE or (is_other and bare in _BANKS_JOINING)
        is_banks = bare in _BANKS or (is_banks and bare in _BANKS_JOINING)
        is_total = bare in _TOTALLING or (is_total and not has_digit)


def _ungrouped(text: str, decimals: int = 2) -> str:
    """'1,234.56' and '1.234,56' as '1234.56'; in a currency without decimals also '1,234' as '1234'."""
    if "," in text or "'" in text or (not decimals and "." in text):
        text = _POINTED.sub(lambda found: found[1] + found[2].replace(",", "").replace("'", ""), text)
        text = _COMMAED.sub(lambda found: found[1] + re.sub("[. ]", "", found[2]).replace(",", "."), text)
        if not decimals:
            text = _GROUPED.sub(lambda found: found[1] + re.sub("[,.']", "", found[2]), text)
    return text


def _amount(token: Token, decimals: int, before: Token | None) -> int | None:
    """The amount in minor units, without its sign: whether it is taken away, its number says.

    A whole number is an amount only in a currency without decimals, and only beside the number that it belongs to.
    """
    found = _AMOUNT.fullmatch(token.text)
    if found:
        whole, _, part = found.group(1).partition(".")
        if part[decimals:].strip("0"):
            return None
        return int(whole + part[:decimals].ljust(decimals, "0"))
    if decimals or token.is_announced or not (before or token.is_total):
        return None
    found = _WHOLE_AMOUNT.fullmatch(token.text)
    return int(found.group(1)) if found else None


def _is_day(token: str) -> bool:
    return bool(_DATE.fullmatch(token) or _YEAR.fullmatch(token))


def _has_digit(token: str) -> bool:
    return any(character.isdigit() for character in token)


def _is_number_like(token: Token) -> bool:
    """Is this token surely meant as a number? A bare '7' or '2026' in a sentence is not, unless announced."""
    if not _has_digit(token.text):
        return False
    text = token.text
    return token.is_announced or not text.isdigit() or (len(text) >= 4 and not _YEAR.fullmatch(text))
