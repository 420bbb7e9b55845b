"""An existing server: its URL is reused for every role, and a bad one is refused in one line without its password."""

import pytest

from deploy.local.errors import CannotStart
from deploy.local.ports import free
from deploy.local.postgres import Cluster
from deploy.local.servers import Server, existing


@pytest.mark.parametrize(
    ("administrator", "expected"),
    [
        ("postgresql://root:x@db.example:5432/postgres", "postgresql://u%40s:p%2Fw@db.example:5432/base"),
        (
            "postgresql://db.example/postgres?sslmode=verify-full",
            "postgresql://u%40s:p%2Fw@db.example/base?sslmode=verify-full",
        ),
        ("postgresql://root@[::1]:5432", "postgresql://u%40s:p%2Fw@[::1]:5432/base"),
        (
            "postgresql:///postgres?host=/run/postgresql",
            "postgresql://u%40s:p%2Fw@/base?host=/run/postgresql",
        ),
    ],
)
def test_the_url_of_another_role_keeps_the_place_and_the_options(administrator: str, expected: str) -> None:
    assert expected == Server(administrator).url("base", "u@s", "p/w")


def test_a_running_server_is_accepted(cluster: Cluster) -> None:
    assert cluster.server == existing(cluster.server.administrator_url)


def test_a_wrong_password_is_refused_without_being_shown(cluster: Cluster) -> None:
    with pytest.raises(CannotStart, match="does not let us in") as refusal:
        existing(cluster.url("postgres", "postgres", "made-up-password"))
    assert "made-up-password" not in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1


def test_a_server_that_is_not_there_is_refused() -> None:
    port = free(["postgres"])["postgres"]
    with pytest.raises(
        CannotStart, match=rf"does not let us in: .*port {port} failed: Connection refused"
    ) as refusal:
        existing(f"postgresql://postgres:x@127.0.0.1:{port}/postgres")
    assert "\t" not in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1


def test_another_kind_of_url_is_refused() -> None:
    with pytest.raises(CannotStart, match="must begin with postgresql://"):
        existing("mysql://localhost/postgres")


@pytest.mark.parametrize(
    "place", ["u:made up@localhost/d", "u:made%up@localhost/d", "u:made-up@[localhost/d"]
)
def test_a_url_that_cannot_be_read_is_refused_without_being_shown(place: str) -> None:
    with pytest.raises(CannotStart, match="holds no URL of a server") as refusal:
        existing(f"postgresql://{place}")
    assert "made" not in str(refusal.value)


def test_a_user_without_rights_is_refused(cluster: Cluster) -> None:
    with cluster.server.administrator() as connection:
        connection.execute("CREATE ROLE weak LOGIN PASSWORD 'made-up'")
    with pytest.raises(CannotStart, match="is no superuser"):
        existing(cluster.url("postgres", "weak", "made-up"))
