"""Every *.story file is a test; its title is its name."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.stories import notation


class StoryFile(pytest.File):
    def collect(self) -> Iterable[pytest.Item]:
        yield StoryItem.from_parent(self, name=notation.title_of(self.path))


class StoryItem(pytest.Item):
    def runtest(self) -> None:
        from tests.stories import runner

        with tempfile.TemporaryDirectory(prefix="story-") as folder:
            runner.play(self.path, Path(folder))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        from tests.stories.runner import StoryFailed

        return str(excinfo.value) if isinstance(excinfo.value, StoryFailed) else super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.name


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.Collector | None:
    return StoryFile.from_parent(parent, path=file_path) if file_path.suffix == ".story" else None
