"""Certificates: a chain that TLS accepts, an identity in each, kept until they near their end."""

import ssl
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from deploy.local import certificates

NOW = datetime.now(UTC).replace(microsecond=0)
Names = tuple[tuple[str, str], ...]


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("pki")
    certificates.ensure(directory, NOW)
    return directory


def _leaf(directory: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((directory / name / "tls.crt").read_bytes())


def _contents(directory: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def _handshake(
    pki: Path, server: str, client: str | None, host: str, authority: Path | None = None
) -> tuple[Names, Names]:
    """The names that the client sees in the server's certificate, and the server in the client's."""
    accepting = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(pki / server / "ca.crt"))
    accepting.load_cert_chain(pki / server / "tls.crt", pki / server / "tls.key")
    accepting.verify_mode = ssl.CERT_REQUIRED if client else ssl.CERT_NONE
    connecting = ssl.create_default_context(cafile=str(authority or pki / "ca.pem"))
    if client:
        connecting.load_cert_chain(pki / client / "tls.crt", pki / client / "tls.key")
    sent, received = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = connecting.wrap_bio(received, sent, server_hostname=host)
    far = accepting.wrap_bio(sent, received, server_side=True)
    pending = [near, far]
    while pending:
        end = pending.pop(0)
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            pending.append(end)
    return _names(near), _names(far)


def _names(end: ssl.SSLObject) -> Names:
    """The subject alternative names of the other end's certificate."""
    return (end.getpeercert() or {}).get("subjectAltName", ())  # type: ignore[return-value]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_two_services_authenticate_each_other_by_their_identities(pki: Path, host: str) -> None:
    server, client = _handshake(pki, "identity", "payment-engine", host)
    assert ("URI", "spiffe://comptoir.internal/identity") in server
    assert ("URI", "spiffe://comptoir.internal/payment-engine") in client


def test_browsers_accept_the_web_certificate_which_bears_no_identity(pki: Path) -> None:
    server, _ = _handshake(pki, certificates.WEB, None, "localhost")
    assert {"DNS", "IP Address"} == {kind for kind, _ in server}


def test_another_authority_is_refused(pki: Path, tmp_path: Path) -> None:
    theirs = certificates.ensure(tmp_path, NOW)
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(pki, "identity", None, "localhost", authority=theirs)


def test_the_authority_cannot_vouch_for_any_other_site(tmp_path: Path) -> None:
    certificates.ensure(tmp_path, NOW)
    authority = x509.load_pem_x509_certificate((tmp_path / "ca.pem").read_bytes())
    authority_key = serialization.load_pem_private_key((tmp_path / "ca.key").read_bytes(), None)
    key = serialization.load_pem_private_key((tmp_path / "web" / "tls.key").read_bytes(), None)
    assert isinstance(authority_key, ec.EllipticCurvePrivateKey)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    forged = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(hours=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("bank.example")]), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    (tmp_path / "web" / "tls.crt").write_bytes(forged.public_bytes(serialization.Encoding.PEM))
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        _handshake(tmp_path, "web", None, "bank.example")


@pytest.mark.parametrize("name", certificates.INTERNAL)
def test_each_name_has_exactly_its_own_identity_for_both_directions(pki: Path, name: str) -> None:
    leaf = _leaf(pki, name)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [certificates.identity(name)] == names.get_values_for_type(x509.UniformResourceIdentifier)
    assert {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH} == set(usage)
    assert timedelta(days=90) == leaf.not_valid_after_utc - NOW
    assert NOW - timedelta(minutes=30) > leaf.not_valid_before_utc


def test_only_the_owner_reads_keys(pki: Path) -> None:
    keys = sorted(pki.rglob("*.key"))
    assert len(certificates.INTERNAL) + 2 == len(keys)
    assert {0o600} == {key.stat().st_mode & 0o777 for key in keys}


def test_a_second_run_keeps_everything(tmp_path: Path) -> None:
    certificates.ensure(tmp_path, NOW)
    before = _contents(tmp_path)
    certificates.ensure(tmp_path, NOW + timedelta(days=59))
    assert before == _contents(tmp_path)


def test_certificates_near_their_end_are_renewed_by_the_same_authority(tmp_path: Path) -> None:
    certificates.ensure(tmp_path, NOW)
    authority, before = (tmp_path / "ca.pem").read_bytes(), _leaf(tmp_path, "shop")
    later = NOW + timedelta(days=61)
    certificates.ensure(tmp_path, later)
    assert authority == (tmp_path / "ca.pem").read_bytes()
    assert before.serial_number != _leaf(tmp_path, "shop").serial_number
    assert later + certificates.LIFE == _leaf(tmp_path, "shop").not_valid_after_utc


def test_a_new_authority_reissues_everything(tmp_path: Path) -> None:
    certificates.ensure(tmp_path, NOW)
    (tmp_path / "ca.key").unlink()
    certificates.ensure(tmp_path, NOW)
    authority = x509.load_pem_x509_certificate((tmp_path / "ca.pem").read_bytes())
    for name in (*certificates.INTERNAL, certificates.WEB):
        _leaf(tmp_path, name).verify_directly_issued_by(authority)
        assert (tmp_path / "ca.pem").read_bytes() == (tmp_path / name / "ca.crt").read_bytes()


def test_a_key_that_does_not_fit_its_certificate_is_replaced_with_it(tmp_path: Path) -> None:
    certificates.ensure(tmp_path, NOW)
    (tmp_path / "shop" / "tls.key").write_bytes((tmp_path / "media" / "tls.key").read_bytes())
    certificates.ensure(tmp_path, NOW)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "shop" / "tls.crt", tmp_path / "shop" / "tls.key")


def test_grpc_accepts_both_ends(pki: Path) -> None:
    server_key, server_chain, client_key, client_chain = (
        (pki / name / file).read_bytes() for name in ("shop", "gateway") for file in ("tls.key", "tls.crt")
    )
    authority = (pki / "ca.pem").read_bytes()
    server = grpc.server(ThreadPoolExecutor(1))
    servicer = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    port = server.add_secure_port(
        "127.0.0.1:0", grpc.ssl_server_credentials([(server_key, server_chain)], authority, True)
    )
    server.start()
    credentials = grpc.ssl_channel_credentials(authority, client_key, client_chain)
    try:
        with grpc.secure_channel(f"127.0.0.1:{port}", credentials) as channel:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    finally:
        server.stop(None).wait()
