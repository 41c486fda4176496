import type { Command } from 'commander';
import { placed, UserError } from '../../base/errors.js';
import { formatCount } from '../../base/units.js';
import { type Conversion, convertTrace, numbersIn, parseRanges, readRemap } from '../../trace/convert/index.js';
import { parseVariant, stackVariants } from '../../trace/variants/index.js';
import { loadVariants } from '../../trace/variants/user-variant.js';
import type { CliContext } from '../kit/context.js';
import { type OptionsOf, options, subcommand } from '../kit/declared.js';
import { TRACE, TRACE_OUTPUT } from '../kit/groups.js';
import { parseSeed } from '../kit/options.js';
import { openNamed } from './open.js';
import { layoutOf, writeTrace } from './write.js';

const CONVERT = options({
  '<trace>': 'a file in any known format, - for JSONL on stdin, or a bundled trace',
  ...TRACE_OUTPUT,
  '--tokens <ranges>': 'only these rows, e.g. ..49 or 200..',
  '--requests <ranges>': 'only these requests, by their place in the file',
  '--layers <ranges>': 'only these MoE layers',
  '--remap <file>': 'JSON: new number of each expert, one list or one per layer; -1 drops a choice',
  '--variant <variant>...': 'change the routing: top-k=4, top-p=0.9, ./mine.mjs, ...; repeatable, in order',
  '--seed <n>': ['seed of what variants draw', { default: '1' }],
  '--weights <how>': ['gate weights, where there are any', { choices: ['f32', 'f16', 'none'], default: 'f32' }],
  ...TRACE,
});

const CONVERT_HELP = `Ranges count from 0 and include both ends: 0..99, 200.., 7, 0..3,8.

Examples:
  moeprof trace convert replies.jsonl -m qwen3-30b-a3b -o routing.safetensors
  moeprof trace convert routing.safetensors --tokens 200.. -o clean.safetensors
  moeprof trace convert big.npz --requests 0..9 --layers 1.. \\
    --weights none -o part.jsonl
  moeprof trace convert physical.jsonl --remap map.json -o logical.safetensors
  moeprof trace convert routing.npz --variant top-k=4 -o slim.safetensors`;

/** `moeprof trace convert`. */
export function defineConvert(parent: Command, context: CliContext): void {
  subcommand(parent, 'convert', CONVERT, {
    help: CONVERT_HELP,
    first: ['-m', '-o', '--tokens', '--layers', '--requests'],
    summary: 'to safetensors or JSONL; slices, renumbered experts',
    description: 'Writes a trace as safetensors or JSONL, whole or in part.',
  }).action(async (path: string, flags: OptionsOf<typeof CONVERT>) => {
    layoutOf(flags.output);
    const seed = parseSeed(flags.seed);
    const variants = await loadVariants(flags.variant.map((text) => placed('--variant', () => parseVariant(text))));
    const { trace, model } = await openNamed(path, flags, flags.variant.length === 0);
    try {
      const conversion: Conversion = {
        ...(flags.tokens === undefined ? {} : { tokens: rowsIn(flags.tokens, trace.tokens) }),
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

/** Ranges of rows; a lone number is refused, since other commands read a count. @throws UserError */
function rowsIn(text: string, count: number): [from: number, to: number][] {
  const number = /^\s*([1-9]\d*)\s*$/.exec(text)?.[1];
  if (number !== undefined)
    throw new UserError(
      `--tokens ${number}: is a row and no count; write ..${Number(number) - 1} for the first ${number}, ${number}..${number} for the row`,
    );
  return parseRanges(text, count, '--tokens');
}
