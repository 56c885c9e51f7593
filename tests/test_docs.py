"""The README says what is so: its commands run, its settings are those of the program."""

import os
import re
import subprocess
import sys
from pathlib import Path

from commands import tokens
from infra.embedded.processes import free_port

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(sh|text)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
TOUR_S_MAX = 180
PRELUDE = """set -u
trap 'kill "$(cat "$RUNLEDGER_DATA_DIR/lock")"; wait' EXIT
make() { "$RUNLEDGER" serve >>"$RUNLEDGER_DATA_DIR.output" 2>&1 & until curl -sf -o /dev/null "127.0.0.1:$PORT/readyz"; do sleep 0.1; done; }
"""


def test_the_tour_prints_what_it_says_when_pasted(tmp_path: Path) -> None:
    port, token, data = free_port(), tokens.fresh(), tmp_path / "data"
    script = PRELUDE + "".join(f"{text}echo =====\n" for kind, text in BLOCKS if kind == "sh")
    script = (
        script.replace("rl_paste_the_printed_one", token).replace("127.0.0.1:8000", f"127.0.0.1:{port}").replace(".runledger/", f"{data}/")
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RUNLEDGER_")}
    environment |= {"RUNLEDGER": str(Path(sys.executable).with_name("runledger")), "RUNLEDGER_DATA_DIR": str(data)}
    environment |= {"RUNLEDGER_ADMIN_TOKEN": token, "PORT": str(port)}
    done = subprocess.run(
        ["bash", "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=TOUR_S_MAX, check=False
    )
    printed = done.stdout.split("=====\n")
    assert [text for text in printed if text] == [text for kind, text in BLOCKS if kind == "text"], done.stderr


def test_every_setting_stands_in_the_table_and_nothing_else() -> None:
    table = README[README.index("## Settings") : README.index("## With your own")]
    named = {name for row in re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    read = set(re.findall(r'"((?:RUNLEDGER_[A-Z0-9_]+)|PORT)"', (ROOT / "infra" / "settings.py").read_text()))
    assert named == read


def test_every_path_that_the_documents_name_is_there() -> None:
    for document in ("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "SECURITY.md"):
        text = (ROOT / document).read_text()
        named = re.findall(r"`((?:[a-z_]+/)+[\w.-]+\.\w+)`|\]\(([\w./-]+)\)", text)
        missing = {a or b for a, b in named if not (ROOT / (a or b)).exists()}
        assert not missing, document
