"""Signing in to Intacct: where a session may go on, how long it lives, and what its end does not break."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
import responses
from hypothesis import given
from hypothesis import strategies as st
from intacct_wire_cases import (
    NODE,
    SESSION,
    URL,
    USER_PASSWORD,
    answer,
    answers,
    body_of,
    error,
    failed,
    gateway,
    made,
    only_our_answers,
    page,
    refused_login,
    refused_request,
    sent,
    session,
    settings,
    signs_in,
    urls,
)

from connector.adapters.intacct.functions import create
from connector.adapters.intacct.wire import is_ours, is_safe_url
from connector.adapters.intacct.xmltext import record
from connector.errors import OutcomeUnknown, Terminal, Transient


@pytest.fixture(autouse=True)
def _only_our_answers() -> Iterator[None]:
    yield from only_our_answers()


EMPTY = page("ARINVOICE", [])
PAYMENT = create("act-1-p", record("ARPYMT", {"CUSTOMERID": "C1"}))
PAID = answer(made("create", "act-1-p", "901"))
BUSY = error("GW-0010", "Limit")
LOST = refused_login(error("XL03000006", "Sign-in information is incorrect: session is not valid"))


class Ticking:
    """A monotonic clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("endpoint", "configured", "is_allowed"),
    [
        (NODE, URL, True),
        ("https://na12.intacct.com:443/ia/xml/xmlgw.phtml", URL, True),
        ("https://API.INTACCT.COM/ia", URL, True),
        ("http://127.0.0.1:8123/intacct/ia/xml/node2.phtml", "http://127.0.0.1:8123/intacct/ia/xml/xmlgw.phtml", True),
        ("https://gateway.acme.example/b", "https://gateway.acme.example/a", True),
        ("http://na12.intacct.com/ia", URL, False),
        ("https://na12.intacct.com:8443/ia", URL, False),
        ("https://intacct.com.evil.example/ia", URL, False),
        ("https://evilintacct.com/ia", URL, False),
        ("https://evil.example/intacct.com", URL, False),
        ("https://intacct.com@evil.example/ia", URL, False),
        ("https://user:pass@gateway.example/ia", "https://gateway.example/ia", False),
        ("https://evil.example#.intacct.com", URL, False),
        ("https://evil.example\\.intacct.com/ia", URL, False),
        ("https://na12.intacct.com/ia\n", URL, False),
        ("https://na12.intacct.com:0443x/ia", URL, False),
        ("https://na12.intacct.com/ia\\@evil.example", URL, False),
        ("http://127.0.0.1:9999/ia", "http://127.0.0.1:8123/ia", False),
        ("http://127.0.0.1/ia", URL, False),
        ("https://gateway.acme.example:8443/b", "https://gateway.acme.example/a", False),
        ("", URL, False),
        ("na12.intacct.com/ia", URL, False),
        ("file:///etc/passwd", URL, False),
        ("https://[::1", URL, False),
    ],
)
def test_a_session_goes_on_only_where_intacct_is(endpoint: str, configured: str, is_allowed: bool) -> None:
    assert is_allowed == is_ours(endpoint, configured)


@given(st.text(max_size=40), st.sampled_from(["https://", "http://", "//", ""]))
def test_no_endpoint_however_odd_breaks_the_question(host: str, scheme: str) -> None:
    assert not is_ours(f"{scheme}{host}.example/ia", URL)


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [(URL, True), ("http://127.0.0.1:1/ia", True), ("http://api.intacct.com/ia", False), ("ftp://127.0.0.1/", False)],
)
def test_credentials_leave_over_https_or_not_at_all(url: str, is_safe: bool) -> None:
    assert is_safe == is_safe_url(url)


def test_nothing_is_sent_to_an_address_without_https() -> None:
    with pytest.raises(Terminal, match="is not https"):
        gateway(url="http://api.intacct.com/ia/xml/xmlgw.phtml").rows("ARINVOICE", ["STATE"])

    assert not responses.calls


def test_signing_in_is_alone_in_its_request_and_all_else_goes_to_the_sessions_endpoint() -> None:
    signs_in()
    answers(EMPTY)
    asking = gateway()

    asking.rows("ARINVOICE", ["STATE"])
    asking.rows("ARINVOICE", ["STATE"])

    assert [URL, NODE, NODE] == urls()
    assert ["getAPISession"] == [each.tag for each in sent(0).find("operation/content/function")]
    assert sent(0).findtext("operation/authentication/login/password") == USER_PASSWORD
    assert sent(0).find("operation/authentication/login/locationid") is None
    assert USER_PASSWORD.encode() not in body_of(1)


def test_each_entity_has_a_session_of_its_own() -> None:
    signs_in()
    answers(EMPTY)
    asking = gateway()
    asking.rows("ARINVOICE", ["STATE"])
    responses.replace(responses.POST, URL, body=session(entity="E100", session_id="other").encode())

    asking.rows("ARINVOICE", ["STATE"], entity="E100")
    asking.rows("ARINVOICE", ["STATE"])

    assert [URL, NODE, URL, NODE, NODE] == urls()
    assert [SESSION, "other", SESSION] == [
        sent(index).findtext("operation/authentication/sessionid") for index in (1, 3, 4)
    ]


