"""The texts that mention a person in other people's data.

`hub.erase.places` says where this is looked for, `hub.erase.take_out` removes it.
"""

from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from hub.erase import patterns
from hub.erase.person import Person

_LONG_ID = 6
"""Characters of a vendor's id from which on the id alone, as a JSON value, names the object."""


@dataclass(frozen=True, slots=True)
class Mentions:
    """The texts to look for.

    Args:
        anywhere: own addresses, numbers and names, and names of objects, a pattern each.
        in_deals: also the parts of the name and shared addresses: in what belongs to the person's
            deals, and in the history of another person who was merged with the person by mistake.
        ids: vendor's ids that are a whole value, where a document lists ids.
    """

    anywhere: tuple[str, ...]
    in_deals: tuple[str, ...]
    ids: frozenset[str] = field(default_factory=frozenset)


_NAMESAKE = text("""
SELECT 1 FROM ops.source_record
WHERE target = 'person' AND entity_id IS NOT NULL AND entity_id <> ALL(:entities)
  AND lower(canonical ->> 'first_name') = lower(:first)
  AND lower(canonical ->> 'last_name') = lower(:last) LIMIT 1
""")


def mentions_of(conn: Connection, person: Person) -> Mentions:
    """Return what a person may be mentioned by; call before the person's records go.

    A whole name counts everywhere. A name that another person has as well counts only in what
    belongs to the person's deals.
    """
    own = [patterns.of_form(form) for form in sorted(person.own)]
    objects = [patterns.of_text("/".join(key)) for key in sorted(person.objects)]
    names: list[str | None] = []
    for first, last in sorted(person.spelled):
        args = {"entities": sorted(person.entities), "first": first, "last": last}
        if conn.execute(_NAMESAKE, args).first() is None:
            names.append(patterns.of_name(first, last))
    parts = [patterns.of_name(first, last) for first, last in sorted(person.spelled)]
    parts += [patterns.of_word(word) for pair in sorted(person.spelled) for word in pair]
    parts += [patterns.of_form(form) for form in sorted(person.shared)]
    ids = frozenset(i for _, _, i in person.objects if len(i) >= _LONG_ID)
    return Mentions(
        patterns.each_of([*own, *objects, *names]), patterns.each_of([*own, *objects, *parts]), ids
    )
