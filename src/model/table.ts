// profiles/models/table.txt: a row of words a model.
import { stringify } from 'yaml';
import { UserError } from '../base/errors.js';
import { definedFields, isObject, ownValue, remembered } from '../base/objects.js';
import { findProfile, shownPath, tableRow } from '../base/profiles.js';
import { checkValue, type Override, readYaml } from '../base/yaml.js';
import { deltaNet, kimiDelta, type Mixer, mamba2, shortConvolution } from './mixers.js';
import { type ModelProfile, ModelProfileSchema } from './profile.js';

type Words = ReadonlyMap<string, string>;
type Parts = readonly string[] | null;
type Part = Readonly<Record<string, unknown>>;

/** Words that a row may have, and the form of each. */
const FORMS: Readonly<Record<string, RegExp>> = {
  size: /^(\d+)x(\d+)\/(\d+)(t?)$/,
  gqa: /^(\d+)\/(\d+)x(\d+)(?::(\d+))?((?:\+(?:bias|out|norm|full|gate))*)$/,
  mla: /^(\d+)\/(\d+)\/(\d+)\/(\d+)\/(\d+)\/(\d+)(\+gate)?$/,
  at: /^(?:every(\d+)\+(\d+)|(\d+(?:,\d+)*))$/,
  gdn: /^(\d+)\/(\d+)x(\d+)$/,
  kda: /^(\d+)x(\d+)(f?)$/,
  mamba: /^(\d+)x(\d+)\/(\d+)\/(\d+)$/,
  conv: /^3$/,
  other: /^(\d+)(?:\/(\d+))?$/,
  q: /^(\d+)$/,
  window: /^(\d+)(?::(\d+)\/(\d+)|@(\d+(?:,\d+)*))?(?:h(\d+))?(?:k(\d+))?$/,
  moe: /^(\d+):(\d+)x(\d+)((?:\+(?:bias|router|two))*)$/,
  latent: /^(\d+)$/,
  shared: /^(\d+)(g?)$/,
  first: /^(\d+)$/,
  every: /^(\d+)$/,
  except: /^(\d+(?:,\d+)*)$/,
  pattern: /^[ME*]+$/,
  dense: /^(\d+)$/,
  mtp: /^(\d+)$/,
  kept: /^(\d+)$/,
  as: /^([\w.-]+)$/,
  context: /^(\d+)$/,
  total: /^(\d+(?:\.\d+)?)$/,
  active: /^(\d+(?:\.\d+)?)(?:t([012]))?$/,
  like: /^([\w.-]+)$/,
  offered: /^no$/,
};

/** One row in words: those of a form, names of repositories, the source of its figures, a note. */
function wordsOf(row: string, place: string): { words: Words; hub: string[]; source: string; note: string } {
  const [head = '', hub = '', source = '', note = ''] = row.split('|').map((text) => text.trim());
  const words = new Map<string, string>();
  for (const word of head.split(/ +/).slice(1)) {
    const [, key = '', value = ''] = /^(\w+)=(.+)$/.exec(word) ?? ['', 'type', word];
    if (key !== 'type' && ownValue(FORMS, key)?.test(value) !== true)
      throw new UserError(`${place}: ${word.slice(0, 60)}: expected one of ${Object.keys(FORMS).join(', ')}, each with its numbers`);
    if (words.has(key)) throw new UserError(`${place}: ${key} stands twice; keep one of them`);
    words.set(key, value);
  }
  return { words, hub: hub.split(/ +/).filter((name) => name !== ''), source, note };
}

function partsOf(words: Words, key: string): Parts {
  const value = words.get(key);
  const found = value === undefined ? null : (ownValue(FORMS, key)?.exec(value) ?? null);
  return found === null ? null : found.slice(1).map((part) => part ?? '');
}
const numberIn = (words: Words, key: string): number | undefined => (words.has(key) ? Number.parseFloat(words.get(key)!) : undefined);
const listOf = (text: string): number[] => text.split(',').map(Number);
const indexes = (pattern: string, letter: string): number[] => [...pattern].flatMap((found, layer) => (found === letter ? [layer] : []));

