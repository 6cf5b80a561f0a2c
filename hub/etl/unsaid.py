"""People's records that no version of their object gives any more, since our mapping changed.

A record that its vendor ended keeps its last values, and stays with its person. One that ended only
because the present mapping reads the same version otherwise was never there: it is taken out of its
person, until its source says something that gives it again. Call when a stream is mapped again.
"""

from sqlalchemy import Connection

from hub.etl.match import active_model, match_again
from hub.records import unsaid

CHUNK = 50


def take_out(conn: Connection, source: str, stream: str, version: str, *, batch_id: int) -> int:
    """Take the next such records out of their people; returns how many.

    Args:
        conn: a transaction that holds the identity lock.
        source: the source.
        stream: its stream.
        version: of the mapping in force.
        batch_id: of the batch under which the stream was mapped again.
    """
    found = unsaid.records(conn, source, stream, version, CHUNK)
    if found:
        others = unsaid.take_out(conn, found, batch_id)
        match_again(conn, others, active_model(conn), batch_id=batch_id)
    return len(found)
