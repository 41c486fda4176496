// The first setting of a sequence that fits, found with few evaluations. The bytes that are missing fall almost linearly along the sequence,
// so the next evaluation is where the line through the two nearest ones crosses zero (regula falsi). An evaluation counts memory, which takes
// milliseconds.

/**
 * The first place at which nothing is missing; `count` where there is none.
 * @param count places
 * @param missing bytes missing at a place, at most 0 where it fits; never more at a later place than at an earlier one
 */
export function firstFit(count: number, missing: (at: number) => number): number {
  if (count === 0) return 0;
  let [low, lack] = [0, missing(0)];
  if (lack <= 0) return 0;
  let [high, room] = [count - 1, count === 1 ? lack : missing(count - 1)];
  if (room > 0) return count;
  // Bytes are missing at `low`, none at `high`.
  for (let looks = 1; high - low > 1; looks++) {
    // Regula falsi creeps on a curved line, so every third step halves.
    const straight = looks % 3 === 0 ? (low + high) / 2 : low + ((high - low) * lack) / (lack - room);
    const at = Math.min(high - 1, Math.max(low + 1, Math.ceil(straight)));
    const bytes = missing(at);
    if (bytes <= 0) [high, room] = [at, bytes];
    else [low, lack] = [at, bytes];
  }
  return high;
}
