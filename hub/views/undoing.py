"""What an undo took back, or would take back, and what stays, in the one JSON form."""

from collections.abc import Mapping

from hub.frozen import dataclass
from hub.undo.report import COUNTED, GivenBack, Kept, Undone


@dataclass(frozen=True, slots=True)
class KeptConsent:
    """A consent that stays, because a record of the batch states it.

    Args:
        record: source/stream/id of the record.
        channel: channel of the consent.
        state: what the record states.
    """

    record: str
    channel: str
    state: str


@dataclass(frozen=True, slots=True)
class UndoReport:
    """An undone batch.

    Args:
        batch: number of the batch.
        undo: number of the batch that the undo is; 0 for a preview.
        reverted: how many records were taken out (`records`) or have their earlier values again
            (`restored`), and how many rows of each kind were deleted.
        records: names of both: source/stream/id.
        edited: records that stay because their person was edited afterwards.
        blocked: records that stay because later work depends on them.
        consents: consents that stay.
        given_back: turns that groups return to members.
        users: owners of the source who stay, because they own other records.
        routed: leads of earlier batches that got an owner while the batch ran.
        dry_run: whether nothing was changed.
        again: the command that imports the records again.
    """

    batch: int
    undo: int
    reverted: Mapping[str, int]
    records: tuple[str, ...]
    edited: tuple[Kept, ...]
    blocked: tuple[Kept, ...]
    consents: tuple[KeptConsent, ...]
    given_back: tuple[GivenBack, ...]
    users: tuple[str, ...]
    routed: tuple[str, ...]
    dry_run: bool
    again: str


def undo_report(done: Undone, *, dry_run: bool, again: str) -> UndoReport:
    """Return what became of a batch, as it is printed."""
    return UndoReport(
        batch=done.batch,
        undo=done.undo,
        reverted={name: done.reverted[name] for name in COUNTED},
        records=tuple(done.records),
        edited=tuple(done.edited),
        blocked=tuple(done.blocked),
        consents=tuple(KeptConsent(*one) for one in done.consents),
        given_back=tuple(done.given_back),
        users=tuple(done.users),
        routed=tuple(done.routed),
        dry_run=dry_run,
        again=again,
    )
