"""Telling a lack of memory, which more memory cures, from every other failure."""

import errno
import re
from collections.abc import Iterator
from signal import SIGKILL
from subprocess import CalledProcessError

KILLED = (-SIGKILL, 128 + SIGKILL)
"""How a program ends that the kernel killed: seen from its parent, and through a shell."""

SIGNS = re.compile(
    r"bad_alloc|[Cc]annot allocate memory|[Oo]ut of memory|oom[-_ ]kill|"
    # itk::MemoryAllocationError, of which ANTs prints the description
    r"Failed to allocate memory|"
    # nipype's ExceptionCommand: the program's own status
    rf"[Rr]eturn code: ({'|'.join(map(str, KILLED))})\b"
)


def lacked_memory(error: BaseException) -> bool:
    """Whether `error`, or one that it came of, says that memory ran out.

    A program that was killed counts: on a cluster the kernel kills the largest process of a
    job that outgrows its memory, which may be ANTs and not Python.

    Examples
    --------
    >>> lacked_memory(MemoryError())
    True
    >>> lacked_memory(RuntimeError("N4 failed. Return code: 137"))
    True
    >>> lacked_memory(ValueError("4 voxels were expected"))
    False
    """
    return any(_says_so(one) for one in _chain(error))


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
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__
