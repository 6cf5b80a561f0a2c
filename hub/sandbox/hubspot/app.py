"""The HubSpot app: the paths and their handlers, the account's token and limits.

Both families of paths have the same handlers: `/crm/v3/objects/…` and `/crm/objects/2026-03/…`.
"""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.sandbox.hubspot import associations, pipelines, properties, records, writes
from hub.sandbox.hubspot.errors import (
    ApiError,
    invalid,
    no_credentials,
    no_scope,
    not_found,
)
from hub.sandbox.hubspot.limits import DAILY, DAILY_NAME, Quota
from hub.sandbox.hubspot.oauth import token_of
from hub.sandbox.hubspot.objects import DEALS, PORTAL, Crm, ObjectType, type_of
from hub.sandbox.hubspot.owners import owners
from hub.sandbox.hubspot.properties import kinds_of, shown_property
from hub.sandbox.hubspot.search import search
from hub.sandbox.hubspot.texts import Json, moment
from hub.sandbox.world import World


class _Dated(Convertor[str]):
    """A version in a path: a year and a month."""

    regex = r"\d{4}-\d{2}(-beta)?"

    def convert(self, value: str) -> str:
        """Return the text."""
        return value

    def to_string(self, value: str) -> str:
        """Return the text."""
        return value


register_url_convertor("dated", _Dated())
LARGEST_LIST, LARGEST_OWNERS, LARGEST_LINKS = 100, 500, 500
_DEFAULT_LIST, _DEFAULT_OWNERS = 10, 100
NO_SCOPE = ".noscope"
_MULTI = 207
Handler = Callable[[Request], Awaitable[Response]]


def create_app(world: World) -> Starlette:
    """Return the emulated account."""
    account = Account(world)
    routes = [
        Route(family + path + end, account.guarded(handler), methods=methods)
        for families, path, handler, methods in _table(account)
        for family in families
        for end in ("", "/")
    ]
    token = token_of(world.secrets)
    routes += [
        Route(path, token, methods=["POST"])
        for path in ("/oauth/v1/token", "/oauth/v3/token", "/oauth/{version:dated}/token")
    ]
    app = Starlette(routes=routes, exception_handlers={404: _unknown_path, 405: _unknown_method})
    app.router.redirect_slashes = False
    app.state.account = account
    return app


def _table(account: "Account") -> list[tuple[tuple[str, ...], str, Handler, list[str]]]:
    dated = "{version:dated}"
    objects = ("/crm/v3/objects/{type}", f"/crm/objects/{dated}/{{type}}")
    defined = ("/crm/v3/properties/{type}", f"/crm/properties/{dated}/{{type}}")
    links = tuple(
        f"{family}/{{origin}}/{{target}}"
        for family in ("/crm/v4/associations", f"/crm/associations/{dated}")
    )
    linked = ("/crm/v4/objects/{origin}/{id}/associations/{target}",)
    pipes = ("/crm/v3/pipelines/{type}", f"/crm/pipelines/{dated}/{{type}}")
    info = ("/account-info/v3", f"/account-info/{dated}")
    schemas = ("/crm/v3/schemas", f"/crm/schemas/{dated}")
    people = ("/crm/v3/owners", f"/crm/owners/{dated}")
    return [
        (objects, "", account.list_objects, ["GET"]),
        (objects, "", account.create, ["POST"]),
        (objects, "/search", account.search, ["POST"]),
        (objects, "/merge", account.merge, ["POST"]),
        (objects, "/gdpr-delete", account.purge, ["POST"]),
        (objects, "/batch/{verb}", account.batch, ["POST"]),
        (objects, "/{id}", account.get, ["GET"]),
        (objects, "/{id}", account.update, ["PATCH"]),
        (objects, "/{id}", account.archive, ["DELETE"]),
        (defined, "", account.list_properties, ["GET"]),
        (defined, "", account.define, ["POST"]),
        (defined, "/{name}", account.get_property, ["GET"]),
        (links, "/batch/read", account.associations, ["POST"]),
        (links, "/labels", account.labels, ["GET"]),
        (linked, "", account.associations_of_one, ["GET"]),
        (linked, "/{other}", account.associate, ["PUT"]),
        (linked, "/{other}", account.dissociate, ["DELETE"]),
        (pipes, "", account.list_pipelines, ["GET"]),
        (pipes, "", account.create_pipeline, ["POST"]),
        (pipes, "/{id}", account.get_pipeline, ["GET"]),
        (pipes, "/{id}/stages", account.list_stages, ["GET"]),
        (("/properties/v2/{type}/properties",), "", account.old_properties, ["GET"]),
        (schemas, "", account.list_schemas, ["GET"]),
        (people, "", account.list_owners, ["GET"]),
        (people, "/{id}", account.get_owner, ["GET"]),
        (info, "/api-usage/daily/private-apps", account.usage, ["GET"]),
        (info, "/details", account.details, ["GET"]),
    ]


