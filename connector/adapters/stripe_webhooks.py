"""Is this webhook Stripe's, and of just now? Its body is never read: only its signature counts.

Sources: Stripe's guide "Receive events in your webhook endpoint", on signatures and replay; the SDK of 16.1.0, whose
`verify_header` is asked without its own tolerance, since that measures by another clock and takes any instant to come.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import stripe

HEADER = "stripe-signature"
# Stripe's own default; it signs every delivery anew, so that a repeated one is never older.
REPLAY_WINDOW = timedelta(minutes=5)
_SIGNED_AT = re.compile(r"(?:^|,)t=(\d{1,11})(?=,|$)", re.ASCII)


def is_genuine(body: bytes, signature: str, secret: str, now: datetime) -> bool:
    """Was this very body signed with our endpoint's secret, at most five minutes before or after now?"""
    signed = _SIGNED_AT.findall(signature)
    if len(signed) != 1:
        return False
    try:
        at = datetime.fromtimestamp(int(signed[0]), UTC)
        stripe.WebhookSignature.verify_header(body.decode("utf-8"), signature, secret)
    except (stripe.SignatureVerificationError, ArithmeticError, TypeError, ValueError, OSError):
        # TypeError: the SDK compares texts of ASCII only.
        return False
    return abs(now - at) <= REPLAY_WINDOW
