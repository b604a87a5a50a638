"""`python -m sandbox`: a false world on loopback until it gets SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from sandbox.book import BadBook
from sandbox.serving import listening, serve_in_front
from sandbox.world import CUSTOMERS, ERPS, World, application, build_world


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    # uvicorn stops gracefully on the signal and then raises it once more; that is where this handler ends it well.
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    if not options.quiet:
        source = f"the book {options.book}" if options.book else f"seed {options.seed}, {options.customers} customers"
        print(f"sandbox: building a world from {source}", file=sys.stderr)
    try:
        world = build_world(
            erp=options.erp,
            seed=options.seed,
            customers=options.customers,
            now=options.now,
            book=options.book,
            version=options.version,
            wsdl_dir=options.wsdl,
        )
    except BadBook as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 2
    bound = listening(options.port)
    world.base_url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    world.start()
    try:
        serve_in_front(application(world), bound, ready=lambda: _announce(world))
    finally:
        world.stop()
    return 0


def _announce(world: World) -> None:
    """The one line on stdout: where everything is."""
    line = {"url": world.base_url, "world": f"{world.base_url}/world", "now": world.clock().isoformat()}
    print(json.dumps(line | world.profile()), flush=True)


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="HTTP port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--erp", choices=ERPS, default="netsuite", help="which ERP keeps the books")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--customers", type=int, default=CUSTOMERS, help="0 is an empty world")
    parser.add_argument("--book", type=Path, help="a folder with invoices.csv instead of a seed")
    parser.add_argument(
        "--now", type=_instant, help="start here, with the clock standing still (ISO; UTC if no offset)"
    )
    wsdl = os.environ.get("SANDBOX_NETSUITE_WSDL")
    parser.add_argument(
        "--wsdl", type=Path, default=Path(wsdl) if wsdl else None, help="a folder with NetSuite's own netsuite.wsdl"
    )
    parser.add_argument("--version", default="2025_2", help="NetSuite's SOAP version, where --wsdl doesn't tell")
    parser.add_argument("--quiet", action="store_true", help="nothing on stderr")
    return parser.parse_args(arguments)


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)


if __name__ == "__main__":
    sys.exit(main())
