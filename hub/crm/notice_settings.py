"""How users want to be notified: a mode for each event and channel, the language, the hours.

Texts as they are stored; what they mean is `hub.notify`'s. Not here: alerts (`hub.crm.alerts`).
"""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, delete, select, text
from sqlalchemy.dialects.postgresql import insert

from hub.crm.tables import notice_profile, notification_preference
from hub.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Choice:
    """The modes of an event's channels: instant, digest or off."""

    web: str
    email: str
    apprise: str


@dataclass(frozen=True, slots=True)
class Profile:
    """How a user is notified, apart from the single events.

    Args:
        language: two letters.
        quiet_from: `22:00`, on the clock of the user; None with `quiet_until` None.
        quiet_until: the first minute after the quiet hours.
        quiet_weekends: whether Saturdays and Sundays are quiet.
        digest_at: times of the day, with commas.
        apprise: the name of a target under `apprise` of the settings.
    """

    language: str = "en"
    quiet_from: str | None = None
    quiet_until: str | None = None
    quiet_weekends: bool = False
    digest_at: str = "08:00"
    apprise: str | None = None


ProfileValues = Mapping[str, str | bool | None]
"""Some values of a profile, by name."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What decides how a user is notified of an event.

    Args:
        is_active: whether the user is notified at all.
        timezone: IANA name.
        profile: language and hours.
        choice: the user's own choice for the event; None without one.
    """

    is_active: bool
    timezone: str
    profile: Profile
    choice: Choice | None


_WISHES = text("""
SELECT u.is_active, u.timezone, coalesce(f.language, 'en'), f.quiet_from, f.quiet_until,
  coalesce(f.quiet_weekends, false), coalesce(f.digest_at, '08:00'), f.apprise, p.web, p.email, p.apprise
FROM crm."user" u
LEFT JOIN crm.notice_profile f ON f.user_id = u.id
LEFT JOIN crm.notification_preference p ON p.user_id = u.id AND p.event = :event
WHERE u.id = :user
""")
_PROFILE_N = 8


def wishes(conn: Connection, user_id: int, event: str) -> Wishes:
    """Return what decides how a user is notified of an event."""
    row = tuple(conn.execute(_WISHES, {"user": user_id, "event": event}).one())
    choice = Choice(*row[_PROFILE_N:]) if row[_PROFILE_N] is not None else None
    return Wishes(row[0], row[1], Profile(*row[2:_PROFILE_N]), choice)


def profile(conn: Connection, user_id: int) -> Profile:
    """Return the profile of a user."""
    c = notice_profile.c
    names = (c.language, c.quiet_from, c.quiet_until, c.quiet_weekends, c.digest_at, c.apprise)
    row = conn.execute(select(*names).where(c.user_id == user_id)).one_or_none()
    return Profile() if row is None else Profile(*row)


def set_profile(conn: Connection, user_id: int, values: ProfileValues) -> None:
    """Write values of a user's profile; the others stay."""
    made = insert(notice_profile).values(user_id=user_id, **values)
    conn.execute(made.on_conflict_do_update(index_elements=["user_id"], set_=dict(values)))


def set_choice(conn: Connection, user_id: int, event: str, choice: Choice) -> None:
    """Write the modes of the channels by which a user is notified of an event."""
    modes = {"web": choice.web, "email": choice.email, "apprise": choice.apprise}
    made = insert(notification_preference).values(user_id=user_id, event=event, **modes)
    conn.execute(made.on_conflict_do_update(index_elements=["user_id", "event"], set_=modes))


def choices(conn: Connection, user_ids: Sequence[int]) -> dict[tuple[int, str], Choice]:
    """Return (user, event) → modes for those who said what they want."""
    c = notification_preference.c
    rows = conn.execute(
        select(c.user_id, c.event, c.web, c.email, c.apprise).where(c.user_id.in_(user_ids))
    )
    return {(row.user_id, row.event): Choice(row.web, row.email, row.apprise) for row in rows}


def delete_of_users(conn: Connection, user_ids: Collection[int]) -> None:
    """Delete all settings of users."""
    ids = sorted(user_ids)
    conn.execute(delete(notice_profile).where(notice_profile.c.user_id.in_(ids)))
    c = notification_preference.c
    conn.execute(delete(notification_preference).where(c.user_id.in_(ids)))
