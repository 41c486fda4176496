import { UserError } from '../base/errors.js';

/** Splits at commas; `name=value` stays with a choice with a colon: `lru,s3-fifo:small=0.2,ghost=1,belady`. */
export function listed(text: string): string[] {
  const parts: string[] = [];
  for (const part of text.split(',').map((piece) => piece.trim())) {
    const more = /^[A-Za-z]\w*=/.test(part) && parts.at(-1)?.includes(':') === true;
    if (more) parts.push(`${parts.pop()},${part}`);
    else parts.push(part);
  }
  return parts;
}

/** @param example list in the message @throws UserError for an empty or repeated name */
export function namesIn(names: string, flag: string, example = 'a,b'): string[] {
  const list = names.split(',').map((name) => name.trim());
  if (list.includes('')) throw new UserError(`${flag} ${names}: has an empty name; write e.g. ${flag} ${example}`);
  const twice = list.find((name, i) => list.indexOf(name) !== i);
  if (twice !== undefined) throw new UserError(`${flag} ${names}: names ${twice} twice; name each once`);
  return list;
}
