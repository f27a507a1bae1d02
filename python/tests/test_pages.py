"""The Python code of the pages runs: a page's blocks one after the other, as a reader would."""

import functools
import re
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def pages() -> list[Path]:
    return [page for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))] if FENCE.search(page.read_text())]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_the_code_of_a_page_runs(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Not every machine has the C++ compiler that the default backend needs.
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="aot_eager"))
    text = page.read_text()
    namespace: dict[str, object] = {"__name__": "page"}
    for block in FENCE.finditer(text):
        # Empty lines before it, so that a traceback has the lines of the page.
        code = "\n" * (text[: block.start()].count("\n") + 1) + block[1]
        exec(compile(code, str(page), "exec"), namespace)


def test_there_are_pages() -> None:
    assert {"README.md", "pytorch.md", "from-your-current-code.md"} <= {page.name for page in pages()}
