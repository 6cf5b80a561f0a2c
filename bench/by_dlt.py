"""What dlt takes to land the stub: contacts, companies and owners into PostgreSQL, one append.

The cheapest that dlt can do: a first load, nothing to merge, no matching, no check that all came. Needs
`pip install -e '.[bench]'`. Telemetry is off.
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

LOADERS = ("dlt-csv", "dlt-insert_values", "dlt-parquet")  # a name and its format of files
_STREAMS = ("contacts", "companies", "owners")
_SCHEMA = "dlt_bench"
_SETTINGS = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
    "DATA_WRITER__DISABLE_COMPRESSION": "true",  # as dlt advises for loads on one machine
}


def loader(
    name: str, address: str, token: str, socket_dir: Path, database: str
) -> Callable[[Path], int]:
    """Import dlt, and return a function that loads all; it takes a folder and returns the contacts.

    Raises:
        SystemExit: dlt is not installed.
    """
    file_format: Any = name.removeprefix("dlt-")
    # dlt wants a host and a password; PostgreSQL takes the socket and asks for none
    url = f"postgresql://hub_owner:unused@localhost/{database}?host={socket_dir}"
    os.environ |= _SETTINGS  # before the import: dlt reads some of them then
    try:
        import dlt

        if file_format == "parquet":  # without its driver dlt would take another format
            import adbc_driver_postgresql  # noqa: F401
        from dlt.sources.helpers.rest_client.client import RESTClient
        from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator
    except ImportError as exc:
        raise SystemExit(
            f"the peer dlt is not installed ({exc}): pip install -e '.[bench]'"
        ) from exc

    client = RESTClient(
        address,
        headers={"Authorization": f"Bearer {token}"},
        paginator=JSONResponseCursorPaginator(
            cursor_path="paging.next.after", cursor_param="after"
        ),
        data_selector="results",
    )

    def pages(stream: str) -> Iterator[list[Any]]:
        params = {"limit": 100, "properties": _properties(client, stream)}
        if stream == "owners":
            del params["properties"]
        yield from client.paginate(_path(stream), params=params)

    def load(folder: Path) -> int:
        pipeline = dlt.pipeline(
            "bench",
            pipelines_dir=str(folder),
            destination=dlt.destinations.postgres(credentials=url),
            dataset_name=_SCHEMA,
        )
        resources = [dlt.resource(pages(name), name=name) for name in _STREAMS]
        pipeline.run(resources, loader_file_format=file_format).raise_on_failed_jobs()
        with pipeline.sql_client() as sql:
            found = sql.execute_sql("SELECT count(*) FROM contacts")
        return int(found[0][0]) if found else 0

    return load


def _path(stream: str) -> str:
    return f"crm/v3/{'owners' if stream == 'owners' else f'objects/{stream}'}"


def _properties(client: Any, stream: str) -> str:
    if stream == "owners":
        return ""
    answer = json.loads(client.get(f"crm/v3/properties/{stream}").content)
    return ",".join(one["name"] for one in answer["results"])
