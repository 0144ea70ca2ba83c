#!/usr/bin/env python3
"""Set stsf up and open it, or test it, with one command.

    python3 start.py             make .venv, open JupyterLab on the first notebook
    python3 start.py test        make .venv, run every test, print one line that sums them up

Further arguments of the first form go to JupyterLab, for example --no-browser --port 9999.
Needs Python 3.11 or newer and nothing else. The first run downloads about 1 GB into .venv and
takes minutes, later runs add seconds. Exit code: 0 all well, 1 a test failed, 2 no set-up.
(Type hints in quotes, and no newer syntax: an old Python must get as far as saying it is old.)
"""

import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "stsf-setup.json"
LOG = VENV / "stsf-setup.log"
FIRST_NOTEBOOK = "notebooks/00_start_here.ipynb"
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
OVERRIDES = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}
}
# Run by .venv's own Python: what it holds, and that the large compiled packages load.
PROBE = """
import importlib.metadata, json, sys
import jupyterlab, numpy, rasterio, scipy, stsf, torch, zmq
found = {d.metadata["Name"]: d.version for d in importlib.metadata.distributions()}
print(json.dumps({"python": sys.version_info[:2], "stsf": stsf.__file__, "versions": found}))
"""


class Stop(Exception):
    """Set-up cannot go on; the message is the one sentence the user sees."""


class Damaged(Stop):
    """The same, where a new .venv may help: no network or disk is to blame."""


# ---------------------------------------------------------------- questions with one answer


def python_problem(version: tuple) -> "str | None":
    """Say in one sentence why this Python is too old, or None."""
    if tuple(version[:2]) >= (3, 11):
        return None
    return (
        "stsf needs Python 3.11 or newer and this is {}.{}: install a newer one and run start.py "
        "with it, for example 'python3.11 start.py'.".format(*version[:2])
    )


def module_problem(modules: tuple = ("venv", "ensurepip")) -> "str | None":
    """Say which module for making environments this Python lacks, or None."""
    for name in modules:
        if importlib.util.find_spec(name) is None:
            return (
                f"This Python lacks its '{name}' module, which makes environments: on Debian or "
                "Ubuntu run 'sudo apt-get install python3-venv', then the same command again."
            )
    return None


def machine_problem(system: str, machine: str, release: str) -> "str | None":
    """Say why the pinned PyTorch has no build for this machine, or None."""
    if system == "Darwin" and machine == "x86_64":
        return (
            "PyTorch no longer builds for Intel Macs: use another machine or a Linux container "
            "(README, 'Where it runs')."
        )
    if system == "Darwin" and int(release.split(".")[0]) < 14:
        return (
            f"The pinned PyTorch needs macOS 14 and this is {release}: update it, or install "
            "without the lock file (README, 'Where it runs')."
        )
    return None


def canonical(name: str) -> str:
    """Return the form of a package name in which spellings compare equal."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lock_text: str) -> dict:
    """Return {canonical name: version} of a lock file."""
    lines = (line.split("#")[0].strip() for line in lock_text.splitlines())
    return {canonical(n): v for n, v in (line.split("==") for line in lines if line)}


def fingerprint(lock_text: str, pyproject_text: str, version: tuple) -> str:
    """Hash what an environment is made from; another hash means it must be brought up to date."""
    parts = [lock_text, pyproject_text, "{}.{}".format(*version[:2])]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def fault_in(seen: "dict | None", wanted: dict, root: Path, version: tuple) -> "str | None":
    """Compare a probe's answer with the pins; return what is wrong, or None."""
    if seen is None:
        return "its Python or one of the main packages does not start"
    if tuple(seen["python"]) != tuple(version[:2]):
        return "it belongs to Python {}.{}".format(*seen["python"])
    if Path(seen["stsf"]).resolve().parent.parent != root.resolve():
        return "it belongs to another copy of stsf"
    found = {canonical(n): v.split("+")[0] for n, v in seen["versions"].items()}
    wrong = sorted(name for name, pin in wanted.items() if found.get(name) != pin)
    return f"{wrong[0]} is not at its pinned version" if wrong else None


def pip_reason(log_text: str) -> str:
    """Return the line of a failed command's log that says why.

    pip reports a failed build by its frame ("subprocess-exited-with-error", "Exception:"); the
    cause is the exception of the build tool further up, in the last traceback before the frame.
    """
    bars = log_text.replace("\u2502", " ")  # pip draws a bar beside the output of a build
    kinds = r"\w*(?:Error|Exception|Unavailable)"
    raised = re.findall(rf"^\s*(?:[\w.]+\.)?({kinds}): (\S.*)", bars, re.MULTILINE)
    told = re.findall(r"^\s*(?:ERROR|Error|error): (\S.*)", bars, re.MULTILINE)
    frames = r"Exception:|Failed (to )?build|Could not build|subprocess-exited|metadata-"
    plain = [line for line in told if not re.match(frames, line)]
    if raised and not plain:
        return "{}: {}".format(*raised[-1]).rstrip(" .")
    lines = plain or told or [line for line in bars.splitlines() if line.strip()]
    return lines[-1].strip().rstrip(".")


