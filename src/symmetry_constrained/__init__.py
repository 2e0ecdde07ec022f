"""Small tanh networks with and without biases, and the grayscale inversion symmetry x -> -x.

A replication, and more, of D. L. Bergman, "Symmetry constrained machine learning" (arXiv:1811.07051).
The library knows nothing of Snakemake; `scripts/` holds one command-line step per workflow rule.
"""

__version__ = "0.2.0"
