"""Intacct's own dunning: are there levels by which people may print or mail notices to the customers that we remind?

A notice is made by a person in Accounts Receivable, by the levels that the company defined (Sage's XML reference,
dunning level definitions). Which notices were made is not to be seen here, so a level that exists counts as in use.
"""

from __future__ import annotations

from connector.adapters.intacct import filters
from connector.adapters.intacct.gateway import Gateway
from connector.adapters.intacct.settings import IntacctMapping
from connector.errors import Terminal
from connector.ports import OtherSender

NAME = "intacct_dunning"
OBJECT = "DUNNINGDEFINITION"
LEVEL_FIELDS = ("RECORDNO", "DUNNINGDEFINITIONID", "MINDAYS")
LEVELS_TOLD = 5


def others(gateway: Gateway, mapping: IntacctMapping) -> tuple[OtherSender, ...]:
    """Intacct's dunning, if it has a level and an open invoice is not kept out of it.

    A company that doesn't let this user see the levels is taken to have none; `connector check` says so.
    """
    try:
        rows, count = gateway.some(OBJECT, LEVEL_FIELDS, LEVELS_TOLD)
    except Terminal:
        if mapping.native_dunning.pause_field:
            raise  # the mapping says that it is in use
        return ()
    if not count:
        return ()
    levels = ", ".join(row.get("DUNNINGDEFINITIONID", row["RECORDNO"]) for row in rows)
    what = f"Intacct's own dunning has {count} levels ({levels}), by which notices can be printed and mailed"
    field = mapping.native_dunning.pause_field
    if not field:
        return (OtherSender(NAME, f"{what}; no field keeps an invoice out of them (native_dunning.pause_field)"),)
    owing = filters.differs("TRX_TOTALDUE", "0")
    unpaused = filters.either(filters.equal(field, "false"), filters.is_null(field))
    _, invoices = gateway.some("ARINVOICE", ("RECORDNO",), 1, filters.both(owing, unpaused))
    if not invoices:
        return ()
    return (OtherSender(NAME, f"{what}; open invoices that are not paused in it: {invoices}"),)
