"""Who is asking? Token-based authentication of SOAP and OAuth 1 of REST, really verified.

Timestamps are held against the real time, not the world's: the caller signs with its machine's clock.
Sources: Oracle help section_4395630653 (token passport); RFC 5849 for REST.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlsplit

CLOCK_SKEW_SECONDS_MAX = 300
_NONCE = re.compile(r"[A-Za-z0-9]{6,64}")
_HEADER_PART = re.compile(r'\s*([a-z_]+)="([^"]*)"\s*')


@dataclass(frozen=True, slots=True)
class Credentials:
    """Test strings, fixed, worth nothing anywhere else."""

    account: str  # as in the passport: upper case, underscore
    consumer_key: str = "sandbox-consumer-key"
    consumer_secret: str = field(default="sandbox-consumer-secret", repr=False)
    token_id: str = "sandbox-token-id"
    token_secret: str = field(default="sandbox-token-secret", repr=False)

    def sign(self, text: str) -> str:
        key = f"{quote(self.consumer_secret, safe='~')}&{quote(self.token_secret, safe='~')}"
        return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()


@dataclass(frozen=True, slots=True)
class Passport:
    account: str
    consumer_key: str
    token: str
    nonce: str
    timestamp: str
    signature: str
    algorithm: str


class Guard:
    """Verifies each request once. `problem` texts are for the sandbox's log, callers only learn "invalid login"."""

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials
        self._lock = threading.Lock()
        self._nonces: dict[tuple[str, str], float] = {}

    def passport_problem(self, passport: Passport) -> str:
        """Why is this token passport not valid? Empty means that it is."""
        ours = self.credentials
        text = "&".join((passport.account, passport.consumer_key, passport.token, passport.nonce, passport.timestamp))
        if passport.algorithm != "HMAC-SHA256":
            return f"the algorithm is {passport.algorithm}, not HMAC-SHA256"
        if passport.account != ours.account:
            return f"the account is {passport.account}, not {ours.account}"
        if (passport.consumer_key, passport.token) != (ours.consumer_key, ours.token_id):
            return "the consumer key or the token is not known"
        if not hmac.compare_digest(ours.sign(text), passport.signature):
            return "the signature does not fit"
        if not _NONCE.fullmatch(passport.nonce):
            return "the nonce is not 6 to 64 letters and digits"
        return self._stale(passport.nonce, passport.timestamp)

    def oauth_problem(self, method: str, url: str, authorization: str, body: bytes) -> str:
        """Why is this OAuth 1 header not valid? Empty means that it is."""
        ours = self.credentials
        scheme, _, rest = authorization.partition(" ")
        given = {name: unquote(value) for name, value in _HEADER_PART.findall(rest)}
        if scheme != "OAuth" or not given:
            return "there is no OAuth header"
        if given.get("realm") != ours.account:
            return f"the realm is {given.get('realm', 'missing')}, not {ours.account}"
        if given.get("oauth_signature_method") != "HMAC-SHA256":
            return "the signature method is not HMAC-SHA256"
        if (given.get("oauth_consumer_key"), given.get("oauth_token")) != (ours.consumer_key, ours.token_id):
            return "the consumer key or the token is not known"
        signed = [(name, value) for name, value in given.items() if name not in ("realm", "oauth_signature")]
        base = base_string(method, url, signed)
        if not hmac.compare_digest(ours.sign(base), given.get("oauth_signature", "")):
            return "the signature does not fit"
        if "oauth_body_hash" in given and given["oauth_body_hash"] not in body_hashes(body):
            return "the body hash does not fit"
        return self._stale(given.get("oauth_nonce", ""), given.get("oauth_timestamp", ""))

    def _stale(self, nonce: str, timestamp: str) -> str:
        now = time.time()
        if not timestamp.isascii() or not timestamp.isdigit() or abs(now - int(timestamp)) > CLOCK_SKEW_SECONDS_MAX:
            return "the timestamp is more than five minutes off"
        with self._lock:
            oldest = now - 2 * CLOCK_SKEW_SECONDS_MAX
            if len(self._nonces) > 10_000:
                self._nonces = {key: seen for key, seen in self._nonces.items() if seen > oldest}
            if self._nonces.get((nonce, timestamp), 0) > oldest:
                return "the nonce was used before"
            self._nonces[nonce, timestamp] = now
        return ""


def base_string(method: str, url: str, signed: Iterable[tuple[str, str]]) -> str:
    """RFC 5849, 3.4.1: the method, the URL without its query, and all parameters in order."""
    parts = urlsplit(url)
    default_port = {"http": ":80", "https": ":443"}[parts.scheme]
    host = parts.netloc.lower().removesuffix(default_port)
    parameters = [*signed, *parse_qsl(parts.query, keep_blank_values=True)]
    encoded = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in parameters)
    normal = "&".join(f"{name}={value}" for name, value in encoded)
    plain = f"{parts.scheme}://{host}{parts.path or '/'}"
    return "&".join((method.upper(), quote(plain, safe="~"), quote(normal, safe="~")))


def body_hashes(body: bytes) -> tuple[str, ...]:
    """Clients send SHA-1 of the body here even when they sign with SHA-256 (seen in authlib)."""
    return tuple(base64.b64encode(hashlib.new(name, body).digest()).decode() for name in ("sha1", "sha256"))
