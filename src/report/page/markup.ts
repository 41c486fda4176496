// HTML text, and the only way to make it. Values in a template are escaped unless they are markup, so that no name can become a tag.
import { escapeOf } from '../../base/text.js';
import { plainJson } from '../json.js';

/** A piece of HTML. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

/** A value in a template; null and false are empty. */
export type Piece = Markup | string | number | null | false | readonly Piece[];

/** Template of HTML: markup stays, everything else is escaped. */
export function html(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Markup {
  return new Markup(strings.reduce((text, part, index) => text + print(pieces[index - 1]!) + part));
}

function print(piece: Piece): string {
  if (piece === null || piece === false) return '';
  if (piece instanceof Markup) return piece.text;
  if (typeof piece === 'object') return piece.map(print).join('');
  return escapeHtml(String(piece));
}

/** Escapes text for the content of an element or a quoted attribute. */
function escapeHtml(text: string): string {
  return text
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (letter) => (letter === '\n' || letter === '\t' ? letter : escapeOf(letter)))
    .replace(/[&<>"']|(?<!\S):(?=:)|(?<=#)#(?=\[)/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A value as JSON inside a script element, which only `<` could end. */
export const embedJson = (value: unknown): Markup => new Markup(plainJson(value).replaceAll('<', '\\u003c'));
