"""Conditions that finance writes in the policy, in the Common Expression Language (CEL).

The only room that knows its library. What is accepted is a part of CEL in which nothing can loop and whose every name
and type is known before anything is decided: comparisons, `in`, `&&`, `||`, `!`, sums, brackets, lists of words and
numbers, and startsWith, endsWith and contains. The names are those of `VARIABLES`. Whatever else is written is refused
with its position, in plain words, when the policy is read.

Two things are done to a text before CEL sees it. Whole numbers get decimals, since CEL doesn't compare the one with the
other. Words lose their capitals, like the facts that they are compared with, as in all criteria of the policy.

What is not known makes every comparison with it untrue, in both directions: where the tier isn't known, neither
`customer.tier == "smb"` nor `customer.tier != "smb"` holds. `known.customer.tier` asks whether it is.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache, cached_property, lru_cache

import iso4217
from cel_expr_python import cel

from connector.money import Money, MoneyError, exponent
from connector.receivables import OpenInvoice, Profile, Trend

# Bounds on one condition. None can loop, so its length and depth bound its work.
TEXT_MAX = 1000
DEPTH_MAX = 15
# Texts whose programs are kept: far more than all policies of a day have.
_PROGRAMS_KEPT = 4096

# A number here is only ever compared, never added up or paid. Amounts of up to 15 digits keep their order as floats,
# since both sides of a comparison are rounded alike.
Fact = str | bool | float | list[str]


class Kind(StrEnum):
    """What one may do with a variable."""

    NUMBER = "number"
    AMOUNT = "amount"  # a number for each currency: invoice.amount.USD
    WORD = "word"
    YES_NO = "yes or no"
    WORDS = "list of words"


@dataclass(frozen=True, slots=True)
class Variable:
    """`may_lack`: not known of everybody; `known.` before its name asks for it."""

    kind: Kind
    meaning: str
    may_lack: bool = False


VARIABLES: Mapping[str, Variable] = {
    "customer.tier": Variable(Kind.WORD, "its tier, as the ERP or else the CRM calls it", True),
    "customer.contract_type": Variable(Kind.WORD, "the type of its contract", True),
    "customer.billing_model": Variable(Kind.WORD, "how it is billed, such as subscription or usage", True),
    "customer.relationship": Variable(Kind.WORD, "how we stand to it, such as partner", True),
    "customer.country": Variable(Kind.WORD, "its country, as two letters", True),
    "customer.arr": Variable(Kind.AMOUNT, "its annual recurring revenue", True),
    "customer.is_strategic": Variable(Kind.YES_NO, "the CRM calls it strategic"),
    "customer.days_to_renewal": Variable(Kind.NUMBER, "days until its contract renews; negative afterwards", True),
    "customer.days_as_customer": Variable(Kind.NUMBER, "days since its first invoice", True),
    "customer.settled_invoices": Variable(Kind.NUMBER, "invoices that it settled in the last 365 days"),
    "customer.average_days_late": Variable(Kind.NUMBER, "by how much it settled them late; negative if early", True),
    "customer.late_last_quarter": Variable(Kind.NUMBER, "invoices that it settled late in the last 90 days"),
    "customer.late_last_year": Variable(Kind.NUMBER, "invoices that it settled late in the last 365 days"),
    "customer.trend": Variable(Kind.WORD, "better, steady or worse", True),
    "customer.disputes_last_year": Variable(Kind.NUMBER, "invoices of the last 365 days that it disputed"),
    "invoice.amount": Variable(Kind.AMOUNT, "what was billed"),
    "invoice.balance": Variable(Kind.AMOUNT, "what is still owed"),
    "invoice.askable": Variable(Kind.AMOUNT, "what is still owed and not disputed"),
    "invoice.currency": Variable(Kind.WORD, "its currency, such as USD"),
    "invoice.is_disputed": Variable(Kind.YES_NO, "at least one of its lines is disputed"),
    "invoice.days_past_due": Variable(Kind.NUMBER, "calendar days past its due date; 0 on the day, negative before"),
    "invoice.terms": Variable(Kind.WORD, "its terms, as the ERP writes them, such as Net 30", True),
    "invoice.terms_days": Variable(Kind.NUMBER, "days from its issue to its due date"),
    "invoice.line_kinds": Variable(Kind.WORDS, "the kinds of its lines, such as subscription, usage and services"),
    "invoice.subsidiary": Variable(Kind.WORD, "our subsidiary that it belongs to, by its internal id", True),
}
KNOWN = "known."
_KNOWN = {f"{KNOWN}{name}": name for name, variable in VARIABLES.items() if variable.may_lack}
_AMOUNTS = tuple(name for name, variable in VARIABLES.items() if variable.kind is Kind.AMOUNT)
_WORDS = ("true", "false", "in")
FUNCTIONS = ("startsWith", "endsWith", "contains")
_OPERATORS = (
    "!_",
    "_&&_",
    "_||_",
    "_==_",
    "_!=_",
    "_<_",
    "_<=_",
    "_>_",
    "_>=_",
    "_+_",
    "_-_",
    "_*_",
    "_/_",
    "-_",
    "@in",
)


class ConditionError(ValueError):
    """A condition that can't be used. `position` counts the characters of its text from 0."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


