// The protocol of sweeps and workers on a server: the keys, a cell as it travels, and its reply. Whoever changes a word
// here raises PROTOCOL: workers and sweeps of two versions never read each other's cells.

import { InternalError, UserError } from '../../base/errors.js';
import { textOf } from '../../base/host/bytes.js';
import { deflatedFast, inflated } from '../../base/host/compression.js';
import { formatBytes } from '../../base/units.js';
import type { RunSpec, SystemSpec } from '../../system/door.js';
import { buildOf } from '../build.js';

/** Version of the protocol. */
export const PROTOCOL = 2;

/** Tries of a cell whose process dies, or whose worker cannot take its files: one, and two more. */
export const TRIES = 3;

/** Seconds that a result waits for a sweep to take it: a week, so that a sweep that was interrupted on Friday finds it. */
export const RESULT_KEPT_S = 7 * 86_400;
/** Seconds that a result stays after a sweep took it, for others that wait for it. */
export const RESULT_TAKEN_S = 600;
/** Entries of the list of finished cells; a sweep that was away for longer looks for its results by name. */
export const DONE_KEPT = 100_000;

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

/** The keys of a queue. */
export interface QueueKeys {
  readonly prefix: string;
  /** Name of the queue of cells. Cells of another protocol or build lie in another one, where this process never looks. */
  readonly cells: string;
  /** Stream of what is done. */
  readonly done: string;
  /** Sets of ids; an id without a key of its own is gone. */
  readonly workers: string;
  readonly sweeps: string;
  /** Set of the files that workers wait for, by SHA-256. */
  readonly wanted: string;
  worker(id: string): string;
  sweep(id: string): string;
  result(fingerprint: string): string;
  file(sha256: string): string;
  chunk(sha256: string, index: number): string;
}

/** The keys below a prefix. */
export function keysOf(prefix: string, build: string = buildOf()): QueueKeys {
  const cells = `cells-${PROTOCOL}-${build}`;
  return {
    prefix,
    cells,
    done: `${prefix}:done-${PROTOCOL}-${build}`,
    workers: `${prefix}:workers`,
    sweeps: `${prefix}:sweeps`,
    wanted: `${prefix}:wanted`,
    worker: (id) => `${prefix}:worker:${id}`,
    sweep: (id) => `${prefix}:sweep:${id}`,
    result: (fingerprint) => `${prefix}:result:${fingerprint}`,
    file: (sha256) => `${prefix}:file:${sha256}`,
    chunk: (sha256, index) => `${prefix}:file:${sha256}:${index}`,
  };
}

/** The presence of a worker or a sweep. */
export interface Presence {
  readonly name: string;
  readonly build: string;
  readonly protocol: number;
  /** Cells that a worker has at the moment; 0 for a sweep. */
  readonly running: number;
}

/** The text of a presence. */
export function presenceText(name: string, running: number): string {
  return JSON.stringify({ name, build: buildOf(), protocol: PROTOCOL, running } satisfies Presence);
}

/** The readable presences; others come from versions that this one does not know. */
export function presencesIn(texts: readonly (string | null)[]): Presence[] {
  return texts.flatMap((text): Presence[] => {
    try {
      const { build, name, protocol, running } = JSON.parse(text ?? '') as Partial<Presence>;
      return typeof name === 'string' && typeof build === 'string'
        ? [{ name, build, protocol: Number(protocol), running: Number(running) }]
        : [];
    } catch {
      return [];
    }
  });
}

/** True where the process runs, or waits for, the same cells as this one. */
export function isAlike({ build, protocol }: Presence): boolean {
  return build === buildOf() && protocol === PROTOCOL;
}

/** A cell on its way: its run is a text, which the worker hands on to the process that runs it and need not take apart. */
export interface SentCell extends Omit<QueueCell, 'run'>, SentRun {}

/** A run as text. Its system is one of its own: most cells of a study have the same. */
export interface SentRun {
  readonly run: string;
  readonly system: string;
}

/** A cell as it travels. */
export function cellData(cell: QueueCell): SentCell {
  const { system, ...run } = cell.run;
  return { ...cell, run: JSON.stringify(encoded(run)), system: systemText(system) };
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

/**
 * Reads a cell.
 * @throws UserError where it is none, or of another protocol or build
 */
export function cellOf(data: unknown): SentCell {
  const cell = data as Partial<SentCell> | null;
  if (typeof cell !== 'object' || cell === null) throw new UserError('the job is no cell of a study');
  const { build, files, folder, modules, protocol, run, system } = cell;
  if (protocol !== PROTOCOL || build !== buildOf())
    throw new UserError(`the cell is of moeprof ${String(build)}, this worker is ${buildOf()}; install the same version on both`);
  if (
    typeof run !== 'string' ||
    typeof system !== 'string' ||
    typeof folder !== 'string' ||
    !Array.isArray(files) ||
    !Array.isArray(modules)
  )
    throw new UserError('the cell lacks parts; it was not made by moeprof');
  return cell as SentCell;
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

/** Largest entry that is unpacked, bytes: a result with details has a few MiB. */
const LARGEST_ENTRY = 2 ** 28;

/** An entry of the store, smaller: a third, since most of it is names of metrics. @throws UserError where no sweep would unpack it */
export function packedEntry(entry: string): Uint8Array {
  if (entry.length > LARGEST_ENTRY)
    throw new UserError(
      `its result has ${formatBytes(entry.length)}, and at most ${formatBytes(LARGEST_ENTRY)} travel; run it without --queue`,
    );
  return deflatedFast(entry);
}

/** @throws UserError where the bytes are not what was packed */
export function unpackedEntry(bytes: Uint8Array): string {
  try {
    return textOf(inflated(bytes, LARGEST_ENTRY));
  } catch {
    throw new UserError('a result on the server is damaged');
  }
}

/** The end of a cell, from its worker: a result lies on the server, or it failed and why. */
export interface CellEnd {
  readonly fingerprint: string;
  /** Name of the worker. */
  readonly worker: string;
  /** Null: there is a result. */
  readonly failure: string | null;
}

/** Fields of an entry of the stream. */
export function doneFields({ failure, fingerprint, worker }: CellEnd): string[] {
  return ['cell', fingerprint, 'worker', worker, ...(failure === null ? [] : ['failure', failure])];
}

/** Reads an entry of the stream. */
export function doneOf(fields: readonly string[]): CellEnd {
  const field = (name: string): string | undefined => {
    for (let at = 0; at < fields.length; at += 2) if (fields[at] === name) return fields[at + 1];
    return undefined;
  };
  return { fingerprint: field('cell') ?? '', worker: field('worker') ?? '', failure: field('failure') ?? null };
}
