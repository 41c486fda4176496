// A row of colibri with the program's defaults, which rows seldom state: it drafts, its GPU holds experts and nothing else, and it reads before
// it computes. Pure functions.
import type { Measurement } from './measurement.js';

/**
 * Where MTP is on and a row says no more: CPU runs draft 3 tokens (its docs on backends), of which the median of eleven published runs accepts
 * 43 % (issues 12, 93, 113, 136, 216, 280, 298 and 436, and its table of benchmarks; 20 to 73 %).
 */
const DRAFTED = { draft: 3, acceptance: 0.43 };

/** Share of RAM that caches experts where a row states no size: 92.6 of 128 GB (a Strix Halo under colibri); the rest is weights and system. */
export const CACHED_RAM = 0.72;

/** Experts on a card as rows note them: a size in GB, or the program's own choice. */
const EXPERT_TIER = /GPU expert tier of (?:(\d+(?:\.\d+)?) GB|the size the engine chose)/;
/** GB that stay free on a card that the program fills by itself: 21.9 of 24 (issue 1183), 14.2 of 16.6 (605) and 13.6 of 16 (214) hold experts. */
const LEFT_ON_CARD = 2.3;
/** The option that puts dense weights on the GPU. */
const DENSE_ON_GPU = /\bCUDA_DENSE=1\b/;
/** The options under which reads go on while experts are computed. */
const READS_AHEAD = /\b(?:PIPE|URING)=1\b/;
/** The option that loads the next layer's likely experts while a layer computes. */
const LOOKS_AHEAD = /\bPILOT_REAL=1\b/;
/** Its guess: the next layer's gate on this layer's state, right for 71.6 to 74.2 % of the experts on three machines (issue 200). */
const GUESS = { kind: 'gate', recall: 0.736, source: 'github.com/JustVugg/colibri/issues/200', horizon: 1, correction: 'on' };

/** The row with colibri's defaults; a row of another program is itself. */
export function asColibriRan(row: Measurement): Measurement {
  if (row.engine !== 'colibri') return row;
  return withoutCard(withDrafts(row));
}

/** True where colibri was asked to compute while it reads. */
export function readsAhead({ engine, flags = '' }: Pick<Measurement, 'engine' | 'flags'>): boolean {
  return engine === 'colibri' && READS_AHEAD.test(flags);
}

/** Predictor and prefetch of a row's system; empty where it looks no layer ahead. */
export function lookAheadOf({ engine, flags = '' }: Pick<Measurement, 'engine' | 'flags'>): Readonly<Record<string, unknown>> {
  return engine === 'colibri' && LOOKS_AHEAD.test(flags) ? { predictor: GUESS, prefetch: { minProbability: 0.3 } } : {};
}

function withDrafts(row: Measurement): Measurement {
  const { speculative } = row.run;
  if (speculative?.kind !== 'mtp') return row;
  return { ...row, run: { ...row.run, speculative: { ...DRAFTED, ...speculative } } };
}

/**
 * The row without a card that holds experts alone: the CPU computes the dense weights, and the card computes its experts no faster than the CPU
 * (by published A/B runs -15 to +14 %: issues 101, 216 and 280). Its experts are so much more of a cache.
 */
function withoutCard(row: Measurement): Measurement {
  const { flags = '', machine, placement } = row;
  const onlyCaches = placement.kind === 'ssd-stream' && placement.where === 'cpu' && !DENSE_ON_GPU.test(flags);
  if (!onlyCaches || machine.unified === true || machine.gpus.length === 0) return row;
  const onCard = onCardOf(row);
  const inRam = inRamOf(row, onCard);
  const cached = inRam === undefined ? {} : { cache_gb: inRam + onCard };
  return { ...row, machine: { ...machine, gpus: [] }, placement: { ...placement, ...cached } };
}

/** GB of experts on a card; 0: nothing says that it holds any. */
export function onCardOf({ engine, machine: { gpus }, placement: { note = '' } }: Measurement): number {
  if (engine !== 'colibri') return 0;
  const said = EXPERT_TIER.exec(note);
  if (said === null) return 0;
  const [, size] = said;
  return size === undefined ? gpus.reduce((sum, { memory_gb = 0 }) => sum + Math.max(0, memory_gb - LEFT_ON_CARD), 0) : Number(size);
}

/** GB of RAM that cache experts. A row whose only size is the card's does not say; undefined: nothing does. */
function inRamOf({ machine: { ram }, placement: { cache_gb } }: Measurement, onCard: number): number | undefined {
  if (cache_gb !== undefined && cache_gb !== onCard) return cache_gb;
  return ram?.gb === undefined ? cache_gb : ram.gb * CACHED_RAM;
}
