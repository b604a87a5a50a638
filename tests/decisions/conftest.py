"""Properties of pure decisions: a slow machine is no failure, so no example has a deadline."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("decisions", parent=settings(), deadline=None)
settings.load_profile("decisions")
