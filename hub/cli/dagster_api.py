"""What the hub asks the web server of Dagster that it runs, by GraphQL over loopback."""

import json
import urllib.request
from dataclasses import dataclass
from typing import Any

from hub.cli.dagster_home import LOCATION

_TIMEOUT_S = 5.0
_SOON_S = 3.0
"""For what the end of the hub waits for."""
_RELOAD_S = 120.0
_LOCATIONS = """{ workspaceOrError { ... on Workspace { locationEntries {
  locationOrLoadError { __typename } } } } }"""
_IN_FLIGHT = """{ runsOrError(filter: {statuses: [STARTING, STARTED, CANCELING]}) {
  ... on Runs { results { runId jobName } } } }"""
_TERMINATE = """mutation($ids: [String!]!) { terminateRuns(runIds: $ids) { __typename } }"""
_RELOAD = """mutation($name: String!) { reloadRepositoryLocation(repositoryLocationName: $name) {
  __typename ... on WorkspaceLocationEntry { locationOrLoadError {
    __typename ... on PythonError { message } } } } }"""


@dataclass(frozen=True, slots=True)
class DagsterApi:
    """The web server at an address. It may be down: then a question has no answer."""

    address: str

    def has_loaded(self) -> bool:
        """Tell whether the definitions are loaded."""
        return "RepositoryLocation" in json.dumps(self._ask(_LOCATIONS))

    def reload(self) -> str | None:
        """Load the definitions again; return the error, or None if they are loaded.

        Runs in flight continue: their code server ends after the last of them.
        """
        answer = self._ask(_RELOAD, {"name": LOCATION}, timeout_s=_RELOAD_S)
        if not answer:
            return "Dagster's web server does not answer"
        entry = (answer.get("reloadRepositoryLocation") or {}).get("locationOrLoadError") or {}
        if entry.get("__typename") == "RepositoryLocation":
            return None
        return str(entry.get("message") or "the code location was not found")

    def in_flight(self) -> dict[str, str]:
        """Return the jobs of runs that are under way, by run id."""
        runs = (self._ask(_IN_FLIGHT, timeout_s=_SOON_S).get("runsOrError") or {}).get(
            "results"
        ) or []
        return {run["runId"]: run["jobName"] for run in runs}

    def terminate(self, run_ids: list[str]) -> None:
        """Ask runs to end; each rolls its open transaction back."""
        self._ask(_TERMINATE, {"ids": run_ids}, timeout_s=_SOON_S)

    def _ask(
        self, query: str, variables: Any = None, *, timeout_s: float = _TIMEOUT_S
    ) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 loopback
            f"{self.address}/graphql",
            json.dumps({"query": query, "variables": variables or {}}).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as answer:  # noqa: S310
                return dict(json.load(answer).get("data") or {})
        except (OSError, ValueError):
            return {}
