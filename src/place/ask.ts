// From wishes to a placement: what the command and the library leave out is the same.
import { UserError } from '../base/errors.js';
import { findNamed } from '../base/parameters.js';
import { checkRun, type RunInput } from '../system/door.js';
import { PROFILE_FORMATS } from './formats/index.js';
import { answerPlacement, type ExpertPlacement, type PlaceRequest } from './place.js';
import type { Part } from './sources.js';

/** Wishes; absent: a quarter of the experts, as many of each layer, by counts of each recording, judged as if the first half alone were counted. */
export interface PlaceWishes
  extends Partial<Pick<PlaceRequest, 'by' | 'holdOut' | 'inSample' | 'judged' | 'parallel' | 'slots' | 'split'>> {
  /** Engine whose file is wanted, as `--for` takes it. */
  readonly engine?: string;
}

/** The request of wishes. @param priced true: a machine is named @throws UserError if an engine is unknown, or nothing is counted */
export function requestFor(parts: readonly Part[], { engine: name, ...wishes }: PlaceWishes, priced: boolean): PlaceRequest {
  const engine = name === undefined ? null : findNamed('engine', PROFILE_FORMATS, name);
  if (parts.length === 0) throw new UserError('no text is given to count; name a recording with --trace');
  const split = engine?.holds === 'layers' ? 'last-layers' : 'even';
  const usual = { judged: [], by: 'counts', holdOut: 0.5, inSample: false, split, slots: priced ? 'auto' : '25%', parallel: null } as const;
  return { ...usual, ...wishes, parts, engine, priced };
}

/**
 * Which experts stay, and the worth of that on other text: `moeprof place`, `place merge`. @param input prices it if it names a machine
 * @param from sources by name, with weights @returns the placement and the engine's file (null: not asked for)
 * @throws UserError if something is unknown, does not fit, or a score would be meaningless
 */
export async function placeFor(input: RunInput, from: Readonly<Record<string, number>>, wishes: PlaceWishes = {}) {
  const parts = Object.entries(from).map(([named, weight]) => ({ named, weight }));
  const request = requestFor(parts, wishes, (input as { readonly hardware?: string }).hardware !== undefined);
  const path = `profile${request.engine?.extensions[0] ?? ''}`;
  const { placed, placement } = await answerPlacement(request, (more) => checkRun(input, 'place', more), {}, path);
  return { placement, file: request.engine?.write(placed, path) ?? null };
}

/** What a profile that exists is worth on recordings: `moeprof place judge`. @throws UserError as {@link placeFor} */
export async function judgeFor(
  input: RunInput,
  profile: string,
  recordings: readonly string[],
  wishes: PlaceWishes = {},
): Promise<ExpertPlacement> {
  return (await placeFor(input, { [profile]: 1 }, { slots: 'auto', ...wishes, judged: recordings })).placement;
}
