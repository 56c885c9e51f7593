"""The deployment's settings, read once from RUNLEDGER_* environment variables."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict

from domain import s3_urls
from domain.tokens import Role
from infra.logs import FORMS, LEVELS

NO_UPLOADS = "off"
OIDC_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


class SettingsError(ValueError):
    """A setting has a value that cannot be used; the text names the variable."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Addresses are None where the embedded server is to be started instead."""

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 8000
    database_url: str | None = None
    owner_url: str | None = None
    schema: str = "runledger"
    redis_url: str | None = None
    s3_endpoint: str | None = None
    s3_public_endpoint: str | None = None
    s3_access_key: str | None = None
    s3_secret_key: str | None = None
    s3_region: str = "us-east-1"
    s3_buckets: tuple[str, ...] = ("runledger",)
    upload_bucket: str | None = None
    admin_token: str | None = None
    step_types: tuple[str, ...] = ("passfail", "checklist", "measurement", "information")
    cards_per_run_max: int = 1_000
    steps_per_card_max: int = 2_000
    steps_per_run_max: int = 20_000
    files_per_run_max: int = 5_000
    require_if_match: bool = False
    rate_capacity: int = 600
    rate_per_s: int = 10
    pool_max: int = 8
    searches_max: int = 3
    checkpoint_events: int = 10_000
    checkpoint_minutes: int = 5
    report_lease_s: int = 15
    report_minutes_max: int = 15
    analysis_s_max: int = 240
    analysis_mb_max: int = 1_024
    llm_url: str | None = None
    llm_model: str | None = None
    llm_key: str | None = None
    llm_s_max: int = 60
    llm_tokens_max: int = 16_000
    search_meaning: bool = True
    embeddings_url: str | None = None
    embeddings_model: str | None = None
    embeddings_key: str | None = None
    oidc_issuer: str | None = None
    oidc_audience: str | None = None
    oidc_algorithms: tuple[str, ...] = ("RS256", "ES256")
    oidc_roles: tuple[tuple[str, Role], ...] = ()
    oidc_role_claim: str = "roles"
    oidc_email_claim: str = "email"
    oidc_systems_claim: str | None = None
    grace_s: int = 25
    metrics_need_token: bool = False
    log: str = "text"
    log_level: str = "warning"

    @property
    def is_complete(self) -> bool:
        """Whether every server has an address, so that none is to be started."""
        return None not in (self.database_url, self.redis_url, self.s3_endpoint)

    @property
    def bucket_names(self) -> tuple[str, ...]:
        """The buckets of the allow-list without the prefixes, each once."""
        return tuple(dict.fromkeys(s3_urls.split(entry)[0] for entry in self.s3_buckets))

    @property
    def upload_entry(self) -> str | None:
        """The entry of the allow-list that clients' uploads go to, the first one unless told; None: there are no uploads."""
        return None if self.upload_bucket == NO_UPLOADS else self.upload_bucket or next(iter(self.s3_buckets), None)

    def addresses(self) -> dict[str, str]:
        """The servers' addresses and keys as environment variables, for programs beside this one."""
        values = {_TEXTS[field]: getattr(self, field) for field in _ADDRESSES}
        return {name: value for name, value in values.items() if value} | {"RUNLEDGER_S3_BUCKETS": ",".join(self.s3_buckets)}

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        """Reads the settings; a bad value raises `SettingsError`."""
        given = {name: value for name, value in env.items() if value != ""}
        text = {field: given[variable] for field, variable in _TEXTS.items() if variable in given}
        _check(given, text)
        return cls(
            data_dir=Path(given.get("RUNLEDGER_DATA_DIR", ".runledger")).absolute(),
            port=_integer(given, "PORT" if "PORT" in given else "RUNLEDGER_PORT", 8000, 0, 65_535),
            s3_buckets=_buckets(given),
            step_types=_names(given, "RUNLEDGER_STEP_TYPES", ("passfail", "checklist", "measurement", "information")),
            cards_per_run_max=_integer(given, "RUNLEDGER_CARDS_PER_RUN_MAX", 1_000, 1, 100_000),
            steps_per_card_max=_integer(given, "RUNLEDGER_STEPS_PER_CARD_MAX", 2_000, 1, 100_000),
            steps_per_run_max=_integer(given, "RUNLEDGER_STEPS_PER_RUN_MAX", 20_000, 1, 1_000_000),
            files_per_run_max=_integer(given, "RUNLEDGER_FILES_PER_RUN_MAX", 5_000, 1, 100_000),
            require_if_match=_boolean(given, "RUNLEDGER_REQUIRE_IF_MATCH"),
            search_meaning=_boolean(given, "RUNLEDGER_SEARCH_MEANING", "true"),
            metrics_need_token=_boolean(given, "RUNLEDGER_METRICS_NEED_TOKEN"),
            log=_choice(given, "RUNLEDGER_LOG", FORMS),
            log_level=_choice(given, "RUNLEDGER_LOG_LEVEL", LEVELS, "warning"),
            rate_capacity=_integer(given, "RUNLEDGER_RATE_CAPACITY", 600, 0, 1_000_000),
            rate_per_s=_integer(given, "RUNLEDGER_RATE_PER_S", 10, 0, 100_000),
            pool_max=_integer(given, "RUNLEDGER_POOL_MAX", 8, 2, 200),
            searches_max=_integer(given, "RUNLEDGER_SEARCHES_MAX", (os.cpu_count() or 1) + 1, 1, 200),
            checkpoint_events=_integer(given, "RUNLEDGER_CHECKPOINT_EVENTS", 10_000, 1, 100_000_000),
            checkpoint_minutes=_integer(given, "RUNLEDGER_CHECKPOINT_MINUTES", 5, 1, 10_000),
            report_lease_s=_integer(given, "RUNLEDGER_REPORT_LEASE_S", 15, 1, 600),
            report_minutes_max=_integer(given, "RUNLEDGER_REPORT_MINUTES_MAX", 15, 1, 10_000),
            analysis_s_max=_integer(given, "RUNLEDGER_ANALYSIS_S_MAX", 240, 1, 86_400),
            analysis_mb_max=_integer(given, "RUNLEDGER_ANALYSIS_MB_MAX", 1_024, 64, 1_000_000),
            llm_s_max=_integer(given, "RUNLEDGER_LLM_S_MAX", 60, 1, 600),
            llm_tokens_max=_integer(given, "RUNLEDGER_LLM_TOKENS_MAX", 16_000, 4_000, 1_000_000),
            oidc_algorithms=_algorithms(given),
            oidc_roles=_roles(given),
            grace_s=_integer(given, "RUNLEDGER_GRACE_S", 25, 0, 3_600),
            **text,
        )


