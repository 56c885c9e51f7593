"""A report as one HTML page for reading and printing: it loads nothing, and nothing in it runs."""

import base64
import hashlib
import html as markup
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from projections.report_front import Front, front
from projections.report_markdown import is_picture, parser

WHOLE_MAX = 20  # characters of a cell that is not broken

STYLE = """
@page {
  size: A4; margin: 18mm 16mm 20mm;
  @bottom-right { content: counter(page) " / " counter(pages); font: 8pt Georgia, serif; color: #666; }
}
body {
  font: 11pt/1.5 Georgia, "Liberation Serif", "Times New Roman", serif; color: #222; background: #fff;
  max-width: 60rem; margin: 2.5rem auto; padding: 0 1.5rem;
}
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 1.2rem; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .7rem; padding-bottom: .25rem; border-bottom: 1px solid #999; }
h3 { font-size: 1.02rem; margin: 1.5rem 0 .5rem; overflow-wrap: anywhere; }
h1, h2, h3 { break-after: avoid; }
p, li { overflow-wrap: anywhere; }
dl {
  display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.5rem; font-size: .92rem;
  margin: 0 0 1.8rem; padding: .8rem 0; border: solid #999; border-width: 1px 0;
}
dt { color: #666; }
dd { margin: 0; overflow-wrap: anywhere; }
table {
  border-collapse: collapse; width: 100%; margin: .6rem 0 1.2rem;
  font-size: .8rem; line-height: 1.35; font-variant-numeric: tabular-nums;
}
th { text-align: left; font-weight: 600; color: #444; border-bottom: 1px solid #666; vertical-align: bottom; }
td { border-bottom: 1px solid #ddd; vertical-align: top; overflow-wrap: anywhere; }
th, td { padding: .28rem .5rem; }
th:first-child, td:first-child { padding-left: 0; }
th:last-child, td:last-child { padding-right: 0; }
td em { font-style: normal; font-weight: 600; }
td strong { color: #a4262c; }
.right { text-align: right; }
.whole { white-space: nowrap; }
tr, svg, li { break-inside: avoid; }
thead { display: table-header-group; }
code { font: .92em "DejaVu Sans Mono", Consolas, monospace; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; }
figure { margin: 1.4rem 0 .3rem; break-after: avoid; }
figure + p { margin-top: 0; font-size: .85rem; color: #555; }
svg { display: block; width: 100%; height: auto; }
svg text { font-family: Georgia, "Liberation Serif", serif; }
.notice { padding: .6rem .9rem; border-left: 3px solid #a4262c; background: #f7f2f2; }
footer { margin-top: 2.5rem; padding-top: .5rem; border-top: 1px solid #999; font-size: .78rem; color: #666; }
@media print {
  html { font-size: 9.5pt; }
  body { margin: 0; padding: 0; max-width: none; font-size: 1rem; }
}
"""
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY = f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; img-src data:; base-uri 'none'; form-action 'none'"
PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title><link rel="icon" href="data:,">
<style>{style}</style></head>
<body>
<h1>{title}</h1>
<dl>{facts}</dl>
{notice}{content}
<footer>Report {uuid} on {run}. Runledger.</footer>
</body>
</html>
"""


def html(report: dict[str, Any], run: dict[str, Any]) -> str:
    """The page of a report, from its document and its run's; to be answered under CONTENT_SECURITY_POLICY."""
    shown = front(report, run)
    return PAGE.format(
        title=markup.escape(shown.report.title),
        style=STYLE,
        facts=_facts(shown),
        notice=f'<p class="notice">{markup.escape(shown.notice)}</p>\n' if shown.notice else "",
        content=_content(shown.report.content),
        uuid=markup.escape(shown.report.uuid),
        run=markup.escape(shown.run.test_run_id),
    )


def _facts(shown: Front) -> str:
    return "".join(f"<dt>{markup.escape(name)}</dt><dd>{markup.escape(value)}</dd>" for name, value in shown.facts)


def _content(content: str) -> str:
    md: MarkdownIt = parser()
    md.add_render_rule("html_block", _html_block)
    parsed = md.parse(content)
    for cell, text in pairwise(parsed):
        if cell.type in ("th_open", "td_open"):
            right = cell.attrs.pop("style", "") == "text-align:right"
            cell.attrs["class"] = f"{'right' if right else 'left'}{' whole' if len(text.content) <= WHOLE_MAX else ''}"
    return str(md.renderer.render(parsed, md.options, {}))


def _html_block(_: RendererHTML, tokens: Sequence[Token], at: int, __: OptionsDict, ___: EnvType) -> str:
    """A picture passes as it is; any other HTML is shown as the text that it is."""
    text = tokens[at].content
    return f"<figure>{text.strip()}</figure>\n" if is_picture(text) else f"<pre><code>{markup.escape(text)}</code></pre>\n"
