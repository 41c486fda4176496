// Fetched headers of the hub, kept on disk: commands read them at once, in several threads and without a network, and a command that runs
// again reads the same bytes. An entry holds headers and sizes, a few hundred KB for a model of any size.

import { z } from 'zod';
import { UserError } from '../../base/errors.js';
import { makeFolder, writeFileAtomic } from '../../base/files.js';
import { bytesOf } from '../../base/host/bytes.js';
import { existsSync } from '../../base/host/files.js';
import { newSha256 } from '../../base/host/hash.js';
import { homedir, platform } from '../../base/host/machine.js';
import { join } from '../../base/host/paths.js';
import { type Environment, env as processEnv } from '../../base/host/process.js';
import { readText } from '../../base/input-file.js';
import { parseJson } from '../json.js';
import type { HubAddress } from './address.js';

const FileSchema = z.strictObject({ path: z.string(), bytes: z.int().nonnegative() });
const OfferSchema = z.strictObject({ format: z.string(), files: z.array(FileSchema).min(1).readonly(), bytes: z.int().nonnegative() });

/** A header as `gguf-header.ts` gives it. */
const HeaderSchema = z.strictObject({
  metadata: z.record(
    z.string(),
    z.union([z.number(), z.boolean(), z.string(), z.array(z.number()).readonly(), z.array(z.boolean()).readonly()]),
  ),
  tensors: z
    .array(
      z.strictObject({
        name: z.string(),
        shape: z.array(z.int().nonnegative()).readonly(),
        elements: z.int().nonnegative(),
        type: z.int().nonnegative(),
        offset: z.int().nonnegative(),
        bytes: z.number().nonnegative(),
        format: z.string(),
      }),
    )
    .readonly(),
  dataStart: z.int().nonnegative(),
});

const EntrySchema = z.strictObject({
  schema: z.literal('moeprof.hub/1'),
  address: z.string(),
  /** When it was fetched, ISO 8601. */
  fetched: z.string(),
  model: z.discriminatedUnion('kind', [
    /** The headers of all parts of a GGUF file, and the other formats of the repository, smallest first. */
    z.strictObject({
      kind: z.literal('gguf'),
      offer: OfferSchema,
      offers: z.array(OfferSchema).readonly(),
      headers: z.array(HeaderSchema).min(1).readonly(),
    }),
    /** The config.json of a checkpoint. */
    z.strictObject({ kind: z.literal('config'), config: z.record(z.string(), z.unknown()) }),
  ]),
});

/** The stored entry of an address. */
export type HubEntry = z.infer<typeof EntrySchema>;

/** The folder of entries: below the user's cache folder of the platform. */
export function hubFolder(env: Environment = processEnv): string {
  const base = env.XDG_CACHE_HOME || (platform === 'win32' && env.LOCALAPPDATA) || join(homedir(), '.cache');
  return join(base, 'moeprof', 'hub');
}

/** Path of an entry: readable, and never two for addresses that differ in case alone. */
function entryPath({ owner, repo, text }: HubAddress, folder: string): string {
  return join(folder, `${owner}--${repo}-${newSha256().update(text).digest('hex').slice(0, 12)}.json`);
}

/** The files fetched from an address; null: nothing yet. @throws UserError where the entry is damaged */
export function storedEntry(address: HubAddress, folder: string): HubEntry | null {
  const path = entryPath(address, folder);
  if (!existsSync(path)) return null;
  const parsed = EntrySchema.safeParse(parseJson(bytesOf(readText(path, 'index')), path, 'is not JSON; delete it'));
  if (!parsed.success) throw new UserError(`${path}: is not what this version of moeprof stores; delete it`);
  return parsed.data;
}

/** Keeps an entry. @throws UserError where it cannot be written */
export function storeEntry(address: HubAddress, folder: string, entry: HubEntry): void {
  makeFolder(folder);
  writeFileAtomic(entryPath(address, folder), `${JSON.stringify(EntrySchema.parse(entry))}\n`);
}
