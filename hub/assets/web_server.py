"""Dagster's web server, which watches the code server less often: `python -m hub.assets.web_server -w …`.

The arguments are those of `dagster-webserver`.
"""

from dagster_webserver.cli import main

from hub.assets.watching import watch_less_often

if __name__ == "__main__":
    watch_less_often()
    main()  # type: ignore[no-untyped-call]
