// onnxruntime-node (280 MB, optional) only to train or run a predictor.
import type * as Ort from 'onnxruntime-node';
import { type UserError, unloadable } from '../../base/errors.js';
import { importPackage, packagePath } from '../../base/host/modules.js';
import { setDefaultEnv } from '../../base/host/process.js';

export type { Ort };

/**
 * Before loading, or the library keeps a device id and events (in threads: `env: SHARE_ENV`). A user's value stands.
 */
function withoutTelemetry(): void {
  setDefaultEnv('ORT_DISABLE_TELEMETRY', '1');
}

/** @throws UserError if missing or not loadable */
export async function loadOnnxRuntime(): Promise<typeof Ort> {
  withoutTelemetry();
  try {
    const module = (await importPackage('onnxruntime-node')) as typeof Ort & { readonly default?: typeof Ort };
    return module.default ?? module;
  } catch (error) {
    throw unusable(error);
  }
}

/** Path of the runtime's module, for a worker's `require`. @throws UserError if missing */
export function runtimePath(): string {
  withoutTelemetry();
  try {
    return packagePath('onnxruntime-node');
  } catch (error) {
    throw unusable(error);
  }
}

/** Session options. A single thread, as sums depend on the number of threads (L16); no log lines on stderr. */
export const SESSION_OPTIONS: Ort.InferenceSession.SessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionProviders: ['cpu'],
  logSeverityLevel: 4,
};

/** Install command. The package's own script would fetch unused CUDA libraries, or fail. */
export const RUNTIME_INSTALL = 'npm install --ignore-scripts onnxruntime-node@1.30';

/** Error for a missing or unloadable runtime. */
export function unusable(error: unknown): UserError {
  return unloadable(error, 'onnxruntime-node', 'ONNX predictors need it', RUNTIME_INSTALL);
}
