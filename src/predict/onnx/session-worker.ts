import type { ScriptThread, ThreadPort } from '../../base/host/threads.js';
import type { TensorSignature } from './contract.js';
import type { SESSION_OPTIONS } from './runtime.js';

/** A tensor in shared memory. */
export interface SharedTensor {
  readonly name: string;
  readonly data: Float32Array | BigInt64Array;
  /** -1 stands for the rows of the call, -2 for the steps. */
  readonly shape: readonly number[];
}

/** The worker's message when ready. */
export interface Opened {
  readonly inputs: readonly TensorSignature[];
  readonly outputs: readonly TensorSignature[];
}

/** Message to the worker before the next call. */
export interface Binding {
  readonly inputs: readonly SharedTensor[];
  readonly outputs: readonly SharedTensor[];
}

/** The worker's start data. */
export interface WorkerOptions {
  readonly runtime: string;
  readonly model: string;
  readonly options: typeof SESSION_OPTIONS;
  readonly control: Int32Array;
  readonly port: ThreadPort;
}

/** Body of the worker, without outer references. Spins first: waking costs as much as a small model. */
export function serve({ given, load, receive }: ScriptThread): void {
  const { control, model, options, port, runtime } = given as WorkerOptions;
  const ort = load(runtime) as typeof import('onnxruntime-node');
  const SPINS = 20_000;
  type Tensor = InstanceType<typeof ort.Tensor>;
  /** The runtime cannot read shared memory: each call copies tensors. */
  let copies: { readonly shared: SharedTensor; readonly own: Float32Array | BigInt64Array }[] = [];
  let outputs: readonly SharedTensor[] = [];

  const answer = async (session: import('onnxruntime-node').InferenceSession, rows: number, steps: number): Promise<void> => {
    const shapeOf = (tensor: SharedTensor): number[] => tensor.shape.map((size) => (size === -1 ? rows : size === -2 ? steps : size));
    for (let message = receive(port); message !== undefined; message = receive(port)) {
      const binding = message.message as Binding;
      outputs = binding.outputs;
      copies = binding.inputs.map((shared) => ({
        shared,
        own: shared.data instanceof Float32Array ? new Float32Array(shared.data.length) : new BigInt64Array(shared.data.length),
      }));
    }
    const feeds: Record<string, Tensor> = {};
    for (const { shared, own: local } of copies) {
      const shape = shapeOf(shared);
      const elements = shape.reduce((product, size) => product * size, 1);
      if (local instanceof Float32Array) {
        local.set((shared.data as Float32Array).subarray(0, elements));
        feeds[shared.name] = new ort.Tensor('float32', local.subarray(0, elements), shape);
      } else {
        local.set((shared.data as BigInt64Array).subarray(0, elements));
        feeds[shared.name] = new ort.Tensor('int64', local.subarray(0, elements), shape);
      }
    }
    const names = outputs.map(({ name }) => name);
    const results = await session.run(feeds, names);
    for (const output of outputs) {
      const result = results[output.name]!;
      const want = shapeOf(output);
      if (result.dims.join() !== want.join()) throw new Error(`it gives ${output.name} [${result.dims}], expected [${want}]`);
      (output.data as Float32Array).set(result.data as Float32Array);
    }
  };

  const loop = async (): Promise<void> => {
    const session = await ort.InferenceSession.create(model, options);
    port.postMessage({ inputs: session.inputMetadata.map(plain), outputs: session.outputMetadata.map(plain) });
    for (;;) {
      for (let spin = 0; spin < SPINS && Atomics.load(control, 0) !== 1; spin++);
      for (let state = Atomics.load(control, 0); state !== 1; state = Atomics.load(control, 0)) Atomics.wait(control, 0, state);
      let state = 0;
      try {
        await answer(session, control[1]!, control[2]!);
      } catch (error) {
        port.postMessage(String(error instanceof Error ? error.message : error));
        state = 2;
      }
      Atomics.store(control, 0, state);
      Atomics.notify(control, 0);
    }
  };
  const plain = (info: { readonly name: string; readonly isTensor: boolean }): TensorSignature => {
    const { name, shape = [], type = 'not a tensor' } = info as { name: string; type?: string; shape?: readonly (number | string)[] };
    return { name, type, shape };
  };
  loop().catch((error: unknown) => port.postMessage(String(error instanceof Error ? error.message : error)));
}
