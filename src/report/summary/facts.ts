import { isObject } from '../../base/objects.js';
import { metricValue } from '../../result/catalogue.js';
import { knowledgeText } from '../../result/knowledge.js';
import type { MetricName } from '../../result/metrics.js';
import type { Result } from '../../result/result.js';
import { againText } from '../document/again.js';
import { metricText, printable } from '../format.js';
import { bestText, knownTimes, limitText } from '../limit.js';
import type { Phase } from '../phase-time.js';
import { bandText, bareRange, deviceWords, hitRangeText, percentRange, tenfoldText } from '../words.js';

type FactPart = readonly [metric: MetricName, after: string];
/** A label and metrics with trailing words. */
type Fact = readonly [label: string, ...parts: readonly FactPart[]];

const COPIES: Fact = [
  'copies',
  ['cache.copy_hit_rate', 'of the demands served'],
  ['transfer.copies.count', 'brought'],
  ['memory.gpu.copies', 'of the cache'],
];

/** Gain and cost of regrouping a pool by path. */
const REGROUPING: Fact = [
  'regrouping',
  ['schedule.loads', 'loads beyond the cache'],
  ['schedule.loads_in_order', 'in order of arrival'],
  ['schedule.regrouped', 'of the rounds regrouped'],
  ['schedule.batch_wait', 'waited for other batches'],
];

function memoryFact(several: boolean, place: string): Fact {
  return [
    'memory',
    ['memory.gpu.allocated', several ? 'on each GPU' : place],
    ['memory.gpu.expert_cache', 'of it expert cache'],
    ['memory.dram.peak', 'in DRAM'],
    ['memory.dram.kv_peak', 'of it KV caches'],
  ];
}

/** Switches of whole models, and models held by machines. */
const SWITCHING: readonly Fact[] = [
  ['switching', ['switch.time', 'per model switch'], ['switch.count', 'switches'], ['switch.per_request', 'a request']],
  ['footprint', ['footprint.held', 'models held'], ['footprint.reach', 'within reach'], ['footprint.machines', 'machines to hold all']],
];

function countedFacts(result: Result): Fact[] {
  const several = metricValue(result, 'parallel.gpus') !== null;
  const { memory, place } = deviceWords(result);
  const prefetches = (metricValue(result, 'transfer.prefetch.count') ?? 0) > 0;
  const preempted = (metricValue(result, 'schedule.preemptions') ?? 0) > 0;
  const prompts = metricValue(result, 'speed.prefill') !== null;
  const [shared, silent] = [isShared(result) ? ' for each user' : '', silentText(result)];
  const cacheChanges = metricValue(result, 'memory.gpu.expert_cache_least') !== null;
  return [
    [
      'speed',
      ['speed.decode', `decode${shared}${bandOf(result, 'decode')}`],
      ['speed.prefill', `prefill${shared}${bandOf(result, 'prefill')}${silent}`],
    ],
    ...SWITCHING,
    [
      're-ranked',
      ['rerank.changed', 'of the choices changed'],
      ['rerank.hit_rate_gained', 'more of them resident'],
      ['rerank.weight_lost', 'of the gate weight lost'],
    ],
    [
      'GPUs',
      ['parallel.gpus', ''],
      ['parallel.event_imbalance', 'of the mean load on the busiest'],
      ['parallel.crossing_rate', 'of the activations sent'],
      ['parallel.hit_rate.min', 'lowest hit rate'],
    ],
    [
      'throughput',
      ['throughput.generated', 'generated over the whole run'],
      ...(prompts ? [['throughput.total', 'with prompts'] as const] : []),
    ],
    [
      'speculation',
      ['speculation.tokens_per_pass', 'tokens a pass'],
      ['speculation.acceptance', 'of the drafted tokens accepted'],
      ['speculation.wasted_rate', 'of the activations wasted'],
    ],
    ['goodput', ['goodput.tokens', 'generated'], ['goodput.attained', 'of the requests in time']],
    REGROUPING,
    [
      'on demand',
      ['transfer.on_demand.count_per_token', 'per token'],
      ['transfer.on_demand.bytes_per_token', 'per token'],
      ['transfer.on_demand.count', 'loads in all'],
    ],
    COPIES,
    prefetches
      ? ['prefetch', ['transfer.prefetch.count', 'started'], ['prefetch.precision', 'of them used'], ['prefetch.wasted_bytes', 'wasted']]
      : ['prefetch'],
    ['prediction', ['predict.time', 'each']],
    ['transfers', ['transfer.h2d.bytes', several ? 'to the GPUs' : 'to the GPU'], ['transfer.ssd.bytes', 'from the SSD']],
    memoryFact(several, place),
    ['KV caches', ['memory.gpu.kv_peak', place], ['memory.kv_tokens', 'tokens of context at once']],
    [
      'expert cache',
      ['memory.gpu.expert_cache_least', 'at least'],
      ['memory.gpu.expert_cache_mean', 'on average'],
      ...(cacheChanges ? [['memory.gpu.kv_peak', several ? 'of KV caches on all at most' : 'of KV caches at most'] as const] : []),
      ...(preempted && cacheChanges ? [['schedule.preemptions', 'times a request thrown out'] as const] : []),
    ],
    ['saved', ['memory.gpu.saving', `of the ${memory} that holding every expert takes`]],
  ];
}

