"""Exact gradients of a loss on energy, forces and stress to CHGNet's weights, without autograd through the network.

A loss L depends on the energies E_i of atoms and on the gradients g_p = dE/dr_p of their sum to pair vectors. With
e_i = dL/dE_i and v_p = dL/dg_p, both known after one ordinary evaluation,

    dL/d(weight) = d/d(eps) d/d(weight) sum_i (1 + eps e_i) E_i(r + eps v)   at eps = 0:

the derivative along v of the weights' own gradient. So the network is evaluated once more in dual numbers x + eps x',
forward (tangents) and in reverse: where the reverse pass of a product y = x W adds x^T d to W's gradient, that in dual
numbers adds x^T d' + x'^T d. Six passes of matrix products in all; nothing is differenced, nothing is kept by autograd.
"""