def set_up_problem(label: str, log_text: str) -> Stop:
    """Turn the log of a failed step into the exception that tells it in one sentence."""
    offline = (
        "Could not resolve host|name resolution|NameResolutionError|getaddrinfo failed"
        "|Failed to establish a new connection|Network is unreachable|ConnectTimeoutError"
        "|ProxyError|Connection refused|nodename nor servname"
    )
    kind = Stop
    if re.search(offline, log_text):
        reason = "there is no network, or no way to the package index"
        cure = "connect (or tell pip of your proxy or mirror) and run the same command again"
    elif re.search("No space left on device|not enough space on the disk", log_text):
        reason, cure = "the disk is full", "free 4 GB and run the same command again"
    else:
        kind = Damaged
        reason = f"pip says: {pip_reason(log_text)}" if log_text.strip() else "a command failed"
        cure = f"the whole log is in {LOG.relative_to(ROOT)}"
    return kind(f"Set-up stopped at '{label}': {reason}; {cure}.")


# ---------------------------------------------------------------- the environment


def say(text: str, end: str = "\n") -> None:
    print(text, end=end, flush=True)


def venv_python() -> Path:
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def child_environment() -> dict:
    """Return the environment for .venv's Python, free of what would lead it to other packages."""
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    return {**env, "PYTHONUTF8": "1"}


def ask(*args: str) -> "str | None":
    """Run .venv's Python quietly; return its output, or None where it fails."""
    try:
        done = subprocess.run(
            [str(venv_python()), *args],
            cwd=ROOT,
            env=child_environment(),
            capture_output=True,
            text=True,
            timeout=180,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def census() -> str:
    """Hash name, size and date of every installed file: the same hash, nothing to prove again."""
    python = venv_python().resolve()
    folders, lines = [VENV / "lib", VENV / "Lib"], [f"{python} {python.exists()}"]
    while folders:
        folder = folders.pop()
        for entry in sorted(os.scandir(folder), key=str) if folder.is_dir() else ():
            if entry.is_dir(follow_symlinks=False):
                folders += [Path(entry.path)] * (entry.name != "__pycache__")
            else:
                status = entry.stat(follow_symlinks=False)
                lines.append(f"{entry.path} {status.st_size} {status.st_mtime_ns}")
    return hashlib.sha256("\n".join(lines).encode("utf-8", "replace")).hexdigest()


def fault() -> "str | None":
    """Say what is wrong with .venv, or None where it is whole."""
    answer = ask("-c", PROBE)
    seen = json.loads(answer.splitlines()[-1]) if answer else None
    return fault_in(seen, pins(LOCK.read_text("utf-8")), ROOT, sys.version_info)


def stamped() -> dict:
    """Return fingerprint and census of the last set-up that was proven; empty without one."""
    try:
        stamp = json.loads(STAMP.read_text("utf-8"))
        return {name: str(stamp[name]) for name in ("fingerprint", "census")}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def step(label: str, command: list) -> None:
    """Run one command of the set-up, log it, show what it is at and how long it took."""
    started, live = time.monotonic(), sys.stdout.isatty()
    say(f"  {label} ...", end="" if live else "\n")
    LOG.parent.mkdir(exist_ok=True)
    with open(LOG, "a+", encoding="utf-8") as log:
        begin = log.tell()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=child_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        for line in process.stdout or ():
            log.write(line)
            if live and line.startswith(("Collecting", "Downloading", "Installing", "Building")):
                seconds = f"[{time.monotonic() - started:.0f} s]"
                say(f"\r  {label} {seconds} {line.strip()[:60]:60}", end="")
        if process.wait() != 0:
            say("")
            log.seek(begin)
            raise set_up_problem(label, log.read())
    done = f"  {label}: {time.monotonic() - started:.0f} s"
    say(f"\r{done:100}" if live else done)


def answers(url: str, seconds: float = 4.0) -> bool:
    """Say whether a server answers soon (the thread covers a name look-up that hangs)."""
    result = []

    def look() -> None:
        try:
            with urllib.request.urlopen(url, timeout=seconds) as reply:
                result.append(reply.status == 200)
        except (OSError, ValueError):
            pass

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(seconds)
    return result == [True]


def wants_cpu_torch(version: str) -> bool:
    """Say whether PyTorch's CPU index spares this machine gigabytes of CUDA from PyPI."""
    if sys.platform != "linux" or shutil.which("nvidia-smi"):
        return False
    present = ask("-c", "import importlib.metadata as m; print(m.version('torch'))")
    return present is None or present.strip().split("+")[0] != version


def install() -> None:
    """Bring .venv to the lock file; what is already right costs pip a look only."""
    pip = [str(venv_python()), "-m", "pip", "--disable-pip-version-check"]
    add = [*pip, "install", "--progress-bar", "off"]
    wanted = pins(LOCK.read_text("utf-8"))
    # pip itself first, so that every machine sets up in the same way
    step("installer", [*add, f"pip=={wanted['pip']}"])
    if wants_cpu_torch(wanted["torch"]) and answers(f"{TORCH_CPU_INDEX}/torch/"):
        torch = f"torch=={wanted['torch']}"
        try:
            step("PyTorch for the CPU", [*add, "--no-deps", "--index-url", TORCH_CPU_INDEX, torch])
        except Stop:
            say("  ... not there; going on with the build that pip finds")
    step("packages", [*add, *locked()])
    step("stsf", [*add, "--no-deps", "--no-build-isolation", "-e", str(ROOT)])


def locked() -> list:
    """Return pip's arguments for what the lock file names.

    A package that comes as source is built apart from .venv, with tools that pip fetches for it: so
    nothing depends on what .venv or a cache happens to hold. The lock file pins those tools too.
    """
    return ["--build-constraint", str(LOCK), "-r", str(LOCK)]


def build() -> None:
    """Make .venv from nothing."""
    problem = module_problem()
    if problem:
        raise Stop(problem)
    if Path(sys.prefix).resolve() == VENV.resolve():
        raise Stop(
            "This shell runs .venv's own Python, which must be rebuilt: type 'deactivate', then "
            "the same command again."
        )
    try:
        if VENV.exists():
            shutil.rmtree(VENV)
    except OSError as error:
        raise Stop(
            f"The old .venv cannot be removed ({error}): close what uses it, delete the folder, "
            "then run the same command again."
        ) from None
    step("environment", [sys.executable, "-m", "venv", str(VENV)])
    install()


def hide_news(settings: Path) -> None:
    """Write JupyterLab's settings override: no news prompt, no check for updates."""
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "overrides.json").write_text(json.dumps(OVERRIDES, indent=2), "utf-8")