@dataclass(frozen=True)
class Values:
    """The facts that conditions ask for, by the names of `VARIABLES`; what isn't known isn't in it."""

    facts: Mapping[str, Fact]

    def __or__(self, others: Values) -> Values:
        return Values({**self.facts, **others.facts})

    @cached_property
    def activation(self) -> cel.Activation:
        return _env().Activation(self.facts)

    def figure(self, name: str) -> str:
        """What a person reads: 'customer.trend is worse'."""
        fact = self.facts.get(name)
        if fact is None:
            shown = [f"{key} is {_shown(value)}" for key, value in self.facts.items() if key.startswith(f"{name}.")]
            return ", ".join(shown) or f"{name} is not known"
        return f"{name} is {_shown(fact)}"


def customer_values(profile: Profile, on: date) -> Values:
    """What a customer's profile says on this day."""
    traits, history = profile.traits, profile.history
    facts: dict[str, Fact | None] = {
        "customer.tier": _word(traits.tier),
        "customer.contract_type": _word(traits.contract_type),
        "customer.billing_model": _word(traits.billing_model),
        "customer.relationship": _word(traits.relationship),
        "customer.country": _word(traits.country),
        "customer.is_strategic": profile.is_strategic,
        "customer.days_to_renewal": _days(on, profile.renews_on),
        "customer.days_as_customer": _days(history.first_invoiced_on, on),
        "customer.settled_invoices": _number(history.settled_count),
        "customer.average_days_late": _number(history.average_days_late),
        "customer.late_last_quarter": _number(history.late_last_quarter),
        "customer.late_last_year": _number(history.late_last_year),
        "customer.trend": None if history.trend is Trend.UNKNOWN else history.trend.value,
        "customer.disputes_last_year": _number(history.disputes_last_year),
    }
    if traits.arr is not None:
        facts |= _amount("customer.arr", traits.arr)
    known = {f"{KNOWN}{name}": facts.get(name) is not None for name in _KNOWN.values() if name.startswith("customer.")}
    known[f"{KNOWN}customer.arr"] = traits.arr is not None
    return Values({name: fact for name, fact in facts.items() if fact is not None} | known)


def invoice_values(invoice: OpenInvoice, on: date) -> Values:
    """What one invoice shows on this day."""
    facts: dict[str, Fact] = {
        "invoice.currency": invoice.balance.currency.lower(),
        "invoice.is_disputed": any(line.disputed for line in invoice.lines),
        "invoice.days_past_due": float(invoice.days_past_due(on)),
        "invoice.terms_days": float((invoice.due_on - invoice.issued_on).days),
        "invoice.line_kinds": sorted({kind for line in invoice.lines if (kind := line.kind.strip().lower())}),
        **_amount("invoice.amount", invoice.amount),
        **_amount("invoice.balance", invoice.balance),
        **_amount("invoice.askable", invoice.askable),
    }
    for name, text in (("invoice.terms", invoice.terms), ("invoice.subsidiary", invoice.subsidiary)):
        word = _word(text)
        facts[f"{KNOWN}{name}"] = word is not None
        if word is not None:
            facts[name] = word
    return Values(facts)


