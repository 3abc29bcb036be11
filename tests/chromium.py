"""Chromium without a window, driven over chromedriver's own protocol: W3C WebDriver, with Chromium's additions."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import Request, urlopen

import pytest

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
]  # fmt: skip


def needs_chromium() -> str:
    """The path of chromedriver. Skips where there is none, but never where .ci/run says it must be."""
    found = shutil.which("chromedriver")
    if found is None or shutil.which("chromium") is None:
        if os.environ.get("DMD_CHROMIUM_REQUIRED"):
            pytest.fail("chromium and chromedriver are not installed, and may not be missing here")
        pytest.skip("chromium and chromedriver are not installed")
    return found


@dataclass
class Browser:
    """One window of Chromium."""

    session: str

    def show(self, page: Path, width: int, *, dark: bool) -> None:
        """Opens a file at a width in pixels, light or dark."""
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", features=[feature])
        _call(f"{self.session}/url", url=page.as_uri())

    def command(self, name: str, **parameters: Any) -> Any:
        """Runs a command of the Chrome DevTools Protocol."""
        return _call(f"{self.session}/goog/cdp/execute", cmd=name, params=parameters)

    def value(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        return _call(f"{self.session}/execute/sync", script=f"return {expression}", args=[])

    def requests(self) -> list[str]:
        """The addresses that were asked for since this was last called."""
        entries = _call(f"{self.session}/se/log", type="performance")
        messages = [json.loads(one["message"])["message"] for one in entries]
        return [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]

    def picture(self, width: int, height: int) -> bytes:
        """The upper part of the page as a PNG."""
        part = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        found = self.command("Page.captureScreenshot", captureBeyondViewport=True, clip=part)
        return base64.b64decode(found["data"])


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """Yields a browser whose profile is in a fresh folder; it ends with the block."""
    command = [needs_chromium(), "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as driver:
        try:
            assert driver.stdout is not None
            port = next(filter(None, (re.search(r"on port (\d+)\.", line) for line in driver.stdout)))[1]
            options = {"args": [*FLAGS, f"--user-data-dir={folder}"], "binary": shutil.which("chromium")}
            wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"performance": "ALL"}}
            sessions = f"http://127.0.0.1:{port}/session"
            session = f"{sessions}/{_call(sessions, capabilities={'alwaysMatch': wanted})['sessionId']}"
            try:
                yield Browser(session)
            finally:
                urlopen(Request(session, method="DELETE")).close()  # noqa: S310 - our own
        finally:
            driver.terminate()


def main(page: str, picture: str) -> None:
    """Writes a picture of the head of a page: `python -m tests.chromium report.html docs/report.png`."""
    with TemporaryDirectory() as folder, chromium(Path(folder)) as browser:
        browser.show(Path(page).resolve(), 960, dark=False)
        Path(picture).write_bytes(browser.picture(960, 1290))


def _call(address: str, **body: Any) -> Any:
    request = Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310 - our own
    with urlopen(request) as answer:  # noqa: S310
        return json.load(answer)["value"]


if __name__ == "__main__":
    main(*sys.argv[1:])
