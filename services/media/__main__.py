"""`python -m services.media migrate|serve`."""

from services.chassis.service import run
from services.media.service import MEDIA

run(MEDIA)
