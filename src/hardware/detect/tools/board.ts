// The name of the board: single-board computers have it in their device tree, others in DMI. Nothing else identifies a Jetson.
import { filesOf, type Tool } from './tool.js';

/** Name of the board, without the zero byte at the end. */
export const board: Tool = {
  name: 'board',
  question: { kind: 'files', paths: ['/proc/device-tree/model', '/sys/class/dmi/id/product_name'] },
  tells: 'the name of the board',
  missing: () => false,
  read: (answer) => {
    const [name] = [...filesOf(answer).values()].map((text) => text.replace(/\0/g, '').trim()).filter((text) => text !== '');
    return name === undefined ? {} : { board: name };
  },
};
