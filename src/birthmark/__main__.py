"""The command, and `python -m birthmark`."""

import sys


def main() -> None:
    """Run the command; one that is stopped while its modules load ends quietly too."""
    try:
        from birthmark.cli.main import main as run
    except KeyboardInterrupt:
        print("birthmark: stopped; nothing was written", file=sys.stderr)
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
