"""The only place that chooses: which ERP, which payment source, which channel, which clock."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

from connector import config, mapping
from connector.acts import CloseAct, RemindAct
from connector.config import Settings
from connector.daemon import Service
from connector.decisions.cadence import STATEMENT_STEP
from connector.decisions.suppression import PAYMENT_METHOD_TEMPLATE
from connector.deposits import DepositAct
from connector.doorbell import PAUSE_SECONDS, Bell, Doorbell
from connector.engine import Engine
from connector.erp_flags import changed_statuses, mark_written
from connector.log import Log
from connector.parts import InstallationGuard, Parts
from connector.policy import Policy
from connector.ports import Channel, Chat, Clock, Crm, Erp, Mailbox, PaymentSource, Processor
from connector.reversals import ReversalAct, why_person
from connector.store import Store

TEMPLATES_BESIDE_THE_CADENCE = (STATEMENT_STEP, PAYMENT_METHOD_TEMPLATE)


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Outside:
    """The outside, each part made when first needed: `connector stop` must not wait for the ERP's schema."""

    def __init__(self, settings: Settings, policy: Callable[[], Policy], clock: Clock) -> None:
        self._settings, self._policy, self._clock = settings, policy, clock

    @cached_property
    def erp(self) -> Erp:
        return self._intacct() if self._settings.erp == "intacct" else self._netsuite()

    def _intacct(self) -> Erp:
        from connector.adapters.intacct import IntacctErp, IntacctMapping, IntacctSettings

        given = self._settings.intacct
        assert given is not None  # read_settings refuses settings without the chosen ERP
        settings = IntacctSettings(
            sender_id=given.sender_id,
            sender_password=given.sender_password,
            company=given.company,
            user=given.user,
            user_password=given.user_password,
            url=given.url,
            livemode=given.livemode,
            read_seconds=given.read_timeout_seconds,
            write_seconds=given.write_timeout_seconds,
            requests_at_once_max=given.requests_at_once_max,
        )
        fields = mapping.load(self._settings.mappings / "intacct.yaml", IntacctMapping)
        return IntacctErp(settings, fields, self._clock)

    def _netsuite(self) -> Erp:
        from connector.adapters.netsuite.erp import NetSuiteErp
        from connector.adapters.netsuite.settings import NetSuiteMapping, NetSuiteSettings

        given = self._settings.netsuite
        assert given is not None  # read_settings refuses settings without the chosen ERP
        settings = NetSuiteSettings(
            account=given.account,
            consumer_key=given.consumer_key,
            consumer_secret=given.consumer_secret,
            token_id=given.token_id,
            token_secret=given.token_secret,
            base_url=given.base_url,
            soap_version=given.soap_version,
            read_seconds=given.read_timeout_seconds,
            write_seconds=given.write_timeout_seconds,
            requests_at_once_max=given.requests_at_once_max,
        )
        fields = mapping.load(self._settings.mappings / "netsuite.yaml", NetSuiteMapping)
        return NetSuiteErp(settings, fields, self._clock)

    @cached_property
    def payments(self) -> Processor:
        from connector.adapters.stripe import StripeMapping, StripePayments
        from connector.adapters.stripe_api import StripeSettings

        given = self._settings.stripe
        settings = StripeSettings(
            api_key=given.api_key,
            base_url=given.base_url,
            timeout_seconds=given.timeout_seconds,
            livemode=given.livemode,
            cutover_on=given.cutover_on,
        )
        keys = mapping.load(self._settings.mappings / "stripe.yaml", StripeMapping)
        return StripePayments(settings, keys, self._settings.zone, self._clock)

    @cached_property
    def statements(self) -> PaymentSource | None:
        given = self._settings.bank_statements
        if given is None:
            return None
        from connector.adapters.bank_statement import BankStatementMapping, BankStatements, BankStatementSettings

        settings = BankStatementSettings(given.folder, given.is_test, given.settle_seconds)
        accounts = mapping.load(self._settings.mappings / "bank_statement.yaml", BankStatementMapping)
        return BankStatements(settings, accounts, self._settings.zone, self._clock)

    @cached_property
    def crm(self) -> Crm | None:
        given = self._settings.salesforce
        if given is None:
            return None
        from connector.adapters.salesforce import SalesforceCrm
        from connector.adapters.salesforce_api import SalesforceSettings
        from connector.adapters.salesforce_mapping import SalesforceMapping

        settings = SalesforceSettings(
            domain=given.domain,
            client_id=given.client_id,
            client_secret=given.client_secret,
            base_url=given.base_url,
            api_version=given.api_version,
            is_test=given.is_test,
            timeout_seconds=given.timeout_seconds,
        )
        fields = mapping.load(self._settings.mappings / "salesforce.yaml", SalesforceMapping)
        return SalesforceCrm(settings, fields, self._settings.zone)

    @cached_property
    def chat(self) -> Chat | None:
        given = self._settings.chat
        if given is None:
            return None
        from connector.adapters.chat import AppriseChat, ChatSettings

        return AppriseChat(ChatSettings(given.url, given.timeout_seconds))

    @cached_property
    def channel(self) -> Channel:
        from connector.adapters.email import EmailChannel, MailSettings

        given = self._settings.mail
        settings = MailSettings(
            host=given.host,
            port=given.port,
            redirect_all_to=given.redirect_all_to,
            pay_domains=given.pay_domains,
            starttls=given.starttls,
            user=given.user,
            password=given.password,
            deadline_seconds=given.timeout_seconds,
        )
        policy = self._policy()
        used = {step.template for step in policy.steps} | {policy.courtesy.template, *TEMPLATES_BESIDE_THE_CADENCE}
        return EmailChannel(settings, self._settings.mappings / "templates", tuple(sorted(used)), self._clock)

    @cached_property
    def other_channels(self) -> dict[str, Channel]:
        """Every way to reach customers beside e-mail, by its name in the policy."""
        given = self._settings.sms
        if given is None:
            return {}
        from connector.adapters.sms import SmsChannel, SmsSettings

        mail = self._settings.mail
        settings = SmsSettings(
            url=given.url,
            redirect_all_to=given.redirect_all_to,
            pay_domains=mail.pay_domains,
            timeout_seconds=given.timeout_seconds,
            mail_is_redirected=bool(mail.redirect_all_to),
        )
        policy = self._policy()
        steps = [*policy.steps, *(step for cadence in policy.cadences for step in cadence.steps)]
        used = {step.template for step in steps if step.channel == SmsChannel.name}
        sms = SmsChannel(settings, self._settings.mappings / "templates", tuple(sorted(used)))
        return {sms.name: sms}

    @cached_property
    def mailbox(self) -> Mailbox | None:
        given = self._settings.mailbox
        if given is None:
            return None
        from connector.adapters.mailbox import ImapMailbox, MailboxSettings

        settings = MailboxSettings(
            host=given.host,
            port=given.port,
            user=given.user,
            password=given.password,
            folder=given.folder,
            tls=given.tls,
            timeout_seconds=given.timeout_seconds,
        )
        return ImapMailbox(settings)

    def close(self) -> None:
        for name in ("erp", "payments", "statements", "crm", "channel"):
            made = self.__dict__.get(name)
            if made is not None and hasattr(made, "close"):
                made.close()


