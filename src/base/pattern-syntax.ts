// Untrusted regular expressions: ECMAScript's, as in std::regex of llama.cpp's `-ot`, without back-references.
import { UserError } from './errors.js';

/** Inclusive ranges of UTF-16 code units, `[from, to, from, to, ...]`. */
export type Ranges = readonly number[];

/** Assertion on neighbours of a text position. */
export type Edge = '^' | '$' | 'b' | 'B';

/** Syntax tree of an expression. */
export type Syntax =
  | { readonly kind: 'one'; readonly ranges: Ranges }
  | { readonly kind: 'all'; readonly parts: readonly Syntax[] }
  | { readonly kind: 'any'; readonly parts: readonly Syntax[] }
  | { readonly kind: 'repeat'; readonly of: Syntax; readonly least: number; readonly most: number }
  | { readonly kind: 'edge'; readonly edge: Edge }
  | { readonly kind: 'ahead'; readonly of: Syntax; readonly holds: boolean };

/** Most nested groups. Ours. */
const DEEPEST = 100;
/** Last UTF-16 code unit. */
const LAST = 0xffff;

/** Digits of `\d`. */
const DIGIT: Ranges = [48, 57];
/** Word characters of `\w` and `\b`. */
export const WORD: Ranges = [48, 57, 65, 90, 95, 95, 97, 122];
/** White space and line ends of ECMAScript. */
const SPACE: Ranges = [
  9, 13, 32, 32, 160, 160, 0x1680, 0x1680, 0x2000, 0x200a, 0x2028, 0x2029, 0x202f, 0x202f, 0x205f, 0x205f, 0x3000, 0x3000,
].concat([0xfeff, 0xfeff]);
/** Line terminators of ECMAScript, first and last code units. */
const LINE_ENDS: Ranges = [10, 10, 13, 13, 0x2028, 0x2029];
const KINDS = new Map<string, Ranges>(
  [DIGIT, WORD, SPACE].flatMap((ranges, i) => [
    ['dws'[i]!, ranges],
    ['DWS'[i]!, others(ranges)],
  ]),
);
const CONTROLS = new Map([...'tnvfr'].map((letter, i) => [letter, [9, 10, 11, 12, 13][i]!]));

function others(ranges: Ranges): number[] {
  const pairs = Array.from({ length: ranges.length / 2 }, (_, i) => [ranges[2 * i]!, ranges[2 * i + 1]!] as const).sort(
    (a, b) => a[0] - b[0],
  );
  const lacking: number[] = [];
  let from = 0;
  for (const [first, last] of pairs) {
    if (first > from) lacking.push(from, first - 1);
    from = Math.max(from, last + 1);
  }
  return from > LAST ? lacking : [...lacking, from, LAST];
}

/** @throws UserError if invalid or unsupported */
export const parseSyntax = (source: string): Syntax => new Reader(source).whole();

class Reader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): Syntax {
    const node = this.#any();
    if (this.#at < this.#text.length) throw this.#refused('a ) closes nothing');
    return node;
  }

