// The program of `advise --tune`.
import { codeOf, messageOf, UserError } from '../../base/errors.js';
import { type ProgramEnd, type ProgramLimits, programEnd } from '../../base/host/processes.js';

/** Maximum printed bytes. Ours. */
export const MOST_PRINTED = 2 ** 24;
/** Default time limit of a run. Ours. */
export const USUAL_LIMIT = '10min';

/** Flags that decide memory use, or are tuned. */
const TUNED =
  /^(-ngl|-ncmoe|-ot|-ub|-b|-ct[kv]|-ts|-t|-fa|-lm|--(n-gpu-layers|n-cpu-moe|override-tensor|u?batch-size|cache-type-[kv]|tensor-split|threads|flash-attn|load-mode))$/;

/** @param flags of all settings @throws UserError for a flag that is tuned */
export function refuseTuned(given: readonly string[], flags: readonly string[]): void {
  const wrong = given.find((word) => TUNED.test(word) || (word.startsWith('-') && flags.includes(word)));
  if (wrong !== undefined) throw new UserError(`--tune: ${wrong} is what is tuned; leave it out`);
}

/** The model that a command does not name itself. @throws UserError if nothing names it */
export function modelWords(given: readonly string[], file: string | null, program: string): [string, string][] {
  if (given.some((word) => /^(-m|--model|-hf|-hfr|--hf-repo)$/.test(word))) return [];
  if (file === null) throw new UserError(`--tune: names no model file; write e.g. "${program} -m model.gguf"`);
  return [['-m', file]];
}

/** Value of the last use of any of the flags; empty: the command ends; null: no use. */
export function valueAfter(words: readonly string[], ...flags: readonly string[]): string | null {
  const at = words.findLastIndex((word) => flags.includes(word));
  return at < 0 ? null : (words[at + 1] ?? '');
}

/** @throws UserError if the program cannot be started */
export async function runToEnd(program: string, words: readonly string[], limits: ProgramLimits): Promise<ProgramEnd> {
  try {
    return await programEnd(program, words, limits);
  } catch (error) {
    if (codeOf(error) !== null) throw new UserError(`--tune: ${program}: cannot be run (${codeOf(error)}); write the path of a program`);
    return { stdout: '', stderr: messageOf(error), code: 1, signal: null, late: false };
  }
}
