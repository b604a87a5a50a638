"""A YAML file that finance can change -> a checked value; what is not understood is refused, with its file and line.

All problems of a file are told at once, in plain words. YAML 1.2: `NO` stays text; a number with a decimal point is
taken as Decimal from its own digits, never as a float; the same key twice is an error.
"""

from __future__ import annotations

import difflib
import json
import re
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from connector.errors import ConfigError

Loc = tuple[int | str, ...]
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed file: its plain data, and the line of every key."""

    path: Path
    data: dict[str, Any]
    lines: dict[Loc, int] = field(default_factory=dict)

    def line(self, loc: Loc) -> int:
        """The line of this key, or of the nearest one around it that is in the file."""
        while loc and loc not in self.lines:
            loc = loc[:-1]
        return self.lines.get(loc, 1)

    def where(self, loc: Loc) -> str:
        return f"{self.path} line {self.line(loc)}"

    def refusal(self, problems: Iterable[tuple[Loc, str]]) -> ConfigError:
        """One error for all problems of this file, in the order of its lines."""
        ordered = sorted(problems, key=lambda problem: self.line(problem[0]))
        return refusal(str(self.path), [f"{self.where(loc)}: {dotted(loc)}{text}" for loc, text in ordered])


class Part(BaseModel):
    """A part of a file that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def like(pattern: str, words: str) -> AfterValidator:
    """A field that must have this form; `words` tell a person which."""

    def checked(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"must be {words}")
        return value

    return AfterValidator(checked)


def load(path: Path, model: type[Model]) -> Model:
    """Read this file as this model; ConfigError names file, line and key of everything that is wrong with it."""
    return validate(read(path), model)


def validate(document: Document, model: type[Model]) -> Model:
    """Read this document as this model. Types are strict: "7" is text and 7 is a number."""
    try:
        return model.model_validate_json(json.dumps(document.data, default=_json), strict=True)
    except ValidationError as error:
        found = [(detail["loc"], plain_words(detail, model)) for detail in error.errors()]
    raise document.refusal(found)


def refusal(what: str, problems: list[str]) -> ConfigError:
    """One error for all problems of one source of settings."""
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return ConfigError("\n".join([f"{what} can't be used ({count}); nothing was started:", *problems]))


def read(path: Path) -> Document:
    """Parse a file without knowing its model; syntax and duplicate keys are told with their lines."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; nothing was started.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} can't be read: {error}. Nothing was started.") from None
    try:
        root = YAML().compose(text)
        lines: dict[Loc, int] = {}
        twice = list(_positions(root, (), lines)) if root is not None else []
        data = None if twice else _parser().load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        written = "".join(text.splitlines()[line - 1 : line])
        problem = error.problem or error.context or ""
        hint = next((words for pattern, words in _SIGNS if re.search(pattern, written)), "")
        if not hint and problem.startswith("expected <block end>"):
            hint = "; is this line indented as those that it belongs to?"
        raise refusal(str(path), [f"{path} line {line}: not valid YAML: {problem}{hint}"]) from None
    except (YAMLError, ArithmeticError) as error:
        raise refusal(str(path), [f"{path}: not valid YAML: {error}"]) from None
    if twice:
        raise refusal(str(path), [f"{path} line {line}: {text}" for line, text in twice])
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise refusal(str(path), [f"{path} line 1: the file must be keys and values ('key: value'), nothing else"])
    return Document(path, data, lines)


# Signs of comparisons and conditions that mean something else to YAML -> what to do.
_SIGNS = (
    (r":\s*>=?\s*[-\d]", '; put a comparison in quotes: ">= 2"'),
    (r":\s*(?:!|\"[^\"]*\"\s+\S|'[^']*'\s+\S)", "; write a condition on a line of its own below `when: >-`"),
)


class _Constructor(SafeConstructor):
    """As ruamel's safe constructor, but a decimal number keeps its own digits."""


_Constructor.add_constructor("tag:yaml.org,2002:float", lambda _, node: Decimal(node.value))


def _parser() -> YAML:
    parser = YAML(typ="safe", pure=True)
    parser.Constructor = _Constructor
    return parser


