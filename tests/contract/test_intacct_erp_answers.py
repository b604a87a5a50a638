"""Answers of the gateway that say nothing, come late, go elsewhere or tell too much, and texts that are hard to say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connector.adapters.intacct import IntacctErp
from connector.errors import ConnectorError, Terminal, Transient
from connector.ports import ActAnswer, Outcome
from connector.receivables import CloseIntent
from sandbox.faults import Kind
from sandbox.serving import Background
from tests.contract.erp_site import TODAY, usd
from tests.contract.intacct_site import Site, mapping, served

CREATED, EXISTS = Outcome.CREATED, Outcome.EXISTS
REFUSED, UNKNOWN = Outcome.REFUSED, Outcome.UNKNOWN


@pytest.fixture
def site() -> Iterator[Site]:
    with served() as made:
        yield made


# ---- writes ----


@pytest.mark.parametrize(
    "kind", ["timeout_after", "cut_after", "unreadable_after", "drop_after", "html_after", "server_error_after"]
)
def test_an_answer_that_was_not_read_is_unknown_and_the_payment_is_found(site: Site, kind: Kind) -> None:
    intent = site.act({site.invoice(): "1000.00"})
    site.impatient()
    site.fault(kind, "act", seconds=3)

    first, seen, second = site.write(intent), site.seen(intent), site.write(intent)

    assert (UNKNOWN, (UNKNOWN, UNKNOWN)) == first
    assert seen.payment is not None and len(seen.records) == 2
    assert (EXISTS, (EXISTS, EXISTS)) == second
    assert (1, []) == (len(site.payments()), site.waits)


@pytest.mark.parametrize("kind", ["timeout_before", "drop_before", "maintenance", "server_error", "html"])
def test_a_write_that_may_not_have_arrived_is_unknown_and_not_found(site: Site, kind: Kind) -> None:
    intent = site.act({site.invoice(): "1000.00"})
    site.impatient()
    site.fault(kind, "act", seconds=3)

    first, seen = site.write(intent), site.seen(intent)

    assert (UNKNOWN, (UNKNOWN, UNKNOWN)) == first
    assert (None, ()) == (seen.payment, seen.records)
    assert (CREATED, (CREATED, CREATED)) == site.write(intent)
    assert 1 == len(site.payments())


@pytest.mark.parametrize("kind", ["too_many", "rate_text"])
def test_a_gateway_that_turned_us_away_did_nothing_and_is_not_asked_again(site: Site, kind: Kind) -> None:
    intent = site.act({site.invoice(): "1000.00"})
    site.erp.read_totals()
    before = site.intacct.dump()
    site.fault(kind, "act")

    with pytest.raises(Transient):
        site.erp.write_acts([intent])

    assert (before, []) == (site.intacct.dump(), site.waits)
    assert CREATED == site.write(intent)[0]


def test_a_gateway_that_goes_on_after_the_network_gave_up_is_looked_at(site: Site) -> None:
    """524: nothing there now proves nothing about later."""
    intent = site.act({site.invoice(): "1000.00"})
    site.fault("late_commit", "act", seconds=3600)

    first, early = site.write(intent), site.seen(intent)
    site.later(2)
    late, second = site.seen(intent), site.write(intent)

    assert (UNKNOWN, None) == (first[0], early.payment)
    assert late.payment is not None
    assert (EXISTS, 1) == (second[0], len(site.payments()))


def test_a_session_that_is_no_longer_known_is_renewed_and_the_write_goes_once(site: Site) -> None:
    intent = site.act({site.invoice(): "1000.00"})
    site.erp.read_totals()
    site.intacct.sessions.end_all()

    assert (CREATED, (CREATED, CREATED)) == site.write(intent)
    assert 1 == len(site.payments())


NOISE: Sequence[Kind] = (
    "cut_after",
    "drop_after",
    "drop_before",
    "html",
    "html_after",
    "maintenance",
    "rate_text",
    "server_error",
    "server_error_after",
    "session_lost",
    "too_many",
    "unreadable_after",
)


@pytest.mark.parametrize("aborted", ["all", "others"])
def test_a_hundred_acts_through_every_fault_are_each_there_once(site: Site, aborted: str) -> None:
    """As the heart does it: what may have been done is looked at before it is tried again."""
    site.intacct.at_the_door.aborted = aborted  # type: ignore[assignment]
    amounts = [f"{number}.{number % 100:02}" for number in range(1, 101)]
    waiting = {f"m{n}": site.act({site.invoice(amount): amount}, act_id=f"m{n}") for n, amount in enumerate(amounts)}
    intents = list(waiting.values())
    site.erp.read_totals()
    site.faults.draw(20261123, 0.3, NOISE)

    for _ in range(60):
        for start in range(0, len(waiting), 20):
            some = list(waiting.values())[start : start + 20]
            for act_id in _done(site.erp, some):
                waiting.pop(act_id, None)
        if not waiting:
            break
    site.faults.clear()

    assert {} == waiting
    assert len(site.faults.fired()) > 50
    assert sorted(amounts, key=Decimal) == sorted((amount for _, amount, _ in site.payments()), key=Decimal)
    assert {"0.00"} == set(site.balances().values())
    assert {kind: len(intents) for kind in ("cancellation", "receipt")} == {
        kind: len(ids) for kind, ids in site.kept().items()
    }
    assert {EXISTS} == {answer.payment.outcome for answer in site.erp.write_acts(intents)}


def _done(erp: IntacctErp, acts: Sequence[CloseIntent]) -> list[str]:
    """The acts that surely stand after one look and one try."""
    try:
        there = {one.act_id for one in erp.read_acts(acts) if one.payment is not None}
        answers: tuple[ActAnswer, ...] = erp.write_acts([one for one in acts if one.act_id not in there])
    except Transient:
        return []
    assert REFUSED not in {one.payment.outcome for one in answers}
    return [*there, *(one.act_id for one in answers if one.payment.outcome in (CREATED, EXISTS))]


# ---- reads ----


@pytest.mark.parametrize(
    "kind", ["too_many", "rate_text", "server_error", "maintenance", "html", "drop_before", "cut_after"]
)
def test_a_read_is_tried_again_after_a_wait(site: Site, kind: Kind) -> None:
    invoice = site.invoice()
    site.erp.read_totals()
    site.fault(kind, "query", times=2)

    assert [invoice] == [one.id for one in site.erp.read_invoices([invoice]).invoices]
    gives_way = kind in ("too_many", "rate_text")  # so does the request after it
    assert 2 + gives_way == len(site.waits)


def test_a_lost_permission_leaves_invoices_out_and_invents_nothing(site: Site) -> None:
    """It looks like fewer rows, so an id that is not returned proves nothing."""
    ids = {site.invoice() for _ in range(9)}
    site.erp.read_totals()
    site.fault("fewer_rows", "query")

    read = site.erp.read_invoices(sorted(ids))

    assert {one.id for one in read.invoices} < ids
    assert () == read.parked


def test_pages_by_key_lose_and_repeat_nothing_while_invoices_come_and_go(site: Site) -> None:
    """Rows come in no order of their own, and each page is a query of its own."""
    ids = [site.invoice("10.00", order_entry=True) for _ in range(20)]
    erp = site.paged(4)
    erp.read_totals()
    for nth in (2, 4):
        site.intacct.meanwhile("query", lambda: site.intacct.edit_order(ids[0]), nth)

    found = [one.id for one in erp.read_open().invoices]

    assert len(found) == len(set(found))
    assert set(ids[1:]) <= set(found) <= set(ids)


@pytest.mark.parametrize("nth", range(1, 8))
@pytest.mark.parametrize("how", ["ledger", "ids", "act"])
def test_an_edit_in_the_middle_of_a_read_never_loses_a_dispute(site: Site, nth: int, how: str) -> None:
    """Header and lines are two queries: an invoice is told whole, or not at all. Else disputed money is asked for."""
    lines = [{"description": "Seats", "amount": "600.00"}, {"description": "Use", "amount": "400.00"}]
    invoice = site.invoice(lines=lines, order_entry=True)
    site.intacct.dispute_line(invoice, 2, "wrong count")
    site.erp.read_totals()
    site.intacct.meanwhile("query", lambda: site.intacct.edit_order(invoice), nth)

    try:
        if how == "act":
            (seen,) = site.erp.read_acts([site.act({invoice: "600.00"})])
            found = seen.invoices
        else:
            read = site.erp.read_open() if how == "ledger" else site.erp.read_invoices([invoice])
            found = read.invoices
    except Transient:
        found = ()

    assert [(2, usd("400"), usd("600"))] * len(found) == [(len(one.lines), one.disputed, one.askable) for one in found]


@pytest.mark.parametrize("nth", range(1, 8))
def test_an_edit_in_the_middle_of_our_look_before_a_write_pays_the_clean_line_or_nothing(site: Site, nth: int) -> None:
    lines = [{"description": "Seats", "amount": "600.00"}, {"description": "Use", "amount": "400.00"}]
    invoice = site.invoice(lines=lines, order_entry=True)
    site.intacct.dispute_line(invoice, 1, "wrong count")
    site.erp.read_totals()
    site.intacct.meanwhile("query", lambda: site.intacct.edit_order(invoice), nth)

    try:
        outcome = site.write(site.act({invoice: "400.00"}))[0]
    except Transient:
        outcome = REFUSED

    (found,) = site.intacct.truth()["invoices"]
    due = ["600.00", "0.00"] if outcome is CREATED else ["600.00", "400.00"]
    assert due == [line["due"] for line in found["lines"]]
    assert outcome in (CREATED, REFUSED)


def test_a_field_that_is_gone_stops_everything_and_is_named(site: Site) -> None:
    """Fails closed: an invoice without its hold would look as if nobody kept it back."""
    site.intacct.remove_field("ARC_HOLD")

    with pytest.raises(Terminal, match="ARC_HOLD"):
        site.erp.read_open()


@pytest.mark.parametrize("name", ["arc_cancellation", "arc_receipt", "ARC_EXTERNAL_ID", "ARC_STATE"])
def test_nothing_is_written_where_something_of_ours_is_lacking(site: Site, name: str) -> None:
    intent = site.act({site.invoice(): "1000.00"})
    site.intacct.remove_field(name)
    before = site.intacct.dump()

    with pytest.raises(Terminal, match=name):
        site.erp.write_acts([intent])

    assert before == site.intacct.dump()


def test_boxes_that_nobody_ever_ticked_are_not_ticked(site: Site) -> None:
    """A new checkbox is NULL on the records that were there before it (Sage's XML reference)."""
    site.invoice()

    (read, *_), customers = site.erp.read_open().invoices, site.erp.read_open().customers

    assert (False, "", usd("0")) == (any(line.disputed for line in read.lines), read.hold_reason, read.disputed)
    assert [(False, False)] == [(one.is_excluded, one.autopay) for one in customers]


# ---- who is spoken to, and what is told ----


class Misleading:
    """The gateway as somebody in between would have it: sessions go on at another endpoint."""

    def __init__(self, app: ASGIApp, endpoint: str) -> None:
        self._app = app
        self._endpoint = endpoint.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        parts: list[bytes] = []

        async def changed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [one for one in message["headers"] if one[0].lower() != b"content-length"]
            else:
                parts.append(message.get("body", b""))
                if message.get("more_body"):
                    return
                whole = re.sub(rb"<endpoint>[^<]*", b"<endpoint>" + self._endpoint, b"".join(parts))
                message = {"type": "http.response.body", "body": whole}
            await send(message)

        await self._app(scope, receive, changed)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://intacct.com.collector.example/ia/xml/xmlgw.phtml",
        "https://collector.example/ia/xml/xmlgw.phtml",
        "http://api.intacct.com/ia/xml/xmlgw.phtml",
        "https://api.intacct.com:443@collector.example/ia",
        "http://127.0.0.1:9/ia/xml/xmlgw.phtml",
    ],
)
def test_a_session_never_goes_on_at_a_host_that_is_not_intacct_s(site: Site, endpoint: str) -> None:
    """Else one forged answer would send every further one, with the session that signs it, to whoever forged it."""
    app = Starlette(routes=[Mount("/intacct", app=Misleading(site.intacct.app, endpoint))])
    with Background(app) as background:
        path = site.settings.url.partition("/intacct")[2]
        settings = replace(site.settings, url=f"{background.url}/intacct{path}")
        erp = IntacctErp(settings, mapping(site.intacct.accounts), site, site.waits.append)

        with pytest.raises(Terminal, match="endpoint"):
            erp.read_totals()
        erp.close()

    assert {"getAPISession"} == set(site.intacct.counts())


