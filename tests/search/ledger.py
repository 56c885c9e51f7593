"""The judged set as a ledger: every run, card, step, observation and report recorded through the door."""

from uuid import UUID

from commands.asking import HOST, Ask
from commands.door import Door
from commands.work import Query, Work
from domain.cards import CardAdded
from domain.facts import Kind
from domain.observations import ObservationRecorded
from domain.reports import ReportCompleted, ReportRequested, Scope
from domain.runs import RunCreated
from domain.steps import ExecutionStatus, StepAdded, StepOutcomeRecorded
from domain.systems import SystemCreated
from domain.tokens import Role
from infra.append import Member, NewRoot
from infra.database import Pool
from projections import views
from tests.search import judged


async def told(pool: Pool) -> dict[UUID, str]:
    """Records the whole set; the name of each component by its id."""
    door, names, systems = Door(pool, views.project_inline), dict[UUID, str](), dict[str, UUID]()

    async def system(work: Work) -> Query:
        systems[""] = work.new_id()
        work.begin_root(systems[""], NewRoot(Kind.SYSTEM, None, systems[""]))
        work.record(Kind.SYSTEM, systems[""], [SystemCreated(system_name="Test rig", description=None)])
        return Query(204)

    await door.perform(Ask(actor=HOST), None, Role.ADMIN, system)
    for domain in judged.DOMAINS:
        for run in judged.runs(domain):

            async def tell(work: Work, run: judged.Run = run) -> Query:
                _run(work, run, systems[""], names)
                return Query(204)

            await door.perform(Ask(actor=HOST), None, Role.ADMIN, tell)
    return names


def _run(work: Work, run: judged.Run, system_id: UUID, names: dict[UUID, str]) -> None:
    run_id, number = work.new_id(), int(run.number.removeprefix("TR-"))
    work.begin_root(run_id, NewRoot(Kind.RUN, number, system_id))
    names[run_id] = run.number
    work.record(Kind.RUN, run_id, [RunCreated(number=number, title=run.title, description=run.description, system_id=system_id)])
    for place, card in enumerate(run.cards, 1):
        card_id = work.new_id()
        names[card_id] = f"{run.number}/{place}"
        work.record(Kind.CARD, card_id, [CardAdded(title=card.title, description=card.description, order=place)])
        work.place(Member(card_id, run_id, Kind.CARD, place, live=True))
        for order, step in enumerate(card.steps, 1):
            step_id = work.new_id()
            names[step_id] = f"{run.number}/{place}.{order}"
            _step(work, card_id, step_id, step, order)
    for place, report in enumerate(run.reports, 1):
        report_id = work.new_id()
        names[report_id] = f"{run.number}/R{place}"
        requested = ReportRequested(title=report.title, scope=Scope.RUN, job_run_id=work.new_id())
        completed = ReportCompleted(attempt=1, run_version=1, summary=report.summary, content="")
        work.record(Kind.REPORT, report_id, [requested, completed])


def _step(work: Work, card_id: UUID, step_id: UUID, step: judged.Step, order: int) -> None:
    facts = [StepAdded(card_id=card_id, title=step.title, description=step.description, step_type="passfail", order=order)]
    if step.exception:
        facts.append(StepOutcomeRecorded(status=ExecutionStatus.PASSED_WITH_EXCEPTION, exception=step.exception))
    work.record(Kind.STEP, step_id, facts)
    work.place(Member(step_id, card_id, Kind.STEP, order, live=True))
    for text in step.observations:
        work.record(Kind.OBSERVATION, work.new_id(), [ObservationRecorded(step_id=step_id, text=text)])
