import { EXIT, messageOf, UserError } from '../base/errors.js';
import { existsSync } from '../base/host/files.js';
import { join } from '../base/host/paths.js';
import { outputOf } from '../base/host/processes.js';
import { isFolder, readText } from '../base/input-file.js';
import { groupedBy } from '../base/objects.js';
import { isPath, listProfiles } from '../base/profiles.js';
import { pasted } from '../base/shell.js';
import type { Operand } from '../compare/compare.js';
import type { OperandSet } from '../compare/gate.js';
import { joinRepeats } from '../compare/samples.js';
import { type Budget, budgetsOf } from '../result/budget.js';
import { parseResult } from '../result/read.js';
import type { Result } from '../result/result.js';
import type { RunSpec } from '../system/door.js';
import { baselineFolder, baselineNames } from './baseline-history.js';
import type { CliContext } from './kit/context.js';
import { namesBelow, scenarioFiles, scenarioOfFile } from './scenarios.js';

/** Operands with the path of their results. */
export interface LoadedSet extends OperandSet {
  /** Null: not in the file system. */
  readonly path: string | null;
}

interface Source {
  readonly label: string;
  readonly scenario: string;
  /** Text of a file, or name of a bundled run profile. */
  readonly content: { readonly text: string } | { readonly profile: string };
  /** True if the text is no local file, so relative paths have no base. */
  readonly detached: boolean;
}

interface SourceSet extends Omit<LoadedSet, 'scenarios'> {
  readonly sources: readonly Source[];
}

type Prepared = { readonly source: Source } & (
  | { readonly result: Result }
  | { readonly run: RunSpec; readonly budgets: readonly Budget[] }
);

/** @throws UserError on failure, with exit code 3 for a missing base */
export async function loadOperands(
  paths: readonly string[],
  context: CliContext,
  { allowCode = false, details }: { readonly allowCode?: boolean; readonly details: boolean },
): Promise<LoadedSet[]> {
  const sets: SourceSet[] = [];
  for (const [index, path] of paths.entries())
    sets.push(await findSources(path, index === 0 ? EXIT.notComparable : EXIT.input, paths[1] ?? 'runs/'));
  const prepared: Prepared[][] = [];
  for (const set of sets) {
    const row: Prepared[] = [];
    for (const source of set.sources) row.push(await prepare(source, allowCode));
    prepared.push(row);
  }
  const runs = prepared.flat().flatMap((source) => ('run' in source ? [source.run] : []));
  const { runAll } = runs.length === 0 ? { runAll: async () => [] } : await import('./run-pool.js');
  const finished = await runAll(runs, context, { details });
  let next = 0;
  return sets.map((set, index) => {
    const operands = prepared[index]!.map((source): [string, Operand] => {
      const { label, scenario } = source.source;
      if ('result' in source) return [scenario, { label, result: source.result }];
      return [scenario, { label, result: finished[next++]!, budgets: source.budgets }];
    });
    return { label: set.label, folder: set.folder, path: set.path, scenarios: byScenario(operands) };
  });
}

function byScenario(operands: readonly (readonly [string, Operand])[]): Map<string, Operand> {
  const groups = [...groupedBy(operands, ([scenario]) => scenario)];
  return new Map(groups.map(([scenario, all]) => [scenario, { ...all[0]![1], result: joinRepeats(all.map(([, operand]) => operand)) }]));
}

/** @param absent exit code for a missing path @param candidate operand to save a missing base from */
async function findSources(path: string, absent: number, candidate: string): Promise<SourceSet> {
  const single = (source: Source, file: string | null = null): SourceSet => ({ label: path, folder: false, path: file, sources: [source] });
  if (path === '-') return single({ label: path, scenario: 'stdin', content: { text: readText(path, 'result') }, detached: true });
  const commit = parseGitOperand(path);
  if (commit !== null) {
    const { names, read } = readFromGit(commit.ref, commit.path);
    const source = (name: string, label: string, scenario: string): Source => ({
      label,
      scenario,
      content: { text: read(name) },
      detached: true,
    });
    if (names === null) return single(source('', path, scenarioOfFile(commit.path)));
    const files = scenarioFiles(names, path);
    const sources = files.map(({ name, scenario }) => source(`/${name}`, `${path.replace(/\/$/, '')}/${name}`, scenario));
    return { label: path, folder: true, path: null, sources };
  }
  const saved = /^baseline:(.*)$/.exec(path);
  const file = saved === null ? path : baselineFolder(saved[1]!, pasted(candidate), absent);
  if (isFolder(file)) {
    const files = scenarioFiles(namesBelow(file), path);
    const sources = files.map(({ name, scenario }): Source => {
      const label = join(file, name);
      // An earlier state is shown by name, not by folder.
      return {
        label: path.includes('~') && saved !== null ? `${path}/${name}` : label,
        scenario,
        content: { text: readText(label, 'result') },
        detached: false,
      };
    });
    return { label: path, folder: true, path: file, sources };
  }
  if (!existsSync(file)) {
    if (!isPath(path) && listProfiles('runs').includes(path))
      return single({ label: path, scenario: path, content: { profile: path }, detached: false });
    if (absent !== EXIT.input) {
      const known = baselineNames();
      const saved = known.includes(path)
        ? `write baseline:${path} for the baseline that is saved`
        : `write it first: moeprof run ${profileOf(candidate)}-o ${pasted(path)}`;
      throw new UserError(`${path}: there is no such file to compare with; ${saved}`, absent);
    }
  }
  return single({ label: path, scenario: scenarioOfFile(path), content: { text: readText(file, 'result') }, detached: false }, file);
}

