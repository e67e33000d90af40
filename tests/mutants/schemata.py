# tests/mutants/schemata.py: writes every mistake of engine.txt into a copy of the tree, to be chosen by CORDIS_MUTANT
# schemata.py LIST COPY writes them and prints number, file and name of each. Run by engine.sh.
import os
import pathlib
import sys


def blocks(path):
    for block in path.read_text().split("\n== ")[1:]:
        title, file, text = block.split("\n", 2)
        yield title.split(":")[0], file, text.rstrip("\n")


# The text in the file's place, as old as the younger of the file and the list: what has not changed is not compiled again.
def rewrite(path, text, listed):
    time = max(os.path.getmtime(path), os.path.getmtime(listed))
    path.write_text(text)
    os.utime(path, (time, time))


def main(listed, copy):
    for number, (name, file, text) in enumerate(blocks(pathlib.Path(listed)), 1):
        before, right, wrong, after = text.split("@")
        path = pathlib.Path(copy) / file
        source = path.read_text()
        if source.count(before + right + after) != 1:
            sys.exit(f"{name}: its text does not stand once in {file}")
        choice = f"(::cordis_mutant == {number} ? ({wrong}) : ({right}))"
        rewrite(path, source.replace(before + right + after, before + choice + after), listed)
        print(number, file, name)
    config = pathlib.Path(copy) / "include/cordis/config.hpp"
    choose = '#include <cstdlib>\ninline const int cordis_mutant = std::atoi(std::getenv("CORDIS_MUTANT") ?: "0");\n'
    rewrite(config, config.read_text().replace("#pragma once\n", "#pragma once\n" + choose, 1), listed)


main(*sys.argv[1:])
