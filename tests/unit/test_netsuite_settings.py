"""The mapping file that is shipped is readable, and an account's name gives its hosts and whether it is a test."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from netsuite_cases import settings

from connector.adapters.netsuite import NetSuiteMapping
from connector.errors import ConfigError
from connector.mapping import load
from connector.settlement import AccountRole

SHIPPED = Path(__file__).resolve().parents[2] / "mappings" / "netsuite.yaml"


def test_the_shipped_mapping_says_in_full_what_the_defaults_are() -> None:
    shipped = load(SHIPPED, NetSuiteMapping)
    defaults = NetSuiteMapping(account_time_zone="UTC")

    assert defaults == shipped
    assert set(NetSuiteMapping.model_fields) == shipped.model_fields_set


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("invoice_hold:", "invoice_holt:", "line 53: fields.invoice_holt: unknown key; did you mean 'invoice_hold'?"),
        ("delivery: field", "delivery: fax", "must be one of field, email_log, none"),
        ("amount: discountamount", 'amount: ""', "early_discount: give both amount and until, or leave both empty"),
        ('pause_field: ""', "pause_field: a b", "native_dunning.pause_field"),
        ("bad_debt_accounts: []", "bad_debt_accounts: [41]", 'must be text, not 41; put it in quotes: "…"'),
        ("account_time_zone: UTC", "account_time_zone: Mars", "must be an IANA time zone"),
        ("line_amount_sign: minus", "line_amount_sign: times", "must be one of minus, plus"),
        ("invoice_hold: custbody_arc_hold", "invoice_hold: a b", "fields.invoice_hold: must be in another form"),
        ("invoice_hold: custbody_arc_hold", 'invoice_hold: ""', "fields.invoice_hold: must be in another form"),
        ("invoice_plan: custbody_arc_plan", "invoice_plan: a b", "fields.invoice_plan: must be in another form"),
        ("country: billing_address", "country: passport", "must be one of billing_address, field, none"),
    ],
)
def test_a_wrong_mapping_is_refused_with_its_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    assert old in text
    changed = tmp_path / "netsuite.yaml"
    changed.write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(ConfigError) as caught:
        load(changed, NetSuiteMapping)

    assert told in str(caught.value)


def test_a_field_that_may_be_left_out_is_read_only_where_it_has_a_name(tmp_path: Path) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    for key in ("invoice_plan", "customer_tier", "line_dispute_detail"):
        text = re.sub(rf"^  {key}: .*$", f'  {key}: ""', text, count=1, flags=re.MULTILINE)
    changed = tmp_path / "netsuite.yaml"
    changed.write_text(text, encoding="utf-8")

    found = load(changed, NetSuiteMapping)

    assert {"invoice_plan", "customer_tier", "line_dispute_detail"} == set(found.fields.not_there)
    assert "plan" not in found.columns("invoice") and "tier" not in found.columns("customer")
    # Without a field for the detail of a dispute its reason is the detail.
    assert found.fields.line_dispute_reason == found.columns("line")["dispute_detail"]


@pytest.mark.parametrize(
    ("country", "script_id"), [("billing_address", None), ("none", None), ("field", "custentity_arc_country")]
)
def test_the_country_is_read_from_one_place(tmp_path: Path, country: str, script_id: str | None) -> None:
    changed = tmp_path / "netsuite.yaml"
    text = SHIPPED.read_text(encoding="utf-8")
    changed.write_text(text.replace("country: billing_address", f"country: {country}", 1), encoding="utf-8")

    assert script_id == load(changed, NetSuiteMapping).columns("customer").get("country")


def test_a_country_in_a_field_without_a_name_is_refused(tmp_path: Path) -> None:
    changed = tmp_path / "netsuite.yaml"
    text = SHIPPED.read_text(encoding="utf-8").replace("country: billing_address", "country: field", 1)
    changed.write_text(text.replace("customer_country: custentity_arc_country", 'customer_country: ""', 1))

    with pytest.raises(ConfigError, match=r"name it under fields\.customer_country"):
        load(changed, NetSuiteMapping)


def entry(**changes: object) -> str:
    """One line of the settlement list."""
    accounts = {"bank": "221", "clearing": "222", "fees": "315"}
    return json.dumps({"currency": "USD", "subsidiary": "1", "through": "clearing", "accounts": accounts, **changes})


def written(tmp_path: Path, *entries: str) -> Path:
    """The shipped file with this settlement."""
    text = SHIPPED.read_text(encoding="utf-8")
    changed = tmp_path / "netsuite.yaml"
    listed = "\n".join(["settlement:", *(f"  - {one}" for one in entries)])
    changed.write_text(text.replace("settlement: []", listed, 1), encoding="utf-8")
    return changed


def test_a_settlement_gives_each_role_its_account(tmp_path: Path) -> None:
    found = load(written(tmp_path, entry()), NetSuiteMapping)

    (usd,) = found.settlement
    assert usd is found.settlement_of("USD")
    assert found.settlement_of("EUR") is None
    assert {AccountRole.BANK: "221", AccountRole.CLEARING: "222", AccountRole.FEES: "315"} == usd.roles
    assert ("315", "") == (usd.account_of(AccountRole.FEES), usd.account_of(AccountRole.RECEIVABLE))


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ([entry(accounts={"bank": "221"})], "to settle through clearing, give accounts.clearing"),
        ([entry(through="undeposited", accounts={})], ""),
        ([entry(accounts={"bank": "1", "clearing": "1"})], "accounts.clearing and accounts.bank can't be the same"),
        ([entry(accounts={"clearing": "1"}, journal_negative=True)], "journal_negative needs accounts.bank"),
        ([entry(accounts={"clearing": "1"})], ""),
        ([entry(), entry(subsidiary="2")], "USD is there twice; each currency is settled in one way"),
        ([entry(), entry(currency="EUR")], ""),
        ([entry(currency="usd")], "settlement[1].currency: must be in another form"),
        ([entry(through="bank")], "must be one of clearing, undeposited"),
        ([entry(accounts={"clearing": 222})], 'must be text, not 222; put it in quotes: "…"'),
        ([entry(accounts={"clering": "222"})], "settlement[1].accounts.clering: unknown key; did you mean 'clearing'?"),
    ],
)
def test_a_settlement_that_makes_no_sense_is_refused(tmp_path: Path, entries: list[str], told: str) -> None:
    path = written(tmp_path, *entries)
    if not told:
        assert len(entries) == len(load(path, NetSuiteMapping).settlement)
        return

    with pytest.raises(ConfigError) as caught:
        load(path, NetSuiteMapping)

    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("account", "is_test"),
    [
        ("1234567", False),
        ("1234567_SB1", True),
        ("1234567-sb2", True),
        ("1234567_RP", False),
        ("1234567_RP1", True),
        ("TSTDRV1000001", True),
        ("SB1234567", False),
    ],
)
def test_test_accounts_are_told_by_their_name(account: str, is_test: bool) -> None:
    assert is_test == settings(account=account).is_test


def test_an_account_has_its_own_host_and_a_base_url_wins() -> None:
    real, local = settings(base_url="", account="1234567-sb1"), settings(base_url="http://127.0.0.1:9/netsuite/")

    assert "1234567_SB1" == real.account_id
    assert "https://1234567-sb1.suitetalk.api.netsuite.com/services/rest" == real.rest_url
    assert "https://1234567-sb1.suitetalk.api.netsuite.com/services/NetSuitePort_2025_2" == real.soap_url
    assert "http://127.0.0.1:9/netsuite/services/NetSuitePort_2025_2" == local.soap_url


def test_secrets_do_not_show() -> None:
    assert "consumer-secret" not in repr(settings())
    assert "token-secret" not in repr(settings())
