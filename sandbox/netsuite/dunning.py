"""NetSuite's own Dunning Letters SuiteApp, as far as a connector must know of it: clearing a pause sends a letter.

Source: Oracle help section_4035800285: clearing the box starts the evaluation at once, and a letter may be sent. Here
one is sent whenever the invoice is still open (K), so that whoever clears a pause blindly is found out.
"""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.netsuite.books import Books, Row

PAUSED = "custbody_3805_dunning_paused"


def send_if_resumed(books: Books, invoice: Row, values: Mapping[str, object]) -> None:
    """`invoice` as it was before `values` were saved."""
    resumed = books.catalogue.has_dunning and invoice[PAUSED] == "T" and values.get(PAUSED) == "F"
    if not resumed or invoice["voided"] == "T" or not invoice["foreignamountunpaid"]:
        return
    customer = books.rows("SELECT id, email FROM customer WHERE id = ?", invoice["entity"])[0]
    mail = {
        "transaction": invoice["id"],
        "entity": customer["id"],
        "messagedate": books.now(),
        "subject": f"Dunning letter for {invoice['tranid']}",
        "recipient": customer["id"],
        "recipientemail": customer["email"],
        **dict.fromkeys(("emailed", "hasattachment"), "T"),
        "incoming": "F",
        "lastmodifieddate": books.now(),
    }
    books.insert("message", mail)
    books.sequence(f"netsuite.dunning_letter_mailed {invoice['id']}")
