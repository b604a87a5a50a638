"""The settings: where they come from, what is refused, and that secrets stay secret."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
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
SECRETS = {
    "CONNECTOR_NETSUITE_CONSUMER_KEY": "ck",
    "CONNECTOR_NETSUITE_CONSUMER_SECRET": "cs",
    "CONNECTOR_NETSUITE_TOKEN_ID": "ti",
    "CONNECTOR_NETSUITE_TOKEN_SECRET": "ts",
    "CONNECTOR_STRIPE_API_KEY": "sk_test_1",
}

Read = Callable[..., config.Settings]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def reader(text: str = FILE, **environ: str) -> config.Settings:
        path = tmp_path / "connector.yaml"
        path.write_text(text, encoding="utf-8")
        return config.read_settings(path, environ)

    return reader


def refused(read: Read, text: str = FILE, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        read(text, **environ)
    return str(raised.value).splitlines()[1:]


def test_a_small_file_is_enough(read: Read, tmp_path: Path) -> None:
    settings = read()

    assert ("demo", "America/New_York", date(2026, 1, 1), 60) == (
        settings.installation,
        settings.zone.key,
        settings.stripe.cutover_on,
        settings.tick_seconds,
    )
    assert config.DEFAULT_MAPPINGS == settings.mappings
    assert (config.DEFAULT_MAPPINGS / "policy.yaml").exists()


def test_a_path_in_the_file_counts_from_the_files_folder(read: Read, tmp_path: Path) -> None:
    assert tmp_path / "book" / "ar.db" == read(FILE + "store: book/ar.db\n").store


def test_the_environment_wins_over_the_file(read: Read) -> None:
    settings = read(
        FILE + "store: a.db\nmail: {port: 25, pay_domains: [a.example]}\n",
        CONNECTOR_STORE="/var/ar.db",
        CONNECTOR_MAIL_PORT="2525",
        CONNECTOR_MAIL_STARTTLS="false",
        CONNECTOR_MAIL_PAY_DOMAINS="pay.example, bill.example",
        CONNECTOR_TIMINGS_TICK_SECONDS="5",
    )

    assert (Path("/var/ar.db"), 2525, False, ("pay.example", "bill.example"), 5) == (
        settings.store,
        settings.mail.port,
        settings.mail.starttls,
        settings.mail.pay_domains,
        settings.tick_seconds,
    )


def test_the_environment_alone_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = config.read_settings(
        environ={
            "CONNECTOR_INSTALLATION": "demo",
            "CONNECTOR_LEDGER_ZONE": "UTC",
            "CONNECTOR_NETSUITE_ACCOUNT": "1234567",
            "CONNECTOR_STRIPE_LIVEMODE": "true",
            "CONNECTOR_STRIPE_CUTOVER_ON": "2026-02-01",
        }
    )

    assert ("1234567", True, Path("connector.db")) == (
        settings.netsuite.account,
        settings.stripe.livemode,
        settings.store,
    )


def test_of_an_absent_section_each_key_that_must_be_set_is_named(read: Read) -> None:
    assert ["stripe.livemode", "stripe.cutover_on"] == [
        problem.split(":")[0] for problem in refused(read, FILE.split("stripe:")[0])
    ]


def test_what_must_be_set_is_named_with_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as raised:
        config.read_settings(
            environ={"CONNECTOR_STRIPE_LIVEMODE": "false", "CONNECTOR_NETSUITE_BASE_URL": "http://localhost"}
        )

    assert [
        "installation: not set: add it to connector.yaml or set CONNECTOR_INSTALLATION",
        "ledger_zone: not set: add it to connector.yaml or set CONNECTOR_LEDGER_ZONE",
        "netsuite.account: not set: add it to connector.yaml or set CONNECTOR_NETSUITE_ACCOUNT",
        "stripe.cutover_on: not set: add it to connector.yaml or set CONNECTOR_STRIPE_CUTOVER_ON",
    ] == str(raised.value).splitlines()[1:]


# text added to the file -> what is said
TABLE = [
    ("mial: {host: x}\n", "line 8: mial: unknown key; did you mean 'mail'?"),
    ("mail: {prot: 25}\n", "line 8: mail.prot: unknown key; did you mean 'port'?"),
    ("mail:\n  port: 99999\n", "line 9: mail.port: must be at most 65535"),
    ("mail: {redirect_all_to: me}\n", "line 8: mail.redirect_all_to: must be one mail address, or empty"),
    ("mail: 7\n", "line 8: mail: must be keys with values of their own"),
    ("installation: x\n", "line 8: installation: is there twice; the first is on line 1"),
]


@pytest.mark.parametrize(("added", "expected"), TABLE, ids=[added[:30] for added, _ in TABLE])
def test_a_wrong_line_is_named(read: Read, added: str, expected: str) -> None:
    assert any(expected in problem for problem in refused(read, FILE + added))


@pytest.mark.parametrize("zone", ["Mars/Base", "../etc/passwd", ""])
def test_a_zone_that_does_not_exist_is_refused(read: Read, zone: str) -> None:
    [problem] = refused(read, CONNECTOR_LEDGER_ZONE=zone)

    assert problem.startswith("environment variable CONNECTOR_LEDGER_ZONE: must be an IANA time zone")


def test_a_misspelt_variable_is_refused_and_others_are_let_be(read: Read) -> None:
    read(CONNECTOR_SERVICE_HOST="10.0.0.1", CONNECTOR_PORT_80_TCP="x")

    assert ["environment variable CONNECTOR_MAIL_PROT: unknown; did you mean CONNECTOR_MAIL_PORT?"] == refused(
        read, CONNECTOR_MAIL_PROT="25"
    )


def test_a_secret_in_the_file_is_refused_without_repeating_it(read: Read) -> None:
    [problem] = refused(read, FILE + "  api_key: sk_live_abc\n")

    assert problem.endswith(
        "line 8: stripe.api_key: secrets are never in this file; remove it and set CONNECTOR_STRIPE_API_KEY or "
        "CONNECTOR_STRIPE_API_KEY_FILE"
    )


def test_a_secret_is_read_from_a_file_of_its_own(read: Read, tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("sk_test_2\n", encoding="utf-8")
    secret.chmod(0o600)

    assert "sk_test_2" == read(CONNECTOR_STRIPE_API_KEY_FILE=str(secret)).stripe.api_key.get_secret_value()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_secret_file_that_others_may_use_is_refused(read: Read, tmp_path: Path, mode: int) -> None:
    secret = tmp_path / "key"
    secret.write_text("sk_test_2", encoding="utf-8")
    secret.chmod(mode)

    assert [f"CONNECTOR_STRIPE_API_KEY_FILE: other people may use {secret}; run: chmod 600 {secret}"] == refused(
        read, CONNECTOR_STRIPE_API_KEY_FILE=str(secret)
    )


def test_an_absent_or_empty_secret_file_is_refused(read: Read, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch(0o600)
    problems = refused(
        read, CONNECTOR_STRIPE_API_KEY_FILE=str(empty), CONNECTOR_MAIL_PASSWORD_FILE=str(tmp_path / "none")
    )

    assert {"CONNECTOR_STRIPE_API_KEY_FILE", "CONNECTOR_MAIL_PASSWORD_FILE"} == {
        problem.split(":")[0] for problem in problems
    }


def test_a_secret_given_twice_is_refused(read: Read, tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("x", encoding="utf-8")
    secret.chmod(0o600)
    problems = refused(read, CONNECTOR_STRIPE_API_KEY="y", CONNECTOR_STRIPE_API_KEY_FILE=str(secret))

    assert ["CONNECTOR_STRIPE_API_KEY_FILE and CONNECTOR_STRIPE_API_KEY are both set: keep one of them"] == problems


def test_secrets_do_not_show_when_the_settings_are_printed(read: Read) -> None:
    assert "sk_test_1" not in repr(read(**SECRETS))


def test_a_secret_in_a_wrong_variable_is_not_repeated(read: Read) -> None:
    assert "sk_live" not in "\n".join(refused(read, CONNECTOR_MAIL_PORT="sk_live_1"))


def test_missing_credentials_are_named_all_at_once(read: Read) -> None:
    settings = read(CONNECTOR_MAIL_USER="billing", CONNECTOR_NETSUITE_TOKEN_ID="ti")

    with pytest.raises(ConfigError) as raised:
        config.require_credentials(settings)
    assert [
        "CONNECTOR_NETSUITE_CONSUMER_KEY",
        "CONNECTOR_NETSUITE_CONSUMER_SECRET",
        "CONNECTOR_NETSUITE_TOKEN_SECRET",
        "CONNECTOR_STRIPE_API_KEY",
        "CONNECTOR_MAIL_PASSWORD",
    ] == [problem.split(" ")[0] for problem in str(raised.value).splitlines()[1:]]


def test_complete_credentials_are_accepted(read: Read) -> None:
    config.require_credentials(read(**SECRETS))


# ERP test, Stripe test, livemode, redirect -> the settings that are named
PROFILES = [
    (True, True, "false", "me@shop.example", []),
    (False, False, "true", "", []),
    (False, False, "true", "me@shop.example", []),
    (True, True, "false", "", ["CONNECTOR_MAIL_REDIRECT_ALL_TO"]),
    (True, False, "true", "me@shop.example", ["CONNECTOR_NETSUITE_ACCOUNT"]),
    (False, True, "false", "me@shop.example", ["CONNECTOR_NETSUITE_ACCOUNT"]),
    (False, False, "false", "me@shop.example", ["CONNECTOR_STRIPE_LIVEMODE"]),
    (False, True, "true", "", ["CONNECTOR_NETSUITE_ACCOUNT", "CONNECTOR_STRIPE_LIVEMODE", "CONNECTOR_MAIL_REDIRECT"]),
]


@pytest.mark.parametrize(("erp", "stripe", "livemode", "redirect", "named"), PROFILES)
def test_test_and_live_never_mix_and_test_mail_never_reaches_people(
    read: Read, erp: bool, stripe: bool, livemode: str, redirect: str, named: list[str]
) -> None:
    settings = read(CONNECTOR_STRIPE_LIVEMODE=livemode, CONNECTOR_MAIL_REDIRECT_ALL_TO=redirect)
    try:
        config.check_profile(settings, erp, stripe)
        problems = []
    except ConfigError as error:
        problems = str(error).splitlines()[1:]

    assert len(named) == len(problems)
    assert all(name in problem for name, problem in zip(named, problems, strict=True))


# NetSuite test, Salesforce test (None: there is none) -> what is said of Salesforce
CRM_PROFILES = [
    (True, True, []),
    (True, None, []),
    (True, False, ["Salesforce is a live organisation"]),
    (False, True, ["Salesforce is a test organisation"]),
]


@pytest.mark.parametrize(("erp", "crm", "named"), CRM_PROFILES)
def test_a_test_organisation_and_a_live_account_never_mix(
    read: Read, erp: bool, crm: bool | None, named: list[str]
) -> None:
    live = str(not erp).lower()
    settings = read(CONNECTOR_STRIPE_LIVEMODE=live, CONNECTOR_MAIL_REDIRECT_ALL_TO="me@shop.example")
    try:
        config.check_profile(settings, erp, erp, crm)
        problems = []
    except ConfigError as error:
        problems = str(error).splitlines()[1:]

    assert len(named) == len(problems)
    assert all(name in problem for name, problem in zip(named, problems, strict=True))


# ---- the store ----


def test_a_store_on_a_server_is_kept_as_a_secret_and_opened_by_its_url(read: Read) -> None:
    url = "postgresql://connector:open%2Fsesame@db.example:5432/ar"
    settings = read(FILE, CONNECTOR_STORE=url)

    assert url == settings.store_at
    assert "sesame" not in repr(settings)
    assert {"open%2Fsesame", "open/sesame"} <= set(config.secret_values(settings))


def test_the_url_of_the_store_may_stand_in_a_file_of_its_own(read: Read, tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgres://connector:sesame@db.example/ar\n")
    secret.chmod(0o600)

    assert "postgres://connector:sesame@db.example/ar" == read(FILE, CONNECTOR_STORE_FILE=str(secret)).store_at


def test_a_url_without_password_may_stand_in_the_settings_file(read: Read) -> None:
    settings = read(FILE + "store: postgresql://connector@db.example/ar?sslmode=verify-full\n")

    assert "postgresql://connector@db.example/ar?sslmode=verify-full" == settings.store_at


@pytest.mark.parametrize("url", ["postgresql://me:sesame@db.example/ar", "postgresql://db.example/ar?password=sesame"])
def test_a_password_in_the_settings_file_is_refused_without_being_shown(read: Read, url: str) -> None:
    [problem] = refused(read, FILE + f"store: {url}\n")

    assert "store: secrets are never in this file" in problem
    assert "sesame" not in problem


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://db.example",  # no database
        "postgresql://me:se@same@db.example/ar",  # an @ that belongs to the password
        "postgresql://me:sesame@db.example:port/ar",
        "sqlite:///ar.db",
        "mysql://me:sesame@db.example/ar",
    ],
)
def test_a_url_that_names_no_postgresql_database_is_refused_without_being_shown(read: Read, url: str) -> None:
    [problem] = refused(read, FILE, CONNECTOR_STORE=url)

    assert "environment variable CONNECTOR_STORE: must be the path of a file, or postgresql://" in problem
    assert "same" not in problem


# ---- bank statements ----


def test_without_its_section_no_bank_statements_are_read(read: Read) -> None:
    assert read().bank_statements is None


def test_the_folder_of_bank_statements_counts_from_the_files_folder(read: Read, tmp_path: Path) -> None:
    given = read(FILE + "bank_statements: {folder: in/statements}\n").bank_statements
    from_outside = read(FILE, CONNECTOR_BANK_STATEMENTS_FOLDER="/srv/in", CONNECTOR_BANK_STATEMENTS_SETTLE_SECONDS="0")

    assert given is not None
    assert (tmp_path / "in/statements", False, 10) == (given.folder, given.is_test, given.settle_seconds)
    assert from_outside.bank_statements is not None
    assert (Path("/srv/in"), 0) == (from_outside.bank_statements.folder, from_outside.bank_statements.settle_seconds)


def test_a_section_of_bank_statements_needs_a_folder(read: Read) -> None:
    [problem] = refused(read, FILE + "bank_statements: {is_test: true}\n")

    assert problem.startswith("bank_statements.folder: not set")


@pytest.mark.parametrize(
    ("erp", "bank", "problems"), [(True, True, 0), (True, None, 0), (True, False, 1), (False, True, 1)]
)
def test_statements_of_real_accounts_and_a_test_ledger_never_mix(
    read: Read, erp: bool, bank: bool | None, problems: int
) -> None:
    live = str(not erp).lower()
    settings = read(CONNECTOR_STRIPE_LIVEMODE=live, CONNECTOR_MAIL_REDIRECT_ALL_TO="me@shop.example")
    try:
        config.check_profile(settings, erp, erp, bank_is_test=bank)
        said = []
    except ConfigError as error:
        said = str(error).splitlines()[1:]

    assert problems == len(said)
    assert all("CONNECTOR_BANK_STATEMENTS_IS_TEST" in problem for problem in said)
