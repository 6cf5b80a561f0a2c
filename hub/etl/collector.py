"""Exclude the program's own objects from Python's garbage collector of cycles.

A chunk makes some ten thousand objects and hardly a cycle. The collector walks all objects of the process
each time that they grow by a quarter. The program and its libraries have hundreds of thousands, and this
walk took a seventh of a sync's CPU.
"""

import functools
import gc

_YOUNG = 20_000
"""New objects before the collector walks them: more than the records of a page."""


@functools.cache
def spare_the_program() -> None:
    """Exclude all present objects permanently; only the first call has an effect.

    Garbage cycles of this moment are never freed; imports leave a few.
    """
    gc.freeze()
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])
