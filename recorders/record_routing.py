"""Records the routing of a Hugging Face MoE model while it generates, as a trace that moeprof reads.

    pip install torch transformers safetensors
    python record_routing.py MODEL OUT.safetensors --prompt "..." [--prompt "..."] [--tokens 256] [--candidates 32] [--look-ahead 3]
    moeprof run -t OUT.safetensors -m MODEL_PROFILE

Works with transformers 4.4x to 5.x. One prompt is one request; prompts run one after another, unpadded, so that every row is a real
token. What is recorded per token and MoE layer: the chosen experts in rank order, and their gate weights where the router hands them out.

How: a module whose name ends in `.experts` and that is one fused module is called with the chosen indices (transformers 5, gpt-oss), so
its inputs tell the truth whatever the router does. Where experts are a list (transformers 4), the router's output is read: integer
indices if it returns them (DeepSeek), else the top-k of its logits, which is right for plain softmax routers only. A router with biases or
groups that returns no indices is refused rather than recorded wrongly.

With --candidates N the N most probable experts are recorded with their gate probabilities, the chosen ones first: what a token might have
chosen, for `moeprof run --rerank` and `--top-k`.

With --look-ahead N the routers of the next N MoE layers are asked early, each with the hidden state that this layer's router sees, as
Mixtral-offloading and others do. What they name is recorded (`predicted`, distances 1 to N), for `moeprof run --predictor gate`.
"""

import argparse
import re

import torch

LAYER = re.compile(r"\blayers\.(\d+)\.")
ROUTER = re.compile(r"\.(gate|router)$")
EXPERTS = re.compile(r"\.experts$")
# Families whose choice is not the top-k of the router's logits: a correction bias or groups come between.
BIASED = ("deepseek_v3", "glm4_moe", "kimi", "ernie4_5_moe", "dots1", "longcat", "minimax_m2")


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
    """Hooks a model and collects one [tokens, k] tensor per forward pass and MoE layer."""

    def __init__(self, model, top_k, model_type):
        self.top_k = top_k
        self.indices = {}
        self.weights = {}
        modules = [(name, module) for name, module in model.named_modules() if LAYER.search(name) and "shared" not in name]
        fused = {name for name, module in modules if EXPERTS.search(name) and not isinstance(module, torch.nn.ModuleList)}
        for name, module in modules:
            layer = int(LAYER.search(name).group(1))
            if name in fused:
                module.register_forward_pre_hook(self._experts_called(layer), with_kwargs=True)
            elif ROUTER.search(name) and name.rsplit(".", 1)[0] + ".experts" not in fused:
                module.register_forward_hook(self._router_returned(layer, model_type))

    def _put(self, layer, indices, weights):
        k = indices.shape[-1]
        self.indices.setdefault(layer, []).append(indices.reshape(-1, k).detach().to("cpu", torch.int16))
        if weights is not None:
            self.weights.setdefault(layer, []).append(weights.reshape(-1, k).detach().to("cpu", torch.float16))

    def _experts_called(self, layer):
        def hook(module, args, kwargs):
            values = list(args) + list(kwargs.values())
            indices = integers(values)
            if indices is not None:
                self._put(layer, indices, weights_beside(values, indices))

        return hook

    def _router_returned(self, layer, model_type):
        def hook(module, args, output):
            values = output if isinstance(output, (tuple, list)) else [output]
            indices = integers(values)
            if indices is not None:
                self._put(layer, indices, weights_beside(values, indices))
                return
            if any(name in model_type for name in BIASED):
                raise SystemExit(f"the router of {model_type} returns logits only, and its choice is not their top-k: use transformers 5")
            weights, indices = values[0].float().softmax(-1).topk(self.top_k, dim=-1)
            self._put(layer, indices, weights)

        return hook

    def take(self):
        """Returns ([tokens, layers, k] indices, the same of weights or None, layer numbers) and starts anew."""
        layers = sorted(self.indices)
        rows = {layer: torch.cat(self.indices[layer]) for layer in layers}
        counts = {len(part) for part in rows.values()}
        if len(counts) != 1:
            raise SystemExit(f"layers saw different numbers of tokens {sorted(counts)}: a fused kernel bypassed a hook; load the model with eager kernels")
        indices = torch.stack([rows[layer] for layer in layers], 1).contiguous()
        weights = None
        if self.weights.keys() == self.indices.keys():
            weights = torch.stack([torch.cat(self.weights[layer]) for layer in layers], 1).contiguous()
        self.indices, self.weights = {}, {}
        return indices, weights, layers


