"""What `hub upgrade` does, and the seconds that `hub sync` and `hub up` spend on the same work."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.ending import ending
from hub.cli.formatting import count
from hub.cli.options import Config, Json
from hub.cli.output import print_json, print_line, print_table, print_warning, stderr
from hub.errors import ConfigError, HubError
from hub.logs import get_logger

if TYPE_CHECKING:  # `hub --help` does not wait for SQLAlchemy
    from hub.etl.context import Hub
    from hub.etl.rederive import Rederived
    from hub.records.consent_disputes import Lifted

SYNC_S = 10.0
"""How long one `hub sync` derives again what older rules derived."""
_LOOK_S = 60.0  # seconds between two looks for something stale, in the background
_PAUSE_S = 0.05  # after each piece: other processes come first
_JOIN_S = 3.0  # a piece that takes longer is rolled back with its session, and done again later
_PIECE = "the results of older rules that are derived again"
log = get_logger()


def upgrade(
    accept_consent: Annotated[
        bool,
        typer.Option("--accept-consent", help="Lift the opt-outs that no mapping reads any more."),
    ] = False,
    json: Json = False,
    config: Config = None,
) -> None:
    """Upgrade the database, then derive again everything that older rules derived.

    A backup is written before the database changes. Ctrl-C is safe: the next call continues.
    """
    from hub.actions.identity.erase import erase_again
    from hub.cli.acting import acting
    from hub.cli.session import opened

    with opened(config) as (hub, _database, settings):
        again = erase_again(hub.engine, acting, home=settings.home)
        report = _to_the_end(hub)
        held = _held(hub, accept=accept_consent)
    if json:
        from hub.views.results import Upgraded

        erased = tuple(receipt.erasure for receipt in again)
        print_json(Upgraded(report.done, report.left, report.is_busy, tuple(held), erased))
        return
    for receipt in again:
        print_line("", f"erased again: erasure {receipt.erasure}")
    words = [f"{count(n)} {_WHAT[name]}" for name, n in report.done.items()]
    print_line("", f"derived again: {', '.join(words) or 'nothing'}")
    if held:
        print_table(
            "Opt-outs that no mapping reads any more; --accept-consent lifts them",
            ("address", "channel", "purpose", "stated by"),
            [(o.address, o.channel, o.purpose, "\n".join(o.records)) for o in held],
        )


def _held(hub: "Hub", *, accept: bool) -> "list[Lifted]":
    """Return the opt-outs that are in force until an admin accepts that they are lifted."""
    from hub.actions.identity.consent_changes import held
    from hub.cli.acting import acting

    with hub.engine.begin() as conn:
        if accept:
            held(acting(conn), accept=True)
        return held(acting(conn))


_WHAT = {
    "mapping": "objects mapped",
    "keys": "records keyed",
    "model": "records matched",
    "links": "people and companies linked",
    "fold": "people and companies folded",
}


def _to_the_end(hub: "Hub") -> "Rederived":
    from rich.console import Console
    from rich.progress import Progress

    from hub.etl.rederive import left, rederive

    with Progress(console=Console(stderr=True), disable=not stderr.is_terminal) as progress:
        bar = progress.add_task("deriving again", total=left(hub))

        def told(name: str, n: int) -> None:
            progress.update(bar, advance=n, description=_WHAT[name])

        try:
            report = rederive(hub, told=told)
        except KeyboardInterrupt:
            print_warning("interrupted; the next hub upgrade continues from here")
            raise
    if report.is_busy:
        raise ConfigError(
            "another process derives at the moment: hub up, or another hub upgrade",
            hint="hub status shows how much is left",
        )
    return report


def some_seconds(hub: "Hub") -> "Rederived":
    """Derive again for at most `SYNC_S` seconds; the rest is for the next call."""
    from hub.etl.rederive import rederive

    end = time.monotonic() + SYNC_S
    return rederive(hub, stop=lambda: time.monotonic() > end)


@contextmanager
def in_background(hub: "Hub") -> Iterator[None]:
    """Derive again in a thread of this process, piece by piece, until the block ends."""
    ended = threading.Event()
    worker = threading.Thread(target=_work, args=(hub, ended), name="rederive", daemon=True)
    worker.start()
    try:
        yield
    finally:
        ended.set()
        with ending() as end:
            end.wait("deriving ends", lambda: [_PIECE] if worker.is_alive() else [], _JOIN_S)


def _work(hub: "Hub", ended: threading.Event) -> None:
    from sqlalchemy.exc import OperationalError

    from hub.etl.rederive import rederive

    while not ended.is_set():
        try:
            rederive(hub, stop=lambda: ended.wait(_PAUSE_S))
        except Exception as exc:
            if ended.is_set():  # the hub ends, and its database with it
                return
            if isinstance(exc, HubError):
                log.warning("rederive_failed", message=exc.message)
            elif isinstance(exc, OperationalError):  # `hub up` starts PostgreSQL again
                log.warning("rederive_waits_for_the_database")
            else:  # the hub runs without it; `hub status` says what is left
                log.exception("rederive_broke")
        ended.wait(_LOOK_S)
