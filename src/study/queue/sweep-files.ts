import { messageOf } from '../../base/errors.js';
import { wireBytes } from '../../base/host/network.js';
import { chunkCount, chunksOf, type FileNote, fileNoteOf, fileNoteText } from './chunks.js';
import type { QueueServer } from './connect.js';
import type { QueueKeys } from './protocol.js';
import type { Seal } from './seal.js';
import type { CellFile } from './sent-cell.js';
import { orServerError } from './server-error.js';

/** Seconds that a file, or a refusal, stays on the server; ours. */
const FILE_KEPT_S = 86_400;
const REFUSAL_KEPT_S = 30;
/** Chunks between two heartbeats of the sweep; ours. */
const BREATH = 16;

interface FileTarget {
  readonly server: QueueServer;
  readonly keys: QueueKeys;
  readonly seal: Seal;
  tell(line: string): void;
}

/** Files of a sweep's cells, uploaded once on request, and removed when the last sweep ends. */
export class SweepFiles {
  readonly #target: FileTarget;
  /** Paths of files, by SHA-256. */
  readonly #paths = new Map<string, string>();
  readonly #sent = new Map<string, number>();

  constructor(target: FileTarget) {
    this.#target = target;
  }

  add(files: readonly CellFile[]): void {
    for (const { path, sha256 } of files) if (sha256 !== null) this.#paths.set(sha256, path);
  }

  /** @param beat heartbeat during a long upload */
  async bringWanted(beat: () => Promise<unknown>): Promise<void> {
    const { keys, seal, server } = this.#target;
    const { redis } = server;
    for (const sha256 of await redis.smembers(keys.wanted)) {
      const path = this.#paths.get(sha256);
      if (path === undefined) continue;
      const key = keys.file(sha256);
      if ((await redis.type(key)) === 'string' && fileNoteOf(sha256, await redis.get(key), seal) !== null) continue;
      await this.#bring(path, sha256, beat);
      await redis.srem(keys.wanted, sha256);
    }
  }

  async remove(): Promise<void> {
    const { keys, server } = this.#target;
    for (const [sha256, chunks] of this.#sent) {
      await server.redis.del(keys.file(sha256));
      for (let index = 0; index < chunks; index++) await server.redis.del(keys.chunk(sha256, index));
    }
  }

  async #bring(path: string, sha256: string, beat: () => Promise<unknown>): Promise<void> {
    const { keys, seal, server, tell } = this.#target;
    const { redis } = server;
    const put = (note: FileNote, kept: number) => redis.set(keys.file(sha256), fileNoteText(sha256, note, seal), 'EX', kept);
    try {
      let index = 0;
      let bytes = 0;
      for (const chunk of chunksOf(path)) {
        await redis.set(keys.chunk(sha256, index++), wireBytes(chunk), 'EX', FILE_KEPT_S);
        bytes += chunk.length;
        if (index % BREATH === 0) await beat();
      }
      await put({ bytes, chunks: chunkCount(bytes) }, FILE_KEPT_S);
      this.#sent.set(sha256, index);
    } catch (error) {
      const why = messageOf(orServerError(server.address, error));
      tell(`${path}: cannot be brought to the workers: ${why}`);
      await put({ refused: why }, REFUSAL_KEPT_S).catch(() => undefined);
    }
  }
}
