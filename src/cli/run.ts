import type { Command } from 'commander';
import { EXIT, UserError } from '../base/errors.js';
import { Gzip } from '../base/gzip.js';
import { bytesOf } from '../base/host/bytes.js';
import { resolve } from '../base/host/paths.js';
import { isStdin } from '../base/profiles.js';
import { formatCount, formatNs } from '../base/units.js';
import { judgeResult } from '../compare/judge.js';
import { joinRepeats } from '../compare/samples.js';
import type { Simulation } from '../engine/compose/simulation.js';
import type { Inputs } from '../engine/inputs/inputs.js';
import { simulateRun } from '../engine/simulate.js';
import type { Observer } from '../engine/transfer/observer.js';
import type { Watch } from '../engine/watch/meters.js';
import { reports } from '../report/door.js';
import { type Budget, budgetsFor, budgetsOf, parseAssertion } from '../result/budget.js';
import { metricValue, sampledMetric } from '../result/catalogue.js';
import { sealed } from '../result/digest.js';
import type { Result } from '../result/result.js';
import { equalFooting } from '../study/door.js';
import { placeIn, type RunSpec, repeatable, repeatCommand } from '../system/door.js';
import { TraceEvents } from '../timeline/events.js';
import { Timeline } from '../timeline/timeline.js';
import { EVERYTHING, parseWindow } from '../timeline/window.js';
import type { CliContext } from './kit/context.js';
import { declared, type OptionsOf, options } from './kit/declared.js';
import { htmlPage, output, svgFigure, TIMING } from './kit/groups.js';
import { isSameFile, Outputs, openSink, outputsOf, parseOutput, stdoutFormat } from './kit/outputs.js';
import { watched } from './kit/watched.js';
import { learnerOf } from './machine/learned.js';
import { type Combination, combinationsOf, runMany } from './run-many.js';
import { RUN, runCommandOf, runOf } from './run-options.js';
import { scenarioOfFile } from './scenarios.js';

const RUN_COMMAND = options({
  '[profile]': 'run profile: a YAML file or a bundled name; without it and without -m -t -w -s, the quick start',
  ...RUN,
  ...TIMING,
  '--repeat <n>': 'run n times and measure the wall-clock time (metric wall.run)',
  '--assert <condition>...': "fail with exit code 1 unless it holds, e.g. 'cache.hit_rate >= 0.8', repeatable",
  ...output(reports),
  ...htmlPage('write a report with charts'),
  ...svgFigure('draw the ranking of several systems or machines'),
  '--details': 'keep in the result what charts are drawn from, for moeprof report',
  '--timeline <file>': 'draw the run for ui.perfetto.dev or chrome://tracing: a .json.gz or .json',
  '--timeline-window <range>': 'draw a part: 0.5s..1s of simulated time, or pass:100..120',
});

type RunOptions = OptionsOf<typeof RUN_COMMAND>;

/** Help. */
export const help = `Examples:
  moeprof run                                     the bundled quick start
  moeprof run -m mixtral-8x7b -w rtx-3090 -s fiddler --cache 12GiB
  moeprof run -t routing.safetensors --policy lfu --scope layer --json
  moeprof run -t routing.safetensors -s fiddler,on-demand-lru --cache 25%
  moeprof run -t routing.safetensors --top-k 4    what if fewer experts ran?
  moeprof run -m gpt-oss-20b -w rtx-3090+64GB --timing "eval 62 tok/s, -ncmoe 8"
  moeprof run my-run.yaml --batch 4 -o result.json -o report.md
  moeprof run my-run.yaml --timeline run.json.gz --timeline-window 0.5s..1s
  moeprof run --set hardware.links.0.bandwidth=12GB/s

Profiles by name: moeprof profiles list`;

