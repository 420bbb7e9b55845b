"""HTML pages: the reader's language, the shared look, the headers that every page carries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Response, make_response, render_template, request

from services.gateway.oauth.csrf import FIELD, Csrf
from services.gateway.oauth.places import with_query
from services.look.headers import page_headers
from services.look.languages import CODES, first_known, known
from services.look.page import LANGUAGE_PARAMETER, Problem, context
from services.look.words import SHARED, Words

WORDS = Path(__file__).parent / "words"
LANGUAGE_COOKIE = "__Host-lang"
_YEAR_SECONDS = 365 * 24 * 3600


def spoken(wished: Iterable[str] = ()) -> str:
    """The page's language: chosen by a flag now, then before, wished by the application, set in the browser."""
    return first_known(
        request.args.get(LANGUAGE_PARAMETER),
        request.cookies.get(LANGUAGE_COOKIE),
        *wished,
        request.accept_languages.best_match(CODES),
    )


@dataclass(frozen=True)
class Pages:
    """Makes pages."""

    csrf: Csrf
    words: Words

    @classmethod
    def load(cls, csrf: Csrf) -> Pages:
        """With the sentences of the gateway's pages."""
        return cls(csrf, Words(SHARED, WORDS))

    def show(
        self,
        template: str,
        status: int = 200,
        *,
        here: str = "",
        problems: Iterable[Problem] = (),
        form_targets: Iterable[str] = (),
        ui_locales: Iterable[str] = (),
        script: bool = False,
        **values: Any,
    ) -> Response:
        """A page. `here`: where its flags lead back to, by default where it is; `ui_locales`: OIDC's wish;
        `script`: whether one of our own files may run."""
        language = spoken(ui_locales)
        here = here or with_query(request.path, request.args.items(multi=True))
        layout = context(self.words.into(language), language, here)
        csrf = {"csrf_field": FIELD, "csrf_token": self.csrf.token()}
        body = render_template(f"oauth/{template}", problems=list(problems), **layout, **csrf, **values)
        response = make_response(body, status)
        response.headers.update(page_headers(form_targets, script=script))
        return self.csrf.attach(_remember(response, language))


def _remember(response: Response, language: str) -> Response:
    """Keeps the language that was chosen by a flag."""
    response.headers["Content-Language"] = language
    if known(request.args.get(LANGUAGE_PARAMETER)):
        response.set_cookie(
            LANGUAGE_COOKIE,
            language,
            max_age=_YEAR_SECONDS,
            secure=True,
            httponly=True,
            samesite="Lax",
            path="/",
        )
    return response
