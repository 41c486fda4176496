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
import { subcommand } from '../kit/declared.js';
import { parseSeed, type Texts, type Words } from '../kit/options.js';
import { watched } from '../kit/watched.js';
import { withNamed } from './open.js';
import { layoutOf, writeTrace } from './write.js';

type Flags = Texts<'like' | 'fit' | 'model' | 'traceFormat' | 'tokens' | 'prompt' | 'generated' | 'candidates'> & Words<'seed' | 'output'>;

/** Default length of a trace, tokens. Ours. */
const TOKENS = 4096;
/** Longest trace, tokens. Ours: more than any run replays. */
const MOST_TOKENS = 1e9;

/** `moeprof trace generate`: synthetic routing like a model's published statistics, or like a trace. */
export function defineGenerate(parent: Command, context: CliContext): void {
  const words = { tokens: String(TOKENS), prompt: String(USUAL_LENGTH.prefill), generated: String(USUAL_LENGTH.decode) };
  subcommand(parent, 'generate', { words }).action(async (flags: Flags) => {
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
  withNamed(path, flags, (trace) => {
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
