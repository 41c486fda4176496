import { ownValue } from '../base/objects.js';
import { formatBytes, formatCount, formatNs, formatRatio } from '../base/units.js';
import { isPinned } from '../engine/inputs/inputs.js';
import { type Figure, KNOBS, type PredictedFigure, type RatioBand, ratioBand } from '../hardware/door.js';
import { expertBytesTotal } from '../model/door.js';
import { cachedBytes } from '../runtime/door.js';
import { cacheOf } from './fit.js';
import type { Priced } from './price.js';
import { drivenBy, type Question } from './question.js';

/** Expert cache compared with the best fixed placement of the same memory. */
export interface CacheRatio extends RatioBand {
  /** `close`: either may be faster. `unmeasured`: no row of this cache on this backend. */
  readonly verdict: 'sure' | 'close' | 'slower' | 'unmeasured';
  /** Measured rows of the cache on this backend, in words; null: none. */
  readonly rows: string | null;
  /** What decides, for the user. */
  readonly reason: string;
}

/** Chance from which on a setting counts as the faster one; ours. */
const SURE = 0.8;

/** Decode speeds of a cache and of a fixed placement, and what their difference is worth. */
export function cacheRatio(question: Question, cached: Priced, fixed: Priced): CacheRatio {
  const { learned, runtime } = question;
  const band = ratioBand(figureOf(question, cached), figureOf(question, fixed), learned?.learned.taught);
  const profile = drivenBy(question);
  const rows = ownValue(cacheOf(runtime, cached.setting)?.measured ?? {}, profile) ?? null;
  const faster = rows === null ? 'unmeasured' : band.chance >= SURE ? 'sure' : 'close';
  const verdict = band.chance <= 1 - SURE ? 'slower' : faster;
  return { ...band, verdict, rows, reason: `${reasonOf(verdict, cached, profile)}${mappedNote(question, cached)}` };
}

function reasonOf(verdict: CacheRatio['verdict'], cached: Priced, profile: string): string {
  switch (verdict) {
    case 'sure':
      return 'sure';
    case 'close':
      return 'too close, try both lines';
    case 'unmeasured':
      return `a guess, no row is of ${profile}`;
    case 'slower':
      return slownessOf(cached);
  }
}

/** Why experts are not pinned; empty: pinned, or no own cache. */
function mappedNote({ hardware }: Question, { model }: Priced): string {
  const copies = hardware.software?.cache;
  if (copies === undefined || copies.pinnable === 0 || isPinned(hardware, copies, expertBytesTotal(model))) return '';
  return `; not pinned, Windows has ${formatRatio(copies.pinnable)} at most`;
}

/** Price of the misses of a token. */
function slownessOf({ model, price }: Priced): string {
  const choices = model.layers.reduce((sum, { topK }) => sum + topK, 0);
  const [misses, bytes] = [(1 - price.hitRate) * choices, Math.max(...cachedBytes(model, 1))];
  return `${formatCount(Math.round(misses))} misses of ${formatBytes(bytes)} a token wait ${formatNs(price.waits.link)}`;
}

/** Shares of a token's time by knobs: copies, experts on the CPU, all but copies. @param speed tokens/s of a user */
export function waitedShares({ cpu, link }: Priced['price']['waits'], speed: number) {
  const [copies, onCpu] = [link, cpu].map((ns) => Math.min(1, (ns * speed) / 1e9)) as [number, number];
  return { reading: 1 - copies, 'cpu.memory': onCpu, copies };
}

/** In the order of {@link KNOBS}. */
export const knobShares = (shares: Readonly<Record<string, number>>): number[] => KNOBS.map(({ name }) => ownValue(shares, name) ?? 0);

function figureOf(question: Question, priced: Priced): PredictedFigure {
  const { price, setting } = priced;
  return { ...decodeFigure(question, priced, waitedShares(price.waits, price.decode / setting.users)), speed: price.decode };
}

/** Decode speed by knobs' shares. */
export function decodeFigure(question: Question, { model, setting }: Priced, shares: Readonly<Record<string, number>>): Figure {
  return { kind: 'decode', runtime: drivenBy(question), model: model.name, strategy: setting.cache, shares: knobShares(shares) };
}
