"""Structured logging: events in snake_case past tense, values as keys, no personal values.

`configure()` is called once by an entry point. A processor redacts anything that looks like an
e-mail address, a phone number or a token, so a forgotten value cannot leak.
"""

import logging
import re
import sys
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:  # structlog takes a tenth of a second, and most commands log nothing
    import structlog
    from structlog.typing import EventDict, WrappedLogger

_EMAIL = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+\.[^\s@<>\"']+")
_PHONE = re.compile(r"(?<![\w.:-])\+?\d(?:[\s().-]?\d){8,14}(?![\w:-])")
_TOKEN = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}|\b(tfp_|00D)[\w.!-]{8,}")


def redact_text(text: str) -> str:
    """Return `text` with addresses, phone numbers and tokens masked."""
    text = _TOKEN.sub("[token]", text)
    text = _EMAIL.sub("[email]", text)
    return _PHONE.sub("[phone]", text)


def _redact(_logger: "WrappedLogger", _method: str, event: "EventDict") -> "EventDict":
    for key, value in event.items():
        if isinstance(value, str) and key not in {"timestamp", "level", "run_id"}:
            event[key] = redact_text(value)
    return event


def configure(*, json: bool, level: int = logging.INFO) -> None:
    """Send structured logs to stderr, as JSON or for a terminal."""
    logging.basicConfig(stream=sys.stderr, level=level, format="%(message)s", force=True)
    for noisy in ("urllib3", "alembic", "simple_salesforce", "uvicorn", "mail.log"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    _chosen.update(json=json, level=level, is_applied=False)


def configure_once() -> None:
    """Configure logging if no entry point of the hub has done so: in a process that Dagster starts."""
    import structlog  # noqa: PLC0415 see above

    if not _chosen and not structlog.is_configured():
        configure(json=True)


_chosen: dict[str, Any] = {}
"""What `configure` was told, and whether structlog knows it; empty before."""


def _apply() -> None:
    import structlog  # noqa: PLC0415 see above

    _chosen["is_applied"] = True
    renderer = (
        structlog.processors.JSONRenderer()
        if _chosen["json"]
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redact,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_chosen["level"]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def _nothing(*_event: object, **_values: object) -> None:
    """Log nothing: the level is below the configured one."""


class _Logger:
    """The hub's logger; structlog is imported by the first event that is not below the level."""

    def __getattr__(self, name: str) -> Any:
        level = logging.getLevelNamesMapping().get(name.upper())
        if _chosen and level is not None and level < _chosen["level"]:
            return _nothing
        import structlog  # noqa: PLC0415 see above

        if _chosen and not _chosen["is_applied"]:
            _apply()
        return getattr(structlog.get_logger("hub"), name)


_logger = _Logger()


def get_logger() -> "structlog.stdlib.BoundLogger":
    """Return the hub's logger; bind `source`, `stream`, `stage` with contextvars once a stage."""
    return cast("structlog.stdlib.BoundLogger", _logger)
