"""What stands at the head of a report's page: what it is about, and who asked for it when."""

from typing import Any

import msgspec


class IssueShown(msgspec.Struct):
    title: str
    status: str
    priority: str


class ManifestShown(msgspec.Struct):
    run_version: int


class ReportShown(msgspec.Struct):
    """The members of a report's document that a page shows."""

    uuid: str
    title: str
    scope: str
    status: str
    content: str
    created_by: str
    created_at: str
    completed_at: str | None = None
    failure_reason: str | None = None
    manifest: ManifestShown | None = None
    issues: list[IssueShown] = []


class RunShown(msgspec.Struct):
    """The members of a run's document that a page shows."""

    test_run_id: str
    title: str
    system_name: str


class Front(msgspec.Struct):
    """`facts` are names with their values, in the order of showing."""

    report: ReportShown
    run: RunShown
    facts: list[tuple[str, str]]
    notice: str


def front(report: dict[str, Any], run: dict[str, Any]) -> Front:
    """Of the documents of a report and its run, as the API answers them."""
    shown, of = msgspec.convert(report, ReportShown), msgspec.convert(run, RunShown)
    version = f", version {shown.manifest.run_version}" if shown.manifest else ""
    facts = [
        ("Test run", f"{of.test_run_id} {of.title}{version}"),
        ("System", of.system_name),
        ("Scope", shown.scope),
        ("Status", shown.status),
        ("Requested", f"{shown.created_by}, {_moment(shown.created_at)}"),
    ]
    if shown.completed_at:
        facts.append(("Completed", _moment(shown.completed_at)))
    facts += [("Issue", f"{issue.title} ({issue.status.replace('_', ' ')}, priority {issue.priority})") for issue in shown.issues]
    return Front(shown, of, facts, _notice(shown))


def _moment(stamp: str) -> str:
    """Seconds are enough here: `2026-04-13 11:05:00 UTC`."""
    return f"{stamp[:19].replace('T', ' ')} UTC"


def _notice(report: ReportShown) -> str:
    """Why there is no content, or nothing."""
    match report.status:
        case "completed":
            return ""
        case "failed":
            return f"The analysis failed: {report.failure_reason or 'no reason was recorded'}"
        case "cancelled":
            return "The analysis was cancelled."
        case _:
            return "The analysis is not finished."
