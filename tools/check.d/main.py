"""tools/check [--self-test] [--only RULE,...] [--list]: the house rules, enforced.

Each rule looks at the tracked and the new files of the repository and returns what breaks it, as
lines "file:line: what".  Exit 0 only if no rule is broken.  --self-test breaks every rule once in a
scratch copy and fails if one of them does not notice.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

PRODUCT = ("firmware/", "collector/", "tools/")
LENGTH_MAX, COMPLEXITY_MAX, MEDIAN_MAX, P90_MAX, FILE_MAX = 80, 20, 14, 45, 700

TOP_LEVEL = {
    "firmware", "collector", "boards", "tools", "tests", "CMakeLists.txt", "README.md",
    "CMakePresets.json", "LICENSE", "CHANGELOG.md", "SECURITY.md",
}

# A third-party header lives in one folder of each area, so that it can be replaced there.
AREAS = ("firmware", "collector", "tools/moorwatch", "tools/kitsim", "tools/bench.d")
THIRD_PARTY = {
    "Paho": r"MQTT\w+\.h", "libgpiod": r"gpiod\.h", "libsystemd": r"systemd/.*", "inih": r"ini\.h",
    "libmicrohttpd": r"microhttpd\.h", "jansson": r"jansson\.h", "SQLite": r"sqlite3\.h",
    "OpenSSL": r"openssl/.*", "zlib": r"zlib\.h", "PROJ": r"proj\.h", "GEOS": r"geos_c\.h",
    "argon2": r"argon2\.h", "nanopb": r"pb(_\w+)?\.h", "libcurl": r"curl/.*", "gpsd": r"gps\.h",
    "libpq": r"libpq-fe\.h", "kissfft": r"kiss_fft\w*\.h",
    "ALSA": r"alsa/.*", "libsndfile": r"sndfile\.h",
}

# What a pure floor must not call: clocks, chance, the environment, the heap, a log.
IMPURE = re.compile(
    r"(?<![\w.>])(clock_gettime|gettimeofday|time|clock|rand|srand|random|srandom|getrandom|"
    r"rand_r|getenv|malloc|calloc|realloc|free|printf|fprintf|vfprintf|puts|fputs|perror|syslog|"
    r"log_\w+|open|read|write|socket|fork|system|sleep|usleep|nanosleep)\s*\(")


# The analyser's search per function is cut where it stops finding: minutes a file become seconds.
TIDY_BOUND = [f"--extra-arg={a}" for a in ("-Xclang", "-analyzer-config", "-Xclang",
                                           "max-nodes=30000")]


class Tree:
    """The files that git knows or would add, below one root."""

    def __init__(self, root, tidy_only=None):
        self.root = pathlib.Path(root)
        self.tidy_only = tidy_only
        # A server may check out as one user and check as another; git minds unless told.
        out = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z", "-co",
                              "--exclude-standard"], cwd=self.root, check=True,
                             stdout=subprocess.PIPE, text=True).stdout
        self.names = sorted(n for n in out.split("\0") if n and (self.root / n).is_file())

    def text(self, name):
        return (self.root / name).read_text(errors="replace")

    def code(self, *roots, suffix=(".c", ".h")):
        return [n for n in self.names if n.endswith(suffix) and n.startswith(roots or ("",))]

    def run(self, *argv):
        return subprocess.run(argv, cwd=self.root, capture_output=True, text=True)


def blank_comments(text):
    """The code with comments and strings blanked, lines kept."""
    pattern = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"'
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.S)


def numbered(tree, names, pattern, code_only=True):
    for name in names:
        text = tree.text(name)
        for n, line in enumerate((blank_comments(text) if code_only else text).split("\n"), 1):
            found = pattern.search(line)
            if found:
                yield name, n, found


def rule_format(tree):
    """clang-format has nothing to change."""
    files = tree.code()
    return tree.run("clang-format", "--dry-run", "-Werror", "--ferror-limit=2",
                    *files).stderr.splitlines()[:60] if files else []


def rule_scripts(tree):
    """Scripts parse."""
    bad = []
    for name in tree.names:
        head = tree.text(name)[:40] if name.startswith((".ci/", "tools/", "tests/")) else ""
        if re.match(r"#!.*\b(ba)?sh\b", head):
            bad += tree.run("bash", "-n", name).stderr.splitlines()
        elif name.endswith(".py") or re.match(r"#!.*python3", head):
            try:
                compile(tree.text(name), name, "exec")
            except SyntaxError as e:
                bad.append(f"{name}:{e.lineno}: {e.msg}")
        elif name.endswith((".mjs", ".js")) and shutil.which("node"):
            # From standard input: node 18 takes a .js file for a script of the old kind.
            done = subprocess.run(["node", "--check", "--input-type=module"], text=True,
                                  input=tree.text(name), capture_output=True)
            bad += [f"{name}: {line}" for line in done.stderr.splitlines()[:6]]
    return bad


def functions(tree, names):
    """(file, line, name, length in lines, complexity) by pmccabe."""
    out = tree.run("pmccabe", *names).stdout if names else ""
    for line in out.splitlines():
        f = line.split("\t")
        where, name = f[5].rsplit(": ", 1)
        path = where[:where.rindex("(")]
        yield path, int(f[3]), name, int(f[4]), int(f[1])


def rule_functions(tree):
    """No function over 80 lines or a complexity of 20; product: median under 15, p90 at most 45."""
    bad, lengths = [], []
    for path, line, name, length, complexity in functions(tree, tree.code(suffix=(".c",))):
        if path.startswith(PRODUCT):
            lengths.append(length)
        if length > LENGTH_MAX:
            bad.append(f"{path}:{line}: {name} is {length} lines long, over {LENGTH_MAX}")
        if complexity > COMPLEXITY_MAX:
            bad.append(f"{path}:{line}: {name} has complexity {complexity}, over {COMPLEXITY_MAX}")
    if lengths:
        median = statistics.median(lengths)
        p90 = sorted(lengths)[(9 * len(lengths) + 9) // 10 - 1]
        print(f"   {len(lengths)} functions: median {median:g} lines, p90 {p90}, "
              f"longest {max(lengths)}")
        if median > MEDIAN_MAX:
            bad.append(f"the median function is {median:g} lines long, over {MEDIAN_MAX}")
        if p90 > P90_MAX:
            bad.append(f"one function in ten is over {p90} lines long, the limit is {P90_MAX}")
    return bad


def rule_files(tree):
    """No source of the product over 700 lines."""
    return [f"{n}: {c} lines, over {FILE_MAX}: two subjects?" for n in tree.code(*PRODUCT)
            if (c := tree.text(n).count("\n")) > FILE_MAX]


def rule_pure(tree):
    """core and wire never log, allocate or read a clock."""
    names = tree.code("firmware/core/", "firmware/wire/", suffix=(".c",))
    return [f"{n}:{i}: calls {m[1]}()" for n, i, m in numbered(tree, names, IMPURE)]


def rule_third_party(tree):
    """Each third-party header in one folder of each area."""
    bad = []
    for library, header in THIRD_PARTY.items():
        include = re.compile(r"^\s*#\s*include\s*<(" + header + ")>")
        for area in AREAS:
            homes = {}
            for name in tree.code(area + "/"):
                if any(include.search(line) for line in tree.text(name).split("\n")):
                    homes.setdefault(os.path.dirname(name), []).append(name)
            if len(homes) > 1:
                where = ", ".join(sorted(n for ns in homes.values() for n in ns))
                bad.append(f"{library} is included in more than one folder: {where}")
    return bad


def rule_names(tree):
    """No util, common, helpers or misc."""
    bad = re.compile(r"^(\w+_)?(utils?|commons?|helpers?|misc)(_\w+)?$")
    return [f"{name}: '{part}' says nothing" for name in tree.names
            for part in name.split("/") if bad.match(part.split(".")[0])]


def rule_top_level(tree):
    """The top level holds what ARCHITECTURE.md says."""
    tops = {n.split("/")[0] for n in tree.names}
    return [f"{t}: does not belong on the top level"
            for t in sorted(tops) if t not in TOP_LEVEL and not t.startswith(".")]


def rule_headers(tree):
    """A header begins with what it promises and names the test that guards it."""
    bad = []
    for name in tree.code(*PRODUCT, suffix=(".h",)):
        text = tree.text(name)
        comment = re.match(r"\s*/\*(.*?)\*/", text, flags=re.S)
        if not comment:
            bad.append(f"{name}:1: does not begin with what it promises")
            continue
        tests = re.findall(r"tests/[\w./-]*\w", comment[1])
        part_of = re.search(r"Included by (\w+\.h) only", comment[1])
        whole = part_of and os.path.join(os.path.dirname(name), part_of[1]) in tree.names
        if not tests and not whole:
            bad.append(f"{name}:1: names no test (tests/...) that guards it")
        bad += [f"{name}:1: names {t}, which does not exist" for t in tests
                if not (tree.root / t).exists()]
    return bad


def rule_words(tree):
    """No unfinished business, no NDEBUG, no unbounded string calls."""
    todo = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
    calls = re.compile(r"(?<!\w)(NDEBUG|strcpy\s*\(|strcat\s*\(|sprintf\s*\(|gets\s*\(|atoi\s*\("
                       r"|strtok\s*\()")
    sources = tree.code(suffix=(".c", ".h", ".py", ".mjs", ".js", ".css", ".txt"))
    return ([f"{n}:{i}: {m[1]}" for n, i, m in numbered(tree, sources, todo, code_only=False)] +
            [f"{n}:{i}: {m[1].rstrip('( ')}"
             for n, i, m in numbered(tree, tree.code(*PRODUCT), calls)])


def rule_man(tree):
    """Man pages are clean mdoc."""
    bad = []
    for name in tree.names:
        if re.search(r"\.[1-8]$", name):
            out = tree.run("mandoc", "-T", "lint", "-W", "warning", name).stdout
            bad += [line.replace("mandoc: ", "") for line in out.splitlines()]
    return bad


def prepare_database(tree):
    """The release build's compile database, with the sources that the build generates."""
    build = tree.root / "build/release"
    steps = [["cmake", "--preset", "release"], ["cmake", "--build", "--preset", "release"]]
    for argv in steps[:1] if tree.tidy_only else steps:
        done = tree.run(*argv)
        if done.returncode:
            return None, done.stdout.splitlines()[-30:] + done.stderr.splitlines()[-10:]
    entries = json.loads((build / "compile_commands.json").read_text())
    known = set(tree.tidy_only or tree.code(*PRODUCT, suffix=(".c",)))
    files = {os.path.relpath(e["file"], tree.root) for e in entries}
    return sorted(files & known), []


