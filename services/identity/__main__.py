"""`python -m services.identity migrate|serve`."""

from services.chassis.service import run
from services.identity.service import IDENTITY

run(IDENTITY)
