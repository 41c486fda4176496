// What a command can take where it wants a result. Kinds are told apart by content, so that a file's name does not matter.
import { existsSync } from 'node:fs';
import { isPath, listProfiles } from '../base/profiles.js';
import { readText } from '../base/yaml.js';
import { type Budget, budgetsOf } from '../compare/budget.js';
import type { Operand } from '../compare/compare.js';
import { parseResult } from '../result/read.js';
import type { Result } from '../result/result.js';
import type { CliContext } from './context.js';

/** A result, what the user calls it, and the budgets that came with it. */
export interface LoadedOperand extends Operand {
  readonly budgets: readonly Budget[];
}

/** A kind of operand. */
interface OperandKind {
  /** True where the text is of this kind; the first kind that says so takes it. */
  matches(text: string): boolean;
  load(path: string, text: string, context: CliContext): Promise<LoadedOperand>;
}

const resultFile: OperandKind = {
  matches: (text) => /^\s*([{[]|$)/.test(text),
  load: async (path, text) => ({ label: path, result: parseResult(text, path), budgets: [] }),
};

const runProfile: OperandKind = {
  matches: () => true,
  load: async (path, _, context) => {
    const [{ runProfile }, { loadRun }] = await Promise.all([import('./run.js'), import('../system/run.js')]);
    const run = loadRun(path);
    const budgets = budgetsOf(run.budgets, (index) => `${run.label}: budgets.${index}`);
    return { label: path, result: await runProfile(path, context), budgets };
  },
};

const kinds: readonly OperandKind[] = [resultFile, runProfile];

/**
 * The result that an operand stands for: a result file is read, a run profile is run.
 * @param path a file, `-` for a result on stdin, or the name of a bundled run profile
 * @throws UserError where it cannot be read or run
 */
export async function loadOperand(path: string, context: CliContext): Promise<LoadedOperand> {
  if (path === '-') return resultFile.load(path, await readStdin(), context);
  if (!isPath(path) && !existsSync(path) && listProfiles('runs').includes(path)) return runProfile.load(path, '', context);
  const text = readText(path);
  return kinds.find((kind) => kind.matches(text))!.load(path, text, context);
}

/**
 * A saved result.
 * @param path a file, or `-` for stdin
 * @throws UserError where it cannot be read or is none
 */
export async function loadResult(path: string): Promise<Result> {
  return parseResult(path === '-' ? await readStdin() : readText(path), path);
}

/** All of stdin. Read without blocking, so that Ctrl-C is heard while it waits. */
async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
