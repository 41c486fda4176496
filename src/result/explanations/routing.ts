// The metrics of routing variants, cache-aware routing and whole models as experts.
import type { Topic } from './topic.js';

/** Families of metrics that only some runs have. */
export const ROUTING_TOPICS: readonly Topic[] = [
  {
    names: ['variant.*'],
    what: 'What routing variants (--variant, --top-k) made of the trace: experts per token and layer that are left (the true k), the activations and operations of routed experts that this saves against the model’s own top-k, and the share of choices that the token had not made before. Counted over the rows of the trace that the run may walk.',
    reading:
      'Savings in operations matter where the GPU computes for long, those in transfers where it waits: compare cache.misses and transfer.h2d.bytes_per_token with a run without the variant. Top-p and null experts change no choice, they leave some out; random and hash routing change nearly all. What fewer or other experts cost in quality no routing trace can tell.',
  },
  {
    names: ['rerank.*'],
    what: 'What cache-aware routing did: among recorded candidates the choices were made by log gate weight plus a bonus for experts that lie in GPU memory (system.rerank). Changed are choices that the gate alone would not have made; gained is the share of choices that were resident, less what it would have been for the gate’s own choices at the same moment; lost is their gate weight.',
    reading:
      'The bonus lambda trades transfers for fidelity: with 0 nothing changes, with a large one tokens stay with what is resident. The gain is at equal residency; since the cache then also holds other experts, compare cache.hit_rate with a run at lambda 0 for the whole effect. The lost weight stands in for quality: a few per cent are what papers call harmless.',
  },
  {
    names: ['switch.*'],
    what: 'Where each expert is a whole model (a composition of experts), an on-demand load is a switch from one model to another: how many there were, how long the accelerator waited for one, and how many a request needs. A request whose model is in fast memory already needs none.',
    reading:
      'The time of a switch is the size of a model over the bandwidth of the link into fast memory, and adds to the time to first token of the request that asks for it. Compare machines by it; a larger cache or a policy that keeps popular models makes switches fewer, not shorter.',
  },
  {
    names: ['footprint.*'],
    what: 'How many whole models fit: into the fast memory of one machine beside the KV cache, into the memory that it can switch from without an SSD, and how many machines of the kind would hold every model in fast memory, so that none is ever switched.',
    reading:
      'What one machine reaches over what another one holds is how many of the other it replaces, as long as switching is fast enough for the rate of requests (see switch.time). The number of machines to hold all is the price of not switching at all.',
  },
];
