#!/usr/bin/env python3
"""Writes the golden samples beside this file: one routing in every layout that engines and loggers emit, and the truth about it.

The routing is 60 tokens of one request of profiles/traces/mini-finegrained-64x12l.safetensors: 36 prompt rows, 24 decoded ones. Arrays
are saved by their original writers (np.save, np.savez, torch.save); JSON and CSV have the keys, the order and the number formats of the
engines. Made up are texts, times, gate probabilities (the trace has none) and, in the phone's log, which loads were needed.

Needs numpy and torch: apt-get install python3-numpy python3-torch, then /usr/bin/python3 test/trace/golden/make.py
"""
import base64
import csv
import hashlib
import io
import json
import pathlib
import struct

import numpy as np
import torch

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[2] / "profiles/traces/mini-finegrained-64x12l.safetensors"
MODEL = "mini-finegrained-64x12l"
REQUEST, PROMPT, DECODED, EXPERTS = 3, 36, 24, 64
TOKENS = PROMPT + DECODED
# The token that was sampled last was never run: engines count one output token more than there are rows.
OUTPUT = DECODED + 1


def bundled():
    """The tensors of the bundled trace."""
    raw = SOURCE.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    dtypes = {"U8": "<u1", "I32": "<i4"}
    return {
        name: np.frombuffer(raw[8 + length :][slice(*entry["data_offsets"])], dtypes[entry["dtype"]]).reshape(entry["shape"])
        for name, entry in header.items()
        if name != "__metadata__"
    }


TRACE = bundled()
ROWS = np.flatnonzero(TRACE["request_id"] == REQUEST)[:TOKENS]
IDS = TRACE["experts"][ROWS].astype(np.int64)  # [tokens, layers, top-k]
TOKEN_IDS = TRACE["token_id"][ROWS].tolist()
assert TRACE["phase"][ROWS].tolist() == [0] * PROMPT + [1] * DECODED
LAYERS, TOP_K = IDS.shape[1:]
# Passes of an engine: the prompt at once, then a token each.
PASSES = [(0, PROMPT)] + [(row, row + 1) for row in range(PROMPT, TOKENS)]
PROBABILITIES = [0.310547, 0.207031, 0.152344, 0.128906, 0.109375, 0.091797]


def counts(start, end):
    """Activations [layers, experts] of some rows."""
    return np.stack([np.bincount(IDS[start:end, layer].ravel(), minlength=EXPERTS) for layer in range(LAYERS)])


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def write(name, data):
    (HERE / name).write_bytes(data if isinstance(data, bytes) else data.encode())


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def safetensors(name, tensors, metadata=None):
    """8 bytes of header length, JSON padded with spaces to 8 bytes, then the data, wider types first."""
    header, data = ({} if metadata is None else {"__metadata__": metadata}), b""
    for key, array in sorted(tensors.items(), key=lambda item: (-item[1].itemsize, item[0])):
        dtype = {"i2": "I16", "i4": "I32", "i8": "I64"}[array.dtype.str[1:]]
        header[key] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [len(data), len(data) + array.nbytes]}
        data += array.tobytes()
    text = compact(header).encode()
    text += b" " * (-len(text) % 8)
    write(name, struct.pack("<Q", len(text)) + text + data)


def vllm():
    usage = {"prompt_tokens": PROMPT, "total_tokens": PROMPT + OUTPUT, "completion_tokens": OUTPUT, "prompt_tokens_details": None}

    def reply(routed, **more):
        choice = {"index": 0, "text": "", "logprobs": None, "finish_reason": "length", "stop_reason": None, "routed_experts": routed}
        head = {"id": "cmpl-6f1c0de5", "object": "text_completion", "created": 1760000000, "model": MODEL}
        return json.dumps({**head, **more, "choices": [choice], "usage": usage})

    write("vllm_0.21_completion.json", reply(IDS[PROMPT:].tolist(), prompt_routed_experts=IDS[:PROMPT].tolist()))
    array = npy(IDS.astype(np.uint8))
    write("vllm_0.22_completion.json", reply(base64.b64encode(array).decode()))
    write("vllm_offline_routed_experts.npy", array)
    with open(HERE / "routing_npz_turn.npz", "wb") as file:
        np.savez(file, routed_experts=IDS.astype(np.uint8))
    with open(HERE / "routing_npz_turn_compressed.npz", "wb") as file:
        np.savez_compressed(file, routed_experts=IDS.astype(np.uint16))


