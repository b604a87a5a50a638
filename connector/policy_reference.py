"""The reference of policy.yaml, made of the model that reads it: every key, what it takes, its default, its meaning.

`mappings/policy_reference.md` holds exactly this text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from connector.conditions import FUNCTIONS, KNOWN, VARIABLES
from connector.lint.findings import Check
from connector.policy_file import PolicyFile

_TOP = """\
# Every key of policy.yaml

Made from the program by `connector policy reference`; not edited by hand. [README.md](README.md) explains each key with
an example and says how to try a change. A key that is left out has the default shown here.

"""
_CONDITIONS = """\
## Names for `when:` conditions

A condition compares these with words in quotes and with numbers (`<`, `<=`, `==`, `!=`, `>=`, `>`, `in`) and joins that
by `&&`, `||` and `!`. What is not known makes every comparison with it untrue; `{known}` before a name asks whether it
is known. Amounts are by currency: `invoice.amount.USD`. Words also have {functions}.

"""
_CHECKS = """\
## What `connector policy check` looks at

Red findings keep everything from running `auto`; yellow ones are for a person to look at.

"""


def reference() -> str:
    """The whole page, as Markdown."""
    schema = PolicyFile.model_json_schema()
    return _TOP + "".join(_page(schema))


def _page(schema: Mapping[str, Any]) -> Iterator[str]:
    definitions: Mapping[str, Any] = schema["$defs"]
    yield from _table("policy.yaml", schema, definitions)
    told: set[str] = set()
    waiting = list(_inside(schema, definitions))
    while waiting:
        name, place = waiting.pop(0)
        if name in told:
            continue
        told.add(name)
        yield from _table(place, definitions[name], definitions)
        waiting = [(inner, f"{place}.{key}") for inner, key in _inside(definitions[name], definitions)] + waiting
    yield _CONDITIONS.format(known=KNOWN, functions=", ".join(f"`{name}`" for name in FUNCTIONS))
    yield from _rows(
        ("name", "what it is", "meaning"),
        (
            (f"`{name}`", one.kind.value + (", if known" if one.may_lack else ""), one.meaning)
            for name, one in VARIABLES.items()
        ),
    )
    yield _CHECKS
    yield from _rows(("finding", "what it says"), ((f"`{one.value}`", one.sentence) for one in Check))


def _inside(part: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The parts with keys of their own under this one, each with the way to it."""
    for key, value in part.get("properties", {}).items():
        for name, way in _references(value):
            if "properties" in definitions[name]:
                yield name, f"{key}{way}"


def _references(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "$ref" in value:
        yield value["$ref"].rpartition("/")[2], ""
    for one in value.get("anyOf", ()):
        yield from _references(one)
    for key, way in (("items", "[]"), ("additionalProperties", ".<name>")):
        if isinstance(value.get(key), Mapping):
            for name, further in _references(value[key]):
                yield name, f"{way}{further}"


def _table(place: str, part: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[str]:
    yield f"## `{place}`\n\n" if place != "policy.yaml" else "## The file\n\n"
    if place != "policy.yaml" and part.get("description"):
        yield f"{' '.join(part['description'].split())}\n\n"
    required = set(part.get("required", ()))
    rows = []
    for key, value in part.get("properties", {}).items():
        default = "required" if key in required else _default(value, definitions)
        rows.append((f"`{key}`", _takes(value, definitions), default, _meaning(value, definitions)))
    yield from _rows(("key", "takes", "default", "meaning"), rows)


def _meaning(value: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """What the key itself says; of a part that says nothing the part's own sentence."""
    if value.get("description"):
        return str(value["description"])
    names = [name for name, _ in _references(value) if "properties" in definitions[name]]
    text = definitions[names[0]].get("description", "") if names else ""
    return " ".join(text.split("\n\n")[0].split())


def _takes(value: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    if "$ref" in value:
        definition = definitions[value["$ref"].rpartition("/")[2]]
        return "keys of its own" if "properties" in definition else _takes(definition, definitions)
    if "enum" in value:
        return ", ".join(f"`{one}`" for one in value["enum"])
    if "anyOf" in value:
        some = [_takes(one, definitions) for one in value["anyOf"] if one.get("type") != "null"]
        # A decimal number may stand in quotes as well; that is one thing to a reader.
        is_decimal = len(some) == 2 and some[0].startswith("decimal number") and some[1] == "text"
        return some[0] if is_decimal else " or ".join(dict.fromkeys(some))
    kind = value.get("type")
    if kind == "array":
        return f"list: {_takes(value['items'], definitions)}"
    if kind == "object":
        inner = value.get("additionalProperties")
        words = _takes(inner, definitions) if isinstance(inner, Mapping) else "text"
        return f"name: {words}"
    return _plain(value)


def _plain(value: Mapping[str, Any]) -> str:
    words = {"integer": "whole number", "number": "decimal number", "boolean": "`true` or `false`", "string": "text"}
    text = {"date": "day", "time": "time"}.get(value.get("format", ""), words.get(value.get("type", ""), "text"))
    low, high = value.get("minimum"), value.get("maximum")
    if low is not None and high is not None:
        return f"{text}, {low} to {high}"
    if low is not None:
        return f"{text}, at least {low}"
    return "comparison such as `>= 2`" if "(<=|" in value.get("pattern", "") else text


def _default(value: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    default = value.get("default")
    if default is None:
        return "none"
    if isinstance(default, dict) and default and any(_references(value)):
        return "as below"
    if isinstance(default, list) and any(isinstance(one, dict) for one in default):
        return "as in the shipped file"
    if default in ({}, [], ""):
        return "none"
    return f"`{json.dumps(default, ensure_ascii=False)}`" if not isinstance(default, str) else f"`{default}`"


def _rows(heads: tuple[str, ...], rows: Any) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}\n"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n"
    yield "\n"
