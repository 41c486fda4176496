// `moeprof trace convert`: any format to the canonical ones, whole or in part.
import { type Command, Option } from 'commander';
import { placed } from '../../base/errors.js';
import { formatCount } from '../../base/units.js';
import { type Conversion, convertTrace, numbersIn, parseRanges, readRemap } from '../../trace/convert/index.js';
import { parseVariant, stackVariants } from '../../trace/variants/index.js';
import { loadVariants } from '../../trace/variants/user-variant.js';
import type { CliContext } from '../kit/context.js';
import { collect, parseSeed, seedOption, type Texts, type TraceFlags } from '../kit/options.js';
import { addTraceOptions, openNamed } from './open.js';
import { layoutOf, writeTrace } from './write.js';

interface Flags extends TraceFlags, Texts<keyof Conversion> {
  readonly output: string;
  readonly variant: readonly string[];
  readonly seed: string;
  readonly weights: 'f32' | 'f16' | 'none';
}

/** Defines the subcommand. */
export function defineConvert(parent: Command, context: CliContext): void {
  const command = parent
    .command('convert')
    .summary('to safetensors or JSONL; slices, renumbered experts')
    .description('Writes a trace as safetensors or JSONL, whole or in part.')
    .argument('<trace>', 'a file in any known format, - for JSONL on stdin, or a bundled trace')
    .requiredOption('-o, --output <path>', 'where to: .safetensors, .jsonl, or - for JSONL on stdout')
    .option('--tokens <ranges>', 'only these rows')
    .option('--requests <ranges>', 'only these requests, by their place in the file')
    .option('--layers <ranges>', 'only these MoE layers')
    .option('--remap <file>', 'JSON: new number of each expert, one list or one per layer; -1 drops a choice')
    .option('--variant <variant>', 'change the routing: top-k=4, top-p=0.9, ./mine.mjs, ...; repeatable, in order', collect, [])
    .addOption(seedOption('seed of what variants draw').default('1'))
    .addOption(new Option('--weights <how>', 'gate weights, where there are any').choices(['f32', 'f16', 'none']).default('f32'));
  addTraceOptions(command).action(async (path: string, flags: Flags) => {
    layoutOf(flags.output);
    const seed = parseSeed(flags.seed);
    const variants = await loadVariants(flags.variant.map((text) => placed('--variant', () => parseVariant(text))));
    const { trace, model } = await openNamed(path, flags, flags.variant.length === 0);
    try {
      const conversion: Conversion = {
        ...(flags.tokens === undefined ? {} : { tokens: parseRanges(flags.tokens, trace.tokens, '--tokens') }),
        ...(flags.requests === undefined ? {} : { requests: numbersIn(parseRanges(flags.requests, trace.requests.length, '--requests')) }),
        ...(flags.layers === undefined ? {} : { layers: numbersIn(parseRanges(flags.layers, trace.layers, '--layers')) }),
        ...(flags.remap === undefined ? {} : { remap: readRemap(flags.remap, trace.expertsPerLayer) }),
      };
      const part = Object.keys(conversion).length === 0 ? trace : convertTrace(trace, conversion);
      try {
        const varied = stackVariants(part, variants, { model, seed });
        await writeTrace(varied, flags.output, { weights: flags.weights }, context);
        if (flags.output !== '-')
          context.note(`${flags.output}: ${formatCount(varied.tokens)} tokens, ${formatCount(varied.layers)} layers`);
      } finally {
        if (part !== trace) part.close();
      }
    } finally {
      trace.close();
    }
  });
}
