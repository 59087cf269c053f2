#!/usr/bin/env python3
"""Speed and memory beside llama.cpp's llama-bench at its default settings, in turn, on the same model and threads.

Usage: beside_llama_bench.py MODEL.gguf --llama-bench PROGRAM [--plimsoll PROGRAM] [--plimsoll-model PATH]
           [--rounds 3] [--threads 2] [-- more arguments for plimsoll bench]

Each round runs llama-bench and `plimsoll bench` for a prompt of 512 tokens and for 64 tokens decoded after it; medians and
their ratios are printed. Memory is the greatest peak of a process tree, by tests/tools/memrun. A quiet machine matters.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
PROMPT, DECODED = "512", "64"


def run(command):
    """The JSON that the command prints, and its peak resident memory in MiB."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        done = subprocess.run([sys.executable, os.path.join(ROOT, "tests", "tools", "memrun"), "--out", report.name, "--", *command],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            sys.exit(f"{command[0]} ended with {done.returncode}: {done.stderr[-500:]}")
        return json.loads(done.stdout), json.load(open(report.name))["peak_rss_mib"]


def peer(options, *what):
    out, peak = run([options.llama_bench, "-m", options.model, "-t", str(options.threads), "-r", "1", "-o", "json", *what])
    return out[0]["avg_ts"], peak


def one_round(options):
    prefill, peak_of_prefill = peer(options, "-p", PROMPT, "-n", "0")
    ours, our_peak = run([options.plimsoll, "bench", options.plimsoll_model or options.model, "--prompt-tokens", PROMPT,
                          "--decode-tokens", DECODED, "--threads", str(options.threads), "--json", "--progress", "none", *options.more])
    decode, peak_of_decode = peer(options, "-p", "0", "-n", DECODED, "-d", PROMPT)
    return {"prefill tok/s": (prefill, ours["prefill_tok_s"]), "decode tok/s": (decode, ours["decode_tok_s"]),
            "peak MiB": (max(peak_of_prefill, peak_of_decode), our_peak)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--llama-bench", required=True)
    parser.add_argument("--plimsoll", default=os.path.join(ROOT, "build", "release", "bin", "plimsoll"))
    parser.add_argument("--plimsoll-model")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    own = sys.argv[1:]
    split = own.index("--") if "--" in own else len(own)
    options = parser.parse_args(own[:split])
    options.more = own[split + 1:]
    rounds = [one_round(options) for _ in range(options.rounds)]
    for name in rounds[0]:
        theirs, ours = (statistics.median(r[name][side] for r in rounds) for side in (0, 1))
        spread = ", ".join(f"{r[name][1] / r[name][0]:.2f}" for r in rounds)
        print(f"{name:14} llama.cpp {theirs:8.1f}   plimsoll {ours:8.1f}   ratio {ours / theirs:.2f} ({spread})")


if __name__ == "__main__":
    main()
