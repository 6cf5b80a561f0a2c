"""Keep Python's collector of cycles away from the program itself while records are moved.

A chunk makes some ten thousand objects and hardly a cycle. The collector walks all objects of the process
for every quarter by which they grow, and those of the program and its libraries are hundreds of thousands:
that was a seventh of a sync's CPU.
"""

import functools
import gc

_YOUNG = 20_000
"""Objects that are made before the collector looks at the new ones: more than a page has records."""


@functools.cache
def spare_the_program() -> None:
    """Leave out what the process has loaded so far, for good; only the first call does something.

    Cycles that are garbage at this moment are kept: some that imports have left.
    """
    gc.freeze()
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])
