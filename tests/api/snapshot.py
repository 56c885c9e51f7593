"""Writes the API document's snapshot, openapi.json, anew: `python -m tests.api.snapshot`; tells what changes."""

import json
from pathlib import Path
from typing import Any

from api import app as application
from infra import database
from infra.settings import Settings
from tests.api import document_changes

SNAPSHOT = Path(__file__).parent / "openapi.json"


def document() -> dict[str, Any]:
    """The document as this checkout makes it; no server is asked."""
    settings = Settings(data_dir=Path(), database_url="postgresql://nobody@127.0.0.1:1/none")
    made: dict[str, Any] = json.loads(application.create(settings, database.pool(settings)).app.state.openapi)
    return made


def kept() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(SNAPSHOT.read_text())
    return found


if __name__ == "__main__":
    now = document()
    if SNAPSHOT.exists():
        print(*document_changes.between(kept(), now), sep="\n")
    SNAPSHOT.write_text(json.dumps(now, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
