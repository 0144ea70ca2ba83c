"""What a stored picture says to a reader who hears it."""

import nbformat
import pytest
from matplotlib.figure import Figure

from stsf.lab.publish.alt import described
from stsf.lab.publish.store import store


def test_panes_titles_axes_colours_and_names_are_said():
    figure = Figure(figsize=(6, 2), layout="constrained")
    image, curve, bars = figure.subplots(1, 3)
    shown = image.imshow([[0, 1]])
    image.set(title="Y1,\nas observed", xlabel="x (pixels)", ylabel="y (pixels)")
    figure.colorbar(shown, ax=image, label="reflectance")
    curve.plot([0, 1], label="truth")
    curve.set(xlabel="wavelength (nm)", ylabel="reflectance")
    curve.legend()
    bars.barh(["a"], [1])
    bars.set(xlabel="error", ylabel="method")
    figure.legend(handles=curve.lines, labels=["every one"])
    assert described(figure) == (
        "Image: Y1, as observed; colours show reflectance. "
        "Curves: wavelength (nm) across, reflectance up; truth. "
        "Bars: error across, method up. Throughout: every one."
    )


def test_a_drawing_without_axes_says_its_words():
    figure = Figure()
    ax = figure.subplots()
    ax.set_axis_off()
    ax.text(0, 0, "Y1\nand M1")
    ax.text(1, 0, "SEU")
    assert described(figure) == "Drawing: Y1 and M1, SEU."


@pytest.mark.parametrize("source", ["figure", "figure\nfigure.axes[0].set_title('t')\nfigure"])
def test_a_stored_picture_bears_its_words(source, tmp_path):
    lines = "from matplotlib import pyplot as plt\nfigure = plt.figure()\nplt.close(figure)\n"
    cells = [nbformat.v4.new_code_cell(lines + "figure.subplots().set(xlabel='nm', ylabel='up');")]
    cells.append(nbformat.v4.new_code_cell(source))
    path = tmp_path / "one.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    store(path)
    stored = nbformat.read(path, 4)
    assert [cell.source for cell in stored.cells] == [cell.source for cell in cells]
    title = "t; " if "title" in source else ""
    words = [output.metadata["image/png"]["alt"] for output in stored.cells[1].outputs]
    assert words == [f"Curves: {title}nm across, up up."] and not stored.cells[0].outputs
