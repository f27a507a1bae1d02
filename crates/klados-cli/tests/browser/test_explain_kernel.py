"""The kernel of the page of `klados explain --report`, in the browser, against the golden suite.

`klados/tests/it/explain_formulas.rs` writes each row of `testdata/golden` with its formulas: all of them, of all losses, with
masked classes, rows that are no numbers, and logits of ±1e4. From these and the logits the kernel computes loss and gradient.
The tolerance is that of engines in `f64` (`klados_testing::Precision::F64`): `1e-13` of the loss, and of the largest summand of
the row's gradient, down to `1e-300`.
"""

import os
from pathlib import Path

import pytest

KERNEL = Path(__file__).parents[2] / "src/report/page/explain/kernel.js"
GOLDEN = Path(os.environ["KLADOS_REPORT_PAGES"]) / "golden"

#: Computes all rows of a text of JSON, and returns their number with the differences.
CHECK = """(text) => {
  const numeric = (value) => (typeof value === 'number' ? value : { nan: NaN, inf: Infinity, '-inf': -Infinity }[value]);
  const wrong = [];
  const compare = (what, got, expected, measure) => {
    if (got === expected || (Number.isNaN(got) && Number.isNaN(expected))) return;
    const isClose = Number.isFinite(expected) && Math.abs(got - expected) <= 1e-13 * Math.abs(measure) + 1e-300;
    if (!isClose) wrong.push(`${what}: ${got}, expected ${expected}`);
  };
  const rows = JSON.parse(text);
  for (const { name, formulas, logits, loss, gradient, magnitude } of rows) {
    const got = explainRow(formulas, logits.map(numeric));
    compare(`${name}, loss`, got.loss, numeric(loss), numeric(loss));
    gradient.forEach((expected, column) => compare(`${name}, column ${column}`, got.gradient[column], numeric(expected), numeric(magnitude)));
  }
  return { rows: rows.length, columns: rows.reduce((sum, { gradient }) => sum + gradient.length, 0), wrong: wrong.slice(0, 10) };
}"""


@pytest.fixture(scope="module")
def kernel(browser):
    page = browser.new_page()
    page.add_script_tag(path=KERNEL)
    yield page
    page.close()


def test_there_is_a_file_for_each_loss():
    golden = Path(__file__).parents[4] / "testdata/golden"
    assert sorted(path.name for path in GOLDEN.glob("*.json")) == sorted(path.name for path in golden.glob("*.json"))


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_losses_and_gradients_are_those_of_the_golden_suite(kernel, path):
    found = kernel.evaluate(CHECK, path.read_text())
    assert found["wrong"] == []
    assert found["rows"] > 50 and found["columns"] > 500


def test_a_difference_is_found(kernel):
    text = GOLDEN.joinpath("marginal_cross_entropy.json").read_text()
    broken = "(text) => { const rows = JSON.parse(text).slice(0, 1); rows[0].gradient[0] += 1e-9; return JSON.stringify(rows); }"
    assert len(kernel.evaluate(CHECK, kernel.evaluate(broken, text))["wrong"]) == 1
