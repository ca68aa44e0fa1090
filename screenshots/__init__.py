"""Pictures of every screen, from real runs on the demo model: `python -m screenshots`."""
