"""What the outside could not give or take is said by `connector once`, and by its exit code."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner, Result

from connector import cli
from connector.reports import TickReport

SETTINGS = """\
installation: demo
ledger_zone: America/New_York
netsuite: {account: 1000001_SB1}
stripe: {livemode: false, cutover_on: 2026-01-01}
"""
NAMES = ("NETSUITE_CONSUMER_KEY", "NETSUITE_CONSUMER_SECRET", "NETSUITE_TOKEN_ID", "NETSUITE_TOKEN_SECRET")
TROUBLE = "Could not read payments: Stripe answered 503. It is asked again at the next tick."


@dataclass
class OneTick:
    report: TickReport

    def once(self) -> TickReport:
        return self.report

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    (tmp_path / "connector.yaml").write_text(SETTINGS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        monkeypatch.setenv(f"CONNECTOR_{name}", "a-credential")
    monkeypatch.setenv("CONNECTOR_STRIPE_API_KEY", "sk_test_1")
    yield tmp_path
    root.handlers, root.level = before
    structlog.reset_defaults()


def once(report: TickReport, *arguments: str) -> Result:
    given: Any = OneTick(report)
    invocation = cli.Invocation(open_service=lambda _: given)
    return CliRunner().invoke(cli.app, ["once", *arguments], obj=invocation)


# troubles, differences, unfinished -> exit code: a person comes first
TABLE = [((), 0, 0, 0), ((TROUBLE,), 0, 0, 3), ((TROUBLE,), 1, 0, 1), ((TROUBLE,), 0, 1, 1)]


@pytest.mark.parametrize(("troubles", "differences", "unfinished", "expected"), TABLE)
def test_once_ends_with_three_if_only_the_outside_is_in_the_way(
    folder: Path, troubles: tuple[str, ...], differences: int, unfinished: int, expected: int
) -> None:
    report = TickReport(troubles=troubles, differences=differences, unfinished=unfinished)

    assert expected == once(report).exit_code


def test_once_says_each_trouble_as_a_sentence_and_not_as_a_count(folder: Path) -> None:
    shown = once(TickReport(troubles=(TROUBLE,))).stdout

    assert TROUBLE in shown.splitlines()
    assert "troubles" not in shown


def test_troubles_stand_in_the_json(folder: Path) -> None:
    assert [TROUBLE] == json.loads(once(TickReport(troubles=(TROUBLE,)), "--json").stdout)["troubles"]
