"""Settings as they may be shown: passwords and keys hidden, addresses kept."""

from typing import Any
from urllib.parse import urlsplit

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict

from infra.settings import Settings

HIDDEN = "set, hidden"
SECRET_WORDS = ("key", "token", "secret", "password")


def masked(settings: Settings) -> dict[str, Any]:
    """Every setting; a new one is hidden when its name sounds secret, and an address always loses its password."""
    return {field: _shown(field, getattr(settings, field)) for field in settings.__struct_fields__}


def _shown(field: str, value: Any) -> Any:
    if value is None or not isinstance(value, str):
        return msgspec.to_builtins(value, enc_hook=str)
    if any(word in field.split("_") for word in SECRET_WORDS):
        return HIDDEN
    if field in ("database_url", "owner_url"):
        return database(value)
    return address(value) if field.endswith(("_url", "_endpoint")) else value


def database(conninfo: str) -> str:
    try:
        parts = conninfo_to_dict(conninfo)
    except psycopg.ProgrammingError:
        return HIDDEN
    port = f":{parts['port']}" if "port" in parts else ""
    return f"{parts.get('user', '')}@{parts.get('host', 'localhost')}{port}/{parts.get('dbname', '')}"


def address(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if parts.scheme else HIDDEN
