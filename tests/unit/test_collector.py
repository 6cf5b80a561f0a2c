"""The collector leaves out what the program consists of."""

import gc

from hub.etl.collector import spare_the_program


def test_what_is_loaded_is_left_out_once() -> None:
    kept = gc.get_threshold(), gc.isenabled()
    try:
        spare_the_program.cache_clear()
        spare_the_program()
        spared = gc.get_freeze_count()
        made: list[list[int]] = [[] for _ in range(10)]
        spare_the_program()
        assert spared > len(made)
        assert gc.get_freeze_count() <= spared, "what a chunk makes is not left out"
        assert gc.isenabled()
    finally:
        gc.unfreeze()
        gc.set_threshold(*kept[0])
        spare_the_program.cache_clear()
