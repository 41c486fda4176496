import { UserError } from '../base/errors.js';

/** A constant of an enumeration or a macro, with its value. */
const CONSTANT = /[{, ](?<name>[A-Z]\w*) ?=? ?(?<value>-?\d+)/g;
const SIZED = ['void', 'bool', 'float', 'int', 'int8_t', 'int32_t', 'uint32_t', 'int64_t', 'size_t'];

/**
 * A library's C headers and sources as one text; types are koffi's. Methods throw a UserError for a missing or unsized
 * one.
 */
export class CHeader {
  readonly #text: string;

  constructor(texts: readonly string[]) {
    this.#text = texts.join('\n').replace(/\/\*.*?\*\/|\/\/[^\n]*|\s+/gs, ' ');
  }

  /** Types of a struct's fields by name, in order. */
  struct(name: string): Map<string, string> {
    const fields = this.#find(/struct (?<name>\w+) \{(?<text>[^{}]*)\}/g, name, `struct ${name}`).text!.matchAll(/([^;]*[ *])(\w+) *;/g);
    return new Map([...fields].map(([, type, field]) => [field!, this.#type(type!)]));
  }

  prototype(name: string): [result: string, ...parameters: string[]] {
    const { parameters, result } = this.#find(/_API (?<result>[^;{}()]*?[ *])(?<name>\w+) ?\((?<parameters>[^;]*?)\) ?;/g, name, name);
    const given = /^ *(void)? *$/.test(parameters!) ? [] : parameters!.split(',');
    return [this.#type(result!), ...given.map((parameter) => this.#type(parameter.trim().replace(/([ *])\w+$/, '$1')))];
  }

  /** Values set by a source function in field order (`/*.n_ctx =*\/ 512,`); undefined: no number, bool or nullptr. */
  defaults(source: string, name: string): (number | boolean | null | undefined)[] {
    const body = source.split(`${name}() {`)[1]?.split('\n}')[0] ?? '';
    return [...body.matchAll(/\/\*\.\w+\s*=\*\/\s*([^,\n]+),/g)].map(([, text]) => {
      if (text === 'nullptr') return null;
      if (text === 'true' || text === 'false') return text === 'true';
      const constant = /^[A-Z]/.test(text!) ? this.#first(CONSTANT, text!)?.value : text!.replace(/f$/, '');
      return Number.isFinite(Number(constant)) ? Number(constant) : undefined;
    });
  }

  #first(all: RegExp, name: string): Partial<Readonly<Record<string, string>>> | undefined {
    return [...this.#text.matchAll(all)].find(({ groups }) => groups!.name === name)?.groups;
  }

  #find(all: RegExp, name: string, what: string): Partial<Readonly<Record<string, string>>> {
    const found = this.#first(all, name);
    if (found === undefined) throw new UserError(`its headers lack ${what}`);
    return found;
  }

  #type(text: string): string {
    const type = text.replace(/\b(const|struct)\b/g, '').trim();
    if (text.includes('const char *')) return 'str';
    if (type.includes('*') || type.endsWith('_callback')) return 'void *';
    if (type.startsWith('enum ')) return 'int32_t';
    if (SIZED.includes(type) || this.#text.includes(`struct ${type} {`)) return type;
    return this.#type(this.#find(/typedef (?<of>\w+) (?<name>\w+) ?;/g, type, `the size of '${text.trim()}'`).of!);
  }
}

/** Proof: the values read equal the source's defaults. @throws UserError if unequal, or if under two thirds compare */
export function proveLayout(name: string, values: Readonly<Record<string, unknown>>, expected: readonly unknown[]): void {
  const fields = Object.entries(values).map(([field, value], i) => ({ field, value: value === 0n ? null : value, set: expected[i] }));
  const known = fields.filter(({ set }) => set !== undefined);
  const wrong = known.find(({ set, value }) => value !== set);
  if (wrong !== undefined)
    throw new UserError(`${name}.${wrong.field} reads as ${String(wrong.value)}, and its source sets ${String(wrong.set)}`);
  if (fields.length === expected.length && 3 * known.length >= 2 * fields.length) return;
  throw new UserError(`${name} has ${fields.length} fields, of which its source sets ${known.length} that can be compared`);
}
