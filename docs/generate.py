"""Write the references that are made from the code: `python docs/generate.py`.

In: the settings' models, the command line, the fault profiles, the mapping language, the
emulators' routes, the model of matching, the read models. Out: Markdown beside this file. A test fails when a page is not what the code
says. Does not belong here: anything written by hand.
"""

import inspect
import json
import re
import textwrap
import types
import typing
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from hub.cli import groups
from hub.cli.commands import places
from hub.db.schema import MIGRATIONS
from hub.errors import RecordError
from hub.mappings import document, rule_document
from hub.mappings.compiler import compile_document
from hub.mappings.loader import load_text
from hub.mappings.registry import REGISTRY, Ctx, Remark, Transform
from hub.mappings.testing import Case, Expected
from hub.mappings.transforms import DEFAULTS, THEMES, apply
from hub.matching.facts import UNSURE_WITH_FACTS
from hub.matching.keys import CANDIDATE_LIMIT, LIMITS
from hub.matching.model import DEFAULT as MODEL
from hub.model.entities import ENTITY_FIELDS, PEOPLE, ColumnClass
from hub.sandbox.faults import PROFILES
from hub.sandbox.server import Sandbox, SandboxOptions
from hub.sandbox.vendors import VENDORS
from hub.settings import Settings, secret_variable
from hub.settings.descriptions import descriptions
from hub.views import encoding
from hub.views.catalogue import READ_MODELS
from hub.views.schema import models_in, words_of

REFERENCE = Path(__file__).parent / "reference"
_NOTE = "<!-- made by docs/generate.py; do not edit -->\n\n"


def settings_page() -> str:
    """Return the reference of hub.yaml."""
    lines = [
        "# Settings",
        "",
        "`hub.yaml` is taken from `--config`, else HUB_CONFIG, else the working directory, else",
        "HUB_HOME. An environment variable overrides each setting except the lists. Its name is HUB_ and the place",
        "of the setting, with two underscores between the parts, e.g. `HUB_SMTP__PORT`. Secrets come only from",
        "the environment: from such a variable, or from a file. Its name with `_FILE` gives the path of the file.",
    ]
    for place, model in _blocks((), Settings):
        title = ".".join(place) or "the top"
        lines += ["", f"## {title}", "", _first_line(model), ""]
        lines += ["| setting | type | default | |", "|---|---|---|---|"]
        said = descriptions(model)
        fields = model.model_fields.items()
        lines += [_row(place, name, field, said.get(name, "")) for name, field in fields]
    return _NOTE + "\n".join(lines) + "\n"


def _blocks(place: tuple[str, ...], model: type[BaseModel]) -> Iterator[tuple[Any, Any]]:
    """Yield every block of settings with its place, outermost first."""
    yield place, model
    for name, field in model.model_fields.items():
        for inner, mark in _inner(field.annotation, ""):
            yield from _blocks((*place, name + mark), inner)


