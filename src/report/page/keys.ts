// The key figures directly below the answer of a report.

/** Label, metric, and the line below: a word and a second metric. */
export const KEYS = [
  ['hit rate', 'cache.hit_rate', 'bound.belady.hit_rate', 'Belady'],
  ['decode', 'speed.decode', 'throughput.generated', 'generated over the run'],
  ['prefill', 'speed.prefill', 'throughput.total', 'with prompts over the run'],
  ['time per output token', 'latency.tpot.mean', 'bound.all_resident.tpot', 'all resident'],
  ['time to first token', 'latency.ttft.mean', 'latency.ttft.p99', '99 % within'],
  ['moved for each token', 'transfer.h2d.bytes_per_token', 'transfer.on_demand.bytes_per_token', 'on demand'],
  ['GPU memory', 'memory.gpu.allocated', 'memory.gpu.expert_cache', 'expert cache'],
] as const;
