"""The mapping file that is shipped is readable; our ids of invoices lead back to what they name; what lacks is told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intacct_wire_cases import mapping, settings

from connector.adapters.intacct import names
from connector.adapters.intacct.definitions import Definitions
from connector.adapters.intacct.gateway import FieldSeen
from connector.adapters.intacct.settings import Dimensions, IntacctMapping, LedgerAccounts, SettlementEntry
from connector.errors import ConfigError, Terminal
from connector.mapping import load
from connector.settlement import AccountRole, SettleThrough

SHIPPED = Path(__file__).resolve().parents[2] / "mappings" / "intacct.yaml"
USD = SettlementEntry(currency="USD", accounts=LedgerAccounts(bank="SVB-CHK", clearing="STRIPE", fees="6150"))


def changed(folder: Path, old: str, new: str) -> IntacctMapping:
    text = SHIPPED.read_text(encoding="utf-8")
    assert old in text
    path = folder / "intacct.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return load(path, IntacctMapping)


def test_the_shipped_mapping_says_in_full_what_the_defaults_are() -> None:
    shipped = load(SHIPPED, IntacctMapping)

    assert IntacctMapping(account_time_zone="UTC") == shipped
    assert set(IntacctMapping.model_fields) == shipped.model_fields_set
    for name in ("fields", "status", "facts"):
        part = getattr(shipped, name)
        assert set(type(part).model_fields) == part.model_fields_set
    for part in shipped.objects.all:
        assert set(type(part).model_fields) == part.model_fields_set


ENTRY = "settlement:\n  - currency: USD\n    {0}"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("invoice_hold:", "invoice_holt:", "line 87: fields.invoice_holt: unknown key; did you mean 'invoice_hold'?"),
        ("invoice_hold: ARC_HOLD\n", "invoice_hold: arc_hold\n", "fields.invoice_hold: must be in another form"),
        ("invoice_hold: ARC_HOLD\n", 'invoice_hold: ""\n', "fields.invoice_hold: must be in another form"),
        ("type: arc_receipt", "type: ARC_RECEIPT", "objects.receipt.type: must be in another form"),
        ("state: ARC_STATE", 'state: ""', "status.state: must be in another form"),
        ("delivery: field", "delivery: email_log", "must be one of field, none"),
        ("payment_method: EFT", "payment_method: Wire", "must be one of Printed Check, Cash, EFT"),
        ("undeposited_account: null", "undeposited_account: 1099", 'must be text, not 1099; put it in quotes: "…"'),
        ("advance_account: null\nadvance_label: null", "advance_account: '24'\nadvance_label: Adv", "not both"),
        ("account_time_zone: UTC", "account_time_zone: Mars", "must be an IANA time zone"),
        ("reference_max: 21", "reference_max: 2", "must be at least 8"),
        ("country: billing_address", "country: passport", "must be one of billing_address, field, none"),
        ("settlement: []", ENTRY.format("through: clearing"), "to settle through clearing, give accounts.clearing"),
        ("settlement: []", ENTRY.format("through: undeposited"), "give undeposited_account"),
        (
            "settlement: []",
            ENTRY.format("accounts: {bank: A, clearing: A}"),
            "accounts.clearing and accounts.bank can't be the same",
        ),
        (
            "settlement: []",
            ENTRY.format("entity: E9\n    accounts: {bank: A, clearing: B}"),
            "settlement names E9, which entities doesn't have",
        ),
    ],
)
def test_a_wrong_mapping_is_refused_in_plain_words(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        changed(tmp_path, old, new)

    assert told in str(caught.value)


def test_a_currency_is_settled_in_one_way() -> None:
    with pytest.raises(ValueError, match="USD is there twice"):
        IntacctMapping(account_time_zone="UTC", settlement=(USD, USD))


def test_a_field_that_may_be_left_out_is_read_only_where_it_has_a_name(tmp_path: Path) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    for key in ("invoice_plan", "customer_tier", "line_dispute_detail"):
        text = re.sub(rf"^  {key}: .*$", f'  {key}: ""', text, count=1, flags=re.MULTILINE)
    path = tmp_path / "intacct.yaml"
    path.write_text(text, encoding="utf-8")

    found = load(path, IntacctMapping)

    assert {"invoice_plan", "customer_tier", "line_dispute_detail"} == set(found.fields.not_there)
    assert "plan" not in found.columns("invoice") and "tier" not in found.columns("customer")
    assert "ARC_DISPUTE_REASON" == found.columns("line")["dispute_detail"]
    assert {"external_id", "act", "received_on"} == set(found.columns("payment"))


@pytest.mark.parametrize(("country", "field"), [("billing_address", None), ("none", None), ("field", "ARC_COUNTRY")])
def test_the_country_is_read_from_one_place(tmp_path: Path, country: str, field: str | None) -> None:
    found = changed(tmp_path, "country: billing_address", f"country: {country}")

    assert field == found.columns("customer").get("country")


def test_accounts_are_known_by_their_role() -> None:
    found = mapping(settlement=(USD,))

    assert USD == found.settlement_of("USD") and found.settlement_of("EUR") is None
    assert "STRIPE" == USD.account_of(AccountRole.CLEARING) and "" == USD.account_of(AccountRole.RECEIVABLE)
    assert {AccountRole.BANK: "SVB-CHK", AccountRole.CLEARING: "STRIPE", AccountRole.FEES: "6150"} == USD.roles


@pytest.mark.parametrize(
    ("entity", "location", "department", "is_ours"),
    [("", "100", "9", True), ("E1", "E1", "9", True), ("E2", "210", "300", True), ("E3", "E3", "9", False)],
)
def test_a_line_carries_the_dimensions_of_its_entity(
    entity: str, location: str, department: str, is_ours: bool
) -> None:
    given = mapping(
        dimensions=Dimensions(location="100", department="9"),
        entities={"E1": Dimensions(), "E2": Dimensions(location="210", department="300")},
    )

    assert Dimensions(location=location, department=department) == given.dimensions_of(entity)
    assert is_ours == given.is_ours(entity)


def test_only_the_setting_says_whether_the_customers_are_real() -> None:
    assert settings().is_test and not settings(livemode=True).is_test
    assert "acme-co" == settings(company=" acme-co ").account
    assert "secret" not in repr(settings())


# ---- names ----

ANY = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(ANY, ANY, st.one_of(st.just(""), ANY))
def test_an_id_leads_back_to_number_customer_and_entity(number: str, customer: str, entity: str) -> None:
    ours = names.invoice_id(number, customer, entity)

    assert (number, customer, entity) == names.parts(ours)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", ours)
    assert (number, customer, entity) == names.memo_parts(names.memo_id(number, customer, entity))


@pytest.mark.parametrize(
    ("given", "ours"),
    [
        (("INV-1001", "C_20", ""), "INV-1001__C_5F20"),
        (("INV 7/a", "Ü", "E1"), "INV_207_2Fa___C3_9C__E1"),
        (("7", "C", ""), "7__C"),
    ],
)
def test_ids_look_like_this(given: tuple[str, str, str], ours: str) -> None:
    assert ours == names.invoice_id(*given)


@pytest.mark.parametrize("other", ["", "7", "7__", "__C", "7__C__E__F", "a b__C", "7_zz__C", "_FF__C", "7_2f__C"])
def test_what_is_no_id_of_ours_is_said_so(other: str) -> None:
    with pytest.raises(ValueError, match="no "):
        names.parts(other)


def test_memos_and_advances_are_told_apart_from_payments() -> None:
    assert names.is_memo(names.memo_id("CM-1", "C1")) and not names.is_memo("901")
    assert names.is_advance("adv-9") and not names.is_advance("adv-x") and not names.is_advance("9")
    assert "9" == names.advance_record(names.advance_id("9"))
    for wrong in (names.advance_record, names.memo_parts):
        with pytest.raises(ValueError, match="no id of an Intacct"):
            wrong("901")
    for number, customer in (("", "C1"), ("1", "")):
        with pytest.raises(ValueError, match="has no id"):
            names.invoice_id(number, customer)


@given(ANY, ANY, st.integers(40, 100))
def test_a_name_fits_and_tells_records_apart(one: str, other: str, limit: int) -> None:
    head = "arc-act-" + "1" * limit
    first, second = names.fitting(head + one, limit), names.fitting(head + other, limit)

    assert limit >= max(len(first), len(second))
    assert (one == other) == (first == second)
    assert one == names.fitting(one, limit)
    assert (head + one).endswith(names.tail(head + one, 21)) and 21 == len(names.tail(head + one, 21))


# ---- definitions ----

BOOLEANS = ("ARC_HOLD", "ARC_DISPUTE", "ARC_DO_NOT_CONTACT", "ARC_AUTOPAY", "ARC_MAILS_PARENT")


class Company:
    """Looks up like the gateway: every field of every object that the shipped mapping names, less what a test takes."""

    def __init__(self, given: IntacctMapping) -> None:
        self.asked: list[str] = []
        needs = Definitions(self, given)._needs()  # type: ignore[arg-type]
        self.objects: dict[str, dict[str, FieldSeen]] = {
            name: {need.name.upper(): FieldSeen(_kind(need.kind), False) for need in wanted}
            for name, wanted in needs.items()
        }

    def lookup(self, object_name: str) -> Mapping[str, FieldSeen] | None:
        self.asked.append(object_name)
        return self.objects.get(object_name)


def _kind(wanted: str) -> str:
    return {"a checkbox": "BOOLEAN", "a day": "DATE"}.get(wanted, "TEXT")


def test_a_company_that_has_all_is_asked_once() -> None:
    given = mapping(settlement=(USD,))
    company = Company(given)
    definitions = Definitions(company, given)  # type: ignore[arg-type]

    definitions.require()
    definitions.require()

    assert len(company.asked) == len(set(company.asked))
    assert {"ARINVOICE", "ARPYMT", "arc_receipt", "CHECKINGACCOUNT", "GLBATCH"} <= set(company.asked)
    assert "DEPOSIT" not in company.asked


def test_undeposited_funds_need_deposits_and_receipts() -> None:
    given = mapping(
        settlement=(USD.model_copy(update={"through": SettleThrough.UNDEPOSITED}),), undeposited_account="1099"
    )

    assert {"DEPOSIT", "OTHERRECEIPTS"} <= set(Company(given).objects)


@pytest.mark.parametrize(
    ("object_name", "field", "becomes", "told"),
    [
        ("ARINVOICE", "ARC_HOLD", None, "ARINVOICE has no field ARC_HOLD (fields.invoice_hold)"),
        ("ARINVOICE", "RECORDID", None, "ARINVOICE has no field RECORDID (facts.invoice_number_field)"),
        ("ARINVOICE", "TRX_TOTALSELECTED", None, "ARINVOICE has no field TRX_TOTALSELECTED"),
        ("ARINVOICE", "ARC_STATE", FieldSeen("TEXT", True), "has ARC_STATE, which can't be written (status.state)"),
        ("ARINVOICE", "ARC_HOLD", FieldSeen("TEXT", False), "ARC_HOLD, which is TEXT and must be a checkbox"),
        ("ARINVOICE", "ARC_PROMISE_ON", FieldSeen("BOOLEAN", False), "which is BOOLEAN and must be a day"),
        ("ARADVANCE", "ARC_EXTERNAL_ID", None, "ARADVANCE has no field ARC_EXTERNAL_ID (fields.payment_external_id)"),
        ("ARINVOICEITEM", "ARC_DISPUTE", None, "ARINVOICEITEM has no field ARC_DISPUTE (fields.line_dispute)"),
        ("arc_cancellation", "ARC_STEPS", None, "arc_cancellation has no field arc_steps (objects.cancellation.steps)"),
        ("arc_receipt", "", None, "arc_receipt is not there, or the web services user may not see it"),
    ],
)
def test_whatever_lacks_stops_everything_by_its_name(
    object_name: str, field: str, becomes: FieldSeen | None, told: str
) -> None:
    given = mapping()
    company = Company(given)
    if not field:
        del company.objects[object_name]
    elif becomes is None:
        del company.objects[object_name][field]
    else:
        company.objects[object_name][field] = becomes
    definitions = Definitions(company, given)  # type: ignore[arg-type]

    with pytest.raises(Terminal) as caught:
        definitions.require()

    assert told in str(caught.value) and "Nothing was read or written" in str(caught.value)
    assert 1 == len(definitions.lacks())

    # Created meanwhile, it is found at the next try.
    company.objects = Company(given).objects
    definitions.require()


def test_a_kind_that_lookup_calls_by_another_word_is_left_to_the_rows() -> None:
    given = mapping()
    company = Company(given)
    company.objects["ARINVOICE"]["ARC_HOLD"] = FieldSeen("CHECKBOX", False)

    Definitions(company, given).require()  # type: ignore[arg-type]
