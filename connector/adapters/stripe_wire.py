"""Stripe's objects as far as several readers need them: strict types, amounts in its own units, instants in seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connector.adapters.stripe_api import Misread
from connector.money import Money, MoneyError


class Wire(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


WireT = TypeVar("WireT", bound=Wire)


class Named(Wire):
    """A customer, PaymentIntent or invoice: what hangs on it. A deleted customer has neither."""

    id: str
    metadata: dict[str, str] = Field(default_factory=dict)
    description: str | None = None
    number: str | None = None
    status: str | None = None
    latest_charge: Any = None


def understood(model: type[WireT], raw: object, prefix: str = "") -> WireT:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join([prefix, *map(str, first["loc"])]).strip(".")
        raise Misread(where or "object", first["msg"]) from None


def named(where: str, value: object) -> Named | None:
    """What hangs on an expanded field; an id that came back unexpanded is a misread."""
    return None if value is None else understood(Named, value, where)


def id_of(value: object) -> str:
    """The id of what a field names, expanded or not; '' if it names nothing."""
    found = value.get("id") if isinstance(value, dict) else value
    return found if isinstance(found, str) else ""


def values(sources: Iterable[Mapping[str, str]], keys: Sequence[str]) -> tuple[str, ...]:
    """The comma-separated values under these metadata keys, each once, in order."""
    texts = [metadata.get(key, "") for metadata in sources for key in keys]
    return tuple(dict.fromkeys(part.strip() for text in texts for part in text.split(",") if part.strip()))


def customer_id(sources: Iterable[Mapping[str, str]], keys: Sequence[str]) -> str:
    """The ERP customer by the first metadata that names one; empty means unidentified cash."""
    for metadata in sources:
        for key in keys:
            if value := metadata.get(key, "").strip():
                return value
    return ""


def payer_of(holders: Iterable[object], keys: Sequence[str]) -> str:
    """The ERP customer as far as raw objects name it, however little else of them is understood."""
    for holder in holders:
        metadata = holder.get("metadata") if isinstance(holder, dict) else None
        if not isinstance(metadata, dict):
            continue
        for key in keys:
            if isinstance(value := metadata.get(key), str) and value.strip():
                return value.strip()
    return ""


def money(where: str, units: int, currency: str) -> Money:
    """An amount in Stripe's units of this currency; one that ISO 4217 can't hold exactly is a misread."""
    try:
        return Money.of_system(units, currency.upper(), "stripe")
    except MoneyError as error:
        raise Misread(where, str(error)) from None


def instant(seconds: int, where: str = "created") -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise Misread(where, "no instant of our calendar") from None
