"""`python -m connector`: the commands of cli.py."""

from __future__ import annotations


def main() -> None:
    from connector.cli import app

    app()


if __name__ == "__main__":
    main()
