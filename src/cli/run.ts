// `moeprof run`: profiles one system, or ranks several.

import type { Command } from 'commander';
import { EXIT, UserError } from '../base/errors.js';
import { resolve } from '../base/host/paths.js';
import { isStdin } from '../base/profiles.js';
import { judgeResult } from '../compare/judge.js';
import { simulateRun } from '../engine/simulate.js';
import type { Watch } from '../engine/watch/meters.js';
import { reports } from '../report/formats/index.js';
import { type Budget, budgetsFor, budgetsOf, parseAssertion } from '../result/budget.js';
import type { Result } from '../result/result.js';
import { sameRows } from '../study/sweep/same-rows.js';
import { repeatable, repeatCommand } from '../system/command.js';
import { placeIn, type RunSpec } from '../system/run.js';
import type { CliContext } from './kit/context.js';
import { addOutputOptions, collect, type OutputOptions, outputsOf, stdoutFormat } from './kit/options.js';
import { Outputs } from './kit/outputs.js';
import { watched } from './kit/watched.js';
import { parseRepeat, runRepeatedly } from './repeat.js';
import { type Combination, combinationsOf, namesSeveral, runMany } from './run-many.js';
import { addRunOptions, type RunFlags, runOf, toldOf } from './run-options.js';
import { scenarioOfFile } from './scenarios.js';
import { openTimeline, type TimelineOptions } from './timeline.js';

interface RunOptions extends RunFlags, OutputOptions, TimelineOptions {
  readonly repeat?: string;
  readonly details?: boolean;
  readonly assert: readonly string[];
}

const EXAMPLES = `
Examples:
  moeprof run                                     the bundled quick start
  moeprof run -m mixtral-8x7b -w rtx-3090 -s fiddler --cache 12GiB
  moeprof run -t routing.safetensors --policy lfu --scope layer --json
  moeprof run -t routing.safetensors -s fiddler,on-demand-lru --cache 25%
  moeprof run -t routing.safetensors --top-k 4    what if fewer experts ran?
  moeprof run my-run.yaml --batch 4 -o result.json -o report.md
  moeprof run my-run.yaml --timeline run.json.gz --timeline-window 0.5s..1s
  moeprof run --set hardware.links.0.bandwidth=12GB/s

Profiles by name: moeprof profiles list
`;

/** Defines the command. */
export function define(command: Command, context: CliContext): void {
  command.argument('[profile]', 'run profile: a YAML file or a bundled name; without it and without -m -t -w -s, the quick start');
  addRunOptions(command)
    .option('--repeat <n>', 'run n times and measure the wall-clock time (metric wall.run)')
    .option('--assert <condition>', "fail with exit code 1 unless it holds, e.g. 'cache.hit_rate >= 0.8', repeatable", collect, []);
  addOutputOptions(command, reports)
    .option('--html <path>', 'write a report with charts, short for -o html=<path>')
    .option('--svg <path>', 'draw the ranking of several systems or machines, short for -o svg=<path>')
    .option('--details', 'keep in the result what charts are drawn from, for moeprof report')
    .option('--timeline <file>', 'draw the run for ui.perfetto.dev or chrome://tracing: a .json.gz or .json')
    .option('--timeline-window <range>', 'draw a part: 0.5s..1s of simulated time, or pass:100..120')
    .addHelpText('after', EXAMPLES)
    .action(async (profile: string | undefined, options: RunOptions) => {
      const budgets: Budget[] = options.assert.map((text) => parseAssertion(text));
      if (namesSeveral(options)) {
        if (budgets.length > 0) throw new UserError('--assert: judges one run, not several; name one system and one machine');
        const single = { timeline: options.timeline, 'timeline-window': options.timelineWindow };
        for (const [name, value] of Object.entries(single)) {
          if (value !== undefined) throw new UserError(`--${name}: shows one run, not several; name one system and one machine`);
        }
        const all = combinationsOf(options);
        const alike = await sameRows(all.map((chosen) => () => runOf(profile, { ...options, ...chosen })));
        const told = (chosen: Combination) => toldOf(profile, { ...options, ...chosen }, alike);
        const run = async (chosen: Combination) =>
          repeatable(await runWithProgress(runOf(profile, { ...options, ...chosen }, alike), context), told(chosen));
        await runMany(all, { run, again: (chosen) => repeatCommand(told(chosen)) }, context, options);
        return;
      }
      const run = runOf(profile, options);
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
        const result = repeatable(repeat === null ? await once() : await runRepeatedly(repeat, once), toldOf(profile, options));
        const findings = judgeResult(result, budgetsFor(scenarioOfFile(run.label), budgets));
        timeline?.finish(result);
        await outputs.deliver(result);
        for (const { budget, level, message, metric } of findings) {
          context.note(`${level === 'error' ? 'failed' : 'warning'}: ${budget?.place ?? 'budget'}: ${metric}: ${message}`);
        }
        if (findings.some(({ level }) => level === 'error')) context.setExitCode(EXIT.gateFailed);
      } finally {
        outputs?.abort();
        timeline?.abort();
      }
    });
}

function runWithProgress(run: RunSpec, context: CliContext, asked: Watch = {}): Promise<Result> {
  return watched(context, 'replaying', 'tokens', (watch) => simulateRun(run, { ...asked, ...watch }));
}
