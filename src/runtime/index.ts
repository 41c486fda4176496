// A runtime with known speeds only is an unlisted profile.
import { UserError } from '../base/errors.js';
import { ownValue } from '../base/objects.js';
import { listProfiles } from '../base/profiles.js';
import { didYouMean } from '../base/text.js';
import { colibriRuntime } from './colibri/index.js';
import { exllamav3Runtime } from './exllamav3/index.js';
import { fastllmRuntime } from './fastllm/index.js';
import { freetokenRuntime } from './freetoken/index.js';
import { hfEagerRuntime } from './hf-eager/index.js';
import { ikLlamaCppRuntime } from './ik_llama.cpp/index.js';
import type { AdvisedRuntime, KnownRuntime, Vendor } from './kind/runtime.js';
import { ktransformersRuntime } from './ktransformers/index.js';
import { FIXED, llamaCppRuntime } from './llama.cpp/index.js';
import { lmStudioRuntime } from './lmstudio/index.js';
import { mlxRuntime } from './mlx/index.js';
import { ollamaRuntime } from './ollama/index.js';
import { sglangRuntime } from './sglang/index.js';
import { thecodacusRuntime } from './thecodacus/index.js';
import { vllmRuntime } from './vllm/index.js';

/** All runtimes, in the order of lists. */
export const RUNTIMES: readonly KnownRuntime[] = [
  llamaCppRuntime,
  ikLlamaCppRuntime,
  ktransformersRuntime,
  fastllmRuntime,
  sglangRuntime,
  vllmRuntime,
  ollamaRuntime,
  exllamav3Runtime,
  freetokenRuntime,
  lmStudioRuntime,
  thecodacusRuntime,
  mlxRuntime,
  hfEagerRuntime,
  colibriRuntime,
];

/** Name of a runtime or program. */
export const isRuntime = (word: string): boolean =>
  RUNTIMES.some(({ name, programs }) => name === word || ownValue(programs, word) !== undefined);

/** Default runtime on an uncalibrated machine. */
export const DEFAULT_RUNTIME = llamaCppRuntime.name;

/** Bundled system of the default runtime. */
export const DEFAULT_SYSTEM = FIXED;

/** Profile of a paper's unknown framework. */
export const PAPERS_PROFILE = hfEagerRuntime.name;

/** Runtimes with advice. */
export const ADVISED: readonly AdvisedRuntime[] = RUNTIMES.flatMap(({ advised, name, vendors }) =>
  advised === undefined ? [] : [{ ...advised, name, ...(vendors && { vendors }) }],
);

/** {@link ADVISED}, and backends with their own profiles. */
const ADVISED_BY_NAME = [
  ...ADVISED,
  ...RUNTIMES.flatMap(({ advised, backends }) =>
    advised === undefined ? [] : backends.map(({ profile, vendors }) => ({ ...advised, name: profile, profile, vendors })),
  ),
];

/** A runtime by name or backend profile. @throws UserError with the nearest names */
export function advisedRuntime(name: string): AdvisedRuntime {
  const found = ADVISED_BY_NAME.find((runtime) => runtime.name === name);
  if (found !== undefined) return found;
  const names = ADVISED_BY_NAME.map((runtime) => runtime.name);
  throw new UserError(`--runtime: unknown runtime "${name}": ${didYouMean(name, names)}`);
}

/** Most alternative runtimes in a message; ours. */
const MOST_NAMED = 3;

/** Backends of a runtime on a vendor's GPUs, the usual first. */
export function backendsOn(runtime: AdvisedRuntime, vendor: Vendor | undefined): readonly AdvisedRuntime[] {
  const { backends = [] } = RUNTIMES.find(({ name }) => name === runtime.name) ?? {};
  if (vendor === undefined || backends.find(({ vendors }) => vendors[0] === vendor) === undefined) return [];
  return backends.filter(({ vendors }) => vendors.includes(vendor)).map(({ profile }) => advisedRuntime(profile));
}

/** Runtimes for only the vendor's GPUs, backends excluded. */
export const ownRuntimesOf = (vendor: Vendor | undefined): readonly AdvisedRuntime[] =>
  ADVISED.filter(({ vendors }) => vendors?.length === 1 && vendors[0] === vendor);

/** @throws UserError, with alternatives, if a profile does not support a GPU @param gpu undefined: no GPU */
export function demandDriven(profile: string, gpu: { readonly name: string; readonly vendor: Vendor } | undefined): void {
  const vendor = gpu?.vendor ?? 'none';
  const drives = ({ vendors }: Pick<KnownRuntime, 'vendors'>): boolean => vendors === undefined || vendors.includes(vendor);
  const known = ADVISED_BY_NAME.find((runtime) => runtime.name === profile) ?? ADVISED.find((runtime) => runtime.profile === profile);
  if (known === undefined || drives(known)) return;
  const usual = defaultProfile(gpu?.vendor);
  const profiles = [usual, ...ADVISED_BY_NAME.toReversed().flatMap(({ name, vendors }) => (vendors?.includes(vendor) ? [name] : []))];
  const instead = [...new Set(profiles)].slice(0, MOST_NAMED).join(' or ');
  throw new UserError(`${profile}: does not drive ${gpu?.name ?? 'a machine without a GPU'}; take ${instead}`);
}

function programsOf({ backends, name, programs }: KnownRuntime): string[] {
  return [name, ...Object.keys(programs), ...backends.map(({ profile }) => profile)];
}

/** A program with only a profile runs as hf-eager. @throws UserError if unknown */
export function runtimeOfProgram(program: string): KnownRuntime {
  const unknown = unknownProgram(program);
  if (unknown !== null) throw new UserError(unknown);
  return RUNTIMES.find((runtime) => programsOf(runtime).includes(program)) ?? hfEagerRuntime;
}

/** Null for a known measurement program; else a clause with the nearest names. */
export function unknownProgram(program: string): string | null {
  const known = new Set([...RUNTIMES.flatMap(programsOf), ...listProfiles('runtimes')]);
  return known.has(program) ? null : `unknown engine "${program}": ${didYouMean(program.toLowerCase().replace(/\s.*/, ''), known)}`;
}

/** Runtime of a profile by name; null: a profile alone. */
export function runtimeOfProfile(profile: string): KnownRuntime | null {
  return RUNTIMES.find(({ name }) => profile === name || profile.startsWith(`${name}-`)) ?? null;
}

/** @param gpu name @param mixed GPU and CPU hold experts @throws UserError */
export function profileOfProgram(program: string, gpu: string | undefined, mixed: boolean): string {
  const profile = runtimeOfProgram(program).profileOf(program, mixed);
  const { backends = [] } = RUNTIMES.find((runtime) => runtime.name === profile) ?? {};
  return backends.find(({ gpus }) => gpu !== undefined && gpus.test(gpu))?.profile ?? profile;
}

/** Profile of the default runtime for a vendor's GPUs; undefined: no GPU. */
export function defaultProfile(vendor: Vendor | undefined): string {
  return llamaCppRuntime.backends.find(({ vendors }) => vendors[0] === vendor)?.profile ?? DEFAULT_RUNTIME;
}
