"""Load mapping documents by name. A document in the user's folder replaces the shipped one.

In: names `<source>/<stream>`, the user's folder. Out: bound documents. Errors name the file, the
line and the nearest valid word.
"""

from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hub.errors import ConfigError
from hub.mappings.bind import faults
from hub.mappings.document import MappingDocument
from hub.mappings.files import Lines, parse, read
from hub.mappings.folders import ANSWERS, HERE, TESTS, documents
from hub.mappings.rule_document import nearest
from hub.mappings.tailoring import answers_of, tailored


def names(folder: Path | None = None) -> list[str]:
    """Return the names of all mapping documents, the shipped ones and the user's.

    Raises:
        ConfigError: the user's folder does not exist.
    """
    return list(documents(folder))


def path_of(name: str, folder: Path | None = None) -> Path:
    """Return the file of a mapping: the user's if there is one, otherwise the shipped one.

    Raises:
        ConfigError: there is no such mapping.
    """
    known = documents(folder)
    if name not in known:
        near = nearest(name, list(known))
        hint = f"did you mean '{near}'?" if near else "known are " + ", ".join(known)
        raise ConfigError(f"there is no mapping '{name}'", hint=hint)
    return known[name]


def cases_path_of(name: str, folder: Path | None = None) -> Path:
    """Return the file of a mapping's tests, in the same folder as the mapping."""
    path = path_of(name, folder)
    return path.with_name(path.stem + TESTS)


def load(name: str, folder: Path | None = None) -> MappingDocument:
    """Return one bound mapping document.

    Raises:
        ConfigError: the document is missing or wrong; the message has the file and the line.
    """
    return _load(name, path_of(name, folder), folder)


def _load(name: str, path: Path, folder: Path | None) -> MappingDocument:
    answers = folder / name.partition("/")[0] / ANSWERS if folder is not None else None
    is_tailored = answers is not None and answers.is_file()
    if not is_tailored and path.parent.parent == HERE:
        state = path.stat()
        return _shipped(name, path, (state.st_mtime_ns, state.st_size))
    return _read(name, path, answers if is_tailored else None)


@cache
def _shipped(name: str, path: Path, _state: tuple[int, int]) -> MappingDocument:
    """Return a shipped document, which a process reads once: that takes a hundredth of a second."""
    return _read(name, path, None)


def _read(name: str, path: Path, answers: Path | None) -> MappingDocument:
    value, lines = read(path)
    if answers is not None and isinstance(value, dict):
        value = tailored(value, answers_of(answers), answers)
    document = _document(value, lines, str(path))
    if document.name != name:
        where = f"{path}:{lines.of(['source'])}"
        raise ConfigError(
            f"{where}: the file is for '{name}', but its source and stream are '{document.name}'",
            hint="change source and stream, or move the file",
        )
    return document


def load_all(folder: Path | None = None) -> dict[str, MappingDocument]:
    """Return every mapping by name, bound."""
    return {name: _load(name, path, folder) for name, path in documents(folder).items()}


def load_text(text: str, name: str = "<text>") -> MappingDocument:
    """Return a bound document from YAML text; error messages show `name` as the file.

    Raises:
        ConfigError: the text is wrong.
    """
    value, lines = parse(text, name)
    return _document(value, lines, name)


def _document(value: Any, lines: Lines, file: str) -> MappingDocument:
    if not isinstance(value, dict):
        raise ConfigError(f"{file}:1: a mapping document is a YAML mapping")
    try:
        document = MappingDocument.model_validate(value)
    except ValidationError as exc:
        raise ConfigError(
            "\n".join(_error_text(error, lines, file) for error in exc.errors())
        ) from exc
    found = faults(document)
    if found:
        raise ConfigError("\n".join(f"{file}:{lines.of(f.loc)}: {f.message}" for f in found))
    return document


def _error_text(error: Any, lines: Lines, file: str) -> str:
    loc = list(error["loc"])
    if error["type"] == "unknown_key":
        loc.append(error["ctx"]["key"])
    where = ".".join(str(part) for part in error["loc"])
    return f"{file}:{lines.of(loc)}: {where + ': ' if where else ''}{error['msg']}"
