"""The journey of a sales-ops admin: a whole source migrates while everything goes wrong.

`python -m tests.journey` makes it with the whole org, `test_journey.py` with a small one. Both are one
driver: processes of `hub` over an emulated vendor, killed and continued (`drive.py`), and what must hold
afterwards, recomputed from the vendor's own data (`org.py`, `rows.py`). What is particular to a vendor is
in a folder of its own (`ways.py`).
"""
