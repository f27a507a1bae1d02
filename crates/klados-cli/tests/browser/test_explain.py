"""The page of `klados explain --report`: its sliders give the core's numbers, at a desk, on a phone, in the dark and on paper.

`tests/it/explain_page.rs` writes the pages, with what `klados explain --format json` prints for the logits as they are and as
they are moved. Numbers are held to these at `1e-12` of the largest share of the gradient, or of the loss: both sides are
within `1e-13` of the truth (`test_explain_kernel.py`, `crates/klados/tests/it/explain.rs`).
"""

import json
import math
import os
from pathlib import Path

import pytest

PAGES = Path(os.environ["KLADOS_REPORT_PAGES"])
RUNS = {run["page"]: run for name in ("explain.json", "explain-large.json") for run in json.loads((PAGES / name).read_text())}
SOME = ["explain-animals", "explain-smooth", "explain-large", "explain-hostile", "explain-levelwise"]


def number(text):
    return {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}.get(text) or float(text)


def numbers(page):
    """By node, the numbers that its row shows, with all their digits."""
    rows = page.eval_on_selector_all(
        "#tree [data-node]",
        "all => all.map(row => [row.dataset.node, Object.fromEntries([...row.querySelectorAll('data')].map(it => [it.dataset.of, it.value]))])",
    )
    return {int(node): {name: number(value) for name, value in shown.items()} for node, shown in rows}


def check(page, expected):
    """Holds what the page shows to what the command printed."""
    shares = [abs(share["share"]) for column in expected["columns"] for share in column["shares"]]
    close = {"rel_tol": 1e-12, "abs_tol": 1e-300}
    loss = expected["loss"]
    for place in ("#glance", "#aside"):
        assert math.isclose(number(page.get_attribute(f"{place} [data-of=loss]", "value")), loss, **close)
    shown, seen = numbers(page), 0
    for node in expected["nodes"]:
        row = shown.get(node["node"])
        if row is None:
            continue
        seen += 1
        assert (node["p"] is None) == ("p" not in row), node["name"]
        if node["p"] is not None:
            assert math.isclose(row["p"], node["p"], **close), node["name"]
        if node["loss"] != 0:
            assert math.isclose(row["loss"], node["loss"], **close), node["name"]
        if node["column"] is not None:
            assert row["logit"] == node["logit"] or node["logit"] is None, node["name"]
            assert abs(row["gradient"] - node["gradient"]) <= 1e-12 * max(shares, default=0), node["name"]
    assert seen > 0
    # Those beside the label are in no node of the command's: by their names, which repeat nowhere.
    gradients = {column["name"]: column["gradient"] for column in expected["columns"]}
    drawn = {row["name"]: row["gradient"] for row in page.evaluate(
        """() => [...document.querySelectorAll('#tree [data-node]')].filter(row => row.querySelector('[data-of=gradient]'))
            .map(row => ({ name: row.querySelector('.name').firstChild.textContent.replaceAll('\u200b', ''), gradient: +row.querySelector('[data-of=gradient]').value }))"""
    )}
    assert set(drawn) <= set(gradients)
    for name, gradient in drawn.items():
        assert abs(gradient - gradients[name]) <= 1e-12 * max(shares, default=0), name
    terms = page.eval_on_selector_all("#terms [data-of=value]", "all => all.map(it => +it.value)")
    assert len(terms) == len(expected["terms"])
    # In the order of what they cost at first.
    for got, term in zip(sorted(terms), sorted(term["value"] for term in expected["terms"]), strict=True):
        assert math.isclose(got, term, **close)


def move(page, moves):
    """Moves sliders, and waits until what follows is shown."""
    for column, logit in moves:
        slider = page.locator(f"input[data-column='{column}']")
        slider.fill(str(logit))
        assert slider.evaluate("it => it.valueAsNumber") == logit
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


@pytest.mark.parametrize("name", sorted(RUNS))
def test_sliders_give_the_numbers_of_the_core(open_page, name):
    run, page = RUNS[name], open_page(name)
    check(page, run["before"])
    move(page, run["moves"])
    check(page, run["after"])
    assert page.locator("#reset").is_enabled()
    page.click("#reset")
    page.wait_for_selector("#reset:disabled")
    check(page, run["before"])


def test_sliders_have_names_and_keys(open_page):
    page = open_page("explain-animals")
    sliders = page.locator("#tree input[type=range]")
    assert sliders.count() == 6
    assert page.get_by_role("slider", name="logit of robin").get_attribute("aria-valuetext") == "0.1570"
    robin = page.locator("input[aria-label='logit of robin']")
    before = page.get_attribute("#glance [data-of=loss]", "value")
    robin.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("PageDown")
    page.wait_for_selector("#reset:enabled")
    # By a tenth, and a whole one back.
    assert math.isclose(robin.evaluate("it => it.valueAsNumber"), 0.15704437 + 0.1 - 1, rel_tol=1e-12)
    assert robin.get_attribute("aria-valuetext") == "−0.7430"
    assert page.get_attribute("#glance [data-of=loss]", "value") != before
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "logit of robin"
    assert "3.2392 before" in page.text_content("#glance")


