"""Words that records hold as text, and that a list names or a user has renamed: table `crm.word`.

A word has a number, so that saved lists hold the number. A renamed word points to the word of today,
which the fold writes from then on (`hub.model.words`). Not here: the records that hold a word
(`hub.crm.word_rows`).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, text

from hub.frozen import dataclass
from hub.model.words import Words, key

PEOPLE = ("lead", "person")  # one fold makes the rows of both, so that a choice counts for both


def scope_of(object_: str, field_key: str) -> str:
    """Return where a choice of a custom field counts."""
    return f"{'person' if object_ in PEOPLE else object_}.{field_key}"


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its number; `today` is None if it was removed."""

    id: int
    kind: str
    scope: str
    name: str
    today: str | None


_ENSURE = text("""
INSERT INTO crm.word (kind, scope, name) VALUES (:kind, :scope, :name)
ON CONFLICT (kind, scope, name) DO UPDATE SET name = excluded.name RETURNING id
""")
_WORDS = """
SELECT w.id, w.kind, w.scope, w.name,
  CASE WHEN w.into_id IS NOT NULL THEN t.name WHEN NOT w.is_removed THEN w.name END AS today
FROM crm.word w LEFT JOIN crm.word t ON t.id = w.into_id
"""
_OF_KIND = text(f"{_WORDS} WHERE w.kind = :kind AND w.scope = :scope ORDER BY lower(w.name), w.id")
_BY_ID = text(f"{_WORDS} WHERE w.id = ANY(:ids)")


def ensure(conn: Connection, kind: str, scope: str, name: str) -> int:
    """Return the number of a word; a word without one gets one."""
    values = {"kind": kind, "scope": scope, "name": name}
    return int(conn.execute(_ENSURE, values).scalar_one())


def of_kind(conn: Connection, kind: str, scope: str = "") -> list[Word]:
    """Return the words of a kind that have a number, former ones included."""
    return [Word(*row) for row in conn.execute(_OF_KIND, {"kind": kind, "scope": scope})]


def by_id(conn: Connection, ids: Sequence[int]) -> dict[int, Word]:
    """Return words by their numbers."""
    return {row.id: Word(*row) for row in conn.execute(_BY_ID, {"ids": list(ids)})}


def family(conn: Connection, kind: str, scope: str, name: str) -> frozenset[int]:
    """Return the numbers of a word and of its former words."""
    wanted = key(kind, name)
    return frozenset(
        w.id
        for w in of_kind(conn, kind, scope)
        if wanted in {key(kind, w.name), key(kind, w.today or w.name)} and key(kind, w.today or w.name) == wanted
    )  # fmt: skip


def today(conn: Connection, kind: str, scope: str, name: str) -> str | None:
    """Return today's word for a former one; None if it is no former word."""
    wanted = key(kind, name)
    former = (w for w in of_kind(conn, kind, scope) if key(kind, w.name) == wanted)
    return next((w.today for w in former if w.today != w.name), None)


def rename(conn: Connection, kind: str, scope: str, old: str, new: str | None) -> None:
    """Rename a word from now on; None: remove it."""
    target = None
    if new is not None:
        target = ensure(conn, kind, scope, new)
        conn.execute(
            text("UPDATE crm.word SET into_id = NULL, is_removed = false WHERE id = :id"),
            {"id": target},
        )
    ids = [ensure(conn, kind, scope, old)]
    ids += [w.id for w in of_kind(conn, kind, scope) if key(kind, w.name) == key(kind, old)]
    conn.execute(
        text(
            "UPDATE crm.word SET into_id = :target, is_removed = CAST(:target AS bigint) IS NULL "
            "WHERE (id = ANY(:ids) OR into_id = ANY(:ids)) AND id IS DISTINCT FROM :target"
        ),
        {"target": target, "ids": ids},
    )


@dataclass(frozen=True, slots=True)
class FoldWords:
    """The renamed words and unqualified statuses that a fold needs.

    Args:
        unqualified: the statuses that end the work on a lead, former names included, in lower case.
        words: the renamed words.
    """

    unqualified: frozenset[str]
    words: Words


_SAID = text("""
SELECT 'unqualified' AS kind, '' AS scope, name, CAST(NULL AS text) AS today
FROM crm.lead_status WHERE is_unqualified
UNION ALL
SELECT w.kind, w.scope, w.name, t.name FROM crm.word w LEFT JOIN crm.word t ON t.id = w.into_id
WHERE w.into_id IS NOT NULL OR w.is_removed
""")


def fold_words(conn: Connection, object_: str) -> FoldWords:
    """Return the unqualified statuses, and the renamed words of a kind of record, in one statement."""
    unqualified: set[str] = set()
    plain: dict[str, dict[str, str | None]] = defaultdict(dict)
    choices: dict[str, dict[str, str | None]] = defaultdict(dict)
    begins = scope_of(object_, "")
    for kind, scope, name, now in conn.execute(_SAID):
        if kind == "unqualified":
            unqualified.add(name.lower())
        elif kind == "choice":
            if scope.startswith(begins):
                choices[scope.removeprefix(begins)][name] = now
        else:
            plain[kind][key(kind, name)] = now
    statuses: Mapping[str, str | None] = plain["status"]
    unqualified |= {o for o, n in statuses.items() if n is not None and n.lower() in unqualified}
    return FoldWords(
        frozenset(unqualified),
        Words(plain["tag"], plain["source"], statuses, plain["lead_reason"], dict(choices)),
    )
