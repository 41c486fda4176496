import type { Command } from 'commander';
import { platform } from '../base/host/machine.js';
import { readText } from '../base/input-file.js';
import { byName } from '../base/objects.js';
import { shownPath } from '../base/profiles.js';
import { contributionReports } from '../measured/contribute/report.js';
import { contributionOf } from '../measured/contribute/rows.js';
import { timingsOf } from '../runtime/door.js';
import type { CliContext } from './kit/context.js';
import { declared, type OptionsOf, options } from './kit/declared.js';
import { output } from './kit/groups.js';
import { deliver } from './kit/outputs.js';
import { judgingMachine } from './machine/log-machine.js';

/** Operating systems by Node's names. */
const SYSTEMS = byName<string>({ darwin: 'macos', win32: 'windows', linux: 'linux' });

const MEASURE = options({
  '<log...>':
    'what engines printed: llama-bench (json, jsonl, md), llama-server, llama-sweep-bench, ollama --verbose, benchmarks of servers; - is stdin',
  '-w, --hardware <machine>': 'parts, or a file of parts; without, this machine is detected',
  '-m, --model <model>': 'bundled model of the logs, where they do not name it',
  '--quantization <format>': 'storage format of its weights, where the logs do not say',
  '--os <system>': ['system of the machine of -w', { choices: ['linux', 'macos', 'windows'] }],
  ...output(contributionReports),
});

/** Help. */
export const help = `Examples:
  llama-bench -m gpt-oss-20b-mxfp4.gguf -ncmoe 8 -o jsonl > bench.jsonl
  moeprof measure bench.jsonl -o issue.md -o row.jsonl
  moeprof measure server.log -w rtx-3090+ryzen-9-5950x+64GB -m gpt-oss-120b
  moeprof validate row.jsonl

Nothing is sent. What a row needs and a log does not say is asked for in one
line.`;

/** `moeprof measure`. Nothing is sent. */
export function define(command: Command, context: CliContext): void {
  declared(command, MEASURE, { first: ['-w', '-m', '-o'] }).action(async (paths: readonly string[], options: OptionsOf<typeof MEASURE>) => {
    const { hardware, model = null, os, quantization = null } = options;
    await deliver(context, contributionReports, options, async () => {
      const logs = paths.map((path) => {
        const text = readText(path, 'log');
        return { text, timings: timingsOf(text, shownPath(path)) };
      });
      const { file, name } = await judgingMachine(
        logs.flatMap(({ timings }) => timings),
        hardware,
      );
      const place = name === null ? 'this machine' : `-w ${name}`;
      const system = os ?? (name === null ? (SYSTEMS[platform] ?? null) : null);
      return contributionOf(logs, file, place, { model, quantization }, system);
    });
  });
}
