"""Pages that explain the API: complete, accessible, and without a script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient

from services.gateway.app import create_app
from services.gateway.backend import Backend
from services.gateway.bearer import published_keys
from services.gateway.config import GatewaySettings
from services.gateway.reasons import REASONS, kebab
from services.gateway.reference import styled
from services.gateway.tests.door import ROUTES


@pytest.fixture(scope="module")
def client(settings: GatewaySettings) -> Iterator[FlaskClient]:
    backend = Backend(settings.addresses, settings.tls_directory)
    yield create_app(settings, backend, published_keys(backend, settings.state_directory)).test_client()
    backend.close()


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name == "href" and tag == "a":
                self.links.append(value or "")
            elif name == "style" or name.startswith("on"):
                self.inline.append(f"{tag} {name}")


def test_health_is_told_while_every_service_is_away(client: FlaskClient) -> None:
    answer = client.get("/healthz")

    assert (answer.status_code, answer.text) == (200, "ok\n")


def test_the_reference_shows_every_operation_with_a_request_to_try(client: FlaskClient) -> None:
    page = client.get("/reference").text

    for route in ROUTES.values():
        assert f'id="{route.method.name}' in page
    assert page.count("curl -X ") == len(ROUTES)
    assert "Authorization: Bearer $TOKEN" in page


@pytest.mark.parametrize("path", ["/reference", "/problems", "/problems/stale-etag"])
def test_pages_are_well_made_and_run_nothing(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    page = Page(answer.text)

    assert page.tags["script"] == page.tags["style"] == 0
    assert page.inline == []
    assert page.tags["h1"] == page.tags["main"] == 1
    assert len(page.ids) == len(set(page.ids))
    assert "'unsafe-inline'" not in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert 'lang="en"' in answer.text


def test_every_link_within_the_reference_leads_somewhere(client: FlaskClient) -> None:
    page = Page(client.get("/reference").text)

    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    for link in {link for link in page.links if link.startswith("/")}:
        assert client.get(link).status_code == 200


@pytest.mark.parametrize("reason", list(REASONS))
def test_the_type_of_every_problem_leads_to_its_explanation(client: FlaskClient, reason: str) -> None:
    answer = client.get(f"/problems/{kebab(reason)}")

    assert answer.status_code == 200
    assert reason in answer.text


def test_an_unknown_reason_is_a_problem_too(client: FlaskClient) -> None:
    assert client.get("/problems/nothing").get_json()["reason"] == "ROUTE_NOT_FOUND"


def test_text_of_the_contract_is_escaped() -> None:
    assert styled("a `b` **c** <script>") == "a <code>b</code> <strong>c</strong> &lt;script&gt;"


def test_the_document_may_be_kept_for_a_while(client: FlaskClient) -> None:
    answer = client.get("/openapi.json")

    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert answer.get_json()["openapi"] == "3.1.0"
