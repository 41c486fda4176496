// A cell as it travels: a run, the files and modules that it names, and the seal of its queue. Numbers and maps that JSON does not know come
// as they went.

import { z } from 'zod';
import { InternalError, UserError } from '../../base/errors.js';
import { isAbsolute } from '../../base/host/paths.js';
import { isObject } from '../../base/objects.js';
import { visible } from '../../base/text.js';
import type { RunSpec, SystemSpec } from '../../system/door.js';
import { buildOf } from '../build.js';
import { PROTOCOL } from './protocol.js';
import type { Seal } from './seal.js';

/** A file that a run names, as it is where the sweep is. */
export interface CellFile {
  /** Absolute, there. */
  readonly path: string;
  /** Hex; null: a folder, or nothing. */
  readonly sha256: string | null;
  readonly bytes: number;
  /** Of a folder: what is in it. */
  readonly names?: readonly string[];
  /** True: it never goes through the server. */
  readonly stays?: true;
}

/** A module of the user's own. Its text never travels. */
export interface CellModule {
  readonly path: string;
  /** Hex. */
  readonly sha256: string;
}

/** One run, as a worker gets it. Its name is its fingerprint. */
export interface QueueCell {
  readonly protocol: number;
  readonly build: string;
  readonly run: RunSpec;
  /** Working directory of the sweep: messages are relative to it. */
  readonly folder: string;
  readonly files: readonly CellFile[];
  readonly modules: readonly CellModule[];
}

/** A cell on its way: its run is a text, which the worker hands on to the process that runs it and need not take apart. */
export interface SentCell extends Omit<QueueCell, 'run'>, SentRun {
  /** Over its name and everything above. */
  readonly seal: string;
}

/** A run as text. Its system is one of its own: most cells of a study have the same. */
export interface SentRun {
  readonly run: string;
  readonly system: string;
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

/** Texts of systems that were sent. */
const SYSTEM_TEXTS = new WeakMap<SystemSpec, string>();

function systemText(system: SystemSpec): string {
  const text = SYSTEM_TEXTS.get(system) ?? JSON.stringify(encoded(system));
  SYSTEM_TEXTS.set(system, text);
  return text;
}

/** Systems that came last, by their text. */
const SYSTEMS = new Map<string, SystemSpec>();
const MOST_SYSTEMS = 64;

function systemOfText(text: string): SystemSpec {
  const system = SYSTEMS.get(text) ?? (decoded(JSON.parse(text)) as SystemSpec);
  if (SYSTEMS.size >= MOST_SYSTEMS) SYSTEMS.clear();
  SYSTEMS.set(text, system);
  return system;
}

/** The run of a cell that has come. @throws SyntaxError where its texts were not made by {@link cellData} */
export function runOfText({ run, system }: SentRun): RunSpec {
  return { ...(decoded(JSON.parse(run)) as Omit<RunSpec, 'system'>), system: systemOfText(system) };
}

/** Most characters of a path, and of a run. */
const LONGEST_PATH = 4096;
const LONGEST_RUN = 2 ** 22;
/** Most files of a cell, and names in a folder. */
const MOST_FILES = 20_000;

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const absolute = z.string().max(LONGEST_PATH).refine(isAbsolute);
const cellShape = z.strictObject({
  protocol: z.literal(PROTOCOL),
  build: z.string(),
  run: z.string().max(LONGEST_RUN),
  system: z.string().max(LONGEST_RUN),
  folder: absolute,
  files: z
    .array(
      z.strictObject({
        path: absolute,
        sha256: digest.nullable(),
        bytes: z.int().nonnegative(),
        names: z.array(z.string().max(255).refine(isName)).max(MOST_FILES).optional(),
        stays: z.literal(true).optional(),
      }),
    )
    .max(MOST_FILES),
  modules: z.array(z.strictObject({ path: absolute, sha256: digest })).max(100),
  seal: z.string(),
});

/** True for the name of a file in a folder, which leads to no other folder. */
function isName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[\\/\0]/.test(name);
}

/**
 * Reads a cell.
 * @param fingerprint the name under which it lay on the server
 * @throws UserError where it is none, of another protocol or build, or not sealed by the key of this worker
 */
export function cellOf(fingerprint: string, data: unknown, seal: Seal): SentCell {
  const { build, protocol } = isObject(data) ? data : {};
  if (!isObject(data) || typeof build !== 'string') throw new UserError('the job is no cell of a study');
  if (protocol !== PROTOCOL || build !== buildOf())
    throw new UserError(`the cell is of moeprof ${visible(build)}, this worker is ${buildOf()}; install the same version on both`);
  const cell = data as unknown as SentCell;
  if (!seal.holds(cell.seal, 'cell', ...sealedParts(fingerprint, cell)))
    throw new UserError('the cell has not the seal of this queue; give sweep and workers one --queue-key');
  if (!cellShape.safeParse(data).success) throw new UserError('the cell lacks parts; it was not made by moeprof');
  return cell;
}

const ODD = /^\u0001(NaN|-?Infinity|-0)$/;

/** The key of a map's pairs. */
const MAP = '\u0001map';

/** Numbers that JSON does not know are written as texts, maps as lists of pairs below a key that nothing else has. */
function encoded(value: unknown): unknown {
  if (typeof value === 'number')
    return Number.isFinite(value) && !Object.is(value, -0) ? value : `\u0001${Object.is(value, -0) ? '-0' : value}`;
  if (Array.isArray(value)) return value.map(encoded);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Map) return { [MAP]: [...value].map(encoded) };
  const kind: unknown = Object.getPrototypeOf(value);
  if (kind !== Object.prototype && kind !== null) throw new InternalError('L23', 'a run has a part that does not travel as JSON');
  const fields: Record<string, unknown> = {};
  for (const key of Object.keys(value)) fields[key] = encoded((value as Readonly<Record<string, unknown>>)[key]);
  return fields;
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
