import { fileTextLater, namesLater } from '../../base/host/files.js';
import { platform } from '../../base/host/machine.js';
import { packagePath } from '../../base/host/modules.js';
import { OWN_PROGRAM, programEnd } from '../../base/host/processes.js';
import { TOOLS } from './tools/index.js';
import type { Tool, ToolQuestion } from './tools/tool.js';

/** A tool's answer, or the reason for none. */
export interface Answer {
  readonly tool: Tool;
  /** Null: the tool is missing or failed. */
  readonly text: string | null;
  readonly why: string;
}

/** Timeouts, ms; ours. nvidia-smi takes a second if no daemon keeps the driver awake; PowerShell takes several. */
const PATIENCE = { command: 10_000, library: 30_000 } as const;
/** Most bytes of an answer (ours); a machine with 16 cards gives some hundred thousand. */
const LONGEST = 8 * 2 ** 20;
/** Most bytes of a sysfs file, a single line; ours. */
const LONGEST_FILE = 64 * 2 ** 10;

/** Answers in order, without root, with limits of time and size. */
export function askAll(): Promise<Answer[]> {
  return Promise.all(TOOLS.filter(({ platforms = ['linux'] }) => platforms.includes(platform)).map(ask));
}

async function ask(tool: Tool): Promise<Answer> {
  try {
    const text = await answerTo(tool.question);
    return text === '' ? { tool, text: null, why: 'tells nothing' } : { tool, text, why: '' };
  } catch (error) {
    return { tool, text: null, why: reasonOf(error) };
  }
}

function answerTo(question: ToolQuestion): Promise<string> {
  if (question.kind === 'files') return filesText(question.paths);
  if (question.kind === 'command') return output(question.argv, PATIENCE.command);
  return output([OWN_PROGRAM, '-e', LIBRARY, packagePath('systeminformation')], PATIENCE.library);
}

/** The library starts programs without time limits, so a killable process runs it. */
const LIBRARY = `
const library = require(process.argv[1]);
const names = ['cpu', 'mem', 'memLayout', 'graphics', 'diskLayout'];
Promise.all(names.map((name) => library[name]().catch(() => null))).then((answers) =>
  process.stdout.write(JSON.stringify({ ...Object.fromEntries(names.map((name, i) => [name, answers[i]])), platform: process.platform })),
);`;

async function output([program, ...args]: readonly [string, ...string[]], timeout: number): Promise<string> {
  const { code, late, stdout } = await programEnd(program, args, { env: { LC_ALL: 'C', LANG: 'C' }, mostBytes: LONGEST, timeout });
  if (late || code !== 0) throw Object.assign(new Error(program), { killed: late });
  return stdout;
}

function reasonOf(error: unknown): string {
  const { code, killed, path } = error as { readonly code?: unknown; readonly killed?: boolean; readonly path?: string };
  if (killed === true) return 'did not answer in time';
  if (code === 'ENOENT' && path !== OWN_PROGRAM) return 'is not installed';
  if (code === 'MODULE_NOT_FOUND') return 'is not installed';
  return code === 'EACCES' ? 'may not be run' : 'failed';
}

async function filesText(patterns: readonly string[]): Promise<string> {
  const paths = (await Promise.all(patterns.map((pattern) => expanded(pattern.split('/').slice(1), '')))).flat();
  const parts = await Promise.all(
    paths.map(async (path) => {
      const text = await fileTextLater(path).catch(() => null);
      return text === null ? '' : `==> ${path} <==\n${text.slice(0, LONGEST_FILE).trimEnd()}\n`;
    }),
  );
  return parts.join('');
}

/** Paths that match a pattern, unshortened: after a link, `..` is the parent of the target. */
async function expanded([name, ...rest]: readonly string[], folder: string): Promise<string[]> {
  if (name === undefined) return [folder];
  if (name !== '*') return expanded(rest, `${folder}/${name}`);
  const entries = (await namesLater(folder).catch(() => [])).sort();
  return (await Promise.all(entries.map((entry) => expanded(rest, `${folder}/${entry}`)))).flat();
}
