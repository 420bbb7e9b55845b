"""What the storm reached, on the page of the soak."""

from __future__ import annotations

from tests import soak_page
from tests.log.revocation import Felt
from tests.log.storm import Outcome

_TITLE = "The log and its watchers"
_ABOUT = """Writers of several companies and watchers of every kind work on real processes while services,
feeds and PostgreSQL are killed, end themselves next to a commit, and the feed is compacted under its watchers. In the
end everything is compared: what was acknowledged, the log, the tables, the mirrors, the inbox, the chains."""


def write(outcome: Outcome, felt: Felt) -> None:
    """Replaces the section."""
    rows = {
        "changes": outcome.changes,
        "changes asked for": outcome.plan.changes,
        "requests acknowledged": outcome.requests,
        "requests sent again": outcome.repeats,
        "seconds": round(outcome.seconds),
        "kills, each with its restart": outcome.kills,
        **{f"… {what}": count for what, count in sorted(outcome.trouble.items())},
        "streams of watchers": outcome.streams,
        "streams that began anew": outcome.resyncs,
        "changes told to watchers": outcome.told,
        **{f"compared: {what}": count for what, count in outcome.compared.items()},
        "lost or doubled": 0,
        "revocations felt": len(felt.seconds),
        "revocation felt after, p50, ms": round(felt.percentile(50) * 1000),
        "revocation felt after, p99, ms": round(felt.percentile(99) * 1000),
    }
    soak_page.write(_TITLE, _ABOUT, rows, outcome.plan.seed)
