"""`python -m sandbox` as a process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]


def _started(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sandbox", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _line(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def test_one_line_says_where_everything_is_and_sigterm_ends_it_well() -> None:
    with _started("--customers", "2", "--now", "2026-11-02T09:00:00", "--quiet") as process:
        line = _line(process)
        with requests.get(f"{line['world']}/clock", timeout=5) as response:
            clock = response.json()
        process.terminate()
        rest, errors = process.communicate(timeout=10)

    assert {"url", "world", "now", "netsuite", "stripe", "salesforce", "smtp", "imap", "sms", "chat"} == set(line)
    assert line["url"].startswith("http://127.0.0.1:")
    assert ("2026-11-02T09:00:00+00:00", True) == (clock["now"], clock["frozen"])
    assert (0, "", "") == (process.returncode, rest, errors)


def test_it_ends_within_seconds_though_a_request_waits_in_silence() -> None:
    with _started("--customers", "0", "--quiet") as process, requests.Session() as session:
        line = _line(process)
        session.post(f"{line['world']}/faults", json={"service": "stripe", "kind": "timeout_before", "seconds": 60})
        headers = {"Authorization": f"Bearer {line['stripe']['api_key']}"}
        with pytest.raises(requests.exceptions.ReadTimeout):
            session.get(f"{line['stripe']['base_url']}/v1/charges", headers=headers, timeout=0.2)
        process.terminate()
        process.communicate(timeout=10)

    assert 0 == process.returncode


def test_a_folder_that_is_no_book_is_exit_2_and_said(tmp_path: Path) -> None:
    with _started("--book", str(tmp_path), "--quiet") as process:
        out, errors = process.communicate(timeout=10)

    assert (2, "") == (process.returncode, out)
    assert "there is no invoices.csv in it" in errors
