"""An older commit in a folder of its own: made with `git worktree`, removed at the end."""

import signal
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def checkout(ref: str) -> Iterator[Path]:
    """Check a commit out into a temporary folder.

    Raises:
        SystemExit: the repository has no such commit, or git fails.
    """
    commit = _git("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    with tempfile.TemporaryDirectory(prefix="hub-ref") as temporary:
        folder = Path(temporary).resolve() / "tree"
        try:
            _git("worktree", "add", "--quiet", "--detach", str(folder), commit)
            yield folder
        finally:
            _remove(folder)


def _remove(folder: Path) -> None:
    """Remove the worktree, a half made and still locked one too; signals wait until then."""
    waiting = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        _run("worktree", "remove", "--force", "--force", str(folder))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, waiting)


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "-C", str(ROOT), *words],
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,  # a Ctrl-C at the terminal is for this process alone
    )


def _git(*words: str) -> str:
    done = _run(*words)
    if done.returncode:
        reason = done.stderr.strip() or "no such commit"
        raise SystemExit(f"git {' '.join(words)}: {reason}")
    return done.stdout.strip()


def dependency_differences(before: Path, after: Path) -> list[str]:
    """Return how the dependencies of two trees differ, a line for each; both run on the installed ones."""
    found = []
    for name, read in (("pyproject.toml", _wanted), ("requirements.lock", _locked)):
        was, now = read(before / name), read(after / name)
        found += [f"{name}: {one} only before" for one in sorted(was - now)]
        found += [f"{name}: {one} only after" for one in sorted(now - was)]
    return found


def _wanted(path: Path) -> set[str]:
    if not path.exists():
        return set()
    return set(tomllib.loads(path.read_text())["project"]["dependencies"])


def _locked(path: Path) -> set[str]:
    return set(path.read_text().split()) if path.exists() else set()
