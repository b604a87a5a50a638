"""Business days, holidays, and the first hour at which a mail may leave in the customer's own zone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.easter import easter
from hypothesis import given
from hypothesis import strategies as st

from connector import business_days
from connector.business_days import (
    business_days_between,
    business_days_later,
    is_business_day,
    known_calendar,
    next_send_at,
    why_quiet,
    zone_of,
)
from connector.policy import Calendar
from connector.receivables import Traits

NEW_YORK = ZoneInfo("America/New_York")
OFFICE = Calendar(time(8, 0), time(18, 0), frozenset(range(5)), frozenset({date(2026, 12, 25)}))
PLAIN = Calendar()
US = Calendar(holidays=("US",))


# ---- calendars by name ----


@pytest.mark.parametrize("name", ["US", "DE-BY", "US-CA", "GB-SCT", "ECB", "XECB", "XNYS", "NYSE"])
def test_countries_their_parts_and_financial_calendars_are_known(name):
    assert "" == known_calendar(name)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("us", "did you mean US"),
        ("DE-XX", "DE has no part 'XX'"),
        ("DE-", "DE has no part ''"),
        ("DE-by", "DE has no part 'by' (did you mean BY"),
        ("XNYSE", "did you mean XNYS"),
        ("Germany", "a country such as US"),
        ("ECB-BY", "no holiday calendar is called 'ECB-BY'"),
        ("", "no holiday calendar is called ''"),
    ],
)
def test_a_name_that_is_not_known_is_told_with_what_it_may_mean(name, told):
    assert told in known_calendar(name)


# ---- business days: computed, not written down ----


def nth(year: int, month: int, weekday: int, n: int) -> date:
    """The nth such weekday of a month, Monday is 0."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


@pytest.mark.parametrize("year", range(2024, 2036))
def test_thanksgiving_is_the_fourth_thursday_of_november(year):
    day = nth(year, 11, 3, 4)

    assert (False, True) == (is_business_day(day, US), is_business_day(day + timedelta(days=1), US))


@pytest.mark.parametrize("year", range(2024, 2036))
def test_the_ecbs_easter_is_from_good_friday_to_monday(year):
    ecb, sunday = Calendar(holidays=("ECB",)), easter(year)
    days = [sunday + timedelta(days=n) for n in (-3, -2, 1, 2)]

    assert [True, False, False, True] == [is_business_day(day, ecb) for day in days]


@pytest.mark.parametrize(
    ("day", "calendars", "opens"),
    [
        ("2026-11-26", ("US",), False),  # Thanksgiving
        ("2026-11-26", ("ECB",), True),
        ("2026-11-26", ("ECB", "US"), False),
        ("2026-07-03", ("US",), False),  # the 4th is a Saturday
        ("2026-07-06", ("US",), True),
        ("2027-12-31", ("US",), False),  # New Year's Day of 2028 is a Saturday
        ("2026-10-12", ("US",), False),  # Columbus Day: a federal holiday on which the exchange works
        ("2026-10-12", ("XNYS",), True),
        ("2026-04-03", ("XNYS",), False),  # Good Friday: the other way round
        ("2026-04-03", ("US",), True),
        ("2027-01-06", ("DE-BY",), False),  # Epiphany in Bavaria, and not in Berlin
        ("2027-01-06", ("DE-BE",), True),
        ("2026-11-28", (), False),  # a Saturday
        ("2026-11-30", (), True),
    ],
)
def test_a_holiday_of_any_calendar_is_no_business_day(day, calendars, opens):
    assert opens == is_business_day(date.fromisoformat(day), Calendar(holidays=calendars))


@pytest.mark.parametrize(
    ("day", "opened", "closed", "opens"),
    [
        ("2026-11-26", {"2026-11-26"}, set(), True),  # a holiday that is none here
        ("2026-11-28", {"2026-11-28"}, set(), True),  # a Saturday that is worked
        ("2026-11-27", set(), {"2026-11-27"}, False),
        ("2026-11-26", {"2026-11-26"}, {"2026-11-26"}, False),  # said both: closed
    ],
)
def test_the_policys_own_days_win(day, opened, closed, opens):
    days = {name: frozenset(map(date.fromisoformat, some)) for name, some in (("o", opened), ("c", closed))}
    calendar = Calendar(holidays=("US",), working_days=days["o"], no_send_on=days["c"])

    assert opens == is_business_day(date.fromisoformat(day), calendar)


def test_a_year_of_which_no_calendar_knows_anything_has_no_holidays():
    assert is_business_day(date(9998, 12, 25), US) and is_business_day(date(202, 12, 24), US)


DAYS = st.dates(date(2025, 1, 1), date(2028, 12, 31))
CALENDARS = st.builds(
    Calendar,
    no_send_on=st.frozensets(DAYS, max_size=6),
    working_days=st.frozensets(DAYS, max_size=6),
    holidays=st.sampled_from([(), ("US",), ("ECB", "US"), ("DE-BY",)]),
)


