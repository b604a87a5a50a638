"""The control API under /world, in JSON: for tests and the demo, never for the connector.

Amounts are decimal strings, days ISO dates, instants ISO with an offset. A key that is not known is refused, so that a
misspelt test doesn't pass. 400: not understood; 404: no such thing; 409: not possible in its present state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from json import JSONDecodeError
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.bank_statements import bank_deed
from sandbox.chat import Post
from sandbox.erp_deeds import erp_deed
from sandbox.faults import Rule
from sandbox.imap_answers import answer_deed
from sandbox.intacct.refusal import Refusal as IntacctRefusal
from sandbox.mailbox import Message
from sandbox.netsuite.answers import Refusal
from sandbox.plan import Part
from sandbox.salesforce_org import Refused
from sandbox.sms import Text
from sandbox.stripe_deeds import STRIPE_DEEDS
from sandbox.stripe_ledger import NotPossible

if TYPE_CHECKING:
    from sandbox.world import Known, World

Json = dict[str, Any]
Deed = Callable[["World", Json, Json], Any]  # world, path parameters, body -> answer

# What people do in the CRM and what befalls it: the methods of its organisation and of its service.
CRM_DEEDS = frozenset(
    {
        "add_account",
        "add_case",
        "add_contract",
        "add_email",
        "add_event",
        "add_opportunity",
        "add_task",
        "add_team_member",
        "add_user",
        "delete_account",
        "delete_record",
        "finish_tasks",
        "hide_field",
        "hide_object",
        "merge",
        "set_field",
        "show_field",
        "show_object",
    }
)
CRM_SERVICE_DEEDS = frozenset({"expire_sessions", "spend_quota"})


def routes(world: World) -> list[Route]:
    deeds: dict[tuple[str, str], Deed] = {
        ("GET", "/profile"): lambda world, path, body: world.profile(),
        ("GET", "/clock"): lambda world, path, body: _time(world),
        ("POST", "/clock"): _move_clock,
        ("GET", "/customers"): lambda world, path, body: [_customer(known) for known in world.customers()],
        ("POST", "/customers"): _add_customer,
        ("POST", "/invoices"): _add_invoice,
        ("POST", "/payments"): _pay,
        ("POST", "/payments/{intent}/settle"): _settle,
        ("POST", "/payments/{intent}/fail"): _fail,
        ("POST", "/erp/{deed}"): _erp_deed,
        ("POST", f"/{world.erp_name}/{{deed}}"): _erp_deed,
        ("GET", "/erp/kept/{kind}"): lambda world, path, body: world.erp.kept(path["kind"]),
        ("POST", "/stripe/{deed}"): _stripe_deed,
        ("POST", "/salesforce/{deed}"): _crm_deed,
        ("POST", "/bank/{deed}"): lambda world, path, body: bank_deed(world, path["deed"], body),
        ("POST", "/imap/{deed}"): lambda world, path, body: answer_deed(world, path["deed"], body),
        ("GET", "/sms"): lambda world, path, body: [_text(text) for text in world.sms.texts(_after(body))],
        ("POST", "/sms/refuse"): _refuse_number,
        ("GET", "/chat"): lambda world, path, body: [_post(post) for post in world.chat.posts(_after(body))],
        ("POST", "/chat/{deed}"): _chat_deed,
        ("POST", "/mail/refuse"): _refuse_mail,
        ("POST", "/mail/accept"): _accept_mail,
        ("GET", "/mail"): lambda world, path, body: [_mail(mail) for mail in world.mailbox.messages(_after(body))],
        ("GET", "/log"): _log,
        ("GET", "/truth"): lambda world, path, body: world.truth(),
        ("GET", "/requests"): lambda world, path, body: world.requests(),
        ("GET", "/faults"): lambda world, path, body: [asdict(fired) for fired in world.faults.fired()],
        ("POST", "/faults"): _install_fault,
        ("DELETE", "/faults"): _clear_faults,
    }
    return [Route(path, _endpoint(world, deed), methods=[method]) for (method, path), deed in deeds.items()]


def _endpoint(world: World, deed: Deed) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        try:
            body = await _body(request)
            return JSONResponse(await run_in_threadpool(deed, world, dict(request.path_params), body))
        except (NotPossible, Refusal, IntacctRefusal) as error:
            return JSONResponse({"error": str(error)}, 409)
        except LookupError as error:
            return JSONResponse({"error": str(error.args[0] if error.args else error)}, 404)
        except (ValueError, TypeError) as error:
            return JSONResponse({"error": str(error)}, 400)

    return answer


async def _body(request: Request) -> Json:
    """The JSON object of a POST, or the query of a GET."""
    if request.method == "GET":
        return dict(request.query_params)
    try:
        body = await request.json() if await request.body() else {}
    except JSONDecodeError as error:
        raise ValueError(f"the body is no JSON: {error}") from None
    if not isinstance(body, dict):
        raise ValueError("the body is a JSON object")
    return body


def _only(body: Json, *known: str) -> None:
    unknown = sorted(set(body) - set(known))
    if unknown:
        raise ValueError(f"not known here: {', '.join(unknown)}; known: {', '.join(known)}")


def _need(body: Json, name: str) -> Any:
    if name not in body:
        raise ValueError(f"{name} is missing")
    return body[name]


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)


def _day(text: str | None, otherwise: date) -> date:
    return otherwise if text is None else date.fromisoformat(text)


def _after(query: Json) -> int:
    _only(query, "after")
    return int(query.get("after", 0))


# -- time --------------------------------------------------------------------------------------------------------------


def _time(world: World) -> Json:
    return {"now": world.clock().isoformat(), "frozen": world.clock.frozen, "planned": world.planned()}


def _move_clock(world: World, path: Json, body: Json) -> Json:
    """`now` freezes the clock there; the others move it on as it is, running or frozen; `run` starts or freezes it.

    Whatever the plan holds up to the new instant happens on the way.
    """
    _only(body, "now", "advance_to", "advance_days", "advance_seconds", "run")
    happened = 0
    with world.lock:
        if "now" in body or body.get("run") is False:
            world.clock.freeze()
        now = world.clock()
        step = timedelta(days=body.get("advance_days", 0), seconds=body.get("advance_seconds", 0))
        if "now" in body or "advance_to" in body:
            happened = world.advance_to(_instant(body.get("now") or body["advance_to"]) + step)
        elif step:
            happened = world.advance_to(now + step)
        if body.get("run") is True:
            world.clock.run()
    return _time(world) | {"happened": happened}


# -- deeds -------------------------------------------------------------------------------------------------------------


def _customer(known: Known) -> Json:
    return asdict(known)


def _add_customer(world: World, path: Json, body: Json) -> Json:
    _only(body, "name", "email", "terms_days", "currency", "key", "tier", "parent", "in_stripe")
    more = {key: value for key, value in body.items() if key not in ("name", "email", "terms_days")}
    return _customer(
        world.add_customer(_need(body, "name"), body.get("email", ""), int(body.get("terms_days", 30)), **more)
    )


def _add_invoice(world: World, path: Json, body: Json) -> Json:
    """`amount` for one line, or `lines`; a due date that is left out follows the terms, an explicit null is none.

    It was mailed on the day of issue unless `delivered_on` is another day, or null: not yet.
    """
    _only(
        body, "customer", "number", "issued_on", "due_on", "amount", "lines", "currency", "po", "pay_url", "approval",
        "tax", "delivered_on", "ar_account",
    )  # fmt: skip
    with world.lock:
        customer = world.customer(_need(body, "customer"))
        number = body.get("number") or world.free_number()
        issued_on = _day(body.get("issued_on"), world.clock().date())
        due_on: date | None = issued_on + timedelta(days=customer.terms_days)
        if "due_on" in body:
            due_on = date.fromisoformat(body["due_on"]) if body["due_on"] is not None else None
        if ("lines" in body) == ("amount" in body):
            raise ValueError("an invoice has either lines or an amount")
        lines = body.get("lines") or [{"description": "Subscription", "amount": body["amount"], "kind": "subscription"}]
        known = ("currency", "po", "approval", "tax", "ar_account")
        more: Json = {key: body[key] for key in known if key in body}
        if "delivered_on" in body:
            more["delivered_on"] = date.fromisoformat(body["delivered_on"]) if body["delivered_on"] else None
        pay_url = body.get("pay_url", f"https://pay.example/i/{number}")
        id = world.add_invoice(customer.id, number, issued_on, due_on, lines, pay_url=pay_url, **more)
    return {"id": id, "number": number, "customer": customer.id, "due_on": due_on.isoformat() if due_on else None}


def _pay(world: World, path: Json, body: Json) -> Json:
    _only(
        body, "customer", "amount", "currency", "method", "processing", "description", "metadata", "pays",
        "stripe_invoices",
    )  # fmt: skip
    parts = [Part(str(_need(part, "invoice")), _need(part, "amount")) for part in body.get("pays", ())]
    more = {key: value for key, value in body.items() if key not in ("customer", "amount", "pays")}
    return _payment(world, world.pay(_need(body, "customer"), _need(body, "amount"), pays=parts, **more))


def _payment(world: World, intent: str) -> Json:
    found = world.stripe.ledger.get(intent)
    return {"payment_intent": intent, "charge": found["latest_charge"], "status": found["status"]}


def _settle(world: World, path: Json, body: Json) -> Json:
    _only(body)
    world.stripe.ledger.settle(path["intent"])
    return _payment(world, path["intent"])


def _fail(world: World, path: Json, body: Json) -> Json:
    _only(body, "code")
    world.stripe.ledger.fail(path["intent"], **body)
    return _payment(world, path["intent"])


def _erp_deed(world: World, path: Json, body: Json) -> Json:
    return {"id": erp_deed(world, path["deed"], body)}


def _stripe_deed(world: World, path: Json, body: Json) -> Any:
    """What happens in the Stripe account, with the arguments of the functions in `stripe_deeds`."""
    if path["deed"] not in STRIPE_DEEDS:
        raise LookupError(f"nobody does {path['deed']!r} in Stripe; known: {', '.join(STRIPE_DEEDS)}")
    with world.lock:
        return STRIPE_DEEDS[path["deed"]](world, **body)


def _crm_deed(world: World, path: Json, body: Json) -> Json:
    """A person's deed in the CRM; `customer` of a new one is a customer of the world, whose ERP id it then carries."""
    deed, arguments = path["deed"], dict(body)
    if deed not in CRM_DEEDS | CRM_SERVICE_DEEDS:
        known = ", ".join(sorted(CRM_DEEDS | CRM_SERVICE_DEEDS))
        raise LookupError(f"nobody does {deed!r} in Salesforce; known: {known}")
    if "customer" in arguments:
        customer = world.customer(str(arguments.pop("customer")))
        arguments = {"name": customer.name, "erp_customer_id": customer.id} | arguments
    holder = world.salesforce if deed in CRM_SERVICE_DEEDS else world.salesforce.org
    try:
        return {"id": getattr(holder, deed)(**arguments)}
    except Refused as error:
        raise ValueError(str(error)) from None


