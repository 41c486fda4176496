// onnxruntime-node, imported only if a predictor is trained or run: it has 280 MB, and most runs need none, so it may be left out (--omit=optional).
import type * as Ort from 'onnxruntime-node';
import { type UserError, unloadable } from '../../base/errors.js';
import { importPackage, packagePath } from '../../base/host/modules.js';
import { setDefaultEnv } from '../../base/host/process.js';

export type { Ort };

/** The library keeps a device id and events unless this is set before it loads (in threads: `env: SHARE_ENV`). The user's value stands. */
function withoutTelemetry(): void {
  setDefaultEnv('ORT_DISABLE_TELEMETRY', '1');
}

/** The runtime's module. @throws UserError if it is not installed, or does not load on this platform */
export async function loadOnnxRuntime(): Promise<typeof Ort> {
  withoutTelemetry();
  try {
    const module = (await importPackage('onnxruntime-node')) as typeof Ort & { readonly default?: typeof Ort };
    return module.default ?? module;
  } catch (error) {
    throw unusable(error);
  }
}

/** Path of the runtime's module, for a worker to require. @throws UserError if it is not installed */
export function runtimePath(): string {
  withoutTelemetry();
  try {
    return packagePath('onnxruntime-node');
  } catch (error) {
    throw unusable(error);
  }
}

/** Options of every session. One thread, as last bits depend on how many split a sum (L16); no log lines on stderr. */
export const SESSION_OPTIONS: Ort.InferenceSession.SessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionProviders: ['cpu'],
  logSeverityLevel: 4,
};

/** The command that installs the runtime. Its own install script would fetch CUDA libraries, which are not used here, or fail if it cannot. */
export const RUNTIME_INSTALL = 'npm install --ignore-scripts onnxruntime-node@1.30';

/** The error if the runtime is missing or does not load. */
export function unusable(error: unknown): UserError {
  return unloadable(error, 'onnxruntime-node', 'ONNX predictors need it', RUNTIME_INSTALL);
}
