"""A real chat model, exported as the sharded f16 folder that the golden data was made from, against that data: token ids,
chats, logits, mean log-probabilities and greedy tokens. Tolerances are those of the golden data's own table."""
import json
import os
import subprocess
import sys

from plimsoll import TOOLS, read_jsonl

F16_CACHE = {"logit": 0.15, "mean_logprob": 0.05, "margin": 0.2}    # float16 activations or KV cache
EIGHT_BITS = {"logit": 1.0, "mean_logprob": 0.3, "margin": 1.0}     # 8-bit weights


def export(gguf, folder, shards=3):
    """The folder, written by tests/tools/export_hf.py, which needs the package gguf (./check installs it)."""
    subprocess.run([sys.executable, os.path.join(TOOLS, "export_hf.py"), gguf, folder, "--shards", str(shards)],
                   check=True, stdout=subprocess.DEVNULL)
    return folder


def text_of(text):
    return text if isinstance(text, str) else text["repeat"][0] * text["repeat"][1]


class Reference:
    """Mixed into a PlimsollTest. `model`: the exported folder. `golden`: where decoder/, tokenizer/ and chat/ lie. `name`: of the files there."""

    model = golden = name = None

    def test_token_ids(self):
        self.check_tokenizer()

    def test_chats(self):
        self.check_chats()

    def test_as_stored(self):
        self.check_numbers("stored", F16_CACHE)

    def test_8_bits(self):
        self.check_numbers("q8", EIGHT_BITS)

    def golden_lines(self, kind):
        return read_jsonl(os.path.join(self.golden, kind, self.name + ".jsonl"))

    def check_tokenizer(self):
        lines = self.golden_lines("tokenizer")
        self.assertEqual(len(lines), 300)
        texts = self.write_jsonl("texts.jsonl", [{"text": text_of(line["text"])} for line in lines])
        for special, key in (([], "ids"), (["--no-special"], "ids_no_special")):
            for ours, line in zip(self.ok("tokenize", self.model, "--jsonl", texts, *special).lines, lines, strict=True):
                self.assertEqual(ours["ids"], line[key], line["text"])

    def check_chats(self):
        for line in self.golden_lines("chat"):
            messages = self.write("messages.json", json.dumps(line["messages"]))
            for flags, key in (([], "prompt"), (["--no-generation-prompt"], "no_prompt")):
                ours = self.ok("template", self.model, "--messages", messages, *flags, "--json").json
                self.assertEqual((ours["text"], ours["ids"]), (line[key]["text"], line[key]["ids"]))

    def check_numbers(self, precision, tolerance):
        worst = {"logit": 0.0, "mean_logprob": 0.0}
        steps = 0
        for line in self.golden_lines("decoder"):
            ids = " ".join(map(str, line["ids"]))
            ours = self.ok("logits", self.model, "--ids", ids, "--top", 200, "--precision", precision, "--json").json
            values = {entry["id"]: entry["value"] for entry in ours["logits"]}
            for token, value in line["top"]:
                worst["logit"] = max(worst["logit"], abs(values[token] - value))
            worst["mean_logprob"] = max(worst["mean_logprob"], abs(ours["mean_logprob"] - line["mean_logprob"]))
            steps += self.check_greedy(line, precision, tolerance["margin"])
        print(f"{self.name} {precision}: logits differ by {worst['logit']:.4f}, mean log-probability by "
              f"{worst['mean_logprob']:.5f}, {steps} greedy steps compared", flush=True)
        for key, value in worst.items():
            self.assertLessEqual(value, tolerance[key])
        self.assertGreater(steps, 12)

    def check_greedy(self, line, precision, margin):
        """Equal up to the first step whose margin is too small to count; returns how many steps that was."""
        prompt = self.write("prompt.txt", line["text"])
        run = self.ok("generate", self.model, "--prompt-file", prompt, "--max-tokens", 48, "--ignore-eos", "--precision", precision,
                      "--json").json
        counted = next((i for i, m in enumerate(line["margin"]) if m < margin), 48)
        self.assertEqual(run["tokens"][:counted], line["greedy"][:counted], line["name"])
        return counted
