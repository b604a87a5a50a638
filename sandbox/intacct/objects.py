"""The objects that Intacct itself has, as far as the sandbox plays them: their fields, kinds and SQL.

Names are those of developer.intacct.com, of public field lists and of recorded answers; those that we only infer carry
no mark, since `lookup` is what a client must go by. A field without SQL is known and always empty here.
"""

from __future__ import annotations

from sandbox.intacct.company_objects import company_objects, ledger_objects
from sandbox.intacct.fields import AUDIT, CURRENCY, ENTITY, OF_RECORD, Field, ObjectType, labelled, listed, of_type
from sandbox.intacct.schema import CUSTOM_OBJECTS

_CUSTOMER = """
CUSTOMERID text t.customerid
CUSTOMERNAME text c.name
"""
_CONTACT_EMPTY = "PREFIX INITIAL PHONE1 PHONE2 CELLPHONE PAGER FAX EMAIL2 URL1 URL2 VISIBLE"
_ADDRESS_EMPTY = "ADDRESS1 ADDRESS2 CITY STATE ZIP"


def _contact(prefix: str) -> str:
    return f"""
{prefix}.CONTACTNAME text c.name
{prefix}.COMPANYNAME text c.name
{prefix}.PRINTAS text c.name
{prefix}.FIRSTNAME text NULL
{prefix}.LASTNAME text NULL
{prefix}.EMAIL1 text c.email
{prefix}.MAILADDRESS.COUNTRY text c.country
{prefix}.MAILADDRESS.COUNTRYCODE text c.country
""" + "".join(
        [f"{prefix}.{name} text NULL\n" for name in _CONTACT_EMPTY.split()]
        + [f"{prefix}.MAILADDRESS.{name} text NULL\n" for name in _ADDRESS_EMPTY.split()]
    )


