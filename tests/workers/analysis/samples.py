"""A motor controller's run as an analysis knows it: two cards, a log with an undervoltage, a spike and a drift."""

import math
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from domain.reports import Tool
from workers.analysis import correlation
from workers.analysis.analysis import Analysis, LocalFile
from workers.analysis.findings import ChannelSummary, FileAnalysis, Finding, FindingKind, Limit, Severity, Trace
from workers.analysis.subject import Subject

START = datetime.fromisoformat("2026-04-13T11:00:00")
LOG, PHOTO = UUID(int=901), UUID(int=902)


def step(number, title, status="passed", start=None, end=None, **more):
    at = (
        {"started_at": (START + timedelta(seconds=start)).isoformat(), "ended_at": (START + timedelta(seconds=end)).isoformat()}
        if end
        else {}
    )
    return {"uuid": str(UUID(int=number)), "title": title, "execution_status": status, **at, **more}


def run_document():
    first = [
        step(11, "Apply 12 V to input rail", start=10, end=110),
        step(12, "Undervoltage ramp", "failed", 120, 260, description="Supply voltage must not fall below 10.5 V", observations=[{"text": "Relay K3 chattered at about 10 V.", "observed_at": "2026-04-13T11:03:05.000000", "created_at": "2026-04-13T11:10:00.000000"}]),
        step(13, "Overvoltage 16 V, shutdown within 100 ms", start=270, end=330),
        step(14, "Recover to nominal", "passed_with_exception", 340, 400, exception="Re-test once: the first try timed out"),
    ]  # fmt: skip
    second = [
        step(21, "Idle temperature", "done", 410, 460),
        step(22, "Load 20 A for 60 s", start=470, end=540),
        step(23, "Thermal soak with a deliberately long title that has to wrap in any table we print", start=545, end=598),
        step(24, "Document photographs", "todo"),
    ]
    return {
        "uuid": str(UUID(int=1)),
        "test_run_id": "TR-0042",
        "title": "Motor Controller Acceptance Test",
        "description": "Rev C boards after the relay change.",
        "system_name": "Power Distribution Unit",
        "created_by": "engineer@example.com",
        "test_cards": [
            {"uuid": str(UUID(int=10)), "title": "Input protection", "description": "", "test_steps": first},
            {"uuid": str(UUID(int=20)), "title": "Thermal behaviour", "description": "", "test_steps": second},
        ],
        "test_data": [
            {"uuid": str(LOG), "file_name": "motor_controller_acceptance_rev_C_2026-04-13_log.csv", "associations": []},
            {"uuid": str(PHOTO), "file_name": "rig.jpg", "associations": []},
        ],
    }


def subject(**changed):
    return msgspec.convert({"run": run_document(), "run_version": 57, "scope": "run", **changed}, Subject)


def voltage(t):
    noise = 0.04 * math.sin(t * 1.7) + 0.03 * math.sin(t * 0.77)
    return 12 + noise - (2.6 * math.exp(-(((t - 185) / 14) ** 2))) + (6.5 if abs(t - 298) < 0.6 else 0)


def temperature(t):
    return 24 + 0.012 * max(0, t - 400) ** 1.2 + 0.2 * math.sin(t / 9)


def trace(channel, unit, of, count=600):
    times = [i * 600 / count for i in range(count)]
    values = [None if 430 < t < 436 else of(t) for t in times]
    return Trace(channel=channel, unit=unit, times=times, low=[v and v - 0.02 for v in values], high=[v and v + 0.02 for v in values])


def found(kind, severity, channel, unit, start, end, value, text, limit=None, detector="limits/1"):
    return Finding(
        kind=kind, severity=severity, file_id=LOG, detector=detector, text=text, channel=channel, unit=unit, value=value, limit=limit,
        start_s=start, end_s=end, start_at=START + timedelta(seconds=start), end_at=START + timedelta(seconds=end),
    )  # fmt: skip