/** Argument of `moeprof run`; empty without a run profile. */
const profileOf = (candidate: string): string => (/\.ya?ml$/i.test(candidate) ? `${pasted(candidate)} ` : '');

async function prepare(source: Source, allowCode: boolean): Promise<Prepared> {
  const { content, detached, label } = source;
  if ('text' in content && /^\s*([{[]|$)/.test(content.text)) return { source, result: parseResult(content.text, label) };
  if (detached)
    throw new UserError(`${label}: is no result; a run profile must be a file here, since the paths in it are relative to its folder`);
  const { loadRun, placeIn } = await import('../system/door.js');
  const name = 'profile' in content ? content.profile : label;
  const run = loadRun(existsSync(name) && !isPath(name) ? `./${name}` : name, [], allowCode);
  return { source, run, budgets: budgetsOf(run.budgets, (index) => placeIn(run, `budgets.${index}`)) };
}

/** Parses `git:<ref>:<path>`; null without `git:`. @throws UserError for a missing part */
function parseGitOperand(text: string): { readonly ref: string; readonly path: string } | null {
  if (!text.startsWith('git:')) return null;
  const match = /^git:([^:]+):(.+)$/.exec(text);
  if (match === null || match[1]!.startsWith('-'))
    throw new UserError(`${text}: expected git:<commit>:<path>, e.g. git:main:results/code.json`);
  return { ref: match[1]!, path: match[2]! };
}

/**
 * Reads a path at a commit.
 * @returns names below a folder (null: a file), and a reader
 * @throws UserError with exit code 3 or 2
 */
function readFromGit(ref: string, path: string): { readonly names: readonly string[] | null; readonly read: (behind: string) => string } {
  const place = `git:${ref}:${path}`;
  const relative = path.startsWith('/') || path.startsWith('./') || path.startsWith('../') ? path : `./${path}`;
  const object = `${ref}:${relative.replace(/(?<=.)\/+$/, '')}`;
  const commit = tryGit(place, ['rev-parse', '--verify', '--quiet', `${ref}^{commit}`]);
  if (commit === null)
    throw new UserError(`${place}: git knows no commit "${ref}"; fetch it (git fetch --depth=1 origin <branch>)`, EXIT.notComparable);
  const type = tryGit(place, ['cat-file', '-t', object])?.trim();
  if (type === undefined) throw new UserError(`${place}: commit "${ref}" has no ${path}`, EXIT.notComparable);
  const read = (behind: string): string => git(place, ['cat-file', 'blob', `${object}${behind}`]);
  if (type === 'blob') return { names: null, read };
  const names = git(place, ['ls-tree', '-r', '-z', '--name-only', '--full-tree', object])
    .split('\0')
    .filter((name) => name !== '');
  return { names, read };
}

/** Output of git; null: git failed. */
function tryGit(place: string, args: readonly string[]): string | null {
  try {
    return outputOf('git', args, true);
  } catch (error) {
    const { code, stderr } = error as { readonly code?: string; readonly stderr?: string };
    if (code === 'ENOENT') throw new UserError(`${place}: git is not installed; give a file instead`);
    if (stderr?.includes('not a git repository')) throw new UserError(`${place}: the working directory is in no git repository`);
    if (stderr === undefined) throw new UserError(`${place}: git failed: ${messageOf(error)}`);
    return null;
  }
}

function git(place: string, args: readonly string[]): string {
  const output = tryGit(place, args);
  if (output === null) throw new UserError(`${place}: git ${args[0]} failed`);
  return output;
}