def rule_tidy(tree):
    """clang-tidy (see .clang-tidy) finds nothing in the product."""
    files, bad = prepare_database(tree)
    if files is None:
        return bad or ["the release build failed"]

    def tidy(name):
        return tree.run("clang-tidy", "-p", "build/release", "--quiet", *TIDY_BOUND, name)

    # One file a run: clang-tidy 14 mistakes the second file's va_lists for uninitialised.
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in pool.map(tidy, files):
            found = [l for l in done.stdout.splitlines() if re.search(r": (warning|error): ", l)]
            if done.returncode or found:
                bad += found or done.stderr.splitlines()[-10:]
    return sorted(set(l.replace(str(tree.root) + "/", "") for l in bad))


RULES = {
    f.__name__[5:].replace("_", "-"): f
    for f in (rule_top_level, rule_names, rule_words, rule_files, rule_headers, rule_pure,
              rule_third_party, rule_functions, rule_scripts, rule_man, rule_format, rule_tidy)
}

# One violation per rule: (file, text to add, or None to make the file from the text).
LONG = "int long_one(int a);\nint long_one(int a) {\n" + "    a++;\n" * 90 + "    return a;\n}\n"
KNOTTY = ("int knotty(int a);\nint knotty(int a) {\n" +
          "".join(f"    if (a == {i})\n        return {i + 1};\n" for i in range(25)) +
          "    return a;\n}\n")