  #refused(why: string): UserError {
    return new UserError(`is no regular expression that can be read: ${why}`);
  }

  #takes(sign: string): boolean {
    const found = this.#text.startsWith(sign, this.#at);
    if (found) this.#at += sign.length;
    return found;
  }

  #next(missing: string): string {
    const letter = this.#text[this.#at++];
    if (letter === undefined) throw this.#refused(missing);
    return letter;
  }

  #any(): Syntax {
    if (++this.#depth > DEEPEST) throw this.#refused('groups nest too deep');
    const parts = [this.#all()];
    while (this.#takes('|')) parts.push(this.#all());
    this.#depth--;
    return { kind: 'any', parts };
  }

  #all(): Syntax {
    const parts: Syntax[] = [];
    while (this.#at < this.#text.length && !/[|)]/.test(this.#text[this.#at]!)) parts.push(this.#repeated(this.#atom()));
    return { kind: 'all', parts };
  }

  #repeated(of: Syntax): Syntax {
    const [all, sign, few, comma, many] = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/.exec(this.#text.slice(this.#at, this.#at + 40)) ?? [];
    if (all === undefined || of.kind === 'edge' || of.kind === 'ahead') return of;
    this.#at += all.length;
    const least = sign === undefined ? Number(few) : sign === '+' ? 1 : 0;
    const last = sign === undefined ? (comma === '' ? least : many === '' ? Number.POSITIVE_INFINITY : Number(many)) : Number.NaN;
    const most = sign === '?' ? 1 : sign === undefined ? last : Number.POSITIVE_INFINITY;
    if (most < least) throw this.#refused(`${all} counts down`);
    return { kind: 'repeat', of, least, most };
  }

  #atom(): Syntax {
    const letter = this.#next('');
    if (letter === '(') return this.#group();
    if (letter === '[') return { kind: 'one', ranges: this.#set() };
    if (letter === '.') return { kind: 'one', ranges: others(LINE_ENDS) };
    if (letter === '^' || letter === '$') return { kind: 'edge', edge: letter };
    if (/[*+?{]/.test(letter)) throw this.#refused(`${letter} repeats nothing`);
    if (letter !== '\\') return { kind: 'one', ranges: both(letter.charCodeAt(0)) };
    const edge = this.#takes('b') ? 'b' : this.#takes('B') ? 'B' : null;
    return edge === null ? { kind: 'one', ranges: this.#escaped() } : { kind: 'edge', edge };
  }

  #group(): Syntax {
    const ahead = this.#takes('?=') ? true : this.#takes('?!') ? false : null;
    if (ahead === null && !this.#takes('?:') && this.#text[this.#at] === '?')
      throw this.#refused(`${this.#text.slice(this.#at - 1).slice(0, 4)}: no such group`);
    const of = this.#any();
    if (!this.#takes(')')) throw this.#refused('a ( is open');
    return ahead === null ? of : { kind: 'ahead', of, holds: ahead };
  }

  #escaped(): Ranges {
    const letter = this.#next('nothing is behind the last \\');
    const kind = KINDS.get(letter);
    if (kind !== undefined) return kind;
    if (/[1-9]/.test(letter)) throw this.#refused(`\\${letter} repeats what a group found`);
    if (!/[xuc]/.test(letter)) return both(CONTROLS.get(letter) ?? (letter === '0' ? 0 : letter.charCodeAt(0)));
    const digits = letter === 'x' ? 2 : 4;
    const hex = this.#text.slice(this.#at, this.#at + digits);
    if (letter === 'c' || hex.length < digits || /[^\da-f]/i.test(hex)) throw this.#refused(`\\${letter}${hex} is no character`);
    this.#at += digits;
    return both(Number.parseInt(hex, 16));
  }

  #set(): Ranges {
    const without = this.#takes('^');
    const ranges: number[] = [];
    const taken = (): Ranges => {
      const letter = this.#next('a [ is open');
      if (letter === '[' && /[:.=]/.test(this.#text[this.#at] ?? ''))
        throw this.#refused('[:...:] names a set; write the characters, e.g. 0-9');
      if (letter !== '\\') return both(letter.charCodeAt(0));
      return this.#takes('b') ? both(8) : this.#escaped();
    };
    if (this.#text[this.#at] === ']') throw this.#refused('[] has no character');
    while (!this.#takes(']')) {
      const from = taken();
      if (this.#text[this.#at] !== '-' || this.#text[this.#at + 1] === ']') {
        ranges.push(...from);
        continue;
      }
      this.#at++;
      const to = taken();
      const [first, last] = [from[0]!, to[0]!];
      // With a character class at either end, the hyphen is literal.
      if (!isOne(from) || !isOne(to)) ranges.push(...from, ...both(45), ...to);
      else if (first <= last) ranges.push(first, last);
      else throw this.#refused(`[${String.fromCharCode(first)}-${String.fromCharCode(last)}] counts down`);
    }
    return without ? others(ranges) : ranges;
  }
}

const both = (code: number): Ranges => [code, code];
const isOne = (ranges: Ranges): boolean => ranges.length === 2 && ranges[0] === ranges[1];
