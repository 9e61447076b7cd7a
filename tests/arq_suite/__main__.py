"""arq's own test suite with our worker class in place of arq's: `python -m tests.arq_suite [pytest options]`.

The sdist comes from the package registry into `.bench/`, which git ignores; the server from the wheel. arq's suite
needs an older pytest-asyncio than ours, so its tools lie beside it and are first on its path. `--plain` runs it with
arq's own class, for comparison.
"""

import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final

ARQ: Final = "0.28.0"
FOLDER: Final = Path(__file__).parents[2] / ".bench" / "arq-suite"
TOOLS: Final = (
    "pytest==8.4.2",
    "pytest-asyncio==0.23.6",
    "pytest-mock==3.15.1",
    "pytest-timeout==2.4.0",
    "dirty-equals==0.11",
    "msgpack==1.1.2",
    "pytz==2025.2",
    "watchfiles==1.1.1",
)
PLUGINS: Final = ("pytest_asyncio.plugin", "pytest_mock", "pytest_timeout", "arq_suite_plugin")


def _pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments], check=True)


def fetch() -> Path:
    """Return the folder of arq's unpacked sdist; it and the tools are fetched once."""
    source, tools = FOLDER / f"arq-{ARQ}", FOLDER / "tools"
    if not source.exists():
        _pip("download", "--no-deps", "--no-binary", "arq", "-d", str(FOLDER), f"arq=={ARQ}")
        with tarfile.open(FOLDER / f"arq-{ARQ}.tar.gz") as archive:
            archive.extractall(FOLDER, filter="data")
    mark = tools / ".complete"
    if not mark.exists() or mark.read_text() != "\n".join(TOOLS):
        _pip("install", "--upgrade", "--target", str(tools), *TOOLS)
        mark.write_text("\n".join(TOOLS))
    return source


def main(arguments: list[str]) -> int:
    """Run the suite; returns pytest's exit code."""
    source = fetch()
    plain = "--plain" in arguments
    options = [argument for argument in arguments if argument != "--plain"]
    path = [FOLDER / "tools", Path(__file__).parent / "plugin"]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "QCONSOLE_ARQ_SUITE": "plain" if plain else "ours",
    }
    plugins = [part for plugin in PLUGINS for part in ("-p", plugin)]
    # redis-py deprecates what arq's tests call; the warnings are theirs
    quiet = ("-q", "-p", "no:cacheprovider", "-o", "filterwarnings=default")
    command = [sys.executable, "-m", "pytest", *quiet, *plugins, *options]
    print(f"arq {ARQ}'s tests with {'its own' if plain else 'our'} worker class", flush=True)
    return subprocess.run(command, cwd=source, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
