"""What every ledger's rows have in common once they are under our own names: cells, people's reasons, customers.

A vendor's room brings its rows into this shape (strings, days as YYYY-MM-DD, flags 'T' and 'F', no key where a value
is null); which field said what, and under which name, stays with that vendor.
"""
