"""The import contracts of pyproject.toml bite: one wrong line planted for each, and each of them is seen."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# contract -> the module that is made to break it, and with what
PLANTED = {
    "Rooms are stacked; imports point down": ("connector/errors.py", "import connector.store"),
    "Decisions and the values they take are pure": ("connector/money.py", "import random"),
    "Decisions do not call each other": ("connector/decisions/cadence.py", "import connector.decisions.closing"),
    "Vendors do not know each other": ("connector/adapters/stripe.py", "import connector.adapters.email"),
    "Only wiring chooses a vendor": ("connector/loop.py", "import connector.adapters.email"),
    "Each library that could spread has one room": ("connector/cash.py", "import dbos"),
    "The sandbox shares no code with the connector": ("sandbox/clock.py", "import connector.money"),
}


def lint_imports(folder: Path) -> dict[str, str]:
    """KEPT or BROKEN, by contract, of the project that stands in this folder."""
    program = "from importlinter.cli import lint_imports_command as run; run()"
    command = [sys.executable, "-c", program, "--no-logo", "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"}
    said = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False).stdout
    return {name.strip(): verdict for name, verdict in re.findall(r"^(.+?) (KEPT|BROKEN)\b", said, re.MULTILINE)}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for room in ("connector", "sandbox"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_contract_has_a_line_planted_against_it() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]

    assert [contract["name"] for contract in contracts] == list(PLANTED)


def test_every_contract_is_broken_by_the_line_planted_against_it(copy: Path) -> None:
    for file, line in PLANTED.values():
        path = copy / file
        path.write_text(f"{path.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")

    assert dict.fromkeys(PLANTED, "BROKEN") == lint_imports(copy)


def test_a_new_room_must_be_given_its_place(copy: Path) -> None:
    (copy / "connector" / "attic.py").write_text('"""A room that no layer names."""\n', encoding="utf-8")

    assert "BROKEN" == lint_imports(copy)["Rooms are stacked; imports point down"]
