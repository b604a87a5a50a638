"""What a person sets: the policy file that finance owns, and the settings that whoever runs the daemon owns.

Settings come from the environment (`CONNECTOR_…`) and from `connector.yaml`; the environment wins. Secrets come from
the environment only: `CONNECTOR_STRIPE_API_KEY`, or `CONNECTOR_STRIPE_API_KEY_FILE` with the path of a file that
nobody else may read. Everything wrong is told at once, by the exact name of what to set.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails

from connector import mapping
from connector.errors import ConfigError
from connector.money import Money, MoneyError
from connector.policy import BacklogChoice, Courtesy, Freshness, MatchingLimits, Policy, Step, Switch

PREFIX = "CONNECTOR_"
SECRET_KEYS = {
    "netsuite": ("consumer_key", "consumer_secret", "token_id", "token_secret"),
    "stripe": ("api_key",),
    "mail": ("password",),
}
DEFAULT_MAPPINGS = Path(__file__).resolve().parent.parent / "mappings"


def _like(pattern: str, words: str) -> AfterValidator:
    """A field that must have this form; `words` tell a person which."""

    def checked(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"must be {words}")
        return value

    return AfterValidator(checked)


Address = Annotated[str, _like(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+", "one mail address such as billing@shop.example")]
OptionalAddress = Annotated[str, _like(r"|[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+", "one mail address, or empty")]

# ---- The policy file ----

Percent = Annotated[int, Field(ge=0, le=100)]
Days = Annotated[int, Field(ge=0, le=365)]
Minutes = Annotated[int, Field(ge=1, le=24 * 60)]


class _Part(BaseModel):
    """A part of a file that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StepPart(_Part):
    """One reminder of the cadence."""

    days: int = Field(ge=-90, le=365, description="Calendar days from the due date; negative is before it, 0 the day.")
    template: str = Field(min_length=1, description="Name of the text in templates/.")
    sender: str = Field(min_length=1, description="One of the names under `senders`.")
    name: str = Field(default="", description="How reports call the step; left out, it is the days with their sign.")


class CourtesyPart(_Part):
    """The one message for the rest of an almost paid invoice."""

    paid_percent_min: Percent = Field(default=90, description="From this share paid on, escalation stops.")
    after_days: Days = Field(default=7, description="Days after the payment until the courtesy message.")
    template: str = Field(default="courtesy", min_length=1, description="Name of the text in templates/.")
    sender: str = Field(default="billing", min_length=1, description="One of the names under `senders`.")


class MatchingPart(_Part):
    """Bounds on what an amount alone may prove."""

    subset_candidates_max: int = Field(default=20, ge=1, le=60, description="Open invoices tried for a sum at most.")
    accidental_fit_one_in: int = Field(default=1000, ge=10, description="A sum counts if chance fits rarer than this.")


class FreshnessPart(_Part):
    """A reminder leaves only on facts younger than this."""

    erp_minutes_max: Minutes = Field(default=60, description="Age of the last read of the ERP at most.")
    payments_minutes_max: Minutes = Field(default=30, description="Age of the last read of payments at most.")
    reread_seconds_max: int = Field(default=120, ge=5, le=600, description="Age of the last look before a message.")


class PolicyFile(_Part):
    """mappings/policy.yaml: what finance decides."""

    post: Switch = Field(default=Switch.SHADOW, description="How far posting to the ERP may go by itself.")
    send: Switch = Field(default=Switch.SHADOW, description="How far sending reminders may go by itself.")
    posting_owner: Literal["us", "other"] | None = Field(
        default=None, description="Who posts customer payments; `post: auto` needs `us`."
    )
    steps: Annotated[tuple[StepPart, ...], Field(min_length=1)] = Field(description="The cadence, earliest step first.")
    senders: dict[str, Address] = Field(description="Name -> address mail comes from.")
    courtesy: CourtesyPart = CourtesyPart()
    matching: MatchingPart = MatchingPart()
    freshness: FreshnessPart = FreshnessPart()
    first_contact_step_max: str = Field(default="+1", description="First contact is never firmer than this step.")
    backlog: BacklogChoice = Field(
        default=BacklogChoice.WORKLIST, description="What happens to invoices overdue at go-live."
    )
    outage_business_days_max: int = Field(default=3, ge=1, le=30, description="A longer outage makes a backlog.")
    shield_min_share_percent: Percent = Field(default=50, description="Unmatched money that covers this share shields.")
    open_drop_percent_max: Percent = Field(default=10, description="A bigger drop of open invoices stops everything.")
    min_reminder_balance: dict[str, Decimal] = Field(
        default={}, description="Currency -> balance below which nobody is reminded."
    )