def _word(text: str) -> str | None:
    return text.strip().lower() or None


def _number(number: Decimal | int | None) -> float | None:
    return None if number is None else float(number)


def _days(first: date | None, last: date | None) -> float | None:
    return None if first is None or last is None else float((last - first).days)


def _amount(name: str, amount: Money) -> dict[str, Fact]:
    """By its currency. A division of whole numbers is rounded as exactly as the same amount in a text is read."""
    try:
        return {f"{name}.{amount.currency}": amount.minor / 10 ** exponent(amount.currency)}
    except MoneyError:
        return {}


def _shown(fact: Fact) -> str:
    if isinstance(fact, bool):
        return "true" if fact else "false"
    if isinstance(fact, list):
        return ", ".join(fact) or "nothing"
    return fact if isinstance(fact, str) else f"{fact:,.15g}"


# ---- conditions ----


@dataclass(frozen=True, slots=True)
class Part:
    """Some of what stands between the outermost `&&` of a condition: all of it must hold."""

    text: str
    names: frozenset[str]  # the variables it asks for, without a currency
    program: cel.Expression

    def holds(self, values: Values) -> bool:
        """Something that isn't known, or can't be worked out, makes an error of it: that doesn't hold."""
        return self.program.eval(values.activation).value() is True

    def told(self, values: Values) -> str:
        """Its text on one line with the facts that it asks for: 'customer.late_last_year > 3 (customer.... is 2)'."""
        figures = ", ".join(values.figure(name) for name in sorted(self.names))
        return " ".join(self.text.split()) + (f" ({figures})" if figures else "")


@dataclass(frozen=True, slots=True)
class Understood:
    """A text as programs. Both halves must hold; the first asks for the customer at most, and so once a customer."""

    parts: tuple[Part, ...]  # each by itself, for people
    about_customer: Part | None
    about_invoice: Part | None


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of the policy. Equal texts are equal conditions; each text is understood once a process."""

    text: str

    @property
    def understood(self) -> Understood:
        """ConditionError if the text can't be used."""
        return _understood(self.text)

    @property
    def names(self) -> frozenset[str]:
        """The variables that it asks for, without a currency."""
        return frozenset(name for part in self.understood.parts for name in part.names)

    def holds(self, values: Values) -> bool:
        return all(part.holds(values) for part in self.understood.parts)


def compile_condition(text: str) -> Condition:
    """This text as a condition; ConditionError says where and why it can't be one."""
    _understood(text)
    return Condition(text)


@lru_cache(maxsize=_PROGRAMS_KEPT)
def _understood(text: str) -> Understood:
    if len(text) > TEXT_MAX:
        raise ConditionError(f"longer than {TEXT_MAX} characters; make two segments of it", TEXT_MAX)
    tokens = _tokens(text)
    if not tokens:
        raise ConditionError("it is empty; leave the key out, or say what must hold", 0)
    _check_brackets(tokens)
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.kind == "name":
            _check_name(token, following)
    _program(tokens)
    conjuncts = list(_conjuncts(tokens))
    halves: tuple[list[_Token], list[_Token]] = [], []
    for some in conjuncts:
        half = halves[any(name.startswith("invoice.") for name in _names(some))]
        half += [*([_AND] if half else []), *some]
    customer, invoice = (_part(text, half) if half else None for half in halves)
    return Understood(tuple(_part(text, some) for some in conjuncts), customer, invoice)


def _part(text: str, tokens: list[_Token]) -> Part:
    return Part(text[tokens[0].position : tokens[-1].end], _names(tokens), _program(tokens))


def _names(tokens: list[_Token]) -> frozenset[str]:
    return frozenset(_variable(token.text) for token in tokens if token.kind == "name" and token.text not in _WORDS)


