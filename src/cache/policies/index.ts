// A new policy is a file and a line below.
import { UserError } from '../../base/errors.js';
import { choose, type Parameters } from '../../base/parameters.js';
import { didYouMean } from '../../base/text.js';
import { loadedChoice, moduleChoice, type OwnChoice } from '../../base/user-module.js';
import type { PolicyDefinition } from '../policy.js';
import { ownPolicy } from '../user-policy.js';
import { arc } from './arc.js';
import { belady, beladyAdmit, beladyWindow } from './belady.js';
import { clock } from './clock.js';
import { learnedBelady, plec } from './expected-use.js';
import { fifo } from './fifo.js';
import { gdsf } from './gdsf.js';
import { hyperbolic } from './hyperbolic.js';
import { layerPosition } from './layer-position.js';
import { leastStale } from './least-stale.js';
import { lecar } from './lecar.js';
import { lfru } from './lfru.js';
import { lfu, lfuResident } from './lfu.js';
import { lfuDecay } from './lfu-decay.js';
import { lirs } from './lirs.js';
import { llamaMoeCache } from './llama-moe-cache.js';
import { lru, mru } from './lru.js';
import { mapPriority } from './map-priority.js';
import { moeInfinity } from './moe-infinity.js';
import { mrs } from './mrs.js';
import { random } from './random.js';
import { recencyFrequency } from './recency-frequency.js';
import { s3Fifo } from './s3-fifo.js';
import { sieve } from './sieve.js';
import { slru } from './slru.js';
import { staticPlacement } from './static.js';
import { twoQueue } from './two-queue.js';
import { wTinyLfu } from './w-tinylfu.js';

const RECENCY = [fifo, lru, mru, clock, sieve, slru, twoQueue, s3Fifo, arc, lirs, wTinyLfu];
const FREQUENCY = [lfu, lfuResident, lfuDecay, llamaMoeCache, lfru, gdsf, hyperbolic, lecar, recencyFrequency];
const EXPERTS = [leastStale, layerPosition, moeInfinity, mapPriority, mrs, plec, learnedBelady, staticPlacement];
const FUTURE = [belady, beladyAdmit, beladyWindow];

/** All built-in policies, in listing order. */
export const POLICIES: readonly PolicyDefinition[] = [...RECENCY, ...FREQUENCY, random, ...EXPERTS, ...FUTURE];

/** Policy named by a user: built-in or a module. */
export type PolicyChoice = OwnChoice<PolicyDefinition>;

/** Policy with parameter values. */
export interface ResolvedPolicy {
  readonly definition: PolicyDefinition;
  readonly parameters: Parameters;
}

/** `name:key=value,key=value` or a module's path. @throws UserError if unknown or invalid */
export const parsePolicy = (text: string): PolicyChoice => moduleChoice('policy', text) ?? choose('policy', text, {}, findPolicy);

const builtIn = (name: string): PolicyDefinition | undefined => POLICIES.find((policy) => policy.name === name);

/** Empty slots of a built-in policy's cache ({@link PolicyDefinition.spare}). */
export const spareSlots = ({ name, parameters }: PolicyChoice, topK: number): number => builtIn(name)?.spare?.(parameters, topK) ?? 0;

/** {@link PolicyDefinition.passTokens} of a built-in policy; null: none. */
export const passTokensOf = ({ name }: PolicyChoice): number | null => builtIn(name)?.passTokens ?? null;

/** First MoE layers of a cache under a built-in policy ({@link PolicyDefinition.cachedLayers}); Infinity: all. */
export const cachedLayersOf = ({ name, parameters }: PolicyChoice): number =>
  builtIn(name)?.cachedLayers?.(parameters) || Number.POSITIVE_INFINITY;

/** Loads a user's module. @param baseFolder of relative paths @throws UserError if not loadable */
export async function resolvePolicy(chosen: PolicyChoice, baseFolder?: string): Promise<ResolvedPolicy> {
  const { definition, name, parameters } = await loadedChoice('policy', chosen, ownPolicy, baseFolder);
  return { definition: definition ?? findPolicy(name), parameters };
}

function findPolicy(name: string): PolicyDefinition {
  const found = POLICIES.find((policy) => policy.name === name);
  if (found !== undefined) return found;
  const names = POLICIES.map((policy) => policy.name);
  throw new UserError(`unknown policy "${name}"; ${didYouMean(name, names)} (a policy of your own: ./file.mjs)`);
}