/** `moeprof run`: profiles a system, or ranks several. */
export function define(command: Command, context: CliContext): void {
  declared(command, RUN_COMMAND, { first: ['-m', '-w', '-s', '-t', '--cache', '-o'] }).action(
    async (profile: string | undefined, options: RunOptions) => {
      const budgets: Budget[] = options.assert.map((text) => parseAssertion(text));
      if ([options.system, options.hardware].some((names) => names?.includes(',') === true)) {
        if (budgets.length > 0) throw new UserError('--assert: judges one run, not several; name one system and one machine');
        const single = { timeline: options.timeline, 'timeline-window': options.timelineWindow };
        for (const [name, value] of Object.entries(single)) {
          if (value !== undefined) throw new UserError(`--${name}: shows one run, not several; name one system and one machine`);
        }
        const all = combinationsOf(options);
        const makes = all.map((chosen) => () => runOf(profile, { ...options, ...chosen }));
        const alike = await equalFooting(makes);
        const commandOf = (chosen: Combination) => runCommandOf(profile, { ...options, ...chosen }, alike);
        const learned = learnerOf(context, options.timing);
        const run = async (chosen: Combination) =>
          repeatable(await runWithProgress(await learned(runOf(profile, { ...options, ...chosen }, alike)), context), commandOf(chosen));
        await runMany(all, { run, again: (chosen) => repeatCommand(commandOf(chosen)) }, context, options);
        return;
      }
      const run = await learnerOf(context, options.timing)(runOf(profile, options));
      const repeat = options.repeat === undefined ? null : parseRepeat(options.repeat);
      if (repeat !== null && run.trace.some(isStdin))
        throw new UserError('--repeat: a trace on stdin can be read only once; give it as a file');
      if (repeat !== null && options.timeline !== undefined)
        throw new UserError('--timeline: drawing takes time, which --repeat measures; leave one of them out');
      budgets.push(...budgetsOf(run.budgets, (index) => placeIn(run, `budgets.${index}`)));
      if (options.svg !== undefined)
        throw new UserError('--svg: draws a ranking; name several systems or machines, e.g. -s fiddler,expertflow');
      const targets = outputsOf(options);
      const timeline = openTimeline(options, targets, context);
      let outputs: Outputs<Result> | null = null;
      try {
        outputs = Outputs.open(
          context,
          reports,
          targets,
          stdoutFormat(options),
          run.trace.map((path) => (isStdin(path) ? path : resolve(run.folder, path))),
        );
        const details = options.details === true || outputs.needDetails;
        const observe = timeline === null ? {} : { observe: timeline.observe };
        const once = () => runWithProgress(run, context, { details, ...observe });
        const result = repeatable(repeat === null ? await once() : await runRepeatedly(repeat, once), runCommandOf(profile, options));
        const findings = judgeResult(result, budgetsFor(scenarioOfFile(run.label), budgets));
        timeline?.finish(result);
        await outputs.deliver(result);
        for (const { budget, level, message, metric } of findings)
          context.note(`${level === 'error' ? 'failed' : 'warning'}: ${budget?.place ?? 'budget'}: ${metric}: ${message}`);
        if (findings.some(({ level }) => level === 'error')) context.setExitCode(EXIT.gateFailed);
      } finally {
        outputs?.abort();
        timeline?.abort();
      }
    },
  );
}

const runWithProgress = (run: RunSpec, context: CliContext, asked: Watch = {}): Promise<Result> =>
  watched(context, 'replaying', 'tokens', (watch) => simulateRun(run, { ...asked, ...watch }));

/** Events above which browser viewers become slow: some 130 bytes of JSON each, more in memory. */
const MANY = 2_000_000;

/** Values of the flags. */
export type TimelineOptions = Pick<RunOptions, 'timeline' | 'timelineWindow'>;

/** Opens the `--timeline` file; null: none. @param targets values of `-o` @throws UserError for a wrong flag or path */
export function openTimeline({ timeline: path, timelineWindow }: TimelineOptions, targets: readonly string[], context: CliContext) {
  if (path === undefined) {
    if (timelineWindow !== undefined) throw new UserError(`--timeline-window ${timelineWindow}: of what? add --timeline <file.json.gz>`);
    return null;
  }
  if (!/\.json(\.gz)?$/.test(path))
    throw new UserError(`--timeline ${path}: viewers know it by its ending; write ${/[\w)]$/.test(path) ? path : 'run'}.json.gz, or .json`);
  if (targets.some((target) => isSameFile(parseOutput(target, reports).path, path)))
    throw new UserError(`--timeline ${path}: is given to -o too; write each to its own path`);
  const window = timelineWindow === undefined ? EVERYTHING : parseWindow(timelineWindow, '--timeline-window');
  const sink = openSink(path, '--timeline');
  const gzip = path.endsWith('.gz') ? new Gzip((bytes) => sink.write(bytes)) : null;
  const events = new TraceEvents((text) => (gzip === null ? sink.write(text) : gzip.write(bytesOf(text))));
  let timeline: Timeline | null = null;
  return {
    observe({ model }: Inputs, { gpus }: Simulation): Observer {
      timeline = new Timeline({ model, gpus, window, events });
      return timeline;
    },
    finish({ fingerprint, inputs, metrics, tool }: Result): void {
      const { hardware, model, quantization, system } = inputs;
      timeline!.end();
      events.end({ tool: `${tool.name} ${tool.version}`, model, quantization, hardware, system, fingerprint });
      gzip?.end();
      sink.commit();
      const { written } = events;
      const advice =
        written === 0
          ? `: the run ends before the window begins, after ${formatNs(metricValue({ metrics }, 'time.total')!)}`
          : written > MANY
            ? ': browsers are slow with so many; --timeline-window, e.g. pass:100..200, writes a part'
            : '; open it in https://ui.perfetto.dev or chrome://tracing';
      context.note(`${path}: ${formatCount(written)} events${advice}`);
    },
    /** No effect after `finish`. */
    abort: (): void => sink.abort(),
  };
}

/** @throws UserError for an impossible number of runs */
export function parseRepeat(text: string): number {
  if (!/^\d+$/.test(text) || Number(text) < 1 || Number(text) > 1000)
    throw new UserError(`--repeat: '${text}' is no number of runs; write 1 to 1000`);
  return Number(text);
}

/** Runs `count` times after a warm-up of compiler and page cache. @returns the first result with samples `wall.run` */
export async function runRepeatedly(count: number, once: () => Promise<Result>): Promise<Result> {
  await once();
  const repeats: { label: string; result: Result }[] = [];
  for (let i = 1; i <= count; i++) {
    const startedAt = performance.now();
    const result = await once();
    const wall = sampledMetric('wall.run', [Math.round((performance.now() - startedAt) * 1e6)]);
    repeats.push({ label: `repeat ${i}`, result: sealed({ ...result, metrics: { ...result.metrics, 'wall.run': wall } }) });
  }
  return joinRepeats(repeats);
}
