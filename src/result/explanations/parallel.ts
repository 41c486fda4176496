// The metrics of a run on several GPUs.
import type { Topic } from './topic.js';

/** Families of metrics that only runs on several GPUs have. */
export const PARALLEL_TOPICS: readonly Topic[] = [
  {
    names: ['parallel.gpus', 'parallel.hit_rate.*', 'parallel.imbalance', 'parallel.event_imbalance'],
    what: 'How a machine of several GPUs shares the work. Requests are dealt out over the GPUs, each expert lives where the placement puts it (system.placement), and every GPU has a cache of its own for the experts that live on it. The hit rates are those of the GPU that fares worst and of the one that fares best; cache.hit_rate is over all. Imbalance is the activations of the busiest GPU over the mean of all: over the whole run, and event by event.',
    reading:
      'All GPUs wait for the slowest at every layer, so it is the imbalance of events that costs time: at 200 % half of the machine stands still, which shows in time.stall. Small batches are never balanced, whatever the placement. Where the imbalance of the whole run is large too, some experts are asked for more than others: place by popularity, or replicate the most popular ones.',
  },
  {
    names: ['parallel.crossing_rate', 'parallel.overlap_degree', 'transfer.all_to_all.*', 'time.all_to_all.*', 'share.all_to_all'],
    what: 'What it costs that tokens and experts meet on different GPUs. The crossing rate is the share of activations that are computed elsewhere than on their token’s GPU; each is sent there and back (dispatch and combine, two all-to-alls per event), hidden size times two bytes each way. Their time is what they add to events, over what the same events would take if activations were everywhere at once. The overlap degree is the number of chunks in which events went through dispatch, execution and combine.',
    reading:
      'With n GPUs and even placement about (n - 1) / n of the activations cross; replicated experts bring it down. Where little is sent, the time is the latency of the exchange, twice a layer, and no placement changes it. Overlap (system.overlap) hides large exchanges behind execution and makes small ones worse, since each chunk pays the latency and reads the weights again; adaptive chooses for every event.',
  },
];
