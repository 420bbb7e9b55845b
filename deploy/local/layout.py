"""Where one platform keeps its things."""

from dataclasses import dataclass
from pathlib import Path

from deploy.local import files


@dataclass(frozen=True)
class Layout:
    """Where one platform keeps its things, all below `root`."""

    root: Path

    @property
    def lock(self) -> Path:
        """Held while the platform runs."""
        return self.root / "lock"

    @property
    def description(self) -> Path:
        """What is running, as JSON, while it runs."""
        return self.root / "platform.json"

    @property
    def postgres(self) -> Path:
        """The database cluster."""
        return self.root / "postgres"

    @property
    def certificates(self) -> Path:
        """The authority and everybody's certificates."""
        return self.root / "pki"

    @property
    def authority(self) -> Path:
        """The authority's certificate, which browsers and clients are to trust."""
        return self.certificates / "ca.pem"

    @property
    def secrets(self) -> Path:
        """Passwords and keys, one directory a service."""
        return self.root / "secrets"

    @property
    def logs(self) -> Path:
        """One file a process."""
        return self.root / "log"

    @property
    def mail(self) -> Path:
        """What the mail sink received."""
        return self.root / "mail"

    @property
    def media(self) -> Path:
        """The media service's files."""
        return self.root / "media"

    def checkpoints(self, name: str) -> Path:
        """What bears witness to one service's log; see docs/verifying.md."""
        return self.root / "checkpoints" / name

    def state(self, name: str) -> Path:
        """What one process remembers across its own restarts and can do without."""
        return self.root / "state" / name

    def secret(self, name: str, secret: str) -> Path:
        """One secret of one process."""
        return self.secrets / name / secret

    def directories(self) -> tuple[Path, ...]:
        """Every directory but the database's, which may lie elsewhere."""
        shared = (self.certificates, self.secrets, self.logs, self.mail, self.media)
        return (*shared, self.root / "state", self.root / "checkpoints")

    def prepare(self) -> None:
        """Creates the directories, closed to other users; the authority's certificate is for all to read."""
        for directory in self.directories():
            files.private_directory(directory)
        self.certificates.chmod(0o755)
