// Hub headers on disk, a few hundred KB per model, for offline and repeatable commands.
import { z } from 'zod';
import { UserError } from '../../base/errors.js';
import { attempt, makeFolder, whatStands, writeFileAtomic } from '../../base/files.js';
import { bytesOf } from '../../base/host/bytes.js';
import { existsSync, unlinkSync } from '../../base/host/files.js';
import { newSha256 } from '../../base/host/hash.js';
import { homedir, platform } from '../../base/host/machine.js';
import { join } from '../../base/host/paths.js';
import { type Environment, env as processEnv } from '../../base/host/process.js';
import { readText } from '../../base/input-file.js';
import { INPUT_KINDS } from '../../base/input-kinds.js';
import { parseJson } from '../json.js';
import type { HubAddress } from './address.js';
import { hubEndpoint, MOST_CONTAINERS } from './client.js';

const FileSchema = z.strictObject({ path: z.string(), bytes: z.int().nonnegative() });
const OfferSchema = z.strictObject({ format: z.string(), files: z.array(FileSchema).min(1).readonly(), bytes: z.int().nonnegative() });

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
  /** Commit of all reads, 40 hexadecimal digits. */
  commit: z.string(),
  /** Time of the fetch, ISO 8601. */
  fetched: z.iso.datetime(),
  model: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('gguf'),
      offer: OfferSchema,
      offers: z.array(OfferSchema).readonly(),
      headers: z.array(HeaderSchema).min(1).readonly(),
    }),
    z.strictObject({ kind: z.literal('config'), config: z.record(z.string(), z.unknown()) }),
  ]),
});

/** The stored entry of an address. */
export type HubEntry = z.infer<typeof EntrySchema>;

/** Folder of a server's entries, in the user's cache folder. @throws UserError for a malformed HF_ENDPOINT */
export function hubFolder(env: Environment = processEnv): string {
  const base = env.XDG_CACHE_HOME || (platform === 'win32' && env.LOCALAPPDATA) || join(homedir(), '.cache');
  const endpoint = hubEndpoint(env);
  return join(base, 'moeprof', 'hub', `${new URL(endpoint).host.replace(/[^\w.-]/g, '-').slice(0, 100)}-${digestOf(endpoint)}`);
}

/** Readable path of an entry, distinct for addresses that differ only in case. */
const entryPath = ({ owner, repo, text }: HubAddress, folder: string): string => join(folder, `${owner}--${repo}-${digestOf(text)}.json`);

const digestOf = (text: string): string => newSha256().update(text).digest('hex').slice(0, 12);

/** Null: not fetched yet. @throws UserError if damaged */
export function storedEntry(address: HubAddress, folder: string): HubEntry | null {
  const path = entryPath(address, folder);
  if (!existsSync(path)) return null;
  const parsed = EntrySchema.safeParse(parseJson(bytesOf(readText(path, 'hub')), path, 'is not JSON; delete it', MOST_CONTAINERS));
  if (!parsed.success || parsed.data.address !== address.text)
    throw new UserError(`${path}: is not what this version of moeprof stores; delete it`);
  return parsed.data;
}

/** @throws UserError if unwritable, or too large to read back */
export function storeEntry(address: HubAddress, folder: string, entry: HubEntry): void {
  const parsed = EntrySchema.safeParse(entry);
  const text = parsed.success ? bytesOf(`${JSON.stringify(parsed.data)}\n`) : null;
  if (text === null || text.length > INPUT_KINDS.hub.limit)
    throw new UserError(`${address.text}: its headers hold ${text === null ? 'what is no number' : `${text.length} bytes`}; no model's do`);
  makeFolder(folder);
  const path = entryPath(address, folder);
  const stat = whatStands(path);
  // A link is written through; a device or a pipe stays unchanged.
  if (stat !== null && !stat.isFile() && !stat.isDirectory()) attempt(path, () => unlinkSync(path));
  writeFileAtomic(path, text);
}
