"""The objects of the ledger, of cash management and of the company itself, as far as the sandbox plays them."""

from __future__ import annotations

from sandbox.intacct.fields import AUDIT, CURRENCY, ENTITY, OF_RECORD, ObjectType, listed, of_type

_GLDETAIL = """
RECORDNO integer p.recordno
BOOKID text 'ACCRUAL'
BATCHKEY integer p.batchkey
BATCH_NO integer p.batchkey
BATCH_TITLE text COALESCE(j.batch_title, t.description, t.recordid)
BATCH_DATE date p.entry_date
ENTRY_DATE date p.entry_date
REFERENCENO text j.referenceno
MODULEKEY text p.module
SYMBOL text COALESCE(j.symbol, 'ARJ')
LINE_NO integer p.line_no
ACCOUNTNO text p.accountno
ACCOUNTTITLE text (SELECT a.title FROM account a WHERE a.accountno = p.accountno)
CURRENCY text p.currency
BASECURR text COALESCE((SELECT n.currency FROM entity n WHERE n.locationid = p.entity), 'USD')
CUSTOMERID text p.customerid
CUSTOMERNAME text (SELECT c.name FROM customer c WHERE c.customerid = p.customerid)
RECORDTYPE text t.recordtype
RECORDKEY integer t.recordno
RECORDID text t.recordid
DOCNUMBER text t.docnumber
DOCUMENT text NULL
DESCRIPTION text p.description
PRDESCRIPTION text t.description
TR_TYPE integer CASE WHEN p.trx_amount >= 0 THEN 1 ELSE -1 END
TRX_AMOUNT money ABS(p.trx_amount)
AMOUNT money ABS(p.amount)
TRX_DEBITAMOUNT money CASE WHEN p.trx_amount > 0 THEN p.trx_amount ELSE 0 END
TRX_CREDITAMOUNT money CASE WHEN p.trx_amount < 0 THEN -p.trx_amount ELSE 0 END
DEBITAMOUNT money CASE WHEN p.amount > 0 THEN p.amount ELSE 0 END
CREDITAMOUNT money CASE WHEN p.amount < 0 THEN -p.amount ELSE 0 END
LOCATIONID text p.locationid
DEPARTMENTID text p.departmentid
STATE text 'Posted'
WHENMODIFIED datetime p.whenmodified
MEGAENTITYID text NULLIF(p.entity, '')
"""
_GLENTRY = """
RECORDNO integer p.recordno
BATCHNO integer p.batchkey
LINE_NO integer p.line_no
ENTRY_DATE date p.entry_date
TR_TYPE integer CASE WHEN p.trx_amount >= 0 THEN 1 ELSE -1 END
TRX_AMOUNT money ABS(p.trx_amount)
AMOUNT money ABS(p.amount)
CURRENCY text p.currency
ACCOUNTNO text p.accountno
LOCATION text p.locationid
DEPARTMENT text p.departmentid
DESCRIPTION text p.description
CUSTOMERID text p.customerid
STATE enum:journal j.state
WHENMODIFIED datetime p.whenmodified
"""
_GLBATCH = """
RECORDNO integer j.recordno
BATCHNO integer j.recordno
BATCH_TITLE text j.batch_title
BATCH_DATE date j.batch_date
JOURNAL text j.symbol
REFERENCENO text j.referenceno
STATE enum:journal j.state
MODULE text '2.GL'
REVERSED date j.reversed_on
REVERSEDKEY integer j.reversedkey
REVERSEDFROM integer j.reversedfrom
BASELOCATION_NO text NULLIF(j.entity, '')
WHENCREATED datetime j.auwhencreated
MODIFIED datetime j.whenmodified
WHENMODIFIED datetime j.whenmodified
CREATEDBY text j.createdby
MODIFIEDBY text j.modifiedby
MEGAENTITYID text NULLIF(j.entity, '')
"""
_ENTRY_COMMON = """
RECORDNO integer e.recordno
RECORDKEY integer e.recordkey
LINE_NO integer e.line_no
ACCOUNTNO text e.accountno
AMOUNT money e.base_amount
TRX_AMOUNT money e.amount
DESCRIPTION text e.description
ENTRYDESCRIPTION text e.description
LOCATIONID text e.locationid
DEPARTMENTID text e.departmentid
CURRENCY text t.currency
WHENMODIFIED datetime e.whenmodified
"""
_RECEIPT = """
RECORDNO integer t.recordno
RECORDID text t.recordid
WHENCREATED date t.whencreated
WHENPAID date t.whenpaid
RECEIPTDATE date t.receiptdate
PAYMETHOD text t.paymentmethod
DOCNUMBER text t.docnumber
DESCRIPTION text t.description
DESCRIPTION2 text t.description2
FINANCIALENTITY text t.financialentity
UNDEPOSITEDACCOUNTNO text t.undepositedaccountno
DEPOSITKEY integer t.depositkey
STATE enum:payment t.state
RAWSTATE text t.state
TOTALENTERED money t.base_total
TRX_TOTALENTERED money t.total
"""


