"""What each process is told: enough, nothing of another's, and no secret."""

from pathlib import Path

import pytest

from deploy.local.certificates import INTERNAL
from deploy.local.layout import Layout
from deploy.local.ports import DEFAULTS, SERVICES
from deploy.local.topology import Topology
from services.chassis.changes.checkpoint_files import load_key
from services.chassis.config import Settings
from services.chassis.vault.kek_file import FileKeyring


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    layout.prepare()
    Topology().prepare(layout)
    return layout


def test_every_process_has_ports_and_a_certificate() -> None:
    topology = Topology()
    assert set() == set(topology.port_names()) - DEFAULTS.keys()
    assert set() == {*topology.services, *topology.fronts} - set(INTERNAL)
    assert len(topology.port_names()) == len(set(topology.port_names()))


def test_a_service_is_told_exactly_this(layout: Layout) -> None:
    programs = {program.name: program for program in Topology().programs(layout, DEFAULTS)}
    told = {
        name: value for name, value in programs["media"].environment.items() if name.startswith("COMPTOIR_")
    }
    var = str(layout.root)
    callers = told.pop("COMPTOIR_CALLERS_FILE")
    assert callers.endswith("/deploy/callers.toml")
    assert {
        "COMPTOIR_LISTEN": "127.0.0.1:15054",
        "COMPTOIR_HEALTH_LISTEN": "127.0.0.1:15154",
        "COMPTOIR_METRICS_LISTEN": "127.0.0.1:15254",
        "COMPTOIR_DATABASE_URL_FILE": f"{var}/secrets/media/svc-database-url",
        "COMPTOIR_TLS_DIRECTORY": f"{var}/pki/media",
        "COMPTOIR_KEK_FILE": f"{var}/secrets/media/kek",
        "COMPTOIR_IDENTITY_ADDRESS": "127.0.0.1:15051",
        "COMPTOIR_IDENTITY_FEED_ADDRESS": "127.0.0.1:15061",
        "COMPTOIR_SHOP_FEED_ADDRESS": "127.0.0.1:15063",
        "COMPTOIR_ISSUER": "https://localhost:8443",
        "COMPTOIR_MEDIA_DIRECTORY": f"{var}/media",
        "COMPTOIR_STATE_DIRECTORY": f"{var}/state/media",
    } == told


def test_every_service_is_told_all_that_services_need(layout: Layout) -> None:
    needed = {
        f"COMPTOIR_{name.upper()}" for name, field in Settings.model_fields.items() if field.is_required()
    }
    for program in Topology().programs(layout, DEFAULTS):
        if program.name in SERVICES:
            assert set() == needed - program.environment.keys()


def test_the_gateway_is_told_every_address_and_no_database(layout: Layout) -> None:
    programs = {program.name: program for program in Topology().programs(layout, DEFAULTS)}
    told = programs["gateway"].environment
    assert {f"COMPTOIR_{name.upper()}_ADDRESS" for name in SERVICES} == {
        name for name in told if name.endswith("_ADDRESS")
    }
    assert [name for name in told if "DATABASE" in name or "KEK" in name] == []


def test_only_migrations_get_the_owners_url(layout: Layout) -> None:
    owner = "COMPTOIR_OWNER_DATABASE_URL_FILE"
    topology = Topology()
    assert [
        program.name for program in topology.programs(layout, DEFAULTS) if owner in program.environment
    ] == []
    for name, program in zip(SERVICES, topology.migrations(layout), strict=True):
        told = {key: value for key, value in program.environment.items() if key.startswith("COMPTOIR_")}
        assert f"{name}-migrate" == program.name
        assert {owner: f"{layout.secrets}/{name}/owner-database-url"} == told


def test_only_those_that_send_mail_are_told_where(layout: Layout) -> None:
    programs = Topology().programs(layout, DEFAULTS)
    assert [program.name for program in programs if "COMPTOIR_SMTP_ADDRESS" in program.environment] == [
        "identity",
        "shop",
        "inbox",
    ]


def test_no_key_is_in_any_environment_or_command_line(layout: Layout) -> None:
    topology = Topology()
    secret = [path for path in layout.secrets.rglob("*") if path.is_file() and path.suffix != ".pem"]
    keys = [max(path.read_text().split(), key=len) for path in secret]
    assert 2 * len(topology.services) + len(topology.fronts) == len(set(keys))
    for program in [*topology.programs(layout, DEFAULTS), *topology.migrations(layout)]:
        said = " ".join([*program.command, *program.environment.values()])
        assert [key for key in keys if key in said] == []


def test_keys_are_made_once_and_usable(layout: Layout) -> None:
    keys = [layout.secret("shop", "kek"), layout.secret("gateway", "cookie-key")]
    keys.append(layout.secret("shop", "checkpoint-key"))
    before = [key.read_text() for key in keys]
    Topology().prepare(layout)
    assert before == [key.read_text() for key in keys]
    assert {0o600} == {key.stat().st_mode & 0o777 for key in keys}
    FileKeyring.load(keys[0])
    load_key(keys[2])


def test_only_a_feed_is_told_how_to_bear_witness_to_the_log(layout: Layout) -> None:
    told = {program.name: program.environment for program in Topology().programs(layout, DEFAULTS)}
    var = str(layout.root)
    assert f"{var}/secrets/shop/checkpoint-key" == told["shop-feed"]["COMPTOIR_CHECKPOINT_KEY_FILE"]
    assert f"{var}/checkpoints/shop" == told["shop-feed"]["COMPTOIR_CHECKPOINT_DIRECTORY"]
    assert layout.checkpoints("shop").is_dir()
    fed = [name for name, environment in told.items() if "COMPTOIR_CHECKPOINT_KEY_FILE" in environment]
    assert [f"{name}-feed" for name in SERVICES] == fed
