"""A false Intacct company of a test's own, behind a real server, and a client that speaks its XML by hand."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import requests
from lxml import etree

from sandbox.clock import Sequence as Order
from sandbox.clock import WorldClock
from sandbox.faults import Faults, Kind, Rule
from sandbox.intacct import Intacct

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
TODAY = NOW.date()


@dataclass(frozen=True)
class Result:
    """What one function answered. `errors` are (errorno, description2), the support ids taken off."""

    status: str
    function: str
    control_id: str
    key: str
    element: Any = field(repr=False)

    @property
    def data(self) -> Any:
        return self.element.find("data")

    @property
    def rows(self) -> list[dict[str, str]]:
        """The records, their fields by name."""
        return [{child.tag: child.text or "" for child in record} for record in self.data]

    @property
    def keys(self) -> list[str]:
        """The keys of what was made or changed."""
        return [record[0].text or "" for record in self.data]

    @property
    def errors(self) -> list[tuple[str, str]]:
        return [
            (error.findtext("errorno", ""), error.findtext("description2", "").partition(" [Support ID")[0])
            for error in self.element.iterfind("errormessage/error")
        ]


@dataclass(frozen=True)
class Reply:
    http: int
    content: bytes

    @property
    def root(self) -> Any:
        return etree.fromstring(self.content)

    @property
    def control(self) -> str:
        return self.root.findtext("control/status", "")

    @property
    def authentication(self) -> str:
        return self.root.findtext("operation/authentication/status", "")

    @property
    def errorno(self) -> str:
        """Of the first error anywhere."""
        return next((error.text or "" for error in self.root.iter("errorno")), "")

    @property
    def texts(self) -> str:
        return " ".join(self.root.itertext())

    @property
    def results(self) -> list[Result]:
        return [
            Result(
                element.findtext("status"),
                element.findtext("function"),
                element.findtext("controlid") or "",
                element.findtext("key") or "",
                element,
            )
            for element in self.root.iterfind("operation/result")
        ]

    @property
    def statuses(self) -> list[str]:
        return [result.status for result in self.results]


@dataclass
class Company:
    """`books` is the company itself. A session is opened when it is first needed."""

    books: Intacct
    faults: Faults
    clock: WorldClock
    order: Order
    http: requests.Session
    url: str
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _session: tuple[str, str] = ("", "")

    @property
    def profile(self) -> dict[str, Any]:
        return self.books.profile(self.url)

    def fault(self, kind: Kind, operation: str = "*", **more: Any) -> None:
        self.faults.install(Rule("intacct", kind, operation, **more))

    # ---- requests ----

    def session(self, location: str | None = None) -> tuple[str, str]:
        """A session's id and endpoint, by sign-in."""
        inner = "" if location is None else f"<locationid>{escape(location)}</locationid>"
        reply = self.post(self.request([f"<getAPISession>{inner}</getAPISession>"], unique="false"))
        api = reply.results[0].data.find("api")
        return api.findtext("sessionid"), api.findtext("endpoint")

    def ask(self, *functions: str, location: str | None = None, **more: Any) -> Reply:
        """These functions in a session, at the session's own endpoint."""
        if location is not None:
            session_id, endpoint = self.session(location)
        else:
            self._session = session_id, endpoint = self._session if self._session[0] else self.session()
        signed_in = f"<sessionid>{escape(session_id)}</sessionid>"
        return self.post(self.request(functions, authentication=signed_in, **more), endpoint)

    def act(self, *functions: str, **more: Any) -> Reply:
        """These functions as one transaction."""
        return self.ask(*functions, transaction="true", **more)

    def do(self, function: str, **more: Any) -> Result:
        """One function that has to succeed."""
        result = self.ask(function, **more).results[0]
        assert "success" == result.status, result.errors
        return result

    def request(
        self,
        functions: Sequence[str],
        *,
        authentication: str = "",
        transaction: str = "",
        unique: str = "true",
        ids: Sequence[str] = (),
        control: Mapping[str, str | None] | None = None,
    ) -> bytes:
        """A whole request. `ids` are the functions' control ids, new ones if left out; `control` replaces parts of the
        control element, None takes one out."""
        mine = self.profile
        parts: dict[str, str | None] = {
            "senderid": mine["sender_id"],
            "password": mine["sender_password"],
            "controlid": f"request-{next(self._numbers)}",
            "uniqueid": unique or None,
            "dtdversion": "3.0",
            **(control or {}),
        }
        head = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in parts.items() if text is not None)
        names = ids or [f"function-{next(self._numbers)}" for _ in functions]
        content = "".join(
            f"<function controlid={quoteattr(name)}>{body}</function>"
            for name, body in zip(names, functions, strict=True)
        )
        how = f' transaction="{transaction}"' if transaction else ""
        return (
            f"<?xml version='1.0' encoding='UTF-8'?><request><control>{head}</control><operation{how}>"
            f"<authentication>{authentication or self.login()}</authentication><content>{content}</content>"
            "</operation></request>"
        ).encode()

    def login(self, **changed: str | None) -> str:
        mine = self.profile
        parts: dict[str, str | None] = {
            "userid": mine["user"],
            "companyid": mine["company"],
            "password": mine["user_password"],
            **changed,
        }
        inner = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in parts.items() if text is not None)
        return f"<login>{inner}</login>"

    def post(self, body: bytes, url: str = "", **more: Any) -> Reply:
        headers = more.pop("headers", {"Content-Type": "application/xml"})
        answer = self.http.post(url or self.profile["url"], data=body, headers=headers, timeout=more.pop("timeout", 5))
        return Reply(answer.status_code, answer.content)

    # ---- what is asked often ----

    def query(self, kind: str, *fields: str, where: str = "", more: str = "", **how: Any) -> list[dict[str, str]]:
        return self.do(query(kind, *fields, where=where, more=more), **how).rows

    def customer(self, name: str = "Blue Heron Ltd") -> str:
        term = self.books.row("SELECT recordno FROM term WHERE name = 'Net 30'")
        terms = str(term["recordno"]) if term else self.books.add_term("Net 30", 30)
        return self.books.add_customer(name, "ap@heron.example", terms)

    def invoice(self, customer: str, number: str, *amounts: str) -> str:
        """An invoice of today with one line an amount; its RECORDNO."""
        lines = [{"amount": amount, "description": f"line {place}"} for place, amount in enumerate(amounts, 1)]
        self.books.add_invoice(customer, number, TODAY, date(2026, 12, 23), lines=lines, currency="USD")
        return self.query("ARINVOICE", "RECORDNO", where=equal("RECORDID", number))[0]["RECORDNO"]


