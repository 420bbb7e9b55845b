"""`python -m services.inbox migrate|serve`."""

from services.chassis.service import run
from services.inbox.service import INBOX

run(INBOX)
