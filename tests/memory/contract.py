"""What every store promises. A test module for a store subclasses `StoreContract` and says how one is made.

A clock that only moves when told, and ids in order, make what is stored predictable.
"""

from __future__ import annotations

from tests.memory.contract_boundaries import BoundaryContract
from tests.memory.contract_closing import ClosingContract
from tests.memory.contract_effects import EffectContract
from tests.memory.contract_outputs import OutputContract
from tests.memory.contract_reading import ReadingContract
from tests.memory.contract_summaries import SummariesContract
from tests.memory.contract_taking import TakingContract
from tests.memory.contract_threads import ThreadsContract


class StoreContract(
    BoundaryContract,
    EffectContract,
    TakingContract,
    ClosingContract,
    ReadingContract,
    ThreadsContract,
    OutputContract,
    SummariesContract,
):
    """Override `make_store`."""