def sglang():
    for dtype in ("int32", "uint8"):
        info = {
            "id": "9d0c4b8c1f6a4b3f8f0e6d1a2b3c4d5e",
            "finish_reason": {"type": "length", "length": OUTPUT},
            "prompt_tokens": PROMPT,
            "completion_tokens": OUTPUT,
            "cached_tokens": 0,
            "e2e_latency": 0.5,
            "routed_experts": base64.b64encode(IDS.astype(dtype).tobytes()).decode(),
        }
        if dtype != "int32":
            info["routed_experts_dtype"] = dtype
        write(f"sglang_generate_{dtype}.json", compact({"text": "", "meta_info": info}))

    def record(index, start, end):
        # Eight choices a row whatever the model's top-k.
        ids = np.full((LAYERS, end - start, 8), -1, np.int32)
        ids[:, :, :TOP_K] = IDS[start:end].transpose(1, 0, 2)
        return {
            "forward_pass_id": index,
            "rank": 0,
            "gatherer_key": "primary",
            "input_ids": TOKEN_IDS[start:end],
            "positions": list(range(start, end)),
            "extend_seq_lens": [end - start] if index == 0 else None,
            "forward_mode": 1 if index == 0 else 2,
            "topk_ids_of_layer": torch.from_numpy(ids),
            "misc_objects": [],
            "global_physical_count": torch.from_numpy(counts(start, end)).to(torch.int32),
        }

    records = [record(index, start, end) for index, (start, end) in enumerate(PASSES)]
    placement = torch.arange(EXPERTS).expand(LAYERS, EXPERTS).clone()
    torch.save({"records": records, "last_physical_to_logical_map": placement}, HERE / "sglang_per_token.pt")
    steps = torch.from_numpy(np.stack([counts(start, end) for start, end in PASSES])).to(torch.int32)
    stat = {"rank": 0, "logical_count": steps, "average_utilization_rate_over_window": None}
    torch.save(stat, HERE / "sglang_stat.pt")


def llama_cpp():
    def groups():
        """(layer, rows) in graph order; the last layer runs only the last token of a prompt."""
        for start, end in PASSES:
            for layer in range(LAYERS):
                yield layer, range(end - 1 if layer == LAYERS - 1 else start, end)

    def log(group, choices):
        return "".join(f"{layer},{' '.join(map(str, ids))}\n" for layer, rows in group for ids in choices(layer, rows))

    def packed(layer, rows):
        return [IDS[row, layer].tolist() for row in rows]

    def strided(layer, rows):
        """What is read from the full argsort as if it were packed: ranks k..2k-1 of token 0 as the choices of token 1, and so on. Four
        choices, as 6 do not divide 64; ranks that the trace lacks are in order of their ids."""
        ranks = []
        for row in rows:
            chosen = IDS[row, layer].tolist()
            ranks += chosen + [id for id in range(EXPERTS) if id not in chosen]
        return [ranks[4 * at : 4 * at + 4] for at in range(len(rows))]

    header = "layer_id,expert_ids\n"
    write("llamacpp_log_experts.csv", header + log(groups(), packed))
    write("llamacpp_log_experts_BAD_STRIDE.csv", header + log(groups(), strided))

    binary = struct.pack("<3i", 0x544C424D, 1, EXPERTS)
    for layer, rows in groups():
        ids = IDS[list(rows), layer].ravel().tolist()
        binary += struct.pack(f"<3i{len(ids)}i", layer, TOP_K, len(rows), *ids)
    write("mbolt_trace.bin", binary)
    imatrix()


def imatrix():
    """GGUF as llama-imatrix writes it, with four input channels instead of the model's 192, and a dense tensor before the experts."""

    def text(value):
        return struct.pack("<Q", len(value)) + value.encode()

    total = counts(0, TOKENS)
    tensors = []
    for layer in range(LAYERS):
        tensors += [(f"blk.{layer}.attn_q.weight.in_sum2", (4, 1), [1.0] * 4), (f"blk.{layer}.attn_q.weight.counts", (1, 1), [TOKENS])]
        for part in ("down", "gate", "up"):
            name = f"blk.{layer}.ffn_{part}_exps.weight"
            tensors += [(f"{name}.in_sum2", (4, EXPERTS), [1.0] * 4 * EXPERTS), (f"{name}.counts", (1, EXPERTS), total[layer].tolist())]
    facts = [
        text("general.type") + struct.pack("<I", 8) + text("imatrix"),
        text("imatrix.datasets") + struct.pack("<IIQ", 9, 8, 1) + text("text.txt"),
        text("imatrix.chunk_count") + struct.pack("<II", 4, 1),
        text("imatrix.chunk_size") + struct.pack("<II", 4, 512),
    ]
    head, data = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(facts)) + b"".join(facts), b""
    for name, shape, values in tensors:
        head += text(name) + struct.pack("<IQQIQ", 2, *shape, 0, len(data))
        data += struct.pack(f"<{len(values)}f", *values)
        data += b"\0" * (-len(data) % 32)
    write("imatrix_counts.gguf", head + b"\0" * (-len(head) % 32) + data)


def megatron():
    lines = []
    for step, (start, end) in enumerate(PASSES):
        for layer in range(LAYERS):
            row = {"step": step, "stage": "pre_dispatch", "block": "decoder", "layer": layer, "rank": 0, "num_tokens": end - start}
            lines.append(json.dumps({**row, "topk": TOP_K, "top_indices": IDS[start:end, layer].tolist()}))
    write("megatron_router_trace_rank0.jsonl", "\n".join(lines) + "\n")