/** Mixer of the layers without attention, with its name; null: each layer has attention. */
function mixerOf(words: Words, hidden: number): (Mixer & { readonly kind: string }) | null {
  const [gdn, kda, mamba, other] = ['gdn', 'kda', 'mamba', 'other'].map((key) => partsOf(words, key)) as [Parts, Parts, Parts, Parts];
  if (gdn !== null) {
    const [keyHeads, valueHeads, dim] = gdn.map(Number) as [number, number, number];
    return { kind: 'gated-deltanet', ...deltaNet(hidden, { keyHeads, keyDim: dim, valueHeads, valueDim: dim, kernel: 4 }) };
  }
  if (kda !== null) return { kind: 'kda', ...kimiDelta(hidden, Number(kda[0]), Number(kda[1]), kda[2] === 'f') };
  if (other !== null) return { kind: 'other', parameters: Number(other[0]), state: Number(other[1]) / 4 };
  if (words.get('conv') !== undefined) return { kind: 'short convolution', ...shortConvolution(hidden) };
  if (mamba === null) return null;
  const [heads, dim, groups, state] = mamba.map(Number) as [number, number, number, number];
  const biases = { convolutionBias: true, projectionBias: false };
  return { kind: 'mamba2', ...mamba2(hidden, { heads, inner: heads * dim, groups, state, kernel: 4, ...biases }) };
}

function placementOf(words: Words, hidden: number): Part {
  const mixer = mixerOf(words, hidden);
  const [every, offset, list] = partsOf(words, 'at') ?? [];
  if (mixer === null) return {};
  const otherwise = { kind: mixer.kind, parameters: mixer.parameters, stateBytes: 4 * mixer.state };
  if (words.get('pattern') !== undefined) return { layers: indexes(words.get('pattern')!, '*'), otherwise };
  return every === '' || every === undefined
    ? { layers: listOf(list ?? ''), otherwise }
    : { every: Number(every), offset: Number(offset), otherwise };
}

function attentionOf(words: Words, hidden: number): Part {
  const placed = placementOf(words, hidden);
  const latent = partsOf(words, 'mla');
  if (latent !== null) {
    const [heads, qLora, kvLora, qkNope, qkRope, vHead] = latent.map(Number);
    return { kind: 'mla', heads, qLora, kvLora, qkNope, qkRope, vHead, gate: latent[6] !== '', ...placed };
  }
  const [heads, kvHeads, headDim, valueDim, habits = ''] = partsOf(words, 'gqa') ?? [];
  const isSet = (habit: string): boolean => habits.split('+').includes(habit);
  const flags = { bias: isSet('bias'), outBias: isSet('out'), qkNorm: isSet('full') ? 'full' : isSet('norm'), gate: isSet('gate') };
  const window = windowIn(words);
  const widths = definedFields({ valueDim: valueDim === '' ? undefined : Number(valueDim), queryRank: numberIn(words, 'q') });
  return {
    kind: 'gqa',
    heads: Number(heads),
    kvHeads: Number(kvHeads),
    headDim: Number(headDim),
    ...widths,
    ...flags,
    ...window,
    ...placed,
  };
}

function windowIn(words: Words): Part {
  const found = partsOf(words, 'window');
  if (found === null) return {};
  const [size, layers, of, at, heads, kvHeads] = found.map((text) => (text === '' ? undefined : text));
  const whole = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));
  const placed = {
    layers: whole(layers),
    of: whole(of),
    at: at === undefined ? at : listOf(at),
    heads: whole(heads),
    kvHeads: whole(kvHeads),
  };
  return { window: { size: Number(size), ...definedFields(placed) } };
}

