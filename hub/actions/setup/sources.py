"""The sources of the hub and their roles: which are followed, which are migrated once, which are retired.

A role stands in hub.yaml, in one line, which is changed here (`hub.settings.editing`). Not here: what a role
means for a read (`hub.etl.context`), and the settings of a source, which are changed by hand.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.crm import overview
from hub.errors import ActionError, ConfigError
from hub.logs import get_logger
from hub.model.nearest import hint
from hub.records import batch_history, migrations
from hub.settings import Settings
from hub.settings.editing import role_variable, write_role
from hub.settings.lines import line_of

Role = Literal["follow", "migrate", "retired"]
_RESOURCE = "source"
_WORDS = {
    "follow": "syncs keep it up to date",
    "migrate": "hub migrate reads it, and a sync that names it",
    "retired": "nothing reads it any more; what came from it stays",
}
log = get_logger()


@dataclass(frozen=True, slots=True)
class SourceCard:
    """A source.

    Args:
        source: its name.
        role: follow, migrate or retired.
        means: what the role means, in words.
        place: the line of hub.yaml where the source stands; null without a file.
        read_at: when it was last read without a fault; null before the first time.
        objects: objects that the hub has from it.
        pending: records of it that wait for a stage.
        migration: the batch of its migration that is not over; null if there is none.
    """

    source: str
    role: str
    means: str
    place: str | None
    read_at: datetime | None
    objects: int
    pending: int
    migration: int | None


def listed(ctx: Context, settings: Settings, path: Path | None = None) -> list[SourceCard]:
    """Return the configured sources, in a fixed order.

    Args:
        ctx: who acts.
        settings: of the hub.
        path: hub.yaml, from which the lines are.
    """
    require(ctx, Right.READ)
    return [_card(ctx, settings, name, path) for name in settings.sources.configured()]


def show(ctx: Context, settings: Settings, name: str, path: Path | None = None) -> SourceCard:
    """Return one source.

    Raises:
        ActionError: it is not configured.
    """
    require(ctx, Right.READ)
    return _card(ctx, settings, _configured(settings, name), path)


def set_role(
    ctx: Context, settings: Settings, path: Path | None, name: str, role: Role
) -> SourceCard:
    """Set the role of a source in hub.yaml.

    Args:
        ctx: who acts.
        settings: as they are in the file now.
        path: hub.yaml.
        name: of the source.
        role: follow, migrate or retired.

    Raises:
        ActionError: who acts may not; the source is not configured; or its migration is not over.
        ConfigError: hub.yaml cannot be changed by a command.
    """
    require(ctx, Right.SET_UP)
    source = _configured(settings, name)
    had = _card(ctx, settings, source, path)
    if role == "retired" and had.migration is not None:
        raise ActionError(
            f"batch {had.migration}, a migration of {source}, is not over",
            resource=_RESOURCE,
            code="conflict",
            hint=f"hub migrate --apply {had.migration} loads it, --discard {had.migration} forgets it",
        )
    if (variable := role_variable(source)) is not None:
        raise ConfigError(
            f"{variable} sets the role of {source}, whatever hub.yaml says",
            hint=f"unset {variable}",
        )
    if path is None:
        raise ConfigError("there is no hub.yaml", hint="hub init writes one")
    place = had.place if had.role == role else write_role(path, source, role)
    log.info("source_role_set", source=source, role=role, was=had.role, by=ctx.who)
    return SourceCard(
        source, role, _WORDS[role], place, had.read_at, had.objects, had.pending, had.migration
    )


def _configured(settings: Settings, name: str) -> str:
    known = settings.sources.configured()
    wanted = name.strip().lower()
    if wanted in known:
        return wanted
    raise ActionError(
        f"there is no source {name!r} in hub.yaml",
        resource=_RESOURCE,
        code="not_found",
        hint=hint(wanted, known) if known else "hub init writes hub.yaml",
    )


def _card(ctx: Context, settings: Settings, source: str, path: Path | None) -> SourceCard:
    role = str(getattr(settings.sources, source).role)
    streams = [row for row in overview.streams(ctx.conn) if row["source"] == source]
    line = line_of(path, ("sources", source))
    return SourceCard(
        source,
        role,
        _WORDS[role],
        f"{path}:{line}" if line else None,
        batch_history.last_read(ctx.conn, source).good_at,
        sum(row["landed"] for row in streams),
        sum(row["pending"] for row in streams),
        _under_way(ctx, source),
    )


def _under_way(ctx: Context, source: str) -> int | None:
    found = migrations.under_way(ctx.conn, source)
    return found.batch.id if found else None
