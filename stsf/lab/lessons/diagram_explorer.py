"""The block diagram to click: each box shows what it takes, gives and changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ipywidgets
from IPython.display import display
from matplotlib.figure import Figure

from stsf.lab.lessons import diagram
from stsf.lab.lessons.boxes import BoxPanels
from stsf.lab.lessons.live import Redrawn
from stsf.network import DCSTSF
from stsf.plots.colour import BLUE, GREY, ORANGE, RED, SKY
from stsf.scene import Scene

STYLE = f"""<style>
.stsf-box {{position: relative; overflow: visible; height: 30px; margin: 0; padding: 0;
  font-size: 11px; line-height: 1.1; white-space: normal; text-align: center; color: black;
  border: 1px solid {GREY}; border-radius: 6px; justify-content: center; width: auto}}
.stsf-box:focus-visible {{outline: 3px solid {BLUE}}}
.stsf-end::before, .stsf-way::before {{content: "→" / ""; position: absolute; left: -11px}}
.stsf-aside {{border-style: dashed}}
.stsf-now {{box-shadow: 0 0 0 2px {RED}; font-weight: bold}}
</style>"""


class DiagramExplorer(Redrawn):
    """The block diagram to click: what a step takes, gives and changes, and its line of code.

    A box that no panels show is drawn and cannot be clicked.

    Args:
        network: whose boxes are drawn.
        scene: on whose corner it is asked for them.
        panels: what shows the boxes; the first box of the first one is shown first.
    """

    def __init__(self, network: DCSTSF, scene: Scene, panels: Sequence[BoxPanels]) -> None:
        names = diagram.steps_of(network, scene)
        self.panels = {step: shown for shown in panels for step in shown.steps}
        self.boxes = {name: self._button(name) for name in names}
        self.about = ipywidgets.HTMLMath()
        self.choices = ipywidgets.HBox()
        controls = {id(c): c for shown in panels for c in shown.controls}
        self.show_with(list(controls.values()))
        self.grid = _grid(self.boxes, self.choices)
        self.step = panels[0].steps[0]

    def _button(self, name: str) -> ipywidgets.Button:
        box = diagram.BOXES[diagram.kind_of(name)]
        known = name in self.panels
        button = ipywidgets.Button(
            description=name, disabled=not known,
            tooltip=f"{box.takes} → {box.gives}" if known else f"lesson {box.lesson:02d}",
        )  # fmt: skip
        button.style.button_color = f"{diagram.shade(name)}80"
        button.add_class("stsf-box")
        button.on_click(lambda _: self.click(name))
        return button

    def click(self, name: str) -> None:
        """Show another box."""
        self.step = name
        self.redraw()

    def redraw(self, _: object = None) -> None:
        """Show the chosen box as the controls stand."""
        with self._drawing:
            shown = self.panels[self.step]
            text = shown.show(self.step)
            self.picture.value, self.text.value = shown.png(), text
            self.about.value = diagram.about(self.step)
            self.choices.children = shown.controls
            for name, button in self.boxes.items():
                (button.add_class if name == self.step else button.remove_class)("stsf-now")

    def view(self) -> tuple[Figure, str]:
        """The figure of the chosen box, and what it shows."""
        shown = self.panels[self.step]
        return shown.figure, shown.show(self.step)

    def _ipython_display_(self) -> None:
        self.redraw()
        style = ipywidgets.HTML(STYLE, layout={"display": "none"})
        display(ipywidgets.VBox([style, self.grid, self.about, self.text, self.picture]))


def _grid(boxes: Mapping[str, ipywidgets.Button], choices: ipywidgets.HBox) -> ipywidgets.GridBox:
    """Boxes where `diagram.diagram` has them; what is not passed on stands below its ECU."""
    way = diagram.on_the_way(boxes)
    rows = diagram.rows_of(way)
    right = len(rows["x1"]) + 1
    column = {name: 2 + i for i, name in enumerate(rows["x1"])}
    column |= {name: right + 1 - len(rows["x2"]) + i for i, name in enumerate(rows["x2"])}
    cells: list[ipywidgets.Widget] = [choices]
    for name, button in boxes.items():
        aside = name not in way
        button.add_class("stsf-aside" if aside else "stsf-way")
        at = name.replace("back-projection", "ecu") if aside else name
        row = 2 if aside else 3 if name in rows["x2"] else 1
        button.layout.grid_area = f"{row} / {column[at]}"
        cells.append(button)
    ends = (
        ("Y1, M1", 1, 1, SKY, "stsf-start"), ("X̂1", 1, right + 1, BLUE, "stsf-end"),
        ("M1, M2", 3, right - len(rows["x2"]), ORANGE, "stsf-start"),
        ("X̂2, σ", 3, right + 1, RED, "stsf-end"),
    )  # fmt: skip
    for words, line, at_column, colour, kind in ends:
        end = ipywidgets.Label(words, layout={"grid_area": f"{line} / {at_column}"})
        end.style.background = f"{colour}80"
        end.add_class("stsf-box").add_class(kind)
        cells.append(end)
    choices.layout.grid_area = f"3 / 1 / 4 / {right - len(rows['x2'])}"
    layout = {
        "grid_template_columns": f"repeat({right + 1}, minmax(0, 1fr))",
        "grid_gap": "5px 12px", "max_width": "1000px", "overflow": "visible", "padding": "3px",
    }  # fmt: skip
    return ipywidgets.GridBox(cells, layout=layout)
