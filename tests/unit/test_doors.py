"""The doors to the vendors: credentials go to one place, and no answer wears us out or is believed when it can't be."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import intacct_wire_cases
import netsuite_cases
import pytest
import requests
import responses
import stripe
from hostile import Answer, Hostile, hostile, packed
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from connector.adapters import door
from connector.adapters.door import Door, Elsewhere, TooLarge, is_beneath, is_of, place
from connector.adapters.lanes import Lanes
from connector.adapters.netsuite.rest import SuiteQl
from connector.adapters.netsuite.soap import Soap
from connector.adapters.salesforce_api import SalesforceApi, SalesforceSettings
from connector.adapters.stripe_api import StripeApi, StripeSettings
from connector.errors import OutcomeUnknown, Terminal, Transient

CANARIES = (
    "consumer-key", "consumer-secret", "token-id", "token-secret", "rk_test_canary", "client-secret-canary",
    intacct_wire_cases.USER_PASSWORD,
)  # fmt: skip
EVIL = "https://evil.example"


# ---- one call of each vendor, as the adapters make it ----


def ask_suiteql(url: str) -> object:
    made = SuiteQl(netsuite_cases.settings(url), _lanes(), netsuite_cases.NOW.timestamp)
    try:
        return made.by_offset("customers", "SELECT id FROM customer ORDER BY id")
    finally:
        made.close()


def ask_soap(url: str) -> object:
    made = Soap(netsuite_cases.settings(url), _lanes(), netsuite_cases.NOW.timestamp)
    try:
        return made.read(
            "Could not read a payment", [made.new("core:RecordRef", internalId="9", type="customerPayment")]
        )
    finally:
        made.close()


def write_soap(url: str) -> object:
    made = Soap(netsuite_cases.settings(url), _lanes(), netsuite_cases.NOW.timestamp)
    try:
        return made.write("addList", "Could not write", [made.new("customers:CustomerPayment", memo="x")])
    finally:
        made.close()


def ask_intacct(url: str) -> object:
    made = intacct_wire_cases.gateway(url=f"{url}/ia/xml/xmlgw.phtml")
    try:
        return made.rows("CUSTOMER", ["CUSTOMERID"])
    finally:
        made.close()


def ask_stripe(url: str) -> object:
    api = StripeApi(StripeSettings(SecretStr("rk_test_canary"), date(2026, 1, 1), base_url=url), lambda _: None)
    return list(api.pages("charges", api.v1.charges.list, {}))


def ask_salesforce(url: str) -> object:
    settings = SalesforceSettings("acme.my", "app", SecretStr("client-secret-canary"), url, timeout_seconds=2)
    api = SalesforceApi(settings, lambda _: None)
    try:
        return api.rows("accounts", "Account", "Id", "Id != null")
    finally:
        api.close()


ALL = {
    "suiteql": ask_suiteql,
    "soap read": ask_soap,
    "soap write": write_soap,
    "intacct": ask_intacct,
    "stripe": ask_stripe,
    "salesforce": ask_salesforce,
}
XML = ("soap read", "soap write", "intacct")
JSON = ("suiteql", "stripe", "salesforce")


def _lanes() -> Lanes:
    return Lanes(2, 1, lambda _: None)


@pytest.fixture
def enemy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hostile]:
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0)
    monkeypatch.setattr(stripe.HTTPClient, "MAX_DELAY", 0)
    with hostile() as server:
        server.first = lambda path: _login(server.url) if path.endswith("/services/oauth2/token") else None
        yield server


def _login(url: str) -> Answer:
    return Answer(json.dumps({"access_token": "00Dtoken-canary", "instance_url": url}).encode())


def fails(ask: Callable[[str], object], enemy: Hostile) -> str:
    """The call ends in an error of ours, which says nothing that is secret."""
    with pytest.raises((Transient, Terminal, OutcomeUnknown)) as raised:
        ask(enemy.url)
    said = str(raised.value)
    assert [] == [secret for secret in CANARIES if secret in said]
    assert "canary" not in said and len(said) < 1000
    return said


# ---- where credentials go ----


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("vendor", ALL)
def test_nobody_is_sent_elsewhere_by_an_answer(vendor: str, status: int, enemy: Hostile) -> None:
    with hostile() as thief:
        enemy.answer = Answer(b"{}", status, (("Location", f"{thief.url}/collect"),))
        fails(ALL[vendor], enemy)

        assert [] == thief.heard
    assert enemy.heard


@pytest.mark.parametrize("vendor", ALL)
def test_a_netrc_adds_no_login_of_its_own(
    vendor: str, enemy: Hostile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login intruder password intruders-password\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    fails(ALL[vendor], enemy)

    basic = requests.auth._basic_auth_str("intruder", "intruders-password")
    assert enemy.heard and [] == [heard for heard in enemy.heard if basic in heard]


@pytest.mark.parametrize(
    ("instance", "page"),
    [
        (EVIL, {}),
        ("https://acme.my.salesforce.com@evil.example", {}),
        ("https://acme.my.salesforce.com.evil.example", {}),
        ("http://169.254.169.254", {}),
        ("https://acme.my.salesforce.com", {"done": False, "nextRecordsUrl": "@evil.example/services/data/x"}),
        ("https://acme.my.salesforce.com", {"done": False, "nextRecordsUrl": ".evil.example/x"}),
        ("https://acme.my.salesforce.com", {"done": False, "nextRecordsUrl": ":8443/x"}),
    ],
)
def test_salesforces_token_goes_to_salesforce_whatever_a_login_or_a_page_names(
    instance: str, page: dict[str, object]
) -> None:
    settings = SalesforceSettings("acme.my", "app", SecretStr("client-secret-canary"))
    rows = {"totalSize": 2, "done": True, "records": [{"Id": "1"}], **page}
    with responses.RequestsMock(assert_all_requests_are_fired=False) as web:
        login = {"access_token": "00Dtoken-canary", "instance_url": instance}
        web.post("https://acme.my.salesforce.com/services/oauth2/token", json=login)
        web.add_callback(responses.GET, re.compile(".*"), lambda _: (200, {}, json.dumps(rows)))
        with pytest.raises((Transient, Terminal)) as raised:
            SalesforceApi(settings, lambda _: None).rows("accounts", "Account", "Id", "Id != null")

        assert {"acme.my.salesforce.com"} == {urlsplit(str(call.request.url)).netloc for call in web.calls}
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize("vendor", ["suiteql", "soap read", "soap write", "intacct", "stripe"])
@pytest.mark.parametrize("url", ["http://erp.example", "http://169.254.169.254", "https://user:word@erp.example"])
def test_nothing_is_sent_where_it_could_be_read_on_the_way(vendor: str, url: str) -> None:
    with responses.RequestsMock() as web, pytest.raises((Transient, Terminal, OutcomeUnknown)):
        ALL[vendor](url)
    assert 0 == len(web.calls)


# ---- answers that mean ill ----

_TEN = "&l{0};" * 10

LAUGHS = "".join(f"<!ENTITY l{n} '{_TEN.format(n - 1)}'>" for n in range(1, 12))
XML_BOMBS = {
    "a billion laughs": f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{LAUGHS}]><x>&l11;</x>',
    "laughs in an attribute": f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{LAUGHS}]><x y="&l11;"/>',
    "quadratic": f'<!DOCTYPE x [<!ENTITY a "{"a" * 50_000}">]><x>{"&a;" * 5_000}</x>',
    "an external entity": '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>',
    "an external DTD": '<!DOCTYPE x SYSTEM "%s/evil.dtd"><x/>',
    "a parameter entity": '<!DOCTYPE x [<!ENTITY %% p SYSTEM "%s/evil.dtd"> %%p;]><x/>',
    "a deep well": "<x>" * 100_000 + "</x>" * 100_000,
    "a huge text": f"<x>{'a' * 11_000_000}</x>",
    "attributes without end": "<x " + " ".join(f"a{n}='1'" for n in range(20_000)) + "/>",
    "no XML": "<x",
    "nothing": "",
    "an include": '<x xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd"/></x>',
}
JSON_BOMBS = {
    "a deep well": "[" * 200_000,
    "deep objects": '{"a":' * 50_000 + "1" + "}" * 50_000,
    "a number without end": '{"totalSize": ' + "9" * 100_000 + "}",
    "a number beyond measure": '{"items": [], "count": 1e999999999, "hasMore": false, "totalResults": 0, "data": []}',
    "not a number": '{"items": [], "count": NaN, "hasMore": false, "totalResults": Infinity, "has_more": NaN}',
    "an array": "[]",
    "a text": '"ok"',
    "null": "null",
    "nothing": "",
    "no JSON": "<html>Sign in to the hotel's network</html>",
    "half a page": '{"items": [{"id": "1"}], "hasMore": true, "totalSize": 3, "data": [{"id"',
    "a wrong charset": "\udcff\udcfe",
}


@pytest.mark.parametrize("bomb", XML_BOMBS)
@pytest.mark.parametrize("vendor", XML)
def test_no_xml_wears_us_out_or_makes_us_fetch(vendor: str, bomb: str, enemy: Hostile) -> None:
    with hostile() as thief:
        text = XML_BOMBS[bomb].replace("%s", thief.url).replace("%%", "%")
        enemy.answer = Answer(text.encode(), kind="text/xml; charset=utf-8")
        said = fails(ALL[vendor], enemy)

        assert [] == thief.heard
    assert "root:" not in said


@pytest.mark.parametrize("bomb", JSON_BOMBS)
@pytest.mark.parametrize("vendor", JSON)
def test_no_json_wears_us_out(vendor: str, bomb: str, enemy: Hostile) -> None:
    enemy.answer = Answer(JSON_BOMBS[bomb].encode("utf-8", "surrogateescape"))

    fails(ALL[vendor], enemy)


WHOLE = {
    "suiteql": b'{"items": [], "count": 0, "hasMore": false, "totalResults": 0}',
    "stripe": b'{"object": "list", "url": "/v1/charges", "data": [], "has_more": false}',
    "salesforce": b'{"totalSize": 0, "done": true, "records": []}',
}


@pytest.mark.parametrize("vendor", WHOLE)
def test_what_unpacks_without_end_is_left(vendor: str, enemy: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blanks behind a good answer: it fits while it is packed, and would be read whole without a bound."""
    enemy.answer = packed(WHOLE[vendor] + b" " * 5_000_000)
    assert [] == ALL[vendor](enemy.url)

    monkeypatch.setattr(door, "ANSWER_BYTES_MAX", 1_000_000)
    fails(ALL[vendor], enemy)


