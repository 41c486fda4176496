// A speed in a sentence: `11 tok/s with gpt-oss 120b on a 3090 and 64 GB`.
import { UserError } from '../base/errors.js';
import { definedFields } from '../base/objects.js';
import { listProfiles } from '../base/profiles.js';
import { spokenParts } from '../hardware/door.js';
import { isRuntime, RUNTIMES } from './index.js';
import { settingsOfFlags } from './llama.cpp/llama-log.js';
import { FASTEST, listField } from './logs/lines.js';
import type { PrintedTiming, Timing } from './logs/timing.js';

/** Most characters of a text; ours. */
const LONGEST = 4000;
/** Most words of a model's name: `Qwen 3.5 35B A3B`. */
const MODEL_WORDS = 6;
/** Most words that are named as not read; ours. */
const MOST_UNREAD = 12;

const SPEED =
  /(?<![\d.])(\d{1,8}(?:\.\d{1,6})?)(?:\s*(?:-|–|to)\s*(\d{1,8}(?:\.\d{1,6})?))?\s*(?:tok(?:en)?s?\s*\/\s*s(?:ec(?:ond)?)?|tk?\/s|tps|tokens? (?:per|a) sec(?:ond)?)\b/gi;
const PROMPT = /\b(?:prompts?|prefill|pp\d*|prompt processing|ingest\w*)\b/i;
const FLAGS = /(?:^|\s)(--?[a-z][\w-]*(?:[ =](?!-)(?:"[^"]*"|[^\s,;]+))?)/gi;
const FORMAT = /^(?:(?:ud-)?(?:i?q\d[a-z0-9_]*|tq\d_\d)|bf16|f16|fp8|mxfp4|nvfp4|int4|int8)$/i;

/** Words of a sentence that say nothing of a run. */
const IDLE = new Set(
  (
    'a an about am and are as at be but by can do does for from gb get gets getting generation gen decode decoding eval give gives giving goes got ' +
    'had has have here hi hit i in is it just me my normal now of on only or our over ram reach right run running runs same see seeing so ' +
    'speed system that the this tg to token tokens tok/s up use using vs was we what when which with you your memory card gpu cpu ' +
    'nvidia amd intel model too slow fast good bad ok okay around roughly approximately llm locally'
  ).split(' '),
);

/** True for a sentence with a speed. */
export const isSpoken = (text: string): boolean =>
  text.length <= LONGEST && !/[\0-\x08\x0e-\x1f]/.test(text) && text.matchAll(SPEED).next().done !== true;

/** A timing in a sentence. @param place for messages @throws UserError without one speed a phase */
export function readSpoken(text: string, place: string): Timing {
  return { engine: RUNTIMES[0]!.name, ...spokenFacts(text), ...speedsIn(text, place), place };
}

/** Model, format, runtime, machine and flags of a text, and the words that were not read. */
export function spokenFacts(text: string): Partial<Timing> {
  const flags = [...text.matchAll(FLAGS)].map(([, flag]) => flag!);
  const plain = text.replace(SPEED, ' ').replace(FLAGS, ' ');
  const { model, words } = withoutModel(plain);
  const { parts, rest } = spokenParts(words.join(' '));
  const formats = rest.filter((word) => FORMAT.test(word));
  const engine = rest.map((word) => word.toLowerCase()).find(isRuntime);
  const settings = settingsOfFlags(flags.join(' '));
  const unread = rest.filter(
    (word) =>
      !FORMAT.test(word) && word.toLowerCase() !== engine && !IDLE.has(word.toLowerCase().replace(/[^a-z/]/g, '')) && /\w/.test(word),
  );
  const uncounted = [...(settings.uncounted ?? []), ...(unread.length === 0 ? [] : [`"${unread.slice(0, MOST_UNREAD).join(' ')}"`])];
  return {
    ...settings,
    ...definedFields({
      model: settings.model ?? model,
      quantization: formats[0]?.toLowerCase(),
      engine,
      ...listField('machine', parts),
      ...listField('uncounted', uncounted),
      command: flags.length === 0 ? undefined : flags.join(' '),
    }),
  } as Partial<Timing>;
}

const keyOf = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '');

/** The words without those that name a bundled model. */
function withoutModel(text: string): { readonly model?: string; readonly words: readonly string[] } {
  const words = text.split(/[\s,;|()]+/).filter((word) => word !== '');
  const keys = listProfiles('models').map((name) => keyOf(name));
  let best: { at: number; length: number; of: number } | null = null;
  for (const at of words.keys()) {
    let phrase = '';
    for (let length = 1; length <= MODEL_WORDS && at + length <= words.length; length++) {
      phrase += keyOf(words[at + length - 1]!);
      if (!keys.some((key) => (length === 1 ? phrase.startsWith(key) : phrase === key))) continue;
      if (best === null || phrase.length > best.of) best = { at, length, of: phrase.length };
    }
  }
  if (best === null) return { words };
  const { at, length } = best;
  return {
    model: words
      .slice(at, at + length)
      .join('-')
      .replace(/[.:?!]+$/, ''),
    words: [...words.slice(0, at), ...words.slice(at + length)],
  };
}

function speedsIn(text: string, place: string): Partial<PrintedTiming> {
  const found: { decode?: number; prefill?: number } = {};
  for (const match of text.matchAll(SPEED)) {
    const [whole, low, high] = match;
    const before = text
      .slice(0, match.index)
      .split(/[,;.(\n]|\band\b/)
      .at(-1)!
      .slice(-40);
    const after = /^[^,;.(\n]{0,24}/.exec(text.slice(match.index + whole.length))![0].replace(/\d.*$/, '');
    const phase =
      PROMPT.test(before) || (PROMPT.test(after) && !/\b(?:eval|decode|generation|tg\d*)\b/i.test(before)) ? 'prefill' : 'decode';
    const speed = high === undefined ? Number(low) : (Number(low) + Number(high)) / 2;
    if (found[phase] !== undefined) throw new UserError(`${place}: gives two speeds of ${phase}; write each of a line of its own`);
    if (!(speed > 0 && speed <= FASTEST))
      throw new UserError(`${place}: "${whole.slice(0, 40)}" is no speed; expected tokens a second, e.g. 24.6 tok/s`);
    found[phase] = speed;
  }
  return found;
}
