"""Personal data of what ended long ago is removed, the evidence stays, and nothing of what still lives is touched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from typing import Any, get_args, get_type_hints

import pytest
from sqlalchemy import insert, select, update

from connector import retention
from connector.ports import ReminderMail
from connector.receivables import Customer, OpenInvoice, Payment
from connector.store import Store, closing, forgetting
from connector.store import tables as t
from connector.store.book import customers_by_id
from connector.store.closing import ActState
from connector.store.forgetting import CUSTOMER, INVOICE, MESSAGE, PAYMENT, REMOVED

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
TODAY = NOON.date()
LONG_AGO, RECENTLY = "2016-10-01", "2026-10-01"


class Noon:
    def now(self) -> datetime:
        return NOON


@pytest.fixture
def store(where: str) -> Iterator[Store]:
    made = Store(where, Noon())
    yield made
    made.close()


def put(store: Store, table: Any, **values: Any) -> None:
    """A row with these values; what must be there and isn't given is empty or 0."""
    for column in table.columns:
        if column.name not in values and not column.nullable and column.autoincrement is not True:
            kind = column.type.python_type
            values.setdefault(column.name, "2016-10-01T00:00:00.000000Z" if column.name.endswith("_at") else kind())
    with store.tx() as tx:
        tx.execute(insert(table).values(**values))


CUSTOMER_FACTS = {
    "id": "{0}",
    "name": "Quill & Söhne {0}",
    "email": "ap{0}@quill.example",
    "cc": ["boss{0}@quill.example"],
}
INTENT = {
    "act_id": "a{0}",
    "payment": {
        "external_id": "arc-t1-pay-{0}",
        "customer_id": "{0}",
        "amount": {"minor": 100, "currency": "USD"},
        "received_on": "2016-09-01",
        "applications": [{"invoice_id": "i{0}", "amount": {"minor": 100, "currency": "USD"}}],
        "memo": "paid by Quentin Quill",
    },
    "cancellations": [],
    "receipt": {"external_id": "r{0}", "payment_external_id": "p{0}", "text": "100 of Quentin Quill"},
}


