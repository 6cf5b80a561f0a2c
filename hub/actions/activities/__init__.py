"""Notes, calls, visits, messages and tasks of a record, and its timeline."""