def open_service(settings: Settings, clock: Clock | None = None) -> Service:
    """The service on this store. Reads the policy and opens the store; touches nothing outside until asked to."""
    clock = clock or SystemClock()
    # Read when first needed: a person must be able to stop everything while the policy file is broken.
    policy = cache(lambda: config.read_policy(settings.mappings / "policy.yaml"))
    outside = Outside(settings, policy, clock)
    # A name that no other process has or had: leases carry it.
    owner = f"{os.getpid()}-{uuid.uuid4().hex[:12]}"
    engines: list[Engine] = []

    def make_parts(store: Store) -> Parts:
        return Parts(
            store=store,
            erp=outside.erp,
            payments=outside.payments,
            channel=outside.channel,
            clock=clock,
            policy=policy(),
            zone=settings.zone,
            cutover_on=settings.stripe.cutover_on,
            installation=settings.installation,
            reply_to=settings.mail.reply_to,
            owner=owner,
            crm=outside.crm,
            chat=outside.chat,
            mailbox=outside.mailbox,
            other_channels=outside.other_channels,
            statements=outside.statements,
            zones={subsidiary: ZoneInfo(name) for subsidiary, name in settings.subsidiary_zones.items()},
            run=lambda job, key: engines[-1].run(job, key),
            verify_installation=InstallationGuard(store, outside.erp, clock, settings.installation).verify,
        )

    def make_engine(parts: Parts) -> Engine:
        engines.append(_engine(parts, settings.installation, owner))
        return engines[-1]

    def make_channels(mappings: Path) -> dict[str, Channel]:
        drafted = settings.model_copy(update={"mappings": mappings})
        one = outside if mappings == settings.mappings else Outside(drafted, policy, clock)
        return {one.channel.name: one.channel, **one.other_channels}

    # Every command opens the store; only `connector upgrade` backs it up before it changes it.
    store = Store(settings.store_at, clock, may_upgrade=False)
    doorbell = _doorbell(settings, clock)
    return Service(settings, store, make_parts, make_engine, outside.close, make_channels, doorbell)


def _doorbell(settings: Settings, clock: Clock) -> Doorbell | None:
    """Where webhooks may ring, if anywhere."""
    given = settings.webhooks
    if given is None:
        return None
    from connector.adapters import stripe_webhooks

    secret = given.stripe_secret.get_secret_value()

    def is_stripes(body: bytes, headers: Mapping[str, str]) -> bool:
        return stripe_webhooks.is_genuine(body, headers.get(stripe_webhooks.HEADER, ""), secret, clock.now())

    # Whoever tries a card at our customer's rings. Where a pass is dear, and so seldom, rings cost in proportion.
    pause = max(PAUSE_SECONDS, settings.tick_seconds / 15)
    return Doorbell(given.host, given.port, (Bell("/webhooks/stripe", is_stripes),), Log(), pause)


def _engine(parts: Parts, installation: str, owner: str) -> Engine:
    """The durable acts on these parts."""
    close = CloseAct(
        parts.store,
        parts.erp,
        parts.verify_installation,
        lambda tx, ids: changed_statuses(tx, installation, parts.policy, parts.today(tx.at), ids),
        mark_written,
        parts.posting_forbidden,
        parts.policy.posts,
    )
    remind = RemindAct(parts.store, parts.channels, owner, parts.policy, parts.sending)
    deposit = DepositAct(parts.store, parts.erp, parts.verify_installation, parts.posting_forbidden, parts.policy.posts)
    reverse = ReversalAct(
        parts.store,
        parts.erp,
        parts.verify_installation,
        lambda tx, ids: why_person(tx, parts, ids) or parts.posting_forbidden(tx, invoice_ids=ids),
    )
    jobs = {
        "close": close.steps(),
        "remind": remind.steps(),
        "deposit": deposit.steps(),
        "reversal": reverse.steps(),
    }
    return Engine(parts.store.engine_url, jobs)
