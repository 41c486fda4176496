import { UserError } from '../base/errors.js';
import { findNamed } from '../base/parameters.js';
import { checkRun, type RunInput } from '../system/door.js';
import { PROFILE_FORMATS } from './formats/index.js';
import { answerPlacement, type ExpertPlacement, type PlaceRequest } from './place.js';
import type { Part } from './sources.js';

/** Defaults: 25 % of the experts, or the named machine's room; ranked by counts; the second half judged. */
export interface PlaceWishes
  extends Partial<Pick<PlaceRequest, 'by' | 'holdOut' | 'inSample' | 'judged' | 'parallel' | 'slots' | 'split'>> {
  /** Engine of the file, as in `--for`. */
  readonly engine?: string;
}

/** @param priced true: a machine is named @throws UserError for an unknown engine, or without a source */
export function requestFor(parts: readonly Part[], { engine: name, ...wishes }: PlaceWishes, priced: boolean): PlaceRequest {
  const engine = name === undefined ? null : findNamed('engine', PROFILE_FORMATS, name);
  if (parts.length === 0) throw new UserError('no text is given to count; name a recording with --trace');
  const split = engine?.holds === 'layers' ? 'last-layers' : 'even';
  const usual = { judged: [], by: 'counts', holdOut: 0.5, inSample: false, split, slots: priced ? 'auto' : '25%', parallel: null } as const;
  return { ...usual, ...wishes, parts, engine, priced };
}

/**
 * `moeprof place`, `place merge`.
 * @param input prices the placement if a machine is named
 * @param from weights of sources by name
 * @returns placement and engine's file (null: not wished)
 * @throws UserError for an unknown name, a misfit, or a meaningless score
 */
export async function placeFor(input: RunInput, from: Readonly<Record<string, number>>, wishes: PlaceWishes = {}) {
  const parts = Object.entries(from).map(([named, weight]) => ({ named, weight }));
  const request = requestFor(parts, wishes, (input as { readonly hardware?: string }).hardware !== undefined);
  const path = `profile${request.engine?.extensions[0] ?? ''}`;
  const { placed, placement } = await answerPlacement(request, (more) => checkRun(input, 'place', more), {}, path);
  return { placement, file: request.engine?.write(placed, path) ?? null };
}

/** `moeprof place judge`. @throws UserError as {@link placeFor} */
export async function judgeFor(
  input: RunInput,
  profile: string,
  recordings: readonly string[],
  wishes: PlaceWishes = {},
): Promise<ExpertPlacement> {
  return (await placeFor(input, { [profile]: 1 }, { slots: 'auto', ...wishes, judged: recordings })).placement;
}
