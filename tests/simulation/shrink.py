"""The shortest story that still fails: deeds are left out, in halves and ever smaller parts, as long as it fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.simulation.plan import Deed


def shrink(deeds: Sequence[Deed], fails: Callable[[Sequence[Deed]], bool], tries: int) -> tuple[Deed, ...]:
    """Delta debugging; `tries` bounds how often the story is lived through again."""
    kept, parts = tuple(deeds), 2
    while tries > 0 and len(kept) > 1:
        size = max(len(kept) // parts, 1)
        for start in range(0, len(kept), size):
            without = kept[:start] + kept[start + size :]
            tries -= 1
            if without and fails(without):
                kept, parts = without, max(parts - 1, 2)
                break
            if tries <= 0:
                return kept
        else:
            if size == 1:
                return kept
            parts = min(parts * 2, len(kept))
    return kept
