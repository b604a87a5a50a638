"""camt.053: versions, batches, returns, charges; and files that mean harm."""

from __future__ import annotations

from datetime import date

import pytest
from bank_cases import camt, entry

from connector.adapters.bank_statement_camt import read
from connector.adapters.bank_statement_values import Entry, Statement, Unfinished, Unreadable, fingerprint
from connector.money import Money

PAYER = "DE02120300000000202051"


def statement(text: str) -> Statement:
    contents = read(text.encode())

    assert () == contents.broken
    [found] = contents.statements
    return found


def only(text: str) -> Entry:
    [found] = statement(text).entries
    return found


def details(
    *, text: str = "<Ustrd>INV-1</Ustrd>", refs: str = "", parties: str = "", amount: str = "", more: str = ""
) -> str:
    return f"<TxDtls><Refs>{refs}</Refs>{amount}{parties}<RmtInf>{text}</RmtInf>{more}</TxDtls>"


# One payment in the words of each version: name and BIC lie elsewhere, the status is text or a code.
VERSIONS = [
    ("02", "<Sts>BOOK</Sts>", "<Dbtr><Nm>Acme</Nm></Dbtr>", "BIC"),
    ("04", "<Sts>BOOK</Sts>", "<Dbtr><Nm>Acme</Nm></Dbtr>", "BICFI"),
    ("06", "<Sts>BOOK</Sts>", "<Dbtr><Nm>Acme</Nm></Dbtr>", "BICFI"),
    ("07", "<Sts><Cd>BOOK</Cd></Sts>", "<Dbtr><Pty><Nm>Acme</Nm></Pty></Dbtr>", "BICFI"),
    ("08", "<Sts><Cd>BOOK</Cd></Sts>", "<Dbtr><Pty><Nm>Acme</Nm></Pty></Dbtr>", "BICFI"),
    ("13", "<Sts><Cd>BOOK</Cd></Sts>", "<Dbtr><Pty><Nm>Acme</Nm></Pty></Dbtr>", "BICFI"),
]


@pytest.mark.parametrize(("version", "status", "debtor", "bic"), VERSIONS, ids=[one[0] for one in VERSIONS])
def test_every_version_says_the_same(version: str, status: str, debtor: str, bic: str) -> None:
    parties = (
        f"<RltdPties>{debtor}<DbtrAcct><Id><IBAN>{PAYER}</IBAN></Id></DbtrAcct></RltdPties>"
        f"<RltdAgts><DbtrAgt><FinInstnId><{bic}>BYLADEM1001</{bic}></FinInstnId></DbtrAgt></RltdAgts>"
    )
    one = details(text="<Ustrd>INV-1</Ustrd>", refs="<EndToEndId>E2E-1</EndToEndId>", parties=parties)
    found = only(camt(entry("50.00", one, status=status, reference="R1", value_on="2026-11-03"), version=version))

    assert (Money(5000, "EUR"), date(2026, 11, 2), date(2026, 11, 3), "R1", True) == (
        found.amount,
        found.booked_on,
        found.value_on,
        found.reference,
        found.is_booked,
    )
    assert ("Acme", fingerprint(PAYER), "INV-1\nE2E-1") == (found.payer_name, found.payer_bank, found.text)


def test_a_bic_beside_an_iban_makes_no_other_payer_and_beside_a_number_it_does() -> None:
    assert fingerprint(PAYER) == fingerprint("DE02 1203 0000 0000 2020 51", "BYLADEM1001")
    assert fingerprint("12345678", "CHASUS33") != fingerprint("12345678", "CITIUS33")
    assert "" == fingerprint("", "CHASUS33")
    assert PAYER not in fingerprint(PAYER)


# remittance, references -> text
TEXTS = [
    ("<Ustrd>INV-1</Ustrd><Ustrd>INV-2</Ustrd>", "", "INV-1\nINV-2"),
    (f"<Ustrd>{'x' * 136}INV-</Ustrd><Ustrd>1000 thanks</Ustrd>", "", "x" * 136 + "INV-1000 thanks"),  # a full element
    ("<Ustrd>INV-1</Ustrd>", "<EndToEndId>NOTPROVIDED</EndToEndId>", "INV-1"),
    ("<Strd><CdtrRefInf><Ref>RF18 5390 0754 7034</Ref></CdtrRefInf></Strd>", "", "RF18 5390 0754 7034"),
    (
        "<Strd><RfrdDocInf><Nb>INV-7</Nb></RfrdDocInf>"
        "<RfrdDocAmt><RmtdAmt Ccy='EUR'>12.50</RmtdAmt></RfrdDocAmt></Strd>",
        "",
        "INV-7 12.50",
    ),
    ("<Ustrd>INV-1</Ustrd>", "<EndToEndId>INV-1</EndToEndId>", "INV-1"),  # said once
    ("<Ustrd>a  b\t c</Ustrd>", "", "a b c"),
]


