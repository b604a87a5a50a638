"""A false NetSuite account of a test's own, behind a real server, and clients that sign as a connector would."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import oauthlib.oauth1
import requests
from lxml import etree
from starlette.applications import Starlette
from starlette.routing import Mount
from zeep import Client, Settings
from zeep.exceptions import Fault
from zeep.transports import Transport

from sandbox.faults import Faults, Kind, Rule
from sandbox.netsuite import Guesses, NetSuite
from sandbox.serving import Background
from sandbox.world import Served

REAL = Path(__file__).resolve().parents[2] / ".." / "shared" / "contracts" / "netsuite" / "v2023_2_0"
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
ACCOUNT = "1000001_SB1"
CANCELLATION = "121"


@dataclass
class Account:
    """`books` is the account itself; `url` where it is mounted. Ends with the books' own contract held."""

    books: NetSuite
    faults: Faults
    url: str
    deeds: list[str] = field(default_factory=list)

    @property
    def profile(self) -> dict[str, Any]:
        return self.books.profile(self.url)

    def fault(self, kind: Kind, operation: str = "*", **more: Any) -> None:
        self.faults.install(Rule("netsuite", kind, operation, **more))

    # ---- SOAP ----

    def soap(self) -> Soap:
        return Soap(self)

    def passport(self, **changed: str) -> dict[str, str]:
        """The parts of a valid token passport, each of which may be replaced; the signature is made before that."""
        mine = self.profile
        parts = {
            "account": mine["account"],
            "consumerKey": mine["consumer_key"],
            "token": mine["token_id"],
            "nonce": secrets.token_hex(10),
            "timestamp": str(int(time.time())),
            "algorithm": "HMAC-SHA256",
        } | {name: value for name, value in changed.items() if name in ("nonce", "timestamp")}
        text = "&".join(parts[name] for name in ("account", "consumerKey", "token", "nonce", "timestamp"))
        key = f"{mine['consumer_secret']}&{mine['token_secret']}"
        digest = hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()
        return parts | {"signature": base64.b64encode(digest).decode()} | changed

    def post(self, body: str, passport: Mapping[str, str] | None = None, header: str = "") -> requests.Response:
        """A raw envelope; `body` may use the prefixes core, msgs, cust, sales, custom and xsi."""
        given = self.passport() if passport is None else passport
        signed = "".join(f"<core:{name}>{given[name]}</core:{name}>" for name in list(given)[:5])
        signed += f'<core:signature algorithm="{given["algorithm"]}">{given["signature"]}</core:signature>'
        version = self.profile["soap_version"]
        text = f"""<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"
            xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
            xmlns:core="urn:core_{version}.platform.webservices.netsuite.com"
            xmlns:msgs="urn:messages_{version}.platform.webservices.netsuite.com"
            xmlns:cust="urn:customers_{version}.transactions.webservices.netsuite.com"
            xmlns:sales="urn:sales_{version}.transactions.webservices.netsuite.com"
            xmlns:custom="urn:customization_{version}.setup.webservices.netsuite.com">
            <e:Header><msgs:tokenPassport>{signed}</msgs:tokenPassport>{header}</e:Header>
            <e:Body>{body}</e:Body></e:Envelope>"""
        return self.post_bytes(text.encode(), action=re.findall(r"<\w+:(\w+)", body)[0])

    def post_bytes(self, content: bytes, action: str = "", timeout: float = 10) -> requests.Response:
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": action}
        return requests.post(self.profile["soap_url"], content, headers=headers, timeout=timeout)

    # ---- SuiteQL ----

    def query(self, text: str, *params: object, limit: int = 1000, offset: int = 0, **more: Any) -> requests.Response:
        """One signed SuiteQL request. `more`: headers, signer, body, timeout."""
        url = f"{self.profile['suiteql_url']}?limit={limit}&offset={offset}"
        body = more.get("body", json.dumps({"q": text, "params": params}))
        headers = {"Content-Type": "application/json", "Prefer": "transient"} | more.get("headers", {})
        signer = more.get("signer") or self.signer()
        url, headers, _ = signer.sign(url, "POST", body, headers)
        return requests.post(url, body, headers=headers, timeout=more.get("timeout", 10))

    def rows(self, text: str, *params: object, **window: int) -> list[dict[str, str]]:
        response = self.query(text, *params, **window)
        assert response.status_code == 200, response.text
        return [{name: value for name, value in item.items() if name != "links"} for item in response.json()["items"]]

    def signer(self, **changed: Any) -> oauthlib.oauth1.Client:
        mine = self.profile
        keys = {
            "client_key": mine["consumer_key"],
            "client_secret": mine["consumer_secret"],
            "resource_owner_key": mine["token_id"],
            "resource_owner_secret": mine["token_secret"],
            "signature_method": "HMAC-SHA256",
            "realm": mine["account"],
        }
        return oauthlib.oauth1.Client(**(keys | changed))

    # ---- a small book ----

    def customer(self, name: str = "Northfield Robotics", **more: Any) -> str:
        return self.books.add_customer(name, "ap@northfield.example", None, **more)

    def invoice(self, customer: str, amount: str = "1000.00", number: str = "", **more: Any) -> str:
        number = number or f"INV-{len(self.deeds)}"
        lines = [{"description": "Subscription", "amount": amount, "kind": "subscription"}]
        on, due = more.pop("issued_on", date(2026, 10, 1)), more.pop("due_on", date(2026, 10, 31))
        return self.books.add_invoice(customer, number, on, due, more.pop("lines", lines), **more)

    def balance(self, invoice: str) -> str:
        return next(one["balance"] for one in self.books.truth()["invoices"] if one["id"] == invoice)

    def memo(self, customer: str, amount: str = "300.00", number: str = "", **more: Any) -> str:
        on = more.pop("on", date(2026, 10, 15))
        return self.books.add_credit_memo(customer, number or f"CM-{len(self.deeds)}", on, amount, **more)

    def left(self, memo: str) -> str:
        """What of a credit memo is not applied."""
        return next(one["unapplied"] for one in self.books.truth()["credits"] if one["id"] == memo)

    def account_balance(self, role: str, on: date | None = None) -> str:
        return self.books.balances(on)[self.books.accounts[role]]

    def payments(self) -> list[dict[str, Any]]:
        payments: list[dict[str, Any]] = self.books.truth()["payments"]
        return payments