def test_arrows_say_who_pushes_where(open_page):
    page = open_page("explain-animals")
    row = page.locator("#tree [role=row]", has_text="robin")
    assert "−0.1347 ↑" in row.text_content()
    titles = row.locator("svg rect title").all_text_contents()
    # Those of docs/explain.md.
    assert titles == ["P(bird) −0.3188", "P(crow) +0.1842"]
    tips = dict(
        page.eval_on_selector_all(
            "#tree [data-node]:has(.shaft)",
            "all => all.map(row => [row.querySelector('.name').firstChild.textContent, parseFloat(row.querySelector('.shaft').getAttribute('x2')) - 50])",
        )
    )
    assert tips["crow"] > tips["robin"] > 0 > tips["dog"], "up is to the right"
    for name, gradient in [("robin", -0.1347), ("dog", 0.6283)]:
        assert math.isclose(tips[name] / tips["crow"], gradient / -1.0783, rel_tol=1e-3), "lengths are as the gradients are"
    widths = [rect.bounding_box()["width"] for rect in row.locator("svg rect").all()]
    assert widths[0] > widths[1] > 5
    # As a table, which follows.
    page.click("text=The shares as a table")
    table = page.locator("#terms details table")
    table.wait_for()
    assert table.locator("tbody tr").first.locator("th, td").all_text_contents() == ["crow", "−0.3856", "−1.0783", "−0.8930", "−0.1853"]
    move(page, [(2, 3.5)])
    assert table.locator("tbody tr", has_text="crow").locator("td").first.text_content() == "3.5000"


def test_the_label_is_marked_and_the_tree_drawn(open_page):
    page = open_page("explain-animals")
    assert page.locator("#tree .badge").count() == 1
    assert page.locator("#tree [role=row]", has=page.locator(".badge")).locator(".name").text_content() == "crowlabel"
    names = page.locator("#tree .on-path .name").all_text_contents()
    assert names == ["bird", "crowlabel"]
    assert page.locator("#tree .guides i").count() == 6
    # In a DAG a node is below the first of its parents, and says which others there are.
    bat = open_page("explain-dag").locator("#tree .name", has_text="bat")
    assert bat.text_content() == "batalso below flying"
    both = open_page("explain-union").locator("#tree [role=row]", has_text="label").locator(".name").all_text_contents()
    assert sorted(both) == ["crowlabel", "doglabel"]


def test_what_is_not_drawn_is_counted(open_page):
    page = open_page("explain-large")
    data = json.loads(page.text_content("#report-data"))
    drawn = page.locator("#tree [data-of=logit]").count()
    assert f"{2400 - drawn:,} more logits are not drawn" in page.text_content("#missing")
    # A softmax's gradient has the sum 0.
    rest = number(page.get_attribute("#missing data", "value"))
    sum_of_drawn = sum(row["gradient"] for row in numbers(page).values() if "gradient" in row)
    assert 0 < abs(rest) and abs(rest + sum_of_drawn) < 1e-12
    # Every child is drawn or counted.
    for node in data["nodes"]:
        children = sum(other["parent"] is not None and data["nodes"][other["parent"]]["node"] == node["node"] for other in data["nodes"])
        assert children + node["hidden"] in (5, 12, 40, 0), node["name"]
    said = page.locator("#tree .node .muted", has_text="…").all_text_contents()
    said = sorted(int("".join(filter(str.isdigit, text))) for text in said)
    assert said == sorted(node["hidden"] for node in data["nodes"] if node["hidden"] > 0)
    masked = page.locator("#tree [role=row]", has_text="masked")
    assert masked.locator("input").count() == 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 700, 390])
@pytest.mark.parametrize("name", SOME)
def test_a_page_draws_and_does_not_scroll_sideways(open_page, name, width, dark):
    page = open_page(name, width=width, dark=dark)
    page.evaluate("for (const details of document.querySelectorAll('main details')) details.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    cut = page.evaluate(
        """(width) => [...document.querySelectorAll('main *')].filter(it => it.getBoundingClientRect().right > width + 1 && it.checkVisibility()
            && !it.closest('.scroll')).map(it => it.outerHTML.slice(0, 90))""",
        width,
    )
    assert cut == []
    for slider in page.locator("input[type=range]").all()[:6]:
        assert slider.bounding_box()["width"] > 90
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") != dark


def test_names_are_text(open_page):
    page = open_page("explain-hostile")
    assert page.evaluate("window.broken") is None and page.locator("img").count() == 0
    assert page.locator("#tree .name", has_text="<b>top</b>").count() == 1
    assert "onerror" in page.text_content("#facts")


def test_a_row_without_a_label_says_so(open_page):
    page = open_page("explain-ignored")
    assert "the label is empty" in page.text_content("header")
    assert page.locator("#terms").count() == 0
    assert "no label" in page.text_content("#facts")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_prints(open_page, dark, tmp_path):
    page = open_page("explain-animals", dark=dark)
    page.pdf(path=tmp_path / "page.pdf", format="A4", print_background=True)
    page.emulate_media(media="print", color_scheme="dark" if dark else "light")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("#bar").is_visible() and not page.locator("input").first.is_visible()
    assert page.locator("#tree [data-of=logit]").first.is_visible()
