"""By which channel does a step go, and to whom?"""

from __future__ import annotations

from datetime import date

import pytest
from decision_cases import POLICY

from connector.decisions import channel
from connector.decisions.channel import ChannelReason
from connector.policy import EMAIL, ChannelRule, Policy, Step
from connector.receivables import Contact, Customer

CONSENTED = Contact("sms", "+4915112345678", date(2026, 1, 2))
SILENT = Contact("sms", "+4915112345678")
ON = (ChannelRule(EMAIL, is_on=True), ChannelRule("sms", is_on=True, fallback=EMAIL))
OFF = (ChannelRule(EMAIL, is_on=True), ChannelRule("sms"))


def policy(rules: tuple[ChannelRule, ...]) -> Policy:
    return Policy(version="t", steps=POLICY.steps, senders=POLICY.senders, channels=rules)


def step(name: str) -> Step:
    return Step("+7", 7, "firm", "billing", channel=name)


def customer(**more: object) -> Customer:
    made = {"id": "7", "name": "Northfield", "email": "ap@northfield.example", "parent_id": "1", **more}
    return Customer(**made)  # type: ignore[arg-type]


PARENT = Customer("1", "Northfield Group", "ap@group.example", contacts=(Contact("sms", "+441", date(2026, 1, 1)),))


@pytest.mark.parametrize(
    ("by", "contacts", "rules", "chosen", "to", "reason"),
    [
        # step's channel, contacts, rules -> channel, to, reason
        ("email", (CONSENTED,), ON, "email", "ap@northfield.example", "as_planned"),
        ("sms", (CONSENTED,), ON, "sms", "+4915112345678", "as_planned"),
        ("sms", (SILENT, CONSENTED), ON, "sms", "+4915112345678", "as_planned"),
        ("sms", (CONSENTED,), OFF, "email", "ap@northfield.example", "channel_off"),
        ("sms", (), OFF, "email", "ap@northfield.example", "channel_off"),
        ("sms", (), ON, "email", "ap@northfield.example", "no_address"),
        ("sms", (Contact("sms", "", date(2026, 1, 2)),), ON, "email", "ap@northfield.example", "no_address"),
        ("sms", (Contact("whatsapp", "+49", date(2026, 1, 2)),), ON, "email", "ap@northfield.example", "no_address"),
        ("sms", (SILENT,), ON, "email", "ap@northfield.example", "no_consent"),
        # A channel that the policy doesn't name is off.
        ("fax", (Contact("fax", "1", date(2026, 1, 2)),), ON, "email", "ap@northfield.example", "channel_off"),
    ],
)
def test_the_channel_and_who_is_reached(by, contacts, rules, chosen, to, reason):
    verdict = channel.decide(step(by), customer(contacts=contacts), PARENT, policy(rules))

    assert (verdict.channel, verdict.to, verdict.reason) == (chosen, to, reason)
    assert verdict.text.startswith(f"by {'e-mail' if chosen == EMAIL else chosen}")


def test_every_reason_is_named_in_the_table():
    assert {"as_planned", "channel_off", "no_address", "no_consent"} == set(ChannelReason)


@pytest.mark.parametrize(
    ("by", "mails_parent", "parent", "to"),
    [
        ("email", False, PARENT, "ap@northfield.example"),
        ("email", True, PARENT, "ap@group.example"),
        ("sms", True, PARENT, "+441"),
        # To the parent or to nobody: never to the contact that the ERP says not to use.
        ("email", True, Customer("1", "Northfield Group"), ""),
        ("email", True, None, ""),
    ],
)
def test_a_customer_whose_reminders_go_to_its_parent(by, mails_parent, parent, to):
    child = customer(mails_parent=mails_parent, contacts=(CONSENTED,) if not mails_parent else ())

    assert channel.decide(step(by), child, parent, policy(ON)).to == to


def test_an_unknown_customer_is_reached_by_nobody():
    verdict = channel.decide(step("email"), None, None, policy(ON))

    assert (verdict.to, verdict.cc) == ("", ())


@pytest.mark.parametrize(
    ("listed", "cc"),
    [
        ((), ()),
        (("cfo@northfield.example",), ("cfo@northfield.example",)),
        (("AP@northfield.example", "a@x.example", "a@x.example", " "), ("a@x.example",)),
    ],
)
def test_copies_go_to_who_is_listed_each_once_and_never_twice_to_one(listed, cc):
    assert channel.decide(step("email"), customer(cc=listed), PARENT, policy(ON)).cc == cc


def test_a_text_message_has_no_copies():
    listed = customer(cc=("cfo@northfield.example",), contacts=(CONSENTED,))

    assert channel.decide(step("sms"), listed, PARENT, policy(ON)).cc == ()


@pytest.mark.parametrize(
    ("by", "rules", "contacts", "found"),
    [
        ("email", OFF, (), ("ap@northfield.example", "as_planned")),
        ("sms", ON, (CONSENTED,), ("+4915112345678", "as_planned")),
        ("sms", OFF, (CONSENTED,), ("", "channel_off")),
        ("sms", ON, (SILENT,), ("", "no_consent")),
    ],
)
def test_where_one_channel_reaches_a_customer(by, rules, contacts, found):
    assert channel.address_of(by, customer(contacts=contacts), policy(rules)) == found


def test_without_an_address_there_is_no_way():
    assert channel.address_of("email", customer(email=""), policy(ON)) == ("", "no_address")
