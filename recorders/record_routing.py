"""Records the routing of a Hugging Face MoE model while it generates, as a trace that moeprof reads.

    pip install torch transformers safetensors
    python record_routing.py MODEL OUT.safetensors --prompt "..." [--prompt "..."] [--tokens 256] [--candidates 32] [--look-ahead 3]
    moeprof run -t OUT.safetensors -m MODEL_PROFILE

Works with transformers 4.57 and 5. One prompt is one request; prompts run one after another, unpadded, so that every row is a real token.
What is recorded per token and MoE layer: the chosen experts in rank order, and their gate weights where the router hands them out.

How: experts that are one module (transformers 5, gpt-oss) are called with the chosen indices, which are recorded. Where experts are a list
(transformers 4), what the router returns is read: indices, or logits from which the family's own rule chooses (FAMILIES: scores, expert
bias, groups). Either way the first pass compares this with what the experts themselves were given: the indices, or the number of tokens of
each expert. Where they differ, or nothing shows what experts were given, recording stops; a family that is not listed is recorded if its
router returns indices and the first pass agrees.

With --candidates N the N most probable experts are recorded with their gate probabilities, the chosen ones first: what a token might have
chosen, for `moeprof run --rerank` and `--top-k`.

With --look-ahead N the routers of the next N MoE layers are asked early, each with the hidden state that this layer's router sees, as
Mixtral-offloading and others do. What they name is recorded (`predicted`, distances 1 to N), for `moeprof run --predictor gate`.
"""

import argparse
import inspect
import re

import torch

LAYER = re.compile(r"\blayers\.(\d+)\.")
ROUTER = re.compile(r"\.(gate|router)$")
EXPERTS = re.compile(r"\.experts$")

# How the router of a family chooses: the function of its logits, to which an expert bias is added where there is one (on the router or
# beside it), and groups where the configuration has several. Names are `model_type`s; the longest that begins the model's own counts.
# From modeling_*.py of transformers 4.57 and 5 and of inclusionAI/Ling (Bailing), read on 2026-12-01.
FAMILIES = {
    **dict.fromkeys(("mixtral", "qwen2_moe", "qwen3_moe", "qwen3_next", "olmoe", "gpt_oss", "granitemoe", "jetmoe", "gemma4"), "softmax"),
    **dict.fromkeys(("lfm2_moe", "nemotron_h", "bailing_moe", "afmoe", "deepseek_v3", "glm4_moe", "dots1", "kimi", "minimax_m2"), "sigmoid"),
    "deepseek_v4": "sqrtsoftplus",
}
SCORES = {
    "softmax": lambda logits: logits.softmax(-1),
    "sigmoid": torch.sigmoid,
    "sqrtsoftplus": lambda logits: torch.nn.functional.softplus(logits).sqrt(),
}
BIASES = ("expert_bias", "e_score_correction_bias")
TOP_K_NAMES = ("num_experts_per_tok", "top_k_experts", "num_experts_per_token", "moe_topk", "moe_k")
EXPERTS_NAMES = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")


def stated(config, names):
    """The first of some fields of a configuration that has a value; names differ between families."""
    found = next((getattr(config, name) for name in names if getattr(config, name, None)), None)
    if found is None:
        raise SystemExit(f"the configuration has none of {', '.join(names)}: is it a model with experts?")
    return found


