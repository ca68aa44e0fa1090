"""Deciding about calls that wait: everything that would be executed, and never an answer by accident."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial

from textual import events, on, work

from afk_tui.gateway.errors import GatewayError
from afk_tui.gateway.views import ApprovalView, PatternChoice
from afk_tui.screens import approval_words as words
from afk_tui.screens.approval_recording import ApprovalRecording
from afk_tui.screens.fields import LineField
from afk_tui.styles_folder import styles_folder

# They answer nothing, so they work even while the modal is deaf.
HARMLESS_KEYS = frozenset({"escape", "[", "]", "v", "f", "F"})
FOCUS_KEYS = frozenset({"tab", "shift+tab"})
SEND_KEYS = frozenset({"ctrl+s", "ctrl+enter"})


class ApprovalScreen(ApprovalRecording):
    """Shows requests one after another and records what a person decides, each at once.

    Nothing is selected, enter and space answer nothing, a click answers nothing. Letters count only after half a
    second without any key, and what executes the call only when its last line has been on the screen. It is
    dismissed when no request is left.
    """

    CSS_PATH = styles_folder() / "approval.tcss"

    # keys

    def on_key(self, event: events.Key) -> None:
        """Every key that no field took for itself comes by here."""
        key = event.character if event.character in words.KEYS_BY_CHARACTER else event.key
        heard = self._deafness.hears(event)
        match self._mode:
            case "reasoning" | "reasoning_all" | "answering" | "narrowing":
                taken = self._write(key, event)
            case "remembering":
                taken = self._confirm(key, event, heard=heard)
            case "denying_all" | "allowing_all":
                taken = self._confirm_all(key, event, heard=heard)
            case "choosing" if heard or key in HARMLESS_KEYS:
                taken = self._choose(key)
                if not taken and key not in HARMLESS_KEYS:
                    self._deafness.mistaken(event)
            case "over" if heard and key in ("escape", "l"):
                taken = True
                self._leave()
            case "choosing" | "over" | "sending":
                taken = key not in FOCUS_KEYS
        if taken and key not in self.panel.arguments._bindings.key_to_bindings:
            event.stop()
            event.prevent_default()

    def _begin_with(self, key: str) -> None:
        """It was pressed in the inbox, on this request, and heard there."""
        if key in words.BLIND_KEYS:
            self._choose(key)
        else:
            self.panel.say(words.READ_FIRST)

    def _choose(self, key: str) -> bool:
        view = self._view
        assert view is not None
        if key in words.BATCH_KEYS and len(self._requests) > 1:
            self._ask_about_all(key)
            return True
        if key not in words.decision_keys(view):
            return self._look(key)
        if key in words.EXECUTING_KEYS and not self.panel.arguments.last_line_seen:
            self.panel.hint_to_scroll()
            return True
        match key:
            case "t" | "w":
                self._scope = words.SCOPE_OF_KEY[key]
                self._offer(None)
            case "r":
                self._enter("reasoning")
            case "e":
                self._edit(view)
            case "p":
                self._enter("answering", "Your text stands in the tool's place; the call is not made.")
            case _:
                self._decide(words.DECISION_OF_KEY[key])
        return True

    def _offer(self, pattern: PatternChoice | None) -> None:
        """Say what would be remembered, and hear no yes to it before that has been on the screen for a while."""
        view = self._view
        assert view is not None
        self._pattern = pattern
        self._deafen()
        self._enter("remembering", words.remembered(view, self._scope, pattern))

    def _look(self, key: str) -> bool:
        """What answers nothing."""
        match key:
            case "escape" | "l":
                self._leave()
            case "[" | "]":
                if len(self._requests) > 1:
                    by = 1 if key == "]" else -1
                    self._show(self._requests[(self._index() + by) % len(self._requests)])
            case "v" if self.panel.arguments.can_split:
                self.panel.arguments.toggle_split()
            case "f" if self.panel.arguments.can_fold:
                self.panel.arguments.toggle_folds()
            case "F" if self.panel.arguments.folded:
                self.panel.arguments.unfold_next()
            case _:
                return False
        return True

    # several at once

    def _ask_about_all(self, key: str) -> None:
        """Say what would be decided of all requests, and hear no yes to it before that has been on the screen."""
        views = self._batch()
        if key == "R":
            self._enter("reasoning_all", words.about_all("Deny", views, len(self._requests)))
            return
        unseen = [r for r in views if not self._was_seen(r)]
        if key == "A" and unseen:
            self.panel.say(words.not_all_seen(unseen, len(views)), bad=True)
            return
        self._deafen()
        verb = "Deny" if key == "D" else "Allow once"
        self._enter(
            "denying_all" if key == "D" else "allowing_all",
            words.about_all(verb, views, len(self._requests)),
        )

    def _confirm_all(self, key: str, event: events.Key, *, heard: bool) -> bool:
        again, decision = ("D", "deny") if self._mode == "denying_all" else ("A", "allow")
        if key == "escape":
            self._enter("choosing")
        elif heard and key in ("y", again):
            # what was edited, or came, or changed since it was read is not what was asked about
            if decision == "allow" and any(not self._was_seen(r) for r in self._batch()):
                self._ask_about_all("A")
            else:
                self._decide_all("deny" if decision == "deny" else "allow")
        else:
            self._deafness.mistaken(event)
            return key not in FOCUS_KEYS
        return True

    # one, edited

    @work(exclusive=True, group="edit", exit_on_error=False)
    async def _edit(self, view: ApprovalView) -> None:
        from afk_tui.screens.argument_editor import ArgumentEditor

        try:
            fields = await self._gateway.argument_fields(view)
        except GatewayError as error:
            self.panel.say(str(error), bad=True)
            return
        edited = await self.app.push_screen_wait(ArgumentEditor(self._gateway, view, fields))
        if edited is None or not any(r.approval_id == view.approval_id for r in self._requests):
            return
        self._requests = [edited if r.approval_id == view.approval_id else r for r in self._requests]
        if self._view is not None and self._view.approval_id == view.approval_id:
            self._show(edited, words.EDITED if edited.edited is not None else words.NOT_EDITED)

    # always

    def _confirm(self, key: str, event: events.Key, *, heard: bool) -> bool:
        if key == "escape":
            self._enter("choosing")
        elif key in ("left", "right") and self._view is not None and self._view.patterns:
            self._offer(words.next_pattern(self._view, self._pattern, 1 if key == "right" else -1))
        elif key == "e" and self._view is not None and self._view.patterns:
            self._narrow(self._view)
        elif heard and (key == "y" or words.SCOPE_OF_KEY.get(key) == self._scope):
            self._decide("allow", scope=self._scope, pattern=self._pattern)
        else:
            self._deafness.mistaken(event)
            return key not in FOCUS_KEYS
        return True

    def _narrow(self, view: ApprovalView) -> None:
        """Let the pattern be written, beginning with the one that is offered."""
        self._enter("narrowing")
        field = self.panel.pattern
        field.value = (self._pattern or view.patterns[0]).value
        field.cursor_position = len(field.value)

    @on(LineField.Changed, "#pattern")
    def weigh_pattern(self) -> None:
        """Say of each change what it would remember, or what is wrong with it."""
        if self._mode == "narrowing":
            self._work_on_pattern(partial(self._weigh, self.panel.pattern.value))

    def _work_on_pattern(self, weighing: Callable[[], Coroutine[None, None, object]]) -> None:
        self.run_worker(weighing, group="pattern", exclusive=True, exit_on_error=False)

    async def _weigh(self, text: str) -> PatternChoice | None:
        view = self._view
        assert view is not None
        try:
            pattern = await self._gateway.typed_pattern(view, text)
        except GatewayError as error:
            if self._mode == "narrowing":
                self.panel.judge_pattern(str(error), bad=True)
            return None
        if self._mode == "narrowing":
            self.panel.judge_pattern(words.remembered(view, self._scope, pattern))
        return pattern

    async def _take_pattern(self) -> None:
        text = self.panel.pattern.value
        pattern = await self._weigh(text)
        if pattern is not None and self._mode == "narrowing" and text == self.panel.pattern.value:
            self._offer(pattern)

    def _write(self, key: str, event: events.Key) -> bool:
        field = self.panel.field_of(self._mode)
        if key == "escape" and self._mode == "narrowing":
            self._offer(self._pattern)
        elif key == "escape":
            self._enter("choosing")
        elif self._mode == "answering" and key in SEND_KEYS:
            self._send_answer()
        elif event.is_printable and event.character:
            # Typed before the field had the focus, or while the arguments had it.
            field.take_key(event.character)
            self.panel.take_focus(self._mode)
        elif key in ("pageup", "pagedown") and self.focused is field:
            arguments = self.panel.arguments
            arguments.action_page_up() if key == "pageup" else arguments.action_page_down()
        else:
            return False
        return True

    @on(LineField.Submitted)
    def take_line(self) -> None:
        """A denial's reason, or a pattern, was written: the pattern is shown before it is remembered."""
        if self._mode == "narrowing":
            self._work_on_pattern(self._take_pattern)
            return
        reason = self.panel.reason.value.strip()
        if self._mode not in ("reasoning", "reasoning_all"):
            return
        if reason and self._mode == "reasoning_all":
            self._decide_all("deny", reason)
        elif reason:
            self._decide("deny", reason=reason)
        else:
            self.panel.say("Write a reason, or go back (esc) and deny without one (d).", bad=True)

    def _send_answer(self) -> None:
        output = self.panel.answer.text
        if output.strip():
            self._decide("respond", output=output)
        else:
            self.panel.say("Write what the tool would have answered, or go back (esc).", bad=True)
