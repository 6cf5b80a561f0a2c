"""What the operator decided for a source: the answers that its mappings follow, as lines of a report.

In: the folder of the user's mappings. Out: one line for each answer that is given. Empty answers are no
decisions. Not here: how answers are applied (`hub.mappings.tailoring`).
"""

from dataclasses import dataclass
from pathlib import Path

from hub.mappings.folders import ANSWERS
from hub.mappings.tailoring import answers_of


@dataclass(frozen=True, slots=True)
class Decision:
    """One answer.

    Args:
        about: owner, pipeline, stage, value, custom field, or field left out.
        of: what it is at the source.
        here: what it is here.
    """

    about: str
    of: str
    here: str


def decisions(folder: Path | str | None, source: str) -> list[Decision]:
    """Return the answers of a source as they are now; none without a file.

    Raises:
        ConfigError: the file is not what it should be.
    """
    path = Path(folder) / source / ANSWERS if folder else None
    if path is None or not path.is_file():
        return []
    said = answers_of(path)
    found = [Decision("owner", id_, email) for id_, email in said.owners.items() if email]
    for record_type, to in said.pipelines.items():
        if to is not None:
            found.append(Decision("pipeline", record_type, to.pipeline))
            stages = {name: here for name, here in to.stages.items() if here}
            found += [
                Decision("stage", f"{record_type}: {name}", here) for name, here in stages.items()
            ]
    for stream, fields in said.values.items():
        for field, values in fields.items():
            found += [
                Decision("value", f"{stream}.{field}: {value}", here)
                for value, here in values.items()
                if here is not None
            ]
    for stream, named in said.fields.items():
        found += [
            Decision("custom field", f"{stream}.{name}", f"{one.name or name}, {one.type}")
            for name, one in named.items()
            if one is not None
        ]
    for stream, left in said.leave.items():
        found += [Decision("field left out", f"{stream}.{name}", "") for name in left]
    return found
