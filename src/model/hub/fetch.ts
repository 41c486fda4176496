// Fetches a model of the hub without its weights: the list of its repository, then the headers of its files.
import { UserError } from '../../base/errors.js';
import { joined } from '../../base/host/bytes.js';
import { groupedBy, isObject } from '../../base/objects.js';
import { didYouMean } from '../../base/text.js';
import { type GgufHeader, ggufHeaderOf } from '../gguf-header.js';
import { parseJson } from '../json.js';
import type { HubAddress } from './address.js';
import { HubClient, type HubFile, type HubServer } from './client.js';
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

/** Bytes of the first piece, and of the largest; each but the last is as long as all before it. */
const FIRST = 256 * 2 ** 10;
const LARGEST = 4 * 2 ** 20;

/** Thrown where the reader of headers needs bytes that have not been fetched yet. */
class NotYet extends Error {}

/**
 * Reads the header of a remote GGUF file: from its beginning, in growing pieces until it is complete, without the data of tensors.
 * @param path how messages call it
 * @param range fetches bytes of the file
 * @throws UserError where the file is damaged, or bytes do not come
 */
async function remoteHeader(
  path: string,
  { bytes }: HubFile,
  range: (from: number, length: number) => Promise<Uint8Array>,
): Promise<GgufHeader> {
  let prefix: Uint8Array = new Uint8Array(0);
  for (;;) {
    const wanted = Math.min(bytes - prefix.length, Math.min(LARGEST, Math.max(FIRST, prefix.length)));
    if (wanted <= 0) throw new UserError(`${path}: is empty`);
    prefix = joined([prefix, await range(prefix.length, wanted)]);
    const header = headerIn(path, bytes, prefix);
    if (header !== null) return header;
  }
}

/** The header that a file begins with; null where `prefix` does not hold all of it. */
function headerIn(path: string, bytes: number, prefix: Uint8Array): GgufHeader | null {
  const part = (position: number, length: number): Uint8Array => {
    const end = Math.min(position + length, bytes);
    if (end > prefix.length) throw new NotYet();
    return prefix.subarray(position, end);
  };
  try {
    return ggufHeaderOf({ path, bytes, part });
  } catch (error) {
    if (error instanceof NotYet) return null;
    throw error;
  }
}

/** A model in one storage format: a GGUF file, or all parts of a split one in their order. */
interface HubOffer {
  /** Storage format in lower case, e.g. `ud-q4_k_xl`; the file's name where that says none. */
  readonly format: string;
  readonly files: readonly HubFile[];
  /** Of all files. */
  readonly bytes: number;
}

/** The file to read at an address. */
type HubChoice =
  | { readonly kind: 'gguf'; readonly offer: HubOffer; readonly offers: readonly HubOffer[] }
  | { readonly kind: 'config'; readonly file: HubFile };

/** `name-00001-of-00003.gguf`. */
const PART = /-(\d{5})-of-(\d{5})\.gguf$/i;
const FORMAT = /(?:^|[-._/])((?:ud-)?(?:i?q\d\w*|tq\d_\d|bf16|f16|f32|mxfp4\w*))(?=$|[-./])/gi;

/** Preferred formats where the address names none: llama.cpp's order. */
const USUAL = ['q4_k_m', 'q8_0'];

/**
 * The model that is meant: a GGUF file in the format that is named (or a usual one, or the first), else the configuration of a checkpoint.
 * @throws UserError where there is none, or none in this format
 */
export function chooseFiles(address: HubAddress, files: readonly HubFile[]): HubChoice {
  const offers = offersOf(address, files);
  if (offers.length === 0) {
    const config = files.find(({ path }) => path === 'config.json');
    if (config !== undefined) return { kind: 'config', file: config };
    throw new UserError(`${address.text}: has neither a GGUF file nor a config.json; name a repository that has`);
  }
  const named = (format: string): HubOffer | undefined => offers.find((offer) => offer.format === format);
  if (address.format === null) {
    const usual = USUAL.flatMap((format) => named(format) ?? []);
    return { kind: 'gguf', offer: usual[0] ?? offers[0]!, offers };
  }
  const offer = named(address.format);
  if (offer !== undefined) return { kind: 'gguf', offer, offers };
  const formats = offers.map(({ format }) => format);
  throw new UserError(`${address.text}: has no file in the format ${address.format}: ${didYouMean(address.format, formats)}`);
}

/** All models of a repository, smallest first; what is beside them (vision projectors, importance matrices) is left out. */
function offersOf(address: HubAddress, files: readonly HubFile[]): HubOffer[] {
  const models = files.filter(({ path }) => /\.gguf$/i.test(path) && !/(^|\/)(mmproj|imatrix)/i.test(path));
  const offers = [...groupedBy(models, ({ path }) => path.replace(PART, '').replace(/\.gguf$/i, ''))].map(([name, group]) => {
    const total = Number(PART.exec(group[0]!.path)?.[2] ?? 1);
    const parts = [...group].sort((a, b) => (a.path < b.path ? -1 : 1));
    if (parts.length !== total)
      throw new UserError(`${address.text}: ${name} has ${parts.length} of its ${total} parts; it is being uploaded, or is damaged`);
    const format = [...name.matchAll(FORMAT)].at(-1)?.[1] ?? name.split('/').at(-1)!;
    return { format: format.toLowerCase(), files: parts, bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0) };
  });
  return offers.sort((a, b) => a.bytes - b.bytes);
}
