"""The report draws, zooms and finds, on a desk, on a phone, in the dark and on paper, and complains of nothing."""

import json
import time

import pytest

#: `real` is that of `klados train`, after an epoch.
PAGES = ["real", "emoji", "single", "training", "large", "multi-label", "bare"]
#: Sections that a page has, by what its data has.
FULL = ["summary", "levels", "decisions", "comparisons", "curves", "calibration", "hierarchy", "confusions", "mistakes"]


def sections(page):
    return page.eval_on_selector_all("main > section", "all => all.map(({id}) => id)")


def data(page):
    return json.loads(page.text_content("#report-data"))


def cell(page, node):
    return page.locator(f".icicle button[data-node='{node}']")


def first_child(page, at_least=2):
    """The icicle's first node of the first column with children of its own."""
    nodes = page.eval_on_selector_all(".icicle button.inner:not(.focus)", "all => all.map(({dataset}) => dataset.node)")
    parent = data(page)["hierarchy"]["parent"]
    return next(int(node) for node in nodes if parent.count(int(node)) >= at_least)


def focus(page):
    return page.text_content(".crumbs [aria-current]")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_draws_and_does_not_scroll_sideways(open_page, name, width, dark):
    page = open_page(name, width=width, dark=dark)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    for chart in page.locator(".chart").all():
        assert chart.locator("svg path").count() > 0, chart.get_attribute("aria-label")
        box = chart.locator("svg").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") != dark


def test_sections_are_those_of_the_data(open_page):
    assert sections(open_page("emoji")) == FULL
    # Where all models answer all rows at all levels there is no more to say of decisions.
    always = [name for name in FULL if name != "decisions"]
    assert sections(open_page("single")) == [name for name in always if name != "comparisons"]
    assert sections(open_page("training")) == [*always, "training", "pictures"]
    assert sections(open_page("real")) == [*FULL, "training", "pictures"]
    assert sections(open_page("multi-label")) == ["summary", "levels", "hierarchy"]
    assert sections(open_page("bare")) == ["summary"]


@pytest.mark.parametrize("name", ["emoji", "training", "multi-label"])
def test_every_chart_has_a_name_and_a_table(open_page, name):
    page = open_page(name)
    charts = page.locator(".chart")
    assert charts.count() > 0
    for chart in charts.all():
        assert chart.get_attribute("role") == "img" and chart.get_attribute("aria-label")
        figure = chart.locator("xpath=ancestor::figure")
        details = figure.locator("details.data")
        if details.count() == 0:
            # The section's own table is beside it.
            assert figure.locator("xpath=ancestor::section").locator("table tbody tr").count() > 0
            continue
        details.locator("summary").click()
        details.locator("tbody tr").first.wait_for()
        assert details.locator("thead th").count() == details.locator("tbody tr").first.locator("th, td").count()
    for table in page.locator("table").all():
        assert table.locator("caption").count() == 1


def test_a_click_zooms_in_and_back(open_page):
    page = open_page("emoji")
    assert focus(page) == "all"
    node = first_child(page)
    name = cell(page, node).locator("span").first.text_content()
    cell(page, node).click()
    assert focus(page) == name
    assert page.text_content(".panel h3") == name
    parents = data(page)["hierarchy"]["parent"]
    shown = page.eval_on_selector_all(".icicle button[data-node]", "all => all.map(({dataset}) => +dataset.node)")
    assert all(node in lineage(parents, shown_node) for shown_node in shown)
    # The confusion follows.
    assert page.text_content("#confusions").count(f"Between siblings: {name}") == 1
    page.click("text=↑ Back")
    assert focus(page) == "all"
    # A breadcrumb goes up, too.
    cell(page, node).click()
    page.click(".crumbs button >> text=all")
    assert focus(page) == "all"


def lineage(parents, node):
    while node >= 0:
        yield node
        node = parents[node]


def test_the_icicle_has_keys(open_page):
    page = open_page("emoji")
    page.focus(".icicle button.focus")
    page.keyboard.press("ArrowRight")
    name = page.evaluate("document.activeElement.querySelector('span').textContent")
    assert page.locator(".tip").is_visible() and name in page.text_content(".tip")
    page.keyboard.press("ArrowDown")
    below = page.evaluate("document.activeElement.querySelector('span').textContent")
    assert below != name
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    assert focus(page) == name
    assert page.evaluate("document.activeElement.closest('.icicle') !== null")
    page.keyboard.press("Escape")
    assert focus(page) == "all"
    assert page.locator(".icicle button[tabindex='0']").count() == 1


