"""A file is held against the limits of its own steps and cards, or against all in scope."""

from uuid import UUID

from tests.workers.analysis import samples
from workers.analysis import scoped_limits

LOG = samples.LOG


def run(*associations):
    document = samples.run_document()
    document["description"] = "Supply voltage shall not exceed 18 V."
    document["test_cards"][0]["description"] = "Supply voltage must stay above 9 V."
    document["test_cards"][1]["description"] = "Housing temperature must stay below 60 degC."
    document["test_data"][0]["associations"] = [
        {"test_card_id": str(UUID(int=card)), "test_step_id": step and str(UUID(int=step))} for card, step in associations
    ]
    return document


def sources(subject):
    return {limit.source for limit in scoped_limits.of_file(subject, LOG)}


def test_a_file_of_its_own_is_held_against_all_in_scope():
    assert sources(samples.subject(run=run(), analysis_context="Motor current shall stay below 25 A.")) >= {
        "run",
        'card 1 "Input protection"',
        'step 1.2 "Undervoltage ramp"',
        'card 2 "Thermal behaviour"',
        "analysis context",
    }
    assert 'card 1 "Input protection"' not in sources(samples.subject(run=run(), scope="card", card_id=str(UUID(int=20))))


def test_a_steps_file_keeps_the_limits_of_the_step_and_its_card():
    of_the_second = sources(samples.subject(run=run((10, 12))))
    assert of_the_second == {'card 1 "Input protection"', 'step 1.2 "Undervoltage ramp"'}
    assert sources(samples.subject(run=run((10, 11)))) == {'card 1 "Input protection"'}


def test_a_cards_file_keeps_the_limits_of_all_its_steps():
    assert {'card 1 "Input protection"', 'step 1.2 "Undervoltage ramp"'} <= sources(samples.subject(run=run((10, None))))
    assert sources(samples.subject(run=run((20, None)))) == {'card 2 "Thermal behaviour"'}


def test_what_the_context_says_holds_for_every_file():
    subject = samples.subject(run=run((20, None)), analysis_context="Motor current shall stay below 25 A.")
    assert "analysis context" in sources(subject)
