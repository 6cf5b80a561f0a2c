"""Dagster's daemon, which watches the code server less often: `python -m hub.assets.daemon run -w …`.

The arguments are those of `dagster-daemon`.
"""

from dagster._daemon.cli import main

from hub.assets.watching import watch_less_often

if __name__ == "__main__":
    watch_less_often()
    main()
