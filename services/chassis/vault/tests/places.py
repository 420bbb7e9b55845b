"""Places of the public demonstration shop."""

from services.chassis.vault.place import Place
from services.chassis.vault.secret import Secret

PASSWORD = Secret("testpassword_DEMOPRIVATEKEY23G4475zXZQ2UA5x7M")

REST_PASSWORD = Place(
    service="shop",
    company="acme",
    table="keys",
    column="sealed",
    row="69876357",
    kind="rest-password",
    environment="TEST",
)
