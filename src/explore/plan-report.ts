// What a plan is shown as: what each system and machine needs, the answer in a sentence each, and the runs that were tried.
import { formatBytes, formatCount, formatRatio } from '../base/units.js';
import { type ColumnOf, type Document, type Grid, grid, note } from '../report/document/document.js';
import { documentFormats } from '../report/document/formats.js';
import { parseAssertion } from '../result/budget.js';
import { tokensRun } from '../result/work-done.js';
import { answeringProbe, neededBytes, type Placing, type Plan, type Probe } from './plan.js';

/** Longest name of a system or a machine in a table, columns. */
const LONGEST = 20;

/** Formats of a plan, the one for reading first. */
export const planReports = documentFormats<Plan>(planDocument);

function planDocument(plan: Plan): Document {
  const { placings } = plan;
  const names = metricsOf(plan);
  return {
    title: titleOf(plan),
    lead: [{ text: originOf(plan) }],
    blocks: [
      needs(placings),
      ...remarks(plan).map((text) => note(text)),
      ...placings.map((placing) => tried(placing, names, placings.length)),
    ],
    records: grid<Placing & { readonly probe: Probe }>(
      placings.flatMap((placing) => placing.probes.map((probe) => ({ ...placing, probe }))),
      [
        { head: 'system', of: ({ system }) => system },
        { head: 'hardware', of: ({ hardware }) => hardware },
        { head: 'cache_percent', of: ({ probe }) => probe.percent },
        { head: 'kept', of: ({ probe }) => (probe.broken.length === 0 ? 'yes' : 'no') },
        { head: 'memory.gpu.peak', of: ({ probe }) => neededBytes(probe) },
        ...names.map((name): ColumnOf<{ readonly probe: Probe }> => ({ head: name, of: ({ probe }) => probe.result.metrics[name] })),
      ],
    ),
  };
}

/** What each placing needs, and has. */
function needs(placings: readonly Placing[]): Grid {
  return grid(
    placings.map((placing) => ({ ...placing, answer: answeringProbe(placing) })),
    [
      { head: 'system', of: ({ system }) => system, most: LONGEST },
      { head: 'machine', of: ({ hardware }) => hardware, most: LONGEST, align: 'left' },
      { head: 'expert cache', of: ({ answer }) => (answer === null ? null : cacheOf(answer)) },
      { head: 'needs', of: ({ answer }) => (answer === null ? null : neededBytes(answer)), show: formatBytes },
      { head: 'has', of: ({ gpuBytes }) => gpuBytes, show: formatBytes },
      { head: 'fits', of: ({ fits }) => (fits ? 'yes' : 'no') },
    ],
  );
}

/** All runs of a placing, with the metrics that the conditions speak of. */
function tried(placing: Placing, names: readonly string[], placings: number): Grid {
  const metrics = names.map((name): ColumnOf<Probe> => ({ head: name, of: ({ result }) => result.metrics[name] }));
  return grid(
    placing.probes,
    [
      { head: 'expert cache', of: cacheOf },
      { head: 'GPU memory', of: neededBytes, show: formatBytes },
      { head: 'hits', of: ({ result }) => result.metrics['cache.hit_rate']!.value, show: (rate) => formatRatio(rate) },
      ...metrics,
      { head: 'holds', of: ({ broken }) => (broken.length === 0 ? 'yes' : 'no') },
    ],
    {
      title: placings === 1 ? 'What was tried' : `What was tried of ${nameOf(placing)}`,
      only: ['terminal'],
      detail: placings === 1 ? undefined : 'verbose',
    },
  );
}

/** Metrics that the conditions name, hit rate apart, which is shown anyway. */
function metricsOf({ conditions }: Plan): string[] {
  const named = conditions.map((text) => parseAssertion(text).metric);
  return [...new Set(named)].filter((name) => name !== 'cache.hit_rate' && !/[*?]/.test(name));
}

function cacheOf({ percent, result }: Probe): string {
  return `${percent} %, ${formatBytes(result.metrics['memory.gpu.expert_cache']!.value)}`;
}

function nameOf({ hardware, system }: Placing): string {
  return `${system} on ${hardware}`;
}

/** The answer in words where it is one, else what the table does not say. */
function remarks({ placings: all }: Plan): string[] {
  return all.filter(({ fits, steady }) => all.length === 1 || !fits || !steady).map(sentence);
}

function sentence(placing: Placing): string {
  const answer = answeringProbe(placing);
  const name = nameOf(placing);
  const last = placing.probes.at(-1)!;
  if (answer === null) return `${name}: not even with every expert resident does ${last.broken.join(' and ')} hold.`;
  const needed = formatBytes(neededBytes(answer));
  const has = formatBytes(placing.gpuBytes);
  const cache =
    answer.percent === 0
      ? 'holds without any expert cache'
      : `holds from an expert cache of ${answer.percent} % on (${formatBytes(answer.result.metrics['memory.gpu.expert_cache']!.value)})`;
  const unsteady = placing.steady ? '' : ' A larger cache was seen to break it again: look at what was tried (--verbose).';
  return `${name}: ${cache}, ${needed} of GPU memory in all; the GPU has ${has}${placing.fits ? '' : ', which is too little'}.${unsteady}`;
}

function titleOf({ conditions, placings: all, slo }: Plan): string {
  const { inputs } = all[0]!.probes[0]!.result;
  const objective = slo === null ? '' : ` (--slo ${slo})`;
  return `GPU memory for ${inputs.model} ${inputs.quantization} to keep ${conditions.join(' and ')}${objective}`;
}

function originOf({ placings: all }: Plan): string {
  const { result } = all[0]!.probes[0]!;
  const traces = result.inputs.traces.map(({ path, synthetic }) => (synthetic ? 'synthetic routing' : path));
  const runs = all.reduce((sum, placing) => sum + placing.probes.length, 0);
  return `${formatCount(runs)} runs of ${formatCount(tokensRun(result))} tokens, from ${traces.join(', ')}`;
}
