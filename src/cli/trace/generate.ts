import type { Command } from 'commander';
import { UserError } from '../../base/errors.js';
import { formatCount, parseCount } from '../../base/units.js';
import { checkValue } from '../../base/yaml.js';
import { loadModel, loadRouting } from '../../model/door.js';
import { fitRouting, synthesizeFitted } from '../../trace/fit/index.js';
import { routingProfileSchema } from '../../trace/generate/routing-profile.js';
import { type RequestLength, requestsOf, synthesize, USUAL_LENGTH } from '../../trace/generate/synthetic.js';
import type { RoutingTrace } from '../../trace/trace.js';
import type { CliContext } from '../kit/context.js';
import { type OptionsOf, options, subcommand } from '../kit/declared.js';
import { TRACE_OUTPUT } from '../kit/groups.js';
import { parseSeed } from '../kit/options.js';
import { watched } from '../kit/watched.js';
import { withNamed } from './open.js';
import { layoutOf, writeTrace } from './write.js';

const TOKENS = 4096;
/** Longest trace, tokens. Ours: more than any run replays. */
const MOST_TOKENS = 1e9;

const GENERATE = options({
  ...TRACE_OUTPUT,
  '--like <model>': 'a bundled model or a file; its routing: block says how it routes',
  '--fit <trace>': 'a recorded trace to be like',
  '-m, --model <model>': 'model of the trace to fit, where its file does not say',
  '--trace-format <format>': 'format of the trace to fit, instead of recognising it; a reader of your own: ./mine.mjs',
  '--tokens <n>': `tokens in all (default: ${TOKENS}, or those of the trace)`,
  '--prompt <n>': `prompt tokens of a request (default: ${USUAL_LENGTH.prefill}, or as in the trace)`,
  '--generated <n>': `generated tokens of a request (default: ${USUAL_LENGTH.decode}, or as in the trace)`,
  '--candidates <n>': 'choices to write, with gate weights: what a token might have chosen, too',
  '--seed <n>': ['the same seed gives the same routing', { default: '1' }],
});

const GENERATE_HELP = `--like draws from the routing: block of a model profile, --fit from a model of a
recorded trace: its popularity, reuse at every distance and cross-layer
transitions, layer by layer. Generated traces say that they are synthetic.

Examples:
  moeprof trace generate --like qwen3-30b-a3b --tokens 20k -o like.safetensors
  moeprof trace generate --fit routing.safetensors --tokens 100k --seed 7 \\
    -o more.safetensors
  moeprof trace generate --like qwen3-30b-a3b --candidates 32 -o w.safetensors`;

type Flags = OptionsOf<typeof GENERATE>;

/** `moeprof trace generate`. */
export function defineGenerate(parent: Command, context: CliContext): void {
  subcommand(parent, 'generate', GENERATE, {
    help: GENERATE_HELP,
    first: ['--like', '--fit', '--tokens', '-o'],
    summary: 'synthetic routing, like a model or fitted to a trace',
    description: 'Draws synthetic routing, like a model or fitted to a trace.',
  }).action(async (flags: Flags) => {
    layoutOf(flags.output);
    if ((flags.like === undefined) === (flags.fit === undefined))
      throw new UserError('trace generate: say what the routing is to be like: --like MODEL or --fit TRACE');
    if (flags.candidates !== undefined && flags.fit !== undefined)
      throw new UserError('--candidates: a fitted process knows what was chosen, not what might have been; use --like MODEL');
    parseSeed(flags.seed);
    const trace = flags.fit === undefined ? likeModel(flags.like!, flags) : await likeTrace(flags.fit, flags, context);
    try {
      await writeTrace(trace, flags.output, {}, context);
      if (flags.output !== '-')
        context.note(`${flags.output}: ${formatCount(trace.tokens)} tokens in ${formatCount(trace.requests.length)} requests, synthetic`);
    } finally {
      trace.close();
    }
  });
}

function likeModel(name: string, flags: Flags): RoutingTrace {
  const model = loadModel(name);
  const routing = loadRouting(name);
  const tokens = flags.tokens === undefined ? TOKENS : count(flags.tokens, '--tokens');
  return synthesize(model, {
    seed: parseSeed(flags.seed),
    requests: requestsFrom(flags, tokens) ?? requestsOf(tokens),
    ...(routing === null ? {} : { profile: checkValue(routing, `model ${name}: routing`, routingProfileSchema) }),
    ...(flags.candidates === undefined ? {} : { candidates: parseCount(flags.candidates, '--candidates') }),
  });
}

const likeTrace = (path: string, flags: Flags, context: CliContext): Promise<RoutingTrace> =>
  withNamed(path, { model: flags.model, traceFormat: flags.traceFormat }, (trace) => {
    const fitted = fitRouting(trace);
    const tokens = flags.tokens === undefined ? trace.tokens : count(flags.tokens, '--tokens');
    const requests = requestsFrom(flags, tokens) ?? requestsOf(tokens, fitted.requests);
    const options = { seed: parseSeed(flags.seed), requests };
    return watched(context, 'generating', 'tokens', async ({ progress }) =>
      synthesizeFitted(fitted, options, (done) => progress(done, tokens)),
    );
  });

/** Requests with lengths from flags; null: no lengths. */
function requestsFrom(flags: Flags, tokens: number): RequestLength[] | null {
  if (flags.prompt === undefined && flags.generated === undefined) return null;
  const prefill = flags.prompt === undefined ? USUAL_LENGTH.prefill : parseCount(flags.prompt, '--prompt');
  const decode = flags.generated === undefined ? USUAL_LENGTH.decode : count(flags.generated, '--generated');
  return requestsOf(tokens, [{ prefill, decode }]);
}

function count(text: string, place: string): number {
  const value = parseCount(text, place);
  if (value < 1) throw new UserError(`${place}: '${text}' is less than one token; write at least 1`);
  if (value > MOST_TOKENS)
    throw new UserError(`${place}: '${text}' is more than any run replays; write at most ${formatCount(MOST_TOKENS)}`);
  return value;
}
