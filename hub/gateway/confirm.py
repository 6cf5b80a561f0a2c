"""Links that confirm a consent: a GET shows a page with a button, and the POST of the button confirms.

Programs that check mails for viruses follow every link, so a GET changes nothing. What is shown depends on the link
alone: the pages tell nothing of a person, and not whether the hub knows one.
"""

from math import ceil
from time import monotonic

from fastapi import APIRouter, Request, Response

from hub.clock import Clock
from hub.errors import ConfigError
from hub.gateway import form, pages
from hub.gateway.answers import BUSY_S
from hub.gateway.doors import Doors
from hub.gateway.forms import client_word, html, language_of
from hub.gateway.inbox_writer import InboxFullError, InboxWriter, NotWrittenError
from hub.gateway.metrics import Metrics
from hub.gateway.rates import Rates
from hub.logs import get_logger
from hub.model import confirm_links
from hub.model.confirm_links import ConfirmLink
from hub.model.forms import SOURCE
from hub.records.link_key import link_key

log = get_logger()

_PER_MINUTE = 30


class Confirmations:
    """Shows the pages of links, and takes confirmations.

    Args:
        doors: for the settings.
        writer: of the inbox.
        clock: for the moment of a confirmation.
        metrics: what is counted.
    """

    def __init__(self, doors: Doors, writer: InboxWriter, clock: Clock, metrics: Metrics) -> None:
        self._doors, self._writer, self._clock, self._metrics = doors, writer, clock, metrics
        self._rates = Rates()

    def show(self, request: Request, token: str) -> Response:
        """Return the page of a link."""
        found = self._link(request, token)
        if isinstance(found, Response):
            return found
        return html(pages.confirm_page(found.language))

    async def take(self, request: Request, token: str) -> Response:
        """Store the confirmation of a link; one that was stored before gets the same answer."""
        found = self._link(request, token)
        if isinstance(found, Response):
            return found
        now = self._clock.now()
        event = form.confirmation(
            found.reference,
            client=client_word(request, self._doors.settings.home),
            now=now,
            request_id=request.state.request_id,
        )
        try:
            (is_new,) = await self._writer.put([event])
        except InboxFullError:
            return self._said(request, "full", (found.language, "not_stored"), 429, BUSY_S)
        except NotWrittenError:
            return self._said(request, "failed", (found.language, "not_stored"), 503, 5)
        outcome = "confirmed" if is_new else "repeated"
        return self._said(request, outcome, (found.language, "confirmed"), 200)

    def _link(self, request: Request, token: str) -> "ConfirmLink | Response":
        """Return what a link says, or the answer to one that says nothing any more."""
        language = language_of(request)
        client = request.client.host if request.client else ""
        if wait_s := self._rates.wait_s(client, _PER_MINUTE, monotonic()):
            return self._said(request, "limited", (language, "too_often"), 429, ceil(wait_s))
        try:
            key = link_key(self._doors.settings.home)
        except ConfigError as exc:
            log.error("link_key_missing", why=exc.message)  # noqa: TRY400
            return self._said(request, "failed", (language, "not_stored"), 503, BUSY_S)
        found = confirm_links.read(token, key)
        if found is None:
            return self._said(request, "refused", (language, "no_link"), 404)
        if found.is_expired(self._clock.now()):
            return self._said(request, "expired", (found.language, "old_link"), 410)
        return found

    def _said(
        self, request: Request, outcome: str, page: tuple[str, str], status: int, wait: int = 0
    ) -> Response:
        """Return a page; `page` is its language, and the word for what it says."""
        self._metrics.deliveries.labels(SOURCE, outcome).inc()
        log.info("link_answered", outcome=outcome, request_id=request.state.request_id)
        headers = {"Retry-After": str(wait)} if wait else {}
        return html(pages.said_page(*page), status, headers)


def confirm_router(confirmations: Confirmations) -> APIRouter:
    """Return the routes of links; browsers call them, so the description of the API leaves them out."""
    router = APIRouter(include_in_schema=False)

    @router.get("/confirm/{token}")
    async def show(request: Request, token: str) -> Response:
        return confirmations.show(request, token)

    @router.post("/confirm/{token}")
    async def take(request: Request, token: str) -> Response:
        return await confirmations.take(request, token)

    return router
