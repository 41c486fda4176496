import { messageOf, UserError, unloadable } from '../base/errors.js';
import { bytesOf, textOf } from '../base/host/bytes.js';
import { arch, availableParallelism, platform } from '../base/host/machine.js';
import { packagePath, requirePackage } from '../base/host/modules.js';
import { dirname, join } from '../base/host/paths.js';
import { readText } from '../base/input-file.js';
import { CHeader, proveLayout } from './c-header.js';
import type { Prompt } from './prompts.js';

/** Engine builds. */
export const ENGINE_BACKENDS = ['cpu', 'vulkan', 'cuda'] as const;
export type EngineBackend = (typeof ENGINE_BACKENDS)[number];

/** Installs the engine's builds (300 MB with GPU builds), headers and koffi. */
const ENGINE_INSTALL = 'npm install --ignore-scripts @fugood/llama.node@1.7 koffi@3';

/** Prompt tokens per call: llama.cpp's default n_ubatch, so a call is one pass. */
export const UBATCH = 512;

/** Bytes reserved after a struct of unproven layout. Ours; the longest struct has 150. */
const ROOM = 1024;

/** Structs passed by value or in a list, with the function and source of proven defaults. */
const STRUCTS = [
  ['llama_model_params', 'llama_model_default_params', 'src/llama-model.cpp'],
  ['llama_context_params', 'llama_context_default_params', 'src/llama-context.cpp'],
  ['llama_batch'],
  ['llama_chat_message'],
] as const;
const HEADERS = ['include/llama.h', 'ggml/include/ggml.h', 'ggml/include/ggml-backend.h'];

type CFunction = ((...given: unknown[]) => unknown) & { async(...given: unknown[]): void };
type CLibrary = { func(name: string, result: unknown, parameters: readonly unknown[]): CFunction };
type Koffi = Record<'array' | 'as' | 'load' | 'pointer' | 'proto' | 'register' | 'struct', CFunction>;

/** llama.cpp and a model through the unmodified C API, from npm. An engine fault ends the process. */
export class Llama {
  /** `22dc605 (ggml 0.18.0, @fugood/llama.node 1.7.15)`: commit and packages. */
  readonly version: string;
  readonly #koffi = requirePackage(placeOf('koffi')) as Koffi;
  readonly #header: CHeader;
  readonly #library: CLibrary;
  readonly #functions = new Map<string, CFunction>();
  #model: unknown = null;
  #vocabulary: unknown = null;

