"""Which tables each module of the product reads and writes, found in its source text.

Every table has a schema, and all SQL names it with the schema; CTEs and temporary tables have none.
So a dotted name after INSERT INTO, UPDATE, DELETE FROM, MERGE INTO, COPY or TRUNCATE is a write, and
any other dotted name of a table is a read. Statements of SQLAlchemy Core are found by the table
objects that they are given. A write whose table is known only at run time is returned as dynamic.

Parsed text was chosen over recorded statements, which miss what no test runs, and over a parser of
SQL, which cannot read the fragments that statements are composed of.
"""

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Table

from hub.db.metadata import SCHEMAS, metadata

ROOT = Path(__file__).parents[2]
DYNAMIC = "?"
_NAME = r'"?(?P<table>[a-z_]+|\?)"?'
_SCHEMA = "|".join((*(s for s in SCHEMAS if s != "reporting"), r"\?"))
_NAMED = re.compile(rf"(?P<before>[\w() ]*?)\b(?P<schema>{_SCHEMA})\.{_NAME}(?![\w.])")
_WRITES = re.compile(
    r"(insert\s+into|update(\s+only)?|delete\s+from|merge\s+into|copy|truncate(\s+table)?)\s*$",
    re.IGNORECASE,
)
_UNNAMED = re.compile(
    r"(?<!FOR )(?<!KEY )\b(INSERT INTO|UPDATE|DELETE FROM|MERGE INTO|COPY)(\s+\?|$)"
)
_CORE_WRITES = {"insert", "update", "delete"}


@dataclass
class Tables:
    """The tables that one module reads and writes; names with their schema."""

    reads: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)
    together: list[set[str]] = field(default_factory=list)


def modules() -> list[Path]:
    """The modules of the product; a migration is history, and no statement that runs again."""
    found = sorted((ROOT / "hub").rglob("*.py"))
    return [p for p in found if "migrations" not in p.parts]


def name_of(path: Path) -> str:
    """hub/crm/leads.py → hub.crm.leads."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def tables_of(path: Path, module: str | None = None) -> Tables:
    """The tables of one module."""
    tree = ast.parse(path.read_text())
    found = Tables()
    for sql in _texts(tree):
        named = list(_in_text(sql))
        written = {name for name, is_write in named if is_write}
        found.writes |= written
        found.reads |= {name for name, is_write in named if not is_write}
        if len(written) > 1:
            found.together.append(written)
    found.writes |= set(_core_writes(tree, module or name_of(path)))
    return found


def _texts(tree: ast.Module) -> Iterator[str]:
    """String constants that are no docstring; what an f-string fills in becomes a question mark."""
    skipped = {id(part) for node in ast.walk(tree) for part in _no_sql(node)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else DYNAMIC
                for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _no_sql(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.JoinedStr):
        yield from (part for part in ast.walk(node) if part is not node)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        yield node.value


def _in_text(sql: str) -> Iterator[tuple[str, bool]]:
    plain = re.sub(r"--[^\n]*", "", sql)
    for match in _NAMED.finditer(plain):
        name = f"{match['schema']}.{match['table']}"
        is_write = _WRITES.search(plain[: match.start("schema")]) is not None
        if name in metadata.tables or (is_write and DYNAMIC in name):
            yield name, is_write
    if _UNNAMED.search(plain.rstrip()):
        yield f"{DYNAMIC}.{DYNAMIC}", True


def _core_writes(tree: ast.Module, module: str) -> Iterator[str]:
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        match call.func:
            case ast.Name(id="copy_rows" | "copy_binary"):
                yield from _copied(call.args[1])
            case ast.Name(id=name) if name in _CORE_WRITES and _is_core(module, name):
                yield from _table(call.args[0], module)
            case ast.Attribute(value=ast.Name() as table, attr=name) if name in _CORE_WRITES:
                if not call.args and not call.keywords:
                    yield from _table(table, module, or_else=())


def _copied(expression: ast.expr) -> Iterator[str]:
    """The table that rows are copied into; a temporary one has no schema."""
    if not isinstance(expression, ast.Constant):
        yield f"{DYNAMIC}.{DYNAMIC}"
    elif "." in str(expression.value):
        yield str(expression.value)


def _is_core(module: str, name: str) -> bool:
    origin = getattr(getattr(importlib.import_module(module), name, None), "__module__", "")
    return str(origin).startswith("sqlalchemy.")


def _table(
    expression: ast.expr, module: str, or_else: tuple[str, ...] = (f"{DYNAMIC}.{DYNAMIC}",)
) -> Iterator[str]:
    """The table that an expression names; a variable is dynamic."""
    found: object = None
    if isinstance(expression, ast.Name):
        found = getattr(importlib.import_module(module), expression.id, None)
    elif isinstance(expression, ast.Attribute) and isinstance(expression.value, ast.Name):
        owner = getattr(importlib.import_module(module), expression.value.id, None)
        found = getattr(owner, expression.attr, None)
    if isinstance(found, Table):
        yield f"{found.schema}.{found.name}"
    else:
        yield from or_else
