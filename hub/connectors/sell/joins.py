"""What belongs to a record of Sell and is read elsewhere: the stages of a deal, the items of an order.

A deal gets `stage`, `pipeline` and `stage_history`, an order gets `line_items`, as further keys at the end of
the payload. Sell's REST API has the present stage of a deal alone, with the time and the user of the last
change. The Firehose has the changes of the last 72 hours; an account without it has no more than REST says.
https://developer.zendesk.com/api-reference/sales-crm/firehose/introduction/
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from hub.connectors.answers import check_token, decode
from hub.connectors.sell.client import MOST_ROWS, SellClient
from hub.connectors.sell.lists import PagedList, Row
from hub.errors import ConfigError, ForbiddenError, ProtocolError

_EVENTS = "/v3/deals/stream"
_MOST_ANSWERS = 100_000

Move = dict[str, Any]


class _Deal(msgspec.Struct):
    """The keys of a deal that say its stage."""

    id: int | None = None
    stage_id: int | None = None
    last_stage_change_at: str | None = None
    last_stage_change_by_id: int | None = None


class Joins:
    """Joins further keys to records. What all records need is read once.

    Args:
        client: of the account.
    """

    def __init__(self, client: SellClient) -> None:
        self._client = client
        self._stages: Mapping[int, Mapping[str, Any]] | None = None
        self._pipelines: Mapping[int, Mapping[str, Any]] = {}
        self._moves: Mapping[int, Sequence[Move]] | None = None

    def joined(self, stream: str, rows: Sequence[Row]) -> Sequence[Row]:
        """Return the records with what belongs to them."""
        if stream == "deals":
            return [self._with_stages(row) for row in rows]
        if stream == "orders":
            return [self._with_items(row) for row in rows]
        return rows

    def stages(self) -> Mapping[int, Mapping[str, Any]]:
        """Return the stages of all pipelines by id."""
        if self._stages is None:
            self._pipelines = self._all("/v2/pipelines")
            self._stages = self._all("/v2/stages")
        return self._stages

    def pipelines(self) -> Mapping[int, Mapping[str, Any]]:
        """Return the pipelines by id."""
        self.stages()
        return self._pipelines

    def _all(self, path: str) -> Mapping[int, Mapping[str, Any]]:
        found: dict[int, Mapping[str, Any]] = {}
        listed = PagedList(self._client, path, {}, size=MOST_ROWS)
        for _, rows in listed.back_from(*listed.last()):
            found |= {row.id: json.loads(row.raw) for row in rows if row.id is not None}
        return found

    def _with_stages(self, row: Row) -> Row:
        deal = decode(row.raw, _Deal)
        stages = self.stages()
        stage = stages.get(deal.stage_id or 0, {})
        pipeline = self._pipelines.get(stage.get("pipeline_id") or 0, {})
        keys = {
            "stage": {key: stage[key] for key in _OF_STAGE if key in stage},
            "pipeline": {key: pipeline[key] for key in ("id", "name") if key in pipeline},
            "stage_history": [
                {**move, "stage": stages.get(move["stage_id"], {}).get("name")}
                for move in self._history(deal)
            ],
        }
        return replace(row, raw=with_keys(row.raw, keys))

    def _history(self, deal: _Deal) -> Sequence[Move]:
        """Return the known moves of a deal, the last one into its present stage."""
        moves = list(self._known_moves().get(deal.id or 0, ()))
        if deal.stage_id is not None and (not moves or moves[-1]["stage_id"] != deal.stage_id):
            moves.append(_move(deal))
        return [move for move in moves if move["at"]]

    def _known_moves(self) -> Mapping[int, Sequence[Move]]:
        """Return the moves of the last 72 hours by deal, oldest first."""
        if self._moves is None:
            try:
                self._moves = self._read_moves()
            except (ForbiddenError, ConfigError):  # the plan of the account has no Firehose
                self._moves = {}
        return self._moves

    def _read_moves(self) -> Mapping[int, Sequence[Move]]:
        found: dict[int, list[Move]] = {}
        position = "tail"
        for _ in range(_MOST_ANSWERS):
            answer = self._client.get(_EVENTS, {"position": position, "limit": MOST_ROWS})
            for item in answer.items("items"):
                _note(json.loads(item), found)
            meta = answer.value("meta")
            known = meta if isinstance(meta, dict) else {}
            after = check_token(known.get("position"), where=f"sell {_EVENTS}: position")
            if known.get("top") is True or after in {"", position}:
                return found
            position = after
        raise ProtocolError(f"sell {_EVENTS}: the stream has no end")

    def _with_items(self, row: Row) -> Row:
        if row.id is None:
            return row
        listed = PagedList(self._client, f"/v2/orders/{row.id}/line_items", {}, size=MOST_ROWS)
        number, raws = 1, list[bytes]()
        while rows := listed.page(number):
            raws += [one.raw for one in rows]
            if len(rows) < listed.size:
                break
            number += 1
        return replace(row, raw=with_raw(row.raw, "line_items", b"[" + b",".join(raws) + b"]"))


_OF_STAGE = ("id", "name", "category", "active", "likelihood", "position", "pipeline_id")


def _move(deal: _Deal) -> Move:
    return {
        "stage_id": deal.stage_id,
        "at": deal.last_stage_change_at,
        "user_id": deal.last_stage_change_by_id,
    }


def _note(event: Any, found: dict[int, list[Move]]) -> None:
    """Note what an event says of the stage of a deal: before it, if the stage changed, and after it."""
    meta = event.get("meta") if isinstance(event, dict) else None
    if not isinstance(meta, dict):
        return
    deal = decode(json.dumps(event.get("data") or {}).encode(), _Deal)
    before = decode(json.dumps(meta.get("previous") or {}).encode(), _Deal)
    if deal.id is None or deal.stage_id is None:
        return
    moves = found.setdefault(deal.id, [])
    if before.stage_id is not None and not moves and before.last_stage_change_at:
        moves.append(_move(before))
    if not moves or moves[-1]["stage_id"] != deal.stage_id:
        move = _move(deal)
        moves.append({**move, "at": move["at"] or meta.get("event_time")})


def with_keys(raw: bytes, keys: Mapping[str, Any]) -> bytes:
    """Return a JSON object with further keys at its end; the bytes before them stay as they are."""
    for key, value in keys.items():
        raw = with_raw(raw, key, json.dumps(value, separators=(",", ":")).encode())
    return raw


def with_raw(raw: bytes, key: str, value: bytes) -> bytes:
    """Return a JSON object with one further key, whose value is JSON already."""
    head = raw.rstrip()[:-1].rstrip()
    comma = b"" if head.endswith(b"{") else b","
    return head + comma + json.dumps(key).encode() + b":" + value + b"}"
