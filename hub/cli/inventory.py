"""What `hub migrate SOURCE --inventory` prints, and the file of questions that it writes."""

from pathlib import Path
from typing import TYPE_CHECKING

from hub.cli.output import print_line, print_table, print_warning
from hub.errors import ConfigError

if TYPE_CHECKING:
    from hub.migration.inventory import SourceInventory

_FIELDS_SHOWN = 8


def show(found: "SourceInventory") -> None:
    """Print an inventory as tables."""
    left = found.remaining_n
    fits = "" if left is None else f" of {left:,} that are left today"
    print_line(f"{found.source}: a migration takes about", f"{found.requests_n:,} requests{fits}")
    print_table(
        "Objects",
        ("stream", "records", "deleted", "fields with values", "unknown values", "requests"),
        [
            (one.stream, c.count_n if c else None, c.deleted_n if c else None,
             sum(1 for f in c.fields if f.filled_n) if c else None,
             len(one.unknown) or None, c.requests_n if c else None)
            for one in found.streams
            for c in (one.counts,)
        ],
    )  # fmt: skip
    if values := [(one.stream, v) for one in found.streams for v in one.unknown]:
        print_table(
            "Values that the mapping does not know",
            ("stream", "field", "value", "records", "may be"),
            [(s, v.field, v.value, v.records, ", ".join(v.known[:6])) for s, v in values],
        )
    if customs := [one for one in found.streams if one.customs]:
        print_table(
            "Custom fields without a definition here",
            ("stream", "fields"),
            [(one.stream, _named([f.name for f in one.customs])) for one in customs],
        )
    if types := [(name, n) for one in found.streams for name, n in one.record_types.items()]:
        print_table("Record types of deals", ("record type", "deals"), types)
    if found.owners:
        print_table(
            "Owners whose records no active user gets",
            ("id", "name", "e-mail", "records", "why"),
            [(o.id, o.name, o.email, o.records, o.why) for o in found.owners],
        )
    if unread := [one for one in found.streams if one.unread]:
        print_table(
            "Fields that the mapping does not read",
            ("stream", "fields"),
            [(one.stream, _named([f.name for f in one.unread])) for one in unread],
        )
    if found.left_behind:
        print_table(
            "Objects that stay behind: the hub does not read them",
            ("object", "records, about"),
            list(found.left_behind.items()),
        )
    for fault in found.faults:
        print_warning(fault.sentence)


def _named(names: list[str]) -> str:
    more = f" and {len(names) - _FIELDS_SHOWN} more" if len(names) > _FIELDS_SHOWN else ""
    return ", ".join(names[:_FIELDS_SHOWN]) + more


def write_questions(found: "SourceInventory", file: Path) -> None:
    """Write the questions that an inventory leaves open; an existing file is not replaced.

    Raises:
        ConfigError: the file exists, or cannot be written.
    """
    from hub.migration.questions import questions

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as out:
            out.write(questions(found))
    except FileExistsError as exc:
        raise ConfigError(f"{file} exists already", hint="choose another name") from exc
    except OSError as exc:
        raise ConfigError(f"cannot write {file}: {exc.strerror}") from exc


def said_of(file: Path, source: str, folder: str | None) -> None:
    """Say what to do with the questions.

    Args:
        file: that was written.
        source: whose questions they are.
        folder: the setting `mappings_dir`.
    """
    from hub.mappings.folders import ANSWERS

    place = Path(folder or "mappings") / source / ANSWERS
    dry_run = f"hub migrate {source} --dry-run"
    steps = [f"wrote {file}. Next: 1. Write your answers into it."]
    if place.absolute() != file.absolute():
        steps.append(f"Copy it to {place}.")
    if not folder:
        steps.append("Write the line `mappings_dir: mappings` into hub.yaml.")
    steps.append(f"{dry_run} tries the answers.")
    numbered = [steps[0], *(f"{n}. {step}" for n, step in enumerate(steps[1:], 2))]
    print_line("", " ".join(numbered))
