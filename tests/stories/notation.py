"""AR notation: one line is one sentence; a sentence is known by its pattern.

    payment <payment> <payer> <amount> <currency> <text>[ by <method>][ pays <parts>]

`<word>` takes what its kind below allows, `[...]` may be left out, blanks count as one outside quotes. `#` begins a
comment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

Meaning = TypeVar("Meaning", bound=Callable[..., Any])

_INVOICE = r"[A-Z][\w.]*-[\w.-]+"
_AMOUNT = r"\d+(?:\.\d+)?"
_DAY = r"\d{4}-\d\d-\d\d"
_STEP = r"(?:[-+]?\d+|courtesy|statement|dispute_detail|payment_returned)"
_NAME = r"[A-Z][^\",:]*?"
# A word, or YAML in brackets, in which there may be brackets once more.
_CHOICE = r"(?:\{(?:[^{}]|\{[^{}]*\})*\}|\[(?:[^\[\]]|\[[^\[\]]*\])*\]|[^,{\[]+)"
_TRAIT = rf"(?:arr {_AMOUNT} [A-Z]{{3}}|(?:tier|contract|billing|country|zone) [\w/+-]+)"
_SAID = rf"(?:{_TRAIT}|relationship [\w-]+|cc \S+@[^\s,]+|sms \+\d+(?: since {_DAY})?|mails to parent)"
_KINDS = {
    "invoice": _INVOICE,
    "memo": _INVOICE,
    "invoices": rf"{_INVOICE}(?:, {_INVOICE})*",
    "payment": r"P-\d+",
    "last": _INVOICE,
    "last_payment": r"P-\d+",
    "payout": r"PO-\d+",
    "customer": _NAME,
    "parent": _NAME,
    "payer": rf"(?:{_NAME}|somebody)",
    "amount": _AMOUNT,
    "rise": _AMOUNT,
    "signed": rf"-?{_AMOUNT}",
    "entries": r"[a-z]+ -?[\d.]+(?:, [a-z]+ -?[\d.]+)*",
    "currency": "[A-Z]{3}",
    "day": _DAY,
    "issued": _DAY,
    "renews": _DAY,
    "due": rf"(?:{_DAY}|never)",
    "month": r"\d{4}-\d\d",
    "days": r"\d+",
    "number": r"\d+",
    "time": r"\d\d:\d\d",
    "step": _STEP,
    "steps": rf"{_STEP}(?:, {_STEP})*",
    "reminders": rf"{_INVOICE} {_STEP}(?:, {_INVOICE} {_STEP})*",
    "parts": rf"{_INVOICE} {_AMOUNT}(?:, {_INVOICE} {_AMOUNT})*",
    "lines": rf"{_AMOUNT} \w+(?:, {_AMOUNT} \w+)*",
    "text": '"[^"]*"',
    "texts": '"[^"]*"(?: and "[^"]*")*',
    "permission": r"[A-Za-z]+(?:_[A-Za-z]+)*",
    "address": r"\S+@\S+",
    "code": r"[245]\.\d+\.\d+",
    "what": r"(?:send|post)",
    "word": r"\w+",
    "entity": r"[A-Z]{2,}",
    "evidence": "undelivered",
    "flags": r"(?:strategic|do-not-contact)(?:, (?:strategic|do-not-contact))*",
    "traits": rf"{_TRAIT}(?:, {_TRAIT})*",
    "said": rf"{_SAID}(?:, {_SAID})*",
    "owner": '"[^"]*"',
    "segment": r'(?:\w+|"[^"]*")',
    "operation": r"[\w.]+",
    "choices": rf"\w+ {_CHOICE}(?:, \w+ {_CHOICE})*",
    "subject": rf"(?:{_INVOICE}|{_NAME})",
}
_ONLY = re.compile(r'only (?P<erp>\w+) because "[^"]+"')


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence of a story and where it stands."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A pattern, and what it means: a method that is called with the words by their names."""

    pattern: str
    regex: re.Pattern[str]
    meaning: Callable[..., Any]


class Sentences:
    """The sentences that are understood; `@sentences("...")` adds one."""

    def __init__(self) -> None:
        self._known: list[Sentence] = []

    def __call__(self, pattern: str) -> Callable[[Meaning], Meaning]:
        def add(meaning: Meaning) -> Meaning:
            self._known.append(Sentence(pattern, _compiled(pattern), meaning))
            return meaning

        return add

    def find(self, text: str) -> tuple[Sentence, dict[str, str]] | None:
        """The first sentence that this text is, with its words unquoted; what was left out is ''."""
        for sentence in self._known:
            if found := sentence.regex.fullmatch(text):
                return sentence, {name: (word or "").strip('"') for name, word in found.groupdict().items()}
        return None

    def beginning_with(self, word: str) -> list[str]:
        return [one.pattern for one in self._known if one.pattern.split()[0] == word]


def _compiled(pattern: str) -> re.Pattern[str]:
    made = []
    for part in re.split(r"(<\w+>|\[|\])", pattern):
        if part.startswith("<"):
            name = part[1:-1]
            made.append(f"(?P<{name}>{_KINDS[name]})")
        else:
            made.append({"[": "(?:", "]": ")?"}.get(part, re.escape(part)))
    return re.compile("".join(made))


def read(path: Path) -> tuple[Line, ...]:
    return tuple(_lines(path.read_text(encoding="utf-8")))


def _lines(text: str) -> Iterator[Line]:
    for number, line in enumerate(text.splitlines(), 1):
        words = re.findall(r'"[^"]*"|[^\s"]+', line.partition("#")[0])
        if words:
            # A comma after a closing quote belongs to it.
            yield Line(number, " ".join(words).replace('" ,', '",'))


def title_of(path: Path) -> str:
    first = next(_lines(path.read_text(encoding="utf-8")), Line(0, ""))
    return first.text.removeprefix("title ") if first.text.startswith("title ") else path.stem


def erps_of(path: Path, known: tuple[str, ...]) -> tuple[str, ...]:
    """The ERPs on which a story is told: all, or the one of its line `only netsuite because "..."`."""
    told = [_ONLY.fullmatch(line.text) for line in read(path) if line.text.startswith("only ")]
    wanted = {found["erp"] if found else "" for found in told}
    if wanted - set(known):
        raise ValueError(f'{path.name}: it is `only <{"|".join(known)}> because "<why>"`')
    return tuple(erp for erp in known if not wanted or erp in wanted)


def is_head(line: Line) -> bool:
    """Does this line say something of the story itself, and nothing that happens in it?"""
    return line.text.startswith(("title ", "only "))


def items(text: str) -> list[str]:
    """'a, b' -> ['a', 'b']."""
    return [item for item in text.split(", ") if item]


def pairs(text: str) -> list[tuple[str, str]]:
    """'INV-1 10.00, INV-2 5.00' -> pairs."""
    return [(first, rest) for first, _, rest in (item.partition(" ") for item in items(text))]


def choices(text: str) -> dict[str, str]:
    """'post auto, calendar {send_from: "10:00"}' -> key and YAML."""
    return dict(re.findall(rf"(\w+) ({_CHOICE})(?:, |$)", text))


def quoted(text: str) -> list[str]:
    """'"a" and "b"', whose outer quotes are gone already -> ['a', 'b']."""
    return text.split('" and "') if text else []
