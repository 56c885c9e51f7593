"""What the demo tells: an acceptance campaign for a 12 V motor controller and its neighbours in the vehicle. Only data."""

from datetime import date
from typing import NamedTuple

FIRST_DAY = date(2026, 4, 13)


class Person(NamedTuple):
    email: str
    role: str


class Step(NamedTuple):
    """`failure`: what is seen when it fails. `exception`: why it may pass although not all was as asked."""

    title: str
    description: str = ""
    step_type: str = "passfail"
    failure: str = ""
    exception: str = ""


class Card(NamedTuple):
    title: str
    description: str
    steps: tuple[Step, ...]


class Asset(NamedTuple):
    name: str
    serial_number: str
    part_number: str
    revision: str


class Issue(NamedTuple):
    title: str
    text: str
    priority: str
    owner: str
    resolution: str


PEOPLE = {
    "maya": Person("maya.lindqvist@example.com", "engineer"),
    "jonas": Person("jonas.weber@example.com", "engineer"),
    "aiko": Person("aiko.tanaka@example.com", "operator"),
    "tomas": Person("tomas.rivera@example.com", "operator"),
}

SYSTEMS = {
    "motor": ("Motor Controller MC-12", "12 V, 400 W controller for brushless motors, with CAN."),
    "pdu": ("Power Distribution Unit PDU-8", "Eight switched and fused 12 V outputs."),
    "pump": ("Coolant Pump Drive CP-3", "Pump motor and controller in one sealed housing."),
}

ASSETS = {
    "motor": (
        Asset("MC-12 prototype 1", "MC12-0001", "730-0120", "B"),
        Asset("MC-12 prototype 2", "MC12-0002", "730-0120", "B"),
        Asset("MC-12 pilot 1", "MC12-0101", "730-0120", "C"),
        Asset("Dynamometer bench 2", "DYN-22017", "900-0044", "A"),
    ),
    "pdu": (
        Asset("PDU-8 prototype 1", "PDU8-0003", "731-0080", "A"),
        Asset("PDU-8 pilot 1", "PDU8-0104", "731-0080", "B"),
        Asset("Programmable supply 60 V 50 A", "PSU-11873", "900-0012", "A"),
        Asset("Electronic load 600 W", "ELD-30455", "900-0013", "A"),
    ),
    "pump": (
        Asset("CP-3 prototype 1", "CP3-0001", "732-0030", "A"),
        Asset("CP-3 prototype 2", "CP3-0002", "732-0030", "A"),
        Asset("Climate chamber 4", "CLC-40021", "900-0031", "A"),
        Asset("Coolant loop rig", "RIG-00007", "900-0050", "D"),
    ),
}

