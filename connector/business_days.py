"""Which days are business days, and at which hour may a mail leave? Asked of the policy's calendar, never of a clock.

Business days are Mondays to Fridays without the holidays of the policy's calendars. The policy's own days win over
both: `no_send_on` closes a day, `working_days` opens one, and a day that is in both is closed. None of this moves
a due date or its DPD (RULES 5.1).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from holidays.utils import (
    country_holidays,
    financial_holidays,
    list_supported_countries,
    list_supported_financial,
)

from connector.policy import Calendar
from connector.receivables import Traits

# Years of which the calendars know anything; a mistyped year must not cost a computed calendar each.
_YEAR_MIN, _YEAR_MAX = 1990, 2100
# Longer than any closure that a policy can mean: past it there is no hour to be found.
LOOK_AHEAD = timedelta(days=400)

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WEEK = len(_DAYS)
_WEEKDAYS = 5
_A_DAY = timedelta(days=1)
# Two zones of a country are one to us if they show the same time on the first of each of these months.
_AGREE_ON = tuple(datetime(year, month, 1, 12, tzinfo=UTC) for year in range(2026, 2038) for month in range(1, 13))


# ---- calendars by name ----


def known_calendar(name: str) -> str:
    """What is wrong with this name of a holiday calendar; '' if it is known.

    A country (US), a part of one (DE-BY), or a financial calendar (ECB, XNYS), as the `holidays` library names them.
    """
    country, dash, part = name.partition("-")
    parts = list_supported_countries(include_aliases=False).get(country)
    if dash and parts is not None:
        return "" if part in parts else f"{country} has no part {part!r}{_like(part, parts)}"
    if not dash and (parts is not None or name in list_supported_financial()):
        return ""
    known = [*list_supported_countries(include_aliases=False), *list_supported_financial()]
    more = "; a country such as US, a part of one such as DE-BY, or a financial calendar such as ECB or XNYS"
    return f"no holiday calendar is called {name!r}{_like(name, known)}{more}"


def _like(word: str, known: list[str]) -> str:
    found = get_close_matches(word.upper(), known, n=3)
    return f" (did you mean {' or '.join(found)}?)" if found else ""


@lru_cache(maxsize=1024)
def _holidays(name: str, year: int) -> dict[date, str]:
    """The holidays of one calendar in one year, by day; none of a calendar that isn't known."""
    if not _YEAR_MIN <= year <= _YEAR_MAX or known_calendar(name):
        return {}
    country, _, part = name.partition("-")
    if country in list_supported_countries(include_aliases=False):
        return dict(country_holidays(country, subdiv=part or None, years=year, expand=False, language="en_US"))
    return dict(financial_holidays(name, years=year, expand=False, language="en_US"))


@lru_cache(maxsize=1024)
def _weekday_holidays(names: tuple[str, ...], year: int) -> tuple[date, ...]:
    """The holidays of these calendars that aren't on a weekend, in order."""
    days = {day for name in names for day in _holidays(name, year) if day.weekday() < _WEEKDAYS}
    return tuple(sorted(days))


def _holiday(day: date, calendar: Calendar) -> str:
    """Which holiday this is: 'Thanksgiving Day (US)'; '' if none."""
    found = ((name, _holidays(name, day.year).get(day)) for name in calendar.holidays)
    return next((f"{what} ({name})" for name, what in found if what), "")


# ---- business days ----


def is_business_day(day: date, calendar: Calendar) -> bool:
    if day in calendar.no_send_on:
        return False
    return day in calendar.working_days or (day.weekday() < _WEEKDAYS and not _holiday(day, calendar))


def business_days_later(day: date, count: int, calendar: Calendar) -> date:
    """The day that is so many business days after this one; the day itself for none."""
    while count > 0 and day < date.max:
        day += _A_DAY
        count -= is_business_day(day, calendar)
    return day


def business_days_between(first: date, last: date, calendar: Calendar) -> int:
    """Business days strictly between two days; by weeks and years, since a book asks it of every invoice."""
    if (last - first).days < 2:
        return 0
    start, end = first + _A_DAY, last - _A_DAY
    return (
        _weekdays(start, end)
        - sum(1 for day in _closed_weekdays(start, end, calendar))
        + sum(start <= day <= end and day.weekday() >= _WEEKDAYS for day in calendar.working_days - calendar.no_send_on)
    )


def _weekdays(start: date, end: date) -> int:
    """Mondays to Fridays from one day to another, both counted."""
    weeks, rest = divmod((end - start).days + 1, _WEEK)
    return weeks * _WEEKDAYS + sum((start.weekday() + day) % _WEEK < _WEEKDAYS for day in range(rest))


