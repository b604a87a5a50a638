"""How we give way while others use up the limit that all integrations share, and come back when they don't."""

from __future__ import annotations

import threading

import pytest

from connector.adapters.lanes import ASKED_WAIT_SECONDS_MAX, WAIT_SECONDS_MAX, Lanes, TooMany
from connector.errors import Terminal, Transient


class Shared:
    """An ERP whose limit others use up until an instant of its own time, which only waiting moves on."""

    def __init__(self, busy_until: float = 0.0, asks: float | None = None) -> None:
        self.now, self.busy_until, self.asks = 0.0, busy_until, asks
        self.waits: list[float] = []
        self.refused = self.answered = 0

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def ask(self, lanes: Lanes) -> str:
        with lanes.slot():
            if self.now < self.busy_until:
                self.refused += 1
                raise TooMany("too many requests at once", self.asks)
            self.answered += 1
            self.now += 0.01
            return "rows"


def lanes_of(shared: Shared, attempts: int = 1) -> Lanes:
    return Lanes(4, attempts, shared.sleep, lambda: 1.0)


def test_nobody_waits_while_there_is_room() -> None:
    shared = Shared()
    lanes = lanes_of(shared)

    for _ in range(100):
        lanes.read(lambda: shared.ask(lanes))

    assert ([], 100) == (shared.waits, shared.answered)


def test_each_refusal_doubles_the_pause_and_each_answer_halves_it() -> None:
    shared = Shared(busy_until=100.0)
    lanes = lanes_of(shared)
    for _ in range(7):
        with pytest.raises(TooMany):
            lanes.write(lambda: shared.ask(lanes))
    assert [0.5, 1.0, 2.0, 4.0, 8.0, 8.0] == shared.waits
    shared.busy_until = 0.0
    shared.waits.clear()

    for _ in range(10):
        lanes.write(lambda: shared.ask(lanes))

    assert [8.0, 4.0, 2.0, 1.0, 0.5] == shared.waits  # and then at full speed again
    assert WAIT_SECONDS_MAX == 8.0


def test_while_others_use_it_up_we_ask_a_hundredth_as_often() -> None:
    """A minute of refusals costs the others a dozen requests of ours, not one every ten milliseconds."""
    shared = Shared(busy_until=60.0)
    lanes = lanes_of(shared, attempts=50)

    assert "rows" == lanes.read(lambda: shared.ask(lanes))

    assert shared.refused <= 12
    assert 60.0 <= shared.now <= 60.0 + WAIT_SECONDS_MAX + 1


def test_a_wait_that_the_erp_asks_for_is_honoured_once_and_up_to_a_limit() -> None:
    shared = Shared(busy_until=20.0, asks=20.0)
    lanes = lanes_of(shared, attempts=3)

    lanes.read(lambda: shared.ask(lanes))

    assert [20.0] == shared.waits
    shared.busy_until, shared.asks = 1_000.0, 900.0
    with pytest.raises(TooMany):
        lanes.read(lambda: shared.ask(lanes))
    assert ASKED_WAIT_SECONDS_MAX == max(shared.waits)


def test_what_one_thread_was_refused_the_others_give_way_for() -> None:
    shared = Shared(busy_until=0.1)
    lanes = lanes_of(shared)
    with pytest.raises(TooMany):
        lanes.write(lambda: shared.ask(lanes))

    other = threading.Thread(target=lambda: lanes.write(lambda: shared.ask(lanes)))
    other.start()
    other.join()

    assert (1, 1, [0.5]) == (shared.refused, shared.answered, shared.waits)


def test_a_write_that_was_refused_is_not_tried_again() -> None:
    shared = Shared(busy_until=60.0)
    lanes = lanes_of(shared, attempts=5)

    with pytest.raises(TooMany):
        lanes.write(lambda: shared.ask(lanes))

    assert 1 == shared.refused


def test_other_errors_say_nothing_of_how_busy_it_is() -> None:
    shared = Shared()
    lanes = lanes_of(shared, attempts=3)
    asked = []

    def failing() -> str:
        asked.append(1)
        raise Terminal("refused")

    def unreachable() -> str:
        raise Transient("no answer")

    with pytest.raises(Terminal):
        lanes.read(failing)
    with pytest.raises(Transient, match="no answer"):
        lanes.read(unreachable)
    grown = len(shared.waits)
    lanes.write(lambda: shared.ask(lanes))

    assert ([1], 2, 2) == (asked, grown, len(shared.waits))  # waited between two tries, and not before the next request


def test_never_more_at_once_than_allowed() -> None:
    lanes = Lanes(2, 1, lambda _: None)
    inside, most = [], []
    gate = threading.Barrier(2, timeout=10)

    def request() -> None:
        with lanes.slot():
            inside.append(1)
            most.append(len(inside))
            gate.wait()
            inside.pop()

    threads = [threading.Thread(target=lanes.write, args=(request,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert (4, 2) == (len(most), max(most))
