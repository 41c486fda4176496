import { UserError } from '../base/errors.js';
import { attempt, newFile, temporaryFile, whatStands, writeAll } from '../base/files.js';
import { bytesOf } from '../base/host/bytes.js';
import { rmSync, truncateSync } from '../base/host/files.js';
import { InputFile } from '../base/input-file.js';
import type { OpenOptions } from '../trace/formats/format.js';
import { jsonl } from '../trace/formats/jsonl.js';
import { TraceSource } from '../trace/source.js';
import type { RoutingTrace } from '../trace/trace.js';

/** Written as each answer ends: kill -9 loses at most the last. */
export class AnswerFile {
  readonly #path: string | null;
  #fd: number | null = null;
  #bytes = 0;

  /** @param path null: an unnamed temporary file @throws UserError if an earlier recording left the file */
  constructor(path: string | null) {
    this.#path = path;
    if (path === null || whatStands(path) === null) return;
    const made = `moeprof trace convert ${path} -o NAME.safetensors`;
    throw new UserError(`${path}: holds a recording that did not end; make a trace of it (${made}), then remove it`);
  }

  /** @throws UserError if writing fails */
  add(blocks: Iterable<string>): void {
    const path = this.#path;
    const fd = (this.#fd ??= path === null ? temporaryFile() : newFile(path));
    let at = this.#bytes;
    try {
      for (const block of blocks) {
        const bytes = bytesOf(block);
        attempt(path ?? 'the recording', () => writeAll(fd, bytes, at));
        at += bytes.length;
      }
      this.#bytes = at;
    } finally {
      if (at !== this.#bytes) truncateSync(fd, this.#bytes);
    }
  }

  async trace(options: OpenOptions): Promise<RoutingTrace> {
    return jsonl.open!(new TraceSource(new InputFile(this.#path ?? 'the recording', this.#fd!)), options);
  }

  remove(): void {
    const path = this.#path;
    if (path !== null && this.#fd !== null) attempt(path, () => rmSync(path, { force: true }));
  }
}
