"""Distinguish failures from lack of memory, which a retry with more memory can solve."""

import errno
import re
from collections.abc import Iterator
from signal import SIGKILL
from subprocess import CalledProcessError

KILLED = (-SIGKILL, 128 + SIGKILL)
"""Exit statuses of a program that the kernel killed, seen by its parent and through a shell."""

SIGNS = re.compile(
    r"bad_alloc|[Cc]annot allocate memory|[Oo]ut of memory|oom[-_ ]kill|"
    # ANTs prints the description of itk::MemoryAllocationError
    r"Failed to allocate memory|"
    # nipype's ExceptionCommand: the program's own status
    rf"[Rr]eturn code: ({'|'.join(map(str, KILLED))})\b"
)


def lacked_memory(error: BaseException) -> bool:
    """Return whether `error`, or an error that caused it, says that memory ran out.

    A killed program counts: on a cluster the kernel kills the largest process of a job that exceeds
    its memory, which may be ANTs and not Python.

    Examples
    --------
    >>> lacked_memory(MemoryError())
    True
    >>> lacked_memory(RuntimeError("N4 failed. Return code: 137"))
    True
    >>> lacked_memory(ValueError("4 voxels were expected"))
    False
    """
    return any(_says_so(each) for each in _chain(error))


def _says_so(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    if isinstance(error, CalledProcessError) and error.returncode in KILLED:
        return True
    return SIGNS.search(str(error)) is not None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__
