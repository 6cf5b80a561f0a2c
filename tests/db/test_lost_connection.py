"""A server that is down is a fault that may be gone at the next attempt, with a sentence."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, event

from hub.db.engine import _tell
from hub.errors import TransientError


def test_a_server_that_is_down_is_told_as_a_lost_connection(tmp_path: Path) -> None:
    engine = create_engine(f"postgresql+psycopg://hub_app@/hub?host={tmp_path}", pool_pre_ping=True)
    event.listen(engine, "handle_error", _tell)
    with pytest.raises(TransientError, match="the connection to the database was lost"):
        engine.connect()
