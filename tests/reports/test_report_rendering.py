"""Reports: whole, self-contained, the same every time, and safe whatever a card says."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from huggingface_hub import ModelCard
from markdown_it import MarkdownIt
from report_samples import ATTACKS, sample_comparison, sample_run, with_texts

from repro.errors import BadInput
from repro.records.comparison import Comparison, Metric, Stream
from repro.records.run import Epoch, Failed, PublishedCase, Run, Settings, Skipped
from repro.reports import formats, render
from repro.reports.rendering import packaged_templates

change = msgspec.structs.replace

VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """Reads a page as a browser would, and keeps what the tests ask for."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment came out: {data}")


def rendered(run: Run, comparison: Comparison, folder: Path) -> tuple[str, str, list[str]]:
    """The page, the card and the plots."""
    card, page, *plots = render(run, comparison, folder)
    return (
        page.read_text(encoding="utf-8"),
        card.read_text(encoding="utf-8"),
        [plot.read_text(encoding="utf-8") for plot in plots],
    )


def hub_data(card: str) -> dict[str, Any]:
    """The card's metadata as the Hub's client reads and writes it."""
    data: Any = ModelCard(card).data
    return dict(data.to_dict())


@pytest.fixture(scope="module")
def run() -> Run:
    return sample_run()


@pytest.fixture(scope="module")
def comparison(run: Run) -> Comparison:
    return sample_comparison(run)


@pytest.fixture(scope="module")
def plain(
    run: Run, comparison: Comparison, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, str, list[str]]:
    return rendered(run, comparison, tmp_path_factory.mktemp("plain"))


def test_writes_the_report_into_the_run_folder(run: Run, comparison: Comparison, tmp_path: Path) -> None:
    """Card, page and two plots for each metric are written, and returned in that order."""
    written = render(run, comparison, tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in written] == [
        "card.md",
        "report.html",
        "plots/validation-loss-curves.svg",
        "plots/validation-loss-differences.svg",
        "plots/training-loss-curves.svg",
        "plots/training-loss-differences.svg",
    ]
    assert sum(path.is_file() for path in tmp_path.rglob("*")) == len(written)


def test_the_same_run_gives_the_same_bytes(run: Run, comparison: Comparison, tmp_path: Path) -> None:
    """Rendering twice, into two folders, gives the same bytes."""
    first, second = (render(run, comparison, tmp_path / name) for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_users_matplotlibrc_changes_nothing(run: Run, comparison: Comparison, tmp_path: Path) -> None:
    """The plots follow the report's style only, and the global settings are as before afterwards."""
    import matplotlib as mpl

    before = [path.read_bytes() for path in render(run, comparison, tmp_path / "a")]
    with mpl.rc_context({"font.size": 30, "lines.linewidth": 9}):
        after = [path.read_bytes() for path in render(run, comparison, tmp_path / "b")]
        assert mpl.rcParams["font.size"] == 30
    assert before == after


def test_the_page_is_self_contained(plain: tuple[str, str, list[str]]) -> None:
    """Nothing is loaded: no scripts, no sources but data, addresses only in links that a reader follows."""
    page = Page(plain[0])
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "iframe", "object", "embed", "img", "base", "form", "audio", "video"}
    for tag, attributes in page.elements:
        assert "src" not in attributes
        target = attributes.get("href", "#")
        assert target.startswith(("#", "data:,")) or (
            tag == "a" and target == "https://models.example/user/sample"
        )
    style = plain[0].partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    policy = next(at for tag, at in page.elements if at.get("http-equiv") == "Content-Security-Policy")[
        "content"
    ]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    assert len(plain[0].encode()) < 1_500_000


def test_the_page_can_be_read_by_everybody(plain: tuple[str, str, list[str]]) -> None:
    """Language, landmarks, headings in order, scoped headers, named figures and unique ids are there."""
    page = Page(plain[0])
    assert ("html", {"lang": "en"}) in page.elements
    tags = [tag for tag, _ in page.elements]
    assert (tags.count("h1"), tags.count("main"), tags.count("header"), tags.count("footer")) == (1, 1, 1, 1)
    levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all(attributes.get("scope") for tag, attributes in page.elements if tag == "th")
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in page.elements:
        if tag == "svg":
            assert attributes["role"] == "img"
            assert set(attributes["aria-labelledby"].split()) <= set(ids)
        for reference in re.findall(r"url\(#([^)]+)\)", " ".join(attributes.values())):
            assert reference in ids
        if tag in {"use", "a"} and attributes["href"].startswith("#"):
            assert attributes["href"][1:] in ids


