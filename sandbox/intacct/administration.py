"""What administrators and controllers set up: entities, accounts, terms, rates, periods, permissions, fields."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from sandbox.intacct.books import PERMISSIONS, Guesses
from sandbox.intacct.writing import Writing

ACCOUNT_TYPES = frozenset(
    {"Bank", "AcctRec", "OthCurrAsset", "OthAsset", "OthCurrLiab", "DeferRevenue", "Income", "Expense", "OthIncome",
     "OthExpense", "Equity"}
)  # fmt: skip
DUNNING_LEVELS = 3


class Administration(Writing):
    """The books with the hands that set them up. A new company is one entity, kept in dollars."""

    def __init__(
        self, clock: Callable[[], datetime], sequence: Callable[[str], int], guesses: Guesses | None = None
    ) -> None:
        super().__init__(clock, sequence, guesses)
        with self.saving():
            self.ledger.open()

    @property
    def accounts(self) -> dict[str, str]:
        """The accounts that every sandbox has: role -> checking account, or number of the ledger account."""
        return dict(self.ledger.roles)

    # ---- the company ----

    def add_entity(self, id: str, name: str = "", currency: str = "USD", private: bool = True) -> str:
        """An entity. What people bill for it is entered in it and belongs to it alone; without `private` at the top
        level, where everybody sees it, and only the lines name the entity as their location."""
        now = self.now()
        values: dict[str, object] = {"locationid": id, "name": name or id, "currency": currency, "status": "active"}
        values["_private"] = int(private)
        with self.saving():
            self.insert("entity", values | {"auwhencreated": now, "whenmodified": now})
        return id

    def add_subsidiary(self, name: str, currency: str) -> str:
        """An entity by another word; its id is made from the name."""
        return self.add_entity("".join(one for one in name if one.isalnum() or one == "-") or "E", name, currency)

    @property
    def first_subsidiary(self) -> str:
        """The top level, where everything is that belongs to no entity."""
        return ""

    def leave_one_world(self) -> None:
        raise LookupError("Intacct has no account with or without OneWorld")

    def lock_ar(self, month: str) -> None:
        raise LookupError("Intacct locks receivables with the whole period; close it")

    def add_term(self, name: str, days: int, discount_percent: str = "", discount_days: int = 0) -> str:
        """Terms of payment; with a percentage there is an early discount for who pays within so many days."""
        values: dict[str, object] = {"name": name, "duedate": days, "status": "active"}
        if discount_percent:
            if not 0 < _exact(discount_percent) < 100 or discount_days < 0:
                raise ValueError("a discount is above 0 and below 100 percent, for no less than 0 days")
            values |= {"discamount": str(_exact(discount_percent)), "discdate": discount_days}
        now = self.now()
        with self.saving():
            self.insert("term", values | {"auwhencreated": now, "whenmodified": now})
        return name

    def add_account(self, number: str, name: str, type: str, currency: str = "", subsidiary: str = "") -> str:
        """A ledger account; its id as `accounts` names it. A bank is a checking account too, in one currency."""
        if type not in ACCOUNT_TYPES:
            raise ValueError(f"{type!r} is no account type; known: {', '.join(sorted(ACCOUNT_TYPES))}")
        if currency and type != "Bank":
            raise ValueError("only a bank account has a currency of its own")
        with self.saving():
            made = self.ledger.add_account(number, name, type)
            if type != "Bank":
                return made
            kept = currency or self.ledger.base(subsidiary)
            return self.ledger.add_bank(f"CHK-{made}", name, made, kept, subsidiary)

    def close_account(self, account: str) -> None:
        """Make a ledger account inactive: no new document may name it."""
        self._switch(account, "inactive")

    def reopen_account(self, account: str) -> None:
        self._switch(account, "active")

    def _switch(self, account: str, status: str) -> None:
        account_id = self.account_id(account)
        with self.saving():
            number = self.ledger.number(account_id)
            self.db.execute("UPDATE account SET status = ? WHERE accountno = ?", (status, number))
            self.db.execute("UPDATE bank SET status = ? WHERE glaccountno = ?", (status, number))

    def account_id(self, name: str) -> str:
        """An account by its role in every sandbox ('bank', 'clearing', ...), its number, or a checking account's id."""
        if name in self.ledger.roles:
            return self.ledger.roles[name]
        sql = "SELECT 1 FROM account WHERE accountno = ? UNION SELECT 1 FROM bank WHERE bankaccountid = ?"
        if self.row(sql, name, name) is None:
            raise KeyError(f"no account {name!r}; by role there are {', '.join(self.ledger.roles)}")
        return name

    def set_rate(self, currency: str, rate: str, on: date, base: str = "USD") -> str:
        """From this day on, one unit of the currency is worth `rate` of the base currency."""
        exact = _exact(rate)
        if exact <= 0:
            raise ValueError("a rate is above zero")
        values = {"base": base, "currency": currency, "day": on.isoformat(), "rate": str(exact)}
        with self.saving():
            return str(self.insert("rate", values))

    # ---- periods ----

    def close_period(self, month: str, allow_non_gl_changes: bool = False, entity: str = "") -> None:
        """Close '2026-09', for everybody or for one entity: nothing may be posted into it."""
        if allow_non_gl_changes:
            raise LookupError("Intacct has no closed periods that still take applications of credits")
        with self.saving():
            self.periods.close(month, entity)

    def open_period(self, month: str, entity: str = "") -> None:
        """Open a month again; without an entity for everybody."""
        with self.saving():
            self.periods.open(month, entity)

    # ---- the integration's user ----

    def revoke(self, permission: str) -> None:
        """Take a permission from the integration's user: an object's name (to see it at all), or one of post_payments,
        create_payments, reverse_payments, create_advances, edit_invoices, edit_custom_objects, create_deposits,
        create_other_receipts, create_journals."""
        with self.lock:
            self.revoked.add(_permission(permission))

    def grant(self, permission: str, level: str = "full") -> None:
        """Give it back; there are no levels but all of it."""
        if level != "full":
            raise LookupError("the sandbox's Intacct knows a permission or none, without levels")
        with self.lock:
            self.revoked.discard(_permission(permission))

    # ---- fields ----

    def remove_field(self, name: str, object_name: str = "") -> None:
        """The company no longer has this custom field (of one object, or of all that have it); what stood in it comes
        back with `restore_field`. The name of a custom object removes that as a whole."""
        with self.lock:
            if (kind := self.catalogue.object(name)) is not None and kind.key == "id":
                self.catalogue.remove_object(name)
            else:
                self.catalogue.remove_field(name, object_name)

    def restore_field(self, name: str, object_name: str = "") -> None:
        with self.lock:
            if name.upper() in PERMISSIONS and self.catalogue.object(name) is None:
                self.catalogue.restore_object(name)
            else:
                self.catalogue.restore_field(name, object_name)

    def install_dunning(self) -> str:
        """Define Intacct's own dunning with three levels; the first one's record number. Its notices are printed or
        mailed by hand, from the screen alone (developer.intacct.com, dunning)."""
        if self.row("SELECT 1 FROM dunning") is not None:
            raise ValueError("it is defined already")
        now = self.now()
        with self.saving():
            made = [
                self.insert(
                    "dunning",
                    {
                        "dunningdefinitionid": f"Level-{level}",
                        "printtemplatename": "AR Dunning Notice - Standard",
                        "noticesequence": "DUN",
                        "mindays": 30 * level - 29,
                        "maxdays": 30 * level if level < DUNNING_LEVELS else None,
                        "auwhencreated": now,
                        "whenmodified": now,
                    },
                )
                for level in range(1, DUNNING_LEVELS + 1)
            ]
            return str(made[0])


def _permission(name: str) -> str:
    known = name if name in PERMISSIONS else name.upper()
    if known not in PERMISSIONS:
        raise KeyError(f"no permission {name!r}; there are {', '.join(sorted(PERMISSIONS))}")
    return known


def _exact(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is no decimal") from None
    if not value.is_finite():
        raise ValueError(f"{text!r} is no decimal")
    return value
