"""Where credentials may be sent: https and a host by its name, or this machine; else nothing starts."""

from __future__ import annotations

import pytest

from connector import config
from connector.errors import ConfigError

GIVEN = {
    "CONNECTOR_INSTALLATION": "t1",
    "CONNECTOR_LEDGER_ZONE": "UTC",
    "CONNECTOR_NETSUITE_ACCOUNT": "1000001_SB1",
    "CONNECTOR_STRIPE_LIVEMODE": "false",
    "CONNECTOR_STRIPE_CUTOVER_ON": "2026-11-01",
    "CONNECTOR_SALESFORCE_DOMAIN": "acme.my",
    "CONNECTOR_SALESFORCE_CLIENT_ID": "app",
    "CONNECTOR_INTACCT_SENDER_ID": "s",
    "CONNECTOR_INTACCT_COMPANY": "c",
    "CONNECTOR_INTACCT_USER": "u",
    "CONNECTOR_INTACCT_LIVEMODE": "false",
}
VARIABLES = tuple(
    f"CONNECTOR_{name}" for name in ("NETSUITE_BASE_URL", "INTACCT_URL", "STRIPE_BASE_URL", "SALESFORCE_BASE_URL")
)


@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize(
    "url",
    [
        "https://api.vendor.example",
        "https://gateway.acme.example:8443/path/x.phtml",
        "http://127.0.0.1:8123/stripe",
        "http://localhost:8123",
        "http://[::1]:8123/x",
    ],
)
def test_an_address_that_credentials_may_go_to_is_taken(variable: str, url: str) -> None:
    section, key = variable.removeprefix("CONNECTOR_").lower().split("_", 1)
    settings = config.read_settings(environ=GIVEN | {variable: url})

    assert url == getattr(getattr(settings, section), key)


@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize(
    "url",
    [
        "http://api.vendor.example",
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/",
        "https://[fe80::1]/",
        "https://2852039166/",
        "https://0xA9FEA9FE/",
        "https://0251.0376.0251.0376/",
        "https://10.0.0.8/",
        "https://metadata.google.internal/computeMetadata/v1/",
        "https://instance-data.ec2.internal/",
        "https://vault.internal/",
        "https://metadata/",
        "https://intranet/",
        "https://api.vendor.example@evil.example/",
        "https://user:password@api.vendor.example/",
        "https://api.vendor.example\\@evil.example/",
        "https://api.vendor.example/?next=1",
        "https://api.vendor.example/#x",
        "https://api.vendor.example/ x",
        "https://api.vendor.example\n",
        "https://127.0.0.1.evil.example.169/",
        "https://\u0430pi.vendor.example/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "//api.vendor.example",
        "https:///path",
    ],
)
def test_any_other_is_refused_by_its_variable_without_being_repeated(variable: str, url: str) -> None:
    with pytest.raises(ConfigError) as raised:
        config.read_settings(environ=GIVEN | {variable: url})

    assert f"environment variable {variable}: must be an address that begins with https://" in str(raised.value)
    assert url not in str(raised.value)


def test_every_setting_that_is_an_address_is_held_against_this() -> None:
    """A new one can't be forgotten: whatever is called url is such an address, or a secret that apprise understands."""
    addresses = {
        name for name, loc in config._variables().items() if loc[-1].endswith("url") and loc not in config_secrets()
    }

    assert set(VARIABLES) == addresses


def config_secrets() -> set[tuple[str, ...]]:
    return {(section, key) for section, keys in config.SECRET_KEYS.items() for key in keys}


@pytest.mark.parametrize("host", ["0.0.0.0 ", "127.0.0.1;x", "", "a/b"])
def test_the_doorbell_listens_at_an_address_of_this_machine(host: str) -> None:
    with pytest.raises(ConfigError, match="CONNECTOR_WEBHOOKS_HOST: must be an address of this machine"):
        config.read_settings(environ=GIVEN | {"CONNECTOR_WEBHOOKS_HOST": host})


def test_a_doorbell_without_its_secret_does_not_start() -> None:
    settings = config.read_settings(environ=GIVEN | {"CONNECTOR_WEBHOOKS_PORT": "8410"})
    with pytest.raises(ConfigError, match="CONNECTOR_WEBHOOKS_STRIPE_SECRET is not set"):
        config.require_credentials(settings)
