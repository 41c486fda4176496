// Tables of a test as text: what is given, and below it, two columns farther in, what is expected of it.

/** Pairs of a text: a line that begins in column 3, and the line below it, which begins in column 5. */
export function pairsOf(text: string): (readonly [given: string, expected: string])[] {
  const pairs = text.trim().split(/\n {2}(?! )/);
  return pairs.map((pair) => pair.split(/\n {4}/) as [string, string]);
}