_DUE = "CASE WHEN t.state IN ('V', 'R') THEN 0 ELSE t.total - t.paid - t.discounted - off_due(t.selected) END"
_BASED = "CASE WHEN t.total = 0 THEN 0 ELSE CAST(ROUND(({}) * 1.0 * t.base_total / t.total) AS INT) END"
_TOTALS = f"""
TOTALENTERED money t.base_total
TOTALPAID money {_BASED.format("t.paid")}
TOTALDUE money {_BASED.format(_DUE)}
TOTALSELECTED money {_BASED.format("t.selected")}
TRX_TOTALENTERED money t.total
TRX_TOTALPAID money t.paid
TRX_TOTALDUE money {_DUE}
TRX_TOTALSELECTED money t.selected
"""
_INVOICE = """
RECORDNO integer t.recordno
RECORDTYPE text t.recordtype
RECORDID text t.recordid
STATE enum:invoice t.state
RAWSTATE text t.state
DOCNUMBER text t.docnumber
DESCRIPTION text t.description
TERMNAME text t.termname
WHENCREATED date t.whencreated
WHENPOSTED date t.whenposted
WHENDISCOUNT date t.whendiscount
WHENDUE date t.whendue
WHENPAID date t.whenpaid
MODULEKEY text t.moduleid
PRBATCHKEY integer t.recordno
REVERSALKEY integer t.reversalkey
DUE_IN_DAYS integer CAST(julianday(t.whendue) - julianday(world_day()) AS INT)
TRX_DISCOUNTAVAILABLE money t._discount
"""
_INVOICE_EMPTY = (
    "CUSTMESSAGEID CUSTMESSAGE.MESSAGE DESCRIPTION2 EXCH_RATE_DATE EXCH_RATE_TYPE_ID PRBATCH SYSTEMGENERATED TAXMETHOD"
    " SHIPTO.TAXGROUP.NAME SHIPTO.TAXID SHIPTO.TAXGROUP.RECORDNO TAXSOLUTIONID RETAINAGEPERCENTAGE TRX_TOTALRETAINED"
    " TRX_TOTALRELEASED TOTALRETAINED TOTALRELEASED BILLTOPAYTOCONTACTNAME SHIPTORETURNTOCONTACTNAME SUPDOCID"
)
_ITEM = """
RECORDNO integer e.recordno
RECORDKEY integer e.recordkey
LINE_NO integer e.line_no
ACCOUNTNO text e.accountno
ACCOUNTTITLE text (SELECT a.title FROM account a WHERE a.accountno = e.accountno)
ENTRYDESCRIPTION text e.description
ENTRY_DATE date t.whencreated
AMOUNT money e.base_amount
TRX_AMOUNT money e.amount
TOTALPAID money CASE WHEN e.amount = 0 THEN 0 ELSE CAST(ROUND(e.paid * 1.0 * e.base_amount / e.amount) AS INT) END
TRX_TOTALPAID money e.paid
TRX_TOTALSELECTED money e.selected
TRX_DISCOUNTAPPLIED money e.discount
LOCATIONID text e.locationid
DEPARTMENTID text e.departmentid
ITEMID text e.itemid
SUBTOTAL text e.subtotal
PARENTENTRY integer e.parententry
CURRENCY text t.currency
BASECURR text t.basecurr
EXCHANGE_RATE decimal t.rate
CUSTOMERID text t.customerid
CUSTOMERNAME text c.name
RECORDTYPE text t.recordtype
WHENCREATED datetime e.auwhencreated
WHENMODIFIED datetime e.whenmodified
CREATEDBY text e.createdby
MODIFIEDBY text e.modifiedby
"""
_ITEM_EMPTY = (
    "ACCOUNTKEY OFFSETACCOUNTKEY OFFSETGLACCOUNTNO OFFSETGLACCOUNTTITLE ACCOUNTLABELKEY ACCOUNTLABEL DEPARTMENTNAME"
    " LOCATIONNAME EXCH_RATE_DATE EXCH_RATE_TYPE_ID ALLOCATIONKEY ALLOCATION LINEITEM TOTALSELECTED PAYMENTTAXCAPTURE"
    " DEFERREVENUE REVRECTEMPLATEKEY REVRECTEMPLATE DEFERREDREVACCTKEY DEFERREDREVACCTNO DEFERREDREVACCTTITLE"
    " REVRECSTARTDATE REVRECENDDATE BASELOCATION BILLABLECONTRACTSCHENTRYKEY BILLABLECONTRACTUSAGEBILLINGID DETAILKEY"
    " RETAINAGEPERCENTAGE TRX_AMOUNTRETAINED AMOUNTRETAINED TRX_AMOUNTRELEASED RETAINAGE_OFFSETGLACCOUNTNO"
    " PROJECTCONTRACTID ISRETAINAGERELEASE ISSUMMARIZED ORIGDOCKEY ORIGDOCLINEKEY ORIGDOCID ORIGDOCLINEID CLASSID"
    " CLASSNAME VENDORID VENDORNAME EMPLOYEEID EMPLOYEENAME ITEMNAME PROJECTID PROJECTNAME CONTRACTID CONTRACTNAME"
)
_PAYMENT = """
RECORDNO integer t.recordno
RECORDTYPE text t.recordtype
RECORDID text t.recordid
STATE enum:payment t.state
DISPLAYSTATE text (SELECT CASE t.state WHEN 'C' THEN 'Complete' WHEN 'D' THEN 'Draft' ELSE 'Reversed' END)
RAWSTATE text t.state
FINANCIALENTITY text t.financialentity
FINANCIALENTITYTYPE text CASE WHEN t.financialentity IS NOT NULL THEN 'ba' END
FINANCIALACCOUNTNAME text (SELECT b.bankname FROM bank b WHERE b.bankaccountid = t.financialentity)
FINANCIALACCOUNTCURRENCY text (SELECT b.currency FROM bank b WHERE b.bankaccountid = t.financialentity)
UNDEPOSITEDACCOUNTNO text t.undepositedaccountno
PAYMENTMETHOD text t.paymentmethod
PAYERNAME text t.payername
DOCNUMBER text t.docnumber
DESCRIPTION text t.description
WHENCREATED date t.whencreated
RECEIPTDATE date t.receiptdate
PAYMENTDATE date t.paymentdate
WHENPAID date t.whenpaid
PARENTPAYMENTKEY integer t.parentpaymentkey
REVERSALKEY integer t.reversalkey
CLEARED boolean 0
"""
_PAYMENT_EMPTY = (
    "PRBATCHKEY PRBATCH SUMMARYTITLE PAYMENTMETHODKEY EXCH_RATE_DATE EXCH_RATE_TYPE_ID BILLTOPAYTONAME BILLTOPAYTOKEY"
    " CLRDATE TAXSOLUTIONID SUPDOCID MULTIENTITYPYMTKEY RECORD_URL"
)
_DETAIL = """
RECORDNO integer d.recordno
PAYMENTKEY integer d.paymentkey
RECORDKEY integer CASE WHEN r.recordtype = 'ri' THEN d.targetkey END
ENTRYKEY integer CASE WHEN r.recordtype = 'ri' THEN d.targetentry END
POSADJKEY integer CASE WHEN r.recordtype = 'ra' THEN d.targetkey END
POSADJENTRYKEY integer CASE WHEN r.recordtype = 'ra' THEN d.targetentry END
TRX_PAYMENTAMOUNT money CASE WHEN d.creditkey IS NULL THEN d.cash END
PAYMENTAMOUNT money CASE WHEN d.creditkey IS NULL THEN d.cash END
ADJUSTMENTKEY integer CASE WHEN s.recordtype = 'ra' THEN d.creditkey END
ADJUSTMENTENTRYKEY integer CASE WHEN s.recordtype = 'ra' THEN d.creditentry END
TRX_ADJUSTMENTAMOUNT money CASE WHEN s.recordtype = 'ra' THEN d.credit END
ADVANCEKEY integer CASE WHEN s.recordtype = 'rr' THEN d.creditkey END
ADVANCEENTRYKEY integer CASE WHEN s.recordtype = 'rr' THEN d.creditentry END
TRX_POSTEDADVANCEAMOUNT money CASE WHEN s.recordtype = 'rr' THEN d.credit END
OVERPAYMENTKEY integer CASE WHEN s.recordtype = 'ro' THEN d.creditkey END
OVERPAYMENTENTRYKEY integer CASE WHEN s.recordtype = 'ro' THEN d.creditentry END
TRX_POSTEDOVERPAYMENTAMOUNT money CASE WHEN s.recordtype = 'ro' THEN d.credit END
TRX_TOTALDISCOUNTAPPLIED money d.discount
STATE enum:payment p.state
CURRENCY text p.currency
"""
_DETAIL_EMPTY = (
    "INLINEKEY INLINEENTRYKEY TRX_INLINEAMOUNT NEGATIVEINVOICEKEY NEGATIVEINVOICEENTRYKEY TRX_NEGATIVEINVOICEAMOUNT"
    " DISCOUNTDATE"
)
_CUSTOMER_FIELDS = """
RECORDNO integer c.recordno
CUSTOMERID text c.customerid
NAME text c.name
ENTITY text 'C' || c.customerid
PARENTID text c.parentid
PARENTKEY integer (SELECT p.recordno FROM customer p WHERE p.customerid = c.parentid)
PARENTNAME text (SELECT p.name FROM customer p WHERE p.customerid = c.parentid)
TERMNAME text c.termname
CURRENCY text c.currency
STATUS enum:active c.status
ONHOLD boolean c.onhold
ONETIME boolean 0
TOTALDUE money (SELECT SUM(i.total - i.paid - i.discounted) FROM record i WHERE i.customerid = c.customerid AND \
i.recordtype = 'ri' AND i.state NOT IN ('V', 'R', 'D', 'I'))
ARACCOUNT text c.araccount
WHENCREATED datetime c.auwhencreated
WHENMODIFIED datetime c.whenmodified
CREATEDBY text c.createdby
MODIFIEDBY text c.modifiedby
MEGAENTITYID text NULLIF(c.entity, '')
"""
_CUSTOMER_EMPTY = (
    "CUSTREPNAME CUSTREPID GLGRPKEY GLGROUP OBJECTRESTRICTION CREDITLIMIT DELIVERY_OPTIONS CUSTTYPE TERRITORYID"
    " RESALENO TAXID COMMENTS CUSTMESSAGEID SHIPPINGMETHOD HEALTH_SCORE HEALTH_STATUS CHURN_RISK SUPDOCID"
)
_WITH_CUSTOMER = " LEFT JOIN customer c ON c.customerid = t.customerid"


