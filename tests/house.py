"""The house rules as checks: each takes a source file and tells what it does that it may not."""

import ast
import gc
import sys
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 40
FORBIDDEN_NAMES = {"utils", "common", "core", "helpers", "services", "repositories", "managers"}
SURFACES = {"atlas", "testmo", "testably", "benchmarks", "operations"}

SHARED = {"openapi"}  # folders of api/ that are no surface: every surface may name them


class Room(NamedTuple):
    """Which rooms of ours, and which libraries, its files may name."""

    ours: set[str]
    libraries: set[str]


ROOMS = {
    "domain": Room(set(), {"msgspec"}),
    "infra": Room(
        {"domain"},
        {
            "aiobotocore",
            "botocore",
            "cryptography",
            "eventsourcing",
            "httpx",
            "jwt",
            "msgspec",
            "numpy",
            "psycopg",
            "psycopg_pool",
            "redis",
        },
    ),
    "commands": Room({"domain", "infra"}, {"msgspec"}),
    "projections": Room({"domain", "infra"}, {"msgspec", "psycopg"}),
    "workers": Room({"domain", "infra", "commands", "projections"}, {"dramatiq", "msgspec", "numpy", "polars"}),
    "api": Room({"domain", "infra", "commands", "projections"}, {"litestar", "msgspec"}),
    "cli": Room({"domain", "infra", "commands", "projections", "workers", "api"}, {"click", "rich", "uvicorn"}),
    "bench": Room({"domain", "infra", "commands", "projections", "workers", "api", "cli"}, {"click", "msgspec", "psycopg", "rich"}),
}
CALCULATING = {
    "__future__", "abc", "base64", "bisect", "collections", "contextlib", "copy", "dataclasses", "datetime", "decimal", "enum",
    "fractions", "functools", "hashlib", "heapq", "itertools", "json", "math", "operator", "re", "statistics", "string", "textwrap",
    "types", "typing", "unicodedata", "uuid",
}  # fmt: skip
CLOCK_AND_CHANCE = {"now", "utcnow", "today", "fromtimestamp", "uuid1", "uuid4", "uuid7", "open", "print", "input"}
OUTWARD_MODULES = {"socket", "ssl", "socketserver", "http", "urllib.request", "smtplib", "ftplib", "importlib"}
OUTWARD_NAMES = {
    "environ",
    "getenv",
    "__import__",
    "connect",
    "create_connection",
    "open_connection",
    "open_unix_connection",
    "start_server",
}
OUTSIDE = {"infra", "bench"}  # bench starts the program and calls it, as a client would

# file -> library -> why it is named there, outside the table
EXCEPTIONS: dict[str, dict[str, str]] = {
    "commands/door.py": {
        "psycopg": "it tells a racing writer and a lost connection from other failures, by the driver's error types",
        "psycopg_pool": "it is given the pool that it begins transactions on",
    },
    "commands/together.py": {
        "psycopg": "it tells a lost connection from other failures, by the driver's error types",
        "psycopg_pool": "it is given the pool of the connections that commands share",
    },
    "commands/work.py": {"psycopg": "the type of the connection that it passes on to infra"},
    "commands/keys.py": {"psycopg": "the type of the connection of the door's transaction, in which keys are kept"},
    "api/access.py": {
        "psycopg": "the type of a pool's connection",
        "psycopg_pool": "it is given the pool that tokens are looked up on",
    },
    "api/app.py": {
        "psycopg": "a database that is away becomes 503, by the driver's error types",
        "psycopg_pool": "it is given the pool; a pool without a free connection becomes 503",
    },
    "api/exchange.py": {
        "psycopg": "the type of a pool's connection",
        "psycopg_pool": "it is given the pool that answers are read on",
    },
    "infra/storage.py": {"aiohttp": "a body that was cut short comes as its error, which aiobotocore lets through"},
    "infra/tracing.py": {"opentelemetry": "spans are its business; an extra, imported where there is a collector"},
    "infra/probes.py": {"botocore": "the errors of aiobotocore are defined there"},
    "workers/analysis/readers/workbooks.py": {"fastexcel": "it reads Excel sheets"},
    "workers/analysis/readers/tdms.py": {"nptdms": "it reads the format; an extra"},
    "workers/analysis/readers/mf4.py": {"asammdf": "it reads the format; an extra"},
    "workers/analysis/readers/hdf5.py": {"h5py": "it reads the format; an extra"},
    "bench/peers/environments.py": {"bootstrap": "it makes environments from hashed locks as the product's own is made"},
    "bench/peers/fastapi_twin.py": {
        "fastapi": "a twin is what others build on",
        "pydantic": "as fastapi",
        "sqlalchemy": "as fastapi",
    },
    "bench/peers/django_twin/app.py": {
        "django": "a twin is what others build on",
        "auditlog": "as django",
        "django_twin": "its own name, where it runs",
    },
    "bench/peers/django_twin/models.py": {"django": "a twin is what others build on"},
    "bench/peers/django_twin/authentication.py": {"rest_framework": "a twin is what others build on"},
    "bench/peers/django_twin/tables.py": {"django": "a twin is what others build on", "rest_framework": "as django"},
    "bench/peers/django_twin/urls.py": {"django": "a twin is what others build on", "django_twin": "its own name, where it runs"},
    "bench/peers/django_twin/views.py": {
        "auditlog": "as django",
        "django": "a twin is what others build on",
        "django_twin": "its own name, where it runs",
        "rest_framework": "as django",
    },
    "infra/embedding/transformer.py": {
        "onnx": "the sentence model is written down as a graph in its format",
        "onnxruntime": "it computes that graph",
    },
    "cli/exits.py": {
        "psycopg": "a database that is away becomes exit code 4, by the driver's error types",
        "psycopg_pool": "a pool without a free connection becomes exit code 4",
    },
    "cli/output.py": {"msgspec": "JSON documents hold ids and times"},
    "projections/report_markdown.py": {"markdown_it": "reports are kept as Markdown, and it reads that"},
    "projections/report_pages.py": {"markdown_it": "it writes the HTML of what it has read"},
    "projections/report_pdf.py": {
        "markdown_it": "the tree of what it has read is what a PDF is made of",
        "typst": "it sets and writes PDF, in process and without a file or font of the machine",
    },
    "cli/demo_signals.py": {
        "numpy": "the demo's signals are arrays",
        "polars": "the demo's files are CSV and Parquet",
    },
    "api/operations/metrics.py": {"prometheus_client": "it writes the figures in the form that Prometheus reads"},
    "api/operations/standing_figures.py": {"prometheus_client": "as metrics.py", "psycopg": "the type of a pool's connection"},
}


