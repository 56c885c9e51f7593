"""Examples of bodies and answers by the name of their struct: examples.json tells one campaign."""

from pathlib import Path
from typing import Any

import msgspec

EXAMPLES: dict[str, Any] = msgspec.json.decode((Path(__file__).parent / "examples.json").read_bytes())
