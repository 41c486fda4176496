/** Draws of a test, the same in each run: whole numbers below a limit. */
export function drawn(seed: number): (below: number) => number {
  let random = seed;
  return (below) => {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    return Math.floor((random / 2 ** 32) * below);
  };
}
