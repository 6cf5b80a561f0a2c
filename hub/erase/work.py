"""An erasure under way: who is meant, in a file for its owner alone, until nothing is left to do.

The database soon no longer has the person's names; a killed erasure continues from this file. The
last step deletes it.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from hub.erase.mentions import Mentions
from hub.erase.person import Person, person_of
from hub.erase.tied import Tied
from hub.records.erasure_key import work_file


@dataclass(frozen=True, slots=True)
class Work:
    """What an erasure does.

    Args:
        erasure: its number.
        who: who asked for it.
        at: when it began.
        person: who is erased.
        ids: what hung on the person when it began.
        mentions: the texts to look for.
    """

    erasure: str
    who: str
    at: datetime
    person: Person
    ids: Tied
    mentions: Mentions


def keep(home: Path, work: Work) -> None:
    """Write the file, whole or not at all."""
    file = work_file(home)
    draft = file.with_suffix(".draft")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        json.dump(_document(work), out)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)


def kept(home: Path) -> Work | None:
    """Return the erasure that was killed; None where there is none."""
    try:
        said = json.loads(work_file(home).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    wanted = said["mentions"]
    return Work(
        said["erasure"],
        said["who"],
        datetime.fromisoformat(said["at"]),
        person_of(said["person"]),
        Tied(**said["ids"]),
        Mentions(
            _several(wanted["anywhere"]), _several(wanted["in_deals"]), frozenset(wanted["ids"])
        ),
    )


def _several(said: Sequence[str] | str | None) -> tuple[str, ...]:
    """Return patterns; an erasure that an older program began has one for all."""
    return (said,) if isinstance(said, str) else tuple(said or ())


def drop(home: Path) -> None:
    """Forget who was erased."""
    work_file(home).unlink(missing_ok=True)


def _document(work: Work) -> dict[str, Any]:
    ids, wanted = work.ids, work.mentions
    return {
        "erasure": work.erasure,
        "who": work.who,
        "at": work.at.isoformat(),
        "person": work.person.document(),
        "ids": {name: list(getattr(ids, name)) for name in Tied.__dataclass_fields__},
        "mentions": {
            "anywhere": wanted.anywhere,
            "in_deals": wanted.in_deals,
            "ids": sorted(wanted.ids),
        },
    }
