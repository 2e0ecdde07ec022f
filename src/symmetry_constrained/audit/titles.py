"""What titles of figures say, once more: each word for word from the data beside the picture, or from its table."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from symmetry_constrained.audit import claims, data, forward, paragraphs, settings, specs
from symmetry_constrained.audit.checks import Check, equal, guarded
from symmetry_constrained.audit.figures import title_of
from symmetry_constrained.audit.results import CONFIG, Results
from symmetry_constrained.audit.tables import SUMMARY
from symmetry_constrained.audit.theory import titles as of_theory

SAID = "titles, word for word"
X, AUGMENTED = "identity, X", "identity, ±X"
# The order in which models are named.
MODELS = [X, AUGMENTED, "identity, random signs", "square", "neighbour", "permuted", "canonical", "absolute"]
MODELS += ["quadratic"]
LOST = 0.1
METRICS = ["test_accuracy", "inverted_accuracy"]

Say = Callable[[Results, str, pd.DataFrame], str]


def check(results: Results) -> Iterator[Check]:
    for path in sorted(results.folder.glob("figures/*.csv")):
        say = TITLES.get(path.stem) or TITLES.get(path.stem.partition("-")[0])
        name = f"figures/{path.stem}"
        if say is not None and results.belongs(f"{name}.csv"):
            where = results.blame(f"{name}.png", f"{name}.csv", CONFIG)
            yield from guarded(SAID, where, _check(results, where, path.stem, say))


def _check(results: Results, where: str, stem: str, say: Say) -> Iterator[Check]:
    due = say(results, stem, results.table(f"figures/{stem}.csv"))
    yield equal(SAID, where, " ".join(due.split()), title_of(results, f"figures/{stem}.png"))


def _dataset(name: str) -> str:
    """As a title begins with it."""
    text = data.written(name)
    return text[:1].upper() + text[1:]


def percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def _on(model: str) -> str:
    """How networks of a model were trained."""
    return model.replace("identity,", "trained on") if "," in model else f"on {model} features"


def _best(values: pd.Series) -> str:
    """The first with the largest value."""
    return values.index[int(np.argmax(values.to_numpy(dtype=float)))]


def _shown(values: pd.Series) -> list[str]:
    """Training on X, on ±X, and of what is not pixels the model with the largest value; without these the best."""
    others = values[~values.index.str.startswith("identity")]
    names = [model for model in (X, AUGMENTED) if model in values.index]
    return (names + ([_best(others)] if len(others) else [])) or [_best(values)]


def _biased(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["network"] == "biased"]


def _sides(results: Results, stem: str, table: pd.DataFrame) -> str:
    """What training on X, on ±X and the model that is best on its worse side classify correctly."""
    name, pairs = _dataset(stem.partition("-")[2]), _biased(table)
    pairs = pairs.pivot(index="model", columns="metric", values="mean").reindex(columns=METRICS).dropna()
    if pairs.empty:
        return f"{name}: no biased network was trained"
    first, *others = _shown(pairs.min(axis=1))
    parts = {model: [percent(value) for value in pairs.loc[model]] for model in pairs.index}
    seen, other = parts[first]
    both = f"{seen} of X and −X alike" if seen == other else f"{seen} of X and {other} of −X"
    text = f"{name}: biased networks {_on(first)} classify {both} correctly"
    told = [(_on(model), *parts[model]) for model in others]
    clauses = [f"{on} {x} of both" if x == inverse else f"{on} {x} and {inverse}" for on, x, inverse in told]
    return f"{text}; those {', '.join(clauses)}" if clauses else text


def _accuracy(results: Results, stem: str, table: pd.DataFrame) -> str:
    """On −X the most that training on X, on ±X and the best other model reach at any number of images."""
    rows = _biased(table)[_biased(table)["metric"] == "inverted_accuracy"].dropna(subset="mean")
    name, most = _dataset(stem.partition("-")[2]), rows.groupby("model")["mean"].max()
    if most.empty:
        return f"{name}: no biased network was trained"
    first, *others = _shown(most)
    text = f"{name}: whatever the number of images, biased networks {_on(first)} classify at most"
    more = " and ".join(f"{_on(model)} {percent(most[model])}" for model in others)
    return f"{text} {percent(most[first])} of −X" + (f", those {more}" if more else "")


def _gaps(results: Results, stem: str, table: pd.DataFrame) -> str:
    """The widest generalisation gap on the fewest and the most images; who loses on −X with the most."""
    name, rows = _dataset(stem.partition("-")[2]), table[table["mean"].notna()]
    if rows.empty:
        return f"{name}: no network was trained"
    of_images, most = rows[rows["metric"] == "generalisation_gap"], rows["images"].max()
    widest = of_images.groupby("images")["mean"].max()
    ends = dict.fromkeys([*widest.index[:1], *widest.index[-1:]])
    parts = [f"{widest[images]:.2f} on {images:,} images".replace("-", "−") for images in ends]
    last = rows[(rows["metric"] == "symmetry_gap") & (rows["images"] == most)]
    models = sorted(last["model"].unique(), key=lambda model: MODELS.index(model) if model in MODELS else len(MODELS))
    losing = [model for model in models if model in set(last.loc[last["mean"] > LOST, "model"])]
    who = f"networks {' and '.join(map(_on, losing))}" if losing else "no networks"
    only = "only " if 0 < len(losing) < len(models) else ""
    text = f"{name}: the widest generalisation gap is {' and '.join(parts)}; with {most:,} {only}{who} lose more than"
    return f"{text} {LOST:g} on −X"


def _images_needed(results: Results, stem: str, table: pd.DataFrame) -> str:
    """By dataset the fewest images, and what ±X needs or the most that there were."""
    lines, summary = [], results.table(SUMMARY)
    for study in results.config["figures"]["curves"]:
        name = results.config["studies"][study]["dataset"]
        goal = f"{percent(results.config['figures']['target'][name])} on X and −X"
        most = f"{summary.loc[summary['study'] == study, 'images'].max():,}"
        rows = _biased(table)[_biased(table)["dataset"] == name].set_index("model")
        needed = rows["images"].astype(float).dropna()
        if needed.empty:
            lines.append(f"{_dataset(name)}: no biased network reaches {goal} with {most} images")
            continue
        best = _best(-needed)
        who = f"networks {_on(best)}" if best.startswith("identity") else f"{best} features"
        least = "at most " if rows["at_most"][best] else ""
        line = f"{_dataset(name)}: {who} need {least}{needed[best]:,.0f} images for {goal}"
        if AUGMENTED in rows.index and best != AUGMENTED:
            line += f", ±X {needed[AUGMENTED]:,.0f}" if AUGMENTED in needed else f", ±X over {most}"
        lines.append(line)
    return "; ".join(lines)


def _cost(results: Results, stem: str, table: pd.DataFrame) -> str:
    """The fewest evaluations, and of ±X the evaluations and how much more arithmetic, or its budget."""
    name, rows = _dataset(stem.partition("-")[2]), _biased(table).set_index("model")
    if table.empty:
        return f"{name}: no network was trained on all images"
    goal = f"{percent(table['target'].iloc[0])} on X and −X"
    limits = results.config["studies"][table["study"].iloc[0]]["budget"]
    budget = ", ".join(f"{limit:,} {key.split('_')[1]}" for key, limit in limits.items())
    needed = rows["evaluations"].astype(float).dropna()
    if needed.empty:
        return f"{name}: within {budget} at most half of the biased networks of any model reach {goal}"
    best = _best(-needed)
    least = "at most " if rows["at_most"][best] else ""
    text = f"{name}: biased networks {_on(best)} reach {goal} after {least}{needed[best]:.0f} evaluations"
    if best == AUGMENTED or AUGMENTED not in rows.index:
        return text
    if AUGMENTED not in needed:
        return f"{text}; at most half of those trained on ±X do within {budget}"
    more = rows["flop"][AUGMENTED] / rows["flop"][best]
    return f"{text}; those trained on ±X take {needed[AUGMENTED]:.0f}, and {more:.1f} times the arithmetic"


def _random_sign(results: Results, stem: str, table: pd.DataFrame) -> str:
    """The factor that the symmetry alone saves, and the largest of all."""
    rows = _biased(table)[np.isfinite(_biased(table)["ratio"].astype(float))].reset_index(drop=True)
    opening = "Where signs are random,"
    if rows.empty:
        return f"{opening} no factor in images is known"
    factors = [f"{row['ratio']:.1f} on {data.written(row['dataset'])}" for _, row in rows.iterrows()]
    largest = int(np.argmax(rows["ratio"].to_numpy(dtype=float)))
    best = rows["model"][largest]
    most = f"{best} features save {factors[largest]}"
    alone = [factor for factor, model in zip(factors, rows["model"], strict=True) if model == "canonical"]
    if not alone:
        return f"{opening} {most}"
    text = f"{opening} the symmetry alone (canonical) saves a factor of {' and '.join(alone)}; theory allows it 2"
    return text if best == "canonical" else f"{text}, and {most}"


def _budget(results: Results, stem: str, table: pd.DataFrame) -> str:
    """By how much ±X trails the best other features at the end, in the first and the last of the widths."""
    means = table[(table["metric"] != "evaluations") & table["mean"].notna()]
    if means.empty:
        return "No network was trained"
    ended = means.sort_values("iterations").groupby(["hidden_layers", "model"], sort=False)["mean"].last()
    parts = []
    for width in dict.fromkeys(means["hidden_layers"].iloc[[0, -1]]):
        own = ended[width]
        others = own[~own.index.str.startswith("identity")]
        best = _best(others if len(others) else own)
        if AUGMENTED in own and len(others):
            behind = own[best] - own[AUGMENTED]
            text = f"±X {'leads' if behind < 0 else 'trails'} {best} features by {abs(behind):.2f}"
        else:
            text = f"networks {_on(best)} classify {percent(own[best])} correctly"
        parts.append(f"{text} with hidden layers {width}")
    return f"After {int(means['iterations'].max()):,} iterations, {', and '.join(parts)}"


def _bound(results: Results, stem: str, table: pd.DataFrame) -> str:
    """How many networks exceed the bound where it applies, and which share of the others does."""
    above = table["test_accuracy"] + table["inverted_accuracy"] > 1
    pixels = table["features"] == "identity"
    studies = results.config["studies"].items()
    may_be_odd = [name for name, study in studies if forward.may_be_odd(specs.USUAL | study)]
    odd = pixels & (table["network"] == "bias-free") & table["study"].isin(may_be_odd)
    others = {"of the others trained on both signs": pixels & ~odd & (table["training_set"] != "original")}
    others |= {"on invariant features": ~pixels}
    shares = " and ".join(f"{percent(above[rows].mean())} {name}" for name, rows in others.items() if rows.any())
    if not odd.any():
        return f"{shares} exceed R + R̄ = 1" if shares else f"Each of {len(table):,} networks is a point"
    count = int(above[odd].sum())
    who = f"{count or 'None'} of {odd.sum():,} bias-free networks on pixels {'exceed' if count > 1 else 'exceeds'}"
    return f"{who} R + R̄ = 1" + (f"; {shares} do" if shares else "")


def _paper_table(stem: str) -> Say:
    def say(results: Results, _: str, __: pd.DataFrame) -> str:
        table = results.table(f"tables/{stem}.csv")
        name = f"Table {stem.removeprefix('table')}" if stem.startswith("table") else "The talk's MNIST"
        return f"{name}: {_medians(table)}; {_within(table)}"

    return say


def _medians(table: pd.DataFrame) -> str:
    medians = table["median"]
    if set(table["test_set"]) == {"both"}:
        best, *others = (table.loc[at] for at in dict.fromkeys((medians.idxmax(), medians.idxmin())))
        names = [f"{row['network']} networks {_on(row['features'])}" for row in (best, *others)]
        text = f"{names[0]} classify {percent(best['median'])} of X and −X correctly"
        return text + "".join(f", {name} {percent(row['median'])}" for name, row in zip(names[1:], others, strict=True))
    on_x = table[table["training_set"] == "original"].dropna(subset="median")
    seen, inverted = (on_x.loc[on_x["test_set"] == name, "median"] for name in ("original", "inverted"))
    if seen.empty or inverted.empty:
        return f"the medians of our networks are {percent(medians.min())} to {percent(medians.max())}"
    least, most = percent(seen.min()), percent(inverted.max())
    return f"trained on X, networks classify at least {least} of X but at most {most} of −X"


def _within(table: pd.DataFrame) -> str:
    judged = table[table["typicality"] != "too few draws"]
    if judged.empty:
        ends = " to ".join(str(int(count)) for count in dict.fromkeys((table["n"].min(), table["n"].max())))
        return f"too few networks (N = {ends}) were trained to place its {len(table)} published numbers among"
    outside, where = int((judged["typicality"] != "typical").sum()), "the central 95 % of our networks"
    if not outside:
        return f"all {len(judged)} judged numbers lie within {where}"
    return f"{outside} of the {len(judged)} judged numbers {'lie' if outside > 1 else 'lies'} outside {where}"


def _verdicts(results: Results, stem: str, _: pd.DataFrame) -> str:
    """How many claims hold by the least favourable of their headlines, as each was judged first."""
    rows = claims.read(results)
    ids: dict[str, list[str]] = {name: [] for name in paragraphs.WORST_FIRST}
    for id_, own in rows[rows["headline"]].drop_duplicates(["id", "contrast"]).groupby("id", sort=False):
        ids[min(map(settings.outcome, own["verdict"]), key=paragraphs.WORST_FIRST.index)].append(id_)
    order = list(rows["id"].unique())
    failing = sorted(ids["contrary"] + ids["fails"], key=order.index)
    parts = [f"{', '.join(failing)} {'does not' if len(failing) == 1 else 'do not'}"] if failing else []
    parts += [f"{', '.join(ids['open'])} undecided"] if ids["open"] else []
    text = f"{len(ids['holds'])} of {sum(map(len, ids.values()))} claims hold by their headlines"
    text += f" ({'; '.join(parts)})" if parts else ""
    further = [settings.outcome(verdict) for verdict in paragraphs.further(rows)["verdict"]]
    return f"{text}; {further.count('holds')} of {len(further)} further contrasts hold as well" if further else text


def _settings(results: Results, stem: str, _: pd.DataFrame) -> str:
    return paragraphs.over_settings(claims.read(results), results.table(settings.TABLE))


# By a figure's stem, or the part before its first hyphen.
TITLES: dict[str, Say] = {
    **{stem: _paper_table(stem) for stem in ("table1", "table2", "talk")},
    "bound": _bound,
    "sides": _sides,
    "accuracy": _accuracy,
    "gaps": _gaps,
    "images-needed": _images_needed,
    "random-sign-factor": _random_sign,
    "cost": _cost,
    "budget": _budget,
    "verdicts": _verdicts,
    "settings": _settings,
} | of_theory.TITLES
