"""The chat's section of the settings: it may be left out, and its address is a secret."""

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
OTHERS = {
    "CONNECTOR_NETSUITE_CONSUMER_KEY": "ck",
    "CONNECTOR_NETSUITE_CONSUMER_SECRET": "cs",
    "CONNECTOR_NETSUITE_TOKEN_ID": "ti",
    "CONNECTOR_NETSUITE_TOKEN_SECRET": "ts",
    "CONNECTOR_STRIPE_API_KEY": "sk_test_1",
}
WEBHOOK = "https://hooks.slack.com/services/T1/B1/s3cret"


def read(folder: Path, text: str = FILE, **environ: str) -> config.Settings:
    path = folder / "connector.yaml"
    path.write_text(text, encoding="utf-8")
    return config.read_settings(path, environ)


@pytest.mark.parametrize("section", ["", "chat:\n"])
def test_without_the_section_there_is_no_chat_and_no_secret_is_asked_for(tmp_path: Path, section: str) -> None:
    settings = read(tmp_path, FILE + section, **OTHERS)

    assert settings.chat is None
    config.require_credentials(settings)


def test_the_address_comes_from_the_environment_or_a_file_that_nobody_else_may_read(tmp_path: Path) -> None:
    secret = tmp_path / "webhook"
    secret.write_text(f"{WEBHOOK}\n", encoding="utf-8")
    secret.chmod(0o600)
    for environ in ({"CONNECTOR_CHAT_URL": WEBHOOK}, {"CONNECTOR_CHAT_URL_FILE": str(secret)}):
        settings = read(tmp_path, FILE + "chat: {timeout_seconds: 3}\n", **environ)

        assert settings.chat is not None
        assert (WEBHOOK, 3) == (settings.chat.url.get_secret_value(), settings.chat.timeout_seconds)
        assert WEBHOOK in config.secret_values(settings)
        assert "s3cret" not in repr(settings)


def test_the_address_alone_is_enough(tmp_path: Path) -> None:
    chat = read(tmp_path, CONNECTOR_CHAT_URL=WEBHOOK).chat

    assert chat is not None
    assert 10 == chat.timeout_seconds


def test_with_the_section_the_address_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="CONNECTOR_CHAT_URL is not set"):
        config.require_credentials(read(tmp_path, FILE + "chat: {timeout_seconds: 3}\n", **OTHERS))


@pytest.mark.parametrize(
    ("section", "words"),
    [
        (f"chat: {{url: '{WEBHOOK}'}}", "secrets are never in this file"),
        ("chat: {timeout_seconds: 0}", "chat.timeout_seconds: must be at least 1"),
        ("chat: {timeout: 3}", "did you mean 'timeout_seconds'?"),
    ],
)
def test_what_is_wrong_is_told_by_its_name(tmp_path: Path, section: str, words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read(tmp_path, f"{FILE}{section}\n")

    assert words in str(raised.value)
    assert "s3cret" not in str(raised.value)
