// The registry of cache policies (adding one is a file beside this one and a line below), and how a user names one:
// `lru`, `s3-fifo:small=0.1`, `./my-policy.mjs:rate=2`.
import { UserError } from '../../base/errors.js';
import { type Parameters, resolveParameters, splitSpec } from '../../base/parameters.js';
import { didYouMean } from '../../base/text.js';
import type { PolicyDefinition } from '../policy.js';
import { loadPolicy } from '../user-policy.js';
import { arc } from './arc.js';
import { belady, beladyAdmit } from './belady.js';
import { beladyWindow } from './belady-window.js';
import { clock } from './clock.js';
import { fifo } from './fifo.js';
import { frequencyClasses } from './frequency-classes.js';
import { gdsf } from './gdsf.js';
import { hyperbolic } from './hyperbolic.js';
import { layerPosition } from './layer-position.js';
import { leastStale } from './least-stale.js';
import { lecar } from './lecar.js';
import { lfru } from './lfru.js';
import { lfu } from './lfu.js';
import { lfuDecay } from './lfu-decay.js';
import { lfuResident } from './lfu-resident.js';
import { lirs } from './lirs.js';
import { lru } from './lru.js';
import { moeInfinity } from './moe-infinity.js';
import { mrs } from './mrs.js';
import { mru } from './mru.js';
import { plec } from './plec.js';
import { random } from './random.js';
import { s3Fifo } from './s3-fifo.js';
import { sieve } from './sieve.js';
import { slru } from './slru.js';
import { staticPlacement } from './static.js';
import { twoQueue } from './two-queue.js';
import { wTinyLfu } from './w-tinylfu.js';

/** All built-in policies, in the order in which they are listed. */
export const POLICIES: readonly PolicyDefinition[] = [
  fifo,
  lru,
  mru,
  clock,
  sieve,
  slru,
  twoQueue,
  s3Fifo,
  arc,
  lirs,
  wTinyLfu,
  lfu,
  lfuResident,
  lfuDecay,
  frequencyClasses,
  lfru,
  gdsf,
  hyperbolic,
  lecar,
  random,
  leastStale,
  layerPosition,
  moeInfinity,
  mrs,
  plec,
  staticPlacement,
  belady,
  beladyAdmit,
  beladyWindow,
];

/** A policy with the values of its parameters. */
export interface ResolvedPolicy {
  readonly definition: PolicyDefinition;
  readonly parameters: Parameters;
}

/** A module of the user's own, with or without parameters after it; a drive letter's colon is part of the path. */
const FILE = /^(.+\.(?:mjs|cjs|js))(:.*)?$/;

/**
 * Finds a policy by name or loads it from a module whose default export is a {@link PolicyDefinition}.
 * @param spec `name`, `name:key=value,key=value`, or a path to a module in place of the name
 * @param baseFolder what a relative path is relative to; the working directory unless given
 * @param given further parameter values, e.g. from a profile; those in `spec` win
 * @throws UserError for an unknown policy or parameter, a bad value, or a module that cannot be used
 */
export async function resolvePolicy(
  spec: string,
  baseFolder: string = process.cwd(),
  given: Readonly<Record<string, unknown>> = {},
): Promise<ResolvedPolicy> {
  const file = FILE.exec(spec);
  if (file !== null) {
    const [, path, rest = ''] = file;
    const definition = await loadPolicy(path!, baseFolder);
    const inSpec = rest === '' ? {} : splitSpec(`policy${rest}`).given;
    return { definition, parameters: resolveParameters(`policy ${path}`, definition.parameters, { ...given, ...inSpec }) };
  }
  const { name, given: inSpec } = splitSpec(spec);
  const definition = POLICIES.find((policy) => policy.name === name);
  if (definition === undefined) {
    const names = POLICIES.map((policy) => policy.name);
    throw new UserError(`policy: "${name}" is unknown; ${didYouMean(name, names)} (a policy of your own: ./file.mjs)`);
  }
  return { definition, parameters: resolveParameters(`policy ${name}`, definition.parameters, { ...given, ...inSpec }) };
}
