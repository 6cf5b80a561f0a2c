"""Land: a vendor's page into the raw store, whole with its cursor or not at all."""

from hub.connectors.base import Page, Stream
from hub.landing import store
from hub.logs import get_logger
from hub.pipeline.context import Hub
from hub.records.batches import Batch

log = get_logger()


def land_page(
    hub: Hub, batch: Batch, stream: Stream, page: Page, *, move_cursor: bool = True
) -> store.Landed:
    """Store one page and its cursor in one transaction."""
    with hub.engine.begin() as conn:
        landed = store.land_page(
            conn,
            page.records,
            batch=batch.id,
            source=batch.source,
            stream=stream.name,
            lane=batch.lane,
            mapped=f"{batch.source}/{stream.name}" in hub.mappings,
            volatile=stream.volatile,
        )
        if move_cursor:
            store.write_cursor(conn, batch.source, stream.name, page.cursor)
    log.info(
        "page_landed",
        source=batch.source,
        stream=stream.name,
        changed=landed.changed,
        unchanged=landed.unchanged,
    )
    return landed
