"""Mistakes in the options and arguments of a command, in the form of the hub's other errors."""

import difflib
import re
from typing import Any

from typer.exceptions import TyperException

from hub.errors import ConfigError


def explained(error: TyperException) -> ConfigError:
    """Return Typer's error as a hub error: the mistake, with a hint on what the command takes."""
    ctx: Any = getattr(error, "ctx", None)
    path = ctx.command_path if ctx is not None else "hub"
    more = f"{path} --help shows its arguments"
    kind = type(error).__name__
    parameter: Any = getattr(error, "param", None)
    if kind == "NoSuchOption":
        return _unknown(error, ctx, path, more)
    if kind == "MissingParameter" and parameter is not None:
        what = _named(parameter)
        return ConfigError(f"{path} needs {what}", hint=_usage(ctx, path) or more)
    if kind == "BadParameter" and parameter is not None:
        return ConfigError(f"{_named(parameter)}: {_plain(error.message)}", hint=more)
    return ConfigError(f"{path}: {_lowered(error.format_message())}", hint=more)


def _unknown(error: TyperException, ctx: Any, path: str, more: str) -> ConfigError:
    name = str(getattr(error, "option_name", ""))
    known = (
        [o for p in ctx.command.get_params(ctx) for o in p.opts if o.startswith("--")]
        if ctx
        else []
    )
    near = difflib.get_close_matches(name, known, n=2, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}" if near else more
    return ConfigError(f"{path} has no option {name[:60]}", hint=hint)


def _named(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        shown: str = parameter.metavar or str(parameter.name).upper()
        return shown.rstrip("…")
    return str(max(parameter.opts, key=len))


def _usage(ctx: Any, path: str) -> str:
    """Return how the command is typed, with its arguments and needed options."""
    words = [path]
    for one in ctx.command.params if ctx is not None else ():
        if one.required:
            name = _named(one)
            words.append(name if one.param_type_name == "argument" else f"{name} …")
    return f"type {' '.join(words)}" if len(words) > 1 else ""


_WORDS = (
    (r"input should be a valid integer.*", "not a whole number"),
    (r"input should be a valid (?:number|decimal).*", "not a number"),
    (r"input should be (less|greater) than or equal to (\S+)", r"must be \1 than or equal to \2"),
    (r"input should be (less|greater) than (\S+)", r"must be \1 than \2"),
    (r"input should be ('.*)", r"one of: \1"),
)
"""What the library says of a value, and how the hub says it."""


def _plain(message: str) -> str:
    said = _lowered(message)
    for theirs, ours in _WORDS:
        if found := re.fullmatch(theirs, said, re.DOTALL):
            return (
                found.expand(ours)
                .replace("less than or equal to", "at most")
                .replace("greater than or equal to", "at least")
            )
    return said


def _lowered(message: str) -> str:
    words = message.strip().rstrip(".")
    return words[:1].lower() + words[1:]
