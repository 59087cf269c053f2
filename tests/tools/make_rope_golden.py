"""Writes the frequencies that the transformers library computes for every kind of rope scaling.

    make_rope_golden.py > tests/golden/rope/frequencies.json

Needs torch and transformers (made with 2.15.0 and 5.23.0). Each case has the members of a config.json that concern
rotation, the length of the sequence, and what the reference gives for it.
"""

import json

import torch
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

BASE = {"head_dim": 16, "max_position_embeddings": 128}
SCALINGS = [
    ({"rope_type": "linear", "factor": 4.0}, [64]),
    ({"rope_type": "linear", "factor": 2.5, "rope_theta": 500000.0}, [64]),
    ({"rope_type": "dynamic", "factor": 2.0}, [64, 128, 129, 500]),
    ({"rope_type": "dynamic", "factor": 4.0, "rope_theta": 1000000.0}, [40, 1000]),
    ({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
      "original_max_position_embeddings": 16}, [64]),
    ({"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "rope_theta": 500000.0,
      "original_max_position_embeddings": 64}, [64]),
    ({"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}, [64]),
    ({"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32, "rope_theta": 1000000.0}, [64]),
    ({"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 64, "beta_fast": 16.0, "beta_slow": 2.0,
      "truncate": False}, [64]),
    ({"rope_type": "yarn", "factor": 40.0, "original_max_position_embeddings": 64, "mscale": 1.0, "mscale_all_dim": 0.7}, [64]),
    ({"rope_type": "yarn", "factor": 4.0, "attention_factor": 1.25, "original_max_position_embeddings": 32}, [64]),
    ({"rope_type": "longrope", "short_factor": [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7],
      "long_factor": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], "original_max_position_embeddings": 32}, [32, 33]),
    ({"rope_type": "longrope", "factor": 6.0, "short_factor": [1.0] * 8, "long_factor": [2.5] * 8,
      "original_max_position_embeddings": 64}, [64, 128]),
]


def main():
    cases = []
    for scaling, lengths in SCALINGS:
        for length in lengths:
            parameters = {"rope_theta": 10000.0, **scaling}
            config = LlamaConfig(hidden_size=64, num_attention_heads=4, rope_parameters=parameters, **BASE)
            frequencies, factor = ROPE_INIT_FUNCTIONS[scaling["rope_type"]](config, torch.device("cpu"), seq_len=length)
            cases.append({"rope_parameters": parameters, "tokens": length, "factor": float(factor),
                          "frequencies": [float(f) for f in frequencies]})
    print(json.dumps({"head_dim": 16, "max_position_embeddings": 128, "cases": cases}, indent=1))


main()
