import type { AdviceWishes } from '../../advise/door.js';
import type { TunedAdvice } from '../../measured/tune/report.js';
import type { CliContext } from '../kit/context.js';
import { benchTunedAdvice } from './bench.js';
import { cacheTunedAdvice } from './cache.js';
import type { TuneFlags } from './kept.js';

export { tuneReports } from '../../measured/tune/report.js';

/** Programs that answer a prompt, with an expert cache; all others are benchmarks. */
const TALKS = /\bllama-(server|cli|completion)\b/;

/** `moeprof advise --tune`. @throws UserError for a wrong flag, if nothing fits, or the file is another machine's */
export function tunedAdvice(context: CliContext, model: string, flags: TuneFlags, wishes: AdviceWishes): Promise<TunedAdvice> {
  const by = TALKS.test(flags.tune!) ? cacheTunedAdvice : benchTunedAdvice;
  return by(context, model, flags, wishes);
}
