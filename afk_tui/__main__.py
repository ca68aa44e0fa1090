"""`python -m afk_tui` is `afk-tui`."""

from afk_tui.start import main

if __name__ == "__main__":
    main()