# ---- reading a text ----


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # word, number, name or mark
    text: str
    position: int

    @property
    def end(self) -> int:
        return self.position + len(self.text)

    @property
    def for_cel(self) -> str:
        if self.kind == "number" and "." not in self.text:
            return f"{self.text}.0"
        return self.text.lower() if self.kind == "word" else self.text


_AND = _Token("mark", "&&", 0)
_TOKEN = re.compile(
    r"""(?P<word>"[^"\\\n]*"|'[^'\\\n]*')
      | (?P<number>\d+(?:\.\d+)?(?![\w.]))
      | (?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)
      | (?P<mark>&&|\|\||[=!<>]=|<(?!>)|[>!+\-*/()\[\],])""",
    re.VERBOSE | re.ASCII,
)
_BLANK = re.compile(r"[ \t\r\n]*")
# What people write instead -> what they mean.
_INSTEAD = {
    "=": "compare with '=='",
    "<>": "'not equal' is '!='",
    "&": "'and' is '&&'",
    "|": "'or' is '||'",
    "“": 'put words into straight quotes: "',
    "”": 'put words into straight quotes: "',
    "‘": 'put words into straight quotes: "',
    "’": 'put words into straight quotes: "',
    "„": 'put words into straight quotes: "',
    "?": "say it with '&&' and '||', or make two segments of it",
    "$": "leave currency signs out; the currency stands in the name, as in invoice.amount.USD",
    "€": "leave currency signs out; the currency stands in the name, as in invoice.amount.EUR",
    "≥": "write '>='",
    "≤": "write '<='",
    "≠": "write '!='",
    "#": "a remark stands on a line of its own above the key",
}
_WORDS_INSTEAD = {"and": "&&", "or": "||", "not": "!", "is": "==", "equals": "=="}


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = _BLANK.match(text, 0).end()  # type: ignore[union-attr]  # it fits everywhere
    while at < len(text):
        fit = _TOKEN.match(text, at)
        if fit is None or fit.lastgroup is None:
            raise _not_understood(text, at)
        found.append(_Token(fit.lastgroup, fit[0], at))
        at = _BLANK.match(text, fit.end()).end()  # type: ignore[union-attr]
    return found


def _not_understood(text: str, at: int) -> ConditionError:
    sign = text[at]
    if sign in "\"'":
        end = text.find(sign, at + 1)
        if "\\" in text[at : end if end > 0 else len(text)]:
            return ConditionError("no backslash can stand in a word", text.index("\\", at))
        return ConditionError(f"the word that begins here has no end; close it with {sign}", at)
    if sign.isdigit():
        written = re.match(r"[\w.]+", text[at:])
        number = written[0] if written else sign
        return ConditionError(f"{number!r} is no number; write it as 25000 or 0.5", at)
    instead = _INSTEAD.get(text[at : at + 2]) or _INSTEAD.get(sign)
    return ConditionError(f"{sign!r} has no meaning here" + (f"; {instead}" if instead else ""), at)


def _check_brackets(tokens: list[_Token]) -> None:
    opened: list[_Token] = []
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.kind == "word" or token.kind == "name":
            continue
        if token.text in "([":
            opened.append(token)
            if len(opened) > DEPTH_MAX:
                raise ConditionError(f"more than {DEPTH_MAX} brackets inside one another", token.position)
        elif token.text in (")", "]"):
            if not opened or {"(": ")", "[": "]"}[opened.pop().text] != token.text:
                raise ConditionError(f"nothing is open that {token.text!r} could close", token.position)
        elif (
            token.kind == "number"
            and following
            and following.text == ","
            and not any(one.text == "[" for one in opened)
        ):
            raise ConditionError("write numbers without commas, such as 25000", following.position)
    if opened:
        raise ConditionError("this bracket is never closed", opened[-1].position)


def _check_name(token: _Token, following: _Token | None) -> None:
    """Is it one of ours? The name before a bracket is a function."""
    name = token.text
    if name in _WORDS:
        return
    if following is not None and following.text == "(" and following.position == token.end:
        owner, _, function = name.rpartition(".")
        if function not in FUNCTIONS:
            raise ConditionError(_no_function(function), token.position + len(name) - len(function))
        if not owner:
            text = f'{function!r} stands behind a name, as in invoice.terms.{function}("60")'
            raise ConditionError(text, token.position)
        name = owner
    base = _variable(name)
    if base in _AMOUNTS and not name.startswith(KNOWN):
        if problem := _currency_problem(base, name):
            raise ConditionError(problem, token.position)
    elif name not in VARIABLES and name not in _KNOWN:
        raise ConditionError(_no_name(name), token.position)


