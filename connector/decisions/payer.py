"""Step 4: whose money is this?

Evidence either names one customer exactly or it names none. What is merely alike is shown to a person as a candidate
and decides nothing; what a person taught (`Alias`) is looked up, never guessed.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from connector.receivables import Customer, PayerEvidence, Payment

CANDIDATES_MAX = 5
# A name of a person or a company is far below this; a longer text is not read as one.
NAME_CHARACTERS_MAX = 200
# Names less alike than this are not shown: how many of their three-letter pieces are common, in a thousand.
_ALIKE_MIN = 500

# ASCII only, so that no look-alike passes.
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}

# These stand inside a word ("S.A.", "O'Neil") and vanish; every other mark or blank parts two words.
_INSIDE_WORDS = frozenset(".'`\N{RIGHT SINGLE QUOTATION MARK}\N{ACUTE ACCENT}")

# What a company is by law, as it may stand at the end of its name -> one spelling of it.
_LONG_FORMS = {
    "incorporated": "inc",
    "corporation": "corp",
    "company": "co",
    "limited": "ltd",
    "private": "pvt",
    "proprietary": "pty",
}
# fmt: off
_LEGAL_FORMS = frozenset({
    "ab", "ag", "aps", "as", "asa", "bv", "bvba", "co", "corp", "cv", "doo", "ev", "gbr", "gmbh", "inc", "kft", "kg",
    "kgaa", "kk", "lda", "llc", "llp", "lp", "ltd", "ltda", "mbh", "nv", "ohg", "oy", "oyj", "plc", "pte", "pty", "pvt",
    "sa", "sarl", "sas", "sasu", "se", "sl", "slu", "snc", "spa", "srl", "sro", "ug",
})
# fmt: on


class AliasKind(StrEnum):
    """By what a payer was learned, strictest first."""

    BANK_ACCOUNT = "bank_account"
    EMAIL = "email"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Alias:
    """A person taught that money with this key is this customer's. `is_confirmed`: it may count."""

    kind: AliasKind
    key: str  # as `key_of` writes it
    customer_id: str
    is_confirmed: bool = True


