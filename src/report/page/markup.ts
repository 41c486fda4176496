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

/** HTML template: escapes all values except markup, so no name can become a tag. */
export function html(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Markup {
  return new Markup(strings.reduce((text, part, index) => text + print(pieces[index - 1]!) + part));
}

function print(piece: Piece): string {
  if (piece === null || piece === false) return '';
  if (piece instanceof Markup) return piece.text;
  if (typeof piece === 'object') return piece.map(print).join('');
  return escapeHtml(String(piece));
}

function escapeHtml(text: string): string {
  return text
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (letter) => (letter === '\n' || letter === '\t' ? letter : escapeOf(letter)))
    .replace(/[&<>"']|(?<!\S):(?=:)|(?<=#)#(?=\[)/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** JSON inside a script element; only `<` could end the element. */
export const embedJson = (value: unknown): Markup => new Markup(plainJson(value).replaceAll('<', '\\u003c'));
