// A question of the page, and its link: `#m=gpt-oss-120b&w=rtx-3060+64GB&context=32768`.
import type { AdviceWishes } from '../advise/door.js';
import { UserError } from '../base/errors.js';
import { isPath, listProfiles } from '../base/profiles.js';
import { LINE_SHELLS } from '../base/shell.js';
import { didYouMean, nearest, shortened, suggested } from '../base/text.js';
import { parseCount } from '../base/units.js';

/** A model, a machine, and options of `moeprof advise`. */
export interface PlayQuestion {
  /** A bundled name, or the path of a file given to the page. */
  readonly model: string;
  /** As in `-w`. */
  readonly machine: string;
  readonly wishes: AdviceWishes;
  /** Pasted timings. */
  readonly timing?: string;
}

/** Stands for all models. */
export const EVERY_MODEL = '*';

/** Default question: a usual model on a usual computer. */
export const FIRST_QUESTION: PlayQuestion = { model: 'qwen3.6-35b-a3b', machine: 'rtx-3060+32GB', wishes: {} };

/** Other fields of a link, named like options of `moeprof advise`. */
const FIELDS = {
  runtime: 'text',
  goal: 'text',
  context: 'count',
  prompt: 'count',
  users: 'count',
  quantizations: 'list',
  slots: 'count',
  drafts: 'text',
  accepted: 'text',
  drafter: 'text',
} as const satisfies Partial<Record<keyof AdviceWishes, 'count' | 'list' | 'text'>>;

type Field = keyof typeof FIELDS;

/** Longest value of a link, characters. Ours. */
const LONGEST = 300;
/** Longest timings, characters. Ours. */
export const LONGEST_TIMING = 200_000;

/** The text after `#`; missing fields are {@link FIRST_QUESTION}'s. @throws UserError */
export function questionOf(link: string): PlayQuestion {
  let { machine, model, timing } = FIRST_QUESTION;
  const wishes = new Map<Field, unknown>();
  for (const part of link.split('&').filter((text) => text !== '')) {
    const at = part.indexOf('=');
    const [name, value] = at < 0 ? [part, ''] : [part.slice(0, at), decoded(part.slice(at + 1))];
    const longest = name === 'timing' ? LONGEST_TIMING : LONGEST;
    if (value === '' || value.length > longest) throw new UserError(`${name}: needs a value of at most ${longest} characters`);
    if (name === 'm') model = value;
    else if (name === 'w') machine = value;
    else if (name === 'timing') timing = value;
    else if (Object.hasOwn(FIELDS, name)) wishes.set(name as Field, readValue(name as Field, value));
    else throw new UserError(`${name}: is no field of a link; ${didYouMean(name, ['m', 'w', 'timing', ...Object.keys(FIELDS)])}`);
  }
  return { model, machine, wishes: Object.fromEntries(wishes) as AdviceWishes, ...(timing !== undefined && { timing }) };
}

const CONTROLS: readonly (readonly [option: RegExp, control: string])[] = [
  [/-w(?= )/g, 'Machine'],
  [/--prompt(?= )/g, 'Prompt'],
  [/--context(?= )/g, 'Context'],
  [/--users(?= |:)/g, 'Users'],
  [/--slots(?= |:)/g, 'Slots of an expert cache'],
  [/--runtime(?= |:)/g, 'Engine'],
  [/--quantizations?\b/g, 'Format'],
  [/--drafts(?= )/g, 'Drafted tokens'],
  [/--accepted(?= )/g, 'Drafts that are right'],
  [/--goal(?= )/g, 'Goal'],
  [/ \(--runtime\)/g, ''],
  [/ \(a file needs its path[^)]*\)/g, ''],
  [/;? ?(?:parts: )?\(?moeprof profiles list [\w, ]+\)?/g, ''],
  [/unknown hardware profile/g, 'unknown machine'],
  [/unknown runtime/g, 'unknown engine'],
  [/name one with -m/g, 'write its name as in the list of models'],
];

/** Names controls, not options. */
export const pageWords = (message: string): string => CONTROLS.reduce((text, [option, control]) => text.replace(option, control), message);

/** @throws UserError */
export function refuseFiles({ model }: PlayQuestion): void {
  if (isPath(model)) throw new UserError(`m=${model}: a page has no files of models; take a bundled name`);
}

/** @throws UserError for an unlisted model */
export function demandListed(question: PlayQuestion): void {
  refuseFiles(question);
  const { model } = question;
  const names = listProfiles('models');
  if (model === EVERY_MODEL || names.includes(model)) return;
  const near = nearest(model, names);
  const meant = near.length === 0 ? '' : `${suggested(near)} `;
  throw new UserError(`unknown model "${shortened(model, 60)}": ${meant}choose one in the list of models`);
}

/** Link of a question, without `#`; inverse of {@link questionOf}. */
export function linkOfQuestion({ machine, model, timing, wishes }: PlayQuestion): string {
  const fields = fieldsOf(wishes).map(([name, value]) => `${name}=${encoded(value)}`);
  const measured = timing === undefined ? [] : [`timing=${encoded(timing)}`];
  return [`m=${encoded(model)}`, `w=${encoded(machine)}`, ...fields, ...measured].join('&');
}

/** The question as a terminal command. */
export function terminalLine({ machine, model, timing, wishes }: PlayQuestion): string {
  const [shell] = LINE_SHELLS as readonly [(typeof LINE_SHELLS)[number]];
  const options = fieldsOf(wishes).map(([name, value]) => ` --${name} ${shell.quoted(value)}`);
  const named = model === EVERY_MODEL ? '' : ` ${shell.quoted(model)}`;
  const measured = timing === undefined ? '' : ` --timing ${timing.includes('\n') ? 'log.txt' : shell.quoted(timing)}`;
  return `moeprof advise${named} -w ${shell.quoted(machine)}${options.join('')}${measured}`;
}

function fieldsOf(wishes: AdviceWishes): [Field, string][] {
  return (Object.keys(FIELDS) as Field[]).flatMap((name): [Field, string][] => {
    const value = wishes[name];
    return value === undefined ? [] : [[name, String(value)]];
  });
}

function readValue(name: Field, text: string): number | string | readonly string[] {
  switch (FIELDS[name]) {
    case 'count': {
      const count = parseCount(text, name);
      if (count > 0) return count;
      throw new UserError(`${name}: must be at least 1`);
    }
    case 'list':
      return text.split(',');
    case 'text':
      return text;
  }
}

/** Keeps plus signs and commas readable, as machines contain both. */
const encoded = (text: string): string => encodeURIComponent(text).replace(/%(?:2B|2C|2F|3A|40)/g, decodeURIComponent);

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new UserError(`"${text.slice(0, 40)}": is no text of a link; percent signs are written as %25`);
  }
}
