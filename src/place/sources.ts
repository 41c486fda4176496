import { UserError } from '../base/errors.js';
import { isPath, splitRows } from '../base/profiles.js';
import { openInputs } from '../engine/inputs/inputs.js';
import { heldOutRows, rowsNamed } from '../trace/selection.js';
import type { RoutingTrace } from '../trace/trace.js';
import { type Basis, type DemandWindow, demandOf, windowsOf } from './demand.js';
import { type CountedRows, countedRows, shareRows } from './formats/fingerprint.js';
import { isProfile, openProfile, type ReadProfile } from './formats/index.js';
import { overridesFor, type RunWith } from './speed.js';

/** A recording, rows (`code.safetensors#0:4000`) or a profile. */
export interface Part {
  readonly named: string;
  readonly weight: number;
}

/** Wished sources. */
export interface SourceRequest {
  /** Counted sources; for judging, a lone profile. */
  readonly parts: readonly Part[];
  /** Empty: the last rows of each counted recording. */
  readonly judged: readonly string[];
  readonly by: Basis;
  /** Share of judging rows at a recording's end, if `judged` is empty. */
  readonly holdOut: number;
  /** True: counted rows may be judged. */
  readonly inSample: boolean;
}

/** Counted and judged sources of a placement. */
export type Sources = Awaited<ReturnType<typeof openSources>>;

/** `demand` by dense id; null: homes or layers. `rows` null: unknown. */
interface Counted {
  readonly demand: Float64Array | null;
  readonly rows: readonly CountedRows[] | null;
}

/** A part, counted whole. */
export interface Source extends Part, Counted {
  /** Counts for the figures: only rows before the judging rows of the part. */
  readonly judging: Counted;
  /** Null: a recording, with the rows of `judging` in `trace`. */
  readonly profile: ReadProfile | null;
  readonly trace: RoutingTrace | null;
}

/** A judging text. `source`: the counted part that the rows continue; null: another text. */
export interface JudgedText {
  readonly named: string;
  readonly windows: readonly DemandWindow[];
  readonly trace: RoutingTrace;
  readonly source: Source | null;
  readonly rows: CountedRows;
}

/** @throws UserError for an unreadable source, or for judging by counted rows */
export async function openSources(request: SourceRequest, runWith: RunWith, breathe: () => Promise<void>) {
  const profiles = new Set(
    request.parts.filter(({ named }) => isPath(named) && isProfile(splitRows(named).path)).map(({ named }) => named),
  );
  const named = [...request.parts.map((part) => part.named).filter((path) => !profiles.has(path)), ...request.judged];
  const paths = [...new Set(named.map((path) => splitRows(path).path))];
  const odd = paths.find((path) => path === '-' || path === 'synthetic');
  if (odd !== undefined) throw new UserError(`${odd}: a placement is made from a recording that can be read twice; name a file`);
  if (paths.length === 0 && runWith([]).model === undefined)
    throw new UserError('no recording names the model of these profiles; name it with --model');
  const inputs = await openInputs(runWith(paths.length === 0 ? [] : overridesFor({ trace: paths })), { breathe }, { counts: false });
  const { model } = inputs;
  const wholeOf = (path: string): RoutingTrace => inputs.traces[paths.indexOf(splitRows(path).path)]!;
  const counted: Source[] = [];
  const judged: JudgedText[] = [];
  const judge = (path: string, source: Source | null): void => {
    const whole = wholeOf(path);
    const trace = rowsNamed(whole, splitRows(path).rows, path);
    judged.push({ named: path, windows: windowsOf(trace, model), trace, source, rows: countedRows(whole, path) });
  };
  const apart = request.judged.length === 0 && !request.inSample;
  for (const part of request.parts) {
    await breathe();
    if (profiles.has(part.named)) {
      const profile = openProfile(part.named, model)!;
      const { fingerprint, held } = profile;
      const all: Counted = { demand: held.kind === 'demand' ? held.demand : null, rows: fingerprint?.counted ?? null };
      counted.push({ ...part, ...all, judging: all, profile, trace: null });
      continue;
    }
    const whole = wholeOf(part.named);
    const countOf = (named: string) => {
      const trace = rowsNamed(whole, splitRows(named).rows, named);
      return { trace, demand: demandOf(trace, model, request.by), rows: [countedRows(whole, named)] };
    };
    const { path } = splitRows(part.named);
    const { from, to } = countedRows(whole, part.named);
    const all = countOf(part.named);
    const cut = from + heldOutRows(all.trace, 1 - request.holdOut);
    const judging = apart ? countOf(`${path}#${from}:${cut}`) : all;
    const source = { ...part, demand: all.demand, rows: all.rows, judging, profile: null, trace: judging.trace };
    counted.push(source);
    if (request.judged.length === 0) judge(`${path}#${apart ? cut : from}:${to}`, source);
  }
  for (const path of request.judged) {
    await breathe();
    judge(path, null);
  }
  if (!request.inSample) for (const text of judged) refuseSeen(text, counted);
  return { inputs, model, counted, judged };
}

/** @throws UserError for a counted text */
function refuseSeen({ named, rows, windows }: JudgedText, counted: readonly Source[]): void {
  const remedy = 'judge it by other text, or add --in-sample and read the score as the most that it can be';
  for (const {
    judging: { demand, rows: seen },
    named: source,
  } of counted) {
    if (shareRows(seen ?? [], [rows])) throw new UserError(`${named}: was counted in ${source}, whose score on it says nothing; ${remedy}`);
    // A profile without a fingerprint is recognised by equal counts.
    const same =
      seen === null &&
      demand !== null &&
      demand.every((count, id) => count === windows.reduce((sum, window) => sum + window.demand[id]!, 0));
    if (same) throw new UserError(`${named}: has the very counts of ${source}, whose score on it says nothing; ${remedy}`);
  }
}
