"""The page in a real browser: it fits, can be read, loads nothing, and no text in it acts."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "reports"))  # the samples stand beside the reports' tests

from report_samples import ATTACKS, sample_comparison, sample_run, with_texts

from repro.reports import render

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page

pytestmark = pytest.mark.browser

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDTHS = (360, 768, 1440)
SCHEMES = ("light", "dark")

# Every element with text of its own, and the ratio of its colour to what lies behind it (WCAG 2.2).
CONTRASTS = """
() => {
  const channels = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = channels(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!own || ["title", "desc"].includes(element.tagName) || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const [one, other] = [channels(element.tagName === "text" ? style.fill : style.color), behind(element)]
      .map(luminance).sort((a, b) => b - a);
    found.push([(one + 0.05) / (other + 0.05), element.tagName, element.textContent.trim().slice(0, 40)]);
  }
  return found;
}
"""


def missing(what: str) -> NoReturn:
    """Skip, or fail where a browser is required: a test that never runs must not look green."""
    if os.environ.get("REPRO_REQUIRE_BROWSER") == "1":
        pytest.fail(f"{what}, and REPRO_REQUIRE_BROWSER=1")
    pytest.skip(what)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed")
    names = ("chromium", "/usr/bin/chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    executable = next(filter(None, map(shutil.which, names)), None)
    if executable is None:
        missing("no Chromium found")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A sample report, and one in which every text is all attacks at once."""
    run = sample_run()
    comparison = sample_comparison(run)
    attack = " ".join(ATTACKS)
    folder = tmp_path_factory.mktemp("reports")
    render(run, comparison, folder / "sample")
    render(with_texts(run, attack), with_texts(comparison, attack), folder / "hostile")
    return {name: folder / name / "report.html" for name in ("sample", "hostile")}


class Visit:
    """An open page and all that it did on its own."""

    def __init__(self, browser: Browser, path: Path, width: int, scheme: str) -> None:
        self.address = path.as_uri()
        self.page: Page = browser.new_page(
            viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
        )
        self.did: list[str] = []
        self.page.on("console", lambda message: self.did.append(f"console: {message.text}"))
        self.page.on("pageerror", lambda error: self.did.append(f"error: {error}"))
        self.page.on("request", lambda request: self.requested(request.url))
        self.page.on("popup", lambda page: self.did.append(f"popup: {page.url}"))
        self.page.on("dialog", self.asked)
        self.page.goto(self.address)
        self.page.wait_for_timeout(100)  # long enough for an `onerror` to fire, were there one

    def asked(self, dialog: Dialog) -> None:
        self.did.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def requested(self, url: str) -> None:
        if url != self.address and not url.startswith("data:"):
            self.did.append(f"request: {url}")


@pytest.fixture(params=SCHEMES)
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=WIDTHS)
def width(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(params=("sample", "hostile"))
def visit(
    request: pytest.FixtureRequest, browser: Browser, reports: dict[str, Path], width: int, scheme: str
) -> Iterator[Visit]:
    visit = Visit(browser, reports[request.param], width, scheme)
    yield visit
    visit.page.close()


def test_the_page_fits_loads_nothing_and_can_be_read(visit: Visit) -> None:
    """At every width, light and dark: no sideways scrolling, no request, no message, enough contrast."""
    across, inner = visit.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert across <= inner
    contrasts = visit.page.evaluate(CONTRASTS)
    assert len(contrasts) > 100
    assert [entry for entry in contrasts if entry[0] < 4.5] == []
    visit.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    across, inner = visit.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert across <= inner
    assert visit.did == []
    assert visit.page.url == visit.address


@pytest.mark.parametrize("name", ["sample", "hostile"])
def test_no_text_acts(name: str, browser: Browser, reports: dict[str, Path]) -> None:
    """Clicking through the page's own links and moving over its text sets off nothing."""
    visit = Visit(browser, reports[name], 768, "light")
    title = visit.page.title()
    for link in visit.page.locator("nav a").all():
        link.click()
    visit.page.locator("h1").hover()
    visit.page.wait_for_timeout(100)
    assert visit.did == []
    assert visit.page.title() == title
    assert visit.page.url.partition("#")[0] == visit.address
    assert visit.page.evaluate("document.scripts.length + document.images.length + frames.length") == 0
    visit.page.close()


def test_wide_tables_scroll_in_their_own_box(browser: Browser, reports: dict[str, Path]) -> None:
    """On a phone a wide table scrolls by itself and can be reached with the keyboard."""
    visit = Visit(browser, reports["sample"], 360, "light")
    wide = visit.page.evaluate(
        "[...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth)"
        ".map(one => one.tabIndex)"
    )
    assert wide
    assert set(wide) == {0}
    visit.page.close()


def test_the_first_screen_holds_verdict_and_curves(browser: Browser, reports: dict[str, Path]) -> None:
    """Without scrolling a reader sees verdict, reason and both curves on a desk, and the first on a phone."""
    desk = Visit(browser, reports["sample"], 1440, "light")
    bottoms = desk.page.evaluate(
        "[...document.querySelectorAll('.opening .plot')].map(p => p.getBoundingClientRect().bottom)"
    )
    assert len(bottoms) == 2
    assert max(bottoms) <= 900
    phone = Visit(browser, reports["sample"], 360, "light")
    assert (
        phone.page.evaluate("document.querySelector('.opening .plot').getBoundingClientRect().bottom") <= 900
    )
    desk.page.close()
    phone.page.close()


def test_the_page_prints(browser: Browser, reports: dict[str, Path]) -> None:
    """Print gives a PDF, dark ink on white whatever the screen's scheme, with the folded parts unfolded."""
    visit = Visit(browser, reports["sample"], 1440, "dark")
    assert visit.page.pdf().startswith(b"%PDF")
    visit.page.emulate_media(media="print", color_scheme="dark")
    colours = visit.page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert colours == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    assert [entry for entry in visit.page.evaluate(CONTRASTS) if entry[0] < 4.5] == []
    if visit.page.evaluate("CSS.supports('selector(::details-content)')"):
        assert (
            visit.page.evaluate("document.querySelector('details table').getBoundingClientRect().height") > 0
        )
    assert visit.did == []
    visit.page.close()
