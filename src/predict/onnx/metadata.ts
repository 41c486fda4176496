// The metadata of an ONNX file: key-value pairs at its end, found by skipping over the file's parts without reading the graph.
import { textOf } from '../../base/host/bytes.js';
import { withInput } from '../../base/input-file.js';

/** Field of ModelProto that holds a fact (onnx.proto): a message of key (1) and value (2). */
const FACT = 14;
/** Longest head of a part: two varints. */
const HEAD = 20;
/** Limits of the parts of a file and of the bytes of a fact: more than any exporter writes, so that another kind of file is soon rejected. */
const MOST_PARTS = 4096;
const LONGEST_FACT = 65_536;

/**
 * Metadata of a file by name; empty if it is not an ONNX file.
 * @throws UserError where it cannot be read
 */
export function onnxMetadata(path: string): ReadonlyMap<string, string> {
  return withInput(path, 'predictor', (file) => {
    const facts = new Map<string, string>();
    for (let at = 0, parts = 0; at < file.bytes && parts < MOST_PARTS; parts++) {
      const head = file.part(at, Math.min(HEAD, file.bytes - at));
      const part = partOf(head, 0);
      if (part === null) return facts;
      if (part.field === FACT && part.end - part.start <= LONGEST_FACT && at + part.end <= file.bytes) {
        const [key, value] = factOf(file.part(at + part.start, part.end - part.start));
        facts.set(key, value);
      }
      at += part.end;
    }
    return facts;
  });
}

/** Place of the content of a part; null: it is not a part of an ONNX file. */
function partOf(bytes: Uint8Array, at: number): { field: number; start: number; end: number } | null {
  const tag = varint(bytes, at);
  if (tag === null) return null;
  const value = varint(bytes, tag.end);
  if (value === null) return null;
  const field = Math.floor(tag.value / 8);
  const wire = tag.value % 8;
  if (wire === 0) return { field, start: tag.end, end: value.end };
  return wire === 2 ? { field, start: value.end, end: value.end + value.value } : null;
}

function factOf(bytes: Uint8Array): [key: string, value: string] {
  const texts = ['', ''];
  for (let at = 0; at < bytes.length; ) {
    const part = partOf(bytes, at);
    if (part === null) break;
    if (part.field === 1 || part.field === 2) texts[part.field - 1] = textOf(bytes, part.start, part.end);
    at = part.end;
  }
  return texts as [string, string];
}

/** A base-128 number, least digits first; null: it does not end here. */
function varint(bytes: Uint8Array, at: number): { value: number; end: number } | null {
  let value = 0;
  for (let i = at, scale = 1; i < Math.min(bytes.length, at + 8); i++, scale *= 128) {
    value += (bytes[i]! & 127) * scale;
    if (bytes[i]! < 128) return { value, end: i + 1 };
  }
  return null;
}
