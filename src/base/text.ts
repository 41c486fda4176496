/** Damerau-Levenshtein distance (optimal string alignment). @param limit larger distances may give `limit + 1` */
export function editDistance(a: string, b: string, limit = Number.POSITIVE_INFINITY): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before = new Array<number>(b.length + 1).fill(0);
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = new Array<number>(b.length + 1);
    row[0] = i;
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, before[j - 2]! + 1);
      row[j] = cost;
      least = Math.min(least, cost);
    }
    if (least > limit) return limit + 1;
    before = last;
    last = row;
  }
  return last[b.length]!;
}

/** Candidates for a mistyped word, best first: near, starting with it, or containing it. */
export function nearest(word: string, candidates: Iterable<string>, count = 3): string[] {
  const wanted = plain(word).slice(0, 100);
  if (wanted === '') return [];
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  // Several words match in any order: "laptop 4060".
  const parts = word
    .slice(0, 100)
    .split(/\s+/)
    .map(plain)
    .filter((part) => part !== '');
  const ranked: { name: string; score: number }[] = [];
  for (const name of new Set(candidates)) {
    const known = plain(name);
    const distance = editDistance(wanted, known, limit);
    if (distance <= limit) ranked.push({ name, score: known.startsWith(wanted) ? distance - 0.5 : distance });
    else if (wanted.length >= 3 && known.startsWith(wanted)) ranked.push({ name, score: limit + 1 });
    else if (wanted.length >= 3 && parts.every((part) => known.includes(part))) ranked.push({ name, score: limit + 2 });
  }
  ranked.sort((a, b) => a.score - b.score || (a.name < b.name ? -1 : 1));
  return ranked.slice(0, count).map((candidate) => candidate.name);
}

/** `did you mean "lru"?`, or `known: fifo, lru`. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const all = [...new Set(candidates)];
  const near = nearest(word, all);
  if (near.length > 0) return suggested(near);
  if (all.length === 0) return 'there are none';
  const shown = all.slice(0, 12);
  return `known: ${shown.join(', ')}${all.length > shown.length ? ` and ${all.length - shown.length} more` : ''}`;
}

/** Suggests names: `did you mean "lru" or "lfu"?`. */
export const suggested = (names: readonly string[]): string => `did you mean ${names.map((name) => `"${name}"`).join(' or ')}?`;

/** One safe line: breaks and tabs as spaces; control, direction and workflow marks escaped. */
export function visible(text: string): string {
  const line = text.replace(/[\t\n\v\f\r\u0085\p{Zl}\p{Zp}]+/gu, ' ').replace(/\p{C}/gu, escapeOf);
  return line.replaceAll('##[', '#\\u{23}[').replace(/(?<!\S)::/g, COLONS);
}

/** Character by number: `\u{1b}`. */
export const escapeOf = (letter: string): string => `\\u{${letter.codePointAt(0)!.toString(16)}}`;

/** Two colons that begin no workflow command. */
const COLONS = '\\u{3a}:';

/** Line without a workflow command at its start (actions/runner reads `::` after blanks, and `##[` anywhere). */
export const withoutCommand = (line: string): string => line.replace(/^(\s*)::/, `$1${COLONS}`);

/** Value of a file in a message: JSON, cut at 60 characters. */
export function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** Cuts the middle of a text: messages begin with the place and end with the advice. */
export const shortened = (text: string, most = 500): string =>
  text.length <= most ? text : `${text.slice(0, most - 180)} … ${text.slice(-170)}`;

const plain = (word: string): string => word.toLowerCase().replace(/[-_./:\s]/g, '');

/** Capitalises the first letter. */
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Sentences in a row; null: none. */
export const inARow = (...sentences: readonly (string | null | undefined)[]): string | null =>
  sentences.filter((sentence) => sentence !== null && sentence !== undefined).join(' ') || null;
