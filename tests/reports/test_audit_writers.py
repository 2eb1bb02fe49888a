"""What holds for every format of audits, and for those that have no file of tests of their own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tracemalloc
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from audit_samples import ATTACK, RULES, clean, hostile, sample, written

from repro.errors import BadInput
from repro.records.claims import Audit, Claims
from repro.records.codec import from_json
from repro.records.summary import Summary
from repro.reports.audits import WRITERS, Shown, writer
from repro.reports.audits.as_html import HtmlWriter
from repro.reports.audits.interface import Options

ACTING = re.compile(r"[\x00-\x08\x0b-\x1f\x80-\x9f\u202a-\u202e\u2066-\u2069\u2028]")
STREAMED = ("text", "json", "sarif", "junit")


@pytest.mark.parametrize("format_", WRITERS)
@pytest.mark.parametrize("several", [False, True])
def test_no_text_of_a_card_acts(format_: str, several: bool) -> None:
    """No format lets a control character or a mark of direction through, whatever a card says."""
    text = written(writer(format_, several=several, rules=RULES, verbose=True), hostile())
    assert ACTING.search(text) is None


@pytest.mark.parametrize("format_", WRITERS)
def test_names_that_are_not_utf8_are_written(format_: str) -> None:
    """A file whose name is not UTF-8 is reported like another; what is written can be encoded."""
    shown = Shown(
        Audit(target="cards/\udce4.md", kind="other", claims=Claims(), findings=sample().audit.findings)
    )
    written(writer(format_, several=True, rules=RULES), shown, unreadable=(("\udce4", "no"),)).encode()


@pytest.mark.parametrize("format_", STREAMED)
def test_many_cards_take_no_more_memory_than_few(format_: str) -> None:
    """What a writer keeps does not grow with the number of cards."""
    out = writer(format_, several=True, rules=RULES)
    out.begin()
    shown = sample()
    out.card(shown)
    tracemalloc.start()
    for _ in range(2_000):
        out.card(shown)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 50_000


def test_an_unknown_format_is_refused() -> None:
    """The error names the formats that there are."""
    with pytest.raises(BadInput, match="yaml") as caught:
        writer("yaml", several=False)
    assert "sarif" in caught.value.hint


def test_nothing_heavy_comes_with_the_formats() -> None:
    """Text and JSON are written without templates, plots, YAML or the Hub's client."""
    code = (
        "import sys\nfrom repro.reports.audits import writer\n"
        "writer('text', several=True); writer('json', several=True); writer('junit', several=True)\n"
        "print(sorted({'jinja2', 'matplotlib', 'yaml', 'rich', 'huggingface_hub'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_one_card_is_laid_out_and_several_are_a_line_each() -> None:
    """JSON of one card is indented, of several one object a line; both read back as the record."""
    one = written(writer("json", several=False), sample())
    assert one.count("\n") > 50
    assert from_json(one, Audit, source="one") == sample().audit
    lines = written(writer("json", several=True), sample(), clean(), hostile()).split("\n")[:-1]
    assert [from_json(each, Audit, source="line") for each in lines] == [
        sample().audit,
        clean().audit,
        hostile().audit,
    ]


def test_lone_surrogates_are_spelled_out_in_json() -> None:
    """Half a character, which UTF-8 cannot hold, is written as its number."""
    shown = Shown(Audit(target="a\udce4.md", kind="other", claims=Claims(name="\ud800")))
    document = json.loads(written(writer("json", several=True), shown))
    assert document["target"] == r"a\udce4.md"
    assert document["claims"]["name"] == r"\ud800"


def test_text_shows_the_line_and_the_help() -> None:
    """A finding is a line with its place, the card's line under it, and how to mend it."""
    text = written(writer("text", several=True), sample(), clean())
    assert (
        "cards/one.md:66: RT201 warning: step 200 stands below step 291\n"
        "   66 | | 1.5 | 2.0 | 200 | 1.4 |\n"
        "      = help: add `step: 300`\n"
    ) in text
    assert "cards/one.md: RD501 note: the data are not named\n" in text
    assert "learning_rate" not in text
    assert "\n2 cards, 1 error, 1 warning, 1 note; 1 suppressed\n" in text
    assert "\x1b" not in text
    assert "not asked" not in text


def test_text_of_one_card_begins_with_its_claims() -> None:
    """A single card's claims stand before its findings, with their lines."""
    text = written(writer("text", several=False, verbose=True), sample())
    assert text.startswith("cards/one.md: a card of kind trainer\n")
    assert "5e-05 (line 21)" in text
    assert "not asked: RM103, RM104: the card has no front matter" in text
    assert "suppressed: RT203, line 70: an exception in the card (checked by hand)" in text


def test_text_fits_its_terminal() -> None:
    """Where the width is known, the card's line is cut and the help is folded."""
    shown = sample()
    long = Shown(shown.audit, {66: "x" * 5_000})
    lines = written(writer("text", several=True, width=60), long).splitlines()
    assert max(len(each) for each in lines if each.startswith("   66")) == 60
    assert any(each.endswith("…") for each in lines)


def test_colour_changes_nothing_but_colour() -> None:
    """With the escape sequences taken out, the coloured text is the plain one."""
    plain = written(writer("text", several=False), sample())
    coloured = written(writer("text", several=False, color=True), sample())
    assert coloured != plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_junit_counts_what_fails() -> None:
    """A suite for each card; findings of the chosen level or above fail, others pass."""
    for fail_on, failures in (("error", 1), ("warning", 2), ("note", 3), ("never", 0)):
        out = writer("junit", several=True, fail_on=fail_on)  # type: ignore[arg-type]
        text = written(out, sample(), clean(), unreadable=(("gone.md", "no such file"),))
        root = ET.fromstring(text)  # noqa: S314 - made just now
        one, other, gone = root.findall("testsuite")
        assert (one.get("name"), one.get("tests"), one.get("failures"), one.get("skipped")) == (
            "cards/one.md",
            "4",
            str(failures),
            "1",
        )
        assert len(one.findall("testcase/failure")) == failures
        assert (other.get("tests"), other.get("failures")) == ("1", "0")
        assert gone.get("errors") == "1"


def test_junit_has_the_shape_that_ci_reads() -> None:
    """Only elements and attributes of Jenkins' schema, counts that are true, and names that differ."""
    allowed = {
        "testsuites": {"name"},
        "testsuite": {"name", "tests", "failures", "errors", "skipped"},
        "testcase": {"classname", "name"},
        "failure": {"type", "message"},
        "error": {"type", "message"},
        "skipped": {"message"},
        "system-out": set(),
    }
    audit = sample().audit
    twice = Shown(msgspec.structs.replace(audit, findings=audit.findings * 2))
    root = ET.fromstring(written(writer("junit", several=True), twice, hostile(), clean()))  # noqa: S314 - made just now
    for element in root.iter():
        assert set(element.attrib) <= allowed[element.tag], element.tag
    for suite in root:
        cases = suite.findall("testcase")
        assert int(suite.get("tests", "")) == len(cases)
        assert len({case.get("name") for case in cases}) == len(cases)


def test_markdown_has_the_summary_first() -> None:
    """A comment begins with counts and rules, then come the cards with findings; clean ones are counted."""
    text = written(writer("markdown", several=True, rules=RULES), sample(), clean())
    assert text.index("1 error, 1 warning, 1 note**, in 2 cards; 1 suppressed") < text.index(
        "### `cards/one.md`"
    )
    assert "| RT201 |" in text
    assert "cards/clean.md" not in text
    assert "  ```\n  | 1.5 | 2.0 | 200 | 1.4 |\n  ```\n" in text
    assert "Add `step: 300`." in text


def test_markdown_lets_nothing_out() -> None:
    """No HTML, link, heading or column of a card's own comes out of its texts."""
    text = written(writer("markdown", several=True, rules=RULES), hostile())
    outside = re.sub(r"^  (`{3,})\n.*?\n  \1$", "", text, flags=re.MULTILINE | re.DOTALL)
    outside = re.sub(r"`[^`\n]*`", "", outside)
    assert not re.search(r"(?<!\\)<|\]\((?!\\)(?<!\\\]\()", outside)
    headings = [each for each in text.splitlines() if re.match(r"#+ ", each)]
    assert len(headings) == 2
    rows = [each for each in text.splitlines() if each.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {6}


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: set[str] = set()
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in {"meta", "link", "input"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("several", [False, True])
def test_html_is_well_formed_and_lets_nothing_out(several: bool) -> None:
    """Tags are closed in order, ids are unique, and no element or attribute comes from a card."""
    out = writer("html", several=several, rules=RULES, verbose=True)
    cards = (sample(), hostile(), clean()) if several else (hostile(),)
    page = written(out, *cards, unreadable=((ATTACK, ATTACK),) if several else ())
    tags = _Tags()
    tags.feed(page)
    tags.close()
    assert tags.open == []
    assert not tags.seen & {"script", "img", "iframe", "svg", "a", "b"} - {"a"}
    assert not any(name.startswith("on") for name in tags.attributes)
    assert len(set(tags.ids)) == len(tags.ids)
    assert page.count("<a ") == 1


def test_a_page_that_grows_too_long_is_begun_without_its_summary() -> None:
    """Beyond a bound the cards are written as they come, and the summary stands last, marked as late."""

    class Short(HtmlWriter):
        most = 3_000

    out = Short(Options(several=True, rules=RULES))
    summary = Summary()
    pieces = []
    for number in range(20):
        shown = sample(f"cards/{number}.md")
        summary.add(shown.audit)
        pieces.append(out.card(shown))
    assert pieces[0] == ""
    assert pieces[-1].count("<section") == 1
    page = "".join([*pieces, out.end(summary)])
    assert page.count("<!doctype html>") == 1
    assert page.index("cards/19.md") < page.index('id="summary"')
    assert "verdict is-error late" in page
    assert "20 cards" in page


def test_a_users_template_comes_first(tmp_path: Path) -> None:
    """A template of the user's replaces the packaged one of that name, and a wrong one is named."""
    (tmp_path / "audit_head.md.j2").write_text("# ours {{ target }}\n")
    text = written(writer("markdown", several=False, templates=tmp_path), sample())
    assert text.startswith("# ours cards/one.md\n")
    (tmp_path / "audit_head.md.j2").write_text("{{ nothing }}")
    with pytest.raises(BadInput, match=r"audit_head\.md\.j2, line 1"):
        written(writer("markdown", several=False, templates=tmp_path), sample())
