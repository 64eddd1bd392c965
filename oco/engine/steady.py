"""A kernel for rounds, called again and again with what it returned."""

from operator import is_
from typing import Any

from oco._jit import kind
from oco.engine.ledger import Ledger


class Steady:
    """Calls kernels without a look at types, which takes longer than many a piece of rounds.

    The machine code of the last call is called again as long as kernel and parts are the same, the state is what that
    returned, of the same types as before, and the other arguments are of the same types.
    """

    def __init__(self) -> None:
        self._machine_code: Any = None
        self._made_for: tuple[Any, ...] = ()
        self._kinds: Any = None

    def __call__(self, kernel: Any, parts: tuple[Any, ...], state: Any, ledger: Ledger, *others: Any) -> Any:
        """State and ledger after kernel(*parts, state, ledger, *others)."""
        given, kinds = (kernel, state, *parts), kind(others)
        known = len(given) == len(self._made_for) and all(map(is_, given, self._made_for)) and kinds == self._kinds
        if not known:
            self._machine_code = kernel.entry(*parts, state, ledger, *others)
        fields, sums = self._machine_code(*parts, state, ledger, *others)
        after, ledger = type(state)(*fields), Ledger(*sums)
        lasting = known or kind(after) == kind(state)
        self._made_for, self._kinds = (kernel, after, *parts) if lasting else (), kinds
        return after, ledger
