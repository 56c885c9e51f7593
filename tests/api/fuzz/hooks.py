"""What schemathesis is told of this application: whom it must not shut out, and what a refusal of fitting data may say."""

import os
from typing import Any
from uuid import uuid4

import schemathesis

OWN_IDS = set(os.environ["FUZZ_OWN_IDS"].split())  # its token and its person
OF_THE_SCHEMA = {"invalid_type", "unknown_field", "too_long", "too_short", "blank"}  # codes of what a JSON schema tells


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """It revokes its own token, or erases its owner, as soon as it has listed them."""
    for name, value in (case.path_parameters or {}).items():
        if value in OWN_IDS:
            case.path_parameters[name] = str(uuid4())


@schemathesis.check
def fitting_data_is_refused_for_what_it_means(_context: Any, response: Any, case: Any) -> None:
    if response.status_code == 422 and case.meta is not None and case.meta.generation.mode.is_positive:
        wrong = [error for error in response.json()["errors"] if error["code"] in OF_THE_SCHEMA]
        assert not wrong, f"it fits the schema, and was refused: {wrong}"
