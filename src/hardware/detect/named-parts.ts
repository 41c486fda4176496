// Parts of a machine as drivers print them, and as people write them.
import { byName } from '../../base/objects.js';
import { partKey } from '../parts/catalogue.js';
import { CPUS } from '../parts/cpu.js';
import { GPUS, type GpuPart } from '../parts/gpu.js';
import { parseMemory } from '../parts/memory.js';
import { fitsMemory } from './match-gpu.js';

/** Most characters of a name, and words of a sentence; ours. */
const LONGEST = 200;
/** Most words of a sentence; ours. */
const MOST_WORDS = 400;
/** Most words of a part: `amd epyc 7343 16-core processor`. */
const PART_WORDS = 6;

/** Spellings of a printed name: `Radeon 8060S Graphics (RADV GFX1151)`, `MTL0 (AMD Radeon RX 6950 XT)`. */
function spellingsOf(printed: string): string[] {
  const name = printed.slice(0, LONGEST).trim();
  const inner = /^[A-Za-z]+\d+ \((.+)\)$/.exec(name)?.[1];
  const plain = (inner ?? name).replace(/\([^)]*\)/g, (mark) => (/^\((?:r|tm|c)\)$/i.test(mark) ? mark : ' ')).trim();
  return [name, plain, plain.replace(/\s+graphics$/i, ''), plain.replace(/^.*?\b(?=apple )/i, '')];
}

/** Catalogue name of a card for -w, with its memory if it differs; null: no part. @param bytes printed memory */
export function cardNamed(printed: string, bytes = sizeIn(printed)): string | null {
  const names = spellingsOf(printed);
  const found = names.flatMap((name) => GPUS.find(name) ?? [])[0];
  if (found === undefined) return relativeOf(names, bytes)?.name ?? names.flatMap((name) => CPUS.find(name) ?? [])[0]?.name ?? null;
  return fitsMemory(found, bytes) ? found.name : (relativeOf(names, bytes)?.name ?? `${found.name}:${Math.ceil(bytes! / 2 ** 30)}GB`);
}

/** Bytes in a name: `RTX 4060 Ti 16GB`. */
function sizeIn(name: string): number | undefined {
  const size = /\b(\d{1,3}) ?gb?\b/i.exec(name.slice(0, LONGEST))?.[1];
  return size === undefined ? undefined : Number(size) * 2 ** 30;
}

/** Card sold with several sizes of memory: `RTX 4060 Ti` with 16 GB; without a size the smallest. */
function relativeOf(names: readonly string[], bytes: number | undefined): GpuPart | null {
  const plain = (text: string): string => partKey(text.replace(/[\s-]*\b\d+\s?gb?\b/i, ''));
  const keys = new Set(names.map(plain));
  const alike = GPUS.parts.filter(({ name }) => keys.has(plain(name))).sort((a, b) => a.memoryBytes - b.memoryBytes);
  return alike.find((part) => fitsMemory(part, bytes)) ?? null;
}

/** Catalogue name of a processor; null: no part. */
export const cpuNamed = (printed: string): string | null => spellingsOf(printed).flatMap((name) => CPUS.find(name) ?? [])[0]?.name ?? null;

/** Parts in a sentence, for -w, and the words of no part. */
export interface SpokenParts {
  readonly parts: readonly string[];
  readonly rest: readonly string[];
}

const COUNTS = byName<number>({ dual: 2, two: 2, three: 3, four: 4 });

/** `on two 3090s with a 5950X and 64 GB of DDR4-3200`. */
export function spokenParts(text: string): SpokenParts {
  const words = text
    .replace(/\b(\d{1,2}) ?[x×] ?(?=[a-z]*\s?\d{3})/gi, '$1x ')
    .replace(/(\d)\s+(g(?:i?b)?)\b/gi, '$1$2')
    .replace(/\b(ddr\d)[\s@,]+(?=\d{4}\b)/gi, '$1-')
    .split(/[\s,;|()[\]*+]+/)
    .filter((word) => word !== '')
    .slice(0, MOST_WORDS);
  const parts = new Map<string, string>();
  const rest: string[] = [];
  for (let at = 0; at < words.length; ) {
    const found = partAt(words, at);
    if (found === null) rest.push(words[at]!);
    else if (found.part !== null && !parts.has(found.kind)) parts.set(found.kind, found.part);
    at += found?.length ?? 1;
  }
  return { parts: [...parts.values()], rest };
}