def test_a_session_slides_with_every_answer_and_is_renewed_before_it_ends() -> None:
    clock, hour = Ticking(), 3600
    signs_in(hours=2)
    answers(page("ARINVOICE", []).replace("T20:00:00", "T14:00:00"))
    asking = gateway(clock)
    asking.rows("ARINVOICE", ["STATE"])
    clock.now = 1.9 * hour
    asking.rows("ARINVOICE", ["STATE"])
    assert 1 == urls().count(URL)

    clock.now = 3.8 * hour
    asking.rows("ARINVOICE", ["STATE"])
    assert 1 == urls().count(URL)

    clock.now = 5.79 * hour
    asking.rows("ARINVOICE", ["STATE"])
    assert 2 == urls().count(URL)


@pytest.mark.parametrize("told", ["", "soon", "2026-11-23"])
def test_a_session_whose_end_is_not_told_is_used_until_it_is_refused(told: str) -> None:
    clock = Ticking()
    responses.add(responses.POST, URL, body=session().replace("2026-11-23T20:00:00-08:00", told).encode())
    answers(EMPTY.replace("2026-11-23T20:00:00-08:00", told))
    asking = gateway(clock)

    for clock.now in (0.0, 1e6):
        asking.rows("ARINVOICE", ["STATE"])

    assert 1 == urls().count(URL)


def test_a_session_that_the_gateway_forgot_is_renewed_for_a_read() -> None:
    signs_in()
    answers(LOST, EMPTY)

    assert [] == gateway().rows("ARINVOICE", ["STATE"])
    assert [URL, NODE, URL, NODE] == urls()


def test_and_for_a_write_which_did_not_run() -> None:
    signs_in()
    answers(LOST, PAID)

    assert gateway().run([PAYMENT], atomic=True).is_committed
    assert [URL, NODE, URL, NODE] == urls()
    assert body_of(1) != body_of(3)  # another mark, the same function
    assert sent(1).find("operation/content") is not None
    assert sent(3).find("operation/content/function").get("controlid") == "act-1-p"


def test_a_session_refused_twice_is_not_asked_for_a_third_time() -> None:
    signs_in()
    answers(LOST)

    with pytest.raises(Terminal, match="session is not valid"):
        gateway().run([PAYMENT], atomic=True)

    assert [URL, NODE, URL, NODE] == urls()


def test_a_write_after_a_renewal_may_still_end_unknown() -> None:
    signs_in()
    answers(LOST, (524, ""))

    with pytest.raises(OutcomeUnknown):
        gateway().run([PAYMENT], atomic=True)


REFUSED: dict[str, tuple[str, str]] = {
    "another company": (session().replace(">acme-co<", ">other-co<"), "the session is one of other-co"),
    "another entity": (session(entity="E7"), "the session is at E7"),
    "an endpoint elsewhere": (session(endpoint="https://evil.example/ia"), "is not at intacct.com"),
    "no endpoint": (session(endpoint=""), "is not at intacct.com"),
    "no session id": (session(session_id=""), "endpoint"),
    "no result": (answer(), "no session came"),
    "a wrong sender": (refused_request(error("XL03000006", "Incorrect Intacct XML Partner ID")), "sender_id"),
    "a wrong password": (refused_login(error("XL03000006", "Sign-in information is incorrect")), "user_password"),
    "a wrong entity": (answer(failed("getAPISession", "sign-in", error("X", "No such entity"))), "No such entity"),
    "expired demo": (refused_login(error("PL04000055", "Company is expired")), "PL04000055"),
}


@pytest.mark.parametrize(("came", "told"), REFUSED.values(), ids=REFUSED.keys())
def test_signing_in_that_is_refused_says_what_to_do_and_sends_nothing_else(came: str, told: str) -> None:
    responses.add(responses.POST, URL, body=came.encode())

    with pytest.raises(Terminal) as caught:
        gateway().run([PAYMENT], atomic=True)

    assert told in str(caught.value) and "Nothing was" in str(caught.value)
    assert [URL] == urls()


@pytest.mark.parametrize(
    "came",
    [(500, ""), (524, ""), (429, ""), (200, "<html>"), (200, answer(failed("getAPISession", "s", BUSY)))],
)
def test_signing_in_that_got_no_answer_is_tried_again_even_before_a_write(came: tuple[int, str]) -> None:
    responses.add(responses.POST, URL, status=came[0], body=came[1].encode())
    signs_in()
    answers(PAID)

    assert gateway().run([PAYMENT], atomic=True).is_committed


def test_an_outage_while_signing_in_leaves_a_write_undone() -> None:
    responses.add(responses.POST, URL, body=requests.ReadTimeout("late"))

    with pytest.raises(Transient):
        gateway().run([PAYMENT], atomic=True)

    assert [URL] * settings().read_attempts_max == urls()