class Account:
    """One account: its records and its limits."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.crm = Crm(world)
        self.quota = Quota(world.clock)

    def guarded(self, handler: Handler) -> Handler:
        """Return the handler with a check of token and limits before it; errors become JSON."""

        async def answer(request: Request) -> Response:
            is_search = request.url.path.rstrip("/").endswith("/search")
            try:
                self._check_token(request)
                self.quota.take(is_search=is_search)
                response = await handler(request)
            except ApiError as exc:
                response = JSONResponse(exc.body(), status_code=exc.status)
            if not is_search:
                response.headers.update(self.quota.headers())
            return response

        return answer

    async def list_objects(self, request: Request) -> Response:
        """Answer a page of records, ordered by id."""
        history = _listed(request, "propertiesWithHistory")
        most = records.MOST_WITH_HISTORY if history else LARGEST_LIST
        limit = _number(request, "limit", _DEFAULT_LIST, most)
        results, after = records.page(
            self.crm,
            _type(request),
            limit=limit,
            after=request.query_params.get("after", ""),
            names=_listed(request, "properties"),
            linked=_listed(request, "associations"),
            history=history,
            is_archived=_is_archived(request),
        )
        return JSONResponse(_with_paging({"results": results}, after, request))

    async def get(self, request: Request) -> Response:
        """Answer one record."""
        kind, by = _type(request), request.query_params.get("idProperty", "")
        row = self.crm.get(
            kind, request.path_params["id"], by=by, is_archived=_is_archived(request)
        )
        names, linked = _listed(request, "properties"), _listed(request, "associations")
        history = _listed(request, "propertiesWithHistory")
        return JSONResponse(records.shower(self.crm, kind, names, linked, history)(row))

    async def search(self, request: Request) -> Response:
        """Answer a page of search results."""
        answer = search(self.crm, _type(request), await _body(request))
        return JSONResponse(answer)

    async def create(self, request: Request) -> Response:
        """Add a record."""
        created = writes.create(self.crm, _type(request), await _body(request))
        return JSONResponse(created, status_code=201)

    async def update(self, request: Request) -> Response:
        """Change a record."""
        by = request.query_params.get("idProperty", "")
        name, body = request.path_params["id"], await _body(request)
        return JSONResponse(writes.update(self.crm, _type(request), name, body, by=by))

    async def archive(self, request: Request) -> Response:
        """Delete a record."""
        writes.archive(self.crm, _type(request), request.path_params["id"])
        return Response(status_code=204)

    async def merge(self, request: Request) -> Response:
        """Merge two records."""
        return JSONResponse(writes.merge(self.crm, _type(request), await _body(request)))

    async def purge(self, request: Request) -> Response:
        """Delete a record permanently."""
        writes.purge(self.crm, _type(request), await _body(request))
        return Response(status_code=204)

    async def batch(self, request: Request) -> Response:
        """Read, create, update or archive many records."""
        kind, body = _type(request), await _body(request)
        verb, now = request.path_params["verb"], self.world.clock.now()
        names = [str(one) for one in body.get("properties") or ()]
        history = [str(one) for one in body.get("propertiesWithHistory") or ()]
        most = records.MOST_WITH_HISTORY if history else records.MOST_IN_A_BATCH
        show = records.shower(self.crm, kind, names, history=history)
        by = str(body.get("idProperty") or "")

        def read(one: Json) -> Json:
            name = str(one.get("id", ""))
            row = self.crm.find(kind, name, by=by, is_archived=_is_archived(request))
            if row is None:
                raise records.missing(kind, name)
            return show(row)

        def archive(one: Json) -> None:
            writes.archive(self.crm, kind, str(one.get("id", "")))

        verbs: dict[str, Callable[[Json], Json | None]] = {
            "read": read,
            "create": lambda one: writes.create(self.crm, kind, one),
            "update": lambda one: writes.update(self.crm, kind, str(one.get("id", "")), one),
            "archive": archive,
        }
        if verb not in verbs:
            raise not_found()
        answer = records.batch(body.get("inputs"), most, verbs[verb], now)
        if verb == "archive":
            return Response(status_code=204)
        well = 201 if verb == "create" else 200
        return JSONResponse(answer, status_code=_MULTI if "errors" in answer else well)

    async def associations(self, request: Request) -> Response:
        """Answer the associations of many records; status 207 if some records have none."""
        origin, target = (type_of(request.path_params[key]) for key in ("origin", "target"))
        answer = records.batch(
            (await _body(request)).get("inputs"),
            associations.MOST_INPUTS,
            lambda one: associations.batch_read(self.crm, origin, target, one),
            self.world.clock.now(),
        )
        return JSONResponse(answer, status_code=_MULTI if "errors" in answer else 200)

    async def labels(self, request: Request) -> Response:
        """Answer the types of associations between two types of objects."""
        origin, target = (type_of(request.path_params[key]) for key in ("origin", "target"))
        return JSONResponse({"results": associations.labels(self.crm, origin, target)})

    async def associations_of_one(self, request: Request) -> Response:
        """Answer a page of one record's associations."""
        origin, target = (type_of(request.path_params[key]) for key in ("origin", "target"))
        row = self.crm.get(origin, request.path_params["id"])
        limit = _number(request, "limit", LARGEST_LINKS, LARGEST_LINKS)
        results, after = associations.of_one(
            self.crm, origin, target, row, after=request.query_params.get("after", ""), limit=limit
        )
        return JSONResponse(_with_paging({"results": results}, after, request))

    async def associate(self, request: Request) -> Response:
        """Associate two records."""
        origin, target = (type_of(request.path_params[key]) for key in ("origin", "target"))
        ids = (request.path_params["id"], request.path_params["other"])
        types = json.loads(await request.body() or b"[]")
        return JSONResponse(associations.put(self.crm, origin, target, ids, types), status_code=201)

    async def dissociate(self, request: Request) -> Response:
        """Remove the association of two records."""
        origin, target = (type_of(request.path_params[key]) for key in ("origin", "target"))
        ids = (request.path_params["id"], request.path_params["other"])
        associations.remove(self.crm, origin, target, ids)
        return Response(status_code=204)

    async def list_pipelines(self, request: Request) -> Response:
        """Answer the pipelines of deals; no other objects have any here."""
        known = pipelines.pipelines(self.world) if _type(request) is DEALS else []
        return JSONResponse({"results": known})

    async def create_pipeline(self, request: Request) -> Response:
        """Add a pipeline of deals."""
        if _type(request) is not DEALS:
            raise invalid("pipelines of deals only")
        made = pipelines.create_pipeline(self.world, await _body(request))
        return JSONResponse(made, status_code=201)

    async def get_pipeline(self, request: Request) -> Response:
        """Answer one pipeline."""
        return JSONResponse(pipelines.pipeline_named(self.world, request.path_params["id"]))

    async def list_stages(self, request: Request) -> Response:
        """Answer the stages of one pipeline."""
        found = pipelines.pipeline_named(self.world, request.path_params["id"])
        return JSONResponse({"results": found["stages"]})

    async def define(self, request: Request) -> Response:
        """Add a property."""
        made = properties.define(self.crm, _type(request), await _body(request))
        return JSONResponse(made, status_code=201)

    async def list_properties(self, request: Request) -> Response:
        """Answer all properties of a type."""
        kind = _type(request)
        known = {} if _is_archived(request) else kinds_of(self.crm, kind)
        shown = [
            shown_property(self.crm, kind, name, type_) for name, type_ in sorted(known.items())
        ]
        return JSONResponse({"results": shown})

    async def old_properties(self, request: Request) -> Response:
        """Answer all properties as version 2 does: a bare list. Some clients still ask for it."""
        kind = _type(request)
        known = sorted(kinds_of(self.crm, kind).items())
        return JSONResponse([shown_property(self.crm, kind, name, type_) for name, type_ in known])

    async def get_property(self, request: Request) -> Response:
        """Answer one property."""
        kind, name = _type(request), request.path_params["name"]
        known = kinds_of(self.crm, kind)
        if name not in known:
            raise ApiError(
                404,
                "OBJECT_NOT_FOUND",
                f'Property "{name}" does not exist',
                subCategory="PropertyError.PROPERTY_NOT_FOUND",
            )
        return JSONResponse(shown_property(self.crm, kind, name, known[name]))

    async def list_schemas(self, _request: Request) -> Response:
        """Answer an empty list: the account has no custom objects."""
        return JSONResponse({"results": []})

    async def list_owners(self, request: Request) -> Response:
        """Answer a page of owners; with `archived=true`, of the owners who left."""
        limit = _number(request, "limit", _DEFAULT_OWNERS, LARGEST_OWNERS)
        email = request.query_params.get("email", "")
        found = owners(self.crm, is_archived=_is_archived(request), email=email)
        start = _number(request, "after", 0, len(found) or 1, least=0)
        end = start + limit
        body: Json = {"results": found[start:end]}
        return JSONResponse(_with_paging(body, str(end) if end < len(found) else "", request))

    async def get_owner(self, request: Request) -> Response:
        """Answer one owner, by id or by user id."""
        key = "userId" if request.query_params.get("idProperty") == "userId" else "id"
        found = owners(self.crm, is_archived=_is_archived(request))
        wanted = request.path_params["id"]
        owner = next((one for one in found if str(one[key]) == wanted), None)
        if owner is None:
            raise not_found()
        return JSONResponse(owner)

    async def usage(self, _request: Request) -> Response:
        """Answer the number of calls made today."""
        now = self.world.clock.now()
        midnight = datetime.combine(now.date(), datetime.min.time(), now.tzinfo)
        one = {
            "name": DAILY_NAME,
            "usageLimit": DAILY,
            "currentUsage": self.quota.used_today,
            "collectedAt": moment(now),
            "fetchStatus": "SUCCESS",
            "resetsAt": moment(midnight + timedelta(days=1)),
        }
        return JSONResponse({"results": [one]})

    async def details(self, _request: Request) -> Response:
        """Answer the account's details."""
        return JSONResponse(
            {
                "portalId": PORTAL,
                "accountType": "STANDARD",
                "timeZone": "Europe/Paris",
                "companyCurrency": "EUR",
                "additionalCurrencies": [],
                "utcOffset": "+01:00",
                "utcOffsetMilliseconds": 3_600_000,
                "uiDomain": "app.hubspot.com",
                "dataHostingLocation": "eu1",
            }
        )

    def _check_token(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        right = self.world.secrets["hubspot_token"]
        if scheme.lower() != "bearer" or token.strip().removesuffix(NO_SCOPE) != right:
            raise no_credentials()
        if token.strip().endswith(NO_SCOPE):
            kind = request.path_params.get("type", "contacts")
            raise no_scope(f"crm.objects.{kind}.read")


def _type(request: Request) -> ObjectType:
    return type_of(request.path_params["type"])


def _is_archived(request: Request) -> bool:
    return request.query_params.get("archived", "").lower() == "true"


def _listed(request: Request, name: str) -> list[str]:
    """Return the values of a parameter that may be repeated, comma-separated, or both."""
    parts = ",".join(request.query_params.getlist(name)).split(",")
    return [part.strip() for part in parts if part.strip()]


def _number(request: Request, name: str, default: int, most: int, *, least: int = 1) -> int:
    text = request.query_params.get(name) or str(default)
    if not text.isdigit() or int(text) < least:
        raise invalid(f"{name} must be a number of at least {least}")
    if int(text) > most and name == "limit":
        raise invalid(f"limit must be at most {most}")
    return int(text)


async def _body(request: Request) -> Json:
    try:
        body = json.loads(await request.body())
    except ValueError as exc:
        raise invalid(f"Invalid input JSON on line 1, column 1: {exc}") from exc
    if not isinstance(body, dict):
        raise invalid("Invalid input JSON: an object was expected")
    return body


def _with_paging(body: Json, after: str, request: Request) -> Json:
    """Return the body, with `paging` unless it is the last page."""
    if not after:
        return body
    link = str(request.url.include_query_params(after=after))
    return {**body, "paging": {"next": {"after": after, "link": link}}}


async def _unknown_path(_request: Request, _error: Exception) -> Response:
    return JSONResponse(not_found().body(), status_code=404)


async def _unknown_method(_request: Request, _error: Exception) -> Response:
    error = ApiError(405, "METHOD_NOT_ALLOWED", "HTTP 405 Method Not Allowed")
    return JSONResponse(error.body(), status_code=405)
