/** Options of uses; use `u` starts at `u * width`. Every use has an option without loss and space. */
export interface Options {
  readonly count: number;
  readonly width: number;
  readonly cost: Float64Array;
  readonly loss: Float64Array;
  readonly space: Float64Array;
}

/** Minimum cost, or a lower bound; `exact` if some choice reaches the cost. */
interface LeastCost {
  readonly cost: number;
  readonly exact: boolean;
}

/** Limits of the exact solution: uses, and undominated partial choices. Ours. */
const MOST_USES = 32;
const MOST_STATES = 2000;
/** Search steps per multiplier; any multiplier gives a bound, more steps gain less than a millionth. */
const LOSS_STEPS = 26;
const SPACE_STEPS = 22;

/** One option per use, within budgets of gate weight and space: exact if small, else a Lagrange bound. */
export function leastCost(options: Options, lossBudget: number, spaceBudget: number): LeastCost {
  const exact = options.count > MOST_USES ? null : exactCost(options, lossBudget, spaceBudget);
  return exact === null ? { cost: boundByMultipliers(options, lossBudget, spaceBudget), exact: false } : { cost: exact, exact: true };
}

interface Chosen {
  readonly bound: number;
  readonly loss: number;
  readonly space: number;
}

/** Largest bound by multipliers of at least 0 (weak duality): the minimum if options may be mixed. */
export function boundByMultipliers(options: Options, lossBudget: number, spaceBudget: number): number {
  let best = 0;
  const at = (a: number, b: number): Chosen => {
    const chosen = choose(options, a, b);
    best = Math.max(best, chosen.bound - a * lossBudget - b * spaceBudget);
    return chosen;
  };
  const highest = highestRatio(options, options.loss);
  /** Choice at the best loss multiplier for a given space multiplier. */
  const withLoss = (b: number): Chosen => {
    const free = at(0, b);
    if (free.loss <= lossBudget) return free;
    let [low, high] = [highest * 1e-9, 2 * highest];
    let kept = at(high, b);
    for (let step = 0; step < LOSS_STEPS; step++) {
      const middle = Math.sqrt(low * high);
      const tried = at(middle, b);
      if (tried.loss > lossBudget) low = middle;
      else [high, kept] = [middle, tried];
    }
    return kept;
  };
  if (withLoss(0).space <= spaceBudget) return best;
  const most = 2 * highestRatio(options, options.space);
  let [low, high] = [most * 1e-9, most];
  for (let step = 0; step < SPACE_STEPS; step++) {
    const middle = Math.sqrt(low * high);
    if (withLoss(middle).space > spaceBudget) low = middle;
    else high = middle;
  }
  return best;
}

function choose({ cost, count, loss, space, width }: Options, a: number, b: number): Chosen {
  let [bound, lost, taken] = [0, 0, 0];
  for (let use = 0; use < count; use++) {
    let least = Number.POSITIVE_INFINITY;
    let chosen = 0;
    for (let i = use * width; i < (use + 1) * width; i++) {
      const total = cost[i]! + a * loss[i]! + b * space[i]!;
      if (total < least) [least, chosen] = [total, i];
    }
    bound += least;
    lost += loss[chosen]!;
    taken += space[chosen]!;
  }
  return { bound, loss: lost, space: taken };
}

/** Multiplier above which no option with any of `what` pays. */
function highestRatio({ cost, count, width }: Options, what: Float64Array): number {
  let highest = 0;
  for (let use = 0; use < count; use++) {
    let dearest = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let i = use * width; i < (use + 1) * width; i++) {
      dearest = Math.max(dearest, cost[i]!);
      if (what[i]! > 0) least = Math.min(least, what[i]!);
    }
    if (least < Number.POSITIVE_INFINITY) highest = Math.max(highest, dearest / least);
  }
  return highest;
}

/** By undominated partial choices (Nemhauser and Ullmann 1969); null: too many. */
function exactCost({ cost, count, loss, space, width }: Options, lossBudget: number, spaceBudget: number): number | null {
  let states: (readonly [cost: number, loss: number, space: number])[] = [[0, 0, 0]];
  for (let use = 0; use < count; use++) {
    const next: (readonly [number, number, number])[] = [];
    for (const [c, l, s] of states) {
      for (let i = use * width; i < (use + 1) * width; i++) {
        const state = [c + cost[i]!, l + loss[i]!, s + space[i]!] as const;
        if (state[1] <= lossBudget && state[2] <= spaceBudget) next.push(state);
      }
    }
    next.sort((x, y) => x[0] - y[0] || x[1] - y[1] || x[2] - y[2]);
    states = [];
    for (const state of next) if (!states.some((other) => other[1] <= state[1] && other[2] <= state[2])) states.push(state);
    if (states.length > MOST_STATES) return null;
  }
  return states[0]![0];
}
