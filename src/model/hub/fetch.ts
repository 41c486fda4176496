import { orUserError, UserError } from '../../base/errors.js';
import { groupedBy, isObject } from '../../base/objects.js';
import { didYouMean } from '../../base/text.js';
import { MIB } from '../../base/units.js';
import { type GgufHeader, ggufHeaderOf } from '../gguf-header.js';
import { parseJson } from '../json.js';
import type { HubAddress } from './address.js';
import { HubClient, type HubFile, type HubServer, MOST_CONTAINERS } from './client.js';
import { type HubEntry, storedEntry, storeEntry } from './store.js';

/** Milliseconds before an entry is fetched again; ours, as repositories change rarely. */
const FRESH = 24 * 3600 * 1000;

/** Largest config.json, bytes; our limit. */
const CONFIG_LIMIT = 4 * MIB;
/** Bytes (ours): a vocabulary of 262,144 texts takes 16 MiB. All parts share twice as much, plus pieces. */
const HEADER_LIMIT = 32 * MIB;
const MOST_PARTS = 1000;

/**
 * An address into the store, unless fresh. @param now ms @param note called if an older entry serves @throws UserError
 */
export async function fetchHubModel(
  address: HubAddress,
  server: HubServer,
  folder: string,
  now: number,
  note: (text: string) => void,
): Promise<void> {
  const stored = orUserError(() => storedEntry(address, folder));
  const known = stored instanceof UserError ? null : stored;
  const age = known === null ? FRESH : now - Date.parse(known.fetched);
  if (age >= 0 && age < FRESH) return;
  try {
    const client = await HubClient.open(server, address);
    const [fetched, model] = [new Date(now).toISOString(), await read(address, client)];
    storeEntry(address, folder, { schema: 'moeprof.hub/1', address: address.text, commit: client.commit, fetched, model });
  } catch (error) {
    if (known === null || !(error instanceof UserError)) throw error;
    note(`${error.message} (what was fetched on ${known.fetched.slice(0, 10)} is taken)`);
  }
}

async function read(address: HubAddress, client: HubClient): Promise<HubEntry['model']> {
  const choice = chooseFiles(address, await client.files());
  if (choice.kind === 'config') return { kind: 'config', config: await readConfig(address, choice.file, client) };
  const { files } = choice.offer;
  const room = new Uint8Array(HEADER_LIMIT);
  let left = 2 * HEADER_LIMIT + files.length * FIRST;
  const headers: GgufHeader[] = [];
  for (const file of files) {
    const range = async (from: number, into: Uint8Array): Promise<void> => {
      left -= into.length;
      await client.range(file, from, into);
    };
    headers.push(own(await remoteHeader(`${address.text}: ${file.path}`, file, room.subarray(0, Math.max(0, left)), range), headers[0]));
  }
  return { ...choice, headers };
}

function own({ metadata, ...header }: GgufHeader, first?: GgufHeader): GgufHeader {
  const prefix = `${String((first?.metadata ?? metadata)['general.architecture'])}.`;
  const kept = Object.entries(metadata).filter(([key]) => /^general\.(architecture|name)$/.test(key) || key.startsWith(prefix));
  return { ...header, metadata: Object.fromEntries(kept) };
}

async function readConfig(address: HubAddress, file: HubFile, client: HubClient): Promise<Record<string, unknown>> {
  if (file.bytes > CONFIG_LIMIT || file.bytes === 0)
    throw new UserError(`${address.text}: its config.json has ${file.bytes} bytes; that is no configuration`);
  const bytes = new Uint8Array(file.bytes);
  await client.range(file, 0, bytes);
  const config = parseJson(bytes, `${address.text}: config.json`, undefined, MOST_CONTAINERS);
  if (!isObject(config)) throw new UserError(`${address.text}: config.json: is not a JSON object`);
  return config;
}

/** Bytes of the first piece, and of the largest; each piece is as long as all pieces before. Ours. */
const FIRST = 256 * 2 ** 10;
const LARGEST = 8 * MIB;

class NotYet extends Error {}

/** In growing pieces. @param room limits the fetched bytes @param range fills a part @throws UserError */
async function remoteHeader(
  path: string,
  { bytes }: HubFile,
  room: Uint8Array,
  range: (from: number, into: Uint8Array) => Promise<void>,
): Promise<GgufHeader> {
  for (let length = 0; ; ) {
    const end = Math.min(bytes, room.length, length + Math.min(LARGEST, Math.max(FIRST, length)));
    if (bytes === 0) throw new UserError(`${path}: is empty`);
    if (end <= length) throw new UserError(`${path}: its header does not end within ${HEADER_LIMIT / MIB} MiB; no model's is as long`);
    await range(length, room.subarray(length, end));
    length = end;
    const header = headerIn(path, bytes, room.subarray(0, length));
    if (header !== null) return header;
  }
}

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

interface HubOffer {
  /** Storage format, e.g. `ud-q4_k_xl`, or the file name. */
  readonly format: string;
  readonly files: readonly HubFile[];
  readonly bytes: number;
}

type HubChoice =
  | { readonly kind: 'gguf'; readonly offer: HubOffer; readonly offers: readonly HubOffer[] }
  | { readonly kind: 'config'; readonly file: HubFile };

const PART = /-(\d{5})-of-(\d{5})\.gguf$/i;
const FORMAT = /(?:^|[-._/])((?:ud-)?(?:i?q\d\w{0,30}|tq\d_\d|bf16|f16|f32|mxfp4\w{0,30}))(?=$|[-./])/gi;

/** Default formats, in llama.cpp's order of preference. */
const USUAL = ['q4_k_m', 'q8_0'];

/** GGUF in the named (or a usual) format, else config.json. @throws UserError without either */
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

/** All models of a repository, smallest first, without vision projectors and importance matrices. */
function offersOf(address: HubAddress, files: readonly HubFile[]): HubOffer[] {
  const models = files.filter(({ path }) => /\.gguf$/i.test(path) && !/(^|\/)(mmproj|imatrix)/i.test(path));
  const offers = [...groupedBy(models, ({ path }) => path.replace(PART, '').replace(/\.gguf$/i, ''))].map(([name, group]) => {
    const total = Number(PART.exec(group[0]!.path)?.[2] ?? 1);
    const parts = [...group].sort((a, b) => (a.path < b.path ? -1 : 1));
    if (total > MOST_PARTS) throw new UserError(`${address.text}: ${name} has ${total} parts; no model has more than ${MOST_PARTS}`);
    if (parts.length !== total || parts.some(({ path }, i) => Number(PART.exec(path)?.[1] ?? 1) !== i + 1))
      throw new UserError(`${address.text}: ${name} has ${parts.length} of its ${total} parts; it is being uploaded, or is damaged`);
    const format = [...name.matchAll(FORMAT)].at(-1)?.[1] ?? name.split('/').at(-1)!;
    return { format: format.toLowerCase(), files: parts, bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0) };
  });
  return offers.sort((a, b) => a.bytes - b.bytes);
}
