"""The model that judges two records: the active trained one, else the shipped one."""

from sqlalchemy import Connection

from hub.matching.model import DEFAULT, Model, bind
from hub.records import models


def active_model(conn: Connection) -> Model:
    """Return the model in use."""
    document = models.active(conn)
    return DEFAULT if document is None else bind(document)
