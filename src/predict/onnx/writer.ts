import { ProtobufWriter } from './protobuf.js';

/** Element types in use, by number in TensorProto.DataType. */
const ELEMENT_TYPES = { float32: 1, int64: 7, bool: 9 } as const;
export type ElementType = keyof typeof ELEMENT_TYPES;

/** A size, or a name (`N`) for a size known only at run time. */
export type Dimension = number | string;

/** Name, type and shape of a graph's input or output. */
export interface ValueInfo {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly Dimension[];
}

/** A constant of a graph. */
export interface Initializer {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

/** Attribute values by kind: ONNX distinguishes integers and floats. */
export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly ints: readonly number[] };

/** An operator. An input named '' is omitted. */
export interface NodeSpec {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

/** A whole model, nodes in order of execution. */
export interface OnnxModel {
  readonly name: string;
  readonly nodes: readonly NodeSpec[];
  readonly initializers: readonly Initializer[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Operator version (ONNX 1.12): covers all operators in use, and old enough for any runtime. */
const OPSET = 17;
/** Version of the file format (ONNX 1.12). */
const IR_VERSION = 8;

/** Encodes an ONNX model, fields of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. */
export function encodeModel(model: OnnxModel): Uint8Array {
  const writer = new ProtobufWriter();
  writer.integer(1, IR_VERSION);
  writer.string(2, 'moeprof');
  writer.message(7, (graph) => writeGraph(graph, model));
  writer.message(8, (opset) => {
    opset.string(1, '');
    opset.integer(2, OPSET);
  });
  for (const [key, value] of Object.entries(model.metadata ?? {}))
    writer.message(14, (entry) => {
      entry.string(1, key);
      entry.string(2, value);
    });
  return writer.finish();
}

function writeGraph(graph: ProtobufWriter, model: OnnxModel): void {
  for (const node of model.nodes) graph.message(1, (writer) => writeNode(writer, node));
  graph.string(2, model.name);
  for (const tensor of model.initializers) graph.message(5, (writer) => writeTensor(writer, tensor));
  for (const value of model.inputs) graph.message(11, (writer) => writeValueInfo(writer, value));
  for (const value of model.outputs) graph.message(12, (writer) => writeValueInfo(writer, value));
}

function writeNode(writer: ProtobufWriter, { op, inputs, outputs, attributes = {} }: NodeSpec): void {
  for (const name of inputs) writer.string(1, name);
  for (const name of outputs) writer.string(2, name);
  writer.string(4, op);
  for (const [name, attribute] of Object.entries(attributes))
    writer.message(5, (entry) => {
      entry.string(1, name);
      writeAttribute(entry, attribute);
    });
}

/** Field 20 is the kind of the value (AttributeProto.AttributeType). */
function writeAttribute(writer: ProtobufWriter, attribute: Attribute): void {
  if ('float' in attribute) writer.float(2, attribute.float);
  else if ('int' in attribute) writer.integer(3, attribute.int);
  else if ('string' in attribute) writer.string(4, attribute.string);
  else for (const value of attribute.ints) writer.integer(8, value);
  writer.integer(20, 'float' in attribute ? 1 : 'int' in attribute ? 2 : 'string' in attribute ? 3 : 7);
}

/** `raw_data` is little-endian, as memory is on every platform of Node. */
function writeTensor(writer: ProtobufWriter, { name, shape, data }: Initializer): void {
  const elements = shape.reduce((product, size) => product * size, 1);
  if (elements !== data.length) throw new Error(`tensor ${name}: shape [${shape.join(', ')}] does not hold ${data.length} values`);
  for (const size of shape) writer.integer(1, size);
  writer.integer(2, data instanceof Float32Array ? ELEMENT_TYPES.float32 : ELEMENT_TYPES.int64);
  writer.string(8, name);
  writer.bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function writeValueInfo(writer: ProtobufWriter, { name, type, shape }: ValueInfo): void {
  writer.string(1, name);
  writer.message(2, (valueType) => {
    valueType.message(1, (tensor) => {
      tensor.integer(1, ELEMENT_TYPES[type]);
      tensor.message(2, (dimensions) => {
        for (const size of shape)
          dimensions.message(1, (dimension) => {
            if (typeof size === 'number') dimension.integer(1, size);
            else dimension.string(2, size);
          });
      });
    });
  });
}
