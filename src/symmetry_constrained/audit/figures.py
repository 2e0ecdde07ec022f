"""The CSV beside each figure against the table it came from; and each picture whole, with the title it is listed by."""

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

import pandas as pd

from symmetry_constrained.audit import cells, data, existence, inputs, leftovers, pictures, points, settings
from symmetry_constrained.audit.cells import MODEL, STUDY
from symmetry_constrained.audit.checks import Check, UnreadableError, guarded, same_table
from symmetry_constrained.audit.claims import TABLE as CLAIMS
from symmetry_constrained.audit.claims import read as judged
from symmetry_constrained.audit.costs import TABLE as COST
from symmetry_constrained.audit.efficiency import TABLE as EFFICIENCY
from symmetry_constrained.audit.pictures import title_of
from symmetry_constrained.audit.published import CELL
from symmetry_constrained.audit.results import CONFIG, Results
from symmetry_constrained.audit.settings import TABLE as SETTINGS
from symmetry_constrained.audit.tables import CELL as CELLS
from symmetry_constrained.audit.tables import HISTORY, NETWORKS, ORDER, SUMMARY
from symmetry_constrained.audit.theory import drawn

DRAWN, TITLES, ASKED = "figures' data from the tables", "findings are the titles", "figures that the run draws"
FINDINGS, SUFFIXES = "findings.rst", (".svg", ".png", ".csv")
MEASURED = ("figures/roofline.svg", "figures/scaling.svg")  # on demand, and in no record
NETWORK = [*STUDY, *MODEL, "fraction", "split", "seed", "n_train", "images"]
SIX = 1173  # the image of the paper's Figure 1


def check(results: Results) -> Iterator[Check]:
    outlines = {}
    for stem in sorted({PurePosixPath(path).stem for path in _listed(results, "*")}):
        path = f"figures/{stem}.csv"
        yield from guarded(DRAWN, results.blame(path, *_drawing(stem)[1], CONFIG), _check_data(results, stem, path))
        yield from pictures.check(results, stem)
        yield from points.check(results, stem)
        outlines[f"figures/{stem}.svg"] = pictures.outlines(results, stem)
    yield from pictures.check_letters(results, outlines)
    yield from guarded(ASKED, CONFIG, _check_asked(results))
    yield from guarded(TITLES, FINDINGS, _check_findings(results))


def _check_asked(results: Results) -> Iterator[Check]:
    """No picture and no data but those of the figures that the configuration asks for."""
    asked = set(existence.stems(results))
    found = {path: PurePosixPath(path) for path in _listed(results, "*")}
    asked |= {PurePosixPath(path).stem for path in MEASURED if path in results.manifest["unrecorded"]}
    odd = [path for path, name in found.items() if name.stem not in asked or name.suffix not in SUFFIXES]
    for path in odd:
        yield Check(ASKED, path, "a figure of this configuration", "no step draws it", False)
    if not odd:
        yield Check(ASKED, CONFIG, f"{len(asked)} figures", f"{len(found)} files, all of them", True)


def _listed(results: Results, suffix: str) -> list[str]:
    """The figures' files of this configuration."""
    found = (path.relative_to(results.folder).as_posix() for path in results.folder.glob(f"figures/*.{suffix}"))
    return sorted({*found} - {*leftovers.of(results)})


def _drawing(stem: str) -> tuple[Callable[[Results, str, str], pd.DataFrame] | None, tuple[str, ...]]:
    """The function that draws a figure's data, and its files; None for a figure checked by its bytes alone."""
    nothing: tuple[None, tuple[str, ...]] = (None, ())
    return DRAWINGS.get(stem) or DRAWINGS.get(stem.partition("-")[0]) or nothing


def _check_data(results: Results, stem: str, path: str) -> Iterator[Check]:
    draw, sources = _drawing(stem)
    if draw is not None:
        expected = draw(results, stem, stem.partition("-")[2]).reset_index(drop=True)
        where = results.blame(path, *sources, CONFIG)
        yield same_table(DRAWN, where, expected, results.table(path), rtol=ORDER, atol=1e-12, source=sources[0])


def named(rows: pd.DataFrame) -> list[str]:
    """What each row's model is called in figures."""
    pixels = {"original": "identity, X", "augmented": "identity, ±X", "random-sign": "identity, random signs"}
    pairs = zip(rows["features"], rows["training_set"], strict=True)
    return [pixels[training_set] if features == "identity" else features for features, training_set in pairs]


def _with_model(rows: pd.DataFrame, at: int = 0) -> pd.DataFrame:
    rows = rows.copy()
    rows.insert(at, "model", named(rows))
    return rows


