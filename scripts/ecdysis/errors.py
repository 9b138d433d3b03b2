"""The error a person can cause and repair."""

from os import PathLike


def printable(text: str, kept: str = "") -> str:
    r"""Write control characters, and bytes of a name that are no UTF-8, as escapes.

    Parameters
    ----------
    text : str
        Text that a user or a file gave.
    kept : str
        Characters that stay all the same.

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
    """A fault in what the user gave: says where, what is wrong and what to do.

    The message is shown on the console and in the report, so it must never hold an
    identifying value: name the file by its pseudonymous path and the element by tag.

    Parameters
    ----------
    where : path or str
        The file, the config key or the DICOM tag that is at fault.
    problem : str
        What was found and what was expected.
    remedy : str
        What the user can do about it.
    """

    def __init__(self, where: str | PathLike[str], problem: str, remedy: str) -> None:
        self.where, self.problem = printable(str(where)), printable(problem, "\n")
        self.remedy = printable(remedy, "\n")
        super().__init__(f"{self.where}: {self.problem}. {self.remedy}.")

    def __reduce__(self) -> tuple[type["InputError"], tuple[str, str, str]]:
        return type(self), (self.where, self.problem, self.remedy)
