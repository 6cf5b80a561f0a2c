"""Records of people that no version of their object gives any more, because the mapping changed.

A record that its vendor ended keeps its last values, and stays with its person. A record can also end
because the present mapping reads the same version differently. Such a record is taken out of its
person, until a version gives it again. Call when a stream is mapped again.
"""

from sqlalchemy import Connection

from hub.etl.match import match_again
from hub.etl.model_in_use import active_model
from hub.records import dropped

CHUNK = 50


def take_out(conn: Connection, source: str, stream: str, version: str, *, batch_id: int) -> int:
    """Take the next such records out of their people; returns how many.

    Args:
        conn: a transaction that holds the identity lock.
        source: the source.
        stream: its stream.
        version: version of the mapping in force.
        batch_id: the batch in which the stream was mapped again.
    """
    found = dropped.records(conn, source, stream, version, CHUNK)
    if found:
        others = dropped.take_out(conn, found, batch_id)
        match_again(conn, others, active_model(conn), batch_id=batch_id)
    return len(found)
