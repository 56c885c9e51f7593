"""A report as a page and as PDF: complete, the same every time, and nothing in it acts, whatever stands in it."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
import typst
from hypothesis import example, given, settings
from hypothesis import strategies as st

from projections import report_pages, report_pdf
from projections.report_breaks import breakable, widths
from projections.report_markdown import is_picture
from tests.workers.analysis import samples
from tests.workers.analysis.test_report_text import huge_analysis
from workers.analysis.report_text import written

RUN = {"uuid": "c9d0", "test_run_id": "TR-0042", "title": "Motor Controller Acceptance Test", "system_name": "Power Distribution Unit"}
REPORT = {
    "uuid": "d0e1f2a3-b4c5-6789-defa-890123456789",
    "title": "Motor Controller Acceptance Test \N{EN DASH} Run Analysis",
    "scope": "run",
    "status": "completed",
    "content": "",
    "summary": "",
    "issues": [{"uuid": "i", "title": "Relay K3 chatters", "status": "open", "priority": "high"}],
    "test_data": [],
    "job_run_id": None,
    "created_by": "engineer@example.com",
    "created_at": "2026-04-13T11:15:00.123456",
    "test_card_id": None,
    "test_step_id": None,
    "manifest": {"run_version": 57, "files": []},
    "completed_at": "2026-04-13T11:15:09.654321",
    "failure_reason": None,
}
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10" aria-label="a &lt; b"><g><path d="M0 0L1 1" fill="none"/></g><text x="1" y="2">a &amp; b</text></svg>'
HOSTILE = [
    "<script>alert(1)</script>",
    "text <img src=x onerror=alert(1)> text",
    "[x](javascript:alert(1)) ![y](http://example.com/y.png) <http://example.com>",
    "[x]: http://example.com\n\n[x]",
    "<iframe src='http://example.com'></iframe>",
    "<!-- -->\n<style>* { display: none }</style>",
    '#eval("1") #panic() $ x $ @label <label> \\u{41} `raw` #sys.inputs',
    '"}]}) #read("/etc/passwd") ({[',
    "<svg onload=alert(1)></svg>",
    PICTURE.replace("<g>", "<g><script>alert(1)</script>"),
    PICTURE.replace("</svg>", "</svg><script>alert(1)</script>"),
]


class Reader(HTMLParser):
    """Collects what a browser would act on."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.texts = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data):
        self.texts.append(data)


def read(content, **changed):
    reader = Reader()
    reader.feed(report_pages.html(REPORT | {"content": content} | changed, RUN))
    return reader


def sample():
    return written(samples.analysis()).content


def test_a_page_shows_title_run_status_and_who_asked_when():
    shown = "\n".join(read(sample()).texts)
    for said in (
        REPORT["title"],
        "TR-0042 Motor Controller Acceptance Test, version 57",
        "Power Distribution Unit",
        "completed",
        "engineer@example.com, 2026-04-13 11:15:00 UTC",
        "Relay K3 chatters (open, priority high)",
        "Undervoltage ramp",
        "min 10.5 V",
    ):
        assert said in shown


def test_a_page_loads_nothing_and_runs_nothing():
    reader = read(sample())
    assert not {"script", "img", "a", "iframe", "object", "embed", "form", "base"} & set(reader.tags)
    assert {(tag, name, value) for tag, name, value in reader.attributes if name in ("href", "src", "style")} == {
        ("link", "href", "data:,")
    }
    assert reader.tags.count("svg") == 2


def test_its_own_style_is_allowed_by_its_policy():
    style = re.search("<style>(.*?)</style>", report_pages.html(REPORT, RUN), re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in report_pages.CONTENT_SECURITY_POLICY
    assert "unsafe" not in report_pages.CONTENT_SECURITY_POLICY


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"status": "pending"}, "not finished"),
        ({"status": "running"}, "not finished"),
        ({"status": "failed", "failure_reason": "log.csv <gone>"}, "log.csv <gone>"),
        ({"status": "cancelled"}, "cancelled"),
    ],
)
def test_a_report_without_content_says_why(changed, said):
    without = {"content": "", "completed_at": None, "manifest": None}
    assert said in "".join(read(**without, **changed).texts)
    assert report_pdf.pdf(REPORT | without | changed, RUN).startswith(b"%PDF-")


SAFE = {
    "html",
    "head",
    "meta",
    "title",
    "link",
    "style",
    "body",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "dl",
    "dt",
    "dd",
    "p",
    "ul",
    "ol",
    "li",
} | {
    *("blockquote", "pre", "code", "hr", "br", "em", "strong", "table", "thead", "tbody", "tr", "th", "td", "figure"),
    *("svg", "g", "path", "line", "polyline", "rect", "circle", "text"),
}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_content_stays_text(text):
    check_that_nothing_acts(text)
    assert report_pdf.pdf(REPORT | {"content": text, "title": text}, RUN | {"title": text}).startswith(b"%PDF-")


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters() | st.sampled_from("<>|`*_[]()#-\\&;\n~!$@\"'{}/="), max_size=120))
@example("> " * 200 + "x")
@example("- " * 200 + "x")
@example("*" * 5_000 + "x" + "*" * 5_000)
@example("|a|\n|-|\n| |\n\n1. x\n0. y\n\n999999999. z")
@example("\x00 \ud800 \uffff \ufffe".encode("utf-8", "replace").decode())
def test_any_content_stays_text(text):
    check_that_nothing_acts(text)
    pdf = report_pdf.pdf(REPORT | {"content": text, "title": text, "created_by": text}, RUN | {"title": text, "system_name": text})
    assert pdf.startswith(b"%PDF-")


