"""Labelled frames: what potentials are trained on and judged by, from where it is drawn to the file it leaves in."""
