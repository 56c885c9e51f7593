"""The whole program under harm, once with a fixed seed; `make faults` plays rounds of it for as long as it is told."""

from tests.faults import campaign, nemesis

SEED = 20_261
GATE = (
    nemesis.kill_api,
    nemesis.cut_at_commit,
    nemesis.kill_postgres,
    nemesis.kill_sequencer,
    nemesis.busy_s3,
    nemesis.kill_rebuild,
)


async def test_nothing_is_lost_doubled_or_divergent_whatever_is_harmed() -> None:
    done = await campaign.play(SEED, GATE)
    print(campaign.table([done]))  # noqa: T201 - the counts of RELIABILITY.md
    assert done.breaches == []
    assert (done.lost, done.doubled, done.divergent) == (0, 0, 0)
    assert done.acknowledged > len(GATE)


def test_a_seed_chooses_the_same_harms_again() -> None:
    assert campaign.chosen(7) == campaign.chosen(7) != campaign.chosen(8)
