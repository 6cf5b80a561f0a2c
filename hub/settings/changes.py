"""Whether hub.yaml has changed since it was last looked at, for processes that run for long."""

from pathlib import Path


class Changes:
    """The writes of a file.

    Args:
        file: the hub.yaml; None where there is none.
    """

    def __init__(self, file: Path | None) -> None:
        self._file, self._seen = file, _version(file)

    def has_one(self) -> bool:
        """Return whether the file was written, made or removed since the last call."""
        before, self._seen = self._seen, _version(self._file)
        return self._seen != before


def _version(file: Path | None) -> tuple[int, int] | None:
    """Return what changes with each write of a file; None while there is none."""
    try:
        stat = file.stat() if file else None
    except OSError:
        return None
    return (stat.st_mtime_ns, stat.st_size) if stat else None
