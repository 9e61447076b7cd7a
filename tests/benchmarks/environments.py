"""The peers' environments in the ignored `.bench/` folder: pinned packages from the registries, set up once."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2] / ".bench"
PYTHON_PEERS: Final = {
    "saq": ("saq[redis]==0.26.4",),
    "taskiq": ("taskiq==0.11.20", "taskiq-redis==1.1.2"),
    "dramatiq": ("dramatiq[redis]==2.2.1",),
    "streaq": ("streaq==7.2.0",),
    "celery": ("celery[redis]==5.7.0",),
    "rq": ("rq==3.0.0",),
}
SHARED: Final = ("redis==6.4.0", "hiredis==3.5.0", "uvloop==0.23.0")
NODE_PEER: Final = ("bullmq@6.7.0", "ioredis@6.0.0")
SCRIPTS: Final = Path(__file__).parent / "peers"
_SETUP_S: Final = 300


def command_of(peer: str) -> list[str]:
    """Return what starts a peer's runner."""
    if peer == "bullmq":
        return ["node", str(SCRIPTS / "bullmq_peer.cjs")]
    return [str(ROOT / "peers/bin/python"), str(SCRIPTS / f"{peer}_peer.py")]


def environ() -> dict[str, str]:
    """Return the environment of a runner."""
    return {**os.environ, "NODE_PATH": str(ROOT / "bullmq/node_modules")}


def peer_versions(peers: list[str]) -> dict[str, str]:
    """Return the pinned versions of peers by package, and of what runs them."""
    pins = [pin for peer in peers if peer != "bullmq" for pin in PYTHON_PEERS[peer]]
    versions = dict(pin.replace("[redis]", "").split("==") for pin in pins)
    if "bullmq" in peers:
        versions |= dict(pin.split("@") for pin in NODE_PEER)
        versions["node"] = subprocess.run(
            ["node", "--version"], capture_output=True, text=True, check=True
        ).stdout.strip()
    return versions


def prepare() -> tuple[list[str], dict[str, str]]:
    """Set up what is missing; returns the peers that can run, and why the others cannot."""
    able: list[str] = []
    missing: dict[str, str] = {}
    for peer, packages in {"bullmq": NODE_PEER, **PYTHON_PEERS}.items():
        why = _prepare_node() if peer == "bullmq" else _prepare_python(peer, packages)
        if why:
            missing[peer] = why
        else:
            able.append(peer)
    return able, missing


def _prepare_node() -> str:
    if not (shutil.which("node") and shutil.which("npm")):
        return "node and npm are not installed"
    folder = ROOT / "bullmq"
    folder.mkdir(parents=True, exist_ok=True)
    npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), *NODE_PEER]
    return _once(folder / f"{'_'.join(NODE_PEER)}.done", npm)


def _prepare_python(peer: str, packages: tuple[str, ...]) -> str:
    folder = ROOT / "peers"
    python = folder / "bin/python"
    if not python.exists():
        why = _run([sys.executable, "-m", "venv", str(folder)])
        if why:
            return why
    pip = [str(python), "-m", "pip", "install", "--quiet", *packages, *SHARED]
    return _once(folder / f"{peer}-{'_'.join((*packages, *SHARED))}.done", pip)


def _once(stamp: Path, command: list[str]) -> str:
    if stamp.exists():
        return ""
    why = _run(command)
    if not why:
        stamp.touch()
    return why


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SETUP_S)
    except subprocess.TimeoutExpired:
        return f"{command[0]} took longer than {_SETUP_S} s"
    return done.stderr.strip()[-300:] or f"exit code {done.returncode}" if done.returncode else ""
