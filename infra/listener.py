"""The port that the API listens on, taken before any server starts, so that a port in use is told at once."""

import errno
import ipaddress
import os
import socket

BACKLOG = 2048

Listener = socket.socket


class PortTaken(Exception):
    """The API cannot listen there; the text says why and what to do."""


def bind(host: str, port: int) -> Listener:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise _refusal(error, host, port) from error
    return listener


def listen(listener: Listener) -> None:
    """From here on connections wait for the server."""
    try:
        listener.listen(BACKLOG)
    except OSError as error:  # another program took the port between our bind and now
        host, port = listener.getsockname()[:2]
        raise _refusal(error, host, port) from error


def url(listener: Listener) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_open_to_others(listener: Listener) -> bool:
    return not ipaddress.ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


def _refusal(error: OSError, host: str, port: int) -> PortTaken:
    if error.errno == errno.EADDRINUSE:
        return PortTaken(f"Port {port} is in use by another program. Stop it, or choose another: PORT={port + 1}")
    reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
    return PortTaken(f"Cannot listen on {host}, port {port}: {reason}")