def _inner(annotation: Any, mark: str) -> Iterator[tuple[type[BaseModel], str]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, mark
        return
    origin = typing.get_origin(annotation)
    inside = "[]" if origin is list else ".EVENT" if origin is dict else mark
    for argument in typing.get_args(annotation):
        yield from _inner(argument, inside)


def _first_line(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").splitlines()[0]


def _row(place: tuple[str, ...], name: str, field: FieldInfo, what: str) -> str:
    is_secret = "SecretStr" in str(field.annotation)
    if is_secret and name == "database_url":
        what += " Environment only: `HUB_DATABASE_URL`."
    elif is_secret:
        what += f" Environment only: `{secret_variable(*place, name)}`."
    return f"| `{name}` | {_type(field)} | {_default(field)} | {what} |"


def _type(field: FieldInfo) -> str:
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    limits = ", ".join(
        f"{sign} {getattr(mark, name)}"
        for mark in field.metadata
        for name, sign in signs.items()
        if hasattr(mark, name)
    )
    return _named(field.annotation) + (f" ({limits})" if limits else "")


_WORDS = {
    "SecretStr": "secret",
    "str": "text",
    "int": "whole number",
    "float": "number",
    "bool": "true or false",
    "Path": "path",
}


def _named(annotation: Any) -> str:
    """Name a type for a person."""
    arguments = [a for a in typing.get_args(annotation) if a is not types.NoneType]
    origin = typing.get_origin(annotation)
    if origin is typing.Literal:
        return " or ".join(f"`{a}`" for a in arguments)
    if origin is list:
        return f"list of {_named(arguments[0])}"
    if origin is dict:
        return f"{_named(arguments[0])} → {_named(arguments[1])}"
    if origin is typing.Annotated:
        return _named(arguments[0])
    if arguments:
        return " or ".join(map(_named, arguments))
    return _WORDS.get(annotation.__name__, "block")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel) or value in (None, "", [], {}):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def cli_page() -> str:
    """Return the reference of the command line."""
    lines = [
        "# The command line",
        "",
        "Exit codes: 0 done · 1 ran and failed · 2 you must act · 3 done, with new quarantine rows ·",
        "130 interrupted. With `--json` stdout holds exactly one document.",
    ]
    for name, command in commands():
        takes = [p for p in command.params if p.param_type_name == "argument"]
        shown = " ".join([name, *(_argument(p) for p in takes)])
        lines += ["", f"## {shown}", "", *inspect.cleandoc(command.help or "").splitlines()]
        options = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
        if takes or options:
            lines += ["", "| | default | |", "|---|---|---|"]
        lines += [f"| {(p.metavar or p.name).lower()} |  | {p.help or ''} |" for p in takes]
        lines += [_option(p) for p in options if p.name != "help"]
        if name == "hub sandbox":
            lines += ["", "### Fault profiles", "", "| profile | what breaks |", "|---|---|"]
            lines += [f"| `{profile}` | {what} |" for profile, what in PROFILES.items()]
    return _NOTE + "\n".join(lines) + "\n"


def commands() -> list[tuple[str, Any]]:
    """Return every command with its full name, in alphabetical order."""
    found = [one for name in places() for one in _commands(f"hub {name}", groups.load(name))]
    return sorted(found, key=lambda one: one[0])


def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
        return
    for own_name, one in inner.items():
        yield from _commands(f"{name} {own_name}", one)


def _argument(parameter: Any) -> str:
    shown = parameter.metavar or str(parameter.name).upper()
    shown += " …" if parameter.nargs == -1 else ""
    return shown if parameter.required else f"[{shown}]"


def _option(parameter: Any) -> str:
    default = parameter.default
    shown = "" if default is None or default is False or default == "" else f"`{default}`"
    return f"| `{', '.join(parameter.opts)}` | {shown} | {parameter.help or ''} |"


def mapping_page() -> str:
    """Return the reference of the mapping language."""
    examples = yaml.safe_load((Path(__file__).parent / "mapping_examples.yaml").read_text("utf-8"))
    lines = ["# The mapping language", "", "How it is used: [Mapping](../mapping.md).", ""]
    lines += ["## Keys", ""]
    lines += _flowed(
        """Only these keys exist; any other is refused with the file, the line and the nearest valid
        word. A *rule* may be written as a bare path (`email: Email`), a transform as a bare name."""
    )
    for title, model in _MODELS.items():
        lines += ["", f"### {title}", "", _summary(model), "", "| key | |", "|---|---|"]
        lines += [f"| `{key}` | {_cell(what)} |" for key, what in _arguments(model).items()]
    lines += ["", "## Predicates", "", "| predicate | holds where | example | of a record |"]
    lines += ["|---|---|---|---|"]
    lines += [
        _predicate_row(name, examples["predicates"][name]) for name in rule_document.PREDICATES
    ]
    lines += ["", "## Transforms", ""]
    lines += _flowed(
        """Arguments in bold are needed. A transform is not asked about null, `const` excepted. A value
        that it cannot use costs the field; a *problem* is a row of quarantine beside a value that
        stays, *drift* a value that stays and is counted. The last column is what the
        code answered when this page was made, for phones of France where nothing else is said."""
    )
    for theme in THEMES:
        lines += ["", f"### {_first_line(theme)}", "", "| transform | arguments | | example |"]
        lines += ["|---|---|---|---|"]
        lines += [
            _transform_row(one, examples["transforms"][one.name])
            for one in REGISTRY.values()
            if one.function.__module__ == theme.__name__
        ]
    lines += ["", "## Targets", ""]
    lines += _flowed(
        f"""`entity` is one of these. {", ".join(f"`{one}`" for one in PEOPLE)} are people and are
        matched. A `person` has no row in the CRM; its records complete people who have one. The kind of a
        field checks its value, and gives the transform if the rule names none. *Folded*: the
        best of all sources' values, at any time. *Held*: set when the record is new, then only
        people change it. *Derived*: the hub computes it later. A json field takes keys:
        `custom_fields.score`."""
    )
    for entity, fields in ENTITY_FIELDS.items():
        lines += ["", f"### {entity}", "", "| field | kind | transform by default | written |"]
        lines += ["|---|---|---|---|"]
        lines += [
            f"| `{f.name}` | {f.kind} | `{DEFAULTS[f.kind]}` | {_WRITTEN[f.column_class]} |"
            for f in fields
        ]
    return _NOTE + "\n".join(lines) + "\n"


_MODELS: dict[str, type[BaseModel]] = {
    "A mapping": document.MappingDocument,
    "A target of emit": document.Target,
    "reject_if": document.Rejection,
    "A rule": rule_document.Rule,
    "answer, question": rule_document.Answer,
    "copy": rule_document.Copy,
    "lookup": rule_document.Lookup,
    "A test": Case,
    "An expected record": Expected,
}
_WRITTEN = {
    ColumnClass.FOLDED: "folded",
    ColumnClass.HELD: "held",
    ColumnClass.DERIVED: "derived",
}


def _flowed(text: str) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), 100)


