"""What `hub backup` and `hub restore` do."""

from pathlib import Path
from typing import Annotated

import typer

from hub.cli.options import Config, Json
from hub.cli.output import print_json, print_line, print_warning


def backup(
    file: Annotated[
        Path | None, typer.Argument(help="File to write (default: a new file in HUB_HOME/backups).")
    ] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Write the whole database into one file, also while the hub runs.

    The file holds all records and everything that users did. It does not hold hub.yaml, the
    secrets and the key files: keep copies of them elsewhere.
    """
    from hub.actions.batches.backups import back_up
    from hub.cli.session import reached_database

    with reached_database(config) as place:
        made = back_up(place, file)
    if json:
        from hub.views.results import BackupWritten

        print_json(BackupWritten(str(made.file), made.size, made.revision))
        return
    print_line("", f"wrote {made.file} ({made.size / 1e6:,.1f} MB, schema {made.revision})")
    print_line("", "not included: hub.yaml, secrets and key files")


def restore(
    file: Annotated[Path, typer.Argument(help="A file written by `hub backup` or `hub upgrade`.")],
    json: Json = False,
    config: Config = None,
) -> None:
    """Replace the whole database with a backup, in one transaction.

    The present database is backed up before. No other command may run. A backup of a newer schema
    is refused; an older one is upgraded by the next command. People erased after the
    backup are erased again.
    """
    from hub.actions.batches.backups import restore as put_back
    from hub.cli.session import reached_database

    with reached_database(config) as place:
        done = put_back(place, file)
    again = _erased_again(config)
    if done.problem:
        print_warning(f"the replaced database could not be backed up: {done.problem}")
    before = str(done.before.file) if done.before else None
    if json:
        from hub.views.results import BackupRestored

        print_json(BackupRestored(str(file), done.revision, before, tuple(again)))
        return
    print_line("", f"restored {file} (schema {done.revision})")
    if before:
        print_line("", f"the replaced database is in {before}")
    for erasure in again:
        print_line("", f"erased again: erasure {erasure}, which the backup had forgotten")


def _erased_again(config: Path | None) -> list[str]:
    """Erase the people again that the backup contains; an older schema is upgraded for that."""
    from hub.actions.identity.erase import erase_again, has_erased
    from hub.cli.acting import acting
    from hub.cli.session import opened_database
    from hub.settings import load

    if not has_erased(load(config).home):
        return []
    with opened_database(config) as (database, settings):
        done = erase_again(database.engine, acting, home=settings.home)
    return [receipt.erasure for receipt in done]
