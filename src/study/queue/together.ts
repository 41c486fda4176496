// Commands of one turn of the event loop, as one message to the server: cells come back from a process several at a time, and each message
// would wake server and worker once more.

import type { Redis } from 'ioredis';
import { afterThis } from '../../base/host/clock.js';
import { answersTo } from './cut-off.js';

/** A command and its arguments. It must bear repetition, since the server may go before it answers. */
export type ServerCommand = readonly [name: string, ...given: (string | number | Uint8Array)[]];

interface Message {
  readonly commands: ServerCommand[];
  readonly answers: Promise<readonly (readonly [Error | null, unknown])[]>;
}

/** Gathers the commands of one turn. */
export class Together {
  readonly #redis: Redis;
  #message: Message | null = null;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** The server's answers, in the order of the commands. @throws Error the first refusal */
  async ask(...commands: readonly ServerCommand[]): Promise<unknown[]> {
    const message = (this.#message ??= this.#begin());
    const from = message.commands.length;
    message.commands.push(...commands);
    const answers = (await message.answers).slice(from, from + commands.length);
    return answers.map(([error, answer]) => {
      if (error !== null) throw error;
      return answer;
    });
  }

  #begin(): Message {
    const commands: ServerCommand[] = [];
    const answers = new Promise<void>((resolve) => afterThis(resolve)).then(async () => {
      this.#message = null;
      const answered = await answersTo(() => this.#redis.pipeline(commands.map((command) => [...command])));
      this.#gatherNext();
      return answered;
    });
    return { commands, answers };
  }

  /** Resumes everybody who waited in one turn, so that their next commands make one message, too. */
  #gatherNext(): void {
    const { stream } = this.#redis;
    if (stream === undefined) return;
    stream.cork();
    afterThis(() => stream.uncork());
  }
}
