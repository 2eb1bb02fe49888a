"""What holds for HTML pages."""

from __future__ import annotations

import time

import pytest
from card_generator import Card, trainer_cards
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from repro.cards import read_card
from repro.cards.pages import Page, is_page, read_page
from repro.records.claims import Claim

ARTICLE = """<!DOCTYPE html>
<html><head><title>- seed: 1</title><style>h1 { a: b }</style></head>
<body><script>if (a<b) { "<li>seed: 7</li>" }</script>
<h1>bert-base-uncased-issues-128</h1>
<p>This model is a fine-tuned version of <a href="x>y">bert-base-uncased</a> on an unknown dataset.
It achieves the following results on the evaluation set:</p>
<ul><li>Loss:&nbsp;1.0940</li></ul>
<h3>Training hyperparameters</h3>
<ul>
  <li><strong>Learning Rate:</strong> 5e-05</li>
  <li><p>Number of Epochs: 16</p></li>
  <li>Optimizer: Adam with betas=(0.9,0.999) &amp; more</li>
</ul>
<table>
<tr><th>Training Loss</th><th>Epoch</th><th>Step</th><th>Validation Loss</th></tr>
<tr><td>2.1003</td><td>1.0</td><td>291</td><td>1.6578</td></tr>
<tr>
  <td>No log</td>
  <td>2.0</td>
</tr>
</table>
<h3>Framework versions</h3>
<ul><li>Transformers 4.21.2</li><li>Pytorch: 1.13.0+cu117</li></ul>
<pre><code>- seed: 9</code></pre>
</body></html>
"""


def shown(html: str) -> list[str]:
    return [line for line in read_page(html).lines if line]


def stated(claims: dict[str, Claim]) -> dict[str, tuple[str, int]]:
    return {name: (claim.text, claim.line) for name, claim in claims.items()}


def test_article_states_what_it_shows() -> None:
    """A page claims what its reader sees, on the lines of its source; scripts and code state nothing."""
    card = read_card(ARTICLE, target="page.html")
    claims = card.claims
    assert (card.kind, claims.name, claims.base_model) == (
        "article",
        "bert-base-uncased-issues-128",
        "bert-base-uncased",
    )
    assert stated(claims.hyperparameters) == {
        "learning_rate": ("5e-05", 10),
        "num_epochs": ("16", 11),
        "optimizer": ("Adam with betas=(0.9,0.999) & more", 12),
    }
    assert stated(claims.versions) == {"transformers": ("4.21.2", 23), "torch": ("1.13.0+cu117", 23)}
    assert stated(claims.evaluation) == {"loss": ("1.0940", 7)}
    assert claims.results is not None
    assert claims.results.columns == ("training_loss", "epoch", "step", "validation_loss")
    assert [(row.line, [cell.value for cell in row.cells]) for row in claims.results.rows] == [
        (16, [2.1003, 1.0, 291, 1.6578]),
        (18, [None, 2.0]),
    ]


def test_card_keeps_the_source() -> None:
    """Lines, visible text and headings of a page's card are those of its source."""
    card = read_card(ARTICLE, target="page.html")
    assert card.lines == tuple(ARTICLE.split("\n"))
    assert card.visible[3] == "# bert-base-uncased-issues-128"
    assert card.visible[22] == "- Transformers 4.21.2 - Pytorch: 1.13.0+cu117"
    assert [(heading.title, heading.span.start) for heading in card.headings][1:] == [
        ("Training hyperparameters", 7),
        ("Framework versions", 21),
    ]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(trainer_cards())
def test_rendered_card_states_the_same(card: Card) -> None:
    """A card rendered as a page states what its Markdown states, and is still known as a Trainer's."""
    source = read_card(card.text, target="card.md")
    first = source.front_matter
    body = "\n".join(source.lines[first.first + len(first.lines) if first else 0 :])
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(body)
    page = read_card(f"<!doctype html>\n<html><body>{html}</body></html>", target="page.html")
    assert page.kind == source.kind

    def texts(claims: dict[str, Claim]) -> dict[str, object]:
        return {name: (claim.text, claim.value) for name, claim in claims.items()}

    for name in ("hyperparameters", "versions", "evaluation"):
        assert texts(getattr(page.claims, name)) == texts(getattr(source.claims, name))
    if source.claims.results and page.claims.results:
        assert page.claims.results.header == source.claims.results.header
        width = len(source.claims.results.header)
        printed = [[cell.text for cell in row.cells] for row in source.claims.results.rows]
        rendered = [[cell.text for cell in row.cells] for row in page.claims.results.rows]
        assert rendered == [row + [""] * (width - len(row)) for row in printed if any(row)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<!doctype html><p>x", True),
        ("\n <!-- saved -->\n<HTML lang='en'>", True),
        ("<h1>x</h1>\n<ul>\n<li>a</li>\n</ul>", True),
        ("<p>x</p>", True),
        ("# x\n<p>y</p>", False),
        ("<p align='center'>\n<img src='x'>\n</p>\n\n# x", False),
        ("<!-- a card -->\n# x\n<!doctype html>", False),
        ("<br>text", False),
        ("---\nlicense: mit\n---\n<html>", False),
    ],
)
def test_page_is_known_by_its_content(text: str, expected: bool) -> None:
    """A page is known by its first tag, or as mostly tags; Markdown with some HTML stays Markdown."""
    assert is_page(text) == expected


