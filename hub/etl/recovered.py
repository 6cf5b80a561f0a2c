"""What a poll finds of a source that sends webhooks: versions that are older, and objects that were missed.

A webhook is faster than a poll, and a search index is slower than both. So a page of a poll may have a version
that is older than the landed one: it changes nothing. An object that is new to the hub and older than five
minutes was missed by its webhook, if this webhook has sent new objects before: it is counted as
`recovered` in its batch. Sources without a webhook cost nothing here.
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection

from hub.db.locks import landing_lock
from hub.etl.context import Hub
from hub.landing import store, versions
from hub.logs import get_logger
from hub.model.records import RawRecord
from hub.model.verdicts import Lane, Op
from hub.records import batches, verdicts
from hub.records.batches import Batch

LATE = timedelta(minutes=5)
"""A webhook that has not come within this time after the change has been missed."""
FIRES = timedelta(days=30)
"""A webhook that has sent nothing new for so long is not expected to."""
WEBHOOKS_MISSED = (
    "Is the gateway running, and is the webhook registered at the vendor? See hub check"
)
"""What to do where webhooks have missed many objects."""
log = get_logger()


def has_webhook(hub: Hub, source: str) -> bool:
    """Tell whether a source has a secret with which its webhooks are signed."""
    block = getattr(hub.settings.sources, source, None)
    return any(getattr(block, name, None) for name in ("webhook_secret", "signing_secret"))


def not_older(
    conn: Connection, hub: Hub, batch: Batch, stream: str, records: Sequence[RawRecord]
) -> Sequence[RawRecord]:
    """Return the records of a page that are to be landed; call first in the transaction that lands it.

    Older versions are entered in the ledger as `unchanged`. Objects that were missed are counted.
    """
    source = batch.source
    landing_lock(conn, source, stream)
    newer = versions.newer_ids(conn, source, stream, records)
    if newer and f"{source}/{stream}" in hub.mappings:
        known = [one for one in records if one.source_id in newer]
        store.enter_known(conn, known, batch=batch.id, source=source, stream=stream)
    left = [one for one in records if one.source_id not in newer]
    if batch.lane == Lane.LIVE and left:
        _count_missed(conn, hub, batch, stream, left)
    return left


def _count_missed(
    conn: Connection, hub: Hub, batch: Batch, stream: str, records: Sequence[RawRecord]
) -> None:
    now = hub.clock.now()
    late = {r.source_id for r in records if r.op is Op.UPSERT and r.at and r.at < now - LATE}
    missed = late - versions.read_versions(conn, batch.source, stream, sorted(late)).keys()
    if not missed or not verdicts.came_live(conn, batch.source, stream, now - FIRES):
        return
    before = batches.window_note(conn, batch.id, stream).get("recovered")
    total = len(missed) + (before if isinstance(before, int) else 0)
    batches.note_window(conn, batch.id, stream, {"recovered": total})
    log.warning("records_recovered", source=batch.source, stream=stream, n=len(missed))
