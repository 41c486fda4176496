// Readers of files that engines place experts by, each from the description of its format alone: nothing of src is used. They return, by number of
// the layer as the engine counts it, counts of experts, experts of devices, or whether experts of the layer are on the CPU.

const record = (pairs: Iterable<readonly [number, number[]]>): Record<number, number[]> => Object.fromEntries(pairs);

/** exllamav3, .json: an object, the key of a layer ends in its number and the name of its module. */
export function exllamav3Json(text: string): Record<number, number[]> {
  const all = JSON.parse(text) as Record<string, number[]>;
  return record(Object.entries(all).map(([key, counts]) => [Number(key.split('.').at(-2)), counts]));
}

/** exllamav3, packed: safetensors with int64 `counts` and `ranking` of [layers, experts], and `layer_keys` as JSON in the metadata. */
export function exllamav3Packed(bytes: Uint8Array): { counts: Record<number, number[]>; ranking: Record<number, number[]> } {
  const buffer = Buffer.from(bytes);
  const length = Number(buffer.readBigUInt64LE(0));
  const header = JSON.parse(buffer.subarray(8, 8 + length).toString()) as Record<
    string,
    { shape: [number, number]; data_offsets: [number, number] }
  > & {
    __metadata__: Record<string, string>;
  };
  const keys = JSON.parse(header.__metadata__.layer_keys!) as string[];
  const matrix = (name: string): Record<number, number[]> => {
    const {
      data_offsets: [start],
      shape: [, experts],
    } = header[name]!;
    const at = (l: number, e: number) => Number(buffer.readBigInt64LE(8 + length + start + 8 * (l * experts + e)));
    return record(keys.map((key, l) => [Number(/\d+/.exec(key)![0]), Array.from({ length: experts }, (_, e) => at(l, e))]));
  };
  return { counts: matrix('counts'), ranking: matrix('ranking') };
}

/** SGLang: rows of logical_count, or of physical_to_logical_map, for all layers. */
export function sglangRows(text: string, field: 'logical_count' | 'physical_to_logical_map'): Record<number, number[]> {
  return record((JSON.parse(text) as Record<string, number[][]>)[field]!.map((row, layer) => [layer, row]));
}

/** vllm-ascend: experts by device, of each layer. */
export function ascendHomes(text: string): number[][][] {
  const { layer_list, moe_layer_count } = JSON.parse(text) as {
    moe_layer_count: number;
    layer_list: { layer_id: number; device_list: { device_expert: number[] }[] }[];
  };
  const homes: number[][][] = [];
  for (const { device_list, layer_id } of layer_list) homes[layer_id] = device_list.map(({ device_expert }) => device_expert);
  if (homes.length !== moe_layer_count) throw new Error('layers are missing');
  return homes;
}

/** Lines of layer, expert and perhaps a count, with a separator; negative layers are headers. */
export function countedLines(text: string, separator: string, experts: number): Record<number, number[]> {
  const counts: Record<number, number[]> = {};
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const [layer, expert, count = 1] = line.split(separator).map(Number) as [number, number, number?];
    if (layer < 0) continue;
    counts[layer] ??= Array<number>(experts).fill(0);
    counts[layer][expert]! += count;
  }
  return counts;
}

/** llama.cpp: blocks whose expert tensors a rule `pattern=CPU` of -ot finds, by the names of GGUF files. */
export function cpuBlocks(text: string, blocks: number): number[] {
  const words = text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join(' ')
    .split(/\s+/);
  const rules = words.flatMap((word, i) => (word === '-ot' ? words[i + 1]!.split(',') : [])).map((rule) => rule.split('='));
  const on = (block: number) =>
    ['gate', 'up', 'down'].every((part) =>
      rules.some(([pattern, device]) => device === 'CPU' && new RegExp(pattern!).test(`blk.${block}.ffn_${part}_exps.weight`)),
    );
  return Array.from({ length: blocks }, (_, block) => block).filter(on);
}
