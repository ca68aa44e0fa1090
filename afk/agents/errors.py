"""Everything the engine raises on purpose.

    AgentError
    ├── AgentConfigurationError              what was asked for can't be: an empty id, another agent, a wrong value
    ├── AgentCheckpointCorruptionError       there is nothing sound to resume from
    │   ├── AgentCheckpointNotFoundError     no such run in that thread
    │   ├── AgentCheckpointCompactedError    the run is known, its checkpoints are gone
    │   └── AgentCheckpointSchemaError       the database was written by a newer version
    ├── AgentRunBusyError                    a living process owns the run
    ├── AgentRunSupersededError              a later run of the thread took over
    ├── RunFencedError                       another process took the run away from this one
    ├── ApprovalError
    │   ├── ApprovalNotFoundError
    │   ├── ApprovalAlreadyDecidedError      says who decided, when, and what
    │   ├── ApprovalExpiredError
    │   └── ApprovalStaleError               the decision was made about other arguments
    ├── GrantNotFoundError                   no such grant in this store
    ├── ThreadNotFoundError                  no such thread in this store, or none any more
    ├── SummaryError                         a summary could not be made, or is not the one in effect any more
    └── StoreError                           the database can't be read or written

Every message says what was asked, what was found, and what to do next.
"""

from __future__ import annotations


class AgentError(Exception):
    """Base of every error that the engine raises on purpose."""


class AgentConfigurationError(AgentError):
    """What was asked for can't be done as asked. Nothing was written."""


class AgentCheckpointCorruptionError(AgentError):
    """There is no sound checkpoint to resume from. Nothing was written."""


class AgentCheckpointNotFoundError(AgentCheckpointCorruptionError):
    """No run of that id in that thread of this store."""


class AgentCheckpointCompactedError(AgentCheckpointCorruptionError):
    """The run is known, but its checkpoints were removed."""


class AgentCheckpointSchemaError(AgentCheckpointCorruptionError):
    """The database was written by a newer version. It is left as it was found."""


class AgentRunBusyError(AgentError):
    """A living process owns the run. `owner` names it."""

    def __init__(self, message: str, *, run_id: str, owner: str) -> None:
        super().__init__(message)
        self.run_id = run_id
        self.owner = owner


class AgentRunSupersededError(AgentError):
    """The run was closed when a later one began in its thread. `superseded_by` is that run's id."""

    def __init__(self, message: str, *, run_id: str, superseded_by: str) -> None:
        super().__init__(message)
        self.run_id = run_id
        self.superseded_by = superseded_by


class RunFencedError(AgentError):
    """Another process took this run over; the write that was refused is not on disk."""


class ApprovalError(AgentError):
    """A decision could not be recorded. Nothing was written."""


class ApprovalNotFoundError(ApprovalError):
    """No request of that id in this store."""


class ApprovalAlreadyDecidedError(ApprovalError):
    """The request was decided before. `status` is what was decided, `decided_by` by whom, `decided_at_ms` when."""

    def __init__(self, message: str, *, status: str, decided_by: str, decided_at_ms: int) -> None:
        super().__init__(message)
        self.status = status
        self.decided_by = decided_by
        self.decided_at_ms = decided_at_ms


class ApprovalExpiredError(ApprovalError):
    """The request's time ran out; resume the run to have it asked again."""


class ApprovalStaleError(ApprovalError):
    """The decision carries the hash of other arguments than the request's."""


class GrantNotFoundError(AgentError):
    """No grant of that id in this store."""


class ThreadNotFoundError(AgentError):
    """No thread of that id in this store, or it was deleted."""


class SummaryError(AgentError):
    """A summary could not be made or changed. The conversation is as it was."""


class StoreError(AgentError):
    """The store can't be read or written: what was being written is whole or absent, never half.

    `is_locked`: only because somebody else holds it at this moment, which passes by itself.
    """

    def __init__(self, message: str, *, is_locked: bool = False) -> None:
        super().__init__(message)
        self.is_locked = is_locked
