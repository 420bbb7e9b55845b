"""Prints an access token of a demonstration person: `python -m deploy.local.sign_in LOGIN [COMPANY]`.

It goes through the running platform's own pages, as the person's browser would.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from deploy.local.browser import Application
from deploy.local.topology import PROJECT


def main(login: str, company: str = "") -> None:
    """`company` is a key of the description's `companies`, for people who have several."""
    description: dict[str, Any] = json.loads((PROJECT / "var" / "platform.json").read_text())
    passwords = {each["login"]: each["password"] for each in description["logins"]}
    if login not in passwords:
        sys.exit(f"nobody is called {login}; there are {', '.join(passwords)}")
    application = Application(description["gateway"], description["ca"])
    chosen = description["companies"].get(company, "")
    print(application.sign_in(login, passwords[login], chosen)["access_token"])


if __name__ == "__main__":
    main(*sys.argv[1:])