def _refuse_mail(world: World, path: Json, body: Json) -> Json:
    _only(body, "address", "reply")
    world.mailbox.refuse(_need(body, "address"), *([body["reply"]] if "reply" in body else []))
    return {}


def _refuse_number(world: World, path: Json, body: Json) -> Json:
    _only(body, "number")
    world.sms.refuse(_need(body, "number"))
    return {}


# What befalls the webhook: it is revoked, or its channel is archived, and back.
_CHAT_DEEDS = {
    "revoke": ("is_revoked", True),
    "restore": ("is_revoked", False),
    "archive": ("is_archived", True),
    "unarchive": ("is_archived", False),
}


def _chat_deed(world: World, path: Json, body: Json) -> Json:
    _only(body)
    if path["deed"] not in _CHAT_DEEDS:
        raise LookupError(f"nobody does {path['deed']!r} in the chat; known: {', '.join(_CHAT_DEEDS)}")
    setattr(world.chat, *_CHAT_DEEDS[path["deed"]])
    return {}


def _accept_mail(world: World, path: Json, body: Json) -> Json:
    _only(body, "address")
    world.mailbox.accept(_need(body, "address"))
    return {}


# -- faults and what happened ------------------------------------------------------------------------------------------


def _install_fault(world: World, path: Json, body: Json) -> Json:
    """A rule {service, kind, match: {operation, nth, record}, times, code, seconds}, or {seed, rate, kinds} to draw."""
    if "rate" in body:
        _only(body, "seed", "rate", "kinds")
        world.faults.draw(int(body.get("seed", 0)), body["rate"], _need(body, "kinds"))
        return {}
    _only(body, "service", "kind", "match", "times", "code", "seconds")
    match = body.get("match", {})
    _only(match, "operation", "nth", "record")
    rule = Rule(**{key: value for key, value in body.items() if key != "match"}, **match)
    world.install(rule)
    return asdict(rule)


def _clear_faults(world: World, path: Json, body: Json) -> Json:
    world.faults.clear()
    return {}


def _log(world: World, path: Json, query: Json) -> list[Json]:
    return [
        {"sequence": commit.sequence, "at": commit.at.isoformat(), "what": commit.what}
        for commit in world.sequence.commits(_after(query))
    ]


def _post(post: Post) -> Json:
    return {"sequence": post.sequence, "at": post.at.isoformat(), "text": post.text, "payload": post.payload}


def _text(text: Text) -> Json:
    return {"sequence": text.sequence, "at": text.at.isoformat(), "to": text.to, "text": text.text}


def _mail(message: Message) -> Json:
    """A received message; of a header that is there twice the first one."""
    headers: dict[str, str] = {}
    for name, value in message.headers:
        headers.setdefault(name, value)
    return {
        "sequence": message.sequence,
        "at": message.at.isoformat(),
        "stamp": message.stamp,
        "mail_from": message.mail_from,
        "rcpt_to": list(message.rcpt_to),
        "headers": headers,
        "text": message.text,
        "html": message.html,
    }