def standard_objects() -> dict[str, ObjectType]:
    types = (*_documents(), *_money(), _customers(), *ledger_objects(), *company_objects())
    return {kind.name: kind for kind in types}


def _documents() -> list[ObjectType]:
    """Invoices and adjustments with their lines."""
    contacts = [_contact(prefix) for prefix in ("CONTACT", "BILLTO", "SHIPTO")]
    return [
        ObjectType(
            "ARINVOICE",
            of_type("ri") + _WITH_CUSTOMER,
            listed(_INVOICE, _CUSTOMER, CURRENCY, _TOTALS, AUDIT, ENTITY, *contacts, empty=_INVOICE_EMPTY),
            private_sql="t.entity",
        ),
        ObjectType(
            "ARINVOICEITEM",
            OF_RECORD.format(of_type("ri")) + _WITH_CUSTOMER,
            listed(_ITEM, "STATE enum:invoice t.state", empty=_ITEM_EMPTY),
            private_sql="t.entity",
        ),
        ObjectType(
            "ARADJUSTMENT",
            of_type("ra") + _WITH_CUSTOMER,
            listed(_INVOICE, _CUSTOMER, CURRENCY, _TOTALS, AUDIT, ENTITY),
            private_sql="t.entity",
        ),
        ObjectType(
            "ARADJUSTMENTITEM",
            OF_RECORD.format(of_type("ra")) + _WITH_CUSTOMER,
            listed(_ITEM, "STATE enum:invoice t.state", empty=_ITEM_EMPTY),
            private_sql="t.entity",
        ),
    ]


