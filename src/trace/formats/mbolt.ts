import { UserError } from '../../base/errors.js';
import { viewOf } from '../../base/host/bytes.js';
import { cellFormat } from './cells.js';
import { PassReader } from './passes.js';

/** `MBLT`, little-endian. */
const MAGIC = 0x544c424d;
/** Bytes of magic, version and experts. */
const HEADER_BYTES = 12;

/** mbolt's MBLT binary, int32 little-endian: magic, version 1, experts, then records: layer, top-k, tokens, ids. */
export const mbolt = cellFormat({
  name: 'mbolt',
  detect: ({ head }) => head.length >= HEADER_BYTES && viewOf(head).getInt32(0, true) === MAGIC,
  cells(source) {
    const { path, bytes } = source;
    const header = new Int32Array(3);
    source.read(0, new Uint8Array(header.buffer));
    const [, version, experts] = header as unknown as [number, number, number];
    if (version !== 1) throw new UserError(`${path}: MBLT version ${version}; version 1 is known`);
    if (experts < 1 || experts > 65534) throw new UserError(`${path}: ${experts} experts; a layer has 1 to 65534`);
    return {
      experts,
      walk(visit, at) {
        const passes = new PassReader(visit, at);
        const record = new Int32Array(3);
        let ids = new Int32Array(1024);
        let position = HEADER_BYTES;
        at.place = () => `${path}: byte ${position}`;
        while (position < bytes) {
          if (position + HEADER_BYTES > bytes) throw new UserError(`${at.place()}: the file ends inside a record; it was cut short`);
          source.read(position, new Uint8Array(record.buffer));
          const [layer, topK, tokens] = record as unknown as [number, number, number];
          const idBytes = topK * tokens * 4;
          if (topK < 1 || topK > experts || tokens < 1 || position + HEADER_BYTES + idBytes > bytes)
            throw new UserError(
              `${at.place()}: a record of ${tokens} tokens with ${topK} experts goes beyond the file or the model; it was cut short or damaged`,
            );
          if (ids.length < topK * tokens) ids = new Int32Array(topK * tokens);
          source.read(position + HEADER_BYTES, new Uint8Array(ids.buffer, 0, idBytes));
          passes.group(layer, tokens, topK, ids);
          position += HEADER_BYTES + idBytes;
        }
      },
    };
  },
});
