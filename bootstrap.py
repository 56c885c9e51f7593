"""Makes .venv from the hashed lock: `python3 bootstrap.py prod|dev`. Needs only python3 and pip; quick when nothing changed."""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
TOOLS = ROOT / ".tools"
UV_VERSION = "0.13.9"
SCRIPT = """#!{python}
import sys
from cli.main import main

if __name__ == "__main__":  # the processes of a rebuild import this file
    sys.exit(main())
"""


def main(kind: str) -> int:
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        print(f"Python 3.11 to 3.13 is needed; this is {sys.version.split()[0]}", file=sys.stderr)
        return 1
    if kind == "lock":
        return lock()
    wanted = stamp("dev")
    found = (VENV / "stamp").read_text() if (VENV / "stamp").exists() else ""
    if found in (stamp(kind), wanted):
        return 0
    print("Setting up .venv; this takes a minute the first time.", file=sys.stderr)
    make_venv()
    if code := install(ROOT / "requirements" / f"{kind}.lock"):
        return code
    add_rooms()
    (VENV / "stamp").write_text(stamp(kind))
    return 0


def stamp(kind: str) -> str:
    content = (ROOT / "requirements" / f"{kind}.lock").read_bytes() + Path(__file__).read_bytes() + sys.version.encode() + bytes(ROOT)
    return f"{kind} {hashlib.sha256(content).hexdigest()}"


def make_venv() -> None:
    """Anew when missing, broken or of another Python. Debian without python3-venv has no ensurepip: the outer pip installs into it."""
    python = VENV / "bin" / "python"
    asked = [python, "-c", "import sys; print(sys.version)"]
    if not python.exists() or subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() != sys.version:
        shutil.rmtree(VENV, ignore_errors=True)
        venv.EnvBuilder(with_pip=False, symlinks=True).create(VENV)


def install(lockfile: Path) -> int:
    uv, python = get_uv(), VENV / "bin" / "python"
    if uv is not None:
        done = subprocess.run(
            [uv, "pip", "sync", "-q", "--python", python, "--require-hashes", lockfile], env=uv_environment(), check=False
        )
        if done.returncode == 0:
            return 0
        print("uv could not install; trying pip", file=sys.stderr)
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--require-hashes", "-r", lockfile]
    return subprocess.run(pip, check=False).returncode


def get_uv() -> Path | None:
    if found := shutil.which("uv"):
        return Path(found)
    if not (TOOLS / "bin" / "uv").exists():
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--root-user-action=ignore"]
        subprocess.run([*pip, "--target", TOOLS, f"uv=={UV_VERSION}"], check=False)
    return TOOLS / "bin" / "uv" if (TOOLS / "bin" / "uv").exists() else None


def uv_environment() -> dict[str, str]:
    """Uv does not read pip's configuration, so the user's index is handed on."""
    env = os.environ | {"UV_SYSTEM_CERTS": "1", "UV_NO_CONFIG": "1", "UV_LINK_MODE": "copy"}
    if index := pip_setting("index-url"):
        env["UV_DEFAULT_INDEX"] = index
    return env


def pip_setting(name: str) -> str:
    if given := os.environ.get("PIP_" + name.upper().replace("-", "_")):
        return given
    asked = subprocess.run([sys.executable, "-m", "pip", "config", "get", f"global.{name}"], capture_output=True, text=True, check=False)
    return asked.stdout.strip() if asked.returncode == 0 else ""


def add_rooms() -> None:
    """The rooms are import roots, and `runledger` a command of the environment."""
    site = next((VENV / "lib").glob("python3.*")) / "site-packages"
    (site / "runledger.pth").write_text(f"{ROOT}\n")
    script = VENV / "bin" / "runledger"
    script.write_text(SCRIPT.format(python=VENV / "bin" / "python"))
    script.chmod(0o755)


def lock() -> int:
    """Refreshes uv.lock and the hashed requirements locks from pyproject.toml."""
    uv = get_uv()
    if uv is None:
        return 1
    env = {name: value for name, value in uv_environment().items() if name != "UV_NO_CONFIG"}  # pyproject counts here
    export = [uv, "export", "-q", "--frozen", "--no-emit-project", "--no-header", "--no-annotate", "--format", "requirements-txt"]
    commands = [
        [uv, "lock", "-q", "--project", ROOT],
        [*export, "--no-dev", "-o", ROOT / "requirements" / "prod.lock"],
        [*export, "-o", ROOT / "requirements" / "dev.lock"],
    ]
    return next((code for c in commands if (code := subprocess.run(c, env=env, cwd=ROOT, check=False).returncode)), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "prod"))
