"""Child servers: started so that they die with us, and as an unprivileged user where root is refused."""

import ctypes
import os
import pwd
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1


def unprivileged() -> dict[str, Any]:
    """Popen arguments that leave root behind; nothing for an ordinary user."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def hand_over(path: Path) -> None:
    """Gives a directory to the unprivileged user when we are root."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if who := unprivileged():
        os.chown(path, who["user"], who["group"])


def spawn(args: list[str | Path], log: Path, farewell: signal.Signals, **options: Any) -> subprocess.Popen[bytes]:
    """Starts a server whose output goes to `log`; it gets `farewell` when our process dies, even by kill -9."""
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def leave_with_parent() -> None:
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, farewell)

    with log.open("ab") as out:
        return subprocess.Popen(
            [str(a) for a in args],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd="/",
            start_new_session=True,
            preexec_fn=leave_with_parent,
            **options,
        )


def stop(process: subprocess.Popen[bytes] | None, farewell: signal.Signals, patience_s: float = 20) -> None:
    """Asks a server to end and waits; kills it when it does not."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(farewell)
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
