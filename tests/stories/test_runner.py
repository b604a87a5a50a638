"""The runner itself: a story that is not true fails at its line and shows what was found instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.world import ERPS
from tests.stories import facts, notation
from tests.stories.deeds import sentences
from tests.stories.runner import StoryFailed, play

BEGINNING = """\
title     One reminder
customer  Alder Point Clinics, net 30
invoice   INV-1  Alder Point Clinics  8000.00 USD  due 2026-09-11  issued 2026-08-12
day       2026-09-04
"""


def played(folder: Path, ending: str) -> StoryFailed:
    story = folder / "one.story"
    story.write_text(BEGINNING + ending)
    with pytest.raises(StoryFailed) as failed:
        play(story, folder)
    return failed.value


def test_a_story_that_is_not_true_fails_at_its_line_with_what_was_found(tmp_path: Path) -> None:
    failed = played(tmp_path, "expect    reminder INV-1 -7 sent\nexpect    balance INV-1 1.00   # not so\n")

    assert (6, "expect balance INV-1 1.00") == (failed.line.number, failed.line.text)
    assert "8000.00" == failed.found


def test_a_sentence_that_is_not_known_is_refused_with_those_that_are(tmp_path: Path) -> None:
    failed = played(tmp_path, "expect    reminder INV-1 -7 send because of me\n")

    assert failed.found.startswith("a sentence that is not known; known are\nreminder <invoice> <step> <word>")


def test_a_reminder_that_only_the_store_calls_sent_is_not_believed(tmp_path: Path) -> None:
    """Sent is a fact of the mailbox."""
    failed = played(tmp_path, "expect    reminders of INV-1: -7, 0 sent\n")

    assert failed.found.startswith("-7 sent; -7 sent, 0 planned")


@pytest.mark.parametrize(
    ("head", "told_on"),
    [
        ("", ("netsuite", "intacct")),
        ('only intacct because "only there a payment is drafted"\n', ("intacct",)),
    ],
)
def test_a_story_is_told_on_every_erp_that_its_head_allows(tmp_path: Path, head: str, told_on: tuple[str, ...]) -> None:
    story = tmp_path / "one.story"
    story.write_text(head + BEGINNING)

    assert told_on == notation.erps_of(story, ERPS)


@pytest.mark.parametrize("head", ["only intacct", 'only intacct because ""', 'only sap because "we like it"'])
def test_a_story_of_one_erp_says_which_and_why(tmp_path: Path, head: str) -> None:
    story = tmp_path / "one.story"
    story.write_text(f"{head}\n{BEGINNING}")
    with pytest.raises(ValueError, match=r"it is `only <netsuite\|intacct> because"):
        notation.erps_of(story, ERPS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('payment P-1 Alder Point 10.00 USD "for it"', {"payer": "Alder Point", "text": "for it", "parts": ""}),
        (
            'payment P-1 somebody 10 JPY "" by ach pays INV-1 10',
            {"payer": "somebody", "word": "ach", "parts": "INV-1 10"},
        ),
        ("customer Meridian Freight, net 30, child of Meridian Group", {"parent": "Meridian Group", "currency": ""}),
        (
            "crm account Alder Point, renews 2027-01-31, strategic, tier Enterprise, arr 5.00 USD, zone Europe/Berlin",
            {"flags": "strategic", "traits": "tier Enterprise, arr 5.00 USD, zone Europe/Berlin"},
        ),
        ("crm account Alder Point, billing usage", {"renews": "", "flags": "", "traits": "billing usage"}),
        ("crm hears Alder Point on 2026-09-04", {"customer": "Alder Point", "day": "2026-09-04"}),
    ],
)
def test_a_sentence_gives_its_words(text: str, words: dict[str, str]) -> None:
    found = sentences.find(text)

    assert found is not None
    assert words == {name: found[1][name] for name in words}


def test_every_line_of_every_story_is_understood() -> None:
    for known in (sentences, facts.facts):
        assert [] == [line for story in STORIES for line in unknown_lines(story, known)]


STORIES = sorted(Path(__file__).parent.glob("*.story"))


def unknown_lines(story: Path, known: notation.Sentences) -> list[str]:
    """The lines of a story that nothing understands; only those that are `known`'s to understand."""
    expected = known is facts.facts
    texts = [line.text for line in notation.read(story) if not notation.is_head(line)]
    own = [text.removeprefix("expect ") for text in texts if text.startswith("expect ") is expected]
    return [f"{story.name}: {text}" for text in own if known.find(text) is None]
