"""What an account's numbers stand for: its currencies and the connector's record types, looked up when first needed."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from connector.adapters.netsuite import queries
from connector.adapters.netsuite.records import Records
from connector.adapters.netsuite.rest import Row, SuiteQl
from connector.adapters.netsuite.settings import NetSuiteMapping
from connector.adapters.netsuite.soap import Soap


class Names:
    """Safe for several threads."""

    def __init__(self, ql: SuiteQl, soap: Soap, mapping: NetSuiteMapping) -> None:
        self._ql = ql
        self._soap = soap
        self._mapping = mapping
        self._turn = threading.Lock()
        self._currencies: dict[str, str] = {}
        self._records: Records | None = None

    def currencies(self, rows: Iterable[Row] = ()) -> dict[str, str]:
        """Internal id -> ISO code; read again when these rows name one that is not known yet."""
        with self._turn:
            named = {row["currency"] for row in rows if "currency" in row}
            if not self._currencies or named - self._currencies.keys():
                found = self._ql.by_offset("currencies", queries.CURRENCIES)
                self._currencies = {row["id"]: row.get("symbol", "") for row in found if "id" in row}
            return self._currencies

    def currency_ids(self) -> dict[str, str]:
        """ISO code -> internal id."""
        return {code: currency_id for currency_id, code in self.currencies().items()}

    def records(self) -> Records:
        """The builder of SOAP records, with the record types' numeric ids looked up once."""
        with self._turn:
            if self._records is None:
                wanted, ids = set(self._mapping.records.types), dict(self._mapping.record_type_ids)
                if wanted - ids.keys():
                    for row in self._ql.by_offset("custom record types", queries.RECORD_TYPES):
                        ids.setdefault(row.get("scriptid", "").lower(), row.get("internalid", ""))
                records = Records(self._soap, self._mapping, ids)
                if wanted - ids.keys():
                    return records  # not kept: the missing types may be installed meanwhile
                self._records = records
            return self._records
