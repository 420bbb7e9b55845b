"""`python -m services.shop migrate|serve`."""

from services.chassis.service import run
from services.shop.service import SHOP

run(SHOP)