PLANTS = {
    "top-level": [("stray/notes.txt", "x\n")],
    "names": [("firmware/core/util.c", "int util;\n"), ("collector/helpers/a.c", "int a;\n")],
    "words": [("firmware/core/planted.c", "/* TO" + "DO */\n"),
              ("collector/planted.c", "void f(char *a) {\n    strcpy(a, a);\n}\n")],
    "files": [("tools/moorwatch/planted.c", "int a;\n" * 800)],
    "headers": [("firmware/core/planted.h", "#ifndef A\n#define A\n#endif\n"),
                ("firmware/core/planted.h", "/* planted: x. */\n#ifndef A\n#define A\n#endif\n"),
                ("firmware/core/planted.h", "/* planted: tests/core/none_test.c */\nint a;\n")],
    "pure": [("firmware/core/planted.c", "void f(void) {\n    srand(time(0));\n}\n"),
             ("firmware/wire/planted.c", "char *f(void) {\n    return getenv(\"A\");\n}\n")],
    "third-party": [("collector/sites/planted.c", "#include <sqlite3.h>\n"),
                    ("firmware/base/planted.c", "#include <openssl/evp.h>\n#include <zlib.h>\n")],
    "functions": [("firmware/core/planted.c", LONG), ("firmware/core/planted.c", KNOTTY)],
    "scripts": [("tools/planted", "#!/bin/bash\nif true; then\n"),
                ("tests/planted.py", "def f(:\n"), ("collector/web/planted.js", "let a = ;\n")],
    "man": [("tools/planted.1", ".Dd $Mdocdate$\n.Dt A 1\n.Sh NAME\n.Nm\n.Xx\n")],
    "format": [("firmware/core/planted.c", "int   f (void){return 1;}\n")],
    "tidy": [("firmware/base/err.c",
              "int planted(const char *s);\nint planted(const char *s) {\n"
              "    if (s == 0)\n        return s[0];\n    return 0;\n}\n")],
}
# The store and the seal are where these headers live; a scratch tree may not have them yet.
ANCHORS = {"third-party": [("collector/store/anchor.c", "#include <sqlite3.h>\n"),
                           ("firmware/wire/anchor.c", "#include <openssl/evp.h>\n")]}