def check_that_nothing_acts(text):
    reader = read(text, title=text, created_by=text)
    assert set(reader.tags) <= SAFE
    assert {name for tag, name, _ in reader.attributes if tag not in ("link", "meta", "svg")} <= {"class", "lang", "start", *SVG_ATTRIBUTES}
    assert [value for _, name, value in reader.attributes if name == "href"] == ["data:,"]


SVG_ATTRIBUTES = {"d", "fill", "x", "y"}


def test_text_is_not_read_as_a_program_of_typst():
    """The words of an injected command stand on the paper as they are."""
    injected = '#panic("injected") \\#lorem(50) #sys.inputs.report'
    program = report_pdf.program(REPORT | {"content": injected}, RUN)
    found = typst.query(program.source, "heading", sys_inputs=program.inputs, font_paths=program.fonts)
    assert found == "[]"


def test_the_same_report_is_the_same_bytes():
    report = REPORT | {"content": sample()}
    assert report_pages.html(report, RUN) == report_pages.html(report, RUN)
    assert report_pdf.pdf(report, RUN) == report_pdf.pdf(report, RUN)


def test_the_largest_report_becomes_a_page_and_a_pdf():
    report = REPORT | {"content": written(huge_analysis()).content}
    assert report_pdf.pdf(report, RUN).startswith(b"%PDF-")
    assert read(report["content"]).tags.count("svg") == 12


def test_a_plain_picture_passes():
    assert is_picture(PICTURE)
    assert is_picture(f"\n{PICTURE}\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text",
        "<svg>",
        "<g></g>",
        PICTURE + PICTURE,
        PICTURE + "x",
        "x" + PICTURE,
        PICTURE.replace("</g>", ""),
        PICTURE.replace("<g>", ""),
        PICTURE.replace("</g>", "</text>"),
        PICTURE.replace("<g>", "<a>").replace("</g>", "</a>"),
        PICTURE.replace("<g>", "<foreignObject>").replace("</g>", "</foreignObject>"),
        PICTURE.replace("<g>", "<style>").replace("</g>", "</style>"),
        PICTURE.replace("<g>", "<use/><g>"),
        PICTURE.replace("<g>", '<image href="x"/><g>'),
        PICTURE.replace("<g>", '<g onclick="x">'),
        PICTURE.replace("<g>", '<g ONCLICK="x">'),
        PICTURE.replace("<g>", '<g style="x">'),
        PICTURE.replace("<g>", '<g class="x">'),
        PICTURE.replace("<g>", '<g id="x">'),
        PICTURE.replace("<g>", "<g fill='none'>"),
        PICTURE.replace("<g>", '<g fill="none" fill="none">'),
        PICTURE.replace("<g>", "<G>").replace("</g>", "</G>"),
        PICTURE.replace('"none"', '"url(#a)"'),
        PICTURE.replace('"none"', '"url(http://example.com)"'),
        PICTURE.replace('"none"', '"none;x:y"'),
        PICTURE.replace("M0 0", "&#77;0 0"),
        PICTURE.replace("&amp;", "&"),
        PICTURE.replace("&amp;", "&#38;"),
        PICTURE.replace("&amp;", "&lol;"),
        PICTURE.replace("&amp;", "\x0b"),
        PICTURE.replace("&amp;", "\ud800"),
        PICTURE.replace("<g>", "<!-- x --><g>"),
        PICTURE.replace("<g>", "<![CDATA[x]]><g>"),
        PICTURE.replace("<g>", "<?x y?><g>"),
        "<!DOCTYPE svg>" + PICTURE,
        PICTURE.replace("0 0 10 10", "0 0 0 10"),
        PICTURE.replace("0 0 10 10", "0 0 10 99999"),
        PICTURE.replace(' viewBox="0 0 10 10"', ""),
        PICTURE.replace("www.w3.org", "example.com"),
        PICTURE.replace("<path", "<path\u00a0"),
        PICTURE.replace("<g>", "<g>" * 9).replace("</g>", "</g>" * 9),
        PICTURE.replace("M0 0", "M0 0" * 20_000),
    ],
)
def test_whatever_else_is_no_picture(text):
    assert not is_picture(text)


@given(st.text())
def test_breaks_change_nothing_that_is_read(text):
    assert breakable(text, 16).replace("\u200b", "") == text.replace("\u200b", "")
    assert max(map(len, re.split("[ \u200b]", breakable(text, 16)))) <= 16


def test_a_column_is_wide_enough_for_what_stays_together():
    shares = widths([["", "File", "Value"], ["F1", breakable("motor_controller_acceptance_rev_C.csv" * 9, 16), "9.332 V"]])
    assert shares == [5, 42, 10]  # capitals are wider