def expertflow():
    lines, order = [], 0
    for index, (start, end) in enumerate(PASSES):
        for layer in range(LAYERS):
            for token in range(start, end):
                lines.append(compact({
                    "schema_version": "1.0.0", "request_id": "req-001", "conversation_id": "conv-001", "turn_index": 0,
                    "phase": "decode" if index else "prefill", "forward_id": index, "hook_order": order, "token_index": token,
                    "token_id": TOKEN_IDS[token], "layer_id": layer, "selected_expert_ids": IDS[token, layer].tolist(),
                    "selected_expert_weights": None, "observed_at_ns": order,
                }))  # fmt: skip
                order += 1
    write("expertflow.jsonl", "\n".join(lines) + "\n")


def moe_beyond():
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(["Layer ID", "Batch Number", "Token", "Activated Expert IDs"])
    # Tokens are text: some need quotes, some break the line.
    texts = [' "so', ",", "\n", "tok"]
    for layer in range(LAYERS):
        for token in range(TOKENS):
            rows.writerow([layer, 0, texts[token % 4], str(IDS[token, layer].tolist())])
    write("moebeyond_prompt.csv", file.getvalue())


def allenai():
    line = {"input_ids": TOKEN_IDS, "predicted_token_ids": TOKEN_IDS[1:] + [0], "exp_ids": IDS.transpose(0, 2, 1).tolist()}
    write("allenai_c4_results.jsonl", json.dumps(line) + "\n")


def fingerprint():
    probabilities = torch.tensor(PROBABILITIES).to(torch.bfloat16).tolist()
    tokens = [
        {
            f"token_{row}": {
                f"layer_{layer}": {"selected_experts": IDS[row, layer].tolist(), "selected_probs": probabilities}
                for layer in range(LAYERS)
            }
        }
        for row in range(PROMPT, TOKENS)
    ]
    about = {"row_index": 1, "dataset": "mmlu_test", "category": "prose", "finished_successfully": True, "has_repetition": False}
    texts = {"original_prompt": "", "full_text": ["a"] * (TOKENS + 1), "generated_only": ["a"] * OUTPUT}
    write("gptoss_fingerprint_example.json", json.dumps({**about, **texts, "router_data": tokens}))


def big_moe_on_edge():
    size, seen, lines = 110_592, set(), ["# route_trace v1"]
    lines.append(f"# model={MODEL}.gguf arch=mini n_layer={LAYERS} n_expert={EXPERTS} n_expert_used={TOP_K}")
    lines += [f"# layer={layer} expert_bytes={size} dense_bytes=294912" for layer in range(LAYERS)]
    lines.append("turn,phase,step,layer,slot,expert,weight,residency,expert_bytes")
    for index, (start, end) in enumerate(PASSES):
        for layer in range(LAYERS):
            for step in range(start, end):
                for slot, expert in enumerate(IDS[step, layer].tolist()):
                    loaded = 0 if (layer, expert) in seen else size
                    seen.add((layer, expert))
                    weight = f"{PROBABILITIES[slot]:g}"
                    lines.append(f"0,{min(index, 1)},{step},{layer},{slot},{expert},{weight},{int(index > 0)},{loaded}")
    write("bigmoeonedge.route.csv", "\n".join(lines) + "\n")


def tensorrt_llm():
    tensors = {f"{step}_{layer}": counts(start, end)[layer] for step, (start, end) in enumerate(PASSES) for layer in range(LAYERS)}
    safetensors("trtllm_rank0.safetensors", tensors)
    write("trtllm_meta_info.json", json.dumps({"num_experts": EXPERTS, "num_experts_per_token": TOP_K}))


def recorder():
    about = {"prompt_tokens": str(PROMPT), "layers": str(list(range(LAYERS))), "num_experts": str(EXPERTS), "top_k": str(TOP_K), "model": MODEL}
    safetensors("recorder_int16.safetensors", {"routed_experts": IDS.astype(np.int16), "token_ids": np.array(TOKEN_IDS, np.int32)}, about)


def truth():
    shape = {"num_layers": LAYERS, "num_experts": EXPERTS, "top_k": TOP_K, "prompt_tokens": PROMPT, "decode_rows": DECODED}
    write("truth.json", compact({"model": MODEL, "first_row": int(ROWS[0]), **shape, "routed_experts": IDS.tolist()}) + "\n")


def manifest():
    """Size and SHA-256 of every sample, so that an edited one is noticed."""
    samples = {path.name: path.read_bytes() for path in sorted(HERE.iterdir()) if path.name not in ("make.py", "manifest.json")}
    entries = {name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in samples.items()}
    write("manifest.json", json.dumps(entries, indent=2) + "\n")
    print(f"{len(samples)} files, {sum(map(len, samples.values())):,} bytes")


for make in (vllm, sglang, llama_cpp, megatron, expertflow, moe_beyond, allenai, fingerprint, big_moe_on_edge, tensorrt_llm, recorder, truth):
    make()
write("moe_infinity_eam.npy", npy(counts(0, TOKENS).astype(np.float64)[np.newaxis]))
manifest()