def read_policy(path: Path) -> Policy:
    """Read the policy; its version is a digest of what it says, so comments and spacing do not change it."""
    document = mapping.read(path)
    policy = mapping.validate(document, PolicyFile)
    problems = [*_step_problems(policy), *_name_problems(policy, path.parent / "templates"), *_money_problems(policy)]
    if problems:
        raise document.refusal(problems)
    return _policy(policy)


def policy_schema() -> str:
    """The JSON Schema of policy.yaml for editors; `mappings/policy.schema.json` holds exactly this text."""
    schema = PolicyFile.model_json_schema()
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2) + "\n"


def _policy(file: PolicyFile) -> Policy:
    canonical = json.dumps(file.model_dump(mode="json"), sort_keys=True)
    return Policy(
        version=hashlib.sha256(canonical.encode()).hexdigest()[:12],
        steps=tuple(Step(step_name(step), step.days, step.template, step.sender) for step in file.steps),
        senders=tuple(file.senders.items()),
        post=file.post,
        send=file.send,
        courtesy=Courtesy(**file.courtesy.model_dump()),
        matching=MatchingLimits(**file.matching.model_dump()),
        freshness=Freshness(**file.freshness.model_dump()),
        first_contact_step_max=file.first_contact_step_max,
        backlog=file.backlog,
        outage_business_days_max=file.outage_business_days_max,
        shield_min_share_percent=file.shield_min_share_percent,
        open_drop_percent_max=file.open_drop_percent_max,
        min_reminder_balance=tuple(Money.of(amount, code) for code, amount in file.min_reminder_balance.items()),
    )


def step_name(step: StepPart) -> str:
    """'-7', '0', '+14', unless the file gives a name."""
    return step.name or (f"{step.days:+d}" if step.days else "0")


def _step_problems(file: PolicyFile) -> Iterator[tuple[mapping.Loc, str]]:
    for index, (before, step) in enumerate(zip(file.steps, file.steps[1:], strict=False), start=1):
        if step.days <= before.days:
            yield (
                ("steps", index, "days"),
                f"{step.days} must be later than the step before it ({before.days}); put the steps in order of days",
            )
    names = [step_name(step) for step in file.steps]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield ("steps", index, "name"), f"{name!r} is already the name of step {names.index(name) + 1}"
    if file.first_contact_step_max not in names:
        yield (
            ("first_contact_step_max",),
            f"{file.first_contact_step_max!r} is no step; the steps are {', '.join(names)}",
        )


def _name_problems(file: PolicyFile, templates: Path) -> Iterator[tuple[mapping.Loc, str]]:
    known = {item.name.split(".", 1)[0] for item in templates.glob("[!_.]*.*")}
    used: list[tuple[mapping.Loc, StepPart | CourtesyPart]] = [
        *((("steps", index), step) for index, step in enumerate(file.steps)),
        (("courtesy",), file.courtesy),
    ]
    for loc, part in used:
        if part.template not in known:
            near = mapping.did_you_mean(part.template, known)
            hint = f"; did you mean {near!r}?" if near else f"; put one into {templates}"
            yield (*loc, "template"), f"there is no template {part.template!r}{hint}"
        if part.sender not in file.senders:
            near = mapping.did_you_mean(part.sender, file.senders)
            hint = f"; did you mean {near!r}?" if near else "; add it under senders"
            yield (*loc, "sender"), f"there is no sender {part.sender!r}{hint}"


def _money_problems(file: PolicyFile) -> Iterator[tuple[mapping.Loc, str]]:
    if file.post is Switch.AUTO and file.posting_owner != "us":
        yield (
            ("post",),
            "auto needs posting_owner: us, so that payments are not posted twice; "
            "if somebody else posts them (Stripe's own connector, a person), leave post at suggest",
        )
    for code, amount in file.min_reminder_balance.items():
        try:
            if Money.of(amount, code) < Money.zero(code):
                yield ("min_reminder_balance", code), "must not be negative"
        except MoneyError as error:
            yield ("min_reminder_balance", code), str(error)


# ---- The settings ----


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class NetSuiteSettings(_Part):
    """Where the ERP is, and the token with which we may use it (token-based authentication)."""

    account: Annotated[str, _like(r"[A-Z0-9]+(_[A-Z0-9]+)?", "a NetSuite account id such as 1234567 or 1234567_SB1")]
    base_url: str = Field(default="", description="Empty: derived from the account. Set it for the sandbox.")
    soap_version: Annotated[str, _like(r"20\d\d_[12]", "a SuiteTalk release such as 2025_2")] = "2025_2"
    consumer_key: SecretStr = SecretStr("")
    consumer_secret: SecretStr = SecretStr("")
    token_id: SecretStr = SecretStr("")
    token_secret: SecretStr = SecretStr("")
    read_timeout_seconds: int = Field(default=120, ge=1, le=900)
    write_timeout_seconds: int = Field(default=900, ge=1, le=900, description="Short makes unknown answers, not speed.")
    requests_at_once_max: int = Field(default=4, ge=1, le=50, description="All integrations share the account's limit.")


