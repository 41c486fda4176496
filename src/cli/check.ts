import type { Command } from 'commander';
import { EXIT, UserError } from '../base/errors.js';
import type { Learned, RuntimeSpec } from '../hardware/door.js';
import { learnedRuntime, learnedText, loadRuntime, machineOfFile, nudged, powerShareOf } from '../hardware/door.js';
import { type CheckFacts, checkRuns, withUsualFormats } from '../measured/check/check.js';
import { type CheckedLog, checkReports } from '../measured/check/report.js';
import { isUnplaced, joinedPhases, measurementsOf, soleModel } from '../measured/machine/timing-row.js';
import { runtimesFor } from '../measured/validate/constants.js';
import { runtimeOf } from '../measured/validate/rows/specify.js';
import { isWritten, readTimings, timingsIn } from '../runtime/door.js';
import type { CliContext } from './kit/context.js';
import { declared, type OptionsOf, options } from './kit/declared.js';
import { output, PICTURES, TIMING } from './kit/groups.js';
import { deliver } from './kit/outputs.js';
import { learnedBy } from './machine/learned.js';
import { judgingMachine } from './machine/log-machine.js';

/** Most characters of a log in words that its place shows; ours. */
const SHOWN = 24;

/** Runs of one log that are checked; each takes some predictions. */
const MOST_RUNS = 200;

const CHECK = options({
  '<log>': 'what a runtime printed, or a timing in words: "eval 11 tok/s, mxfp4, -m gpt-oss-120b -ncmoe 33"',
  '-w, --hardware <machine>': 'parts, or a file of parts; the machine that the log names, or this one, unless said',
  ...TIMING,
  '-m, --model <model>': 'bundled model or a GGUF file, where the log does not name it',
  '--quantization <format>': 'storage format of its weights, where the log does not say',
  ...output(checkReports),
  ...PICTURES,
});

type CheckOptions = OptionsOf<typeof CHECK>;

/** Help. */
export const help = `A log is what llama-bench, llama-server, llama-cli, llama-sweep-bench, vLLM,
SGLang, KTransformers or Ollama printed; - is standard input.

Examples:
  moeprof check server.log
  llama-bench -m model.gguf -ncmoe 24 -o jsonl | moeprof check - -w box.yaml
  moeprof check bench.md -w rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB

Exit code 1: a run is slower than four of five comparable ones.`;

/** `moeprof check`. */
export function define(command: Command, context: CliContext): void {
  declared(command, CHECK, { first: ['-w', '-m', '--timing', '-o'] }).action(async (log: string, options: CheckOptions) => {
    await deliver(context, checkReports, options, async () => {
      const checked = await checkedLog(log, options, context);
      if (checked.runs.some(({ verdict }) => verdict === 'slow')) context.setExitCode(EXIT.gateFailed);
      return checked;
    });
  });
}

async function checkedLog(log: string, options: CheckOptions, context: CliContext): Promise<CheckedLog> {
  const read = isWritten(log) ? timingsIn(log, `"${log.length > SHOWN ? `${log.slice(0, SHOWN)}...` : log}"`) : readTimings(log);
  if (read.length > MOST_RUNS) throw new UserError(`${log.slice(0, 200)}: holds ${read.length} runs; give at most ${MOST_RUNS}`);
  const user = { model: options.model ?? null, quantization: options.quantization ?? null };
  const { assumed, timings } = withUsualFormats(read, user);
  const { file, name, notes: remarks } = await judgingMachine(timings, options.hardware);
  const machine = machineOfFile(file, name ?? 'this machine');
  const rows = joinedPhases(measurementsOf(timings, machine, user));
  const taught = await learnedBy(context, options.timing, name ?? undefined, user);
  const learned = taught && { ...taught, model: soleModel(rows) };
  const driven = (load: (runtime: RuntimeSpec) => RuntimeSpec) => runtimesFor(rows, (runtime) => load(loadRuntime(runtime)));
  const turned = (by: Learned) => driven((runtime) => learnedRuntime(runtime, by));
  const runtimes = learned === null ? driven((runtime) => runtime) : turned(learned);
  const facts: CheckFacts = {
    ...(learned !== null && { learned: { learned, moved: nudged(learned).map(turned) } }),
    powerShare: powerShareOf(file.remarks ?? []) ?? undefined,
    buffers: new Map(timings.map(({ buffers = [], place }) => [place, buffers])),
    uncounted: new Map(timings.map(({ place, uncounted = [] }) => [place, uncounted])),
    caches: new Map(timings.flatMap(({ expertCache, place }) => (expertCache === undefined ? [] : [[place, expertCache]]))),
    unplaced: new Set(timings.filter((timing) => isUnplaced(timing, machine)).map(({ place }) => place)),
  };
  return {
    machine: file.name,
    runs: await checkRuns(rows, runtimes, facts),
    calibration: learned && learnedText(machine, loadRuntime(runtimeOf(rows[0]!)), learned),
    assumed: [...remarks, ...(assumed === null ? [] : [assumed]), ...machine.standIns, ...machine.defaults],
  };
}
