"""What all tests share."""

import os

# Before torch and numba are loaded: tests run side by side, one thread each.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