def test_a_search_finds(open_page):
    page = open_page("emoji")
    page.fill("#search", "BEAR")
    options = page.locator("#found [role=option]")
    assert options.first.locator("span").text_content() == "bear"
    assert options.first.locator("small").text_content() == "animals-nature › animal-mammal"
    page.keyboard.press("Enter")
    assert page.text_content(".panel h3") == "bear"
    assert focus(page) == "animal-mammal"
    assert page.locator(".icicle button.selected span").first.text_content() == "bear"
    page.fill("#search", "nothing has this name")
    assert "No node has this in its name" in page.text_content("#found")
    # With the pointer, and of names that repeat each with its path.
    large = open_page("large")
    large.fill("#search", "epithet 17")
    paths = large.locator("#found [role=option] small").all_text_contents()
    assert len(paths) == len(set(paths)) >= 5
    large.locator("#found [role=option]").nth(1).click()
    assert large.text_content(".panel h3") == large.input_value("#search") == "epithet 17"
    assert large.locator(".icicle button.selected").count() == 1


def test_a_hover_tells(open_page):
    page = open_page("emoji")
    cell(page, first_child(page)).hover()
    tip = page.text_content(".tip")
    assert "rows" in tip and "wrong" in tip and "most often taken for" in tip
    page.locator("#curves .chart").first.hover(position={"x": 250, "y": 100})
    assert "recall about" in page.text_content("#curves .chart >> nth=0")


def test_the_model_is_chosen_once_for_all(open_page):
    page = open_page("emoji")
    assert page.locator(".of-model", has_text="hierarchical").count() == page.locator(".of-model").count() > 4
    tile = page.text_content(".tile-value")
    page.select_option("#aside select", label="flat")
    assert page.locator(".of-model", has_text="flat").count() == page.locator(".of-model").count()
    assert page.text_content(".tile-value") != tile
    page.select_option("#curves select", label="group")
    page.select_option("#comparisons select", label="flat with cautious")
    assert "flat minus cautious" in page.text_content("#comparisons")


def test_more_than_can_be_drawn_is_reached(open_page):
    page = open_page("large")
    parents = data(page)["hierarchy"]["parent"]
    node = max(set(parents), key=parents.count)
    page.evaluate("window.scrollTo(0, 0)")
    page.fill("#search", data(page)["hierarchy"]["name"][node])
    page.locator(f"#found [data-node='{node}']").click()
    seen = set()
    children = parents.count(node)
    for _ in range(children):
        seen |= {
            int(shown)
            for shown in page.eval_on_selector_all(".icicle button[data-node]", "all => all.map(({dataset}) => dataset.node)")
            if parents[int(shown)] == node
        }
        # The first column's cell of what is merged.
        more = page.locator(f".icicle button.more[aria-label*='merged'][aria-label$='below {focus(page)}']")
        if more.count() == 0:
            break
        more.first.click()
    assert len(seen) == children > 40


def test_only_what_is_seen_is_drawn(open_page):
    page = open_page("large")
    assert len(data(page)["hierarchy"]["name"]) == 20_000
    assert page.locator(".icicle button").count() < 400
    begun = time.perf_counter()
    cell(page, first_child(page)).click()
    print(f"20,000 nodes: zoomed after {1000 * (time.perf_counter() - begun):.0f} ms")
    assert page.locator(".icicle button").count() < 400


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_it_prints(open_page, name, dark, tmp_path):
    page = open_page(name, dark=dark)
    path = tmp_path / "page.pdf"
    page.pdf(path=path, format="A4", print_background=True)
    assert path.read_bytes().startswith(b"%PDF")
    # Paper is white, whatever the screen is.
    page.emulate_media(media="print", color_scheme="dark" if dark else "light")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("#bar").is_visible()
    page.emulate_media(media="screen")
    for chart in page.locator(".chart").all():
        assert chart.locator("svg path").count() > 0


