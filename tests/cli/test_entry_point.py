"""The installed command runs our package, even if another module is called `consumer`."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from consumer import __version__

ROOT = Path(__file__).parents[2]
RUN_S_MAX = 100


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """`capi-consumer` of the wheel in an environment of its own, with the dependencies of the tests."""
    folder = tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=RUN_S_MAX)
    (wheel,) = folder.glob("*.whl")
    environment = folder / "environment"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    (packages,) = (environment / "lib").glob("python*/site-packages")
    target = ["--target", str(packages), "--no-deps", "--no-index", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *target, str(wheel)], check=True, timeout=RUN_S_MAX
    )
    # Behind the wheel on the search path, and without the editable install that is in there.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    script = environment / "bin" / "capi-consumer"
    script.write_text(f"#!{python}\nfrom capi_consumer_main import main\nmain()\n")
    script.chmod(0o755)
    yield script


def run(command: Path, *arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CAPI_", "PYTHON"))}
    return subprocess.run(
        [str(command), *arguments],
        cwd=folder,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=RUN_S_MAX,
    )


def test_the_wheel_declares_this_entry_point(command: Path) -> None:
    (entry_points,) = command.parents[1].glob("lib/python*/site-packages/capi_consumer-*/entry_points.txt")
    assert "capi-consumer = capi_consumer_main:main" in entry_points.read_text()


@pytest.mark.parametrize("shape", ["module", "package"])
def test_a_consumer_of_the_users_on_the_path_is_not_imported(
    command: Path, tmp_path: Path, shape: str
) -> None:
    other = tmp_path / ("consumer.py" if shape == "module" else "consumer/__init__.py")
    other.parent.mkdir(exist_ok=True)
    other.write_text("raise SystemExit('the wrong consumer')\n")
    done = run(command, "--version", folder=tmp_path, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, f"capi-consumer {__version__}\n"), done.stderr


def test_the_rest_of_the_users_path_still_applies(command: Path, tmp_path: Path) -> None:
    (tmp_path / "consumer.py").touch()
    (tmp_path / "sitecustomize.py").write_text("print('from the path of the user')\n")
    done = run(command, "--version", folder=tmp_path, PYTHONPATH=str(tmp_path))
    assert done.stdout.startswith("from the path of the user\n"), done.stderr


def test_the_editable_install_starts_too(tmp_path: Path) -> None:
    (tmp_path / "consumer.py").touch()
    command = Path(sys.executable).with_name("capi-consumer")
    done = run(command, "--version", folder=tmp_path, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, f"capi-consumer {__version__}\n"), done.stderr
