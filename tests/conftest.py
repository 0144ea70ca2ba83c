"""Fixtures of several files: the shipped scene, and what drives a real browser."""

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from viewer_page import new_page as new_page
from viewer_page import open_page as open_page
from viewer_page import serve as serve

import stsf
from stsf.scene import Scene

ROOT = Path(__file__).resolve().parent.parent
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")


@pytest.fixture(scope="session")
def scene() -> Scene:
    """The scene of the lessons."""
    return stsf.load_sample()


@pytest.fixture(scope="session")
def view(scene: Scene) -> Scene:
    """The window of lesson 03, smaller."""
    return scene.crop(slice(20, 40), slice(10, 30))


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """A headless Chromium that asks nothing of the network on its own."""
    sync_api = pytest.importorskip("playwright.sync_api")
    found = next((path for name in CHROMIUMS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium found (Debian: apt-get install chromium)")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_api.sync_playwright() as playwright:
        window = playwright.chromium.launch(executable_path=found, args=flags)
        yield window
        window.close()


def _start_lab() -> Iterator[Callable[..., str]]:
    """`start_lab(folder, *options)` starts JupyterLab on a folder and returns its address."""
    servers: list[subprocess.Popen] = []

    def start(folder: Path, *options: str) -> str:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1"]
        command += [f"--port={port}", "--IdentityProvider.token=stsf", "--allow-root"]
        command += ["--LabApp.expose_app_in_browser=True", f"--ServerApp.root_dir={folder}"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        servers.append(subprocess.Popen([*command, *options], cwd=folder, **quiet))
        address = f"http://127.0.0.1:{port}/lab?token=stsf"
        for _ in range(240):
            try:
                urllib.request.urlopen(address, timeout=5).close()
                return address
            except OSError:
                if servers[-1].poll() is not None:
                    break
                time.sleep(0.25)
        raise RuntimeError("JupyterLab did not start")

    yield start
    for server in servers:
        server.terminate()
        server.wait(timeout=30)


start_lab = pytest.fixture(_start_lab, name="start_lab")
start_module_lab = pytest.fixture(_start_lab, name="start_module_lab", scope="module")
