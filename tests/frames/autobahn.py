"""The Autobahn|Testsuite against the codec, where it can be had.

Runs `wstest` if it is found; else installs it for a CPython 2.7, the only one that it knows, if there is one; else says
"not run". Every case must pass strictly, or as the baseline beside this file says, which names the informational ones.
Compression is not spoken, so its cases (12, 13) are left out.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys

from test_codec import Echo

TARGET = pathlib.Path(__file__).parents[2] / "target"
PACKAGES = TARGET / "autobahn"
REPORTS = TARGET / "autobahn-reports"
SUITE = "autobahntestsuite==25.10.1"
BASELINE = json.loads(pathlib.Path(__file__).with_name("autobahn-baseline.json").read_text())
LARGEST = 16 * 1024 * 1024
"""The largest message of the suite."""
START = "import site, sys; site.addsitedir(sys.argv.pop(1)); from autobahntestsuite.wstest import run; run()"


def runs(command, env=None):
    try:
        return subprocess.run(command, env=env, capture_output=True).returncode == 0
    except OSError:
        return False


def python2():
    """The environment in which `python2.7` runs, pyenv's included; none if it does not."""
    found = [None]
    if shutil.which("pyenv"):
        versions = subprocess.run(["pyenv", "versions", "--bare"], capture_output=True, text=True).stdout.split()
        found += [{**os.environ, "PYENV_VERSION": version} for version in versions if version.startswith("2.7")]
    works = (env or dict(os.environ) for env in found if runs(["python2.7", "-m", "pip", "--version"], env))
    return next(works, None)


def suite():
    """How to start it: the command and its environment; none if it cannot be had."""
    if runs(["wstest", "--help"]):
        return ["wstest"], dict(os.environ)
    env = python2()
    if env is None:
        print("Autobahn: not run (neither wstest nor CPython 2.7 found)")
        return None
    if not (PACKAGES / "autobahntestsuite").exists():
        pip = ["python2.7", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        if not runs([*pip, "--target", str(PACKAGES), SUITE], env):
            shutil.rmtree(PACKAGES, ignore_errors=True)
            print(f"Autobahn: not run ({SUITE} cannot be installed)")
            return None
    return ["python2.7", "-c", START, str(PACKAGES)], env


def main():
    found = suite()
    if found is None:
        return 0
    command, env = found
    shutil.rmtree(REPORTS, ignore_errors=True)
    REPORTS.mkdir(parents=True)
    echo = Echo(LARGEST)
    spec = {
        "outdir": str(REPORTS),
        "servers": [{"agent": "podbell", "url": echo.url}],
        "cases": ["*"],
        "exclude-cases": ["12.*", "13.*"],
        "exclude-agent-cases": {},
    }
    (REPORTS / "spec.json").write_text(json.dumps(spec))
    try:
        run = [*command, "-m", "fuzzingclient", "-s", str(REPORTS / "spec.json")]
        ran = subprocess.run(run, env=env, cwd=REPORTS, capture_output=True, text=True, timeout=900)
    finally:
        echo.stop()
    index = REPORTS / "index.json"
    if not index.exists():
        print("Autobahn: no report\n", ran.stdout[-2000:], ran.stderr[-2000:])
        return 1
    cases = json.loads(index.read_text())["podbell"]
    outcomes = {name: [case["behavior"], case["behaviorClose"]] for name, case in cases.items()}
    # A case that passes strictly now is no fault.
    bad = {name: outcomes.get(name) for name, told in BASELINE.items() if outcomes.get(name) not in (told, ["OK", "OK"])}
    print(f"Autobahn: {len(cases)} cases, {len(bad)} failed {bad or ''}")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
