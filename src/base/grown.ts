/** Copy with room for `length` elements, at least double. */
export function grown<T extends ArrayLike<number> & { set(from: ArrayLike<number>): void }>(array: T, length = 0): T {
  const larger = new (array.constructor as new (length: number) => T)(Math.max(length, array.length * 2));
  larger.set(array);
  return larger;
}
