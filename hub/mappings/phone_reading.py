"""What reading a text for telephone numbers gives; `phones` and `phone_numbers` share it."""

from typing import NamedTuple

LONGEST = 250
"""Characters of a text that are read or kept."""


class Reading(NamedTuple):
    """The numbers in a text.

    Args:
        numbers: in E.164, in the order of the text, each once.
        extension: of the first number; digits, or "".
        beside: words and digits that are part of no number.
        why: the reason, where there is no number.
    """

    numbers: tuple[str, ...] = ()
    extension: str = ""
    beside: str = ""
    why: str = ""
