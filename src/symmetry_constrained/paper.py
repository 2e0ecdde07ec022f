"""Constants of the paper and of its author's notebooks (D. L. Bergman, arXiv:1811.07051), each written here once."""

HIDDEN_LAYERS = (10, 5)  # tanh units (section 2)
HYPHENATED = "10-5"  # the same as columns and paths have them
ALPHA = 1e-5  # weight of the L2 penalty, alpha / (2n) · sum of squared weights
# The notebook's 200 meant evaluations of the loss in scikit-learn 0.19 and means iterations since 0.22.
BUDGET = 200
PERMUTATION_SEED = 1717  # of the permuted features
TALK_SHUFFLE_SEED = 176  # by which the talk's notebook shuffled ±X
SHIFTS = ("none", "up", "left", "right", "down")  # of the nudged digits, in the notebook's order
SCALE_OFFSET = 0.0001  # the notebook's guard against pixels that never change
TEST_SHARE = 0.2
