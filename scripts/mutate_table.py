"""What `scripts/mutate` found, file by file: how many changes, how many of them were noticed, and the rest by name.

Reads what mutmut leaves beside each file (`*.py.meta`: the exit code of the tests by the name of the change). A change
that makes the tests run for too long counts as noticed; one that no test runs does not.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

# Any other code is a test that failed, broke off or ran for too long.
SURVIVED = {0: "no test failed", 33: "no test runs it", 5: "no test runs it"}


def main(folder: Path) -> int:
    total: Counter[str] = Counter()
    left: list[str] = []
    print(f"{'file':52}{'changes':>9}{'noticed':>9}{'%':>8}")
    for file in sorted(folder.rglob("*.py.meta")):
        results: dict[str, int | None] = json.loads(file.read_text(encoding="utf-8"))["exit_code_by_key"]
        done = {name: code for name, code in results.items() if code is not None}
        if not done:
            continue
        noticed = sum(1 for code in done.values() if code not in SURVIVED)
        total.update(changes=len(done), noticed=noticed, untried=len(results) - len(done))
        left += [f"{name}: {SURVIVED[code]}" for name, code in done.items() if code in SURVIVED]
        name = str(file.relative_to(folder)).removesuffix(".meta")
        print(f"{name:52}{len(done):9}{noticed:9}{100 * noticed / len(done):8.1f}")
    if not total:
        print("Nothing was tried.", file=sys.stderr)
        return 1
    print(f"{'all':52}{total['changes']:9}{total['noticed']:9}{100 * total['noticed'] / total['changes']:8.1f}")
    if total["untried"]:
        print(f"{total['untried']} changes were not tried.")
    print(f"\nNot noticed ({len(left)}); `mutmut show NAME` prints one:")
    print("\n".join(f"  {one}" for one in left))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
