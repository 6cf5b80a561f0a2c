"""Transforms of vendors' consent fields: refusals, permissions, the legal basis.

In: a vendor's field. Out: a boolean, a list of entries, or one word of a closed list. Not here: the
wording of forms (`hub.mappings.consent_phrases`).
"""

from collections.abc import Iterable, Mapping

from hub.errors import RecordError
from hub.mappings.registry import Args, Ctx, Outcome, transform
from hub.mappings.text import clean, fold, kind_of
from hub.model.records import JsonValue

_NO = frozenset(
    ("false", "0", "no", "n", "non", "faux", "off", "nein", "nee", "falso", "f", "0 0", "never")
)
_UNSAID = frozenset(("", "null", "none", "n a", "na", "undefined", "not set", "nil"))
_EMAIL = ("email", "e mail", "mail", "courriel", "correo electronico", "posta elettronica")

# Words of each basis, the most specific first. HubSpot's values are in English, or as an account changed them.
# https://knowledge.hubspot.com/contacts/how-can-i-track-lawful-basis-of-processing-in-hubspot
_BASES: Mapping[str, tuple[str, ...]] = {
    "consent": ("consent", "consentement", "einwilligung", "consentimiento", "consenso", "toestemming"),
    "contract": ("contract", "contrat", "vertrag", "contrato", "contratto", "overeenkomst"),
    "legitimate interest": (
        "legitimate interest", "interet legitime", "berechtigtes interesse", "interes legitimo",
        "interesse legittimo", "legittimo interesse", "gerechtvaardigd belang",
    ),
}  # fmt: skip


@transform()
def is_refusal(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """True for an opt-out field with any value but no; an unreadable value counts as a refusal."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, str | int | float):
        raise RecordError(f"expected true or false, got {kind_of(value)}")
    return _refuses(str(value))


def _refuses(said: str) -> bool | None:
    word = fold(said[:200])
    if word in _UNSAID and not any(c.isalnum() for c in said[:200]):
        return None
    return None if word in _UNSAID else word not in _NO


def is_no(value: object) -> bool:
    """Tell whether an opt-out field says that the person refuses; an unreadable text says so."""
    if not isinstance(value, str | bool) or value == "":
        return False
    said = value if isinstance(value, bool) else _refuses(value)
    return said is True


@transform(params={"prefix": (str,)}, needs=("prefix",), idempotent=False)
def entries(value: object, args: Args, _ctx: Ctx) -> Outcome:
    """The keys of an object that begin with `prefix`, as a list of `{name, value}`; the name has no prefix."""
    if not isinstance(value, dict):
        raise RecordError(f"expected an object, got {kind_of(value)}")
    prefix = str(args["prefix"])
    if prefix not in "\n".join(map(str, value)):  # as in most objects
        return None
    found: list[JsonValue] = [
        {"name": clean(name)[len(prefix) :], "value": held}
        for key, held in value.items()
        if held is not None
        and (name := str(key)).startswith(prefix)
        and len(name) > len(prefix)
        and held != ""
    ]
    return found or None


@transform(idempotent=False)
def permits_email(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """True if a list of `{text, enabled}` permits e-mail: by the entry for e-mail, or if there is none, by any enabled entry."""
    listed = [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
    if not listed:
        return None
    of_email = [one for one in listed if _names_email(str(one.get("text") or ""))]
    return any(one.get("enabled") is True for one in of_email or listed)


def _names_email(text: str) -> bool:
    words = f" {fold(text[:500])} "
    return any(f" {one} " in words for one in _EMAIL) and " direct mail " not in words


@transform()
def legal_basis(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """The legal basis of a processing: consent, contract, legitimate interest, or unknown."""
    parts: Iterable[object] = value if isinstance(value, list) else [value]
    said = f" {' '.join(fold(str(part)[:1000]) for part in parts if part is not None)} "
    if not said.strip():
        return None
    return next((b for b, words in _BASES.items() if any(w in said for w in words)), "unknown")
