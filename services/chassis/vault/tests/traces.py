"""What a log that shows the variables of each frame would show of an error."""

import traceback
from pathlib import Path


def shown(error: BaseException) -> str:
    """Texts and variables of the error and of what it came from, except in the frames of tests."""
    lines: list[str] = []
    pending: BaseException | None = error
    while pending is not None:
        trace = traceback.TracebackException.from_exception(pending, capture_locals=True)
        ours = [frame for frame in trace.stack if Path(__file__).parent != Path(frame.filename).parent]
        lines += [*trace.format_exception_only(), *(repr(frame.locals) for frame in ours)]
        pending = pending.__cause__ or pending.__context__
    return "\n".join(lines)
