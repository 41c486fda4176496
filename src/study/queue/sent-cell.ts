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

/** Most characters of a path, and of a run. */
const LONGEST_PATH = 4096;
const LONGEST_RUN = 2 ** 22;
/** Most files of a cell, and names in a folder. */
const MOST_FILES = 20_000;

const digest = z.string().regex(SHA256_HEX);
const absolute = z.string().max(LONGEST_PATH).refine(isAbsolute);
const fileShape = z.strictObject({
  /** Absolute, on the machine of the sweep. */
  path: absolute,
  /** Hex; null: a folder, or nothing. */
  sha256: digest.nullable(),
  bytes: z.int().nonnegative(),
  /** Of a folder: what is in it. */
  names: z.array(z.string().max(255).refine(isName)).max(MOST_FILES).readonly().optional(),
  /** True: it never goes through the server. */
  stays: z.literal(true).optional(),
});
const moduleShape = z.strictObject({ path: absolute, sha256: digest });
const cellShape = z.strictObject({
  protocol: z.literal(PROTOCOL),
  build: z.string(),
  /** A run as text, which the worker hands on to the process that runs it and need not take apart. */
  run: z.string().max(LONGEST_RUN),
  /** Its system, as a text of its own: most cells of a study have the same. */
  system: z.string().max(LONGEST_RUN),
  /** Working directory of the sweep: messages are relative to it. */
  folder: absolute,
  files: z.array(fileShape).max(MOST_FILES).readonly(),
  modules: z.array(moduleShape).max(100).readonly(),
  /** Over its name and everything above. */
  seal: z.string(),
});

/** A file that a run names, as it is on the machine of the sweep. */
export type CellFile = Readonly<z.infer<typeof fileShape>>;

/** A module of the user's own. Its text never travels. */
export type CellModule = Readonly<z.infer<typeof moduleShape>>;

/** A cell as it travels, named by its fingerprint: a run, its files and modules, and the seal of its queue. */
export type SentCell = Readonly<z.infer<typeof cellShape>>;

/** One run, for a worker. */
export interface QueueCell extends Omit<SentCell, 'run' | 'system' | 'seal'> {
  readonly run: RunSpec;
}

/** A cell as it travels. @param fingerprint its name */
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

/** Systems that came last, by their text. */
const SYSTEMS = new Map<string, SystemSpec>();
const MOST_SYSTEMS = 64;

function systemOfText(text: string): SystemSpec {
  const system = SYSTEMS.get(text) ?? (decoded(JSON.parse(text)) as SystemSpec);
  if (SYSTEMS.size >= MOST_SYSTEMS) SYSTEMS.clear();
  SYSTEMS.set(text, system);
  return system;
}

/** The run of a cell that has come. @throws SyntaxError if its texts were not made by {@link cellData} */
export function runOfText({ run, system }: Pick<SentCell, 'run' | 'system'>): RunSpec {
  return { ...(decoded(JSON.parse(run)) as Omit<RunSpec, 'system'>), system: systemOfText(system) };
}

/** True for the name of a file in a folder, which leads to no other folder. */
function isName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[\\/\0]/.test(name);
}

/** Reads a cell. @param fingerprint its name on the server @throws UserError if it is none, of another protocol or build, or not sealed */
export function cellOf(fingerprint: string, data: unknown, seal: Seal): SentCell {
  const { build, protocol } = isObject(data) ? data : {};
  if (!isObject(data) || typeof build !== 'string') throw new UserError('the job is no cell of a study');
  if (protocol !== PROTOCOL || build !== buildOf())
    throw new UserError(`the cell is of moeprof ${visible(build)}, this worker is ${buildOf()}; install the same version on both`);
  const cell = data as unknown as SentCell;
  const lacking = new UserError('the cell lacks parts; it was not made by moeprof');
  // A seal is over texts.
  if (typeof cell.run !== 'string' || typeof cell.system !== 'string') throw lacking;
  if (!seal.holds(cell.seal, 'cell', ...sealedParts(fingerprint, cell)))
    throw new UserError('the cell has not the seal of this queue; give sweep and workers one --queue-key');
  if (!cellShape.safeParse(data).success) throw lacking;
  return cell;
}

const ODD = /^\u0001(NaN|-?Infinity|-0)$/;

/** The key of a map's pairs. */
const MAP = '\u0001map';

/** Numbers that JSON lacks are written as texts, maps as lists of pairs below a key that nothing else has. */
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
