"""Files over REST: sent as they are, served for ever."""

from __future__ import annotations

import io

from PIL import Image

from services.gateway.tests.door import Door, refused


def picture() -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (400, 100), "navy").save(content, "PNG")
    return content.getvalue()


def test_a_file_sent_as_it_is_becomes_an_image_that_anybody_may_keep_for_ever(door: Door) -> None:
    logo = f"{door.opened()}/logo"
    imported = door.call("PUT", f"{logo}?fileName=logo.png", data=picture(), content_type="image/png")
    assert imported.status_code == 200, imported.text
    assert imported.get_json()["fileName"] == "logo.png"

    address = f"/v1/{imported.get_json()['image']}"
    served = door.call("GET", address, token=None)

    assert Image.open(io.BytesIO(served.data)).size == (312, 104)
    assert served.headers["Content-Type"] == "image/png"
    assert served.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert served.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in served.headers
    held = door.call("GET", address, token=None, headers={"If-None-Match": served.headers["ETag"]})
    assert (held.status_code, held.data) == (304, b"")
    assert held.headers["Cache-Control"] == served.headers["Cache-Control"]
    assert door.call("GET", address, token="not even a token").status_code == 200


def test_what_is_no_image_is_refused_by_its_own_reason(door: Door) -> None:
    answer = door.call("PUT", f"{door.opened()}/logo", data=b"<svg/>", content_type="image/svg+xml")
    problem = refused(answer, 400, "IMAGE_UNKNOWN_FORMAT")

    assert problem["violations"][0]["field"] in ("content", "body")


def test_an_image_that_never_was_is_not_kept_for_ever(door: Door) -> None:
    answer = door.call("GET", "/v1/images/5vq2h6c3n4d7w2xk5m3r6t4y7a", token=None)

    refused(answer, 404, "NOT_FOUND")
    assert answer.headers["Cache-Control"] == "no-store"
