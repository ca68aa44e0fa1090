"""Who answers: the model protocol, the OpenAI-compatible client, and the offline demo model."""

from afk.llms.protocol import (
    LLM,
    RETRYABLE,
    Answer,
    ChatMessage,
    FinishReason,
    ModelError,
    ModelErrorKind,
    ModelEvent,
    ModelRequest,
    Retrying,
    Role,
    TextDelta,
    ToolCall,
    ToolSpec,
    Usage,
)

__all__ = [
    "LLM",
    "RETRYABLE",
    "Answer",
    "ChatMessage",
    "FinishReason",
    "ModelError",
    "ModelErrorKind",
    "ModelEvent",
    "ModelRequest",
    "Retrying",
    "Role",
    "TextDelta",
    "ToolCall",
    "ToolSpec",
    "Usage",
]
