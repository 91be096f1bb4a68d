"""`python -m tocsin`: the command."""

from tocsin.command import main

if __name__ == "__main__":
    raise SystemExit(main())
