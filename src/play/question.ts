// A question of the page, and its link: `#m=gpt-oss-120b&w=rtx-3060+64GB&context=32768`.
import type { AdviceWishes } from '../advise/door.js';
import { UserError } from '../base/errors.js';
import { isPath } from '../base/profiles.js';
import { LINE_SHELLS } from '../base/shell.js';
import { didYouMean } from '../base/text.js';
import { parseCount } from '../base/units.js';

/** A model, a machine, and options of `moeprof advise`. */
export interface PlayQuestion {
  /** A bundled name, or the path of a file given to the page. */
  readonly model: string;
  /** As in `-w`. */
  readonly machine: string;
  readonly wishes: AdviceWishes;
}

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

/** The text after `#`; missing fields are {@link FIRST_QUESTION}'s. @throws UserError */
export function questionOf(link: string): PlayQuestion {
  let { machine, model } = FIRST_QUESTION;
  const wishes = new Map<Field, unknown>();
  for (const part of link.split('&').filter((text) => text !== '')) {
    const at = part.indexOf('=');
    const [name, value] = at < 0 ? [part, ''] : [part.slice(0, at), decoded(part.slice(at + 1))];
    if (value === '' || value.length > LONGEST) throw new UserError(`${name}: needs a value of at most ${LONGEST} characters`);
    if (name === 'm') model = value;
    else if (name === 'w') machine = value;
    else if (Object.hasOwn(FIELDS, name)) wishes.set(name as Field, readValue(name as Field, value));
    else throw new UserError(`${name}: is no field of a link; ${didYouMean(name, ['m', 'w', ...Object.keys(FIELDS)])}`);
  }
  return { model, machine, wishes: Object.fromEntries(wishes) as AdviceWishes };
}

/** @throws UserError */
export function refuseFiles({ model }: PlayQuestion): void {
  if (isPath(model)) throw new UserError(`m=${model}: a page has no files of models; take a bundled name`);
}

/** Link of a question, without `#`; inverse of {@link questionOf}. */
export function linkOfQuestion({ machine, model, wishes }: PlayQuestion): string {
  const fields = fieldsOf(wishes).map(([name, value]) => `${name}=${encoded(value)}`);
  return [`m=${encoded(model)}`, `w=${encoded(machine)}`, ...fields].join('&');
}

/** The question as a terminal command. */
export function terminalLine({ machine, model, wishes }: PlayQuestion): string {
  const [shell] = LINE_SHELLS as readonly [(typeof LINE_SHELLS)[number]];
  const options = fieldsOf(wishes).map(([name, value]) => ` --${name} ${shell.quoted(value)}`);
  return `moeprof advise ${shell.quoted(model)} -w ${shell.quoted(machine)}${options.join('')}`;
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