def query(kind: str, *fields: str, where: str = "", more: str = "") -> str:
    """`more` stands behind the filter: orderby, options, pagesize, offset."""
    select = "".join(one if one.startswith("<") else f"<field>{one}</field>" for one in fields)
    filter_ = f"<filter>{where}</filter>" if where else ""
    return f"<query><object>{kind}</object><select>{select}</select>{filter_}{more}</query>"


def equal(name: str, value: str, operator: str = "equalto") -> str:
    return f"<{operator}><field>{name}</field><value>{escape(value)}</value></{operator}>"


def ordered(*names: str, way: str = "ascending") -> str:
    orders = "".join(f"<order><field>{name}</field><{way}/></order>" for name in names)
    return f"<orderby>{orders}</orderby>"


def created(kind: str, **fields: str) -> str:
    return f"<create><{kind}>{_fields(fields)}</{kind}></create>"


def updated(kind: str, **fields: str) -> str:
    return f"<update><{kind}>{_fields(fields)}</{kind}></update>"


def payment(customer: str, bank: str, *details: Mapping[str, str], **more: str) -> str:
    """An ARPYMT over these details, each with RECORDKEY, TRX_PAYMENTAMOUNT and so on."""
    header = {
        "FINANCIALENTITY": bank,
        "PAYMENTMETHOD": "EFT",
        "CUSTOMERID": customer,
        "CURRENCY": "USD",
        "RECEIPTDATE": "11/23/2026",
        "PAYMENTDATE": "11/23/2026",
        **more,
    }
    lines = "".join(f"<ARPYMTDETAIL>{_fields(detail)}</ARPYMTDETAIL>" for detail in details)
    return f"<create><ARPYMT>{_fields(header)}<ARPYMTDETAILS>{lines}</ARPYMTDETAILS></ARPYMT></create>"


def _fields(fields: Mapping[str, str]) -> str:
    return "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields.items())


def founded(http: requests.Session, url: str, **more: Any) -> Company:
    """A company whose clock stands still, to be mounted at /intacct of this server."""
    clock = WorldClock()
    clock.start_at(NOW)
    order, faults = Order(clock), Faults()
    return Company(Intacct(clock, order, faults, **more), faults, clock, order, http, f"{url}/intacct")
