"""A second opinion on testdata/golden: the definitions once more, in Python with mpmath.

    python -m venv venv && venv/bin/pip install mpmath && venv/bin/python testdata/reference/check.py

It shares nothing with the Rust reference that wrote the files. Gradients are not taken from a formula of their own: a
loss is computed on numbers that remember how they came about, so the chain rule is all they rest on. Takes the names of
golden files as arguments; without any it reads all of them, after the tests of the statement itself.
"""

import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True

from statement import self_test  # noqa: E402
from statement.golden import check  # noqa: E402


def main():
    directory = Path(__file__).resolve().parent.parent / "golden"
    failures = 0
    if len(sys.argv) == 1:
        failures += self_test.run()
    paths = [Path(a) for a in sys.argv[1:]] or sorted(directory.glob("*.json"))
    for path in paths:
        cases = json.loads(path.read_text())["cases"]
        for case in cases:
            try:
                check(case)
            except AssertionError as error:
                failures += 1
                print(f"{path.name}: {error}")
        print(f"{path.name}: {len(cases)} cases")
    sys.exit(1 if failures or not paths else 0)


if __name__ == "__main__":
    main()
