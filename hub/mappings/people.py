"""Transforms of people's names and of company names.

`hub.model.person_names` splits a name. A part that is not a name (an e-mail, a number, an emoji, a
remark in brackets) is removed, and a remark names the part.
"""

from hub.errors import RecordError
from hub.mappings.placeholders import is_placeholder
from hub.mappings.registry import Args, Ctx, Outcome, Remark, transform
from hub.mappings.text import as_text, clean, text
from hub.model import no_names, person_names, recasing

PARTS = ("first_name", "last_name", "salutation", "suffix")
_SHOWN = 80


@transform(
    params={"part": (str,), "of": (str,)}, needs=("part",), idempotent=False, reads=("language",)
)
def split_name(value: object, args: Args, ctx: Ctx) -> Outcome:
    """One part of a full name (first_name, last_name, salutation, suffix); `of: first_name` reads what was typed as one: given names alone stay together."""
    part = args["part"]
    if part not in PARTS:
        raise RecordError(f"a name has no part '{part}'")
    is_first = args.get("of") == "first_name"
    read = person_names.parts_of_given if is_first else person_names.split
    name = read(clean(as_text(value)), ctx.language)
    said = name[PARTS.index(part)] or None
    left_out = name.left_out or ("" if any(name[: len(PARTS)]) else clean(as_text(value)))
    return _remark(said, left_out) if part == "last_name" else said


@transform(reads=("language",))
def recase_name(value: object, _args: Args, ctx: Ctx) -> Outcome:
    """A first or last name without other words; capitals are corrected if all or none are."""
    name = text(value, {}, ctx)
    if not isinstance(name, str):
        return name
    kept, left_out = no_names.cleaned(name)
    return _remark(recasing.recase(kept, ctx.language) or None, left_out or ("" if kept else name))


def _remark(said: str | None, left_out: str) -> Outcome:
    if not left_out:
        return said
    what = left_out if len(left_out) <= _SHOWN else left_out[:_SHOWN] + "…"
    return Remark(said, f"no part of a name, left out: {what}")


@transform()
def company(value: object, args: Args, ctx: Ctx) -> Outcome:
    """Company name; "[not provided]", "N/A", "Self", "-" and the like → null."""
    return None if is_placeholder("company", clean(as_text(value))) else text(value, args, ctx)


@transform(idempotent=False)
def name_from_email(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """A last name made of an e-mail's local part (jean.dupont@… → dupont), for records without one; none where it is a desk (info@…)."""
    return no_names.of_address(clean(as_text(value)))[1] or None