function expertsIn(words: Words): Part {
  const [experts, topK, intermediate, habits = ''] = partsOf(words, 'moe') ?? [];
  const isSet = (habit: string): boolean => habits.split('+').includes(habit);
  const [width, gated] = partsOf(words, 'shared') ?? [];
  const [except] = partsOf(words, 'except') ?? [];
  const sparse = words.get('pattern') === undefined ? definedFields({ except: except && listOf(except) }) : exceptIn(words.get('pattern')!);
  return {
    experts: Number(experts),
    topK: Number(topK),
    intermediate: Number(intermediate),
    matrices: isSet('two') ? 2 : 3,
    bias: isSet('bias'),
    routerBias: isSet('router'),
    ...definedFields({ latent: numberIn(words, 'latent'), first: numberIn(words, 'first'), every: numberIn(words, 'every') }),
    ...(width === undefined ? {} : { shared: { intermediate: Number(width), gated: gated === 'g' } }),
    ...sparse,
  };
}

function exceptIn(pattern: string): Part {
  const first = pattern.indexOf('E');
  return { first, except: [...pattern].flatMap((letter, layer) => (layer > first && letter !== 'E' ? [layer] : [])) };
}

/** @throws UserError for a malformed row */
function profileIn(name: string, row: string, place: string): unknown {
  const { hub, note, source, words } = wordsOf(row, place);
  const [layers, hidden, vocab, tied] = partsOf(words, 'size') ?? [];
  const [active, tables] = partsOf(words, 'active') ?? [];
  const billions = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text) * 1e9);
  const total = billions(words.get('total'));
  const counted = { active: billions(active), tables: tables ? Number(tables) : undefined };
  const facts = {
    ...(total === undefined ? {} : { published: { total, ...definedFields(counted), source } }),
    ...(hub.length === 0 ? {} : { hub }),
    ...(note === '' ? {} : note.startsWith('?') ? { assumed: note.slice(1) } : { note }),
    ...(words.has('offered') ? { offered: false } : {}),
    ...definedFields({ mtpLayers: numberIn(words, 'mtp'), quantization: words.get('as'), trainedContext: numberIn(words, 'context') }),
  };
  if (words.get('like') !== undefined) {
    const { hub: _, published: __, ...base } = modelProfile(findProfile('models', words.get('like')!));
    return { ...base, ...facts, name };
  }
  const [wide, dense] = [Number(hidden), numberIn(words, 'dense')];
  return {
    name,
    layers: Number(layers),
    ...(words.get('pattern') === undefined ? {} : { single: true }),
    hidden: wide,
    vocab: Number(vocab),
    tiedEmbeddings: tied === 't',
    attention: attentionOf(words, wide),
    moe: expertsIn(words),
    ...(dense === undefined ? {} : { dense: { intermediate: dense } }),
    ...definedFields({ architecture: words.get('type'), nextLayers: numberIn(words, 'kept') }),
    ...facts,
  };
}

const READ = new Map<string, ModelProfile>();

/** A YAML file, or a row of the table (`table.txt#name`). @throws UserError */
export function modelProfile(path: string, overrides: readonly Override[] = []): ModelProfile {
  const found = tableRow(path);
  if (found === null) return readYaml(path, ModelProfileSchema, overrides);
  const read = (): ModelProfile =>
    checkValue(profileIn(found.name, found.text, shownPath(path)), shownPath(path), ModelProfileSchema, overrides);
  return overrides.length > 0 ? read() : remembered(READ, path, read);
}

/** A row's profile as YAML, without what is so by default. */
export function modelText(path: string): string {
  const { name, text } = tableRow(path)!;
  const bare = (value: unknown): unknown =>
    isObject(value)
      ? Object.fromEntries(Object.entries(value).flatMap(([key, inner]) => (inner === false ? [] : [[key, bare(inner)]])))
      : value;
  return stringify(bare(profileIn(name, text, shownPath(path))), { lineWidth: 0 });
}
