"""What a terminal is told when it is left."""

# A terminal without an alternate screen (GNU screen, as it comes) would keep what was painted, and the shell would
# write on top of it. Not a part of LEAVE, which may come when a shell has the terminal again.
CLEAR = b"\x1b[0m\x1b[2J\x1b[H"
# Leave the alternate screen, show the cursor, and end every mode that a terminal was asked for: mouse, focus,
# paste, keyboard, line wrap.
LEAVE = (
    b"\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l\x1b[?1004l\x1b[?2004l\x1b[?2048l\x1b[?7h"
    b"\x1b[<u\x1b[?1049l\x1b[?25h"
)
# ends a sequence that a frame was cut in
CANCEL = b"\x18"
