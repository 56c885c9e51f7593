"""Settings for a command that runs beside a server on the same host."""

import os
import shlex
from pathlib import Path

from infra.embedded.processes import CannotStart
from infra.settings import Settings, SettingsError


def settings(directory: Path) -> Settings:
    """The environment's settings, and for the rest the addresses that the running server noted for its own user."""
    try:
        lines = (directory / "env").read_text().splitlines()
    except FileNotFoundError:
        raise CannotStart(f"The Runledger in {directory} is just starting. Try again in a moment.") from None
    except PermissionError:
        raise SettingsError(f"Only the user who runs the server can read {directory / 'env'}. Run this as that user.") from None
    noted = {name: shlex.split(value)[0] for name, _, value in (line.partition("=") for line in lines)}
    return Settings.from_env(noted | {name: value for name, value in os.environ.items() if value})
