"""Join to objects what belongs to them: associations of version 4 with their labels, and stages of deals.

A joined key is `associations`, `dealPipeline`, `dealStage` or `stageHistory`. A record without any stays as
HubSpot sent it. https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from hub.connectors.answers import decode
from hub.connectors.http import HINTS
from hub.connectors.hubspot.client import MOST_IN_A_BATCH, HubspotClient
from hub.connectors.hubspot.kinds import KINDS, Kind
from hub.connectors.hubspot.objects import RESULTS, Found, Item
from hub.connectors.hubspot.search import id_key
from hub.errors import ForbiddenError, ProtocolError

_MOST_INPUTS = 1_000
_MOST_WITH_HISTORY = 50
_MOST_PAGES = 10_000
_NONE = "NO_ASSOCIATIONS_FOUND"
_PRIMARY = "Primary"
_STAGE = "dealstage"
Link = dict[str, Any]


class _Type(msgspec.Struct):
    category: str = ""
    label: str | None = None


class _To(msgspec.Struct):
    toObjectId: int | str = ""  # noqa: N815  # the vendor's spelling, here and below
    associationTypes: list[_Type] = []  # noqa: N815


class _From(msgspec.Struct):
    id: int | str = ""


class _Next(msgspec.Struct):
    after: str = ""


class _Paging(msgspec.Struct):
    next: _Next | None = None


class _Links(msgspec.Struct):
    from_: _From = msgspec.field(name="from", default_factory=_From)
    to: list[_To] = []
    paging: _Paging | None = None

    @property
    def after(self) -> str:
        """Where the next page of this record's associations begins; "" if there is none."""
        return self.paging.next.after if self.paging and self.paging.next else ""


class _Error(msgspec.Struct):
    subCategory: Any = None  # noqa: N815


class _Metadata(msgspec.Struct):
    isClosed: str = ""  # noqa: N815
    probability: str = ""


class _Stage(msgspec.Struct):
    id: str = ""
    label: str = ""
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


class _Pipeline(msgspec.Struct):
    id: str = ""
    label: str = ""
    stages: list[_Stage] = []


class _Change(msgspec.Struct):
    value: str | None = None
    timestamp: str | None = None


class _Past(msgspec.Struct):
    id: str = ""
    propertiesWithHistory: dict[str, list[_Change]] = {}  # noqa: N815


