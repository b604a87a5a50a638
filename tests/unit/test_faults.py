"""A value that no rule thought of makes a decision fall over: its record waits and is shown, all else goes on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from answers_cases import Case, invoice

from connector import faults, loop
from connector.decisions import backlog, cadence, channel, flags, matching, payer, posting, suppression
from connector.decisions.matching import references
from connector.receivables import Customer
from connector.store import verdicts

_DUE, _ISSUED = date(2026, 9, 7), date(2026, 8, 8)
# Whatever is decided about one of these falls over; a look at the whole book that also holds others does not.
_POISON = ("1001", "1002", "ch_1", "Northfield")


class ValueNobodyThoughtOf(Exception):
    pass


def set_up(folder: Path) -> Case:
    """Two customers alike: a charge pays the first invoice of each, the second one is due for a reminder."""
    case = Case(folder)
    case.erp.customers["C2"] = Customer("C2", "Sandbar Analytics", "ap@sandbar.example")
    case.bill(
        invoice("INV-1001", "1000.00", _ISSUED, _DUE),
        invoice("INV-1002", "10.00", _ISSUED, _DUE),
        invoice("INV-2001", "500.00", _ISSUED, _DUE, customer_id="C2"),
        invoice("INV-2002", "77.70", _ISSUED, _DUE, customer_id="C2"),
    )
    case.pay("ch_1", "1000.00", "INV-1001")
    case.pay("ch_2", "500.00", "INV-2001", customer_id="C2")
    return case


def falls_over(decide: Callable[..., Any]) -> Callable[..., Any]:
    def poisoned(*arguments: Any, **named: Any) -> Any:
        said = repr((arguments, named))
        if any(one in said for one in _POISON) and "2001" not in said and "2002" not in said:
            raise ValueNobodyThoughtOf("Northfield Robotics")
        return decide(*arguments, **named)

    return poisoned


def everywhere(decide: Callable[..., Any]) -> list[Any]:
    """This function under each name that a room of the connector knows it by."""
    rooms = [room for name, room in list(sys.modules.items()) if name.startswith("connector")]
    known = [(room, name) for room in rooms for name, value in list(vars(room).items()) if value is decide]
    return [patch.object(room, name, falls_over(decide)) for room, name in known]


def numbers_mailed(case: Case) -> list[str]:
    return sorted(item.number for mail in case.channel.mails for item in mail.items)


def shown(case: Case) -> tuple[str, ...]:
    with case.store.read() as tx:
        return verdicts.open_of_kind(tx, faults.KIND)


@pytest.mark.parametrize(
    "decide",
    [
        backlog.decide, cadence.plan, cadence.decide, channel.decide, suppression.decide, flags.decide,
        matching.decide, references.mentioned, posting.decide,
    ],
    ids=lambda decide: f"{decide.__module__.rpartition('.')[2]}.{decide.__name__}",
)  # fmt: skip
def test_one_record_that_no_rule_thought_of_stops_no_other(tmp_path: Path, decide: Callable[..., Any]) -> None:
    case = set_up(tmp_path)
    patches = everywhere(decide)
    assert patches
    for one in patches:
        one.start()
    try:
        _, troubles = loop.tick(case.parts())
    finally:
        for one in patches:
            one.stop()

    assert [] == [step for step, _ in troubles.told if step != "carry out acts"]
    assert "INV-2002" in numbers_mailed(case)
    assert "0.00" == str(case.erp.invoices["2001"].balance.plain())
    assert decide is flags.decide or shown(case)

    case.tick(minutes=5)  # mended

    assert () == shown(case)
    assert ["0.00", "10.00"] == [str(case.erp.invoices[id].balance.plain()) for id in ("1001", "1002")]


def test_what_is_held_by_such_a_fault_is_shown_with_its_amount_and_without_a_customers_data(tmp_path: Path) -> None:
    case = set_up(tmp_path)
    for one in (patches := everywhere(suppression.decide)):
        one.start()
    case.tick()
    for one in patches:
        one.stop()

    with case.store.read() as tx:
        [found] = [one for one in verdicts.open_exceptions(tx) if one.kind == faults.KIND]
    assert ("10.00 USD", "C1") == (str(found.amount), found.customer_id)
    assert "invoice INV-1002 could not be decided" in found.reason
    assert "ValueNobodyThoughtOf" in found.reason
    assert "Northfield" not in found.reason


def test_money_whose_payer_could_not_be_told_waits_and_is_shown(tmp_path: Path) -> None:
    case = set_up(tmp_path)
    case.pay("ch_10", "42.00", "ch_1 again", customer_id="", payer_name="Northfield")
    for one in (patches := everywhere(payer.decide)):
        one.start()
    case.tick()
    for one in patches:
        one.stop()

    assert (f"{faults.KIND}:ch_10/match payments",) == shown(case)
    assert "0.00" == str(case.erp.invoices["1001"].balance.plain())
