"""Acceptance tests run on each ERP, unless one says that it is about one of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import pytest

from sandbox.world import ERPS


@pytest.fixture
def each_erp(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """`pytestmark = pytest.mark.usefixtures("each_erp")`: every `desk` of the module stands on this ERP."""
    monkeypatch.setenv("ARC_TEST_ERP", request.param)
    return str(request.param)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each ERP in turn, or the one of ARC_TEST_ERP, unless the test itself says which."""
    given = [name for mark in metafunc.definition.iter_markers("parametrize") for name in _names(mark.args[0])]
    if "each_erp" in metafunc.fixturenames and "each_erp" not in given:
        wanted: Any = os.environ.get("ARC_TEST_ERP")
        metafunc.parametrize("each_erp", [erp for erp in ERPS if wanted in (None, "", erp)], indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Store and ERP don't know each other: both at once is left to the long tier, unless the test chose its ERP."""
    for item in items:
        if any("each_erp" in _names(mark.args[0]) for mark in item.iter_markers("parametrize")):
            continue
        params = item.callspec.params.values() if hasattr(item, "callspec") else ()
        if {"intacct", "postgresql"} <= {one for one in params if isinstance(one, str)}:
            item.add_marker(pytest.mark.long)


def _names(given: str | Sequence[str]) -> Sequence[str]:
    return given.split(",") if isinstance(given, str) else given
