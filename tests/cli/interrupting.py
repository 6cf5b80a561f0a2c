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
from hub.db.embedded import EmbeddedServer

_run = EmbeddedServer._run


def _interrupted(
    self: EmbeddedServer, command: Sequence[str], *, check: bool = True
) -> "subprocess.CompletedProcess[str]":
    if command[-1] == "start":
        threading.Timer(DELAY_S, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    return _run(self, command, check=check)


if __name__ == "__main__":
    sys.argv.pop(0)
    DELAY_S = float(sys.argv[0])
    EmbeddedServer._run = _interrupted  # type: ignore[method-assign]
    main()
