"""What `hub worker` takes, prints and runs."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.options import Config, Json
from hub.cli.output import print_json, print_warning, stdout
from hub.errors import HubError

if TYPE_CHECKING:
    from hub.live.worker import Worker

_INTERRUPTED = 130


def worker(
    retry: Annotated[
        bool, typer.Option("--retry", help="Try events again that were given up; then end.")
    ] = False,
    json: Json = False,
    config: Config = None,
) -> None:
    """Run the worker, which lands what sources send and takes leads to their owners, until Ctrl-C."""
    from hub.cli.session import opened_database

    if retry:
        from hub.landing import inbox

        with opened_database(config) as (database, _), database.engine.begin() as conn:
            tried_n = inbox.revive(conn)
        if json:
            from hub.views.results import EventsRetried

            print_json(EventsRetried(tried_n))
        else:
            stdout.print(f"{tried_n} events are tried again by the worker")
        return
    if code := _work(config, json=json):
        raise typer.Exit(code)


def _work(config: Path | None, *, json: bool) -> int:
    """Run workers one after the other, each with the hub.yaml of its time, until a signal."""
    from hub.cli.session import opened
    from hub.live.worker import Worker

    is_first = True
    while True:
        is_same = _watch(config)
        with opened(config) as (hub, _, settings):
            one = Worker(hub)
            with _signals(one) as ended_by:
                if is_first:
                    _show(settings.sources.configured(), json=json)
                one.run(is_same)
        is_first = False
        if ended_by:
            return _INTERRUPTED if ended_by[0] == signal.SIGINT else 0


def _show(sources: list[str], *, json: bool) -> None:
    """Say that the worker runs, at once: a program may wait for the line."""
    if json:
        from hub.views.results import WorkerReady

        print_json(WorkerReady(True, sources))
    else:
        stdout.print("The worker lands what sources send. Ctrl-C stops.", highlight=False)
    stdout.file.flush()


@contextmanager
def _signals(one: "Worker") -> Iterator[list[int]]:
    """End the worker at SIGTERM and Ctrl-C; yields the signals that came."""
    came: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        one.stop()

    before = {kind: signal.signal(kind, stop) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def _watch(config: Path | None) -> Callable[[], bool]:
    """Return a question: is hub.yaml as it was? A file that cannot be used changes nothing."""
    from hub.settings import find, load
    from hub.settings.changes import Changes

    changes = Changes(find(config))

    def is_same() -> bool:
        if not changes.has_one():
            return True
        try:
            load(config)
        except HubError as exc:
            print_warning(f"hub.yaml has changed and cannot be used: {exc.message}")
            return True
        return False

    return is_same
