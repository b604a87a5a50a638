"""One package or module for each outside system; each implements a Protocol of `ports` and knows no other vendor."""
