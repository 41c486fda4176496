// Rules of `-ot`, as llama.cpp reads them (common/arg.cpp, parse_tensor_buffer_overrides): what stands before the first `=` is searched for in the
// names of tensors, and the first rule that is found decides.
import { placed, UserError } from '../../../base/errors.js';
import { LIMITS, Meter } from '../../../base/meter.js';
import { type Pattern, parsePattern } from '../../../base/pattern.js';
import { quoted } from '../../../base/text.js';

/** A rule: tensors, and the buffer that takes them, e.g. `CPU`, `CUDA0`, `CUDA_Host`. */
export interface OverrideRule {
  readonly pattern: Pattern;
  readonly buffer: string;
}

/** Reads rules; those that are read already keep their places. @param place of the command line @param steps of the file @throws UserError if one is none, or all are too many */
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

/** Reads the pattern of a rule. @param steps of all rules of the line @throws UserError with the place if it is none */
export const parseTensorPattern = (pattern: string, where: string, steps: Meter): Pattern =>
  placed(where, () => parsePattern(pattern, steps));

/** True if a buffer is in host memory. */
export const isHostBuffer = (buffer: string): boolean => /^CPU|_Host$/i.test(buffer);
