"""Which invoices does a remittance name? A claim, not proof.

A number is named when it stands in the text as a whole token, digit for digit: leading zeros count, letters may
differ in case (ASCII only, so that no look-alike passes). What looks like a reference and is none that we know is
`unknown`: it never names anything, and it forbids conclusions from the amount alone. A number with blanks in it is
never found in a text.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from connector.money import Money, MoneyError
from connector.receivables import InvoiceStatus, OpenInvoice, Payment, Remittance

# A remittance of a person or a bank is far below this; a longer text is not read at all.
TEXT_CHARACTERS_MAX = 4000
_TOKEN_CHARACTERS_MAX = 40

_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}
# Control and direction marks are no separators: a token that hides one equals no number.
_SEPARATORS = re.compile(r"""[\s,;:()\[\]{}<>"'|*=&!?+~^`\\]+""")
_GROUPED_AMOUNT = re.compile(r"(?<![\w.,/#-])[$€£]?(\d{1,3}(?:,\d{3})+\.\d{2})(?![\w-]|[.,]\d)", re.ASCII)
_AMOUNT = re.compile(r"[$€£]?(\d+\.\d{2})", re.ASCII)
_DATE = re.compile(r"\d{4}([-/])\d{1,2}\1\d{1,2}|\d{1,2}([./-])\d{1,2}\2(?:\d{2}|\d{4})", re.ASCII)
_YEAR = re.compile(r"(?:19|20)\d\d", re.ASCII)
_WORD_THEN_DIGIT = re.compile(r"[^\W\d_]{2,}[-_./#]*\d")
# fmt: off
_ANNOUNCING = frozenset({
    "#", "INVOICE", "INVOICES", "INV", "INVS", "BILL", "BILLS", "REF", "REFERENCE", "NO", "NOS", "NR", "NUMBER",
    "RECHNUNG", "FACTURE", "FACTURA",
})
# fmt: on
_JOINING = frozenset({"AND", "TO", "UND", "ET", "Y", "THROUGH", "-", "/", "#"})


@dataclass(frozen=True, slots=True)
class Reading:
    """What one channel names: invoices, or numbers and ids as they were written."""

    named: tuple[OpenInvoice, ...] = ()  # open, of the family
    closed: tuple[str, ...] = ()  # of the family, known, but not open
    foreign: tuple[OpenInvoice, ...] = ()  # of another family, open or not
    twins: tuple[OpenInvoice, ...] = ()  # open invoices of the family that share a number which is named
    unknown: tuple[str, ...] = ()


@dataclass(slots=True)
class Book:
    """The invoices at hand, by id and by number. `family_ids` None takes all as one family (unidentified cash)."""

    invoices: Sequence[OpenInvoice]
    family_ids: frozenset[str] | None
    _by_id: dict[str, list[OpenInvoice]] = field(init=False)
    _by_number: dict[str, list[OpenInvoice]] = field(init=False)
    _prefixes: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self._by_id, self._by_number = defaultdict(list), defaultdict(list)
        for invoice in sorted(self.invoices, key=order):
            self._by_id[invoice.id].append(invoice)
            self._by_number[_plain(invoice.number)].append(invoice)
        prefixes = (re.match(r"[A-Z]{2,}", number) for number in self._by_number)
        self._prefixes = frozenset(prefix.group() for prefix in prefixes if prefix)

    def open_of_family(self) -> tuple[OpenInvoice, ...]:
        return tuple(i for i in sorted(self.invoices, key=order) if self._is_family(i) and is_open(i))

    def read_link(self, payment: Payment) -> Reading:
        """Invoices that Stripe itself says this payment pays."""
        return self._read(self._by_number, map(_plain, payment.remittance.linked_numbers))

    def read_metadata(self, payment: Payment) -> Reading:
        """Invoices that the merchant's own metadata names, by ERP id or by number."""
        by_id = self._read(self._by_id, (text.strip() for text in payment.remittance.invoice_ids))
        by_number = self._read(self._by_number, map(_plain, payment.remittance.invoice_numbers))
        return Reading(
            named=_unique(by_id.named + by_number.named),
            closed=by_id.closed + by_number.closed,
            foreign=_unique(by_id.foreign + by_number.foreign),
            twins=_unique(by_id.twins + by_number.twins),
            unknown=by_id.unknown + by_number.unknown,
        )

    def read_text(self, payment: Payment, money: Money) -> Reading:
        """Numbers that stand in the payer's text; a stated amount must be the money or a named balance."""
        text = payment.remittance.text
        if len(text) > TEXT_CHARACTERS_MAX:
            return Reading(unknown=(f"a text of {len(text)} characters, which is not read",))
        amounts = _GROUPED_AMOUNT.findall(text)
        numbers: list[str] = []
        unknown: list[str] = []
        own = {_plain(payment.id), _plain(payment.payer)}
        for token, is_announced in _tokens(_GROUPED_AMOUNT.sub(" ", text), self._by_number):
            if token in self._by_number and _is_number_like(token, is_announced):
                numbers.append(token)
            elif self._is_own_number(token):
                unknown.append(token)
            elif token in own or (not is_announced and (_DATE.fullmatch(token) or _YEAR.fullmatch(token))):
                continue
            elif amount := _AMOUNT.fullmatch(token):
                amounts.append(amount.group(1))
            elif self._is_reference_like(token, is_announced):
                unknown.append(token)
        reading = self._read(self._by_number, numbers)
        unknown = [token for token in unknown if token not in {_plain(i.po_number) for i in reading.named}]
        unknown += [amount for amount in amounts if not _is_explained(amount, money, payment, reading.named)]
        return Reading(reading.named, reading.closed, reading.foreign, reading.twins, tuple(map(_shown, unknown)))

    def _read(self, index: dict[str, list[OpenInvoice]], keys: Iterable[str]) -> Reading:
        """An open invoice of the family comes before a closed one of the same number, that before another family's."""
        named: list[OpenInvoice] = []
        closed: list[str] = []
        foreign: list[OpenInvoice] = []
        twins: list[OpenInvoice] = []
        unknown: list[str] = []
        for key in sorted({key for key in keys if key}):
            found = index.get(key, [])
            ours = [invoice for invoice in found if self._is_family(invoice)]
            still_open = [invoice for invoice in ours if is_open(invoice)]
            if len(still_open) == 1:
                named += still_open
            elif still_open:
                twins += still_open
            elif ours:
                closed.append(_shown(key))
            elif found:
                foreign += found
            else:
                unknown.append(_shown(key))
        return Reading(_unique(named), tuple(closed), _unique(foreign), _unique(twins), tuple(unknown))

    def _is_family(self, invoice: OpenInvoice) -> bool:
        return self.family_ids is None or invoice.customer_id in self.family_ids

    def _is_own_number(self, token: str) -> bool:
        has_digit = any(character.isdigit() for character in token)
        return has_digit and any(self._is_family(invoice) for invoice in self._by_number.get(token, ()))

    def _is_reference_like(self, token: str, is_announced: bool) -> bool:
        """Does this look like a number that we ought to know? Rather once too often: it only asks a person."""
        digits = sum(character.isnumeric() for character in token)
        if any(token.startswith(prefix + mark) for prefix in self._prefixes for mark in "-_/#."):
            return True
        return digits >= 3 or (digits > 0 and (is_announced or bool(_WORD_THEN_DIGIT.match(token))))


