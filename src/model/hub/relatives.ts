// Names of models with the same shape.
import { z } from 'zod';
import { remembered } from '../../base/objects.js';
import { findProfile, listProfiles, tableRow } from '../../base/profiles.js';
import { readOwnYaml } from '../../base/yaml.js';
import { modelProfile } from '../table.js';

/** A name of a bundled model. */
export interface KnownName {
  readonly model: string;
  /** Parameters; null: unpublished. */
  readonly total: number | null;
  readonly active: number | null;
  readonly offered: boolean;
}

/** A model for a name. */
export interface Resemblance {
  readonly known: KnownName;
  /** Name whose shape is assumed, and why; null: the shape is known. */
  readonly assumed: string | null;
}

/** Publisher prefix: `Qwen_Qwen3-30B-A3B-GGUF`. */
const PUBLISHER = /^(?:[a-z\d.-]+_(?=[a-z][a-z\d.-])|[a-z][a-z\d-]*\.(?=[a-z]{3})|huihui-|nvidia-)/;
/** Endings of further training and date. */
const TRAINING = [
  /[-_.](instruct|thinking|chat|base|pretrain|pt|it|sft|dpo|abliterated|heretic|uncensored|derestricted|original|hf|paddle|unsloth|preview|beta|v\d+(\.\d+)?|\d{4}|\d{6}|\d{8}|(0[1-9]|1[0-2])-20\d{2}|\d+k|1m)$/,
  /[-_.](exp|speciale|rl|mopd|reasoning|captioner|omni|coding|labs|mtp)$/,
];
/** Endings of storage formats. */
const STORAGE = [
  /[-_.](gguf|awq|gptq|mlx|dwq|exl[23]|bnb|auto-?round|i1|imatrix|dynamic|quantized|mixed|qat|hqq|aqlm|ud|smol|hi|i?q\d\w*|[dt]q\d\w*|qx\d\w*|gs?\d+|h\d|tp\d)$/,
  /[-_.](int[248]|fp[48]|nvfp4|mxfp4(_moe)?|bf16|f16|fp16|w\d+a\d+(c\d+)?|\d(\.\d+)?-?bits?|\d(\.\d+)?bpw)$/,
];
const ENDINGS = [...TRAINING, ...STORAGE];
const withoutEnding = (name: string, endings = ENDINGS): string =>
  endings.map((ending) => name.replace(ending, '')).reduce((a, b) => (b.length < a.length ? b : a));

/** A lower-case name without publisher and words on storage. */
export function withoutStorage(repo: string): string {
  let stem = repo.replace(PUBLISHER, '');
  for (let less = withoutEnding(stem, STORAGE); less !== stem; less = withoutEnding(stem, STORAGE)) stem = less;
  return stem;
}

/** A lower-case name, without endings one by one, without publishers. */
export function stems(repo: string): string[] {
  const starts = [repo, repo.replace(PUBLISHER, ''), repo.replace(PUBLISHER, '').replace(PUBLISHER, '')];
  const found = starts.flatMap((start) => {
    const tried = [start];
    for (let stem = withoutEnding(start); stem !== tried.at(-1); stem = withoutEnding(stem)) tried.push(stem);
    return tried;
  });
  return [...new Set(found)];
}

const VERSIONED = /^([a-z][a-z-]*?)(\d{1,2})(?:\.(\d{1,2}))?(?![\dbtx])([a-z-].*)?$/;
const SIZED = /\d[bt](?:-|$)/;
/** Families whose minor versions kept their shape: GLM 4.5 to 4.7, Kimi K2 to K2.7, MiniMax M2 to M2.7. */
const STEADY = /^(?:glm-|kimi-k|deepseek-v|minimax-m|mimo-v|hy)$/;
/** Parts of names of pruned models and drafters. */
const OTHER = /(?:^|[-_.])(?:reap|pruned?|distill\w*|eagle\d?|d?flash(?=-)|draft\w*|lora|adapter|speculat\w*)(?:[-_.]|$)/;

/** The minor version before, or the name that a stem ends with; null: neither. */
export function relativeOf(stem: string): Resemblance | null {
  const names = knownNames();
  const [, family, major, minor = '0', rest = ''] = VERSIONED.exec(stem) ?? [];
  if (family !== undefined && (STEADY.test(family) || SIZED.test(rest))) {
    const before = [...names].flatMap(([name, known]) => {
      const [, alike, same, earlier = '0', tier = ''] = VERSIONED.exec(name) ?? [];
      return alike === family && same === major && tier === rest && Number(earlier) < Number(minor)
        ? [{ name, known, earlier: Number(earlier) }]
        : [];
    });
    const latest = before.sort((a, b) => b.earlier - a.earlier)[0];
    if (latest !== undefined) return { known: latest.known, assumed: `${latest.name}, the version before ${stem}` };
  }
  for (let at = stem.search(/[-_.]/); at >= 0; at = next(stem, at)) {
    const [before, name] = [stem.slice(0, at), stem.slice(at + 1)];
    const known = SIZED.test(name) && !OTHER.test(before) ? names.get(name) : undefined;
    if (known !== undefined) return { known, assumed: `${name}, with which ${stem} ends` };
  }
  return sameSize(stem);
}

/** Tolerance of parameters in a name, relative: names round. */
const ROUNDED = { total: 0.03, active: 0.07 };

/** The only model of a family with both parameters in a name. */
function sameSize(stem: string): Resemblance | null {
  const [, total, active] = /-(\d{2,3})b-a(\d{1,2})b$/.exec(stem) ?? [];
  if (total === undefined || OTHER.test(stem)) return null;
  const words = stem.split('-');
  const isNear = (billions: string, published: number | null, off: number): boolean =>
    Math.abs(Number(billions) * 1e9 - (published ?? 0)) <= off * (published ?? 0);
  const known = [...knownNames().values()].filter(
    (name) =>
      words.includes(name.model.split('-')[0]!) && isNear(total, name.total, ROUNDED.total) && isNear(active!, name.active, ROUNDED.active),
  );
  if (new Set(known.map(({ model }) => model)).size !== 1) return null;
  return { known: known[0]!, assumed: `${known[0]!.model}, of whose family and size ${stem} is` };
}

function next(text: string, after: number): number {
  const found = text.slice(after + 1).search(/[-_.]/);
  return found < 0 ? -1 : after + 1 + found;
}

const NAMES = new Map<'all', ReadonlyMap<string, KnownName>>();

/** Bundled models by lower-case names. */
export const knownNames = (): ReadonlyMap<string, KnownName> =>
  remembered(NAMES, 'all', () => {
    const schema = z.looseObject({
      hub: z.array(z.string()).default([]),
      published: z.looseObject({ total: z.number(), active: z.number().optional() }).optional(),
      offered: z.boolean().default(true),
    });
    const named = listProfiles('models').flatMap((model) => {
      const path = findProfile('models', model);
      const { hub = [], offered, published } = tableRow(path) === null ? readOwnYaml(path, schema) : modelProfile(path);
      const known = { model, total: published?.total ?? null, active: published?.active ?? null, offered };
      return [model, ...hub].map((name): [string, KnownName] => [name.toLowerCase(), known]);
    });
    return new Map(named);
  });
