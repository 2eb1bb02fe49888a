"""The audit's page in a real browser: it fits, is filtered without a script, loads nothing, no text acts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "reports"))  # the samples stand beside the reports' tests

from audit_samples import ATTACK, RULES, clean, hostile, sample, written
from test_report import CONTRASTS, SCHEMES, WIDTHS, Visit, browser

from repro.records.summary import Summary
from repro.reports.audits import writer
from repro.reports.audits.as_html import HtmlWriter
from repro.reports.audits.interface import Options

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["browser"]  # a fixture
pytestmark = pytest.mark.browser


class Late(HtmlWriter):
    """Begins the page with the first card."""

    most = 0


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One card, several with a hostile one among them, and a page that is begun before its summary."""
    cards = (sample(), clean(), hostile(), sample("cards/" + "long/" * 30 + "path.md"))
    late = Late(Options(several=True, rules=RULES))
    summary = Summary()
    begun = ""
    for shown in cards:
        summary.add(shown.audit)
        begun += late.card(shown)
    texts = {
        "one": written(writer("html", several=False, rules=RULES, verbose=True), sample()),
        "several": written(
            writer("html", several=True, rules=RULES, verbose=True), *cards, unreadable=((ATTACK, ATTACK),)
        ),
        "late": begun + late.end(summary),
    }
    folder = tmp_path_factory.mktemp("audits")
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text)
    return {name: folder / f"{name}.html" for name in texts}


@pytest.fixture(params=("one", "several", "late"))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[(width, scheme) for width in WIDTHS for scheme in SCHEMES], ids=str)
def visit(
    request: pytest.FixtureRequest,
    browser: Browser,
    pages: dict[str, Path],
    name: str,
) -> Iterator[Visit]:
    width, scheme = request.param
    visit = Visit(browser, pages[name], width, scheme)
    yield visit
    visit.page.close()


def test_the_page_fits_loads_nothing_and_can_be_read(visit: Visit) -> None:
    """At every width, light and dark: no sideways scrolling, no request, no message, enough contrast."""
    across, inner = visit.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert across <= inner
    contrasts = visit.page.evaluate(CONTRASTS)
    assert len(contrasts) > 40
    assert [entry for entry in contrasts if entry[0] < 4.5] == []
    assert visit.did == []
    assert visit.page.evaluate("document.scripts.length + document.images.length + frames.length") == 0


def test_the_summary_is_seen_first(browser: Browser, pages: dict[str, Path], name: str) -> None:
    """Wherever it stands in the text, the summary is above the first card."""
    visit = Visit(browser, pages[name], 1440, "light")
    summary, card = visit.page.evaluate(
        "['#summary', '.part'].map(one => document.querySelector(one).getBoundingClientRect().top)"
    )
    assert 0 < summary < card
    visit.page.close()


def test_findings_are_filtered_without_a_script(browser: Browser, pages: dict[str, Path]) -> None:
    """A box that is cleared hides the findings of its severity and no others; all boxes have a name."""
    visit = Visit(browser, pages["several"], 768, "light")
    assert visit.page.locator(".finding.is-note:visible").count() == 3
    visit.page.get_by_role("checkbox", name="notes").uncheck()
    assert visit.page.locator(".finding.is-note:visible").count() == 0
    assert visit.page.locator(".finding.is-error:visible").count() == 3
    visit.page.get_by_role("checkbox", name="cards without findings").uncheck()
    assert visit.page.locator(".card.is-clean:visible").count() == 0
    visit.page.get_by_role("checkbox", name="notes").check()
    assert visit.page.locator(".finding.is-note:visible").count() == 3
    assert visit.did == []
    visit.page.close()


def test_the_page_prints(browser: Browser, pages: dict[str, Path], name: str) -> None:
    """Print gives dark ink on white whatever the screen's scheme, without the filter."""
    visit = Visit(browser, pages[name], 1440, "dark")
    assert visit.page.pdf().startswith(b"%PDF")
    visit.page.emulate_media(media="print", color_scheme="dark")
    assert visit.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert [entry for entry in visit.page.evaluate(CONTRASTS) if entry[0] < 4.5] == []
    assert visit.page.locator(".filter:visible").count() == 0
    visit.page.close()
