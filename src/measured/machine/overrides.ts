// `-ot` of llama.cpp: rules `pattern=buffer`; for each tensor the first rule that matches counts. This file finds the number of layers whose
// experts lie in host memory.
import { UserError } from '../../base/errors.js';

/** Limit of a pattern: nobody writes longer ones. */
const LONGEST = 400;
/** Repetitions in one pattern: matching short names takes longer with each. */
const MOST_REPEATS = 6;

/**
 * Layers whose experts lie in host memory, each by the part of its three tensors that does, rounded.
 * @param firstMoe decoder layer of the first MoE layer
 * @param layers decoder layers
 * @param place of the rules, for messages
 * @throws UserError where a pattern is none, or could take for ever
 */
export function layersOnCpu(rules: readonly string[], firstMoe: number, layers: number, place: string): number {
  const parsed = rules.map((rule) => parseRule(rule, place));
  let onCpu = 0;
  for (let layer = firstMoe; layer < layers; layer++) {
    for (const part of ['gate', 'up', 'down']) {
      const tensor = `blk.${layer}.ffn_${part}_exps.weight`;
      const first = parsed.find(({ pattern }) => pattern.test(tensor));
      if (first !== undefined && /^cpu/i.test(first.buffer)) onCpu += 1 / 3;
    }
  }
  return Math.round(onCpu);
}

function parseRule(rule: string, place: string): { readonly pattern: RegExp; readonly buffer: string } {
  const at = rule.lastIndexOf('=');
  const [source, buffer] = [rule.slice(0, at), rule.slice(at + 1).trim()];
  const told = `${place}: -ot "${rule.slice(0, 60)}"`;
  if (at < 1 || buffer === '') throw new UserError(`${told}: is no rule; expected pattern=buffer, e.g. exps=CPU`);
  // Nested repetitions take time that doubles with each letter.
  const repeats = [...source.matchAll(/[*+{]/g)].length;
  if (
    source.length > LONGEST ||
    repeats > MOST_REPEATS ||
    /\([^()]*[*+{][^()]*\)\s*[*+{]/.test(source) ||
    /\\\d/.test(source.replace(/\\d/g, ''))
  )
    throw new UserError(`${told}: is too involved to be read; write fewer repetitions`);
  try {
    return { pattern: new RegExp(source), buffer };
  } catch {
    throw new UserError(`${told}: is no pattern; expected a regular expression before the sign =`);
  }
}
