"""What the settings mean, read from the texts below their fields, for references and for `hub init`.

Pydantic can do the same with `use_attribute_docstrings`. It parses the source of every model in every
process then, which took a twentieth of a command's time.
"""

import ast
import functools
import inspect
import re
import textwrap
from itertools import pairwise

from pydantic import BaseModel


@functools.cache
def descriptions(model: type[BaseModel]) -> dict[str, str]:
    """Return the text below each field of a model, those of its base models included."""
    found: dict[str, str] = {}
    for one in reversed(model.__mro__):
        if one is not BaseModel and issubclass(one, BaseModel):
            found |= _own(one)
    return found


def _own(model: type[BaseModel]) -> dict[str, str]:
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    lines = body.body if isinstance(body, ast.ClassDef) else []
    found = {}
    for field, text in pairwise(lines):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            value = text.value if isinstance(text, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                found[field.target.id] = inspect.cleandoc(value.value)
    return found


def first_sentence(text: str) -> str:
    """Return the first sentence of a description, on one line and without its full stop."""
    paragraph = " ".join(text.partition("\n\n")[0].split())
    return re.split(r"(?<=[a-z`)])(?<!e\.g)\. (?=[A-Z`])", paragraph, maxsplit=1)[0].rstrip(".")
