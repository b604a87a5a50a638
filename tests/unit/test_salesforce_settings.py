"""The CRM's section of the settings: it may be left out, and its secret stays secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector import config
from connector.errors import ConfigError

FILE = """\
installation: demo
ledger_zone: America/New_York
netsuite:
  account: 1000001_SB1
stripe:
  livemode: false
  cutover_on: 2026-01-01
"""
SECTION = "salesforce: {domain: acme.my, client_id: app}\n"
OTHERS = {
    "CONNECTOR_NETSUITE_CONSUMER_KEY": "ck",
    "CONNECTOR_NETSUITE_CONSUMER_SECRET": "cs",
    "CONNECTOR_NETSUITE_TOKEN_ID": "ti",
    "CONNECTOR_NETSUITE_TOKEN_SECRET": "ts",
    "CONNECTOR_STRIPE_API_KEY": "sk_test_1",
}


def read(folder: Path, text: str = FILE, **environ: str) -> config.Settings:
    path = folder / "connector.yaml"
    path.write_text(text, encoding="utf-8")
    return config.read_settings(path, environ)


@pytest.mark.parametrize("section", ["", "salesforce:\n"])
def test_without_the_section_there_is_no_crm_and_no_secret_is_asked_for(tmp_path: Path, section: str) -> None:
    settings = read(tmp_path, FILE + section, **OTHERS)

    assert settings.salesforce is None
    config.require_credentials(settings)
    assert set(OTHERS.values()) == set(config.secret_values(settings))


def test_the_section_comes_from_the_file_the_environment_and_a_secret_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n", encoding="utf-8")
    secret.chmod(0o600)
    settings = read(
        tmp_path,
        FILE + SECTION,
        CONNECTOR_SALESFORCE_DOMAIN="acme--uat.sandbox.my",
        CONNECTOR_SALESFORCE_CLIENT_SECRET_FILE=str(secret),
    )

    crm = settings.salesforce
    assert crm is not None
    assert ("acme--uat.sandbox.my", "app", "", "66.0", False) == (
        crm.domain,
        crm.client_id,
        crm.base_url,
        crm.api_version,
        crm.is_test,
    )
    assert "s3cret" in config.secret_values(settings)
    assert "s3cret" not in repr(settings)


def test_the_environment_alone_is_enough(tmp_path: Path) -> None:
    settings = read(tmp_path, CONNECTOR_SALESFORCE_DOMAIN="acme.my", CONNECTOR_SALESFORCE_CLIENT_ID="app")

    assert settings.salesforce is not None


def test_with_the_section_its_secret_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="CONNECTOR_SALESFORCE_CLIENT_SECRET is not set"):
        config.require_credentials(read(tmp_path, FILE + SECTION, **OTHERS))


@pytest.mark.parametrize(
    "section, environ, words",
    [
        ("salesforce: {domain: acme.my}", {}, "salesforce.client_id: not set"),
        ("salesforce: {client_id: app}", {}, "salesforce.domain: not set"),
        ("", {"CONNECTOR_SALESFORCE_CLIENT_ID": "app"}, "set CONNECTOR_SALESFORCE_DOMAIN"),
        (
            "salesforce: {domain: login, client_id: app}",
            {},
            "salesforce.domain: must be your My Domain such as acme.my",
        ),
        ("salesforce: {domain: acme.my, client_id: app, api_version: v66}", {}, "must be a version of the API"),
        ("salesforce: {domain: acme.my, client_id: app, base_url: here}", {}, "must be an address"),
        ("salesforce: {domain: acme.my, client_id: app, client_secret: x}", {}, "secrets are never in this file"),
        ("salesforce: {domain: acme.my, client_id: app, secret: x}", {}, "did you mean 'client_secret'?"),
    ],
)
def test_what_is_wrong_is_told_by_its_name(tmp_path: Path, section: str, environ: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read(tmp_path, f"{FILE}{section}\n", **environ)

    assert words in str(raised.value)


@pytest.mark.parametrize("domain", ["acme.my", "acme.my.salesforce.com", "acme--uat.sandbox.my", "a-dev-ed.develop.my"])
def test_my_domain_is_taken_with_and_without_its_ending(tmp_path: Path, domain: str) -> None:
    section = f"salesforce: {{domain: {domain}, client_id: app}}\n"

    assert read(tmp_path, FILE + section).salesforce is not None