_TEXTS = {
    "host": "RUNLEDGER_HOST",
    "database_url": "RUNLEDGER_DATABASE_URL",
    "owner_url": "RUNLEDGER_DATABASE_OWNER_URL",
    "schema": "RUNLEDGER_SCHEMA",
    "redis_url": "RUNLEDGER_REDIS_URL",
    "s3_endpoint": "RUNLEDGER_S3_ENDPOINT",
    "s3_public_endpoint": "RUNLEDGER_S3_PUBLIC_ENDPOINT",
    "s3_access_key": "RUNLEDGER_S3_ACCESS_KEY",
    "s3_secret_key": "RUNLEDGER_S3_SECRET_KEY",
    "s3_region": "RUNLEDGER_S3_REGION",
    "upload_bucket": "RUNLEDGER_UPLOAD_BUCKET",
    "admin_token": "RUNLEDGER_ADMIN_TOKEN",
    "llm_url": "RUNLEDGER_LLM_URL",
    "llm_model": "RUNLEDGER_LLM_MODEL",
    "llm_key": "RUNLEDGER_LLM_KEY",
    "embeddings_url": "RUNLEDGER_EMBEDDINGS_URL",
    "embeddings_model": "RUNLEDGER_EMBEDDINGS_MODEL",
    "embeddings_key": "RUNLEDGER_EMBEDDINGS_KEY",
    "oidc_issuer": "RUNLEDGER_OIDC_ISSUER",
    "oidc_audience": "RUNLEDGER_OIDC_AUDIENCE",
    "oidc_role_claim": "RUNLEDGER_OIDC_ROLE_CLAIM",
    "oidc_email_claim": "RUNLEDGER_OIDC_EMAIL_CLAIM",
    "oidc_systems_claim": "RUNLEDGER_OIDC_SYSTEMS_CLAIM",
}


def _check(env: Mapping[str, str], text: Mapping[str, str]) -> None:
    if not re.fullmatch("[a-z_][a-z0-9_]{0,40}", text.get("schema", "runledger")):
        raise SettingsError("RUNLEDGER_SCHEMA must be a lower-case SQL name of at most 41 characters")
    _check_addresses(env)
    _check_model(text, "llm")
    _check_model(text, "embeddings")
    _check_issuer(env)


def _check_addresses(env: Mapping[str, str]) -> None:
    """The text never shows an address: it may hold a password."""
    for name in ("RUNLEDGER_DATABASE_URL", "RUNLEDGER_DATABASE_OWNER_URL"):
        try:
            conninfo_to_dict(env.get(name, ""))
        except psycopg.ProgrammingError:
            raise SettingsError(f"{name} must look like postgresql://user:password@host:5432/database") from None


