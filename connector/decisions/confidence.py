"""May this class of evidence post by itself, and how sure is that?

Confidence is a count, never a made-up score: how often was this class right here, by replayed history, by people's
answers, by what became of our postings. What posts is finance's switch; the count only allows it or proposes it.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from connector.policy import PROOFS, Trust
from connector.receivables import Rung

# The square of the normal quantile that leaves 2.5 % on each side: the lower end of the 95 % interval.
_Z_SQUARED = Fraction("3.841458820694124")
# The bound is shown with four decimals, cut and never rounded up. It is compared exactly.
_SHOWN = 10_000


@dataclass(frozen=True, slots=True)
class Tally:
    """How often a class was right. `unjudged`: it differed from what people did, and nobody has said yet who was right;
    until then it counts as wrong."""

    right: int = 0
    wrong: int = 0
    unjudged: int = 0

    @property
    def count(self) -> int:
        return self.right + self.wrong + self.unjudged

    def __str__(self) -> str:
        judged = f"{self.wrong} wrong of {self.right + self.wrong}"
        return f"{judged}, and {self.unjudged} not judged yet" if self.unjudged else judged


@dataclass(frozen=True, slots=True)
class Confidence:
    """`needed`: how many more right ones would bring the bound to the policy's; None: no number would.

    `is_proposed`: it would post if finance switched it on.
    """

    may_post: bool
    reason: str
    tally: Tally
    lower_bound: Decimal
    needed: int | None = 0
    is_proposed: bool = False


def decide(rung: Rung, tally: Tally, trust: Trust, demoted: str = "") -> Confidence:
    """May matches of this class be posted by themselves?

    First that holds: a person's own split may, whatever is counted. A demoted class (`demoted` says why) may not until
    a person lifts it. A proof may if finance switched it on. Any other class must be switched on and measured: the
    lower bound of its precision is at least `precision_min`; zero asks for no measure. One that reaches the bound and
    isn't switched on is proposed.
    """
    bound, needed = lower_bound(tally), _needed(tally, trust.precision_min)
    if rung is Rung.BY_PERSON:
        return Confidence(True, "A person decided it.", tally, bound)
    is_proof, is_on = rung in PROOFS, rung in trust.auto
    if is_proof:
        needed = 0
    if demoted:
        return Confidence(False, f"Demoted until a person lifts it: {demoted}", tally, bound, needed)
    if is_proof:
        reason = f"It proves itself; {tally}." if is_on else f"A proof that trust.auto doesn't name; {tally}."
        return Confidence(is_on, reason, tally, bound)
    measured = f"{tally}, so it is right in at least {_percent(bound)}" if tally.count else "It was never seen here"
    if needed != 0:
        lacking = f"{measured}; the policy wants {_percent(trust.precision_min)}{_how_far(needed)}."
        return Confidence(False, lacking, tally, bound, needed)
    if is_on:
        return Confidence(True, f"{measured}.", tally, bound)
    proposed = tally.count > 0
    more = "enough to be switched on in trust.auto" if proposed else "trust.auto doesn't name it"
    return Confidence(False, f"{measured}: {more}.", tally, bound, is_proposed=proposed)


@lru_cache(maxsize=1024)
def lower_bound(tally: Tally) -> Decimal:
    """The lower end of the Wilson interval (95 %) of the class's precision, cut to four decimals; 0 without a case."""
    beyond = bisect_left(range(1, _SHOWN + 1), True, key=lambda part: not _reaches(tally, Fraction(part, _SHOWN)))
    return Decimal(beyond).scaleb(-4)


def _reaches(tally: Tally, precision: Fraction) -> bool:
    """Is the bound at least this? Exact: Wilson's bound is where (share - p)^2 = z^2 p (1 - p) / count."""
    above = tally.right - tally.count * precision
    return tally.count > 0 and above > 0 and above**2 >= _Z_SQUARED * tally.count * precision * (1 - precision)


@lru_cache(maxsize=1024)
def _needed(tally: Tally, precision_min: Decimal) -> int | None:
    """So many more right ones, and no wrong one, reach it."""
    wanted = Fraction(precision_min)
    if wanted <= 0:
        return 0
    if wanted >= 1:
        return None

    def enough(more: int) -> bool:
        return _reaches(Tally(tally.right + more, tally.wrong, tally.unjudged), wanted)

    most = 1
    while not enough(most):
        most *= 2
    return bisect_left(range(most), True, key=enough)


def _how_far(needed: int | None) -> str:
    return ", which no count can prove" if needed is None else f": {needed} more must be right, and none wrong"


def _percent(share: Decimal) -> str:
    return f"{(share * 100).normalize():f} %"
