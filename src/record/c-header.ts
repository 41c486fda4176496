import { UserError } from '../base/errors.js';

const SIZED = ['void', 'bool', 'float', 'int', 'int8_t', 'int32_t', 'uint32_t', 'int64_t', 'size_t'];

/** C headers and sources of a library's own build, as one text; types are koffi's. Methods throw a UserError for what is missing or unsized. */
export class CHeader {
  readonly #text: string;

  constructor(texts: readonly string[]) {
    this.#text = texts.join('\n').replace(/\/\*.*?\*\/|\/\/[^\n]*|\s+/gs, ' ');
  }

  /** Types of a struct's fields, by name and in order. */
  struct(name: string): Map<string, string> {
    const fields = this.#find(`struct ${name} \\{([^{}]*)\\}`, `struct ${name}`)[0]!.matchAll(/([^;]*[ *])(\w+) *;/g);
    return new Map([...fields].map(([, type, field]) => [field!, this.#type(type!)]));
  }

  prototype(name: string): [result: string, ...parameters: string[]] {
    const [result, parameters] = this.#find(`_API ([^;{}()]*?[ *])${name} ?\\(([^;]*?)\\) ?;`, name) as [string, string];
    const given = /^ *(void)? *$/.test(parameters) ? [] : parameters.split(',');
    return [this.#type(result), ...given.map((parameter) => this.#type(parameter.trim().replace(/([ *])\w+$/, '$1')))];
  }

  /** Values that a function of the source sets, in the order of fields (`/*.n_ctx =*\/ 512,`); undefined: no number, bool or nullptr. */
  defaults(source: string, name: string): (number | boolean | null | undefined)[] {
    const body = source.split(`${name}() {`)[1]?.split('\n}')[0] ?? '';
    return [...body.matchAll(/\/\*\.\w+\s*=\*\/\s*([^,\n]+),/g)].map(([, text]) => {
      if (text === 'nullptr') return null;
      if (text === 'true' || text === 'false') return text === 'true';
      const constant = /^[A-Z]/.test(text!) ? new RegExp(`[{, ]${text} ?=? ?(-?\\d+)`).exec(this.#text)?.[1] : text!.replace(/f$/, '');
      return Number.isFinite(Number(constant)) ? Number(constant) : undefined;
    });
  }

  #find(pattern: string, what: string): string[] {
    const [, ...groups] = new RegExp(pattern).exec(this.#text) ?? [];
    if (groups.length === 0) throw new UserError(`its headers lack ${what}`);
    return groups;
  }

  #type(text: string): string {
    const type = text.replace(/\b(const|struct)\b/g, '').trim();
    if (text.includes('const char *')) return 'str';
    if (type.includes('*') || type.endsWith('_callback')) return 'void *';
    if (type.startsWith('enum ')) return 'int32_t';
    if (SIZED.includes(type) || this.#text.includes(`struct ${type} {`)) return type;
    return this.#type(this.#find(`typedef (\\w+) ${type} ?;`, `the size of '${text.trim()}'`)[0]!);
  }
}

/** Proves a layout: defaults read by it are the source's. @throws UserError with a difference, or if under two thirds compare */
export function proveLayout(name: string, values: Readonly<Record<string, unknown>>, expected: readonly unknown[]): void {
  const fields = Object.entries(values).map(([field, value], i) => ({ field, value: value === 0n ? null : value, set: expected[i] }));
  const known = fields.filter(({ set }) => set !== undefined);
  const wrong = known.find(({ set, value }) => value !== set);
  if (wrong !== undefined)
    throw new UserError(`${name}.${wrong.field} reads as ${String(wrong.value)}, and its source sets ${String(wrong.set)}`);
  if (fields.length === expected.length && 3 * known.length >= 2 * fields.length) return;
  throw new UserError(`${name} has ${fields.length} fields, of which its source sets ${known.length} that can be compared`);
}
