"""The twenty runs of the demo campaign: who tested what on which day, and how it went. Only data."""

from typing import NamedTuple


class Run(NamedTuple):
    """Cards named in `failed` fail at one step, those in `excepted` pass with an exception, those in `retested` fail and pass a day later.

    `recorded` names the cards that a logger wrote a file of, `analysed` those that a report is asked for, or "run" for all of it.
    `assets` are places in the system's assets; `done` is how many of the cards were worked through (None: all).
    """

    title: str
    system: str
    day: int
    lead: str
    bench: tuple[str, ...]
    assets: tuple[int, ...]
    cards: tuple[str, ...]
    failed: tuple[str, ...] = ()
    excepted: tuple[str, ...] = ()
    retested: tuple[str, ...] = ()
    done: int | None = None
    closed: str = ""
    recorded: tuple[str, ...] = ()
    analysed: tuple[str, ...] = ()
    deleted_for_a_while: bool = False


MOTOR = ("selftest", "overvoltage", "undervoltage", "overcurrent", "thermal", "speed", "can")
POWER = ("selftest", "overvoltage", "undervoltage", "overcurrent")
RIG, CHAMBER = 3, 2

RUNS = (
    Run("Motor Controller Incoming Inspection", "motor", 0, "maya", ("aiko",), (0, 1), ("selftest",), closed="All units accepted."),
    Run("PDU Incoming Inspection", "pdu", 0, "jonas", ("tomas",), (0,), ("selftest",), closed="Accepted."),
    Run("Coolant Pump Incoming Inspection", "pump", 0, "jonas", ("aiko",), (0, 1), ("selftest", "seal"), closed="Both pumps accepted."),
    Run(
        "Motor Controller Acceptance Test",
        "motor",
        1,
        "maya",
        ("aiko", "tomas"),
        (0, RIG),
        MOTOR,
        excepted=("selftest",),
        retested=("overvoltage", "can"),
        closed="Passed after the change of the input filter and firmware 2.4.1. Accepted with one exception.",
        recorded=("undervoltage", "overcurrent", "thermal", "speed"),
        analysed=("run", "undervoltage"),
    ),
    Run(
        "Motor Controller Acceptance Test, Unit 2",
        "motor",
        2,
        "maya",
        ("tomas",),
        (1, RIG),
        MOTOR,
        failed=("thermal",),
        recorded=("thermal",),
        analysed=("thermal",),
    ),
    Run(
        "PDU Protection Test",
        "pdu",
        1,
        "jonas",
        ("tomas",),
        (0, 2, 3),
        POWER,
        failed=("overcurrent", "undervoltage"),
        recorded=("overcurrent", "undervoltage"),
        analysed=("run",),
    ),
    Run("Coolant Pump Leak Test", "pump", 1, "jonas", ("aiko",), (0, RIG), ("seal",), closed="No leak found."),
    Run("Coolant Pump Thermal Test", "pump", 2, "maya", ("aiko", "tomas"), (0, CHAMBER), ("selftest", "thermal"), excepted=("thermal",)),
    Run("Motor Controller Overvoltage Investigation", "motor", 2, "maya", ("aiko",), (0,), ("overvoltage",), failed=("overvoltage",)),
    Run("Motor Controller Speed Loop Tuning", "motor", 3, "jonas", ("tomas",), (1, RIG), ("speed",), closed="Gains frozen for revision C."),
    Run("PDU Wiring Harness Check", "pdu", 3, "jonas", ("aiko",), (0,), ("selftest", "can"), closed="Harness drawing 4 is right."),
    Run(
        "Coolant Pump Endurance, 200 h",
        "pump",
        3,
        "maya",
        ("tomas", "aiko"),
        (1, RIG),
        ("selftest", "speed", "seal"),
        done=1,
        deleted_for_a_while=True,
    ),
    Run("Motor Controller CAN Robustness", "motor", 4, "jonas", ("aiko",), (1,), ("can",), retested=("can",), closed="Passed at retest."),
    Run("PDU Protection Test, Pilot", "pdu", 7, "jonas", ("tomas", "aiko"), (1, 2, 3), POWER, excepted=("overvoltage",)),
    Run("Motor Controller Acceptance Test, Pilot 1", "motor", 7, "maya", ("aiko", "tomas"), (2, RIG), MOTOR, failed=("can",), done=7),
    Run("Coolant Pump Cold Start at -30°C", "pump", 8, "maya", ("aiko",), (0, CHAMBER), ("selftest", "speed"), done=1),
    Run("Motor Controller EMC Pre-scan", "motor", 8, "maya", ("tomas",), (2,), ("selftest", "can"), excepted=("selftest",)),
    Run("PDU Load Dump Test", "pdu", 9, "jonas", ("tomas",), (1, 2), ("selftest", "overvoltage", "overcurrent"), done=2),
    Run("Motor Controller Acceptance Test, Pilot 1, Repeat", "motor", 10, "maya", ("aiko", "tomas"), (2, RIG), MOTOR, done=3),
    Run("Motor Controller Vehicle Integration", "motor", 14, "jonas", ("aiko",), (2,), ("selftest", "speed", "can"), done=0),
)