@given(DAYS, st.integers(-3, 500), CALENDARS)
def test_business_days_between_are_those_counted_one_by_one(first, span, calendar):
    days = [first + timedelta(days=n) for n in range(1, span)]
    expected = sum(is_business_day(day, calendar) for day in days)

    assert expected == business_days_between(first, first + timedelta(days=span), calendar)


@given(DAYS, st.integers(0, 30), CALENDARS)
def test_so_many_business_days_later_is_a_business_day_with_the_others_between(day, count, calendar):
    later = business_days_later(day, count, calendar)

    assert later == day if count == 0 else is_business_day(later, calendar)
    assert max(count - 1, 0) == business_days_between(day, later, calendar)


def test_the_last_day_that_there_is_has_none_after_it():
    assert date.max == business_days_later(date.max - timedelta(days=1), 5, PLAIN)


# ---- hours ----


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("2026-10-02 07:59:59", "mail leaves between 08:00 and 18:00; it is 07:59"),
        ("2026-10-02 08:00:00", ""),
        ("2026-10-02 18:00:00", ""),
        ("2026-10-02 18:00:01", "mail leaves between 08:00 and 18:00; it is 18:00"),
        ("2026-10-03 12:00:00", "no mail leaves on a Saturday"),
        ("2026-10-04 12:00:00", "no mail leaves on a Sunday"),
        ("2026-10-05 12:00:00", ""),
        ("2026-12-24 12:00:00", ""),
        ("2026-12-25 12:00:00", "no mail leaves on 2026-12-25: the policy's no_send_on names that day"),
        ("2026-12-26 02:00:00", "no mail leaves on a Saturday"),
    ],
)
def test_mail_leaves_on_the_days_and_in_the_hours_of_the_policy(at, told):
    assert told == why_quiet(OFFICE, datetime.fromisoformat(at).replace(tzinfo=NEW_YORK))


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("2026-11-26 12:00:00", "no mail leaves on 2026-11-26: Thanksgiving Day (US)"),
        ("2026-11-27 12:00:00", ""),
        ("2026-10-12 12:00:00", ""),  # Columbus Day is worked here
        ("2026-10-12 07:00:00", "mail leaves between 08:00 and 18:00; it is 07:00"),
        ("2026-11-28 12:00:00", ""),  # a Saturday that is worked
        ("2026-07-04 12:00:00", "no mail leaves on a Saturday"),
    ],
)
def test_no_mail_leaves_on_a_holiday(at, told):
    opened = frozenset({date(2026, 10, 12), date(2026, 11, 28)})
    calendar = replace(OFFICE, holidays=("US",), working_days=opened)

    assert told == why_quiet(calendar, datetime.fromisoformat(at).replace(tzinfo=NEW_YORK))


@given(st.datetimes(timezones=st.just(UTC)))
def test_without_a_calendar_mail_may_leave_at_any_time(at):
    assert "" == why_quiet(PLAIN, at)


# ---- the next hour ----


@pytest.mark.parametrize(
    ("at", "zone", "expected"),
    [
        # what is open stays, to the microsecond
        ("2026-10-02T12:00:00.000123+00:00", "America/New_York", "2026-10-02T12:00:00.000123+00:00"),
        # eight o'clock is the customer's
        ("2026-10-02T11:59:59+00:00", "America/New_York", "2026-10-02T12:00:00+00:00"),
        ("2026-10-02T11:59:59+00:00", "America/Los_Angeles", "2026-10-02T15:00:00+00:00"),
        ("2026-10-02T11:59:59+00:00", "Asia/Tokyo", "2026-10-04T23:00:00+00:00"),  # Friday evening there: Monday
        # Friday after six: Monday
        ("2026-10-02T22:00:01+00:00", "America/New_York", "2026-10-05T12:00:00+00:00"),
        # Christmas, a weekend, and New Year's Day not named: Monday the 28th
        ("2026-12-24T23:30:00+00:00", "America/New_York", "2026-12-28T13:00:00+00:00"),
        # the night in which the clock is put forward and back
        ("2026-03-06T23:30:00+00:00", "America/New_York", "2026-03-09T12:00:00+00:00"),
        ("2026-10-30T23:30:00+00:00", "America/New_York", "2026-11-02T13:00:00+00:00"),
    ],
)
def test_the_next_hour_is_the_customers(at, zone, expected):
    found = next_send_at(datetime.fromisoformat(at), OFFICE, ZoneInfo(zone))

    assert datetime.fromisoformat(expected) == found


