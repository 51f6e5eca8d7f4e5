"""Holds what we ship against deny.toml where cargo-deny is not at hand: advisories, licences, bans, sources, build scripts.

  check_supply.py METADATA TREE       what `cargo metadata` and `cargo tree --prefix none --format {p}` say
  check_supply.py --snapshot DB       writes advisories.tsv anew from a checkout of rustsec/advisory-db

Advisories come from advisories.tsv beside this file, whose first line says of which day it is; a check asks no network.
What is only said (a crate without a maintainer, an old snapshot) goes to stderr and fails nothing.
"""

import datetime
import json
import pathlib
import re
import subprocess
import sys
import tomllib

HERE = pathlib.Path(__file__).parent
SNAPSHOT = HERE / "advisories.tsv"
OLD_AFTER = datetime.timedelta(days=30)
# Kinds of advisories that are news of a project, not a fault in what we use.
NEWS = {"unmaintained", "notice"}


def main(arguments):
    if len(arguments) == 2 and arguments[0] == "--snapshot":
        return take_snapshot(pathlib.Path(arguments[1]))
    with open(arguments[0], encoding="utf-8") as file:
        metadata = json.load(file)
    rules = tomllib.loads((HERE / "../../deny.toml").read_text(encoding="utf-8"))
    with open(arguments[1], encoding="utf-8") as file:
        packages = shipped(metadata, {line.split(" (")[0].strip() for line in file})
    found, said = [], []
    for check in (banned, licensed, sourced, built):
        found += check(packages, rules)
    advised(packages, rules, found, said)
    for line in said:
        print(f"warning: {line}", file=sys.stderr)
    for line in sorted(found):
        print(f"error: {line}", file=sys.stderr)
    print(f"{len(packages)} packages, {len(found)} problems")
    return 1 if found else 0


def shipped(metadata, tree):
    """The packages that are built: metadata also lists those of other platforms and of features that nobody asked for."""
    return [package for package in metadata["packages"] if f"{package['name']} v{package['version']}" in tree]


def name(package):
    return f"{package['name']} {package['version']}"


def banned(packages, rules):
    reasons = {entry["name"]: entry["reason"] for entry in rules["bans"]["deny"]}
    for package in packages:
        if package["name"] in reasons:
            yield f"{name(package)} is banned: {reasons[package['name']]}"


def sourced(packages, rules):
    assert rules["sources"] == {"unknown-registry": "deny", "unknown-git": "deny"}, "another rule for sources"
    registry = "registry+https://github.com/rust-lang/crates.io-index"
    for package in packages:
        if package["source"] not in (None, registry):
            yield f"{name(package)} comes from {package['source']}, not from crates.io"


def built(packages, rules):
    allowed = set(rules["bans"]["build"]["allow-build-scripts"])
    have = {p["name"] for p in packages if any("custom-build" in t["kind"] for t in p["targets"])}
    for crate in sorted(have - allowed):
        yield f"{crate} runs a program while it is built: read its build.rs, then name it in deny.toml, [bans.build]"


def licensed(packages, rules):
    allowed = set(rules["licenses"]["allow"])
    for package in packages:
        expression = package["license"]
        if not expression:
            yield f"{name(package)} names no licence"
        elif not satisfied(expression, allowed):
            yield f"{name(package)} is under {expression}, which deny.toml does not allow"


def satisfied(expression, allowed):
    """An SPDX expression; crates of long ago write a slash for OR."""
    words = re.findall(r"\(|\)|[^\s()]+", expression.replace("/", " OR "))

    def either():
        result = both()
        while words and words[0] == "OR":
            words.pop(0)
            result = both() or result
        return result

    def both():
        result = one()
        while words and words[0] == "AND":
            words.pop(0)
            result = one() and result
        return result

    def one():
        word = words.pop(0)
        if word == "(":
            result = either()
            words.pop(0)
            return result
        if words and words[0] == "WITH":
            words.pop(0)
            word += f" WITH {words.pop(0)}"
        return word in allowed

    return either()


def advised(packages, rules, found, said):
    lines = SNAPSHOT.read_text(encoding="utf-8").splitlines()
    day = datetime.date.fromisoformat(re.search(r"\d{4}-\d{2}-\d{2}", lines[0])[0])
    age = datetime.date.today() - day
    if age > OLD_AFTER:
        said.append(f"the snapshot of advisories is {age.days} days old: check_supply.py --snapshot")
    ignored = {entry["id"]: entry["reason"] for entry in rules["advisories"].get("ignore", [])}
    by_name = {}
    for package in packages:
        by_name.setdefault(package["name"], []).append(package)
    for line in lines[1:]:
        advisory, crate, kind, patched, unaffected, title = line.split("\t")
        for package in by_name.get(crate, []):
            good = [range_ for range_ in (patched + ";" + unaffected).split(";") if range_]
            if any(within(package["version"], range_) for range_ in good) or advisory in ignored:
                continue
            line = f"{name(package)}: {advisory}, {kind}: {title}"
            (said if kind in NEWS else found).append(line)


def within(version, range_):
    """Cargo's requirements, of which advisories use comparisons, carets and single versions."""
    return all(compares(version, part.strip()) for part in range_.split(","))


def compares(version, requirement):
    operator, wanted = re.fullmatch(r"(>=|<=|>|<|=|\^|~)?\s*(.+)", requirement).groups()
    have, want = key(version), key(wanted)
    if operator == ">=":
        return have >= want
    if operator == "<=":
        return have <= want
    if operator == ">":
        return have > want
    if operator == "<":
        return have < want
    if operator == "=":
        return have == want
    kept = 1 + next((i for i, part in enumerate(want[0]) if part), 2)
    if operator == "~":
        kept = 2
    return have >= want and have[0][:kept] == want[0][:kept]


def key(version):
    """Numbers, then a pre-release before none, its numeric parts below its words."""
    core, _, pre = version.split("+")[0].partition("-")
    numbers = [int(part) for part in core.split(".")]
    parts = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in pre.split(".") if part]
    return (numbers + [0, 0])[:3], not pre, parts


def take_snapshot(database):
    git = ["git", "-C", str(database)]
    day = subprocess.check_output([*git, "log", "-1", "--format=%cs %H"], text=True).split()
    names = subprocess.check_output([*git, "ls-tree", "-r", "--name-only", "HEAD", "crates"], text=True)
    rows = []
    for path in names.split():
        text = subprocess.check_output([*git, "show", f"HEAD:{path}"], text=True)
        head, _, body = text.removeprefix("```toml").partition("```")
        record = tomllib.loads(head)
        advisory, versions = record["advisory"], record.get("versions", {})
        if "withdrawn" in advisory:
            continue
        title = next((line[2:] for line in body.splitlines() if line.startswith("# ")), "")
        kind = advisory.get("informational", "vulnerability")
        ranges = [";".join(versions.get(which, [])) for which in ("patched", "unaffected")]
        rows.append("\t".join([advisory["id"], advisory["package"], kind, *ranges, title.replace("\t", " ").strip()]))
    head = f"# rustsec/advisory-db of {day[0]}, {day[1][:12]} (public domain); id, crate, kind, patched, unaffected, title"
    SNAPSHOT.write_text("\n".join([head, *sorted(rows)]) + "\n", encoding="utf-8")
    print(f"{len(rows)} advisories of {day[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
