"""Made-up networks and their rivals on ±X."""

from helpers.histories import history

# At 11, 21, 52, 101 and 201 evaluations, hence 10, 20, 51, 100 and 200 iterations; 1,000 FLOP an evaluation.
RIVAL_COURSE = [0.1, 0.2, 0.3, 0.5, 0.6]
OWN_COURSE = [0.2, 0.4, 0.6, 0.7, 0.8]


def rival(courses=(RIVAL_COURSE,), **model):
    """The network on ±X: twice the images, and twice the FLOP."""
    table = as_good_on_both(history(list(courses), training_set="augmented", **model))
    return table.assign(n_train=2000, flop=2 * table["flop"])


def own(courses=(OWN_COURSE,), features="canonical", **model):
    return as_good_on_both(history(list(courses), features=features, **model))


def as_good_on_both(table):
    """R = R̄, as with invariant features."""
    return table.assign(test_accuracy=table["inverted_accuracy"])