def _paper_table(results: Results, stem: str, _: str) -> pd.DataFrame:
    """A row per network of every published number's cell, under the published protocol, then under the clean one."""
    networks = results.table(NETWORKS)
    networks = networks[(networks["fraction"] == 1) & (networks["hidden_layers"] == "10-5")]
    networks, parts = networks[networks["status"] != "non_finite"], []
    for _, number in results.table(f"tables/{stem}.csv").iterrows():
        column = "inverted_accuracy" if number["test_set"] == "inverted" else "test_accuracy"
        for key in ("study", "clean_study"):
            keep = networks["study"].isin([placed[key] for placed in results.placed.values()])
            for name in CELL:
                keep &= networks[name] == number[name]
            rows = networks.loc[keep, ["study", "protocol", *CELL, "split", "seed"]]
            parts.append(rows.assign(test_set=number["test_set"], accuracy=networks.loc[keep, column]))
    return pd.concat(parts)


def _bound(results: Results, stem: str, _: str) -> pd.DataFrame:
    kept = ["study", *CELL, "split", "seed", "test_accuracy", "inverted_accuracy"]
    return _with_model(results.table(NETWORKS)[kept], at=1)


def _curves(*metrics: str) -> Callable[[Results, str, str], pd.DataFrame]:
    def draw(results: Results, stem: str, dataset: str) -> pd.DataFrame:
        summary = results.table(SUMMARY)
        keep = (summary["study"] == _study(results, dataset)) & summary["metric"].isin(metrics)
        return _with_model(summary[keep])

    return draw


def _sides(results: Results, stem: str, dataset: str) -> pd.DataFrame:
    """The curves' right ends: what the largest fraction of the images gives."""
    drawn = _curves("test_accuracy", "inverted_accuracy")(results, stem, dataset)
    return drawn[drawn["images"] == drawn["images"].max()]


def _study(results: Results, dataset: str) -> str:
    """The study whose curves are drawn for a dataset: there is one."""
    studies = results.config["studies"]
    return next(name for name in results.config["figures"]["curves"] if studies[name]["dataset"] == dataset)


def _efficiency(results: Results, signs: str) -> tuple[pd.DataFrame, dict[str, float]]:
    """Rows of one kind of signs, and the target drawn by dataset."""
    config, table = results.config, results.table(EFFICIENCY)
    curves = config["figures"]["curves"]
    datasets = [config["studies"][name]["dataset"] for name in curves]
    targets = {dataset: config["figures"]["target"][dataset] for dataset in datasets}
    return table[table["study"].isin(curves) & (table["signs"] == signs)], targets


def _at(rows: pd.DataFrame, targets: dict[str, float]) -> pd.DataFrame:
    return pd.concat([rows[(rows["dataset"] == name) & (rows["target"] == value)] for name, value in targets.items()])


def _images_needed(results: Results, stem: str, _: str) -> pd.DataFrame:
    rows, targets = _efficiency(results, "both")
    once = rows[~rows.duplicated([*STUDY, *MODEL, "target"])]
    return _with_model(_at(once, targets).rename(columns={"low": "images_low", "high": "images_high"}))


def _random_sign(results: Results, stem: str, _: str) -> pd.DataFrame:
    """At the highest target of each dataset for which a factor is known."""
    rows, targets = _efficiency(results, "random-sign")
    known = rows[(rows["ratio"] > 0) & (rows["ratio"] < 1e9)]
    for dataset, target in targets.items():
        mine = known.loc[known["dataset"] == dataset, "target"]
        targets[dataset] = mine.max() if len(mine) else target
    return _with_model(_at(rows, targets))


def _cost(results: Results, stem: str, dataset: str) -> pd.DataFrame:
    cost, target = results.table(COST), results.config["figures"]["target"][dataset]
    return _with_model(cost[(cost["study"] == _study(results, dataset)) & (cost["target"] == target)])


def _budget(results: Results, stem: str, _: str) -> pd.DataFrame:
    """The biased networks' mean accuracy on X and −X at every checkpoint, and the evaluations spent by then.

    A network that stopped keeps its last values.
    """
    history = results.table(HISTORY)
    keep = (history["study"] == results.config["figures"]["budget"]) & (history["network"] == "biased")
    rows = cells.derived(history[keep & (history["fraction"] == 1)])
    accuracy = rows.pivot(index=NETWORK, columns="iterations", values="random_sign_accuracy")
    # Numbers of iterations that most of the networks that got there were judged at, and the last.
    got_there = accuracy.bfill(axis=1).notna().sum()
    judged = accuracy.columns[(2 * accuracy.notna().sum() > got_there) | (accuracy.columns == accuracy.columns.max())]
    tables = []
    for metric in ("random_sign_accuracy", "evaluations"):
        curves = rows.pivot(index=NETWORK, columns="iterations", values=metric)
        filled = curves.ffill(axis=1)[judged].stack().rename(metric).reset_index()
        # In the table's order: checkpoint by checkpoint.
        filled = filled.sort_values("iterations", kind="stable")
        tables.append(cells.summary(filled, [*CELLS, "iterations"], metric))
    # Both metrics of a cell, then those of the next.
    table = pd.concat(tables).sort_index(kind="stable")
    study = rows[STUDY].iloc[0]
    table = table.assign(**study)[[*STUDY, *CELLS, "iterations", "metric", "mean", "low", "high", "n", "failed"]]
    return _with_model(table)