@pytest.mark.parametrize(
    ("html", "lines"),
    [
        ("<p>a<br>b <i>c</i>d</p>e", ["a", "b cd", "e"]),
        ("<ul><li>a<ul><li>b</li></ul></li></ul>", ["- a", "- b"]),
        ("<pre>a  b\n c</pre>", ["a  b", " c"]),
        ("<pre><code class='x'>a\nb\n</code></pre>", ["```", "a", "b", "```"]),
        ("<h2>a <b>b</b>\nc</h2>", ["## a b c"]),
        ("a<!-- b -->c<!doctype x>d<?y?>e", ["acde"]),
        ("a <script>b</script> c <script>d", ["a c d"]),
        ("1 < 2 &lt; 3 &amp;lt;", ["1 < 2 < 3 &lt;"]),
        ("a <b title='>'>c</b> <a <b", ["a c"]),
        ("<!-- never closed <p>a</p>", ["never closed", "a"]),
        ("<table><tr><td>a<p>b</p></table>c", ["a b", "c"]),
        ("<table><tr><td><h1>a</h1><p>b</p><td>c</table>", ["# a", "b", "c"]),
        ("<li>a: Use x and the args are:\nnone</li>", ["- a: Use x and the args are:", "none"]),
    ],
)
def test_lines_are_what_a_reader_sees(html: str, lines: list[str]) -> None:
    """Blocks begin lines; headings, bullets and code are marked as in Markdown; other tags are dropped."""
    assert shown(html) == lines


def test_spanned_cells_are_empty() -> None:
    """A cell that spans columns or rows is printed once, and those below and beside it keep their places."""
    html = (
        "<table><tr><th rowspan=2>a</th><th colspan=2>b</th></tr><tr><td>c<td>d<tr><td>e|f<td>g<td>h</table>"
    )
    (table,) = read_page(html).tables.values()
    assert table.header == ("a", "b", "")
    assert [[cell.text for cell in row.cells] for row in table.rows] == [["", "c", "d"], ["e|f", "g", "h"]]


def test_table_in_markdown_is_read() -> None:
    """An HTML table in a Markdown card is one of its tables, on the card's lines."""
    rows = "<tr><th>Base</th><th>Size</th></tr>\n<tr><td>T5</td><td>61</td></tr>"
    text = f"# x\n\n<div><table>\n{rows}\n</table>\n\n- seed: 1\n"
    card = read_card(text, target="card.md")
    assert [
        (t.columns, [(r.line, [c.value for c in r.cells]) for r in t.rows]) for t in card.claims.tables
    ] == [(("base", "size"), [(5, ["T5", 61])])]
    assert card.claims.hyperparameters["seed"].line == 8


@given(
    st.lists(st.sampled_from([*"<>/!-='\" \n&;", "a", "td", "table", "li", "pre", "code", "<!--", "h1"])).map(
        "".join
    )
)
def test_any_text_is_a_page(text: str) -> None:
    """Whatever stands between angle brackets, each line shown has its place in the source."""
    page = read_page(text)
    assert isinstance(page, Page)
    assert len(page.lines) == len(page.origin)
    assert all(0 <= at <= text.count("\n") for at in page.origin)


@pytest.mark.parametrize(
    "unit",
    [
        "<",
        "<a",
        "<a ",
        "<!--",
        "&",
        "<![",
        "</",
        "<a ='",
        '<a b="<',
        "<b>",
        "<script>",
        "<td>",
        "<table><tr><td>",
        "<li>x",
        "<tr><td rowspan=99 colspan=99>",
        "<pre>a\n",
        "<pre><code>a</code></pre>",
    ],
)
def test_hostile_page_is_read_in_linear_time(unit: str) -> None:
    """What is never closed, or nested without end, takes time in proportion to the page."""
    start = time.process_time()
    read_card("<html><table>" + unit * (1_000_000 // len(unit)), target="page.html")
    assert time.process_time() - start < 5  # 50 ms for each 100 KB, with room for a slow machine


@pytest.mark.parametrize("markup", ["<pre>a&#10;seed: 42\nlast: 1</pre>", "<p>a:&NewLine;b</p>\n<p>c</p>"])
def test_an_entity_begins_no_line_of_the_source(markup: str) -> None:
    """A line feed that is written as an entity divides what is shown, not the source."""
    source = f"<html><body>{markup}</body></html>"
    page = read_page(source)
    assert all("\n" not in line for line in page.lines)
    lines = source.split("\n")
    for name in ("seed: 42", "last: 1", "c"):
        if name in page.lines:
            assert name in lines[page.origin[page.lines.index(name)]]
    read_card(source, target="page.html")


@pytest.mark.parametrize("markup", ["\n:\n7", "<p>\n\n a:\n b\n</p>\n\n", "<h1>\n\nm:\n\n</h1>\nlast"])
def test_lines_stand_where_they_are_printed(markup: str) -> None:
    """Space above a text is not counted twice, and no line stands above the one before it."""
    source = f"<!doctype html>{markup}"
    page = read_page(source)
    lines = source.split("\n")
    assert page.origin == sorted(page.origin)
    assert all(line.lstrip("# ") in lines[at] for line, at in zip(page.lines, page.origin, strict=True))


@pytest.mark.parametrize("page", [False, True])
def test_result_is_on_the_line_of_its_cell(page: bool) -> None:
    """Where the cells of a row have a line each, a claim is on the line that prints its text."""
    text = (
        "<h2>Results</h2>\n\n<table>\n<tr><th>Metric</th><th>Value</th></tr>\n"
        "<tr>\n<td>Top-1 F1</td>\n<td><strong>1</strong></td>\n</tr>\n<tr>\n<td>Wer</td><td>12</td>\n</tr>\n"
        "</table>\n"
    )
    text = f"<html>\n{text}</html>" if page else text.replace("<h2>Results</h2>", "# x\n## Results")
    found = read_card(text, target="card").claims.evaluation
    assert {name: (c.text, c.line) for name, c in found.items()} == {"top_1_f1": ("1", 8), "wer": ("12", 11)}
