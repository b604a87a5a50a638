"""How answers are damaged for the fuzzing (structure, texts, bytes), and what must hold of whatever is read then."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import strategies as st

from connector.money import Money

# What a hostile or broken sender puts where something else was expected.
ODD_TEXTS = (
    "", " ", "0", "-1", "1e5", "1e999999", "NaN", "Infinity", "9" * 40, "0.001", "1,5", "T", "null", "2026-02-30",
    "9999-12-31", "0000-00-00", "13/45/2026", "\x00", "a\x00b", "\x1b[31mred", "\u202eright to left", "\ud800",
    "=1+1", "{{ 7 * 7 }}", "${7*7}", "<script>alert(1)</script>", "x\r\nBcc: thief@evil.example",
    "'; DROP TABLE invoice; --", "../../etc/passwd", "x" * 5000, "\U0001f600", "\u0661\u0662", "I\u0307", "\ufeff",
)  # fmt: skip
TEXTS = st.sampled_from(ODD_TEXTS) | st.text(max_size=20)
SOUND_TEXTS = TEXTS.filter(lambda text: not unstorable(text))
_NUMBERS = st.sampled_from((0, -1, 2**31, 2**63, 10**30, -(2**63) - 1, 1.5, True)) | st.integers(-10, 10**10)
_SCALARS = st.none() | TEXTS | _NUMBERS
VALUES = _SCALARS | st.lists(_SCALARS, max_size=2) | st.dictionaries(st.sampled_from(("id", "data", "x")), _SCALARS)

Path = tuple[str | int, ...]


def paths(value: Any, above: Path = ()) -> Iterator[Path]:
    """Where a JSON value can be hurt: everywhere in it."""
    yield above
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*above, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from paths(inner, (*above, at))


@st.composite
def hurt(draw: st.DrawFn, whole: Any, at_most: int = 3) -> Any:
    """The JSON value with a few of its parts replaced, taken away or doubled."""
    value = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, at_most))):
        there = list(paths(value))
        path = draw(st.sampled_from(there[1:] or there))
        if not path:
            return draw(VALUES)
        holder = value
        for key in path[:-1]:
            holder = holder[key]
        last = path[-1]
        match draw(st.sampled_from(("replace", "replace", "delete", "double"))):
            case "delete":
                del holder[last]
            case "double" if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[last]))  # type: ignore[index]
            case _:
                holder[last] = draw(VALUES)
    return value


@st.composite
def hurt_row(draw: st.DrawFn, row: Mapping[str, str]) -> dict[str, str]:
    """A row of texts with some of them odd, and some gone; what no text is was taken out where the answer came in."""
    made = dict(row)
    for name in draw(st.lists(st.sampled_from(sorted(row)), min_size=1, max_size=3)):
        text = draw(st.none() | SOUND_TEXTS)
        made.pop(name, None)
        if text is not None:
            made[name] = text
    return made


@st.composite
def hurt_bytes(draw: st.DrawFn, whole: bytes) -> bytes:
    """The bytes with a few of them set, put in, cut out, or doubled."""
    raw = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(raw) - 1, 0)))
        match draw(st.sampled_from(("set", "insert", "delete", "cut", "twice"))):
            case "set" if raw:
                raw[at] = draw(st.integers(0, 255))
            case "insert":
                raw[at:at] = draw(
                    st.binary(max_size=8) | st.sampled_from((b"<![CDATA[", b"&#0;", b"-->", b"\xff\xfe", b"]]>"))
                )
            case "delete":
                del raw[at : at + draw(st.integers(1, 60))]
            case "cut":
                raw = raw[: at + 1]
            case _:
                raw += raw[at : at + draw(st.integers(1, 300))]
    return bytes(raw)


def unstorable(value: object) -> list[object]:
    """What of a value no database takes: half a sign, a NUL, an amount beyond 64 bits."""
    if isinstance(value, str):
        try:
            return [] if value.encode() is not None and "\0" not in value else [value]
        except UnicodeEncodeError:
            return [value]
    if isinstance(value, Money):
        return [] if abs(value.minor) < 2**63 else [value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [bad for one in dataclasses.fields(value) for bad in unstorable(getattr(value, one.name))]
    if isinstance(value, Mapping):
        return [bad for pair in value.items() for one in pair for bad in unstorable(one)]
    if isinstance(value, (list, tuple, set, frozenset)):
        return [bad for one in value for bad in unstorable(one)]
    return []
