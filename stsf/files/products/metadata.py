"""Metadata in XML or ODL: read past what is not needed, refused where they are no metadata."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np

from stsf.errors import InputError

LARGEST = 64 << 20  # bytes; the largest known, of EnMAP, have 4 MB
CHUNK = 1 << 16


def read_xml(path: Path, without: tuple[str, ...] = ()) -> ET.Element:
    """The root of a metadata file, without name spaces.

    Args:
        path: the file.
        without: tags whose content is dropped while reading.

    Raises:
        InputError: not XML, cut short, too large, or with entities of its own (which can make a
            kilobyte unfold to a gigabyte).
    """
    try:
        _check_size(path)
        parser: Any = ET.XMLPullParser(("start", "end"))
        last = b""
        root: ET.Element | None = None
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                if b"<!ENTITY" in last[-8:] + chunk or b"<!DOCTYPE" in last[-9:] + chunk:
                    raise InputError(
                        f"expected metadata without a document type or entities, found some in "
                        f"{path}: get the product from its agency again"
                    )
                parser.feed(chunk)
                last = chunk
                for event, element in _events(parser):
                    root = element if root is None else root
                    element.tag = element.tag.rpartition("}")[2]
                    if event == "end" and element.tag in without:
                        element.clear()
        parser.close()
    except (ET.ParseError, OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"expected complete XML in {path}, it cannot be read ({error}): download it again"
        ) from error
    if root is None:
        raise InputError(f"expected metadata in {path}, the file is empty: download it again")
    return root


def read_odl(path: Path) -> ET.Element:
    """The same of a file of lines `KEY = value` in groups, as Landsat's *_MTL.txt.

    Raises:
        InputError: no such lines, cut short, or too large.
    """
    root = ET.Element("root")
    groups = [root]
    try:
        _check_size(path)
        for line in path.read_text("utf-8").splitlines():
            key, equals, value = (part.strip() for part in line.partition("="))
            if key == "GROUP":
                groups.append(ET.SubElement(groups[-1], value))
            elif key == "END_GROUP" and groups[-1].tag == value:
                groups.pop()
            elif equals:
                ET.SubElement(groups[-1], key).text = value.strip('"')
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"expected metadata in {path}, it cannot be read ({error}): download it again"
        ) from error
    if len(groups) > 1 or len(root) != 1:
        raise InputError(
            f"expected one group in {path} that ends, got {groups[-1].tag}: download it again"
        )
    return root[0]


def _check_size(path: Path) -> None:
    size = path.stat().st_size
    if size > LARGEST:
        raise InputError(
            f"expected metadata of at most {LARGEST >> 20} MB, {path} has {size >> 20} MB: "
            "check that it is the metadata file"
        )


def _events(parser: Any) -> Iterator[tuple[str, ET.Element]]:
    yield from parser.read_events()


class Metadata:
    """Values by their path; a missing or odd one is told with its path and file."""

    def __init__(self, path: Path, without: tuple[str, ...] = ()) -> None:
        """Read the file; see `read_xml`, or `read_odl` where its name ends in `.txt`."""
        odl = path.suffix.lower() == ".txt"
        self.path, self.root = path, read_odl(path) if odl else read_xml(path, without)

    def all(self, where: str, root: ET.Element | None = None) -> list[ET.Element]:
        """All elements at a path, at least one."""
        elements = (self.root if root is None else root).findall(where)
        if not elements:
            raise InputError(
                f"expected {where} in {self.path}, found none: it is another product or level, "
                "or was cut; download it again"
            )
        return elements

    def text(self, where: str, root: ET.Element | None = None) -> str:
        """The text at a path."""
        return (self.all(where, root)[0].text or "").strip()

    def number(self, where: str, root: ET.Element | None = None) -> float:
        """The finite number at a path."""
        return self.numbers([self.text(where, root)], where)[0]

    def numbers(self, texts: list[str], where: str) -> np.ndarray:
        """Finite numbers from texts."""
        try:
            values = np.array(texts, dtype=np.float64)
        except ValueError:
            values = np.array([np.nan])
        if not np.isfinite(values).all():
            raise InputError(
                f"expected numbers at {where} in {self.path}, got {' '.join(texts)[:40]!r}: "
                "download the product again"
            )
        return values


def as_utc(text: str, path: Path) -> str:
    """A time as metadata write it (UTC, with or without Z) in ISO 8601 to the second.

    Example:
        >>> as_utc("2024-04-11T03:05:21.024Z", Path("a.xml"))
        '2024-04-11T03:05:21+00:00'
    """
    try:
        when = datetime.fromisoformat(text.strip().removesuffix("Z")[:26])
    except ValueError as error:
        raise InputError(
            f"expected a time such as 2024-04-11T03:05:21Z in {path}, got {text!r}: "
            "download the product again"
        ) from error
    return when.replace(tzinfo=when.tzinfo or UTC).isoformat(timespec="seconds")
