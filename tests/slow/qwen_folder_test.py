"""A model of 0.5 billion weights against the reference: PLIMSOLL_QWEN_FOLDER names Qwen2.5-Coder-0.5B-Instruct as
tests/tools/export_hf.py writes it, PLIMSOLL_EXTRA_GOLDEN the folder with its golden data (decoder, tokenizer, chat)."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from plimsoll import PlimsollTest
from reference import Reference

FOLDER = os.environ.get("PLIMSOLL_QWEN_FOLDER")
EXTRA = os.environ.get("PLIMSOLL_EXTRA_GOLDEN")


@unittest.skipUnless(FOLDER and EXTRA, "PLIMSOLL_QWEN_FOLDER and PLIMSOLL_EXTRA_GOLDEN are not set")
class QwenFolder(Reference, PlimsollTest):
    model = FOLDER
    golden = EXTRA
    name = "qwen2.5-coder-0.5b-instruct"


if __name__ == "__main__":
    unittest.main(verbosity=2)
