"""Secrets stay where they are: whatever the outside throws back at us, none is printed, logged or stored.

The outside here repeats everything that it was told, credentials included, in every answer: the worst that an error
message of a vendor, or a proxy on the way, could do. Each secret is a canary that nothing knows by its form.
"""

from __future__ import annotations

import base64
import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest
import stripe
from typer.testing import CliRunner

from connector import loop
from connector.cli import app
from connector.config import SECRET_KEYS, variable

CANARIES = {(section, key): f"canary.{section}.{key}.5f0c" for section, keys in SECRET_KEYS.items() for key in keys}
MAPPINGS = Path(__file__).resolve().parents[2] / "mappings"


def as_json(heard: str) -> tuple[int, str, str]:
    """What NetSuite's REST service, Stripe and Salesforce call an error, all at once; in a list it would be another."""
    error = {"message": heard, "code": heard, "type": "invalid_request_error", "param": heard}
    details = [{"detail": heard, "o:errorCode": heard}]
    told = {"error": error, "error_description": heard, "o:errorDetails": details, "title": heard}
    return 400, "application/json", json.dumps(told)


def as_list(heard: str) -> tuple[int, str, str]:
    return 403, "application/json", json.dumps([{"errorCode": "INVALID_FIELD", "message": f"No such column '{heard}'"}])


def as_fault(heard: str) -> tuple[int, str, str]:
    """A SOAP fault to NetSuite's client; to Intacct's an answer that is none."""
    fault = f"<faultcode>x</faultcode><faultstring>{escape(heard)}</faultstring>"
    body = f'<e:Body xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Fault>{fault}</e:Fault></e:Body>'
    return 500, "text/xml", f'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/">{body}</e:Envelope>'


def as_refusal(heard: str) -> tuple[int, str, str]:
    """Intacct refuses the whole request in so many words."""
    told = escape(heard)
    said = f"<errorno>XL03000006</errorno><description>{told}</description><description2>{told}</description2>"
    control = "<control><status>failure</status><controlid>x</controlid></control>"
    return 200, "text/xml", f"<response>{control}<errormessage><error>{said}</error></errormessage></response>"


def as_page(heard: str) -> tuple[int, str, str]:
    return 502, "text/html", f"<html><body>{escape(heard)}</body></html>"


@contextmanager
def parrot(form: Callable[[str], tuple[int, str, str]]) -> Iterator[str]:
    """An HTTP server that says back what it hears."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("utf-8", "replace")
            status, kind, said = form(f"{self.path} {dict(self.headers.items())} {body}")
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(said.encode())))
            self.end_headers()
            self.wfile.write(said.encode())

        do_GET = do_PATCH = do_POST

        def log_message(self, *_: object) -> None:
            pass

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def parrot_of_lines(greeting: bytes, answer: Callable[[bytes], bytes]) -> Iterator[int]:
    """SMTP and IMAP alike: a greeting, and each line is answered."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(greeting)
            for line in self.rfile:
                self.wfile.write(answer(line.rstrip(b"\r\n")))

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        yield port


@contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[int]:
    if isinstance(server, socketserver.ThreadingMixIn):
        server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def smtp(line: bytes) -> bytes:
    if line.startswith(b"ehlo"):
        return b"250-parrot\r\n250 AUTH PLAIN LOGIN\r\n"
    return b"535 5.7.8 " + line + b" " + _opened(line) + b"\r\n"


def imap(line: bytes) -> bytes:
    tag = line.split(b" ")[0]
    if b"CAPABILITY" in line.upper():
        return b"* CAPABILITY IMAP4rev1\r\n" + tag + b" OK done\r\n"
    return tag + b" NO " + line + b"\r\n"


def _opened(line: bytes) -> bytes:
    """What a line of AUTH holds, as the server reads it."""
    try:
        return base64.b64decode(line.split(b" ")[-1]).replace(b"\0", b" ").replace(b"\n", b" ")
    except ValueError:
        return b""


