"""What may a number mean that is nearly one of ours?

Three kinds of slip, the likelier first: the same number written otherwise (prefix and leading zeros off, the letters O,
I and L for digits, separators or a blank inside), its last digits alone, and one wrong, missing, doubled or swapped
character. Only numbers of the payer's own family are ever meant, and what is found is a guess until the sum proves it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connector.decisions.matching.references import Item, Token, plain

# Shorter ends and shorter numbers are in too many others.
_DIGITS_MIN = 4
_EDITED_CHARACTERS_MIN = 5
_CHARACTERS_MAX = 40
_NOT_PRINTED = re.compile(r"[^A-Z0-9]+")
_PREFIX = re.compile(r"\A[A-Z]+(?=[A-Z0-9]*\d)")
_LOOKALIKES = {ord("O"): "0", ord("I"): "1", ord("L"): "1"}


@dataclass(frozen=True, slots=True)
class Slip:
    """A token that is no number, and the family's numbers that it may have been meant to be."""

    token: Token
    meant: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class _Name:
    item: Item
    whole: str  # letters and digits only
    digits: str  # from the first digit on, look-alikes as digits
    core: str  # these without leading zeros


class Names:
    """The numbers of the family's open items in one currency, to be found by what they nearly are."""

    def __init__(self, items: Iterable[Item], others: Iterable[Item] = ()) -> None:
        """`others` are known, too, and not open: what is one of their numbers, spelled otherwise, is none of ours."""
        self._names = [_Name(item, whole, d, d.lstrip("0")) for item in items for whole, d in [_spelled(item.number)]]
        self._others = {_spelled(item.number)[1].lstrip("0") for item in others}
        self._edited: dict[str, tuple[Item, ...]] = {}
        self._by_core: dict[str, list[_Name]] = defaultdict(list)
        self._by_end: dict[str, list[_Name]] = defaultdict(list)
        for name in self._names:
            if len(name.digits) >= _DIGITS_MIN:
                self._by_core[name.core].append(name)
                self._by_end[name.digits[-_DIGITS_MIN:]].append(name)

    def slips(
        self, tokens: Sequence[Token], *, only_spelled_otherwise: bool = False
    ) -> tuple[tuple[Slip, ...], tuple[Token, ...]]:
        """What these tokens may mean, and those that mean nothing here. A number may have a blank in it."""
        slips: list[Slip] = []
        unknown: list[Token] = []
        position = 0
        while position < len(tokens):
            token = tokens[position]
            following = tokens[position + 1] if position + 1 < len(tokens) else None
            if following and (joined := self._joined(token, following, only_spelled_otherwise)):
                slips.append(joined)
                position += 2
                continue
            can_mean = not token.is_other and not token.is_crumb
            meant = self.meant(token.text, only_spelled_otherwise) if can_mean else ()
            if meant:
                slips.append(Slip(token, meant))
            elif not token.is_crumb:
                unknown.append(token)
            position += 1
        return tuple(slips), tuple(unknown)

    def _joined(self, token: Token, following: Token, only_spelled_otherwise: bool) -> Slip | None:
        """Two neighbours as one number: with a blank in it, or with a '/' that parts it."""
        if token.is_other or following.place - token.place > 1:
            return None
        text = token.text + following.text
        is_one_word = token.place == following.place
        if is_one_word and not (self._by_core.get(_spelled(token.text)[1].lstrip("0"))):
            meant = self.meant(text, only_spelled_otherwise)
        else:
            meant = self.meant(text, only_spelled_otherwise=True)
        return Slip(Token(text, token.place, stated=following.stated), meant) if meant else None

    def meant(self, text: str, only_spelled_otherwise: bool = False) -> tuple[Item, ...]:
        """The numbers with these digits, or with these at their end; else those that are one edit away."""
        digits = _spelled(text)[1]
        if len(digits) < _DIGITS_MIN or not _is_plain(text):
            return ()
        same = self._same(digits.lstrip("0"))
        if only_spelled_otherwise:
            return same
        ends = (name for name in self._by_end.get(digits[-_DIGITS_MIN:], ()) if name.digits.endswith(digits))
        exactly = tuple(dict.fromkeys((*same, *_items(ends))))
        return exactly or (() if digits.lstrip("0") in self._others else self.edited(text))

    def edited(self, text: str) -> tuple[Item, ...]:
        """Those that are one edit away, of the whole, of its digits, or of these without leading zeros."""
        found = self._edited.get(text)
        if found is None:
            found = self._edited[text] = self._find_edited(text)
        return found

    def _find_edited(self, text: str) -> tuple[Item, ...]:
        whole, digits = _spelled(text)
        core = digits.lstrip("0")
        if len(digits) < _DIGITS_MIN or not _is_plain(text):
            return ()
        return _items(
            name
            for name in self._names
            if (
                is_one_edit(digits, name.digits)
                or is_one_edit(whole, name.whole)
                or (len(core) >= _DIGITS_MIN and is_one_edit(core, name.core))
            )
            and name.core != core
            and len(name.digits) >= _EDITED_CHARACTERS_MIN
        )

    def _same(self, core: str) -> tuple[Item, ...]:
        return _items(self._by_core.get(core, ())) if core else ()


def is_one_edit(one: str, other: str) -> bool:
    """Is one character wrong, missing, too much, or swapped with its neighbour? Equal texts are no edit apart."""
    more = len(other) - len(one)
    if not -2 < more < 2 or one == other:
        return False
    if more < 0:
        one, other = other, one
    at = 0
    while at < len(one) and one[at] == other[at]:
        at += 1
    if more:
        return one[at:] == other[at + 1 :]
    if one[at + 1 :] == other[at + 1 :]:
        return True
    return one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]


def _spelled(number: str) -> tuple[str, str]:
    """Its letters and digits, and these from the first digit on; nothing of what is too long for a number."""
    if len(number) > _CHARACTERS_MAX:
        return "", ""
    whole = _NOT_PRINTED.sub("", plain(number))
    return whole, _PREFIX.sub("", whole, count=1).translate(_LOOKALIKES) if not whole.isdigit() else whole


def _is_plain(text: str) -> bool:
    """A look-alike of another alphabet or a hidden mark is no slip of the pen."""
    return text.isascii() and text.isprintable()


def _items(names: Iterable[_Name]) -> tuple[Item, ...]:
    return tuple(name.item for name in names)
