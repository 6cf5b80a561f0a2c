"""Rows of Salesforce as raw records: of REST answers as received, of Bulk results as REST writes them.

A Bulk result is CSV: every value is text, and null is an empty one. The types of describe turn it into
the JSON that REST would have sent, so a record has the same content whichever way it was read.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hub.connectors.salesforce.client import Batch
from hub.connectors.salesforce.shapes import Shape
from hub.connectors.windows import parse_time
from hub.errors import ProtocolError
from hub.model.records import RawRecord
from hub.model.verdicts import Op

_SHORT_ID = 15

Row = Mapping[str, Any]


def id18(value: object) -> str:
    """Return a Salesforce id in its 18-character form, "" for what is none.

    The suffix holds the case of the fifteen: https://help.salesforce.com/s/articleView?id=000383751
    """
    if not isinstance(value, str):
        return ""
    if len(value) != _SHORT_ID or not value.isascii():
        return value
    suffix = ""
    for start in range(0, _SHORT_ID, 5):
        bits = sum(1 << i for i, char in enumerate(value[start : start + 5]) if char.isupper())
        suffix += "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits]
    return value + suffix


def records(batch: Batch, shape: Shape) -> list[RawRecord]:
    """Return the rows of a REST answer, each with its bytes as received."""
    return [record(row, raw, shape) for row, raw in zip(batch.rows, batch.raws, strict=True)]


def record(row: Row, raw: bytes, shape: Shape) -> RawRecord:
    """Return one row with its payload."""
    stamp = row.get(shape.cursor_field)
    into = id18(row.get("MasterRecordId")) or None
    op = Op.UPSERT
    if row.get("IsDeleted") is True:
        op = Op.MERGE_INTO if into else Op.DELETE
    return RawRecord(
        source_id=_name_of(row) if shape.name == "LeadStatus" else id18(row.get("Id")),
        op=op,
        at=parse_time(stamp),
        version=stamp if isinstance(stamp, str) else "",
        payload=raw,
        into=into if op is Op.MERGE_INTO else None,
    )


def with_keys(raw: bytes, joined: Mapping[str, bytes]) -> bytes:
    """Return a JSON object with further keys at its end; the bytes before them stay as they are."""
    if not joined:
        return raw
    keys = b",".join(json.dumps(key).encode() + b":" + value for key, value in joined.items())
    return raw.rstrip()[:-1] + b"," + keys + b"}"


def bulk_rows(text: str, shape: Shape, version: str) -> Iterator[Row]:
    """Yield the rows of a page of a Bulk result, as REST writes them.

    The longest text of Salesforce has 131,072 characters, which is also the csv module's limit.

    Raises:
        ProtocolError: the page is no CSV, or does not have the columns of the query.
    """
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(lines, None)
        if header is None or sorted(header) != sorted(shape.fields):
            raise ProtocolError(f"salesforce {shape.name}: the Bulk result has other columns")
        places = [header.index(name) for name in shape.fields]
        readers = [_READERS.get(shape.kinds.get(name, ""), _text) for name in shape.fields]
        for line in lines:
            if len(line) != len(header):
                raise ProtocolError(f"salesforce {shape.name}: a line of the Bulk result is cut")
            values = [
                read(line[place]) if line[place] else None
                for place, read in zip(places, readers, strict=True)
            ]
            yield _nested(dict(zip(shape.fields, values, strict=True)), shape, version)
    except (csv.Error, ValueError) as exc:
        raise ProtocolError(f"salesforce {shape.name}: the Bulk result cannot be read") from exc


def _nested(flat: Mapping[str, Any], shape: Shape, version: str) -> Row:
    """Return a row with its parents as objects, and with the attributes that REST gives."""
    row: dict[str, Any] = {"attributes": _attributes(shape.name, flat.get("Id"), version)}
    for name, value in flat.items():
        parent = shape.parents.get(name)
        if parent is None:
            row[name] = value
            continue
        id_, (key, field) = flat.get(parent.id_field), name.split(".", 1)
        if not id_:
            row[key] = None
        else:
            inner = row.setdefault(key, {"attributes": _attributes(parent.object, id_, version)})
            inner[field] = value
    return row


def _attributes(name: str, id_: object, version: str) -> Mapping[str, str]:
    return {"type": name, "url": f"/services/data/v{version}/sobjects/{name}/{id18(id_)}"}


def dump(row: Row) -> bytes:
    """Return a row as the JSON text that REST sends."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()


def _name_of(status: Row) -> str:
    """Return the value of the leads' `Status`."""
    name = status.get("ApiName") or status.get("MasterLabel")
    return name if isinstance(name, str) else ""


def _text(value: str) -> Any:
    return value


def _time(value: str) -> str:
    return value.removesuffix("Z") + "+0000" if value.endswith("Z") else value


_READERS: Mapping[str, Callable[[str], Any]] = {
    "boolean": lambda value: value == "true",
    "int": lambda value: int(float(value)),
    "long": lambda value: int(float(value)),
    "double": float,
    "currency": float,
    "percent": float,
    "datetime": _time,
}
