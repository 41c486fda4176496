"""What the trained model itself routes, beside what was recorded: python3 bench/lab/minis/routing.py NAME.gguf trace.safetensors

Runs each request of the trace, by its token ids, through the model that was trained, in F32, and prints as one JSON line how many (token, layer, slot)
of the recording are equal: {"cells", "equal", "share"}; a slot is equal if that expert was chosen for that token at that layer.
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np
import torch

import gguf
from model import SHAPES, Model

DTYPES = {"U8": np.uint8, "I8": np.int8, "U16": np.uint16, "I16": np.int16, "I32": np.int32, "U32": np.uint32, "I64": np.int64, "F16": np.float16, "F32": np.float32}


def safetensors(path: Path) -> dict[str, np.ndarray]:
    """Arrays by name: https://github.com/huggingface/safetensors#format"""
    raw = path.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + size])
    arrays = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            arrays[name] = np.frombuffer(raw[8 + size + begin : 8 + size + end], DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return arrays


def main(model_file: Path, trace_file: Path) -> None:
    keys, weights = gguf.read(model_file)
    model = Model(SHAPES[keys["general.name"]])
    gguf.load(model, weights)
    trace = safetensors(trace_file)
    experts, requests, ids = trace["experts"], trace["request_id"], trace["token_id"]
    recorded = experts < model.shape.experts
    cells, equal = int(recorded.sum()), 0
    for request in np.unique(requests):
        rows = np.flatnonzero(requests == request)
        with torch.no_grad():
            _, routed = model(torch.from_numpy(ids[rows].astype(np.int64))[None])
        for layer, (_, _, chosen) in enumerate(routed):
            found = (experts[rows, layer][:, :, None] == chosen.numpy()[:, None, :]).any(-1)
            equal += int((found & recorded[rows, layer]).sum())
    print(json.dumps({"cells": cells, "equal": equal, "share": round(equal / cells, 5)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
