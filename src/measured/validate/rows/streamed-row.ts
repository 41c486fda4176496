import { runtimeOfProgram, type Streaming } from '../../../runtime/door.js';
import type { Measurement } from './measurement.js';

/** Share of RAM that caches experts: 92.6 of 128 GB (a Strix Halo). */
export const CACHED_RAM = 0.72;

/** Fills in the defaults of a runtime that streams experts from disk. */
export function asStreamed(row: Measurement): Measurement {
  const streaming = streamingOf(row);
  return streaming === undefined ? row : withoutCard(withDrafts(row, streaming), streaming);
}

const streamingOf = ({ engine }: Pick<Measurement, 'engine'>): Streaming | undefined => runtimeOfProgram(engine).streaming;

/** True if a streaming program computes while reading. */
export function readsAhead(row: Pick<Measurement, 'engine' | 'flags'>): boolean {
  return streamingOf(row)?.readsAhead(row.flags ?? '') === true;
}

/** Predictor and prefetch of a row's system; empty without lookahead. */
export function lookAheadOf(row: Pick<Measurement, 'engine' | 'flags'>): Readonly<Record<string, unknown>> {
  const predictor = streamingOf(row)?.looksAhead(row.flags ?? '') ?? null;
  return predictor === null ? {} : { predictor, prefetch: { minProbability: 0.3 } };
}

function withDrafts(row: Measurement, { drafts }: Streaming): Measurement {
  const { speculative } = row.run;
  if (speculative?.kind !== 'mtp') return row;
  return { ...row, run: { ...row.run, speculative: { ...drafts, ...speculative } } };
}

/**
 * A card that only caches experts is no faster than the CPU (-15 to +14 %: issues 101, 216, 280). Its memory is cache.
 */
function withoutCard(row: Measurement, { denseOnGpu }: Streaming): Measurement {
  const { flags = '', machine, placement } = row;
  const onlyCaches = placement.kind === 'ssd-stream' && placement.where === 'cpu' && !denseOnGpu(flags);
  if (!onlyCaches || machine.unified === true || machine.gpus.length === 0) return row;
  const onCard = onCardOf(row);
  const inRam = inRamOf(row, onCard);
  const cached = inRam === undefined ? {} : { cache_gb: inRam + onCard };
  return { ...row, machine: { ...machine, gpus: [] }, placement: { ...placement, ...cached } };
}

/** GB of experts on a card; 0: absent or unknown. */
export function onCardOf(row: Measurement): number {
  const cards = row.machine.gpus.map(({ memory_gb = 0 }) => memory_gb);
  return streamingOf(row)?.expertsOnCards(row.placement.note ?? '', cards) ?? 0;
}

/** Undefined: unknown. */
function inRamOf({ machine: { ram }, placement: { cache_gb } }: Measurement, onCard: number): number | undefined {
  if (cache_gb !== undefined && cache_gb !== onCard) return cache_gb;
  return ram?.gb === undefined ? cache_gb : ram.gb * CACHED_RAM;
}
