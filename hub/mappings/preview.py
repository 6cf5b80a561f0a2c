"""Map the records of a file without storing anything: `hub mappings preview`.

In: a mapping's name and the bytes of a file: raw records, one record, a response page or a webhook
body. Out: the document that the command prints.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hub.errors import ConfigError
from hub.mappings.compiler import compile_document
from hub.mappings.document import MappingDocument
from hub.mappings.engine import Normalized, NormalizeSettings, normalize
from hub.mappings.loader import load
from hub.mappings.rows import is_blank
from hub.model.records import Problem, RawRecord
from hub.model.verdicts import Op


def preview(
    name: str,
    text: bytes,
    *,
    folder: Path | None = None,
    context: Mapping[str, Any] | None = None,
    settings: NormalizeSettings | None = None,
) -> dict[str, Any]:
    """Return records, excluded ids and quarantine rows as plain JSON values.

    Raises:
        ConfigError: the mapping does not exist, or the bytes are not JSON.
    """
    return preview_document(load(name, folder), text, context=context, settings=settings)


def preview_document(
    document: MappingDocument,
    text: bytes,
    *,
    context: Mapping[str, Any] | None = None,
    settings: NormalizeSettings | None = None,
) -> dict[str, Any]:
    """Preview with a loaded document; see `preview`."""
    return as_json(*map_file(document, text, context=context, settings=settings))


def map_file(
    document: MappingDocument,
    text: bytes,
    *,
    context: Mapping[str, Any] | None = None,
    settings: NormalizeSettings | None = None,
) -> tuple[Normalized, list[Problem]]:
    """Return the results of a file's records, and a problem for each record without an id.

    Raises:
        ConfigError: the bytes are not JSON.
    """
    try:
        body = json.loads(text, parse_constant=lambda _name: None)
    except (ValueError, RecursionError) as exc:
        raise ConfigError(
            f"the file is not JSON: {exc}", hint="give raw records, or a response page"
        ) from exc
    known = context or {}
    raw, problems = [], []
    for item in unwrap(document, body):
        source_id = source_id_of(document, item)
        if source_id is None:
            shown = json.dumps(item, ensure_ascii=True)[:200]
            problems.append(Problem("", "id", shown, "no source id", "record"))
        else:
            payload = json.dumps(item).encode()
            raw.append(RawRecord(source_id, Op.UPSERT, None, "", payload))
    return normalize(document, raw, known, settings or NormalizeSettings()), problems


def unwrap(document: MappingDocument, body: object) -> Iterator[object]:
    """Yield the records of a list, a page or a webhook body."""
    if isinstance(body, list):
        for item in body:
            yield from unwrap(document, item)
        return
    if isinstance(body, dict):
        for key in document.unwrap:
            if isinstance(body.get(key), list):
                yield from body[key]
                return
    yield body


def source_id_of(document: MappingDocument, item: object) -> str | None:
    """Return the id of a raw record by the document's `id` rule, None if it has none."""
    if not isinstance(item, dict):
        return None
    inner = next((item[k] for k in document.unwrap if isinstance(item.get(k), dict)), item)
    plan = compile_document(document)
    found = plan.id(plan.paths.row(inner, ""))
    return None if is_blank(found) or not isinstance(found, str) else found


def as_json(result: Normalized, before: list[Problem]) -> dict[str, Any]:
    """Return a result as `hub mappings preview` prints it."""
    return {
        "records": [
            {"entity": r.entity, "source_id": r.source_id, "values": dict(r.values)}
            for r in result.records
        ],
        "excluded": list(result.excluded),
        "quarantine": [
            {
                "source_id": p.source_id,
                "field": p.field,
                "value": p.value,
                "reason": p.reason,
                "severity": p.severity,
            }
            for p in [*before, *result.problems]
        ],
    }