@pytest.mark.parametrize(("remittance", "refs", "text"), TEXTS)
def test_all_that_the_payer_says_is_in_the_text(remittance: str, refs: str, text: str) -> None:
    assert text == only(camt(entry("50.00", details(text=remittance, refs=refs)))).text


def test_what_the_bank_adds_stands_in_only_where_the_payer_says_nothing() -> None:
    told = only(camt(entry("50.00", details(), more="") + ""))
    silent = only(camt(entry("50.00", details(text=""), more="<AddtlNtryInf>CHEQUE 123</AddtlNtryInf>")))
    bare = only(camt(entry("50.00", more="<AddtlNtryInf>CASH DEPOSIT</AddtlNtryInf>")))

    assert ("INV-1", "CHEQUE 123", "CASH DEPOSIT") == (told.text, silent.text, bare.text)


def test_what_the_payer_sent_is_told_and_never_taken_for_what_arrived() -> None:
    sent = "<AmtDtls><InstdAmt><Amt Ccy='EUR'>1000.00</Amt></InstdAmt></AmtDtls>"
    charges = "<Chrgs><Rcrd><Amt Ccy='EUR'>15.00</Amt></Rcrd></Chrgs>"
    found = only(camt(entry("985.00", details(amount=sent), more=charges)))
    foreign = only(camt(entry("985.00", details(amount=sent.replace("EUR", "USD")))))

    assert (Money(98500, "EUR"), Money(100000, "EUR")) == (found.amount, found.instructed)
    assert "INV-1\ninstructed amount 1,000.00 EUR" == found.text
    assert (Money(98500, "EUR"), None) == (foreign.amount, foreign.instructed)


# ---- several payments in one entry ----


def part(amount: str, reference: str = "", side: str = "CRDT", name: str = "Amt") -> str:
    given = f"<Amt Ccy='EUR'>{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>"
    if name == "TxAmt":
        given = f"<AmtDtls><TxAmt><Amt Ccy='EUR'>{amount}</Amt></TxAmt></AmtDtls>"
    return details(text=f"<Ustrd>INV {amount}</Ustrd>", refs=f"<TxId>{reference}</TxId>", amount=given)


@pytest.mark.parametrize("name", ["Amt", "TxAmt"])
def test_a_batch_is_as_many_payments_as_it_says(name: str) -> None:
    batch = f"<Btch><NbOfTxs>2</NbOfTxs></Btch>{part('30.00', 'T1', name=name)}{part('20.00', 'T2', name=name)}"
    found = only(camt(entry("50.00", batch, reference="B1")))

    assert [(Money(3000, "EUR"), "B1/T1", "INV 30.00"), (Money(2000, "EUR"), "B1/T2", "INV 20.00")] == [
        (one.amount, one.reference, one.text) for one in found.payments
    ]


def test_a_batch_may_hold_something_taken_back() -> None:
    found = only(camt(entry("50.00", part("70.00", "T1") + part("20.00", "T2", side="DBIT"))))

    assert [7000, -2000] == [one.amount.minor for one in found.payments]


# what the details say -> why the entry can't be used
BAD_BATCHES = [
    (part("30.00", "T1") + part("21.00", "T2"), "add up to 51.00 EUR, not to 50.00 EUR"),
    (part("30.00", "T1") + details(), "not each of them has an amount"),
    (part("30.00", "T1") + part("20.00", "T2").replace("EUR", "USD"), "not each of them has an amount"),
]


@pytest.mark.parametrize(("batch", "problem"), BAD_BATCHES)
def test_a_batch_that_does_not_add_up_is_not_split(batch: str, problem: str) -> None:
    found = only(camt(entry("50.00", batch)))

    assert problem in found.problem
    assert (found,) == found.payments


