"""What a migration of a CSV file costs: CPU by stage, records a second, memory.

    python -m bench.files                  # 100,000 rows
    python -m bench.files --rows 10000     # a short look

Linux only. The file has 20 columns, French headers, semicolons and Windows-1252. Each row is a person of
its own, with an owner. PostgreSQL is the hub's embedded one, fsync on.
"""

import argparse
import dataclasses
import logging
import random
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.measure import Cost, costs, memory_mb
from hub import logs
from hub.clock import SystemClock
from hub.connectors.files.streams import FilesConnector
from hub.crm import owners
from hub.db import engine as db_engine
from hub.db.embedded import EmbeddedServer
from hub.db.engine import Database
from hub.etl import flow
from hub.etl.context import Hub
from hub.etl.groups import Group, apply_groups
from hub.mappings.loader import load_all
from hub.migration import planning, reading
from hub.migration.adopting import adopt
from hub.migration.files import with_files
from hub.settings import Settings

_TEAM = [f"rep{i}@example.com" for i in range(20)]
_HEADERS = (
    "ID piste;Prénom;Nom;Société;Fonction;Adresse e-mail;Téléphone;Mobile;Rue;Code postal;Ville;Pays;Statut;"
    "Source de la piste;Date de création;Propriétaire de la piste;Secteur;Description;Budget;Canal préféré"
)
_FIRST = (
    "Élodie Zoé Jean-Baptiste François Anaïs Gwenaël Maïwenn Loïc Agnès Théo Chloé Rémi".split()
)
_WORDS = "Générale Atlantique Breizh Solaire Marine Horizon Forêt Rivage Cobalt Lumière".split()
_CITIES = [("75001", "Paris"), ("01000", "Bourg-en-Bresse"), ("29200", "Brest"), ("06000", "Nice")]


def write(path: Path, rows_n: int) -> None:
    """Write a file of people of whom no two are one person."""
    rng = random.Random(11)
    with path.open("w", encoding="cp1252", newline="") as out:
        out.write(_HEADERS + "\r\n")
        for i in range(rows_n):
            name = "".join(rng.choices("bcdfglmnprstv", k=3)).capitalize() + f"ec{i}"
            code, city = rng.choice(_CITIES)
            word = rng.choice(_WORDS)
            day = f"{rng.randint(1, 28):02}/{rng.randint(1, 12):02}/{rng.randint(2015, 2025)}"
            out.write(
                f"00Q{i:012};{rng.choice(_FIRST)};{name};{word} {i} SARL;Directeur;{name}@{word}{i}.example;"
                f"01 {i // 1000000 + 40:02} {i // 10000 % 100:02} {i // 100 % 100:02} {i % 100:02};;"
                f"{rng.randint(1, 99)} rue de la {word};{code};{city};France;Ouverte;Salon;{day};"
                f'{rng.choice(_TEAM)};Industrie;"Premier contact;\nsuite {i}";{rng.randint(1, 99)},5;E-mail\r\n'
            )


def _hub(database: Database, home: str, files: FilesConnector) -> Hub:
    with database.engine.begin() as conn:
        owners.apply_people(
            conn, [owners.Person(e, e, is_active=True, timezone="UTC", notify={}) for e in _TEAM]
        )
        apply_groups(conn, [Group("sales", _TEAM)])
    settings = Settings.model_validate({
        "home": home,
        "people": [{"email": e, "name": e} for e in _TEAM],
        "groups": [{"name": "sales", "members": _TEAM}],
        "routing": {"fallback": "group:sales"},
    })  # fmt: skip
    plain = Hub(database.engine, SystemClock(), settings, load_all(None), lambda _source: files)
    return with_files(plain, files)


def measure(rows_n: int) -> None:
    """Migrate a file stage by stage, and print what each costs."""
    with tempfile.TemporaryDirectory(prefix="hub") as folder:
        Path(folder).chmod(0o755)
        file = Path(folder) / "leads.csv"
        write(file, rows_n)
        home = Path(folder) / "home"
        home.mkdir()
        server = EmbeddedServer(home, SystemClock())
        running = server.attach()
        found: dict[str, Cost] = {}
        with db_engine.opened_embedded(running) as database:
            memory = [("", memory_mb("VmRSS"))]
            made: list[FilesConnector] = []

            def step(name: str, work: Callable[[], object]) -> None:
                with costs(found, name, running.data_dir):
                    work()
                memory.append((name, memory_mb("VmHWM")))

            step("plan the columns", lambda: made.append(FilesConnector([file], SystemClock())))
            hub = _hub(database, str(home), made[0])
            planned = planning.plan(hub, "csv", "bench")
            step("read and count", lambda: reading.read(hub, planned))
            ready = planning.of_batch(hub, planned.batch.id)
            step("land", lambda: adopt(hub, ready))
            for name, stage in (
                ("normalize", flow.run_normalize), ("match", flow.run_match), ("load", flow.run_load), ("route", flow.run_route),
            ):  # fmt: skip
                step(name, lambda stage=stage: stage(hub))
            with database.engine.begin() as conn:
                from sqlalchemy import text

                leads = conn.execute(text("SELECT count(*) FROM crm.lead")).scalar_one()
        server.detach()
    _print(found, rows_n, leads, memory)


def _print(
    found: dict[str, Cost], rows_n: int, leads: int, memory: Sequence[tuple[str, float]]
) -> None:
    print(f"{rows_n:,} rows, {leads:,} leads\n")
    print("| stage | client s | PostgreSQL s | CPU µs a row | wall s |")
    print("|---|---:|---:|---:|---:|")
    whole = Cost(
        *(sum(getattr(c, f.name) for c in found.values()) for f in dataclasses.fields(Cost))
    )
    for name, cost in (*found.items(), ("all", whole)):
        cpu = cost.cpu / rows_n * 1e6
        print(f"| {name} | {cost.client:.1f} | {cost.database:.1f} | {cpu:.0f} | {cost.wall:.1f} |")
    print(
        f"\n{rows_n / whole.cpu:,.0f} records a second of CPU, {rows_n / whole.wall:,.0f} on the wall"
    )
    steps = ", ".join(f"{mb:.0f} after {name}" for name, mb in memory[1:])
    print(f"peak memory, MB: {memory[0][1]:.0f} before, {steps}")


def main() -> None:
    """Run the benchmark."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=100_000)
    logs.configure(json=True, level=logging.ERROR)
    measure(options.parse_args().rows)


if __name__ == "__main__":
    main()
