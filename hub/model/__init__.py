"""The vocabulary: words and shapes that every room shares.

In: nothing. Out: frozen dataclasses and enums. No I/O, no SQL, no vendor names.
"""
