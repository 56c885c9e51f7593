"""What users write stays text in Markdown, wherever it stands."""

import string

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from workers.analysis.plain import escaped, one_line

HOSTILE = [
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "](javascript:alert(1))",
    "![x](http://example.com/x.png)",
    "a | b | c",
    "`code` ``",
    "line\nbreak\r\n\n# heading",
    "# heading #",
    "- item",
    "1. item",
    "---",
    "===",
    "> quote",
    "&lt;b&gt; &#60;",
    "\\",
    "\\|",
    "*a* _b_ ~~c~~",
    "<!-- -->",
    "\u202egnp.exe",
    "$x$",
    "    indented",
    "~~~",
    "\x1c|\x85|\u2028",
]
EVERY = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
TEXTS = st.one_of(st.text(max_size=60), st.text(alphabet=string.punctuation + " \n1a", max_size=30), st.sampled_from(HOSTILE))


def leaves(tokens):
    return [leaf for token in tokens for leaf in ([token] if token.children is None else token.children)]


def test_hostile_text_stays_text_in_every_place():
    for text in HOSTILE:
        check(text)


@given(TEXTS)
@example("+\t")
@example("2)")
def test_any_text_stays_text_in_every_place(text):
    check(text)


def check(text):
    shown = one_line(text)
    if not shown:
        return
    for template in ("{}", "- {}", "## {}", "Title: {} and more", "| A | B |\n| --- | --- |\n| {} | **{}** |", "*{}*x"):
        tokens = leaves(EVERY.parse(template.format(escaped(text), escaped(text))))
        plain = {"paragraph", "bullet", "list", "heading", "table", "thead", "tbody", "tr", "td", "th", "strong", "em"}
        assert {token.type.removesuffix("_open").removesuffix("_close").split("_")[0] for token in tokens} <= plain | {"text", ""}
        read = "".join(token.content for token in tokens if token.type == "text")
        assert shown in read, (template, read)


@given(st.text())
def test_one_line_is_one_line_without_what_cannot_be_shown(text):
    line = one_line(text)
    assert line == line.strip()
    assert line.splitlines() in ([line], [])
    assert one_line(line) == line
    line.encode()


def test_a_long_text_is_cut_with_an_ellipsis():
    assert one_line("abcdef", 4) == "abc…"
    assert one_line("abcd", 4) == "abcd"
