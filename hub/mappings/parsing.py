"""The payloads of raw records, parsed once; and the context objects that they refer to.

In: a mapping document, raw records. Out: parsed records, references to context. Pure. Not here: how a
parsed record is mapped (`hub.mappings.engine`).
"""

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from hub.errors import RecordError
from hub.frozen import dataclass
from hub.mappings.compiler import compile_document
from hub.mappings.document import MappingDocument
from hub.mappings.paths import Paths, PathValues
from hub.mappings.registry import Ctx
from hub.mappings.rows import is_blank
from hub.model.records import RawRecord
from hub.model.verdicts import Op

SHORT = 200
"""Length of a text in a message."""
_DECODER = json.JSONDecoder(parse_constant=lambda _name: None)  # NaN and Infinity are not JSON


@dataclass(frozen=True, slots=True)
class ParsedRecord:
    """A raw record with its parsed payload, or with the error if the payload is not an object.

    `said` are the values at the document's paths, if they have been read (`Paths.read`).
    """

    record: RawRecord
    payload: dict[str, Any] | RecordError
    said: PathValues | None = None


def parse_records(document: MappingDocument, records: Sequence[RawRecord]) -> list[ParsedRecord]:
    """Parse the payloads once; deleted and merged records get an empty payload."""
    paths = compile_document(document).paths
    return [_parsed(record, document, paths) for record in records]


def _parsed(record: RawRecord, document: MappingDocument, paths: Paths) -> ParsedRecord:
    if record.op is not Op.UPSERT:
        return ParsedRecord(record, {})
    try:
        payload = _unwrapped(parse(record.payload), document)
    except RecordError as exc:
        return ParsedRecord(record, exc)
    return ParsedRecord(record, payload, paths.read(payload))


def _unwrapped(payload: dict[str, Any], document: MappingDocument) -> dict[str, Any]:
    """Return the record inside a webhook body; the keys around it are kept as `_envelope`."""
    for key in document.unwrap:
        inner = payload.get(key)
        if isinstance(inner, dict):
            return {**inner, "_envelope": {k: v for k, v in payload.items() if k != key}}
    return payload


def context_references(
    document: MappingDocument, records: Sequence[ParsedRecord]
) -> set[tuple[str, str]]:
    """Return (stream, id) of every context object that the records refer to.

    The caller reads these objects and passes them to `normalize` as context, by "<stream>/<id>".
    """
    plan = compile_document(document)
    found: set[tuple[str, str]] = set()
    seen: set[tuple[str, ...]] = set()
    defined = {
        copied for target in plan.targets for _, copied in target.copies if copied.definitions
    }
    if not plan.lookups and not defined:
        return found
    for one in records:
        if isinstance(one.payload, RecordError):
            continue
        row = plan.paths.row(
            one.payload, one.record.source_id, said=one.said, ctx=Ctx(""), silent=1
        )
        ids = ((stream, get(row)) for stream, get in plan.lookups)
        found |= {(stream, str(id_)) for stream, id_ in ids if not is_blank(id_)}
        for copied in defined:
            named = (copied.definitions, *copied.names(one.payload))
            if named not in seen:  # nearly all objects have the same keys
                seen.add(named)
                found |= {(copied.definitions, key) for key in named[1:]}
    return found


def reads_forms(document: MappingDocument) -> bool:
    """Return whether the document needs form definitions."""
    return compile_document(document).reads_forms


def parse(payload: bytes) -> dict[str, Any]:
    """Return the JSON object in a payload.

    Raises:
        RecordError: the payload is not JSON, or not an object.
    """
    try:
        value = msgspec.json.decode(payload)
    except (msgspec.DecodeError, ValueError, RecursionError):
        value = _parse_leniently(payload)
    if not isinstance(value, dict):
        raise RecordError(f"not a JSON object but {type(value).__name__}")
    return value


def _parse_leniently(payload: bytes) -> Any:
    """Parse what msgspec refuses: lone surrogates, NaN, huge numbers, UTF-16 and UTF-32.

    msgspec is tried first because it is four times as fast as `json`. A property test shows that both
    return the same value for every payload that msgspec accepts.
    """
    try:
        text = payload.decode(json.detect_encoding(payload[:4]), "surrogatepass")
        return _DECODER.decode(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as exc:
        raise RecordError(f"not JSON: {exc}"[:SHORT]) from exc
