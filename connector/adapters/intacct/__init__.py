"""Sage Intacct as the system of record: its XML gateway, where one operation is carried out whole or not at all.

`erp.py` is the way in. Facts about the vendor are named where they are used; those that no source confirmed are
settings in mappings/intacct.yaml.
"""

from connector.adapters.intacct.erp import IntacctErp
from connector.adapters.intacct.settings import IntacctMapping, IntacctSettings

__all__ = ["IntacctErp", "IntacctMapping", "IntacctSettings"]
