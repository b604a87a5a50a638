"""One record that meets a fault of this program keeps no other from being decided.

Such a fault is ours, and nobody can foresee it: a value that no rule thought of. What it concerns waits, held and shown
to a person, and is tried again at each pass; everything else goes on. What the outside could not give or take is
another thing (errors.py), and so is a promise that would have been broken: that stops the pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from connector.errors import ConnectorError, InvariantBroken, RoleLost, Terminal
from connector.money import Money
from connector.parts import Parts, unforeseen
from connector.store import StoreFault, Tx, book, verdicts

T = TypeVar("T")

KIND = "program_fault"


class Apart:
    """One step's records, each by itself. `failed`: the id of an invoice or payment -> what became of it."""

    def __init__(self, step: str) -> None:
        self._step = step
        self.failed: dict[str, ConnectorError] = {}

    @contextmanager
    def one(self, *ids: str) -> Iterator[None]:
        """What goes wrong in here concerns these alone. Within a transaction only for what writes nothing before."""
        try:
            yield
        except Exception as error:
            if _concerns_all(error):
                raise
            if not isinstance(error, ConnectorError):
                error = unforeseen(f"{self._step} ({', '.join(ids)})", error)
            self.failed |= dict.fromkeys(ids, error)

    def in_groups(
        self, parts: Parts, ids: Sequence[str], at_once: int, act: Callable[[Tx, Sequence[str]], None]
    ) -> None:
        """So many invoices in one commit; where that meets a fault, each of them in a commit of its own."""
        for start in range(0, len(ids), at_once):
            some = ids[start : start + at_once]
            try:
                with parts.store.tx() as tx:
                    act(tx, some)
            except Exception as error:
                if _concerns_all(error):
                    raise
                for id in some:
                    with self.one(id), parts.store.tx() as tx:
                        act(tx, [id])

    def left_over(self, tx: Tx) -> list[str]:
        """What fell over in this step before and waits. A step that looks only at what changed looks at these as well:
        by then the change is forgotten, and what nobody looked at would be let go."""
        before, after = f"{KIND}:", f"/{self._step}"
        standing = [one for one in verdicts.open_of_kind(tx, KIND) if one.endswith(after)]
        return [one.removeprefix(before).removesuffix(after) for one in standing]

    def show(self, parts: Parts) -> None:
        """Hold and show what failed; what did in an earlier pass and doesn't any more is let go."""
        with parts.store.read() as tx:
            over = [id for id in self.left_over(tx) if id not in self.failed]
        if not over and not self.failed:
            return
        with parts.store.tx() as tx:
            for id in over:
                verdicts.close_exceptions(tx, exception_id=self._id(id), reason="it was decided without a fault")
            invoices = book.invoices_by_id(tx, list(self.failed))
            payments = {one.id: one for one, _ in book.waiting_payments(tx)}
            for id, error in self.failed.items():
                if verdicts.is_open(tx, self._id(id)):
                    continue
                if row := invoices.get(id):
                    about = {"customer_id": row["customer_id"], "invoice_ids": [id]}
                    amount = Money(row["balance"], row["currency"])
                    self._open(tx, id, f"invoice {row['number']}", error, amount, about)
                elif payment := payments.get(id):
                    about = {"customer_id": payment.customer_id, "payment_id": id}
                    self._open(tx, id, f"payment {id}", error, payment.amount, about)

    def _id(self, id: str) -> str:
        return f"{KIND}:{id}/{self._step}"

    def _open(self, tx: Tx, id: str, what: str, error: ConnectorError, amount: Money, about: Mapping[str, Any]) -> None:
        reason = (
            f"{what} could not be decided ({self._step}): {error} It waits and is tried again at each pass; everything "
            "else goes on."
        )
        verdicts.open_exception(tx, KIND, f"{id}/{self._step}", reason, amount=amount, **about)


def _concerns_all(error: BaseException) -> bool:
    """Not a matter of one record: the outside or the store is away, the role is lost, a promise would be broken."""
    if isinstance(error, ConnectorError):
        return not isinstance(error, Terminal)
    return isinstance(error, InvariantBroken | StoreFault)


def told_apart(troubles: list[ConnectorError], step: str, act: Callable[[], T]) -> T | None:
    """Do this for one record whose trouble is told at the end of the step; the others have nothing to do with it."""
    try:
        return act()
    except RoleLost:
        raise
    except ConnectorError as error:
        troubles.append(error)
    except InvariantBroken:
        raise
    except Exception as error:
        troubles.append(unforeseen(step, error))
    return None
