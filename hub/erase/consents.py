"""The consent of an erased person's addresses.

Events of an address that was the person's own go. A shared address keeps its state, because a no never
becomes a yes: the events stay, and name no object, no person, no proof.
"""

from sqlalchemy import Connection, text

from hub.erase import patterns
from hub.erase.person import Person
from hub.erase.tied import Tied
from hub.model.erasure import ErasureKey

_MINE = """
(e.entity_id = ANY(:entities) OR (e.source, e.stream, e.source_id) IN (
  SELECT * FROM unnest(CAST(:sources AS text[]), CAST(:streams AS text[]), CAST(:ids AS text[]))))
"""
_OWN = text(f"""
DELETE FROM ops.consent_event e
WHERE (CAST(:pattern AS text) IS NOT NULL AND e.address ~* :pattern) OR (e.address = '' AND {_MINE})
""")  # noqa: S608 our own text
_LOOSEN = text("""
UPDATE ops.consent_event e SET raw_id = NULL, entity_id = NULL, proof = NULL, reason = NULL,
  source_id = coalesce(o.name, ''), said_of = 'address'
FROM (SELECT e.id, o.name FROM ops.consent_event e LEFT JOIN unnest(CAST(:sources AS text[]),
        CAST(:streams AS text[]), CAST(:ids AS text[]), CAST(:names AS text[]))
        AS o(source, stream, source_id, name) USING (source, stream, source_id)
      WHERE o.name IS NOT NULL OR e.entity_id = ANY(:entities)) o
WHERE e.id = o.id
""")


def forget(conn: Connection, key: ErasureKey, person: Person, ids: Tied) -> int:
    """Delete or loosen the events of a person; returns how many."""
    objects = sorted(person.objects)
    args = {
        "entities": ids.entities,
        "sources": [source for source, _, _ in objects],
        "streams": [stream for _, stream, _ in objects],
        "ids": [source_id for _, _, source_id in objects],
        "names": [key.erased_id(*one) for one in objects],
        "pattern": patterns.any_of(patterns.of_form(form) for form in person.own),
    }
    return conn.execute(_OWN, args).rowcount + conn.execute(_LOOSEN, args).rowcount
