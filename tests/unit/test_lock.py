"""What is installed is what was chosen: every package pinned and locked by hash, from the index alone."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
# A package with everything that belongs to it, as the lock writes it over several lines.
ENTRIES = re.findall(r"^(?![#\s-])\S.*?(?=^(?![#\s])|\Z)", LOCK, re.MULTILINE | re.DOTALL)


def name_of(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\[=<>!~; @]", requirement, maxsplit=1)[0]).lower()


def test_every_package_is_pinned_and_has_its_hashes() -> None:
    wrong = [
        entry.splitlines()[0]
        for entry in ENTRIES
        if not re.match(r"[A-Za-z0-9_.-]+(\[[a-z0-9_,-]+\])?==[A-Za-z0-9.!+-]+( ;[^\\]*)? \\\n", entry)
        or not re.search(r"--hash=sha256:[0-9a-f]{64}", entry)
    ]

    assert 50 < len(ENTRIES)
    assert [] == wrong


def test_nothing_comes_from_anywhere_but_the_index() -> None:
    lines = [line for line in LOCK.splitlines() if not line.lstrip().startswith("#")]

    assert [] == [line for line in lines if "://" in line or " @ " in line or line.startswith("-")]


def test_whatever_the_project_asks_for_is_in_the_lock() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]

    assert [] == sorted({name_of(one) for one in wanted} - {name_of(entry) for entry in ENTRIES})


def test_it_is_installed_only_with_its_hashes() -> None:
    """Both ways of making the environment refuse a file that isn't the one that was locked."""
    text = (ROOT / "scripts" / "_env.sh").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if "requirements.lock" in line]
    installs = [line for line in lines if re.search(r"pip (sync|install)", line)]

    assert 2 == len(installs)
    assert all("--require-hashes" in line for line in installs)
