"""Writes and reads GGUF files of F32 tensors, as far as the minis need: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (version 3)."""

import struct
from pathlib import Path

import numpy as np

from tokenizer import BEGIN, END, SPECIAL, UNKNOWN, Tokenizer

ALIGNMENT = 32
U32, I32, F32, BOOL, STRING, ARRAY, U64 = 4, 5, 6, 7, 8, 9, 10
SCALARS = {U32: "<I", I32: "<i", F32: "<f", BOOL: "<?", U64: "<Q"}
TYPE_F32 = 0
NORMAL, UNKNOWN_TYPE, CONTROL, BYTE = 1, 2, 3, 6
ATTENTION = {"attn_norm": "attn_norm", "q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output", "q_norm": "attn_q_norm", "k_norm": "attn_k_norm"}
EXPERTS = {"ffn_norm": "ffn_norm", "router": "ffn_gate_inp", "gate": "ffn_gate_exps", "up": "ffn_up_exps", "down": "ffn_down_exps"}


def string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def value(kind, item) -> bytes:
    if kind == STRING:
        return string(item)
    if kind == ARRAY:
        inner, items = item
        return struct.pack("<IQ", inner, len(items)) + b"".join(value(inner, one) for one in items)
    return struct.pack(SCALARS[kind], item)


def header(shape, tokenizer: Tokenizer, context: int):
    """(key, type, value) of all that llama.cpp reads of such a model."""
    a = shape.architecture
    bytes_at = len(SPECIAL)
    types = [UNKNOWN_TYPE, CONTROL, CONTROL] + [BYTE] * 256 + [NORMAL] * (len(tokenizer.pieces) - bytes_at - 256)
    return [
        ("general.architecture", STRING, a),
        ("general.name", STRING, shape.name),
        (f"{a}.block_count", U32, shape.layers),
        (f"{a}.context_length", U32, context),
        (f"{a}.embedding_length", U32, shape.width),
        (f"{a}.feed_forward_length", U32, shape.expert_width),
        (f"{a}.attention.head_count", U32, shape.heads),
        (f"{a}.attention.head_count_kv", U32, shape.heads),
        (f"{a}.attention.layer_norm_rms_epsilon", F32, 1e-5),
        (f"{a}.rope.dimension_count", U32, shape.width // shape.heads),
        (f"{a}.rope.freq_base", F32, 10_000.0),
        (f"{a}.expert_count", U32, shape.experts),
        (f"{a}.expert_used_count", U32, shape.chosen),
        (f"{a}.vocab_size", U32, shape.vocabulary),
        ("tokenizer.ggml.model", STRING, "llama"),
        ("tokenizer.ggml.tokens", ARRAY, (STRING, tokenizer.pieces)),
        ("tokenizer.ggml.scores", ARRAY, (F32, [-float(index) for index in range(len(tokenizer.pieces))])),
        ("tokenizer.ggml.token_type", ARRAY, (I32, types)),
        ("tokenizer.ggml.unknown_token_id", U32, UNKNOWN),
        ("tokenizer.ggml.bos_token_id", U32, BEGIN),
        ("tokenizer.ggml.eos_token_id", U32, END),
        ("tokenizer.ggml.add_bos_token", BOOL, True),
        ("tokenizer.ggml.add_eos_token", BOOL, False),
        ("tokenizer.ggml.add_space_prefix", BOOL, False),
    ]


def tensors(model) -> list[tuple[str, np.ndarray]]:
    """(name in llama.cpp, F32 weights) of a model; the output matrix is the embedding's, written again."""
    numbers = lambda parameter: np.ascontiguousarray(parameter.detach().float().numpy())
    embedding = numbers(model.embedding)
    listed = [("token_embd.weight", embedding), ("output_norm.weight", numbers(model.norm)), ("output.weight", embedding)]
    for index, block in enumerate(model.blocks):
        for ours, theirs in {**ATTENTION, **EXPERTS}.items():
            if hasattr(block, ours):
                listed.append((f"blk.{index}.{theirs}.weight", numbers(getattr(block, ours))))
    return listed


def padded(size: int) -> int:
    return -size % ALIGNMENT


def write(path: Path, model, tokenizer: Tokenizer, context: int) -> None:
    """Writes the model beside its name, and renames it into place when it is whole."""
    pairs, listed = header(model.shape, tokenizer, context), tensors(model)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(listed), len(pairs))
    head += b"".join(string(key) + struct.pack("<I", kind) + value(kind, item) for key, kind, item in pairs)
    offset = 0
    for name, data in listed:
        head += string(name) + struct.pack("<I", data.ndim) + struct.pack(f"<{data.ndim}Q", *reversed(data.shape)) + struct.pack("<IQ", TYPE_F32, offset)
        offset += data.nbytes + padded(data.nbytes)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        file.write(head + b"\0" * padded(len(head)))
        for _, data in listed:
            file.write(data.tobytes() + b"\0" * padded(data.nbytes))
    partial.rename(path)


def read(path: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """({key: value}, {name: F32 weights}) of a file that `write` wrote; raises ValueError if a tensor is of another type."""
    raw, at = np.memmap(path, dtype=np.uint8, mode="r"), 8

    def take(form: str):
        nonlocal at
        size = struct.calcsize(form)
        items = struct.unpack(form, raw[at : at + size].tobytes())
        at += size
        return items[0] if len(items) == 1 else items

    def text() -> str:
        nonlocal at
        size = take("<Q")
        at += size
        return raw[at - size : at].tobytes().decode()

    def item(kind):
        if kind == STRING:
            return text()
        if kind == ARRAY:
            inner, count = take("<I"), take("<Q")
            return [item(inner) for _ in range(count)]
        return take(SCALARS[kind])

    count, pairs = take("<Q"), take("<Q")
    keys = {}
    for _ in range(pairs):
        key = text()
        keys[key] = item(take("<I"))
    infos = []
    for _ in range(count):
        name, dims = text(), take("<I")
        size = [take("<Q") for _ in range(dims)][::-1]
        kind, offset = take("<I"), take("<Q")
        if kind != TYPE_F32:
            raise ValueError(f"{path}: {name} is of type {kind}; only F32 (0) is read")
        infos.append((name, size, offset))
    start = at + padded(at)
    return keys, {name: np.frombuffer(raw, np.float32, int(np.prod(size)), start + offset).reshape(size) for name, size, offset in infos}


def load(model, weights: dict[str, np.ndarray]) -> None:
    """Puts weights that `read` read into a model of the same shape."""
    import torch

    for parameter, name in [(model.embedding, "token_embd.weight"), (model.norm, "output_norm.weight")]:
        parameter.data = torch.from_numpy(weights[name].copy())
    for index, block in enumerate(model.blocks):
        for ours, theirs in {**ATTENTION, **EXPERTS}.items():
            if hasattr(block, ours):
                getattr(block, ours).data = torch.from_numpy(weights[f"blk.{index}.{theirs}.weight"].copy())