def _json(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _positions(node: Node, loc: Loc, lines: dict[Loc, int]) -> Iterator[tuple[int, str]]:
    """Note the line of every key below this node; yields each key that is there twice, or is a number."""
    if isinstance(node, MappingNode):
        for key, value in node.value:
            inner: Loc = (*loc, str(key.value))
            line = key.start_mark.line + 1
            if re.fullmatch(r"\d+(\.\d+)?", str(key.value)) and loc:
                yield line, f"{dotted(inner)}is no name; write amounts without commas for thousands, such as 25000.00."
            if inner in lines:
                yield line, f"{dotted(inner)}is there twice; the first is on line {lines[inner]}. Keep one of them."
            lines.setdefault(inner, line)
            yield from _positions(value, inner, lines)
    elif isinstance(node, SequenceNode):
        for index, value in enumerate(node.value):
            lines[(*loc, index)] = value.start_mark.line + 1
            yield from _positions(value, (*loc, index), lines)


def dotted(loc: Iterable[int | str]) -> str:
    """The key path as a person says it, lists counted from one: 'steps[2].days: '; empty for the file itself."""
    text = ""
    for part in loc:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
    return f"{text.lstrip('.')}: " if text else ""


def plain_words(detail: ErrorDetails, model: type[BaseModel], show: bool = True) -> str:
    """What is wrong and what is wanted; `show=False` keeps the given value out, for places where it may be a secret."""
    kind, context = detail["type"], detail.get("ctx", {})
    given = f", not {_shown(detail['input'])}" if show else ""
    if kind == "extra_forbidden":
        return _unknown_key(str(detail["loc"][-1]), keys_at(model, detail["loc"][:-1]))
    if kind == "missing":
        return "this key is missing"
    if kind in {"enum", "literal_error"}:
        return _one_of(str(context.get("expected", "")), detail["input"], given)
    if kind == "value_error":
        return str(context.get("error", detail["msg"]))
    if kind in _BOUNDS:
        words, name = _BOUNDS[kind]
        return f"must be {words} {context.get(name)}{given}"
    wanted = next((words for start, words in _WANTED if kind.startswith(start)), "")
    if not wanted:
        return f"{detail['msg'][:1].lower()}{detail['msg'][1:]}{given}"
    quotes = '; put it in quotes: "…"' if kind == "string_type" and isinstance(detail["input"], int) else ""
    return f"must be {wanted}{given}{quotes}"


_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}

# The start of pydantic's error type -> what a person should write.
_WANTED = (
    ("int", "a whole number"),
    ("bool", "true or false"),
    ("string_pattern", "in another form"),
    ("string_too_short", "filled in"),
    ("string", "text"),
    ("decimal", 'a decimal number such as "12.50"'),
    ("date", "a day such as 2026-01-31"),
    ("time", 'a time such as "08:00"'),
    ("tuple", "a list: lines that begin with '- '"),
    ("list", "a list: lines that begin with '- '"),
    ("set", "a list: lines that begin with '- '"),
    ("frozen_set", "a list: lines that begin with '- '"),
    ("dict", "keys with values of their own, each on its own line"),
    ("model", "keys with values of their own, each on its own line"),
    ("too_short", "a list with at least one entry"),
)


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "keys with values"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + '…"'


def _unknown_key(key: str, known: list[str]) -> str:
    near = did_you_mean(key, known)
    if near:
        return f"unknown key; did you mean {near!r}?"
    return f"unknown key; the keys here are {', '.join(known)}" if known else "unknown key"


def _one_of(expected: str, given: object, shown: str) -> str:
    members = [part.strip(" '") for part in expected.replace(" or ", ",").split(",") if part.strip()]
    near = did_you_mean(str(given), members) if isinstance(given, str) and shown else ""
    return f"must be one of {', '.join(members)}{shown}" + (f"; did you mean {near!r}?" if near else "")


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The known word that was probably meant, or ''."""
    lowered = {item.lower(): item for item in known}
    near = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=cutoff)
    return lowered[near[0]] if near else ""


def keys_at(model: type[BaseModel], loc: Loc) -> list[str]:
    """Which keys may stand at this place of a file of this model?"""
    places: list[Any] = [model]
    for part in loc:
        places = [inner for place in places for inner in _inside(place, part)]
    return [name for place in places for name in _fields(place)]


def _fields(place: Any) -> dict[str, Any]:
    """Key -> annotation of a model's fields, under the names that the file uses; other types have none."""
    if not (isinstance(place, type) and issubclass(place, BaseModel)):
        return {}
    return {item.alias or name: item.annotation for name, item in place.model_fields.items()}


def _inside(place: Any, part: int | str) -> list[Any]:
    if isinstance(part, str) and part in _fields(place):
        return _models(_fields(place)[part])
    origin, arguments = get_origin(place), get_args(place)
    if isinstance(part, int) and origin in {list, tuple, set, frozenset}:
        return _models(arguments[0])
    if isinstance(part, str) and origin is dict:
        return _models(arguments[1])
    return []


def _models(annotation: Any) -> list[Any]:
    """An annotation without Optional, unions and Annotated around it."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _models(get_args(annotation)[0])
    if origin in {Union, types.UnionType}:
        return [inner for choice in get_args(annotation) for inner in _models(choice)]
    return [annotation]


def plain(text: str) -> dict[str, Any]:
    """The data of a file that was read before, from its text; {} where that isn't keys and values."""
    try:
        data = _parser().load(text)
    except (YAMLError, ArithmeticError):
        return {}
    return data if isinstance(data, dict) else {}
