import numpy as np
import pytest

from stsf.baselines.registry import Method, get_method, methods, register
from stsf.errors import InputError
from stsf.sensing.sensors import ahsi, sentinel2
from stsf.world.observation import wald

HS = ahsi().select(np.arange(3, 60))
SCENE = wald(np.random.default_rng(0).uniform(0.1, 0.5, (57, 12, 9)), HS, sentinel2("A"))


@pytest.fixture(autouse=True)
def own_list():
    """Whatever a test registers is forgotten after it."""
    everything = methods.__globals__["_METHODS"]
    before = dict(everything)
    yield
    everything.clear()
    everything.update(before)


def test_a_function_joins_and_stays_callable():
    @register("mine", target="x2", label="My method", reference="me, 2025")
    def mine(scene, x1):
        return x1 + 1.0

    method = get_method("mine", "x2")
    assert method == Method("mine", "x2", "My method", "me, 2025", mine)
    assert "mine" in methods("x2") and "mine" not in methods("x1")
    x1 = SCENE.hrhs_t1
    np.testing.assert_array_equal(mine(SCENE, x1), x1 + 1.0)
    found = method(SCENE, x1.astype(np.float64))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, x1 + 1.0)


def test_one_name_may_serve_both_targets():
    register("both", target="x1")(lambda scene: scene.hrhs_t1)
    register("both", target="x2")(lambda scene, x1: 2 * x1)
    assert get_method("both", "x1").label == "both"
    np.testing.assert_array_equal(get_method("both", "x1")(SCENE), SCENE.hrhs_t1)
    np.testing.assert_array_equal(get_method("both", "x2")(SCENE, SCENE.hrhs_t1), 2 * SCENE.hrhs_t1)


def test_running_a_cell_again_replaces():
    register("mine", target="x1")(lambda scene: scene.hrhs_t1)
    register("mine", target="x1")(lambda scene: 3 * scene.hrhs_t1)
    np.testing.assert_array_equal(get_method("mine", "x1")(SCENE), 3 * SCENE.hrhs_t1)


def test_a_name_of_the_kit_is_taken():
    with pytest.raises(InputError, match=r"'bicubic' is already a method for x1, .*another name"):
        register("bicubic", target="x1")(lambda scene: scene.hrhs_t1)


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(InputError, match=r"unknown method 'bicubi' for x1: .*bicubic, .*gsa"):
        get_method("bicubi", "x1")


def test_unknown_target():
    with pytest.raises(InputError, match="target 'x1' or 'x2', got 'x3'"):
        register("mine", target="x3")


def test_x1_missing_or_not_wanted():
    register("mine", target="x2")(lambda scene, x1: x1)
    with pytest.raises(InputError, match=r"'mine' estimates x2: call it as f\(scene, x1\)"):
        get_method("mine", "x2")(SCENE)
    with pytest.raises(InputError, match=r"'bicubic' estimates x1: call it as f\(scene\)"):
        get_method("bicubic", "x1")(SCENE, SCENE.hrhs_t1)


def test_a_result_of_the_wrong_shape():
    register("mine", target="x1")(lambda scene: scene.hrhs_t1.transpose(1, 2, 0))
    with pytest.raises(InputError, match=r"\(L, H, W\) = \(57, 12, 9\), got \(12, 9, 57\): bands"):
        get_method("mine", "x1")(SCENE)
