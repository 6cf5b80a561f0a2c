"""Answer API versions, resources and limits, which clients read before records."""

from starlette.requests import Request
from starlette.responses import Response

from hub.sandbox.salesforce.org import ORG_ID, Org
from hub.sandbox.salesforce.wire import NEWEST, OLDEST, Json, base_url, version_of

_SEASONS = ("Spring", "Summer", "Winter")
_FIRST_SEASON = 31  # v31.0 was Summer '14
_RESOURCES = ("composite", "jobs", "limits", "query", "queryAll", "recent", "sobjects")
_QUIET = {
    "ConcurrentAsyncGetReportInstances": 200,
    "ConcurrentSyncReportRuns": 20,
    "DailyAnalyticsDataflowJobExecutions": 60,
    "DailyAsyncApexExecutions": 250_000,
    "DailyBulkApiBatches": 15_000,
    "DailyBulkV2QueryFileStorageMB": 976_562,
    "DailyDurableGenericStreamingApiEvents": 10_000,
    "DailyDurableStreamingApiEvents": 10_000,
    "DailyGenericStreamingApiEvents": 10_000,
    "DailyStandardVolumePlatformEvents": 10_000,
    "DailyStreamingApiEvents": 10_000,
    "DailyWorkflowEmails": 195,
    "DataStorageMB": 5,
    "DurableStreamingApiConcurrentClients": 20,
    "FileStorageMB": 20,
    "HourlyAsyncReportRuns": 1_200,
    "HourlyDashboardRefreshes": 200,
    "HourlyDashboardResults": 5_000,
    "HourlyLongTermIdMapping": 100_000,
    "HourlyODataCallout": 1_000,
    "HourlyPublishedPlatformEvents": 50_000,
    "HourlyShortTermIdMapping": 100_000,
    "HourlySyncReportRuns": 500,
    "HourlyTimeBasedWorkflow": 50,
    "MassEmail": 10,
    "SingleEmail": 15,
    "StreamingApiConcurrentClients": 20,
}
_BULK_JOBS = 10_000


def label(version: int) -> str:
    """Return the release name of an API version: 31 is Summer '14; a year has three releases."""
    season = (version - _FIRST_SEASON + 1) % len(_SEASONS)
    # a Winter release has the number of the next year
    year = 14 + (version - _FIRST_SEASON + 1) // len(_SEASONS)
    return f"{_SEASONS[season]} '{year + (season == len(_SEASONS) - 1):02d}"


async def versions(_request: Request) -> Response:
    """Answer the list of API versions; it needs no session."""
    return Json(
        [
            {"label": label(one), "url": f"/services/data/v{one}.0", "version": f"{one}.0"}
            for one in range(OLDEST, NEWEST + 1)
        ]
    )


async def resources(request: Request, org: Org) -> Response:
    """Answer the resources of a version."""
    base = f"/services/data/v{version_of(request)}"
    identity = f"{base_url(request)}/id/{ORG_ID}/{org.store.default_user_id()}"
    return Json({**{name: f"{base}/{name}" for name in _RESOURCES}, "identity": identity})


async def limits(_request: Request, org: Org) -> Response:
    """Answer each limit and its remainder."""
    answer = {name: {"Max": most, "Remaining": most} for name, most in _QUIET.items()}
    answer["DailyApiRequests"] = {
        "Max": org.daily_limit,
        "Remaining": max(org.daily_limit - org.used_n, 0),
    }
    answer["DailyBulkV2QueryJobs"] = {"Max": _BULK_JOBS, "Remaining": _BULK_JOBS - len(org.jobs)}
    return Json(dict(sorted(answer.items())))


async def record_count(request: Request, org: Org) -> Response:
    """Answer the number of records of each object (exact here, an estimate at the vendor)."""
    asked = request.query_params.get("sObjects")
    names = asked.split(",") if asked else org.store.names()
    found = [one for name in names if (one := org.store.sobject(name.strip())) is not None]
    counts = [{"count": len(org.store.rows(one)), "name": one.name} for one in found]
    return Json({"sObjects": counts})
