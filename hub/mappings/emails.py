"""Transforms of e-mail addresses.

In: the text of an e-mail field. Out: addresses, as typed. `hub.model.addresses` finds them, for all
parts of the hub. Not here: whether two addresses are the same.
"""

from hub.errors import RecordError
from hub.mappings.registry import Args, Ctx, Outcome, Remark, transform
from hub.mappings.text import as_text, clean
from hub.model.addresses import Addresses, find_addresses, is_invented, why_no_address

_LONGEST = 20_000
"""Characters: some five hundred addresses."""


def _read(value: object) -> Addresses:
    raw = as_text(value)
    if len(raw) > _LONGEST:
        raise RecordError(f"longer than {_LONGEST} characters")
    return find_addresses(raw)


@transform()
def email(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """The first valid address in a text, as typed; a text without one → problem; a bad or made-up address → problem."""
    valid, bad = _read(value)
    if not valid:
        if not bad and not clean(as_text(value)):
            return None
        why = (why_no_address(bad[0]) or bad[0][:80]) if bad else "no letter or digit in it"
        raise RecordError(f"not an e-mail address: {why}")
    first = _in_order(valid)[0]
    if bad:
        return Remark(first, f"not an e-mail address: {bad[0][:80]}")
    if is_invented(first):
        return Remark(first, "an address that was made up to fill the field")
    return first


@transform(idempotent=False)
def emails(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """The valid addresses after the first, as a list."""
    valid = _read(value).valid
    return [*_in_order(valid)[1:]] if len(valid) > 1 else None


def _in_order(valid: tuple[str, ...]) -> list[str]:
    """Return the addresses with made-up ones last, so that a real one becomes the main address."""
    return sorted(valid, key=is_invented) if len(valid) > 1 else [*valid]
