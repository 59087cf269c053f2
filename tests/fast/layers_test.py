"""The rooms' layers (DESIGN, "Rooms"): a file includes only its own room or lower ones; only platform/ holds an
operating system's headers; only cli/ prints or exits. Also: every room has a README of at most 40 lines."""
import os
import re
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "src")
LEVELS = {"base": 0, "platform": 1, "memory": 2, "home": 2, "tensor": 2, "text": 2, "kernels": 3, "checkpoint": 3,
          "documents": 3, "loading": 4, "store": 4, "engine": 5, "worker": 6, "backends": 7, "answer": 8, "service": 9,
          "cli": 10}
SYSTEM_HEADER = re.compile(r'#\s*include\s*<(sys/|unistd\.h|fcntl\.h|poll\.h|signal\.h|csignal|windows\.h|dirent\.h|spawn\.h|pthread\.h)')
PRINTS = re.compile(r'\b(printf|puts|fputs|fwrite|exit|_exit|quick_exit)\s*\(|std::cout|std::cerr')


def sources():
    for folder, _, names in os.walk(ROOT):
        for name in names:
            if name.endswith((".h", ".cc")):
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as f:
                    yield os.path.relpath(path, ROOT), f.read()


def for_tests(path):
    """Code that only test programs are built from."""
    return path.endswith(("_test.cc", os.sep + "test_main.cc", os.sep + "testing.h"))


def upward_includes(path, text):
    """The rooms above its own that a file includes."""
    room = path.split(os.sep)[0]
    included = re.findall(r'^\s*#\s*include\s*"([a-z_]+)/', text, re.M)
    return [r for r in included if r != room and LEVELS.get(r, 99) >= LEVELS[room]]


class Layers(unittest.TestCase):
    def test_rooms_are_known(self):
        self.assertEqual(sorted(d for d in os.listdir(ROOT) if d not in LEVELS), [])

    def test_no_upward_include(self):
        bad = [f"{path} includes {room}/" for path, text in sources() for room in upward_includes(path, text)]
        self.assertEqual(bad, [])

    def test_the_check_can_fail(self):
        self.assertEqual(upward_includes("tensor/x.cc", '#include "engine/decoder.h"\n'), ["engine"])
        self.assertEqual(upward_includes("tensor/x.cc", '#include "text/utf8.h"\n'), ["text"])  # a sibling is not lower
        self.assertEqual(upward_includes("engine/x.cc", '#include "base/error.h"\n'), [])

    def test_system_headers_stay_in_platform(self):
        bad = [path for path, text in sources() if not path.startswith("platform") and not for_tests(path) and
               (SYSTEM_HEADER.search(text) or re.search(r"\b_WIN32\b", text))]
        self.assertEqual(bad, [])

    def test_only_cli_prints_or_exits(self):
        allowed = ("cli" + os.sep, "platform" + os.sep, os.path.join("base", "check.cc"))
        bad = [path for path, text in sources() if not path.startswith(allowed) and not for_tests(path)
               and PRINTS.search(text)]
        self.assertEqual(bad, [])

    def test_every_room_has_a_short_readme(self):
        for room in os.listdir(ROOT):
            with open(os.path.join(ROOT, room, "README.md"), encoding="utf-8") as f:
                self.assertLessEqual(len(f.readlines()), 40, room)


if __name__ == "__main__":
    unittest.main()
