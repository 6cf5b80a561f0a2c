"""Run the real command line, and press Ctrl-C while PostgreSQL starts.

python interrupting.py SECONDS COMMAND…     that long after pg_ctl was begun
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

from hub.cli.app import main
from hub.db.postmaster import Postmaster

_begin = Postmaster._begin


def _interrupted(
    self: Postmaster, command: Sequence[str], *, stdout: int
) -> "subprocess.Popen[str]":
    if command[-1] == "start":
        threading.Timer(DELAY_S, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    return _begin(self, command, stdout=stdout)


if __name__ == "__main__":
    sys.argv.pop(0)
    DELAY_S = float(sys.argv[0])
    Postmaster._begin = _interrupted  # type: ignore[method-assign]
    main()
