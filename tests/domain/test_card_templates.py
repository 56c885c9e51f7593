"""Card templates: every change makes a version, nothing else does."""

from domain import card_templates
from domain.card_templates import CardTemplateCreated, CardTemplateDeleted, CardTemplateEdited, CardTemplateRestored, TemplateStep
from domain.refusals import NotFound, StateConflict
from tests.domain.conftest import Given, number

APPLY, MEASURE = TemplateStep(title="Apply 13 V"), TemplateStep(title="Measure", step_type="measurement")
CREATED = CardTemplateCreated(title="Input protection", steps=(APPLY, MEASURE))


def test_the_first_version_is_one(given: Given) -> None:
    assert given(CREATED).state.version == 1


def test_every_change_makes_the_next_version(given: Given) -> None:
    story = given(CREATED).when(card_templates.edit, CardTemplateEdited(title="Input")).then(CardTemplateEdited(title="Input"))
    assert story.state.version == 2
    story = story.when(card_templates.edit, CardTemplateEdited(system_id=number(1))).then(CardTemplateEdited(system_id=number(1)))
    assert story.state.version == 3


def test_the_steps_are_replaced_as_a_list(given: Given) -> None:
    story = given(CREATED).when(card_templates.edit, CardTemplateEdited(steps=(MEASURE,))).then(CardTemplateEdited(steps=(MEASURE,)))
    assert story.state.steps == (MEASURE,)
    given(CREATED).when(card_templates.edit, CardTemplateEdited(steps=(MEASURE, APPLY))).then(CardTemplateEdited(steps=(MEASURE, APPLY)))


def test_no_change_no_version(given: Given) -> None:
    wanted = CardTemplateEdited(title="Input protection", description="", steps=(TemplateStep(title="Apply 13 V"), MEASURE))
    assert given(CREATED).when(card_templates.edit, wanted).nothing().state.version == 1


def test_deleting_and_restoring_keep_the_version(given: Given) -> None:
    story = given(CREATED, CardTemplateEdited(title="Input")).when(card_templates.delete).then(CardTemplateDeleted())
    story.when(card_templates.delete).refused(NotFound, says="No such card template.")
    restored = story.when(card_templates.restore).then(CardTemplateRestored()).state
    assert restored == given(CREATED, CardTemplateEdited(title="Input")).state
    assert restored.version == 2


def test_a_live_template_cannot_be_restored(given: Given) -> None:
    given(CREATED).when(card_templates.restore).refused(StateConflict, says="The card template is not deleted.")
