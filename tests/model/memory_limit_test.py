"""The promise that counts most: a load that stays inside its limit, under a control group of the limit plus 256 MiB,
from files that are not in the page cache. On a 1 GB checkpoint at every precision, and on the 7.6 GB one (three
shards) at q4 where 12 GB of disk are free; PLIMSOLL_LARGE=1 adds its q8 and stored."""
import glob
import json
import os
import shutil
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from plimsoll import BIN, GIB, MIB, PlimsollTest, can_limit_memory, make_checkpoint, memrun


class Limits(PlimsollTest):
    def bench(self, checkpoint, precision, limit_bytes, *more):
        shards = sorted(glob.glob(os.path.join(checkpoint, "*.safetensors")))
        report, out = memrun(limit_bytes + 256 * MIB, shards, BIN, "bench", checkpoint, "--precision", precision, "--memory",
                             str(limit_bytes), "--json", "--progress", "none", *more, env=self.environment())
        return report, json.loads(out)

    def holds(self, checkpoint, precision, limit_bytes):
        """Finishes with the context full; the tree's sampled peak is under the limit, and near the plan."""
        report, bench = self.bench(checkpoint, precision, limit_bytes)
        self.assertEqual(report["rc"], 0, bench)
        self.assertFalse(report["oom_killed"])
        peak = int(report["peak_rss_mib"] * MIB)
        print(f"{os.path.basename(checkpoint)} {precision}: limit {limit_bytes / MIB:.0f} MiB, plan {bench['planned_bytes'] / MIB:.0f}, "
              f"peak {peak / MIB:.0f}, load {bench['load_s']:.1f} s, prefill {bench['prefill_tok_s']:.1f} tok/s, "
              f"decode {bench['decode_tok_s']:.1f} tok/s", flush=True)
        self.assertLessEqual(peak, limit_bytes)
        self.assertLessEqual(peak, bench["planned_bytes"])
        self.assertLessEqual(bench["planned_bytes"], 1.10 * peak + 32 * MIB)
        self.assertLessEqual(bench["planned_bytes"], limit_bytes)
        self.assertEqual(bench["context"], 512 + 64)
        self.no_leftovers()

    def refused(self, checkpoint, precision, limit_bytes):
        report, answer = self.bench(checkpoint, precision, limit_bytes)
        self.assertEqual(report["rc"], 6)
        self.assertLess(report["wall_s"], 5)
        error = answer["error"]
        self.assertEqual(error["code"], "over_budget")
        self.assertGreater(error["needed_bytes"], limit_bytes)
        self.assertEqual(error["limit_bytes"], limit_bytes)
        self.assertIn("q4", error["next"])  # what would fit

    @unittest.skipUnless(can_limit_memory(), "no memory control group can be set here")
    def test_one_gigabyte_checkpoint(self):
        checkpoint = make_checkpoint(os.path.join(self.folder, "ck05"), "--preset", "0.5b")
        try:
            self.holds(checkpoint, "q4", 640 * MIB)
            self.holds(checkpoint, "q8", 900 * MIB)
            self.holds(checkpoint, "stored", 1400 * MIB)
            self.refused(checkpoint, "q8", 512 * MIB)
        finally:
            shutil.rmtree(checkpoint)

    @unittest.skipUnless(can_limit_memory(), "no memory control group can be set here")
    def test_three_shards_of_two_and_a_half_gigabytes(self):
        if shutil.disk_usage(self.folder).free < 12 * 10**9:
            self.skipTest("less than 12 GB of disk are free")
        checkpoint = make_checkpoint(os.path.join(self.folder, "ck38"), "--preset", "3.8b")
        try:
            self.holds(checkpoint, "q4", 3 * GIB)
            self.refused(checkpoint, "q8", 2 * GIB)
            if os.environ.get("PLIMSOLL_LARGE") == "1":
                self.holds(checkpoint, "q8", 5 * GIB)
                self.holds(checkpoint, "stored", 9 * GIB)
        finally:
            shutil.rmtree(checkpoint)


if __name__ == "__main__":
    unittest.main()
