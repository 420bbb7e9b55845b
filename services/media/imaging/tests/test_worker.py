"""The decoding program has all it needs in memory before it gives up the right to open files (ME6)."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import PIL

ROOT = Path(__file__).parents[4]
LOADED = (
    "import sys; from PIL import Image; import services.media.imaging.worker; Image.preinit();"
    "print(*sys.modules, sep='\\n')"
)
# Functions of Pillow that decoding never calls: display, other front ends, text, writing, files with a name.
NEVER_CALLED = {
    *("_dump", "filter", "fromqimage", "fromqpixmap", "get_display_profile", "getcolor", "getrgb", "getxmp"),
    *("load_djpeg", "random", "show", "toqimage", "toqpixmap"),
}
UNREACHABLE = {
    "PIL.MpoImagePlugin",  # multi-picture files are refused before Pillow sees them
    "mmap",  # only for files that have a name
}


def imported_while_working(module: Path) -> Iterator[tuple[str, str]]:
    """(function, module) of each import that stands inside a function."""
    for function in ast.walk(ast.parse(module.read_text())):
        if isinstance(function, ast.FunctionDef):
            for statement in ast.walk(function):
                for name in names(statement):
                    yield function.name, name


def names(statement: ast.AST) -> list[str]:
    if isinstance(statement, ast.Import):
        return [alias.name for alias in statement.names]
    if isinstance(statement, ast.ImportFrom):
        package = "PIL" if statement.level else ""
        if statement.module:
            return [f"{package}.{statement.module}".lstrip(".")]
        return [f"{package}.{alias.name}" for alias in statement.names]
    return []


def test_all_that_pillow_imports_while_decoding_is_loaded_before() -> None:
    program = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path += sys.argv[1:]; {LOADED}"]
    paths = [str(ROOT), str(Path(PIL.__file__).parents[1])]
    loaded = set(
        subprocess.run([*program, *paths], capture_output=True, text=True, check=True).stdout.split()
    )
    missing = {
        (function, name)
        for module in loaded
        if module.startswith("PIL.") and (file := Path(PIL.__file__).with_name(f"{module[4:]}.py")).exists()
        for function, name in imported_while_working(file)
        if name not in loaded | UNREACHABLE and function not in NEVER_CALLED
    }
    assert missing == set(), "import these in services/media/imaging/worker.py, or name them here"
