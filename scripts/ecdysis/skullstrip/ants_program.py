"""Run one ANTs program out of the compiled library of the package antspyx.

Called by the launchers of `ecdysis.skullstrip.providers` as
``python -I -S ants_program.py LIBRARY PROGRAM ARGUMENT...``; it takes the arguments of the
executable of that name and ends with its exit status. The extension module is loaded by
itself, since importing the package `ants` would cost seconds in each call.
"""

import sys
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_loader


def main(library: str, program: str, arguments: list[str]) -> int:
    """Run `program` of the extension module at `library`; return its exit status."""
    loader = ExtensionFileLoader("ants.lib", library)
    spec = spec_from_loader("ants.lib", loader)
    if spec is None:
        raise ImportError(library)
    ants = module_from_spec(spec)
    loader.exec_module(ants)
    try:
        return int(getattr(ants, program)(arguments))
    except RuntimeError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