class StripeSettings(_Part):
    """Where the payments come from."""

    api_key: SecretStr = SecretStr("")
    base_url: Annotated[str, _like(r"https?://\S+", "an address that begins with https://")] = "https://api.stripe.com"
    livemode: bool = Field(description="true for real money, false for Stripe's test mode.")
    cutover_on: date = Field(description="Money received before this day shields reminders and is never posted.")
    timeout_seconds: int = Field(default=30, ge=1, le=600)


class MailSettings(_Part):
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


class TimingSettings(_Part):
    """When the daemon works."""

    tick_seconds: int = Field(default=60, ge=1, le=3600, description="One pass of the loop starts this often.")


class Settings(_Part):
    """Everything that the daemon is told, other than policy and field maps."""

    installation: Annotated[str, _like(r"[A-Za-z0-9]{1,12}", "1 to 12 letters and digits")] = Field(
        description="Short name of this connector; part of every id that it writes into the ERP."
    )
    ledger_zone: str = Field(description="IANA time zone of the ledger's days, such as America/New_York.")
    store: Path = Field(default=Path("connector.db"), description="The SQLite file.")
    mappings: Path = Field(default=DEFAULT_MAPPINGS, description="Folder of policy.yaml and the field maps.")
    log_json: bool = Field(default=True, description="One JSON object a line; false for people.")
    netsuite: NetSuiteSettings
    stripe: StripeSettings
    mail: MailSettings = MailSettings()
    timings: TimingSettings = TimingSettings()

    @field_validator("ledger_zone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("must be an IANA time zone such as America/New_York or Europe/Berlin") from None
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which days begin and end."""
        return ZoneInfo(self.ledger_zone)


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
    needed = [("netsuite", key) for key in SECRET_KEYS["netsuite"]] + [("stripe", "api_key")]
    if settings.mail.user:
        needed.append(("mail", "password"))
    missing = [
        f"{variable(section, key)} is not set: set it, or {variable(section, key)}_FILE to the path of a file with it"
        for section, key in needed
        if not getattr(getattr(settings, section), key).get_secret_value()
    ]
    if missing:
        raise mapping.refusal("The settings", missing)


def secret_values(settings: Settings) -> tuple[str, ...]:
    """What must never be shown: for the log's redaction."""
    parts = ((section, key) for section, keys in SECRET_KEYS.items() for key in keys)
    values = (getattr(getattr(settings, section), key).get_secret_value() for section, key in parts)
    return tuple(value for value in values if value)


def check_profile(settings: Settings, erp_is_test: bool, stripe_is_test: bool) -> None:
    """Do the systems belong together, and can test data reach real people? ConfigError if so (RULES 4.6)."""
    problems = []
    if erp_is_test != stripe_is_test:
        words = {True: "test", False: "live"}
        problems.append(
            f"NetSuite {settings.netsuite.account} is a {words[erp_is_test]} account and the Stripe key is a "
            f"{words[stripe_is_test]} key: set {variable('netsuite', 'account')} and {variable('stripe', 'api_key')} "
            "to accounts of one kind"
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
    if problems:
        raise mapping.refusal("The settings", problems)


def variable(*loc: int | str) -> str:
    """The environment variable of one setting: CONNECTOR_MAIL_HOST."""
    return PREFIX + "_".join(str(part) for part in loc).upper()


def _variables() -> dict[str, tuple[str, ...]]:
    """Every variable that sets something -> its setting."""
    found: dict[str, tuple[str, ...]] = {}
    for name, item in Settings.model_fields.items():
        if isinstance(item.annotation, type) and issubclass(item.annotation, BaseModel):
            found |= {variable(name, key): (name, key) for key in item.annotation.model_fields}
        else:
            found[variable(name)] = (name,)
    return found


def _secret_variables() -> dict[str, tuple[str, ...]]:
    """Every variable that names the file of a secret -> its setting."""
    return {f"{variable(section, key)}_FILE": (section, key) for section, keys in SECRET_KEYS.items() for key in keys}


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


def _from_file(document: mapping.Document) -> dict[str, Any]:
    """The file's data; a section that is absent is empty, so that its missing keys are told one by one."""
    data = copy.deepcopy(document.data)
    data |= {loc[0]: {} for loc in _variables().values() if len(loc) == 2 and data.get(loc[0]) is None}
    for key in ("store", "mappings"):
        if isinstance(data.get(key), str):
            data[key] = document.path.parent / data[key]
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
