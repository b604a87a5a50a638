"""One pass of the connector in a process of its own, at an instant that isn't the machine's: to be killed."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime

from connector.config import read_settings
from connector.wiring import open_service


@dataclass(frozen=True)
class Standing:
    at: datetime

    def now(self) -> datetime:
        return self.at


def main() -> None:
    service = open_service(read_settings(), Standing(datetime.fromisoformat(sys.argv[1])))
    service.start()
    service.tick()
    service.close()


if __name__ == "__main__":
    main()
