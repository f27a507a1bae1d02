"""Pages in a real browser: Chromium, driven by Playwright.

`cargo xtask test browser` writes the pages of made-up evaluations (`src/report/fixtures.rs`), that of `klados train`
(`tests/it/story.rs`), those of `klados explain` (`tests/it/explain_page.rs`) and the rows of the golden suite
(`klados/tests/it/explain_formulas.rs`) into a folder, and names it and the browser in the environment.
"""

import os
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

PAGES = Path(os.environ["KLADOS_REPORT_PAGES"])


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        # A sandbox needs rights that containers do not give; the pages are our own.
        browser = playwright.chromium.launch(executable_path=os.environ["KLADOS_CHROMIUM"], args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """Opens a page by name and waits until it is drawn. What it complains of or asks for fails the test in the end."""
    contexts, complaints = [], []

    def opened(name, width=1280, height=900, dark=False):
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", reduced_motion="reduce"
        )
        contexts.append(context)
        page = context.new_page()
        address = (PAGES / f"{name}.html").resolve().as_uri()
        page.on("console", lambda said: complaints.append(f"console: {said.type}: {said.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))

        def is_ours(request):
            if request.url.split("#")[0] != address and not request.url.startswith(("data:", "blob:")):
                complaints.append(f"request: {request.url}")

        page.on("request", is_ours)
        page.goto(address)
        page.wait_for_selector("html[data-ready=true]")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
