"""What every page promises: languages, headers, no script, and an honest word when something fails (GW3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from services.chassis.config import ConfigError
from services.chassis.rights import RIGHTS, SCOPES
from services.gateway.oauth.pages import WORDS
from services.gateway.oauth.tests.browser import form_of
from services.gateway.oauth.tests.conftest import Gateway, Request
from services.look.languages import CODES
from services.look.words import SHARED, Words

PAGES = (
    "/sign-in",
    "/help/password",
    "/password/reset",
    "/account/email",
    "/help/faq",
    "/oauth2/logout",
    "/oauth2/authorize",
)
TEMPLATES = (Path(__file__).parents[1] / "templates", SHARED.parent / "templates")
TITLES = {
    "fr": "Connexion au Back Office",
    "en": "Sign in to the Back Office",
    "es": "Conexión al Back Office",
    "de": "Anmeldung am Back Office",
    "pt": "Iniciar sessão no Back Office",
    "it": "Accesso al Back Office",
}


@pytest.mark.parametrize("path", PAGES)
def test_no_page_runs_a_script_or_can_be_framed(gateway: Gateway, path: str) -> None:
    response = gateway.browser().get(path)
    policy = response.headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "unsafe" not in policy
    assert "script" not in policy
    assert not re.search(r"<script|style=|\son\w+=|javascript:", response.text)
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    # `no-referrer` would have browsers hide the origin of our own forms from our own check.
    assert response.headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("code", CODES)
def test_a_flag_changes_the_language_and_is_remembered(gateway: Gateway, code: str) -> None:
    browser = gateway.browser()

    chosen = browser.get(f"/sign-in?lang={code}")
    later = browser.get("/sign-in", **{"Accept-Language": "xx"})

    for page in (chosen, later):
        assert f'<html lang="{code}">' in page.text
        assert f"<h1>{TITLES[code]}</h1>" in page.text
        assert page.headers["Content-Language"] == code


@pytest.mark.parametrize(
    ("query", "cookie", "accepted", "expected"),
    [
        ("de", "it", "es", "de"),
        ("", "it", "es", "it"),
        ("", "", "en-GB;q=0.5, pt-BR;q=0.9", "pt"),
        ("xx", "yy", "zz", "fr"),
        ("", "", "", "fr"),
    ],
)
def test_a_choice_beats_the_cookie_which_beats_the_browser(
    gateway: Gateway, query: str, cookie: str, accepted: str, expected: str
) -> None:
    browser = gateway.browser()
    if cookie:
        browser.plant("__Host-lang", cookie)

    page = browser.get(f"/sign-in?lang={query}", **{"Accept-Language": accepted})

    assert f'<html lang="{expected}">' in page.text


def test_the_applications_wish_comes_before_the_browsers(gateway: Gateway) -> None:
    path = Request(gateway.application()).but(ui_locales="xx de-AT").path

    assert '<html lang="de">' in gateway.browser().open(path).text


def test_changing_the_language_keeps_the_pending_request(gateway: Gateway) -> None:
    browser = gateway.browser()
    page = browser.open(Request(gateway.application()).path)
    link = next(re.finditer(r'href="(/sign-in[^"]*lang=de)"', page.text))[1].replace("&amp;", "&")

    assert form_of(browser.get(link)).values["next"] == form_of(page).values["next"]


def test_every_sentence_that_a_page_may_need_exists() -> None:
    words = Words(SHARED, WORDS)
    sources = [t.read_text() for d in TEMPLATES for t in d.rglob("*.html")]
    sources += [p.read_text() for p in WORDS.parent.glob("*.py")]
    named = {
        key for text in sources for key in re.findall(r"""(?:\bt\(|Problem\()["'](\w+\.\w+)["']""", text)
    }
    scopes = {f"scope.{scope}" for scope in (*SCOPES, *RIGHTS)}
    failures = {
        f"failure.{kind}_text" for kind in ("application", "away", "foreign", "nowhere", "unexpected")
    }

    assert "sign_in.refused" in named
    assert [key for key in sorted(named | scopes | failures) if key not in words] == []


@pytest.mark.parametrize("path", ["/sign-in", "/signed-in", "/oauth2/logout?client_id=x", "/oauth2/jwks"])
def test_odd_cookies_and_parameters_are_no_accident(gateway: Gateway, path: str) -> None:
    odd = "é\u0000\ud7ff" + "x" * 3000
    browser = gateway.browser()
    for name in ("__Host-session", "__Host-csrf", "__Host-lang"):
        browser.plant(name, odd)

    assert browser.get(path, **{"Accept-Language": "\x80;q=x", "X-Request-Id": "é"}).status_code < 500


def test_while_identity_is_away_pages_say_so(offline: Gateway) -> None:
    browser = offline.browser()
    page = browser.get("/sign-in")
    form = form_of(page)

    answer = browser.post("/sign-in", {**form.values, "login": "ada", "password": "x"})
    authorize = browser.get(Request("demo-app").path)

    assert page.status_code == 200
    for response in (answer, authorize):
        assert response.status_code == 503
        assert "Service momentanément indisponible" in response.text
        assert int(response.headers["Retry-After"]) > 0
    keys = browser.get("/oauth2/jwks")
    assert (keys.status_code, keys.headers["Retry-After"]) == (503, "1")


def test_signing_keys_outlast_identity(
    gateway: Gateway, start: Callable[..., Gateway], tmp_path: Path
) -> None:
    first = start(tmp_path).browser().get("/oauth2/jwks")
    later = start(tmp_path, online=False).browser().get("/oauth2/jwks")

    assert first.get_json() == gateway.acts.jwks()
    assert later.data == first.data
    assert "public" in later.headers["Cache-Control"]
    assert {"kty", "crv", "x", "y", "kid"} <= set(first.get_json()["keys"][0])
    assert "d" not in first.get_json()["keys"][0]


def test_a_cookie_key_that_is_too_short_keeps_the_gateway_from_starting(
    start: Callable[..., Gateway], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="COOKIE_KEY"):
        start(tmp_path, cookie_key="short")


def test_refusals_are_counted_by_their_reason(gateway: Gateway) -> None:
    def counted() -> float:
        labels = {"route": "POST /oauth2/token", "status": "401", "reason": "invalid_client"}
        return REGISTRY.get_sample_value("comptoir_http_requests_total", labels) or 0.0

    before = counted()
    gateway.browser().post("/oauth2/token", {})

    assert counted() == before + 1


def test_a_form_larger_than_any_of_ours_is_refused(gateway: Gateway) -> None:
    for path in ("/oauth2/token", "/sign-in", "/oauth2/authorize"):
        assert gateway.browser().post(path, {"login": "x" * 70_000}).status_code == 413
