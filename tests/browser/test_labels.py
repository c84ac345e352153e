"""What the sidebar shows, what the title and the table say and what the cards draw are one selection."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.driver import Server, open_page, wait_idle

SIDEBAR = "stSidebar"
CONTROL = " (control)"
"""What the sidebar adds to a method's name."""
READ = r"""() => {
    const side = document.querySelector("[data-testid='stSidebar']");
    const main = document.querySelector("[data-testid='stMain']");
    const label = one => one.querySelector("[data-testid='stWidgetLabel'] p").innerText;
    const lists = {}, groups = {}, options = {}, sliders = [];
    for (const one of side.querySelectorAll("[data-testid='stSelectbox']")) {
        lists[label(one)] = one.querySelector("input").value;
    }
    for (const one of side.querySelectorAll("[data-testid='stButtonGroup']")) {
        options[label(one)] = [...one.querySelectorAll("[data-variant]")].map(button => button.innerText);
        groups[label(one)] = [...one.querySelectorAll("[data-variant][data-selected]")].map(button => button.innerText);
    }
    for (const one of side.querySelectorAll("[data-testid='stSlider'] input")) {
        sliders.push(one.getAttribute("aria-valuetext"));
    }
    const card = key => main.querySelector(`.st-key-card_${key}`);
    const caption = key => card(key)?.querySelector("[data-testid='stCaptionContainer']")?.innerText ?? "";
    const plot = key => card(key)?.querySelector(".js-plotly-plot");
    const names = key => [...new Set((plot(key)?.data ?? []).map(trace => trace.name))];
    const note = main.querySelector(".numbers_note");
    return {
        lists, groups, options, sliders,
        title: main.querySelector("h1")?.innerText ?? "",
        methods: [...main.querySelectorAll(".numbers tbody [role='rowheader']")].map(head => head.innerText.trim()),
        note: note ? note.innerText : "",
        accuracy: names("accuracy"), ekl: names("ekl"),
        line: (plot("accuracy")?.layout.shapes ?? []).filter(shape => shape.x0 === shape.x1).map(shape => shape.x0),
        captions: {accuracy: caption("accuracy"), ekl: caption("ekl"), layers: caption("layer_deviations")},
    };
}"""
Read = dict[str, Any]


def sidebar_says(read: Read) -> Read:
    """The selection by its switches."""
    methods = [name.removesuffix(CONTROL) for name in read["groups"]["Methods"]]
    return {
        "place": [read["lists"][name] for name in ("Data set", "Backbone", "Device")],
        "methods": methods,
        "accuracy": methods,
        "ekl": methods,
        "at": dict.fromkeys(("title", "ekl", "layers", "line"), read["sliders"][-1]),
        "trained": read["sliders"][0] if read["groups"]["Reading"] == ["Fixed"] else "each at its own",
    }


def page_says(read: Read) -> Read:
    """The selection as title, table, charts and captions have it."""
    known = [name.removesuffix(CONTROL) for name in read["options"]["Methods"]]
    said = {"title": read["title"], **{key: read["captions"][key] for key in ("ekl", "layers")}}
    at = {key: numbers[0] if (numbers := re.findall(r"= ([\d.]+\d)", text)) else text for key, text in said.items()}
    trained = re.search(r"trained at\s.*?= ([\d.]+\d)", read["captions"]["accuracy"], re.DOTALL)
    return {
        "place": read["note"].split(" · ")[1:],
        "methods": read["methods"],
        **{chart: [name for name in known if name in read[chart]] for chart in ("accuracy", "ekl")},
        "at": {**at, "line": f"{read['line'][0]:g}" if len(read["line"]) == 1 else str(read["line"])},
        "trained": trained.group(1) if trained else "each at its own",
    }


def is_whole(read: Read) -> bool:
    """Whether the browser has drawn every switch and the page's words: each kind of widget comes when its code has."""
    return (
        {"Data set", "Backbone", "Device"} <= set(read["lists"])
        and {"Methods", "Reading"} <= set(read["groups"])
        and bool(read["sliders"] and read["note"])
    )


def agreed(page: Page) -> Read:
    """What sidebar and page say, once they say the same; charts come a moment after the words."""
    for _ in range(120):
        wait_idle(page)
        read: Read = page.evaluate(READ)
        if is_whole(read) and sidebar_says(read) == page_says(read):
            return sidebar_says(read)
        page.wait_for_timeout(250)
    read = page.evaluate(READ)
    assert is_whole(read), read
    assert page_says(read) == sidebar_says(read)
    return sidebar_says(read)


def choose(page: Page, title: str, place: int) -> None:
    """Another option of a list of the sidebar."""
    box = page.get_by_test_id(SIDEBAR).get_by_test_id("stSelectbox").filter(has_text=title)
    box.locator("input").click()
    page.get_by_role("option").nth(place).click()


def slide(page: Page, place: int, key: str) -> None:
    """A slider of the sidebar, counted from its top, to an end."""
    page.get_by_test_id(SIDEBAR).get_by_test_id("stSlider").nth(place).locator("input").press(key)


@pytest.mark.timeout(300)
def test_sidebar_title_table_and_cards_say_one_selection_after_every_switch(page: Page, server: Server) -> None:
    open_page(page, server)
    first = agreed(page)
    side = page.get_by_test_id(SIDEBAR)

    slide(page, 0, "End")
    assert agreed(page)["at"] != first["at"]
    side.get_by_role("button", name="OVF", exact=True).click()
    assert agreed(page)["methods"] == [name for name in first["methods"] if name != "OVF"]
    choose(page, "Backbone", 1)
    other = agreed(page)
    assert other["place"][1] != first["place"][1]
    assert "OVF" not in other["methods"]
    side.get_by_text("Fixed", exact=True).click()
    assert agreed(page)["trained"] != first["trained"]
    slide(page, 0, "End")
    slide(page, 1, "End")
    assert agreed(page)["trained"] != agreed(page)["at"]["title"]
    choose(page, "Data set", 1)
    assert agreed(page)["place"][0] != first["place"][0]
    side.get_by_role("button", name="OVF", exact=True).click()
    assert agreed(page)["methods"] == first["methods"]
    choose(page, "Data set", 0)
    expect(page.locator(".numbers_note")).to_contain_text(first["place"][0])
    choose(page, "Backbone", 0)  # that of the other data has stayed
    expect(page.locator(".numbers_note")).to_contain_text(first["place"][1])
    side.get_by_text("Matched", exact=True).click()
    assert agreed(page)["place"] == first["place"]