def _variable(name: str) -> str:
    """The variable that a name is about: without `known.`, a currency or a function."""
    name = name.removeprefix(KNOWN)
    owner, _, last = name.rpartition(".")
    if last in FUNCTIONS:
        name, (owner, _, last) = owner, owner.rpartition(".")
    return owner if owner in _AMOUNTS else name


def _currency_problem(base: str, name: str) -> str:
    code = name[len(base) + 1 :]
    if not code:
        return f"{base!r} needs its currency, as in {base}.USD"
    try:
        exponent(code)
    except MoneyError as error:
        near = f"; did you mean {base}.{code.upper()}?" if code != code.upper() else ""
        return f"{error}{near}"
    return ""


def _no_function(name: str) -> str:
    if name in ("has", "known", "exists"):
        return "whether something is known is asked by its name, as in known.customer.tier"
    near = _near(name, FUNCTIONS)
    return f"there is no {name!r}; " + (f"did you mean {near!r}?" if near else f"there are {', '.join(FUNCTIONS)}")


def _no_name(name: str) -> str:
    if name.lower() in _WORDS_INSTEAD:
        return f"write {_WORDS_INSTEAD[name.lower()]!r} for {name!r}"
    if name == "null" or name == "none":
        return "whether something is known is asked by its name, as in known.customer.tier"
    if name.removeprefix(KNOWN) in VARIABLES:
        return f"{name.removeprefix(KNOWN)!r} is always known"
    near = _near(re.sub(r"\.[A-Z]{3}$", "", name), [*VARIABLES, *_KNOWN, *_WORDS])
    if near:
        return f"there is no {name!r}; did you mean {near!r}?"
    if "." not in name:
        return f"there is no {name!r}; words stand in quotes, and names begin with customer. or invoice."
    owner = name.partition(".")[0]
    inside = [one.partition(".")[2] for one in (*VARIABLES, *_KNOWN) if one.startswith(f"{owner}.")]
    return f"there is no {name!r}; " + (
        f"{owner}. has {', '.join(inside)}" if inside else "names begin with customer. or invoice."
    )


def _near(word: str, known: Iterable[str]) -> str:
    """The name that was probably meant, or ''. Its end counts most: what is before the dot is alike in many."""
    names = {one.lower(): one for one in known}
    ends = {one.rpartition(".")[2]: name for one, name in names.items() if not one.startswith(KNOWN)}
    owner, _, end = word.lower().rpartition(".")
    if end in ends:
        return ends[end]
    siblings = {one.rpartition(".")[2]: name for one, name in names.items() if one.rpartition(".")[0] == owner}
    for choices in (siblings, ends):
        if found := difflib.get_close_matches(end, choices, n=1, cutoff=0.7):
            return choices[found[0]]
    found = difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.85)
    return names[found[0]] if found else ""


def _conjuncts(tokens: list[_Token]) -> Iterator[list[_Token]]:
    """What stands between the outermost `&&`; all of it, where an outermost `||` binds it together."""
    depth, cuts = 0, []
    for index, token in enumerate(tokens):
        if token.kind == "mark":
            depth += (token.text in "([") - (token.text in ")]")
            if depth == 0 and token.text == "||":
                yield tokens
                return
            if depth == 0 and token.text == "&&":
                cuts.append(index)
    for start, end in zip([-1, *cuts], [*cuts, len(tokens)], strict=True):
        yield tokens[start + 1 : end]


# ---- CEL ----


