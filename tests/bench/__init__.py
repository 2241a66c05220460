"""``make bench``: our times beside those of hand-written SQL, in one run."""
