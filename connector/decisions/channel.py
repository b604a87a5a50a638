"""Which way does a step's message go, and to whom?

E-mail is the way that every customer has. Another channel is taken only where finance switched it on and the customer
gave an address for it and consented, on a recorded day (RULES 5.7); else the same step goes by e-mail, and why is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from connector.policy import EMAIL, Policy, Step
from connector.receivables import Customer


class ChannelReason(StrEnum):
    """Why this channel, in order of precedence."""

    AS_PLANNED = "as_planned"
    CHANNEL_OFF = "channel_off"
    NO_ADDRESS = "no_address"  # no number for it in the ERP
    NO_CONSENT = "no_consent"


@dataclass(frozen=True, slots=True)
class ChannelVerdict:
    """`to` is empty where nobody can be reached; `cc` only of e-mail. `text` is one sentence for `explain`."""

    channel: str
    to: str
    cc: tuple[str, ...]
    reason: ChannelReason
    text: str


def decide(step: Step, customer: Customer | None, parent: Customer | None, policy: Policy) -> ChannelVerdict:
    """The channel of this step for this customer, and who gets it.

    A customer whose reminders go to its parent is reached by the parent's contact and no other, by whichever channel.
    Copies go to who is listed at the customer itself (RULES 5.2), each once.
    """
    reached = parent if customer is not None and customer.mails_parent else customer
    if step.channel == EMAIL:
        return _by_email(customer, reached, ChannelReason.AS_PLANNED, "by e-mail")
    address, reason = address_of(step.channel, reached, policy)
    if reason is ChannelReason.AS_PLANNED:
        return ChannelVerdict(step.channel, address, (), reason, f"by {step.channel}")
    why = {
        ChannelReason.CHANNEL_OFF: f"by e-mail: {step.channel} is off in the policy",
        ChannelReason.NO_ADDRESS: f"by e-mail: the ERP has no {step.channel} contact",
        ChannelReason.NO_CONSENT: f"by e-mail: no consent to {step.channel} is recorded",
    }
    return _by_email(customer, reached, reason, why[reason])


def address_of(channel: str, reached: Customer | None, policy: Policy) -> tuple[str, ChannelReason]:
    """Where this customer is reached by this channel; '' with the reason if it must not be."""
    if channel == EMAIL:
        email = reached.email if reached is not None else ""
        return email, ChannelReason.AS_PLANNED if email else ChannelReason.NO_ADDRESS
    if not policy.channel(channel).is_on:
        return "", ChannelReason.CHANNEL_OFF
    contacts = [one for one in reached.contacts if one.channel == channel and one.address] if reached else []
    if not contacts:
        return "", ChannelReason.NO_ADDRESS
    consenting = next((one for one in contacts if one.consent_on is not None), None)
    if consenting is None:
        return "", ChannelReason.NO_CONSENT
    return consenting.address, ChannelReason.AS_PLANNED


def _by_email(customer: Customer | None, reached: Customer | None, reason: ChannelReason, text: str) -> ChannelVerdict:
    to = reached.email if reached is not None else ""
    listed = dict.fromkeys(one.strip() for one in customer.cc) if customer is not None and to else {}
    cc = tuple(one for one in listed if one and one.casefold() != to.casefold())
    return ChannelVerdict(EMAIL, to, cc, reason, text)
