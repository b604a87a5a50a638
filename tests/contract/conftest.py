"""The ERPs that the contract suite of the port runs over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

pytest.register_assert_rewrite("tests.contract.erp_chance", "tests.contract.erp_site")

from tests.contract import intacct_site, ledger_site, netsuite_site  # noqa: E402
from tests.contract.erp_site import ErpSite  # noqa: E402

SITES: dict[str, Callable[[], AbstractContextManager[ErpSite]]] = {
    "netsuite": lambda: netsuite_site.served(None),
    "intacct": lambda: intacct_site.served(),
    "ledger": lambda: ledger_site.served(is_atomic=True),
    "ledger in steps": lambda: ledger_site.served(is_atomic=False),
}


@pytest.fixture(params=SITES)
def site(request: pytest.FixtureRequest) -> Iterator[ErpSite]:
    """Tests of one ERP have a `site` of their own."""
    with SITES[request.param]() as made:
        yield made
