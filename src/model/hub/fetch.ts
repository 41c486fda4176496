// Fetches a model of the hub without its weights: the list of its repository, then the headers of its files.
import { UserError } from '../../base/errors.js';
import { isObject } from '../../base/objects.js';
import type { GgufHeader } from '../gguf-header.js';
import { parseJson } from '../json.js';
import type { HubAddress } from './address.js';
import { HubClient, type HubFile, type HubServer } from './client.js';
import { remoteHeader } from './remote-header.js';
import { chooseFiles } from './select.js';
import { type HubEntry, storedEntry, storeEntry } from './store.js';

/** Milliseconds for which an entry is used without asking again: repositories change rarely. */
const FRESH = 24 * 3600 * 1000;

/** Largest config.json. */
const CONFIG_LIMIT = 16 * 2 ** 20;

/**
 * Fetches an address into the store, unless it has a fresh entry.
 * @param now milliseconds of the clock
 * @param note is called if an older entry is used because the server does not answer
 * @throws UserError where the store has no entry and none can be fetched
 */
export async function fetchHubModel(
  address: HubAddress,
  server: HubServer,
  folder: string,
  now: number,
  note: (text: string) => void,
): Promise<void> {
  const known = storedEntry(address, folder);
  if (known !== null && now - Date.parse(known.fetched) < FRESH) return;
  try {
    const model = await read(address, new HubClient(server, address));
    storeEntry(address, folder, { schema: 'moeprof.hub/1', address: address.text, fetched: new Date(now).toISOString(), model });
  } catch (error) {
    if (known === null || !(error instanceof UserError)) throw error;
    note(`${error.message} (what was fetched on ${known.fetched.slice(0, 10)} is taken)`);
  }
}

async function read(address: HubAddress, client: HubClient): Promise<HubEntry['model']> {
  const choice = chooseFiles(address, await client.files());
  if (choice.kind === 'config') return { kind: 'config', config: await readConfig(address, choice.file, client) };
  const headers: GgufHeader[] = [];
  for (const file of choice.offer.files) {
    const range = (from: number, length: number): Promise<Uint8Array> => client.range(file.path, from, length);
    headers.push(await remoteHeader(`${address.text}: ${file.path}`, file, range));
  }
  return { ...choice, headers };
}

async function readConfig(address: HubAddress, { path, bytes }: HubFile, client: HubClient): Promise<Record<string, unknown>> {
  if (bytes > CONFIG_LIMIT) throw new UserError(`${address.text}: its config.json has ${bytes} bytes; that is no configuration`);
  const config = parseJson(await client.range(path, 0, bytes), `${address.text}: config.json`);
  if (!isObject(config)) throw new UserError(`${address.text}: config.json: is not a JSON object`);
  return config;
}
