"""What is not a page: the bare origin leads on, and an unknown address is told to each in the form that it reads."""

from __future__ import annotations

import pytest

from services.gateway.oauth.tests.conftest import Gateway

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(("path", "onto"), [("/", "/sign-in"), ("/help", "/help/faq")])
def test_a_bare_address_leads_to_a_page(gateway: Gateway, path: str, onto: str) -> None:
    answer = gateway.browser().get(path)

    assert (answer.status_code, answer.location) == (303, onto)


@pytest.mark.parametrize("path", ["/sign-inn", "/sign-in/", "/help/", "/v1x", "/%22%3E%3Cscript%3E"])
def test_a_browser_sees_a_page_where_there_is_nothing(gateway: Gateway, path: str) -> None:
    page = gateway.browser().get(path, Accept=BROWSER, **{"Accept-Language": "de"})

    assert (page.status_code, page.headers["Content-Language"]) == (404, "de")
    assert "Diese Seite gibt es nicht" in page.text
    assert 'href="/sign-in"' in page.text
    assert page.headers["X-Request-Id"] in page.text
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert "<script" not in page.text


@pytest.mark.parametrize("accept", ["", "*/*", "application/json", "application/json, text/html;q=0.9"])
def test_a_program_gets_a_problem(gateway: Gateway, accept: str) -> None:
    answer = gateway.browser().get("/sign-inn", Accept=accept)

    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    assert answer.get_json()["reason"] == "ROUTE_NOT_FOUND"


@pytest.mark.parametrize(
    "path",
    ["/v1", "/v1/nothing", "/oauth2/nothing", "/.well-known/x", "/problems/x", "/static/x.js", "/look/x.css"],
)
def test_addresses_for_programs_have_no_pages(gateway: Gateway, path: str) -> None:
    answer = gateway.browser().get(path, Accept=BROWSER)

    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