def environ(erp: str, url: str, mail: int, box: int, folder: Path) -> dict[str, str]:
    given = {
        "INSTALLATION": "t1", "LEDGER_ZONE": "UTC", "STORE": str(folder / "connector.db"), "MAPPINGS": str(MAPPINGS),
        "ERP": erp,
        "NETSUITE_ACCOUNT": "1000001_SB1", "NETSUITE_BASE_URL": f"{url}/netsuite",
        "INTACCT_SENDER_ID": "sender", "INTACCT_COMPANY": "acme", "INTACCT_USER": "arc", "INTACCT_LIVEMODE": "false",
        "INTACCT_URL": f"{url}/ia/xml/xmlgw.phtml",
        "STRIPE_BASE_URL": f"{url}/stripe", "STRIPE_LIVEMODE": "false", "STRIPE_CUTOVER_ON": "2026-01-01",
        "SALESFORCE_DOMAIN": "acme--x.sandbox.my", "SALESFORCE_CLIENT_ID": "app",
        "SALESFORCE_BASE_URL": f"{url}/salesforce",
        "MAIL_HOST": "127.0.0.1", "MAIL_PORT": str(mail), "MAIL_USER": "reminders", "MAIL_STARTTLS": "false",
        "MAIL_REDIRECT_ALL_TO": "all@test.example", "SMS_REDIRECT_ALL_TO": "+15550100",
        "MAILBOX_HOST": "127.0.0.1", "MAILBOX_PORT": str(box), "MAILBOX_USER": "ar", "MAILBOX_TLS": "false",
        "WEBHOOKS_PORT": "8410",
    }  # fmt: skip
    secrets = {variable(*loc): value for loc, value in CANARIES.items()}
    secrets |= {
        "CONNECTOR_CHAT_URL": f"json://127.0.0.1:1/{CANARIES['chat', 'url']}",
        "CONNECTOR_SMS_URL": f"json://127.0.0.1:1/{CANARIES['sms', 'url']}?to={{to}}",
    }
    return {f"CONNECTOR_{name}": value for name, value in given.items()} | secrets


def leaks(said: bytes) -> list[str]:
    """The canaries in it, as they are or as they travel."""
    found = []
    for canary in CANARIES.values():
        travelled = {canary, quote(canary, safe="")}
        # Base64 by thirds: wherever in a text it begins, one of the three stands in it.
        travelled |= {base64.b64encode(b"x" * n + canary.encode()).decode()[4:-4] for n in range(3)}
        if any(form.encode() in said for form in travelled):
            found.append(canary)
    return found


# Of what each answer means to each client the two that say most.
SHORT = ((as_json, "netsuite"), (as_refusal, "intacct"))
COMMANDS = (("check",), ("--debug", "once"))
MORE = (("--debug", "plan"), ("report",))


@pytest.mark.parametrize(
    ("form", "erp"),
    [
        pytest.param(form, erp, marks=[] if (form, erp) in SHORT else pytest.mark.long)
        for form in (as_json, as_list, as_fault, as_refusal, as_page)
        for erp in ("netsuite", "intacct")
    ],
)
def test_whatever_the_outside_repeats_no_secret_is_told_or_kept(
    form: Callable[[str], tuple[int, str, str]], erp: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0)
    monkeypatch.setattr(stripe.HTTPClient, "MAX_DELAY", 0)
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.chdir(tmp_path)
    with (
        parrot(form) as url,
        parrot_of_lines(b"220 hi\r\n", smtp) as mail,
        parrot_of_lines(b"* OK hi\r\n", imap) as box,
    ):
        given = environ(erp, url, mail, box, tmp_path)
        is_short = (form, erp) in SHORT
        ended = [CliRunner(env=given).invoke(app, command) for command in (*COMMANDS, *(() if is_short else MORE))]

    said = "\n".join(one.output for one in ended)
    assert {1, 3} >= {one.exit_code for one in ended[:3]}, said
    assert [] == leaks(said.encode())
    kept = {path.name: leaks(path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()}
    assert "connector.db" in kept and [] == [name for name, found in kept.items() if found]


def test_a_crash_tells_no_secret_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library's exception may quote anything: without --debug only its kind is told, with it all but the secrets."""
    monkeypatch.chdir(tmp_path)

    def crashes(*_: object) -> None:
        raise RuntimeError(" ".join(CANARIES.values()))

    monkeypatch.setattr(loop, "tick", crashes)
    given = environ("netsuite", "http://127.0.0.1:1", 1, 1, tmp_path)
    plain, debugged = (CliRunner(env=given).invoke(app, command) for command in (["once"], ["--debug", "once"]))

    assert [] == leaks((plain.output + debugged.output).encode())
    assert "RuntimeError" in plain.output and "[secret] [secret]" in debugged.output
