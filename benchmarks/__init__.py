"""Side-by-side measurements: this project, its peers and the physical floor, interleaved in one run."""
