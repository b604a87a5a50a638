"""What changed between two versions of policy.yaml, key by key, as a person would say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

# What tells the entries of a list apart, so that one put in front doesn't change all behind it.
_NAMED_BY = ("name", "days", "first_on")
_SHOWN_MAX = 120


@dataclass(frozen=True, slots=True)
class KeyChange:
    """One key; '' before it was there, or after it was taken away."""

    key: str
    before: str
    after: str

    def __str__(self) -> str:
        if not self.before:
            return f"{self.key}: {self.after} (new)"
        if not self.after:
            return f"{self.key}: {self.before} (taken away)"
        return f"{self.key}: {self.before} -> {self.after}"


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[KeyChange, ...]:
    """Every key that differs: who may approve first, else in the order of the newer file. The order of a list counts,
    too: of segments and escalation rules the first that fits decides.
    """
    old, new = dict(_flat((), before)), dict(_flat((), after))
    keys = [*new, *(key for key in old if key not in new)]
    found = [KeyChange(key, old.get(key, ""), new.get(key, "")) for key in keys if old.get(key) != new.get(key)]
    return tuple(sorted(found, key=lambda one: not one.key.startswith("approvals")))


def _flat(path: tuple[str, ...], value: Any) -> Iterator[tuple[str, str]]:
    """'segments[key accounts].cadence' -> 'personal', for every key that holds no other keys."""
    if isinstance(value, Mapping) and (value or not path):
        for key, inner in value.items():
            yield from _flat((*path, str(key)), inner)
    elif isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        names = _names(value)
        for name, inner in zip(names, value, strict=True):
            yield from _flat((*path[:-1], f"{path[-1] if path else ''}[{name}]"), inner)
        if len(names) > 1:
            yield f"order of {'.'.join(path)}", ", ".join(names)
    else:
        yield ".".join(path), _shown(value)


def _names(entries: list[Any]) -> list[str]:
    """By what each entry is called; numbers where they don't tell all of them apart."""
    for key in _NAMED_BY:
        names = [str(one.get(key, "")) for one in entries]
        if all(names) and len(set(names)) == len(names):
            return names
    return [str(number) for number in range(1, len(entries) + 1)]


def _shown(value: Any) -> str:
    if isinstance(value, list):
        text = f"[{', '.join(_shown(one) for one in value)}]"
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, Decimal):
        text = f"{value:f}"
    else:
        text = "{}" if value == {} else "nothing" if value is None else str(value)
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"