class Family:
    """The rule by which the routers of a model choose, and the modules that it is about."""

    def __init__(self, model, model_type, top_k, experts, groups=1, top_groups=1):
        self.top_k, self.experts, self.groups, self.top_groups = top_k, experts, groups or 1, top_groups or 1
        self.model_type = model_type
        name = max((name for name in FAMILIES if model_type.startswith(name)), key=len, default=None)
        self.scores = None if name is None else SCORES[FAMILIES[name]]
        modules = {name: module for name, module in model.named_modules() if LAYER.search(name) and "shared" not in name}
        self.modules = modules
        # The linear layer inside a router is no router of its own.
        self.routers = {
            int(LAYER.search(name).group(1)): name
            for name in modules
            if ROUTER.search(name) and not any(ROUTER.search(other) and name.startswith(other + ".") for other in modules)
        }
        self.fused = {
            int(LAYER.search(name).group(1)): name
            for name, module in modules.items()
            if EXPERTS.search(name) and not isinstance(module, torch.nn.ModuleList)
        }

    def router(self, layer):
        return self.modules[self.routers[layer]]

    def bias(self, layer):
        """The expert bias of a layer: on its router, or on the block around it; None: there is none."""
        name = self.routers[layer]
        around = self.modules.get(name.rsplit(".", 1)[0])
        for module in (self.modules[name], around):
            for bias in BIASES:
                if getattr(module, bias, None) is not None:
                    return getattr(module, bias)
        return None

    def returned(self, output):
        """([tokens, k] indices, their weights or None) that a router returned; (None, None): it returned none."""
        values = output if isinstance(output, (tuple, list)) else [output]
        # Granite and JetMoe return integers, too, which sort tokens by expert.
        indices = integers([value for value in values if torch.is_tensor(value) and value.ndim > 1 and value.shape[-1] == self.top_k])
        return (None, None) if indices is None else (indices.reshape(-1, self.top_k), weights_beside(values, indices))

    def chosen(self, layer, output):
        """As `returned`, else what the rule of the family chooses from logits; (None, None): there are none, or the rule is not known."""
        indices, weights = self.returned(output)
        if indices is not None:
            return indices, weights
        values = output if isinstance(output, (tuple, list)) else [output]
        logits = next((v for v in values if torch.is_tensor(v) and v.is_floating_point() and v.shape[-1] == self.experts), None)
        if logits is None or self.scores is None:
            return None, None
        scores = self.scores(logits.float().reshape(-1, self.experts))
        bias = self.bias(layer)
        ranked = scores if bias is None else scores + bias.float()
        if self.groups > 1:
            parts = ranked.reshape(len(ranked), self.groups, -1)
            best = parts.topk(2, dim=-1).values.sum(-1).topk(self.top_groups, dim=-1).indices
            kept = torch.zeros_like(parts[..., 0]).scatter(1, best, 1).bool()
            ranked = parts.masked_fill(~kept[..., None], float("-inf")).reshape(len(ranked), -1)
        indices = ranked.topk(self.top_k, dim=-1).indices
        return indices, scores.gather(-1, indices)

    def ask(self, layer, hidden):
        """The choice of a router that is asked early, past its hooks; None: it takes more than a hidden state, as one that looks up token ids."""
        router = self.router(layer)
        parameter = next(router.parameters())
        hidden = hidden.to(parameter.device)
        wanted = inspect.signature(router.forward).parameters
        bias = {"expert_bias": self.bias(layer)} if "expert_bias" in wanted else {}
        needed = [p for p in wanted.values() if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        if len(needed) - len(bias) > 1:
            return None
        with torch.no_grad():
            return self.chosen(layer, router.forward(hidden, **bias))[0]


def integers(values):
    """The first integer tensor among some values, or None. Tuples differ in order between versions, types do not."""
    for value in values:
        if torch.is_tensor(value) and not value.is_floating_point() and value.dtype != torch.bool:
            return value
    return None


def weights_beside(values, indices):
    """The float tensor of the same shape as the indices (the gate weights), or None."""
    for value in values:
        if torch.is_tensor(value) and value.is_floating_point() and value.shape == indices.shape:
            return value
    return None


class Recorder:
    """Hooks a model and collects one [tokens, k] tensor per forward pass and MoE layer, each checked against the experts on the first pass."""

    def __init__(self, family):
        self.family = family
        self.indices = {}
        self.weights = {}
        # What each layer's router chose on its first pass, and what its experts were given: indices, or tokens of each expert.
        self.said, self.given, self.checked = {}, {}, set()
        for layer, name in family.routers.items():
            family.modules[name].register_forward_hook(self._router_returned(layer))
        for layer, name in family.fused.items():
            family.modules[name].register_forward_pre_hook(self._experts_called(layer), with_kwargs=True)
        for name, module in family.modules.items():
            layer, parent, last = int(LAYER.search(name).group(1)), *name.rpartition(".")[::2]
            if EXPERTS.search(parent) and last.isdigit() and layer not in family.fused:
                module.register_forward_pre_hook(self._expert_called(layer, int(last)))
            # Experts of Granite and JetMoe are two stacked matrices, called with the number of tokens of each.
            if last == "input_linear" and layer in family.routers:
                module.register_forward_pre_hook(self._counts_given(layer))

    def _put(self, layer, indices, weights):
        k = indices.shape[-1]
        self.indices.setdefault(layer, []).append(indices.reshape(-1, k).detach().to("cpu", torch.int16))
        if weights is not None:
            self.weights.setdefault(layer, []).append(weights.reshape(-1, k).detach().to("cpu", torch.float16))

    def _experts_called(self, layer):
        def hook(module, args, kwargs):
            values = list(args) + list(kwargs.values())
            indices = integers(values)
            if indices is None:
                return
            self._put(layer, indices, weights_beside(values, indices))
            self.given.setdefault(layer, indices.detach().reshape(-1, indices.shape[-1]).cpu())

        return hook

    def _expert_called(self, layer, expert):
        def hook(module, args):
            if layer not in self.checked:
                counts = self.given.setdefault(layer, torch.zeros(self.family.experts, dtype=torch.long))
                counts[expert] += args[0].reshape(-1, args[0].shape[-1]).shape[0]

        return hook

    def _counts_given(self, layer):
        def hook(module, args):
            if layer not in self.checked and len(args) > 1:
                self.given.setdefault(layer, torch.as_tensor(args[1]).long().cpu())

        return hook

    def _router_returned(self, layer):
        def hook(module, args, output):
            # The experts of the pass before have all been called by now.
            self._check(layer)
            fused = layer in self.family.fused
            indices, weights = self.family.returned(output) if fused else self.family.chosen(layer, output)
            if indices is not None:
                self.said.setdefault(layer, indices.detach().cpu())
            if fused:
                return
            if indices is None:
                kind = self.family.model_type
                raise SystemExit(f"the router of {kind} returns no indices, and how it chooses is not known here: use transformers 5")
            self._put(layer, indices, weights)

        return hook

    def _check(self, layer):
        """Compares the first pass of a layer with what its experts were given."""
        if layer in self.checked or (layer not in self.said and layer not in self.given):
            return
        self.checked.add(layer)
        said, given = self.said.get(layer), self.given.get(layer)
        if given is None:
            kind = self.family.model_type
            raise SystemExit(f"layer {layer}: nothing shows what the experts of {kind} were given, so that its router is not believed")
        if said is None:
            return
        if given.ndim == 1:
            same = torch.equal(torch.bincount(said.flatten().long(), minlength=self.family.experts), given)
        else:
            same = torch.equal(said.sort(-1).values.long(), given.sort(-1).values.long())
        if not same:
            raise SystemExit(f"layer {layer}: the experts of {self.family.model_type} were given other tokens than its router seems to choose")

    def take(self):
        """Returns ([tokens, layers, k] indices, the same of weights or None, layer numbers) and starts anew."""
        layers = sorted(self.indices)
        for layer in layers:
            self._check(layer)
        rows = {layer: torch.cat(self.indices[layer]) for layer in layers}
        counts = {len(part) for part in rows.values()}
        if len(counts) != 1:
            what = f"layers saw different numbers of tokens {sorted(counts)}"
            raise SystemExit(f"{what}: a fused kernel bypassed a hook; load the model with eager kernels")
        indices = torch.stack([rows[layer] for layer in layers], 1).contiguous()
        weights = None
        if self.weights.keys() == self.indices.keys():
            weights = torch.stack([torch.cat(self.weights[layer]) for layer in layers], 1).contiguous()
        self.indices, self.weights = {}, {}
        return indices, weights, layers


class Candidates:
    """Hooks the routers of a model and collects the probabilities of all experts, [tokens, experts] per forward pass and MoE layer."""

    def __init__(self, family):
        if any(family.bias(layer) is not None for layer in family.routers) or family.groups > 1:
            raise SystemExit(f"--candidates: the router of {family.model_type} chooses by more than its probabilities, which alone can be recorded")
        self.experts = family.experts
        self.rows = {}
        for layer, name in family.routers.items():
            family.modules[name].register_forward_hook(self._router_returned(layer))

    def _router_returned(self, layer):
        def hook(module, args, output):
            values = output if isinstance(output, (tuple, list)) else [output]
            scores = next((v for v in values if torch.is_tensor(v) and v.is_floating_point() and v.shape[-1] == self.experts), None)
            if scores is None:
                raise SystemExit("--candidates: the router hands out no score for every expert")
            scores = scores.float().reshape(-1, self.experts)
            # Some versions return logits, some what softmax makes of them.
            whole = bool((scores >= 0).all()) and torch.allclose(scores.sum(-1), torch.ones(len(scores), device=scores.device), atol=1e-2)
            self.rows.setdefault(layer, []).append((scores if whole else scores.softmax(-1)).detach().cpu())

        return hook

    def take(self, chosen, layers, count):
        """Returns ([tokens, layers, count] indices, the same of probabilities) of which the first ones are `chosen`, and starts anew."""
        if sorted(self.rows) != layers:
            raise SystemExit(f"--candidates: routers of layers {sorted(self.rows)} were seen, experts of layers {layers}")
        scores = torch.stack([torch.cat(self.rows[layer]) for layer in layers], 1)
        self.rows = {}
        weights, indices = scores.topk(count, dim=-1)
        k = chosen.shape[-1]
        same = (indices[..., :k].sort(-1).values == chosen.long().sort(-1).values).all(-1).float().mean().item()
        if same < 0.99:
            raise SystemExit(f"--candidates: only {same:.1%} of the choices are the most probable experts; this router chooses by something else")
        return indices.to(torch.int16), weights.to(torch.float16)


class LookAhead:
    """Hooks the routers of a model and asks those of the next layers with the hidden state that each of them is given."""

    def __init__(self, family, farthest):
        self.family = family
        self.top_k = family.top_k
        self.farthest = farthest
        self.order = sorted(family.routers)
        # [tokens, k] per forward pass, by layer that is spoken of and distance.
        self.rows = {}
        self.first = {}
        for place, layer in enumerate(self.order):
            family.router(layer).register_forward_pre_hook(self._router_called(place), with_kwargs=True)

    def _router_called(self, place):
        def hook(module, args, kwargs):
            values = list(args) + list(kwargs.values())
            hidden = next(value for value in values if torch.is_tensor(value) and value.is_floating_point())
            layer = self.order[place]
            if layer not in self.first:
                # What the rule makes of the router's own input, to be compared with its choice.
                self.first[layer] = self.family.ask(layer, hidden)
            for distance in range(1, self.farthest + 1):
                if place + distance >= len(self.order):
                    break
                target = self.order[place + distance]
                indices = self.family.ask(target, hidden)
                if indices is None:
                    indices = torch.full((hidden.reshape(-1, hidden.shape[-1]).shape[0], self.top_k), -1)
                self.rows.setdefault((target, distance), []).append(indices.detach().to("cpu", torch.int16))

        return hook

    def check(self, indices, layers):
        """Compares what routers say of their own input with what was recorded, on the first pass."""
        if all(said is None for said in self.first.values()):
            raise SystemExit(f"--look-ahead: the routers of {self.family.model_type} cannot be asked alone")
        for layer, said in self.first.items():
            if said is None:
                continue
            chosen = indices[: len(said), layers.index(layer)].long()
            if not torch.equal(said.cpu().long().sort(-1).values, chosen.sort(-1).values):
                kind = self.family.model_type
                raise SystemExit(f"--look-ahead: layer {layer}: the router of {kind} does not choose what it says when it is asked alone")

    def take(self, layers):
        """Returns [tokens, layers, distances x k], -1 where nothing foretells a layer, and starts anew."""
        if self.order != layers:
            raise SystemExit(f"--look-ahead: routers of layers {self.order} were seen, experts of layers {layers}")
        tokens = sum(len(part) for part in self.rows[self.order[-1], 1])
        predicted = torch.full((tokens, len(layers), self.farthest * self.top_k), -1, dtype=torch.int16)
        for (layer, distance), parts in self.rows.items():
            start = (distance - 1) * self.top_k
            predicted[:, layers.index(layer), start : start + self.top_k] = torch.cat(parts)
        self.rows = {}
        return predicted


def main():
    from safetensors.torch import save_file

    parser = argparse.ArgumentParser(description="Record the routing of a Hugging Face MoE model.")
    parser.add_argument("model", help="model id or folder")
    parser.add_argument("out", help="trace to write, .safetensors")
    parser.add_argument("--prompt", action="append", required=True, help="repeatable: one request each")
    parser.add_argument("--tokens", type=int, default=256, help="tokens to generate per request")
    parser.add_argument("--candidates", type=int, help="most probable experts to record per token and layer, with their probabilities")
    parser.add_argument("--look-ahead", type=int, help="layers ahead whose routers are asked early, with this layer's hidden state")
    options = parser.parse_args()

    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(options.model)
    model = AutoModelForCausalLM.from_pretrained(options.model, device_map="auto", torch_dtype="auto").eval()
    config = model.config.get_text_config()
    top_k, experts = stated(config, TOP_K_NAMES), stated(config, EXPERTS_NAMES)
    groups = [getattr(config, name, None) for name in ("n_group", "topk_group")]
    family = Family(model, config.model_type, top_k, experts, *groups)
    recorder = Recorder(family)
    if options.candidates is not None and not top_k <= options.candidates <= experts:
        raise SystemExit(f"--candidates {options.candidates}: take {top_k} to {experts}")
    if options.look_ahead is not None and options.look_ahead < 1:
        raise SystemExit(f"--look-ahead {options.look_ahead}: take 1 or more")
    look_ahead = None if options.look_ahead is None else LookAhead(family, options.look_ahead)
    candidates = None if options.candidates is None else Candidates(family)

    columns = {"experts": [], "weights": [], "predicted": [], "request_id": [], "position": [], "phase": [], "token_id": []}
    for request, prompt in enumerate(options.prompt):
        ids = tokenizer(prompt, return_tensors="pt").input_ids.to(model.device)
        with torch.no_grad():
            generated = model.generate(input_ids=ids, max_new_tokens=options.tokens, do_sample=False)
        indices, weights, layers = recorder.take()
        if look_ahead is not None and request == 0:
            look_ahead.check(indices, layers)
        if candidates is not None:
            indices, weights = candidates.take(indices, layers, options.candidates)
        tokens = generated.shape[1] - 1  # the last sampled token is never forwarded
        if indices.shape[0] != tokens:
            raise SystemExit(f"recorded {indices.shape[0]} rows for {tokens} tokens: the run was padded, batched or assisted")
        prompt_tokens = ids.shape[1]
        columns["experts"].append(indices)
        columns["weights"].append(weights)
        columns["predicted"].append(None if look_ahead is None else look_ahead.take(layers))
        columns["request_id"].append(torch.full((tokens,), request, dtype=torch.int32))
        columns["position"].append(torch.arange(tokens, dtype=torch.int32))
        columns["phase"].append((torch.arange(tokens) >= prompt_tokens).to(torch.uint8))
        columns["token_id"].append(generated[0, :-1].to("cpu", torch.int32))

    for name in ("weights", "predicted"):
        if any(part is None for part in columns[name]):
            del columns[name]
    metadata = {
        "format": "moeprof.trace/1",
        "model": options.model,
        "num_layers": str(columns["experts"][0].shape[1]),
        "num_experts": str(experts),
        "top_k": str(options.candidates or top_k),
        "layers": ",".join(map(str, layers)),
        "source": "record_routing.py, greedy decoding, batch 1",
    }
    if look_ahead is not None:
        metadata["predicted_ahead"] = str(list(range(1, options.look_ahead + 1)))
    save_file({name: torch.cat(parts).contiguous() for name, parts in columns.items()}, options.out, metadata=metadata)
    print(f"{options.out}: {sum(len(part) for part in columns['experts'])} tokens of {len(options.prompt)} requests")


if __name__ == "__main__":
    main()
