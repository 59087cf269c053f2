"""SmolLM2-135M-Instruct as people have it: a folder of three f16 shards."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from plimsoll import GOLDEN, SMOLLM2, PlimsollTest
from reference import Reference, export


@unittest.skipUnless(os.path.exists(SMOLLM2), "the model is not there")
class SmolLm2Folder(Reference, PlimsollTest):
    golden = GOLDEN
    name = "smollm2-135m-instruct"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = export(SMOLLM2, os.path.join(cls.folder, "smollm2"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
