"""Findings are told with the step during which they happened, and a step's limit holds while the step is carried out."""

from datetime import timedelta
from uuid import UUID

from msgspec.structs import replace

from domain.reports import Scope
from tests.workers.analysis import samples
from workers.analysis import correlation, verdict
from workers.analysis.findings import FindingKind, Limit, Severity


def breach(start, end, source='step 1.2 "Undervoltage ramp"', **changed):
    limit = Limit(unit="V", low=10.5, source=source, text="x")
    return replace(samples.found(FindingKind.LIMIT_EXCURSION, Severity.BREACH, "u", "V", start, end, 9, "low", limit), **changed)


def cite(*findings, about=None):
    return correlation.cited(about or samples.subject(), [replace(samples.log_analysis(), findings=findings)])


def test_a_finding_names_the_steps_during_which_it_happened():
    assert cite(breach(130, 140))[0].step_ids == (UUID(int=12),)
    assert cite(breach(100, 130))[0].step_ids == (UUID(int=11), UUID(int=12))
    assert cite(breach(262, 268, source="run"))[0].step_ids == ()


def test_a_finding_without_calendar_time_belongs_to_the_step_of_its_file():
    run = samples.run_document()
    run["test_data"][0]["associations"] = [{"test_card_id": str(UUID(int=10)), "test_step_id": str(UUID(int=13))}]
    timeless = breach(130, 140, start_at=None, end_at=None)
    [cited] = cite(timeless, about=samples.subject(run=run))
    assert (cited.step_ids, cited.by_time, cited.outside) == ((UUID(int=13),), False, False)
    assert cite(breach(130, 140), about=samples.subject(run=run))[0].by_time


def test_a_steps_limit_is_not_broken_while_another_step_is_carried_out():
    [outside] = cite(breach(300, 310))
    assert (outside.finding.severity, outside.outside) == (Severity.NOTE, True)
    [inside] = cite(breach(250, 310))
    assert (inside.finding.severity, inside.outside) == (Severity.BREACH, False)
    [untimed] = cite(breach(300, 310, source='step 2.4 "Document photographs"'))
    assert untimed.finding.severity is Severity.BREACH
    [of_the_card] = cite(breach(300, 310, source='card 1 "Input protection"'))
    assert of_the_card.finding.severity is Severity.BREACH


def test_the_worst_findings_come_first_then_those_that_happened_first():
    noted = samples.found(FindingKind.SPIKE, Severity.ANOMALY, "u", "V", 1, 2, 3, "early")
    late, early = breach(150, 151), breach(130, 131)
    assert [c.finding for c in cite(noted, early, late)] == [early, late, noted]


def test_only_the_part_in_scope_is_looked_at():
    card = samples.subject(scope="card", card_id=str(UUID(int=20)))
    assert [s.number for s in card.steps()] == ["2.1", "2.2", "2.3", "2.4"]
    step = samples.subject(scope="step", card_id=str(UUID(int=20)), step_id=str(UUID(int=22)))
    assert (step.scope, [s.number for s in step.steps()]) == (Scope.STEP, ["2.2"])
    assert cite(breach(130, 140), about=card)[0].step_ids == ()


def test_a_step_recorded_as_good_is_contradicted_by_a_limit_broken_during_it():
    log = samples.log_analysis()
    broken = breach(290, 300, source="run")
    analysis = samples.analysis(files=(replace(log, findings=(broken,)),))
    assert [(c.step.number, c.findings) for c in verdict.contradictions(analysis)] == [("1.3", [1])]


def test_the_moment_at_which_a_step_ends_belongs_to_it():
    start = samples.START + timedelta(seconds=260)
    assert [s.step_id for s in correlation.during(correlation.timed(samples.subject().steps()), start, start)] == [UUID(int=12)]


def test_a_finding_names_a_few_steps_and_counts_the_others():
    run = samples.run_document()
    run["test_cards"][0]["test_steps"] = [samples.step(100 + n, "s", start=1, end=500) for n in range(50)]
    [cited] = cite(breach(130, 140), about=samples.subject(run=run, scope="card", card_id=str(UUID(int=10))))
    assert (len(cited.step_ids), cited.more_steps) == (20, 30)
