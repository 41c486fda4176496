// `moeprof trace inspect`: statistics of a trace, before anything is simulated.
import type { Command } from 'commander';
import { routingStatistics } from '../../trace/stats/index.js';
import type { CliContext } from '../kit/context.js';
import { addOutputOptions, type OutputOptions, type TraceFlags } from '../kit/options.js';
import { deliver } from '../kit/outputs.js';
import { hitsOf } from './hits.js';
import { inspectionReports } from './inspect-report.js';
import { addTraceOptions, identityOf, withNamed } from './open.js';

const EXAMPLES = `
Reads every format that moeprof run reads, recordings of phones included.

Examples:
  moeprof trace inspect routing.safetensors
  moeprof trace inspect run.route.csv --format heatmap
  moeprof trace inspect replies.jsonl -m qwen3-30b-a3b --json
`;

/** Defines the subcommand. */
export function defineInspect(parent: Command, context: CliContext): void {
  const command = parent
    .command('inspect')
    .summary('tokens, skew, reuse, batching, predictability, hit rates; heatmap')
    .description('Skew, reuse, batching, predictability and hit rates of a trace.')
    .argument('<trace>', 'a file in any known format, - for JSONL on stdin, or a bundled trace');
  addOutputOptions(addTraceOptions(command), inspectionReports)
    .addHelpText('after', EXAMPLES)
    .action((path: string, flags: TraceFlags & OutputOptions) =>
      deliver(context, inspectionReports, flags, () =>
        withNamed(path, flags, async (trace) => {
          const statistics = routingStatistics(trace);
          await context.breathe();
          return { trace: identityOf(trace), statistics, hits: await hitsOf(trace, context) };
        }),
      ),
    );
}
