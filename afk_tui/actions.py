"""Everything a person can do, once: keys, menu, palette, help and /commands are all made of this list."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Action:
    """`name` is the handler (`action_NAME` of the main screen), `key` the binding (Textual's name for it, "" for
    none), `key_label` how the key is written for a person, `command` what is typed in the composer after "/"."""

    name: str
    title: str
    about: str
    key: str
    key_label: str
    command: str
    group: str


ACTIONS: tuple[Action, ...] = (
    Action("new_thread", "New thread", "Begin a new conversation here", "ctrl+n", "ctrl+n", "new", "Threads"),
    Action("focus_threads", "Thread list", "Go to the list of threads", "f9", "f9", "threads", "Threads"),
    Action(
        "all_threads",
        "All workspaces",
        "Show the threads of every folder, or of this one",
        "f7",
        "f7",
        "all",
        "Threads",
    ),
    Action(
        "filter_threads",
        "Filter threads…",
        "Only those that wait, run, are archived, …",
        "",
        "f",
        "filter",
        "Threads",
    ),
    Action("rename_thread", "Rename thread…", "Give this thread another title", "", "r", "rename", "Threads"),
    Action(
        "pin_thread",
        "Pin thread",
        "Keep this thread first in every list, or not",
        "",
        "p",
        "pin-thread",
        "Threads",
    ),
    Action(
        "archive_thread",
        "Archive thread",
        "Take this thread out of the list, or back",
        "",
        "a",
        "archive",
        "Threads",
    ),
    Action(
        "delete_thread", "Delete thread…", "Delete this thread; it can be undone", "", "", "delete", "Threads"
    ),
    Action("undo_delete", "Undo delete", "Bring back the thread deleted last", "", "u", "undo", "Threads"),
    Action("find", "Find", "Find a thread or a message", "f3", "f3", "find", "Threads"),
    Action(
        "approvals", "Requests", "Decide what waits for you, in every thread", "f4", "f4", "approvals", "Run"
    ),
    Action("grants", "Grants", "See what is always allowed, and take it back", "", "", "grants", "Run"),
    Action(
        "resume",
        "Resume",
        "Go on with a run, or ask the model again now",
        "ctrl+r",
        "ctrl+r",
        "resume",
        "Run",
    ),
    Action("stop", "Stop", "Interrupt the run; it can be resumed", "", "esc", "stop", "Run"),
    Action(
        "checkpoints", "Checkpoints", "Browse this thread's checkpoints", "f5", "f5", "checkpoints", "History"
    ),
    Action(
        "compaction", "Compaction", "Remove old records, here or everywhere", "f6", "f6", "compact", "History"
    ),
    Action(
        "summary",
        "Summary",
        "What the model is sent of this thread's older messages",
        "f8",
        "f8",
        "summary",
        "History",
    ),
    Action(
        "summarise",
        "Summarise",
        "Have this thread's older messages summarised now",
        "",
        "",
        "summarise",
        "History",
    ),
    Action(
        "search", "Search here…", "Find a text in this conversation", "ctrl+f", "ctrl+f", "search", "Reading"
    ),
    Action(
        "message_above",
        "My message above",
        "Scroll to your message above",
        "alt+up",
        "alt+up",
        "above",
        "Reading",
    ),
    Action(
        "message_below",
        "My message below",
        "Scroll to your message below",
        "alt+down",
        "alt+down",
        "below",
        "Reading",
    ),
    Action(
        "to_end",
        "To the end",
        "Scroll to the newest, and follow it",
        "ctrl+end",
        "ctrl+end",
        "end",
        "Reading",
    ),
    Action(
        "edit_message",
        "Edit a message…",
        "Send a message of yours again, otherwise",
        "",
        "e",
        "edit",
        "Reading",
    ),
    Action("copy_last", "Copy the last answer", "Copy the model's last message", "", "", "copy", "Reading"),
    Action("copy_code", "Copy code", "Copy a code block; again, the next one", "", "b", "code", "Reading"),
    Action("copy_all", "Copy all", "Copy the conversation as Markdown", "", "C", "copy-all", "Reading"),
    Action("output", "Long result", "Open the last long result, whole", "", "o", "output", "Reading"),
    Action("export", "Export…", "Write the conversation to a Markdown file", "", "", "export", "Reading"),
    Action("menu", "Menu", "Everything that can be done", "f2", "f2", "menu", "App"),
    Action("help", "Help", "Every key and command", "f1", "f1", "help", "App"),
    Action("palette", "Palette", "The same as here, by typing", "ctrl+p", "ctrl+p", "palette", "App"),
    Action(
        "alerts",
        "Alerts",
        "How requests call you: off, bell, notify",
        "",
        "",
        "alerts",
        "App",
    ),
    Action("theme", "Theme…", "Choose the colours", "", "", "theme", "App"),
    Action(
        "quit", "Quit", "Leave; a run in progress is interrupted and kept", "ctrl+q", "ctrl+q", "quit", "App"
    ),
)

BY_COMMAND: dict[str, Action] = {action.command: action for action in ACTIONS}
BY_NAME: dict[str, Action] = {action.name: action for action in ACTIONS}

# keys that act inside one place, for the help screen: (key, what it does, where)
LOCAL_KEYS: tuple[tuple[str, str, str], ...] = (
    ("enter", "send the message", "Composer"),
    ("ctrl+j", "new line (also shift+enter, or \\ then enter)", "Composer"),
    ("ctrl+_", "undo", "Composer"),
    ("up down", "on the first, last line: what you sent before in this folder (the last 200)", "Composer"),
    ("/", "a command: enter does it, tab completes it", "Composer"),
    ("@", "a file of the folder: tab or enter takes it", "Composer"),
    ("ctrl+o", "unfold a large paste, or look at it", "Composer"),
    ("pgup pgdn", "scroll the conversation", "Composer"),
    ("enter on an empty line", "open what waits for a decision", "Composer"),
    ("tab", "move the focus", "Everywhere"),
    ("esc", "close what is open, else stop the run", "Everywhere"),
    ("ctrl+c", "copy the selection, else clear the draft, else stop the run; twice quits", "Everywhere"),
    ("ctrl+z", "suspend to the shell (fg comes back)", "Everywhere"),
    ("p a r", "pin, archive, rename the thread under the cursor (again: undo it)", "Thread list"),
    ("f", "which threads are listed: waiting, running, archived, …", "Thread list"),
    ("del", "delete the thread under the cursor", "Thread list"),
    ("u", "bring back the thread deleted last", "Thread list"),
    ("up down, k j", "move to an item", "Conversation"),
    ("enter", "unfold or fold a call: arguments, who decided, output", "Conversation"),
    ("[ ]", "to your message above, below", "Conversation"),
    ("pgup pgdn space", "scroll", "Conversation"),
    ("home g, end G", "to the first, to the last, which follows what comes", "Conversation"),
    ("/ n N", "search this conversation; to the next hit, the one before", "Conversation"),
    ("e", "send your message again, otherwise, in a new thread; edit one that is queued", "Conversation"),
    ("x del", "take a message out of the queue", "Conversation"),
    ("c", "copy the item as it was written", "Conversation"),
    ("b", "copy its code block; again, the next one", "Conversation"),
    ("C", "copy the whole conversation as Markdown", "Conversation"),
    ("o", "open the whole of a long result", "Conversation"),
    ("p", "pin the message: it is never summarised", "Conversation"),
    ("/ ctrl+f", "search; n the next match, N the one before", "Long result"),
    ("g", "to a line", "Long result"),
    ("up down, k j", "by a line", "Long result"),
    ("pgup b, pgdn space", "by a page; home and end: to the start, to the end", "Long result"),
    ("c C", "copy what is shown, copy all", "Long result"),
    ("[ ]", "the other long results of the thread", "Long result"),
    ("q esc", "close", "Long result"),
    ("up down pgup pgdn", "move; home and end: to the first, to the last", "Lists"),
    ("enter", "open", "Lists"),
    ("a", "allow once", "Request"),
    (
        "t w",
        "always allow this very call (← → others like it, e write which), in this thread / workspace",
        "Request",
    ),
    ("e", "edit the arguments, then decide", "Request"),
    ("d", "deny", "Request"),
    ("r", "deny with a reason", "Request"),
    ("p", "respond in the tool's place", "Request"),
    ("l esc", "later: it keeps waiting", "Request"),
    ("g h s", "a call of unknown outcome: run it again, it happened, skip it", "Request"),
    ("ctrl+s", "send what is written in the tool's place", "Request"),
    ("[ ]", "between several requests", "Request"),
    ("D R A", "deny all, deny all with a reason, allow all once (when all were read)", "Request"),
    ("v", "a diff side by side, or one under the other", "Request"),
    ("f F", "fold or unfold long values; unfold the next one alone", "Request"),
    ("x del", "take the grant back", "Grants"),
    ("s", "summarise what is older", "Summary"),
    ("n", "make the summary anew, from the messages alone", "Summary"),
    ("e", "edit the summary (ctrl+s keeps it)", "Summary"),
    ("d", "drop the summary", "Summary"),
    ("[ ]", "older and newer summaries", "Summary"),
    ("1 2 3 4", "what to keep", "Compaction"),
    ("a s h", "this thread or all; by itself, and how often; whether it is offered", "Compaction"),
    ("u c", "count again what would go; compact", "Compaction"),
    ("y n", "remove it; keep everything", "Compaction"),
    ("enter g", "show that place in the conversation (also a double click)", "Checkpoints"),
    ("[ ]", "to the run above, below", "Checkpoints"),
    ("r", "resume from the latest", "Checkpoints"),
    ("f", "fork: a new thread that goes on from this checkpoint", "Checkpoints"),
    ("e", "fork with another message", "Checkpoints"),
)
