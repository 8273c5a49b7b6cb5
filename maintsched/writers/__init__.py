"""Domain in, bytes out: pure, the mirror of `readers`, with their templates."""