class Joiner:
    """Joins what belongs to objects, with as few requests as possible.

    Args:
        client: of the account.
        skip: streams that are left out on purpose; associations with them are not read.
    """

    def __init__(self, client: HubspotClient, skip: Sequence[str] = ()) -> None:
        self._client, self._skip = client, frozenset(skip)
        self._pipelines: Mapping[str, _Pipeline] | None = None
        self._names: dict[str, str] = {}

    def joined(self, kind: Kind, found: Found) -> Found:
        """Return the objects of a page with what belongs to each."""
        items = [one for one in found.items if one.id]
        targets = [one for one in kind.linked if one not in self._skip]
        if not items or not (targets or kind.has_stages):
            return found
        more: dict[str, dict[str, Any]] = {one.id: {} for one in items}
        for target in targets:
            for id_, links in self._links(kind, target, items).items():
                if id_ in more:
                    more[id_].setdefault("associations", {})[target] = links
        if kind.has_stages:
            for id_, values in self._stages(kind, items).items():
                more[id_] |= values
        raws = [
            _with(raw, more[item.id]) if item.id and more[item.id] else raw
            for item, raw in zip(found.items, found.raws, strict=True)
        ]
        return Found(found.items, raws, found.total)

    # associations

    def _links(self, kind: Kind, target: str, items: Sequence[Item]) -> Mapping[str, list[Link]]:
        """Return for each record those of a type that it is associated with: the primary one first."""
        found: dict[str, dict[str, Link]] = {}
        try:
            for id_, to in self._asked(kind.name, target, [one.id for one in items]):
                link = _link(to)
                found.setdefault(id_, {})[link["id"]] = link
            if kind.further_only:
                found = self._further(found, items)
        except ForbiddenError:
            if not kind.further_only:
                raise
            return {}  # the stream of the target names the missing permission; these records come without it
        return {
            id_: sorted(links.values(), key=lambda one: (not one["isPrimary"], id_key(one["id"])))
            for id_, links in found.items()
            if links
        }

    def _asked(self, origin: str, target: str, ids: Sequence[str]) -> Iterator[tuple[str, _To]]:
        inputs = [{"id": one} for one in ids]
        for _ in range(_MOST_PAGES):
            if not inputs:
                return
            some, inputs = inputs[:_MOST_INPUTS], inputs[_MOST_INPUTS:]
            answer = self._client.associations(origin, target, some)
            failed = answer.items("errors") if "errors" in answer.parts else []
            errors = [decode(raw, _Error) for raw in failed]
            if any(_NONE not in str(one.subCategory) for one in errors):
                raise ProtocolError(
                    f"{answer.where}: some associations could not be read",
                    hint=HINTS[ProtocolError],
                )
            for raw in answer.items(RESULTS):
                one = decode(raw, _Links)
                yield from ((str(one.from_.id), to) for to in one.to)
                if one.after:  # a record with many of them has more pages
                    inputs.append({"id": str(one.from_.id), "after": one.after})
        raise ProtocolError(f"hubspot {origin}: associations with {target} come without an end")

    def _further(
        self, found: Mapping[str, dict[str, Link]], items: Sequence[Item]
    ) -> dict[str, dict[str, Link]]:
        """Leave out the company that the record names itself; the others get their names."""
        kept: dict[str, dict[str, Link]] = {}
        for item in items:
            first = item.text("associatedcompanyid")
            others = {i: one for i, one in found.get(item.id, {}).items() if i != first}
            if others:
                kept[item.id] = others
        unknown = {i for links in kept.values() for i in links} - self._names.keys()
        for ids in _chunks(sorted(unknown), MOST_IN_A_BATCH):
            self._names |= dict.fromkeys(ids, "")
            for raw in self._client.batch("companies", ids, ["name"]).items(RESULTS):
                company = decode(raw, Item)
                self._names[company.id] = company.text("name")
        return {
            id_: {i: {**one, "name": self._names[i]} for i, one in links.items()}
            for id_, links in kept.items()
        }

    # stages

    def pipelines(self, kind: Kind) -> Mapping[str, _Pipeline]:
        """Return the pipelines of a type of objects, by id; they are read once a run."""
        if self._pipelines is None:
            raws = self._client.pipelines(kind.name).items(RESULTS)
            self._pipelines = {one.id: one for one in (decode(raw, _Pipeline) for raw in raws)}
        return self._pipelines

    def _stages(self, kind: Kind, items: Sequence[Item]) -> Mapping[str, dict[str, Any]]:
        pipelines = self.pipelines(kind)
        stages = {stage.id: stage for one in pipelines.values() for stage in one.stages}
        moves = self._history(kind, [one.id for one in items])
        found: dict[str, dict[str, Any]] = {}
        for item in items:
            values: dict[str, Any] = {}
            pipeline, stage = pipelines.get(item.text("pipeline")), stages.get(item.text(_STAGE))
            if pipeline is not None:
                values["dealPipeline"] = {"label": pipeline.label}
            if stage is not None:
                values["dealStage"] = {"label": stage.label, **msgspec.to_builtins(stage.metadata)}
            if moves.get(item.id):
                values["stageHistory"] = [
                    {"stage": stages[to].label if to in stages else to, "timestamp": at}
                    for to, at in moves[item.id]
                ]
            found[item.id] = values
        return found

    def _history(self, kind: Kind, ids: Sequence[str]) -> Mapping[str, list[tuple[str, str]]]:
        """Return the stages that each deal was in, with the time of each, the oldest first."""
        found: dict[str, list[tuple[str, str]]] = {}
        for some in _chunks(ids, _MOST_WITH_HISTORY):
            answer = self._client.batch(kind.name, some, [_STAGE], history=[_STAGE])
            for raw in answer.items(RESULTS):
                one = decode(raw, _Past)
                changes = one.propertiesWithHistory.get(_STAGE, [])
                moves = [(c.value, c.timestamp) for c in changes if c.value and c.timestamp]
                # the newest comes first; of two moves in one second the order stays
                moves.reverse()
                found[one.id] = sorted(moves, key=lambda move: move[1])
        return found


def kind_named(name: str) -> Kind | None:
    """Return a type of objects; None for a stream that is none."""
    return KINDS.get(name)


def _link(to: _To) -> Link:
    """Return one association as payloads have it: id, label, whether it is the primary one."""
    labels = [one.label for one in to.associationTypes if one.label]
    own = [one for one in labels if one != _PRIMARY]
    link: Link = {"id": str(to.toObjectId), "isPrimary": _PRIMARY in labels}
    return {**link, "label": ", ".join(sorted(own))} if own else link


def _with(raw: bytes, more: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode({**msgspec.json.decode(raw, type=dict[str, Any]), **more})


def _chunks(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