@dataclass
class Status:
    """One record's status of a list answer."""

    ok: bool
    code: str = ""
    message: str = ""
    internal_id: str = ""
    external_id: str = ""
    after_submit_failed: bool = False


class Soap:
    """zeep on the WSDL that the account serves; every request carries a passport of its own."""

    def __init__(self, account: Account) -> None:
        self.account = account
        profile = account.profile
        version = profile["soap_version"]
        transport = Transport(session=requests.Session(), operation_timeout=10)
        self.client = Client(profile["wsdl_url"], settings=Settings(strict=True), transport=transport)
        binding = f"{{urn:platform_{version}.webservices.netsuite.com}}NetSuiteBinding"
        self.service = self.client.create_service(binding, profile["soap_url"])
        self.core = self.client.type_factory(f"urn:core_{version}.platform.webservices.netsuite.com")
        self.cust = self.client.type_factory(f"urn:customers_{version}.transactions.webservices.netsuite.com")
        self.sales = self.client.type_factory(f"urn:sales_{version}.transactions.webservices.netsuite.com")
        self.common = self.client.type_factory(f"urn:common_{version}.platform.webservices.netsuite.com")
        self.bank = self.client.type_factory(f"urn:bank_{version}.transactions.webservices.netsuite.com")
        self.general = self.client.type_factory(f"urn:general_{version}.transactions.webservices.netsuite.com")
        self.custom = self.client.type_factory(f"urn:customization_{version}.setup.webservices.netsuite.com")
        self.messages = f"{{urn:messages_{version}.platform.webservices.netsuite.com}}"

    def call(self, operation: str, _headers: Mapping[str, Any] | None = None, **arguments: Any) -> Any:
        parts = self.account.passport()
        signature = {"_value_1": parts.pop("signature"), "algorithm": parts.pop("algorithm")}
        passport = self.core.TokenPassport(**parts, signature=signature)
        headers = {"tokenPassport": passport, **(_headers or {})}
        return getattr(self.service, operation)(**arguments, _soapheaders=headers).body

    def write(self, operation: str, *records: Any) -> list[Status]:
        answer = self.call(operation, record=list(records)).writeResponseList
        assert answer.status.isSuccess, "the outer status is true whatever happened to the records"
        assert len(answer.writeResponse) == len(records)
        return [self._status(one) for one in answer.writeResponse]

    def add(self, *records: Any) -> list[Status]:
        return self.write("addList", *records)

    @staticmethod
    def _status(answer: Any) -> Status:
        detail = answer.status.statusDetail[0] if answer.status.statusDetail else None
        ref = answer.baseRef
        return Status(
            answer.status.isSuccess,
            (detail.code or "") if detail else "",
            (detail.message or "") if detail else "",
            (ref.internalId or "") if ref is not None else "",
            (ref.externalId or "") if ref is not None else "",
            bool(detail.afterSubmitFailed) if detail else False,
        )

    def get(self, *refs: Any) -> list[Any]:
        """The records, in the order asked for; None for one that was refused."""
        answer = self.call("getList", baseRef=list(refs)).readResponseList
        return [one.record if one.status.isSuccess else None for one in answer.readResponse]

    def ref(self, kind: str, internal_id: str | None = None, external_id: str | None = None) -> Any:
        return self.core.RecordRef(type=kind, internalId=internal_id, externalId=external_id)

    def payment(
        self,
        customer: str | None,
        amount: str | None,
        applies: Sequence[tuple[str, str | None]] = (),
        *,
        credits: Sequence[tuple[str, str | None]] = (),
        discounts: Mapping[str, str] | None = None,
        replace_all: bool | None = False,
        apply: bool = True,
        **fields: Any,
    ) -> Any:
        """A customer payment as it goes out: (document, amount) for each line, and by document the discount taken.
        `replace_all` None leaves both lists' attribute to the schema's default."""
        make, taken = self.cust, discounts or {}
        lines = [
            make.CustomerPaymentApply(
                apply=apply,
                doc=int(doc),
                line=0,
                amount=part and Decimal(part),
                disc=Decimal(taken[doc]) if doc in taken else None,
            )
            for doc, part in applies
        ]
        used = [
            make.CustomerPaymentCredit(apply=apply, doc=int(doc), line=0, amount=part and Decimal(part))
            for doc, part in credits
        ]
        listed = {} if replace_all is None else {"replaceAll": replace_all}
        return make.CustomerPayment(
            customer=customer and self.core.RecordRef(internalId=customer),
            payment=amount and Decimal(amount),
            applyList=make.CustomerPaymentApplyList(apply=lines, **listed) if lines else None,
            creditList=make.CustomerPaymentCreditList(credit=used, **listed) if used else None,
            **fields,
        )

    def deposit(
        self,
        account: str | None,
        payments: Sequence[str] = (),
        others: Sequence[tuple[str, str]] = (),
        cash_back: Sequence[tuple[str, str]] = (),
        **fields: Any,
    ) -> Any:
        """A deposit as it goes out; others and cash back are (account, amount)."""
        make = self.bank
        paid = [make.DepositPayment(deposit=True, id=int(payment)) for payment in payments]
        other = [make.DepositOther(account=self._key(key), amount=Decimal(amount)) for key, amount in others]
        back = [make.DepositCashBack(account=self._key(key), amount=Decimal(amount)) for key, amount in cash_back]
        return make.Deposit(
            account=account and self._key(account),
            paymentList=make.DepositPaymentList(depositPayment=paid, replaceAll=False) if paid else None,
            otherList=make.DepositOtherList(depositOther=other, replaceAll=False) if other else None,
            cashBackList=make.DepositCashBackList(depositCashBack=back, replaceAll=False) if back else None,
            **fields,
        )

    def journal(self, lines: Sequence[tuple[str, str, str]], **fields: Any) -> Any:
        """A journal entry as it goes out; a line is (account, debit, credit), '' being nothing."""
        made = [
            self.general.JournalEntryLine(
                account=self._key(key),
                debit=Decimal(debit) if debit else None,
                credit=Decimal(credit) if credit else None,
            )
            for key, debit, credit in lines
        ]
        return self.general.JournalEntry(
            lineList=self.general.JournalEntryLineList(line=made, replaceAll=False) if made else None, **fields
        )

    def _key(self, internal_id: str) -> Any:
        return self.core.RecordRef(internalId=internal_id)

    def cancellation(self, external_id: str | None, invoice: str | None = None, state: str = "intended") -> Any:
        fields = [self.core.StringCustomFieldRef(scriptId="custrecord_arc_can_state", value=state)]
        if invoice is not None:
            value = self.core.ListOrRecordRef(internalId=invoice)
            fields.append(self.core.SelectCustomFieldRef(scriptId="custrecord_arc_can_invoice", value=value))
        return self.custom.CustomRecord(
            externalId=external_id,
            recType=self.core.RecordRef(internalId=CANCELLATION),
            customFieldList=self.core.CustomFieldList(fields),
        )


