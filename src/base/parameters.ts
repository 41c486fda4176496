// Parameters of families (policies, predictors, schedulers), given as YAML keys or `name:key=value,key=value`.
import { UserError } from './errors.js';
import { ownValue } from './objects.js';
import { didYouMean } from './text.js';
import type { Written } from './written.js';

/** Parameter; the default fixes the type. */
export interface Parameter {
  readonly default: number | string | boolean;
  readonly description: string;
  /** True: takes a number; the default is a word for no number. */
  readonly orNumber?: true;
  readonly min?: number;
  readonly max?: number;
  readonly values?: readonly string[];
}

/** Parameters of a member by name. */
export type ParameterTable = Readonly<Record<string, Parameter>>;

/** Member of a family in code, e.g. a policy. */
export interface Member {
  readonly name: string;
  readonly summary: string;
  /** Publication, or a system with this member. */
  readonly cites: string;
  readonly parameters?: ParameterTable;
}

/** Values after defaults and checks. */
export type Parameters = Readonly<Record<string, number | string | boolean>>;

type Widened<T> = T extends number ? number : T extends boolean ? boolean : string;

type ValueOf<P extends Parameter> = P extends { readonly values: readonly (infer Word)[] }
  ? Word
  : Widened<P['default']> | (P extends { readonly orNumber: true } ? number : never);

/** Values of the parameters of a table, by name. */
export type ValuesOf<P extends ParameterTable> = { readonly [Name in keyof P]: ValueOf<P[Name]> };

type Taking<F, P extends ParameterTable> = F extends (...args: infer A) => infer R
  ? (...args: { [I in keyof A]: Parameters extends A[I] ? ValuesOf<P> : A[I] }) => R
  : F;

/** Definition with functions of the values of these parameters. */
export type Own<D extends Partial<Member>, P extends ParameterTable> = {
  [Key in keyof D]: Key extends 'parameters' ? P : Taking<D[Key], P>;
};

/** Maker of definitions of a family, whose functions take parameters by the names and kinds of the definition. */
export const memberOf =
  <D extends Member>() =>
  <const P extends ParameterTable>(definition: Own<D, P>): D =>
    definition as unknown as D;

/** User's choice of a member, with all parameters. */
export interface Choice extends Written {
  readonly name: string;
  readonly parameters: Parameters;
}

/** A name, with parameters after a colon or in `beside`. @param find member by name @throws UserError */
export function choose(
  noun: string,
  text: string,
  beside: Readonly<Record<string, unknown>>,
  find: (name: string) => { readonly parameters?: ParameterTable },
  split: (text: string) => { readonly name: string; readonly given: Readonly<Record<string, string>> } = splitSpec,
): Choice {
  const { given, name } = split(text);
  return { text, name, parameters: resolveParameters(`${noun} ${name}`, find(name).parameters, withGiven(text, beside, given)) };
}

/** @throws UserError for a parameter in both */
export function withGiven<T>(text: string, beside: Readonly<Record<string, T>>, given: Readonly<Record<string, T>>): Record<string, T> {
  const twice = Object.keys(given).find((name) => Object.hasOwn(beside, name));
  if (twice !== undefined) throw new UserError(`"${twice}" stands in "${text}", too; keep one of them`);
  return { ...beside, ...given };
}

/** @param noun for messages @throws UserError with the nearest name */
export function findNamed<T extends { readonly name: string }>(noun: string, members: readonly T[], name: string): T {
  const found = members.find((member) => member.name === name);
  if (found !== undefined) return found;
  const names = members.map((member) => member.name);
  throw new UserError(`unknown ${noun} "${name}"; ${didYouMean(name, names)}`);
}

/** Splits `s3-fifo:small=0.1,ghost=1` into name and raw values. @throws UserError for a part other than `key=value` */
export function splitSpec(spec: string): { name: string; given: Record<string, string> } {
  const colon = spec.indexOf(':');
  if (colon < 0) return { name: spec.trim(), given: {} };
  const given = new Map<string, string>();
  for (const part of spec.slice(colon + 1).split(',')) {
    const equals = part.indexOf('=');
    if (equals <= 0) throw new UserError(`${spec}: expected key=value after the colon, found '${part}'`);
    given.set(part.slice(0, equals).trim(), part.slice(equals + 1).trim());
  }
  return { name: spec.slice(0, colon).trim(), given: Object.fromEntries(given) };
}

/** Given values over defaults. @param place for messages, e.g. `policy s3-fifo` @throws UserError if invalid */
export function resolveParameters(place: string, table: ParameterTable = {}, given: Readonly<Record<string, unknown>> = {}): Parameters {
  const values = new Map(Object.entries(table).map(([name, parameter]) => [name, parameter.default]));
  for (const [name, raw] of Object.entries(given)) {
    const parameter = ownValue(table, name);
    if (parameter === undefined) throw new UserError(`${place}: unknown parameter "${name}"; ${didYouMean(name, Object.keys(table))}`);
    values.set(name, checked(`${place}: ${name}`, parameter, raw));
  }
  return Object.fromEntries(values);
}

function checked(place: string, parameter: Parameter, raw: unknown): number | string | boolean {
  if (parameter.orNumber && raw !== parameter.default) return checkedNumber(place, parameter, raw);
  switch (typeof parameter.default) {
    case 'number':
      return checkedNumber(place, parameter, raw);
    case 'boolean':
      if (raw === true || raw === 'true' || raw === 'on') return true;
      if (raw === false || raw === 'false' || raw === 'off') return false;
      throw new UserError(`${place}: expected on or off, found '${String(raw)}'`);
    default: {
      const value = String(raw);
      if (parameter.values !== undefined && !parameter.values.includes(value))
        throw new UserError(`${place}: '${value}' is not one of ${parameter.values.join(', ')}`);
      return value;
    }
  }
}

function checkedNumber(
  place: string,
  { default: usual, max = Number.POSITIVE_INFINITY, min = Number.NEGATIVE_INFINITY, orNumber }: Parameter,
  raw: unknown,
) {
  const value = typeof raw === 'string' && raw !== '' ? Number(raw) : raw;
  if (typeof value !== 'number' || Number.isNaN(value)) {
    const expected = orNumber ? `a number or ${usual}` : `a number such as ${usual}`;
    throw new UserError(`${place}: expected ${expected}, found '${String(raw)}'`);
  }
  if (value < min || value > max) throw new UserError(`${place}: ${value} is out of range, use ${rangeText(min, max)}`);
  return value;
}

/** Range in words. */
export function rangeText(min: number, max: number): string {
  if (max === Number.POSITIVE_INFINITY) return `${min} or more`;
  if (min === Number.NEGATIVE_INFINITY) return `${max} or less`;
  return `${min} to ${max}`;
}
