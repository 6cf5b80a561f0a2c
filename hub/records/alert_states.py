"""The state of each source, as users were last alerted to it. Owns `ops.alert_state`.

Not here: when a state changes (`hub.model.alert_states`), and who is alerted (`hub.etl.alerts`).
"""

from typing import Any

from sqlalchemy import Connection, Row, text

from hub.model.alert_states import AlertState, Standing

_LOCK = text("""
INSERT INTO ops.alert_state (subject, state, since) VALUES (:subject, 'ok', now())
ON CONFLICT (subject) DO NOTHING
""")
_READ = "SELECT subject, state, since, reasons, told_at, told_n, unclosed FROM ops.alert_state "
_LOCKED = text(_READ + "WHERE subject = :subject FOR UPDATE")
_ONE = text(_READ + "WHERE subject = :subject")
_WRITE = text("""
UPDATE ops.alert_state SET state = :state, since = :since, reasons = :reasons, told_at = :told_at,
  told_n = :told_n, unclosed = :unclosed WHERE subject = :subject
""")


def lock(conn: Connection, subject: str) -> AlertState:
    """Lock and return the state of a source or of a nightly job; one that is new is ok."""
    conn.execute(_LOCK, {"subject": subject})
    return _state(conn.execute(_LOCKED, {"subject": subject}).one())


def read(conn: Connection, subject: str) -> AlertState | None:
    """Return the state of a source or of a nightly job; None before the first."""
    row = conn.execute(_ONE, {"subject": subject}).one_or_none()
    return None if row is None else _state(row)


def write(conn: Connection, state: AlertState) -> None:
    """Write a state whose row is locked."""
    conn.execute(
        _WRITE,
        {
            "subject": state.subject,
            "state": state.standing.value,
            "since": state.since,
            "reasons": list(state.reasons),
            "told_at": state.told_at,
            "told_n": state.told_n,
            "unclosed": state.unclosed,
        },
    )


def _state(row: Row[Any]) -> AlertState:
    return AlertState(
        row.subject,
        Standing(row.state),
        row.since,
        tuple(row.reasons),
        row.told_at,
        row.told_n,
        row.unclosed,
    )
