"""The nightly job counts the rollups anew, over the hub that Dagster's resource opens."""

from types import SimpleNamespace

import dagster as dg

from hub.assets.definitions import build_defs
from hub.assets.rollups import refresh_rollups
from tests.flow.conftest import World


def test_the_nightly_job_makes_rollups_true_again(world: World) -> None:
    world.rows("INSERT INTO ops.lead_rollup (what, n) VALUES ('count', 7) RETURNING id")
    # only what the op asks of the resource: the hub that it opened
    opened = dg.ResourceDefinition.hardcoded_resource(SimpleNamespace(hub=world.hub))
    done = refresh_rollups.execute_in_process(resources={"hub": opened})
    assert done.success
    assert not world.rows("SELECT 1 FROM ops.lead_rollup")


def test_the_nightly_schedule_runs_where_a_source_is_configured() -> None:
    for sources, status in ((["salesforce"], "RUNNING"), (None, "STOPPED")):
        schedule = build_defs(sources).get_repository_def().get_schedule_def("nightly_rollups")
        assert schedule.default_status.name == status
