// `-ot`, as in llama.cpp (common/arg.cpp, parse_tensor_buffer_overrides): the pattern before the first `=` is searched
// in tensor names; the first match decides.
import { placed, UserError } from '../../../base/errors.js';
import { LIMITS, Meter } from '../../../base/meter.js';
import { type Pattern, parsePattern } from '../../../base/pattern.js';
import { quoted } from '../../../base/text.js';

/** A pattern of tensors and their buffer, e.g. `CPU`, `CUDA0`, `CUDA_Host`. */
export interface OverrideRule {
  readonly pattern: Pattern;
  readonly buffer: string;
}

/**
 * Parsed rules pass through. @param place of the command line @param steps work of the whole file
 * @throws UserError for a malformed rule, or too many
 */
export function parseOverrides(
  rules: readonly (string | OverrideRule)[],
  place: string,
  steps: Meter = new Meter(place, LIMITS.matching),
): OverrideRule[] {
  const states = new Meter(place, LIMITS.states);
  return rules.map((given) => {
    const rule = typeof given === 'string' ? parseRule(given, place, steps) : given;
    states.spent(rule.pattern.size);
    return rule;
  });
}

function parseRule(rule: string, place: string, steps: Meter): OverrideRule {
  const at = rule.indexOf('=');
  const buffer = rule.slice(at + 1).trim();
  const where = `${place}: -ot ${quoted(rule)}`;
  if (at < 1 || buffer === '') throw new UserError(`${where}: is no rule; expected pattern=buffer, e.g. exps=CPU`);
  return { pattern: parseTensorPattern(rule.slice(0, at), where, steps), buffer };
}

/** @param steps of all rules of the line @throws UserError with place if malformed */
export const parseTensorPattern = (pattern: string, where: string, steps: Meter): Pattern =>
  placed(where, () => parsePattern(pattern, steps));

/** True if a buffer is in host memory. */
export const isHostBuffer = (buffer: string): boolean => /^CPU|_Host$/i.test(buffer);