def told(value: Any, who: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("{0}", who)


def paid(store: Store, who: str, closed_on: str, *, invoice_closed_on: str | None = "") -> None:
    """A customer with one invoice, its payment, the act that posted it and a message."""
    closed = closed_on if invoice_closed_on == "" else invoice_closed_on
    put(store, t.customer, id=who, name=f"Quill & Söhne {who}", email="x", family=who, facts=told(CUSTOMER_FACTS, who))
    facts = {"pay_url": f"https://pay.example/{who}", "lines": [{"dispute_detail": "Quentin says no"}]}
    put(
        store, t.invoice, id=f"i{who}", number=f"N{who}", customer_id=who, family=who, currency="USD", amount=100,
        status="paid" if closed else "open", facts=json.dumps(facts), closed_at=f"{closed}T01" if closed else None,
    )  # fmt: skip
    remittance = {"payer_name": "Quentin Quill", "payer_bank": "fp_1", "remittance": {"text": "thanks, Quentin"}}
    put(
        store, t.payment, id=f"p{who}", customer_id=who, family=who, currency="USD", amount=100, standing="matched",
        received_on=closed_on, facts=json.dumps(remittance),
    )  # fmt: skip
    intent = told(INTENT, who)
    put(
        store, t.act, id=f"a{who}", payment_id=f"p{who}", state="closed", intent=intent, digest=closing.digest(intent),
        reason="Quentin Quill names N1; the amount fits", equation="100 = 100", approved_by="bo",
    )  # fmt: skip
    put(store, t.allocation, act_id=f"a{who}", invoice_id=f"i{who}", payment_id=f"p{who}", amount=100, state="posted")
    mail = {"customer_name": "Quill", "to": f"ap{who}@quill.example", "cc": [f"boss{who}@quill.example"], "bcc": ""}
    put(store, t.message, id=f"m{who}", customer_id=who, day=closed_on, state="sent", mail=json.dumps(mail),
        recipient=f"ap{who}@quill.example")  # fmt: skip
    with store.tx() as tx:
        tx.journal("payment_matched", payment=f"p{who}", reason="Quentin Quill names N1", amount="1.00 USD")
        tx.journal("reminder_sent", invoice=f"i{who}", to=f"Quill & Söhne {who}", step="+1")


def everything(store: Store) -> str:
    with store.read() as tx:
        return "\n".join(
            str(dict(row)) for table in t.metadata.sorted_tables for row in tx.execute(select(table)).mappings()
        )


def test_names_addresses_and_words_go_and_the_evidence_stays(store: Store) -> None:
    paid(store, "1", LONG_AGO)
    shown = retention.forget(store, 10, TODAY, remove=False)
    before = everything(store)
    removed = retention.forget(store, 10, TODAY, remove=True)

    assert shown.rows == removed.rows != {}
    assert "Quentin Quill" in before
    after = everything(store)
    assert [] == [word for word in ("Quentin", "Quill", "quill.example", "fp_1", "pay.example/1") if word in after]
    with store.read() as tx:
        act = closing.acts(tx, [ActState.CLOSED])[0]  # whose digest is held against its intent
        row = tx.execute(select(t.act)).mappings().one()
        lines = [json.loads(detail) for detail in tx.execute(select(t.journal.c.detail).limit(2)).scalars()]
    assert (100, "bo", "100 = 100") == (act.intent.payment.amount.minor, row["approved_by"], row["equation"])
    assert f"{REMOVED} names N1; the amount fits" == row["reason"]
    assert "1.00 USD" == lines[0]["amount"]
    assert {} == retention.forget(store, 10, TODAY, remove=True).rows


def test_what_it_leaves_can_still_be_read(store: Store) -> None:
    paid(store, "1", LONG_AGO)
    retention.forget(store, 10, TODAY, remove=True)

    with store.read() as tx:
        customer = customers_by_id(tx, ["1"])["1"]
    assert Customer("1", "") == customer


def test_what_is_younger_or_open_is_left_as_it_is(store: Store) -> None:
    paid(store, "1", RECENTLY)
    paid(store, "2", LONG_AGO, invoice_closed_on=None)  # paid in part: the invoice is still open
    paid(store, "3", LONG_AGO, invoice_closed_on=RECENTLY)
    with store.tx() as tx:
        tx.execute(update(t.message).values(day=RECENTLY))
    before = everything(store)

    assert {} == retention.forget(store, 10, TODAY, remove=True).rows
    assert before == everything(store)


def test_a_customer_that_still_buys_keeps_its_name_but_not_an_old_payers_words(store: Store) -> None:
    paid(store, "1", LONG_AGO)
    put(store, t.invoice, id="i2", number="N2", customer_id="1", family="1", currency="USD", status="open")
    retention.forget(store, 10, TODAY, remove=True)

    with store.read() as tx:
        assert "Quill & Söhne 1" == customers_by_id(tx, ["1"])["1"].name
        assert "Quentin" not in str(tx.execute(select(t.payment)).mappings().one())


@pytest.mark.parametrize("hindrance", ["exception", "act", "standing"])
def test_what_a_person_or_the_erp_still_has_to_do_with_is_kept(store: Store, hindrance: str) -> None:
    paid(store, "1", LONG_AGO)
    if hindrance == "exception":
        put(store, t.exception, id="e", kind="difference", customer_id="1", payment_id="p1", reason="Quentin Quill")
    with store.tx() as tx:
        if hindrance == "act":
            tx.execute(update(t.act).values(state="written"))
        if hindrance == "standing":
            tx.execute(update(t.payment).values(standing="exception"))
    rows = retention.forget(store, 10, TODAY, remove=True).rows

    assert "payments" not in rows
    with store.read() as tx:
        assert "Quentin Quill" in tx.execute(select(t.payment.c.facts)).scalar_one()


def test_the_daemon_does_it_once_a_day(store: Store) -> None:
    paid(store, "1", LONG_AGO)
    retention.forget_daily(store, 10, TODAY)
    last = store.last_seq()
    paid(store, "2", LONG_AGO)
    retention.forget_daily(store, 10, TODAY)

    assert "Quentin" in everything(store)
    retention.forget_daily(store, 10, date(2026, 11, 3))
    assert "Quentin" not in everything(store)
    with store.read() as tx:
        told = select(t.journal.c.seq).where(t.journal.c.event == "personal_data_removed")
        assert 2 == len(tx.execute(told).all())
    assert last < store.last_seq()


def test_a_leap_day_has_a_day_years_before() -> None:
    assert date(2018, 2, 28) == retention.years_before(date(2028, 2, 29), 10)
    assert date(2016, 11, 2) == retention.years_before(TODAY, 10)


# ---- that nothing personal is forgotten to be forgotten ----

# What the values hold as text and that is no person's: ids, days, kinds, the company's own words.
EVIDENCE = {
    Customer: {"id", "parent_id", "exclusion", "channel", "tier", "contract_type", "billing_model", "relationship",
               "country", "time_zone", "currency"},
    Payment: {"id", "customer_id", "payer", "source", "root_id", "exchange_rate", "method", "deposit_account", "erp_id",
              "currency", "invoice_ids", "linked_numbers", "invoice_numbers"},
    OpenInvoice: {"id", "number", "customer_id", "terms", "po_number", "subsidiary", "hold_reason", "ar_account",
                  "description", "kind", "dispute_outcome", "currency", "reason", "owner", "approved_by"},
    ReminderMail: {"message_id", "sender", "reply_to", "template", "channel", "instead_of", "number", "step",
                   "po_number", "currency", "disputed_lines"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "personal"), [(Customer, CUSTOMER), (Payment, PAYMENT), (OpenInvoice, INVOICE), (ReminderMail, MESSAGE)]
)
def test_every_text_of_a_value_is_known_to_be_personal_or_not(kind: Any, personal: frozenset[str]) -> None:
    """A new field with text is decided upon here: removed, or evidence."""
    texts = set(_texts(kind))

    assert set() == texts - personal - EVIDENCE[kind]
    assert set() == personal & EVIDENCE[kind]


def _texts(kind: Any) -> Iterator[str]:
    """The names of all fields with free text, in the value and in those inside it."""
    hints = get_type_hints(kind)
    for one in fields(kind):
        for inner in _inside(hints[one.name]):
            if is_dataclass(inner):
                yield from () if one.name in CUSTOMER | PAYMENT | INVOICE | MESSAGE else _texts(inner)
            elif inner is str:
                yield one.name


def _inside(hint: Any) -> Iterator[Any]:
    arguments = get_args(hint)
    if not arguments:
        yield hint
    for one in arguments:
        yield from _inside(one)


def test_a_word_is_replaced_as_people_and_as_json_write_it() -> None:
    text = 'Söhne "Quill" and ' + json.dumps('Söhne "Quill"') + " ab"

    assert f'{REMOVED} and "{REMOVED}" ab' == forgetting.scrub(text, ['Söhne "Quill"', "ab", "Quill"])