class Candidates:
    """Hooks the routers of a model and collects the probabilities of all experts, [tokens, experts] per forward pass and MoE layer."""

    def __init__(self, model, experts, model_type):
        if any(name in model_type for name in BIASED):
            raise SystemExit(f"--candidates: the router of {model_type} chooses by more than its probabilities, which alone can be recorded")
        self.experts = experts
        self.rows = {}
        for name, module in model.named_modules():
            if LAYER.search(name) and ROUTER.search(name) and "shared" not in name:
                module.register_forward_hook(self._router_returned(int(LAYER.search(name).group(1))))

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

    def __init__(self, model, top_k, model_type, farthest):
        if any(name in model_type for name in BIASED):
            raise SystemExit(f"--look-ahead: the router of {model_type} chooses by more than its logits, so that it cannot be asked alone")
        self.top_k = top_k
        self.farthest = farthest
        self.routers = {}
        for name, module in model.named_modules():
            if LAYER.search(name) and ROUTER.search(name) and "shared" not in name:
                self.routers[int(LAYER.search(name).group(1))] = module
        self.order = sorted(self.routers)
        # [tokens, k] per forward pass, by layer that is spoken of and distance.
        self.rows = {}
        for place, layer in enumerate(self.order):
            self.routers[layer].register_forward_pre_hook(self._router_called(place), with_kwargs=True)

    def _router_called(self, place):
        def hook(module, args, kwargs):
            values = list(args) + list(kwargs.values())
            hidden = next(value for value in values if torch.is_tensor(value) and value.is_floating_point())
            for distance in range(1, self.farthest + 1):
                if place + distance >= len(self.order):
                    break
                target = self.order[place + distance]
                router = self.routers[target]
                # Called past its hooks, so that nobody takes this for the routing itself; layers may lie on different devices.
                parameter = next(router.parameters())
                with torch.no_grad():
                    output = router.forward(hidden.to(parameter.device))
                self.rows.setdefault((target, distance), []).append(self._named(output))

        return hook

    def _named(self, output):
        """The experts that a router names, best first."""
        values = output if isinstance(output, (tuple, list)) else [output]
        indices = integers(values)
        if indices is None:
            indices = values[0].float().topk(self.top_k, dim=-1).indices
        return indices.reshape(-1, indices.shape[-1])[:, : self.top_k].detach().to("cpu", torch.int16)

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
    top_k = config.num_experts_per_tok
    experts = next(getattr(config, name) for name in ("num_experts", "num_local_experts", "n_routed_experts") if getattr(config, name, None))
    recorder = Recorder(model, top_k, config.model_type)
    if options.candidates is not None and not top_k <= options.candidates <= experts:
        raise SystemExit(f"--candidates {options.candidates}: take {top_k} to {experts}")
    if options.look_ahead is not None and options.look_ahead < 1:
        raise SystemExit(f"--look-ahead {options.look_ahead}: take 1 or more")
    look_ahead = None if options.look_ahead is None else LookAhead(model, top_k, config.model_type, options.look_ahead)
    candidates = None if options.candidates is None else Candidates(model, experts, config.model_type)

    columns = {"experts": [], "weights": [], "predicted": [], "request_id": [], "position": [], "phase": [], "token_id": []}
    for request, prompt in enumerate(options.prompt):
        ids = tokenizer(prompt, return_tensors="pt").input_ids.to(model.device)
        with torch.no_grad():
            generated = model.generate(input_ids=ids, max_new_tokens=options.tokens, do_sample=False)
        indices, weights, layers = recorder.take()
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