def test_the_page_says_what_happened(plain: tuple[str, str, list[str]]) -> None:
    """Verdict, reason, marks, deviations, assumptions, versions and commands are on page and card."""
    for text in (Page(plain[0]).text, plain[1]):
        assert "Not reproduced" in text
        assert "✕" in text
        assert "The validation loss of epoch 5 lies further" in text
        assert text.count("outside") >= 1
        assert "this machine has no GPU" in text
        assert "masking probability" in text
        assert "1.13.0+cpu" in text
        assert "repro run sample" in text
        assert "repro check reports/sample/0123456789ab" in text
        assert "look exchanged" in text
    assert "5e-05" in plain[0]


def test_outside_rows_are_marked_by_sign_and_word(plain: tuple[str, str, list[str]]) -> None:
    """A row outside its bound carries a sign and a word besides its weight: colour alone says nothing."""
    (row,) = re.findall(r'<tr class="outside">.*?</tr>', plain[0])
    assert "✕" in row
    assert "outside" in row


@pytest.fixture(scope="module")
def harmless(run: Run, comparison: Comparison, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Page and card of a run in which every text is one harmless word."""
    folder = tmp_path_factory.mktemp("harmless")
    page, card, _ = rendered(with_texts(run, "word"), with_texts(comparison, "word"), folder)
    return page, card


@pytest.mark.parametrize("attack", ATTACKS)
def test_hostile_text_is_inert(
    attack: str, run: Run, comparison: Comparison, harmless: tuple[str, str], tmp_path: Path
) -> None:
    """Whatever stands in every text of run and comparison, page, plots and card hold it as text only."""
    html, card, plots = rendered(with_texts(run, attack), with_texts(comparison, attack), tmp_path)
    page = Page(html)
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in Page(harmless[0]).elements]
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "src"], tag
        assert attributes.get("href", "#").startswith(("#", "data:,"))
    allowed = {"svg", "title", "desc", "rect", "defs", "g", "path", "text", "use", "clipPath"}
    for plot in plots:
        for element in ET.fromstring(plot).iter():  # noqa: S314 - our own
            assert element.tag.rpartition("}")[2] in allowed
            assert not [name for name in element.attrib if name.startswith("on")]
    acting = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202a-\u202e\ufeff]")
    for text in (html, card, *plots):
        assert not acting.search(text)
    assert formats.line(attack) in " ".join(page.text.split())
    data = hub_data(card)
    assert data["tags"] == ["repro-audit", "not-reproduced"]
    assert data.get("license") != "mit"
    assert blocks(card) == blocks(harmless[1])


def blocks(card: str) -> list[str]:
    """What a card's body is made of, in order; inside its blocks there is nothing but text."""
    found = []
    inline = {"text", "text_special", "strong_open", "strong_close", "em_open", "em_close"}
    _, _, body = card.partition("\n---\n")
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(body):
        found.append(token.type)
        assert {child.type for child in token.children or ()} <= inline
    return found


def test_the_hub_reads_the_card(plain: tuple[str, str, list[str]]) -> None:
    """The Hub's client loads the card, its model index included, and gives the same data back."""
    data: Any = ModelCard(plain[1]).data
    assert data.base_model == "bert-base-uncased"
    assert data.library_name == "transformers"
    assert data.pipeline_tag == "fill-mask"
    assert data.datasets == ["user/issues"]
    assert data.license == "apache-2.0"
    assert data.tags == ["repro-audit", "not-reproduced"]
    assert data.co2_eq_emissions["emissions"] == 12.0  # grams
    (result,) = data.eval_results
    assert (result.metric_type, result.source_url) == ("loss", "https://models.example/user/sample")
    assert result.metric_value == sample_run().epochs[-1].validation_loss
    assert hub_data(str(ModelCard(plain[1]))) == hub_data(plain[1])


def test_the_card_states_only_what_is_known(run: Run, comparison: Comparison, tmp_path: Path) -> None:
    """Without task, data sets or licence the metadata leave them out, and the text says `not stated`."""
    claims = change(run.case.claims, task=None, datasets=(), license=None, base_model=None)
    bare = change(run, case=change(run.case, claims=claims, source="", model="a model"), energy=None)
    _, card, _ = rendered(bare, comparison, tmp_path)
    assert hub_data(card) == {
        "library_name": "transformers",
        "tags": ["repro-audit", "not-reproduced"],
    }
    assert "- Licence: not stated" in card


def test_a_reproduced_run_says_so(run: Run, comparison: Comparison, tmp_path: Path) -> None:
    """A verdict that counts as reproduced is told in words, by a sign and by a tag."""
    html, card, _ = rendered(run, change(comparison, verdict="matching", reproduced=True), tmp_path)
    assert "✓" in html.partition("<h2")[2].partition("</h2>")[0]
    assert "Reproduced" in Page(html).text
    assert hub_data(card)["tags"] == ["repro-audit", "reproduced"]


def test_a_rehearsal_is_no_reproduction(run: Run, comparison: Comparison, tmp_path: Path) -> None:
    """A rehearsal says plainly what it is, carries its own tag, and puts no result into the metadata."""
    rehearsal = change(run, settings=change(run.settings, rehearse=20))
    html, card, _ = rendered(rehearsal, change(comparison, rehearsal=True), tmp_path)
    for text in (Page(html).text, card):
        assert "Rehearsal, not a reproduction" in text
        assert "rehearsal of 20 steps" in text
    data = hub_data(card)
    assert data["tags"] == ["repro-audit", "rehearsal"]
    assert "model-index" not in data


def test_a_failed_run_is_reported(run: Run, tmp_path: Path) -> None:
    """A run that failed before its first epoch renders, with the reason and the hint."""
    failed = Run(
        id="0",
        case=PublishedCase(
            name="c", title="t", digest="", model="m", claims=change(run.case.claims, results=None)
        ),
        settings=Settings(seed=1),
        result=Failed(reason="the worker was killed", hint="free some memory"),
    )
    nothing = Comparison(
        verdict="incomparable",
        reproduced=False,
        reason="Nothing was measured.",
        stream=Stream(match="unclear"),
        metrics={},
    )
    html, card, plots = rendered(failed, nothing, tmp_path)
    for text in (Page(html).text, card):
        assert "Training failed" in text
        assert "The worker was killed" in text
        assert "free some memory" in text
    assert plots == []


@pytest.mark.parametrize(
    ("result", "title"), [(Skipped(reason="no GPU here"), "Nothing was trained"), (None, "Run not finished")]
)
def test_other_ends_of_a_run(
    result: Skipped | None, title: str, run: Run, comparison: Comparison, tmp_path: Path
) -> None:
    """A run that was skipped or is under way says so instead of a verdict."""
    assert title in Page(rendered(change(run, result=result), comparison, tmp_path)[0]).text


def test_missing_and_infinite_values_render(run: Run, comparison: Comparison, tmp_path: Path) -> None:
    """Missing cells, NaN, infinity, huge values and a missing bound neither stop nor distort a report."""
    metric = comparison.metrics["validation_loss"]
    odd = [
        change(metric.rows[0], published=None, difference=None, within=None),
        change(metric.rows[1], measured="nan", difference=None, within=False),
        change(metric.rows[2], measured="inf", difference=None, within=False),
        change(metric.rows[3], measured=1e300, difference=1e300, within=False),
        change(metric.rows[4], published="No log", difference=None, within=None, bound=0.0),
        change(metric.rows[5], measured=None, difference=None, within=None),
    ]
    epochs = (Epoch(epoch=0.34, step=1, training_loss="nan"), Epoch(epoch=1.0, step=2, validation_loss="inf"))
    broken = change(comparison, metrics={"validation_loss": change(metric, rows=(*odd, *metric.rows[6:]))})
    html, card, _ = rendered(change(run, device=None, epochs=epochs), broken, tmp_path)
    text = Page(html).text
    assert "NaN" in text
    assert "infinite" in text
    assert "0.34" in text
    assert "Measured values not drawn, because they are not finite or too large: 3." in text
    assert "model-index" not in hub_data(card)


@pytest.mark.parametrize("value", [1.0, "nan"])
def test_a_single_epoch_renders(value: float, run: Run, comparison: Comparison, tmp_path: Path) -> None:
    """One point is a curve, too, even when it cannot be drawn."""
    metric = comparison.metrics["validation_loss"]
    row = change(metric.rows[0], measured=value, difference=None)
    _, _, plots = rendered(run, change(comparison, metrics={"loss": change(metric, rows=(row,))}), tmp_path)
    assert len(plots) == 2


def test_an_exploded_loss_is_drawn_on_a_logarithmic_scale(
    run: Run, comparison: Comparison, tmp_path: Path
) -> None:
    """Where values span orders of magnitude the axis is logarithmic and the description says so."""
    metric = comparison.metrics["validation_loss"]
    rows = (*metric.rows[:-1], change(metric.rows[-1], measured=5e4, difference=5e4, within=False))
    html, _, _ = rendered(run, change(comparison, metrics={"loss": change(metric, rows=rows)}), tmp_path)
    assert "Loss (logarithmic) by epoch" in html
    assert "$" not in html  # ticks are numbers, not formulas


def test_metrics_whose_names_collide_have_their_own_plots(
    run: Run, comparison: Comparison, tmp_path: Path
) -> None:
    """Two metrics whose names make the same file name get two files, and names never leave the folder."""
    metric = comparison.metrics["validation_loss"]
    names = ("loss", "Loss", "../../loss", "损失")
    written = render(run, change(comparison, metrics=dict.fromkeys(names, metric)), tmp_path)
    assert len(set(written)) == 2 + 2 * len(names)
    assert all(path.parent in {tmp_path, tmp_path / "plots"} for path in written)


def test_ten_thousand_rows_stay_small(run: Run, tmp_path: Path) -> None:
    """A long run stays within the page's size, keeps the rows outside their bound, and says what it omits."""
    long = sample_run(10_000)
    metrics = {
        key: change(metric, rows=tuple(change(row, within=row.step != 543_200) for row in metric.rows))
        for key, metric in sample_comparison(long).metrics.items()
    }
    html, card, plots = rendered(long, change(sample_comparison(long), metrics=metrics), tmp_path)
    assert len(html.encode()) < 1_500_000
    assert max(len(plot) for plot in plots) < 200_000
    assert "of 10,000 rows are shown" in html
    assert "of 10,000 rows are shown" in card
    assert '<tr class="outside"><th scope="row">5432</th>' in html


def test_a_users_template_comes_first(run: Run, comparison: Comparison, tmp_path: Path) -> None:
    """A template in the user's folder replaces the packaged one of its name, the others stay."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "card.md.j2").write_text("Mine: {{ report.case }} {{ '*' }}\n")
    (own / "report.css").write_text("body { color: red; }\n")
    card, page, *_ = render(run, comparison, tmp_path / "out", templates=own)
    assert card.read_text() == "Mine: sample \\*\n"
    assert "color: red" in page.read_text()
    assert "Not reproduced" in page.read_text()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "card.md.j2",
            "ok\n{{ report.nothing }}",
            "template card.md.j2, line 2: .* has no attribute 'nothing'",
        ),
        ("report.html.j2", "{{ absent }}", "template report.html.j2, line 1: 'absent' is undefined"),
        (
            "report_run.html.j2",
            "\n{{ absent }}",
            "template report_run.html.j2, line 2: 'absent' is undefined",
        ),
        ("card.md.j2", "a\n{% if %}", "template card.md.j2, line 2: "),
        (
            "card.md.j2",
            "{{ report.case | nofilter }}",
            "template card.md.j2, line 1: No filter named 'nofilter'",
        ),
        ("card.md.j2", "{% include 'gone.j2' %}", "template gone.j2: not found"),
        ("card.md.j2", "{{ 1 / 0 }}", "template card.md.j2, line 1: division by zero"),
        ("card.md.j2", "{{ report.case + 1 }}", "template card.md.j2, line 1: "),
    ],
)
def test_a_wrong_template_is_one_line(
    name: str, text: str, message: str, run: Run, comparison: Comparison, tmp_path: Path
) -> None:
    """A mistake in a user's template names the template and what is wrong, and leaves no half report."""
    own = tmp_path / "own"
    own.mkdir()
    (own / name).write_text(text)
    with pytest.raises(BadInput, match=message) as caught:
        render(run, comparison, tmp_path / "out", templates=own)
    assert "\n" not in caught.value.message
    assert caught.value.hint
    assert not (tmp_path / "out").exists()


def test_a_missing_templates_folder_is_bad_input(run: Run, comparison: Comparison, tmp_path: Path) -> None:
    """A folder of templates that is not there is named."""
    with pytest.raises(BadInput, match="no such folder of templates"):
        render(run, comparison, tmp_path, templates=tmp_path / "absent")


def test_the_packaged_templates_are_found() -> None:
    """Page, card, style sheet and plots' style lie in one folder, installed or in the source tree."""
    names = {path.name for path in packaged_templates().iterdir()}
    assert {"report.html.j2", "card.md.j2", "report.css", "repro.mplstyle"} <= names


def test_templates_are_found_without_an_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a bare source tree, where `repro.templates` is no package, the folder is found all the same."""

    def files(anchor: str) -> Path:
        raise ModuleNotFoundError(anchor)

    monkeypatch.setattr("importlib.resources.files", files)
    assert (packaged_templates() / "report.html.j2").is_file()


def test_a_metric_without_rows_has_no_plots(run: Run, comparison: Comparison, tmp_path: Path) -> None:
    """An incomparable metric that has no rows is reported in words."""
    metric = Metric(verdict="incomparable", reason="No common epoch.", bound_source="replicates")
    html, card, plots = rendered(run, change(comparison, metrics={"accuracy": metric}), tmp_path)
    assert plots == []
    assert "No common epoch." in Page(html).text
    assert "No common epoch." in card


def test_formats_come_without_the_renderer() -> None:
    """The command prints with `formats`: that loads no YAML, no Jinja and no Matplotlib."""
    code = (
        "import sys, repro.reports.formats; "
        "print([name for name in ('yaml', 'jinja2', 'matplotlib', 'numpy') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