def _money() -> list[ObjectType]:
    """Payments and advances with their lines."""
    return [
        ObjectType(
            "ARPYMT",
            of_type("rp", "ro", "rr") + _WITH_CUSTOMER,
            listed(_PAYMENT, _CUSTOMER, CURRENCY, _TOTALS, AUDIT, ENTITY, empty=_PAYMENT_EMPTY),
            private_sql="t.entity",
        ),
        ObjectType(
            "ARPYMTDETAIL",
            "detail d JOIN record p ON p.recordno = d.paymentkey JOIN record r ON r.recordno = d.targetkey"
            " LEFT JOIN record s ON s.recordno = d.creditkey",
            listed(_DETAIL, empty=_DETAIL_EMPTY),
            private_sql="p.entity",
        ),
        ObjectType(
            "ARADVANCE",
            of_type("rr") + _WITH_CUSTOMER,
            listed(_PAYMENT, _CUSTOMER, CURRENCY, _TOTALS, AUDIT, ENTITY, empty=_PAYMENT_EMPTY),
            private_sql="t.entity",
        ),
        ObjectType(
            "ARADVANCEITEM",
            OF_RECORD.format(of_type("rr")) + _WITH_CUSTOMER,
            listed(_ITEM, empty=_ITEM_EMPTY),
            private_sql="t.entity",
        ),
    ]


def _customers() -> ObjectType:
    contacts = [_contact(prefix) for prefix in ("DISPLAYCONTACT", "CONTACTINFO", "BILLTO", "SHIPTO")]
    return ObjectType(
        "CUSTOMER",
        "customer c",
        listed(_CUSTOMER_FIELDS, *contacts, empty=_CUSTOMER_EMPTY),
        private_sql="c.entity",
        name_key="CUSTOMERID",
    )


def own_objects() -> dict[str, ObjectType]:
    """The custom objects: lower-case names, the key is `id`."""
    types = {}
    for name, columns in CUSTOM_OBJECTS.items():
        fields = {"id": Field("t.id", "integer", "Id"), "name": Field("t.name", "text", "Name")}
        fields |= {column: Field(f"t.{column}", "text", labelled(column), custom=True) for column in columns}
        fields |= {stamp: Field(f"t.{stamp}", "datetime", stamp) for stamp in ("createdAt", "updatedAt")}
        types[name.upper()] = ObjectType(name, f"{name} t", fields, "id", name_key="name", label=labelled(name))
    return types
