// A new metric is a row here, in the order in which reports list metrics.
import type { Metric, Unit } from './result.js';

/** Row of the table: one metric for each end of the name. */
interface Row<End extends string> extends Pick<Metric, 'unit' | 'better' | 'kind'> {
  readonly meaning: string;
  /** Words after the meaning by end of the name. */
  readonly ends: Readonly<Record<End, string>>;
}

const ALONE = { '': '' };
const PHASES = { '': '', '.prefill': ', in passes that process prompt tokens', '.decode': ', in passes that only generate' };
const STATISTICS = { '.mean': ', arithmetic mean', '.p50': ', median', '.p95': ', 95th percentile', '.p99': ', 99th percentile' };
const EXTREMES = { '.min': ', of the one with the lowest', '.max': ', of the one with the highest' };

/** Row of an exact metric, from its meaning and the ends after it. */
const row =
  (unit: Unit, better: Metric['better']) =>
  <End extends string = ''>([meaning]: TemplateStringsArray, ends: Readonly<Record<End, string>> = ALONE as never): Row<End> => ({
    unit,
    better,
    kind: 'exact',
    meaning: meaning!,
    ends,
  });

const rowsIn = (unit: Unit) => ({ higher: row(unit, 'higher'), lower: row(unit, 'lower'), none: row(unit, 'none') });

const [ratio, count, bytes, ns, rate] = [rowsIn('ratio'), rowsIn('count'), rowsIn('bytes'), rowsIn('ns'), rowsIn('tokens/s')];
const [countPerToken, bytesPerToken, nsPerByte] = [rowsIn('count/token'), rowsIn('bytes/token'), rowsIn('ns/byte')];

