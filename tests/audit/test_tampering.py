"""Tampering with a finished run, in every kind of file: the audit finds it, and names the file.

First by the record of hashes, then with a record forged to agree, so that only what is recomputed can tell.
"""

import base64
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.scripts import call
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from safetensors.numpy import load_file, save_file

from symmetry_constrained import audit
from symmetry_constrained.artifacts import sha256
from symmetry_constrained.audit import columns, embedded, notes, page, specs
from symmetry_constrained.audit.batches import check_batch as check_weights
from symmetry_constrained.audit.history import check_batch as check_history
from symmetry_constrained.audit.results import Results
from symmetry_constrained.audit.retrained import _drawn
from symmetry_constrained.runs import manifest

ROOT = Path(__file__).parents[2]
BATCHES = "batches/digits-clean/{}/{}/10-5/split-0"
BATCH = BATCHES.format("identity", "original")
RERUN = "reruns/table1-biased-identity-original"


@pytest.fixture(scope="module")
def shared(finished, tmp_path_factory):
    """The results of the finished run, every file sharing its bytes with the run's own."""
    folder = tmp_path_factory.mktemp("tampered") / "results"
    shutil.copytree(finished / "results/small", folder, copy_function=os.link)
    return folder


@pytest.fixture
def copy(shared, finished):
    """The same, to be changed by `change`; afterwards it is as it was."""
    yield shared
    restore(shared, finished / "results/small")


def restore(folder: Path, original: Path) -> None:
    """Share every file with the original again, and remove what it does not have."""
    for path in [path for path in folder.rglob("*") if path.is_symlink() or path.is_file()]:
        source = original / path.relative_to(folder)
        if not source.is_file() or not path.samefile(source):
            path.unlink()
    for path in [path for path in folder.rglob("*") if not (original / path.relative_to(folder)).exists()]:
        shutil.rmtree(path, ignore_errors=True)
    for source in original.rglob("*"):
        path = folder / source.relative_to(original)
        if source.is_file() and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            os.link(source, path)


def change(folder: Path, path: str, content: bytes | None) -> None:
    """Give a file another content, or delete it, and leave alone the file it shares its bytes with."""
    (folder / path).unlink()
    if content is not None:
        (folder / path).write_bytes(content)


