"""What a person sets: the policy file that finance owns, and the settings that whoever runs the daemon owns.

Settings come from the environment (`CONNECTOR_…`) and from `connector.yaml`; the environment wins. Secrets come from
the environment only: `CONNECTOR_STRIPE_API_KEY`, or `CONNECTOR_STRIPE_API_KEY_FILE` with the path of a file that
nobody else may read. Everything wrong is told at once, by the exact name of what to set.
"""

from __future__ import annotations

import copy
import os
import re
import stat
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_core import ErrorDetails

from connector import mapping
from connector.errors import ConfigError
from connector.mapping import Part, like
from connector.policy_file import read_policy as read_policy

PREFIX = "CONNECTOR_"
# The systems that can be the system of record, as people call them; the settings have a section of each.
ERPS = {"netsuite": "NetSuite", "intacct": "Sage Intacct"}
# Sage counts every page that is read. A quiet pass reads six, so one a minute would use up the first tier's 100,000 a
# month within twelve days.
TICK_SECONDS = {"netsuite": 60, "intacct": 900}
SECRET_KEYS = {
    "netsuite": ("consumer_key", "consumer_secret", "token_id", "token_secret"),
    "intacct": ("sender_password", "user_password"),
    "stripe": ("api_key",),
    "mail": ("password",),
    "salesforce": ("client_secret",),
    "mailbox": ("password",),
    "sms": ("url",),
    "chat": ("url",),
    "webhooks": ("stripe_secret",),
}
SECRET_PART_MIN = 10
STORE_SCHEMES = ("postgresql://", "postgres://")
DEFAULT_MAPPINGS = Path(__file__).resolve().parent.parent / "mappings"

OptionalAddress = Annotated[str, like(r"|[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+", "one mail address, or empty")]
# Where credentials are sent: https and a host by its name, or this machine. A number for a host, and names that only
# the machines of a cloud know, lead to what must never get them (metadata services, a neighbour's intranet).
_ADDRESS = re.compile(
    r"https://(?P<host>[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z][a-z0-9-]*)(?P<rest>(?::\d{1,5})?(?:/[^\s?#@\\]*)?)"
    r"|https?://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?(?:/[^\s?#@\\]*)?",
    re.IGNORECASE | re.ASCII,
)
_METADATA = re.compile(r"(?:^|\.)(?:metadata|instance-data)\.|\.(?:internal|local|localdomain)$", re.IGNORECASE)


def _address(value: str) -> str:
    found = _ADDRESS.fullmatch(value)
    if found is None or (found["host"] and _METADATA.search(found["host"])):
        raise ValueError(
            "must be an address that begins with https:// and names a host, without user, query or fragment; "
            "http:// only for this machine itself (127.0.0.1)"
        )
    return value


Url = Annotated[str, AfterValidator(_address)]
OptionalUrl = Annotated[str, AfterValidator(lambda value: _address(value) if value else value)]

# ---- The settings ----


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class NetSuiteSettings(Part):
    """Where the ERP is, and the token with which we may use it (token-based authentication)."""

    account: Annotated[str, like(r"[A-Z0-9]+(_[A-Z0-9]+)?", "a NetSuite account id such as 1234567 or 1234567_SB1")]
    base_url: OptionalUrl = Field(default="", description="Empty: derived from the account. Set it for the sandbox.")
    soap_version: Annotated[str, like(r"20\d\d_[12]", "a SuiteTalk release such as 2025_2")] = "2025_2"
    consumer_key: SecretStr = SecretStr("")
    consumer_secret: SecretStr = SecretStr("")
    token_id: SecretStr = SecretStr("")
    token_secret: SecretStr = SecretStr("")
    read_timeout_seconds: int = Field(default=120, ge=1, le=900)
    write_timeout_seconds: int = Field(default=900, ge=1, le=900, description="Short makes unknown answers, not speed.")
    requests_at_once_max: int = Field(default=4, ge=1, le=50, description="All integrations share the account's limit.")


