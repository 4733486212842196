"""VASP through atomate2's Makers, custodian and pymatgen: relaxations and single frames; its MD is in dynamics.vasp."""
