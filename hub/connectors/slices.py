"""Cut a page into the bytes of its records, as the vendor sent them.

A payload is stored as received: no key is reordered, no number is rounded. Decoding a list as
`msgspec.Raw` cuts the bytes out without parsing them twice.
"""

import json
import re
from collections.abc import Sequence
from uuid import uuid4

import msgspec

_MARK = f"\x00{uuid4().hex}#"  # random, so that no text of a vendor contains it
_MARKED = re.compile(rb'"\\u0000%b#([^"]*)"' % _MARK[1:-1].encode())


def slice_list(body: bytes, key: str) -> list[bytes]:
    """Return the bytes of each element of the list under a top-level key of a JSON object.

    Where msgspec is stricter than the vendor (it refuses NaN and lone surrogates) the elements are
    dumped again with their digits kept. Raises `ValueError` if `body` is no such object.
    """
    try:
        parts = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        raws = msgspec.json.decode(parts[key], type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return dump_again(body, key)
    except KeyError as exc:
        raise ValueError(f"no {key!r} in the answer") from exc
    return [bytes(raw) for raw in raws]


def slice_key(body: bytes, key: str) -> bytes:
    """Return the bytes of the value under a top-level key of a JSON object.

    Where msgspec is stricter than the vendor the value is dumped again, as in `slice_list`.
    """
    try:
        return bytes(msgspec.json.decode(body, type=dict[str, msgspec.Raw])[key])
    except (msgspec.DecodeError, UnicodeDecodeError):
        answer = _parse(body)
        if not isinstance(answer, dict) or key not in answer:
            raise ValueError(f"no {key!r} in the answer") from None
        return _dump(answer[key])
    except KeyError as exc:
        raise ValueError(f"no {key!r} in the answer") from exc


def dump_again(body: bytes, key: str) -> list[bytes]:
    """Return the elements dumped from a parse that keeps each number as it was written."""
    answer = _parse(body)
    elements = answer.get(key) if isinstance(answer, dict) else None
    if not isinstance(elements, Sequence) or isinstance(elements, str):
        raise ValueError(f"no list {key!r} in the answer")  # noqa: TRY004  # a wrong answer, not a wrong argument
    return [_dump(one) for one in elements]


def _parse(body: bytes) -> object:
    """Parse, with each number as a marked text."""
    mark = _MARK.__add__
    answer: object = json.loads(body, parse_float=mark, parse_int=mark)
    return answer


def _dump(value: object) -> bytes:
    return _MARKED.sub(rb"\1", json.dumps(value, separators=(",", ":")).encode())
