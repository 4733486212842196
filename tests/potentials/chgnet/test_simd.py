"""The few lines of LLVM against numpy."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from superionic.potentials.chgnet.fused.simd import NOTHING, exp, inner, multiply, sin_cos, total


@numba.njit(error_model="numpy")
def elementwise(x, exponential, sine, cosine):
    for k in range(x.shape[0]):
        exponential[k] = exp(x[k])
        sine[k], cosine[k] = sin_cos(x[k])


@numba.njit
def sums(a, b, shift):
    return total(a, 64), inner(a, 64, shift, b, 0, np.float32(0.5))


@pytest.mark.parametrize(
    ("rows", "depth", "columns"), [(1, 64, 64), (6, 32, 128), (13, 128, 32), (48, 64, 96), (0, 64, 64)]
)
def test_product(rows, depth, columns):
    random = np.random.default_rng(0)
    a, b = random.normal(size=(rows, depth)).astype("f"), random.normal(size=(depth, columns)).astype("f")
    start = random.normal(size=(1, columns)).astype("f")
    c = np.empty((rows, columns), np.float32)
    multiply(a, b, start, 0, c)
    np.testing.assert_allclose(c, a.astype(float) @ b + start, atol=1e-4)
    multiply(a, b, c, columns, c)
    np.testing.assert_allclose(c, 2 * (a.astype(float) @ b) + start, atol=2e-4)


def test_a_row_does_not_depend_on_its_neighbours():
    random = np.random.default_rng(1)
    a, b = random.normal(size=(20, 64)).astype("f"), random.normal(size=(64, 64)).astype("f")
    whole, part = np.empty((20, 64), np.float32), np.empty((5, 64), np.float32)
    multiply(a, b, NOTHING, 0, whole)
    multiply(a[7:12].copy(), b, NOTHING, 0, part)
    np.testing.assert_array_equal(part, whole[7:12])


def test_elementary_functions():
    x = np.linspace(-86, 86, 20001, dtype=np.float32)
    exponential, sine, cosine = np.empty_like(x), np.empty_like(x), np.empty_like(x)
    elementwise(x, exponential, sine, cosine)
    error = exponential / np.exp(x.astype(float)) - 1
    assert (abs(error) < (2 + abs(x) / 4) * 1e-7).all()
    np.testing.assert_allclose(sine, np.sin(x.astype(float)), atol=1e-7)
    np.testing.assert_allclose(cosine, np.cos(x.astype(float)), atol=1e-7)


def test_sums():
    random = np.random.default_rng(2)
    a, b = random.normal(size=(2, 64)).astype("f"), random.normal(size=(1, 64)).astype("f")
    plain, product = sums(a, b, np.float32(0.25))
    assert plain == pytest.approx(a[1].astype(float).sum(), abs=1e-5)
    assert product == pytest.approx(((a[1].astype(float) - 0.25) * (b[0] - 0.5)).sum(), abs=1e-5)
