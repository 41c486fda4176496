"""Trains the minis: python3 bench/lab/minis/train.py [--out .lab/minis] [--model NAME] [--tokens 1000000]

Writes NAME.gguf (F32, for an unmodified llama.cpp), NAME.test.jsonl (prompts of documents that were not trained on, by domain) and prints the loss on them.
Needs python3-torch, python3-numpy and libopenblas0-pthread (without it products are twenty times as slow), and no network.
"""

import argparse
import json
import math
import time
from pathlib import Path

import torch
from torch.nn import functional as F

import gguf
import text
import tokenizer as tokens_of
from model import SHAPES, Model, balance

LENGTH, BATCH = 256, 16
RATE, WARM_STEPS, BALANCE = 2e-3, 40, 0.01
CONTEXT = 2048
LEAST_TEXT = 8_000_000
TEST_DOCUMENTS = 40
SEED = 7


def stream(documents, tokenizer, most):
    """One row of token ids of all documents in their order, each begun by <s>, up to `most`."""
    ids = []
    for _, document in documents:
        ids.append(tokens_of.BEGIN)
        ids.extend(tokenizer.encode(document))
        if len(ids) >= most:
            break
    return torch.tensor(ids[:most])


def loss_of(model, rows):
    logits, routed = model(rows[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1).float(), rows[:, 1:].flatten()), routed


def train(shape, learnt, held, steps):
    torch.manual_seed(SEED)
    model = Model(shape)
    matrices = [p for p in model.parameters() if p.ndim > 1]
    scales = [p for p in model.parameters() if p.ndim == 1]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1}, {"params": scales, "weight_decay": 0.0}], lr=RATE, betas=(0.9, 0.95))
    rate = lambda step: min(1.0, (step + 1) / WARM_STEPS) * (0.1 + 0.45 * (1 + math.cos(math.pi * step / steps)))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    rows = learnt[: len(learnt) // (LENGTH + 1) * (LENGTH + 1)].view(-1, LENGTH + 1)
    order = torch.randperm(steps * BATCH) % len(rows)
    began = time.monotonic()
    for step in range(steps):
        with torch.autocast("cpu", torch.bfloat16):
            loss, routed = loss_of(model, rows[order[step * BATCH : (step + 1) * BATCH]])
        optimizer.zero_grad(set_to_none=True)
        (loss + BALANCE * balance(routed, shape.experts)).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 20 == 19 or step == steps - 1:
            print(f"{shape.name}: step {step + 1} of {steps}, loss {loss.item():.3f}, {time.monotonic() - began:.0f} s", flush=True)
    model.eval()
    with torch.no_grad():
        kept = held[: len(held) // (LENGTH + 1) * (LENGTH + 1)].view(-1, LENGTH + 1)[:64]
        print(f"{shape.name}: loss {loss_of(model, kept)[0].item():.3f} on documents that were not trained on ({math.log(shape.vocabulary):.3f} knows nothing)")
    return model


def main():
    parser = argparse.ArgumentParser(description="Trains two small Mixture-of-Experts models and writes them as GGUF.")
    parser.add_argument("--out", type=Path, default=Path(".lab/minis"))
    parser.add_argument("--model", choices=sorted(SHAPES), action="append")
    parser.add_argument("--tokens", type=int, default=1_000_000, help="tokens to train on, of each model")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    learnt_text, held_text = text.corpus(max(LEAST_TEXT, 4 * asked.tokens), SEED)
    vocabulary = SHAPES["mini-mixtral-8x8l"].vocabulary
    tokenizer = tokens_of.train([document for _, document in learnt_text], vocabulary)
    learnt, held = stream(learnt_text, tokenizer, asked.tokens), stream(held_text, tokenizer, 40_000)
    print(f"{len(learnt_text)} documents, {len(learnt)} tokens to train on", flush=True)
    prompts = [json.dumps({"prompt": document[:2000], "domain": domain}) for domain, document in held_text[:: max(1, len(held_text) // TEST_DOCUMENTS)]]
    for name in asked.model or sorted(SHAPES):
        model = train(SHAPES[name], learnt, held, max(1, asked.tokens // (LENGTH * BATCH)))
        gguf.write(asked.out / f"{name}.gguf", model, tokenizer, CONTEXT)
        (asked.out / f"{name}.test.jsonl").write_text("\n".join(prompts) + "\n")


if __name__ == "__main__":
    main()