def write_record(folder: Path, record: dict) -> None:
    """The record with its digest, as it is written."""
    record["digest"] = manifest.digest({key: value for key, value in record.items() if key != "digest"})
    change(folder, "manifest.json", (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode())


def forge(folder: Path, *paths: str) -> None:
    """Write the record anew, so that the files as they are now agree with it."""
    record = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for path in paths:
        size = (folder / path).stat().st_size
        record["artefacts"][path] |= {"sha256": sha256(folder / path), "bytes": size}
    write_record(folder, record)


def forge_page(folder: Path, name: str, edit) -> None:
    """Edit a page that has a record of its own, and write that anew."""
    html, record = folder / f"{name}.html", folder / f"{name}.json"
    content = html.read_bytes()
    tampered = edit(content)
    assert tampered != content
    change(folder, html.name, tampered)
    record.unlink()
    manifest.record(html, record)


def failures(folder: Path, *links: str) -> list:
    return [check for check in audit.run(Results(folder), links or audit.LINKS) if not check.ok]


def failures_of_batches(folder: Path, link: str, *batches: str) -> list:
    """The same, of some batches alone."""
    results, check = Results(folder), {"batches": check_weights, "history": check_history}[link]
    told = specs.of_run(results)
    with np.errstate(all="ignore"):
        return [found for batch in batches for found in check(results, batch, told[batch]) if not found.ok]


def blamed(folder: Path, *links: str) -> set[str]:
    return {check.where for check in failures(folder, *links)}


# Each kind of tampering: a file's bytes -> other bytes, or None where the file has nothing to tamper with so.


def a_byte(content: bytes) -> bytes | None:
    """One bit of one byte, in the middle."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :] if content else None


def a_digit(content: bytes) -> bytes | None:
    """The last digit of a table."""
    found = re.search(rb"(\d)(?=\D*\Z)", content)
    return (
        found and content[: found.start()] + bytes([(content[found.start()] - 47) % 10 + 48]) + content[found.end() :]
    )


def a_row(content: bytes) -> bytes | None:
    """The last line, gone."""
    lines = content.splitlines(keepends=True)
    return b"".join(lines[:-1]) if len(lines) > 1 else None


def cut_off(content: bytes) -> bytes | None:
    return content[: len(content) // 2] if content else None


def gone(content: bytes) -> None:
    return None


def kinds(folder: Path) -> dict[str, list[str]]:
    """Every kind of artefact -> its files: by the rule and the file's name, or by its suffix for pictures and texts."""
    found: dict[str, list[str]] = {}
    for path, entry in json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["artefacts"].items():
        file = Path(path)
        name = file.name if entry["kind"] == "output" and file.parent.name != "figures" else f"*{file.suffix}"
        found.setdefault(f"{entry['kind']} {entry['rule'] or ''} {name}", []).append(path)
    return found


@pytest.mark.parametrize("tamper", [a_byte, a_digit, a_row, cut_off, gone])
def test_a_changed_byte_digit_or_row_and_a_deleted_file_of_every_kind(tamper, copy):
    tampered = {}
    for path, *_ in kinds(copy).values():
        content = (copy / path).read_bytes()
        if tamper in (a_digit, a_row) and not path.endswith(".csv"):
            continue
        if content or tamper is gone:  # some logs are empty
            tampered[path] = tamper(content)
    for path, content in tampered.items():
        change(copy, path, content)
    assert blamed(copy, "files") == tampered.keys()
    assert len(tampered) >= (15 if tamper in (a_digit, a_row) else 60)


def test_a_swapped_pair_of_every_kind(copy):
    swapped = {}
    for paths in kinds(copy).values():
        contents = {path: (copy / path).read_bytes() for path in paths}
        pair = next(((a, b) for a in paths for b in paths if contents[a] != contents[b]), None)
        if pair:
            swapped |= {pair[0]: contents[pair[1]], pair[1]: contents[pair[0]]}
    for path, content in swapped.items():
        change(copy, path, content)
    assert blamed(copy, "files") == swapped.keys()
    assert len(swapped) >= 40


def test_a_file_that_nobody_made(copy):
    strays = ["tables/networks copy.csv", "batches/.networks.csv.killed.csv", "notes.txt", "new/deep/file"]
    for stray in strays:
        (copy / stray).parent.mkdir(parents=True, exist_ok=True)
        (copy / stray).write_text("stray", encoding="utf-8")
    (copy / "figures/link.png").symlink_to(copy / "figures/bound.png")
    assert blamed(copy, "files") == {*strays, "figures/link.png"}


def test_another_run_within_the_folder_is_left_alone(copy):
    (copy / "quick/tables").mkdir(parents=True)
    (copy / "quick/tables/networks.csv").write_text("", encoding="utf-8")
    checks = audit.run(Results(copy), ["files"])
    assert all(check.ok for check in checks)
    assert any("not audited, runs of their own: quick" in check.found for check in checks)


@pytest.mark.parametrize(
    "name", ["manifest.json", "ro-crate-metadata.json", "config.json", "report.json", "index.json"]
)
@pytest.mark.parametrize("tamper", [a_byte, a_digit, cut_off, gone])
def test_the_record_itself(name, tamper, copy):
    change(copy, name, tamper((copy / name).read_bytes()))
    assert blamed(copy, "files", "report") == {name}


@pytest.mark.parametrize("change_of", [{"software": [1]}, {"software": {"numpy": {"a": 1}}}, {"commit": 5}])
def test_a_record_that_does_not_say_in_words_what_made_it(change_of, copy):
    """Its notes could not be told, and nothing else would say so."""
    record = json.loads((copy / "manifest.json").read_text(encoding="utf-8")) | change_of
    write_record(copy, record)
    # The crate names the commit too.
    assert blamed(copy, "files") - {"ro-crate-metadata.json"} == {"manifest.json"}


def test_names_that_no_terminal_shows_and_folders_without_end_are_named(copy):
    for name in (b"\xff.csv", b"a\nb", b"\x1b[2J"):
        with open(os.fsencode(copy) + b"/tables/" + name, "wb"):
            pass
    (copy / "theory/loop").symlink_to(copy)
    try:
        checks = failures(copy, "files")
        said = "\n".join(page.lines(checks)) + json.dumps(page.summary(checks, []))
        said.encode("utf-8")
        assert {check.where for check in checks} == {
            *("tables/\\xdcff.csv", "tables/a\\x0ab", "tables/\\x1b[2J"),
            "theory/loop",
        }
    finally:
        for name in (b"\xff.csv", b"a\nb", b"\x1b[2J"):
            os.unlink(os.fsencode(copy) + b"/tables/" + name)


@pytest.mark.parametrize("space", [b"\n", b" "])
def test_a_space_in_the_record(space, copy):
    change(copy, "manifest.json", (copy / "manifest.json").read_bytes() + space)
    assert blamed(copy, "files") == {"manifest.json"}


def test_a_hash_changed_in_the_record_does_not_blame_the_file(copy):
    """The crate holds the hashes as well."""
    text = (copy / "manifest.json").read_text(encoding="utf-8")
    digest = sha256(copy / "tables/summary.csv")
    change(copy, "manifest.json", text.replace(digest, "0" * 64).encode())
    assert blamed(copy, "files") == {"manifest.json"}


# By what is recomputed: the record agrees with the tampered file.


def cell(column: str, row: int, other):
    """A cell of a table, by what `other` makes of its text."""

    def edit(content: bytes) -> bytes:
        lines = list(csv.reader(io.StringIO(content.decode())))
        place = lines[0].index(column)
        lines[row + 1][place] = other(lines[row + 1][place])
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(lines)
        return out.getvalue().encode()

    return edit


def digit(column: str, row: int = 0):
    """Another first digit in a cell of a table."""

    def other(before: str) -> str:
        found = re.search(r"\d", before)
        assert found, f"{column} holds no digit: {before!r}"
        return before[: found.start()] + str((int(found[0]) + 3) % 10) + before[found.end() :]

    return cell(column, row, other)


def text(before: str, after: str):
    def edit(content: bytes) -> bytes:
        assert before.encode() in content, before
        return content.replace(before.encode(), after.encode(), 1)

    return edit


def another_option(experiment: str, name: str, value: int):
    """Another option of one of theory's experiments in the configuration."""

    def edit(content: bytes) -> bytes:
        config = json.loads(content)
        config["theory"][experiment][name] = value
        return json.dumps(config, indent=2).encode()

    return edit


def titled(before: str, after: str):
    """Another title of a picture."""

    def edit(content: bytes) -> bytes:
        with Image.open(io.BytesIO(content)) as image:
            assert before in image.info["Title"], image.info["Title"]
            told, out = PngInfo(), io.BytesIO()
            told.add_itxt("Title", image.info["Title"].replace(before, after))
            image.save(out, "png", pnginfo=told)
        return out.getvalue()

    return edit


# On what the first number's own seed gives, whatever stands there.
OTHER_VERDICT = cell("same_seed", 0, lambda verdict: "not judged" if verdict == "exact" else "exact")


def array(name: str):
    """One number of one tensor: the sign of a weight, the class of an image."""

    def edit(content: bytes) -> bytes:
        folder = Path(os.environ["TAMPER"])
        (folder / "tensors").write_bytes(content)
        tensors = {key: value.copy() for key, value in load_file(folder / "tensors").items()}
        value = tensors[name].reshape(-1)
        value[7] = (value[7] + 1) % 10 if value.dtype == np.uint8 else -value[7] - 1
        save_file(tensors, folder / "tensors")
        return (folder / "tensors").read_bytes()

    return edit


def another_column(content: bytes) -> bytes:
    first, *rest = content.splitlines()
    return b"\n".join([first + b",note", *(line + b",1" for line in rest), b""])


def last_row_twice(content: bytes) -> bytes:
    return content + content.splitlines(keepends=True)[-1]


def exchanged(name: str, first: int = 0, second: int = 1):
    """Two rows of one tensor, each in the other's place."""

    def edit(content: bytes) -> bytes:
        path = Path(os.environ["TAMPER"]) / "tensors"
        path.write_bytes(content)
        tensors = load_file(path)
        tensors[name][[first, second]] = tensors[name][[second, first]]
        save_file(tensors, path)
        return path.read_bytes()

    return edit


def another_tensor(content: bytes) -> bytes:
    path = Path(os.environ["TAMPER"]) / "tensors"
    path.write_bytes(content)
    save_file(load_file(path) | {"more": np.zeros(3, dtype=np.float32)}, path)
    return path.read_bytes()


def of_signed_numbers(content: bytes) -> bytes:
    """All tensors with numbers that count as wrong where they should, and as right where they are looked up."""
    path = Path(os.environ["TAMPER"]) / "tensors"
    path.write_bytes(content)
    save_file({name: value.astype(np.int8) - np.int8(10) for name, value in load_file(path).items()}, path)
    return path.read_bytes()


def without_column(name: str):
    def edit(content: bytes) -> bytes:
        return pd.read_csv(io.BytesIO(content), dtype=str).drop(columns=name).to_csv(index=False).encode()

    return edit


def row_of_another(column: str, value: str):
    """The last row once more, with another value in a column."""

    def edit(content: bytes) -> bytes:
        table = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
        return pd.concat([table, table.tail(1).assign(**{column: value})]).to_csv(index=False).encode()

    return edit


def another_cell(content: bytes) -> bytes:
    """One more cell at the beginning of every line but the header's, which is then taken for the rows' names."""
    first, *rest = content.splitlines(keepends=True)
    return first + b"".join(b"0," + line for line in rest)


def among_the_sources(content: bytes) -> bytes:
    return re.sub(rb'"results": "[^"]*"', b'"results": "workflow"', content)


def moved_mark(content: bytes) -> bytes:
    """The first mark within a panel, moved by a twentieth of a point."""
    found = re.search(rb'clip-path="[^"]*">\s*<use xlink:href="#\w+" x="([1-9][\d.]+)"', content)
    return content[: found.start(1)] + b"%.6f" % (float(found[1]) + 0.05) + content[found.end(1) :]


def other_cell(content: bytes) -> bytes:
    """Another number in the last cell of a table that begins with one."""
    *_, found = re.finditer(rb"<td>(\d)", content)
    return content[: found.start(1)] + b"%d" % ((int(found[1]) + 3) % 10) + content[found.end(1) :]


PAINTED = '<g id="patch_99"><path d="M 0 0 L 600 0 L 600 600 L 0 600 z" style="fill: #ffffff"/></g>'


def within_a_panel(name: str):
    """A mark of its own at the end of the first panel, in a group of this name."""

    def edit(content: bytes) -> bytes:
        found = re.search(rb'(?s)<g id="axes_1">\s*<g id="patch_\d+">\s*<path d="M ([\d.]+) ([\d.]+) ', content)
        x, y = (float(found[number]) for number in (1, 2))
        corners = " L ".join(f"{x + 20 + dx} {y - 20 + dy}" for dx, dy in ((0, 0), (4, 0), (4, 4), (0, 4)))
        mark = f'<g id="{name}"><path d="M {corners} z" style="fill: #d55e00"/></g>'
        at = found.end() + content[found.end() :].index(b"</g>") + len(b"</g>")
        return content[:at] + mark.encode() + content[at:]

    return edit


def another_letter(content: bytes) -> bytes:
    """Of a text's first two letters the second first, and the comment as it was."""
    return re.sub(
        rb'(<use xlink:href="#DejaVuSans-)(\w+)("/>\s*<use xlink:href="#DejaVuSans-)(?!\2)(\w+)',
        rb"\1\4\3\2",
        content,
        count=1,
    )


def another_outline(content: bytes) -> bytes:
    """The letters with the names of two others, each drawn as the other."""
    (first, one), (second, other) = re.findall(rb'<path id="DejaVuSans-(\w+)" d="([^"]+)"', content)[:2]
    edited = content.replace(b'DejaVuSans-%s" d="%s"' % (first, one), b'DejaVuSans-%s" d="%s"' % (first, other))
    return edited.replace(b'DejaVuSans-%s" d="%s"' % (second, other), b'DejaVuSans-%s" d="%s"' % (second, one))


# Still base64, of another picture's first bytes.
PNG_OF_ANOTHER = 'src="data:image/png;base64,iVBORw0KGgA'


def other_hash(content: bytes) -> bytes:
    """Another hash of the first input."""
    return re.sub(rb'(npy": ")[0-9a-f]{4}', rb"\g<1>0000", content, count=1)


def byte(offset: int):
    """One byte, so far from the end."""
    return lambda content: content[:-offset] + bytes([content[-offset] ^ 1]) + content[len(content) - offset + 1 :]


def in_table(path: str, link: str, *columns: str, row: int = 0) -> list:
    """A changed digit in each of the columns, and a deleted row."""
    digits = [pytest.param(path, digit(column, row), link, path, id=f"{path}: {column}") for column in columns]
    return [*digits, pytest.param(path, a_row, link, path, id=f"{path}: a row")]


def in_file(path: str, link: str, edit, named: str | None = None) -> list:
    """named: the file that is blamed, where the record no longer tells which of two was changed."""
    return [pytest.param(path, edit, link, named or path, id=f"{path}: {link}")]


EFFORT = ("iterations", "evaluations", "flop")
ACCURACIES = ("train_accuracy", "train_loss", "test_accuracy", "test_loss", "inverted_accuracy", "inverted_loss")
PLACES = ("published", "rerun_scikit_learn", "rerun_ours_iterations", "perturbed_n", "median", "low", "high", "n")
SUMS = ("networks", "largest_sum_inverted", "largest_sum_negated", "right_both_ways", "violations")
COPIES = ("weight", "largest_difference", "median_difference", "inverted_difference", "test_accuracy", "deviation")
COPIES += ("biased_inverted_accuracy", "images", "predicted_rate", "oddness")
COPIED, OF_INVARIANTS = "theory/emulated_bias/digits.csv", "theory/invariants/split-0/invariants"
INVARIANT = ("train_loss", "train_accuracy", "test_accuracy", "transformed_accuracy", "budget", "parameters")
SIGNS = "theory/invariants/split-0/sign_symmetries.csv"
# The first batch of the configuration.
FIRST = "batches/digits-budget/identity/original/10-5/split-0"
OTHER_SEED = text('"seeds": [\n        1,', '"seeds": [\n        3,')
FORGED = [
    *(
        in_file("config.json", "columns", another_option(name, option, 3000), f"theory/{name}.csv")[0]
        for name, (option, _) in columns.BUDGETS.items()
    ),
    *in_file("tables/solo_timings.csv", "costs", cell("device", 0, lambda _: "NVIDIA H100")),
    *in_file("tables/solo_timings.csv", "costs", cell("energy_joules_per_evaluation", 0, lambda _: "0.001")),
    *in_file("ro-crate-metadata.json", "files", text('"contentSize": "', '"contentSize": "9')),
    *in_file("ro-crate-metadata.json", "files", text("Every table, figure", "Proof by every table, figure")),
    *in_file("data/digits/images.npy", "data", byte(1000)),
    *in_file("data/digits/labels.npy", "data", byte(10), "data/digits/images.npy"),
    *in_table("splits/digits/clean/split-0/rows.csv", "splits", "image", "label", "rank", row=7),
    *in_table("splits/digits/published/split-0/scaling.csv", "splits", "maximum", "minimum", row=12),
    *in_file("config.json", "provenance", OTHER_SEED, f"{FIRST}/provenance.json"),
    *in_file(f"{BATCH}/provenance.json", "provenance", text('"alpha": 1e-05', '"alpha": 2e-05')),
    *in_file(f"{BATCH}/provenance.json", "provenance", text('"threads": 1', '"threads": 2')),
    *in_file(f"{FIRST}/provenance.json", "provenance", other_hash, "data/digits/images.npy"),
    *in_file(f"{RERUN}/provenance.json", "provenance", text('"perturbed_networks": 2', '"perturbed_networks": 3')),
    *in_file(f"{BATCH}/weights.safetensors", "batches", array("0.1"), f"{BATCH}/predictions.safetensors"),
    *in_file(f"{BATCH}/predictions.safetensors", "batches", array("1/inverted")),
    *in_file(f"{BATCH}/predictions.safetensors", "batches", array("0.1/negated")),
    *in_table(f"{BATCH}/networks.csv", "batches", *ACCURACIES, "seed", "n_train", "negated_accuracy", "clipped", row=3),
    *in_table(f"{BATCH}/networks.csv", "history", *EFFORT, "parameters", row=5)[:-1],
    *in_table(f"{BATCH}/history.csv", "history", *EFFORT, *ACCURACIES, row=1),
    *in_file(f"{BATCH}/history.csv", "history", cell("train_loss", 0, lambda before: "0.1")),
    *in_file(f"{BATCH}/history.csv", "history", text(",identity,original,", ",square,original,")),
    *in_table(f"{BATCH}/history.csv", "history", "split", "n_train", row=4)[:-1],
    *in_file(f"{BATCH}/predictions.safetensors", "batches", of_signed_numbers),
    *in_file("config.json", "existence", among_the_sources),
    *in_file("tables/networks.csv", "tables", another_cell),
    *in_file("theory/amplification.csv", "amplification", cell("split", 1, lambda before: "1")),
    *in_file("theory/saturated_units.csv", "saturated units", cell("dataset", 1, lambda before: "mnist")),
    *in_file("theory/mirrored_pairs.csv", "mirrored pairs", cell("training_set", 1, lambda before: "random-sign")),
    *in_file("theory/mirrored_pairs.csv", "mirrored pairs", cell("hidden_layers", 1, lambda before: "40")),
    *in_file("theory/spectrum.csv", "orbits", row_of_another("angles", "128")),
    *in_file("theory/orbit_loss.csv", "orbits", row_of_another("seed", "0")),
    *in_file("tables/leak.csv", "settings", without_column("low")),
    *in_table(f"{BATCH}/timings.csv", "history", "fraction", "networks", "evaluations"),
    *in_table(f"{RERUN}/reruns.csv", "published", "original", "inverted"),
    *in_table("tables/networks.csv", "tables", *ACCURACIES, row=40),
    *in_table("tables/history.csv", "tables", *EFFORT, row=70),
    *in_table("tables/summary.csv", "tables", "mean", "low", "high", "n", "failed", row=20),
    *in_table("tables/bound.csv", "tables", *SUMS, row=1),
    *in_table("tables/sample_efficiency.csv", "efficiency", "target", "reached", "n"),
    *in_table("tables/cost_to_target.csv", "costs", "parameters", "target", "reached", "n"),
    *in_table("tables/solo_timings.csv", "costs", "n_train", "repeats"),
    *in_table("tables/published_numbers.csv", "published", *PLACES, "percentile", "p", "p_holm"),
    *in_file("tables/published_numbers.csv", "published", OTHER_VERDICT),
    *in_table("tables/equal_terms.csv", "costs", "accuracy", "rival_accuracy", row=3),
    *in_table("tables/claims.csv", "claims", "margin", "effect", "low", "high", "prediction_low", "n", row=8),
    *in_file("tables/claims.csv", "evidence", text("target=0.2", "target=0.7")),
    *in_table("tables/settings.csv", "settings", "networks", "converged", "hidden_layers", "budget"),
    *in_table("tables/leak.csv", "settings", "effect", "effect_without", "change", "low", "n", row=1),
    *in_file("verdicts.md", "settings", text("| C2 ", "| C3 ")),
    *in_file("verdicts.md", "prose", text("with a 95 % t interval", "with a 90 % t interval")),
    *in_file("verdicts.md", "prose", text("margin of 0.02 in", "margin of 0.03 in")),
    *in_file("verdicts.md", "prose", text("hidden layers   | activation", "hidden units    | activation")),
    *in_file("verdicts.md", "prose", text("| 12 iterations ", "| 14 iterations ")),
    *in_file("verdicts.md", "prose", text("## Headlines", "## Proofs")),
    *in_file("tables/published_numbers.html", "prose", text("<th>median</th>", "<th>mean</th>")),
    *in_file("tables/published_numbers.html", "prose", text("<h2>Table 1", "<h2>Table 3")),
    *in_file("tables/published_numbers.html", "prose", text("</p></body>", " All hold.</p></body>")),
    *in_file("tables/claims.csv", "evidence", text("left test_accuracy", "left train_accuracy")),
    *in_file("tables/claims.csv", "evidence", text("fraction=1,", "fraction=0.1,")),
    *in_file("tables/claims.csv", "evidence", text(",largest violation,", ",accuracy,")),
    *in_file("tables/claims.csv", "verdicts", text('"theorem, no violation found"', "refuted")),
    *in_file("tables/claims.csv", "verdicts", text(",too few networks,", ",supported,")),
    *in_file("tables/claims.csv", "claims", text('"on equal terms, ', '"on other terms, ')),
    *in_file("tables/claims.csv", "claims", text(" evaluations,", " images,")),
    *in_file("verdicts.md", "verdicts", text("🟦 theorem, no violation found ", "🟦 refuted ")),
    *in_file(
        "verdicts.md", "verdicts", lambda content: re.sub(rb"largest violation 0 ", b"largest violation 1 ", content)
    ),
    *in_file(
        "verdicts.md",
        "sentences",
        lambda content: re.sub(rb"(?m)^(.*: largest violation 0, N = )", rb"\g<1>7", content, count=1),
    ),
    *in_file("verdicts.md", "sentences", text(": too few networks, below 20.", ": replicated.")),
    *in_file("verdicts.md", "sentences", text("fails on −X. (Where", "fits −X. (Where")),
    *in_file("tables/claims.csv", "sentences", text("Symmetry needs less data", "Symmetry needs more data")),
    *in_file(
        "findings.rst", "sentences", lambda content: re.sub(rb"(?m)^(- .*)\n(- .*)$", rb"\2\n\1", content, count=1)
    ),
    *in_table("theory/emulated_bias.csv", "tables", "seed"),
    *in_file("theory/label_blind.csv", "columns", another_column),
    *in_file("theory/emulated_bias/digits-conditions.csv", "columns", last_row_twice),
    *in_file("theory/mirrored_pairs.csv", "columns", cell("status", 0, lambda before: "happy")),
    *in_file("theory/mirrored_pairs.csv", "columns", cell("evaluations", 0, lambda before: "1")),
    *in_file(f"{BATCH}/networks.csv", "columns", another_column),
    *in_file("verdicts.md", "prose", lambda content: content + b"\nAll of it is proven.\n"),
    *in_file(
        "verdicts.md", "sentences", text(": too few networks, below 20.", ": too few networks, below 20. It is proven.")
    ),
    *in_file("verdicts.md", "prose", lambda content: content + b"\n| claim |\n|:------|\n| all   |\n"),
    *in_file("verdicts.md", "verdicts", lambda content: content + b"> Every claim of the paper is proven.\n"),
    *in_file("verdicts.md", "verdicts", lambda content: content + content.splitlines(keepends=True)[-1]),
    *in_file("verdicts.md", "verdicts", text("⬜ too few networks", "🟦 too few networks")),
    *in_file("verdicts.md", "prose", text("margin of 0.02 in accuracy", "line that nobody drew in accuracy")),
    *in_file(
        "verdicts.md", "prose", lambda content: re.sub(rb"(settings, )[^;]*;", rb"\1all hold throughout;", content)
    ),
    *in_file("findings.rst", "prose", lambda content: b"The audit proves every claim.\n\n" + content),
    *in_file(
        "findings.rst", "prose", lambda content: re.sub(rb"(?m)^(- .*)$", rb"\1\n  and all hold", content, count=1)
    ),
    *in_file("figures/settings.png", "titles", titled("claims that were judged", "claims that were proven")),
    *in_file("figures/verdicts.png", "titles", titled("hold by their headlines", "are proven")),
    *in_file("figures/table1.png", "titles", titled("networks classify", "networks fail on")),
    *in_file("figures/bound.png", "titles", titled("bias-free", "biased")),
    *in_file("figures/budget.png", "titles", titled("After", "Before")),
    *in_file("figures/sides-digits.png", "titles", titled("classify", "fail on")),
    *in_file("figures/mirrored-pairs.png", "titles", titled("reach", "stay below")),
    *in_file("figures/figure1.png", "titles", titled("identical", "other")),
    *in_file("tables/published_numbers.html", "prose", text("<h2>", "<div>All agree.</div><h2>")),
    *in_file("figures/bound.svg", "figures", text("</svg>", '<circle cx="9" cy="9" r="9"/></svg>')),
    *in_table("theory/invariants.csv", "tables", "transformed_accuracy", row=3),
    *in_file("theory/random_networks.csv", "claims", digit("n"), "tables/claims.csv"),
    *in_table("theory/random_networks.csv", "random networks", "violation", "n", row=5),
    *in_table("theory/label_blind.csv", "label-blind", "loss", "test_accuracy", "accuracy", "seed", "n_train"),
    *in_file("theory/label_blind.csv", "label-blind", cell("distance", 3, lambda before: "0.01")),
    *in_file("theory/label_blind.safetensors", "label-blind", array("rows"), "theory/label_blind.csv"),
    *in_file("theory/label_blind.safetensors", "theory's seeds", exchanged("rows")),
    *in_file("theory/amplification.safetensors", "theory's seeds", exchanged("4")),
    *in_file("theory/amplification.safetensors", "theory's seeds", another_tensor),
    *in_file("theory/saturated_units.safetensors", "theory's seeds", exchanged("rows")),
    *in_table("theory/amplification.csv", "amplification", "epsilon", "excess", "train_loss", "bias", "odd", row=7),
    *in_table("theory/amplification.csv", "amplification", "test_accuracy", "even", "amplification", row=2),
    *in_table("theory/amplification.csv", "amplification", "initial_even", "initial_amplification", row=6)[:-1],
    *in_table("theory/amplification.csv", "amplification", "right_both_ways", "largest_bias", "train_excess", row=3)[
        :-1
    ],
    *in_file("theory/amplification.safetensors", "amplification", array("4"), "theory/amplification.csv"),
    *in_table("theory/emulated_bias/digits.csv", "emulated bias", *COPIES, row=1),
    *in_file("theory/emulated_bias/digits.safetensors", "emulated bias", array("original/saturated"), COPIED),
    *in_table("theory/orbits.csv", "orbits", "loss", "gradient_norm", "loss_variation", "quantile"),
    *in_file("theory/orbits.csv", "orbits", cell("orbit_gradient", 0, lambda before: "0.01")),
    *in_table("theory/orbits.csv", "orbits", "curvature", "smallest", "largest", "flat", "n_train", row=1),
    *in_table("theory/spectrum.csv", "orbits", "eigenvalue", "order", row=5)[:-1],
    *in_table("theory/orbit_loss.csv", "orbits", "loss", row=5)[:-1],
    *in_file("theory/orbits.safetensors", "orbits", array("identity/equally spaced/1"), "theory/orbits.csv"),
    *in_table("theory/loss_invariance.csv", "orbit checks", "median_difference", "networks", row=1),
    *in_file("theory/loss_invariance.csv", "orbit checks", cell("largest_difference", 0, lambda before: "2e-9")),
    *in_table("theory/minima.csv", "orbit checks", "loss", "moved_loss", "apart", "gradient_norm"),
    *in_file("theory/minima.csv", "orbit checks", cell("from_image", 0, lambda before: "0.01")),
    *in_table("theory/random_angles.csv", "orbit checks", "rms", "ratio", "mean_ratio", "draws"),
    *in_table(f"{OF_INVARIANTS}.csv", "invariants", *INVARIANT, row=2),
    *in_file(f"{OF_INVARIANTS}.safetensors", "invariants", array("inversion/neighbour/10"), f"{OF_INVARIANTS}.csv"),
    *in_table(SIGNS, "invariants", "rank", "log2_symmetries", "members_error", row=1),
    *in_table("tables/table1.csv", "paper tables", "median", "clean_median", "clean_n"),
    *in_file("tables/table2.md", "paper tables", a_row),
    *in_file("tables/table1.md", "paper tables", text("| 0.839 ", "| 0.838 ")),
    *in_file("tables/published_numbers.html", "paper tables", text("<td>0.839</td>", "<td>0.893</td>")),
    *in_file("tables/published_numbers.html", "paper tables", text("</body>", "<script></script></body>")),
    *in_file("tables/published_numbers.html", "paper tables", text("<body>", '<body onload="alert(1)">')),
    *in_file(
        "tables/published_numbers.html", "paper tables", text("</style>", "p:before{content:'All hold. '}</style>")
    ),
    *in_file("tables/table1.md", "paper tables", text("| published   |", "| median      |")),
    *in_file("tables/table2.md", "paper tables", text("|:--", "|all hold|:--")),
    *in_table("figures/table1.csv", "figures", "accuracy", row=2),
    *in_table("figures/table2.csv", "figures", "accuracy", row=2),
    *in_table("figures/bound.csv", "figures", "test_accuracy", "inverted_accuracy"),
    *in_table("figures/figure1.csv", "figures", "image", "inverse", "neighbour", row=10),
    *in_table("figures/sides-digits.csv", "figures", "images", "mean"),
    *in_table("figures/accuracy-digits.csv", "figures", "images", "mean"),
    *in_table("figures/gaps-digits.csv", "figures", "low", "high"),
    *in_table("figures/images-needed.csv", "figures", "target", "reached"),
    *in_table("figures/cost-digits.csv", "figures", "target", "parameters"),
    *in_table("figures/budget.csv", "figures", "iterations", "mean", "low"),
    *in_table("figures/verdicts.csv", "figures", "effect", "n"),
    *in_table("figures/settings.csv", "figures", "effect", "n", "high"),
    *in_table("theory/saturated_units.csv", "saturated units", "seed", "n_train", "test_accuracy"),
    *in_table("figures/amplification.csv", "figures", "mean", "largest", "n"),
    *in_table("figures/mirrored-pairs.csv", "figures", "mean", "low"),
    *in_table("figures/complete-invariants.csv", "figures", "transformed_accuracy", "parameters"),
    *in_table("figures/flat-direction.csv", "figures", "curvature", "seed"),
    *in_table("figures/loss-on-orbit.csv", "figures", "deviation", "angle", row=3),
    *in_table("figures/random-angles.csv", "figures", "rms", "points"),
    *in_table("figures/emulated-bias.csv", "figures", "largest_difference", "weight"),
    *in_file("figures/accuracy-digits.svg", "figures", moved_mark),
    *in_file("figures/sides-digits.svg", "figures", moved_mark),
    *in_file("figures/verdicts.svg", "figures", moved_mark),
    *in_file("figures/loss-on-orbit.svg", "figures", moved_mark),
    *in_file("figures/cost-digits.svg", "figures", text("</svg>", f"{PAINTED}</svg>")),
    *in_file("figures/gaps-digits.svg", "figures", text('<g id="axes_2">', f'{PAINTED}<g id="axes_2">')),
    *in_file("figures/table1.svg", "figures", within_a_panel("patch_99")),
    *in_file("figures/budget.svg", "figures", within_a_panel("text_99")),
    *in_file("figures/settings.svg", "figures", text("</svg>", '<a xmlns="http://www.w3.org/1999/xhtml"/></svg>')),
    *in_file("figures/figure1.svg", "figures", text("</metadata>", "<script>alert(1)</script></metadata>")),
    *in_file("figures/random-angles.svg", "figures", another_letter),
    *in_file("figures/mirrored-pairs.svg", "figures", another_outline),
    *in_file("figures/bound.png", "figures", byte(500)),
    *in_file("figures/budget.png", "figures", cut_off),
    *in_file("figures/bound.svg", "figures", text("networks on pixels", "networks on features")),
    *in_file("figures/budget.svg", "figures", cut_off),
    *in_file("findings.rst", "figures", text("- Table 1", "- Table 7")),
    *in_file("explore.html", "explorer", text('"seed": 1', '"seed": 2')),
    *in_file("explore.html", "explorer", text('"weights": "', '"weights": "AAAA')),
    *in_file("explore.html", "explorer", text('"pixels": "0', '"pixels": "1')),
    *in_file("explore.html", "explorer", text('"bias-free"', '"biased"')),
    *in_file("explore.html", "templates", text("not every network sees it", "every network sees it")),
    *in_file("explore.html", "templates", text("</main>", "<p>All networks agree.</p></main>")),
    *in_file("explore.html", "templates", text("Math.exp(", "Math.tanh(")),
    *in_file("explore.html", "templates", text("</main>", "\n<h3><script>x</script> <small></small></h3>\n</main>")),
    *in_file(
        "explore.html", "templates", lambda content: re.sub(rb"<td>\d+ %</td>", b"<td>99 %</td>", content, count=1)
    ),
    *in_file("notebooks/budget.html", "report", text("</tbody>", "<tr><td>All claims hold.</td></tr></tbody>")),
    *in_file("notebooks/theory.html", "report", text("</p>", " All claims hold.</p>")),
    *in_file("notebooks/overfitting.ipynb", "report", text("Over-fitting, and", "No over-fitting, and")),
    *in_file("notebooks/settings.html", "report", text("</body>", "<script>alert(1)</script></body>")),
    *in_file("notebooks/budget.html", "report", text('src="data:image/png;base64,iVBORw0KGgo', PNG_OF_ANOTHER)),
    *in_file("notebooks/theory.html", "report", other_cell),
    *in_file("notebooks/budget.ipynb", "report", text('"execution_count": 2', '"execution_count": 3')),
    *in_file("report.html", "report", byte(3000)),
    *in_file("index.html", "report", byte(3000)),
]


def quickly(cases: list) -> list:
    """By default each kind of edit for each link, and one edit of each file for each link; all of them under `slow`."""
    seen, chosen = set(), []
    for case in cases:
        path, edit, link, _ = case.values
        keys = {(path, link), (edit.__qualname__, link)}
        chosen.append(pytest.param(*case.values, id=case.id, marks=pytest.mark.slow if keys <= seen else ()))
        seen |= keys
    return chosen


@pytest.mark.parametrize(("path", "edit", "link", "named"), quickly(FORGED))
def test_with_a_forged_record(path, edit, link, named, copy, tmp_path, monkeypatch):
    monkeypatch.setenv("TAMPER", str(tmp_path))
    content = (copy / path).read_bytes()
    tampered = edit(content)
    assert tampered != content
    change(copy, path, tampered)
    if path not in ("report.html", "index.html"):
        forge(copy, path)
    one_batch = link in ("batches", "history")
    found = failures_of_batches(copy, link, str(Path(path).parent)) if one_batch else failures(copy, link)
    assert named in {check.where for check in found}, found[:3]
    for check in found:
        assert not re.search(r"(KeyError|TypeError|IndexError|AttributeError)", check.found), check


@pytest.mark.parametrize(
    ("name", "other", "link"),
    [
        ("predictions.safetensors", BATCHES.format("identity", "augmented"), "batches"),
        ("weights.safetensors", BATCHES.format("identity", "random-sign"), "batches"),
        ("networks.csv", BATCHES.format("neighbour", "original"), "batches"),
        ("history.csv", BATCHES.format("identity", "augmented"), "history"),
        ("timings.csv", FIRST, "history"),
        ("provenance.json", BATCHES.format("neighbour", "original"), "provenance"),
    ],
)
def test_two_batches_files_swapped_under_a_forged_record(name, other, link, copy):
    pair = f"{BATCH}/{name}", f"{other}/{name}"
    contents = [(copy / path).read_bytes() for path in pair]
    for path, content in zip(pair, contents[::-1], strict=True):
        change(copy, path, content)
    forge(copy, *pair)
    found = failures(copy, link) if link == "provenance" else failures_of_batches(copy, link, BATCH, other)
    # Of weights and predictions that contradict each other the predictions are named.
    assert {path.replace("weights", "predictions") for path in pair} <= {check.where for check in found}


# With the record as it was, what is contradicted downstream blames the file that was changed, and it alone.

CHANGED = {
    "splits/digits/clean/split-0/rows.csv": digit("image"),
    "config.json": OTHER_SEED,
    f"{BATCH}/weights.safetensors": array("0.1"),
    f"{BATCH}/networks.csv": a_row,
    f"{RERUN}/reruns.csv": digit("original"),
    "tables/networks.csv": gone,
    "code/workflow/resources/published.csv": digit("published", 2),
}


@pytest.mark.parametrize("paths", [[*CHANGED], *(pytest.param([path], marks=pytest.mark.slow) for path in CHANGED)])
def test_the_changed_files_alone_are_named(paths, copy, tmp_path, monkeypatch):
    monkeypatch.setenv("TAMPER", str(tmp_path))
    for path in paths:
        change(copy, path, CHANGED[path]((copy / path).read_bytes()))
    assert blamed(copy) == set(paths)


def test_the_script_names_the_file_and_the_reason(copy, capsys):
    change(copy, "tables/summary.csv", digit("mean", 20)((copy / "tables/summary.csv").read_bytes()))
    assert call("audit", copy) == (1, "")
    out = capsys.readouterr().out
    assert re.search(r"FAILED tables/summary.csv: bytes as recorded: expected [0-9a-f]{64}; found [0-9a-f]{64}", out)
    assert re.search(
        r"FAILED tables/summary.csv: summary from all runs: .*: mean is \S+, recomputed: \S+; 1 cells", out
    )
    assert re.search(r"summary from all runs +0 of 1  <-", out)
    told = json.loads((copy / "audit/audit.json").read_text(encoding="utf-8"))
    assert told["failed"] >= 2
    assert "tables/summary.csv" in (copy / "audit/audit.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("noise", [b"", b"\xff\xfe\x00", b'{"spec": 3}'])
def test_rubbish_in_any_file_is_a_finding_and_never_a_traceback(noise, copy):
    """All at once, so that each check meets rubbish wherever it looks."""
    paths = [paths[0] for kind, paths in kinds(copy).items() if not kind.startswith(("log", "benchmark", "source"))]
    for path in paths:
        change(copy, path, noise)
    assert set(paths) <= blamed(copy)
    forge(copy, *[path for path in paths if path != "manifest.json"])
    assert len(blamed(copy)) > 15


# What the configuration asks for, and what is no file of the results.


def record_without(folder: Path, *paths: str) -> dict:
    """The record, without a word of these files."""
    record = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for path in paths:
        del record["artefacts"][path]
    for entry in record["artefacts"].values():
        entry["inputs"] = [name for name in entry["inputs"] if name not in paths]
    return record


def forget(folder: Path, *paths: str) -> None:
    """Delete files, and every word of them in the record."""
    for path in paths:
        (folder / path).unlink()
    write_record(folder, record_without(folder, *paths))


def test_sources_that_nothing_records_are_named(copy):
    """Else they could be edited, and what is compared with them."""
    name = "code/scripts/write_findings.py"
    record = record_without(copy, name)
    write_record(copy, record | {"unrecorded": sorted([*record["unrecorded"], name])})
    assert [check.found for check in failures(copy, "files") if "unrecorded" in check.expected] == [name]


def test_a_network_of_all_images_among_those_of_few_is_named(copy, tmp_path):
    """It would pass for what few images are enough for: its seed is the same."""
    path = copy / BATCH / "weights.safetensors"
    tensors = load_file(path)
    tensors["0.1"][0] = tensors["1"][0]
    save_file(tensors, tmp_path / "tensors")
    change(copy, f"{BATCH}/weights.safetensors", (tmp_path / "tensors").read_bytes())
    found = failures_of_batches(copy, "batches", BATCH)
    (alike,) = (check for check in found if check.expected == "other weights for other numbers of images")
    assert alike.found == "fractions 0.1 and 1: network 0; 1 are equal"


def test_another_draw_trains_other_networks_again(finished):
    results = [Results(finished / "results/small", draw=draw) for draw in ("", "", "a", "b")]
    drawn = [_drawn(one, specs.of_run(one)) for one in results]
    assert drawn[0] == drawn[1] and len({str(one) for one in drawn}) == 3


def test_what_is_gone_from_the_folder_and_from_the_record_is_missed(copy):
    gone_ = ["tables/claims.csv", "verdicts.md", "findings.rst", "theory/orbits.safetensors", f"{BATCH}/history.csv"]
    gone_ += ["figures/verdicts.svg", "figures/table1.csv", "notebooks/budget.html", "tables/equal_terms.csv"]
    gone_ += [f"{RERUN}/perturbed.csv", "splits/digits/published/split-0/rows.csv", "tables/table2.md"]
    forget(copy, *gone_)
    assert set(gone_) <= blamed(copy, "existence")
    # There, but no longer in the record: anything may be in it.
    for path in gone_:
        (copy / path).write_bytes(b"")
    found = [check for check in failures(copy, "existence") if check.where in gone_]
    assert [check.found for check in found] == ["not recorded"] * len(gone_)


@pytest.mark.parametrize(
    "edit",
    [
        text("gains if that symmetry is built into", "never gains if that symmetry is built into"),
        text("</main>", "<p>Every claim of the paper holds.</p></main>"),
        text("</main>", '<p onclick="alert(1)">A setting is a study.</p></main>'),
        lambda content: re.sub(rb"all ([\d,]+) checks passed", b"all 9,999 checks passed", content),
        lambda content: re.sub(rb"(<b>Networks:</b> )\d", rb"\g<1>9", content),
        lambda content: re.sub(rb">\? too few networks</td>", ">✓ replicated</td>".encode(), content, count=1),
        lambda content: re.sub(rb">0\.839</td>", b">0.893</td>", content, count=1),
        lambda content: (
            re.sub(rb"(<li>)(\w)", rb"\1Not \2", content[: content.find(b'id="claims"')], count=9)
            + content[content.find(b'id="claims"') :]
        ),
        lambda content: re.sub(rb"svg\+xml;base64,[^\"]*", b"svg+xml;base64,PHN2Zy8+", content, count=1),
        text("</main>", "\n<p>Every claim of the paper holds.</p>\n</main>"),
        text("</main>", '\n<p><script>document.body.innerHTML="All hold."</script></p>\n</main>'),
        lambda content: re.sub(rb'(?s)(<h2 id="findings">.*?<ul>\n).*?(</ul>)', rb"\1\2", content, count=1),
        lambda content: re.sub(rb"(?s)<figure id=.*?</figure>\n", b"", content),
        lambda content: re.sub(rb"(?s)<details><summary>What is not checked.*?</details>", b"", content),
        lambda content: re.sub(rb"<dd>[^<]*</dd>", b"<dd>Nothing.</dd>", content, count=1),
        text("<p>Not compared: ", "<p>Compared, and equal: "),
        text(">? too few networks</td>", ">✓ too few networks</td>"),
        text("<h3>7. Budget", "<h3>7. Proofs"),
        text("<h3>Record</h3>", "<h3>Proofs</h3>"),
        lambda content: re.sub(rb"<li><b>(C\d+\. [^<]*): open\.</b>", rb"<li><b>\1: holds.</b>", content, count=1),
    ],
)
def test_another_word_number_or_picture_on_the_first_page_under_a_forged_record(copy, edit):
    forge_page(copy, "index", edit)
    found = [check for check in audit.run(Results(copy, ROOT), ["report"]) if not check.ok]
    assert {check.where for check in found} == {"index.html"}, found


@pytest.mark.parametrize(
    "edit",
    [
        lambda content: content + b"<p>Every claim of the paper holds.</p>",
        lambda content: content + b"<script>alert(1)</script>",
        text("<body>", "<body><p>Every claim of the paper holds.</p>"),
        text("this.content = ", 'alert(1); this.content = "rulegraph" && '),
        text("</style>", "body:before{content:'All hold. '}</style>"),
        lambda content: re.sub(rb"var results = \{.*", b"var results = {};", content, count=1),
        lambda content: re.sub(rb"var categories = \{.*", b"var categories = {};", content, count=1),
        text('"4. Over-fitting": ', '"4. All claims hold": '),
        text("var metadata = {};", "var metadata = {}; alert(1);"),
        text("What was found:", "All claims hold:"),
        text('"caption": "<p>', '"caption": "<p onclick=alert(1)>'),
    ],
)
def test_a_report_that_holds_something_else_under_a_forged_record(copy, edit):
    forge_page(copy, "report", edit)
    assert "report.html" in blamed(copy, "report")


@pytest.mark.parametrize(
    "edit",
    [
        text("<h2>By kind</h2>", "<p>Every claim of the paper was proven by this audit.</p><h2>By kind</h2>"),
        text("<h2>How</h2><p>Recomputed", "<h2>How</h2><p>Proven"),
        text("<dt>seconds</dt><dd>A time", "<dt>seconds</dt><dd>No time"),
        text("</body>", "<ul><li>All claims hold.</li></ul></body>"),
    ],
)
def test_another_audit_within_the_report_under_a_forged_record(copy, edit):
    def of_report(content: bytes) -> bytes:
        held = embedded.lists(Results(copy))[0]["results"]
        (uri,) = (entry["data_uri"] for path, entry in held.items() if path.endswith("audit/audit.html"))
        head, _, packed = uri.partition(",")
        tampered = base64.b64encode(edit(base64.b64decode(packed))).decode()
        return content.replace(uri.encode(), f"{head},{tampered}".encode())

    forge_page(copy, "report", of_report)
    assert "report.html" in blamed(copy, "report")


def test_what_no_record_covers_is_a_note(copy):
    before = notes.told(Results(copy))
    (copy / "notebooks/throughput.html").write_text("All claims are proven.", encoding="utf-8")
    for name in ("published/tables/claims.csv", "other/tables/claims.csv"):
        (copy / name).parent.mkdir(parents=True)
        (copy / name).write_text("C1,proven", encoding="utf-8")
    (copy / "other/manifest.json").write_text("{}", encoding="utf-8")  # a run that can be audited by itself
    assert set(notes.told(Results(copy))) - set(before) == {
        "measured on demand and in no record: notebooks/throughput.html",
        "not audited, folders that look like a run and have no record: published",
    }


def test_a_card_that_the_machine_of_the_record_does_not_have_is_a_note(copy):
    change(copy, "config.json", text('"device": "cpu"', '"device": "cuda"')((copy / "config.json").read_bytes()))
    assert any(line.startswith("device is cuda, and the machine") for line in notes.told(Results(copy)))


def test_a_figure_that_no_step_draws_is_named(copy):
    paths = [f"figures/proof.{suffix}" for suffix in ("csv", "png", "svg")]
    record = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    for path in paths:
        shutil.copy(copy / path.replace("proof", "bound"), copy / path)
        record["artefacts"][path] = record["artefacts"][path.replace("proof", "bound")]
    record["digest"] = manifest.digest({key: value for key, value in record.items() if key != "digest"})
    change(copy, "manifest.json", (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode())
    assert blamed(copy, "figures") == set(paths)


def test_a_report_that_is_missing_fails(copy):
    for name in ("report.html", "report.json", "index.html", "index.json"):
        change(copy, name, None)
    assert blamed(copy, "report") == {"report.json", "index.json", "index.html"}


def test_what_never_ends_or_lies_elsewhere_is_named_and_not_opened(copy, tmp_path):
    (tmp_path / "outside.csv").write_text("secret", encoding="utf-8")
    shutil.copy(copy / "splits/digits/clean/split-0/rows.csv", tmp_path)
    odd = ["tables/summary.csv", "tables/bound.csv", "theory/minima.csv", "splits/digits/clean/split-0/rows.csv"]
    for path in odd:
        (copy / path).unlink()
    os.mkfifo(copy / odd[0])
    (copy / odd[1]).symlink_to("/dev/zero")
    (copy / odd[2]).mkdir()
    (copy / odd[3]).symlink_to(tmp_path / "rows.csv")
    record = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    beyond = ["../outside.csv", str(tmp_path / "outside.csv"), "tables/../../outside.csv"]
    record["artefacts"] |= {path: record["artefacts"][odd[0]] for path in beyond}
    write_record(copy, record)
    command = [sys.executable, str(ROOT / "scripts/audit.py"), str(copy)]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=300)
    finally:
        (copy / odd[0]).unlink()
        (copy / odd[2]).rmdir()
    assert run.returncode == 1 and not run.stderr, run.stderr
    told = {
        check["where"]: check["found"]
        for check in reversed(json.loads((copy / "audit/audit.json").read_text())["checks"])
    }
    reasons = ["missing: no regular file", "missing: a link", "missing: no regular file", "missing: a link"]
    assert [told[path] for path in odd] == reasons
    assert [told[path] for path in beyond] == ["lies outside of the folder"] * 3


def test_the_audit_does_not_write_through_a_link(copy, tmp_path):
    shutil.rmtree(copy / "audit")
    (copy / "audit").symlink_to(tmp_path)
    status, line = call("audit", copy)
    assert status == 1 and line.endswith(
        "is a link; the audit writes into the results' own folder, or into --out FOLDER"
    )
    assert not list(tmp_path.iterdir())


def test_code_and_software_that_differ_from_here_are_notes(copy, tmp_path):
    shutil.copytree(copy / "code", tmp_path / "project")
    before = notes.told(Results(copy, tmp_path / "project"))
    (tmp_path / "project/Snakefile").write_text("other", encoding="utf-8")
    (tmp_path / "project/workflow/resources/claims.yaml").unlink()
    record = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    record["software"] |= {"numpy": "0.1", "nothing-like-it": "2"}
    write_record(copy, record)
    results = Results(copy, tmp_path / "project")
    assert set(notes.told(results)) - set(before) == {
        "differs from this checkout: Snakefile",
        "is not in this checkout: workflow/resources/claims.yaml",
        f"made with numpy 0.1, and here is {np.__version__}",
        "made with nothing-like-it 2, and here is none",
    }
    assert [check for check in audit.run(results, ["files"]) if not check.ok] == []


def test_a_commit_other_than_the_checkouts_is_a_note_where_the_project_is_a_repository_of_its_own(copy, tmp_path):
    def git(*arguments):
        subprocess.run(["git", "-c", "user.name=A", "-c", "user.email=a@b", *arguments], cwd=tmp_path, check=True)

    (tmp_path / "inner").mkdir()
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "first")
    assert any(line.startswith("made by commit") for line in notes.told(Results(copy, tmp_path)))
    assert not any(line.startswith("made by commit") for line in notes.told(Results(copy, tmp_path / "inner")))


def test_the_shared_run_is_as_it_was(finished):
    """The tests above changed copies alone."""
    assert failures(finished / "results/small", "files") == []
    assert len(pd.read_csv(finished / "results/small" / BATCH / "networks.csv")) == 8