class IntacctSettings(Part):
    """Where the ERP is: the XML gateway, the sender that the company has authorised, and a Web Services user."""

    sender_id: str = Field(min_length=1, description="The Web Services sender ID, as Sage gave it; case counts.")
    sender_password: SecretStr = SecretStr("")
    company: str = Field(min_length=1, description="The company ID that people sign in with.")
    user: str = Field(min_length=1, description="A Web Services user, made for the connector alone.")
    user_password: SecretStr = SecretStr("")
    url: Url = "https://api.intacct.com/ia/xml/xmlgw.phtml"
    livemode: bool = Field(description="true for the company's real books, false for a sandbox or trial company.")
    read_timeout_seconds: int = Field(default=120, ge=1, le=900)
    write_timeout_seconds: int = Field(default=900, ge=1, le=900, description="Short makes unknown answers, not speed.")
    requests_at_once_max: int = Field(default=2, ge=1, le=50, description="All integrations share the company's limit.")


class StripeSettings(Part):
    """Where the payments come from."""

    api_key: SecretStr = SecretStr("")
    base_url: Url = "https://api.stripe.com"
    livemode: bool = Field(description="true for real money, false for Stripe's test mode.")
    cutover_on: date = Field(description="Money received before this day shields reminders and is never posted.")
    timeout_seconds: int = Field(default=30, ge=1, le=600)


class MailSettings(Part):
    """How reminders leave."""

    host: str = Field(default="localhost", min_length=1)
    port: int = Field(default=587, ge=1, le=65535)
    user: str = ""
    password: SecretStr = SecretStr("")
    starttls: bool = True
    reply_to: OptionalAddress = Field(default="", description="Where customers' answers go.")
    redirect_all_to: OptionalAddress = Field(default="", description="Every message goes here instead.")
    pay_domains: tuple[str, ...] = Field(default=(), description="Pay links on other domains are left out.")
    timeout_seconds: int = Field(default=30, ge=1, le=600)

    _domains = field_validator("pay_domains", mode="before")(_split)


class MailboxSettings(Part):
    """Where customers' answers to reminders arrive (IMAP): the mailbox behind `mail.reply_to`. It is only read."""

    host: str = Field(min_length=1)
    port: int = Field(default=993, ge=1, le=65535)
    user: str = Field(min_length=1)
    password: SecretStr = SecretStr("")
    folder: str = Field(default="INBOX", min_length=1)
    tls: bool = Field(default=True, description="false only for a server on this machine.")
    timeout_seconds: int = Field(default=60, ge=1, le=600)


class SmsSettings(Part):
    """How text messages leave, where the policy has a channel `sms` and a customer consented to it."""

    url: SecretStr = Field(
        default=SecretStr(""),
        description="The gateway as apprise names it, with {to} for the number; it holds the gateway's credentials.",
    )
    redirect_all_to: Annotated[str, like(r"|\+?[0-9]{5,15}", "one number such as +4915112345678, or empty")] = Field(
        default="", description="Every text goes to this number instead."
    )
    timeout_seconds: int = Field(default=30, ge=1, le=600)


class SalesforceSettings(Part):
    """Where the CRM is, and the connected app with which we may use it (OAuth client credentials)."""

    domain: Annotated[
        str, like(r"[A-Za-z0-9-]+(\.[a-z0-9-]+)*\.my(\.salesforce\.com)?", "your My Domain such as acme.my")
    ]
    client_id: str = Field(min_length=1, description="The connected app's consumer key.")
    client_secret: SecretStr = SecretStr("")
    base_url: OptionalUrl = Field(default="", description="Empty: Salesforce itself. Set it for the sandbox.")
    api_version: Annotated[str, like(r"\d\d\.0", "a version of the API such as 66.0")] = "66.0"
    is_test: bool = Field(default=False, description="true for a test organisation whose domain does not say so.")
    timeout_seconds: int = Field(default=30, ge=1, le=600)


