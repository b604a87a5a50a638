"""NetSuite's own dunning, a SuiteApp: is it there, and does it still remind the customers that we remind?

Its script ids are those of the SuiteApp Dunning Letters (bundle 3805), seen in public code and not documented.
"""

from __future__ import annotations

from connector.adapters.netsuite import queries
from connector.adapters.netsuite.rest import SuiteQl
from connector.adapters.netsuite.settings import NetSuiteMapping
from connector.errors import Terminal
from connector.ports import OtherSender

NAME = "netsuite_dunning"
PAUSE_FIELD = "custbody_3805_dunning_paused"


def others(ql: SuiteQl, mapping: NetSuiteMapping) -> tuple[OtherSender, ...]:
    """NetSuite's dunning, if an open invoice is not paused in it."""
    field = mapping.native_dunning.pause_field
    try:
        rows = ql.by_offset("what NetSuite's own dunning works on", queries.unpaused(field or PAUSE_FIELD))
    except Terminal:
        if field:
            raise  # the mapping says that it is there
        return ()
    count = int(rows[0].get("invoices", "0")) if rows else 0
    if not count:
        return ()
    advice = "" if field else f"; to have them paused set native_dunning.pause_field: {PAUSE_FIELD}"
    what = f"NetSuite's own dunning is installed; open invoices that are not paused in it: {count}{advice}"
    return (OtherSender(NAME, what),)
