"""Is a potential as good as its reference? Parity of labels, relaxed cells, structure and transport; a verdict."""