SAYS_TOO_MUCH: Sequence[Kind] = ("unauthorized", "session_lost", "server_error", "html", "cut_after", "too_many")


@pytest.mark.parametrize("kind", SAYS_TOO_MUCH)
def test_no_secret_is_in_any_error_answer_or_log(site: Site, kind: Kind, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    intent = site.act({site.invoice(): "1000.00"})
    site.erp.read_totals()
    told: list[str] = []
    for operation in ("query", "act"):
        site.fault(kind, operation, times=6)
        try:
            told.append(repr(site.erp.write_acts([intent])))
        except ConnectorError as error:
            told.append(f"{error} {error!r} {error.__cause__!r} {error.__context__!r}")
        site.faults.clear()

    _keeps_quiet(site, " ".join((*told, caplog.text, repr(site.settings), repr(vars(site.erp)))))


@pytest.mark.parametrize("wrong", ["sender_password", "user_password"])
def test_a_wrong_password_is_terminal_and_told_to_nobody(
    site: Site, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    erp = site.with_settings(**{wrong: SecretStr("not<this>&one")})

    with pytest.raises(Terminal) as caught:
        erp.read_totals()

    assert "not<this>" not in f"{caught.value}{caplog.text}"
    _keeps_quiet(site, f"{caught.value}{caplog.text}")


def _keeps_quiet(site: Site, shown: str) -> None:
    for secret in (site.settings.sender_password, site.settings.user_password):
        assert secret.get_secret_value() not in shown
    assert not re.search(r"<sessionid>[^<*]+<", shown)


# ---- what people type ----

STRANGE = 'Ölmühle & Söhne <GmbH> "日本" O\'Brien ]]> &amp; Ω 🚲'


def test_whatever_people_type_goes_there_and_back(site: Site) -> None:
    site.customer = site.intacct.add_customer(STRANGE, "ap@strange.example", site.terms)
    invoice = site.invoice(lines=[{"description": STRANGE, "amount": "1000.00"}], po=STRANGE)
    intent = site.act({invoice: "1000.00"})
    payment = replace(intent.payment, memo=f"ch_a1 {STRANGE}")
    cancellations = tuple(replace(one, reason=STRANGE) for one in intent.cancellations)
    receipt = replace(intent.receipt, text=STRANGE)
    intent = replace(intent, payment=payment, cancellations=cancellations, receipt=receipt)

    assert CREATED == site.write(intent)[0]

    (read,), customers = site.erp.read_invoices([invoice]).invoices, site.erp.read_invoices([invoice]).customers
    assert (STRANGE, STRANGE) == (read.lines[0].description, read.po_number)
    assert [STRANGE] == [one.name for one in customers]
    assert [STRANGE] == [one["reason"] for one in site.intacct.kept("cancellation")]
    assert [STRANGE] == [one["text"] for one in site.intacct.kept("receipt")]
    assert STRANGE in site.intacct.truth()["payments"][0]["memo"]
    assert EXISTS == site.write(intent)[0]


@pytest.mark.parametrize("number", ["INV 7/2026", "Ω-1", "A_B", "A__B", "100%", "INV<7>&'8'", "CM-1", "-", "日本-1"])
def test_an_invoice_is_found_by_its_own_number_whatever_that_is(site: Site, number: str) -> None:
    twin = number.swapcase() if number.swapcase() != number else f"{number}x"
    ids = [
        site.intacct.add_invoice(
            site.customer,
            one,
            TODAY,
            TODAY,
            [{"description": "Seats", "amount": "10.00"}],
            terms_id=site.terms,
        )
        for one in (number, twin)
    ]

    assert {number: ids[0], twin: ids[1]} == {one.number: one.id for one in site.erp.read_open().invoices}
    assert [number] == [one.number for one in site.erp.read_invoices([ids[0]]).invoices]
    assert CREATED == site.write(site.act({ids[0]: "10.00"}))[0]
    assert {ids[0]: "0.00", ids[1]: "10.00"} == site.balances()