def mend(trouble: str) -> "str | None":
    """Bring an existing .venv up to date in place; return what is still wrong with it, or None."""
    version = f"import sys; print(sys.version_info[:2] == {tuple(sys.version_info[:2])})"
    if ask("-c", version) != "True\n" or ask("-m", "pip", "--version") is None:
        return f"its Python or pip does not run as {platform.python_version()}"
    say(f"Bringing .venv up to date ({trouble}):")
    try:
        install()
    except Damaged as stop:
        return str(stop)
    return fault()


def prepare() -> None:
    """Make sure that .venv is whole and up to date, with as little work as possible."""
    started, stamp = time.monotonic(), stamped()
    made_from = LOCK.read_text("utf-8"), (ROOT / "pyproject.toml").read_text("utf-8")
    wanted = fingerprint(*made_from, sys.version_info)
    if stamp == {"fingerprint": wanted, "census": census()}:
        return  # not a file differs since all of them were seen to work
    trouble: str | None = "its set-up was not finished"
    if stamp:
        trouble = "the list of packages changed" if stamp["fingerprint"] != wanted else fault()
    if trouble:
        STAMP.unlink(missing_ok=True)  # until the end: an interrupted run must not look finished
        trouble = mend(trouble) if VENV.exists() else "there is none yet"
    if trouble:
        say(f"Building .venv ({trouble}); this takes some minutes:")
        build()
        trouble = fault()
    if trouble:
        raise Stop(f"The new .venv does not work ({trouble}): see {LOG.relative_to(ROOT)}.")
    hide_news(VENV / "share" / "jupyter" / "lab" / "settings")
    STAMP.write_text(json.dumps({"fingerprint": wanted, "census": census()}), "utf-8")
    say(f"Ready after {time.monotonic() - started:.0f} s.\n")


# ---------------------------------------------------------------- the two commands


def lab(arguments: list) -> int:
    """Open JupyterLab on the first notebook; Ctrl-C is for JupyterLab, not for this script."""
    first = f"--LabApp.default_url=/lab/tree/{FIRST_NOTEBOOK}"  # also in the address it prints
    command = [str(venv_python()), "-m", "jupyterlab", first, *arguments]
    process = subprocess.Popen(command, cwd=ROOT, env=child_environment())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return process.wait()


def test() -> int:
    """Run every check with .venv's Python; return the exit code."""
    return subprocess.call(
        [str(venv_python()), "tests/run_all.py"], cwd=ROOT, env=child_environment()
    )


def main(arguments: list) -> int:
    if arguments[:1] in (["-h"], ["--help"]):
        say(__doc__.strip())
        return 0
    try:
        problem = python_problem(sys.version_info) or machine_problem(
            platform.system(), platform.machine(), platform.mac_ver()[0]
        )
        if problem is None and arguments[:1] == ["test"] and arguments[1:]:
            problem = f"'start.py test' takes no further arguments, got {arguments[1]!r}."
        if problem:
            raise Stop(problem)
        prepare()
    except Stop as stop:
        print(f"\n{stop}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted: the same command goes on from here.", file=sys.stderr)
        return 2
    return test() if arguments[:1] == ["test"] else lab(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
