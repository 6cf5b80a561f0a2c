"""The `hub` command: which command runs, and how it ends.

`hub --help` is printed from `hub.cli.commands` alone. A command's modules are imported when it runs.
"""

import gc
import io
import os
import signal
import sys

_YOUNG = 200_000
"""New objects before the collector of cycles walks them; a command's modules are some 120,000.

A sync or a bulk action makes more. The stages set a limit of their own (`hub.etl.collector`).
"""


def _interrupt(_signal: int, _frame: object) -> None:
    """End as Ctrl-C does, so that children and the embedded server are stopped."""
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line; every foreseen error is one line, a hint and an exit code."""
    words = sys.argv[1:]
    if not (code := _answer_at_once(words)):
        gc.set_threshold(_YOUNG)
        _prepare()
        try:
            sys.exit(ended(words))
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(1)
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is closed; the exit code stands
            gc.freeze()  # else the end of Python walks all modules for cycles: a quarter of the CPU
    sys.exit(code - 1)


def ended(words: list[str]) -> int:
    """Run a command in this process; print a foreseen error, and return the exit code."""
    from datetime import UTC

    from hub.cli.output import EXIT_INTERRUPTED, exit_code, print_error, show_in, show_wide
    from hub.errors import HubError

    show_in(UTC)
    show_wide(is_wide=False)
    try:
        return _run(words)
    except HubError as error:
        print_error(error)
        return exit_code(error)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _answer_at_once(words: list[str]) -> int:
    """Print answers that need no command; return the exit code plus one, or 0 if a command is to run."""
    if not words or words in (["--help"], ["-h"], ["help"]):
        from hub.cli.commands import overview

        (sys.stdout if words else sys.stderr).write(f"{overview()}\n")
        return 1 if words else 3
    if words in (["--version"], ["version"]):
        from importlib.metadata import version

        sys.stdout.write(f"lead-hub {version('lead-hub')}\n")
        return 1
    return 0


def _prepare() -> None:
    import logging

    from hub.logs import configure

    level = logging.getLevelNamesMapping().get(os.environ.get("HUB_LOG", "WARNING").upper(), 30)
    # the hub uses no plugin of pydantic, which would search all installed packages for one
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    configure(json=not sys.stderr.isatty(), level=level)
    signal.signal(signal.SIGTERM, _interrupt)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name never ends a command


def _run(words: list[str]) -> int:
    """Run the command that the words mean; return its exit code."""
    from typer import Abort
    from typer.exceptions import TyperException

    from hub.cli.groups import find, load
    from hub.cli.mistakes import explained

    if words[0] == "help":
        words = [*words[1:], "--help"]
    name, rest = find(words)
    try:
        code = load(name).main(args=rest, prog_name=f"hub {name}", standalone_mode=False)
    except TyperException as error:
        raise explained(error) from error
    except Abort:
        return 1
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    main()
