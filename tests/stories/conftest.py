"""Every *.story file is a test on each ERP; its title is its name. ARC_TEST_ERP: on this one alone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.stories import notation


class StoryFile(pytest.File):
    def collect(self) -> Iterable[pytest.Item]:
        from sandbox.world import ERPS

        title, wanted = notation.title_of(self.path), os.environ.get("ARC_TEST_ERP", "")
        for erp in notation.erps_of(self.path, ERPS):
            if wanted in ("", erp):
                yield StoryItem.from_parent(self, name=f"{title} [{erp}]", erp=erp)


class StoryItem(pytest.Item):
    def __init__(self, *, erp: str, **given: Any) -> None:
        super().__init__(**given)
        self._erp = erp

    def runtest(self) -> None:
        from tests.stories import runner

        with tempfile.TemporaryDirectory(prefix="story-") as folder:
            runner.play(self.path, Path(folder), self._erp)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        from tests.stories.runner import StoryFailed

        return str(excinfo.value) if isinstance(excinfo.value, StoryFailed) else super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.name


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.Collector | None:
    return StoryFile.from_parent(parent, path=file_path) if file_path.suffix == ".story" else None