class BankStatementSettings(Part):
    """Where the statements of our own bank accounts arrive as files."""

    folder: Path = Field(description="Watched, and only read. Files already there count too.")
    is_test: bool = Field(default=False, description="true for statements that are of no real account.")
    settle_seconds: int = Field(default=10, ge=0, le=3600, description="A file changed so recently may still grow.")


class ChatSettings(Part):
    """Where our own people are told what can't wait: one address of Slack, Teams or any service that apprise knows."""

    url: SecretStr = SecretStr("")
    timeout_seconds: int = Field(default=10, ge=1, le=60)


class WebhookSettings(Part):
    """Where the daemon listens for webhooks, which only make its next pass come sooner.

    It speaks plain HTTP: whatever ends TLS for the world outside passes requests on to it.
    """

    host: Annotated[str, like(r"[A-Za-z0-9.:-]+", "an address of this machine, such as 127.0.0.1")] = "127.0.0.1"
    port: int = Field(default=8410, ge=1, le=65535)
    stripe_secret: SecretStr = Field(
        default=SecretStr(""), description="The signing secret of the endpoint, as Stripe shows it: whsec_..."
    )


class TimingSettings(Part):
    """When the daemon works."""

    tick_seconds: int | None = Field(
        default=None,
        ge=1,
        le=3600,
        description="One pass of the loop starts this often; left out, as often as the ERP's limits let it.",
    )


def _store(value: object) -> object:
    """A PostgreSQL URL is kept as a secret, since it may hold a password; everything else is a path."""
    if not isinstance(value, str):
        return value
    if "://" not in value:
        return Path(value)
    try:
        url = urlsplit(value)
        is_whole = bool(url.path.strip("/")) and url.netloc.count("@") <= 1 and url.port != 0
    except ValueError:  # its text may quote the password
        is_whole = False
    if not value.startswith(STORE_SCHEMES) or not is_whole:
        raise ValueError(
            "must be the path of a file, or postgresql://user@host:5432/database (signs like @ : / in the user or the "
            "password are written %40 %3A %2F)"
        )
    return SecretStr(value)


def _password(url: str) -> str:
    """The password in a URL, as it is written there; '' if there is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    written = re.search(r"(?:^|&)password=([^&]*)", parts.query)
    return parts.password or (written[1] if written else "")


StorePlace = Annotated[Path | SecretStr, BeforeValidator(_store)]


class Settings(Part):
    """Everything that the daemon is told, other than policy and field maps."""

    installation: Annotated[str, like(r"[A-Za-z0-9]{1,12}", "1 to 12 letters and digits")] = Field(
        description="Short name of this connector; part of every id that it writes into the ERP."
    )
    ledger_zone: str = Field(description="IANA time zone of the ledger's days, such as America/New_York.")
    subsidiary_zones: dict[str, str] = Field(
        default={}, description="Subsidiary id -> its own zone, where that isn't the ledger's."
    )
    store: StorePlace = Field(
        default=Path("connector.db"), description="A SQLite file, or the URL of a PostgreSQL database."
    )
    mappings: Path = Field(default=DEFAULT_MAPPINGS, description="Folder of policy.yaml and the field maps.")
    retention_years: int = Field(
        default=10,
        ge=1,
        le=100,
        description="Names, addresses and messages of what ended longer ago are removed; the evidence stays.",
    )
    log_json: bool = Field(default=True, description="One JSON object a line; false for people.")
    erp: Literal["netsuite", "intacct"] = Field(default="netsuite", description="Which ERP is the system of record.")
    netsuite: NetSuiteSettings | None = Field(default=None, description="Needed where erp is netsuite.")
    intacct: IntacctSettings | None = Field(default=None, description="Needed where erp is intacct.")
    stripe: StripeSettings
    mail: MailSettings = MailSettings()
    timings: TimingSettings = TimingSettings()
    salesforce: SalesforceSettings | None = Field(default=None, description="Left out: there is no CRM.")
    mailbox: MailboxSettings | None = Field(
        default=None, description="Left out: customers' answers are read by nobody but people."
    )
    sms: SmsSettings | None = Field(default=None, description="Left out: no text message leaves.")
    chat: ChatSettings | None = Field(default=None, description="Left out: nobody is told in a chat.")
    webhooks: WebhookSettings | None = Field(default=None, description="Left out: nothing listens.")
    bank_statements: BankStatementSettings | None = Field(
        default=None, description="Left out: no statements are read, and wires are seen by nobody."
    )

    @field_validator("ledger_zone", "subsidiary_zones")
    @classmethod
    def _is_zone(cls, value: str | dict[str, str]) -> str | dict[str, str]:
        try:
            for name in value.values() if isinstance(value, dict) else [value]:
                ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError("must be an IANA time zone such as America/New_York or Europe/Berlin") from None
        return value

    @property
    def tick_seconds(self) -> int:
        """One pass of the loop starts this often."""
        return self.timings.tick_seconds or TICK_SECONDS[self.erp]

    @property
    def erp_name(self) -> str:
        """The ERP as people call it."""
        return ERPS[self.erp]

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which days begin and end."""
        return ZoneInfo(self.ledger_zone)

    @property
    def store_at(self) -> Path | str:
        """The path or the URL of the store, as it is opened: the URL with its password, never to be shown."""
        return self.store.get_secret_value() if isinstance(self.store, SecretStr) else self.store


