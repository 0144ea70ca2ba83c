"""The lessons as static pages: opened in a browser that may ask nobody, with their formulas."""

import re

import pytest

from stsf.lab.publish import handout
from stsf.lab.publish.book import write_book

LESSONS = handout.read_lessons()


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    return write_book(tmp_path_factory.mktemp("book"))


def test_a_page_a_lesson_and_an_index_that_lists_them(book):
    index, *pages = book
    assert [page.stem for page in pages] == list(LESSONS)
    links = re.findall(r"href='([^']+)'", index.read_text("utf-8"))
    assert links == [page.name for page in pages]
    for page in pages:
        text = page.read_text("utf-8")
        assert "<details>" in text, "answers fold out"
        assert text.count("data:image/png") >= 1
        assert not re.search(r"<(script|link|img)[^>]+(src|href)=['\"]?https?:", text)


def test_every_picture_says_what_it_shows(book):
    for page in book[1:]:
        pictures = re.findall(r"<img[^>]*data:image/png[^>]*>", page.read_text("utf-8"))
        said = [re.search(r'alt="(?:Image|Curves|Bars|Drawing): [^"]{4,}', p) for p in pictures]
        bare = [p[:40] for p, words in zip(pictures, said, strict=True) if not words]
        assert pictures and bare == []


@pytest.mark.browser
def test_the_book_opens_offline_without_an_error(browser, book):
    page = browser.new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("requestfailed", lambda request: faults.append(request.url))
    page.route("http*://**", lambda route: (faults.append(route.request.url), route.abort()))
    for path in book:
        page.goto(path.as_uri())
        if path.stem == "03_alternating_projection":
            assert page.locator("math").count() > 10
            page.locator("details").first.click()
    page.close()
    assert faults == []
