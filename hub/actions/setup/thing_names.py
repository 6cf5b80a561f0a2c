"""Names of pipelines, stages, criteria and reasons: when two are the same, and which are valid."""

from collections.abc import Sequence

from hub.errors import ActionError


def same(one: str, other: str) -> bool:
    """Tell whether two names are the same, without regard to case and outer blanks."""
    return one.strip().casefold() == other.strip().casefold()


def check_name(name: str, resource: str, taken: Sequence[str]) -> None:
    """Refuse an empty name, and one of those in use.

    Raises:
        ActionError: the name is not valid, or is in use.
    """
    if not name.strip() or not name.isprintable():
        raise ActionError(
            f"{name!r} is not a valid name for a {resource}",
            resource=resource,
            field="name",
            code="invalid",
        )
    if any(same(name, other) for other in taken):
        raise ActionError(
            f"the name {name!r} is in use", resource=resource, field="name", code="conflict"
        )
