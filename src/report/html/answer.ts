// The run in one sentence (its speed and its stalls), and a sentence on its distance from the bounds.
import { formatRatio } from '../../base/units.js';
import type { Result } from '../../result/result.js';
import { deviceWords } from '../device.js';
import { formatMetric } from '../format.js';
import { sourceOf } from '../summary/time.js';

/** The answer as plain text: a sentence on the cost of the run, and one that compares it with the bounds, which may be empty. */
export function answerOf(result: Result): { readonly sentence: string; readonly context: string } {
  const text = (name: string): string | null => {
    const metric = result.metrics[name];
    return metric === undefined ? null : formatMetric(metric);
  };
  const { place, processor } = deviceWords(result);
  const tpot = text('latency.tpot.mean');
  const pass = text('latency.pass.mean');
  const decode = text('speed.decode');
  const speed =
    tpot !== null && decode !== null
      ? `Decodes at ${decode}, a token in ${tpot} on average`
      : pass !== null
        ? `A pass takes ${pass} on average`
        : 'No time was measured';
  const total = result.metrics['time.total']?.value ?? 0;
  const cpu = (result.metrics['time.stall_cpu']?.value ?? 0) / total;
  const ssd = (result.metrics['time.stall_ssd']?.value ?? 0) / total;
  const stall = (result.metrics['time.stall']?.value ?? 0) / total - cpu - ssd;
  const nothing = result.metrics['memory.gpu.expert_cache']?.value === 0 ? ', with no expert resident,' : '';
  const sources = [
    { source: 'the SSD', share: ssd },
    { source: sourceOf(result), share: stall },
  ].filter(({ share }) => share > 0.005);
  const of = cpu > 0.005 ? 'it' : 'the run';
  const waited = sources
    .map(({ share, source }, i) => `for ${source}${i === 0 ? nothing : ''} during ${formatRatio(share, 0)}`)
    .join(' and ');
  const waits =
    !(total > 0) || !Number.isFinite(stall)
      ? ''
      : [
          ...(cpu > 0.005 ? [`, the CPU computes experts during ${formatRatio(cpu, 0)} of the run`] : []),
          sources.length > 0
            ? `, and the ${processor} waits ${waited} of ${of}`
            : `, and the ${processor} hardly ever waits for an expert to arrive`,
        ].join('');
  const hit = text('cache.hit_rate');
  const belady = text('bound.belady.hit_rate');
  const resident = text('bound.all_resident.tpot');
  const context = [
    hit !== null &&
      `The expert cache hits ${hit} of what is asked for${belady === null ? '' : `; no policy of this size hits more than ${belady} without prefetching`}.`,
    resident !== null && tpot !== null && `With every expert ${place} a token would take ${resident}.`,
  ];
  return { sentence: `${speed}${waits}.`, context: context.filter((part) => part !== false).join(' ') };
}