class Source(NamedTuple):
    """`name` is the path from the root, for example `api/atlas/runs.py`."""

    name: str
    text: str

    @property
    def room(self) -> str:
        return self.name.split("/", 1)[0]

    @property
    def tree(self) -> ast.Module:
        return parsed(self.text)


@cache
def parsed(text: str) -> ast.Module:
    """Without a collection meanwhile: CPython 3.11 takes a callback of one (hypothesis has one) for recursion of its own."""
    gc.disable()
    try:
        return ast.parse(text)
    finally:
        gc.enable()


def modules(source: Source) -> Iterator[str]:
    """Every module imported, at the top or within, in full; `from a import b` counts as `a.b`, for b may be a module."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            within = source.name.split("/")[: -node.level] if node.level else []
            yield from (".".join([*within, *filter(None, [node.module]), alias.name]) for alias in node.names)


def packages(source: Source) -> set[str]:
    return {module.split(".")[0] for module in modules(source)}


def names(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                yield name


def other_rooms(source: Source) -> set[str]:
    return (packages(source) & ROOMS.keys()) - ROOMS[source.room].ours - {source.room}


def libraries(source: Source) -> set[str]:
    foreign = packages(source) - ROOMS.keys() - sys.stdlib_module_names
    return foreign - ROOMS[source.room].libraries - EXCEPTIONS.get(source.name, {}).keys()


def other_surfaces(source: Source) -> set[str]:
    """A surface is a folder of api/; what surfaces share stands beside the folders."""
    room, surface, *_ = [*source.name.split("/"), ""]
    if room != "api" or surface not in SURFACES:
        return set()
    return {".".join(m.split(".")[:2]) for m in modules(source) if m.startswith("api.")} & {f"api.{s}" for s in SURFACES - {surface}}


def impure(source: Source) -> set[str]:
    """In the domain: a clock, an id, chance, a file."""
    if source.room != "domain":
        return set()
    return ((packages(source) & sys.stdlib_module_names) - CALCULATING) | (set(names(source)) & CLOCK_AND_CHANCE)


def outward(source: Source) -> set[str]:
    """Outside infra: the environment, a socket, a module found at run time."""
    if source.room in OUTSIDE:
        return set()
    found = {m for m in modules(source) if any(m == o or m.startswith(f"{o}.") for o in OUTWARD_MODULES)}
    return found | (set(names(source)) & OUTWARD_NAMES)


def shape(source: Source) -> set[str]:
    """Short, named by a noun, opened by a line of purpose."""
    found = set()
    if not ast.get_docstring(source.tree):
        found.add("opens without saying what lives there")
    if FORBIDDEN_NAMES & set(source.name.removesuffix(".py").split("/")):
        found.add("is named by no noun")
    if source.text.count("\n") > FILE_LINES_MAX:
        found.add(f"has more than {FILE_LINES_MAX} lines")
    functions = (n for n in ast.walk(source.tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)))
    return found | {f"{f.name} is too long" for f in functions if (f.end_lineno or 0) - f.lineno >= FUNCTION_LINES_MAX}


Check = Callable[[Source], set[str]]
CHECKS: tuple[Check, ...] = (other_rooms, libraries, other_surfaces, impure, outward, shape)
