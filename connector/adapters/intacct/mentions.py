"""Is an id named in a text? People and processors write it among other words."""

from __future__ import annotations

import re
from collections.abc import Iterable


def mentions(source_id: str, texts: Iterable[str]) -> bool:
    """Does one of these name this id as a whole word? (What `_` in a `like` stands for is not documented.)"""
    word = re.compile(rf"(?<![A-Za-z0-9]){re.escape(source_id)}(?![A-Za-z0-9])")
    return any(word.search(text) for text in texts)
