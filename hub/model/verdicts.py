"""Closed lists: verdicts of records, and their other states."""

from enum import StrEnum


class Verdict(StrEnum):
    """What became of one source record; the ledger is a sum over these."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    MERGED = "merged"  # joined an existing entity
    EXCLUDED = "excluded"  # the mapping's `when` was false
    REJECTED = "rejected"
    DELETED = "deleted"


class Op(StrEnum):
    """What a raw record says about its source object."""

    UPSERT = "upsert"
    DELETE = "delete"
    MERGE_INTO = "merge_into"


class Cause(StrEnum):
    """Why a source record does not count as living (`ops.source_record.gone_why`).

    The source deleted the object, or merged it into another one. Or the object is there, and our
    mapping excludes it, rejects it, or no longer makes this record of it.
    """

    DELETED = "deleted"
    MERGED = "merged"
    EXCLUDED = "excluded"
    REJECTED = "rejected"
    UNSAID = "unsaid"


class Lane(StrEnum):
    """How notifications are sent: `live` one by one; `bulk` (initial load) as one digest."""

    BULK = "bulk"
    LIVE = "live"


class Trust(StrEnum):
    """May a record's values overwrite, and may it connect two others?

    `open` is anything a stranger can send (a form, a chat, an open hook): it fills blanks only
    and is a leaf in matching.
    """

    TRUSTED = "trusted"
    OPEN = "open"


class Judgement(StrEnum):
    """The answer about a pair of records."""

    SAME = "same"
    DIFFERENT = "different"
    UNSURE = "unsure"
