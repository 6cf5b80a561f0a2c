"""The state of the emulated org apart from its records: sessions, API budget, cursors, jobs.

Times come from the vendor's clock. Tests and faults use `app.state.org`.
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.sandbox.salesforce.errors import ApiError
from hub.sandbox.salesforce.plan import Plan
from hub.sandbox.salesforce.store import Store
from hub.sandbox.world import Row, World

ORG_ID = "00Dx0000000BV7zEAG"
SESSION_IDLE = timedelta(minutes=120)
LOCATOR_LIFE = timedelta(days=2)
BUDGET_WINDOW = timedelta(hours=24)
OPEN_CURSORS = 10
DAILY_LIMIT = 15_000


@dataclass(slots=True)
class Cursor:
    """The snapshot of a query locator: pages show the rows of the time of the query."""

    plan: Plan
    rows: list[Row]
    total: int
    opened_at: datetime
    is_read: bool = False


@dataclass(slots=True)
class Job:
    """One Bulk 2.0 query job."""

    id: str
    body: dict[str, str]
    plan: Plan
    rows: list[Row]
    version: str
    created_at: datetime
    created_by: str
    aborted_at: datetime | None = None


@dataclass(slots=True)
class Org:
    """The state of one org.

    Args:
        world: the universe's rows, clock and secrets.
        daily_limit: API calls in 24 hours.
    """

    world: World
    store: Store
    daily_limit: int = DAILY_LIMIT
    used_n: int = 0
    window_from: datetime | None = None
    sessions: dict[str, datetime] = field(default_factory=dict)
    cursors: dict[str, Cursor] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    sequence: int = 0

    def now(self) -> datetime:
        """Return the vendor's present."""
        return self.world.clock.now()

    def next_number(self) -> int:
        """Return the next number of a counter."""
        self.sequence += 1
        return self.sequence

    def open_session(self) -> str:
        """Return a new access token."""
        token = f"{ORG_ID[:15]}!{secrets.token_urlsafe(48)}"
        self.sessions[token] = self.now()
        return token

    def touch_session(self, token: str) -> None:
        """Mark the session as used; raise 401 if it is unknown or was idle for too long."""
        now = self.now()
        if now - self.sessions.get(token, datetime.min.replace(tzinfo=now.tzinfo)) > SESSION_IDLE:
            self.sessions.pop(token, None)
            raise ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")
        self.sessions[token] = now

    def count_call(self) -> None:
        """Count one call; raise 403 if the daily budget is used up."""
        now = self.now()
        if self.window_from is None or now - self.window_from >= BUDGET_WINDOW:
            self.window_from, self.used_n = now, 0
        if self.used_n >= self.daily_limit:
            raise ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        self.used_n += 1

    def limit_info(self) -> str:
        """Return the value of the Sforce-Limit-Info header."""
        return f"api-usage={self.used_n}/{self.daily_limit}"

    def open_cursor(self, plan: Plan, rows: list[Row], total: int) -> str:
        """Store a snapshot and return its locator. Too many open ones drop the oldest."""
        unread = [key for key, cursor in self.cursors.items() if not cursor.is_read]
        for key in unread[: len(unread) - OPEN_CURSORS + 1]:
            del self.cursors[key]
        locator = f"01g{self.next_number():08d}{secrets.token_hex(2)}AAA"
        self.cursors[locator] = Cursor(plan, rows, total, self.now())
        return locator

    def find_cursor(self, locator: str) -> Cursor:
        """Return the snapshot of a valid locator, or raise the vendor's error."""
        cursor = self.cursors.get(locator)
        if cursor is None or self.now() - cursor.opened_at > LOCATOR_LIFE:
            self.cursors.pop(locator, None)
            raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return cursor

    def expire_tokens(self) -> None:
        """End all sessions."""
        self.sessions.clear()

    def expire_locators(self) -> None:
        """Drop all open cursors."""
        self.cursors.clear()