@dataclass(frozen=True, slots=True)
class Candidate:
    """A customer that a person may mean, and why it is shown."""

    customer_id: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Payer:
    """Whose money it is: `customer_id` is empty and `by` NONE where that isn't known; then `candidates` are shown."""

    customer_id: str
    by: PayerEvidence
    reason: str
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True)
class Directory:
    """All customers and what was learned about payers; build it once for many payments, it keeps its own indexes."""

    customers: tuple[Customer, ...]
    aliases: tuple[Alias, ...] = ()

    @cached_property
    def by_id(self) -> dict[str, Customer]:
        return {customer.id: customer for customer in self.customers}

    @cached_property
    def learned(self) -> dict[tuple[AliasKind, str], tuple[Alias, ...]]:
        """What was taught about each key; of customers that are still known."""
        found: dict[tuple[AliasKind, str], list[Alias]] = defaultdict(list)
        for alias in self.aliases:
            if alias.customer_id in self.by_id:
                found[alias.kind, alias.key].append(alias)
        return {key: tuple(some) for key, some in found.items()}

    @cached_property
    def by_name(self) -> dict[str, tuple[tuple[tuple[str, ...], Customer], ...]]:
        """Name without its legal form -> that form and the customer."""
        found: dict[str, list[tuple[tuple[str, ...], Customer]]] = defaultdict(list)
        for customer in sorted(self.customers, key=_order):
            name, form = _parted(customer.name)
            if name:
                found[name].append((form, customer))
        return {name: tuple(some) for name, some in found.items()}

    @cached_property
    def by_email(self) -> dict[str, tuple[Customer, ...]]:
        found: dict[str, list[Customer]] = defaultdict(list)
        for customer in sorted(self.customers, key=_order):
            if key := key_of(AliasKind.EMAIL, customer.email):
                found[key].append(customer)
        return {email: tuple(some) for email, some in found.items()}

    @cached_property
    def _pieces(self) -> tuple[dict[str, list[str]], dict[str, int]]:
        """Three-letter piece -> the names that hold it; name -> how many it holds."""
        names: dict[str, list[str]] = defaultdict(list)
        for name in self.by_name:
            for piece in _three_letters(name):
                names[piece].append(name)
        return names, {name: len(_three_letters(name)) for name in self.by_name}

    def family(self, customer_id: str) -> str:
        known = self.by_id.get(customer_id)
        return known.family if known else customer_id

    def alike(self, name: str) -> list[tuple[int, str]]:
        """Names like this one, each with how alike it is in a thousand, the likest first."""
        holding, sizes = self._pieces
        pieces = _three_letters(name)
        common = Counter(other for piece in pieces for other in holding.get(piece, ()))
        scores = ((2000 * count // (len(pieces) + sizes[other]), other) for other, count in common.items())
        return sorted(((score, other) for score, other in scores if score >= _ALIKE_MIN), key=lambda s: (-s[0], s[1]))


def decide(payment: Payment, directory: Directory) -> Payer:
    """Whose money is this, and how is that known?

    Strictest first: the source's own customer id; a learned bank account that a second person confirmed; a learned
    e-mail; a learned name, else the name of exactly one customer. Two that name different families: nobody is. What
    was learned in two ways that contradict each other counts for nothing. Relatives named together are their head.
    """
    found = _evidence(payment, directory)
    families = {directory.family(customer_id) for _, customer_id in found}
    if len(families) == 1:
        by, customer_id = found[0]
        return Payer(customer_id, by, _REASONS[by])
    if families:
        ways = " and ".join(_WORDS[by] for by, _ in found)
        reason = f"The {ways} name customers of different families."
    elif len(same := _namesakes(payment.payer_name, directory)) > 1:
        reason = f"{len(same)} customers have the payer's name."
    elif any(_taught(payment, directory)):
        reason = "What was learned about the payer is contradictory, or waits for a second person."
    else:
        reason = "No customer is known by what the source says of the payer."
    return Payer("", PayerEvidence.NONE, reason, _candidates(payment, directory, found))


_WORDS = {
    PayerEvidence.ID: "customer id",
    PayerEvidence.BANK_ACCOUNT: "bank account",
    PayerEvidence.EMAIL: "e-mail address",
    PayerEvidence.NAME: "payer's name",
}
_REASONS = {
    PayerEvidence.ID: "The source names the customer.",
    PayerEvidence.BANK_ACCOUNT: "The bank account was learned as this customer's, and confirmed by a second person.",
    PayerEvidence.EMAIL: "The e-mail address was learned as this customer's.",
    PayerEvidence.NAME: "The payer's name was learned as this customer's, or is the name of this customer alone.",
}
_KINDS = {
    PayerEvidence.BANK_ACCOUNT: AliasKind.BANK_ACCOUNT,
    PayerEvidence.EMAIL: AliasKind.EMAIL,
    PayerEvidence.NAME: AliasKind.NAME,
}


def _evidence(payment: Payment, directory: Directory) -> list[tuple[PayerEvidence, str]]:
    """Each evidence that names one customer, strictest first."""
    found = [(PayerEvidence.ID, payment.customer_id)] if payment.customer_id else []
    for by, kind in _KINDS.items():
        customer_id = _learned(directory, kind, _said(payment, kind))
        if not customer_id and by is PayerEvidence.NAME and not _known(directory, kind, payment.payer_name):
            same = _namesakes(payment.payer_name, directory)
            customer_id = same[0].id if len(same) == 1 else ""
        if customer_id:
            found.append((by, customer_id))
    return found


def _said(payment: Payment, kind: AliasKind) -> str:
    """What the source says of the payer, of this kind."""
    if kind is AliasKind.BANK_ACCOUNT:
        return payment.payer_bank
    return payment.payer_email if kind is AliasKind.EMAIL else payment.payer_name


def _known(directory: Directory, kind: AliasKind, text: str) -> tuple[Alias, ...]:
    key = key_of(kind, text)
    return directory.learned.get((kind, key), ()) if key else ()


def _taught(payment: Payment, directory: Directory) -> list[Alias]:
    return [alias for kind in AliasKind for alias in _known(directory, kind, _said(payment, kind))]


def _learned(directory: Directory, kind: AliasKind, text: str) -> str:
    """The one customer that was taught; '' if none was, it isn't confirmed, or two families were."""
    taught = _known(directory, kind, text)
    families = {directory.family(alias.customer_id) for alias in taught}
    customers = {alias.customer_id for alias in taught if alias.is_confirmed}
    if len(families) != 1 or not customers:
        return ""
    return customers.pop() if len(customers) == 1 else families.pop()


def _namesakes(text: str, directory: Directory) -> list[Customer]:
    """Customers of just this name. Two stated legal forms must agree; one that isn't stated may be any."""
    name, form = _parted(text)
    return [one for other, one in directory.by_name.get(name, ()) if not form or not other or form == other]


def _candidates(
    payment: Payment, directory: Directory, found: Iterable[tuple[PayerEvidence, str]]
) -> tuple[Candidate, ...]:
    """Whom a person may mean, the likeliest first: never enough to decide."""
    shown: dict[str, str] = {}
    for by, customer_id in found:
        shown.setdefault(customer_id, f"by the {_WORDS[by]}")
    for alias in _taught(payment, directory):
        waits = "" if alias.is_confirmed else ", not confirmed by a second person"
        shown.setdefault(alias.customer_id, f"learned by {alias.kind.replace('_', ' ')}{waits}")
    name, _ = _parted(payment.payer_name)
    for _, customer in directory.by_name.get(name, ()):
        shown.setdefault(customer.id, "has this name")
    for customer in directory.by_email.get(key_of(AliasKind.EMAIL, payment.payer_email), ()):
        shown.setdefault(customer.id, "is billed at this e-mail address")
    for score, other in directory.alike(name)[:CANDIDATES_MAX] if name else ():
        for _, customer in directory.by_name[other]:
            shown.setdefault(customer.id, f"has a name like it, {score // 10} %")
    some = list(shown.items())[:CANDIDATES_MAX]
    return tuple(Candidate(id, directory.by_id[id].name if id in directory.by_id else "", why) for id, why in some)


def key_of(kind: AliasKind, text: str) -> str:
    """The key under which this is learned and looked up; '' for what can't be a key. Legal forms stay in a name."""
    if kind is AliasKind.BANK_ACCOUNT:
        return text.strip()
    if kind is AliasKind.EMAIL:
        return text.strip().translate(_LOWER) if "@" in text else ""
    return " ".join(_words(text))


def _parted(text: str) -> tuple[str, tuple[str, ...]]:
    """A name without the legal forms at its end, and these."""
    words = _words(text)
    end = len(words)
    while end > 1 and words[end - 1] in _LEGAL_FORMS:
        end -= 1
    return " ".join(words[:end]), tuple(words[end:])


def _words(text: str) -> list[str]:
    """The words of a name without case, accents and punctuation, legal forms in one spelling.

    Letters that only look alike stay different, and so does a word that hides an invisible mark.
    """
    if len(text) > NAME_CHARACTERS_MAX:
        return []
    plain: list[str] = []
    is_latin = False
    for sign in unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).casefold()):
        category = unicodedata.category(sign)
        if category == "Mn" and is_latin:
            continue  # the accent of a Latin letter
        is_latin = "a" <= sign <= "z" or (not sign.isascii() and unicodedata.name(sign, "").startswith("LATIN"))
        if sign in _INSIDE_WORDS:
            continue
        plain.append(" " if sign.isspace() or category[0] in "PSZ" else sign)
    return [_LONG_FORMS.get(word, word) for word in "".join(plain).split()]


def _three_letters(name: str) -> frozenset[str]:
    padded = f" {name} "
    return frozenset(padded[start : start + 3] for start in range(len(padded) - 2))


def _order(customer: Customer) -> tuple[str, str]:
    return customer.name, customer.id
