"""On to the application, for browsers that came from one of our own forms.

A browser applies `form-action` of the page that held the form to every redirect after it: to ours to the application,
and to those that the application itself answers with, whose targets nobody knows here. A page that leads on ends that
chain. It is shown to those who say that they navigate from our own origin; all others get the plain redirect.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, request

from services.gateway.oauth.pages import Pages

_WEB = ("https://", "http://")
"""Private schemes open an application: after a redirect without asking, after a page only by a click."""


@dataclass(frozen=True)
class Leaving:
    """Turns redirects away from here into pages that lead there, where that is needed."""

    pages: Pages

    def ease(self, response: Response) -> Response:
        """The response, or the page in its place with the same cookies."""
        own_form = request.headers.get("Sec-Fetch-Site") == "same-origin"
        if response.status_code != 303 or not response.location.startswith(_WEB) or not own_form:
            return response
        page = self.pages.show("leaving.html", target=response.location)
        for cookie in response.headers.getlist("Set-Cookie"):
            page.headers.add("Set-Cookie", cookie)
        return page