def _closed_weekdays(start: date, end: date, calendar: Calendar) -> set[date]:
    closed = {day for day in calendar.no_send_on if start <= day <= end and day.weekday() < _WEEKDAYS}
    for year in range(start.year, end.year + 1) if calendar.holidays else ():
        days = _weekday_holidays(calendar.holidays, year)
        within = days[bisect_left(days, start) : bisect_right(days, end)]
        closed.update(day for day in within if day not in calendar.working_days)
    return closed


# ---- hours ----


def why_quiet(calendar: Calendar, at: datetime) -> str:
    """Why may no mail leave at this time; '' if it may. `at` is in the customer's zone, or in the ledger's where the
    customer's isn't known; first and last minute are both allowed."""
    on = at.date()
    if on in calendar.no_send_on:
        return f"no mail leaves on {on}: the policy's no_send_on names that day"
    if on not in calendar.working_days:
        if on.weekday() not in calendar.send_weekdays:
            return f"no mail leaves on a {_DAYS[on.weekday()]}"
        if holiday := _holiday(on, calendar):
            return f"no mail leaves on {on}: {holiday}"
    clock = _clock(at)
    if not calendar.send_from <= clock <= calendar.send_until:
        return f"mail leaves between {calendar.send_from:%H:%M} and {calendar.send_until:%H:%M}; it is {clock:%H:%M}"
    return ""


def _clock(at: datetime) -> time:
    return at.time().replace(microsecond=0, tzinfo=None, fold=0)


def next_send_at(at: datetime, calendar: Calendar, zone: tzinfo) -> datetime | None:
    """The first instant from `at` on at which a mail may leave to a customer in this zone, in UTC.

    `send_from` is the customer's wall clock. Where the clock jumps over it, mail leaves at the first instant after the
    jump that is within the hours; where an hour comes twice, in both. None: there is no such instant in LOOK_AHEAD.
    """
    start = at.astimezone(UTC)
    if not why_quiet(calendar, start.astimezone(zone)):
        return start
    end = start + LOOK_AHEAD
    while start < end:
        for moment in sorted(_openings(start, calendar.send_from, zone)):
            if not why_quiet(calendar, moment.astimezone(zone)):
                return moment
        start += _A_DAY
    return None


def _openings(start: datetime, send_from: time, zone: tzinfo) -> Iterator[datetime]:
    """Every instant of the 24 hours from `start` at which mail may begin to leave: the hour, a jump of the clock."""
    end = start + _A_DAY
    local = start.astimezone(zone).date()
    for days in (-1, 0, 1, 2):
        for fold in (0, 1):
            moment = datetime.combine(local + timedelta(days=days), send_from.replace(fold=fold), zone).astimezone(UTC)
            if start <= moment < end:
                yield moment
    if jump := _jump(start, end, zone):
        yield jump


def _jump(start: datetime, end: datetime, zone: tzinfo) -> datetime | None:
    """The first second at which the clock of this zone has jumped between two instants; None if it doesn't."""
    before = start.astimezone(zone).utcoffset()
    if end.astimezone(zone).utcoffset() == before:
        return None
    first, last = int(start.timestamp()), int(end.timestamp())
    while last - first > 1:
        middle = (first + last) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == before:
            first = middle
        else:
            last = middle
    return datetime.fromtimestamp(last, UTC)


# ---- zones ----


def zone_of(traits: Traits, fallback: ZoneInfo) -> ZoneInfo:
    """In which zone does this customer read its mail? Its own, else its country's if all of that shows one time."""
    own = _zone(traits.time_zone)
    return own or _only_zone(traits.country.strip().upper()) or fallback


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name.strip() else None
    except (LookupError, ValueError, OSError):
        return None


@lru_cache(maxsize=512)
def _only_zone(country: str) -> ZoneInfo | None:
    zones = [zone for zone in map(_zone, _zones_by_country().get(country, ())) if zone]
    clocks = {tuple(moment.astimezone(zone).utcoffset() for moment in _AGREE_ON) for zone in zones}
    return zones[0] if len(clocks) == 1 else None


@lru_cache(maxsize=1)
def _zones_by_country() -> dict[str, tuple[str, ...]]:
    """The time zone database's own table: the country's most populous zone first."""
    found: dict[str, tuple[str, ...]] = {}
    for line in files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            country, _, zone, *_ = line.split("\t")
            found[country] = (*found.get(country, ()), zone)
    return found