def _summary(model: type[BaseModel]) -> str:
    """Return a docstring without its list of arguments, as one paragraph."""
    return " ".join((inspect.getdoc(model) or "").split("Args:")[0].split())


def _arguments(model: type[BaseModel]) -> dict[str, str]:
    """Return what a docstring says of every key of its model.

    Raises:
        KeyError: of a key it says nothing.
    """
    _, _, listed = (inspect.getdoc(model) or "").partition("Args:\n")
    found = {
        name: " ".join(what.split())
        for name, what in re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", listed, re.MULTILINE)
    }
    return {key: found[key] for key in (f.alias or n for n, f in model.model_fields.items())}


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _shown(value: Any) -> str:
    return _cell(f"`{json.dumps(value, ensure_ascii=False)}`")


def _flow(value: Any) -> str:
    """Return a value as one line of YAML."""
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000)
    return text.removesuffix("\n").removesuffix("\n...").replace("\n", " ")


def _transform_row(one: Transform, example: dict[str, Any]) -> str:
    takes = [f"**{name}**" if name in one.needs else name for name in one.params]
    args, region = example.get("args", {}), example.get("region", "")
    with_what = [_flow(args)] if args else []
    with_what += [f"region {region}"] if region else []
    asked = _shown(example["value"]) + (f" with `{', '.join(with_what)}`" if with_what else "")
    cells = [
        f"`{one.name}`",
        ", ".join(takes),
        _cell(one.doc),
        f"{asked} → {_answer(one, example)}",
    ]
    return f"| {' | '.join(cells)} |"


def _answer(one: Transform, example: dict[str, Any]) -> str:
    ctx = Ctx(example["region"]) if "region" in example else Ctx()
    try:
        got = apply(one.name, example["value"], example.get("args"), ctx)
    except RecordError as exc:
        return f"refused: {exc.message}"
    return f"{_shown(got.value)}, {got.reason}" if isinstance(got, Remark) else _shown(got)


