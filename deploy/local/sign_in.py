"""Prints an access token of a demonstration person: `python -m deploy.local.sign_in LOGIN [COMPANY]`.

It goes through the running platform's own pages, as the person's browser would.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from deploy.local.browser import Application
from deploy.local.topology import PROJECT


def main(arguments: Sequence[str] | None = None) -> None:
    """Signs in, or says in a sentence why not."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.sign_in", description=__doc__)
    parser.add_argument("login")
    parser.add_argument(
        "company",
        nargs="?",
        default="",
        help="for people of several: a key of `companies` in var/platform.json",
    )
    asked = parser.parse_args(arguments)
    login, company = asked.login, asked.company
    description: dict[str, Any] = json.loads((PROJECT / "var" / "platform.json").read_text())
    passwords = {each["login"]: each["password"] for each in description["logins"]}
    if login not in passwords:
        sys.exit(f"nobody is called {login}; there are {', '.join(passwords)}")
    application = Application(description["gateway"], description["ca"])
    if company and company not in description["companies"]:
        sys.exit(f"no company is called {company}; there are {', '.join(description['companies'])}")
    chosen = description["companies"].get(company, "")
    print(application.sign_in(login, passwords[login], chosen)["access_token"])


if __name__ == "__main__":
    main()
