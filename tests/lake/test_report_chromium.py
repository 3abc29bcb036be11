"""The page of a report as Chromium shows it: on a phone, a tablet and a desk, light and dark."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chromium import Browser, chromium
from tests.commands import SAMPLE, result_of
from tests.lake.report_pages import report_of

pytestmark = pytest.mark.slow

COLOURS = "getComputedStyle(document.body)"
# What sticks out of the page, but for what scrolls by itself.
WIDER = """[...document.querySelectorAll('body *')].filter(one => !one.closest('.scroll, nav, svg')
    && one.getBoundingClientRect().right > innerWidth + 0.5).map(one => one.outerHTML.slice(0, 99))"""
# The size of the smallest text in the plots that are shown.
SMALLEST = """Math.min(...[...document.querySelectorAll('svg text')].filter(one => one.checkVisibility())
    .map(one => parseFloat(one.getAttribute('font-size')) * Math.hypot(one.getScreenCTM().a, one.getScreenCTM().b)))"""
SHOWN = "[...document.querySelectorAll('svg')].filter(one => one.checkVisibility()).length"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    result_of("run", str(SAMPLE), "--lake", str(folder / "lake"))
    report_of(folder / "lake", folder)
    return folder / "report.html"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [375, 800, 1400])
def test_nothing_is_loaded_nothing_sticks_out_and_all_can_be_read(
    browser: Browser, page: Path, width: int, dark: bool
) -> None:
    browser.show(Path("/dev/null"), width, dark=dark)
    browser.requests()

    browser.show(page, width, dark=dark)

    assert browser.requests() == [page.as_uri()]
    assert browser.value("document.documentElement.scrollWidth") == width
    assert browser.value(WIDER) == []
    assert browser.value(SMALLEST) >= 9
    assert browser.value(SHOWN) == 8
    assert luminance(browser, "backgroundColor") < 0.1 if dark else luminance(browser, "backgroundColor") > 0.9


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_stands_out_from_the_page(browser: Browser, page: Path, dark: bool) -> None:
    browser.show(page, 800, dark=dark)

    light, shade = sorted((luminance(browser, "color"), luminance(browser, "backgroundColor")), reverse=True)

    assert (light + 0.05) / (shade + 0.05) >= 7  # WCAG 2, AAA


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_bars_of_a_plot_have_the_colours_of_its_legend(browser: Browser, page: Path, dark: bool) -> None:
    browser.show(page, 800, dark=dark)
    legend = "[...document.querySelectorAll('#rows .legend span')].map(one => getComputedStyle(one).backgroundColor)"
    bars = (
        "[...new Set([...document.querySelectorAll('#rows .wide path[fill]')].map(one => getComputedStyle(one).fill))]"
    )

    assert len(browser.value(legend)) == 3
    assert set(browser.value(legend)) == set(browser.value(bars)) - {"none"}


def luminance(browser: Browser, colour: str) -> float:
    """The relative luminance of a colour of the page, from 0 to 1 (WCAG 2)."""
    numbers = [float(one) / 255 for one in browser.value(f"{COLOURS}.{colour}.match(/[0-9.]+/g)")[:3]]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in numbers)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
