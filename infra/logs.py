"""Log lines on stderr, as text or JSON. A record's own members stand in `extra={"said": {…}}`."""

import logging
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec

FORMS = ("text", "json", "off")
LEVELS = ("debug", "info", "warning", "error")


def configure(form: str, level: str) -> None:
    """From now on the process logs in this form, from this level up; `off` says nothing at all.

    Libraries stay at `info`: what they tell below names keys and signatures of requests to S3.
    """
    handler = logging.NullHandler() if form == "off" else logging.StreamHandler(sys.stderr)
    handler.setFormatter(AsJson() if form == "json" else AsText())
    logging.basicConfig(handlers=[handler], level="INFO" if level == "debug" else level.upper(), force=True)
    logging.getLogger("runledger").setLevel(level.upper())


class AsText(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        said = " ".join(f"{name}={value}" for name, value in _said(record).items())
        line = f"{_moment(record)} {record.levelname.lower()} {record.name}: {record.getMessage()} {said}".rstrip()
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class AsJson(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {"time": _moment(record), "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()}
        line |= _said(record)
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def _said(record: logging.LogRecord) -> dict[str, Any]:
    return getattr(record, "said", {})


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
