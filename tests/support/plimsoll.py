"""What the tests through the real program share: running it in a home folder of its own, reading its JSON, memrun,
synthetic checkpoints. Paths come from the environment that ctest sets: PLIMSOLL_BIN, PLIMSOLL_MODELS."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BIN = os.environ["PLIMSOLL_BIN"]
MODELS = os.environ.get("PLIMSOLL_MODELS") or os.path.join(SOURCE, "models")
SMOLLM2 = os.path.join(MODELS, "smollm2-135m-instruct.gguf")
MINILM = os.path.join(MODELS, "all-minilm-l6-v2")
GOLDEN = os.path.join(SOURCE, "tests", "golden")
TOOLS = os.path.join(SOURCE, "tests", "tools")
MIB = 1 << 20
GIB = 1 << 30


class Run:
    """How one run of the program ended."""

    def __init__(self, completed):
        self.code, self.out, self.err = completed.returncode, completed.stdout, completed.stderr

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def error(self):
        return self.json["error"]


class PlimsollTest(unittest.TestCase):
    """A test with a temporary folder and a home of its own, both removed at the end."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="plimsoll-test-")
        cls.home = os.path.join(cls.folder, "home")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)

    @classmethod
    def environment(cls, extra=None):
        env = {**os.environ, "PLIMSOLL_HOME": cls.home, "NO_COLOR": "1"}
        env.update(extra or {})
        return env

    @classmethod
    def run_program(cls, *arguments, env=None, timeout=600, cwd=None):
        return Run(subprocess.run([BIN, *map(str, arguments)], capture_output=True, text=True, errors="replace", timeout=timeout,
                                  env=cls.environment(env), stdin=subprocess.DEVNULL, cwd=cwd or cls.folder))

    def ok(self, *arguments, **options):
        """Runs it and expects exit code 0."""
        run = self.run_program(*arguments, **options)
        self.assertEqual(run.code, 0, f"{arguments}: {run.out[-2000:]}{run.err[-2000:]}")
        return run

    def fails(self, code, *arguments, **options):
        """Runs it with --json and expects this exit code and an error object that says the same; returns the error."""
        run = self.run_program(*arguments, "--json", **options)
        self.assertEqual(run.code, code, f"{arguments}: {run.out[-2000:]}{run.err[-2000:]}")
        error = json.loads(run.out.splitlines()[-1])["error"]
        self.assertEqual(error["exit"], code)
        self.assertTrue(error["message"])
        return error

    @classmethod
    def write(cls, name, content):
        path = os.path.join(cls.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb" if isinstance(content, bytes) else "w") as f:
            f.write(content)
        return path

    @classmethod
    def write_jsonl(cls, name, objects):
        return cls.write(name, "".join(json.dumps(o) + "\n" for o in objects))

    def no_leftovers(self, folder=None):
        """No temporary file of ours is left in the home folder (invariant I3 of the fault catalogue)."""
        left = [os.path.join(d, n) for d, _, names in os.walk(folder or self.home) for n in names
                if n.endswith(".partial") or n.startswith("reserved-")]
        self.assertEqual(left, [])


def read_jsonl(path):
    with open(path, encoding="utf-8", newline="\n") as f:
        return [json.loads(line) for line in f.read().split("\n") if line]


def make_checkpoint(folder, *arguments):
    """A synthetic checkpoint (tests/tools/make_checkpoint.py); returns its folder."""
    subprocess.run([sys.executable, os.path.join(TOOLS, "make_checkpoint.py"), folder, *map(str, arguments)],
                   check=True, stdout=subprocess.DEVNULL)
    return folder


def can_limit_memory():
    """Whether memrun can set a control group here."""
    probe = subprocess.run([sys.executable, os.path.join(TOOLS, "memrun"), "--limit", "64MiB", "--", "true"],
                           capture_output=True)
    return probe.returncode == 0


def memrun(limit_bytes, drop, *command, env=None, timeout=900):
    """Runs a command in a control group of that size with the files evicted first; returns (report, stdout)."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        arguments = [sys.executable, os.path.join(TOOLS, "memrun"), "--limit", str(limit_bytes), "--out", report.name]
        if drop:
            arguments += ["--drop-cache", *drop]
        done = subprocess.run([*arguments, "--", *map(str, command)], capture_output=True, text=True, env=env,
                              timeout=timeout, stdin=subprocess.DEVNULL)
        with open(report.name) as f:
            return json.load(f), done.stdout