const isShared = ({ config: { workload } }: Result): boolean => isObject(workload) && Number(workload.batch ?? 1) > 1;

/** Why a run that ends within prompts has no decode speed. */
function silentText({ config: { workload }, metrics }: Result): string {
  if (metricValue({ metrics }, 'speed.decode') !== null) return '';
  const prompt = isObject(workload) && typeof workload.prompt === 'number' ? ` ${2 * workload.prompt} or more` : '';
  return `; no token was generated: prompts took all, use --tokens${prompt}`;
}

/** Decode and prefill speed with ranges, without a full stop; null if no speed is known. */
export function phaseSpeedsText(result: Result): string | null {
  const speeds = (['decode', 'prefill'] as const).flatMap((phase) => {
    const speed = metricText(result, `speed.${phase}`);
    const band = bareRange(result.accuracy?.[phase], metricValue(result, `speed.${phase}`));
    const range = band ?? (result.accuracy?.[phase] === null ? 'range unknown' : null);
    return speed === null ? [] : [`${speed} ${phase}${range === null ? '' : ` (${range})`}`];
  });
  return speeds.length === 0 ? null : `${isShared(result) ? 'each user: ' : ''}${speeds.join(', ')}${silentText(result)}`;
}

/** Error band of a speed; empty for a calibrated machine. */
function bandOf(result: Result, phase: Phase): string {
  const band = bandText(result, phase);
  return band === null ? '' : ` ${band}`;
}

/** Facts of a run, in reading order; empty texts are omitted. */
export function factsOf(result: Result): (readonly [label: string, text: string])[] {
  const { variants } = result.inputs;
  const lines = countedFacts(result).map(([label, ...parts]) => [label, listed(result, parts)] as const);
  const saved = listed(result, [
    ['variant.activations_saved', 'of the activations saved'],
    ['variant.flops_saved', 'of the expert FLOPs'],
    ['variant.changed', 'of the choices changed'],
  ]);
  const used = `${variants?.map(printable).join(', ')}: ${metricText(result, 'variant.true_k')} experts per token and layer`;
  const routing = variants === undefined ? '' : [used, saved].filter((part) => part !== '').join(', ');
  const knows = printable(knowledgeText(result) ?? '');
  const others = [
    ['GPUs', joinedText(result)] as const,
    ...lines.slice(0, 1),
    ['hits', hitRangeText(result) ?? ''] as const,
    ['length', tenfoldText(result) ?? ''] as const,
    ...lines.slice(1),
    ['knows', knows] as const,
    ...knowingFacts(result),
    ['again', againText(result)] as const,
  ];
  return [['routing', routing] as const, ...others].filter(([, text]) => text !== '');
}

function joinedText({ inputs: { joined } }: Result): string {
  if (joined === undefined) return '';
  return joined.sharing === 'layers' ? `${joined.gpus}, each some of the layers` : `${joined.gpus}, each a slice of every tensor`;
}

function knowingFacts(result: Result): (readonly [label: string, text: string])[] {
  const times = knownTimes(result);
  const { unproven } = result.bounds;
  if (unproven !== undefined) return [['best', `nothing is proven of what could be faster: ${printable(unproven)}`]];
  if (times === null) return [];
  return [
    ['best', bestText(times)],
    ['limit', limitText(times, deviceWords(result).processor)],
  ];
}

/** Facts beyond a glance. */
const DETAILS: ReadonlySet<string> = new Set([
  'speed',
  'hits',
  'length',
  'throughput',
  'prediction',
  'transfers',
  'KV caches',
  'saved',
  'best',
  'limit',
  'again',
]);

const GLANCE: readonly Fact[] = [
  ['TPOT', ['latency.tpot.mean', 'a token'], ['bound.no_cache.tpot', 'without a cache'], ['bound.all_resident.tpot', 'with all resident']],
  ['TTFT', ['latency.ttft.mean', 'to the first token'], ['latency.ttft.p99', 'at p99'], ['latency.queueing.mean', 'of it queueing']],
  ['hits', ['cache.hit_rate', 'of the demanded experts'], ['bound.belady.hit_rate', 'by Belady']],
];

/** Facts for a glance, and {@link factsOf} on options of the run. */
export function briefFacts(result: Result): (readonly [label: string, text: string])[] {
  const range = result.hitRange === undefined ? '' : `; ${percentRange(result.hitRange)} in published figures`;
  const first = GLANCE.flatMap(([label, ...parts]) => {
    const text = listed(
      result,
      parts.filter(([name]) => name !== 'latency.queueing.mean' || metricValue(result, name) !== 0),
    );
    return text === '' ? [] : [[label, text + (label === 'hits' ? range : '')] as const];
  });
  return [
    ...first,
    ...factsOf(result).filter(([label]) => !DETAILS.has(label)),
    ['-v', 'latencies, transfers, accuracy, all metrics, layers'],
  ];
}

function listed(result: Result, parts: readonly FactPart[]): string {
  const figures = parts.map(([name, after]) => [metricText(result, name)?.replace(/ ?\/token$/, ''), after] as const);
  return figures.flatMap(([figure, after]) => (figure === undefined ? [] : [`${figure} ${after}`.trimEnd()])).join(', ');
}
