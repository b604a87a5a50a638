"""Who may come in: three levels of failure, sessions of their own endpoint, sliding, and moving between entities."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pytest
from intacct_company import NOW, Company, created, query

SIGN_IN = "<getAPISession/>"


def signed_in(session: str) -> str:
    return f"<sessionid>{session}</sessionid>"


# ---- the three levels ----


@pytest.mark.parametrize("wrong", [{"senderid": "Sandbox-Sender"}, {"password": "SANDBOX-SENDER-PASSWORD"}])
def test_an_unknown_sender_is_refused_at_the_controls_level(company: Company, wrong: dict[str, str]) -> None:
    """Both parts are case sensitive."""
    reply = company.post(company.request([SIGN_IN], control=wrong))

    assert (200, "failure", "XL03000006") == (reply.http, reply.control, reply.errorno)
    assert reply.root.find("operation") is None


@pytest.mark.parametrize("wrong", [{"userid": "nobody"}, {"password": "wrong"}, {"companyid": "other"}])
def test_a_wrong_sign_in_is_refused_beside_the_operation(company: Company, wrong: dict[str, str]) -> None:
    reply = company.post(company.request([SIGN_IN], authentication=company.login(**wrong)))

    assert (200, "success", "failure", "XL03000006") == (
        reply.http,
        reply.control,
        reply.authentication,
        reply.errorno,
    )
    assert reply.root.find("operation/errormessage") is not None
    assert [] == reply.results


def test_a_wrong_sign_in_may_be_a_401_with_a_bare_control(company: Company) -> None:
    company.books.at_the_door.bad_login = "gateway"

    reply = company.post(company.request([SIGN_IN], authentication=company.login(password="wrong")))

    assert (401, "failure", "XMLGW_JPP0002") == (reply.http, reply.control, reply.errorno)
    assert ["status"] == [child.tag for child in reply.root.find("control")]


def test_a_sender_that_the_company_does_not_let_in_is_refused_beside_the_operation(company: Company) -> None:
    company.books.sessions.authorised.clear()

    reply = company.post(company.request([SIGN_IN]))

    assert ("success", "failure", "XL03000006") == (reply.control, reply.authentication, reply.errorno)
    assert "Invalid Web Services Authorization" in reply.texts


def test_an_unknown_entity_is_refused_at_the_level_where_it_is_named(company: Company) -> None:
    at_login = company.post(company.request([SIGN_IN], authentication=company.login(locationid="E9")))
    in_function = company.post(company.request(["<getAPISession><locationid>E9</locationid></getAPISession>"]))

    assert ("failure", []) == (at_login.authentication, at_login.statuses)
    assert ("success", ["failure"]) == (in_function.authentication, in_function.statuses)


# ---- sessions ----


def test_a_session_has_an_endpoint_of_its_own_on_the_host_that_was_asked(company: Company) -> None:
    session, endpoint = company.session()

    assert urlsplit(company.profile["url"]).netloc == urlsplit(endpoint).netloc
    assert endpoint != company.profile["url"]
    here = company.post(company.request([query("CUSTOMER", "NAME")], authentication=signed_in(session)), endpoint)
    there = company.post(company.request([query("CUSTOMER", "NAME")], authentication=signed_in(session)))
    assert (["success"], "failure") == (here.statuses, there.authentication)


def test_a_session_slides_with_every_call_and_ends_without_one(company: Company) -> None:
    session, endpoint = company.session()

    def call() -> tuple[str, str]:
        asked = company.request([query("CUSTOMER", "NAME")], authentication=signed_in(session))
        reply = company.post(asked, endpoint)
        return reply.authentication, reply.root.findtext("operation/authentication/sessiontimeout", "")

    company.clock.move_to(NOW + timedelta(minutes=119))
    first = call()
    company.clock.move_to(NOW + timedelta(minutes=237))
    second = call()
    company.clock.move_to(NOW + timedelta(minutes=357))

    assert ["success", "success", "failure"] == [first[0], second[0], call()[0]]
    assert NOW + timedelta(minutes=239) == datetime.fromisoformat(first[1])
    assert NOW + timedelta(minutes=357) == datetime.fromisoformat(second[1])


def test_sessions_end_when_somebody_ends_them(company: Company) -> None:
    company.ask(query("CUSTOMER", "NAME"))
    company.books.sessions.end_all()

    assert "failure" == company.ask(query("CUSTOMER", "NAME")).authentication


def test_a_session_that_is_lost_by_a_fault_stays_lost(company: Company) -> None:
    company.ask(query("CUSTOMER", "NAME"))
    company.fault("session_lost", "query")

    assert ["failure"] * 2 == [company.ask(query("CUSTOMER", "NAME")).authentication for _ in range(2)]


def test_a_session_moves_into_an_entity_and_back_to_the_top(company: Company) -> None:
    company.books.add_entity("E100", "Harbour East")

    def moved(session: str, endpoint: str, location: str) -> tuple[str, str, str]:
        body = f"<getAPISession><locationid>{location}</locationid></getAPISession>"
        reply = company.post(company.request([body], authentication=signed_in(session)), endpoint)
        api = reply.results[0].data.find("api")
        return api.findtext("sessionid"), api.findtext("endpoint"), api.findtext("locationid") or ""

    top, endpoint = company.session()
    inside, endpoint, location = moved(top, endpoint, "E100")
    back, endpoint, top_again = moved(inside, endpoint, "")

    assert ("E100", "") == (location, top_again)
    assert 3 == len({top, inside, back})
    reply = company.post(company.request([query("CUSTOMER", "NAME")], authentication=signed_in(inside)), endpoint)
    assert "E100" == reply.root.findtext("operation/authentication/locationid")


def test_a_session_can_not_be_asked_for_together_with_anything_else(company: Company) -> None:
    mixed = company.post(company.request([SIGN_IN, query("CUSTOMER", "NAME")]))
    alone = company.post(company.request([SIGN_IN], transaction="true"))

    assert ["failure", "success"] == mixed.statuses
    assert "success" not in alone.statuses


def test_functions_may_come_with_a_sign_in_of_their_own(company: Company) -> None:
    reply = company.post(company.request([created("arc_receipt", name="by login")]))

    assert ["success"] == reply.statuses
    assert "xml_gateway" == reply.root.findtext("operation/authentication/userid")
