"""What `connector check` says of a user in Sage Intacct that may do more than the connector ever does."""

from __future__ import annotations

import pytest

from connector.adapters.intacct import checks
from connector.adapters.intacct.gateway import Gateway
from connector.errors import Terminal


class Sees(Gateway):
    """A company whose user may see some objects of other people's work, and is refused the rest."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def some(self, object_name: str, *_: object, **__: object) -> tuple[list[dict[str, str]], int]:
        if object_name not in self.names:
            raise Terminal(f"no permission for {object_name}")
        return [], 0


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ((), "the user sees nothing of APBILL, VENDOR, EMPLOYEE"),
        (("VENDOR",), "the user sees VENDOR, which the connector never reads"),
        (("APBILL", "EMPLOYEE"), "the user sees APBILL, EMPLOYEE, which the connector never reads"),
    ],
)
def test_a_role_that_sees_more_than_it_needs_is_named_and_stops_nothing(seen: tuple[str, ...], words: str) -> None:
    (finding,) = checks._too_much(Sees(*seen))

    assert (not seen, words) == (finding.ok, finding.what)
    assert finding.ok or (not finding.blocking and "a role of its own" in finding.remedy)
