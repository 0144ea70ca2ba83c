"""Figures: what they show is what the data holds, nothing is cut off, colours stay apart."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

from stsf.errors import InputError
from stsf.plots import colour
from stsf.plots import figures as plots
from stsf.scene import KINDS, Scene
from stsf.sensing.bands import from_bands
from stsf.sensing.sensors import sentinel2

plt.switch_backend("agg")
HS = from_bands([450, 500, 550, 600, 650, 850, 900, 950], 50, "toy HS")  # 650 -> 850: a gap
MS = from_bands([490, 560, 665, 840], [60, 40, 30, 120], "toy MS", gsd=10.0)
PIXEL = (7, 4)


def cube(bands, height, width, seed):
    return np.random.default_rng(seed).uniform(0.05, 0.4, (bands, height, width))


@pytest.fixture
def scene():
    change = np.zeros((12, 18), np.uint8)
    change[PIXEL] = KINDS.index("flood")
    return Scene(
        cube(8, 4, 6, 0),
        cube(4, 12, 18, 1),
        cube(4, 12, 18, 2),
        HS,
        MS,
        hrhs_t1=cube(8, 12, 18, 3),
        hrhs_t2=cube(8, 12, 18, 4),
        change=change,
    )


@pytest.fixture
def fused():
    return SimpleNamespace(hrhs_t1=cube(8, 12, 18, 5), hrhs_t2=cube(8, 12, 18, 6))


def drawn(figure):
    """Curves of the first axes by label; MS points too, without their bars."""
    ax = figure.axes[0]
    lines = {line.get_label(): line for line in ax.lines}
    lines |= {box.get_label(): box.lines[0] for box in ax.containers}
    keys = {style.label: key for key, style in plots.SOURCE_STYLE.items()}
    return {keys[label]: line for label, line in lines.items() if label in keys}


# Machado, Oliveira & Fernandes 2009, severity 1, on linear RGB
SEEN = {
    "full colour": np.eye(3),
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
}
PALETTES = {
    "sources": [style.colour for style in plots.SOURCE_STYLE.values()],
    "kinds": [colour.CHANGE_COLOUR[kind] for kind in KINDS],
    "groups": list(colour.GROUP_COLOUR.values()),
}


class TestColours:
    @staticmethod
    def lab(name, matrix):
        """CIE L*a*b* of a colour as seen through a matrix on linear RGB."""
        srgb = np.array(to_rgb(name))
        linear = np.where(srgb > 0.04045, ((srgb + 0.055) / 1.055) ** 2.4, srgb / 12.92)
        to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
        xyz = to_xyz @ np.clip(np.array(matrix) @ linear, 0, 1) / [0.9505, 1.0, 1.089]
        f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
        return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])

    @pytest.mark.parametrize("eye", SEEN)
    @pytest.mark.parametrize("palette", PALETTES)
    def test_no_two_look_alike(self, eye, palette):
        seen = [self.lab(name, SEEN[eye]) for name in PALETTES[palette]]
        apart = [np.linalg.norm(a - b) for i, a in enumerate(seen) for b in seen[:i]]
        assert min(apart) > 15  # about 2 is just noticeable

    def test_every_kind_has_a_colour(self):
        assert set(KINDS) < set(colour.CHANGE_COLOUR)


class TestRgb:
    NM = (490.0, 560.0, 665.0, 840.0)

    def test_channels_by_wavelength(self):
        image = np.arange(4.0).reshape(4, 1, 1) / 10
        shown = plots.rgb(image, self.NM, "NIR", np.array([[0.0, 1.0]] * 3))
        np.testing.assert_allclose(shown, [[[0.3, 0.2, 0.1]]])
        swapped = plots.rgb(image[::-1], self.NM[::-1], "NIR", np.array([[0.0, 1.0]] * 3))
        np.testing.assert_allclose(swapped, shown)

    def test_stretch_is_of_all_panes(self):
        dark, bright = np.zeros((3, 1, 50)), np.ones((3, 1, 50))
        dark[:, 0, 0] = np.nan
        dark[:, 0, 1:] = np.arange(1, 50) / 100
        bright[:] = np.arange(50, 100) / 100
        nm = self.NM[:3]
        # 0.01 ... 0.99 in steps of 0.01: 2 % of the 98 steps is 1.96 steps
        limits = plots.stretch_limits([(dark, nm), (bright, nm)])
        np.testing.assert_allclose(limits, [[0.0296, 0.9704]] * 3)

    def test_values_beyond_the_stretch_are_clipped(self):
        image = np.array([-1.0, 0.5, 9.0]).reshape(1, 1, 3).repeat(3, axis=0)
        shown = plots.rgb(image, self.NM[:3], stretch=np.array([[0.0, 1.0]] * 3))
        np.testing.assert_allclose(shown[0, :, 0], [0.0, 0.5, 1.0])

    def test_no_data_is_grey_and_a_constant_band_no_error(self):
        image = np.full((3, 2, 2), 0.2)
        image[0] = [[0.1, 0.2], [0.3, 0.4]]
        image[1, 0, 1] = np.nan
        shown = plots.rgb(image, self.NM[:3])
        np.testing.assert_array_equal(shown[0, 1], 0.5)
        assert np.isfinite(shown).all()

    @pytest.mark.parametrize(
        ("preset", "message"),
        [("SWIR", "'SWIR' needs a band within 50 nm of 2200 nm"), ("UV", "preset must be one of")],
    )
    def test_a_preset_it_cannot_show(self, preset, message):
        with pytest.raises(InputError, match=message):
            plots.rgb(np.ones((4, 2, 2)), self.NM, preset)

    def test_ten_sentinel_bands_show_every_preset(self):
        bands = sentinel2("B", ("B2", "B3", "B4", "B8", "B11", "B12"))
        for preset in colour.PRESETS:
            assert len(set(colour.nearest_bands(bands.centre, preset))) == 3

    def test_nothing_to_stretch(self):
        with pytest.raises(InputError, match="expected a valid pixel to stretch"):
            plots.rgb(np.full((4, 2, 2), np.nan), self.NM)


class TestImages:
    def test_panes_share_stretch_and_extent(self, scene):
        panes = {"Y1": (scene.lrhs_t1, HS.centre), "M2": (2 * scene.hrms_t2, MS.centre)}
        figure = plots.show_images(panes, "NIR")
        limits = plots.stretch_limits(panes.values(), "NIR")
        for ax, (title, (values, nm)) in zip(figure.axes, panes.items()):
            (image,) = ax.images
            assert ax.get_title() == title
            np.testing.assert_allclose(image.get_array(), plots.rgb(values, nm, "NIR", limits))
            assert image.get_extent() == [-0.5, 17.5, 11.5, -0.5]

    def test_more_than_a_row(self, scene):
        pane = (scene.hrms_t1, MS.centre)
        figure = plots.show_images({str(i): pane for i in range(6)})
        assert [ax.get_title() for ax in figure.axes] == list("012345")
        assert [bool(ax.get_xlabel()) for ax in figure.axes] == [False, False] + [True] * 4


class TestSpectra:
    def test_every_source_at_its_pixel(self, scene, fused):
        y, x = PIXEL
        expected = {
            "lrhs_t1": scene.lrhs_t1[:, 2, 1],  # pixel 7 lies in 6-8, 4 in 3-5
            "hrms_t1": scene.hrms_t1[:, y, x],
            "hrms_t2": scene.hrms_t2[:, y, x],
            "hrhs_t1": fused.hrhs_t1[:, y, x],
            "hrhs_t2": fused.hrhs_t2[:, y, x],
            "truth_t1": scene.hrhs_t1[:, y, x],
            "truth_t2": scene.hrhs_t2[:, y, x],
        }
        curves = drawn(plots.show_spectra(scene, PIXEL, fused))
        assert set(curves) == set(plots.SOURCE_STYLE) == set(expected)
        for key, curve in curves.items():
            nm, values = curve.get_data()
            here = np.isfinite(nm)
            np.testing.assert_allclose(values[here], expected[key])
            np.testing.assert_allclose(nm[here], (MS if "hrms" in key else HS).centre)
            assert curve.get_color() == plots.SOURCE_STYLE[key].colour

    def test_ms_bars_are_as_wide_as_the_bands(self, scene):
        figure = plots.show_spectra(scene, PIXEL)
        for container in figure.axes[0].containers:
            (bars,) = container.lines[2]
            ends = np.array([segment[:, 0] for segment in bars.get_segments()])
            np.testing.assert_allclose(ends.mean(axis=1), MS.centre)
            np.testing.assert_allclose(np.diff(ends)[:, 0], MS.fwhm)

    def test_the_line_breaks_at_missing_bands(self, scene):
        nm, values = drawn(plots.show_spectra(scene, PIXEL))["truth_t2"].get_data()
        np.testing.assert_array_equal(np.flatnonzero(np.isnan(values)), [5])
        assert (nm[4], nm[6]) == (650, 850)

    @pytest.mark.parametrize("width", [5, 20])
    def test_a_change_of_step_is_no_gap(self, width):
        centres = np.concatenate([np.arange(900.0, 1000, 10), np.arange(1000.0, 1200, 20)])
        x, y = plots.with_gaps(from_bands(centres, width), centres)
        np.testing.assert_array_equal(x, centres)
        np.testing.assert_array_equal(y, centres)
        one_missing = np.delete(centres, 15)  # 1100 nm
        x, y = plots.with_gaps(from_bands(one_missing, width), one_missing)
        np.testing.assert_array_equal(np.flatnonzero(np.isnan(x)), [15])

    def test_without_truth_and_fusion(self, scene):
        bare = Scene(scene.lrhs_t1, scene.hrms_t1, scene.hrms_t2, HS, MS)
        curves = drawn(plots.show_spectra(bare, PIXEL))
        assert set(curves) == {"lrhs_t1", "hrms_t1", "hrms_t2"}

    def test_pixels_without_data_are_not_observations(self, scene):
        y1, m1 = scene.lrhs_t1.copy(), scene.hrms_t1.copy()
        y1[:, 2, 1] = np.nan  # the scene fills it from a neighbour
        holed = Scene(y1, m1, scene.hrms_t2, HS, MS)
        assert set(drawn(plots.show_spectra(holed, PIXEL))) == {"hrms_t1", "hrms_t2"}
        m1[:, 7, 4] = np.nan
        holed = Scene(scene.lrhs_t1, m1, scene.hrms_t2, HS, MS)
        assert set(drawn(plots.show_spectra(holed, PIXEL))) == {"lrhs_t1"}

    def test_draws_into_given_axes(self, scene):
        figure = Figure()
        left, right = figure.subplots(1, 2)
        assert plots.show_spectra(scene, PIXEL, ax=right) is figure
        assert right.lines and not left.lines

    def test_legend_names_pixel_and_change_and_hides_no_curve(self, scene, fused):
        figure = plots.show_spectra(scene, PIXEL, fused)
        figure.draw_without_rendering()
        (ax,) = figure.axes
        legend = ax.get_legend()
        assert legend.get_title().get_text() == "pixel y = 7, x = 4 (flood)"
        assert legend.get_window_extent().y0 >= ax.get_window_extent().y1

    @pytest.mark.parametrize("pixel", [(12, 0), (0, 18), (-1, 0)])
    def test_outside(self, scene, pixel):
        with pytest.raises(InputError, match=r"pixel must be \(y, x\) within \(12, 18\)"):
            plots.show_spectra(scene, pixel)


class TestResponses:
    def test_peaks_and_groups(self):
        figure = plots.show_srf(HS, MS)
        above, below = figure.axes
        for line, centre in zip(above.lines, MS.centre):
            nm, response = line.get_data()
            assert np.nanmax(response) == 1.0
            assert nm[np.nanargmax(response)] == pytest.approx(centre, abs=1)
        # MS half widths: 460-520, 540-580, 650-680, 780-900
        labels = [text.get_text() for text in below.get_legend().get_texts()]
        assert labels == ["MS-covered: 5 bands", "VNIR gaps: 3 bands"]
        covered = [
            line for line in below.lines if line.get_color() == plots.GROUP_COLOUR["MS-covered"]
        ]
        peaks = [line.get_xdata()[np.nanargmax(line.get_ydata())] for line in covered]
        assert peaks == [500, 550, 650, 850, 900]


class TestMaps:
    def test_change_has_the_legend_of_its_kinds(self):
        codes = np.array([[0, 0, 1, 4], [0, 0, 0, 4]])
        (ax,) = plots.show_change(codes).axes
        legend = ax.get_legend()
        shares = {
            text.get_text(): to_rgb(patch.get_facecolor()[:3])
            for text, patch in zip(legend.get_texts(), legend.get_patches())
        }
        assert list(shares) == ["unchanged, 62.5 %", "harvest, 12.5 %", "construction, 25.0 %"]
        (image,) = ax.images
        pixels = image.to_rgba(image.get_array())[..., :3]
        np.testing.assert_allclose(pixels[0, 3], shares["construction, 25.0 %"])
        np.testing.assert_allclose(pixels[0, 2], shares["harvest, 12.5 %"])
        np.testing.assert_allclose(pixels[1, 2], shares["unchanged, 62.5 %"])

    def test_a_boolean_change_names_no_kind(self):
        (ax,) = plots.show_change(np.eye(2) > 0).axes
        texts = [text.get_text() for text in ax.get_legend().get_texts()]
        assert texts == ["unchanged, 50.0 %", "changed, 50.0 %"]

    def test_an_unknown_code(self):
        with pytest.raises(InputError, match="codes 0 to 4, got 0 to 255"):
            plots.show_change(np.array([[0, 255]]))

    def test_error_maps(self):
        reference = np.array([[[0.3, 0.3]], [[0.4, 0.4]]])
        brighter = 2 * reference  # RMSE sqrt((0.09 + 0.16) / 2), no angle
        swapped = reference[::-1]  # RMSE 0.1, angle acos(24/25)
        valid = np.array([[True, False]])
        figure = plots.show_error_maps({"a": brighter, "b": swapped}, reference, valid)
        shown = [ax.images[0] for ax in figure.axes[:4]]
        values = [image.get_array()[0, 0] for image in shown]
        np.testing.assert_allclose(values, [0.125**0.5, 0.1, 0, 16.2602], atol=1e-4)
        assert all(image.get_array().mask[0, 1] for image in shown)
        assert shown[0].get_clim() == shown[1].get_clim() != shown[2].get_clim()
        assert [ax.get_ylabel() for ax in figure.axes[4:]] == [
            "RMSE (reflectance)",
            "spectral angle (°)",
        ]


@pytest.fixture
def figures(scene, fused):
    ms1, y1 = (scene.hrms_t1, MS.centre), (scene.lrhs_t1, HS.centre)
    square = (scene.hrms_t1[:, :, :12], MS.centre)
    many = {f"source number {i}": square for i in range(5)}
    truth = scene.hrhs_t2
    return {
        "one image": lambda: plots.show_images({"M1": ms1}),
        "two images": lambda: plots.show_images({"Y1": y1, "M1": ms1}),
        "five images": lambda: plots.show_images(many),
        "spectra": lambda: plots.show_spectra(scene, PIXEL, fused),
        "responses": lambda: plots.show_srf(HS, sentinel2("A", ("B2", "B3", "B4", "B8"))),
        "change": lambda: plots.show_change(scene.change),
        "one error map": lambda: plots.show_error_maps({"X1": fused.hrhs_t1}, truth),
        "error maps": lambda: plots.show_error_maps(dict.fromkeys("abcd", fused.hrhs_t1), truth),
    }


@pytest.mark.parametrize(
    "name",
    [
        "one image",
        "two images",
        "five images",
        "spectra",
        "responses",
        "change",
        "one error map",
        "error maps",
    ],
)
def test_every_figure(figures, name):
    """Nothing is cut off, images have pixel units, and pyplot keeps no figure open."""
    before = plt.get_fignums()
    figure = figures[name]()
    assert plt.get_fignums() == before
    figure.draw_without_rendering()
    whole = figure.bbox.padded(1)
    unseen = {label for ax in figure.axes for label in off_axis(ax)}
    texts = {text for text in figure.findobj(Text) if text.get_visible() and text.get_text()}
    assert len(texts - unseen) > 4
    for text in texts - unseen:
        box = text.get_window_extent()
        assert whole.x0 <= box.x0 <= box.x1 <= whole.x1, text
        assert whole.y0 <= box.y0 <= box.y1 <= whole.y1, text
    for ax in figure.axes:
        assert ax.get_xlabel() == "" or "(" in ax.get_xlabel()
        assert ax.get_ylabel() == "" or "(" in ax.get_ylabel()
    assert any(ax.get_xlabel() for ax in figure.axes)
    assert any(ax.get_ylabel() for ax in figure.axes)


def off_axis(ax):
    """Tick labels that matplotlib keeps beyond the limits and never draws."""
    for axis, (low, high) in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
        low, high = sorted((low, high))
        for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
            if not low <= tick.get_loc() <= high:
                yield from (tick.label1, tick.label2)
