"""What a person's Ctrl-C, a killed worker and a power cut leave behind. Stops within 200 ms in load, prefill, decoding and
ingest; a worker killed in the middle of a load is named with its shard; an ingest ended with kill -9 goes on where it
was (invariants I1, I3 and I6 of the fault catalogue)."""
import json
import os
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from plimsoll import BIN, MINILM, SMOLLM2, PlimsollTest, make_checkpoint

STOP_SECONDS = 0.2


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(p) for p in f.read().split()]


class Interrupted(PlimsollTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.checkpoint = make_checkpoint(os.path.join(cls.folder, "ck"), "--preset", "0.5b")

    def start(self, *arguments):
        return subprocess.Popen([BIN, *map(str, arguments), "--json", "--progress", "json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, env=self.environment(), cwd=self.folder)

    def wait_for_phase(self, process, phase, at_least=0):
        """Reads progress events until one of that phase has done `at_least`."""
        for line in process.stderr:
            if line.startswith("{"):
                event = json.loads(line)
                if phase in event["phase"] and event["done"] >= at_least:
                    return event
        self.fail(f"the phase {phase} never came: {process.stdout.read()}")

    def stops(self, phase, *arguments):
        process = self.start(*arguments)
        self.wait_for_phase(process, phase)
        workers = children(process.pid)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
        took = time.monotonic() - began
        self.assertEqual(process.returncode, 130, out)
        self.assertEqual(json.loads(out.splitlines()[-1])["error"]["code"], "cancelled")
        self.assertLess(took, STOP_SECONDS, phase)
        self.assertFalse([w for w in workers if os.path.exists(f"/proc/{w}")])
        self.no_leftovers()

    def test_stops_in_load(self):
        self.stops("reading", "bench", self.checkpoint, "--precision", "q4")

    def test_stops_in_convert_and_leaves_no_file(self):
        out = os.path.join(self.folder, "converted")
        os.makedirs(out)
        self.stops("converting", "convert", self.checkpoint, "--precision", "q4", "--out", os.path.join(out, "a.gguf"))
        self.assertEqual(os.listdir(out), [])

    def test_stops_in_prefill(self):
        self.stops("prefill", "bench", self.checkpoint, "--precision", "stored", "--prompt-tokens", 4000)

    def test_stops_in_decoding(self):
        self.stops("decod", "generate", SMOLLM2, "--prompt", "Once", "--ignore-eos", "--max-tokens", 4000)

    def test_stops_in_ingest(self):
        self.make_documents("many", 60)
        self.stops("embed", "ingest", os.path.join(self.folder, "many"), "--embedder", MINILM, "--collection", "stopped")
        done = self.ok("ingest", os.path.join(self.folder, "many"), "--embedder", MINILM, "--collection", "stopped", "--json").json
        self.assertEqual(done["failed"], 0)

    def make_documents(self, folder, count):
        for i in range(count):
            text = "\n\n".join(f"Paragraph {p} of report {i} tells about valve {i * 100 + p}. " + "It was checked and found in order. " * 12 for p in range(12))
            self.write(f"{folder}/report-{i:03}.txt", text)

    def kill_worker_in_load(self, signum):
        process = self.start("bench", self.checkpoint, "--precision", "q4")
        self.wait_for_phase(process, "reading")
        worker, = children(process.pid)
        os.kill(worker, signum)
        out, _ = process.communicate(timeout=60)
        return process.returncode, json.loads(out.splitlines()[-1])["error"]

    def test_a_worker_killed_in_a_load_is_named_with_its_shard(self):
        for signum in (signal.SIGKILL, signal.SIGSEGV, signal.SIGBUS):
            code, error = self.kill_worker_in_load(signum)
            self.assertEqual((code, error["code"]), (70, "crashed"))
            self.assertRegex(error["message"], r"shard \d of 3")
            self.assertIn(".safetensors", error["message"])
            self.assertRegex(error["message"], r"[\d.]+ (B|MiB|GiB) of [\d.]+ MiB done, [\d.]+ MiB in use of")
            self.assertTrue(error["next"])
            self.assertIn("shard", self.ok("doctor", "--forget", "--json").json["last_failure"]["phase"])

    def test_ask_answers_from_the_documents_when_the_worker_dies(self):
        folder = make_checkpoint(os.path.join(self.folder, "chat"), "--preset", "0.5b", "--layers", 12, "--tokenizer",
                                 os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", "models", "smollm2-135m-instruct"))
        note = self.write("ferry.txt", "The ferry to Utne leaves at 14:35 from pier 4.\n")
        self.ok("ingest", note, "--collection", "ferry", "--embedder", "none")
        process = self.start("ask", "When does the ferry to Utne leave?", "--collection", "ferry", "--model", folder, "--precision", "q4")
        self.wait_for_phase(process, "reading")
        os.kill(children(process.pid)[0], signal.SIGKILL)
        out, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, out)
        answer = json.loads(out)
        self.assertEqual(answer["rung"], "extract")
        self.assertIn("14:35", answer["answer"])
        self.assertTrue(any("shard" in n for n in answer["notices"]), answer["notices"])

    def test_kill_9_in_ingest_then_ingest_again(self):
        self.make_documents("killed", 40)
        documents = os.path.join(self.folder, "killed")
        for delay in (0.05, 0.3, 0.8, 1.5):
            process = self.start("ingest", documents, "--embedder", MINILM, "--collection", "killed")
            time.sleep(delay)
            process.kill()
            process.communicate()
        self.ok("ingest", documents, "--embedder", MINILM, "--collection", "killed", "--json")
        self.ok("ingest", documents, "--embedder", MINILM, "--collection", "whole", "--json")
        killed, whole = (self.ok("search", "valve 1207 of report 12", "--collection", c, "--json", "--top", 20).json["hits"] for c in ("killed", "whole"))
        self.assertEqual(killed, whole)
        a, b = (next(c for c in self.ok("collections", "list", "--json").json["collections"] if c["name"] == n) for n in ("killed", "whole"))
        self.assertEqual((a["files"], a["chunks"], a["vectors"]), (b["files"], b["chunks"], b["vectors"]))
        self.assertEqual(a["files"], 40)
        self.no_leftovers()


if __name__ == "__main__":
    unittest.main()
