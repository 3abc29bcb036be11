"""The README's output block is what `make run` prints; `--write` puts it there.

Standard output only: the story on standard error has times in it.
"""

import difflib
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"
BLOCK = re.compile(r"(?<=\n```\n).*?(?=```\n)", re.DOTALL)


def main() -> int:
    """Exit 1 where the block and a real run differ."""
    subprocess.run(["make", "setup"], check=True, stdout=sys.stderr)  # noqa: S607
    printed = subprocess.run(["make", "--no-print-directory", "run"], check=True, stdout=subprocess.PIPE, text=True)  # noqa: S607
    text = README.read_text()
    if sys.argv[1:] == ["--write"]:
        README.write_text(BLOCK.sub(lambda _: printed.stdout, text, count=1))
        return 0
    shown = BLOCK.search(text)
    difference = list(
        difflib.unified_diff(
            (shown[0] if shown else "").splitlines(), printed.stdout.splitlines(), "README.md", "make run"
        )
    )
    print("\n".join(difference) or "README.md shows what make run prints")  # noqa: T201
    return 1 if difference else 0


if __name__ == "__main__":
    sys.exit(main())
