"""A wrong file is refused with its file, its line and what was meant."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field

from connector import mapping
from connector.errors import ConfigError


class Mode(StrEnum):
    SHADOW = "shadow"
    AUTO = "auto"


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")

    days: int
    name: str = ""
    chance: Decimal = Decimal(1)


class File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    mode: Mode = Mode.SHADOW
    share: int = Field(default=50, ge=0, le=100)
    is_on: bool = False
    steps: tuple[Part, ...] = ()
    fields: dict[str, Part] = {}
    main: Part | None = None


def problems(tmp_path: Path, text: str) -> list[str]:
    """What is said of this text, without the heading and with the path left out."""
    path = tmp_path / "file.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        mapping.load(path, File)
    return str(raised.value).replace(f"{path} ", "").splitlines()[1:]


# what is in the file, what is said of it
TABLE = [
    ("mood: auto", "line 1: mood: unknown key; did you mean 'mode'?"),
    ("mode: auot", "line 1: mode: must be one of shadow, auto, not \"auot\"; did you mean 'auto'?"),
    ("zzz: 1", "line 1: zzz: unknown key; the keys here are mode, share, is_on, steps, fields, main"),
    ("\n\nshare: 101", "line 3: share: must be at most 100, not 101"),
    ("share: -1", "line 1: share: must be at least 0, not -1"),
    ("share: half", 'line 1: share: must be a whole number, not "half"'),
    ('share: "7"', 'line 1: share: must be a whole number, not "7"'),
    ("is_on: NO", 'line 1: is_on: must be true or false, not "NO"'),
    ("steps: 7", "line 1: steps: must be a list: lines that begin with '- ', not 7"),
    ("steps:\n- days: 1\n- day: 2", "line 3: steps[2].days: this key is missing"),
    ("steps:\n- days: 1\n- {days: 2, nmae: x}", "line 3: steps[2].nmae: unknown key; did you mean 'name'?"),
    ("steps:\n- days: 1\n  name: +7", 'line 3: steps[1].name: must be text, not 7; put it in quotes: "…"'),
    ("fields:\n  a:\n    days: 1\n    chnace: 1", "line 4: fields.a.chnace: unknown key; did you mean 'chance'?"),
    ("main: {days: 1, nam: x}", "line 1: main.nam: unknown key; did you mean 'name'?"),
    ("main:\n  days:", "line 2: main.days: must be a whole number, not nothing"),
    ("share: 1\nshare: 2", "line 2: share: is there twice; the first is on line 1. Keep one of them."),
    ("steps: [1", "line 1: not valid YAML: expected ',' or ']', but got '<stream end>'"),
    ("share: 1\n  mode: auto", "line 2: not valid YAML: mapping values are not allowed here"),
    ("- 1", "line 1: the file must be keys and values ('key: value'), nothing else"),
]


@pytest.mark.parametrize(("text", "expected"), TABLE, ids=[text[:30] for text, _ in TABLE])
def test_a_problem_is_named_with_its_line_in_plain_words(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in problems(tmp_path, text)


def test_all_problems_of_a_file_are_told_at_once_in_the_order_of_its_lines(tmp_path: Path) -> None:
    found = problems(tmp_path, "zzz: 1\nmode: x\nsteps:\n- days: x\nshare: 200\n")

    assert ["line 1", "line 2", "line 4", "line 5"] == [text.split(":")[0] for text in found]


def test_every_key_that_is_there_twice_is_told(tmp_path: Path) -> None:
    found = problems(tmp_path, "share: 1\nshare: 2\nmain:\n  days: 1\n  days: 2\n")

    assert ["line 2: share", "line 5: main.days"] == [text.split(": is")[0] for text in found]


def test_a_file_that_is_in_order_becomes_the_model(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("mode: auto\nsteps:\n- {days: -7, chance: 0.10}\n", encoding="utf-8")

    assert File(mode=Mode.AUTO, steps=(Part(days=-7, chance=Decimal("0.10")),)) == mapping.load(path, File)


def test_a_decimal_keeps_its_digits(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("main: {days: 1, chance: 0.1000000000000000055511}\n", encoding="utf-8")
    main = mapping.load(path, File).main

    assert main is not None
    assert Decimal("0.1000000000000000055511") == main.chance


def test_a_country_called_no_stays_text(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("main: {days: 1, name: NO}\n", encoding="utf-8")
    main = mapping.load(path, File).main

    assert main is not None
    assert "NO" == main.name


def test_an_empty_file_is_all_defaults(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("# nothing yet\n", encoding="utf-8")

    assert File() == mapping.load(path, File)


@pytest.mark.parametrize(("content", "words"), [(None, "does not exist"), (b"\xff\xfe\x00", "can't be read")])
def test_a_file_that_is_absent_or_no_text_is_refused(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "file.yaml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigError, match=words):
        mapping.load(path, File)
