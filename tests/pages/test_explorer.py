"""The page to play with: what it holds is what was stored, and what it answers is what the networks do."""

import base64
import json
import re

import numpy as np
import pytest
from helpers.browser import ask, needs_browser, on_a_phone
from helpers.made_up_networks import KINDS, MODELS, write_batch, write_data
from helpers.scripts import call, refused
from safetensors.numpy import load_file

from symmetry_constrained.audit import forward
from symmetry_constrained.data import inputs
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.pages import explorer

SHAPES = forward.sizes(64, [10, 5])
# A digit's place on the pad in shares of it, from its corner.
DRAW = """
const box = pad.getBoundingClientRect();
const send = (name, x, y) => pad.dispatchEvent(new PointerEvent(name, {
  pointerId: 1, bubbles: true, button: 0, buttons: 1,
  clientX: box.left + x * box.width, clientY: box.top + y * box.height }));
const stroke = (points) => {
  send("pointerdown", ...points[0]);
  points.slice(1).forEach((point) => send("pointermove", ...point));
  send("pointerup", ...points[points.length - 1]);
  showNow();
};
const heights = () => [...document.querySelectorAll(".bar")].map((bar) => parseFloat(bar.style.height));
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Data, a split, and a batch of each model; the page of all."""
    folder = tmp_path_factory.mktemp("explorer")
    data, split = write_data(folder)
    for model in MODELS:
        write_batch(folder / "batches" / "-".join(model), *model)
    write_page(folder, MODELS, folder / "explore.html")
    return folder, data, split


def write_page(folder, models, out):
    batches = [folder / "batches" / "-".join(model) for model in models]
    options = ["--batches", *batches] if batches else []
    done = call("write_explorer", *options, "--data", folder / "data", "--split", folder / "split-0", "--out", out)
    assert done == (0, "")
    return out.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(made):
    return (made[0] / "explore.html").read_text(encoding="utf-8")


def embedded(page):
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    return json.loads(text)


def first_rows(folder, model):
    """The weights of the first network of each kind that was trained on all images."""
    return load_file(folder / "batches" / "-".join(model) / "weights.safetensors")["1"][[0, 2]]


def test_the_page_holds_the_weights_of_eight_networks_bit_for_bit(made, page):
    networks = embedded(page)["networks"]
    assert [(row["features"], row["training_set"], row["network"]) for row in networks] == [
        (*model, kind) for model in MODELS for kind in KINDS
    ]
    expected = np.concatenate([first_rows(made[0], model) for model in MODELS])
    found = [np.frombuffer(base64.b64decode(row["weights"]), dtype="<f4") for row in networks]
    assert np.array_equal(np.stack(found), expected)
    assert {row["seed"] for row in networks} == {3}


def test_the_page_holds_the_test_images_with_their_labels_and_scaling(made, page):
    _, data, split = made
    held, read = embedded(page)["test"], Split.read(split)
    rows = read.select("test")
    pixels = np.array([int(letter, 36) for letter in held["pixels"]]).reshape(len(rows), 64)
    assert held["labels"] == "".join(map(str, rows["label"]))
    # Scaled again from what the page holds, they are the images that networks are tested on.
    scaled = (pixels.astype("f4") - np.float32(held["minimum"])) / (np.float32(held["maximum"]) + np.float32(1e-4))
    expected, _ = inputs.test_inputs(Dataset.read(data), read, "identity")
    assert np.array_equal(np.float32(2) * scaled - np.float32(1), expected["original"])


def test_the_page_is_small_and_needs_no_other_file(page):
    assert len(page.encode()) < 300_000
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!data:,|#)|@import|url\(|\bimport\b|\bfetch\(""", page)
    assert set(re.findall(r"https?://[^\"' ]*", page)) == {"http://www.w3.org/2000/svg"}


def test_what_a_file_says_is_text_on_the_page_and_no_code(made, tmp_path):
    folder, _, _ = made
    batch = write_batch(tmp_path / "batch", "identity", "original")
    table = (batch / "networks.csv").read_text()
    (batch / "networks.csv").write_text(table.replace("made-up", "</script><script>alert(1)</script>"))
    out = tmp_path / "explore.html"
    assert call("write_explorer", "--batches", batch, *given(folder), "--out", out) == (0, "")
    text = out.read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert embedded(text)["networks"][0]["study"] == "</script><script>alert(1)</script>"
    assert "&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;" in text


def given(folder):
    return "--data", folder / "data", "--split", folder / "split-0"


def test_some_of_the_networks_are_shown_where_others_are_missing(made, tmp_path):
    page = write_page(made[0], [("neighbour", "original")], tmp_path / "explore.html")
    assert [row["features"] for row in embedded(page)["networks"]] == ["neighbour"] * 2
    assert page.count('class="model"') == 1
    assert "A theorem" not in page  # it is about networks on pixels


def test_a_page_without_networks_says_so(tmp_path):
    batch = write_batch(tmp_path / "batch", "identity", "original", fractions=(0.5,))
    for options in ([], ["--batches", batch]):
        assert call("write_explorer", *options, "--out", tmp_path / "explore.html") == (0, "")
        page = (tmp_path / "explore.html").read_text(encoding="utf-8")
        assert "trains none of the networks that this page shows" in page
        assert "<script" not in page