@pytest.mark.parametrize(
    ("send_from", "send_until", "at", "expected"),
    [
        # 02:30 isn't there on 8 March: the clock goes from 01:59 to 03:00
        ("02:30", "04:00", "2026-03-08T05:00:00+00:00", "2026-03-08T07:00:00+00:00"),
        # the whole window isn't: the next day's
        ("02:10", "02:50", "2026-03-08T05:00:00+00:00", "2026-03-09T06:10:00+00:00"),
        # 01:30 comes twice on 1 November: in both hours mail may leave
        ("01:30", "01:45", "2026-11-01T04:00:00+00:00", "2026-11-01T05:30:00+00:00"),
        ("01:30", "01:45", "2026-11-01T05:50:00+00:00", "2026-11-01T06:30:00+00:00"),
        # half past midnight is over, and at two the clock shows one o'clock again
        ("00:00", "01:10", "2026-11-01T05:30:00+00:00", "2026-11-01T06:00:00+00:00"),
    ],
)
def test_where_the_clock_jumps(send_from, send_until, at, expected):
    calendar = Calendar(time.fromisoformat(send_from), time.fromisoformat(send_until))

    assert datetime.fromisoformat(expected) == next_send_at(datetime.fromisoformat(at), calendar, NEW_YORK)


def test_a_zone_that_left_out_a_day():
    """Samoa went from Thursday 29 December 2011 to Saturday 31: the Friday never was."""
    calendar = replace(PLAIN, send_weekdays=frozenset({4, 5}))
    at = datetime(2011, 12, 29, 12, tzinfo=UTC)

    found = next_send_at(at, calendar, ZoneInfo("Pacific/Apia"))

    assert datetime(2011, 12, 30, 10, tzinfo=UTC) == found
    assert date(2011, 12, 31) == found.astimezone(ZoneInfo("Pacific/Apia")).date()


def test_a_calendar_that_never_opens_has_no_next_hour():
    assert next_send_at(datetime(2026, 1, 1, tzinfo=UTC), replace(PLAIN, send_weekdays=frozenset()), NEW_YORK) is None


ZONES = st.sampled_from(
    ["UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Tehran"]
)
HOURS = st.tuples(st.times(), st.times()).map(sorted)


def moments(first: str, days: float) -> st.SearchStrategy[datetime]:
    spans = st.timedeltas(timedelta(), timedelta(days=days))
    return spans.map(lambda span: datetime.fromisoformat(first).replace(tzinfo=UTC) + span)


# Two years with the jumps of many zones, and often the nights in which New York's clock is changed.
MOMENTS = st.one_of(moments("2025-12-01", 730), moments("2026-03-08T05:00", 0.2), moments("2026-11-01T04:00", 0.2))
OPEN_CALENDARS = st.builds(
    lambda hours, weekdays, closed, opened, holidays: Calendar(
        hours[0].replace(microsecond=0), hours[1], weekdays, closed, (), holidays, opened
    ),
    HOURS,
    st.frozensets(st.integers(0, 6), min_size=1),
    st.frozensets(st.dates(date(2026, 3, 6), date(2026, 3, 12)), max_size=3),
    st.frozensets(st.dates(date(2026, 3, 6), date(2026, 3, 12)), max_size=3),
    st.sampled_from([(), ("US",), ("ECB",)]),
)


@given(MOMENTS, OPEN_CALENDARS, ZONES, st.lists(st.floats(0, 1), min_size=20, max_size=20))
def test_the_next_hour_is_never_earlier_is_open_and_is_the_first(at, calendar, name, shares):
    zone = ZoneInfo(name)
    found = next_send_at(at, calendar, zone)

    assert found is None or at <= found
    assert found is None or "" == why_quiet(calendar, found.astimezone(zone))
    # No moment before it is open: anywhere, every half hour of the last two days, and just before it.
    end = found or at + business_days.LOOK_AHEAD
    before = [at + (end - at) * share for share in shares]
    before += [end - timedelta(minutes=30 * n) for n in range(1, 96)] + [end - timedelta(microseconds=1)]
    assert [] == [one for one in before if at <= one < end and not why_quiet(calendar, one.astimezone(zone))]


@given(MOMENTS, OPEN_CALENDARS, ZONES)
def test_asking_again_at_the_next_hour_answers_the_same(at, calendar, name):
    found = next_send_at(at, calendar, ZoneInfo(name))

    assert found is None or found == next_send_at(found, calendar, ZoneInfo(name))


# ---- the customer's zone ----


@pytest.mark.parametrize(
    ("time_zone", "country", "expected"),
    [
        ("Asia/Tokyo", "DE", "Asia/Tokyo"),  # its own word first
        ("Tokyo", "DE", "Europe/Berlin"),  # not a zone: the country's
        ("../../etc/passwd", "", "UTC"),
        ("", "DE", "Europe/Berlin"),  # one time, though the database lists an enclave apart
        ("", "gb", "Europe/London"),
        ("", "IN", "Asia/Kolkata"),
        ("", "US", "UTC"),  # several times
        ("", "ES", "UTC"),
        ("", "XX", "UTC"),
        ("", "", "UTC"),
        (" ", " ", "UTC"),
    ],
)
def test_the_zone_of_a_customer(time_zone, country, expected):
    assert ZoneInfo(expected) == zone_of(Traits(time_zone=time_zone, country=country), ZoneInfo("UTC"))
