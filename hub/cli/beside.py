"""The hub's own processes that `hub up` runs beside Dagster: the gateway and the worker."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hub.cli.dagster import free_port
from hub.cli.supervisor import ChildPart, Part
from hub.errors import ConfigError
from hub.settings import GatewaySettings

GATEWAY, WORKER = "the gateway", "the worker"
_LOG = {"HUB_LOG": "INFO"}


@dataclass(frozen=True, slots=True)
class GatewayPorts:
    """The ports of the gateway, which stay the same when it is started again."""

    public: int
    private: int

    def addresses(self, bind: str) -> tuple[str, str]:
        """Return where the gateway listens: for everyone, and on the loopback address."""
        host = f"[{bind}]" if ":" in bind else bind
        return f"http://{host}:{self.public}", f"http://127.0.0.1:{self.private}"


def gateway_ports(settings: GatewaySettings) -> GatewayPorts:
    """Return the ports; for 0 a free one.

    Raises:
        ConfigError: another program listens on one of them.
    """
    return GatewayPorts(_free(settings.port, "port"), _free(settings.private_port, "private_port"))


def _free(wanted: int, name: str) -> int:
    try:
        return free_port(wanted)
    except ConfigError as exc:
        hint = f"set gateway.{name} in hub.yaml, or stop what listens there"
        raise ConfigError(f"{exc.message}; the gateway needs it", hint=hint) from exc


def gateway_part(ports: GatewayPorts, env: Mapping[str, str], home: Path) -> dict[str, Part]:
    """Return the gateway's process by its name."""
    logs = home / "logs"
    logs.mkdir(exist_ok=True)
    command = [
        sys.executable, "-m", "hub.cli.app", "gateway", "--json",
        "--port", str(ports.public), "--private-port", str(ports.private),
    ]  # fmt: skip
    return {GATEWAY: ChildPart(command, {**env, **_LOG}, logs / "gateway.log")}


def worker_part(env: Mapping[str, str], home: Path) -> dict[str, Part]:
    """Return the worker's process by its name."""
    command = [sys.executable, "-m", "hub.cli.app", "worker", "--json"]
    return {WORKER: ChildPart(command, {**env, **_LOG}, home / "logs" / "worker.log")}
