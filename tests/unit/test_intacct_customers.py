"""Intacct's customers: their own contact first, a reason never to write to them, and what segments look at."""

from __future__ import annotations

from datetime import date

import pytest

from connector.adapters.intacct.customers import customers, fields
from connector.adapters.intacct.settings import IntacctMapping
from connector.money import Money
from connector.receivables import Contact, Customer, Traits
from tests.unit.intacct_read_cases import MAPPING, customer


def read(**given: str) -> Customer:
    (found,), parked = customers([{"RECORDNO": "1", "CUSTOMERID": "C-1", "NAME": "Northfield", **given}], MAPPING)
    assert () == parked
    return found


def test_bills_go_to_the_bill_to_contact_and_where_there_is_none_to_the_customers_own() -> None:
    both = read(**{"BILLTO.EMAIL1": "ap@n.example ", "DISPLAYCONTACT.EMAIL1": "info@n.example"})
    own = read(**{"DISPLAYCONTACT.EMAIL1": "info@n.example", "DISPLAYCONTACT.MAILADDRESS.COUNTRYCODE": "de"})

    assert ("ap@n.example", "info@n.example", "") == (both.email, own.email, read().email)
    assert "DE" == own.traits.country


@pytest.mark.parametrize(
    ("given", "exclusion"),
    [
        ({"STATUS": "active"}, ""),
        ({"STATUS": "Active", "ONHOLD": "true"}, ""),  # stops orders, not mail
        ({"STATUS": "active non-posting"}, ""),
        ({"STATUS": "inactive"}, "inactive"),
        ({"ARC_DO_NOT_CONTACT": "true", "ARC_EXCLUDE": "intercompany"}, "do-not-contact, intercompany"),
        ({"ARC_DO_NOT_CONTACT": "false"}, ""),
    ],
)
def test_who_is_never_written_to(given: dict[str, str], exclusion: str) -> None:
    found = read(**given)

    assert (exclusion, bool(exclusion)) == (found.exclusion, found.is_excluded)


def test_what_people_say_of_a_customer_is_taken_over() -> None:
    found = read(
        PARENTID="C-0",
        CURRENCY="USD",
        ARC_AUTOPAY="true",
        ARC_MAILS_PARENT="true",
        ARC_TIER="gold",
        ARC_ARR="120000",
        ARC_TIME_ZONE="Europe/Berlin",
        ARC_CC="a@n.example; b@n.example",
        ARC_SMS="+1 415 555-0123",
        ARC_SMS_CONSENT_ON="03/01/2026",
    )

    assert ("C-0", True, True) == (found.parent_id, found.autopay, found.mails_parent)
    assert Traits(tier="gold", arr=Money.of("120000", "USD"), time_zone="Europe/Berlin") == found.traits
    assert ("a@n.example", "b@n.example") == found.cc
    assert (Contact("sms", "+14155550123", date(2026, 3, 1)),) == found.contacts


def test_a_field_that_is_not_understood_is_parked_beside_a_customer_that_is_told_all_the_same() -> None:
    (found,), (parked,) = customers([customer("C7", ARC_TIME_ZONE="Mars")], MAPPING)

    assert ("erp_customer", "C7", "time_zone", "C7") == (parked.source, parked.record, parked.field, parked.customer_id)
    assert "C7" == found.id


def test_a_field_that_the_company_does_not_have_is_not_asked_for() -> None:
    mapping = IntacctMapping.model_validate(
        {"account_time_zone": "UTC", "country": "none", "fields": {"customer_cc": "", "customer_tier": ""}}
    )

    assert {"ARC_CC", "ARC_TIER", "ARC_COUNTRY", "BILLTO.MAILADDRESS.COUNTRYCODE"}.isdisjoint(fields(mapping))
    assert {"ARC_EXCLUDE", "BILLTO.EMAIL1"} <= set(fields(mapping))
