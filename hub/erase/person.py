"""Who is erased: entities, objects of sources, addresses and names. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jellyfish

from hub.etl.erased_forms import Form, tail
from hub.model.erasure import ErasureKey, TombstoneKind

Key = tuple[str, str, str]
"""Source, stream, the vendor's id of an object."""
_ALIKE = 0.93  # Jaro-Winkler: one letter in eight differs


@dataclass(frozen=True, slots=True)
class Person:
    """All by which a person is known.

    Args:
        entities: the person, and all entities merged into it.
        objects: of sources; tickets and inquiries of the person are among them.
        own: addresses and numbers that no other person has.
        shared: those of several people, or of a function (info@).
        names: forms of the name.
        spelled: first and last names as they are written.
    """

    entities: frozenset[int]
    objects: frozenset[Key]
    own: frozenset[Form]
    shared: frozenset[Form]
    names: frozenset[str]
    spelled: frozenset[tuple[str, str]]

    def document(self) -> dict[str, Any]:
        """Return the person as JSON, to continue after a kill."""
        return {
            "entities": sorted(self.entities),
            **{
                name: sorted(map(list, getattr(self, name)))
                for name in ("objects", "own", "shared", "spelled")
            },
            "names": sorted(self.names),
        }

    def digests(self, key: ErasureKey) -> dict[bytes, TombstoneKind]:
        """Return the tombstones of the person.

        A shared address makes one together with the name alone: the others who have it stay.
        """
        found = {
            key.digest(TombstoneKind.RECORD, *one): TombstoneKind.RECORD for one in self.objects
        }
        for kind, form in self.own:
            found[key.digest(TombstoneKind(kind), form)] = TombstoneKind(kind)
            if kind == TombstoneKind.PHONE:
                found[key.digest(TombstoneKind.TAIL, tail(form))] = TombstoneKind.TAIL
        for kind, form in self.shared:
            found[key.digest(TombstoneKind.SHARED, kind, form)] = TombstoneKind.SHARED
            for name in self.names:
                found[key.digest(TombstoneKind.NAMED, form, name)] = TombstoneKind.NAMED
        return found


def person_of(document: Mapping[str, Any]) -> Person:
    """Return the person that `document` was made of."""
    parts: dict[str, Any] = {
        name: frozenset(tuple(one) for one in document[name])
        for name in ("objects", "own", "shared", "spelled")
    }
    return Person(frozenset(document["entities"]), names=frozenset(document["names"]), **parts)


def are_alike(one: Iterable[str], other: Iterable[str]) -> bool:
    """Tell whether two sets of name forms may be one person's: equal, nearly, or one without a first name."""
    return any(_alike(a, b) for a in one for b in other)


def _alike(a: str, b: str) -> bool:
    last, _, first = a.partition(",")
    other_last, _, other_first = b.partition(",")
    if jellyfish.jaro_winkler_similarity(last, other_last) < _ALIKE:
        return False
    first, other_first = first.strip(), other_first.strip()
    return (
        not first
        or not other_first
        or first == other_first
        or jellyfish.jaro_winkler_similarity(first, other_first) >= _ALIKE
    )
