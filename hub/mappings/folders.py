"""Where mapping documents lie: the shipped folder, and the user's folder, whose documents replace shipped ones.

In: the user's folder. Out: files by name `<source>/<stream>`. Nothing is read, so that this module costs a
command little. Not here: what the files say (`loader`).
"""

from collections.abc import Mapping
from pathlib import Path

from hub.errors import ConfigError

HERE = Path(__file__).parent
TESTS = ".test.yaml"
ANSWERS = "answers.yaml"
"""The answers of an account, beside the mappings of its source: see `hub.mappings.tailoring`."""


def documents(folder: Path | None = None) -> Mapping[str, Path]:
    """Return the file of every mapping by name, in the order of the names.

    Raises:
        ConfigError: the user's folder does not exist.
    """
    if folder is not None and not folder.is_dir():
        raise ConfigError(
            f"mappings_dir: there is no folder {folder}",
            hint="create the folder, or remove mappings_dir from hub.yaml",
        )
    found = {
        f"{path.parent.name}/{path.stem}": path
        for root in (HERE, *([folder] if folder else []))
        for path in root.glob("*/*.yaml")
        if not path.name.endswith(TESTS) and path.name != ANSWERS
    }
    return dict(sorted(found.items()))
