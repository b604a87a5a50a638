"""NetSuite as the system of record: SuiteQL for reading, SuiteTalk SOAP for writing and reading back.

`erp.py` is the way in. Facts about the vendor are named where they are used; those that no source confirmed are
settings in mappings/netsuite.yaml.
"""

from connector.adapters.netsuite.erp import NetSuiteErp
from connector.adapters.netsuite.settings import NetSuiteMapping, NetSuiteSettings

__all__ = ["NetSuiteErp", "NetSuiteMapping", "NetSuiteSettings"]
