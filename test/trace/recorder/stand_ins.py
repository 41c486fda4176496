"""Tests of record_routing.py on small stand-ins for the modules of transformers; needs torch, and nothing else.

    PYTHONPATH=recorders python test/trace/recorder/stand_ins.py

Two contracts of routers: logits alone (transformers 4, experts are a list), and logits, scores and indices beside fused experts
(transformers 5). The truth is computed by hand from the same weights.
"""

import torch
from record_routing import LookAhead, Recorder

TOKENS, HIDDEN, EXPERTS, TOP_K, LAYERS = 7, 6, 8, 2, 4


class LogitsRouter(torch.nn.Linear):
    """transformers 4: logits."""

    def __init__(self):
        super().__init__(HIDDEN, EXPERTS, bias=False)


class IndicesRouter(LogitsRouter):
    """transformers 5: logits, scores, indices."""

    def forward(self, hidden):
        logits = super().forward(hidden)
        scores, indices = logits.softmax(-1).topk(TOP_K, dim=-1)
        return logits, scores, indices


class Fused(torch.nn.Module):
    def forward(self, hidden, indices, weights):
        return hidden + weights.sum(-1, keepdim=True)


class Block(torch.nn.Module):
    def __init__(self, fused):
        super().__init__()
        self.gate = IndicesRouter() if fused else LogitsRouter()
        self.experts = Fused() if fused else torch.nn.ModuleList([torch.nn.Identity()])

    def forward(self, hidden):
        output = self.gate(hidden)
        if isinstance(self.experts, Fused):
            _, scores, indices = output
            return self.experts(hidden, indices, scores)
        return hidden + output.softmax(-1).max(-1, keepdim=True).values


class Layer(torch.nn.Module):
    def __init__(self, fused):
        super().__init__()
        self.mlp = Block(fused)

    def forward(self, hidden):
        return self.mlp(torch.tanh(hidden))


class Model(torch.nn.Module):
    """Layer 0 is dense, as in many models: layers with experts are numbered from 1."""

    def __init__(self, fused):
        super().__init__()
        dense = torch.nn.Identity()
        self.layers = torch.nn.ModuleList([dense, *(Layer(fused) for _ in range(LAYERS))])

    def forward(self, hidden):
        seen = []
        for layer in list(self.layers)[1:]:
            seen.append(torch.tanh(hidden))
            hidden = layer(hidden)
        return seen


def by_hand(model, seen, layer, distance):
    """What the router of a layer says of the hidden state so many layers before it; layers counted from the first with experts."""
    router = model.layers[1 + layer].mlp.gate
    return (seen[layer - distance] @ router.weight.T).topk(TOP_K, dim=-1).indices


def check(fused):
    torch.manual_seed(1)
    model = Model(fused).eval()
    recorder = Recorder(model, TOP_K, "mixtral")
    look_ahead = LookAhead(model, TOP_K, "mixtral", 3)
    hidden = torch.randn(TOKENS, HIDDEN)
    with torch.no_grad():
        # A prompt and two tokens, as generation calls the model.
        parts = [model(hidden[:5]), model(hidden[5:6]), model(hidden[6:])]
    seen = [torch.cat([part[layer] for part in parts]) for layer in range(LAYERS)]
    indices, _, layers = recorder.take()
    predicted = look_ahead.take(layers)
    assert layers == [1, 2, 3, 4], layers
    assert indices.shape == (TOKENS, LAYERS, TOP_K), indices.shape
    assert predicted.shape == (TOKENS, LAYERS, 3 * TOP_K), predicted.shape
    for layer in range(LAYERS):
        assert (indices[:, layer] == by_hand(model, seen, layer, 0)).all(), "asking early changed what was recorded"
        for distance in (1, 2, 3):
            said = predicted[:, layer, (distance - 1) * TOP_K : distance * TOP_K]
            if distance > layer:
                assert (said == -1).all(), (layer, distance)
            else:
                assert (said == by_hand(model, seen, layer, distance)).all(), (layer, distance)


def check_refusal():
    try:
        LookAhead(Model(False), TOP_K, "deepseek_v3", 1)
    except SystemExit as refusal:
        assert "--look-ahead" in str(refusal)
    else:
        raise AssertionError("a router with biases was asked alone")


check(fused=False)
check(fused=True)
check_refusal()
print("record_routing: ok")
