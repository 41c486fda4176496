// The bytes of the writer against the wire format's own examples; that whole models load is what every other test here shows.
import { describe, expect, it } from 'vitest';
import { ProtobufWriter } from '../../../src/predict/onnx/protobuf.js';
import { encodeModel } from '../../../src/predict/onnx/writer.js';

const hex = (write: (writer: ProtobufWriter) => void): string => {
  const writer = new ProtobufWriter();
  write(writer);
  return Buffer.from(writer.finish()).toString('hex');
};

describe('ProtobufWriter', () => {
  it('writes the examples of the encoding guide (protobuf.dev/programming-guides/encoding)', () => {
    expect(hex((writer) => writer.integer(1, 150))).toBe('089601');
    expect(hex((writer) => writer.string(2, 'testing'))).toBe('120774657374696e67');
    expect(hex((writer) => writer.message(3, (inner) => inner.integer(1, 150)))).toBe('1a03089601');
    expect(hex((writer) => writer.integer(1, -2))).toBe('08feffffffffffffffff01');
    expect(hex((writer) => writer.float(1, 25.4))).toBe('0d3333cb41');
  });

  it('keeps fields of any size, in order', () => {
    const large = new Uint8Array(100_000).fill(7);
    const text = hex((writer) => {
      writer.integer(16, 0);
      writer.bytes(1, large);
      writer.string(1, 'é');
    });
    expect(text.startsWith('8001000aa08d06')).toBe(true);
    expect(text.endsWith('0a02c3a9')).toBe(true);
    expect(text.length).toBe(2 * (3 + 1 + 3 + 100_000 + 4));
  });
});

describe('encodeModel', () => {
  it('refuses a tensor whose data do not fill its shape', () => {
    const initializers = [{ name: 'w', shape: [2, 3], data: new Float32Array(5) }];
    expect(() => encodeModel({ name: 'test', nodes: [], initializers, inputs: [], outputs: [] })).toThrow(
      'tensor w: shape [2, 3] does not hold 5 values',
    );
  });

  it('carries metadata, opset and producer', () => {
    const bytes = encodeModel({ name: 'g', nodes: [], initializers: [], inputs: [], outputs: [], metadata: { key: 'value' } });
    // ir_version 8, producer "moeprof", graph { name "g" }, opset { domain "", version 17 }, metadata { key, value }.
    expect(Buffer.from(bytes).toString('hex')).toBe(
      `0808${'1207'}${Buffer.from('moeprof').toString('hex')}${'3a03120167'}${'42040a001011'}${'720c'}${'0a036b6579'}${'120576616c7565'}`,
    );
  });
});
