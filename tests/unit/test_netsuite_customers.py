"""NetSuite's customers become ours; a field that is not understood is named, and the rest is told all the same."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.adapters.ledger_rows import customers
from connector.money import Money
from connector.receivables import Contact, Customer, Parked, Traits

CURRENCIES = {"1": "USD", "2": "JPY", "9": "Credits"}
ROW = {"id": "4", "entityid": "CUST-4", "companyname": "Northfield Robotics", "currency": "1"}


def taken(**cells: str) -> Customer:
    customer, parked = customers.customer({**ROW, **cells}, CURRENCIES)
    assert parked is None
    return customer


@pytest.mark.parametrize(
    ("change", "exclusion"),
    [
        ({}, ""),
        ({"isinactive": "T"}, "inactive"),
        ({"do_not_contact": "T"}, "do-not-contact"),
        ({"exclude": "intercompany"}, "intercompany"),
        ({"isinactive": "T", "exclude": "bankruptcy"}, "inactive, bankruptcy"),
    ],
)
def test_every_reason_never_to_write_to_a_customer_is_kept(change: dict[str, str], exclusion: str) -> None:
    customer = taken(email=" ap@northfield.example ", parent="3", **change)

    expected = Customer("4", "Northfield Robotics", "ap@northfield.example", "3", bool(exclusion), exclusion)
    assert expected == customer


@pytest.mark.parametrize(("value", "autopay"), [("T", True), ("F", False), ("", False)])
def test_an_autopay_customer_is_not_excluded(value: str, autopay: bool) -> None:
    customer = taken(autopay=value)

    assert (autopay, False) == (customer.autopay, customer.is_excluded)


def test_a_customer_that_is_its_own_parent_has_none() -> None:
    assert "" == taken(parent="4").parent_id


def test_what_segments_look_at_is_taken_as_it_stands_there() -> None:
    said = {"tier": " Enterprise ", "contract_type": "annual", "billing_model": "usage", "relationship": "partner"}

    customer = taken(**said, arr="120000", country="us", time_zone="America/New_York", mails_parent="T")

    arr = Money.of("120000.00", "USD")
    assert Traits("Enterprise", "annual", "usage", "partner", arr, "US", "America/New_York") == customer.traits
    assert customer.mails_parent


def test_a_customer_of_whom_nothing_is_said_has_no_traits() -> None:
    customer = taken()

    assert (Traits(), (), (), False) == (customer.traits, customer.cc, customer.contacts, customer.mails_parent)


@pytest.mark.parametrize(
    ("cells", "arr"),
    [
        ({"arr": "120000.50"}, Money.of("120000.50", "USD")),
        ({"arr": "120000.50", "arr_currency": "eur"}, Money.of("120000.50", "EUR")),
        ({"arr": "9000000", "arr_currency": "JPY"}, Money.of("9000000", "JPY")),
        ({"arr": "5", "currency": "", "arr_currency": "USD"}, Money.of("5.00", "USD")),
        ({"arr": "0"}, Money.zero("USD")),
        ({"arr": "", "currency": "9"}, None),
    ],
)
def test_recurring_revenue_has_a_currency(cells: dict[str, str], arr: Money | None) -> None:
    assert arr == taken(**cells).traits.arr


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("", ()),
        (" ; ,\n", ()),
        ("a@x.example", ("a@x.example",)),
        ("a@x.example, b@y.example;c@z.example\r\na@x.example", ("a@x.example", "b@y.example", "c@z.example")),
        ("o'brien+ar@sub.x.example", ("o'brien+ar@sub.x.example",)),
    ],
)
def test_copies_go_to_the_addresses_that_are_listed(text: str, addresses: tuple[str, ...]) -> None:
    assert addresses == taken(cc=text).cc


def test_numbers_come_with_the_day_of_consent_or_without() -> None:
    customer = taken(sms="+1 (415) 555-0123", sms_consent_on="2026-10-01", chat="@northfield-ap")

    expected = (Contact("sms", "+14155550123", date(2026, 10, 1)), Contact("chat", "@northfield-ap"))
    assert expected == customer.contacts


@pytest.mark.parametrize(
    ("cells", "field", "reason"),
    [
        ({"arr": "a lot"}, "arr", "'a lot' is no decimal amount"),
        ({"arr": "120,000.00"}, "arr", "'120,000.00' is no decimal amount"),
        ({"arr": "-1"}, "arr", "-1.00 USD is below zero"),
        ({"arr": "1.005"}, "arr", "1.005 USD has more than 2 decimals"),
        ({"arr": "1", "arr_currency": "dollars"}, "currency", "'DOLLARS' is no ISO 4217 currency code"),
        ({"arr": "1", "currency": "9"}, "currency", "'Credits' is no ISO 4217 currency code"),
        ({"arr": "1", "currency": ""}, "arr_currency", "is missing, and the customer has no currency of its own"),
        ({"country": "United States"}, "country", "'United States' is no country of two letters"),
        ({"time_zone": "Eastern"}, "time_zone", "'Eastern' is no time zone such as America/New_York"),
        ({"time_zone": "../../etc/passwd"}, "time_zone", "'../../etc/passwd' is no time zone"),
        ({"time_zone": "America"}, "time_zone", "'America' is no time zone"),
        ({"cc": "a@x.example b@y.example"}, "cc", "'a@x.example b@y.example' is no e-mail address"),
        ({"cc": "A Person <a@x.example>"}, "cc", "'A Person <a@x.example>' is no e-mail address"),
        ({"cc": "a@x.example\nBcc: b"}, "cc", "'Bcc: b' is no e-mail address"),
        ({"cc": "a@localhost"}, "cc", "'a@localhost' is no e-mail address"),
        ({"cc": ", ".join(f"a{n}@x.example" for n in range(21))}, "cc", "21 addresses are more than 20"),
        ({"sms": "555 0123"}, "sms", "'555 0123' is no number with its country"),
        ({"sms": "+1415555012x"}, "sms", "'+1415555012x' is no number with its country"),
        ({"sms": "+14155550123", "sms_consent_on": "yes"}, "sms_consent_on", "'yes' is no day"),
        ({"chat": "two words"}, "chat", "has blanks in it, which no address has"),
        ({"chat": "a\x07b"}, "chat", "has blanks in it, which no address has"),
    ],
)
def test_a_field_that_is_not_understood_is_named_and_left_out(cells: dict[str, str], field: str, reason: str) -> None:
    """Money goes on for this customer, mail doesn't: the record is named apart from the ERP's documents."""
    customer, parked = customers.customer({**ROW, "tier": "smb", **cells}, CURRENCIES)

    assert isinstance(parked, Parked)
    assert ("erp_customer", "4", field, "4") == (parked.source, parked.record, parked.field, parked.customer_id)
    assert parked.reason.startswith(reason)
    assert Customer("4", "Northfield Robotics", traits=Traits(tier="smb")) == customer


def test_the_first_of_several_wrong_fields_is_named() -> None:
    customer, parked = customers.customer({**ROW, "arr": "x", "country": "USA", "cc": "a@x.example"}, CURRENCIES)

    assert parked is not None
    assert ("arr", ("a@x.example",)) == (parked.field, customer.cc)


@given(st.dictionaries(st.sampled_from(["arr", "country", "time_zone", "cc", "sms", "chat", "tier"]), st.text()))
def test_no_text_that_a_person_can_write_stops_the_reading(cells: dict[str, str]) -> None:
    """What is taken is safe to put into a header or a request, and whatever isn't is named."""
    customer, parked = customers.customer({**ROW, **cells}, CURRENCIES)

    assert "4" == customer.id
    lines = (*customer.cc, *(one.address for one in customer.contacts), customer.traits.tier)
    assert not any({"\n", "\r"} & set(line) for line in lines)
    assert parked is None or parked.field in {*cells, "currency", "arr_currency"}