interface FoundPart {
  /** Parts of a kind are named once. */
  readonly kind: string;
  /** Null: a card's memory, known by its name. */
  readonly part: string | null;
  readonly length: number;
}

function partAt(words: readonly string[], at: number): FoundPart | null {
  const count = COUNTS[words[at]!.toLowerCase()] ?? Number(/^(\d{1,2})x$/.exec(words[at]!)?.[1] ?? 1);
  const from = count > 1 || /^1x$/.test(words[at]!) ? at + 1 : at;
  for (let length = Math.min(PART_WORDS, words.length - from); length > 0; length--) {
    const part = partOf(words.slice(from, from + length).join(' '));
    if (part === null) continue;
    const gpu = GPUS.find(part);
    const card = gpu !== null;
    const sized =
      card && gpu.unified !== true && /^\d+g(?:i?b)?$/i.test(words[from + length] ?? '') ? cardSized(part, words[from + length]!) : null;
    const named = sized ?? part;
    return {
      kind: card ? named : 'cpu',
      part: count > 1 ? `${count}x${named}` : named,
      length: from - at + length + (sized === null ? 0 : 1),
    };
  }
  return memoryAt(words, at);
}

/** A card and the size after its name; null: the size is of the memory of the machine. */
function cardSized(part: string, size: string): string | null {
  const named = cardNamed(part, Number.parseFloat(size) * 2 ** 30);
  return named === null || named.includes(':') ? null : named;
}

function memoryAt(words: readonly string[], at: number): FoundPart | null {
  const word = words[at]!;
  if (/^windows$/i.test(word)) return { kind: 'system', part: 'windows', length: /^1[01]$/.test(words[at + 1] ?? '') ? 2 : 1 };
  const memory = parseMemory(word.replace(/(?:mhz|mt\/?s?)?[.:?!]*$/i, ''));
  if (memory !== null)
    return { kind: 'memory', part: `${memory.channels === undefined ? '' : `${memory.channels}x`}${memory.type}-${memory.mts}`, length: 1 };
  const size = /^(\d{1,5})(?:g|gb|gib)[.:?!]*$/i.exec(word);
  if (size === null || Number(size[1]) === 0) return null;
  const next = (words[at + 1] ?? '').toLowerCase().replace(/[.:]$/, '');
  if (/^(?:vram|gguf|file|model|card)$/.test(next)) return { kind: 'vram', part: null, length: 2 };
  return { kind: 'size', part: `${size[1]}GB`, length: /^(?:ram|memory|unified)$/.test(next) ? 2 : 1 };
}

/** Part of a phrase: a name, or the number of one part alone (`3090`, `5950X`, `3080ti`). */
function partOf(phrase: string): string | null {
  const text = phrase.replace(/[.:!?']+$/, '').toLowerCase();
  if (/\s(?:with|w\/|@)/.test(text)) return null;
  if (text.length > LONGEST || !/\d/.test(text) || /^\d{1,2}$/.test(text)) return /^strix halo$/.test(text) ? cardNamed(text) : null;
  const named = (name: string): string | null => cardNamed(name) ?? cpuNamed(name) ?? numbered(name);
  const part = named(text) ?? named(text.replace(/(\d)s$/, '$1'));
  return part?.includes(':') ? null : part;
}

/** The part with a number; null: none, or several. */
function numbered(text: string): string | null {
  const number = text.replace(/(\d)(?=(?:ti|xtx?|super)\b)/, '$1-').replace(/^(?:ryzen|rtx|gtx|rx|i\d|core|epyc|xeon)\s+/, '');
  if (!/^\d{4,5}/.test(number)) return null;
  const ending = `-${number.replace(/\s+/g, '-')}`;
  const parts = [...GPUS.parts, ...CPUS.parts].filter(({ name }) => name.endsWith(ending));
  return parts.length === 1 ? parts[0]!.name : null;
}
