"""The FastAPI twin: SQLAlchemy's async ORM over asyncpg, an audit row for every change of a step."""

import hashlib
import os
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Header, HTTPException, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, func, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload
from sqlalchemy.types import DateTime

COUNTS = {"todo": "n_todo", "passed": "n_passed", "failed": "n_failed"}
KEPT_S = 2.0  # a token is looked up anew after that, as in Runledger

Id = Annotated[uuid.UUID, mapped_column(primary_key=True, default=uuid.uuid4)]


class Base(DeclarativeBase):
    type_annotation_map = {datetime: DateTime(timezone=True), dict[str, Any]: JSONB}


class Run(Base):
    __tablename__ = "runs"
    id: Mapped[Id]
    number: Mapped[int] = mapped_column(unique=True)
    title: Mapped[str]
    description: Mapped[str]
    system_id: Mapped[uuid.UUID] = mapped_column(index=True)
    is_open: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(index=True)
    updated_at: Mapped[datetime]
    n_todo: Mapped[int]
    n_passed: Mapped[int]
    n_failed: Mapped[int]
    cards: Mapped[list["Card"]] = relationship(order_by="Card.position")


class Card(Base):
    __tablename__ = "cards"
    id: Mapped[Id]
    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("runs.id"), index=True)
    title: Mapped[str]
    description: Mapped[str]
    position: Mapped[int]
    steps: Mapped[list["Step"]] = relationship(order_by="Step.position")


class Step(Base):
    __tablename__ = "steps"
    id: Mapped[Id]
    card_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("cards.id"), index=True)
    title: Mapped[str]
    description: Mapped[str]
    step_type: Mapped[str]
    position: Mapped[int]
    status: Mapped[str]
    exception: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int]


class AuditEntry(Base):
    __tablename__ = "audit_entries"
    id: Mapped[int] = mapped_column(primary_key=True)
    object_id: Mapped[uuid.UUID] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(index=True)
    changes: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column(index=True)


class Token(Base):
    __tablename__ = "tokens"
    digest: Mapped[bytes] = mapped_column(primary_key=True)
    owner: Mapped[str]


class Outcome(BaseModel):
    execution_status: Literal["todo", "passed", "failed"]
    exception: str | None = None


class _Row(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class StepOut(_Row):
    id: uuid.UUID
    title: str
    description: str
    step_type: str
    position: int
    status: str
    exception: str | None
    created_at: datetime
    updated_at: datetime
    version: int


class CardOut(_Row):
    id: uuid.UUID
    title: str
    description: str
    position: int
    steps: list[StepOut]


class RunOut(_Row):
    id: uuid.UUID
    number: int
    title: str
    description: str
    system_id: uuid.UUID
    created_at: datetime
    updated_at: datetime
    n_todo: int
    n_passed: int
    n_failed: int


class RunDetailOut(RunOut):
    cards: list[CardOut]


class PageOut(BaseModel):
    count: int
    results: list[RunOut]


engine = create_async_engine(
    "postgresql+asyncpg://",  # asyncpg reads PGHOST and the others itself
    pool_size=16,
    max_overflow=0,
    connect_args={"server_settings": {"search_path": os.environ["TWIN_SCHEMA"], "jit": "off"}},
)
sessions = async_sessionmaker(engine, expire_on_commit=False)


@asynccontextmanager
async def made(_: FastAPI) -> AsyncIterator[None]:
    """Tables and the token that the benchmark calls with."""
    async with engine.begin() as conn:
        await conn.run_sync(Base.metadata.create_all)
    async with sessions.begin() as session:
        await session.merge(Token(digest=_digest(os.environ["TWIN_TOKEN"]), owner="bench"))
    yield
    await engine.dispose()


app = FastAPI(lifespan=made, openapi_url=None)
_known: dict[bytes, tuple[float, str]] = {}


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def session_of_request() -> AsyncIterator[AsyncSession]:
    async with sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(session_of_request)]


async def owner(session: Session, authorization: Annotated[str, Header()] = "") -> str:
    digest = _digest(authorization.removeprefix("Bearer "))
    until, name = _known.get(digest, (0.0, ""))
    if until < time.monotonic():
        found = await session.scalar(select(Token.owner).where(Token.digest == digest))
        await session.rollback()  # the handler begins its own transaction
        if found is None:
            raise HTTPException(401)
        name = found
        _known[digest] = time.monotonic() + KEPT_S, name
    return name


Owner = Annotated[str, Depends(owner)]


@app.patch("/api/v1/test-runs/{run_id}/cards/{card_id}/steps/{step_id}")
async def record(session: Session, actor: Owner, run_id: uuid.UUID, card_id: uuid.UUID, step_id: uuid.UUID, wanted: Outcome) -> StepOut:
    """The run's row is locked first, so that outcomes of one run follow each other and its counts stay right."""
    async with session.begin():
        run = await session.scalar(select(Run).where(Run.id == run_id).with_for_update())
        if run is None:
            raise HTTPException(404)
        if not run.is_open:
            raise HTTPException(409, "The test run is closed for changes.")
        where = select(Step).join(Card, Card.id == Step.card_id).where(Step.id == step_id, Card.id == card_id, Card.run_id == run_id)
        step = await session.scalar(where.with_for_update(of=Step))
        if step is None:
            raise HTTPException(404)
        now, before = datetime.now(UTC), step.status
        changes = {"status": [before, wanted.execution_status], "exception": [step.exception, wanted.exception]}
        step.status, step.exception, step.updated_at, step.version = wanted.execution_status, wanted.exception, now, step.version + 1
        session.add(AuditEntry(object_id=step_id, actor=actor, changes=changes, at=now))
        counts: dict[str, Any] = {}
        if before != step.status:
            counts = {COUNTS[before]: getattr(Run, COUNTS[before]) - 1, COUNTS[step.status]: getattr(Run, COUNTS[step.status]) + 1}
        await session.execute(
            update(Run).where(Run.id == run_id).values(updated_at=now, **counts), execution_options={"synchronize_session": False}
        )
    return StepOut.model_validate(step)


@app.get("/api/v1/test-runs/{run_id}")
async def detail(session: Session, actor: Owner, run_id: uuid.UUID) -> RunDetailOut:  # noqa: ARG001 - whoever has a token may read
    run = await session.scalar(select(Run).where(Run.id == run_id).options(selectinload(Run.cards).selectinload(Card.steps)))
    if run is None:
        raise HTTPException(404)
    return RunDetailOut.model_validate(run)


@app.get("/api/v1/test-runs")
async def page(session: Session, actor: Owner, limit: Annotated[int, Query(le=200)] = 50, offset: int = 0) -> PageOut:  # noqa: ARG001
    count = await session.scalar(select(func.count()).select_from(Run)) or 0
    runs = await session.scalars(select(Run).order_by(Run.created_at.desc()).limit(limit).offset(offset))
    return PageOut(count=count, results=[RunOut.model_validate(run) for run in runs])
