import type { Command } from 'commander';
import { placed, UserError } from '../../base/errors.js';
import { formatCount } from '../../base/units.js';
import { type Conversion, convertTrace, numbersIn, parseRanges, readRemap } from '../../trace/convert/index.js';
import { parseVariant, stackVariants } from '../../trace/variants/index.js';
import { loadVariants } from '../../trace/variants/user-variant.js';
import type { CliContext } from '../kit/context.js';
import { subcommand } from '../kit/declared.js';
import { type Lists, parseSeed, type Texts, type TraceFlags, type Words } from '../kit/options.js';
import { openNamed } from './open.js';
import { layoutOf, writeTrace } from './write.js';

interface Flags extends TraceFlags, Texts<keyof Conversion>, Words<'output' | 'seed'>, Lists<'variant'> {
  readonly weights: 'f32' | 'f16' | 'none';
}

/** `moeprof trace convert`: any format to a canonical format, whole or in part. */
export function defineConvert(parent: Command, context: CliContext): void {
  subcommand(parent, 'convert').action(async (path: string, flags: Flags) => {
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
