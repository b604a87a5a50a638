"""The port `Erp` against the small ledger: whatever is billed, paid, applied and voided, both answer the same."""

from __future__ import annotations

import pytest

from tests.contract.erp_chance import Chance
from tests.contract.erp_site import ErpSite


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_the_erp_and_the_ledger_hold_the_same(site: ErpSite, seed: int) -> None:
    Chance(site, seed).run()
