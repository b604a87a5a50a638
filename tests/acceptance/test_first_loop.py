"""The README's way from an empty account to the first closed loop: a rehearsal, by the commands that stand there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.harness import ROOT

HEADING = "## From an empty sandbox account to the first closed loop"
BLOCK = re.compile(r"^```(bash|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands() -> Iterator[str]:
    """`bash` blocks whole; of `console` blocks, which show what is printed, the lines after a `$`."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition(HEADING)[2].partition("\n## ")[0]
    for kind, body in BLOCK.findall(section):
        yield body if kind == "bash" else "\n".join(re.findall(r"^\$ (.*)", body, re.MULTILINE))


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Everything that was printed. The first command that fails ends it."""
    if shutil.which("curl") is None:
        pytest.skip("no curl on this machine, which the README's commands use")
    script = "\n".join(["set -eu", "trap 'kill $(jobs -p)' EXIT", *commands()])
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CONNECTOR_")}
    environ["HOME"] = str(tmp_path_factory.mktemp("home"))
    ended = subprocess.run(["bash", "-c", script], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=300)

    assert 0 == ended.returncode, ended.stdout[-3000:] + ended.stderr[-3000:]
    return " ".join(ended.stdout.split())


def test_the_loop_of_the_readme_closes(said: str) -> None:
    in_order = [
        "Nothing stands against starting.",
        "(waits: posting is in shadow)",
        "payments posted to the ERP 0",
        "payments posted to the ERP 1 loops closed 1 reminders cancelled 6",
        "state paid",
        "reminders sent 1",
    ]
    places = [said.find(words) for words in in_order]

    assert -1 not in places
    assert sorted(places) == places


def test_the_first_reminder_is_of_the_invoice_that_is_owed(said: str) -> None:
    mailbox = said[said.rindex("reminders sent 1") :]

    assert "INV-1002" in mailbox
    assert "INV-1001" not in mailbox