def _figure1(results: Results, stem: str, _: str) -> pd.DataFrame:
    images, _labels = data.read(results, "digits")
    scaling = results.table("splits/digits/published/split-0/scaling.csv")
    six = inputs.scaled(images, pd.DataFrame({"image": [SIX], "shift": ["none"]}), scaling)
    neighbour = inputs.features("neighbour", six, images.shape[1:])[0]
    drawn = {"image": six[0], "inverse": -six[0], "neighbour": neighbour}
    # Written as float32 in the shortest form.
    drawn = {name: values.astype(str).astype(float) for name, values in drawn.items()}
    return pd.DataFrame({"pixel": range(six.size)} | drawn)


def _verdicts(results: Results, stem: str, _: str) -> pd.DataFrame:
    """The headline contrasts, each in all of its settings."""
    table = results.table(CLAIMS)
    order = table.groupby(["id", "contrast"], sort=False).ngroup()
    return table.loc[order.sort_values(kind="stable").index].loc[lambda rows: rows["headline"]]


def _settings(results: Results, stem: str, _: str) -> pd.DataFrame:
    """In each setting the headline that decides a claim: the least favourable, of equals the first."""
    every, listed = judged(results), results.table(SETTINGS)
    claims = every[every["headline"] & (every["setting"] != "")]
    words = dict(settings.over_settings(every, listed)[["id", "over"]].to_numpy())
    labels = dict(listed[["setting", "label"]].to_numpy())
    rank = {"contrary": 0, "fails": 1, "open": 2, "holds": 3}
    rows = []
    for _key, own in claims.groupby(["id", "setting"], sort=False):
        outcomes = [settings.outcome(verdict) for verdict in own["verdict"]]
        at = min(range(len(own)), key=lambda place: (rank[outcomes[place]], place))
        row = own.iloc[at].to_dict()
        row |= {"outcome": outcomes[at], "label": labels[row["setting"]], "over_settings": words[row["id"]]}
        rows.append((own.index[at], row))
    # In the table's order.
    table = pd.DataFrame([row for _at, row in sorted(rows, key=lambda pair: pair[0])])
    columns = [
        "id",
        "title",
        "setting",
        "label",
        "contrast",
        "outcome",
        "verdict",
        "unit",
        "effect",
        "low",
        "high",
        "n",
    ]
    return table[[*columns, "over_settings"]]


# By a figure's stem, or the part before its first hyphen: how its data is drawn, and from which files.
DRAWINGS: dict[str, tuple[Callable[[Results, str, str], pd.DataFrame], tuple[str, ...]]] = {
    "table1": (_paper_table, (NETWORKS, "tables/table1.csv")),
    "table2": (_paper_table, (NETWORKS, "tables/table2.csv")),
    "talk": (_paper_table, (NETWORKS, "tables/talk.csv")),
    "bound": (_bound, (NETWORKS,)),
    "figure1": (_figure1, ("data/digits/images.npy", "splits/digits/published/split-0/scaling.csv")),
    "sides": (_sides, (SUMMARY,)),
    "accuracy": (_curves("test_accuracy", "inverted_accuracy"), (SUMMARY,)),
    "gaps": (_curves("generalisation_gap", "symmetry_gap"), (SUMMARY,)),
    "images-needed": (_images_needed, (EFFICIENCY,)),
    "random-sign-factor": (_random_sign, (EFFICIENCY,)),
    "cost": (_cost, (COST,)),
    "budget": (_budget, (HISTORY,)),
    "verdicts": (_verdicts, (CLAIMS,)),
    "settings": (_settings, (CLAIMS, SETTINGS)),
} | drawn.DRAWINGS


def _check_findings(results: Results) -> Iterator[Check]:
    """Every line of the report's opening page is some picture's title, each once."""
    lines = [line[2:] for line in results.text(FINDINGS).splitlines() if line.startswith("- ")]
    pictures = _listed(results, "png")
    titles = set()
    for path in pictures:
        try:
            titles.add(title_of(results, path))
        except UnreadableError:
            pass  # reported by the check of the pictures
    odd = [line for line in lines if line not in titles]
    where = results.blame(FINDINGS, *pictures)
    text = f"no figure says: {odd[0]}" if odd else f"{len(lines)} lines, each a title"
    yield Check(
        TITLES, where, "each line a figure's title", text, bool(lines) and not odd and len(set(lines)) == len(lines)
    )
