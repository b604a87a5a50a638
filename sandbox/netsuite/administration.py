"""What administrators and controllers set up: subsidiaries, accounts, rates, periods, roles, fields, SuiteApps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from sandbox.netsuite.answers import Guesses, Level
from sandbox.netsuite.books import Books, stored_day
from sandbox.netsuite.catalogue import CustomField
from sandbox.netsuite.ledger import BANKS

ACCOUNT_TYPES = frozenset(
    {"Bank", "AcctRec", "OthCurrAsset", "OthAsset", "OthCurrLiab", "DeferRevenue", "Income", "Expense", "OthIncome",
     "OthExpense", "Equity"}
)  # fmt: skip
DUNNING_LEVELS = 3


class Administration(Books):
    """The books with the hands that set them up. A new account has OneWorld with one subsidiary, kept in dollars."""

    def __init__(self, clock: Callable[[], datetime], sequence: Callable[[str], int], guesses: Guesses) -> None:
        super().__init__(clock, sequence, guesses)
        self._removed: dict[str, CustomField] = {}
        self.first_subsidiary = self.add_subsidiary("Parent Company", "USD")
        with self.saving():
            self.ledger.open(int(self.first_subsidiary))

    @property
    def accounts(self) -> dict[str, str]:
        """The accounts that every sandbox has: role -> internal id."""
        return {role: str(account_id) for role, account_id in self.ledger.roles.items()}

    # ---- the company ----

    def add_subsidiary(self, name: str, currency: str) -> str:
        if not self.catalogue.one_world:
            raise ValueError("an account without OneWorld has no subsidiaries")
        currency_id = self.currency(currency)
        values = {"name": name, "fullname": name, "currency": currency_id, "isinactive": "F"}
        with self.saving():
            return str(self.insert("subsidiary", values))

    def leave_one_world(self) -> None:
        """Make this an account without OneWorld: no subsidiary anywhere, in SOAP or SuiteQL."""
        if self.rows("SELECT COUNT(*) AS n FROM subsidiary")[0]["n"] > 1:
            raise ValueError("an account with several subsidiaries has OneWorld")
        with self.lock:
            self.catalogue.switch_one_world(False)

    def add_term(self, name: str, days: int, discount_percent: str = "", discount_days: int = 0) -> str:
        """Terms of payment; with a percentage there is an early discount for who pays within so many days."""
        values: dict[str, object] = {"name": name, "isinactive": "F", "daysuntilnetdue": days, "datedriven": "F"}
        if discount_percent:
            try:
                share = Decimal(discount_percent)
            except InvalidOperation:
                raise ValueError(f"{discount_percent!r} is no decimal") from None
            if not 0 < share < 100 or discount_days < 0:
                raise ValueError("a discount is above 0 and below 100 percent, for no less than 0 days")
            values |= {"discountpercent": str(share), "daysuntilexpiry": discount_days}
        with self.saving():
            return str(self.insert("term", values))

    def add_account(self, number: str, name: str, type: str, currency: str = "", subsidiary: str = "") -> str:
        """A ledger account. A bank has a currency and a subsidiary, the first one's if nothing is said."""
        if type not in ACCOUNT_TYPES:
            raise ValueError(f"{type!r} is no account type; known: {', '.join(sorted(ACCOUNT_TYPES))}")
        if currency and type not in BANKS:
            raise ValueError("only a bank account has a currency of its own")
        owner = int(subsidiary) if subsidiary else int(self.first_subsidiary) if type in BANKS else None
        with self.saving():
            kept = self.currency(currency) if currency else self.ledger.base(owner or 1) if type in BANKS else None
            return str(self.ledger.add_account(number, name, type, kept, owner))

    def close_account(self, account: str) -> None:
        """Make a ledger account inactive: no new document may name it."""
        with self.saving():
            self.ledger.switch(self.account_id(account), active=False)

    def reopen_account(self, account: str) -> None:
        with self.saving():
            self.ledger.switch(self.account_id(account), active=True)

    def account_id(self, name: str) -> int:
        """An account by its role in every sandbox ('bank', 'clearing', ...) or by its internal id."""
        if name in self.ledger.roles:
            return self.ledger.roles[name]
        if not name.isdecimal():
            raise KeyError(f"no account {name!r}; by role there are {', '.join(self.ledger.roles)}")
        return int(name)

    def set_rate(self, currency: str, rate: str, on: date, base: str = "USD") -> str:
        """From this day on, one unit of the currency is worth `rate` of the base currency."""
        try:
            exact = Decimal(rate)
        except InvalidOperation:
            raise ValueError(f"{rate!r} is no decimal") from None
        if not exact.is_finite() or exact <= 0:
            raise ValueError("a rate is above zero")
        pair: dict[str, object] = {"basecurrency": self.currency(base), "transactioncurrency": self.currency(currency)}
        with self.saving():
            days = {"effectivedate": stored_day(on), "lastmodifieddate": self.now()}
            return str(self.insert("currencyrate", pair | {"exchangerate": str(exact)} | days))

    # ---- periods ----

    def close_period(self, month: str, allow_non_gl_changes: bool = False) -> None:
        """Close '2026-09': nothing may be posted into it; existing credits may be applied only where so allowed."""
        self.periods.close(month, allow_non_gl_changes=allow_non_gl_changes)

    def open_period(self, month: str) -> None:
        """Open a month again, and unlock it."""
        self.periods.open(month)

    def lock_ar(self, month: str) -> None:
        """Lock a month for receivables: the integration's role may not post customer documents into it."""
        self.periods.lock_receivables(month)

    # ---- the integration's role ----

    def revoke(self, permission: str) -> None:
        """Take a permission from the role; answers.py says what then happens."""
        with self.lock:
            self.revoked.add(permission)
            self.catalogue.generation += 1

    def grant(self, permission: str, level: str = "full") -> None:
        """Give the role a permission: view, create, edit or full."""
        with self.lock:
            self.limits[permission] = Level[level.upper()]
            self.revoked.discard(permission)
            self.catalogue.generation += 1

    # ---- fields and SuiteApps ----

    def remove_field(self, script_id: str) -> None:
        """The account no longer has this custom field; its values come back with `restore_field`."""
        with self.saving():
            self._removed[script_id] = self.catalogue.remove_field(self.db, script_id)

    def restore_field(self, script_id: str) -> None:
        with self.saving():
            self.catalogue.add_field(self.db, self._removed.pop(script_id))

    def install_dunning(self) -> str:
        """Install NetSuite's Dunning Letters with one procedure of three levels; the procedure's id.

        Who has no procedure gets no letters: give it by `edit_customer {custentity_3805_dunning_procedure}` or on the
        invoice. Letters are sent by nobody here but when a pause is cleared.
        """
        if self.catalogue.has_dunning:
            raise ValueError("it is installed already")
        with self.saving():
            self.catalogue.install_dunning(self.db)
            made = {"isinactive": "F", "created": self.now(), "lastmodified": self.now()}
            for level in range(1, DUNNING_LEVELS + 1):
                self.insert("customrecord_3805_dunning_level", made | {"name": f"Level {level}"})
            for table in ("customer", "transaction"):
                paused = "custentity_3805_dunning_paused" if table == "customer" else "custbody_3805_dunning_paused"
                self.db.execute(f"UPDATE \"{table}\" SET {paused} = 'F' WHERE {paused} IS NULL")
            return str(self.insert("customrecord_3805_dunning_procedure", made | {"name": "Standard"}))
