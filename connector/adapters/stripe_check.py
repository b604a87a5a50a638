"""Is the key good, of the right mode, and may it read all that is needed? Is our clock right?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from connector.adapters.stripe_api import Page, StripeApi, StripeSettings
from connector.adapters.stripe_mapping import StripeMapping
from connector.errors import ConnectorError, Transient
from connector.ports import Clock, Finding

CLOCK_SKEW_MAX = timedelta(minutes=5)


def wrong_mode(settings: StripeSettings) -> str:
    """Why this key can't be meant for this installation; '' if nothing speaks against it."""
    prefix = re.match(r"[a-z]+_(live|test)_", settings.api_key.get_secret_value())
    wanted = "live" if settings.livemode else "test"
    if prefix and prefix[1] != wanted:
        return f"the key is for {prefix[1]} mode, this installation is set to {wanted} mode."
    return ""


@dataclass(frozen=True, slots=True)
class StripeCheck:
    """One small read for each right that is needed."""

    api: StripeApi
    settings: StripeSettings
    mapping: StripeMapping
    clock: Clock

    def findings(self) -> tuple[Finding, ...]:
        if problem := wrong_mode(self.settings):
            return (_bad(problem, "Set a key of the right mode, or correct `livemode`."),)
        found: list[Finding] = []
        for right, ask in self._rights():
            try:
                rows, headers = ask()
            except ConnectorError as error:
                if isinstance(error, Transient) or "AuthenticationError" in str(error):
                    # The same for every right: said once.
                    return (*found, _bad(str(error), "See the sentence before, then run this again."))
                found.append(_bad(str(error), f"Give the key the right to read {right}."))
                continue
            found.append(self._right_mode(right, rows))
            if right == "Events":
                found.extend(self._clock_skew(headers))
            if right == "Customers" and self.mapping.read_cash_balance:
                found.append(self._cash_balance(rows))
        what = "which mails Stripe itself sends (reminders, receipts, failed payments) can't be read by any key"
        remedy = (
            "Look in Stripe's dashboard under Settings, Billing and Settings, Customer emails, and switch them off."
        )
        return (*found, self._kind_of_key(), Finding("stripe", False, what, remedy, blocking=False))

    def _rights(self) -> Iterator[tuple[str, Callable[[], tuple[list[dict[str, Any]], Mapping[str, str]]]]]:
        v1 = self.api.v1
        for right, listing in (
            ("Events", v1.events.list),
            ("Charges and Refunds", v1.charges.list),
            ("Charges and Refunds (refunds)", v1.refunds.list),
            ("Disputes", v1.disputes.list),
            ("PaymentIntents", v1.payment_intents.list),
            ("Customers", v1.customers.list),
            ("Payouts", v1.payouts.list),
            ("Balance transactions", v1.balance_transactions.list),
            ("Invoices", v1.invoices.list),
            ("Invoices (invoice payments)", v1.invoice_payments.list),
        ):
            if listing != v1.invoice_payments.list or self.mapping.read_invoice_links:
                yield right, partial(self._listed, right, listing)
        yield "Balance", lambda: ([self.api.one("Balance", v1.balance.retrieve)], {})

    def _listed(self, right: str, listing: Callable[..., Any]) -> tuple[list[dict[str, Any]], Mapping[str, str]]:
        page: Page = self.api.page(right, listing, {"limit": 1})
        return page.rows, page.headers

    def _kind_of_key(self) -> Finding:
        if self.settings.api_key.get_secret_value().startswith("sk_"):
            what = "the key is an unrestricted secret key: whoever has it can also move money"
            return Finding("stripe", False, what, "Make a restricted key that may only read.", blocking=False)
        what = "the key is a restricted one; what it may do beyond reading all this can't be asked"
        return Finding("stripe", True, what, "See that it has no write access: dashboard, Developers, API keys.")

    def _cash_balance(self, customers: list[dict[str, Any]]) -> Finding:
        right = "customers' cash balances"
        if not customers:
            return Finding("stripe", True, f"{right}: not looked at, there is no customer yet", blocking=False)
        listing = partial(self.api.v1.customers.cash_balance_transactions.list, customers[0]["id"])
        try:
            return self._right_mode(right, self._listed(right, listing)[0])
        except ConnectorError as error:
            return _bad(
                str(error),
                f"Give the key the right to read {right}, or set `read_cash_balance: false` in mappings/stripe.yaml if "
                "no customer pays you by bank transfer through Stripe.",
            )

    def _right_mode(self, right: str, rows: list[dict[str, Any]]) -> Finding:
        if any(row.get("livemode", self.settings.livemode) is not self.settings.livemode for row in rows):
            what = f"{right}: objects are not of the mode that this installation is set to"
            return _bad(what, "Set a key of the right mode, or correct `livemode`.")
        return Finding("stripe", True, f"{right}: can be read")

    def _clock_skew(self, headers: Mapping[str, str]) -> Iterator[Finding]:
        try:
            theirs = parsedate_to_datetime(headers["date"])
            skew = abs(self.clock.now() - theirs)
        except (KeyError, ValueError, TypeError):
            return
        what = f"clocks differ by {int(skew.total_seconds())} seconds from Stripe's"
        remedy = "" if skew <= CLOCK_SKEW_MAX else "Set this machine's clock by NTP."
        yield Finding("stripe", skew <= CLOCK_SKEW_MAX, what, remedy, blocking=False)


def _bad(what: str, remedy: str) -> Finding:
    return Finding("stripe", False, what, remedy)
