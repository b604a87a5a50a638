"""From SuiteQL's meaning to SQLite's: amounts that are scaled integers, dates that are text, BUILTIN.DF.

Every expression gets a kind. An amount met by a plain number scales the number; a date met by a string wants TO_DATE or
the user's own format. Works on a query whose columns `qualify` has resolved.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import Scope, traverse_scope

from sandbox.netsuite.amounts import PLACES, units
from sandbox.netsuite.catalogue import SHOWN, Column, Kind

ALLOWED = (
    exp.And, exp.Or, exp.Abs, exp.Avg, exp.Case, exp.Cast, exp.Coalesce, exp.Concat, exp.Count, exp.CurrentDate,
    exp.CurrentTimestamp, exp.DecodeCase, exp.Exists, exp.GroupConcat, exp.If, exp.Length, exp.Lower, exp.Max, exp.Min,
    exp.Nullif, exp.Nvl2, exp.Replace, exp.Round, exp.StrToDate, exp.StrToTime, exp.Substring, exp.Sum, exp.ToChar,
    exp.ToNumber, exp.Trim, exp.Upper,
)  # fmt: skip
COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
DISPLAY = "ns_df"
_FORMATS = (
    ("YYYY", "%Y"),
    ("HH24", "%H"),
    ("MI", "%M"),
    ("SS", "%S"),
    ("MM", "%m"),
    ("DD", "%d"),
    ("MON", "%b"),
    ("YY", "%y"),
)


def oracle_format(form: str) -> str:
    """'YYYY-MM-DD HH24:MI:SS' as strftime writes it."""
    result, rest = "", form.upper()
    while rest:
        for word, code in _FORMATS:
            if rest.startswith(word):
                result, rest = result + code, rest[len(word) :]
                break
        else:
            if rest[0].isalpha():
                raise SqlglotError(f"the date format {form} is not played")
            result, rest = result + rest[0], rest[1:]
    return result


def call(name: str, *args: exp.Expr) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=list(args))


class Rewriter:
    def __init__(self, tables: Mapping[str, Mapping[str, Column]]) -> None:
        self._tables = tables
        self._columns: dict[int, Column] = {}
        self._kinds: dict[int, Kind] = {}
        self._query_kinds: dict[int, dict[str, Kind]] = {}
        self._kept: list[exp.Expr] = []  # replaced nodes stay alive, so that no id comes twice

    @staticmethod
    def prepare(query: exp.Expr) -> None:
        """Before columns are resolved: one case for all names, BUILTIN.DF as a function, only known functions."""
        for identifier in query.find_all(exp.Identifier):
            identifier.set("this", str(identifier.this).lower())
            identifier.set("quoted", False)
        for dot in list(query.find_all(exp.Dot)):
            function = dot.expression
            name = function.name.lower() if isinstance(function, exp.Anonymous) else ""
            if dot.this.name != "builtin" or name != "df" or len(function.expressions) != 1:
                raise SqlglotError(f"{dot.sql()[:60]} is not played")
            dot.replace(call("builtin_df", *function.expressions))
        for function in query.find_all(exp.Func):
            name = function.name.lower() if isinstance(function, exp.Anonymous) else ""
            if name not in ("trunc", "builtin_df") and not isinstance(function, ALLOWED):
                raise SqlglotError(f"Invalid or unsupported function {name or function.sql_name()}")
        for column in query.find_all(exp.Column):
            if column.name == "rownum":
                raise SqlglotError("ROWNUM is not played: use limit, offset and ORDER BY")

    def rewrite(self, query: exp.Expr) -> list[Kind]:
        """Rewrite in place; the kinds of the outermost columns."""
        kinds: list[Kind] = []
        for scope in traverse_scope(query):
            self._resolve(scope)
            kinds = self._projections(scope)
            query_of_scope = cast(exp.Query, scope.expression)
            self._query_kinds[id(query_of_scope)] = dict(zip(query_of_scope.named_selects, kinds, strict=True))
        return kinds

    # ---- columns ----

    def _resolve(self, scope: Scope) -> None:
        for column in scope.columns:
            self._columns[id(column)] = self._column(column, scope)

    def _column(self, column: exp.Column, scope: Scope) -> Column:
        place: Scope | None = scope
        while place is not None:
            source = place.sources.get(column.table)
            if isinstance(source, exp.Table):
                found = self._tables[source.name].get(column.name)
                if found is None:
                    raise SqlglotError(f"Unknown identifier '{column.name}' in record '{source.name}'.")
                return found
            if isinstance(source, Scope):
                return Column(column.name, self._query_kinds[id(source.expression)].get(column.name, Kind.TEXT))
            place = place.parent
        raise SqlglotError(f"Unknown identifier '{column.sql()}'.")

    def _projections(self, scope: Scope) -> list[Kind]:
        if isinstance(scope.expression, exp.SetOperation):
            return list(self._query_kinds[id(scope.expression.left.unnest())].values())
        kinds = [self._kind(projection) for projection in cast(exp.Query, scope.expression).selects]
        for name in ("joins", "where", "group", "having", "order", "qualify"):
            parts = scope.expression.args.get(name) or []
            for part in parts if isinstance(parts, list) else [parts]:
                self._kind(part)
        return kinds

    # ---- kinds ----

    def _kind(self, node: exp.Expr) -> Kind:
        """The kind of an expression; on the way its parts are rewritten. Each node is visited once."""
        known = self._kinds.get(id(node))
        if known is None:
            known = self._infer(node)
            self._kinds[id(node)] = known
        return known

    def _infer(self, node: exp.Expr) -> Kind:
        if isinstance(node, exp.Column):
            column = self._columns.get(id(node))
            return column.kind if column else Kind.TEXT  # without a column it is an alias in ORDER BY
        if isinstance(node, exp.Literal):
            return Kind.TEXT if node.is_string else Kind.NUMBER
        if isinstance(node, (exp.Subquery, exp.Query)):
            return self._subquery_kind(node)
        if isinstance(node, exp.Anonymous) and node.name == "builtin_df":
            return self._display(node)
        parts = [self._kind(part) for part in list(node.iter_expressions()) if not isinstance(part, exp.Identifier)]
        if isinstance(node, COMPARISONS):
            self._align([node.this, node.expression])
        elif isinstance(node, exp.In):
            self._align([node.this, *node.expressions])
        elif isinstance(node, exp.Between):
            self._align([node.this, node.args["low"], node.args["high"]])
        elif isinstance(node, (exp.Add, exp.Sub)):
            return self._sum(node)
        elif isinstance(node, (exp.Mul, exp.Div)):
            return self._product(node)
        elif isinstance(node, (exp.DPipe, exp.Concat)):
            return self._text_of(node)
        elif isinstance(node, exp.Func):
            return self._function(node)
        elif isinstance(node, (exp.Alias, exp.Paren, exp.Neg, exp.Distinct, exp.Ordered)) and parts:
            return parts[0]
        return Kind.TEXT

    def _subquery_kind(self, node: exp.Expr) -> Kind:
        """A scalar subquery was rewritten as a scope of its own, before the one around it."""
        query = node.unnest() if isinstance(node, exp.Subquery) else node
        return next(iter(self._query_kinds.get(id(query), {}).values()), Kind.TEXT)

    def _align(self, nodes: list[exp.Expr]) -> Kind:
        """Bring what meets an amount or a date to the same form; what kind is it then?"""
        kinds = [self._kind(node) for node in nodes]
        for kind in (Kind.MONEY, Kind.DATE):
            if kind in kinds:
                for node, own in zip(nodes, kinds, strict=True):
                    if own is not kind:
                        self._convert(node, own, kind)
                return kind
        return kinds[0] if kinds else Kind.TEXT

    def _convert(self, node: exp.Expr, own: Kind, wanted: Kind) -> None:
        if isinstance(node, exp.Null):
            return
        if wanted is Kind.DATE:
            self._replace(node, call("ns_user_date", node.copy()), Kind.DATE)
        elif isinstance(node, exp.Literal):
            try:
                self._replace(node, exp.Literal.number(units(node.name)), Kind.MONEY)
            except ValueError:
                raise SqlglotError(f"{node.name} is no amount") from None
        elif own is Kind.NUMBER:
            self._replace(node, exp.Paren(this=exp.Mul(this=node.copy(), expression=_scale())), Kind.MONEY)
        else:
            self._replace(node, call("ns_units", node.copy()), Kind.MONEY)

    def _replace(self, node: exp.Expr, new: exp.Expr, kind: Kind) -> Kind:
        # The copies inside were rewritten already; marking them keeps them from being visited again.
        for inner in new.walk():
            self._kinds.setdefault(id(inner), kind)
        self._kept += [node, new]
        node.replace(new)
        return kind

    # ---- operators and functions ----

    def _sum(self, node: exp.Binary) -> Kind:
        left, right = self._kind(node.this), self._kind(node.expression)
        if left is Kind.DATE and right is Kind.DATE and isinstance(node, exp.Sub):
            return self._replace(node, call("ns_days_between", node.this.copy(), node.expression.copy()), Kind.NUMBER)
        if left is Kind.DATE:
            days = node.expression.copy()
            days = exp.Neg(this=exp.Paren(this=days)) if isinstance(node, exp.Sub) else days
            return self._replace(node, call("ns_add_days", node.this.copy(), days), Kind.DATE)
        return self._align([node.this, node.expression]) if Kind.MONEY in (left, right) else Kind.NUMBER

    def _product(self, node: exp.Binary) -> Kind:
        kinds = [self._kind(node.this), self._kind(node.expression)]
        if kinds == [Kind.MONEY, Kind.MONEY]:
            if isinstance(node, exp.Mul):
                raise SqlglotError("two amounts can't be multiplied")
            real = exp.Cast(this=node.this.copy(), to=exp.DataType.build("REAL"))
            node.this.replace(real)
            return Kind.NUMBER
        if isinstance(node, exp.Div):
            if kinds[1] is Kind.MONEY:
                raise SqlglotError("a number can't be divided by an amount")
            node.this.replace(exp.Cast(this=node.this.copy(), to=exp.DataType.build("REAL")))
        return Kind.MONEY if Kind.MONEY in kinds else Kind.NUMBER

    def _text_of(self, node: exp.Expr) -> Kind:
        for part in list(node.iter_expressions()):
            kind = self._kind(part)
            if kind is Kind.MONEY:
                self._replace(part, call("ns_plain", part.copy()), Kind.TEXT)
            elif kind is Kind.DATE:
                self._replace(part, call("ns_to_char", part.copy(), exp.Literal.string("MM/DD/YYYY")), Kind.TEXT)
        return Kind.TEXT

    def _function(self, node: exp.Func) -> Kind:
        if isinstance(node, (exp.Sum, exp.Min, exp.Max, exp.Avg, exp.Abs)):
            return self._kind(node.this)
        if isinstance(node, exp.Coalesce):
            return self._align([node.this, *node.expressions])
        if isinstance(node, exp.Nvl2):
            return self._align([part for part in (node.args.get("true"), node.args.get("false")) if part is not None])
        if isinstance(node, exp.Case):
            branches = [branch.args["true"] for branch in node.args["ifs"]]
            otherwise = node.args.get("default")
            if node.this is not None:
                self._align([node.this, *(branch.this for branch in node.args["ifs"])])
            return self._align(branches if otherwise is None else [*branches, otherwise])
        if isinstance(node, exp.DecodeCase):
            return self._decode(node)
        if isinstance(node, exp.Round):
            return self._round(node)
        if isinstance(node, exp.Nullif):
            return self._align([node.this, node.expression])
        if isinstance(node, (exp.Count, exp.Length)):
            return Kind.NUMBER
        return self._conversion(node)

    def _decode(self, node: exp.DecodeCase) -> Kind:
        """DECODE(x, a, b, c, d, otherwise): a and c meet x, b and d and the rest are the results."""
        value, *rest = node.expressions
        self._align([value, *rest[0 : len(rest) // 2 * 2 : 2]])
        results = rest[1::2] + (rest[-1:] if len(rest) % 2 else [])
        return self._align(results)

    def _round(self, node: exp.Round) -> Kind:
        kind = self._kind(node.this)
        if kind is not Kind.MONEY:
            return kind
        places = node.args.get("decimals") or exp.Literal.number(0)
        return self._replace(node, call("ns_round", node.this.copy(), places.copy()), Kind.MONEY)

    def _conversion(self, node: exp.Func) -> Kind:
        if isinstance(node, exp.ToChar):
            return self._to_char(node)
        if isinstance(node, (exp.StrToDate, exp.StrToTime)):
            form = node.args.get("format")
            if not isinstance(form, exp.Literal):
                raise SqlglotError("TO_DATE wants a date format")
            return self._replace(node, call("ns_to_date", node.this.copy(), form.copy()), Kind.DATE)
        if isinstance(node, (exp.CurrentTimestamp, exp.CurrentDate)):
            return self._replace(node, call("ns_now"), Kind.DATE)
        if isinstance(node, exp.ToNumber):
            if self._kind(node.this) is Kind.MONEY:
                return self._replace(node, node.this.copy(), Kind.MONEY)
            to = exp.DataType.build("DECIMAL")
            return self._replace(node, exp.Cast(this=node.this.copy(), to=to), Kind.NUMBER)
        if isinstance(node, exp.Anonymous) and node.name.lower() == "trunc":
            if self._kind(node.expressions[0]) is not Kind.DATE or len(node.expressions) != 1:
                raise SqlglotError("TRUNC is played for a date alone")
            day = exp.Substring(this=node.expressions[0].copy(), start=_number(1), length=_number(10))
            midnight = exp.DPipe(this=day, expression=exp.Literal.string(" 00:00:00"))
            return self._replace(node, exp.Paren(this=midnight), Kind.DATE)
        return Kind.TEXT

    def _to_char(self, node: exp.ToChar) -> Kind:
        kind, form = self._kind(node.this), node.args.get("format")
        if kind is Kind.MONEY and form is None:
            return self._replace(node, call("ns_plain", node.this.copy()), Kind.TEXT)
        if kind is not Kind.DATE:
            if form is not None:
                raise SqlglotError("TO_CHAR with a format is played for dates alone")
            return self._replace(node, exp.Cast(this=node.this.copy(), to=exp.DataType.build("TEXT")), Kind.TEXT)
        text = form.name if isinstance(form, exp.Literal) else "MM/DD/YYYY"
        oracle_format(text)
        # The two usual formats without a call into Python for each row.
        if text.upper() == "YYYY-MM-DD":
            day = exp.Substring(this=node.this.copy(), start=_number(1), length=_number(10))
            return self._replace(node, day, Kind.TEXT)
        if text.upper() == "YYYY-MM-DD HH24:MI:SS":
            return self._replace(node, exp.Paren(this=node.this.copy()), Kind.TEXT)
        return self._replace(node, call("ns_to_char", node.this.copy(), exp.Literal.string(text)), Kind.TEXT)

    def _display(self, node: exp.Anonymous) -> Kind:
        """BUILTIN.DF(column): the name of what the column refers to."""
        shown = node.expressions[0]
        if not isinstance(shown, exp.Column):
            raise SqlglotError("BUILTIN.DF takes a column")
        column = self._columns[id(shown)]
        if column.refers in SHOWN:
            inner = exp.column("id", table="ns_shown")
            name = exp.column(SHOWN[column.refers], table="ns_shown")
            table = exp.alias_(exp.to_table(column.refers), "ns_shown", table=True)
            query = exp.select(name).from_(table).where(exp.EQ(this=inner, expression=shown.copy()))
            return self._replace(node, query.subquery(), Kind.TEXT)
        if column.name == "status":
            kind = exp.column("type", table=shown.table)
            return self._replace(node, call("ns_status", kind, shown.copy()), Kind.TEXT)
        function = {"type": "ns_type", "approvalstatus": "ns_approval"}.get(column.name)
        if function is None:
            return self._replace(node, exp.Paren(this=shown.copy()), column.kind)
        return self._replace(node, call(function, shown.copy()), Kind.TEXT)


def _number(value: int) -> exp.Literal:
    return cast(exp.Literal, exp.Literal.number(value))


def _scale() -> exp.Literal:
    return _number(10**PLACES)
