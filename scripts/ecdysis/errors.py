"""The error that a user can cause and repair."""

from os import PathLike


def printable(text: str, kept: str = "") -> str:
    r"""Write control characters, except those `kept`, and bytes that are not UTF-8 as escapes.

    Examples
    --------
    >>> print(printable("a\nb \udcff Zoë"))
    a\nb \udcff Zoë
    """
    return "".join(
        letter
        if letter.isprintable() or letter in kept
        else letter.encode("unicode_escape").decode()
        for letter in text
    )


class InputError(Exception):
    """An error in the input: where it is, what is wrong, and what the user can do.

    The console and the report show the message, so it must never contain an identifying value:
    name files by pseudonymous paths and DICOM elements by tags. `where` is the file, the config key
    or the DICOM tag; `problem` has the actual value and what was expected.
    """

    def __init__(self, where: str | PathLike[str], problem: str, remedy: str) -> None:
        self.where, self.problem = printable(str(where)), printable(problem, "\n")
        self.remedy = printable(remedy, "\n")
        super().__init__(f"{self.where}: {self.problem}. {self.remedy}.")

    def __reduce__(self) -> tuple[type["InputError"], tuple[str, str, str]]:
        return type(self), (self.where, self.problem, self.remedy)
