"""Each safeguard is worth something: without it, in the scene made for it, the promise that it keeps is broken.

In every run each of them on one ERP; in the long tier on both, with what holds while it is on, and with what one of two
that stand in for each other is worth alone. `scripts/safeguards` plays as many seeds as wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.simulation.safeguards import (
    ERPS,
    SAFEGUARDS,
    Result,
    Safeguard,
    Task,
    carry_out,
    controls,
    is_as_claimed,
    main,
    tasks,
)
from tests.simulation.switched_off import SWITCHES

# A scene draws its amounts and its moment, so the first seed doesn't always break it.
SEEDS = tuple(range(1, 11))


def _of(safeguards: Sequence[Safeguard]) -> list[object]:
    """Each safeguard with an ERP, in turns."""
    return [pytest.param(one, ERPS[n % 2], id=f"{one.name}-{ERPS[n % 2]}") for n, one in enumerate(safeguards)]


@pytest.mark.parametrize(("safeguard", "erp"), _of(SAFEGUARDS))
def test_without_it_the_promise_that_it_keeps_is_broken(safeguard: Safeguard, erp: str) -> None:
    result = carry_out(Task(safeguard.name, erp, safeguard.off, SEEDS, until_broken=True))

    assert is_as_claimed(result), result


@pytest.mark.long
@pytest.mark.parametrize("erp", ERPS)
@pytest.mark.parametrize("safeguard", SAFEGUARDS, ids=lambda one: one.name)
def test_with_it_or_its_stand_in_every_promise_holds_in_the_same_scenes(safeguard: Safeguard, erp: str) -> None:
    without = [carry_out(task) for task in tasks([safeguard], [erp], 10)]
    results = without + [carry_out(task) for task in controls(without)]

    assert [] == [one for one in results if not is_as_claimed(one)]


def test_every_safeguard_can_be_switched_off_and_stands_in_a_trial() -> None:
    assert set(SWITCHES) == {switch for one in SAFEGUARDS for switch in one.off}


def test_a_promise_that_does_not_break_as_claimed_is_told() -> None:
    broken = Result("send lease", "netsuite", ("send lease",), 1, (1,), "never_chase_paid: mail 7 left", 0, 1.0)
    alone = Result("sums check", "netsuite", ("sums check",), 5, (), "", 5, 1.0)

    assert is_as_claimed(broken)
    assert not is_as_claimed(replace(broken, line="apply_once: charge has 2 payments"))
    assert not is_as_claimed(replace(broken, broken_at=(), line=""))
    assert not is_as_claimed(replace(broken, off=()))
    assert is_as_claimed(alone)
    assert not is_as_claimed(replace(alone, broken_at=(2,), line="cents_conserve: a payout"))


def test_an_unknown_safeguard_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--without", "luck"])

    assert "send lease" in capsys.readouterr().err
