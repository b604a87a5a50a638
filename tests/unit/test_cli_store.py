"""`connector backup`, `restore`, `retention` as a person calls them: what they print, ask, refuse, and how they end."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from connector import cli
from connector.store import Store

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
SETTINGS = {
    "INSTALLATION": "t1",
    "LEDGER_ZONE": "UTC",
    "NETSUITE_ACCOUNT": "1234567_SB1",
    "STRIPE_LIVEMODE": "false",
    "STRIPE_CUTOVER_ON": "2026-01-01",
}


class Noon:
    def now(self) -> datetime:
        return NOON


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store, and settings that name it."""
    monkeypatch.chdir(tmp_path)
    for name, value in (SETTINGS | {"STORE": str(tmp_path / "connector.db")}).items():
        monkeypatch.setenv(f"CONNECTOR_{name}", value)
    store = Store(tmp_path / "connector.db", Noon())
    with store.tx() as tx:
        tx.set("epoch", "3")
        tx.journal("one")
    store.close()
    return tmp_path


def said(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(cli.app, list(arguments), obj=cli.Invocation(), input=typed)


def test_a_backup_into_a_folder_gets_a_name_of_its_own_and_says_what_it_is(place: Path) -> None:
    (place / "kept").mkdir()
    ended = said("backup", str(place / "kept"))

    (file,) = (place / "kept").iterdir()
    assert 0 == ended.exit_code, ended.output
    assert file.name.startswith("connector-t1-")
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert f"Backed up: {file}" in ended.output
    assert "Store of installation t1, epoch 3, taken" in ended.output
    assert "up to journal line 1, schema" in ended.output


def test_for_programs_it_is_one_document(place: Path) -> None:
    ended = said("backup", "one.backup", "--json")

    told = json.loads(ended.stdout)
    assert ("one.backup", "t1", "3", 1) == (told["file"], told["installation"], told["epoch"], told["last_seq"])
    assert 1 == told["rows"]["journal"]


def test_a_restore_is_asked_for_and_a_no_changes_nothing(place: Path) -> None:
    said("backup", "one.backup")
    for typed in ("n\n", ""):
        ended = said("restore", "one.backup", typed=typed)
        assert (1, True) == (ended.exit_code, "Nothing was changed" in ended.output)
    assert [] == list(place.glob("*.replaced-*"))

    ended = said("restore", "one.backup", typed="y\n")
    assert 0 == ended.exit_code, ended.output
    assert "Whatever is auto runs as suggest now" in ended.output
    (kept,) = place.glob("connector.db.replaced-*")
    assert f"What was there is kept: {kept}" in ended.output


def test_it_goes_on_only_once_a_pass_has_read_everything(place: Path) -> None:
    said("backup", "one.backup")
    said("restore", "one.backup", "--yes")
    ended = said("restore", "--go-on", "--who", "bo")

    assert (1, True) == (ended.exit_code, "no pass has read every source" in ended.output)


@pytest.mark.parametrize("arguments", [(), ("one.backup", "--go-on"), ("--go-on", "--here"), ("one.backup", "--here")])
def test_one_thing_is_asked_for_at_a_time(place: Path, arguments: tuple[str, ...]) -> None:
    assert 2 == said("restore", *arguments).exit_code


def test_what_cannot_be_used_ends_with_the_code_of_a_wrong_setting(place: Path) -> None:
    (place / "letter.txt").write_text("no backup")
    assert 2 == said("restore", "letter.txt", "--yes").exit_code
    assert 2 == said("restore", "mistyped.backup", "--yes").exit_code
    (place / "one.backup").write_text("mine")
    assert 2 == said("backup", "one.backup").exit_code


def test_retention_counts_and_removes(place: Path) -> None:
    shown, removed = said("retention"), said("retention", "--remove", "--json")

    assert "To be removed: personal data in 0 records" in shown.output
    assert {"years": 10, "rows": {}, "is_removed": True}.items() <= json.loads(removed.stdout).items()
