// A strict reader of the XML that our reports write: it refuses what is not well-formed, so that a test that parses is a test that holds.

/** An element. */
export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Element[];
  /** Character data directly inside, entities resolved. */
  readonly text: string;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Parses a document with one root element. @throws Error where it is not well-formed */
export function parseXml(source: string): Element {
  const body = source.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\s*/, '');
  if (body === source) throw new Error('no XML declaration');
  const forbidden = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.exec(source);
  if (forbidden !== null) throw new Error(`character ${JSON.stringify(forbidden[0])} is not allowed in XML`);
  let at = 0;
  const fail = (what: string): never => {
    throw new Error(`${what} at ${at}: ${body.slice(at, at + 40)}`);
  };
  const take = (pattern: RegExp): RegExpExecArray | null => {
    const sticky = new RegExp(pattern.source, 'uy');
    sticky.lastIndex = at;
    const match = sticky.exec(body);
    if (match !== null) at = sticky.lastIndex;
    return match;
  };
  const resolve = (text: string): string => {
    if (/&(?!(amp|lt|gt|quot|apos|#\d+);)/.test(text)) fail(`stray & in ${JSON.stringify(text)}`);
    return text.replace(/&(#\d+|\w+);/g, (_, name: string) =>
      name[0] === '#' ? String.fromCodePoint(Number(name.slice(1))) : ENTITIES[name]!,
    );
  };
  const element = (): Element => {
    const name = take(/<([A-Za-z][\w-]*)/)?.[1] ?? fail('expected an element');
    const attributes: Record<string, string> = {};
    for (let found = take(/\s+([A-Za-z][\w-]*)="([^"<]*)"/); found !== null; found = take(/\s+([A-Za-z][\w-]*)="([^"<]*)"/)) {
      if (found[1]! in attributes) fail(`attribute ${found[1]} twice`);
      attributes[found[1]!] = resolve(found[2]!);
    }
    if (take(/\s*\/>/) !== null) return { name, attributes, children: [], text: '' };
    if (take(/\s*>/) === null) fail('expected >');
    const children: Element[] = [];
    let text = '';
    for (;;) {
      text += resolve(take(/[^<]*/)![0]);
      if (take(new RegExp(`</${name}>`)) !== null) return { name, attributes, children, text };
      children.push(element());
    }
  };
  const root = element();
  if (body.slice(at).trim() !== '') fail('something follows the root');
  return root;
}
