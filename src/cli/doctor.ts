import type { Command } from 'commander';
import { EXIT, messageOf } from '../base/errors.js';
import { stdout } from '../base/host/command.js';
import { accessSync, constants } from '../base/host/files.js';
import { arch, availableParallelism, cpus, platform, runtimeVersion, tmpdir, totalmem } from '../base/host/machine.js';
import { requirePackage } from '../base/host/modules.js';
import { listProfiles } from '../base/profiles.js';
import { formatBytes } from '../base/units.js';
import { RUNTIME_INSTALL } from '../predict/onnx/runtime.js';
import { palette, widthOf, wrap } from '../report/door.js';
import { VERSION } from '../result/version.js';
import type { CliContext } from './kit/context.js';

/** `note`: a rarely needed part is missing; `bad`: moeprof will not work. */
interface Check {
  readonly name: string;
  readonly state: 'good' | 'note' | 'bad';
  readonly text: string;
}

/** Oldest supported Node version, as in package.json. */
const NODE = [20, 19] as const;

/** Help. */
export const help = `Examples:
  moeprof doctor`;

/** `moeprof doctor`: the environment of moeprof, for bug reports. */
export function define(command: Command, context: CliContext): void {
  command.action(() => {
    const checks = [node(), machine(), terminal(context), profiles(), onnx(), temporary()];
    const chalk = palette(context.reportOptions);
    const [good, bad] = context.terminal.unicode ? ['✓', '✗'] : ['ok', 'x'];
    const marks = { good: chalk.green(good), note: chalk.yellow('-'), bad: chalk.red(bad) };
    const width = widthOf(context.reportOptions);
    const lines = checks.map(({ name, state, text }) => {
      const indent = ' '.repeat(15);
      return `${marks[state]}${' '.repeat(3 - (state === 'note' ? 1 : state === 'good' ? good.length : bad.length))}${name.padEnd(12)}${wrap(text, width, indent).slice(15)}`;
    });
    context.out(`moeprof ${VERSION}\n${lines.join('\n')}\n`);
    if (checks.some(({ state }) => state === 'bad')) context.setExitCode(EXIT.input);
  });
}

function node(): Check {
  const [major, minor] = runtimeVersion.slice(1).split('.').map(Number) as [number, number];
  const fits = major > NODE[0] || (major === NODE[0] && minor >= NODE[1]);
  const wanted = fits ? '' : `; moeprof needs ${NODE.join('.')} or newer`;
  return { name: 'node', state: fits ? 'good' : 'bad', text: runtimeVersion + wanted };
}

function machine(): Check {
  const [cpu] = cpus();
  const text = `${platform}-${arch}, ${cpu?.model.trim() ?? 'unknown CPU'}, ${availableParallelism()} threads, ${formatBytes(totalmem())}`;
  return { name: 'machine', state: 'good', text };
}

function terminal({ terminal: { color, unicode, width } }: CliContext): Check {
  const kind = stdout().isTTY === true ? 'a terminal' : 'no terminal';
  const text = `${kind}, ${color ? 'colours' : 'no colours'}, ${unicode ? 'Unicode' : 'ASCII only'}, ${width} columns`;
  return { name: 'output', state: 'good', text };
}

function profiles(): Check {
  try {
    const families = ['models', 'hardware', 'runtimes', 'systems', 'runs', 'traces'] as const;
    const counts = families.map((family) => `${listProfiles(family).length} ${family}`);
    return { name: 'profiles', state: 'good', text: counts.join(', ') };
  } catch (error) {
    return { name: 'profiles', state: 'bad', text: `cannot be read: ${messageOf(error)}; install moeprof again` };
  }
}

/** Finds the ONNX runtime without loading, which takes most of a second. */
function onnx(): Check {
  try {
    const found = requirePackage('onnxruntime-node/package.json') as { readonly version: string };
    return { name: 'onnxruntime', state: 'good', text: `${found.version}, for ONNX predictors` };
  } catch {
    const how = `${RUNTIME_INSTALL} (add -g where moeprof is installed so)`;
    return { name: 'onnxruntime', state: 'note', text: `not installed; only ONNX predictors need it: ${how}` };
  }
}

function temporary(): Check {
  try {
    accessSync(tmpdir(), constants.W_OK);
    return { name: 'temporary', state: 'good', text: tmpdir() };
  } catch {
    return { name: 'temporary', state: 'bad', text: `${tmpdir()} cannot be written; set TMPDIR to a folder that can` };
  }
}
