// `moeprof trace inspect`: statistics of a trace, before anything is simulated.
import type { Command } from 'commander';
import { routingStatistics } from '../../trace/stats/index.js';
import type { CliContext } from '../kit/context.js';
import type { TraceFlags } from '../kit/options.js';
import { addOutputOptions, deliver, type OutputOptions } from '../kit/outputs.js';
import { hitsOf } from './hits.js';
import { inspectionReports } from './inspect-report.js';
import { addTraceOptions, identityOf, withNamed } from './open.js';

/** Defines the subcommand. */
export function defineInspect(parent: Command, context: CliContext): void {
  const command = parent
    .command('inspect')
    .summary('tokens, skew, reuse, batching, predictability, hit rates; heatmap')
    .description('Skew, reuse, batching, predictability and hit rates of a trace.')
    .argument('<trace>', 'a file in any known format, - for JSONL on stdin, or a bundled trace');
  addOutputOptions(addTraceOptions(command), inspectionReports).action((path: string, flags: TraceFlags & OutputOptions) =>
    deliver(context, inspectionReports, flags, () =>
      withNamed(path, flags, async (trace) => {
        const statistics = routingStatistics(trace);
        await context.breathe();
        return { trace: identityOf(trace), statistics, hits: await hitsOf(trace, context) };
      }),
    ),
  );
}