def test_what_cannot_be_shown_is_refused_in_one_line(made, tmp_path):
    folder, _, split = made
    batch = write_batch(tmp_path / "batch", "identity", "original")
    out = tmp_path / "out/explore.html"
    assert "--data and --split" in refused(tmp_path, "write_explorer", "--batches", batch, "--out", out)
    (batch / "weights.safetensors").write_bytes(b"x" * 20)
    said = refused(tmp_path, "write_explorer", "--batches", batch, *given(folder), "--out", out)
    assert "weights.safetensors" in said
    with pytest.raises(ValueError, match="6 × 8 pixels"):
        explorer.images(Dataset(np.zeros((3, 6, 8), dtype=np.uint8), np.zeros(3, dtype=np.uint8)), Split.read(split))


@needs_browser
def test_the_page_answers_as_the_networks_do_on_every_test_image(made, page, tmp_path):
    folder, data, split = made
    answers = ask(
        page,
        """return DATA.networks.map((network) => [1, -1].map((sign) => Array.from({ length: IMAGES }, (_, i) =>
          likeliest(logits(network, scaled(testImage(i), TEST).map((value) => sign * value))))));""",
        tmp_path,
    )
    dataset, read, checked = Dataset.read(data), Split.read(split), 0
    for number, (features, training_set) in enumerate(MODELS):
        given, _ = inputs.test_inputs(dataset, read, features)
        matrices = forward.layers(first_rows(folder, (features, training_set)), SHAPES)
        for side, name in enumerate(("original", "inverted")):
            expected = forward.logits(matrices, given[name])
            found = np.array([answers[2 * number + kind][side] for kind in range(2)])
            wrong, tied = forward.departures(expected, found, forward.ROUNDING["float64"])
            assert not wrong.any() and not tied
            checked += found.size
    assert checked == 8 * 2 * len(read.select("test"))


@needs_browser
def test_a_digit_drawn_with_the_mouse_changes_the_bars(page, tmp_path):
    seen = ask(
        page,
        DRAW
        + """
        find("clear").click(); showNow();
        const empty = heights();
        stroke([[0.5, 0.1], [0.5, 0.5], [0.5, 0.9]]);
        const one = { pixels: state.pixels, heights: heights() };
        stroke([[0.2, 0.1], [0.8, 0.1]]);
        return { empty, one, two: { pixels: state.pixels, heights: heights() }, test: TEST };""",
        tmp_path,
    )
    low, high = np.array(seen["test"]["minimum"]), np.array(seen["test"]["maximum"])
    drawn = [np.array(seen[name]["pixels"]) for name in ("one", "two")]
    assert all(((low <= pixels) & (pixels <= high)).all() for pixels in drawn)
    one, two = (pixels.reshape(8, 8) for pixels in drawn)
    assert (one[:, 3:5] > 8).all() and one[1:7, [0, 1, 6, 7]].max() == 0  # a vertical stroke in the middle
    assert two[0].sum() > one[0].sum()
    for before, after in (("empty", "one"), ("one", "two")):
        bars = [np.array(seen[name]["heights"] if name != "empty" else seen[name]) for name in (before, after)]
        assert np.abs(bars[0] - bars[1]).max() > 5
        assert bars[1].reshape(8, 10).sum(axis=1) == pytest.approx(100)


@needs_browser
def test_the_slider_and_the_keyboard_change_the_image_and_the_theorem_is_seen(page, tmp_path):
    seen = ask(
        page,
        """
        const all = () => ({ contrast: state.contrast, said: find("said").textContent,
          answers: [...document.querySelectorAll(".answer")].map((answer) => answer.textContent) });
        take(5); slide(1); showNow();
        const image = all();
        slider.value = 1; slider.dispatchEvent(new Event("input")); showNow();
        const negative = all();
        const departures = [...document.querySelectorAll("[id^=departure]")].map((place) => place.textContent);
        find("clear").click(); pad.focus();
        const press = (key) => pad.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
        ["ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight", " "].forEach(press);
        const typed = state.pixels.map((value, i) => (value > 8 ? i : -1)).filter((i) => i >= 0);
        press(" "); const switched = Math.max(...state.pixels);
        location.hash = "#image=9&contrast=-0.5"; open(); showNow();
        return { image, negative, departures, typed, switched, opened: all() };""",
        tmp_path,
    )
    assert seen["image"]["contrast"] == 1 and seen["negative"]["contrast"] == -1
    assert "Test image 6 of" in seen["image"]["said"] and "contrast −1.00" in seen["negative"]["said"]
    votes = re.findall(r"(\d) (says?) \d", seen["image"]["said"])
    assert sum(int(count) for count, _ in votes) == 8
    assert all((verb == "says") == (count == "1") for count, verb in votes)
    # Invariant features: the same answers, to the percent. Bias-free on pixels: odd, exactly.
    assert seen["image"]["answers"][4:] == seen["negative"]["answers"][4:]
    assert seen["image"]["answers"][:4] != seen["negative"]["answers"][:4]
    assert [text == "exactly 0" for text in seen["departures"]] == [False, True, False, True]
    assert (seen["typed"], seen["switched"]) == ([19], 0)
    assert "Test image 9 of" in seen["opened"]["said"] and seen["opened"]["contrast"] == -0.5


@needs_browser
def test_the_page_fits_a_phone(page, tmp_path):
    script = """const root = view.document.documentElement;
    return [root.scrollWidth, root.clientWidth, view.document.querySelectorAll(".bar").length];"""
    wide, room, bars = on_a_phone(page, script, tmp_path)
    assert wide <= room <= 390  # a scroll bar takes its room
    assert bars == 80
