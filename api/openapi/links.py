"""Links of the API document: from the answer that creates something to all that can be asked of it next."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

_PARAMETER = re.compile(r"{(\w+)}")


def of(path: str, answer: Any, ids: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Links of a 201 from `path`, by operation id; `ids` are path and operation id of every route.

    A thing of `/runs` has its routes at `/runs/{run_id}` and below it, as far as these name no other thing.
    """
    known = _PARAMETER.findall(path)
    found = {}
    for other, operation_id in ids:
        made = re.match(rf"{re.escape(path)}/{{(\w+)}}", other)
        if made is None or set(_PARAMETER.findall(other)) != {*known, made[1]}:
            continue
        member = made[1] if made[1] in {field.name for field in msgspec.structs.fields(answer)} else "uuid"
        parameters = {name: f"$request.path.{name}" for name in known} | {made[1]: f"$response.body#/{member}"}
        found[operation_id] = {"operationId": operation_id, "parameters": parameters}
    return found