@pytest.mark.parametrize("vendor", XML)
def test_no_xml_of_any_size_is_read_to_its_end(vendor: str, enemy: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "ANSWER_BYTES_MAX", 1_000)
    enemy.answer = packed(b"<x/>" + b" " * 5_000_000)

    assert "TooLarge" in fails(ALL[vendor], enemy)


@pytest.mark.parametrize("vendor", ["stripe", "salesforce", "soap read"])
def test_what_drips_is_left_when_its_time_is_over(vendor: str, enemy: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each piece comes in time, the whole never would."""
    monkeypatch.setattr(door, "_seconds", lambda _: 0.1)
    monkeypatch.setattr(door, "PIECE", 1)
    enemy.answer = Answer(b"{" * 200, drips=0.01)

    fails(ALL[vendor], enemy)


# ---- the door itself ----


def test_a_body_is_taken_to_the_last_byte_that_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "ANSWER_BYTES_MAX", 4)

    assert b"abcd" == door.whole([b"ab", b"", b"cd"])
    with pytest.raises(TooLarge, match="more than 4 bytes"):
        door.whole([b"ab", b"cd", b"e"])


def test_what_may_not_be_gone_to_is_not_looked_up(enemy: Hostile) -> None:
    session = door.alone(requests.Session(), lambda url: False)
    with pytest.raises(Elsewhere):
        session.get(f"{enemy.url}/x", timeout=1)

    assert [] == enemy.heard


def test_every_scheme_of_a_session_goes_through_the_door() -> None:
    session = door.alone(requests.Session(), lambda url: True)

    assert {Door} == {type(session.get_adapter(url)) for url in ("https://a.example", "http://a.example")}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.stripe.com/v1/charges?limit=1", ("https", "api.stripe.com", "443")),
        ("https://API.Stripe.com", ("https", "api.stripe.com", "443")),
        ("https://api.stripe.com?x=1", ("https", "api.stripe.com", "443")),
        ("http://127.0.0.1:8123/stripe", ("http", "127.0.0.1", "8123")),
        ("http://[::1]/x", ("http", "[::1]", "80")),
        ("http://api.stripe.com/v1", None),
        ("https://api.stripe.com@evil.example/v1", None),
        ("https://evil.example\\@api.stripe.com/", None),
        ("https://api.stripe.com#@evil.example/", None),
        ("https://api.stripe.com\n.evil.example/", None),
        ("https://xn--stripe-\u0430.com/", None),
        ("ftp://127.0.0.1/", None),
        ("//api.stripe.com/", None),
        ("", None),
    ],
)
def test_an_address_has_one_place_or_none(url: str, expected: object) -> None:
    assert expected == place(url)


@given(st.text(max_size=60))
def test_no_address_however_odd_breaks_the_question(text: str) -> None:
    assert not is_of(f"https://api.stripe.com.{text}", ("stripe.com",))
    assert not is_beneath(f"http://{text}.example/", f"http://{text}.example/")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://acme.my.salesforce.com/x", True),
        ("https://salesforce.com/x", True),
        ("https://salesforce.com:8443/x", False),
        ("https://evilsalesforce.com/x", False),
        ("http://acme.my.salesforce.com/x", False),
        ("http://127.0.0.1/x", False),
    ],
)
def test_a_vendor_is_where_its_domain_is(url: str, expected: bool) -> None:
    assert expected == is_of(url, ("salesforce.com",))