def test_names_are_text(open_page):
    page = open_page("hostile")
    assert page.evaluate("window.broken") is None
    assert "<img src=x onerror=" in page.text_content("h1")
    page.fill("#search", "onerror")
    page.keyboard.press("Enter")
    page.locator(".icicle button").nth(1).hover()
    page.locator("#curves .chart").first.hover(position={"x": 200, "y": 100})
    page.locator("#levels .chart").first.hover(position={"x": 200, "y": 30})
    assert page.evaluate("window.broken") is None
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("name", ["real", "emoji", "multi-label"])
def test_a_phone_needs_no_scrolling_sideways(open_page, name):
    page = open_page(name, width=390)
    page.evaluate("for (const details of document.querySelectorAll('main details')) details.open = true")
    page.wait_for_function("[...document.querySelectorAll('details.data')].every(it => it.childElementCount > 1)")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    stacked = page.locator("table.stacked")
    assert stacked.count() > 0
    for table in stacked.all():
        caption = table.locator("caption").text_content()
        assert table.evaluate("it => it.parentNode.scrollWidth <= it.parentNode.clientWidth"), caption
        # It is a table to those who hear it, and every number says what it is of.
        assert table.get_attribute("role") == "table"
        cells = table.locator("tbody td").evaluate_all("all => all.map(it => [it.getAttribute('role'), it.dataset.head])")
        assert all(role == "cell" and head for role, head in cells), caption
    # Nothing is cut off at the right, but in what scrolls and says so.
    cut = page.evaluate(
        """[...document.querySelectorAll('main *')].filter(it => it.getBoundingClientRect().right > 391 && it.checkVisibility()
            && !it.closest('.wide') && !it.closest('svg')).map(it => it.outerHTML.slice(0, 90))"""
    )
    assert cut == []


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("name", ["real", "emoji", "large"])
def test_what_scrolls_sideways_says_so(open_page, name, width):
    page = open_page(name, width=width)
    page.wait_for_timeout(100)  # sizes are observed after a frame
    for scroller in page.locator(".scroller").all():
        scroll = scroller.locator(".scroll")
        is_wide = scroll.evaluate("it => it.scrollWidth > it.clientWidth + 1")
        assert scroller.locator(".more-sideways").is_visible() == is_wide
        assert not is_wide or scroll.get_attribute("tabindex") == "0"


@pytest.mark.parametrize("name", ["real", "emoji"])
def test_numbers_are_grouped_and_explained(open_page, name):
    page = open_page(name)
    families = page.locator("#summary details.folded")
    assert families.count() > 1
    assert families.first.get_attribute("open") is not None and families.nth(1).get_attribute("open") is None
    known = {"made up"}  # of the made-up pages, in no list
    for row in page.locator("#summary .metrics tbody tr").all():
        title = row.locator("th > span").evaluate("it => it.firstChild.textContent")
        assert title in known or row.locator("th small").text_content() != "", title
    # Of what is better one way, the best is marked, where the models differ.
    row = page.locator("#summary .metrics tbody tr", has_text="Answers that hold")
    assert "higher is better" in row.text_content() and row.locator("td b").count() == 1
    # Paper shows all of it, and then it is as before.
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details.folded:not([open])").count() == 0
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("#summary details.folded[open]").count() == 1


def test_rules_on_one_model_share_its_curves(open_page):
    page = open_page("emoji")
    names = page.locator("#curves figure").first.locator(".legend li").all_text_contents()
    assert [name.split(":")[0] for name in names] == ["hierarchical", "flat"]
    assert page.locator("#levels .legend li").all_text_contents() == ["hierarchical", "flat"]
    # The decisions differ: all three are there, with what was promised.
    rows = page.locator("#decisions tbody tr")
    assert rows.count() == 3
    assert "hedge: accuracy 0.95, lambda 13.1, rows 866" in rows.nth(2).text_content()
    assert "95 % promised" in rows.nth(2).text_content() and "promised" not in rows.nth(0).text_content()


def test_pairs_that_repeat_are_listed(open_page):
    # Each emoji of the real page has one row: what repeats is between subgroups.
    pairs = open_page("real").locator("#confusions .pairs tbody tr")
    counts = [int(row.locator("td").nth(1).text_content()) for row in pairs.all()]
    assert len(counts) > 0 and min(counts) > 1 and counts == sorted(counts, reverse=True)