  /** @throws UserError if a package is missing, or a layout cannot be proven */
  constructor(backend: EngineBackend) {
    const native = `@fugood/node-llama-${platform}-${arch}${backend === 'cpu' ? '' : `-${backend}`}`;
    const folders = ['@fugood/llama.node', native].map((name) => dirname(placeOf(`${name}/package.json`))) as [string, string];
    const [version, built] = folders.map((folder) => (JSON.parse(readText(join(folder, 'package.json'))) as { version: string }).version);
    const text = (name: string): string => readText(join(folders[0], 'src/llama.cpp', name), 'module');
    try {
      if (version !== built) throw new UserError(`@fugood/llama.node, with its headers, is of version ${version}`);
      this.#header = new CHeader(HEADERS.map(text));
      this.#library = this.#koffi.load(join(folders[1], 'index.node'), { lazy: true }) as CLibrary;
      for (const [name, defaults, source] of STRUCTS) {
        const fields = Object.fromEntries(this.#header.struct(name));
        this.#koffi.struct(name, fields);
        if (defaults === undefined) continue;
        const roomy = this.#koffi.struct(`${name}_and_room`, { ...fields, room: this.#koffi.array('uint8_t', ROOM) });
        const { room: _, ...values } = this.#library.func(defaults, roomy, [])() as Record<string, unknown>;
        proveLayout(name, values, this.#header.defaults(text(source), defaults));
      }
    } catch (error) {
      throw new UserError(`${native} ${built} is no build that can be recorded: ${messageOf(error)}; take one that can: ${ENGINE_INSTALL}`);
    }
    this.version = `${this.call('ggml_commit')} (ggml ${this.call('ggml_version')}, @fugood/llama.node ${version})`;
  }

  /** @throws UserError without a declaration */
  call<T = unknown>(name: string, ...given: unknown[]): T {
    return this.#function(name)(...given) as T;
  }

  #function(name: string): CFunction {
    const [result, ...parameters] = this.#functions.has(name) ? [] : this.#header.prototype(name);
    if (result !== undefined) this.#functions.set(name, this.#library.func(name, result, parameters));
    return this.#functions.get(name)!;
  }

  /** In a thread. @throws UserError if loading fails */
  async open(path: string): Promise<void> {
    this.call('llama_backend_init');
    const load = this.#function('llama_model_load_from_file');
    const settings = this.call('llama_model_default_params');
    this.#model = await new Promise((done) => load.async(path, settings, (_: unknown, model: unknown) => done(model)));
    if (!this.#model) throw new UserError('the engine cannot load it');
    this.#vocabulary = this.call('llama_model_get_vocab', this.#model);
  }

  /** Token ids of a prompt. @throws UserError for a chat without a known template */
  tokens(prompt: Prompt): Int32Array {
    const text = typeof prompt === 'string' ? prompt : this.#chat(prompt);
    const fill = (ids: Int32Array): number =>
      this.call('llama_tokenize', this.#vocabulary, text, bytesOf(text).length, ids, ids.length, true, true);
    // Without space, llama_tokenize returns the negated count.
    const ids = new Int32Array(Math.abs(fill(new Int32Array(0))));
    if (ids.length === 0 || fill(ids) !== ids.length) throw new UserError('the engine finds no token in it');
    return ids;
  }

  #chat(messages: Exclude<Prompt, string>): string {
    const template = this.call('llama_model_chat_template', this.#model, null);
    const into = new Uint8Array(4096 + 2 * bytesOf(JSON.stringify(messages)).length);
    const list = this.#koffi.as(messages, 'llama_chat_message *');
    const given = [template, list, messages.length, true, into, into.length];
    const length = template ? this.call<number>('llama_chat_apply_template', ...given) : -1;
    if (length >= 0 && length <= into.length) return textOf(into.subarray(0, length));
    throw new UserError('the model has no chat template that the engine knows by itself; write a text in the place of messages');
  }

  /** C callback before (`ask`: is the result wanted?) and after each tensor. */
  listener(hear: (tensor: bigint, ask: boolean) => boolean): unknown {
    return this.#koffi.register(hear, this.#koffi.pointer(this.#koffi.proto('bool Listener(void *tensor, bool ask, void *given)')));
  }

  /**
   * Begins a text of at most `length` tokens. @param listener null: no callback
   * @returns `read` of at most {@link UBATCH} tokens, and `draw` of one (null: the text ends)
   * @throws UserError if memory does not suffice, or the engine fails
   */
  begin(length: number, seed: number, listener: unknown) {
    const threads = availableParallelism();
    const sizes = { n_ctx: length, n_batch: UBATCH, n_ubatch: UBATCH, n_threads: threads, n_threads_batch: threads };
    const settings = { ...this.call<object>('llama_context_default_params'), ...sizes, cb_eval: listener };
    const context = this.call('llama_init_from_model', this.#model, settings);
    if (!context) throw new UserError(`the engine has no memory for ${length} tokens; take fewer --tokens`);
    const sampler = this.call('llama_sampler_init_dist', seed);
    return {
      read: (tokens: Int32Array, last: boolean): void => {
        const logits = new Int8Array(tokens.length);
        if (last) logits[tokens.length - 1] = 1;
        const batch = { n_tokens: tokens.length, token: tokens, embd: null, pos: null, n_seq_id: null, seq_id: null, logits };
        const failed = this.call('llama_decode', context, batch);
        if (failed !== 0) throw new UserError(`the engine's llama_decode fails with ${failed}`);
      },
      draw: (): number | null => {
        const token = this.call<number>('llama_sampler_sample', sampler, context, -1);
        return this.call('llama_vocab_is_eog', this.#vocabulary, token) ? null : token;
      },
      free: (): void => {
        this.call('llama_sampler_free', sampler);
        this.call('llama_free', context);
      },
    };
  }
}

function placeOf(name: string): string {
  try {
    return packagePath(name);
  } catch (error) {
    throw unloadable(
      error,
      name.replace('/package.json', ''),
      'record needs it',
      `${ENGINE_INSTALL} (or NODE_PATH, where it lies elsewhere)`,
    );
  }
}
