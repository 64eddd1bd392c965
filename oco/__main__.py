"""`python -m oco` is `oco`."""

import sys

from oco.cli import main

sys.exit(main())
