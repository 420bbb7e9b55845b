"""Regenerates `protos/gen` from the contract: Python code, its types, and the descriptors with their comments.

Made anew where it belongs, it also gives `comptoir-client` its part of the contract.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import client_contract
from grpc_tools import protoc

PROTOS = Path(__file__).parent
WELL_KNOWN = Path(protoc.__file__).parent / "_proto"


def generate(out: Path) -> None:
    """Writes everything under `out`, which is emptied first."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    tools = Path(sys.executable).parent
    found = [*PROTOS.glob("comptoir/**/*.proto"), *PROTOS.glob("buf/**/*.proto")]
    sources = sorted(str(path.relative_to(PROTOS)) for path in found)
    services = [s for s in sources if "service " in (PROTOS / s).read_text()]
    common = [
        "protoc",
        f"-I{PROTOS}",
        f"-I{WELL_KNOWN}",
        f"--plugin=protoc-gen-mypy={tools / 'protoc-gen-mypy'}",
        f"--plugin=protoc-gen-mypy_grpc={tools / 'protoc-gen-mypy_grpc'}",
    ]
    messages = [*common, f"--python_out={out}", f"--mypy_out=quiet:{out}", *sources]
    stubs = [*common, f"--grpc_python_out={out}", f"--mypy_grpc_out=quiet:{out}", *services]
    if protoc.main(messages) or protoc.main(stubs):
        raise SystemExit("protoc failed")
    subprocess.run([tools / "buf", "build", PROTOS, "-o", out / "comptoir" / "contract.binpb"], check=True)


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else PROTOS / "gen")
    if len(sys.argv) == 1:
        client_contract.write(client_contract.SHIPPED)
