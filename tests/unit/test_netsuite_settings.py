"""The mapping file that is shipped is readable, and an account's name gives its hosts and whether it is a test."""

from __future__ import annotations

from pathlib import Path

import pytest
from netsuite_cases import settings

from connector.adapters.netsuite import NetSuiteMapping
from connector.errors import ConfigError
from connector.mapping import load

SHIPPED = Path(__file__).resolve().parents[2] / "mappings" / "netsuite.yaml"


def test_the_shipped_mapping_says_in_full_what_the_defaults_are() -> None:
    shipped = load(SHIPPED, NetSuiteMapping)
    defaults = NetSuiteMapping(account_time_zone="UTC", deposit_to=shipped.deposit_to)

    assert defaults == shipped
    assert set(NetSuiteMapping.model_fields) == shipped.model_fields_set


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("invoice_hold:", "invoice_holt:", "line 18: fields.invoice_holt: unknown key; did you mean 'invoice_hold'?"),
        ("\n  undeposited: true", "\n  undeposited: false", "give either undeposited: true or account_id, not both"),
        ("account_time_zone: UTC", "account_time_zone: Mars", "must be an IANA time zone"),
        ("line_amount_sign: minus", "line_amount_sign: times", "must be one of minus, plus"),
        ("invoice_hold: custbody_arc_hold", "invoice_hold: a b", "fields.invoice_hold: must be in another form"),
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