/** All metrics; sampled ones are measured on the machine of the run. */
export const METRIC_ROWS = {
  'cache.hit_rate': ratio.higher`Demanded experts that were resident when their layer was routed, over all demanded (hits / demanded)${PHASES}`,
  'cache.hit_rate_counting_late': ratio.higher`Demanded experts that were resident or under way when their layer was routed, over all demanded ((hits + late) / demanded)${PHASES}`,
  'cache.late_rate': ratio.lower`Demanded experts whose prefetch was under way but had not arrived, over all demanded${PHASES}`,
  'cache.miss_rate': ratio.lower`Demanded experts that were neither resident nor under way, over all demanded${PHASES}`,
  'cache.token_hit_rate': ratio.higher`Activations (token-expert pairs) whose expert was resident, over all activations${PHASES}`,
  'cache.hits': count.higher`Demanded experts that were resident${PHASES}`,
  'cache.late': count.lower`Demanded experts whose prefetch had not arrived${PHASES}`,
  'cache.misses': count.lower`Demanded experts that were neither resident nor under way${PHASES}`,
  'cache.evictions': count.lower`Experts evicted from the expert cache${PHASES}`,
  'cache.streamed': count.none`Experts executed from a staging buffer without ever becoming resident${PHASES}`,
  'cache.copy_hit_rate': ratio.higher`Demanded experts that were missed and served from a low-precision copy on the GPU, over all demanded ones`,
  'cache.copy_hits': count.higher`Misses that were served from a low-precision copy that was on the GPU, without a transfer`,
  'cache.copy_evictions': count.lower`Low-precision copies that left the GPU to make room for another`,

  'experts.demanded': count.none`Distinct experts that events asked for, summed over events${PHASES}`,
  'experts.activations': count.none`Token-expert pairs executed; null choices do not count${PHASES}`,
  'experts.distinct_per_event': count.none`Distinct experts that one event asks for, on average${PHASES}`,
  'experts.distinct': count.none`Distinct experts that the whole run asked for`,

  'transfer.h2d.count': count.lower`Transfers that started on the link from host memory to the GPU`,
  'transfer.h2d.bytes': bytes.lower`Bytes moved over the link from host memory to the GPU`,
  'transfer.h2d.bytes_per_token': bytesPerToken.lower`Bytes moved over the link from host memory to the GPU, per token of the run`,
  'transfer.h2d.utilization': ratio.none`Share of the run in which the link from host memory to the GPU moves bytes`,
  'transfer.ssd.count': count.lower`Transfers that started on the link from the SSD`,
  'transfer.ssd.bytes': bytes.lower`Bytes read from the SSD`,
  'transfer.ssd.bytes_per_token': bytesPerToken.lower`Bytes read from the SSD, per token of the run`,
  'transfer.ssd.utilization': ratio.none`Share of the run in which the link from the SSD moves bytes`,
  'transfer.on_demand.count': count.lower`Transfers that an event had to wait for (on-demand loads)`,
  'transfer.on_demand.count_per_token': countPerToken.lower`On-demand loads, per token of the run`,
  'transfer.on_demand.bytes': bytes.lower`Bytes of on-demand loads`,
  'transfer.on_demand.bytes_per_token': bytesPerToken.lower`Bytes of on-demand loads, per token of the run`,
  'transfer.copies.count': count.lower`On-demand loads of low-precision copies, where copies stay on the GPU`,
  'transfer.copies.bytes': bytes.lower`Bytes of on-demand loads of low-precision copies, where copies stay on the GPU`,
  'transfer.prefetch.count': count.none`Prefetches that started`,
  'transfer.prefetch.bytes': bytes.none`Bytes moved by prefetches`,

  'prefetch.useful': count.higher`Prefetched experts that had arrived when they were demanded`,
  'prefetch.late': count.lower`Prefetched experts that were demanded before they had arrived`,
  'prefetch.wasted': count.lower`Prefetched experts that left the cache without having been demanded`,
  'prefetch.pending': count.none`Prefetched experts that had neither been demanded nor evicted when the run ended`,
  'prefetch.wasted_bytes': bytes.lower`Bytes of prefetches that were wasted`,
  'prefetch.precision': ratio.higher`Prefetches that were demanded, over those whose fate is known: (useful + late) / (useful + late + wasted)`,
  'prefetch.recall': ratio.higher`Demanded experts that a prefetch brought, over all that a transfer had to bring: (useful + late) / (useful + late + misses)`,
  'prefetch.stall_avoided': ns.higher`What loading the demanded prefetched experts on demand would have taken on an idle link, less what was still waited for`,
  'prefetch.stall_avoided_per_byte': nsPerByte.higher`Stall that prefetches avoided, per byte that they moved`,
  'prefetch.promoted': count.none`Prefetches of experts that had been missed, promoted in the background`,
  'prefetch.dropped': count.none`Planned prefetches that found no slot`,
  'prefetch.cancelled': count.none`Planned prefetches that were taken out of the queue before they started`,
  'prefetch.paused': count.none`Planned prefetches that a budget left out, since such ones had not paid`,
  'prefetch.horizon': count.none`Layers ahead that an adaptive horizon had reached when the run ended`,
  'predict.time': ns.lower`Time that a prediction takes on the host, on average: prefetches start so much later`,
  'predict.recall_at_k': ratio.higher`An event's |D| demanded experts found among the |D| best predicted ones, over all events`,
  'predict.batch_recall': ratio.higher`An event's demanded experts found among those predicted for its batch`,

  'variant.true_k': count.none`Experts that a token takes at a layer on average, variants applied`,
  'variant.activations_saved': ratio.higher`Activations that variants save, over those of the model’s top-k; negative: they add`,
  'variant.flops_saved': ratio.higher`Operations of routed experts that variants save, over those of the model’s top-k`,
  'variant.changed': ratio.none`Choices of a token that it had not made before variants, over all choices`,
  'rerank.changed': ratio.lower`Choices that cache-aware routing made and the gate alone would not have, over all choices`,
  'rerank.hit_rate_gained': ratio.higher`Share of choices that were resident, less that of the choices that the gate alone would have made at the same moment`,
  'rerank.weight_lost': ratio.lower`Gate weight that cache-aware routing gave up, over that of the choices of the gate alone`,

  'switch.count': count.lower`Model switches: whole models that were loaded because a request asked for them`,
  'switch.time': ns.lower`Time that the accelerator waits for one model switch, on average`,
  'switch.per_request': count.lower`Model switches over requests`,
  'footprint.held': count.higher`Whole models that the fast memory of one machine holds beside the KV cache`,
  'footprint.reach': count.higher`Whole models that one machine can switch to without reading from an SSD`,
  'footprint.machines': count.lower`Machines of this kind whose fast memory together holds every model, so that none is ever switched`,

  'quality.degraded_rate': ratio.lower`Activations served from a low-precision copy or by another expert, over all activations`,
  'quality.substituted_rate': ratio.lower`Activations that a resident expert stood in for, over all activations`,
  'quality.skipped_rate': ratio.lower`Activations whose expert was not loaded at all, over all activations`,
  'quality.deferred_rate': ratio.lower`Activations whose expert was computed one layer late, over all activations`,

  'latency.ttft': ns.lower`Time to first token of a request: from its arrival to the end of the pass that gives its first token${STATISTICS}`,
  'latency.tpot': ns.lower`Time per output token of a request: (end - first token) / (output tokens - 1)${STATISTICS}`,
  'latency.itl': ns.lower`Inter-token latency: between two consecutive output tokens of a request${STATISTICS}`,
  'latency.pass': ns.lower`Duration of one forward pass of the batch${STATISTICS}`,
  'latency.request': ns.lower`End-to-end latency of a request: from its arrival to its last token${STATISTICS}`,
  'latency.queueing': ns.lower`Time that a request waits: from its arrival to the start of its first pass${STATISTICS}`,
  'speed.decode': rate.higher`Speed at which a request decodes (tg of llama-bench): tokens after its first over the time from its first to its last, both summed over requests`,
  'speed.prefill': rate.higher`Speed at which a prompt is read (pp of llama-bench): its tokens over the time from the start of its first pass to its first token, both summed over requests`,
  'throughput.generated': rate.higher`Generated tokens of all requests per second of the whole run, prompts and idle time included (output token throughput of vLLM bench serve, which counts first tokens too)`,
  'throughput.total': rate.higher`Prompt and generated tokens of all requests per second of the whole run (total token throughput of vLLM bench serve, which counts first tokens too)`,

  'goodput.attained': ratio.higher`Requests that kept their objective (--slo), over all requests`,
  'goodput.tokens': rate.higher`Generated tokens of requests that kept their objective, per second of the run (goodput of DistServe counts these requests instead)`,

  'workload.requests': count.none`Requests that were served`,
  'workload.tokens': count.none`Tokens of those requests, prompts and outputs`,
  'workload.routing_reused': ratio.none`Tokens whose routing an earlier token of the workload had taken already, over all tokens`,
  'schedule.passes': count.none`Forward passes that ran${PHASES}`,
  'schedule.longest_wait': count.lower`Most passes that a request waited for its first`,
  'schedule.overtaken': count.lower`Most passes that a request had waited when one that came after it began before it`,
  'schedule.passed_over': count.lower`Most passes in a row that left out a request which had begun`,
  'schedule.loads': count.lower`Distinct experts beyond those the cache holds, summed over the batches and layers that the scheduler composed`,
  'schedule.loads_in_order': count.none`The same sum for the same pools, split into batches in order of arrival`,
  'schedule.regrouped': ratio.none`Share of the rounds in which it paid to regroup the pool by path`,
  'schedule.merge_time': ns.lower`Modelled time of moving KV caches of requests that changed their batch`,
  'schedule.batch_wait': ns.lower`Mean time that a token of a round waits for the batches before its own`,
  'schedule.preemptions': count.lower`Running requests that were thrown out because another found no room for its KV cache`,
  'schedule.recomputed': count.lower`Tokens that were run again because their request had been thrown out`,
  'schedule.time': ns.lower`Modelled time that passes were delayed by composing them`,

  'speculation.tokens_per_pass': count.higher`Tokens that a request gets from a pass that verifies a draft of it, on average: the accepted ones and the one after them`,
  'speculation.acceptance': ratio.higher`Drafted tokens that were accepted, over all drafted ones`,
  'speculation.drafted': count.none`Tokens that were drafted`,
  'speculation.accepted': count.higher`Drafted tokens that were right, and so generated`,
  'speculation.rejected': count.lower`Drafted tokens that were wrong, and run for nothing`,
  'speculation.redone': count.lower`Tokens that ran again because the state of recurrent layers could not go back to them`,
  'speculation.wasted_activations': count.lower`Token-expert pairs executed for drafted tokens that were wrong`,
  'speculation.wasted_rate': ratio.lower`Token-expert pairs executed for drafted tokens that were wrong, over all`,
  'speculation.draft_time': ns.lower`Time that drafting took`,

  'time.total': ns.lower`Simulated time from the first arrival to the end of the last pass`,
  'time.dense': ns.none`Time in attention, shared experts, dense layers, head and framework overhead${PHASES}`,
  'time.dense_cpu': ns.none`Of time.dense, what the CPU computes: layers that it holds, attention to KV caches in DRAM`,
  'time.compute': ns.none`GPU time in routed experts; in layers that the CPU holds, its own${PHASES}`,
  'time.stall': ns.lower`GPU idle inside events: waiting for an expert to arrive or for the CPU${PHASES}`,
  'time.stall_cpu': ns.lower`Of time.stall, waiting for the CPU to compute experts; the rest waits for experts to arrive${PHASES}`,
  'time.stall_ssd': ns.lower`Of time.stall, waiting for the SSD to read experts, the CPU that waits for them included; what is left waits for the link${PHASES}`,
  'time.cpu': ns.none`CPU time in routed experts, in parallel with the GPU${PHASES}`,
  'share.stall': ratio.lower`Stall over the total time of the run`,
  'time.all_to_all': ns.lower`What exchanging activations between GPUs, or gathering weights, added to events${PHASES}`,
  'share.all_to_all': ratio.lower`What exchanging activations, or gathering weights, added, over the total time of the run`,

  'parallel.gpus': count.none`GPUs that share the work`,
  'parallel.hit_rate': ratio.higher`Hit rate of one GPU for what is demanded of it${EXTREMES}`,
  'parallel.imbalance': ratio.lower`Activations of the busiest GPU over the mean of all, over the whole run`,
  'parallel.event_imbalance': ratio.lower`Activations of the busiest GPU over the mean of all, mean over events`,
  'parallel.crossing_rate': ratio.lower`Activations computed on another GPU than their token is on, over all`,
  'parallel.overlap_degree': count.none`Chunks in which an event was dispatched, executed and combined, mean over events`,
  'parallel.gathered_rate': ratio.none`Events whose weights every GPU gathered, in place of sending activations, over all`,
  'transfer.all_gather.bytes': bytes.lower`Bytes of weights that GPUs gathered for single events`,
  'transfer.all_to_all.bytes': bytes.lower`Bytes of activations sent between GPUs, there and back`,
  'transfer.all_to_all.bytes_per_token': bytesPerToken.lower`Bytes of activations sent between GPUs, per token`,

  'memory.gpu.peak': bytes.lower`Most GPU memory in use: dense weights, KV cache, staging and expert cache`,
  'memory.gpu.allocated': bytes.lower`GPU memory that is set aside: as in use, with all of the expert cache, filled or not`,
  'memory.kv_tokens': count.none`Tokens of context whose KV caches were held at once, at most`,
  'memory.gpu.kv_peak': bytes.lower`Most KV cache that was set aside for running requests`,
  'memory.gpu.expert_cache': bytes.none`Capacity of the expert cache on the GPU`,
  'memory.gpu.copies': bytes.none`Part of the capacity of the expert cache that low-precision copies have`,
  'memory.gpu.expert_cache_least': bytes.higher`Smallest capacity of the expert cache, where KV caches or faults take from it`,
  'memory.gpu.expert_cache_mean': bytes.higher`Capacity of the expert cache, mean over time, where KV caches or faults take from it`,
  'memory.gpu.saving': ratio.higher`Share of the GPU memory with every expert resident that this run does not need`,
  'memory.dram.peak': bytes.lower`Most host memory in use by experts, and by layers and KV caches that the CPU holds`,
  'memory.dram.dense': bytes.none`Dense weights in host memory: those of layers that the CPU holds`,
  'memory.dram.kv_peak': bytes.lower`Most KV cache in host memory that was set aside for running requests`,

  'fault.time': ns.none`Time of the passes that began while a fault was in effect`,
  'fault.decode': rate.higher`Decode speed of a request (tg of llama-bench) in the passes that began while a fault was in effect`,
  'fault.decode_without': rate.higher`Decode speed of a request (tg of llama-bench) in the passes that began while none was`,
  'fault.prefill': rate.higher`Prefill speed of a request (pp of llama-bench) in the passes that began while a fault was in effect`,
  'fault.prefill_without': rate.higher`Prefill speed of a request (pp of llama-bench) in the passes that began while none was`,
  'fault.hit_rate': ratio.higher`Hit rate of the passes that began while a fault was in effect`,
  'fault.hit_rate_without': ratio.higher`Hit rate of the passes that began while none was`,
  'fault.stall': ratio.lower`Share of stall in the passes that began while a fault was in effect`,
  'fault.stall_without': ratio.lower`Share of stall in the passes that began while none was`,
  'fault.restarts': count.lower`Prefetches that ran again on another lane because their own was lost`,

  'bound.all_resident.tpot': ns.none`Mean TPOT of the same passes with every expert resident: no cache can be faster`,
  'bound.no_cache.tpot': ns.none`Mean TPOT of the same passes with no expert cache: every demanded expert is loaded`,
  'bound.lru.tpot': ns.none`Mean TPOT of the same passes under LRU on demand over all layers, at the same capacity`,
  'bound.belady.tpot': ns.none`Mean TPOT of the same passes under Belady on demand over all layers, with bypass, at the same capacity`,
  'bound.found.tpot': ns.none`Least mean TPOT of the same passes that is known how to reach: the run's, or a schedule's that knows all demand`,
  'bound.found.total': ns.none`Least time of the same passes, prompts among them, that is known how to reach, without idle time`,
  'bound.floor.tpot': ns.none`Mean TPOT that no run of the same passes is below on this machine, as is proven`,
  'bound.floor.total': ns.none`Time that no run of the same passes is below on this machine, as is proven, without idle time`,
  'bound.belady.hit_rate': ratio.none`Hit rate of Belady with bypass at the same capacity and scope: without prefetch no policy has more`,
  'bound.compulsory': count.none`Distinct experts demanded: misses that no cache avoids from a cold start`,
  'bound.token_cycle': bytes.none`Bytes of experts that one token touches; below it recency-based policies hit nothing at batch 1`,
  'headroom.hit_rate': ratio.lower`Part of the gap from no hit to the hit rate of Belady that is still open, 0..1`,
  'headroom.tpot': ratio.lower`Part of the gap from the TPOT with no cache to the TPOT with every expert resident that is still open, 0..1`,
  'headroom.found': ratio.lower`Part of the gap from the TPOT of LRU to the least that is found that is still open, 0..1`,

  'wall.run': {
    ...ns.lower`Wall-clock time that moeprof itself takes for the run on this machine, measured with --repeat`,
    kind: 'sampled' as const,
  },
};

type Rows = typeof METRIC_ROWS;

type Named<Stem extends keyof Rows> = Stem extends unknown ? `${Stem}${keyof Rows[Stem]['ends'] & string}` : never;

/** Name of a metric, grouped by dots: `latency.tpot.p50`. */
export type MetricName = Named<keyof Rows>;

/** Metric whose name takes an end of its own, e.g. `.decode`. */
type Ended<Ends> = { [Stem in keyof Rows]: Rows[Stem]['ends'] extends Ends ? Stem : never }[keyof Rows];

/** Metric in total and by phase: `time.stall`, `time.stall.decode`. */
export type PhasedMetric = Ended<typeof PHASES>;

/** Metric as mean and percentiles: `latency.tpot`. */
export type SummarizedMetric = Ended<typeof STATISTICS>;
