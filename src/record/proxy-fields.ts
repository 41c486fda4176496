// Fields added to requests and removed from replies. All other bytes stay.
import { bytesOf } from '../base/host/bytes.js';
import { isObject, ownValue } from '../base/objects.js';
import { parseJson } from '../model/door.js';
import type { JsonObject } from '../trace/formats/json-values.js';

/** Endpoints with routed experts: requested fields, and whether a stream can count tokens. */
const ENDPOINTS: readonly { readonly path: RegExp; readonly ask: readonly string[]; readonly counts: boolean }[] = [
  { path: /\/v1\/(chat\/)?completions$/, ask: ['return_routed_experts', 'return_token_ids'], counts: true },
  // vLLM's own sends all fields unasked; SGLang's own counts tokens unasked.
  { path: /\/inference\/v1\/generate$/, ask: [], counts: true },
  { path: /\/generate$/, ask: ['return_routed_experts'], counts: false },
];
/** Reply fields that clients may not have requested. */
const ROUTING = ['routed_experts', 'prompt_routed_experts', 'routed_experts_dtype'];
const IDS = ['token_ids', 'prompt_token_ids'];

/** A request as forwarded. */
export interface Asking {
  readonly body: string;
  /** Fields not requested by the client, replied as null. */
  readonly hidden: readonly string[];
  /** True if the client did not request token counts. */
  readonly hidesUsage: boolean;
  /** First row requested by the client; absent: row 0. */
  readonly start?: unknown;
}

/** The forwarded request; null: no routed experts in the reply. @param path of the request's address */
export function asking(path: string, body: string): Asking | null {
  const endpoint = ENDPOINTS.find((endpoint) => endpoint.path.test(path));
  const fields = endpoint === undefined ? null : jsonValueOf(body);
  if (endpoint === undefined || !isObject(fields)) return null;
  const { ask, counts } = endpoint;
  const { routed_experts_start_len: start, stream, stream_options: options } = fields;
  const hidesUsage = stream === true && counts && ownValue(options, 'include_usage') !== true;
  const more = [
    ...ask.flatMap((key) => (ownValue(fields, key) === true ? [] : [[key, true] as const])),
    ...(hidesUsage ? [['stream_options', { ...(isObject(options) ? options : {}), include_usage: true }] as const] : []),
  ];
  const ids = ask.includes('return_token_ids') && fields.return_token_ids !== true ? IDS : [];
  const hidden = [...(fields.return_routed_experts === true ? [] : ROUTING), ...ids];
  return { body: withFields(body, fields, Object.fromEntries(more)), hidden, hidesUsage, ...(start === undefined ? {} : { start }) };
}

/** Undefined: invalid, or nested too deeply. */
export function jsonValueOf(text: string): unknown {
  try {
    return parseJson(bytesOf(text), 'a body');
  } catch {
    return undefined;
  }
}

/** New fields go last. Numbers may be more exact than JavaScript's. */
function withFields(text: string, fields: JsonObject, values: JsonObject): string {
  const names = Object.keys(values);
  const [present, absent] = [true, false].map((has) => names.filter((name) => Object.hasOwn(fields, name) === has)) as [string[], string[]];
  const written: string[] = [];
  let copied = 0;
  for (const { name, from, to } of present.length === 0 ? [] : fieldsOf(text)) {
    if (!present.includes(name)) continue;
    written.push(text.slice(copied, from), JSON.stringify(values[name]));
    copied = to;
  }
  const end = text.lastIndexOf('}');
  const added = absent.map((name) => `${JSON.stringify(name)}:${JSON.stringify(values[name])}`);
  if (added.length > 0 && Object.keys(fields).length > 0) added.unshift('');
  return [...written, text.slice(copied, end), added.join(','), text.slice(end)].join('');
}

/** Texts from the colon to the comma or brace after the value. */
function* fieldsOf(text: string): Generator<{ readonly name: string; readonly from: number; readonly to: number }> {
  const signs = /["{}[\],:]/g;
  let [depth, from, name] = [0, 0, ''];
  for (let sign = signs.exec(text); sign !== null; sign = signs.exec(text)) {
    const at = sign.index;
    if (sign[0] === '"') {
      let end = at + 1;
      for (; text[end] !== '"'; end++) if (text[end] === '\\') end++;
      signs.lastIndex = end + 1;
      if (depth === 1 && from === 0) name = JSON.parse(text.slice(at, end + 1)) as string;
    } else if ('{['.includes(sign[0])) depth++;
    else if (sign[0] === ':') from = depth === 1 ? at + 1 : from;
    else {
      if (depth === 1 && from > 0) {
        yield { name, from, to: at };
        from = 0;
      }
      if (sign[0] !== ',') depth--;
    }
  }
}

/** A reply field of {@link ROUTING} or {@link IDS}, without nested texts. */
const FIELD =
  /((?<!\\)"((?:prompt_)?(?:routed_experts|token_ids)|routed_experts_dtype)"\s*:\s*)(?:"[^"\\]*"|\[[[\]\s\d,.eE+-]*\]|\{[^{}]*\})/g;

/** Escaped quotes keep nested texts. */
export function withNulls(text: string, names: readonly string[]): string {
  if (!names.some((name) => text.includes(name))) return text;
  return text.replace(FIELD, (whole, head: string, name: string) => (names.includes(name) ? `${head}null` : whole));
}

/** True for an event sent only for the proxy. */
export function isOwnEvent({ choices, sglext, usage }: JsonObject, { hidden, hidesUsage }: Asking): boolean {
  const wanted = isObject(sglext) && Object.keys(sglext).some((key) => !hidden.includes(key));
  return Array.isArray(choices) && choices.length === 0 && !wanted && (hidesUsage || !isObject(usage));
}