def broken(tree, only):
    count = 0
    for name in only:
        start = time.monotonic()
        bad = RULES[name](tree)
        count += len(bad)
        print(f"{'FAIL' if bad else 'ok  '} {name:12} {time.monotonic() - start:6.1f} s  "
              f"{RULES[name].__doc__}", flush=True)
        for line in bad:
            print("   " + line)
    return count


def scratch_copy(tree, to):
    for name in tree.names:
        target = pathlib.Path(to) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(tree.root / name, target)
    subprocess.run(["git", "init", "-q"], cwd=to, check=True)
    return Tree(to)


def notices(rule, plant, copy):
    """True if the rule finds more with the plant than without it."""
    for anchor, text in ANCHORS.get(rule, []):
        (copy.root / anchor).write_text(text)
    before = set(RULES[rule](Tree(copy.root, [plant[0]])))
    path = copy.root / plant[0]
    old = path.read_text() if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text((old or "") + plant[1])
    after = set(RULES[rule](Tree(copy.root, [plant[0]])))
    if old is None:
        path.unlink()
    else:
        path.write_text(old)
    return bool(after - before)


def self_test(tree, only):
    failed = 0
    with tempfile.TemporaryDirectory(prefix="moorwatch-check-") as scratch:
        copy = scratch_copy(tree, scratch)
        for rule in only:
            for plant in PLANTS[rule]:
                ok = notices(rule, plant, copy)
                failed += not ok
                print(f"{'ok  ' if ok else 'FAIL'} {rule} notices {plant[0]}", flush=True)
    print(f"{failed} planted violations went unnoticed")
    return failed


def main():
    parser = argparse.ArgumentParser(prog="tools/check", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--only", help="rules, separated by commas")
    parser.add_argument("--list", action="store_true", help="say what the rules are")
    parser.add_argument("--no-setup", action="store_true", help="install nothing")
    args = parser.parse_args()
    if args.list:
        for name, rule in RULES.items():
            print(f"{name:12} {rule.__doc__}")
        return 0
    only = args.only.split(",") if args.only else list(RULES)
    unknown = [n for n in only if n not in RULES]
    if unknown:
        parser.error(f"no rule {unknown[0]}; --list names them")
    root = pathlib.Path(__file__).resolve().parents[2]
    if not args.no_setup:
        subprocess.run([root / "tools/setup", "test"], check=True)
    tree = Tree(root)
    return 1 if (self_test if args.self_test else broken)(tree, only) else 0


if __name__ == "__main__":
    sys.exit(main())
