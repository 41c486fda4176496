import { UserError } from '../base/errors.js';
import { didYouMean } from '../base/text.js';
import { parseDuration } from '../base/units.js';
import type { Written } from '../base/written.js';
import type { Request } from './request.js';

/** Latencies that an objective may limit, ns; `endNs` is the time of the last token. */
const LIMITS = {
  ttft: ({ firstTokenNs, arrivalNs }: Request) => firstTokenNs - arrivalNs,
  // A request without output has no time per token, and meets any limit.
  tpot: ({ decode, firstTokenNs }: Request, endNs: number) => (decode > 0 ? (endNs - firstTokenNs) / decode : 0),
  request: ({ arrivalNs }: Request, endNs: number) => endNs - arrivalNs,
};

type Limit = keyof typeof LIMITS;
const NAMES = Object.keys(LIMITS) as Limit[];

type Objective = Partial<Record<Limit, number>>;

/** Service-level objectives by class, e.g. `ttft=2s,tpot=100ms`; empty class: default. */
export type Objectives = ReadonlyMap<string, Objective>;

/** Objectives as text and parsed. */
export interface WrittenObjectives extends Written {
  readonly limits: Objectives;
}

/** `ttft=2s,tpot=100ms`, or by class `chat:ttft=1s;batch:request=1min`. @throws UserError for an unreadable part */
export function parseObjectives(text: string): WrittenObjectives {
  const all = new Map<string, Objective>();
  for (const part of text.split(';')) {
    const colon = part.indexOf(':');
    const requestClass = part.slice(0, Math.max(0, colon)).trim();
    if (all.has(requestClass)) throw new UserError(`${requestClass === '' ? text : `class ${requestClass}`}: stands twice; keep one`);
    const objective: Objective = {};
    for (const limit of part.slice(colon + 1).split(',')) {
      const [name = '', value = '', ...rest] = limit.split('=').map((side) => side.trim());
      const known = NAMES.find((candidate) => candidate === name);
      if (value === '' || rest.length > 0) throw new UserError(`'${limit.trim()}' is no limit; write e.g. ttft=2s,tpot=100ms`);
      if (known === undefined) throw new UserError(`"${name}" cannot be limited; ${didYouMean(name, NAMES)}`);
      // A plain number would mean nanoseconds, surely unintended.
      if (Number.isFinite(Number(value)))
        throw new UserError(`'${limit.trim()}' has no unit; write ${name}=${value}ms or ${name}=${value}s`);
      objective[known] = parseDuration(value, name);
    }
    all.set(requestClass, objective);
  }
  return { text, limits: all };
}

/** True if a finished request met the class's objective, if any. @param endNs time of the last token */
export function meets(objectives: Objectives, request: Request, endNs: number): boolean {
  const objective = objectives.get(request.requestClass) ?? objectives.get('') ?? {};
  return NAMES.every((name) => LIMITS[name](request, endNs) <= (objective[name] ?? Number.POSITIVE_INFINITY));
}
