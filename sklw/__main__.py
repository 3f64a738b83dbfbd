"""`python -m sklw`: see `sklw.cli`."""

import sys

from sklw.cli import main

if __name__ == "__main__":
    sys.exit(main())
