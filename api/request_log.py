"""One line a request: method, route, status, milliseconds and request id; never bodies, headers, tokens or queries."""

import logging

logger = logging.getLogger("runledger.requests")

SILENT = frozenset(("/livez", "/metrics"))


def log_request(method: str, route: str, status: int, seconds: float, request_id: str) -> None:
    """Failures of the server are warnings; the rest is shown where the level is info."""
    level = logging.WARNING if status >= 500 else logging.INFO
    if route in SILENT or not logger.isEnabledFor(level):
        return
    said = {"method": method[:16], "route": route, "status": status, "ms": round(seconds * 1000, 1), "request_id": request_id}
    logger.log(level, "request", extra={"said": said})
