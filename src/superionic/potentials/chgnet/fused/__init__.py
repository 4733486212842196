"""The fast path on a CPU: hand-written passes in numba; `network` puts them together."""
