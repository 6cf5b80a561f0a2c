"""Smart lists: kept by users for themselves, shared with the team, run by name.

A list is named by its number, its name, or `object/name`. The user's own list comes first, then the
team's and other users' shared ones, then the hub's templates.
"""

from collections.abc import Iterable
from dataclasses import replace

from hub.actions.context import Actor, Context
from hub.actions.rights import Right, require
from hub.errors import ActionError
from hub.frozen import dataclass
from hub.lists import naming, pages, store
from hub.lists.catalogues import catalogue
from hub.lists.dates import Moment
from hub.lists.document import ListDocument
from hub.lists.pages import Count, Page, Query
from hub.lists.predicates import Asking
from hub.lists.store import SavedList
from hub.lists.templates import templates
from hub.records import name_changes

_RESOURCE = "smart_list"
_LONGEST_NAME = 100
MOST_SELECTED = 100_000


def add(
    ctx: Context,
    name: str,
    document: ListDocument,
    *,
    is_shared: bool = False,
    is_template: bool = False,
) -> SavedList:
    """Keep a list; it is refused where it could not be asked.

    Args:
        ctx: the actor, in an open transaction.
        name: free among the actor's own lists of that kind.
        document: what it asks.
        is_shared: whether others may use it.
        is_template: kept for the team as a pattern; only by an admin.

    Raises:
        ActionError: the name is taken or none, or the document asks what cannot be asked.
    """
    acting = require(ctx, Right.SET_UP if is_template else Right.WORK)
    name = _checked(name)
    query(ctx, document)
    document = naming.kept(ctx.conn, document, catalogue(ctx.conn, document.object))
    owner = None if is_template else acting.user_id
    made = SavedList(None, name, document, owner, is_shared or owner is None, is_template)
    number = store.insert(ctx.conn, made)
    if number is None:
        raise _taken(name, document.object)
    return replace(made, id=number)


def rename(ctx: Context, name: str, new: str) -> SavedList:
    """Give a list another name.

    Raises:
        ActionError: there is no such list, it is not theirs, or the name is taken or none.
    """
    found, new = _own(ctx, name), _checked(new)
    if not store.rename(ctx.conn, _number(found), new):
        raise _taken(new, found.document.object)
    of = found.document.object
    name_changes.note_rename(ctx.conn, ctx.who, "list", found.name, new, scope=of)
    return replace(found, name=new)


def edit(ctx: Context, name: str, document: ListDocument) -> SavedList:
    """Write another filter, order and columns of a list.

    Raises:
        ActionError: there is no such list, it is another user's, or the document is invalid.
    """
    found = _own(ctx, name)
    if document.object != found.document.object:
        raise ActionError(
            f"{found.name} is a list of {found.document.object} records",
            resource=_RESOURCE, field="object", code="invalid", hint="hub list add saves another list",
        )  # fmt: skip
    query(ctx, document)
    kept = naming.kept(ctx.conn, document, catalogue(ctx.conn, document.object))
    store.update(ctx.conn, _number(found), kept)
    return replace(found, document=kept)


@dataclass(frozen=True, slots=True)
class ShownList:
    """A list as people read it: with the names of today.

    Args:
        saved: the list; its document has names.
        broken: the parts that name nothing any more.
    """

    saved: SavedList
    broken: tuple[str, ...] = ()


def shown(ctx: Context, saved: Iterable[SavedList]) -> list[ShownList]:
    """Return lists as people read them."""
    require(ctx, Right.READ)
    made = []
    for one in saved:
        fields = catalogue(ctx.conn, one.document.object)
        parts = naming.broken(ctx.conn, one.document, fields)
        document = naming.shown(ctx.conn, one.document)
        made.append(ShownList(replace(one, document=document), tuple(parts)))
    return made


def visible(ctx: Context) -> list[SavedList]:
    """Return the lists that the user may use, the own ones first."""
    return store.visible(ctx.conn, require(ctx, Right.READ).user_id)


def share(ctx: Context, name: str, *, is_shared: bool = True) -> SavedList:
    """Share a list with the team, or stop sharing it.

    Raises:
        ActionError: there is no such list, or it is another user's.
    """
    found = _own(ctx, name)
    if found.user_id is None and not is_shared:
        raise ActionError(
            f"{found.name} belongs to the team; it cannot be private",
            resource=_RESOURCE,
            code="invalid",
        )
    store.set_shared(ctx.conn, _number(found), is_shared=is_shared)
    return replace(found, is_shared=is_shared)


