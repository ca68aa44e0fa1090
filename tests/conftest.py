"""What holds for all tests."""

from __future__ import annotations

import os

# the rules of whoever runs the tests are not the tests' business
os.environ["AFK_POLICY"] = ""
os.environ["AFK_CONFIG"] = ""
