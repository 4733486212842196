"""What CP2K wrote when it gave up, in one line."""

from superionic.potentials.cp2k.process import _complaint

BOX = r"""
  *** SCF run converged in    10 steps ***
 *******************************************************************************
 *   ___                                                                       *
 *  /   \                                                                      *
 * [ABORT]                                                                     *
 *  \___/                GEOMETRY wrong or EMAX_SPLINE too small!              *
 *    |                                                                        *
 *  O/|                                                                        *
 * /| |                                                                        *
 * / \                                               fist_neighbor_lists.F:606 *
 *******************************************************************************

 ===== Routine Calling Stack =====
            1 CP2K
"""


def test_the_complaint_is_what_the_box_of_the_abort_says():
    assert _complaint(BOX) == "GEOMETRY wrong or EMAX_SPLINE too small! fist_neighbor_lists.F:606"
