"""Plays a story: a text that a controller can read, on the real sandbox, line by line. README.md has the notation.

A line that does not hold ends the story with the line and what was found instead. At its end the invariants must hold.
"""

from __future__ import annotations

from pathlib import Path

from tests.harness import sandbox
from tests.stories import deeds, facts, notation
from tests.stories.deeds import Deeds
from tests.stories.facts import Facts
from tests.stories.notation import Line


class StoryFailed(Exception):
    """The first line that does not hold, and what was found instead."""

    def __init__(self, path: Path, line: Line, found: str) -> None:
        super().__init__(f"{path.name}:{line.number}\n    {line.text}\nfound\n    " + found.replace("\n", "\n    "))
        self.line = line
        self.found = found


def play(path: Path, folder: Path, erp: str = "") -> None:
    """Tell this story; StoryFailed if it is not true. `folder` is for the connector's files; `erp` keeps the books,
    left out the one of ARC_TEST_ERP."""
    lines = notation.read(path)
    days = [line.text.split()[1] for line in lines if line.text.startswith("day ")]
    if not days:
        raise StoryFailed(path, Line(1, "day ..."), "a story needs a day on which it begins")
    with sandbox(deeds.first_morning(days), erp=erp) as served:
        told = Deeds(served, folder)
        try:
            for line in lines:
                if found := _tell(told, line):
                    raise StoryFailed(path, line, found)
            if broken := facts.invariants(told):
                raise StoryFailed(path, Line(lines[-1].number, "the invariants at the end"), "\n".join(broken))
        finally:
            told.close()


def _tell(told: Deeds, line: Line) -> str:
    """Do what the line says, or see whether it is true; '' or what was found instead."""
    if notation.is_head(line):
        return ""
    word, _, rest = line.text.partition(" ")
    known, text = (facts.facts, rest) if word == "expect" else (deeds.sentences, line.text)
    found = known.find(text)
    if found is None:
        like = known.beginning_with(text.split()[0])
        return "a sentence that is not known" + ("; known are\n" + "\n".join(like) if like else "")
    sentence, words = found
    try:
        return str(sentence.meaning(Facts(told) if word == "expect" else told, **words) or "")
    except (AssertionError, LookupError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
