"""What a list of Stripe's API can be asked for: its parameters read as strictly as Stripe does, and refused by name.

Sources: the `...ListParams` of `stripe` 16.1.0 and docs.stripe.com/api (pagination, errors).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sandbox.stripe_objects import Json

PAGE_DEFAULT, PAGE_MAX = 10, 100
EVENT_TYPES_MAX = 20
_BRACKETS = re.compile(r"\[([^\]]*)\]")
_PAGING = frozenset({"limit", "starting_after", "ending_before", "expand"})
_BOUNDS = ("gt", "gte", "lt", "lte")


@dataclass(frozen=True, slots=True)
class Resource:
    """A list and its members: Stripe's object name, the filters that the list takes, and those that take a range."""

    kind: str
    filters: frozenset[str] = frozenset()
    ranges: frozenset[str] = frozenset({"created"})


RESOURCES = {
    "customers": Resource("customer", frozenset({"email"})),
    "payment_intents": Resource("payment_intent", frozenset({"customer"})),
    "charges": Resource("charge", frozenset({"customer", "payment_intent"})),
    "balance_transactions": Resource("balance_transaction", frozenset({"currency", "payout", "source", "type"})),
    "payouts": Resource("payout", frozenset({"destination", "status"}), frozenset({"arrival_date", "created"})),
    "refunds": Resource("refund", frozenset({"charge", "payment_intent"})),
    "disputes": Resource("dispute", frozenset({"charge", "payment_intent"})),
    # Only within a customer: /v1/customers/{id}/cash_balance_transactions.
    "cash_balance_transactions": Resource("customer_cash_balance_transaction", ranges=frozenset()),
    "invoices": Resource(
        "invoice", frozenset({"collection_method", "customer", "status"}), frozenset({"created", "due_date"})
    ),
    "invoice_payments": Resource("invoice_payment", frozenset({"invoice", "payment", "status"})),
    "events": Resource("event", frozenset({"type", "types"})),
}


@dataclass
class Refused(Exception):
    """An answer in Stripe's error envelope."""

    http: int
    message: str
    type: str = "invalid_request_error"
    code: str | None = None
    param: str | None = None

    def body(self) -> Json:
        error = {"type": self.type, "message": self.message, "code": self.code, "param": self.param}
        return {"error": {key: value for key, value in error.items() if value is not None}}


def missing(kind: str, id: str, param: str) -> Refused:
    return Refused(404 if param == "id" else 400, f"No such {kind}: '{id}'", code="resource_missing", param=param)


@dataclass(frozen=True, slots=True)
class Asked:
    """One list call, understood. `fields` must equal, or be one of several; `tests` are what else a row must pass."""

    limit: int
    after: str = ""
    before: str = ""
    since: int = 0
    below: int | None = None
    payout: str = ""
    fields: dict[str, str | list[str]] = field(default_factory=dict)
    tests: tuple[Callable[[Json], bool], ...] = ()

    def fits(self, row: Json) -> bool:
        return all(test(row) for test in self.tests)


def read_params(items: Sequence[tuple[str, str]]) -> Json:
    """Stripe's bracket notation as values: created[gte]=1 -> {"created": {"gte": "1"}}, expand[0]=a -> a list."""
    found: Json = {}
    for key, value in items:
        name, keys = key.partition("[")[0], _BRACKETS.findall(key)
        if not keys:
            found[name] = value
        elif keys[0] == "" or keys[0].isdigit():
            found.setdefault(name, []).append(value)
        else:
            found.setdefault(name, {})[keys[0]] = value
    for name in ("expand", "types"):
        if name in found and not isinstance(found[name], list):
            raise Refused(400, f"Invalid array: {name}", param=name)
    return found


def only_known(params: Json, known: frozenset[str]) -> None:
    for name in params:
        if name not in known:
            raise Refused(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def read_list(resource: str, params: Json) -> Asked:
    """What this list call asks for; Refused if a parameter is unknown or makes no sense."""
    known = RESOURCES[resource]
    only_known(params, known.filters | known.ranges | _PAGING)
    after, before = params.get("starting_after", ""), params.get("ending_before", "")
    if after and before:
        raise Refused(400, "You cannot parameterize ending_before when starting_after is set.")
    since, below = _range(params.get("created"), "created")
    fields: dict[str, str | list[str]] = {
        name: params[name] for name in known.filters - {"payment", "payout", "type", "types"} if name in params
    }
    tests: list[Callable[[Json], bool]] = []
    for name in known.ranges - {"created"}:
        if name in params:
            tests.append(_between(name, *_range(params[name], name)))
    wanted = _types(params)
    if isinstance(wanted, list):
        fields["type"] = wanted
    elif wanted is not None:
        tests.append(wanted)
    if "payment" in params:
        fields["payment"] = _intent(params["payment"])
    return Asked(_limit(params), after, before, since, below, params.get("payout", ""), fields, tuple(tests))


def _integer(value: object, param: str) -> int:
    if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        return int(value)
    raise Refused(400, f"Invalid integer: {value}", code="parameter_invalid_integer", param=param)


def _limit(params: Json) -> int:
    limit = _integer(params.get("limit", str(PAGE_DEFAULT)), "limit")
    if not 1 <= limit <= PAGE_MAX:
        bound = f"greater than or equal to 1 (it currently is '{limit}')"
        if limit > PAGE_MAX:
            bound = f"less than or equal to {PAGE_MAX} (it currently is '{limit}')"
        raise Refused(400, f"This value must be {bound}.", code="parameter_invalid_integer", param="limit")
    return limit


def _range(value: object, name: str) -> tuple[int, int | None]:
    """From (inclusive) and below (exclusive) of a range of instants; a bare number is exactly that second."""
    if value is None:
        return 0, None
    if not isinstance(value, dict):
        exactly = _integer(value, name)
        return exactly, exactly + 1
    for key in value:
        if key not in _BOUNDS:
            raise Refused(400, f"Received unknown parameter: {name}[{key}]", code="parameter_unknown")
    bounds = {key: _integer(value[key], f"{name}[{key}]") for key in value}
    lower = [bounds[key] + extra for key, extra in (("gte", 0), ("gt", 1)) if key in bounds]
    upper = [bounds[key] + extra for key, extra in (("lt", 0), ("lte", 1)) if key in bounds]
    return max(lower, default=0), min(upper, default=None)


def _between(name: str, since: int, below: int | None) -> Callable[[Json], bool]:
    return lambda row: row[name] is not None and since <= row[name] and (below is None or row[name] < below)


def _types(params: Json) -> list[str] | Callable[[Json], bool] | None:
    """The types that are asked for, by their names or by a pattern such as `payout.*`."""
    named = params.get("type")
    if "types" in params:
        types: list[str] = params["types"]
        if named is not None:
            raise Refused(400, "You may only specify one of these parameters: type, types.")
        if len(types) > EVENT_TYPES_MAX:
            raise Refused(400, f"types may hold at most {EVENT_TYPES_MAX} event types.", param="types")
        return types
    if named is None:
        return None
    prefix = named[:-1]
    return (lambda row: row["type"].startswith(prefix)) if named.endswith(".*") else [named]


def _intent(payment: object) -> str:
    """The PaymentIntent of an invoice payment; here no payment is of another type, so another type finds nothing."""
    if not isinstance(payment, dict) or "type" not in payment:
        raise Refused(400, "Missing required param: payment[type].", code="parameter_missing", param="payment[type]")
    return str(payment.get("payment_intent", "")) if payment["type"] == "payment_intent" else ""
