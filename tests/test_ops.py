"""What ops/ gives to Prometheus and Grafana fits what /metrics tells."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.api.making import campaign
from tests.conftest import World

OPS = Path(__file__).parent.parent / "ops"
RULES = [rule for group in yaml.safe_load((OPS / "prometheus-alerts.yaml").read_text())["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((OPS / "grafana-dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
DRAWN = [target["expr"] for panel in PANELS for target in panel["targets"]]
OF_PROMETHEUS = {"up"}
WORD = re.compile(r"[a-zA-Z_]\w*")
SPEECH = {
    "and", "by", "deriv", "histogram_quantile", "max", "min_over_time", "on", "rate", "sum", "topk", "unless",
    "le", "status", "method", "route", "follower", "state", "instance",
}  # fmt: skip


def metrics(expr: str) -> set[str]:
    """The metrics that a query names; whatever is no word of the language and no label is one."""
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[\w+\]', " ", expr)
    return set(WORD.findall(bare)) - SPEECH


async def told(world: World) -> dict[str, set[str]]:
    """Every metric of the application after some work, and the labels that its samples bear."""
    await campaign(world)
    text = (await world.http.get("/metrics")).text
    known = {name: set[str]() for name in re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE)}
    for name, labels in re.findall(r"^([a-z_]+)(?:\{(.*)\})? ", text, re.MULTILINE):
        known.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    return known


async def test_every_metric_of_an_alert_or_a_panel_is_told(world: World) -> None:
    known = await told(world)
    asked = {metric for expr in [*DRAWN, *(rule["expr"] for rule in RULES)] for metric in metrics(expr)}
    assert asked - known.keys() == OF_PROMETHEUS
    assert len(asked) > 20


async def test_every_metric_of_ours_is_drawn(world: World) -> None:
    drawn = {re.sub(r"_(bucket|sum|count)$", "", metric) for expr in DRAWN for metric in metrics(expr)}
    ours = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in await told(world) if name.startswith("runledger_")}
    assert ours - {"runledger_http_requests"} == drawn - {metric for metric in drawn if not metric.startswith("runledger_")}


async def test_what_is_grouped_or_chosen_by_is_a_label(world: World) -> None:
    labels = set().union(*(await told(world)).values()) | {"job", "instance", "follower"}  # no follower is at work in this test
    for expr in [*DRAWN, *(rule["expr"] for rule in RULES)]:
        grouped = {name for group in re.findall(r"(?:by|on) \(([^)]*)\)", expr) for name in WORD.findall(group)}
        chosen = {name for choice in re.findall(r"\{([^}]*)\}", expr) for name in re.findall(r"(\w+)=", choice)}
        assert grouped | chosen <= labels, expr


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_is_wrong_what_to_do_and_whom_it_wakes(rule: dict[str, Any]) -> None:
    assert rule.keys() == {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"Runledger[A-Z]\w+", rule["alert"])
    assert re.fullmatch(r"[1-9]\d*[mh]", rule["for"])
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"].keys() == {"summary", "description"}
    balanced(rule["expr"])


def test_every_query_of_the_dashboard_is_whole_and_follows_the_chosen_job() -> None:
    for expr in DRAWN:
        balanced(expr)
        assert expr.count("{") == expr.count('{job=~"$job"'), expr


def balanced(expr: str) -> None:
    open_ones: list[str] = []
    for sign in re.sub(r'"[^"]*"', "", expr):
        if sign in "([{":
            open_ones.append({"(": ")", "[": "]", "{": "}"}[sign])
        elif sign in ")]}":
            assert open_ones.pop() == sign, expr
    assert not open_ones, expr


def test_names_and_places_are_taken_once() -> None:
    assert len({rule["alert"] for rule in RULES}) == len(RULES) > 10
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    cells = [
        (x, y)
        for p in DASHBOARD["panels"]
        for at in [p["gridPos"]]
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
