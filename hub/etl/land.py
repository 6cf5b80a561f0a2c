"""Land: store a vendor's page and its cursor in one transaction."""

from typing import TypedDict

from hub.connectors.base import Page, Stream
from hub.etl.context import Hub
from hub.etl.erased import Gate
from hub.etl.recovered import has_webhook, not_older
from hub.landing import store
from hub.logs import get_logger
from hub.records.batches import Batch

log = get_logger()


class _Scope(TypedDict):
    """Where a page belongs."""

    batch: int
    source: str
    stream: str


def land_page(
    hub: Hub,
    batch: Batch,
    stream: Stream,
    page: Page,
    *,
    move_cursor: bool = True,
    slice_: str = "",
) -> store.Landed:
    """Store one page and its cursor in one transaction.

    Args:
        hub: the hub.
        batch: the source's batch.
        stream: the page's stream.
        page: records and cursor.
        move_cursor: whether the page's cursor is stored.
        slice_: slice of the stream's checkpoint; "" is the stream's own.
    """
    mapped = f"{batch.source}/{stream.name}" in hub.mappings
    scope: _Scope = {"batch": batch.id, "source": batch.source, "stream": stream.name}
    with hub.engine.begin() as conn:
        records = page.records
        if has_webhook(hub, batch.source) and records:
            records = not_older(conn, hub, batch, stream.name, records)
        if gate := Gate.of(conn, hub.settings.home):
            records = gate.land(conn, records, mapped=mapped, **scope)
        landed = store.land_page(
            conn, records, lane=batch.lane, mapped=mapped, volatile=stream.volatile, **scope
        )
        if move_cursor:
            store.write_cursor(conn, batch.source, stream.name, page.cursor, slice_)
    log.info(
        "page_landed",
        source=batch.source,
        stream=stream.name,
        changed=landed.changed,
        unchanged=landed.unchanged,
    )
    return landed
