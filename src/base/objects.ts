/** True for an object with keys: neither null nor a list. */
export const isObject = (value: unknown): value is Record<string, unknown> => hasKeys(value) && !Array.isArray(value);

/** True for an exact whole number of at least 0. */
export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** True for an object or a list. */
export const hasKeys = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** False for a name on every object's prototype (`toString`). */
export const isOwnName = (name: string): boolean => !(name in Object.prototype);

/** Fields with a value. */
export const definedFields = <T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined | null> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null)) as never;

/** Items by key, in order. */
export function groupedBy<T, K>(items: Iterable<T>, keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

interface Known<K, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): unknown;
}

/** Value of a key, made by `make` if absent. */
export function remembered<K, V>(map: Known<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

/** {@link remembered} for promises; a failure is forgotten. */
export function rememberedWork<K, V>(map: Map<K, Promise<V>>, key: K, work: () => Promise<V>): Promise<V> {
  return remembered(map, key, async () => {
    try {
      return await work();
    } catch (error) {
      map.delete(key);
      throw error;
    }
  });
}

/** {@link remembered} for the `most` recently used keys. */
export function rememberedLately<K, V>(map: Map<K, V>, most: number, key: K, make: () => V): V {
  const known = map.get(key) ?? make();
  map.delete(key);
  map.set(key, known);
  if (map.size > most) map.delete(map.keys().next().value!);
  return known;
}

declare const BARE: unique symbol;

/** Table for untrusted names, without a prototype. */
export interface ByName<T> {
  readonly [name: string]: T;
  readonly [BARE]: T;
}

/** A {@link ByName} with these entries. */
export const byName = <T>(entries: Readonly<Record<string, T>>): ByName<T> => Object.assign(Object.create(null) as ByName<T>, entries);

/** Own property of an object, or undefined. */
export const ownValue: {
  <T>(from: { readonly [name: string]: T }, name: PropertyKey): T | undefined;
  (from: unknown, name: PropertyKey): unknown;
} = <T>(from: unknown, name: PropertyKey) => (hasKeys(from) && Object.hasOwn(from, name) ? (from[name as string] as T) : undefined);