def log_analysis():
    low = Limit(unit="V", low=10.5, source='step 1.2 "Undervoltage ramp"', text="must not fall below 10.5 V")
    return FileAnalysis(
        file_id=LOG,
        file_name="motor_controller_acceptance_rev_C_2026-04-13_log.csv",
        format="CSV",
        rows=60_000,
        start_s=0.0,
        end_s=599.99,
        start_at=START,
        notes=("unit row", "decimal comma"),
        channels=(
            ChannelSummary(name="supply_voltage", unit="V", count=59_400, missing=600, gaps=1, minimum=9.332, mean=11.87, maximum=18.55, std=0.4412, quantiles={"0.01": 9.61, "0.5": 12.0, "0.99": 12.06}),
            ChannelSummary(name="motor_current", unit="A", count=60_000, missing=0, gaps=0, minimum=-0.00042, mean=4.21, maximum=20.44, std=6.1, quantiles={"0.01": 0.0, "0.5": 1.2, "0.99": 20.1}),
            ChannelSummary(name="housing_temperature", unit="degC", count=59_400, missing=600, gaps=1, minimum=23.8, mean=26.1, maximum=31.24, std=2.2, quantiles={"0.01": 23.8, "0.5": 24.2, "0.99": 31.1}),
        ),
        findings=(
            found(FindingKind.LIMIT_EXCURSION, Severity.BREACH, "supply_voltage", "V", 175.2, 194.9, 9.332, "supply_voltage fell to 9.332 V, below 10.5 V, for 19.7 s.", low),
            found(FindingKind.SPIKE, Severity.ANOMALY, "supply_voltage", "V", 297.4, 298.6, 18.55, "supply_voltage jumped to 18.55 V for 1.2 s and came back.", detector="spikes/1"),
            found(FindingKind.DRIFT, Severity.ANOMALY, "housing_temperature", "degC", 400, 599.9, 31.24, "housing_temperature rose by 7.1 degC over 200 s without settling.", detector="drift/1"),
            found(FindingKind.MISSING_SAMPLES, Severity.NOTE, "supply_voltage", "V", 430, 436, None, "No samples for 6 s where there should be 600.", detector="gaps/1"),
        ),
        traces=(trace("supply_voltage", "V", voltage), trace("housing_temperature", "degC", temperature)),
    )  # fmt: skip


def photo_analysis():
    why = "image/jpeg is no format that holds channels"
    finding = Finding(kind=FindingKind.UNREADABLE_FILE, severity=Severity.NOTE, file_id=PHOTO, detector="opening/1", text=why)
    return FileAnalysis(file_id=PHOTO, file_name="rig.jpg", findings=(finding,), failure=why)


def analysis(about=None, files=None):
    about = about or subject()
    files = (log_analysis(), photo_analysis()) if files is None else files
    sources = tuple(
        LocalFile(file_id=f.file_id, file_name=f.file_name, path="/x", file_size=2_048_000, sha256="5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef", s3_version_id="3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY") for f in files
    )  # fmt: skip
    tools = (Tool("analysis", "1"), Tool("limits", "1"), Tool("spikes", "1"))
    return Analysis(subject=about, sources=sources, files=files, findings=correlation.cited(about, files), tools=tools)


def recording(path):
    """The log of the run as CSV: 20 rows a second, with an undervoltage, a spike, a drift and six seconds without samples."""
    lines = ["time,supply_voltage [V],motor_current [A],housing_temperature [degC]"]
    for row in range(12_000):
        t = row / 20
        if not 430 < t < 436:
            at = (START + timedelta(seconds=t)).isoformat(timespec="milliseconds")
            noise = 0.01 * ((row * 7919) % 13 - 6)
            spike = 6.5 if abs(t - 298) < 0.03 else 0
            undervoltage = -2.6 if 175 < t < 195 else 0
            current = (20 if 470 < t < 540 else 1.2) + noise
            warmth = 80 + 0.01 * t + noise
            lines.append(f"{at},{12 + noise + undervoltage + spike:.3f},{current:.3f},{warmth:.3f}")
    path.write_text("\n".join(lines) + "\n")