CARDS = {
    "selftest": Card(
        "Power-on self test",
        "The unit starts, reports itself and draws the current it should.",
        (
            Step("Set bench supply to 12.0V, limit 2A", "Supply calibrated within the last 12 months", "checklist"),
            Step("Switch on and read the boot message", "Firmware version and serial number as on the label"),
            Step(
                "Measure idle current",
                "40mA to 60mA after 5s",
                "measurement",
                exception="63mA. The debug board draws 5mA and is removed in series units.",
            ),
        ),
    ),
    "overvoltage": Card(
        "Overvoltage protection",
        "Apply 13V to input, verify shutdown within 100ms.",
        (
            Step("Apply 13V to input rail", "Step from 12.0V to 13.0V, rise below 1ms"),
            Step(
                "Verify shutdown within 100ms after overvoltage event",
                "Scope on output and input, trigger at 12.8V",
                failure="Output still on 143ms after the step. Repeated three times: 143ms, 141ms, 147ms.",
                exception="98.7ms, inside the limit but with less than the wanted 5ms of margin.",
            ),
            Step("Return input to 12V and verify restart", "Restart within 500ms, fault code stored once"),
        ),
    ),
    "undervoltage": Card(
        "Undervoltage protection",
        "Brown-out on the input must not leave the output half on.",
        (
            Step("Ramp input down from 12V to 8.5V in 10s"),
            Step(
                "Verify shutdown within 100ms after undervoltage event",
                "Threshold 9.0V ± 0.2V",
                failure="Threshold measured at 8.6V. The output flickers between 8.6V and 8.8V.",
            ),
            Step("Ramp input up and verify restart at 10V", "Hysteresis at least 0.8V"),
        ),
    ),
    "overcurrent": Card(
        "Overcurrent and short circuit",
        "The output protects itself and the wiring.",
        (
            Step("Load output with 45A for 1s", "Warning within 200ms, no shutdown"),
            Step(
                "Short the output for 100ms",
                "Shutdown within 50µs, peak below 180A",
                failure="Peak current 212A, fuse intact. Gate driver desaturation reacts too late.",
            ),
            Step("Verify recovery after the short", "No stored fault after one clear command"),
        ),
    ),
    "thermal": Card(
        "Thermal derating",
        "Full load in the climate chamber.",
        (
            Step("Soak at 85°C for 60min", "Unit off, probe on the heat sink", "information"),
            Step(
                "Run at full load and log the heat sink",
                "Derating starts at 105°C ± 3°C",
                "measurement",
                failure="Derating started at 97°C; torque fell by 18% before the limit.",
                exception="Derating started at 101.8°C. Probe 2 came loose, probe 1 counts.",
            ),
            Step("Verify full power after cooling to 80°C"),
        ),
    ),
    "speed": Card(
        "Speed control",
        "Closed loop on the dynamometer.",
        (
            Step("Step from 500rpm to 3000rpm", "Settled within 400ms, overshoot below 5%"),
            Step("Hold 3000rpm under 1.2Nm for 10min", "Deviation below 1%", "measurement"),
            Step("Reverse at 1500rpm", "No overcurrent warning, regeneration below 14V on the rail"),
        ),
    ),
    "can": Card(
        "CAN communication",
        "Status, commands and behaviour when the bus goes away.",
        (
            Step("Read status frame at 100Hz for 60s", "No frame lost"),
            Step(
                "Unplug CAN and verify safe stop",
                "Torque off within 250ms",
                failure="Torque off after 1.9s. The time-out restarts with every error frame.",
            ),
            Step("Plug CAN in and verify reconnection", "Status frame within 1s, error counter cleared"),
        ),
    ),
    "seal": Card(
        "Leak and pressure",
        "Housing and hoses at 2.5 bar.",
        (
            Step("Pressurise to 2.5 bar and wait 10min", "Pressure loss below 50 mbar", "measurement"),
            Step("Inspect seams and connector", "No coolant visible under UV light", "checklist"),
        ),
    ),
}

ISSUES = {
    "overvoltage": Issue(
        "Overvoltage shutdown takes 143ms instead of 100ms",
        "The comparator's filter adds about 45ms. Seen on revision B with firmware 2.3.0.",
        "high",
        "Maya Lindqvist",
        "Filter changed from 47nF to 10nF and firmware 2.4.1. Retested: 61ms.",
    ),
    "undervoltage": Issue(
        "Output flickers near the undervoltage threshold", "Hysteresis is 0.2V where 0.8V is asked for.", "high", "Jonas Weber", ""
    ),
    "overcurrent": Issue(
        "Peak current of 212A at a shorted output", "Desaturation blanking time is 8µs; 3µs is enough.", "high", "Jonas Weber", ""
    ),
    "thermal": Issue(
        "Derating starts 8°C too early", "The sensor sits next to the shunt and reads too hot.", "medium", "Maya Lindqvist", ""
    ),
    "can": Issue(
        "Safe stop after CAN loss takes 1.9s",
        "The time-out must not restart with error frames.",
        "high",
        "Jonas Weber",
        "Time-out counts from the last valid frame since firmware 2.4.1. Retested: 212ms.",
    ),
}