def mentioned(remittance: Remittance) -> tuple[str, ...]:
    """Every number that this remittance may name, as it is written: what the invoices at hand are looked up by."""
    found = {number.strip() for number in (*remittance.linked_numbers, *remittance.invoice_numbers)}
    if len(remittance.text) <= TEXT_CHARACTERS_MAX:
        for chunk in _SEPARATORS.split(_GROUPED_AMOUNT.sub(" ", remittance.text)):
            token = chunk.rstrip(".").lstrip("#")
            found |= {part for part in (token, *token.split("/")) if any(character.isdigit() for character in part)}
    return tuple(sorted(number for number in found if number and number.isprintable()))


def order(invoice: OpenInvoice) -> tuple[object, ...]:
    """Oldest due first; the id makes it total, so that the order of the input never matters."""
    return (invoice.due_on, invoice.number, invoice.id)


def is_open(invoice: OpenInvoice) -> bool:
    return invoice.status is InvoiceStatus.OPEN and invoice.balance.minor > 0


def _tokens(text: str, numbers: dict[str, list[OpenInvoice]]) -> Iterable[tuple[str, bool]]:
    """The tokens of a text, each with whether a word like 'invoice' or a '#' announces it."""
    is_announced = False
    for chunk in _SEPARATORS.split(text):
        token = _plain(chunk).rstrip(".")
        bare = token.lstrip("#")
        if not bare:
            is_announced = is_announced or bool(token)
            continue
        has_digit = any(character.isnumeric() for character in bare)
        parts = [bare] if bare in numbers or "/" not in bare or _DATE.fullmatch(bare) else bare.split("/")
        for part in parts:
            if part:
                yield part, is_announced or bare != token
        is_announced = bare in _ANNOUNCING or (is_announced and (has_digit or bare in _JOINING))


def _is_number_like(token: str, is_announced: bool) -> bool:
    """Is this token surely meant as a number? A bare '7' or '2026' in a sentence is not, unless announced."""
    if not any(character.isdigit() for character in token):
        return False
    return is_announced or not token.isdigit() or (len(token) >= 4 and not _YEAR.fullmatch(token))


def _is_explained(amount: str, money: Money, payment: Payment, named: Sequence[OpenInvoice]) -> bool:
    """Is this stated amount the money, or what one of the named invoices is about, or all of them together?"""
    try:
        stated = Money.of(amount.replace(",", ""), money.currency)
    except MoneyError:
        return False
    parts = [invoice.balance.minor for invoice in named if invoice.balance.currency == money.currency]
    billed = [invoice.amount.minor for invoice in named if invoice.balance.currency == money.currency]
    return stated.minor in {money.minor, payment.amount.minor, sum(parts), *parts, *billed}


def _plain(text: str) -> str:
    return text.strip().translate(_UPPER)


def _shown(token: str) -> str:
    """A token as a person may see it: short, and nothing in it that a terminal would obey."""
    return ascii(token[:_TOKEN_CHARACTERS_MAX])[1:-1]


def _unique(invoices: Iterable[OpenInvoice]) -> tuple[OpenInvoice, ...]:
    return tuple(sorted({invoice.id: invoice for invoice in invoices}.values(), key=order))