def test_of_a_batch_without_details_only_the_sum_is_known() -> None:
    found = only(camt(entry("50.00", "<Btch><NbOfTxs>12</NbOfTxs></Btch>", more="<AddtlNtryInf>12 x</AddtlNtryInf>")))

    assert (Money(5000, "EUR"), "12 x", "") == (found.amount, found.text, found.problem)


# ---- what is taken back ----

CODE = "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{}</Cd><SubFmlyCd>{}</SubFmlyCd></Fmly></Domn></BkTxCd>"
RETURNS = [
    ("<RvslInd>true</RvslInd>", ""),
    ("", "<RtrInf><Rsn><Cd>MS03</Cd></Rsn></RtrInf>"),
    (CODE.format("IDDT", "UPDD"), ""),
    (CODE.format("RCDT", "RRTN"), ""),
]


@pytest.mark.parametrize(("more", "inside"), RETURNS)
def test_a_debit_that_takes_a_credit_back_is_known(more: str, inside: str) -> None:
    one = details(refs="<EndToEndId>E2E-1</EndToEndId><TxId>T-1</TxId>", more=inside)
    found = only(camt(entry("-50.00", one, more=more)))

    assert (True, -5000) == (found.reverses, found.amount.minor)
    assert ("E2E-1", "T-1") == found.references


@pytest.mark.parametrize(
    ("family", "sub_family", "method"),
    [
        ("RCDT", "XBCT", "wire"),
        ("RCDT", "ESCT", "ach"),
        ("IDDT", "ESDD", "ach"),
        ("RCHQ", "CCHQ", "check"),
        ("CCRD", "POSC", ""),
    ],
)
def test_the_code_tells_how_the_money_came(family: str, sub_family: str, method: str) -> None:
    found = only(camt(entry("50.00", details(), more=CODE.format(family, sub_family))))

    assert (method, f"PMNT/{family}/{sub_family}") == (found.method, found.code)


# ---- states, balances, kinds of message ----


def test_only_what_is_booked_is_received() -> None:
    states = "".join(
        entry(amount, status=status)
        for amount, status in (
            ("1.00", "<Sts><Cd>BOOK</Cd></Sts>"),
            ("2.00", "<Sts><Cd>PDNG</Cd></Sts>"),
            ("3.00", "<Sts>PDNG</Sts>"),
            ("4.00", "<Sts><Cd>INFO</Cd></Sts>"),
            ("5.00", "<Sts><Cd>FUTR</Cd></Sts>"),
        )
    )
    found = statement(camt(states))

    assert [(100, True), (200, False), (300, False), (500, False)] == [
        (one.amount.minor, one.is_booked) for one in found.entries
    ]
    assert Money(100, "EUR") == found.booked


def test_a_report_of_an_unfinished_day_books_nothing() -> None:
    found = statement(camt(entry("50.00"), root="BkToCstmrAcctRpt/Rpt", balances=""))

    assert (False, [False], date(2026, 11, 2)) == (
        found.is_final,
        [one.is_booked for one in found.entries],
        found.closing_on,
    )


def test_a_notice_is_no_statement() -> None:
    contents = read(camt(entry("50.00"), root="BkToCstmrDbtCdtNtfctn/Ntfctn", balances="").encode())

    assert ("camt.054", (), ()) == (contents.notice, contents.statements, contents.broken)


def balance(kind: str, amount: str) -> str:
    side = "DBIT" if amount.startswith("-") else "CRDT"
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>{amount.lstrip('-')}</Amt>"
        f"<CdtDbtInd>{side}</CdtDbtInd><Dt><Dt>2026-11-02</Dt></Dt></Bal>"
    )


BALANCES = [
    (("OPBD", "100"), ("CLBD", "150"), 10000, 15000),
    (("PRCD", "100.00"), ("CLBD", "150.00000"), 10000, 15000),  # the closing balance of the day before; many zeros
    (("ITBD", "100.00"), ("ITBD", "150.00"), 10000, 15000),  # a page in the middle
    (("OPBD", "100.00"), ("ITBD", "150.00"), 10000, 15000),  # the first page
    (("ITBD", "100.00"), ("CLBD", "150.00"), 10000, 15000),  # the last one
    (("OPBD", "-100.00"), ("CLBD", "-50.00"), -10000, -5000),
    (("CLAV", "9.00"), ("CLBD", "150.00"), None, 15000),
]


@pytest.mark.parametrize(("first", "last", "opening", "closing"), BALANCES)
def test_balances_open_and_close(
    first: tuple[str, str], last: tuple[str, str], opening: int | None, closing: int
) -> None:
    found = statement(camt("", balances=balance(*first) + balance(*last)))

    assert (opening, closing) == (found.opening.minor if found.opening else None, found.closing and found.closing.minor)


