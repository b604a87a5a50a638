"""What both of NetSuite's services share: what an answer means, by its status and for people."""

from __future__ import annotations

import re
from http.cookiejar import DefaultCookiePolicy

from connector.adapters.lanes import TooMany
from connector.errors import ConnectorError, Terminal, Transient

LOGIN_REMEDY = (
    "Check the account id and the four token values; the token's role needs the permissions Log in using Access "
    "Tokens, SOAP Web Services and REST Web Services, and the features of the same names must be on"
)
BUSY_REMEDY = "Other integrations share the account's request limit; if this stays, lower their number of requests"


def no_cookies() -> DefaultCookiePolicy:
    """Keeps a cookie jar empty: a session cookie beside a token is "ambiguous authentication" to NetSuite."""
    return DefaultCookiePolicy(allowed_domains=[])


def too_many(doing: str, came_back: str, retry_after: str = "") -> TooMany:
    asked = float(retry_after) if re.fullmatch(r"\d{1,4}", retry_after) else None
    return TooMany(f"{doing}: {came_back}. Nothing was done; the next tick tries again. {BUSY_REMEDY}.", asked)


def unavailable(doing: str, came_back: str) -> Transient:
    return Transient(f"{doing}: {came_back}. The next tick tries again. If it stays, look at status.netsuite.com.")


def refused(doing: str, came_back: str, remedy: str) -> Terminal:
    return Terminal(f"{doing}: {came_back}. Nothing was done, and it will be refused again. {remedy}.")


def by_http_status(doing: str, code: int, retry_after: str = "") -> ConnectorError | None:
    """What an HTTP status says by itself; None for 200 and for those whose body has to be read."""
    if code == 429:
        return too_many(doing, "HTTP 429, too many requests at once", retry_after)
    if code == 401:
        return refused(doing, "HTTP 401, the login was refused", LOGIN_REMEDY)
    if code == 403:
        return refused(doing, "HTTP 403, the role lacks a permission", "Grant it to the integration role")
    return None


def words(text: str, limit: int = 300) -> str:
    """A vendor's sentence on one line, bounded and without its full stop, for an error message."""
    return " ".join(text.split())[:limit].rstrip(".")
