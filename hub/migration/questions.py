"""The questions that an inventory leaves open, as a file to edit: `answers.yaml` of a source.

In: an inventory. Out: YAML text, each question with its records and a proposal. A question that is
left empty has an effect that its comment says. Pure. Not here: how answers are applied
(`hub.mappings.tailoring`).
"""

import difflib
from collections.abc import Iterator, Sequence
from itertools import groupby

import yaml

from hub.connectors.base import FieldUse
from hub.migration.fields import proposal_of
from hub.migration.inventory import OpenOwner, SourceInventory, StreamInventory, UnknownValue
from hub.migration.planning import FILES

_HEAD = """\
# Answers for {source}. The hub reads them from {source}/answers.yaml in the folder `mappings_dir` of hub.yaml.
# `~` is an empty answer: the comment above it says what happens then.
# hub migrate {what} --dry-run tries the answers; nothing is loaded.
"""
_OF_FILES = """\
# They are for all files. What a column is, and how its dates are written, is in the mapping file: see --propose.
"""


def questions(found: SourceInventory) -> str:
    """Return the questions as YAML with comments; without questions, a file that says so."""
    is_files = found.source == FILES
    head = _HEAD.format(source=found.source, what="FILE …" if is_files else found.source)
    lines = [head + _OF_FILES if is_files else head]
    lines += _values([one for one in found.streams if one.unknown])
    lines += _fields([one for one in found.streams if one.customs])
    lines += _pipelines(found)
    lines += _owners(found.owners)
    lines += _leave([one for one in found.streams if one.unread])
    if len(lines) == 1:
        lines.append("# There is nothing to answer.\n")
    return "\n".join(lines)


def _values(streams: Sequence[StreamInventory]) -> Iterator[str]:
    if not streams:
        return
    yield "# Values that the mapping does not know. With `~` they are kept as they are. A deal is refused if the hub"
    yield "# does not have its stage."
    yield "values:"
    for stream in streams:
        yield f"  {stream.stream}:"
        for field, own in groupby(stream.unknown, key=lambda u: u.field):
            values = list(own)
            yield f"    {_text(field)}:  # one of: {', '.join(values[0].known[:12])}"
            yield from (f"      {_text(one.value)}: {_proposal(one)}" for one in values)
    yield ""


def _proposal(one: UnknownValue) -> str:
    near = difflib.get_close_matches(one.value, one.known, n=1, cutoff=0.6)
    return f"{_text(near[0]) if near else '~'}  # {_records(one.records)}"


def _records(n: int) -> str:
    return "1 record" if n == 1 else f"{n:,} records"


def _fields(streams: Sequence[StreamInventory]) -> Iterator[str]:
    if not streams:
        return
    yield "# Custom fields with values. Each line defines one here with its type, so that lists can filter by it."
    yield "# With `~` the values are kept as they came, without a definition."
    yield "fields:"
    for stream in streams:
        yield f"  {stream.stream}:"
        for one in stream.customs:
            n = "some records" if one.filled_n is None else _records(one.filled_n)
            yield f"    {_text(one.name)}: {_field(one)}  # {n}"
    yield ""


def _field(one: FieldUse) -> str:
    said = proposal_of(one)
    if not said.name and not said.choices:
        return said.type
    parts = {"type": said.type, "name": said.name, "choices": list(said.choices)}
    return _flow({name: value for name, value in parts.items() if value})


def _pipelines(found: SourceInventory) -> Iterator[str]:
    types = {name: n for one in found.streams for name, n in one.record_types.items() if name}
    if not types:
        return
    first = next(iter(found.pipelines), "")
    if any(one.keeps_pipelines for one in found.streams):
        yield "# Pipelines of deals that the hub does not have. With `~` these deals are refused."
    else:
        yield f"# Pipelines of deals, by record type. With `~` the deals are in the first pipeline, {_comment(first)}."
    yield "# A pipeline with stages of its own: {pipeline: Renewals, stages: {Negotiation/Review: Talk}}"
    for name, stages in found.pipelines.items():
        yield f"#   {_comment(name)}: {_comment(', '.join(stages))}"
    yield "pipelines:"
    for name, n in types.items():
        near = difflib.get_close_matches(name, found.pipelines, n=1, cutoff=0.6)
        yield f"  {_text(name)}: {_text(near[0]) if near else '~'}  # {_records(n)}"
    yield ""


def _flow(value: dict[str, object]) -> str:
    """Return a mapping as YAML on one line."""
    dumped: str = yaml.safe_dump(
        value, default_flow_style=True, width=10**6, allow_unicode=True, sort_keys=False
    )
    return dumped.strip()


def _owners(owners: Sequence[OpenOwner]) -> Iterator[str]:
    if not owners:
        return
    yield "# Owners whose records no active user gets. Give the e-mail address of a user."
    yield "# With `~` leads go to the fallback of `routing:`, people and companies have no owner, and deals and"
    yield "# activities keep this owner, who is an inactive user here."
    yield "owners:"
    for one in owners:
        who = f"{one.name} {one.email}".strip()
        proposal = one.proposal or "~"
        yield f"  {_text(one.id)}: {proposal}  # {_comment(who)}, {_records(one.records)}: {one.why}"
    yield ""


def _leave(streams: Sequence[StreamInventory]) -> Iterator[str]:
    if streams:
        yield "# Fields that the mapping does not read. Their values stay in the raw record:"
    for stream in streams:
        names = ", ".join(f"{one.name} ({one.filled_n:,})" for one in stream.unread if one.filled_n)
        yield f"#   {stream.stream}: {_comment(names)}"
    yield "# Fields to leave behind though the mapping reads them, by stream, for example:"
    yield "#   leads: [Old_Score__c]"
    yield "leave: {}"
    yield ""


def _comment(words: str) -> str:
    return " ".join(words.split())


def _text(value: str) -> str:
    """Return a text as a YAML key or value on one line."""
    dumped: str = yaml.safe_dump(value, width=10_000, allow_unicode=True, default_style=None)
    return dumped.removesuffix("\n").removesuffix("\n...").removesuffix("...").strip()
