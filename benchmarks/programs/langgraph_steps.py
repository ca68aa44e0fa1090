"""SIZE steps of a graph of two nodes, a model and its tool, kept by AsyncSqliteSaver. The word `sync` or `async` is its
durability (`async` is the default)."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any, TypedDict

from common import FOLDER, SIZE, WORDS, Clock, bytes_of, finish, result_of
from langchain_core.messages import AIMessage, AnyMessage, ToolMessage
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages

RESUMING = "resume" in WORDS
resumed_at = 0.0
CONFIG: Any = {"configurable": {"thread_id": "thread"}, "recursion_limit": 2 * SIZE + 10}


class State(TypedDict):
    messages: Annotated[list[AnyMessage], add_messages]


def model(state: State) -> dict[str, Any]:
    done = len(state["messages"]) // 2  # behind the message that it began with: a call and its result each
    if RESUMING:
        now = time.monotonic()
        results = sum(isinstance(message, ToolMessage) for message in state["messages"])
        assert results == done == SIZE, f"{results} results instead of {SIZE}"
        finish({"start_s": now - float(WORDS[-1]), "load_s": now - resumed_at})
    if done < SIZE:
        call = {"id": f"call_{done}", "name": "work", "args": {"n": done}}
        return {"messages": [AIMessage("", tool_calls=[call])]}
    if "prepare" in WORDS:
        finish({})
    return {"messages": [AIMessage("Done.")]}


def work(state: State) -> dict[str, Any]:
    (call,) = state["messages"][-1].tool_calls  # type: ignore[union-attr]
    return {"messages": [ToolMessage(result_of(call["args"]["n"]), tool_call_id=call["id"])]}


def route(state: State) -> str:
    return "tools" if state["messages"][-1].tool_calls else END  # type: ignore[union-attr]


async def main() -> None:
    global resumed_at
    graph = StateGraph(State)
    graph.add_node("model", model)
    graph.add_node("tools", work)
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", route)
    graph.add_edge("tools", "model")
    async with AsyncSqliteSaver.from_conn_string(str(FOLDER / "graph.db")) as saver:
        app = graph.compile(checkpointer=saver)
        durability: Any = "async" if "async" in WORDS else "sync"
        if RESUMING:
            resumed_at = time.monotonic()
            await app.ainvoke(None, CONFIG, durability=durability)
        clock = Clock()
        await app.ainvoke({"messages": [("user", "Work.")]}, CONFIG, durability=durability)
        figures = clock.figures()
    finish({**figures, "bytes": bytes_of("graph.db")})


asyncio.run(main())
