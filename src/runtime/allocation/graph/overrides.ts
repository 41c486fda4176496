// Rules of `-ot`, as llama.cpp reads them (common/arg.cpp, parse_tensor_buffer_overrides): what stands before the first `=` is searched for in the
// names of tensors, and the first rule that is found decides.
import { placed, UserError } from '../../../base/errors.js';
import { type Pattern, parsePattern } from '../../../base/pattern.js';
import { quoted } from '../../../base/text.js';

/** A rule: tensors, and the buffer that takes them, e.g. `CPU`, `CUDA0`, `CUDA_Host`. */
export interface OverrideRule {
  readonly pattern: Pattern;
  readonly buffer: string;
}

/** Most states of all patterns of a command line. Ours: eight times as many as 16 GPUs with a list of layers each take. */
const MOST_STATES = 32_768;

/** Reads rules; those that are read already keep their places. @param place of the command line @throws UserError if one is none, or all are too many */
export function parseOverrides(rules: readonly (string | OverrideRule)[], place: string): OverrideRule[] {
  let left = MOST_STATES;
  return rules.map((given) => {
    const rule = typeof given === 'string' ? parseRule(given, place) : given;
    left -= rule.pattern.size;
    if (left < 0) throw new UserError(`${place}: has more rules for tensors than all layers take; write fewer, e.g. -ot ffn_.*_exps=CPU`);
    return rule;
  });
}

function parseRule(rule: string, place: string): OverrideRule {
  const at = rule.indexOf('=');
  const buffer = rule.slice(at + 1).trim();
  const where = `${place}: -ot ${quoted(rule)}`;
  if (at < 1 || buffer === '') throw new UserError(`${where}: is no rule; expected pattern=buffer, e.g. exps=CPU`);
  return { pattern: parseTensorPattern(rule.slice(0, at), where), buffer };
}

/** Reads the pattern of a rule. @throws UserError with the place if it is none */
export const parseTensorPattern = (pattern: string, where: string): Pattern => placed(where, () => parsePattern(pattern));

/** True if a buffer is in host memory. */
export const isHostBuffer = (buffer: string): boolean => /^CPU|_Host$/i.test(buffer);
