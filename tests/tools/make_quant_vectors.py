#!/usr/bin/env python3
"""Write tests/golden/quants: blocks of every quantized type of GGUF that is read, and the numbers they stand for.

For each type, TYPE.blocks holds random bytes as blocks (the f16 scales replaced by finite ones of either sign), and
TYPE.f32 what the Python package `gguf` of the ggml project makes of them. source.f32 holds normal numbers, and TYPE.plain.blocks, for the types that package
can quantize, its blocks of them: a quantizer that searches must not be worse. Little endian; the same bytes at every run.

Needs numpy and gguf (0.19.0 wrote the files that are there).
Usage: make_quant_vectors.py OUT_DIR
"""
import os
import sys

import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import GGML_QUANT_SIZES, quants

# Where the f16 numbers lie in a block.
HALVES = {
    Type.Q8_0: (0,), Type.Q4_0: (0,), Type.Q4_1: (0, 2), Type.Q5_0: (0,), Type.Q5_1: (0, 2), Type.IQ4_NL: (0,),
    Type.Q4_K: (0, 2), Type.Q5_K: (0, 2), Type.Q6_K: (208,),
}
CAN_QUANTIZE = (Type.Q8_0, Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1)
NUMBERS = 512
SOURCE_NUMBERS = 1024


def random_blocks(random, kind):
    block_numbers, block_bytes = GGML_QUANT_SIZES[kind]
    blocks = random.integers(0, 256, (NUMBERS // block_numbers, block_bytes), dtype=np.uint8)
    for at in HALVES[kind]:
        halves = random.normal(0, 0.02, len(blocks)).astype("<f2")
        blocks[:, at:at + 2] = halves.view(np.uint8).reshape(-1, 2)
    return blocks


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    random = np.random.default_rng(20)
    for kind in HALVES:
        blocks = random_blocks(random, kind)
        path = os.path.join(out, kind.name)
        blocks.tofile(path + ".blocks")
        quants.dequantize(blocks.reshape(1, -1), kind).astype("<f4").tofile(path + ".f32")
    source = random.normal(0, 0.05, (1, SOURCE_NUMBERS)).astype("<f4")
    source.tofile(os.path.join(out, "source.f32"))
    for kind in CAN_QUANTIZE:
        quants.quantize(source, kind).tofile(os.path.join(out, kind.name + ".plain.blocks"))


if __name__ == "__main__":
    main()