@pytest.mark.parametrize(
    ("currency", "amount", "minor"), [("JPY", "5000", 5000), ("KWD", "5.123", 5123), ("EUR", "5", 500)]
)
def test_currencies_have_their_own_decimals(currency: str, amount: str, minor: int) -> None:
    text = camt(entry(amount, currency=currency), currency=currency, opening="0", closing=amount)

    assert Money(minor, currency) == only(text).amount


# what is changed in a good statement -> why it counts for nothing
BROKEN = [
    ("<Cd>BOOK</Cd>", "<Cd>XXXX</Cd>", "status 'XXXX'"),
    ("CRDT</CdtDbtInd><Sts>", "</CdtDbtInd><Sts>", "does not say whether it is a credit"),
    ('<Ntry><Amt Ccy="EUR">50.00', '<Ntry><Amt Ccy="EUR">50.001', "more than 2 decimals"),
    ('<Ntry><Amt Ccy="EUR">50.00', '<Ntry><Amt Ccy="EUR">5e1', "is no amount"),
    ('<Ntry><Amt Ccy="EUR">50.00', '<Ntry><Amt Ccy="EUR">-50.00', "is no amount"),
    ('<Ntry><Amt Ccy="EUR">50.00', '<Ntry><Amt Ccy="EUR">99999999999999999999.00', "is no amount"),
    ('<Ntry><Amt Ccy="EUR"', '<Ntry><Amt Ccy="USD"', "in USD, the account in EUR"),
    ('<Ntry><Amt Ccy="EUR"', "<Ntry><Amt", "is no ISO 4217 currency"),
    ("<BookgDt><Dt>2026-11-02", "<BookgDt><Dt>2026-02-30", "is no day"),
    ("<IBAN>DE89370400440532013000</IBAN>", "", "names no account"),
]  # fmt: skip


@pytest.mark.parametrize(("good", "bad", "reason"), BROKEN, ids=[reason for _, _, reason in BROKEN])
def test_a_statement_that_does_not_hold_counts_for_nothing(good: str, bad: str, reason: str) -> None:
    text = camt(entry("50.00"), closing="150.00")
    assert good in text
    contents = read(text.replace(good, bad, 1).encode())

    assert () == contents.statements
    assert reason in contents.broken[0].reason


# ---- files that mean harm, or are cut ----

LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
HOSTILE = [
    camt("").replace("<Document", LAUGHS + "<Document").replace("S7", "&c;"),
    camt("").replace("<Document", '<!DOCTYPE x SYSTEM "http://bank.example/x.dtd"><Document'),
    camt("")
    .replace("<Document", '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><Document')
    .replace("S7", "&f;"),
]


@pytest.mark.parametrize("text", HOSTILE, ids=["laughs", "external dtd", "external entity"])
def test_a_dtd_is_refused_before_anything_of_it_is_used(text: str) -> None:
    with pytest.raises(Unreadable, match="DTD"):
        read(text.encode())


def test_a_comment_hides_nothing_of_an_amount() -> None:
    text = camt(entry("1050.00", details(text="<Ustrd>INV-<!-- x -->1</Ustrd>"))).replace(
        "1050.00", "10<!-- x -->50<?y?>.00"
    )
    found = only(text)

    assert (105000, "INV-1") == (found.amount.minor, found.text)


def test_a_tree_without_bottom_is_refused() -> None:
    with pytest.raises(Unreadable):
        read(b"<a>" * 100_000 + b"</a>" * 100_000)


@pytest.mark.parametrize("cut", [10, 200, 700, -1])
def test_half_a_file_is_unfinished(cut: int) -> None:
    with pytest.raises(Unfinished):
        read(camt(entry("50.00", details())).encode()[:cut])


@pytest.mark.parametrize("text", ["<html/>", "<Document/>", "<Document><BkToCstmrStmt/></Document>"])
def test_xml_that_is_no_statement_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        read(text.encode())


def test_other_encodings_are_read_as_the_file_says() -> None:
    text = camt(entry("50.00", details(text="<Ustrd>Müller</Ustrd>"))).replace("UTF-8", "ISO-8859-1")
    [found] = read(text.encode("latin-1")).statements

    assert "Müller" == found.entries[0].text
