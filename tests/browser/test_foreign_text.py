"""Words of others in a real browser: Streamlit makes links of escaped addresses too."""

from urllib.parse import quote

from playwright.sync_api import Page, expect

from tests.browser.driver import Server, open_page

EVIL = "![x](http://evil.example/a.png) [y](http://evil.example) http://evil.example www.evil.example a@evil.example"


def test_no_link_and_no_image_comes_of_an_address_that_is_not_ours(page: Page, server: Server) -> None:
    open_page(page, server, f"/compare?run={quote(EVIL)}")

    expect(page.get_by_text("Not stored here, and left out:")).to_contain_text("evil.example")
    expect(page.locator("a[href*=evil], img[src*=evil]")).to_have_count(0)
