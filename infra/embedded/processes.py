"""Child servers: started so that they die with us, and as an unprivileged user where root is refused."""

import ctypes
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
PORT_WAIT_S = 3


class CannotStart(Exception):
    """An embedded server cannot run here; the text says why and what to do."""


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


def spawn(args: list[str | Path], log: Path | None, farewell: signal.Signals, **options: Any) -> subprocess.Popen[bytes]:
    """Starts a server whose output goes to `log`, else to ours; it gets `farewell` when the thread that starts it ends, even by kill -9."""
    if log is not None:
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with nullcontext() if log is None else log.open("ab") as out:
        return subprocess.Popen(
            [str(a) for a in args],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd="/",
            start_new_session=True,
            preexec_fn=leaving_with_us(farewell),
            **options,
        )


def leaving_with_us(farewell: signal.Signals) -> Any:
    """What a child does before it becomes the server: asks the kernel to be told of our death."""
    libc, parent = ctypes.CDLL(None) if sys.platform == "linux" else None, os.getpid()

    def ask() -> None:
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, farewell)
            if os.getppid() != parent:  # we died before it could ask
                os._exit(1)

    return ask


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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_becomes_free(port: int, patience_s: float = PORT_WAIT_S) -> bool:
    """Waits a moment, because a server whose supervisor was killed may still be leaving."""
    end = time.monotonic() + patience_s
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                if time.monotonic() > end:
                    return False
                time.sleep(0.05)
            else:
                return True


def claim_port(port: int, name: str) -> None:
    """Refuses to start beside a stranger: it would be asked for our data and told our password."""
    if not port_becomes_free(port):
        raise CannotStart(f"Port {port} of 127.0.0.1, which {name} needs, is used by another program.")
