"""SmolLM2-135M-Instruct as people have it: a folder of three f16 shards."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from plimsoll import GOLDEN, SMOLLM2
from reference import EIGHT_BITS, F16_CACHE, Reference, export


@unittest.skipUnless(os.path.exists(SMOLLM2), "the model is not there")
class SmolLm2Folder(Reference):
    golden = GOLDEN
    name = "smollm2-135m-instruct"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = export(SMOLLM2, os.path.join(cls.folder, "smollm2"))

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