@cache
def _env() -> cel.Env:
    names = "".join(f"    - name: '{name}'\n" for name in (*_OPERATORS, *FUNCTIONS))
    config = cel.NewEnvConfigFromYaml(
        f"name: policy\nstdlib:\n  disable_macros: true\n  include_functions:\n{names}",
    )
    kinds = {
        Kind.NUMBER: cel.Type.DOUBLE,
        Kind.WORD: cel.Type.STRING,
        Kind.YES_NO: cel.Type.BOOL,
        Kind.WORDS: cel.Type.List(cel.Type.STRING),
    }
    types = {name: kinds[one.kind] for name, one in VARIABLES.items() if one.kind is not Kind.AMOUNT}
    types |= dict.fromkeys(_KNOWN, cel.Type.BOOL)
    types |= {f"{name}.{one.code}": cel.Type.DOUBLE for name in _AMOUNTS for one in iso4217.Currency}
    return cel.NewEnv(config=config, variables=types)


def _program(tokens: list[_Token]) -> cel.Expression:
    """CEL's program for these tokens; its complaints are told in plain words, at the place in the text."""
    pieces, starts, at = [], [], 0
    for before, token in zip([None, *tokens], tokens, strict=False):
        glued = before is not None and before.kind == "name" and token.text == "(" and before.end == token.position
        at += 0 if glued or before is None else 1
        pieces.append(token.for_cel if glued or before is None else f" {token.for_cel}")
        starts.append(at)
        at += len(token.for_cel)
    try:
        program = _env().compile("".join(pieces))
    except RuntimeError as error:
        raise _in_plain_words(str(error), tokens, starts) from None
    if program.return_type().name() != "BOOL":
        what = _TYPES.get(program.return_type().name().lower(), "a value")
        raise ConditionError(f"this is {what}, not yes or no; compare it with something", tokens[0].position)
    return program


_COMPLAINT = re.compile(r"ERROR: <input>:1:(\d+): ([^\n]*)")
_OVERLOAD = re.compile(r"found no matching overload for '(\S+)' applied to '\((.*)\)'")
_TYPES = {
    "string": "a word",
    "double": "a number",
    "bool": "yes or no",
    "list(string)": "a list of words",
    "list<string>": "a list of words",
    "list(double)": "a list of numbers",
    "list<double>": "a list of numbers",
}


def _in_plain_words(complaint: str, tokens: list[_Token], starts: list[int]) -> ConditionError:
    found = _COMPLAINT.search(complaint)
    if found is None:
        return ConditionError("too deep or too long to be understood; make two segments of it", tokens[0].position)
    column, text = int(found[1]) - 1, found[2]
    index = max((number for number, start in enumerate(starts) if start <= column), default=0)
    token = tokens[index]
    if overload := _OVERLOAD.search(text):
        return ConditionError(_wrong_types(overload[1], overload[2]), token.position)
    if "undeclared reference to" in text:
        return ConditionError('a word in brackets must follow, as in .contains("60")', token.position)
    if "'<EOF>'" in text or column >= starts[-1] + len(tokens[-1].for_cel):
        return ConditionError(f"something is missing after {tokens[-1].text!r}", tokens[-1].end)
    return ConditionError(f"{token.text!r} is not expected here", token.position)


def _wrong_types(operator: str, given: str) -> str:
    """'a word and a number can't be compared by >': the types as CEL lists them, such as 'string, double'."""
    sign = operator.strip("_@")
    types = re.split(r", (?![^(]*\))", given)
    named = [_TYPES.get(one, "a list" if one.startswith("list") else "something else") for one in types]
    if len(named) == 1 or sign in FUNCTIONS:
        return f"{sign!r} can't be used with {' and '.join(named)}"
    if sign in ("==", "!=") and sorted(types) == ["list(string)", "string"]:
        return 'a list and a word can\'t be compared; ask `"usage" in invoice.line_kinds`'
    if sign == "in":
        return (
            f"'in' asks whether a word is in a list, as in customer.tier in [\"smb\"]; these are {' and '.join(named)}"
        )
    if sign in ("&&", "||"):
        return f"{sign!r} joins two things that are yes or no; these are {' and '.join(named)}"
    hint = "; words stand in quotes, numbers don't" if {"string", "double"} == set(types) else ""
    return f"{sign!r} can't be used between {named[0]} and {named[1]}{hint}"
