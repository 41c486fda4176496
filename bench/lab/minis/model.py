"""Two small Mixture-of-Experts language models whose graphs are those that llama.cpp builds, so that their weights run there as they are.

`mini-mixtral-8x8l` is of its architecture `llama` (gates renormalised over the chosen, rotation of neighbouring dimensions), `mini-finegrained-64x12l` of
`olmoe` (gates as they are, keys and queries normalised, rotation of halves). https://github.com/ggml-org/llama.cpp/tree/master/src/models (2026-09)
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

EPSILON = 1e-5
ROTATION_BASE = 10_000.0


@dataclass(frozen=True)
class Shape:
    """name, llama.cpp's architecture, layers, experts, experts a token, width, width of an expert, heads, vocabulary, whether gates are renormalised."""

    name: str
    architecture: str
    layers: int
    experts: int
    chosen: int
    width: int
    expert_width: int
    heads: int
    vocabulary: int
    renormalised: bool


SHAPES = {
    shape.name: shape
    for shape in (
        Shape("mini-mixtral-8x8l", "llama", 8, 8, 2, 256, 512, 4, 8192, True),
        Shape("mini-finegrained-64x12l", "olmoe", 12, 64, 6, 192, 96, 3, 8192, False),
    )
}


def rms(x, scale):
    return F.rms_norm(x, (x.shape[-1],), scale, EPSILON)


class Block(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        d, f, e = shape.width, shape.expert_width, shape.experts
        one, matrix = lambda n: nn.Parameter(torch.ones(n)), lambda *size: nn.Parameter(torch.randn(*size) * size[-1] ** -0.5)
        self.attn_norm, self.ffn_norm = one(d), one(d)
        self.q, self.k, self.v, self.o = (matrix(d, d) for _ in range(4))
        if shape.architecture == "olmoe":
            self.q_norm, self.k_norm = one(d), one(d)
        self.router = nn.Parameter(torch.randn(e, d) * 0.02)
        self.gate, self.up, self.down = matrix(e, f, d), matrix(e, f, d), matrix(e, d, f)

    def rotate(self, x, turn):
        cos, sin = turn
        if self.shape.architecture == "olmoe":
            a, b = x.chunk(2, -1)
            return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)
        a, b = x[..., 0::2], x[..., 1::2]
        return torch.stack([a * cos - b * sin, b * cos + a * sin], -1).flatten(-2)

    def attention(self, x, turn):
        batch, length, d = x.shape
        q, k, v = F.linear(x, self.q), F.linear(x, self.k), F.linear(x, self.v)
        if self.shape.architecture == "olmoe":
            q, k = rms(q, self.q_norm), rms(k, self.k_norm)
        q, k, v = (t.view(batch, length, self.shape.heads, -1).transpose(1, 2) for t in (q, k, v))
        scores = self.rotate(q, turn) @ self.rotate(k, turn).transpose(-1, -2) * q.shape[-1] ** -0.5
        # Written out: two to five times as fast on a CPU as the fused operation of PyTorch 2.6.
        out = (scores + torch.full((length, length), -torch.inf).triu(1)).softmax(-1).to(v.dtype) @ v
        return F.linear(out.transpose(1, 2).reshape(batch, length, d), self.o)

    def route(self, x):
        """(probabilities [T, experts], gates [T, chosen], ids [T, chosen] by falling gate) of tokens x [T, width]."""
        with torch.autocast("cpu", enabled=False):
            probabilities = F.linear(x.float(), self.router).softmax(-1)
        gates, ids = probabilities.topk(self.shape.chosen, -1)
        return probabilities, gates / gates.sum(-1, keepdim=True) if self.shape.renormalised else gates, ids

    def mixture(self, x, gates, ids):
        """Sum of the chosen experts' outputs times their gates, [T, width]; rows of one expert are multiplied together."""
        order = ids.flatten().argsort(stable=True)
        counts = ids.flatten().bincount(minlength=self.shape.experts).tolist()
        parts = zip(x[order // self.shape.chosen].split(counts), self.gate.unbind(), self.up.unbind(), self.down.unbind())
        done = torch.cat([F.linear(F.silu(F.linear(rows, gate)) * F.linear(rows, up), down) for rows, gate, up, down in parts])
        return torch.zeros_like(x).index_add(0, order // self.shape.chosen, (done * gates.flatten()[order, None]).to(x.dtype))

    def forward(self, x, turn):
        """(x after the layer, router's probabilities, gates and ids), tokens flattened in the last three."""
        x = x + self.attention(rms(x, self.attn_norm), turn)
        h = rms(x, self.ffn_norm).flatten(0, 1)
        probabilities, gates, ids = self.route(h)
        return x + self.mixture(h, gates, ids).view_as(x), probabilities, gates, ids


class Model(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.embedding = nn.Parameter(torch.randn(shape.vocabulary, shape.width) * 0.02)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.Parameter(torch.ones(shape.width))

    def forward(self, tokens):
        """(logits [B, T, vocabulary], per layer (probabilities, gates, ids)) of token ids [B, T]; the output matrix is the embedding's."""
        half = self.shape.width // self.shape.heads // 2
        angles = torch.outer(torch.arange(tokens.shape[1]).float(), ROTATION_BASE ** (-torch.arange(half).float() / half))
        turn = angles.cos(), angles.sin()
        x, routed = F.embedding(tokens, self.embedding), []
        for block in self.blocks:
            x, *route = block(x, turn)
            routed.append(route)
        return F.linear(rms(x, self.norm), self.embedding), routed


def balance(routed, experts):
    """What uneven use of experts costs in training: experts x the sum of (share of tokens x mean probability), mean over layers (arXiv 2101.03961)."""
    costs = []
    for probabilities, _, ids in routed:
        share = ids.flatten().bincount(minlength=experts).float() / ids.numel()
        costs.append(experts * (share * probabilities.mean(0)).sum())
    return torch.stack(costs).mean()
