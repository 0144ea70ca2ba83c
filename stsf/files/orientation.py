"""North up, whatever way a file stores its rows: turned by exchanging pixels, never resampled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from affine import Affine


@dataclass(frozen=True)
class Orientation:
    """How a file's pixels stand to a map with north above and east to the right.

    Attributes:
        size: rows and columns with north up.
        transform: pixel to map coordinates with north up, or None.
        swapped: the file's rows run east or west.
        up: the rows run north.
        left: the columns run west.

    Example:
        >>> south_up = Orientation.of(Affine(10, 0, 0, 0, 10, 0), (2, 3))
        >>> south_up.turned(np.arange(6).reshape(1, 2, 3)).tolist()
        [[[3, 4, 5], [0, 1, 2]]]
        >>> tuple(south_up.transform)[:6]
        (10.0, 0.0, 0.0, 0.0, -10.0, 20.0)
    """

    size: tuple[int, int]
    transform: Affine | None
    swapped: bool = False
    up: bool = False
    left: bool = False

    @classmethod
    def as_is(cls, transform: Affine | None, size: tuple[int, int]) -> Orientation:
        """Of a file that does not say where north is."""
        return cls(size, transform)

    @classmethod
    def of(cls, transform: Affine | None, size: tuple[int, int]) -> Orientation:
        """That of a file whose pixels lie so; without a transform, or turned otherwise, as is."""
        if transform is None:
            return cls(size, None)
        swapped = transform.a == transform.e == 0
        if swapped:
            transform, size = transform @ Affine(0, 1, 0, 1, 0, 0), (size[1], size[0])
        if transform.b != 0 or transform.d != 0:
            return cls(size, transform)
        up, left = transform.e > 0, transform.a < 0
        corner = Affine.translation(size[1] if left else 0, size[0] if up else 0)
        north_up = transform @ corner @ Affine.scale(-1 if left else 1, -1 if up else 1)
        return cls(size, north_up, swapped, up, left)

    def stored(self, rows: slice, columns: slice) -> tuple[slice, slice]:
        """Rows and columns in the file of a part with north up."""
        flips = (rows, self.up, self.size[0]), (columns, self.left, self.size[1])
        slices = [slice(n - s.stop, n - s.start) if flip else s for s, flip, n in flips]
        return (slices[1], slices[0]) if self.swapped else (slices[0], slices[1])

    def turned(self, cube: np.ndarray) -> np.ndarray:
        """A cube as stored, with north up."""
        cube = cube.transpose(0, 2, 1) if self.swapped else cube
        cube = cube[:, ::-1] if self.up else cube
        return np.ascontiguousarray(cube[:, :, ::-1] if self.left else cube)