def _check_model(text: Mapping[str, str], kind: str) -> None:
    """The address holds no secret, so that it may be shown and logged: the key has a setting of its own."""
    url, model, key = f"{kind}_url", f"{kind}_model", f"{kind}_key"
    if not re.fullmatch(r"https?://([\w.-]+|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?(/[^\s?#]*)?", text.get(url, "http://unset")):
        raise SettingsError(f"{_TEXTS[url]} must look like https://models.example.com/v1, without a user or a query")
    if (url in text) != (model in text):
        raise SettingsError(f"{_TEXTS[url]} and {_TEXTS[model]} must be set together")
    if not re.fullmatch("[!-~]+", text.get(key, "unset")):
        raise SettingsError(f"{_TEXTS[key]} must be printable ASCII without blanks")


def _check_issuer(env: Mapping[str, str]) -> None:
    """Plain http only on the machine itself: whoever could change the keys on their way could be anyone here."""
    name = "RUNLEDGER_OIDC_ISSUER"
    host = r"https://[\w.-]+|http://(localhost|127\.0\.0\.1|\[::1\])"
    if not re.fullmatch(rf"({host})(:[0-9]{{1,5}})?(/[^\s?#]*)?", env.get(name, "https://unset")):
        raise SettingsError(f"{name} must look like https://login.example.com/realm, without a user or a query")
    together = (name, "RUNLEDGER_OIDC_AUDIENCE", "RUNLEDGER_OIDC_ROLES")
    if len({each in env for each in together}) > 1:
        raise SettingsError(f"{', '.join(together)} must be set together")


def _algorithms(env: Mapping[str, str]) -> tuple[str, ...]:
    """None that works with a secret: the issuer's keys are public."""
    found = _names(env, "RUNLEDGER_OIDC_ALGORITHMS", ("RS256", "ES256"))
    if not found or not set(found) <= set(OIDC_ALGORITHMS):
        raise SettingsError(f"RUNLEDGER_OIDC_ALGORITHMS must name some of {', '.join(OIDC_ALGORITHMS)}")
    return found


def _roles(env: Mapping[str, str]) -> tuple[tuple[str, Role], ...]:
    pairs = [entry.rpartition("=") for entry in _names(env, "RUNLEDGER_OIDC_ROLES", ())]
    known = {role.value for role in Role}
    if any(not value.strip() or role.strip() not in known for value, _, role in pairs):
        raise SettingsError(f"RUNLEDGER_OIDC_ROLES must look like testers=operator,leads=engineer, with roles of {', '.join(Role)}")
    return tuple((value.strip(), Role(role.strip())) for value, _, role in pairs)


_ADDRESSES = ("database_url", "owner_url", "redis_url", "s3_endpoint", "s3_access_key", "s3_secret_key", "s3_region")


def _integer(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = env.get(name, str(default))
    if not re.fullmatch("[0-9]{1,9}", text) or not low <= int(text) <= high:
        raise SettingsError(f"{name} must be a whole number from {low} to {high}, not {text!r}")
    return int(text)


def _boolean(env: Mapping[str, str], name: str, default: str = "false") -> bool:
    text = env.get(name, default).lower()
    if text not in ("true", "false", "1", "0"):
        raise SettingsError(f"{name} must be true or false, not {text!r}")
    return text in ("true", "1")


def _choice(env: Mapping[str, str], name: str, values: tuple[str, ...], default: str | None = None) -> str:
    text = env.get(name, default or values[0]).lower()
    if text not in values:
        raise SettingsError(f"{name} must be one of {', '.join(values)}, not {text!r}")
    return text


def _buckets(env: Mapping[str, str]) -> tuple[str, ...]:
    entries = _names(env, "RUNLEDGER_S3_BUCKETS", ("runledger",))
    for entry in entries:
        if not s3_urls.is_bucket(s3_urls.split(entry)[0]):
            raise SettingsError(f"RUNLEDGER_S3_BUCKETS must name buckets, or bucket/prefix/, and no ARN or alias: {entry!r}")
    if env.get("RUNLEDGER_UPLOAD_BUCKET", NO_UPLOADS) not in (NO_UPLOADS, *entries):
        raise SettingsError(f"RUNLEDGER_UPLOAD_BUCKET must be an entry of RUNLEDGER_S3_BUCKETS, or {NO_UPLOADS!r}")
    return entries


def _names(env: Mapping[str, str], name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    if name not in env:
        return default
    return tuple(part.strip() for part in env[name].split(",") if part.strip())
