import { z } from 'zod';
import { InternalError, UserError } from '../../base/errors.js';
import { isAbsolute } from '../../base/host/paths.js';
import { isObject, remembered } from '../../base/objects.js';
import { visible } from '../../base/text.js';
import { SHA256_HEX } from '../../result/digest.js';
import type { RunSpec, SystemSpec } from '../../system/door.js';
import { buildOf } from '../build.js';
import { PROTOCOL } from './protocol.js';
import type { Seal } from './seal.js';

/** Most characters of a path, and of a run; ours. */
const LONGEST_PATH = 4096;
const LONGEST_RUN = 2 ** 22;
/** Most files of a cell, and names in a folder; ours. */
const MOST_FILES = 20_000;

const digest = z.string().regex(SHA256_HEX);
const absolute = z.string().max(LONGEST_PATH).refine(isAbsolute);
const fileShape = z.strictObject({
  /** Path on the sweep's machine. */
  path: absolute,
  /** Hex; null: a folder, or missing. */
  sha256: digest.nullable(),
  bytes: z.int().nonnegative(),
  /** Entries of a folder. */
  names: z.array(z.string().max(255).refine(isName)).max(MOST_FILES).readonly().optional(),
  /** True: never sent through the server. */
  stays: z.literal(true).optional(),
});
const moduleShape = z.strictObject({ path: absolute, sha256: digest });
const cellShape = z.strictObject({
  protocol: z.literal(PROTOCOL),
  build: z.string(),
  /** Run as text, passed unparsed to the run's process. */
  run: z.string().max(LONGEST_RUN),
  /** System as separate text: most cells of a study share the system. */
  system: z.string().max(LONGEST_RUN),
  /** Working directory of the sweep, for messages. */
  folder: absolute,
  files: z.array(fileShape).max(MOST_FILES).readonly(),
  modules: z.array(moduleShape).max(100).readonly(),
  /** Seal over the name and all fields above. */
  seal: z.string(),
});

/** A file of a run, on the sweep's machine. */
export type CellFile = Readonly<z.infer<typeof fileShape>>;

/** A user's module. The text never travels. */
export type CellModule = Readonly<z.infer<typeof moduleShape>>;

/** A cell as sent, named by its fingerprint. */
export type SentCell = Readonly<z.infer<typeof cellShape>>;

/** One run for a worker. */
export interface QueueCell extends Omit<SentCell, 'run' | 'system' | 'seal'> {
  readonly run: RunSpec;
}

/** A cell in its sent form. */
export function cellData(fingerprint: string, cell: QueueCell, seal: Seal): SentCell {
  const { system, ...run } = cell.run;
  const sent = { ...cell, run: JSON.stringify(encoded(run)), system: systemText(system) };
  return { ...sent, seal: seal.over('cell', ...sealedParts(fingerprint, sent)) };
}

function sealedParts(fingerprint: string, { build, files, folder, modules, protocol, run, system }: Omit<SentCell, 'seal'>): string[] {
  return [fingerprint, run, system, JSON.stringify([build, protocol, folder, files, modules])];
}

const SYSTEM_TEXTS = new WeakMap<SystemSpec, string>();

const systemText = (system: SystemSpec): string => remembered(SYSTEM_TEXTS, system, () => JSON.stringify(encoded(system)));

/** Recent systems by text. */
const SYSTEMS = new Map<string, SystemSpec>();
const MOST_SYSTEMS = 64;

function systemOfText(text: string): SystemSpec {
  const system = SYSTEMS.get(text) ?? (decoded(JSON.parse(text)) as SystemSpec);
  if (SYSTEMS.size >= MOST_SYSTEMS) SYSTEMS.clear();
  SYSTEMS.set(text, system);
  return system;
}

/** Run of a received cell. @throws SyntaxError if the texts are not from {@link cellData} */
export function runOfText({ run, system }: Pick<SentCell, 'run' | 'system'>): RunSpec {
  return { ...(decoded(JSON.parse(run)) as Omit<RunSpec, 'system'>), system: systemOfText(system) };
}

function isName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[\\/\0]/.test(name);
}

/** @param fingerprint name on the server @throws UserError if malformed, of a different build, or unsealed */
export function cellOf(fingerprint: string, data: unknown, seal: Seal): SentCell {
  const { build, protocol } = isObject(data) ? data : {};
  if (!isObject(data) || typeof build !== 'string') throw new UserError('the job is no cell of a study');
  if (protocol !== PROTOCOL || build !== buildOf())
    throw new UserError(`the cell is of moeprof ${visible(build)}, this worker is ${buildOf()}; install the same version on both`);
  const cell = data as unknown as SentCell;
  const lacking = new UserError('the cell lacks parts; it was not made by moeprof');
  // Seals need texts.
  if (typeof cell.run !== 'string' || typeof cell.system !== 'string') throw lacking;
  if (!seal.holds(cell.seal, 'cell', ...sealedParts(fingerprint, cell)))
    throw new UserError('the cell has not the seal of this queue; give sweep and workers one --queue-key');
  if (!cellShape.safeParse(data).success) throw lacking;
  return cell;
}

const ODD = /^\u0001(NaN|-?Infinity|-0)$/;

/** Key of a map's pairs. */
const MAP = '\u0001map';

/** Writes numbers unknown to JSON as texts, and maps as pairs below a reserved key. */
function encoded(value: unknown): unknown {
  if (typeof value === 'number')
    return Number.isFinite(value) && !Object.is(value, -0) ? value : `\u0001${Object.is(value, -0) ? '-0' : value}`;
  if (Array.isArray(value)) return value.map(encoded);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Map) return { [MAP]: [...value].map(encoded) };
  const kind: unknown = Object.getPrototypeOf(value);
  if (kind !== Object.prototype && kind !== null) throw new InternalError('L23', 'a run has a part that does not travel as JSON');
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, encoded(inner)]));
}

function decoded(value: unknown): unknown {
  if (typeof value === 'string') {
    const [, odd] = ODD.exec(value) ?? [];
    return odd === undefined ? value : Number(odd);
  }
  if (Array.isArray(value)) return value.map(decoded);
  if (typeof value !== 'object' || value === null) return value;
  if (MAP in value) return new Map((value[MAP] as unknown[]).map(decoded) as [unknown, unknown][]);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, decoded(inner)]));
}
