// Public interface of the room.
export type { Anatomy, ContextMemory, Tensor } from './anatomy.js';
export { GGUF_MAGIC, ggufHeaderOf } from './gguf-header.js';
export { isHubAddress, parseHubAddress } from './hub/address.js';
export { type MeantModel, meantAddress, meantModel } from './hub/bundled.js';
export { hubServer, UnreachableHub } from './hub/client.js';
export { fetchHubModel } from './hub/fetch.js';
export { type PublishedFile, promisedFile, promisedTag, publishedFile } from './hub/published.js';
export { hubFolder } from './hub/store.js';
export type { Container, Stored } from './hub/stored.js';
export { parseJson } from './json.js';
export { isKvFormat, parseKvFormat, withKvFormat } from './kv-format.js';
export { type Fit, inspectModel, type ModelInspection } from './load/inspect.js';
export { loadModel, loadProfile, loadRouting, meantOf, type OpenModel, openModel } from './load/load.js';
export { measuredModel } from './load/measured.js';
export { assemble } from './parts.js';
export { ModelProfileSchema } from './profile.js';
export { CPU_PROJECTIONS, type CpuProjections, type ExpertSplit, isSeparable, projectionTensors, splitExperts } from './projections.js';
export { type ModelQuality, qualityOf } from './quality.js';
export { FORMAT_FAMILIES, type KernelFormat } from './quantization/formats/format.js';
export { KERNEL_FORMATS, kernelFormat } from './quantization/formats/index.js';
export { findQuantization, QUANTIZATIONS } from './quantization/index.js';
export { readLabel } from './quantization/label.js';
export type { Quantization, TensorRole } from './quantization/rule.js';
export { dynamicLike } from './quantization/unsloth.js';
export { dataOffsets, looksLikeSafetensors, safetensorsHeader } from './safetensors.js';
export { SHAPE, shapedModel } from './shape.js';
export type { AttentionSpec, DenseSegment, FormatShare, ModelSpec, MoeLayer } from './spec.js';
export {
  bitsPerWeight,
  decoderLayerOf,
  decoderLayers,
  expertBytesTotal,
  expertSizes,
  mainFormat,
  mostExperts,
  mostTopK,
  scaleFormats,
  tokenCycleBytes,
  weightBytes,
  withExpertBytes,
} from './spec.js';
export { modelProfile, modelText } from './table.js';
