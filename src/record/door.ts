// Exports of record to other rooms: routing recorded from real engines.

export { AnswerFile } from './answer-file.js';
export { ENGINE_BACKENDS } from './llama.js';
export { readPrompts } from './prompts.js';
export { recordThroughProxy } from './proxy.js';
export { shownAddress } from './proxy-exchange.js';
export { recordRouting } from './record.js';
