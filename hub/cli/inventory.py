"""What `hub migrate SOURCE --inventory` prints, and the file of questions that it writes."""

from pathlib import Path
from typing import TYPE_CHECKING

from hub.cli.formatting import duration
from hub.cli.output import print_line, print_table, print_warning
from hub.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.migration.duplicates import StreamDuplicates
    from hub.migration.inventory import SourceInventory
    from hub.migration.reading_cost import ReadingCost

_FIELDS_SHOWN = 8


def show(found: "SourceInventory") -> None:
    """Print an inventory as tables."""
    print_line(found.source, _cost(found.cost))
    for warning in _quota(found.cost):
        print_warning(warning)
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
    if found.people:
        _show_people(found.people)
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
        print_table(*_of_pipelines(found), types)
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


def _of_pipelines(found: "SourceInventory") -> tuple[str, tuple[str, str]]:
    """Return title and heads of the table of what may be a pipeline."""
    if any(one.keeps_pipelines for one in found.streams):
        return "Pipelines of deals that the hub does not have", ("pipeline", "deals")
    return "Record types of deals", ("record type", "deals")


def _cost(cost: "ReadingCost") -> str:
    """Say how many requests and how long reading takes."""
    parts = []
    if cost.requests_n:
        left = "" if cost.left_n is None else f" ({cost.left_n:,} are left today)"
        parts.append(f"{cost.requests_n:,} requests{left}")
    if cost.seconds is not None:
        by = " at the vendor's rate limit" if cost.is_by_rate else ""
        parts.append(f"{duration(cost.seconds)}{by}")
    if not parts:
        return "what reading takes is not known: the source is empty, or does not count"
    return f"reading takes about {', '.join(parts)}"


def _quota(cost: "ReadingCost") -> list[str]:
    """Say that a migration does not fit into what is left of the daily quota, and what it does then."""
    if cost.left_n is None or cost.requests_n <= cost.left_n:
        return []
    words = f"{cost.requests_n:,} requests do not fit into the {cost.left_n:,} that are left today"
    if not cost.days_n:
        return [f"{words}; the daily quota allows none: lower the source's daily_reserve"]
    daily = (
        f"The hub may use {cost.daily_n or 0:,} a day, so reading takes about {cost.days_n} days."
    )
    goes_on = "It stops when they are used up, and the same command continues."
    return [f"{words}. {daily} {goes_on}"]


def _show_people(people: "Sequence[StreamDuplicates]") -> None:
    print_table(
        "People who may be there twice",
        (
            "stream",
            "looked at",
            "same e-mail",
            "same phone",
            "in an earlier stream",
            "in the hub",
        ),
        [
            (one.stream, _looked_at(one),
             _about(one.same_email_n, is_exact=one.is_whole or one.is_email_counted),
             *(_about(n, is_exact=one.is_whole)
               for n in (one.same_phone_n, one.other_streams_n, one.in_hub_n)))
            for one in people
        ],
    )  # fmt: skip
    print_line(
        "",
        "Each number is of records whose e-mail address or phone number an earlier record has. "
        "The matcher weighs names and companies too: the dry run says who becomes one person.",
    )
    if any(not one.is_whole for one in people):
        counted = any(one.is_email_counted for one in people)
        by = " The source itself counts the same e-mail addresses in a stream." if counted else ""
        print_line("", f"Numbers with `about` are projected from the records that were read.{by}")


def _looked_at(one: "StreamDuplicates") -> str:
    if one.is_whole:
        return f"all {one.read_n:,}"
    return f"{one.read_n:,} of {'?' if one.records_n is None else f'{one.records_n:,}'}"


def _about(n: int, *, is_exact: bool) -> str:
    return f"{n:,}" if is_exact else f"about {n:,}"


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


def said_of(file: Path, source: str, folder: str | None, dry_run: str) -> None:
    """Say what to do with the questions.

    Args:
        file: that was written.
        source: whose questions they are.
        folder: the setting `mappings_dir`.
        dry_run: the command that tries the answers.
    """
    from hub.mappings.folders import ANSWERS

    place = Path(folder or "mappings") / source / ANSWERS
    steps = [f"wrote {file}. Next: 1. Write your answers into it."]
    if place.absolute() != file.absolute():
        steps.append(f"Copy it to {place}.")
    if not folder:
        steps.append("Write the line `mappings_dir: mappings` into hub.yaml.")
    steps.append(f"{dry_run} tries the answers.")
    numbered = [steps[0], *(f"{n}. {step}" for n, step in enumerate(steps[1:], 2))]
    print_line("", " ".join(numbered))
