"""One pass of a connector that lacks safeguards, in a process of its own, at an instant that isn't the machine's."""

from __future__ import annotations

import sys

from tests.simulation import one_pass
from tests.simulation.switched_off import without

if __name__ == "__main__":
    with without(sys.argv[2:]):
        one_pass.main()