def read_settings(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings from the environment and, if there, a file: this one, CONNECTOR_CONFIG's, or ./connector.yaml.

    A relative path in the file counts from the file's folder. Credentials may be absent: `require_credentials`
    asks for them, so that `stop` and `explain` work without.
    """
    named = path or (Path(environ["CONNECTOR_CONFIG"]) if environ.get("CONNECTOR_CONFIG") else None)
    file = named or Path("connector.yaml")
    document = mapping.read(file) if named or file.exists() else mapping.Document(file, {})
    problems = [*_secrets_in_file(document), *_unknown_variables(environ)]
    data = _from_file(document)
    for loc, value in _from_environment(environ, problems):
        *sections, key = loc
        inside = data
        for section in sections:
            inside = inside.setdefault(section, {}) if isinstance(inside, dict) else {}
        if isinstance(inside, dict):
            inside[key] = value
    chosen = data.get("erp", "netsuite")
    if chosen in ERPS and data.get(chosen) is None:
        data[chosen] = {}  # so that what it needs is told key by key
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        problems += [_setting_problem(detail, document, environ) for detail in error.errors()]
        raise mapping.refusal("The settings", problems) from None
    if problems:
        raise mapping.refusal("The settings", problems)
    return settings


def require_credentials(settings: Settings) -> None:
    """ConfigError names every credential that the outside needs and that is not set."""
    needed = [(settings.erp, key) for key in SECRET_KEYS[settings.erp]] + [("stripe", "api_key")]
    if settings.mail.user:
        needed.append(("mail", "password"))
    if settings.salesforce:
        needed.append(("salesforce", "client_secret"))
    if settings.mailbox:
        needed.append(("mailbox", "password"))
    if settings.sms:
        needed.append(("sms", "url"))
    if settings.chat:
        needed.append(("chat", "url"))
    if settings.webhooks:
        needed.append(("webhooks", "stripe_secret"))
    missing = [
        f"{variable(section, key)} is not set: set it, or {variable(section, key)}_FILE to the path of a file with it"
        for section, key in needed
        if not getattr(getattr(settings, section), key).get_secret_value()
    ]
    if missing:
        raise mapping.refusal("The settings", missing)


def secret_values(settings: Settings) -> tuple[str, ...]:
    """What must never be shown: for the log's redaction."""
    given = [section for section in SECRET_KEYS if getattr(settings, section) is not None]
    parts = ((section, key) for section in given for key in SECRET_KEYS[section])
    values = [getattr(getattr(settings, section), key).get_secret_value() for section, key in parts]
    if isinstance(settings.store, SecretStr):
        password = _password(settings.store.get_secret_value())
        values += [password, unquote(password)]
    # Of an address that is a secret each part may be one by itself; a short one would blot out ordinary words.
    parts_of = [part for value in values if "://" in value for part in re.split(r"[/?&=:@]+", value)[1:]]
    return tuple(value for value in (*values, *(part for part in parts_of if len(part) >= SECRET_PART_MIN)) if value)


def check_profile(
    settings: Settings,
    erp_is_test: bool,
    stripe_is_test: bool,
    crm_is_test: bool | None = None,
    bank_is_test: bool | None = None,
) -> None:
    """Do the systems belong together, and can test data reach real people? ConfigError if so (RULES 4.6).

    `crm_is_test` None: there is no CRM. `bank_is_test` None: no bank statements are read.
    """
    problems, words = [], {True: "test", False: "live"}
    ours, set_by = _erp_account(settings)
    ours += f" is a {words[erp_is_test]} account"
    if erp_is_test != stripe_is_test:
        problems.append(
            f"{ours} and the Stripe key is a {words[stripe_is_test]} key: set {set_by} and "
            f"{variable('stripe', 'api_key')} to accounts of one kind"
        )
    if crm_is_test is not None and crm_is_test != erp_is_test:
        problems.append(
            f"Salesforce is a {words[crm_is_test]} organisation and {ours}: set {variable('salesforce', 'domain')} to "
            f"an organisation of that kind, or {variable('salesforce', 'is_test')} if its domain does not tell"
        )
    if bank_is_test is not None and bank_is_test != erp_is_test:
        problems.append(
            f"the bank statements are {words[bank_is_test]} data and {ours}: set "
            f"{variable('bank_statements', 'folder')} to statements of that kind, or "
            f"{variable('bank_statements', 'is_test')}"
        )
    if stripe_is_test == settings.stripe.livemode:
        problems.append(
            f"stripe.livemode is {str(settings.stripe.livemode).lower()} and the Stripe key is a "
            f"{'test' if stripe_is_test else 'live'} key: set {variable('stripe', 'livemode')} or "
            f"{variable('stripe', 'api_key')}"
        )
    if (erp_is_test or stripe_is_test) and not settings.mail.redirect_all_to:
        problems.append(
            "mail.redirect_all_to is not set, and test accounts hold real people's addresses: set "
            f"{variable('mail', 'redirect_all_to')} to a mailbox of your own"
        )
    if (erp_is_test or stripe_is_test) and settings.sms and not settings.sms.redirect_all_to:
        problems.append(
            "sms.redirect_all_to is not set, and test accounts hold real people's numbers: set "
            f"{variable('sms', 'redirect_all_to')} to a number of your own, or leave the section sms out"
        )
    if problems:
        raise mapping.refusal("The settings", problems)


def _erp_account(settings: Settings) -> tuple[str, str]:
    """The ERP with its account, and the variable that says which account it is."""
    if settings.erp == "intacct" and settings.intacct:
        return f"{settings.erp_name} {settings.intacct.company}", variable("intacct", "livemode")
    account = settings.netsuite.account if settings.netsuite else ""
    return f"{settings.erp_name} {account}", variable("netsuite", "account")


def variable(*loc: int | str) -> str:
    """The environment variable of one setting: CONNECTOR_MAIL_HOST."""
    return PREFIX + "_".join(str(part) for part in loc).upper()


def _variables() -> dict[str, tuple[str, ...]]:
    """Every variable that sets something -> its setting."""
    found: dict[str, tuple[str, ...]] = {}
    for name, item in Settings.model_fields.items():
        if section := _section(item.annotation):
            found |= {variable(name, key): (name, key) for key in section.model_fields}
        else:
            found[variable(name)] = (name,)
    return found


def _section(annotation: object) -> type[BaseModel] | None:
    """The model of a section of settings, even of one that may be left out; None for a single setting."""
    choices = get_args(annotation) or (annotation,)
    return next((one for one in choices if isinstance(one, type) and issubclass(one, BaseModel)), None)


def _secret_variables() -> dict[str, tuple[str, ...]]:
    """Every variable that names the file of a secret -> its setting."""
    of_sections = [(section, key) for section, keys in SECRET_KEYS.items() for key in keys]
    return {f"{variable(*loc)}_FILE": loc for loc in (*of_sections, ("store",))}


def _unknown_variables(environ: Mapping[str, str]) -> Iterator[str]:
    """Variables that are probably misspelt. Others are let be: Kubernetes makes some for a service named connector."""
    known = [name.removeprefix(PREFIX) for name in (*_variables(), *_secret_variables(), f"{PREFIX}CONFIG")]
    for name in sorted(environ):
        rest = name.removeprefix(PREFIX)
        if rest != name and rest not in known and (near := mapping.did_you_mean(rest, known, cutoff=0.8)):
            yield f"environment variable {name}: unknown; did you mean {PREFIX}{near}?"


def _secrets_in_file(document: mapping.Document) -> Iterator[str]:
    for section, keys in SECRET_KEYS.items():
        inside = document.data.get(section)
        for key in keys:
            if isinstance(inside, dict) and key in inside:
                yield (
                    f"{document.where((section, key))}: {section}.{key}: secrets are never in this file; remove it and "
                    f"set {variable(section, key)} or {variable(section, key)}_FILE"
                )
    if isinstance(url := document.data.get("store"), str) and _password(url):
        yield (
            f"{document.where(('store',))}: store: secrets are never in this file; leave the password out and put it "
            f"into PostgreSQL's own password file, or set {variable('store')} or {variable('store')}_FILE to the URL"
        )


def _from_file(document: mapping.Document) -> dict[str, Any]:
    """The file's data; a needed section that is absent is empty, so that its missing keys are told one by one."""
    data = copy.deepcopy(document.data)
    for name in {loc[0] for loc in _variables().values() if len(loc) == 2}:
        if data.get(name) is None:
            data.pop(name, None)
            if Settings.model_fields[name].default is not None:
                data[name] = {}
    for key in ("store", "mappings"):
        if isinstance(data.get(key), str) and "://" not in data[key]:
            data[key] = document.path.parent / data[key]
    statements = data.get("bank_statements")
    if isinstance(statements, dict) and isinstance(statements.get("folder"), str):
        statements["folder"] = document.path.parent / statements["folder"]
    return data


def _from_environment(environ: Mapping[str, str], problems: list[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Setting -> value; a secret file that can't be used is added to `problems`."""
    for name, loc in _variables().items():
        if name in environ:
            yield loc, environ[name]
    for name, loc in _secret_variables().items():
        if not environ.get(name):
            continue
        if environ.get(name.removesuffix("_FILE")):
            problems.append(f"{name} and {name.removesuffix('_FILE')} are both set: keep one of them")
        try:
            yield loc, _read_secret(Path(environ[name]), name)
        except ConfigError as error:
            problems.append(str(error))


def _read_secret(path: Path, name: str) -> str:
    try:
        with path.open(encoding="utf-8") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            if mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise ConfigError(f"{name}: other people may use {path}; run: chmod 600 {path}")
            text = opened.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigError(f"{name}: {path} can't be read: {reason}") from None
    if not text:
        raise ConfigError(f"{name}: {path} is empty")
    return text


def _setting_problem(detail: ErrorDetails, document: mapping.Document, environ: Mapping[str, str]) -> str:
    """One problem, named by where the value came from: the variable if it is set, else the line of the file."""
    loc = detail["loc"]
    words = mapping.plain_words(detail, Settings, show=False)
    name = variable(*loc[:2])
    if name in environ:
        return f"environment variable {name}: {words}"
    if detail["type"] != "missing":
        return f"{document.where(loc)}: {mapping.dotted(loc)}{words}"
    return f"{mapping.dotted(loc)}not set: add it to {document.path} or set {name}"
