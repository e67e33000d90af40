#!/usr/bin/env python3
"""cmake/single_header.py: writes cordis_single.hpp, everything that <cordis/cordis.hpp> includes as one file.

  single_header.py [OUTPUT]      by default cordis_single.hpp in the working folder

Its kernels are the headers' own: where the tree has #ifdef CORDIS_COMPILED, #else is taken.
What the preprocessor makes of it is, token for token, what it makes of the tree (tests/package/run.sh proves it).
"""
import pathlib
import re
import sys

include_folder = pathlib.Path(__file__).resolve().parent.parent / "include"
compiled = re.compile(r"^#ifdef CORDIS_COMPILED\n#include .*\n#else\n(#include .*\n)#endif\n", re.MULTILINE)
own_include = re.compile(r"#include <(cordis/[^>]+)>")


def expand(header, seen):
    """The lines of a header of ours, with those it includes in their places, each header once."""
    if header in seen:
        return
    seen.add(header)
    depth = 0  # of #if
    text = compiled.sub(r"\1", (include_folder / header).read_text())
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"#\s*if", line):
            depth += 1
        elif re.match(r"#\s*endif", line):
            depth -= 1
        if line == "#pragma once":
            continue
        included = own_include.match(line)
        if not included:
            yield line
        elif depth:
            sys.exit(f"{header}:{number}: includes {included[1]} under a condition, under which it cannot be moved")
        else:
            yield from expand(included[1], seen)


def main():
    output = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "cordis_single.hpp")
    licence = (include_folder.parent / "LICENSE").read_text().splitlines()
    lines = ["// cordis_single.hpp: all of <cordis/cordis.hpp> in one file, written by cmake/single_header.py", "//"]
    lines += [f"// {line}".rstrip() for line in licence]
    lines += ["#pragma once", ""]
    output.write_text("\n".join([*lines, *expand("cordis/cordis.hpp", set())]) + "\n")


main()