def remove(ctx: Context, name: str) -> SavedList:
    """Forget a list.

    Raises:
        ActionError: there is no such list, or it is another user's.
    """
    found = _own(ctx, name)
    store.delete(ctx.conn, _number(found))
    name_changes.note_removal(ctx.conn, ctx.who, "list", found.name, scope=found.document.object)
    return found


def find(ctx: Context, name: str) -> SavedList:
    """Return a list that the actor may use.

    Raises:
        ActionError: there is none, or several are called so.
    """
    kept = store.visible(ctx.conn, require(ctx, Right.READ).user_id)
    own_words = name.strip().casefold()
    for several in (kept, templates()):
        meant = [one for one in several if own_words in _names(one)]
        kinds = {one.document.object for one in meant}
        if len(kinds) > 1:
            raise ActionError(
                f"several lists are named {name!r}",
                resource=_RESOURCE, field="name", code="conflict",
                hint=" or ".join(f"{kind}/{name}" for kind in sorted(kinds)),
            )  # fmt: skip
        if meant:
            return meant[0]
    raise ActionError(
        f"there is no list {name[:_LONGEST_NAME]!r}",
        resource=_RESOURCE, field="name", code="not_found",
        hint="hub list show lists yours and the team's; hub list templates lists the templates",
    )  # fmt: skip


def query(ctx: Context, document: ListDocument, *, with_archived: bool = False) -> Query:
    """Return a document as a query of the actor now.

    Args:
        ctx: the actor, and the open connection.
        document: the list.
        with_archived: list archived records too.

    Raises:
        ActionError: it asks what cannot be asked.
    """
    fields = catalogue(ctx.conn, document.object)
    if with_archived:
        fields = replace(fields, standing=fields.standing[1:])
    return pages.ready(ctx.conn, document, fields, asking(ctx))


def page(
    ctx: Context,
    document: ListDocument,
    *,
    limit: int = 50,
    after: str | None = None,
) -> Page:
    """Return rows of a list, as the actor sees it now.

    Raises:
        ActionError: it asks what cannot be asked, or `after` is no mark of it.
    """
    return pages.page(ctx.conn, query(ctx, document), limit, after)


def count(ctx: Context, document: ListDocument, *, exact: bool = False) -> Count:
    """Return how many rows a list has: exactly up to 10,000, above only if `exact`.

    Raises:
        ActionError: it asks what cannot be asked.
    """
    return pages.count(ctx.conn, query(ctx, document), exact=exact)


def selection(ctx: Context, name: str, limit: int = MOST_SELECTED) -> tuple[str, list[int]]:
    """Return the kind and the ids of a list's records, in its order, for an act on all of them.

    Raises:
        ActionError: there is no such list, it asks what cannot be asked, or it has more records than
            `limit` (code `conflict`).
    """
    found = find(ctx, name)
    limit = min(limit, MOST_SELECTED)
    ids = pages.ids(ctx.conn, query(ctx, found.document), limit + 1)
    if len(ids) > limit:
        raise ActionError(
            f"the list {found.name!r} has more than {limit:,} records; one action takes at most {limit}",
            resource=_RESOURCE, field="list", code="conflict",
            hint="split the list, by date or owner, and act on each part",
        )  # fmt: skip
    return found.document.object, ids


def asking(ctx: Context) -> Asking:
    """Return the actor and the time, in the actor's time zone."""
    acting = require(ctx, Right.READ)
    return Asking(Moment(ctx.clock.now(), ctx.zone), acting.user_id)


def _own(ctx: Context, name: str) -> SavedList:
    found = find(ctx, name)
    if found.id is None:
        raise ActionError(
            f"{found.name} is a template of the hub; it cannot be changed",
            resource=_RESOURCE, code="invalid", hint="hub list add saves one of your own",
        )  # fmt: skip
    acting: Actor = require(ctx, Right.READ)
    if found.user_id is None or found.user_id != acting.user_id:
        require(ctx, Right.SET_UP)
    else:
        require(ctx, Right.WORK)
    return found


def _checked(name: str) -> str:
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable() or name.isdigit():
        raise ActionError(
            f"{name[:_LONGEST_NAME]!r} is not a valid name for a list",
            resource=_RESOURCE, field="name", code="invalid", hint="1 to 100 characters",
        )  # fmt: skip
    return name


def _taken(name: str, object_: str) -> ActionError:
    return ActionError(
        f"there is a list {name!r} of {object_} records already",
        resource=_RESOURCE, field="name", code="conflict", hint="hub list show lists them",
    )  # fmt: skip


def _number(found: SavedList) -> int:
    if found.id is None:
        raise TypeError(found.name)
    return found.id


def _names(saved: SavedList) -> Iterable[str]:
    name = saved.name.casefold()
    return (name, f"{saved.document.object}/{name}", str(saved.id))
