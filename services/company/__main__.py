"""`python -m services.company migrate|serve`."""

from services.chassis.service import run
from services.company.service import COMPANY

run(COMPANY)
