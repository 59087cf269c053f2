#!/usr/bin/env python3
"""How well `plimsoll search` and `plimsoll ask` do on 80 questions about a real manual (questions.jsonl).

  run.py --plimsoll BIN --corpus DIR --embedder MODEL [--home DIR] [--mode hybrid|keyword|vector] [--ask] [--hits FILE]

DIR is the folder usr/share/doc/sqlite3 of Debian's package sqlite3-doc 3.40.1 (`apt-get download sqlite3-doc`, then
`dpkg -x`). It is ingested once into HOME and kept there. Printed: nDCG@10 and recall@5 over files, a file's rank being that
of its best passage, with 95 % bootstrap intervals over questions, by kind and style. With --ask also what becomes of the
questions when no model writes the answer: how many of the unanswerable ones are refused, and how many of the others.
Kinds: `multi` needs every gold page, of any other kind one gold page is enough. --hits keeps the raw results.
"""
import argparse, collections, json, math, os, random, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = 200          # passages per question: enough for ten files
RESAMPLES = 2000


def questions():
    with open(os.path.join(HERE, "questions.jsonl"), encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def run(args, *command):
    line = [args.plimsoll, *command, "--home", args.home, "--json", "--progress", "none"]
    done = subprocess.run(line, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(line)}\nended with {done.returncode}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def ingest(args):
    mark = os.path.join(args.home, "ingested")
    if os.path.exists(mark):
        return
    os.makedirs(args.home, exist_ok=True)
    report = run(args, "ingest", args.corpus, "--embedder", args.embedder)
    counts = {key: report[key] for key in ("indexed", "skipped", "failed", "seconds")}
    counts["chunks"] = sum(file["chunks"] for file in report["files"])
    with open(mark, "w", encoding="utf-8") as out:
        json.dump(counts, out)
    print("ingest:", counts)


def files_of(hits, root):
    """Files in the order of their best passage."""
    return list(dict.fromkeys(os.path.relpath(hit["path"], root) for hit in hits))


def score(question, files):
    """(nDCG@10, recall@5); of alternatives only the first found counts."""
    ranks = sorted(files.index(gold) + 1 for gold in question["gold"] if gold in files)
    need = len(question["gold"]) if question["kind"] == "multi" else 1
    ranks = ranks[:need]
    gain = sum(1 / math.log2(rank + 1) for rank in ranks if rank <= 10)
    ideal = sum(1 / math.log2(place + 2) for place in range(need))
    return gain / ideal, sum(rank <= 5 for rank in ranks) / need


def interval(values):
    chance = random.Random(1)
    means = sorted(sum(chance.choices(values, k=len(values))) / len(values) for _ in range(RESAMPLES))
    return means[int(0.025 * RESAMPLES)], means[int(0.975 * RESAMPLES)]


def table(rows):
    print(f"{'group':<14}{'n':>4}  {'nDCG@10':<24}recall@5")
    for group in sorted(rows, key=lambda name: (name != "all", name)):
        cells = []
        for values in zip(*rows[group]):
            low, high = interval(values)
            cells.append(f"{sum(values) / len(values):.3f} [{low:.3f}, {high:.3f}]")
        print(f"{group:<14}{len(rows[group]):>4}  " + "   ".join(cells))


def search_all(args):
    root, rows, kept = os.path.realpath(args.corpus), collections.defaultdict(list), []
    for question in questions():
        hits = run(args, "search", question["question"], "--top", str(TOP), "--mode", args.mode)["hits"]
        kept.append({"id": question["id"], "hits": hits})
        if question["kind"] == "unanswerable":
            continue
        result = score(question, files_of(hits, root))
        for group in ("all", question["kind"], "style:" + question["style"]):
            rows[group].append(result)
    if args.hits:
        with open(args.hits, "w", encoding="utf-8") as out:
            out.writelines(json.dumps(line) + "\n" for line in kept)
    table(rows)


def ask_all(args):
    refused = collections.Counter()
    asked = collections.Counter()
    on_gold = 0
    root = os.path.realpath(args.corpus)
    for question in questions():
        answerable = question["kind"] != "unanswerable"
        answer = run(args, "ask", question["question"], "--backend", "extract")
        asked[answerable] += 1
        if answer["not_in_documents"]:
            refused[answerable] += 1
        elif answerable:
            cited = {os.path.relpath(citation["path"], root) for citation in answer["citations"]}
            on_gold += bool(cited & set(question["gold"]))
    print(f"refused ('not in your documents'): {refused[False]} of {asked[False]} unanswerable, "
          f"{refused[True]} of {asked[True]} answerable questions")
    print(f"extractive answers that cite a gold page: {on_gold} of {asked[True] - refused[True]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plimsoll", required=True)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--embedder", default="none")
    parser.add_argument("--home", default=os.path.join(tempfile.gettempdir(), "plimsoll-bench-retrieval"))
    parser.add_argument("--mode", choices=["hybrid", "keyword", "vector"], default="hybrid")
    parser.add_argument("--ask", action="store_true")
    parser.add_argument("--hits")
    args = parser.parse_args()
    ingest(args)
    search_all(args)
    if args.ask:
        ask_all(args)


if __name__ == "__main__":
    main()