def fault_code(fault: Fault) -> tuple[str, str]:
    """The fault's element name and NetSuite code."""
    element = fault.detail[0]
    return etree.QName(element).localname, element[0].text


class Control:
    """The control API of a served world."""

    def __init__(self, served: Served) -> None:
        self.url = f"{served.url}/world"

    def post(self, path: str, **body: Any) -> Any:
        answer = requests.post(f"{self.url}/{path}", json=body, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, path: str, **body: Any) -> tuple[int, str]:
        answer = requests.post(f"{self.url}/{path}", json=body, timeout=10)
        return answer.status_code, answer.json()["error"]

    def get(self, path: str) -> Any:
        return requests.get(f"{self.url}/{path}", timeout=10).json()

    def balance(self, role: str) -> str:
        return str(self.get("truth")["balances"][self.get("profile")["netsuite"]["accounts"][role]])


@contextmanager
def served(*, wsdl_dir: Path | None = None, guesses: Guesses | None = None, concurrency: int = 5) -> Iterator[Account]:
    numbers = itertools.count(1)
    deeds: list[str] = []

    def sequence(what: str) -> int:
        deeds.append(what)
        return next(numbers)

    faults = Faults()
    books = NetSuite(
        lambda: NOW,
        sequence,
        faults,
        account=ACCOUNT,
        wsdl_dir=wsdl_dir,
        concurrency=concurrency,
        guesses=guesses,
    )
    with Background(Starlette(routes=[Mount("/netsuite", app=books.app)])) as server:
        yield Account(books, faults, f"{server.url}/netsuite", deeds)
    assert books.contract_violations == []
