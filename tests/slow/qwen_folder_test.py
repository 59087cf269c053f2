"""A model of 0.5 billion weights against the reference: PLIMSOLL_QWEN_FOLDER names Qwen2.5-Coder-0.5B-Instruct as
tests/tools/export_hf.py writes it, PLIMSOLL_EXTRA_GOLDEN the folder with its golden data (decoder, tokenizer, chat)."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from reference import EIGHT_BITS, F16_CACHE, Reference

FOLDER = os.environ.get("PLIMSOLL_QWEN_FOLDER")
EXTRA = os.environ.get("PLIMSOLL_EXTRA_GOLDEN")


@unittest.skipUnless(FOLDER and EXTRA, "PLIMSOLL_QWEN_FOLDER and PLIMSOLL_EXTRA_GOLDEN are not set")
class QwenFolder(Reference):
    model = FOLDER
    golden = EXTRA
    name = "qwen2.5-coder-0.5b-instruct"

    def test_token_ids(self):
        self.check_tokenizer()

    def test_chats(self):
        self.check_chats()

    def test_as_stored(self):
        self.check_numbers("stored", F16_CACHE)

    def test_8_bits(self):
        self.check_numbers("q8", EIGHT_BITS)


if __name__ == "__main__":
    unittest.main(verbosity=2)