def _predicate_row(name: str, example: dict[str, Any]) -> str:
    asked = {name: example["operand"]}
    text = {
        "source": "example", "stream": "rows", "id": "id", "when": asked,
        "emit": [{"entity": "lead", "primary": True, "fields": {}}],
    }  # fmt: skip
    plan = compile_document(load_text(json.dumps(text)))
    if plan.when is None or not plan.when(plan.paths.row(example["record"], "1")):
        raise ValueError(f"the example of {name} does not hold")
    cells = [f"`{name}`", _cell(rule_document.PREDICATES[name]), _cell(f"`{_flow(asked)}`")]
    return f"| {' | '.join(cells)} | {_shown(example['record'])} |"


def sandbox_page() -> str:
    """Return which calls the emulators answer."""
    lines = [
        "# What the emulators answer",
        "",
        "How they are used: [The sandbox](../sandbox.md).",
        "",
    ]
    lines += _flowed(
        """All other paths give the vendor's own 404. A path that is served with and without `.json` or a
        last slash is listed once."""
    )
    with Sandbox(SandboxOptions(people=1)) as sandbox:
        for vendor in VENDORS:
            app = vendor.create_app(sandbox.world, False)  # noqa: FBT003  # the table's signature
            served: dict[str, set[str]] = {}
            for route in app.routes:
                path = getattr(route, "path", "").removesuffix("/").removesuffix(".json")
                methods = getattr(route, "methods", None) or {"GET"}
                served.setdefault(path, set()).update(methods - {"HEAD"})
            end = getattr(app.state, "close", None)
            if end is not None:
                end()
            lines += ["", f"## {vendor.name}", "", "| path | methods |", "|---|---|"]
            lines += [f"| `{path}` | {' '.join(sorted(m))} |" for path, m in served.items()]
    return _NOTE + "\n".join(lines) + "\n"


def model_page() -> str:
    """Return the shipped model of matching: thresholds, levels, weights, limits of keys."""
    lines = [
        "# The model of matching",
        "",
        "What the words mean: [Who is who](../matching.md).",
        "",
    ]
    lines += _flowed(
        f"""Version `{MODEL.version}`, which works from the first lead. `hub match show` prints the one in
        use. A pair weighs the prior and one level of each comparison; a level weighs log2(m/u) bits:
        *m* is how often it is seen among pairs of one person, *u* among pairs of two that a key
        brought together. With facts of n records the prior is -log2(n), and names, numbers, companies
        and places weigh by their frequency."""
    )
    lines += ["", "| threshold | bits | |", "|---|---|---|"]
    lines += [f"| same | {MODEL.same:+g} | this weight and above: one person |"]
    lines += [
        f"| unsure | {MODEL.unsure:+g} | from here up to *same*: a person looks; below: different |"
    ]
    lines += [
        f"| unsure, with facts | {UNSURE_WITH_FACTS:+g} | the same, where frequencies are known |"
    ]
    lines += [f"| prior | {MODEL.base_prior:+g} | before anything is compared |"]
    for comparison, levels in MODEL.levels.items():
        lines += ["", f"## {comparison}", "", "| level | m | u | bits |", "|---|---|---|---|"]
        lines += [
            f"| `{level}` | {m:g} | {u:g} | {MODEL.weights[comparison][level]:+.1f} |"
            for level, (m, u) in levels.items()
        ]
    lines += ["", "## Keys", ""]
    lines += _flowed(
        f"""A key that more than {CANDIDATE_LIMIT} records share proposes no pair; of these kinds the limit
        is lower."""
    )
    lines += ["", "| kind | records |", "|---|---|"]
    lines += [f"| `{kind}` | {n} |" for kind, n in LIMITS.items()]
    return _NOTE + "\n".join(lines) + "\n"


