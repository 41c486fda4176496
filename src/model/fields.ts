import { UserError } from '../base/errors.js';
import { isCount, isObject, ownValue } from '../base/objects.js';

/** Typed fields of a foreign JSON object. Unknown fields are ignored; null means absent, as in transformers. */
export class Fields {
  readonly place: string;
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(place: string, values: Readonly<Record<string, unknown>>) {
    this.place = place;
    this.#values = values;
  }

  #find(names: readonly string[]): { name: string; value: unknown } | null {
    for (const name of names) {
      const value = ownValue(this.#values, name);
      if (value !== null && value !== undefined) return { name, value };
    }
    return null;
  }

  has(name: string): boolean {
    return this.#find([name]) !== null;
  }

  says(name: string, text: string): boolean {
    return this.#find([name])?.value === text;
  }

  /** A whole number of at least 1, under the first name present. @throws UserError */
  count(...names: readonly string[]): number {
    return this.#whole(names, 1) ?? this.#missing(names, 'a whole number');
  }

  /** A number of layers, at most {@link MAX_LAYERS}. @throws UserError */
  depth(...names: readonly string[]): number {
    const layers = this.count(...names);
    if (layers > MAX_LAYERS) throw new UserError(`${this.place}: ${names[0]}: must be at most ${MAX_LAYERS}, not ${layers}`);
    return layers;
  }

  /** As {@link count}, `fallback` if no name is present. @throws UserError */
  countOr(fallback: number, ...names: readonly string[]): number {
    return this.#whole(names, 1) ?? fallback;
  }

  /** A whole number of at least 0. @throws UserError */
  indexOr(fallback: number, ...names: readonly string[]): number {
    return this.#whole(names, 0) ?? fallback;
  }

  numberOr(fallback: number, name: string): number {
    return this.#typed(name, 'a number', (value) => typeof value === 'number') ?? fallback;
  }

  flag(name: string, fallback: boolean): boolean {
    return this.#typed(name, 'true or false', (value) => typeof value === 'boolean') ?? fallback;
  }

  /** Text; null: absent. @throws UserError */
  text(name: string): string | null {
    return this.#typed(name, 'text', isText);
  }

  /** Whole numbers of at least 0, or a text (`3,4,5`). @throws UserError */
  indexes(name: string): readonly number[] | null {
    const text = this.#find([name])?.value;
    if (isText(text) && /^\d{1,4}(, ?\d{1,4})*$/.test(text)) return text.split(',').map(Number);
    return this.#typed(name, 'a list of whole numbers', (value): value is number[] => Array.isArray(value) && value.every(isCount));
  }

  /** A list of texts; null: absent. @throws UserError */
  texts(name: string): readonly string[] | null {
    return this.#typed(name, 'a list of texts', (value): value is string[] => Array.isArray(value) && value.every(isText));
  }

  /** A list of flags (true/false or 1/0); null: no list, or empty. */
  flags(name: string): readonly boolean[] | null {
    const value = this.#find([name])?.value;
    if (!Array.isArray(value) || value.length === 0) return null;
    return value.map((flag) => flag === true || flag === 1);
  }

  /** Values `[length]`, from a list or a single number for all layers. @throws UserError */
  perLayer(length: number, ...names: readonly string[]): readonly number[] {
    const found = this.#find(names);
    if (found === null) return this.#missing(names, 'a whole number, or a list of one per layer');
    if (!Array.isArray(found.value)) return new Array<number>(length).fill(this.count(found.name));
    const list = this.indexes(found.name)!;
    if (list.length < length) this.#refuse(found.name, `one value for each of ${length} layers`, list);
    return list.slice(0, length);
  }

  /** Maximum of a list, or the single number; 0 if no name is present. @throws UserError */
  most(...names: readonly string[]): number {
    const found = this.#find(names);
    if (!Array.isArray(found?.value)) return this.indexOr(0, ...names);
    return this.indexes(found.name)!.reduce((most, index) => Math.max(most, index), 0);
  }

  /** A nested object; null: absent. @throws UserError */
  object(name: string): Fields | null {
    const nested = this.#typed(name, 'a mapping (key: value)', isObject);
    return nested === null ? null : new Fields(`${this.place}: ${name}`, nested);
  }

  /** The fields, with absent `names` taken from `outer`. */
  within(outer: Fields, names: readonly string[]): Fields {
    const inherited = names.filter((name) => outer.has(name) && !this.has(name)).map((name) => [name, ownValue(outer.#values, name)]);
    return new Fields(this.place, { ...this.#values, ...Object.fromEntries(inherited) });
  }

  #whole(names: readonly string[], least: number): number | null {
    const found = this.#find(names);
    if (found === null) return null;
    if (!Number.isSafeInteger(found.value)) this.#refuse(found.name, 'a whole number', found.value);
    const value = found.value as number;
    if (value < least) throw new UserError(`${this.place}: ${found.name}: must be at least ${least}, not ${value}`);
    return value;
  }

  #typed<T>(name: string, kind: string, test: (value: unknown) => value is T): T | null {
    const found = this.#find([name]);
    if (found === null) return null;
    if (!test(found.value)) this.#refuse(name, kind, found.value);
    return found.value;
  }

  #missing(names: readonly string[], kind: string): never {
    throw new UserError(`${this.place}: ${names.join(' or ')}: is missing; expected ${kind}`);
  }

  #refuse(name: string, kind: string, value: unknown): never {
    const text = JSON.stringify(value)?.slice(0, 60) ?? String(value);
    throw new UserError(`${this.place}: ${name}: expected ${kind}, not ${text}`);
  }
}

const isText = (value: unknown): value is string => typeof value === 'string';

/** Most decoder layers of a model; our limit. */
export const MAX_LAYERS = 1000;

/** Most experts of a layer; our limit. */
export const MAX_EXPERTS = 8192;
