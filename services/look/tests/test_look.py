"""The look: languages that agree, addresses that may be kept for ever, policies as narrow as they can be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from services import look
from services.look.headers import form_target, page_headers
from services.look.languages import CODES, LANGUAGES, first_known
from services.look.page import STATIC, asset, in_language
from services.look.words import SHARED, CatalogueError, Words


def catalogue(directory: Path, **texts: str) -> Path:
    for code in CODES:
        (directory / f"{code}.toml").write_text(texts.get(code, '[a]\nb = "{n} c"\n'))
    return directory


def test_all_six_languages_load() -> None:
    words = Words(SHARED)

    assert [words.into(code)("look.product") for code in CODES] == ["Comptoir"] * 6


@pytest.mark.parametrize(
    ("german", "difference"),
    [
        ("", "de: lacks a.b"),
        ('[a]\nb = "{n}"\nc = "d"\n', "de: alone has a.c"),
        ('[a]\nb = "{m}"\n', "de: a.b has other placeholders"),
    ],
)
def test_languages_that_disagree_do_not_load(tmp_path: Path, german: str, difference: str) -> None:
    with pytest.raises(CatalogueError, match=difference):
        Words(catalogue(tmp_path, de=german))


def test_a_sentence_belongs_to_one_catalogue(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="defined twice"):
        Words(catalogue(tmp_path), tmp_path)


def test_values_are_never_read_as_placeholders(tmp_path: Path) -> None:
    assert Words(catalogue(tmp_path)).into("fr")("a.b", n="{n.__class__}") == "{n.__class__} c"


def test_the_first_wish_that_can_be_granted_wins() -> None:
    assert first_known(None, "xx", "DE-at", "it") == "de"
    assert first_known("", None) == "fr"


def test_changing_the_language_keeps_the_rest_of_the_address() -> None:
    assert in_language("/a?x=%26&lang=fr&x=2&e=", "de") == "/a?x=%26&x=2&e=&lang=de"


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        ("https://app.example/callback?x", "https://app.example"),
        ("https://app.example:8443/", "https://app.example:8443"),
        ("http://127.0.0.1:5000/cb", "http://127.0.0.1:5000"),
        ("http://[::1]:5000/cb", "http:"),
        ("com.example.app:/callback", "com.example.app:"),
        ("https://a;b.example/", "https:"),
    ],
)
def test_a_form_target_is_the_narrowest_source(uri: str, source: str) -> None:
    assert form_target(uri) == source


def test_the_policy_allows_nothing_inline() -> None:
    policy = page_headers(["https://app.example"])["Content-Security-Policy"]

    assert "form-action 'self' https://app.example;" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_files_are_served_under_addresses_that_never_change_their_content() -> None:
    app = Flask(__name__)
    app.register_blueprint(look.blueprint())
    client = app.test_client()
    for file in STATIC.rglob("*.*"):
        address = asset(str(file.relative_to(STATIC)))
        response = client.get(address)

        assert re.search(r"\?v=[0-9a-f]{12}$", address)
        assert response.data == file.read_bytes()
        assert "immutable" in response.headers["Cache-Control"]
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "Set-Cookie" not in response.headers
    assert client.get("/look/../page.py").status_code == 404
    assert client.get("/look/%2e%2e/page.py").status_code == 404


def test_every_language_has_a_flag() -> None:
    assert [each.flag for each in LANGUAGES if not (STATIC / "flags" / f"{each.flag}.svg").is_file()] == []


def test_text_is_readable_in_both_colour_schemes() -> None:
    for scheme in _schemes((STATIC / "look.css").read_text()):
        for ink in ("ink", "soft", "link", "wrong"):
            for ground in ("paper", "ground"):
                assert _contrast(scheme[ink], scheme[ground]) >= 4.5, (ink, ground)
        assert _contrast(scheme["on-accent"], scheme["accent"]) >= 4.5
        for edge in ("line", "focus"):
            assert _contrast(scheme[edge], scheme["paper"]) >= 3, edge


def _schemes(css: str) -> list[dict[str, str]]:
    return [
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
        for block in re.findall(r":root \{[^}]*\}", css)
    ]


def _contrast(one: str, other: str) -> float:
    """Contrast ratio (WCAG 2.2)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
