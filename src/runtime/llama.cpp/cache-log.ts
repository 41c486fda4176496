// Sizes when a context is made, uses when it is freed, in each spelling since build 11480, and of ik_llama.cpp's port.
import { definedFields } from '../../base/objects.js';
import { LONGEST_LINE, type PlacedLine, wholeOf } from '../logs/lines.js';
import type { CacheSize, CacheUses, PrintedCache, PrintedTiming } from '../logs/timing.js';

const SIZE = /(\S+) MoE cache (?:size =|uses) +([\d.]+) MiB for ([\d.]+) MiB of host experts/;
const GROUP = /: +(\d+) layer(?:s, \S+:|\(s\),) +(\d+)(?: expert)? slots \([\d.]+%/;
const USES =
  /llama_moe_cache: ubatch +(<= 8|> 8|9-32):? hits ?= ?(\d+),? misses ?= ?(\d+)(?: \((\d+) on the CPU\))?,? (?:evictions=\d+ )?hit[ -]rate ?= ?[\d.]+%,? uploaded ?= ?([\d.]+) MiB/;
const COPIED = /llama_moe_cache: large batches: \d+ experts copied from the cache, ([\d.]+) MiB/;
const EVAL = /(?<!prompt )\beval time\s*=\s*[\d.]+ ms \/\s*(\d+) (?:tokens|runs)/;

/** The end of a context; null: its figures cannot be, or are those of several contexts. */
interface End {
  readonly line: number;
  cache: PrintedCache | null;
}

/** Timings with the cache of their context: the next that ends. @param lines of the log */
export function withCaches(timings: readonly PrintedTiming[], lines: readonly PlacedLine[]): PrintedTiming[] {
  const ends = endsOf(lines);
  if (ends.length === 0) return [...timings];
  const lineOf = new Map(lines.map(({ place }, line) => [place, line]));
  let next = 0;
  const endOf = timings.map(({ place }) => {
    while (next < ends.length && ends[next]!.line < lineOf.get(place)!) next++;
    return next;
  });
  const printed = new Set(endOf);
  // Contexts that end together, as with drafts, leave open whose tokens were printed.
  for (const [end] of ends.entries()) if (end > 0 && !printed.has(end)) ends[end - 1]!.cache = null;
  return timings.map((timing, at) => ({ ...timing, ...definedFields({ expertCache: ends[endOf[at]!]?.cache }) }));
}

function endsOf(lines: readonly PlacedLine[]): End[] {
  const ends: End[] = [];
  let [sizes, tokens, open]: [Sizes, number, 'small' | 'large' | 'copied' | null] = [new Sizes(), 0, null];
  for (const [line, { text: whole }] of lines.entries()) {
    const text = whole.slice(0, LONGEST_LINE);
    const uses = USES.exec(text);
    const copied = COPIED.exec(text)?.[1];
    if (uses !== null) {
      const pass = uses[1] === '<= 8' ? 'small' : 'large';
      if (open === null || pass === 'small' || open !== 'small') {
        ends.push({
          line,
          cache: { ...sizes.sum(), ...definedFields({ tokens: Number.isSafeInteger(tokens) && tokens > 0 ? tokens : undefined }) },
        });
        [sizes, tokens] = [new Sizes(), 0];
      }
      const end = ends.at(-1)!;
      const counted = usesOf(uses);
      end.cache = counted === null || end.cache === null ? null : { ...end.cache, [pass]: counted };
      open = pass;
    } else if (copied !== undefined && open !== null && open !== 'copied') {
      const end = ends.at(-1)!;
      if (end.cache !== null) end.cache = { ...end.cache, ...definedFields({ copiedBytes: bytesOf(copied) ?? undefined }) };
      open = 'copied';
    } else {
      if (!text.includes('llama_moe_cache')) open = null;
      tokens += wholeOf(EVAL.exec(text)?.[1] ?? '0')!;
      sizes.take(text);
    }
  }
  return ends;
}

/** Sizes of a context's caches, by GPU. */
class Sizes {
  readonly #of = new Map<string, CacheSize>();
  #device = '';
  #isKnown = true;

  take(text: string): void {
    const size = SIZE.exec(text);
    const group = GROUP.exec(text);
    const before = this.#of.get(this.#device);
    if (size !== null) {
      const [, device, bytes, hostBytes] = size as unknown as [string, string, string, string];
      const [held, all] = [bytesOf(bytes), bytesOf(hostBytes)];
      const known = this.#of.get(device);
      // The same GPU again is a trial of the same cache, or another context.
      if (held === null || all === null || (known !== undefined && known.bytes !== held)) this.#isKnown = false;
      this.#device = device;
      this.#of.set(device, { bytes: held ?? 0, hostBytes: all ?? 0, layers: 0, slots: 0 });
    } else if (group !== null && before !== undefined) {
      const [layers, slots] = [Number(group[1]), Number(group[2])];
      this.#of.set(this.#device, { ...before, layers: before.layers + layers, slots: before.slots + slots });
    }
  }

  sum(): Pick<PrintedCache, 'size'> {
    const gpus = [...this.#of.values()];
    const of = (key: keyof CacheSize): number => gpus.reduce((sum, size) => sum + size[key], 0);
    const size = { bytes: of('bytes'), hostBytes: of('hostBytes'), layers: of('layers'), slots: of('slots') };
    return this.#isKnown && size.bytes > 0 && size.bytes <= size.hostBytes && Object.values(size).every(Number.isSafeInteger)
      ? { size }
      : {};
  }
}

/** Null: no uses, or figures that cannot be. */
function usesOf([, , ...printed]: RegExpExecArray): CacheUses | null {
  const [hits, misses, onCpu] = printed.map((text) => Number(text ?? 0)) as [number, number, number];
  const uploadedBytes = bytesOf(printed[3]!);
  const isWhole = [hits, misses, onCpu, hits + misses].every(Number.isSafeInteger);
  return isWhole && hits + misses > 0 && onCpu <= misses && uploadedBytes !== null ? { hits, misses, onCpu, uploadedBytes } : null;
}

/** Bytes of MiB; null: impossible. */
function bytesOf(mebibytes: string): number | null {
  const bytes = Math.round(Number(mebibytes) * 2 ** 20);
  return Number.isSafeInteger(bytes) ? bytes : null;
}
