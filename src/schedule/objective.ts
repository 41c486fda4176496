import { UserError } from '../base/errors.js';
import { didYouMean } from '../base/text.js';
import { parseDuration } from '../base/units.js';
import type { Written } from '../base/written.js';
import type { Request } from './request.js';

/** The latencies, ns, that an objective may limit, of a request whose last token came at `endNs`. */
const LIMITS = {
  ttft: ({ firstTokenNs, arrivalNs }: Request) => firstTokenNs - arrivalNs,
  // A request that generates nothing has no time per output token, and keeps any limit.
  tpot: ({ decode, firstTokenNs }: Request, endNs: number) => (decode > 0 ? (endNs - firstTokenNs) / decode : 0),
  request: ({ arrivalNs }: Request, endNs: number) => endNs - arrivalNs,
};

type Limit = keyof typeof LIMITS;
const NAMES = Object.keys(LIMITS) as Limit[];

/** Most ns of each; a latency that is not named is not limited. */
type Objective = Partial<Record<Limit, number>>;

/** Service-level objectives by class, as in `ttft=2s,tpot=100ms`; the empty class stands for all requests whose class has none of its own. */
export type Objectives = ReadonlyMap<string, Objective>;

/** Objectives that a user wrote. */
export interface WrittenObjectives extends Written {
  readonly limits: Objectives;
}

/** Reads `ttft=2s,tpot=100ms`, or by class `chat:ttft=1s;batch:request=1min`. @throws UserError if a part cannot be read */
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
      // OverflowMemory a plain number is nanoseconds, which cannot be meant here.
      if (Number.isFinite(Number(value)))
        throw new UserError(`'${limit.trim()}' has no unit; write ${name}=${value}ms or ${name}=${value}s`);
      objective[known] = parseDuration(value, name);
    }
    all.set(requestClass, objective);
  }
  return { text, limits: all };
}

/** True if a finished request has met the objective of its class, or has none. @param endNs time of its last token */
export function meets(objectives: Objectives, request: Request, endNs: number): boolean {
  const objective = objectives.get(request.requestClass) ?? objectives.get('') ?? {};
  return NAMES.every((name) => LIMITS[name](request, endNs) <= (objective[name] ?? Number.POSITIVE_INFINITY));
}
