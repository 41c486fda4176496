"""Tests of record_routing.py on small stand-ins for the modules of transformers; needs torch, and nothing else.

    PYTHONPATH=recorders python test/trace/recorder/stand_ins.py

Each stand-in has the contract of one family: what its router is given and returns, where its expert bias stands, and how its experts are called. The
truth is what the stand-in's own experts compute with, written down by the stand-in itself.
"""

from types import SimpleNamespace

import torch
from record_routing import EXPERTS_NAMES, TOP_K_NAMES, Candidates, Family, LookAhead, Recorder, stated

TOKENS, HIDDEN, EXPERTS, TOP_K, LAYERS = 7, 6, 8, 2, 4


class Linear(torch.nn.Linear):
    """Logits alone: Mixtral, Qwen, OLMoE and LFM2 of transformers 4."""

    def __init__(self):
        super().__init__(HIDDEN, EXPERTS, bias=False)


class Triple(Linear):
    """Logits, scores, indices: transformers 5."""

    def forward(self, hidden):
        logits = super().forward(hidden)
        scores, indices = logits.softmax(-1).topk(TOP_K, dim=-1)
        return logits, scores, indices


class Biased(Linear):
    """Indices, weights and logits, by sigmoid and an expert bias of its own: Bailing, DeepSeek-V3 and Nemotron-H of transformers 4."""

    def __init__(self):
        super().__init__()
        self.register_buffer("e_score_correction_bias", torch.randn(EXPERTS))

    def forward(self, hidden):
        logits = super().forward(hidden)
        scores = logits.sigmoid()
        indices = (scores + self.e_score_correction_bias).topk(TOP_K, dim=-1).indices
        return indices, scores.gather(-1, indices), logits


class Inner(torch.nn.Module):
    """AFMoE: a linear layer inside, and a bias that it is handed."""

    def __init__(self):
        super().__init__()
        self.gate = Linear()

    def forward(self, hidden, expert_bias):
        scores = self.gate(hidden.reshape(-1, hidden.shape[-1])).sigmoid()
        indices = (scores + expert_bias).topk(TOP_K, dim=-1).indices
        return scores.gather(-1, indices), indices


class Sorting(torch.nn.Module):
    """Granite: tokens sorted by expert, their batch index, gates and counts, and logits."""

    def __init__(self):
        super().__init__()
        self.layer = Linear()

    def forward(self, hidden):
        logits = self.layer(hidden)
        gates, indices = logits.topk(TOP_K, dim=-1)
        order = indices.flatten().argsort()
        counts = torch.bincount(indices.flatten(), minlength=EXPERTS).tolist()
        return order, order // TOP_K, gates.softmax(-1).flatten()[order], counts, logits


class Hashed(Triple):
    """The first layers of DeepSeek-V4: experts by token id."""

    def forward(self, hidden, input_ids):
        logits = Linear.forward(self, hidden)
        indices = torch.stack([input_ids % EXPERTS, (input_ids + 3) % EXPERTS], -1)
        return logits, logits.gather(-1, indices), indices


class Fused(torch.nn.Module):
    def forward(self, hidden, indices, weights):
        return hidden + weights.sum(-1, keepdim=True)


class One(torch.nn.Module):
    def forward(self, hidden):
        return hidden


class Stacked(torch.nn.Module):
    def forward(self, inputs, counts):
        return inputs


class Block(torch.nn.Module):
    """A MoE block of a family. What its experts are called with is kept in `truth`."""

    def __init__(self, router, fused, bias, name):
        super().__init__()
        self.name, self.fused = name, fused
        setattr(self, name, router())
        if router is Sorting:
            self.input_linear = Stacked()
        else:
            self.experts = Fused() if fused else torch.nn.ModuleList([One() for _ in range(EXPERTS)])
        self.expert_bias = torch.randn(EXPERTS) if bias else None
        self.truth = []
        # What nobody could know of.
        self.secret = 0

    def forward(self, hidden, ids):
        router = getattr(self, self.name)
        if isinstance(router, Inner):
            _, indices = router(hidden[None], self.expert_bias)
        elif isinstance(router, Hashed):
            _, _, indices = router(hidden, ids)
        elif isinstance(router, Triple):
            _, _, indices = router(hidden)
        elif isinstance(router, Biased):
            indices, _, _ = router(hidden)
        elif isinstance(router, Sorting):
            *_, counts, logits = router(hidden)
            indices = logits.topk(TOP_K, dim=-1).indices
            self.input_linear(hidden, counts)
        else:
            scores = router(hidden).softmax(-1) if self.expert_bias is None else router(hidden).sigmoid() + self.expert_bias
            indices = (scores + self.secret).topk(TOP_K, dim=-1).indices
        self.truth.append(indices)
        if self.fused:
            return self.experts(hidden, indices, torch.ones(indices.shape))
        for expert in indices.unique().tolist() if not isinstance(router, Sorting) else []:
            self.experts[expert](hidden[(indices == expert).any(-1)])
        return hidden + indices.float().mean(-1, keepdim=True)


class Layer(torch.nn.Module):
    def __init__(self, block):
        super().__init__()
        self.mlp = block

    def forward(self, hidden, ids):
        return self.mlp(torch.tanh(hidden), ids)


