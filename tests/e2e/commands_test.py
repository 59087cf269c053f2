"""One test or more for each command, on real models and documents, through the real program."""
import fcntl
import json
import math
import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from plimsoll import BIN, GOLDEN, MINILM, SMOLLM2, SOURCE, PlimsollTest, make_checkpoint, read_jsonl


class Tools(PlimsollTest):
    """tokenize, template, embed, logits, plan, bench, generate."""

    def test_tokenize_gives_the_reference_ids(self):
        cases = [c for c in read_jsonl(os.path.join(GOLDEN, "tokenizer", "all-minilm-l6-v2.jsonl")) if isinstance(c["text"], str)]
        texts = self.write_jsonl("texts.jsonl", [{"text": c["text"]} for c in cases])
        self.assertEqual([o["ids"] for o in self.ok("tokenize", MINILM, "--jsonl", texts).lines], [c["ids"] for c in cases])
        bare = self.ok("tokenize", MINILM, "--jsonl", texts, "--no-special").lines
        self.assertEqual([o["ids"] for o in bare], [c["ids_no_special"] for c in cases])

    def test_template_gives_the_reference_text_and_ids(self):
        for case in read_jsonl(os.path.join(GOLDEN, "chat", "smollm2-135m-instruct.jsonl"))[:5]:
            messages = self.write("messages.json", json.dumps(case["messages"]))
            folder = os.path.join(GOLDEN, "models", "smollm2-135m-instruct")  # no weights there, and none needed
            self.assertEqual(self.ok("template", folder, "--messages", messages, "--json").json, case["prompt"])
            plain = self.ok("template", folder, "--messages", messages, "--no-generation-prompt", "--json").json
            self.assertEqual(plain, case["no_prompt"])

    def test_embed_gives_the_reference_embeddings(self):
        cases = read_jsonl(os.path.join(GOLDEN, "encoder", "all-minilm-l6-v2.jsonl"))
        texts = self.write_jsonl("embed.jsonl", [{"text": c["text"]} for c in cases])
        lines = self.ok("embed", MINILM, "--jsonl", texts).lines
        self.assertEqual(len(lines), len(cases))
        for line, case in zip(lines, cases):
            self.assertEqual(line["tokens"], case["tokens"])
            self.assertLess(max(abs(a - b) for a, b in zip(line["embedding"], case["embedding"])), 1e-5)

    def test_embed_of_ids_without_a_tokenizer(self):
        folder = os.path.join(GOLDEN, "tiny", "bert")
        with open(os.path.join(folder, "golden.json")) as f:
            cases = json.load(f)["cases"]
        ids = self.write_jsonl("ids.jsonl", [{"ids": c["ids"]} for c in cases])
        for pooling, key in (("mean", "mean_normalized"), ("none", "hidden_last2")):
            for line, case in zip(self.ok("embed", folder, "--jsonl", ids, "--pooling", pooling).lines, cases):
                got = line["embedding"] if pooling == "mean" else sum(line["embedding"][-2:], [])
                want = case[key] if pooling == "mean" else sum(case[key], [])
                self.assertLess(max(abs(a - b) for a, b in zip(got, want)), 5e-4)

    def test_logits_of_a_tiny_checkpoint(self):
        folder = os.path.join(GOLDEN, "tiny", "llama_gqa_untied")
        with open(os.path.join(folder, "golden.json")) as f:
            case = json.load(f)["cases"][2]
        got = self.ok("logits", folder, "--ids", " ".join(map(str, case["ids"])), "--top", 160, "--json").json
        want = case["logits_last2"][1]
        self.assertEqual(len(got["logits"]), 160)
        self.assertLess(max(abs(o["value"] - want[o["id"]]) for o in got["logits"]), 0.1)  # f16 KV cache
        values = [o["value"] for o in got["logits"]]
        self.assertEqual(values, sorted(values, reverse=True))
        self.assertLess(got["mean_logprob"], 0)

    def test_plan_reads_no_weights_and_lists_the_rungs(self):
        plan = self.ok("plan", SMOLLM2, "--memory", "1GiB", "--json").json
        self.assertTrue(plan["fits"])
        self.assertEqual(plan["chosen"]["precision"], "stored:Q4_1")
        self.assertEqual(plan["chosen"]["total_bytes"],
                         12 * (1 << 20) + plan["chosen"]["resident_bytes"])  # the parent beside the worker
        self.assertEqual(sum(plan["chosen"]["parts"].values()), plan["chosen"]["resident_bytes"])
        self.assertNotIn("decode_tok_s", plan["chosen"])  # not measured, so not said
        text = self.ok("plan", SMOLLM2, "--memory", "1GiB").out
        self.assertIn("stored:Q4_1", text)

    def test_plan_that_does_not_fit(self):
        run = self.run_program("plan", SMOLLM2, "--memory", "64MiB", "--json")
        self.assertEqual(run.code, 6)
        self.assertFalse(run.json["fits"])
        self.assertGreater(run.json["error"]["needed_bytes"], run.json["error"]["limit_bytes"])

    def test_bench_stays_inside_its_plan(self):
        bench = self.ok("bench", SMOLLM2, "--memory", "1GiB", "--prompt-tokens", 200, "--decode-tokens", 16, "--json").json
        self.assertGreater(bench["prefill_tok_s"], bench["decode_tok_s"])
        self.assertLessEqual(bench["peak_rss_bytes"], bench["planned_bytes"])
        self.assertLessEqual(bench["planned_bytes"], 1.10 * bench["peak_rss_bytes"] + 32 * (1 << 20))
        self.assertIn(bench["isa"], ("avx2", "avx512", "reference"))

    def test_a_forced_instruction_set_is_used(self):
        run = self.ok("bench", SMOLLM2, "--prompt-tokens", 4, "--decode-tokens", 2, "--json", env={"PLIMSOLL_ISA": "reference"})
        self.assertEqual(run.json["isa"], "reference")
        self.fails(2, "bench", SMOLLM2, env={"PLIMSOLL_ISA": "mmx"})

    def test_generate_is_repeatable_and_streams(self):
        arguments = ("generate", SMOLLM2, "--prompt", "The capital of France is", "--max-tokens", "12")
        first, second = self.ok(*arguments, "--json").json, self.ok(*arguments, "--json", "--threads", "1").json
        self.assertEqual(first["tokens"], second["tokens"])
        self.assertIn("Paris", first["text"])
        self.assertEqual(first["prompt_tokens"], 5)
        self.assertLessEqual(first["memory"]["peak_rss_bytes"], first["memory"]["planned_bytes"])
        self.assertEqual(self.ok(*arguments).out.strip(), first["text"].strip())

    def test_generate_with_a_seed(self):
        arguments = ("generate", SMOLLM2, "--chat", "--prompt", "Name an animal.", "--temperature", "1", "--max-tokens", "8", "--json")
        same = [self.ok(*arguments, "--seed", "7").json["tokens"] for _ in range(2)]
        self.assertEqual(same[0], same[1])
        others = {tuple(self.ok(*arguments, "--seed", str(s)).json["tokens"]) for s in range(1, 5)}
        self.assertGreater(len(others), 1)

    def test_generate_with_filters_and_stop_strings(self):
        arguments = ("generate", SMOLLM2, "--prompt", "The capital of France is", "--max-tokens", "12", "--json")
        greedy = self.ok(*arguments).json
        for one in (("--top-k", "1"), ("--top-p", "0.000001"), ("--min-p", "1")):
            self.assertEqual(self.ok(*arguments, "--temperature", "2", "--seed", "3", *one).json["tokens"], greedy["tokens"])
        self.assertNotEqual(self.ok(*arguments, "--repeat-penalty", "3", "--repeat-window", "0").json["tokens"], greedy["tokens"])
        stopped = self.ok(*arguments, "--stop", "nowhere", "--stop", "Par").json
        self.assertEqual((stopped["stop_reason"], stopped["text"]), ("stop", greedy["text"].split("Par")[0]))
        for bad in (("--top-p", "0"), ("--top-p", "1.5"), ("--min-p", "-1"), ("--repeat-penalty", "0"), ("--temperature", "nan"),
                    ("--stop", "")):
            self.fails(2, *arguments[:-1], *bad)
        self.assertIn("at most 1", self.fails(2, *arguments[:-1], "--top-p", "1.5")["message"])

    def test_generate_chat_takes_the_ids_of_template(self):
        messages = self.write("one.json", json.dumps([{"role": "user", "content": "Hello there"}]))
        ids = self.ok("template", SMOLLM2, "--messages", messages, "--json").json["ids"]
        got = self.ok("generate", SMOLLM2, "--chat", "--prompt", "Hello there", "--max-tokens", "1", "--json").json
        self.assertEqual(got["prompt_tokens"], len(ids))
        # A special token written by a person is text: it takes more than one token.
        plain = self.ok("generate", SMOLLM2, "--chat", "--prompt", "Hello <|im_end|> there", "--max-tokens", "1", "--json").json
        self.assertGreater(plain["prompt_tokens"], len(ids) + 3)

    def test_perplexity(self):
        content = "".join(f"The pump number {i} was last serviced in {1950 + i % 70} by {chr(65 + i % 26)}.\n" for i in range(120))
        text = self.write("long.txt", content)
        arguments = ("perplexity", SMOLLM2, "--text", text, "--json")
        one, all_of_it = self.ok(*arguments, "--chunks", 1).json, self.ok(*arguments).json
        self.assertEqual((one["chunks"], one["tokens"]), (1, 255))
        self.assertEqual(all_of_it["tokens"], 255 * (all_of_it["text_tokens"] // 512))
        self.assertTrue(1 < all_of_it["perplexity"] < 20, all_of_it)
        self.assertTrue(0 < all_of_it["stderr"] < all_of_it["perplexity"])
        self.assertLessEqual(all_of_it["memory"]["peak_rss_bytes"], all_of_it["memory"]["planned_bytes"])
        # The first chunk by hand: the second half of it, foretold one by one, through another command.
        ids = self.ok("tokenize", SMOLLM2, "--jsonl", self.write_jsonl("t.jsonl", [{"text": content[:-1]}])).lines[0]["ids"][:512]
        # mean_logprob is of ids 1.. of a sequence: sums over 511 and over the first 256 foretold ones differ by the second half.
        logprob = lambda n: self.ok("logits", SMOLLM2, "--ids", " ".join(map(str, ids[:n])), "--top", 1, "--json").json["mean_logprob"] * (n - 1)
        self.assertAlmostEqual(math.exp(-(logprob(512) - logprob(257)) / 255), one["perplexity"], delta=1e-4 * one["perplexity"])
        self.assertIn("1024", self.fails(2, "perplexity", SMOLLM2, "--text", self.write("short.txt", "too short"))["message"])

    def test_convert_a_gguf_and_its_tokenizer_stays(self):
        out = os.path.join(self.folder, "q4.gguf")
        done = self.ok("convert", SMOLLM2, "--precision", "q4", "--out", out, "--memory", "64MiB", "--json").json
        self.assertEqual(done["bytes"], os.path.getsize(out))
        self.assertLessEqual(done["peak_rss_bytes"], done["planned_bytes"])
        logits = [self.ok("logits", m, "--ids", "504 3575 282 4649 314", "--top", 50, "--json").json for m in (SMOLLM2, out)]
        self.assertEqual(logits[0], logits[1])  # Q4_1 and Q8_0 stay what they are
        texts = self.write_jsonl("same.jsonl", [{"text": "Hello <|im_start|> 12345 \u20ac"}])
        self.assertEqual(*(self.ok("tokenize", m, "--jsonl", texts).out for m in (SMOLLM2, out)))
        self.assertEqual(self.fails(2, "convert", SMOLLM2, "--precision", "q4", "--out", out)["file"], out)
        self.fails(2, "convert", SMOLLM2, "--precision", "q8", "--out", out + "8")
        self.fails(3, "convert", SMOLLM2, "--precision", "q4", "--out", "/nowhere/at/all.gguf")
        self.fails(6, "convert", SMOLLM2, "--precision", "q4", "--out", out, "--force", "--memory", "64MiB", "--threads", "64")
        self.ok("convert", out, "--precision", "q4", "--out", os.path.join(self.folder, "again.gguf"))
        with open(out, "rb") as a, open(os.path.join(self.folder, "again.gguf"), "rb") as b:
            self.assertEqual(a.read(), b.read())

    def test_convert_a_folder_with_its_tokenizer(self):
        names = os.path.join(GOLDEN, "models", "smollm2-135m-instruct")
        folder = make_checkpoint(os.path.join(self.folder, "small"), "--preset", "tiny", "--tokenizer", names)
        for precision in ("q8", "q4"):
            out = os.path.join(self.folder, f"small-{precision}.gguf")
            done = self.ok("convert", folder, "--precision", precision, "--out", out, "--json").json
            self.assertLessEqual(done["peak_rss_bytes"], done["planned_bytes"])
            arguments = ("--ids", "5 6 7 8 9 1000", "--top", 2000, "--json")
            want = {o["id"]: o["value"] for o in self.ok("logits", folder, "--precision", precision, *arguments).json["logits"]}
            got = {o["id"]: o["value"] for o in self.ok("logits", out, *arguments).json["logits"]}
            self.assertGreater(len(want.keys() & got.keys()), 1990)  # pairs are turned in another order of additions
            self.assertLess(max(abs(want[i] - got[i]) for i in want.keys() & got.keys()), 1e-4)
            texts = self.write_jsonl("same.jsonl", [{"text": t} for t in ("Hello <|im_start|> 12345", " a\n\n  b", "\u20ac \u4e2d")])
            self.assertEqual(*(self.ok("tokenize", m, "--jsonl", texts).out for m in (folder, out)))
            messages = self.write("m.json", json.dumps([{"role": "user", "content": "Hi"}]))
            self.assertEqual(*(self.ok("template", m, "--messages", messages, "--json").json for m in (folder, out)))

    def test_help_that_cannot_be_printed_is_an_error(self):
        for arguments in (("--help",), ("--version",), ("convert", "--help")):
            with open("/dev/full", "w") as full:
                code = subprocess.run([BIN, *arguments], stdout=full, stderr=subprocess.PIPE).returncode
            self.assertEqual(code, 7, arguments)

    def test_context_too_small_for_the_prompt(self):
        error = self.fails(2, "generate", SMOLLM2, "--prompt", "word " * 100, "--context", "32")
        self.assertIn("32", error["message"])


class Documents(PlimsollTest):
    """model, ingest, search, ask, documents, collections, status: one story."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.run_program("model", "add", "smollm2", SMOLLM2, "--default", "chat")
        cls.run_program("model", "add", "minilm", MINILM, "--default", "embed")
        cls.docs = os.path.join(cls.folder, "docs")
        shutil.copytree(os.path.join(SOURCE, "examples"), cls.docs)
        cls.ingested = cls.run_program("ingest", cls.docs, "--memory", "1GiB", "--json")

    def test_ingest_reports_every_file(self):
        self.assertEqual(self.ingested.code, 0, self.ingested.err)
        report = self.ingested.json
        self.assertEqual((report["indexed"], report["skipped"], report["failed"]), (len(os.listdir(self.docs)), 0, 0))
        for file in report["files"]:
            self.assertEqual(file["state"], "indexed")
            self.assertGreater(file["chunks"], 0)
        again = self.ok("ingest", self.docs, "--json").json
        self.assertEqual((again["indexed"], again["unchanged"]), (0, len(os.listdir(self.docs))))

    def test_search_finds_by_word_and_by_meaning(self):
        for mode in ("keyword", "vector", "hybrid"):
            hits = self.ok("search", "cleaning the brine filter", "--mode", mode, "--top", 3, "--json").json["hits"]
            self.assertIn("every 14 days", hits[0]["text"], mode)
            self.assertTrue(hits[0]["path"].endswith("heron-40-manual.md"))
        self.assertIn("24 months", self.ok("search", "does the guarantee end after two years", "--mode", "vector", "--top", 1).out)

    def test_hits_name_the_exact_characters(self):
        hit = self.ok("search", "SAE 30 oil", "--top", 1, "--json").json["hits"][0]
        log = self.ok("search", "metal dust", "--top", 1, "--mode", "keyword", "--json").json["hits"][0]
        with open(os.path.join(self.docs, "service-log.txt"), encoding="utf-8") as f:
            self.assertEqual(f.read()[log["start_char"]:log["end_char"]], log["text"])
        self.assertEqual(hit["end_char"] - hit["start_char"], len(hit["text"]))

    def test_ask_cites(self):
        answer = self.ok("ask", "How much oil does the feed pump take?", "--memory", "1GiB", "--json").json
        self.assertEqual(answer["backend"], "local", answer["notices"])
        self.assertIn("0.35 litres", answer["answer"])
        self.assertTrue(answer["citations"])
        self.assertTrue(any(s["supported"] and s["citations"] for s in answer["sentences"]))
        self.assertIn("0.35 litres", answer["citations"][0]["quote"])
        self.assertLessEqual(answer["memory"]["peak_rss_bytes"], answer["memory"]["planned_bytes"])
        self.assertLessEqual(answer["memory"]["planned_bytes"], answer["memory"]["budget_bytes"])
        again = self.ok("ask", "How much oil does the feed pump take?", "--memory", "1GiB", "--json").json
        self.assertEqual(answer["answer"], again["answer"])

    def test_ask_without_a_model(self):
        answer = self.ok("ask", "How long is the warranty on the membrane?", "--backend", "extract", "--json").json
        self.assertEqual((answer["backend"], answer["rung"]), ("extract", "extract"))
        self.assertIn("12 months", answer["answer"])
        self.assertTrue(all(s["supported"] for s in answer["sentences"]))

    def test_ask_what_is_not_there(self):
        for backend in ("extract", "local"):
            answer = self.ok("ask", "Who won the football world cup in 1998?", "--backend", backend, "--json").json
            self.assertTrue(answer["not_in_documents"], answer["answer"])

    def test_ask_in_a_file_leaves_the_collections_alone(self):
        other = self.write("other/ferry.txt", "The ferry to Utne leaves at 14:35 from pier 4.\n")
        answer = self.ok("ask", "When does the ferry to Utne leave?", "--in", other, "--json").json
        self.assertIn("14:35", answer["answer"])
        self.assertEqual(self.ok("search", "ferry to Utne", "--mode", "keyword", "--json").json["hits"], [])

    def test_ask_in_too_little_memory_still_says_something_true(self):
        answer = self.ok("ask", "How often must the brine filter be cleaned?", "--memory", "64MiB", "--json").json
        self.assertEqual(answer["rung"], "extract")
        self.assertIn("14 days", answer["answer"])
        self.assertTrue(any("GiB" in n or "MiB" in n for n in answer["notices"]))
        self.assertEqual(self.fails(6, "ask", "How often?", "--backend", "local", "--memory", "64MiB")["code"], "over_budget")

    def test_lists(self):
        self.assertEqual({m["name"] for m in self.ok("model", "list", "--json").json["models"]}, {"smollm2", "minilm"})
        documents = self.ok("documents", "list", "--json").json["documents"]
        self.assertEqual(len(documents), len(os.listdir(self.docs)))
        collection, = [c for c in self.ok("collections", "list", "--json").json["collections"] if c["name"] == "default"]
        self.assertEqual(collection["vectors"], collection["chunks"])
        status = self.ok("status", "--json").json
        self.assertEqual(status["home"], os.path.realpath(self.home))
        self.assertGreater(status["memory"]["available_bytes"], 0)
        for command in (("model", "list"), ("documents", "list"), ("collections", "list"), ("status",)):
            self.assertTrue(self.ok(*command).out)

    def test_model_check(self):
        self.assertEqual(self.ok("model", "check", "smollm2", "--json").json["stored_as"], "Q4_1")

    def test_remove(self):
        path = self.write("gone/notes.txt", "The spare key hangs behind the barometer.\n")
        self.ok("ingest", path, "--collection", "gone")
        self.assertEqual(len(self.ok("search", "barometer", "--collection", "gone", "--json").json["hits"]), 1)
        self.ok("documents", "remove", path, "--collection", "gone")
        self.assertEqual(self.ok("search", "barometer", "--collection", "gone", "--json").json["hits"], [])
        self.fails(3, "documents", "remove", path, "--collection", "gone")
        self.ok("collections", "remove", "gone")
        self.fails(3, "collections", "remove", "gone")
        self.assertTrue(os.path.exists(path))

    def test_nothing_is_cut_off_in_the_embedder(self):
        """Heading path, passage and special tokens of every chunk fit MiniLM's window of 256."""
        for name in ("LICENSE", "ARCHITECTURE.md", "docs"):
            self.ok("ingest", os.path.join(SOURCE, name), "--collection", "whole")
        hits = self.ok("search", "license memory document work", "--collection", "whole", "--top", 1000, "--json").json["hits"]
        self.assertGreater(len(hits), 20)
        texts = self.write_jsonl("whole.jsonl", [{"text": h["section"] + "\n" + h["text"]} for h in hits])
        lines = self.ok("embed", MINILM, "--jsonl", texts).lines
        self.assertFalse([line["tokens"] for line in lines if line["truncated"]])
        self.assertGreater(max(line["tokens"] for line in lines), 150)
        self.assertLessEqual(max(line["tokens"] for line in lines), 256)

    def test_a_collection_in_use_is_not_removed(self):
        path = self.write("held/notes.txt", "The anchor weighs 15 kg.\n")
        self.ok("ingest", path, "--collection", "held", "--embedder", "none")
        with open(os.path.join(self.home, "collections", "held.db.lock"), "r+") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            fcntl.flock(lock, fcntl.LOCK_EX)
            for command in (("collections", "remove", "held"), ("ingest", path, "--collection", "held")):
                self.assertEqual(self.fails(8, *command)["code"], "busy")
        self.ok("collections", "remove", "held")

    def test_keyword_search_alone_still_answers(self):
        self.ok("ingest", self.docs, "--collection", "words", "--embedder", "none")
        answer = self.ok("ask", "How long is the warranty?", "--collection", "words", "--backend", "extract", "--json").json
        self.assertFalse(answer["not_in_documents"], answer)
        self.assertIn("24 months", answer["answer"])

    def test_a_changed_file_is_read_again_and_a_vanished_one_goes(self):
        folder = os.path.join(self.folder, "changing")
        self.write("changing/a.txt", "The mast is nine metres high.\n")
        self.write("changing/b.txt", "The keel weighs two tonnes.\n")
        self.ok("ingest", folder, "--collection", "changing")
        self.write("changing/a.txt", "The mast is eleven metres high.\n")
        os.remove(os.path.join(folder, "b.txt"))
        report = self.ok("ingest", folder, "--collection", "changing", "--json").json
        self.assertEqual(report["indexed"], 1)
        hits = self.ok("search", "mast keel", "--mode", "keyword", "--collection", "changing", "--json").json["hits"]
        self.assertEqual([h["text"] for h in hits], ["The mast is eleven metres high."])


class Usage(PlimsollTest):
    def test_wrong_command_lines(self):
        self.assertIn("frobnicate", self.fails(2, "frobnicate")["message"])
        self.assertIn("language", self.fails(2, "generate", MINILM, "--prompt", "x", "--context", "64")["message"])
        self.assertIn("embedding", self.fails(2, "ingest", ".", "--embedder", SMOLLM2)["message"])
        for arguments in (("ask",), ("plan", SMOLLM2, "--memory", "lots"), ("plan", SMOLLM2, "--precision", "q3"),
                          ("plan", SMOLLM2, "--memory", "1MiB"), ("search", "x", "--top", "0"), ("generate", SMOLLM2),
                          ("logits", SMOLLM2, "--ids", "one"), ("ingest", ".", "--collection", "../x")):
            self.fails(2, *arguments)

    def test_empty_questions_and_wrong_numbers(self):
        self.fails(2, "ask", "   ")
        self.fails(2, "search", "")
        self.fails(2, "generate", SMOLLM2, "--prompt", "x", "--temperature", "nan")

    def test_json_lines_before_a_bad_one_are_answered(self):
        lines = self.write("bad.jsonl", '{"text": "good"}\n{bad\n')
        for command in (("embed", MINILM), ("tokenize", MINILM)):
            run = self.run_program(*command, "--jsonl", lines)
            self.assertEqual(run.code, 4)
            self.assertEqual(len(run.lines), 2)
            self.assertIn("line 2", run.lines[1]["error"]["message"])

    def test_missing_things(self):
        self.fails(3, "ingest", "no-such-folder")
        self.fails(3, "ask", "x", "--in", "no-such-file")
        self.assertIn("nothing.gguf", self.fails(3, "plan", "nothing.gguf")["message"])
        self.fails(3, "search", "x", "--collection", "none-such")
        self.fails(3, "ask", "x", "--collection", "none-such")
        self.fails(3, "model", "add", "x", "/does/not/exist")
        self.fails(3, "model", "remove", "x")
        self.fails(3, "embed", MINILM, "--jsonl", "absent.jsonl")

    def test_unsupported_things_are_named(self):
        self.assertIn("kv", self.fails(5, "plan", SMOLLM2, "--kv", "q8")["message"])
        self.assertIn("stream", self.fails(5, "plan", SMOLLM2, "--stream", "on")["message"])
        self.fails(2, "plan", SMOLLM2, "--precision", "q8")  # more bits than the file has

    def test_help_has_examples(self):
        for command in ([], ["ask"], ["ingest"], ["search"], ["plan"], ["generate"], ["bench"], ["embed"], ["tokenize"], ["logits"],
                        ["template"], ["model", "add"], ["documents", "list"], ["collections", "list"], ["status"], ["doctor"]):
            out = self.ok(*command, "--help").out
            self.assertIn("Examples:", out)
            self.assertIn("--memory", out)
        self.assertIn("0.1.0", self.ok("--version").out)

    def test_progress_as_json(self):
        run = self.ok("generate", SMOLLM2, "--prompt", "One", "--max-tokens", "2", "--progress", "json", "--json")
        events = [json.loads(line) for line in run.err.splitlines() if line.startswith("{")]
        self.assertTrue(any(e["phase"] for e in events))
        self.assertTrue(all(e["event"] == "progress" for e in events))


if __name__ == "__main__":
    unittest.main()