def ledger_objects() -> list[ObjectType]:
    journals = "posting p JOIN journal j ON j.recordno = p.batchkey"
    return [
        ObjectType(
            "GLDETAIL",
            "posting p LEFT JOIN journal j ON j.recordno = p.batchkey LEFT JOIN record t ON t.recordno = p.batchkey",
            listed(_GLDETAIL),
            private_sql="p.entity",
        ),
        ObjectType("GLBATCH", "journal j", listed(_GLBATCH), private_sql="j.entity"),
        ObjectType("GLENTRY", journals, listed(_GLENTRY), private_sql="j.entity"),
        ObjectType(
            "DEPOSIT",
            of_type("rd"),
            listed(_RECEIPT, CURRENCY, AUDIT, ENTITY),
            private_sql="t.entity",
        ),
        ObjectType(
            "DEPOSITENTRY",
            OF_RECORD.format(of_type("rd")),
            listed(_ENTRY_COMMON, "RECEIPTKEY integer e.receiptkey"),
            private_sql="t.entity",
        ),
        ObjectType(
            "OTHERRECEIPTS",
            of_type("cr"),
            listed(_RECEIPT, "PAYEE text t.description2", CURRENCY, AUDIT, ENTITY),
            private_sql="t.entity",
        ),
        ObjectType(
            "OTHERRECEIPTSENTRY", OF_RECORD.format(of_type("cr")), listed(_ENTRY_COMMON), private_sql="t.entity"
        ),
        ObjectType(
            "ARINVOICEBATCH",
            "summary t",
            listed(
                """
                RECORDNO integer t.recordno
                TITLE text t.title
                CREATED date t.created
                OPEN enum:open t.open
                STATUS enum:active 'active'
                MEGAENTITYID text NULLIF(t.entity, '')
                """
            ),
            private_sql="t.entity",
        ),
    ]


def company_objects() -> list[ObjectType]:
    return [*_set_up(), *_organisation()]


def _set_up() -> list[ObjectType]:
    """Terms, accounts and banks."""
    return [
        ObjectType(
            "ARTERM",
            "term t",
            listed(
                "RECORDNO integer t.recordno\nNAME text t.name\nDUEDATE integer t.duedate\nDISCDATE integer t.discdate",
                "DISCAMOUNT decimal t.discamount\nSTATUS enum:active t.status\nTERMVALUE text t.name",
                "DISCPERCAMN text CASE WHEN t.discamount IS NOT NULL THEN '%' END",
                "DISCCALCON text 'Invoice total'\nDISCFUDGEDAYS integer 0",
                "DUEFROM text 'from invoice/bill date'",
                AUDIT,
            ),
            name_key="NAME",
        ),
        ObjectType(
            "GLACCOUNT",
            "account t",
            listed(
                "RECORDNO integer t.recordno\nACCOUNTNO text t.accountno\nTITLE text t.title",
                "ACCOUNTTYPE text t.accounttype\nNORMALBALANCE text t.normalbalance\nCATEGORY text t.category",
                "STATUS enum:active t.status",
                AUDIT,
            ),
            name_key="ACCOUNTNO",
        ),
        ObjectType(
            "CHECKINGACCOUNT",
            "bank t",
            listed(
                "RECORDNO integer t.recordno\nBANKACCOUNTID text t.bankaccountid\nBANKNAME text t.bankname",
                "GLACCOUNTNO text t.glaccountno\nCURRENCY text t.currency\nSTATUS enum:active t.status",
                "LOCATIONID text NULLIF(t.locationid, '')\nBANKACCOUNTTYPE text 'checking'",
                AUDIT,
                empty="BANKACCOUNTNO ROUTINGNO BRANCHID DEPARTMENTID ACHBANKID COMPANYNAME",
            ),
            private_sql="t.locationid",
            name_key="BANKACCOUNTID",
        ),
    ]


def _organisation() -> list[ObjectType]:
    """Journals, entities, periods and dunning levels."""
    return [
        ObjectType(
            "GLJOURNAL",
            "(SELECT 1 AS recordno, 'GJ' AS symbol, 'General Journal' AS title, 'active' AS status"
            " UNION SELECT 2, 'ARJ', 'Accounts Receivable Journal', 'active'"
            " UNION SELECT 3, 'CRJ', 'Cash Receipts Journal', 'active') t",
            listed(
                "RECORDNO integer t.recordno\nSYMBOL text t.symbol\nTITLE text t.title\nSTATUS enum:active t.status"
            ),
            name_key="SYMBOL",
        ),
        ObjectType(
            "LOCATIONENTITY",
            "entity t",
            listed(
                "RECORDNO integer t.recordno\nLOCATIONID text t.locationid\nNAME text t.name\nCURRENCY text t.currency",
                "STATUS enum:active t.status",
                empty="REPORTPRINTAS SUPERVISORID FIRSTMONTH FEDERALID STARTDATE ENDDATE TAXID LEGALNAME OPCOUNTRY",
            ),
            name_key="LOCATIONID",
        ),
        ObjectType(
            "REPORTINGPERIOD",
            "period t",
            listed(
                "RECORDNO integer t.recordno\nNAME text t.name\nHEADER1 text t.header1\nSTART_DATE date t.start_date",
                "END_DATE date t.end_date\nBUDGETING boolean t.budgeting\nSTATUS enum:active 'active'",
                empty="HEADER2",
            ),
            name_key="NAME",
        ),
        ObjectType(
            "DUNNINGDEFINITION",
            "dunning t",
            listed(
                "RECORDNO integer t.recordno\nDUNNINGDEFINITIONID text t.dunningdefinitionid\nCURRENCY text t.currency",
                "PRINTTEMPLATENAME text t.printtemplatename\nNOTICESEQUENCE text t.noticesequence",
                "MINDAYS integer t.mindays\nMAXDAYS integer t.maxdays\nMINAMOUNT money t.minamount",
                "MAXAMOUNT money t.maxamount",
                AUDIT,
                empty="EMAILTEMPLATEKEY",
            ),
        ),
    ]
