/** A model whose file is written as llama.cpp's loader wants it. */
export interface LabShape {
  readonly model: string;
  readonly architecture: string;
  readonly label: string;
}
export const SHAPES: readonly LabShape[];
/** Metadata and tensors before quantization: shapes innermost first, types f16 and f32. */
export function tableOf(shape: LabShape): {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly tensors: readonly { readonly name: string; readonly shape: readonly number[]; readonly type: string }[];
};