def tables_page() -> str:
    """Return which module writes each table."""
    declared = yaml.safe_load((REFERENCE.parent / "owners.yaml").read_text())
    owner = {table: module for module, own in declared["owners"].items() for table in own}
    lines = [
        "# Tables",
        "",
        "Each table is written by one module. A room reads its own tables and those of the rooms below it;",
        f"the rooms, lowest first: {', '.join(f'`hub.{room}`' for room in declared['rooms'])}.",
        "The table is made of `docs/owners.yaml`, which a test holds against the source text.",
        "",
        "| table | written by |",
        "|---|---|",
        *(f"| `{table}` | `{owner[table]}` |" for table in sorted(owner)),
        "",
        "## Statements over tables of several owners",
        "",
        "| module | also writes | why |",
        "|---|---|---|",
    ]
    for module, entry in (*declared["beside"].items(), *declared["dynamic"].items()):
        also = ", ".join(f"`{table}`" for table in entry["writes"]) or "–"
        lines.append(f"| `{module}` | {also} | {entry['why']} |")
    return _NOTE + "\n".join(lines) + "\n"


def views_page() -> str:
    """Return the read models: what `--json` prints of a record, and what an API will."""
    lines = ["# Read models", "", "What `--json` prints of a record, a list and a search.", ""]
    lines += [
        line
        for line in (inspect.getdoc(encoding) or "").splitlines()
        if line.startswith(("-", "  "))
    ]
    for title, model in READ_MODELS.items():
        lines += ["", f"## {title}", "", f"`{model.__name__}`. {_first_line(model)}"]
        lines += _model_table(model)
    shown = list(READ_MODELS.values())
    parts = dict.fromkeys(one for model in shown for one in models_in(model) if one not in shown)
    lines += ["", "## Parts", ""]
    for part in sorted(parts, key=lambda one: one.__name__):
        lines += ["", f"### {part.__name__}", "", _first_line(part), *_model_table(part)]
    return _NOTE + "\n".join(lines) + "\n"


def _model_table(model: type) -> list[str]:
    hints = typing.get_type_hints(model)
    rows = [
        f"| `{name}` | {_json_type(hints[name])} | {_cell(what)} |"
        for name, what in words_of(model).items()
    ]
    return ["", "| field | type | |", "|---|---|---|", *rows]


_JSON_WORDS = {
    str: "text", int: "whole number", float: "number", bool: "true or false", Decimal: "decimal",
    datetime: "moment", date: "day", types.NoneType: "null", Any: "any",
}  # fmt: skip


def _json_type(hint: Any) -> str:
    if hint in _JSON_WORDS:
        return _JSON_WORDS[hint]
    arguments = [one for one in typing.get_args(hint) if one is not Ellipsis]
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        return " or ".join(_json_type(one) for one in arguments)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"text → {_json_type(arguments[1])}"
    if origin is tuple:
        return f"list of {_json_type(arguments[0])}"
    return f"[{hint.__name__}](#{hint.__name__.lower()})"


def reporting_page() -> str:
    """Return the views for BI tools, by the comments that the migrations give them."""
    found: dict[str, str] = {}
    for path in sorted(MIGRATIONS.rglob("*.py")):
        for _, name, words in _COMMENT.findall(path.read_text(encoding="utf-8")):
            found[name] = words.replace("''", "'")
    lines = ["# Views for BI tools", ""]
    lines += _flowed(
        """`hub sql` and BI tools read these views in the schema `reporting`. A column keeps its name, its
        place and its meaning in later versions; new columns come last. The database has the same words
        as comments."""
    )
    for view in sorted(name for name in found if "." not in name):
        lines += [
            "",
            f"## reporting.{view}",
            "",
            f"{found[view]}.",
            "",
            "| column | |",
            "|---|---|",
        ]
        columns = [name for name in found if name.startswith(f"{view}.")]
        lines += [f"| `{name.split('.')[1]}` | {_cell(found[name])} |" for name in columns]
    return _NOTE + "\n".join(lines) + "\n"


_COMMENT = re.compile(r"COMMENT ON (VIEW|COLUMN) reporting\.([\w.]+) IS '((?:[^']|'')*)'")


PAGES = {
    "settings.md": settings_page,
    "cli.md": cli_page,
    "mapping.md": mapping_page,
    "sandbox.md": sandbox_page,
    "model.md": model_page,
    "tables.md": tables_page,
    "views.md": views_page,
    "reporting.md": reporting_page,
}


def main() -> None:
    """Write every page."""
    for name, make in PAGES.items():
        (REFERENCE / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