class Model(torch.nn.Module):
    """Layer 0 is dense, as in many models: layers with experts are numbered from 1."""

    def __init__(self, router, fused=False, bias=False, name="gate", first=None):
        super().__init__()
        blocks = [Block(first if place == 0 and first else router, fused, bias, name) for place in range(LAYERS)]
        self.layers = torch.nn.ModuleList([torch.nn.Identity(), *map(Layer, blocks)])

    def forward(self, hidden, ids):
        for layer in list(self.layers)[1:]:
            hidden = layer(hidden, ids)

    def truth(self):
        return torch.stack([torch.cat(layer.mlp.truth) for layer in list(self.layers)[1:]], 1)


def passes(model):
    """A prompt and two tokens, as generation calls the model."""
    hidden, ids = torch.randn(TOKENS, HIDDEN), torch.arange(TOKENS)
    with torch.no_grad():
        for part in (slice(0, 5), slice(5, 6), slice(6, 7)):
            model(hidden[part], ids[part])


def same(one, other):
    return torch.equal(one.long().sort(-1).values, other.long().sort(-1).values)


def check(kind, model, unasked=0):
    """The recorded choices are those of the experts, and asking early changes none of them."""
    model = model.eval()
    family = Family(model, kind, TOP_K, EXPERTS)
    recorder, look_ahead = Recorder(family), LookAhead(family, 3)
    passes(model)
    indices, _, layers = recorder.take()
    look_ahead.check(indices, layers)
    predicted = look_ahead.take(layers)
    assert layers == [1, 2, 3, 4], (kind, layers)
    assert indices.shape == (TOKENS, LAYERS, TOP_K), (kind, indices.shape)
    assert same(indices, model.truth()), kind
    assert predicted.shape == (TOKENS, LAYERS, 3 * TOP_K), (kind, predicted.shape)
    for layer in range(LAYERS):
        for distance in (1, 2, 3):
            said = predicted[:, layer, (distance - 1) * TOP_K : distance * TOP_K]
            known = distance <= layer and layer >= unasked
            assert ((said >= 0) == known).all(), (kind, layer, distance)


def check_look_ahead():
    """What a gate says early is its own rule on the hidden state of the layer before: by hand, with a bias."""
    model = Model(Linear, bias=True).eval()
    seen = []
    for layer in list(model.layers)[1:]:
        layer.mlp.gate.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    family = Family(model, "lfm2_moe", TOP_K, EXPERTS)
    recorder, look_ahead = Recorder(family), LookAhead(family, 1)
    passes(model)
    _, _, layers = recorder.take()
    predicted = look_ahead.take(layers)
    for layer in range(1, LAYERS):
        block = model.layers[1 + layer].mlp
        hidden = torch.cat([seen[at] for at in range(layer - 1, len(seen), LAYERS)])
        by_hand = ((hidden @ block.gate.weight.T).sigmoid() + block.expert_bias).topk(TOP_K, dim=-1).indices
        assert same(predicted[:, layer], by_hand), layer


def refused(work, word):
    try:
        work()
    except SystemExit as refusal:
        assert word in str(refusal), refusal
    else:
        raise AssertionError(f"not refused: {word}")


def recorded(kind, model):
    recorder = Recorder(Family(model.eval(), kind, TOP_K, EXPERTS))
    passes(model)
    recorder.take()


torch.manual_seed(1)
check("mixtral", Model(Linear))
check("qwen3_moe", Model(Triple, fused=True))
check("gemma4_text", Model(Triple, fused=True, name="router"))
check("lfm2_moe", Model(Linear, bias=True))
check("bailing_moe_v2", Model(Biased))
check("nemotron_h", Model(Biased, fused=True))
check("afmoe", Model(Inner, bias=True, name="router"))
check("granitemoehybrid", Model(Sorting, name="router"))
check("deepseek_v4", Model(Triple, fused=True, first=Hashed), unasked=1)
check("a_family_of_its_own", Model(Biased))
check_look_ahead()
# A rule that is not the family's, a router that is not known, and experts that nobody sees.
secretive = Model(Linear)
for layer in list(secretive.layers)[1:]:
    layer.mlp.secret = torch.arange(EXPERTS)
refused(lambda: recorded("mixtral", secretive), "were given other tokens than its router seems to choose")
refused(lambda: recorded("a_family_of_its_own", Model(Linear)), "how it chooses is not known here")
blind = Model(Triple)
for layer in list(blind.layers)[1:]:
    layer.mlp.experts = torch.nn.ModuleList([])
    layer.mlp.forward = lambda hidden, ids, block=layer.mlp: block.gate(hidden)[0].mean(-1, keepdim=True) + hidden
refused(lambda: recorded("qwen3_moe", blind), "nothing shows what the experts")
refused(lambda: Candidates(Family(Model(Linear, bias=True), "lfm2_moe", TOP_K, EXPERTS)), "--candidates")
# Gemma 4 has other names for its sizes.
gemma = SimpleNamespace(top_k_experts=TOP_K, num_experts=EXPERTS, num_experts_per_tok=None)
assert [stated(gemma, TOP_K_NAMES), stated(gemma, EXPERTS_NAMES)] == [TOP_K, EXPERTS]
refused(lambda: stated(SimpleNamespace(), EXPERTS_NAMES), "is it a model with experts?")
print("record_routing: ok")
